//! A consumer whose partitions are read apart, each by a stream of its own, which may go to a task.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use super::delivery::{Payload, Receipt};
use super::position::Assigned;
use super::queues::Queues;
use super::reader::Reader;
use super::shared::{Shared, State};
use super::{
    AckConsumerBuilder, Consumer, ConsumerBuilder, ConsumerHandle, Received, TopicPartition,
};
use crate::error::Error;
use crate::record::{HasTopic, KafkaRecord};

/// Starts [`PartitionStreams`]. Made by [`ConsumerBuilder::partition_streams`] and
/// [`TypedConsumerBuilder::partition_streams`](super::TypedConsumerBuilder::partition_streams).
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct PartitionStreamsBuilder<R> {
    builder: AckConsumerBuilder<R>,
}

/// Gives a stream for each partition that is assigned. See [`Consumer`] for all else.
///
/// A stream hands out its partition's records in order; asking it for the next one says that the last one
/// is processed, and may be committed. It ends when the partition goes to another member, which waits
/// until the record at hand is done with, [`revoke_timeout`](PartitionStreamsBuilder::revoke_timeout) at
/// most. One stream does not wait for another: each has its part of the buffer.
///
/// A stream that is dropped before its end is given anew, from the record at hand on.
///
/// ```no_run
/// # async fn bill(order: kafka_client::record::ConsumerRecord) {}
/// # async fn run(kafka: kafka_client::Kafka) -> Result<(), kafka_client::Error> {
/// let orders = kafka.consumer("billing").partition_streams();
/// let mut orders = orders.subscribe(["orders"]).await?;
/// loop {
///     let mut partition = orders.recv().await?;
///     tokio::spawn(async move {
///         while let Some(order) = partition.recv().await {
///             bill(order?).await;
///         }
///         Ok::<_, kafka_client::Error>(())
///     });
/// }
/// # }
/// ```
pub struct PartitionStreams<R> {
    consumer: Consumer,
    streams: Streams,
    ended: bool,
    payload: PhantomData<fn() -> R>,
}

/// All streams of a consumer, which end when this is dropped.
struct Streams(Arc<Shared>);

impl Drop for Streams {
    fn drop(&mut self) {
        self.0.streams_ended.store(true, Ordering::Release);
        self.0.wake_user();
    }
}

/// The records of one partition, in order. Given by [`PartitionStreams`].
#[must_use = "its partition is read by nobody else"]
pub struct PartitionStream<R> {
    shared: Arc<Shared>,
    assigned: Arc<Assigned>,
    reader: Reader,
    /// The record that was given last.
    at_hand: Option<AtHand>,
    ended: bool,
    payload: PhantomData<fn() -> R>,
}

/// A record that was given, and not asked beyond.
struct AtHand {
    receipt: Receipt,
    offset: i64,
    /// How often the position had been moved then.
    moves: u64,
}

impl<R: Payload> PartitionStreamsBuilder<R> {
    pub(super) fn new(mut builder: ConsumerBuilder) -> Self {
        builder.read_apart();
        Self {
            builder: AckConsumerBuilder::new(builder),
        }
    }

    /// How long the record at hand is waited for before its partition goes to another member: if its
    /// stream is not asked for the next one by then, it is handed out again there. The group waits
    /// meanwhile, so it is `max.poll.interval.ms` at most. Defaults to 30 seconds.
    pub fn revoke_timeout(mut self, limit: Duration) -> Self {
        self.builder = self.builder.revoke_timeout(limit);
        self
    }

    /// As [`ConsumerBuilder::subscribe`].
    ///
    /// # Errors
    /// As [`ConsumerBuilder::subscribe`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn subscribe<I, S>(self, topics: I) -> Result<PartitionStreams<R>, Error>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let consumer = self.builder.subscribe(topics).await?;
        Ok(PartitionStreams::new(consumer.consumer))
    }

    /// As [`ConsumerBuilder::subscribe_matching`].
    ///
    /// # Errors
    /// As [`ConsumerBuilder::subscribe_matching`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn subscribe_matching(
        self,
        matches: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<PartitionStreams<R>, Error> {
        let consumer = self.builder.subscribe_matching(matches).await?;
        Ok(PartitionStreams::new(consumer.consumer))
    }

    /// As [`ConsumerBuilder::assign`].
    ///
    /// # Errors
    /// As [`ConsumerBuilder::assign`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn assign(
        self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<PartitionStreams<R>, Error> {
        let consumer = self.builder.assign(partitions).await?;
        Ok(PartitionStreams::new(consumer.consumer))
    }
}

