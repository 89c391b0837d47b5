//! Connections: frames out, answers in order.
//!
//! - `connection`: one connection with its writer and reader task
//! - `session`: authentication on a connection, again before the session ends
//! - `dial`: from an address to a connection on which the versions are agreed upon
//! - `frames`: cuts the received bytes into frames
//! - `spares`: the memory of large answers, to be used again
//! - `versions`: what a broker speaks
//! - `pool`: the connections of a client, by address and lane
//! - `race`: several attempts beside each other
//! - `reach`: whether a broker is reached, as health tells it

mod connection;
mod dial;
mod frames;
mod pool;
mod race;
mod reach;
mod session;
mod spares;
mod versions;

pub(crate) use connection::{Connection, ConnectionConfig, PendingResponse};
pub(crate) use dial::{AFTER_REFUSAL, is_refusal, is_unknown_host};
pub(crate) use pool::{Address, Lane, Pool, close_idle};
pub(crate) use race::{Until, race};

/// An address as texts name it.
pub(crate) fn address_text((host, port): &Address) -> String {
    host_and_port(host, *port)
}

/// `host:port`, with an IPv6 address in brackets.
fn host_and_port(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// The last version of Produce and of Fetch that names topics instead of giving their ids
/// (KIP-516).
pub(crate) const LAST_BY_NAME: i16 = 12;
