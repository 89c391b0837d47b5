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
mod config;
mod delivery;
mod identity;
mod partition;
mod partitioner;
mod shared;
mod sink;
mod topic;
mod window;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use config::Acks;
pub use delivery::{Delivered, Delivery};
pub use kafka_client_protocol::records::Compression;
use kafka_client_protocol::records::CompressionConfig;

use crate::cluster::Cluster;
use crate::env::Env;
use crate::error::{Error, ErrorKind, SendError};
use crate::record::{HasTopic, KafkaRecord, Record, RecordBuffer};
use budget::Taken;
use config::ProducerConfig;
use partition::Refusal;
use shared::Shared;
use topic::Topic;

/// How often batches are looked at whose time may be over.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(1);

/// Sends records. Clones share one producer; it is made by [`Kafka::producer`](crate::Kafka).
///
/// Every send ends, within `delivery.timeout.ms`, as [`Delivered`], as
/// [`NotDelivered`](SendError::NotDelivered) or as [`Unknown`](SendError::Unknown). Records of one
/// partition are written in the order they were sent in, and, with idempotence, once.
///
/// Dropping the last clone gives up what is not sent: [`Producer::close`] or [`Producer::flush`]
/// first.
#[derive(Clone)]
pub struct Producer(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let records = self.shared.abort(&Error::closed("producer"));
        if records > 0 {
            tracing::warn!(
                records,
                "the producer was dropped before these records were delivered"
            );
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

/// Why [`Producer::try_enqueue`] did not take a record.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TryEnqueueError {
    /// `buffer.memory` is full, or the topic is not known yet: [`Producer::enqueue`] would wait.
    WouldBlock,
    /// The record cannot be sent.
    Error(Error),
}

impl fmt::Display for TryEnqueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WouldBlock => f.write_str("buffer.memory is full or the topic not known yet"),
            Self::Error(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TryEnqueueError {}

impl Producer {
    pub(crate) fn start(cluster: Arc<Cluster>, config: ProducerConfig) -> Self {
        let shared = Shared::new(cluster, config);
        if shared.config.idempotent() {
            shared.spawn(identity::init_loop(shared.weak.clone()));
        }
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
            Err(obstacle) => append_slowly(shared, &record, obstacle).await,
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

    /// Buffers a record if that is possible at once.
    ///
    /// # Errors
    /// [`TryEnqueueError::WouldBlock`] when [`Producer::enqueue`] would wait.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "as the other calls that send"
    )]
    pub fn try_enqueue<R: ToRecord>(&self, record: R) -> Result<Delivery, TryEnqueueError> {
        append(&self.0.shared, &record, None).map_err(|obstacle| match obstacle {
            Obstacle::Error(error) => TryEnqueueError::Error(error),
            Obstacle::Topic(_) | Obstacle::Memory(_) => TryEnqueueError::WouldBlock,
        })
    }

    /// Waits until every record that was buffered before is settled, one way or the other; nothing
    /// lingers.
    ///
    /// # Cancel safety
    /// Cancel safe: dropping it changes nothing for the records.
    pub async fn flush(&self) {
        let shared = &self.0.shared;
        let pending: Vec<_> = shared
            .active()
            .iter()
            .flat_map(|partition| partition.pending())
            .collect();
        shared.hurry_all();
        for completion in pending {
            completion.settled().await;
        }
    }

    /// Takes no more records, waits until all that are buffered are settled, and ends the
    /// producer. `delivery.timeout.ms` is the longest it can take.
    ///
    /// # Errors
    /// When it was closed before.
    ///
    /// # Cancel safety
    /// When dropped, records that are buffered are still being sent, until the last clone of the
    /// producer is dropped; no more are taken.
    pub async fn close(self) -> Result<(), Error> {
        let shared = &self.0.shared;
        if !shared.close(Error::closed("producer")) {
            return Err(Error::closed("producer"));
        }
        self.flush().await;
        shared.abort(&Error::closed("producer"));
        shared.cluster.close();
        Ok(())
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
        .to_record(|record| {
            shared
                .with_topic(record.topic, |topic| {
                    append_to(shared, topic, record, taken)
                })
                .unwrap_or_else(|| match shared.closed() {
                    Some(error) => Err(Obstacle::Error(error.clone())),
                    None => Err(Obstacle::Topic(record.topic.to_owned())),
                })
        })
        .unwrap_or_else(|error| Err(Obstacle::Error(error)))
}

fn append_to(
    shared: &Shared,
    topic: &Topic,
    record: &Record<'_>,
    taken: Option<&mut Taken<'_>>,
) -> Result<Delivery, Obstacle> {
    if let Some(error) = shared.closed() {
        return Err(Obstacle::Error(error.clone()));
    }
    let timestamp = record.timestamp.unwrap_or_else(|| shared.env().wall_ms());
    let size = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
    topic
        .with_partition(shared, record.partition, record.key, size, |partition| {
            let Record {
                key,
                value,
                headers,
                ..
            } = *record;
            match partition.append(shared, timestamp, key, value, headers, taken) {
                Ok((delivery, signal)) => {
                    shared.signal(partition, signal);
                    Ok(delivery)
                }
                Err(Refusal::Memory(bytes)) => Err(Obstacle::Memory(bytes)),
                Err(Refusal::Error(error)) => Err(Obstacle::Error(error)),
            }
        })
        .unwrap_or_else(|error| Err(Obstacle::Error(error)))
}

/// Waits for what is missing, and appends.
async fn append_slowly<R: ToRecord>(
    shared: &Shared,
    record: &R,
    mut obstacle: Obstacle,
) -> Result<Delivery, Error> {
    let limit = shared.config.max_block;
    let deadline = shared.env().now() + limit;
    loop {
        let mut taken = None;
        match obstacle {
            Obstacle::Error(error) => return Err(error),
            Obstacle::Topic(name) => {
                let left = deadline.saturating_duration_since(shared.env().now());
                shared.learn(&name, left).await?;
            }
            Obstacle::Memory(bytes) => {
                let waited = shared.env().timeout_at(deadline, shared.take(bytes)).await;
                taken = Some(waited.map_err(|_| {
                    Error::new(
                        ErrorKind::BufferFull,
                        format!(
                            "the buffer stayed full for {limit:?} (max.block.ms): raise \
                             buffer.memory ({} bytes), or send less than the brokers take",
                            shared.budget.total()
                        ),
                    )
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

async fn expiry_loop(env: Env, shared: std::sync::Weak<Shared>, interval: Duration) {
    loop {
        env.sleep(interval).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.expire();
    }
}

/// Settings of a producer, and its start. Made by [`Kafka::producer`](crate::Kafka::producer).
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct ProducerBuilder {
    cluster: NewCluster,
    config: ProducerConfig,
    compression: Compression,
    compression_level: Option<i32>,
}

/// Makes the producer's own view of the cluster, with connections of its own.
type NewCluster = crate::client::NewCluster;

impl ProducerBuilder {
    pub(crate) fn new(cluster: NewCluster) -> Self {
        Self {
            cluster,
            config: ProducerConfig::default(),
            compression: Compression::None,
            compression_level: None,
        }
    }

    /// `acks`: how many replicas must have a record. Defaults to [`Acks::All`].
    pub fn acks(mut self, acks: Acks) -> Self {
        self.config.acks = acks;
        self
    }

    /// `batch.size` in bytes: a batch of this size is sent without lingering. It is no limit: while
    /// its broker cannot take it, a batch grows up to `max.request.size`. Defaults to 16 KiB.
    pub fn batch_size(mut self, bytes: usize) -> Self {
        self.config.batch_size = bytes;
        self
    }

    /// `linger.ms`: how long a batch waits for more records. Defaults to 5 ms, cut short as soon
    /// as somebody awaits the delivery of one of its records; set here, it always counts.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.config.linger = Some(linger);
        self
    }

    /// `buffer.memory` in bytes: what all batches together may take. While it is full, sending
    /// waits. Defaults to 32 MiB.
    pub fn buffer_memory(mut self, bytes: usize) -> Self {
        self.config.buffer_memory = bytes;
        self
    }

    /// `max.request.size` in bytes: the largest batch, and so the largest record, before
    /// compression. Brokers have a limit of their own, `max.message.bytes`. Defaults to 1 MiB.
    pub fn max_request_size(mut self, bytes: usize) -> Self {
        self.config.max_request_size = bytes;
        self
    }

    /// `compression.type`. Defaults to [`Compression::None`].
    pub fn compression(mut self, codec: Compression) -> Self {
        self.compression = codec;
        self
    }

    /// `compression.gzip.level`, `compression.lz4.level` or `compression.zstd.level`. Defaults to
    /// the codec's own.
    pub fn compression_level(mut self, level: i32) -> Self {
        self.compression_level = Some(level);
        self
    }

    /// `delivery.timeout.ms`: within this time every send ends, one way or the other. Defaults to
    /// 2 minutes.
    pub fn delivery_timeout(mut self, limit: Duration) -> Self {
        self.config.delivery_timeout = limit;
        self
    }

    /// `max.block.ms`: the longest that sending waits for memory or for the topic. Defaults to
    /// 1 minute.
    pub fn max_block(mut self, limit: Duration) -> Self {
        self.config.max_block = limit;
        self
    }

    /// `max.in.flight.requests.per.connection`: requests to a broker, and batches of a partition,
    /// that are under way together; at most 5 with idempotence. Defaults to 5.
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.config.max_in_flight = requests;
        self
    }

    /// `enable.idempotence`: no record is written twice or out of order, whatever is retried.
    /// Defaults to on with `acks=all`, off otherwise.
    pub fn idempotence(mut self, on: bool) -> Self {
        self.config.idempotence = Some(on);
        self
    }

    /// Starts the producer. It connects when it is first needed.
    ///
    /// # Errors
    /// When settings contradict each other; the error names them.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn build(mut self) -> Result<Producer, Error> {
        let mut compression = CompressionConfig::new(self.compression);
        if let Some(level) = self.compression_level {
            compression = compression
                .with_level(level)
                .map_err(|error| Error::config(format!("compression level: {error}")))?;
        }
        self.config.compression = compression;
        self.config.validate()?;
        Ok(Producer::start(self.cluster.make(), self.config))
    }
}
