//! A consumer of one type of records.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use super::{
    AckConsumerBuilder, Consumer, ConsumerBuilder, ConsumerHandle, PartitionStreamsBuilder,
    PendingCommit, TopicPartition,
};
use crate::error::{Error, ErrorKind};
use crate::record::{ConsumerRecord, HasTopic, KafkaRecord};

/// Starts a [`TypedConsumer`]. Made by [`ConsumerBuilder::topic`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct TypedConsumerBuilder<T> {
    builder: ConsumerBuilder,
    record: PhantomData<fn() -> T>,
}

impl<T: HasTopic> TypedConsumerBuilder<T> {
    pub(crate) fn new(builder: ConsumerBuilder) -> Self {
        Self {
            builder,
            record: PhantomData,
        }
    }

    /// Has records acknowledged one by one, in any order, instead of being committed in the order they
    /// are handed out.
    pub fn manual_ack(self) -> AckConsumerBuilder<Received<T>>
    where
        T: KafkaRecord + Send + 'static,
    {
        AckConsumerBuilder::new(self.builder)
    }

    /// Has each partition read apart, by a stream of its own.
    pub fn partition_streams(self) -> PartitionStreamsBuilder<Received<T>>
    where
        T: KafkaRecord + Send + 'static,
    {
        PartitionStreamsBuilder::new(self.builder)
    }

    /// Starts a member of the group that shares the type's topic with the others.
    ///
    /// # Errors
    /// As [`ConsumerBuilder::subscribe`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn start(self) -> Result<TypedConsumer<T>, Error>
    where
        T: KafkaRecord,
    {
        self.subscribe([T::TOPIC_NAME]).await
    }

    /// As [`ConsumerBuilder::subscribe_as`]: for other topics than the type's.
    ///
    /// # Errors
    /// As [`ConsumerBuilder::subscribe`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn subscribe<I, S>(self, topics: I) -> Result<TypedConsumer<T>, Error>
    where
        T: KafkaRecord,
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        self.builder.subscribe_as(topics).await
    }

    /// As [`ConsumerBuilder::subscribe_matching_as`].
    ///
    /// # Errors
    /// As [`ConsumerBuilder::subscribe_matching`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn subscribe_matching(
        self,
        matches: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<TypedConsumer<T>, Error>
    where
        T: KafkaRecord,
    {
        self.builder.subscribe_matching_as(matches).await
    }

    /// As [`ConsumerBuilder::assign_as`].
    ///
    /// # Errors
    /// As [`ConsumerBuilder::assign`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn assign(
        self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<TypedConsumer<T>, Error>
    where
        T: KafkaRecord,
    {
        self.builder.assign_as(partitions).await
    }
}

/// Reads records of one type. See [`Consumer`].
pub struct TypedConsumer<T> {
    consumer: Consumer,
    record: PhantomData<fn() -> T>,
}

/// A decoded record, with the one it was decoded from.
#[derive(Debug, Clone, PartialEq)]
pub struct Received<T> {
    value: T,
    record: ConsumerRecord,
}

impl<T> Received<T> {
    /// The record that it was decoded from: topic, partition, offset, headers, bytes.
    #[must_use]
    pub fn record(&self) -> &ConsumerRecord {
        &self.record
    }

    /// The value alone.
    #[must_use]
    pub fn into_value(self) -> T {
        self.value
    }

    /// The record alone.
    #[must_use]
    pub fn into_record(self) -> ConsumerRecord {
        self.record
    }
}

impl<T> Deref for Received<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: KafkaRecord> TypedConsumer<T> {
    pub(crate) fn new(consumer: Consumer) -> Self {
        Self {
            consumer,
            record: PhantomData,
        }
    }

    /// The next record, decoded.
    ///
    /// # Errors
    /// [`ErrorKind::Serialization`] for a record that is not of this type, which [`Error::record`] has;
    /// the next call goes on behind it. Else as [`Consumer::recv`].
    ///
    /// # Cancel safety
    /// Cancel safe: no record is lost.
    pub async fn recv(&mut self) -> Result<Received<T>, Error> {
        decode(self.consumer.recv().await)
    }

    /// As [`Consumer::poll`], each record decoded. One that is not of this type is
    /// [`ErrorKind::Serialization`], in its place, and [`Error::record`] has it.
    ///
    /// # Errors
    /// As [`Consumer::poll`].
    ///
    /// # Cancel safety
    /// Cancel safe: no record is lost.
    pub async fn poll(
        &mut self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Result<Received<T>, Error>>, Error> {
        let records = self.consumer.poll(max, wait).await?;
        Ok(records.into_iter().map(Received::decode).collect())
    }

    /// As [`Consumer::handle`].
    #[must_use]
    pub fn handle(&self) -> ConsumerHandle {
        self.consumer.handle()
    }

    /// As [`Consumer::commit`].
    ///
    /// # Errors
    /// As [`Consumer::commit`].
    ///
    /// # Cancel safety
    /// Dropping the future does not take the commit back.
    pub async fn commit(&self) -> Result<(), Error> {
        self.consumer.commit().await
    }

    /// As [`Consumer::commit_async`].
    pub fn commit_async(&self) -> PendingCommit {
        self.consumer.commit_async()
    }

    /// As [`Consumer::close`].
    ///
    /// # Errors
    /// As [`Consumer::close`].
    ///
    /// # Cancel safety
    /// As [`Consumer::close`].
    pub async fn close(self) -> Result<(), Error> {
        self.consumer.close().await
    }

    /// As [`Consumer::close_within`].
    ///
    /// # Errors
    /// As [`Consumer::close_within`].
    ///
    /// # Cancel safety
    /// As [`Consumer::close_within`].
    pub async fn close_within(self, limit: Duration) -> Result<(), Error> {
        self.consumer.close_within(limit).await
    }
}

impl<T: KafkaRecord> Stream for TypedConsumer<T> {
    type Item = Result<Received<T>, Error>;

    /// As [`TypedConsumer::recv`]. The stream ends after an error for which [`Error::is_fatal`] holds.
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.consumer).poll_next(cx);
        next.map(|next| next.map(decode))
    }
}

impl<T> fmt::Debug for TypedConsumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedConsumer")
            .field(&self.consumer)
            .finish()
    }
}

impl<T: KafkaRecord> Received<T> {
    pub(crate) fn decode(record: ConsumerRecord) -> Result<Self, Error> {
        match record.decode() {
            Ok(value) => Ok(Self { value, record }),
            Err(error) => Err(Error::new(ErrorKind::Serialization, error.to_string())
                .with_source(error)
                .at_partition(record.shared_topic(), record.partition())
                .with_record(record)),
        }
    }
}

fn decode<T: KafkaRecord>(record: Result<ConsumerRecord, Error>) -> Result<Received<T>, Error> {
    record.and_then(Received::decode)
}
