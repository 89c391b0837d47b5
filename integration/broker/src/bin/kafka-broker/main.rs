//! The reference broker as a program.

mod memory;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use kafka_broker::{Broker, StartError};
use tracing_subscriber::EnvFilter;

/// A single Kafka broker for development and tests: real storage, no Java, started in milliseconds.
#[derive(Debug, Parser)]
#[command(name = "kafka-broker", version)]
struct Arguments {
    /// Address that the first listener listens on; port 0 takes a free one. Further listeners, and
    /// those with TLS or SASL, are in the properties: listeners, ssl.* and sasl.*.
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,

    /// Directory for logs; what an earlier broker left in it is taken over. Defaults to a temporary
    /// directory that goes with the broker.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// A server.properties of Apache Kafka. The options here win over it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Host and port that clients are told to connect to. Defaults to the address listened on.
    #[arg(long, value_name = "HOST:PORT")]
    advertise: Option<String>,

    /// Address that answers GET /metrics for Prometheus, with Kafka's names. Defaults to none.
    #[arg(long, value_name = "HOST:PORT")]
    metrics: Option<String>,

    /// Start as in the container image `apache/kafka`: settings come from KAFKA_X_Y and CLUSTER_ID in the environment,
    /// after those of /mnt/shared/config/server.properties, and the ready lines are that image's too.
    #[arg(long)]
    from_environment: bool,

    /// One property by Kafka's name, such as num.partitions=6. Kafka's defaults hold for the others;
    /// tests often want group.initial.rebalance.delay.ms=0.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    properties: Vec<String>,

    /// Address of an endpoint over HTTP that lets tests inject faults, change the broker's state and
    /// read its journal. Whoever reaches it may do so. Off by default; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT")]
    faults: Option<String>,
}

/// Where the image takes a file of properties from.
const MOUNTED_CONFIG: &str = "/mnt/shared/config/server.properties";

fn main() -> ExitCode {
    memory::give_large_buffers_back();
    serve()
}

#[tokio::main]
async fn serve() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kafka-broker: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    // Before the ready line: a signal that comes right after it must be seen.
    let signal = stop_signal()?;
    let is_image = arguments.from_environment;
    let broker = start(arguments).await?;
    let address = broker
        .local_addr()
        .map_or_else(|| broker.bootstrap(), |at| at.to_string());
    let mut out = std::io::stdout().lock();
    let mut ready = format!("kafka-broker ready on {address}\n");
    if let Some(address) = broker.faults_address() {
        ready += &format!("faults on http://{address}\n");
    }
    if is_image {
        // Helpers for tests wait for the one or the other.
        ready += "The broker has been unfenced. Transitioning from RECOVERY to RUNNING.\n";
        ready += "Kafka Server started\n";
    }
    // At once: who waits for the first line may not read on.
    out.write_all(ready.as_bytes())?;
    out.flush()?;
    drop(out);
    let name = tokio::select! {
        name = signal => name,
        // As Kafka does when its only log directory fails: what manages the program is to see it.
        failure = broker.storage_failed() => {
            broker.crash().await;
            return Err(format!("the data directory has failed: {failure}").into());
        }
    };
    tracing::info!("{name}: stopping");
    broker.shutdown().await?;
    Ok(())
}

async fn start(arguments: Arguments) -> Result<Broker, StartError> {
    let mut builder = Broker::builder()
        .kafka_defaults()
        .journal(false)
        .temp_dir()
        .listen("127.0.0.1:9092");
    let mut notes = Vec::new();
    let mounted = Path::new(MOUNTED_CONFIG);
    let mounted = (arguments.from_environment && mounted.exists()).then(|| mounted.to_owned());
    if let Some(path) = arguments.config.or(mounted) {
        (builder, notes) = builder.server_properties(path)?;
    }
    if arguments.from_environment {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let further;
        (builder, further) = builder.environment(variables)?;
        notes.extend(further);
    }
    for note in notes {
        tracing::warn!("{note}");
    }
    if let Some(address) = arguments.listen {
        builder = builder.listen(address);
    }
    if let Some(address) = arguments.metrics {
        builder = builder.metrics(address);
    }
    if let Some(path) = arguments.data_dir {
        builder = builder.data_dir(path);
    }
    if let Some(address) = arguments.advertise {
        let parts = address
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = parts.ok_or_else(|| {
            StartError::Property(format!("--advertise {address}: not of the form HOST:PORT"))
        })?;
        builder = builder.advertise(host, port);
    }
    if let Some(address) = arguments.faults {
        builder = builder.journal(true).faults_endpoint(address);
    }
    for property in &arguments.properties {
        let (name, value) = property.split_once('=').ok_or_else(|| {
            StartError::Property(format!("--set {property}: not of the form NAME=VALUE"))
        })?;
        builder = builder.property(name.trim(), value.trim());
    }
    builder.start().await
}

/// Resolves with the name of the signal that asks for a stop.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "Ctrl-C",
        }
    })
}

/// Resolves with the name of the signal that asks for a stop.
#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = &'static str>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
        "Ctrl-C"
    })
}
