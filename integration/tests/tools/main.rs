//! Programs that people run against a cluster, in sessions that must end on the reference broker as
//! they do on Apache Kafka: the same exit status and the same words, but for what a broker makes up.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod foreign;
mod java;
mod pair;
mod plain;
