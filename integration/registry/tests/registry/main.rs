//! The registry on the reference broker, asked by the client of `kafka-client-formats`.
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a failed unwrap is the message"
)]

mod api;
mod python;
mod restart;

use kafka_broker::Broker;
use kafka_client_formats::registry::Registry;
use kafka_registry::Server;

/// A broker with a registry, and a client of it.
async fn start() -> (Broker, Server, Registry) {
    let broker = Broker::builder().start().await.unwrap();
    let server = Server::builder(broker.bootstrap()).start().await.unwrap();
    let registry = Registry::builder(server.url()).build().unwrap();
    (broker, server, registry)
}
