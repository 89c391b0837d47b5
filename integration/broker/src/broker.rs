//! Starting, using and stopping a broker in a program.

mod state;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_client_protocol::ErrorCode;
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::config::property::list;
use crate::config::settings::{Properties, Settings};
use crate::config::{
    BrokerConfig, CLUSTER_ID, Effect, PropertyError, STRICT_METADATA, WRITE_TIMEOUT, invalid,
};
use crate::env::{self, Env, WallClock};
use crate::faults::{Faults, endpoint};
use crate::fetch_sessions::FetchSessions;
use crate::fs::MemoryDisk;
use crate::group::Groups;
use crate::kept::Kept;
use crate::maintenance;
use crate::metrics::{Metrics, Requests};
use crate::net::connections::Connections;
use crate::net::http;
use crate::net::listener::{EndPoint, Listener};
use crate::net::unsent::Unsent;
use crate::net::{self, Peer, listener};
use crate::node::Node;
use crate::profile::Profile;
use crate::quota::Quotas;
use crate::security::acl::Acl;
use crate::security::authority::{Authority, Certificate};
use crate::security::authorizer::Authorizer;
use crate::security::delegation::DelegationTokens;
use crate::security::settings::SecuritySettings;
use crate::security::tls::Tls;
use crate::security::users::Users;
use crate::store::Store;
use crate::telemetry::TelemetryPush;
use crate::topics::Topics;

/// What an in-memory connection buffers in each direction, in bytes.
const DUPLEX_BYTES: usize = 256 * 1024;

/// The listener of a broker whose properties name none.
const DEFAULT_LISTENER: &str = "PLAINTEXT://127.0.0.1:0";

/// What the journal keeps of a request and of an answer.
const JOURNAL_BODY_BYTES: usize = 1024;

