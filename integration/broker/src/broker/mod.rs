//! Starting, using and stopping a broker in a program.

mod builder;
mod listening;
mod start;
mod state;

use crate::env::{self};
use crate::faults::Faults;
use crate::metrics::Metrics;
use crate::net::connections::Connections;
use crate::net::listener::Listener;
use crate::net::{self, Peer};
use crate::node::Node;
use crate::security::acl::Acl;
use crate::security::authority::{Authority, Certificate};
use crate::security::authorizer::Authorizer;
use crate::security::tls::Tls;
use crate::security::users::Users;
use crate::telemetry::TelemetryPush;
use kafka_client_protocol::ErrorCode;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

pub use self::builder::{Builder, StartError};
use self::listening::bootstrap;

/// A running broker.
///
/// Dropping it stops it at once, like a crash: a data directory is recovered at the next start.
/// [`shutdown`](Self::shutdown) stops it in order.
#[derive(Debug)]
pub struct Broker {
    node: Arc<Node>,
    tls: Option<Tls>,
    connections: Connections,
    faults_address: Option<SocketAddr>,
    metrics_addr: Option<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
}

/// Why something asked of a running broker was not done.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message} ({code:?})")]
pub struct BrokerError {
    /// The code that a client would have got.
    pub code: ErrorCode,
    /// The reason.
    pub message: String,
}

impl Broker {
    /// A broker for a test or a small program: in memory, on a free port of 127.0.0.1, without a
    /// delay before the first rebalance of a group.
    pub fn builder() -> Builder {
        Builder::for_tests()
    }

