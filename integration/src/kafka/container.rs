use std::{
    borrow::Cow,
    env, fmt,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use testcontainers::{
    ContainerAsync, Image, ImageExt, TestcontainersError,
    core::{ContainerPort, ContainerState, ExecCommand, WaitFor},
    runners::AsyncRunner,
};
use tokio::sync::OnceCell;

use super::{
    KafkaError,
    reaper::Reaper,
    settings::{CONTAINER_PORT, Settings},
};

/// One node of Apache Kafka in a container: KRaft, no authentication, reachable from this machine.
///
/// Replication factors are 1, groups rebalance without initial delay, topics are created on first
/// use, and nothing is deleted by age. The container is removed when this is dropped, and also when
/// the process ends without dropping it, by whatever cause.
#[derive(Debug)]
pub struct KafkaContainer {
    // Dropped in this order: the first removes the container, the second finds it gone.
    container: ContainerAsync<ApacheKafka>,
    _reaper: Reaper,
    /// By listener.
    addresses: Vec<(&'static str, String)>,
}

impl KafkaContainer {
    /// Starts a node of its own for the caller.
    ///
    /// # Errors
    /// No engine, no image, or a node that is not ready within two minutes.
    ///
    /// # Cancel safety
    /// Safe: a container that was being started is removed.
    pub async fn start() -> Result<Self, KafkaError> {
        Self::start_with(&[]).await
    }

    /// Starts a node with these settings on top of the usual ones. Names are Kafka's own, as in
    /// `server.properties`.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    ///
    /// # Cancel safety
    /// Safe: a container that was being started is removed.
    pub async fn start_with(settings: &[(&str, &str)]) -> Result<Self, KafkaError> {
        let none = Box::new(|_: &str| Vec::new());
        Self::start_listening(settings, &[("PLAINTEXT", CONTAINER_PORT)], none).await
    }

    /// The same of another image that keeps to the contract of `apache/kafka`.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    ///
    /// # Cancel safety
    /// Safe: a container that was being started is removed.
    pub async fn start_image(
        name: &str,
        tag: &str,
        settings: &[(&str, &str)],
    ) -> Result<Self, KafkaError> {
        let listeners = &[("PLAINTEXT", CONTAINER_PORT)];
        let none = Box::new(|_: &str| Vec::new());
        let mut kafka = ApacheKafka::from_env(settings, listeners, none);
        kafka.name = name.to_owned();
        kafka.tag = tag.to_owned();
        Self::start_as(kafka, listeners).await
    }

    /// Starts a node with these listeners, by name and port inside of the container. The settings are to name
    /// them too, all but the advertised ones. `files` are made for the host that clients reach the node at.
    pub(crate) async fn start_listening(
        settings: &[(&str, &str)],
        listeners: &[(&'static str, u16)],
        files: Files,
    ) -> Result<Self, KafkaError> {
        Self::start_as(ApacheKafka::from_env(settings, listeners, files), listeners).await
    }

    async fn start_as(
        kafka: ApacheKafka,
        listeners: &[(&'static str, u16)],
    ) -> Result<Self, KafkaError> {
        let image = format!("{}:{}", kafka.name, kafka.tag);
        let name = container_name();
        let reaper = Reaper::watch(&name)?;

        let failed = |source| KafkaError::Container {
            image: image.clone(),
            source: Box::new(source),
        };
        let container = kafka
            .with_container_name(name)
            .with_label("kafka-client.test", "apache-kafka")
            .with_startup_timeout(Duration::from_secs(120))
            .start()
            .await
            .map_err(failed)?;
        let state = ContainerState::from_container(&container)
            .await
            .map_err(failed)?;
        let addresses = advertised(&state, listeners).map_err(failed)?;
        Ok(Self {
            container,
            _reaper: reaper,
            addresses,
        })
    }

    /// The node that all tests of this binary share: started by the first caller, removed when the
    /// process ends. Tests keep out of each other's way by topic and group names.
    ///
    /// # Errors
    /// As for [`start`](Self::start); the next caller tries again.
    ///
    /// # Cancel safety
    /// Safe: another caller starts the node.
    pub async fn shared() -> Result<&'static Self, KafkaError> {
        static SHARED: OnceCell<KafkaContainer> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    /// `host:port` for `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        self.addresses[0].1.clone()
    }

    /// `host:port` of each listener, by name.
    pub(crate) fn addresses(&self) -> &[(&'static str, String)] {
        &self.addresses
    }

    /// The container's id, for `docker` commands by hand.
    pub fn id(&self) -> &str {
        self.container.id()
    }
}

/// Makes files for a host, by path and content.
pub(crate) type Files = Box<dyn Fn(&str) -> Vec<(&'static str, String)> + Send + Sync>;

/// What testcontainers needs to know about the image.
struct ApacheKafka {
    name: String,
    tag: String,
    environment: Vec<(String, String)>,
    listeners: Vec<(&'static str, u16)>,
    ports: Vec<ContainerPort>,
    files: Files,
}

impl fmt::Debug for ApacheKafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApacheKafka")
            .field("name", &self.name)
            .field("tag", &self.tag)
            .finish_non_exhaustive()
    }
}

/// The node must advertise a port that is known only after the container has started. So the
/// container first waits for this file.
const ADVERTISED: &str = "/tmp/advertised.listeners";

impl ApacheKafka {
    fn from_env(
        overrides: &[(&str, &str)],
        listeners: &[(&'static str, u16)],
        files: Files,
    ) -> Self {
        let or = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
        let mut settings = Settings::single_node();
        settings.set_all(&[
            (
                "listeners",
                "PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093",
            ),
            ("controller.quorum.voters", "1@127.0.0.1:9093"),
            ("log.dirs", "/tmp/kafka-logs"),
        ]);
        settings.set_all(overrides);
        Self {
            name: or("KAFKA_TEST_IMAGE", "apache/kafka"),
            tag: or("KAFKA_TEST_TAG", "4.3.1"),
            environment: settings.environment(),
            listeners: listeners.to_vec(),
            ports: listeners
                .iter()
                .map(|(_, port)| ContainerPort::Tcp(*port))
                .collect(),
            files,
        }
    }
}

impl Image for ApacheKafka {
    fn name(&self) -> &str {
        &self.name
    }

    fn tag(&self) -> &str {
        &self.tag
    }

    fn ready_conditions(&self) -> Vec<WaitFor> {
        // Ready only after the advertised address is there: see `exec_after_start`.
        Vec::new()
    }

    fn env_vars(
        &self,
    ) -> impl IntoIterator<Item = (impl Into<Cow<'_, str>>, impl Into<Cow<'_, str>>)> {
        self.environment.iter().map(|(name, value)| (name, value))
    }

    fn cmd(&self) -> impl IntoIterator<Item = impl Into<Cow<'_, str>>> {
        let wait = format!(
            "while [ ! -f {ADVERTISED} ]; do sleep 0.05; done; \
             KAFKA_ADVERTISED_LISTENERS=\"$(cat {ADVERTISED})\"; \
             export KAFKA_ADVERTISED_LISTENERS; exec /etc/kafka/docker/run"
        );
        ["sh".to_owned(), "-c".to_owned(), wait]
    }

    fn expose_ports(&self) -> &[ContainerPort] {
        &self.ports
    }

    fn exec_after_start(
        &self,
        state: ContainerState,
    ) -> Result<Vec<ExecCommand>, TestcontainersError> {
        let addresses = advertised(&state, &self.listeners)?;
        let listeners: Vec<_> = addresses
            .iter()
            .map(|(name, address)| format!("{name}://{address}"))
            .collect();
        let listeners = listeners.join(",");
        let mut write = String::new();
        for (path, content) in (self.files)(&host(&state)) {
            write += &format!("cat > {path} <<'END'\n{content}\nEND\n");
        }
        // Renamed into place, so that the waiting shell never reads half of it.
        write +=
            &format!("echo {listeners} > {ADVERTISED}.part && mv {ADVERTISED}.part {ADVERTISED}");
        Ok(vec![
            ExecCommand::new(["sh", "-c", &write]).with_container_ready_conditions(vec![
                WaitFor::message_on_stdout("Kafka Server started"),
            ]),
        ])
    }
}

/// Where clients on this machine reach the listeners of the node.
fn advertised(
    state: &ContainerState,
    listeners: &[(&'static str, u16)],
) -> Result<Vec<(&'static str, String)>, TestcontainersError> {
    let host = host(state);
    let address = |(name, port): &(&'static str, u16)| {
        let port = state.host_port_ipv4(ContainerPort::Tcp(*port))?;
        Ok((*name, format!("{host}:{port}")))
    };
    listeners.iter().map(address).collect()
}

fn host(state: &ContainerState) -> String {
    match state.host().to_string() {
        // It may mean ::1 first, where the engine need not listen.
        host if host == "localhost" => "127.0.0.1".to_owned(),
        host => host,
    }
}

fn container_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("kafka-client-test-{}-{count}", std::process::id())
}