/// What a broker for tests does otherwise than Kafka.
const TEST_PROPERTIES: &[(&str, &str)] = &[
    // Kafka waits 3 s for more members; in a test that is only slow.
    ("group.initial.rebalance.delay.ms", "0"),
    // Kafka's default is GSSAPI alone. OAUTHBEARER is left to those who ask for it: without keys it
    // lets in everybody.
    (
        "sasl.enabled.mechanisms",
        "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    ),
];

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

/// Settings of a broker to be started, see [`Broker::builder`].
#[derive(Clone)]
#[must_use = "a broker runs once `start` was awaited"]
pub struct Builder {
    storage: Storage,
    /// Whether ports are opened.
    ports: bool,
    /// Takes the place of the first listener's address.
    listen: Option<String>,
    /// Beside those of the properties: names and addresses.
    listeners: Vec<(String, String)>,
    advertised: Option<(String, u16)>,
    tls: Option<Tls>,
    users: Vec<(String, Zeroizing<String>)>,
    acls: Vec<Acl>,
    properties: Vec<(String, String)>,
    metrics: Option<String>,
    telemetry: bool,
    clock: Option<WallClock>,
    seed: Option<u64>,
    /// What it keeps of each body; `None` for no journal.
    journal: Option<usize>,
    profile: Option<Profile>,
    faults_endpoint: Option<String>,
}

#[derive(Debug, Clone)]
enum Storage {
    Memory,
    TempDir,
    Dir(PathBuf),
    Disk(MemoryDisk),
}

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A property is unknown or has an impossible value.
    #[error("{0}")]
    Property(String),
    /// The file of properties cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    PropertiesFile {
        /// The file.
        path: PathBuf,
        /// What the system said, or what is wrong in the file.
        reason: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The data directory cannot be used.
    #[error("cannot use the data directory {}: {source}", path.display())]
    Storage {
        /// The directory.
        path: PathBuf,
        /// What the system said, or what is wrong with the files.
        source: io::Error,
    },
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
        Builder {
            storage: Storage::Memory,
            ports: true,
            listen: None,
            listeners: Vec::new(),
            advertised: None,
            tls: None,
            users: Vec::new(),
            acls: Vec::new(),
            properties: TEST_PROPERTIES
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            metrics: None,
            telemetry: false,
            clock: None,
            seed: None,
            journal: Some(JOURNAL_BODY_BYTES),
            profile: None,
            faults_endpoint: None,
        }
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

    /// Holds the high watermark of a partition where it is, as when the other replicas fall behind, or
    /// lets it go again; where it is then, or `None` if there is no such partition.
    ///
    /// While it is held, records are appended, but consumers do not see them, a producer with
    /// `acks=all` waits and is told REQUEST_TIMED_OUT at the end of its time, and commits of offsets to
    /// a partition of `__consumer_offsets` that is held wait as well.
    pub fn hold_high_watermark(&self, topic: &str, partition: i32, hold: bool) -> Option<i64> {
        let topic = self.node.topics.named(topic)?;
        Some(topic.partition(partition)?.hold_high_watermark(hold))
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

impl Builder {
    /// Keeps everything in memory, gone with the broker. The default.
    pub fn memory(mut self) -> Self {
        self.storage = Storage::Memory;
        self
    }

    /// Keeps logs in a temporary directory that is removed with the broker.
    pub fn temp_dir(mut self) -> Self {
        self.storage = Storage::TempDir;
        self
    }

    /// Keeps logs in a directory, made when it is not there; what an earlier broker left in it is
    /// taken over. One broker at a time.
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.storage = Storage::Dir(path.into());
        self
    }

    /// Keeps logs on a disk in memory: they outlive the broker, and the disk can fail.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use kafka_broker::{Broker, MemoryDisk};
    ///
    /// let disk = MemoryDisk::new();
    /// let broker = Broker::builder().disk(&disk).start().await?;
    /// broker.create_topic("orders", 3).unwrap();
    /// broker.crash().await;
    /// let broker = Broker::builder().disk(&disk).start().await?;
    /// assert_eq!(broker.end_offset("orders", 2), Some(0));
    /// # broker.shutdown().await.unwrap();
    /// # Ok::<(), kafka_broker::StartError>(())
    /// # }).unwrap();
    /// ```
    pub fn disk(mut self, disk: &MemoryDisk) -> Self {
        self.storage = Storage::Disk(disk.clone());
        self
    }

    /// Lets the first listener listen on `host:port`; port 0 is a free one. Defaults to
    /// `127.0.0.1:0`, or to what the property `listeners` says.
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = Some(address.into());
        self.ports = true;
        self
    }

    /// Adds a listener on `host:port` beside the first one, which is PLAINTEXT unless the property
    /// `listeners` says otherwise.
    ///
    /// The name is that of a protocol, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`, or one that the
    /// property `listener.security.protocol.map` gives a protocol.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use kafka_broker::{Broker, Tls};
    ///
    /// let broker = Broker::builder()
    ///     .listener("SASL_SSL", "127.0.0.1:0")
    ///     .tls(Tls::generated())
    ///     .user("alice", "secret")
    ///     .start()
    ///     .await?;
    /// let bootstrap = broker.bootstrap_of("SASL_SSL");
    /// let trusted = broker.certificate();
    /// # assert!(bootstrap.is_some() && trusted.is_some());
    /// # broker.shutdown().await.unwrap();
    /// # Ok::<(), kafka_broker::StartError>(())
    /// # }).unwrap();
    /// ```
    pub fn listener(mut self, name: impl Into<String>, address: impl Into<String>) -> Self {
        self.listeners.push((name.into(), address.into()));
        self
    }

    /// Opens no port: only [`Broker::connect`] and [`Broker::connector_of`] lead to the broker.
    pub fn no_listener(mut self) -> Self {
        self.ports = false;
        self
    }

    /// What clients of the first listener are told to connect to. Defaults to the address listened
    /// on.
    pub fn advertise(mut self, host: impl Into<String>, port: u16) -> Self {
        self.advertised = Some((host.into(), port));
        self
    }

    /// The certificate for listeners with TLS that have none from `ssl.keystore.*`.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Adds a user for SASL: PLAIN, and SCRAM with 4,096 iterations.
    pub fn user(mut self, name: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        let password = Zeroizing::new(password.as_ref().to_owned());
        self.users.push((name.as_ref().to_owned(), password));
        self
    }

    /// Adds a rule and switches the authorizer on, as the property `authorizer.class.name` does: what
    /// no rule allows is denied then, unless `super.users` or `allow.everyone.if.no.acl.found` say
    /// otherwise.
    pub fn acl(mut self, acl: Acl) -> Self {
        self.acls.push(acl);
        self
    }

    /// Whether a topic is made when a client asks about it. Defaults to `true`, as in Kafka.
    pub fn auto_create_topics(self, enable: bool) -> Self {
        self.property("auto.create.topics.enable", enable.to_string())
    }

    /// Whether the broker makes clients wait where a cluster does, though it has no need to. Defaults to
    /// `false`.
    ///
    /// A topic that Metadata makes is still unknown in that answer. The first FindCoordinator, which
    /// makes `__consumer_offsets`, is answered with `COORDINATOR_NOT_AVAILABLE`, and the first request
    /// to each of that topic's partitions with `COORDINATOR_LOAD_IN_PROGRESS`. It is always the first
    /// request that is sent away, however much time passes, so that tests stay deterministic. The
    /// property is `kafka-broker.strict.metadata`.
    pub fn strict_metadata(self, enable: bool) -> Self {
        self.property(STRICT_METADATA, enable.to_string())
    }

    /// How long a client may take nothing of an answer before its connection is reset. Defaults to 60 s; from 1 ms.
    /// The property is `kafka-broker.write.timeout.ms`.
    pub fn write_timeout(self, time: Duration) -> Self {
        self.property(WRITE_TIMEOUT, time.as_millis().to_string())
    }

    /// The partitions of topics that are made without a number. Defaults to 1.
    pub fn num_partitions(self, partitions: i32) -> Self {
        self.property("num.partitions", partitions.to_string())
    }

    /// Sets a property by Kafka's name for it. All of a broker of Kafka 4.3 are known; one that
    /// means nothing for a single node is taken and noted in the log. An unknown name fails the
    /// start. `log.dirs` takes the place of [`data_dir`](Self::data_dir), and `listeners` that of
    /// [`listen`](Self::listen), as if they had been called.
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        match &*name {
            "log.dirs" | "log.dir" => {
                self.storage = list(&value)
                    .next()
                    .map_or(Storage::TempDir, |dir| Storage::Dir(dir.into()));
            }
            "listeners" => self.listen = None,
            _ => {}
        }
        self.properties.push((name, value));
        self
    }

    /// Forgets the properties that the builder sets on its own, so that Kafka's defaults hold: the
    /// first rebalance of a group then waits 3 s for more members.
    pub fn kafka_defaults(mut self) -> Self {
        self.properties.clear();
        self
    }

    /// Takes a `server.properties` of Kafka: the listeners, the data directory and every property
    /// this broker knows. Gives back, as sentences for a log, what has no effect or
    /// another; Kafka's own files are full of such properties, so they are no errors.
    ///
    /// As in Kafka, the first rebalance of a group then waits for `group.initial.rebalance.delay.ms`,
    /// 3 s by default.
    ///
    /// # Errors
    /// When the file cannot be read, or a property is unknown or has an impossible value.
    pub fn server_properties(
        self,
        path: impl Into<PathBuf>,
    ) -> Result<(Self, Vec<String>), StartError> {
        crate::properties::apply(self.kafka_defaults(), path.into())
    }

    /// Answers `GET /metrics` at `host:port` as Prometheus asks: [`Metrics::to_prometheus`]. Port 0 is a free one,
    /// see [`Broker::metrics_addr`]. Whoever reaches the address may ask. Defaults to no such address.
    pub fn metrics(mut self, address: impl Into<String>) -> Self {
        self.metrics = Some(address.into());
        self
    }

    /// Whether clients are asked for their metrics (KIP-714) and may push them, for [`Broker::telemetry`]. What they
    /// are asked for is in the settings of the resources of type CLIENT_METRICS, which clients change:
    /// `metrics`, `interval.ms` and `match`. Defaults to `false`, as in Kafka without a plugin that takes them.
    pub fn telemetry(mut self, enable: bool) -> Self {
        self.telemetry = enable;
        self
    }

    /// The cluster's id, from 22 characters of URL-safe base64 in Kafka's form. A data directory of another cluster
    /// is refused. Defaults to what the directory says, and to a random one for a new directory. The property is
    /// `kafka-broker.cluster.id`.
    pub fn cluster_id(self, id: impl Into<String>) -> Self {
        self.property(CLUSTER_ID, id)
    }

    pub(crate) fn has_property(&self, is_it: impl Fn(&str) -> bool) -> bool {
        self.properties.iter().any(|(name, _)| is_it(name))
    }

    /// Takes settings from variables as the image `apache/kafka` does: `KAFKA_X_Y` is the property `x.y`, with `__`
    /// for an underscore and `___` for a dash; `CLUSTER_ID` is the cluster's id. What neither they nor earlier
    /// properties say is as in that image: node 1 listens on port 9092 of all interfaces, and the data is in
    /// `/var/lib/kafka/data`. Gives back, as sentences for a log, what has no effect.
    ///
    /// # Errors
    /// When a variable's property is unknown or has an impossible value.
    pub fn environment(
        self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(Self, Vec<String>), StartError> {
        crate::environment::apply(self, variables)
    }

    /// The time of day. Defaults to the system's.
    pub fn wall_clock(mut self, clock: WallClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Makes the ids that the broker makes up (topics, members, cluster) and the choices of
    /// [`When::probability`](crate::When::probability) the same in every run.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Serves the APIs and versions of another broker. Defaults to those of Apache Kafka 4.3.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use kafka_broker::{Broker, Profile};
    ///
    /// let broker = Broker::builder().profile(Profile::EventHubs).start().await?;
    /// # broker.shutdown().await.unwrap();
    /// # Ok::<(), kafka_broker::StartError>(())
    /// # }).unwrap();
    /// ```
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Whether the latest requests are kept for [`Faults::journal`]. Defaults to `true`.
    pub fn journal(mut self, keep: bool) -> Self {
        self.journal = keep.then_some(JOURNAL_BODY_BYTES);
        self
    }

    /// Keeps a journal with so many bytes of each request and answer. Defaults to 1,024. All entries
    /// together have at most 16 MiB: larger ones push more of the old ones out.
    pub fn journal_bodies(mut self, bytes_max: usize) -> Self {
        self.journal = Some(bytes_max);
        self
    }

    /// Opens an endpoint over HTTP on `host:port`, by which programs in other languages inject faults,
    /// change the broker's state and read its journal: see [`testing`](crate::testing). Off by default.
    ///
    /// Whoever reaches the address may do all of this, without a password: it belongs on the loopback
    /// interface or into a container's network.
    pub fn faults_endpoint(mut self, address: impl Into<String>) -> Self {
        self.faults_endpoint = Some(address.into());
        self
    }

    /// Starts the broker on the current tokio runtime.
    ///
    /// # Errors
    /// When a property is wrong, the address is taken, or the data directory cannot be used.
    ///
    /// # Cancel safety
    /// Dropped before its end, nothing keeps running; a data directory may need recovery.
    pub async fn start(self) -> Result<Broker, StartError> {
        let wrong = |error: PropertyError| StartError::Property(error.to_string());
        let given: Properties = self.properties.iter().cloned().collect();
        for (name, value) in &given {
            if BrokerConfig::default().set(name, value).map_err(wrong)? == Effect::None {
                tracing::info!("property {name} has no effect in this broker");
            }
        }
        let store = store(&self.storage)?;
        let changed = store
            .read_settings()
            .map_err(|source| StartError::Storage {
                path: path(&self.storage),
                source,
            })?;
        let mut settings = Settings::new(given, changed).map_err(wrong)?;
        let config = Arc::clone(settings.config());
        let (listeners, sockets) = self.open_listeners(&config).await?;
        let faults_socket = match &self.faults_endpoint {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let metrics = match &self.metrics {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let env = Arc::new(Env::new(self.clock, self.seed));
        let topics = Arc::new(open(store, &self.storage, &config, &env)?);
        settings.note(&[
            ("node.id", config.node_id.to_string()),
            ("listeners", urls(&listeners, Listener::local_url)),
            ("advertised.listeners", urls(&listeners, Listener::url)),
            ("log.dirs", path(&self.storage).display().to_string()),
            ("max.connections", config.connections_max.to_string()),
            ("offsets.topic.replication.factor", "1".to_owned()),
            ("transaction.state.log.replication.factor", "1".to_owned()),
            ("transaction.state.log.min.isr", "1".to_owned()),
            (
                "share.coordinator.state.topic.replication.factor",
                "1".to_owned(),
            ),
            ("share.coordinator.state.topic.min.isr", "1".to_owned()),
        ]);
        let authorizer =
            authorizer(&config, &topics, self.acls).map_err(|source| StartError::Storage {
                path: path(&self.storage),
                source,
            })?;
        let stored_users = topics.store().read_users();
        let stored_users = stored_users.map_err(|source| StartError::Storage {
            path: path(&self.storage),
            source,
        })?;
        let quotas = topics.store().read_quotas();
        let quotas = quotas.map_err(|source| StartError::Storage {
            path: path(&self.storage),
            source,
        })?;
        let tokens = topics.store().read_tokens();
        let tokens = tokens.map_err(|source| StartError::Storage {
            path: path(&self.storage),
            source,
        })?;
        let tokens = DelegationTokens::new(config.delegation.clone(), tokens);
        let stopping = watch::Sender::new(false);
        let settings = Arc::new(Kept::new(settings));
        let groups = Arc::new(Groups::new(&topics, &settings, &env, stopping.subscribe()));
        let node = Arc::new(Node {
            tokens: Kept::new(tokens),
            quotas_change: Mutex::new(()),
            quotas: Mutex::new(Quotas::new(quotas, config.quota_window)),
            authorizer,
            cluster_id: topics.cluster_id().into(),
            listeners,
            users: Kept::new(Users::default()),
            faults: Faults::new(self.journal, self.seed),
            profile: self.profile,
            fetch_sessions: Mutex::new(FetchSessions::new(config.fetch_sessions_max)),
            unserved: Mutex::default(),
            unsent: Unsent::default(),
            requests: Requests::default(),
            telemetry: self.telemetry.then(Mutex::default),
            under_way: Arc::default(),
            stopping,
            settings,
            env,
            topics,
            groups,
        });
        let users = self.users;
        if users.is_empty() && node.tokens().all().is_empty() {
            node.prepare(&[], stored_users);
        } else {
            // Many rounds of hashing for each.
            node.apart(move |node| node.prepare(&users, stored_users))
                .await
                .map_err(|source| StartError::Storage {
                    path: path(&self.storage),
                    source,
                })?;
        }
        node.groups.load().map_err(|refusal| StartError::Storage {
            path: path(&self.storage),
            source: io::Error::new(io::ErrorKind::InvalidData, refusal.message),
        })?;
        let connections = Connections::default();
        let mut tasks = Vec::new();
        for (socket, listener) in sockets.into_iter().zip(&node.listeners) {
            tasks.push(env::spawn(accept(
                Arc::clone(&node),
                connections.clone(),
                socket,
                Arc::clone(listener),
            )));
        }
        let mut faults_address = None;
        if let Some((socket, address)) = faults_socket {
            faults_address = Some(address);
            let serving = endpoint::serve(Arc::clone(&node), socket);
            tasks.push(env::spawn(serving));
        }
        tasks.push(env::spawn(Arc::clone(&node.groups).watch_expiry()));
        tasks.extend(maintenance::start(&node));
        let mut metrics_addr = None;
        if let Some((socket, address)) = metrics {
            metrics_addr = Some(address);
            let node = Arc::clone(&node);
            tasks.push(env::spawn(serve_metrics(node, connections.clone(), socket)));
        }
        Ok(Broker {
            node,
            tls: self.tls,
            connections,
            faults_address,
            metrics_addr,
            tasks,
        })
    }
}

/// The listeners and, unless no ports are opened, their sockets in the same order.
type Opened = (Vec<Arc<Listener>>, Vec<TcpListener>);

impl Builder {
    async fn open_listeners(&self, config: &BrokerConfig) -> Result<Opened, StartError> {
        let wrong = |error: PropertyError| StartError::Property(error.to_string());
        let mut listeners = Vec::new();
        let mut sockets = Vec::new();
        let end_points = self.end_points(config).map_err(wrong)?;
        let names = end_points.iter().map(|one| &one.name);
        let names = names.chain(&config.controller_listeners);
        let checked = config.security.check_listeners(names.map(String::as_str));
        checked.map_err(wrong)?;
        for (index, end_point) in end_points.iter().enumerate() {
            let name = &*end_point.name;
            let protocol = config.protocols.get(name).ok_or_else(|| {
                wrong(invalid(
                    "listener.security.protocol.map",
                    name,
                    "has no security protocol for this listener",
                ))
            })?;
            let mut local = None;
            if self.ports {
                let (socket, address) = bind(&end_point.address()).await?;
                local = Some(address);
                sockets.push(socket);
            }
            let mut configured = config.advertised_listeners.iter();
            let configured = configured.find(|advertised| advertised.name == name);
            let advertised = match (configured, local) {
                _ if index == 0 && self.advertised.is_some() => {
                    self.advertised.clone().unwrap_or_default()
                }
                (Some(advertised), _) => (advertised.host.clone(), advertised.port),
                (None, Some(local)) if local.ip().is_unspecified() => {
                    ("localhost".to_owned(), local.port())
                }
                (None, Some(local)) => (local.ip().to_string(), local.port()),
                (None, None) => ("localhost".to_owned(), 9092),
            };
            let scope = config.security.of(name);
            let listener = Listener::new(
                name,
                *protocol,
                advertised,
                local,
                &scope,
                self.tls.as_ref(),
            );
            listeners.push(Arc::new(listener.map_err(wrong)?));
        }
        Ok((listeners, sockets))
    }

    /// What is to be listened on. At least one.
    fn end_points(&self, config: &BrokerConfig) -> Result<Vec<EndPoint>, PropertyError> {
        const NAME: &str = "listeners";
        let mut all = match &config.listeners {
            Some(all) => all.clone(),
            None => listener::end_points(NAME, DEFAULT_LISTENER)?,
        };
        all.retain(|one| !config.controller_listeners.contains(&one.name));
        let Some(first) = all.first_mut() else {
            return Err(invalid(NAME, "", "has no listener for clients"));
        };
        if let Some(address) = &self.listen {
            let (host, port) = listener::host_and_port(address)
                .ok_or_else(|| invalid("listen", address, "must be of the form host:port"))?;
            first.host = host.to_owned();
            first.port = port;
        }
        let own = self.listeners.iter();
        let own = own.map(|(name, address)| format!("{name}://{address}"));
        let own: Vec<String> = own.collect();
        if !own.is_empty() {
            all.extend(listener::end_points("listener", &own.join(","))?);
        }
        for (index, one) in all.iter().enumerate() {
            if all[..index].iter().any(|before| before.name == one.name) {
                return Err(invalid(NAME, &one.name, "is there twice"));
            }
        }
        for advertised in &config.advertised_listeners {
            let is_known = all.iter().any(|one| one.name == advertised.name)
                || config.controller_listeners.contains(&advertised.name);
            if !is_known {
                return Err(invalid(
                    "advertised.listeners",
                    &advertised.name,
                    "is not among the listeners",
                ));
            }
        }
        Ok(all)
    }
}

async fn bind(address: &str) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |source| StartError::Listen {
        address: address.to_owned(),
        source,
    };
    let socket = TcpListener::bind(address).await.map_err(refused)?;
    let local = socket.local_addr().map_err(refused)?;
    Ok((socket, local))
}

fn bootstrap(listener: &Listener) -> String {
    let host = &*listener.host;
    if host.contains(':') {
        format!("[{host}]:{}", listener.port)
    } else {
        format!("{host}:{}", listener.port)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("storage", &self.storage)
            .field("listen", &self.listen)
            .field("listeners", &self.listeners)
            .field("advertised", &self.advertised)
            .field("properties", &Shown(&self.properties))
            .finish_non_exhaustive()
    }
}

/// Properties without the values of those that may be secrets.
struct Shown<'a>(&'a [(String, String)]);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.iter().map(|(name, value)| {
            let is_secret = SecuritySettings::know(name) || name.contains("secret");
            (name, if is_secret { "[hidden]" } else { value })
        });
        f.debug_list().entries(shown).finish()
    }
}

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