impl<T: HasTopic + KafkaRecord + Send + 'static> PartitionStreamsBuilder<Received<T>> {
    /// Starts a member of the group that shares the type's topic with the others.
    ///
    /// # Errors
    /// As [`ConsumerBuilder::subscribe`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn start(self) -> Result<PartitionStreams<Received<T>>, Error> {
        self.subscribe([T::TOPIC_NAME]).await
    }
}

impl<R: Payload> PartitionStreams<R> {
    fn new(consumer: Consumer) -> Self {
        Self {
            streams: Streams(consumer.handle.shared().clone()),
            consumer,
            ended: false,
            payload: PhantomData,
        }
    }

    /// The stream of the next partition that has none. Waits until there is one, so it is to be called
    /// again for as long as the consumer lives.
    ///
    /// # Errors
    /// As [`Consumer::recv`], but for those that a stream gives of its records.
    ///
    /// # Cancel safety
    /// Cancel safe: no stream is lost.
    pub async fn recv(&mut self) -> Result<PartitionStream<R>, Error> {
        let Self {
            consumer, streams, ..
        } = self;
        let receiving = consumer.reader.receiving();
        std::future::poll_fn(|cx| streams.poll_next(receiving.0, cx)).await
    }

    /// A handle for calls from elsewhere.
    #[must_use]
    pub fn handle(&self) -> ConsumerHandle {
        self.consumer.handle()
    }

    /// Ends all streams, waits for the records at hand, for a third of the time at most, then as
    /// [`Consumer::close`].
    ///
    /// # Errors
    /// As [`Consumer::close`].
    ///
    /// # Cancel safety
    /// As [`Consumer::close`].
    pub async fn close(self) -> Result<(), Error> {
        self.close_within(super::group::CLOSE_LIMIT).await
    }

    /// As [`PartitionStreams::close`], with another limit.
    ///
    /// # Errors
    /// As [`Consumer::close_within`].
    ///
    /// # Cancel safety
    /// As [`Consumer::close`].
    pub async fn close_within(self, limit: Duration) -> Result<(), Error> {
        drop(self.streams);
        self.consumer.close_within(limit).await
    }
}

impl Streams {
    fn poll_next<R>(
        &self,
        reader: &mut Reader,
        cx: &mut Context<'_>,
    ) -> Poll<Result<PartitionStream<R>, Error>> {
        // First, so that whatever is assigned later wakes it.
        if let Poll::Ready(error) = reader.poll_error(cx) {
            return Poll::Ready(Err(error));
        }
        match self.0.next_untaken() {
            Some(assigned) => Poll::Ready(Ok(PartitionStream {
                reader: Reader::new(self.0.clone(), Some(assigned.clone())),
                shared: self.0.clone(),
                assigned,
                at_hand: None,
                ended: false,
                payload: PhantomData,
            })),
            None => Poll::Pending,
        }
    }
}

impl<R: Payload> Stream for PartitionStreams<R> {
    type Item = Result<PartitionStream<R>, Error>;

    /// As [`PartitionStreams::recv`]. The stream ends after an error for which [`Error::is_fatal`] holds.
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        let polled = this.streams.poll_next(&mut this.consumer.reader, cx);
        if let Poll::Ready(Err(error)) = &polled {
            self.ended = error.is_fatal();
        }
        polled.map(Some)
    }
}

impl<R: Payload> PartitionStream<R> {
    /// The partition.
    #[must_use]
    pub fn partition(&self) -> &TopicPartition {
        &self.assigned.partition
    }

