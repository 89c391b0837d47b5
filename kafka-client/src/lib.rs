//! Async Kafka client.

mod cluster;
mod config;
mod env;
mod error;
mod net;
pub mod producer;

pub use env::{Connector, Dialing, Stream, TcpConnector};
pub use error::{Error, ErrorKind, SendError};
