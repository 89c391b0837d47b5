use std::{fs, net::TcpListener, path::PathBuf, time::Duration};

use tempfile::TempDir;

use super::{JavaProcess, JavaTools, KafkaError, class, settings::Settings};

/// One node of Apache Kafka as a child process, in a temporary directory and on free ports.
///
/// For developers without a container engine, and for tests that kill the broker and start it again
/// on the same data. Needs `KAFKA_JARS` and `java`. Killed when dropped; a test binary that is
/// itself killed by SIGKILL leaves it running.
#[derive(Debug)]
pub struct NativeKafka {
    // The process ends before its directory goes.
    process: Option<JavaProcess>,
    directory: TempDir,
    tools: JavaTools,
    port: u16,
    /// Of its Java process.
    options: Vec<String>,
}

impl NativeKafka {
    /// Formats the directory and starts the node.
    ///
    /// # Errors
    /// No jars, no `java`, or a node that is not ready within a minute; the error has its log.
    ///
    /// # Cancel safety
    /// Dropping the future kills the node.
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
    /// Dropping the future kills the node.
    pub async fn start_with(settings: &[(&str, &str)]) -> Result<Self, KafkaError> {
        Self::start_with_options(&[], settings).await
    }

    /// The same with options for the virtual machine of the node.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    ///
    /// # Cancel safety
    /// Dropping the future kills the node.
    pub async fn start_with_options(
        options: &[&str],
        settings: &[(&str, &str)],
    ) -> Result<Self, KafkaError> {
        let tools = JavaTools::from_env()?;
        let directory =
            TempDir::with_prefix("kafka-").map_err(KafkaError::io("temporary directory"))?;
        let [port, controller] = free_ports()?;
        let mut all = Settings::single_node();
        all.set(
            "listeners",
            format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"),
        );
        all.set(
            "controller.quorum.voters",
            format!("1@127.0.0.1:{controller}"),
        );
        all.set(
            "log.dirs",
            directory.path().join("data").display().to_string(),
        );
        // A killed node may not register again before its old session has expired, 9 s by default.
        all.set_all(&[
            ("broker.session.timeout.ms", "1000"),
            ("broker.heartbeat.interval.ms", "200"),
        ]);
        all.set_all(settings);

        // Kafka reads keys from no address that its process was not told of.
        let jwks = settings
            .iter()
            .filter(|(name, _)| name.ends_with("jwks.endpoint.url"));
        let allowed = |(_, url): &(&str, &str)| {
            format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={url}")
        };
        let mut kafka = Self {
            process: None,
            directory,
            tools,
            port,
            options: options
                .iter()
                .map(ToString::to_string)
                .chain(jwks.map(allowed))
                .collect(),
        };
        let properties = kafka.properties();
        fs::write(&properties, all.properties()).map_err(KafkaError::io("server.properties"))?;
        let properties = properties.display().to_string();
        kafka
            .tools
            .run(
                class::STORAGE,
                &["format", "-t", "5L6g3nShT-eMCtK--X86sw", "-c", &properties],
                b"",
            )
            .await?
            .success()?;
        kafka.restart().await?;
        Ok(kafka)
    }

    /// `host:port` for `bootstrap.servers`; the same after a restart.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The id of its process.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().and_then(JavaProcess::id)
    }

    /// Where the partitions' directories are.
    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Ends the node at once, as `kill -9` does. Its data stays.
    ///
    /// # Errors
    /// The operating system refused.
    ///
    /// # Cancel safety
    /// Dropping the future kills the node all the same.
    pub async fn kill(&mut self) -> Result<(), KafkaError> {
        if let Some(process) = self.process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// Starts the node again on the same data and ports, after killing it if it still runs.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    ///
    /// # Cancel safety
    /// Dropping the future leaves the node killed.
    pub async fn restart(&mut self) -> Result<(), KafkaError> {
        self.kill().await?;
        let properties = self.properties().display().to_string();
        let mut options = vec!["-Dorg.apache.logging.log4j.level=INFO"];
        options.extend(self.options.iter().map(String::as_str));
        let mut process = self
            .tools
            .spawn_with(&options, class::SERVER, &[&properties])?;
        process
            .wait_for(
                "line `Kafka Server started`",
                Duration::from_secs(60),
                // Not the last line alone: others may have come before anybody looks.
                |lines| {
                    lines
                        .iter()
                        .any(|line| line.contains("Kafka Server started"))
                },
            )
            .await?;
        self.process = Some(process);
        Ok(())
    }

    fn properties(&self) -> PathBuf {
        self.directory.path().join("server.properties")
    }
}

/// Ports that are free now. The node takes them a second later; nothing reserves them until then.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N], KafkaError> {
    let mut ports = [0; N];
    // All are held until all are known, or they could be the same.
    let mut listeners = Vec::with_capacity(N);
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(KafkaError::io("free port"))?;
        let address = listener.local_addr().map_err(KafkaError::io("free port"))?;
        *port = address.port();
        listeners.push(listener);
    }
    Ok(ports)
}
