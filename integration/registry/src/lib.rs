//! A schema registry for development and tests: Confluent's REST API and rules, kept in a compacted topic of the
//! cluster.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use kafka_broker::Broker;
//! use kafka_client_formats::registry::Registry;
//! use kafka_client_formats::schema::Schema;
//! use kafka_registry::Server;
//!
//! let broker = Broker::builder().start().await?;
//! let server = Server::builder(broker.bootstrap()).start().await?;
//!
//! let registry = Registry::builder(server.url()).build()?;
//! let registered = registry.register("greetings-value", &Schema::avro(r#""string""#)).await?;
//! assert_eq!(registered.id, 1);
//!
//! server.shutdown().await;
//! broker.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! One registry at a time writes to the topic: a change is appended, and answered when the registry has read it
//! back. So what was answered is in the log, and a registry that starts later reads the same.
//!
//! - `entry`: what is in the topic
//! - `language`: schemas of the three languages, their identity and their compatibility
//! - `state/`: what the entries say, and what a request changes (pure)
//! - `log`: the topic, written and read back
//! - `service`: a request's way through state and log
//! - `http/`: the REST API

mod entry;
mod error;
mod http;
mod language;
mod log;
mod server;
mod service;
mod state;

pub use server::{Builder, Server, StartError};
