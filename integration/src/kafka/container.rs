use std::{
    borrow::Cow,
    env,
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
    bootstrap: String,
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
        let kafka = ApacheKafka::from_env(settings);
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
        let bootstrap = advertised(&state).map_err(failed)?;
        Ok(Self {
            container,
            _reaper: reaper,
            bootstrap,
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
        self.bootstrap.clone()
    }

    /// The container's id, for `docker` commands by hand.
    pub fn id(&self) -> &str {
        self.container.id()
    }
}

/// What testcontainers needs to know about the image.
#[derive(Debug)]
struct ApacheKafka {
    name: String,
    tag: String,
    environment: Vec<(String, String)>,
}

/// The node must advertise a port that is known only after the container has started. So the
/// container first waits for this file.
const ADVERTISED: &str = "/tmp/advertised.listeners";

impl ApacheKafka {
    fn from_env(overrides: &[(&str, &str)]) -> Self {
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
        &[ContainerPort::Tcp(CONTAINER_PORT)]
    }

    fn exec_after_start(
        &self,
        state: ContainerState,
    ) -> Result<Vec<ExecCommand>, TestcontainersError> {
        // Renamed into place, so that the waiting shell never reads half of it.
        let write = format!(
            "echo PLAINTEXT://{} > {ADVERTISED}.part && mv {ADVERTISED}.part {ADVERTISED}",
            advertised(&state)?
        );
        Ok(vec![
            ExecCommand::new(["sh", "-c", &write]).with_container_ready_conditions(vec![
                WaitFor::message_on_stdout("Kafka Server started"),
            ]),
        ])
    }
}

/// Where clients on this machine reach the node.
fn advertised(state: &ContainerState) -> Result<String, TestcontainersError> {
    let port = state.host_port_ipv4(ContainerPort::Tcp(CONTAINER_PORT))?;
    // `localhost` may mean ::1 first, where the engine need not listen.
    let host = match state.host().to_string() {
        host if host == "localhost" => "127.0.0.1".to_owned(),
        host => host,
    };
    Ok(format!("{host}:{port}"))
}

fn container_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("kafka-client-test-{}-{count}", std::process::id())
}
