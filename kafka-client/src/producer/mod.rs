//! Producing records.
//!
//! ```text
//! Producer::send -> topic -> partitioner -> partition: open batch -> sink of the leader
//!                                              |                         |
//! Delivery <- completion of the batch <- window of sent batches <- answers in order
//! ```
//!
//! A record is encoded into its partition's open batch on the caller's task. The batch is due when
//! it has `batch.size` bytes, has lingered for `linger.ms`, somebody waits for it, or memory is
//! short. A due batch that cannot be sent yet keeps growing, up to `max.request.size`: batches are
//! small when there is little to do, and large under load or latency.

mod budget;
mod builder;
mod config;
mod delivery;
mod forward;
mod identity;
pub mod keys;
mod pace;
mod partition;
mod partitioner;
mod patience;
mod record_sink;
mod request;
mod shared;
mod sink;
mod telling;
mod topic;
mod undelivered;
mod window;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use builder::ProducerBuilder;
pub use config::Acks;
pub use delivery::{Delivered, Delivery};
pub use forward::Forward;
pub use kafka_client_protocol::records::Compression;
pub use partitioner::{ChoosePartition, Partitioner, TopicPartitions};
pub use record_sink::RecordSink;
pub use undelivered::Undelivered;

use crate::cluster::{Cluster, Limit};
use crate::env::Env;
use crate::error::{Error, ErrorKind, SendError};
use crate::record::{HasTopic, KafkaRecord, Record, RecordBuffer};
use budget::Taken;
use config::ProducerConfig;
use partition::{Refusal, Signal};
use patience::Patience;
use shared::Shared;

/// What limits the wait for a topic and for memory.
const MAX_BLOCK: &str = "max.block.ms";

/// A runtime that is at work ends a wait within this time after its limit.
const DRIVEN_WITHIN: Duration = Duration::from_secs(3);

/// How often batches are looked at whose time may be over.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(1);

/// Sends records. Clones share one producer; it is made by [`Kafka::producer`](crate::Kafka).
///
/// Every record that is buffered ends, about `delivery.timeout.ms` later at the latest, as [`Delivered`],
/// as [`NotDelivered`](SendError::NotDelivered) or as [`Unknown`](SendError::Unknown). With idempotence,
/// which is the default, the records of one partition are written once and in the order they were sent
/// in; [`guarantees`](crate::guarantees) says what holds without.
///
/// # Topics
///
/// The first record to a topic waits until the topic is known. If it is not there, asking for it creates
/// it, where the brokers agree and [`ProducerBuilder::allow_auto_create_topics`] is on; otherwise, after
/// some seconds, within which a topic that was just made is found, sending fails. Sending to a name that
/// no topic can have, or to a topic that may not be seen, fails at once.
///
/// A topic that was deleted is not created again by what the producer does by itself; it takes a send. A
/// topic that was deleted and made anew, with more, fewer or as many partitions, is another topic, which
/// is known by its id:
/// - records that were never sent, or were refused, go to the new topic;
/// - records that may be in the former topic end as [`Unknown`](SendError::Unknown), and are not sent
///   to the new one;
/// - records for partitions that the new topic does not have end as
///   [`NotDelivered`](SendError::NotDelivered);
/// - sequences and leader epochs of the former topic are dropped.
///
/// Brokers before 2.8 have no ids of topics: there, a topic made anew is only noticed by what its
/// partitions refuse.
///
/// # Drop
///
/// Dropping the last clone gives up what is not sent: [`Producer::close`] or [`Producer::flush`]
/// first. A warning counts the records that were given up, and those that had failed without anybody
/// being told.
#[derive(Clone)]
pub struct Producer(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.abort(&Error::closed("producer"));
        // With what has failed before, as a flush would have reported it.
        if let Err(left) = self.shared.undelivered.take(0).check() {
            let first = left.first.as_ref().map(tracing::field::display);
            tracing::warn!(first, "the producer was dropped: {left}");
        }
    }
}

