//! The schema registry as a program.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use kafka_registry::Server;
use tracing_subscriber::EnvFilter;

/// A schema registry for development and tests: Confluent's REST API, kept in a topic of the cluster.
#[derive(Debug, Parser)]
#[command(name = "kafka-registry", version)]
struct Arguments {
    /// Some of the cluster's brokers.
    #[arg(long, value_name = "HOST:PORT,..", default_value = "localhost:9092")]
    bootstrap: String,

    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8081")]
    listen: String,

    /// The topic of schemas, which is made if it is not there.
    #[arg(long, default_value = "_schemas")]
    topic: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let builder = Server::builder(arguments.bootstrap);
    let started = builder
        .listen(arguments.listen)
        .topic(arguments.topic)
        .start();
    let server = match started.await {
        Ok(server) => server,
        Err(error) => {
            eprintln!("kafka-registry: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("schema registry at {}", server.url());
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("kafka-registry: signals cannot be waited for: {error}");
    }
    server.shutdown().await;
    ExitCode::SUCCESS
}
