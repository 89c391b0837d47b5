//! Settings of a producer by their names, and its start.

use std::time::Duration;

use kafka_client_protocol::records::{Compression, CompressionConfig};

use super::config::{Acks, ProducerConfig};
use super::partitioner::Partitioner;
use super::{Error, Producer};

/// Settings of a producer, and its start. Made by [`Kafka::producer`](crate::Kafka::producer).
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct ProducerBuilder {
    cluster: NewCluster,
    config: ProducerConfig,
    compression: Compression,
    compression_level: Option<i32>,
    allow_auto_create_topics: bool,
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
            allow_auto_create_topics: true,
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

    /// `linger.ms`: how long a batch waits for more records. Defaults to 5 ms at most, cut short as soon
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

    /// `delivery.timeout.ms`: every record that is buffered ends within this time from then on, one way
    /// or the other; to be buffered it may take `max.block.ms` before. More than `linger.ms`. Defaults to
    /// 2 minutes.
    pub fn delivery_timeout(mut self, limit: Duration) -> Self {
        self.config.delivery_timeout = limit;
        self
    }

    /// `max.block.ms`: the longest that a record waits to be buffered, for memory and for the topic
    /// together; `delivery.timeout.ms` begins after it. With zero it is buffered at once or not at all.
    /// Defaults to 1 minute.
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

    /// `partitioner.class`: which partition a record goes to that does not name one. Defaults to
    /// [`Partitioner::Default`], which is Java's.
    pub fn partitioner(mut self, partitioner: Partitioner) -> Self {
        self.config.partitioner = partitioner;
        self
    }

    /// `partitioner.adaptive.partitioning.enable`: records without a key go less often to
    /// partitions whose broker is slow (KIP-794). Defaults to on.
    pub fn adaptive_partitioning(mut self, on: bool) -> Self {
        self.config.adaptive = on;
        self
    }

    /// `partitioner.ignore.keys`: [`Partitioner::Default`] treats records with a key as those
    /// without. Defaults to off.
    pub fn ignore_keys(mut self, on: bool) -> Self {
        self.config.ignore_keys = on;
        self
    }

    /// `client.rack` with `partitioner.rack.aware` (KIP-1123): records without a key go to partitions
    /// whose leader is in this rack, while there are any. Defaults to none: racks do not matter.
    pub fn rack(mut self, rack: impl Into<String>) -> Self {
        self.config.rack = Some(rack.into());
        self
    }

    /// `allow.auto.create.topics`: the first use of a topic that is not there may create it, if the
    /// brokers agree (`auto.create.topics.enable`). Defaults to on.
    pub fn allow_auto_create_topics(mut self, allow: bool) -> Self {
        self.allow_auto_create_topics = allow;
        self
    }

    /// Starts the producer. It connects when it is first needed.
    ///
    /// # Errors
    /// When settings contradict each other; the error names them. When the runtime that the client was
    /// connected on has ended.
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
        self.cluster.check_runtime()?;
        let allow = self.allow_auto_create_topics;
        let cluster = self
            .cluster
            .make_with(|config| config.allow_auto_create_topics = allow);
        Ok(Producer::start(cluster, self.config))
    }
}