async fn serve_metrics(node: Arc<Node>, connections: Connections, socket: TcpListener) {
    let of = Arc::clone(&node);
    let answer = move |request: http::Request| {
        let page = match (request.method, &*request.path) {
            (http::Method::Get, "/metrics") => {
                let metrics = Metrics::of(&of, connections.count());
                const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
                http::Response::new(200, FORMAT, metrics.to_prometheus())
            }
            (_, "/metrics") => http::Response::text(405, "only GET"),
            _ => http::Response::text(404, "there is /metrics"),
        };
        std::future::ready(page)
    };
    http::serve(socket, node.stopped(), answer).await;
}

async fn accept(
    node: Arc<Node>,
    connections: Connections,
    socket: TcpListener,
    listener: Arc<Listener>,
) {
    let stopped = node.stopped();
    tokio::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stopped => return,
            accepted = socket.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles, most likely: trying again at once would spin.
                tracing::warn!(%error, "a connection was not accepted");
                env::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let config = &node.config();
        let max_of_address = config.connections_max_of(peer.ip());
        let open = connections.open_from(config.connections_max, peer.ip(), max_of_address);
        let open = match open {
            Ok(open) => open,
            Err(property) => {
                tracing::warn!(%peer, "refused a connection: {property} are open");
                continue;
            }
        };
        let peer = Peer::from(peer);
        if !node.quotas().admit(&peer.hosts(), node.env.now_ms()) {
            tracing::warn!(%peer, "refused a connection: its address is over connection_creation_rate");
            continue;
        }
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "no TCP_NODELAY");
        }
        let number = connections.next_number();
        let node = Arc::clone(&node);
        let listener = Arc::clone(&listener);
        env::spawn(async move {
            net::serve(node, listener, stream, peer, number).await;
            drop(open);
        });
    }
}

