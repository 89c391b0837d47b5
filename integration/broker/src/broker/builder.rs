//! The settings of a broker to be started.

use crate::config::property::list;
use crate::config::{CLUSTER_ID, STRICT_METADATA, WRITE_TIMEOUT};
use crate::env::WallClock;
use crate::fs::MemoryDisk;
use crate::profile::Profile;
use crate::properties::{self, FileError};
use crate::security::acl::Acl;
use crate::security::settings::SecuritySettings;
use crate::security::tls::Tls;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

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

/// Settings of a broker to be started, see [`Broker::builder`](crate::Broker::builder).
#[derive(Clone)]
#[must_use = "a broker runs once `start` was awaited"]
pub struct Builder {
    pub(super) storage: Storage,
    /// Whether ports are opened.
    pub(super) ports: bool,
    /// Takes the place of the first listener's address.
    pub(super) listen: Option<String>,
    /// Beside those of the properties: names and addresses.
    pub(super) listeners: Vec<(String, String)>,
    pub(super) advertised: Option<(String, u16)>,
    pub(super) tls: Option<Tls>,
    pub(super) users: Vec<(String, Zeroizing<String>)>,
    pub(super) acls: Vec<Acl>,
    pub(super) properties: Vec<(String, String)>,
    pub(super) metrics: Option<String>,
    pub(super) telemetry: bool,
    pub(super) clock: Option<WallClock>,
    pub(super) seed: Option<u64>,
    /// What it keeps of each body; `None` for no journal.
    pub(super) journal: Option<usize>,
    pub(super) profile: Option<Profile>,
    pub(super) faults_endpoint: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Storage {
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

impl Builder {
    /// In memory, on a free port of 127.0.0.1, with what is quick in tests.
    pub(super) fn for_tests() -> Self {
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

    /// Opens no port: only [`Broker::connect`](crate::Broker::connect) and
    /// [`Broker::connector_of`](crate::Broker::connector_of) lead to the broker.
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
        let path = path.into();
        let file = properties::load(&path).map_err(|error| match error {
            FileError::Unreadable(reason) => StartError::PropertiesFile { path, reason },
            FileError::Property(error) => StartError::Property(error.to_string()),
        })?;
        let defaults = self.kafka_defaults();
        let set = file.properties.into_iter();
        let builder = set.fold(defaults, |builder, (name, value)| {
            builder.property(name, value)
        });
        Ok((builder, file.notes))
    }

    /// Answers `GET /metrics` at `host:port` as Prometheus asks:
    /// [`Metrics::to_prometheus`](crate::Metrics::to_prometheus). Port 0 is a free one, see
    /// [`Broker::metrics_addr`](crate::Broker::metrics_addr). Whoever reaches the address may ask.
    /// Defaults to no such address.
    pub fn metrics(mut self, address: impl Into<String>) -> Self {
        self.metrics = Some(address.into());
        self
    }

    /// Whether clients are asked for their metrics (KIP-714) and may push them, for
    /// [`Broker::telemetry`](crate::Broker::telemetry). What they
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

    /// Whether the latest requests are kept for [`Faults::journal`](crate::Faults::journal). Defaults to `true`.
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
