//! Java's clients and tools beside ours: on the reference broker, and in one group on Apache Kafka.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod exchange;
mod files;
mod groups;
