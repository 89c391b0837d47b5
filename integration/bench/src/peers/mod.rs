//! The clients that are compared, each behind the same few calls.
//!
//! The same for all: `acks=all`, idempotent where the client has it, at most 32 MiB or 100,000
//! records in its buffer where those can be set, `linger.ms` and codec as the job says. All else is
//! the client's default.

#[cfg(feature = "confluent-kafka")]
pub(crate) mod confluent;
#[cfg(feature = "kacrab")]
pub(crate) mod kacrab;
#[cfg(feature = "krafka")]
pub(crate) mod krafka;
pub(crate) mod other;
pub(crate) mod ours;
pub(crate) mod rdkafka;
pub(crate) mod rskafka;

use std::fmt;

use bytes::Bytes;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::job::Job;

/// Records that a client may have in its buffer: the default of librdkafka's
/// `queue.buffering.max.messages`.
pub(crate) const OUTSTANDING: usize = 100_000;

/// Bytes that a client may have in its buffer: Kafka's default of `buffer.memory`.
pub(crate) const BUFFER_MEMORY: usize = 32 * 1024 * 1024;

/// A client, or one of its ways to produce or to consume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Peer {
    /// This project's client.
    Ours,
    /// librdkafka's `BaseProducer` with a delivery callback, through the crate `rdkafka`.
    BaseProducer,
    /// librdkafka's `FutureProducer`, through the crate `rdkafka`.
    FutureProducer,
    /// librdkafka's `BaseConsumer`, through the crate `rdkafka`.
    BaseConsumer,
    /// librdkafka's `StreamConsumer`, through the crate `rdkafka`.
    StreamConsumer,
    /// The crate `confluent-kafka`.
    ConfluentKafka,
    /// The crate `kacrab`.
    Kacrab,
    /// The crate `krafka`.
    Krafka,
    /// The crate `rskafka`: neither idempotent, nor does it choose partitions.
    Rskafka,
    /// franz-go, a Go program.
    FranzGo,
    /// `kafka-clients`, a Java program.
    Java,
}

impl Peer {
    pub(crate) const PRODUCERS: [Self; 9] = [
        Self::Ours,
        Self::BaseProducer,
        Self::FutureProducer,
        Self::ConfluentKafka,
        Self::Kacrab,
        Self::Krafka,
        Self::Rskafka,
        Self::FranzGo,
        Self::Java,
    ];

    pub(crate) const CONSUMERS: [Self; 9] = [
        Self::Ours,
        Self::BaseConsumer,
        Self::StreamConsumer,
        Self::ConfluentKafka,
        Self::Kacrab,
        Self::Krafka,
        Self::Rskafka,
        Self::FranzGo,
        Self::Java,
    ];
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().ok_or(fmt::Error)?;
        f.pad(value.get_name())
    }
}

/// A producer in Rust.
pub(crate) trait Client: Sized + Send + Sync + 'static {
    /// How a record ends, later.
    type Delivery: Send;

    fn connect(job: &Job) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Hands a record over; waits while the client's buffer is full.
    fn enqueue(
        &self,
        topic: &str,
        partition: Option<i32>,
        value: &Bytes,
    ) -> impl Future<Output = Result<Self::Delivery, Failure>> + Send;

    /// Waits until the record is written.
    fn delivered(delivery: Self::Delivery) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Waits until all that was handed over is settled; fails if the client knows of records that
    /// are not written.
    fn flush(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}