    /// The next record, which says that the last one is processed. Waits until there is one; `None` when
    /// the partition has gone, or the consumer has ended.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptRecords`](crate::ErrorKind::CorruptRecords), after which nothing comes before a
    /// seek. [`ErrorKind::Serialization`](crate::ErrorKind::Serialization) for a record that is not of the
    /// type: it counts as processed, and [`Error::record`] has it. One for which [`Error::is_fatal`] holds is
    /// the last.
    ///
    /// # Cancel safety
    /// Cancel safe: no record is lost.
    pub async fn recv(&mut self) -> Option<Result<R, Error>> {
        let asking = Asking(self);
        std::future::poll_fn(|cx| asking.0.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<R, Error>>> {
        if let Some(done) = self.at_hand.take() {
            done.receipt.ack();
        }
        if self.ended || self.has_ended() {
            return Poll::Ready(None);
        }
        let Self {
            reader,
            assigned,
            at_hand,
            ..
        } = self;
        let polled = reader.poll_delivery(cx, |record, receipt| {
            let (offset, moves) = (record.offset(), assigned.moves());
            match R::from_record(record) {
                Ok(payload) => {
                    *at_hand = Some(AtHand {
                        receipt,
                        offset,
                        moves,
                    });
                    Ok(payload)
                }
                Err(error) => {
                    receipt.ack();
                    Err(error)
                }
            }
        });
        match polled {
            Poll::Ready(Ok(payload)) => Poll::Ready(Some(Ok(payload))),
            Poll::Ready(Err(error)) => {
                self.ended = error.is_fatal();
                Poll::Ready(Some(Err(error)))
            }
            // It may have ended before there was a waker to be woken by that.
            Poll::Pending if self.has_ended() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// A call for a record. When it ends, or is dropped, the user no longer waits.
struct Asking<'a, R>(&'a mut PartitionStream<R>);

impl<R> Drop for Asking<'_, R> {
    fn drop(&mut self) {
        self.0.reader.stop_waiting();
    }
}

impl<R> PartitionStream<R> {
    fn has_ended(&self) -> bool {
        !self.assigned.is_owned() || self.shared.streams_ended.load(Ordering::Acquire)
    }
}

impl<R: Payload> Stream for PartitionStream<R> {
    type Item = Result<R, Error>;

    /// As [`PartitionStream::recv`].
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}

impl<R> Drop for PartitionStream<R> {
    fn drop(&mut self) {
        self.reader.finish();
        let has_ended = self.has_ended();
        let at_hand = self.at_hand.take();
        let at_hand = at_hand.map(|at_hand| (at_hand.offset, at_hand.moves));
        self.shared.leave_queue(&self.assigned, at_hand, has_ended);
    }
}

impl Shared {
    /// A partition that no stream reads yet; one does from now on.
    fn next_untaken(&self) -> Option<Arc<Assigned>> {
        let mut guard = self.state();
        let state = &mut *guard;
        let queues = state.queues.as_mut()?;
        let mut former = Vec::new();
        for (_, slot) in state.positions.iter() {
            former.extend(queues.add(&slot.assigned));
        }
        let untaken = queues.next_untaken();
        for fetched in former {
            self.give_back(state, fetched.bytes);
        }
        untaken
    }

    /// The stream of a partition is no more. If that is still owned, another one begins where it was: at
    /// the record at hand, unless the user has sought elsewhere since.
    fn leave_queue(&self, assigned: &Arc<Assigned>, at_hand: Option<(i64, u64)>, has_ended: bool) {
        {
            let mut guard = self.state();
            let state = &mut *guard;
            let Some(queues) = &mut state.queues else {
                return;
            };
            for fetched in queues.leave(assigned) {
                self.give_back(state, fetched.bytes);
            }
            let slot = state.positions.get_mut(&assigned.partition);
            let slot = slot.filter(|slot| Arc::ptr_eq(&slot.assigned, assigned));
            if let Some(slot) = slot.filter(|_| !has_ended) {
                slot.has_enough = false;
                let offset = match at_hand {
                    Some((offset, moves)) if moves == assigned.moves() => offset,
                    _ => assigned.position(),
                };
                state.positions.go_back(&assigned.partition, offset);
            }
        }
        self.positions_changed();
    }

    /// Partitions have gone: what waits for streams that they never had is dropped.
    pub(super) fn forget_queues(&self, state: &mut State) {
        let gone = state.queues.as_mut().map(Queues::forget_gone);
        for fetched in gone.unwrap_or_default() {
            self.give_back(state, fetched.bytes);
        }
    }
}

impl<R> fmt::Debug for PartitionStreams<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PartitionStreams")
            .field(&self.consumer)
            .finish()
    }
}

impl<R> fmt::Debug for PartitionStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PartitionStream")
            .field(&self.assigned.partition)
            .finish()
    }
}
