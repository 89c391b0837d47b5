//! Async Kafka client.

pub mod record;

pub use record::KafkaRecord;
