//! Harness of the behaviour suites.
//!
//! A behaviour is written once, against a [`TestCluster`], and runs on the reference broker and on
//! Apache Kafka. [`numbered`] makes records whose loss, doubling or reordering shows;
//! [`network`] is a network in memory whose addresses fail as a test wants, and [`connector`] breaks
//! connections at certain answers. [`soak`] is a load that goes on while everything goes wrong, and
//! [`history`] compares what it was told with the log. [`member`] is our client as members of a group that
//! tell what they do, beside those of other clients. [`logs`] keeps what they log. [`security`] has certificates, users and tokens, and
//! brokers that want them.

mod cluster;
pub mod connector;
pub mod history;
pub mod kafka;
pub mod logs;
pub mod member;
pub mod network;
pub mod numbered;
pub mod security;
pub mod soak;
mod wait;

pub use cluster::{TestCluster, partitions, quick};
pub use wait::eventually;
