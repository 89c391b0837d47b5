//! The bundled reference broker: one node with real storage and Kafka's semantics, started in
//! milliseconds, in a test or as a program.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let broker = kafka_broker::Broker::builder().memory().start().await?;
//! broker.create_topic("orders", 3).unwrap();
//! println!("point a client at {}", broker.bootstrap());
//! broker.shutdown().await.unwrap();
//! # Ok::<(), kafka_broker::StartError>(())
//! # }).unwrap();
//! ```
//!
//! It is a reference for the client and its users' tests, not a product to run at scale: Apache
//! Kafka decides what is right, and the same client works with both.
//!
//! Disk reads and writes happen on the runtime's threads: appends go to the page cache and reads
//! mostly come from there. Nothing on the way of a request moves to other threads, so tests with
//! paused time stay deterministic; only closed segments are forced to the disk in the background.

// Unit tests have no outside to be cut off from.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod api;
mod broker;
mod config;
mod env;
mod faults;
mod fetch_sessions;
mod group;
mod log;
mod net;
mod node;
mod partition;
mod properties;
mod security;
mod store;
mod topics;
mod validate;

pub use broker::{Broker, BrokerError, Builder, Connector, StartError};
pub use env::WallClock;
pub use faults::{Edit, Fault, FaultHandle, Faults, JournalEntry, Step, When, when, when_any};
pub use security::acl::{Acl, AclOperation, AclResource};
pub use security::authority::{Authority, Certificate};
pub use security::tls::Tls;
