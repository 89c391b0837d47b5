//! A consumer whose records are acknowledged one by one, in any order.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tokio::time::Instant;

use super::delivery::{Delivery, Payload, Receipt};
use super::shared::Shared;
use super::work::Tracking;
use super::{Consumer, ConsumerBuilder, ConsumerHandle, ConsumerRecord, Received, TopicPartition};
use crate::env::Env;
use crate::error::{Error, ErrorKind};
use crate::health::Subject;
use crate::record::{HasTopic, KafkaRecord};

/// By default, the most records from the first in work to the last handed out, of a partition.
pub(crate) const MAX_UNACKED: usize = 10_000;

/// How often it is looked for records that are in work for long.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Starts an [`AckConsumer`]. Made by [`ConsumerBuilder::manual_ack`] and
/// [`TypedConsumerBuilder::manual_ack`](super::TypedConsumerBuilder::manual_ack).
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct AckConsumerBuilder<R> {
    builder: ConsumerBuilder,
    payload: PhantomData<fn() -> R>,
}

/// Reads records that are acknowledged one by one, in any order and from any task. See
/// [`Consumer`] for all else.
///
/// What is committed of a partition, in the background, is everything before its first record in work.
/// So a record that was acknowledged may come again after a restart, if one before it was not; none
/// that was not acknowledged is ever skipped. Before a partition goes to another member, what is in
/// work of it is waited for, [`revoke_timeout`](AckConsumerBuilder::revoke_timeout) at most.
///
/// ```no_run
/// # async fn run(kafka: kafka_client::Kafka) -> Result<(), kafka_client::Error> {
/// let orders = kafka.consumer("billing").manual_ack();
/// let mut orders = orders.subscribe(["orders"]).await?;
/// loop {
///     let order = orders.recv().await?;
///     tokio::spawn(async move {
///         // .. work on `order.value()`
///         order.ack();
///     });
/// }
/// # }
/// ```
pub struct AckConsumer<R> {
    pub(super) consumer: Consumer,
    tracking: Arc<Tracking>,
    payload: PhantomData<fn() -> R>,
}

impl<R: Payload> AckConsumerBuilder<R> {
    pub(super) fn new(builder: ConsumerBuilder) -> Self {
        Self {
            builder: builder.max_unacked(MAX_UNACKED),
            payload: PhantomData,
        }
    }

    /// The most records of a partition from the first in work to the last that was handed out: beyond,
    /// nothing more of this partition is handed out until that first one is acknowledged. So many may
    /// come again after a restart. At least 1. Defaults to 10,000.
    pub fn max_unacked(mut self, records: usize) -> Self {
        self.builder = self.builder.max_unacked(records);
        self
    }

    /// How long what is in work of a partition is waited for before it goes to another member: what is
    /// not acknowledged by then is handed out again there. The group waits meanwhile, so it is
    /// `max.poll.interval.ms` at most. Defaults to 30 seconds.
    pub fn revoke_timeout(mut self, limit: Duration) -> Self {
        self.builder = self.builder.revoke_timeout(limit);
        self
    }

    /// For another member of the same program.
    pub(crate) fn another_instance(mut self, name: &str) -> Self {
        self.builder = self.builder.another_instance(name);
        self
    }

    /// As [`ConsumerBuilder::subscribe`].
    ///
    /// # Errors
    /// As [`ConsumerBuilder::subscribe`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn subscribe<I, S>(self, topics: I) -> Result<AckConsumer<R>, Error>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        self.builder.subscribe(topics).await.map(AckConsumer::new)
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
    ) -> Result<AckConsumer<R>, Error> {
        let consumer = self.builder.subscribe_matching(matches).await;
        consumer.map(AckConsumer::new)
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
    ) -> Result<AckConsumer<R>, Error> {
        self.builder.assign(partitions).await.map(AckConsumer::new)
    }
}

impl<T: HasTopic + KafkaRecord + Send + 'static> AckConsumerBuilder<Received<T>> {
    /// Starts a member of the group that shares the type's topic with the others.
    ///
    /// # Errors
    /// As [`ConsumerBuilder::subscribe`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn start(self) -> Result<AckConsumer<Received<T>>, Error> {
        self.subscribe([T::TOPIC_NAME]).await
    }
}

impl<R: Payload> AckConsumer<R> {
    fn new(consumer: Consumer) -> Self {
        let shared = consumer.handle.shared();
        let tracking = shared
            .tracking
            .clone()
            .expect("its builder has set how much may be in work");
        shared.spawn(watch_loop(
            shared.env().clone(),
            shared.weak.clone(),
            tracking.clone(),
        ));
        Self {
            consumer,
            tracking,
            payload: PhantomData,
        }
    }

    /// The next record. Waits until there is one.
    ///
    /// # Errors
    /// As [`Consumer::recv`], and [`ErrorKind::Serialization`](crate::ErrorKind::Serialization) for a
    /// record that is not of the type: it counts as acknowledged, and [`Error::record`] has it.
    ///
    /// # Cancel safety
    /// Cancel safe: no record is lost.
    pub async fn recv(&mut self) -> Result<Delivery<R>, Error> {
        let receiving = self.consumer.reader.receiving();
        std::future::poll_fn(|cx| poll(receiving.0, &self.tracking, cx)).await
    }

