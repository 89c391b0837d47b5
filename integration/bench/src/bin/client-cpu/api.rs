//! What is measured: each client's ways to produce and to consume.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// A way to produce or consume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Api {
    /// Ours: `Producer::enqueue`, the deliveries awaited later.
    Enqueue,
    /// librdkafka's `BaseProducer` with a delivery callback.
    BaseProducer,
    /// librdkafka's `FutureProducer`, the deliveries awaited later.
    FutureProducer,
    /// Ours: `Consumer::recv`, a record at a time.
    Recv,
    /// Ours: `Consumer::recv_batch`, records looked at in place.
    RecvBatch,
    /// librdkafka's `BaseConsumer::poll`.
    BaseConsumer,
    /// librdkafka's `StreamConsumer`.
    StreamConsumer,
}

/// Whether a client produces or consumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    Produce,
    Consume,
}

impl Api {
    pub(crate) const ALL: [Self; 7] = [
        Self::Enqueue,
        Self::BaseProducer,
        Self::FutureProducer,
        Self::Recv,
        Self::RecvBatch,
        Self::BaseConsumer,
        Self::StreamConsumer,
    ];

    pub(crate) fn role(self) -> Role {
        match self {
            Self::Enqueue | Self::BaseProducer | Self::FutureProducer => Role::Produce,
            Self::Recv | Self::RecvBatch | Self::BaseConsumer | Self::StreamConsumer => {
                Role::Consume
            }
        }
    }

    /// The one of ours that its ratio refers to.
    pub(crate) fn reference(self) -> Self {
        match self.role() {
            Role::Produce => Self::Enqueue,
            Role::Consume => Self::Recv,
        }
    }

    pub(crate) fn client(self) -> &'static str {
        match self {
            Self::Enqueue | Self::Recv | Self::RecvBatch => "kafka-client",
            _ => "rdkafka",
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().ok_or(fmt::Error)?;
        f.write_str(value.get_name())
    }
}