/// Something that can be sent: a [`Record`], or a reference to a value whose type derives
/// [`KafkaRecord`] with a topic.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent",
    label = "not a record",
    note = "send a `Record`, or a reference to a value that derives `KafkaRecord` with a topic"
)]
pub trait ToRecord: Send + Sync {
    /// Calls `with` with the record in Kafka's terms.
    ///
    /// # Errors
    /// When the value cannot be made a record; `with` is not called then.
    fn to_record<T>(&self, with: impl FnOnce(&Record<'_>) -> T) -> Result<T, Error>;
}

impl ToRecord for Record<'_> {
    fn to_record<T>(&self, with: impl FnOnce(&Record<'_>) -> T) -> Result<T, Error> {
        Ok(with(self))
    }
}

impl<R: HasTopic + Send + Sync> ToRecord for &R {
    fn to_record<T>(&self, with: impl FnOnce(&Record<'_>) -> T) -> Result<T, Error> {
        encode(*self, R::TOPIC_NAME, with)
    }
}

/// A typed record for another topic than its type names.
struct Readdressed<'a, R> {
    topic: &'a str,
    record: &'a R,
}

impl<R: KafkaRecord + Send + Sync> ToRecord for Readdressed<'_, R> {
    fn to_record<T>(&self, with: impl FnOnce(&Record<'_>) -> T) -> Result<T, Error> {
        encode(self.record, self.topic, with)
    }
}

/// Encodes a typed record into a buffer of this thread, which keeps its memory.
fn encode<R: KafkaRecord, T>(
    record: &R,
    topic: &str,
    with: impl FnOnce(&Record<'_>) -> T,
) -> Result<T, Error> {
    thread_local! {
        static BUFFER: std::cell::Cell<Option<RecordBuffer>> = const { std::cell::Cell::new(None) };
    }
    // Taken out, not borrowed: an encoder of the user's may itself send a record.
    let mut buffer = BUFFER.take().unwrap_or_default();
    let result = buffer
        .encode(record)
        .map(|()| buffer.with_record(topic, |record| with(&record)))
        .map_err(|error| {
            Error::new(ErrorKind::Serialization, error.to_string())
                .with_source(error)
                .at_topic(&Arc::from(topic))
        });
    BUFFER.set(Some(buffer));
    result
}

/// Why a record was not taken at once.
#[derive(Debug)]
enum Obstacle {
    /// The topic is not known yet.
    Topic(String),
    /// The budget lacks this many bytes.
    Memory(usize),
    /// It never will be taken.
    Error(Error),
}

/// Why [`Producer::try_enqueue`] did not take a record, with the record.
#[non_exhaustive]
pub enum TryEnqueueError<R> {
    /// `buffer.memory` is full, or the topic is not known yet and looked for: [`Producer::enqueue`]
    /// would wait. Trying again makes sense when something has changed, so after a moment.
    WouldBlock(R),
    /// The record cannot be sent.
    Error(Error, R),
}

impl<R> TryEnqueueError<R> {
    /// The record that was not taken.
    pub fn into_record(self) -> R {
        match self {
            Self::WouldBlock(record) | Self::Error(_, record) => record,
        }
    }
}

impl<R> fmt::Debug for TryEnqueueError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WouldBlock(_) => f.write_str("WouldBlock"),
            Self::Error(error, _) => f.debug_tuple("Error").field(error).finish(),
        }
    }
}

impl<R> fmt::Display for TryEnqueueError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WouldBlock(_) => f.write_str("buffer.memory is full or the topic not known yet"),
            Self::Error(error, _) => error.fmt(f),
        }
    }
}

impl<R> std::error::Error for TryEnqueueError<R> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::WouldBlock(_) => None,
            Self::Error(error, _) => error.source(),
        }
    }
}

impl Producer {
    pub(crate) fn start(cluster: Arc<Cluster>, config: ProducerConfig) -> Self {
        let shared = Shared::new(cluster, config);
        if shared.config.idempotent() {
            shared.spawn(identity::init_loop(shared.weak.clone()));
        }
        shared.cluster.used_by(shared.weak.clone());
        shared.spawn(follow_loop(shared.weak.clone(), shared.cluster.changes()));
        shared.spawn(expiry_loop(
            shared.env().clone(),
            shared.weak.clone(),
            expiry_interval(&shared.config),
        ));
        Self(Arc::new(Handle { shared }))
    }

    /// Sends a record and waits until it is written.
    ///
    /// To have many under way, take their [`Delivery`] from [`Producer::enqueue`], or send from
    /// many tasks.
    ///
    /// # Errors
    /// [`SendError`] tells whether the record may be written all the same.
    ///
    /// # Cancel safety
    /// Dropped before the record is buffered, nothing is sent; after that, the record is delivered
    /// all the same and nobody is told.
    pub async fn send<R: ToRecord>(&self, record: R) -> Result<Delivered, SendError> {
        self.enqueue(record).await?.await
    }

