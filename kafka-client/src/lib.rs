//! Async Kafka client.

mod client;
mod cluster;
mod config;
pub mod consumer;
mod env;
mod error;
mod net;
pub mod producer;
pub mod record;

pub use client::{Kafka, KafkaBuilder, NewTopic};
pub use env::{Connector, Dialing, Stream, TcpConnector};
pub use error::{Error, ErrorKind, SendError};
pub use kafka_client_protocol::ErrorCode;
pub use record::KafkaRecord;
