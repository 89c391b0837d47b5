//! Kafka wire protocol.

pub mod records;