    /// Sends a typed record to another topic than its type names.
    ///
    /// # Errors
    /// As [`Producer::send`].
    ///
    /// # Cancel safety
    /// As [`Producer::send`].
    pub async fn send_to<R: KafkaRecord + Send + Sync>(
        &self,
        topic: &str,
        record: &R,
    ) -> Result<Delivered, SendError> {
        self.send(Readdressed { topic, record }).await
    }

    /// As [`Producer::send`], for threads that are not in a runtime: blocks the thread.
    ///
    /// The client's runtime must be at work meanwhile: one of `multi_thread` always is, one of
    /// `current_thread` only while some thread is inside of its `block_on`.
    ///
    /// # Errors
    /// As [`Producer::send`]; and where the runtime is not at work, an error that says so, soon after
    /// `max.block.ms`, or after `delivery.timeout.ms` for a record that was buffered.
    ///
    /// # Panics
    /// When called from a task: it would block those that deliver the record.
    pub fn blocking_send<R: ToRecord>(&self, record: R) -> Result<Delivered, SendError> {
        let shared = &self.0.shared;
        let (env, config) = (shared.env(), &shared.config);
        let stands_still = |limit: Duration| {
            let text = format!(
                "the client's runtime has done nothing for {limit:?}: a current_thread runtime works \
                 only while a thread is inside of its block_on; use one of multi_thread"
            );
            Error::new(ErrorKind::Timeout, text)
        };
        let limit = config.max_block + DRIVEN_WITHIN;
        let delivery = env
            .block_on(self.enqueue(record), limit)
            .map_err(|_| SendError::NotDelivered(stands_still(limit)))??;
        let limit = config.delivery_timeout + DRIVEN_WITHIN;
        env.block_on(delivery, limit)
            .unwrap_or_else(|_| Err(SendError::Unknown(stands_still(limit))))
    }

    /// Buffers a record and gives its delivery to be awaited. Waits only while `buffer.memory` is
    /// full or the topic is not known yet, `max.block.ms` at most.
    ///
    /// # Errors
    /// [`SendError::NotDelivered`]: the record was not buffered.
    ///
    /// # Cancel safety
    /// Cancel safe: the record is either buffered or not, and its place in line is given up.
    pub async fn enqueue<R: ToRecord>(&self, record: R) -> Result<Delivery, SendError> {
        let shared = &self.0.shared;
        let result = match append(shared, &record, None) {
            Ok(delivery) => Ok(delivery),
            Err(Obstacle::Error(error)) => Err(error),
            Err(obstacle) => {
                let length = shared.config.max_block;
                let limit = Limit::begin(shared.env(), length, MAX_BLOCK);
                append_slowly(shared, &record, obstacle, limit).await
            }
        };
        result.map_err(SendError::NotDelivered)
    }

    /// Buffers a typed record for another topic than its type names, as [`Producer::enqueue`].
    ///
    /// # Errors
    /// As [`Producer::enqueue`].
    ///
    /// # Cancel safety
    /// As [`Producer::enqueue`].
    pub async fn enqueue_to<R: KafkaRecord + Send + Sync>(
        &self,
        topic: &str,
        record: &R,
    ) -> Result<Delivery, SendError> {
        self.enqueue(Readdressed { topic, record }).await
    }

    /// Buffers a record if that is possible at once. A topic that is not known yet is looked for
    /// meanwhile, so that it can be tried again a little later.
    ///
    /// # Errors
    /// [`TryEnqueueError::WouldBlock`] when [`Producer::enqueue`] would wait;
    /// [`TryEnqueueError::Error`] also when the cluster was found not to have the topic, or to refuse it.
    /// The record comes back with the error.
    pub fn try_enqueue<R: ToRecord>(&self, record: R) -> Result<Delivery, TryEnqueueError<R>> {
        let shared = &self.0.shared;
        let appended = append(shared, &record, None).or_else(|obstacle| match obstacle {
            Obstacle::Topic(name) => match shared.learn_if_known(&name) {
                Ok(true) => append(shared, &record, None),
                Ok(false) => Err(Obstacle::Topic(name)),
                Err(error) => Err(Obstacle::Error(error)),
            },
            obstacle => Err(obstacle),
        });
        appended.map_err(|obstacle| match obstacle {
            Obstacle::Error(error) => TryEnqueueError::Error(error, record),
            Obstacle::Topic(_) | Obstacle::Memory(_) => TryEnqueueError::WouldBlock(record),
        })
    }