    /// Where clients find the broker's first listener: `host:port`, for `bootstrap.servers`.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        bootstrap(self.first_listener())
    }

    /// The same of a listener by its name, such as `SASL_SSL`; `None` if there is no such listener.
    #[must_use]
    pub fn bootstrap_of(&self, listener: &str) -> Option<String> {
        self.node.listener(listener).map(|one| bootstrap(one))
    }

    /// The address that the first listener listens on; `None` without ports.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.first_listener().local
    }

    /// The certificate, in PEM, by which clients know the broker; `None` if it has none that was
    /// made in memory ([`Tls::generated`]).
    #[must_use]
    pub fn certificate(&self) -> Option<String> {
        self.authority().map(Authority::certificate)
    }

    /// A certificate for a client, by the authority that the broker trusts; without mapping rules,
    /// the principal is `User:CN=name`. `None` where [`certificate`](Self::certificate) is.
    #[must_use]
    pub fn client_certificate(&self, name: &str) -> Option<Certificate> {
        self.authority().map(|authority| authority.client(name))
    }

    fn authority(&self) -> Option<&Authority> {
        self.tls.as_ref().and_then(Tls::authority)
    }

    /// Adds a rule of the authorizer. Holds for the next request.
    ///
    /// # Errors
    /// When the broker has no authorizer, or the rule cannot be stored.
    pub fn add_acl(&self, acl: Acl) -> Result<(), BrokerError> {
        self.change_acls(|authorizer| authorizer.add(acl))
    }

    /// Removes a rule of the authorizer; nothing happens if it is not there. Holds for the next
    /// request.
    ///
    /// # Errors
    /// When the broker has no authorizer, or the change cannot be stored.
    pub fn remove_acl(&self, acl: &Acl) -> Result<(), BrokerError> {
        self.change_acls(|authorizer| authorizer.remove(|other| other == acl))
    }

    fn change_acls(&self, change: impl FnOnce(&mut Authorizer)) -> Result<(), BrokerError> {
        match self.node.change_acls(change) {
            Some(result) => result.map_err(|error| BrokerError {
                code: ErrorCode::KAFKA_STORAGE_ERROR,
                message: error.to_string(),
            }),
            None => Err(BrokerError {
                code: ErrorCode::SECURITY_DISABLED,
                message: "the broker has no authorizer".to_owned(),
            }),
        }
    }

    /// Adds a user for SASL, or gives it another password. Connections stay as they are; a client
    /// meets the change when it authenticates the next time.
    ///
    /// Takes a moment where SCRAM is offered: its credentials are made here, by many rounds of hashing.
    /// Credentials of the user that clients have set are gone then. If that cannot be stored, it is
    /// logged and nothing changes.
    pub fn set_password(&self, user: &str, password: &str) {
        let credentials = self.node.credentials_of(password);
        self.change_users(|users| users.set_password(user, password, credentials));
    }

    /// Removes a user; whether there was one. Everything else is as with
    /// [`set_password`](Self::set_password).
    pub fn remove_user(&self, user: &str) -> bool {
        self.change_users(|users| users.remove(user))
            .unwrap_or(false)
    }

    fn change_users<T>(&self, change: impl FnOnce(&mut Users) -> T) -> Option<T> {
        let changed = self.node.change_users(change);
        changed
            .inspect_err(|error| tracing::error!(%error, "users were not changed"))
            .ok()
    }

    /// The cluster's id, as clients see it.
    #[must_use]
    pub fn cluster_id(&self) -> String {
        self.node.cluster_id.to_string()
    }

    /// A new connection in memory to the first listener, as if accepted from a socket.
    ///
    /// It closes when the broker stops. Needs no port.
    #[must_use]
    pub fn connect(&self) -> DuplexStream {
        self.connector().connect()
    }

    /// Makes connections in memory where no reference to the broker can be.
    #[must_use]
    pub fn connector(&self) -> Connector {
        self.connector_to(self.first_listener())
    }

    /// The same for a listener by its name; `None` if there is no such listener.
    #[must_use]
    pub fn connector_of(&self, listener: &str) -> Option<Connector> {
        self.node
            .listener(listener)
            .map(|listener| self.connector_to(listener))
    }

    fn connector_to(&self, listener: &Arc<Listener>) -> Connector {
        Connector {
            node: Arc::clone(&self.node),
            listener: Arc::clone(listener),
            connections: self.connections.clone(),
        }
    }

    fn first_listener(&self) -> &Arc<Listener> {
        &self.node.listeners[0]
    }

    /// Makes a topic with the broker's default settings.
    ///
    /// # Errors
    /// When the name is invalid or taken, or the number of partitions is not from 1 to 10,000.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), BrokerError> {
        self.create_topic_with(name, partitions, [])
    }

    /// Makes a topic with settings of its own, by Kafka's names.
    ///
    /// # Errors
    /// Those of [`create_topic`](Self::create_topic), and unknown or impossible settings.
    pub fn create_topic_with<'a>(
        &self,
        name: &str,
        partitions: i32,
        configs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), BrokerError> {
        let overrides: BTreeMap<_, _> = configs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let node = &self.node;
        node.topics
            .create(name, partitions, overrides, &node.config(), &node.env)
            .map(|_| ())
            .map_err(BrokerError::from)
    }

    /// The offset after the last record of a partition; `None` if there is no such partition.
    #[must_use]
    pub fn end_offset(&self, topic: &str, partition: i32) -> Option<i64> {
        let topic = self.node.topics.named(topic)?;
        Some(topic.partition(partition)?.ends().end_offset)
    }

    /// What the broker has counted and what it has, at this moment.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics::of(&self.node, self.connections.count())
    }

    /// What clients have pushed of their own metrics, oldest first: the latest 1,000 pushes, and 64 MiB of them at
    /// most. Nothing without [`Builder::telemetry`].
    #[must_use]
    pub fn telemetry(&self) -> Vec<TelemetryPush> {
        let telemetry = self.node.telemetry();
        telemetry.map_or_else(Vec::new, |telemetry| telemetry.pushes())
    }

    /// The address that answers `GET /metrics`; `None` without [`Builder::metrics`].
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_addr
    }

    /// Faults to inject, and the journal of requests.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.node.faults
    }

    /// Where the endpoint of [`Builder::faults_endpoint`] listens; `None` without one.
    #[must_use]
    pub fn faults_address(&self) -> Option<SocketAddr> {
        self.faults_address
    }

    /// The number of open connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.count()
    }

    /// Stops in order: ends all connections, closes all logs and leaves a mark, so that the next
    /// start on the same directory needs no recovery.
    ///
    /// # Errors
    /// When the logs cannot be closed; the next start then recovers them.
    ///
    /// # Cancel safety
    /// Dropped before its end, the stop is like a crash.
    pub async fn shutdown(mut self) -> io::Result<()> {
        self.stop().await;
        let closed = self.node.topics.close();
        self.node.topics.store().release();
        closed
    }

    /// Stops at once and leaves everything as it is, as if the process had been killed.
    ///
    /// # Cancel safety
    /// May be dropped: the broker stops either way.
    pub async fn crash(mut self) {
        self.stop().await;
        self.node.topics.store().release();
    }

    /// What the disk under the data directory failed with, if it did. From then on all that needs it is refused with
    /// `KAFKA_STORAGE_ERROR`, until a broker is started on the directory anew: nobody knows what is on a disk whose
    /// write or `fsync` has failed.
    #[must_use]
    pub fn storage_failure(&self) -> Option<String> {
        self.node.topics.store().failure()
    }

    /// Waits until the disk under the data directory fails; see [`storage_failure`](Self::storage_failure).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn storage_failed(&self) -> String {
        self.node.topics.store().failed().await
    }

    /// Ends the listener and all connections, and waits until none is left and nothing is written.
    async fn stop(&mut self) {
        self.node.stopping.send_replace(true);
        for task in self.tasks.drain(..) {
            // A task that panicked has ended too.
            let _ = task.await;
        }
        self.connections.none_left().await;
        // What a request has begun to write is written, though nobody waits for it any more.
        drop(self.node.under_way.write().await);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.node.stopping.send_replace(true);
        for task in &self.tasks {
            task.abort();
        }
        // Timers and connectors may hold the node for longer.
        self.node.topics.store().release();
    }
}

/// What an in-memory connection buffers in each direction, in bytes.
const DUPLEX_BYTES: usize = 256 * 1024;

/// Makes in-memory connections to a broker. Clones lead to the same one.
#[derive(Debug, Clone)]
pub struct Connector {
    node: Arc<Node>,
    listener: Arc<Listener>,
    connections: Connections,
}

impl Connector {
    /// A new connection. If the broker has stopped, it ends at once.
    #[must_use]
    pub fn connect(&self) -> DuplexStream {
        let (client, server) = tokio::io::duplex(DUPLEX_BYTES);
        let number = self.connections.next_number();
        if let Some(open) = self.connections.open(self.node.config().connections_max) {
            let node = Arc::clone(&self.node);
            let listener = Arc::clone(&self.listener);
            env::spawn(async move {
                net::serve(node, listener, server, Peer::in_memory(number), number).await;
                drop(open);
            });
        }
        client
    }
}
