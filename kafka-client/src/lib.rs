//! An async Kafka client: an idempotent producer, consumer groups and typed records.
//!
//! The protocol is implemented in Rust, on tokio; there is no librdkafka beneath. A record is encoded
//! into its batch by the task that sends it and decoded by the task that reads it, without a channel
//! or a task for each record. Settings are Kafka's own, under their own names: each setter's text
//! begins with the property it stands for.
//!
//! # Quick start
//!
//! ```
//! use kafka_client::consumer::OffsetReset;
//! use kafka_client::{Kafka, KafkaRecord};
//!
//! #[derive(Debug, PartialEq, KafkaRecord)]
//! #[kafka(topic = "orders", format = json)]
//! struct OrderPlaced {
//!     #[kafka(key)]
//!     customer: String,
//!     amount_cents: u64,
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let broker = kafka_broker::Broker::builder().start().await?;
//! # let bootstrap = broker.bootstrap();
//! let kafka = Kafka::connect(bootstrap).await?; // such as "localhost:9092"
//!
//! let producer = kafka.producer().build().await?;
//! let order = OrderPlaced { customer: "Ada".to_owned(), amount_cents: 1_250 };
//! let delivered = producer.send(&order).await?;
//!
//! let billing = kafka.consumer("billing").offset_reset(OffsetReset::Earliest);
//! let mut orders = billing.topic::<OrderPlaced>().start().await?;
//! let received = orders.recv().await?;
//! assert_eq!(*received, order);
//! assert_eq!(Some(received.record().offset()), delivered.offset);
//!
//! orders.close().await?;
//! producer.close().await?;
//! # broker.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Which call for what
//!
//! | to | use |
//! |---|---|
//! | send one record and know that it is written | [`Producer::send`] |
//! | have many under way | [`Producer::enqueue`], then await each [`Delivery`] |
//! | send from code that must not wait | [`Producer::try_enqueue`] |
//! | send a typed record to another topic than its type's | [`Producer::send_to`], [`Producer::enqueue_to`] |
//! | send bytes | [`Record::to`], with any of these |
//! | say once where the parts of a type are in a record | `#[derive(KafkaRecord)]`: [`record`] has all attributes |
//! | have tombstones, or several types of records, in one topic | enums, by [`KafkaRecord`] and [`KafkaRecords`] |
//! | share topics among the members of a group | [`Kafka::consumer`] with [`subscribe`](consumer::ConsumerBuilder::subscribe) |
//! | share all topics whose names match, also those that come later | [`subscribe_matching`](consumer::ConsumerBuilder::subscribe_matching) |
//! | the same, with records of one type | [`topic`](consumer::ConsumerBuilder::topic), or [`subscribe_as`](consumer::ConsumerBuilder::subscribe_as) for topics that the type does not name |
//! | read certain partitions, alone | [`Kafka::reader`] or [`Kafka::consumer`] with [`assign`](consumer::ConsumerBuilder::assign) |
//! | take whole batches, cheaper for each record | [`Consumer::recv_batch`] |
//! | work on records at the same time, in any order | [`manual_ack`](consumer::ConsumerBuilder::manual_ack), [`for_each_concurrent`](consumer::AckConsumer::for_each_concurrent) |
//! | have records handled by functions, with retries and dead letters | [`Kafka::listen`]: [`services`] begins with an example, [`failing`] says what follows on a failure |
//! | commit, seek or pause while another task reads | [`Consumer::handle`] |
//! | connect with TLS or SASL | [`KafkaBuilder::tls`], [`KafkaBuilder::sasl`]; [`securing`] has an example for each mechanism |
//! | test with a broker of its own | `#[kafka_client::test]`, with the feature `testing` |
//! | create or delete topics | [`Kafka::create_topic`], [`Kafka::delete_topic`] |
//!
//! # Guarantees
//!
//! In short; [`guarantees`] says it setting by setting for what is sent, and [`consuming`] call by call for
//! what is read, with the test that shows each statement.
//!
//! - **Every send ends** as [`Delivered`], as [`NotDelivered`](SendError::NotDelivered) or as
//!   [`Unknown`](SendError::Unknown): only after the last can sending again double the record. It takes
//!   `max.block.ms` at most to be buffered, and `delivery.timeout.ms` from then on.
//! - **Order and once**: with idempotence, the default, the records of one partition are written in
//!   the order they were buffered in, and no retry writes one twice. Records with the same key are in
//!   one partition, as long as the topic keeps its number of partitions. This holds for the life of a
//!   producer; there are no transactions yet.
//! - **At least once**: auto-commit stores only what the user is done with, and asking for the next
//!   record says so; [`commit`](consumer::Consumer::commit) stores all that was handed out. After a
//!   crash, what was not stored is read again. Before a partition goes to another member, auto-commit
//!   stores where that one is to begin, so nothing is read twice then.
//! - **Memory is bounded**: by [`buffer_memory`](producer::ProducerBuilder::buffer_memory) on the way
//!   out; on the way in by [`buffer_bytes`](consumer::ConsumerBuilder::buffer_bytes), which answers that are
//!   already under way can exceed.
//!
//! # Never silent
//!
//! What is tried in vain for ten seconds is told by `tracing::warn!`, with the setting or the command
//! that helps, again each minute, and once more when it is over, or when nothing waits for it any more.
//! Waiting counts: for an answer from when the request was written, for a connection from when it was
//! dialed. [`Kafka::health`] lists what is stuck,
//! and [`Kafka::wait_for_health`] waits for a change. What no retry heals ends the call with an error.
//!
//! # Cancel safety
//!
//! Every async function says under "Cancel safety" what dropping its future does. In short: dropping
//! a receive loses no record; a record that is buffered is sent whatever is dropped; and a commit is
//! not taken back.
//!
//! # Runtime
//!
//! A client lives on the tokio runtime that it was connected on, which needs its time and I/O drivers
//! (`enable_all`: tokio panics without) and must run as long as the client is used; one of
//! `current_thread` runs only while a thread is inside of its `block_on`. Calls may come from any thread or
//! runtime: `futures::executor::block_on` is enough. What is pending when that runtime ends fails with
//! [`ErrorKind::Closed`].
//!
//! # Drop
//!
//! Dropping never blocks. Dropping the last clone of a [`Producer`] gives up what is not sent yet, with
//! a warning that counts it and what failed before without anybody being told. Dropping a [`Consumer`]
//! leaves its group in the background, after a last automatic commit without the record at hand. `close`
//! both.
//!
//! # Versions
//!
//! Tested with Apache Kafka 4.3.1; which versions of each API are spoken is agreed upon with each
//! broker. The minimum Rust version is 1.88, and raising it is a minor version. There is no `unsafe`
//! code in this crate, but for one call of the system's Kerberos library with the feature `gssapi`.
//! Warnings and what happens inside are told through [`tracing`].
//!
//! [`Delivered`]: producer::Delivered
//! [`Delivery`]: producer::Delivery
//! [`Producer`]: producer::Producer
//! [`Producer::send`]: producer::Producer::send
//! [`Producer::send_to`]: producer::Producer::send_to
//! [`Producer::enqueue`]: producer::Producer::enqueue
//! [`Producer::enqueue_to`]: producer::Producer::enqueue_to
//! [`Producer::try_enqueue`]: producer::Producer::try_enqueue
//! [`Record::to`]: record::Record::to
//! [`Consumer`]: consumer::Consumer
//! [`Consumer::handle`]: consumer::Consumer::handle
//! [`Consumer::recv_batch`]: consumer::Consumer::recv_batch

// Unit tests have no outside to be cut off from.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod caught;
mod client;
mod cluster;
mod config;
pub mod consumer;
pub mod consuming;
mod env;
mod error;
pub mod failing;
pub mod guarantees;
mod health;
pub mod listen;
mod net;
pub mod producer;
pub mod record;
#[cfg(feature = "_tls")]
pub mod securing;
pub mod security;
pub mod services;
#[cfg(feature = "testing")]
pub mod testing;

pub use client::{Kafka, KafkaBuilder, NewTopic};
pub use config::MetadataRecoveryStrategy;
pub use env::{Connector, Dialing, Resolving, Stream, TcpConnector};
pub use error::{Error, ErrorKind, SendError};
pub use health::{Health, Stuck, Subject};
#[cfg(feature = "testing")]
pub use kafka_client_derive::test;
pub use kafka_client_protocol::{ApiKey, ErrorCode};
pub use record::{KafkaHeaders, KafkaRecord, KafkaRecords};
/// For `kafka-client-formats`: no part of the interface.
#[cfg(feature = "_registry")]
#[doc(hidden)]
pub use security::__http;

/// The code in the repository's front page runs as a test.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../../README.md")]
struct Readme;