    /// Sends many records, and waits until each has its outcome. They are buffered in their order,
    /// and go out together as far as `batch.size` and `max.request.size` allow.
    ///
    /// The outcomes stand in the order of the records. One that cannot be buffered is
    /// [`NotDelivered`](SendError::NotDelivered), and does not stop those behind it: records of a topic
    /// that was waited for in vain share its error.
    ///
    /// All that is waited for in vain, topics and memory, is `max.block.ms` together: then a record is
    /// either buffered at once or not at all. Waiting for memory that comes is not limited. Each record
    /// that is buffered has its outcome `delivery.timeout.ms` later at the latest.
    ///
    /// # Cancel safety
    /// Dropped, what is buffered is delivered all the same, and the rest is not sent.
    pub async fn send_all<R: ToRecord>(
        &self,
        records: impl IntoIterator<Item = R>,
    ) -> Vec<Result<Delivered, SendError>> {
        let shared = &self.0.shared;
        let mut patience = Patience::new(shared.config.max_block);
        let mut deliveries = Vec::new();
        for record in records {
            let delivery = patience.append(shared, &record).await;
            deliveries.push(delivery.map_err(SendError::NotDelivered));
        }
        let mut outcomes = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            outcomes.push(match delivery {
                Ok(delivery) => delivery.await,
                Err(error) => Err(error),
            });
        }
        outcomes
    }

    /// This producer as a sink of typed records, as `StreamExt::forward` takes one.
    pub fn sink<R: HasTopic + Send + Sync + 'static>(&self) -> RecordSink<R> {
        RecordSink::new(self.clone())
    }

    /// Waits until every record that was buffered before is settled, one way or the other; nothing
    /// lingers. `delivery.timeout.ms` is the longest it can take.
    ///
    /// # Errors
    /// [`Undelivered`] counts the records that failed, since the last such report, and whose
    /// deliveries nobody has looked at: those that were dropped, and those that are still held, which
    /// tell their outcome all the same. Clones share the reports: a record is in one of them, whichever
    /// clone asks first. What no report has is warned of when the last clone is dropped.
    ///
    /// # Cancel safety
    /// Cancel safe: dropping it changes nothing for the records.
    pub async fn flush(&self) -> Result<(), Undelivered> {
        self.flush_within(Duration::MAX).await
    }

    /// As [`Producer::flush`], but waits no longer than `limit`.
    ///
    /// # Errors
    /// As [`Producer::flush`]; [`Undelivered::pending`] counts the records whose outcome is still
    /// open. They are being sent all the same.
    ///
    /// # Cancel safety
    /// As [`Producer::flush`].
    pub async fn flush_within(&self, limit: Duration) -> Result<(), Undelivered> {
        let pending = self.0.shared.settle_pending(limit).await;
        self.0.shared.undelivered.take(pending).check()
    }

    /// Takes no more records, waits until all that are buffered are settled, and ends the
    /// producer. `delivery.timeout.ms` is the longest it can take. Calls that wait to have a record
    /// buffered end at once.
    ///
    /// # Errors
    /// As [`Producer::flush`]. The producer is closed all the same.
    ///
    /// # Cancel safety
    /// When dropped, records that are buffered are still being sent, until the last clone of the
    /// producer is dropped; no more are taken.
    pub async fn close(self) -> Result<(), Undelivered> {
        self.close_within(Duration::MAX).await
    }

    /// As [`Producer::close`], but waits no longer than `limit`. What is not settled by then is given
    /// up: a record ends as [`NotDelivered`](SendError::NotDelivered), or as
    /// [`Unknown`](SendError::Unknown) if its request is under way. [`Duration::ZERO`] gives up at
    /// once.
    ///
    /// # Errors
    /// As [`Producer::close`], with what was given up.
    ///
    /// # Cancel safety
    /// As [`Producer::close`].
    pub async fn close_within(self, limit: Duration) -> Result<(), Undelivered> {
        let shared = &self.0.shared;
        shared.close(Error::closed("producer"));
        shared.settle_pending(limit).await;
        shared.abort(&Error::closed("producer"));
        shared.cluster.close();
        shared.undelivered.take(0).check()
    }

    /// Bytes of `buffer.memory` in use: by records that are not settled.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        let budget = &self.0.shared.budget;
        budget.total() - budget.available()
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("buffered_bytes", &self.buffered_bytes())
            .finish_non_exhaustive()
    }
}