    /// A handle for calls from elsewhere.
    #[must_use]
    pub fn handle(&self) -> ConsumerHandle {
        self.consumer.handle()
    }

    /// Waits for what is in work, for a third of the time at most, then as [`Consumer::close`].
    ///
    /// # Errors
    /// As [`Consumer::close`].
    ///
    /// # Cancel safety
    /// As [`Consumer::close`].
    pub async fn close(self) -> Result<(), Error> {
        self.consumer.close().await
    }

    /// As [`AckConsumer::close`], with another limit.
    ///
    /// # Errors
    /// As [`Consumer::close_within`].
    ///
    /// # Cancel safety
    /// As [`Consumer::close`].
    pub async fn close_within(self, limit: Duration) -> Result<(), Error> {
        self.consumer.close_within(limit).await
    }
}

fn poll<R: Payload>(
    reader: &mut super::reader::Reader,
    tracking: &Tracking,
    cx: &mut Context<'_>,
) -> Poll<Result<Delivery<R>, Error>> {
    // Those that were handed back come first: they hold up what is behind them.
    let returned = tracking.take_back();
    if returned.is_none() {
        let polled = reader.poll_delivery(cx, |record, receipt| delivery(record, receipt, 1));
        if polled.is_ready() {
            return polled;
        }
    }
    // One may have been handed back before there was a waker to be woken by it.
    let Some((record, receipt, attempt)) = returned.or_else(|| tracking.take_back()) else {
        return Poll::Pending;
    };
    reader.enter();
    Poll::Ready(delivery(record, receipt, attempt))
}

#[inline(always)]
fn delivery<R: Payload>(
    record: ConsumerRecord,
    receipt: Receipt,
    attempt: u32,
) -> Result<Delivery<R>, Error> {
    match R::from_record(record) {
        Ok(payload) => Ok(Delivery::new(payload, receipt, attempt)),
        Err(error) => {
            receipt.ack();
            Err(error)
        }
    }
}

impl<R: Payload> Stream for AckConsumer<R> {
    type Item = Result<Delivery<R>, Error>;

    /// As [`AckConsumer::recv`]. The stream ends after an error for which [`Error::is_fatal`] holds.
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.consumer.ended {
            return Poll::Ready(None);
        }
        let polled = poll(&mut this.consumer.reader, &this.tracking, cx);
        if let Poll::Ready(Err(error)) = &polled {
            this.consumer.ended = error.is_fatal();
        }
        polled.map(Some)
    }
}

impl<R> fmt::Debug for AckConsumer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AckConsumer").field(&self.consumer).finish()
    }
}

/// Has the user and the sources look again when a partition of which much was in work may be read
/// again, or a record was handed back. Each second it looks for records that are in work for long.
async fn watch_loop(env: Env, shared: Weak<Shared>, tracking: Arc<Tracking>) {
    let mut troubles = BTreeMap::new();
    let mut next_look = env.after(LOOK_INTERVAL);
    loop {
        let is_news = tokio::select! {
            biased;
            () = tracking.news.notified() => true,
            () = env.sleep_until(next_look) => false,
        };
        let Some(shared) = shared.upgrade() else {
            return;
        };
        if is_news {
            // Records that were handed back concern the user alone.
            if tracking.has_made_room() {
                shared.state().positions.touch_all();
                shared.positions_changed();
            } else {
                shared.wake_user();
            }
            continue;
        }
        let now = env.now();
        next_look = now + LOOK_INTERVAL;
        let late = late(&shared, now);
        troubles.retain(|partition, _| late.contains_key(partition));
        for (partition, (offset, is_dropped)) in late {
            let why = match is_dropped {
                true => "was dropped without an acknowledgement".to_owned(),
                false => {
                    let long = shared.config.work_long;
                    format!("was handed out {long:?} ago or earlier, and is not acknowledged")
                }
            };
            let error = Error::new(
                ErrorKind::Timeout,
                format!("the record at offset {offset} {why}: nothing behind it is committed"),
            )
            .at_partition(&partition.topic, partition.partition);
            let trouble = troubles.entry(partition).or_insert_with_key(|partition| {
                let TopicPartition { topic, partition } = partition.clone();
                shared
                    .cluster
                    .health
                    .watch(Subject::InWork { topic, partition })
            });
            trouble.failed(&error);
        }
    }
}

/// The partitions whose oldest record is in work for long, or was dropped: its offset, and which of the two.
fn late(shared: &Shared, now: Instant) -> BTreeMap<TopicPartition, (i64, bool)> {
    let mut late = BTreeMap::new();
    for (partition, slot) in shared.state().positions.iter() {
        let Some(work) = slot.assigned.work() else {
            continue;
        };
        let mut ledger = work.ledger();
        let is_stuck = ledger.is_stuck();
        let is_late = ledger
            .age(now)
            .is_some_and(|age| age >= shared.config.work_long);
        if let Some(offset) = ledger.oldest().filter(|_| is_late || is_stuck) {
            late.insert(partition.clone(), (offset, is_stuck));
        }
    }
    late
}

impl ConsumerBuilder {
    /// Has records acknowledged one by one, in any order, instead of being committed in the order they
    /// are handed out.
    pub fn manual_ack(self) -> AckConsumerBuilder<ConsumerRecord> {
        AckConsumerBuilder::new(self)
    }
}
