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
//! What a test can let go wrong, from a lost answer to a full disk, is in [`testing`].
//!
//! # Security
//!
//! A broker has several listeners, each with a protocol of Kafka: PLAINTEXT, SSL, SASL_PLAINTEXT or
//! SASL_SSL. What a client is told to connect to is the address of the listener that it asks on.
//! The properties are Kafka's, also those of one listener (`listener.name.<listener>.<property>`);
//! in a program there are shorter ways:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use kafka_broker::{Acl, AclOperation, AclResource, Broker, Tls};
//!
//! let broker = Broker::builder()
//!     .listener("SASL_SSL", "127.0.0.1:0")
//!     .tls(Tls::generated())
//!     .user("alice", "secret")
//!     .acl(Acl::allow("User:alice", AclOperation::All, AclResource::topic("*")))
//!     .property("connections.max.reauth.ms", "60000")
//!     .start()
//!     .await?;
//! let bootstrap = broker.bootstrap_of("SASL_SSL").unwrap();
//! let trusted = broker.certificate().unwrap();
//! broker.set_password("alice", "another");
//! # broker.shutdown().await.unwrap();
//! # Ok::<(), kafka_broker::StartError>(())
//! # }).unwrap();
//! ```
//!
//! - *TLS*: 1.2 and 1.3, from PEM (KIP-651) or with certificates made in memory ([`Tls`],
//!   [`Authority`]), also with those of clients (`ssl.client.auth`) and rules for the names in them
//!   (`ssl.principal.mapping.rules`).
//! - *SASL*: PLAIN, SCRAM-SHA-256 and -512, OAUTHBEARER; sessions that end and are renewed in band
//!   (KIP-368). A program's users know PLAIN and SCRAM with their password; clients manage those of
//!   SCRAM, and the broker stores them. OAUTHBEARER must be asked for (`sasl.enabled.mechanisms`):
//!   without keys (`sasl.oauthbearer.jwks.endpoint.url`) it believes every token, as Kafka's default
//!   does.
//! - *Delegation tokens* (KIP-48), by which a user lends its rights for a while.
//! - *The authorizer*: Kafka's `StandardAuthorizer`, on by its property or by [`Builder::acl`].
//!   Rules outlive the broker. It gives the verdicts that Apache Kafka's class gives, which a test
//!   compares.
//! - *Quotas* of users and client ids (produced and fetched bytes, time of requests), managed by
//!   clients and stored: whoever is over one is told to pause and is not read meanwhile.
//! - *Limits*: connections in all and by address, 30 s to say who one is, 512 KiB for a request
//!   before that, `connections.max.idle.ms` for being silent, for waiting and for reading what one has asked for, of
//!   which something must be taken every minute ([`Builder::write_timeout`]); where 256 MiB of answers
//!   wait to be taken, further ones have 1 MiB of records; a thousand delegation tokens of one owner.
//!
//! What is otherwise than in Kafka: there is no GSSAPI; stores in JKS and PKCS#12 and encrypted keys
//! must be converted; files are read at the start only; a JWKS comes from a file, and is used
//! wherever one is named; SCRAM's channel binding is checked; where `max.connections` are open, a
//! further one is refused and does not wait; quotas of mutations are kept, but not acted on; what a fault hits counts against no quota.
//!
//! # Groups
//!
//! The classic protocol, with offsets and members in `__consumer_offsets` as Apache Kafka writes them.
//! Offsets expire (`offsets.retention.minutes`), and groups with neither members nor offsets go with
//! them; administrators delete both.
//!
//! One broker alone has what it makes at once, which hides that a client does not wait for it:
//! [`Builder::strict_metadata`] lets it send clients away where a cluster does.
//!
//! # Watching it
//!
//! What the broker counts is there for a test ([`Broker::metrics`]) and, where an address is given
//! ([`Builder::metrics`], `--metrics` of the program), for Prometheus, with the names that the JMX exporter's usual
//! rules give Kafka's: records and bytes by topic, requests by version with their time, logs, groups and connections.
//! What clients push of their own (KIP-714) is taken where somebody reads it ([`Builder::telemetry`]):
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let broker = kafka_broker::Broker::builder().telemetry(true).start().await?;
//! // Set `metrics` of a CLIENT_METRICS resource, and let a client push.
//! for push in broker.telemetry() {
//!     println!("{}: {} bytes of OTLP", push.client_id, push.metrics.len());
//! }
//! let sent = broker.metrics().all_topics.messages_in;
//! # assert_eq!(sent, 0);
//! # broker.shutdown().await.unwrap();
//! # Ok::<(), kafka_broker::StartError>(())
//! # }).unwrap();
//! ```
//!
//! # Disk
//!
//! Disk reads and writes happen on the runtime's threads: appends go to the page cache and reads
//! mostly come from there. Nothing on the way of records moves to other threads, so tests with paused
//! time stay deterministic. Closed segments are forced to the disk in the background, and changes of
//! users, tokens, rules and quotas are written on threads of their own.
//!
//! - What was acknowledged outlives the program. It outlives the machine when it was forced to the
//!   disk: after so many records (`flush.messages`) or so much time (`flush.ms`), by default when the
//!   system does it, as in Kafka.
//! - Old records go by `retention.ms` (7 days by default, by the records' own timestamps: a test that
//!   writes old ones wants `-1`) and `retention.bytes`, those of compacted topics when there is a later
//!   one of their key, and by DeleteRecords. In memory too.
//! - After a power failure each partition has its own records in their order, and all that was forced
//!   to the disk; topics are there or not, as was acknowledged; producer ids and leader epochs are
//!   not given twice. A test crashes between any two writes ten thousand times.
//! - At the first failure of the disk the data directory is offline: all that needs it is refused with
//!   `KAFKA_STORAGE_ERROR` ([`Broker::storage_failure`]), and the program ends. An `fsync` that has
//!   failed is never tried again: nobody knows what is on the disk then.
//! - Damage that no crash makes, in what was on the disk before, costs the rest of its segment and is
//!   told; the file is left as it is. In the last segment it ends the start.
//! - A directory with the files of another broker, such as Apache Kafka's, is refused.

// Unit tests have no outside to be cut off from.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod api;
mod broker;
#[cfg(test)]
mod compaction_oracle;
mod config;
mod coordinator_log;
#[cfg(test)]
mod crash_matrix;
mod env;
mod environment;
mod faults;
mod fetch_sessions;
mod fs;
mod group;
mod interfere;
mod kept;
mod log;
mod maintenance;
mod metrics;
mod net;
mod node;
mod partition;
mod profile;
mod properties;
mod quota;
mod refusal;
mod security;
mod store;
mod telemetry;
pub mod testing;
mod topics;
mod validate;

pub use broker::{Broker, BrokerError, Builder, Connector, StartError};
pub use env::WallClock;
pub use faults::{
    Edit, Fault, FaultHandle, Faults, JournalEntry, RequestOutcome, Step, When, when, when_any,
};
pub use fs::{DiskFault, MemoryDisk};
pub use metrics::{Metrics, PartitionMetrics, RequestMetrics, TopicMetrics, TrafficMetrics};
pub use profile::Profile;
pub use security::acl::{Acl, AclOperation, AclResource};
pub use security::authority::{Authority, Certificate};
pub use security::tls::Tls;
pub use telemetry::TelemetryPush;