fn urls(listeners: &[Arc<Listener>], url: fn(&Listener) -> String) -> String {
    let urls: Vec<String> = listeners.iter().map(|one| url(one)).collect();
    urls.join(",")
}

fn store(storage: &Storage) -> Result<Store, StartError> {
    let store = match storage {
        Storage::Memory => Ok(Store::Memory),
        Storage::TempDir => Store::temp_dir(),
        Storage::Dir(path) => Store::dir(path.clone()),
        Storage::Disk(disk) => Store::memory_disk(disk),
    };
    store.map_err(|source| StartError::Storage {
        path: path(storage),
        source,
    })
}

fn open(
    store: Store,
    storage: &Storage,
    config: &BrokerConfig,
    env: &Env,
) -> Result<Topics, StartError> {
    Topics::open(store, config, env).map_err(|source| StartError::Storage {
        path: path(storage),
        source,
    })
}

/// The authorizer with the rules of earlier brokers and those of the builder; `None` if there is to
/// be none.
fn authorizer(
    config: &BrokerConfig,
    topics: &Topics,
    acls: Vec<Acl>,
) -> io::Result<Option<Kept<Authorizer>>> {
    let settings = &config.authorizer;
    if !settings.is_on && acls.is_empty() {
        if !topics.store().read_acls()?.is_empty() {
            tracing::warn!(
                "the rules in acls.json have no effect: without authorizer.class.name everybody may \
                 do everything"
            );
        }
        return Ok(None);
    }
    let mut authorizer = Authorizer::new(settings.super_users.clone(), settings.open_without_acls);
    for acl in topics.store().read_acls()?.into_iter().chain(acls) {
        authorizer.add(acl);
    }
    topics.store().write_acls(authorizer.acls())?;
    Ok(Some(Kept::new(authorizer)))
}

fn path(storage: &Storage) -> PathBuf {
    match storage {
        Storage::Memory | Storage::Disk(_) => PathBuf::from("memory"),
        Storage::TempDir => std::env::temp_dir(),
        Storage::Dir(path) => path.clone(),
    }
}