/// Appends a record to its partition's open batch.
fn append<R: ToRecord>(
    shared: &Shared,
    record: &R,
    taken: Option<&mut Taken<'_>>,
) -> Result<Delivery, Obstacle> {
    record
        .to_record(|record| append_record(shared, record, taken))
        .unwrap_or_else(|error| Err(Obstacle::Error(error)))
}

/// As [`append`]; compiled once, with all that each record goes through.
fn append_record(
    shared: &Shared,
    record: &Record<'_>,
    taken: Option<&mut Taken<'_>>,
) -> Result<Delivery, Obstacle> {
    if let Some(error) = shared.closed() {
        return Err(Obstacle::Error(error.clone()));
    }
    let timestamp = record.timestamp.unwrap_or_else(|| shared.env().wall_ms());
    let appended = shared.with_topic(record.topic, |topic| {
        let partition = topic.partition_of(record, shared)?;
        let (delivery, signal) = partition.append(shared, timestamp, record, taken)?;
        if signal != Signal::None {
            shared.signal(partition, signal);
        }
        Ok(delivery)
    });
    match appended {
        Some(Ok(delivery)) => Ok(delivery),
        Some(Err(Refusal::Memory(bytes))) => Err(Obstacle::Memory(bytes)),
        Some(Err(Refusal::Error(error))) => Err(Obstacle::Error(error)),
        None => Err(Obstacle::Topic(record.topic.to_owned())),
    }
}

/// Waits for what is missing, and appends.
async fn append_slowly<R: ToRecord>(
    shared: &Shared,
    record: &R,
    mut obstacle: Obstacle,
    limit: Limit,
) -> Result<Delivery, Error> {
    let length = shared.config.max_block;
    loop {
        let mut taken = None;
        match obstacle {
            Obstacle::Error(error) => return Err(error),
            Obstacle::Topic(name) => {
                shared.while_open(shared.learn(&name, limit)).await??;
            }
            Obstacle::Memory(bytes) => {
                let taking = shared.env().timeout_at(limit.end, shared.take(bytes));
                let waited = shared.while_open(taking).await?;
                taken = Some(waited.map_err(|_| match shared.closed() {
                    Some(error) => error.clone(),
                    // Its timers end before the producer is told.
                    None if shared.env().has_ended() => Error::runtime_ended(),
                    None if length.is_zero() => Error::new(
                        ErrorKind::BufferFull,
                        "the buffer is full, and max.block.ms is 0: nothing is waited for",
                    ),
                    None => Error::new(
                        ErrorKind::BufferFull,
                        format!(
                            "the buffer stayed full for {length:?} (max.block.ms): raise \
                             buffer.memory ({} bytes), or send less than the brokers take",
                            shared.budget.total()
                        ),
                    ),
                })?);
            }
        }
        match append(shared, record, taken.as_mut()) {
            Ok(delivery) => return Ok(delivery),
            Err(next) => obstacle = next,
        }
    }
}

async fn follow_loop(
    shared: std::sync::Weak<Shared>,
    mut changes: tokio::sync::watch::Receiver<Arc<crate::cluster::Metadata>>,
) {
    while changes.changed().await.is_ok() {
        let metadata = changes.borrow_and_update().clone();
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.follow(&metadata);
    }
}

fn expiry_interval(config: &ProducerConfig) -> Duration {
    EXPIRY_INTERVAL
        .min(config.delivery_timeout / 10)
        .max(Duration::from_millis(1))
}

/// Gives up what is left when the task that holds it is dropped: with the runtime, if the producer was
/// not closed before. Nobody else would ever look at it again.
struct EndOfRuntime(std::sync::Weak<Shared>);

impl Drop for EndOfRuntime {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.abort(&Error::runtime_ended());
        }
    }
}

async fn expiry_loop(env: Env, shared: std::sync::Weak<Shared>, interval: Duration) {
    let _end = EndOfRuntime(shared.clone());
    loop {
        env.sleep(interval).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.expire();
    }
}
