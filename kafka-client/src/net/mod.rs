//! Connections: frames out, answers in order.
//!
//! - `connection`: one connection with its writer and reader task
//! - `frames`: cuts the received bytes into frames
//! - `spares`: the memory of large answers, to be used again
//! - `versions`: what a broker speaks
//! - `pool`: the connections of a client, by broker and lane

mod connection;
mod frames;
mod pool;
mod spares;
mod versions;

pub(crate) use connection::{Connection, ConnectionConfig, PendingResponse};
pub(crate) use pool::{Lane, Pool};

/// The last version of Produce and of Fetch that names topics instead of giving their ids
/// (KIP-516).
pub(crate) const LAST_BY_NAME: i16 = 12;
