//! What each record costs the client: CPU time (user and system), memory and speed of this client
//! and of librdkafka, on one broker, with the same settings.
//!
//! ```text
//! cargo run --release -p kafka-bench --bin client-cpu                      # on the reference broker
//! cargo run --release -p kafka-bench --bin client-cpu -- --bootstrap localhost:9092 --json out.json
//! cargo run --release -p kafka-bench --bin client-cpu -- --only enqueue,base-producer --rounds 9
//! ```
//!
//! Each measurement is a process of its own (this program, started again), so that `getrusage` is
//! one client's; the broker is in another. Rounds are interleaved, every second one in reverse, and
//! one round that does not count goes first. Within a process the client first does some of the
//! work unmeasured; then the difference of two `getrusage` calls around the loop is taken.
//!
//! Wall time on a small machine is mostly the broker's: quote CPU per record, and ratios within one
//! run. The ratios here are medians of those within each round.
//!
//! The same for all: `acks=all`, idempotent, no compression, `linger.ms=5`, 32 MiB of buffer, at
//! most 100,000 deliveries outstanding (librdkafka's own limit); reading with `check.crcs`, up to
//! 1 MiB per partition and answer, 64 MiB ahead. All else is each client's default. Batches of the
//! backlog have at most `--backlog-batch` bytes. librdkafka's batch queue is not measured: the
//! `rdkafka` crate does not offer it without `unsafe`.

mod api;
mod broker;
mod ours;
mod peer;
mod report;
mod topics;
mod usage;

use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use clap::{Parser, Subcommand, ValueEnum};
use serde::Serialize;

use api::{Api, Role};
use report::Report;
use topics::Topics;
use usage::Measurement;

/// Deliveries that may be outstanding: the default of librdkafka's
/// `queue.buffering.max.messages`.
const OUTSTANDING: usize = 100_000;

/// What goes wrong ends the run with a message.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Compares clients by the CPU time, memory and speed of producing and consuming.
#[derive(Debug, Parser)]
#[command(name = "client-cpu", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    settings: Settings,

    /// A broker to measure against. Without one the reference broker is started, in a process of
    /// its own.
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,

    /// Writes every measurement to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What is measured.
#[derive(Debug, Clone, clap::Args, Serialize)]
struct Settings {
    /// Rounds that count; one more goes first.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// Records of a measurement.
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,

    /// Bytes of a value.
    #[arg(long, default_value_t = 100)]
    value_bytes: usize,

    /// Partitions of a topic.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,

    /// Where produced records go: each client's own choice for records without a key, or one
    /// partition after the other.
    #[arg(long, default_value = "client")]
    spread: Spread,

    /// Most bytes of a batch in the backlog that is consumed.
    #[arg(long, default_value_t = 16 * 1024)]
    backlog_batch: usize,

    /// Measures only these.
    #[arg(long, value_delimiter = ',', default_values_t = Api::ALL)]
    only: Vec<Api>,
}

/// Which partition a produced record goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Spread {
    /// The client's own choice for records without a key.
    Client,
    /// One after the other.
    RoundRobin,
}

/// What this program does when it starts itself.
#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// One measurement; prints it as JSON.
    #[command(hide = true)]
    Measure(Job),
    /// The reference broker, until standard input ends; prints its address.
    #[command(hide = true)]
    Broker,
}

/// One measurement.
#[derive(Debug, Clone, clap::Args)]
struct Job {
    #[arg(long)]
    api: Api,
    #[arg(long)]
    bootstrap: String,
    #[arg(long)]
    topic: String,
    /// Records that are measured.
    #[arg(long)]
    records: u64,
    /// Records before those.
    #[arg(long)]
    warm_up: u64,
    #[arg(long)]
    value_bytes: usize,
    #[arg(long)]
    partitions: i32,
    #[arg(long)]
    spread: Spread,
}

impl Job {
    /// The partition of the `n`-th record, if the client is not to choose.
    fn partition(&self, n: u64) -> Option<i32> {
        match self.spread {
            Spread::Client => None,
            Spread::RoundRobin => Some((n % self.partitions as u64) as i32),
        }
    }

    fn value(&self) -> Vec<u8> {
        value(self.value_bytes)
    }
}

impl Settings {
    fn value(&self) -> Vec<u8> {
        value(self.value_bytes)
    }
}

fn value(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|index| b'a' + (index % 26) as u8).collect()
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Some(Command::Measure(job)) => measure(job),
        Some(Command::Broker) => runtime().and_then(|runtime| runtime.block_on(broker::serve())),
        None => runtime().and_then(|runtime| runtime.block_on(compare(&arguments))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("client-cpu: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The same for all that are asynchronous: what `#[tokio::main]` makes, with two threads whatever
/// the machine has.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?)
}

/// The measuring process.
fn measure(job: &Job) -> Result<(), Failure> {
    let measurement = match job.api {
        Api::Enqueue => runtime()?.block_on(ours::enqueue(job)),
        Api::Recv => runtime()?.block_on(ours::recv(job)),
        Api::RecvBatch => runtime()?.block_on(ours::recv_batch(job)),
        Api::BaseProducer => peer::base_producer(job),
        Api::FutureProducer => runtime()?.block_on(peer::future_producer(job)),
        Api::BaseConsumer => peer::base_consumer(job),
        Api::StreamConsumer => runtime()?.block_on(peer::stream_consumer(job)),
    }?;
    println!("{}", serde_json::to_string(&measurement)?);
    Ok(())
}

/// The parent: starts everything and tells the result.
async fn compare(arguments: &Arguments) -> Result<(), Failure> {
    let settings = &arguments.settings;
    let (bootstrap, broker) = match &arguments.bootstrap {
        Some(bootstrap) => (bootstrap.clone(), None),
        None => {
            let broker = broker::Child::start()?;
            (broker.bootstrap().to_owned(), Some(broker))
        }
    };
    let topics = Topics::connect(&bootstrap).await?;
    let result = rounds(settings, &bootstrap, &topics).await;
    // Also after a failure: topics hold much.
    topics.remove_all().await;
    let report = result?;
    if let Some(broker) = broker {
        broker.stop()?;
    }
    println!("{}", report.table());
    if let Some(path) = &arguments.json {
        std::fs::write(path, report.json(settings)?)?;
    }
    Ok(())
}

async fn rounds(settings: &Settings, bootstrap: &str, topics: &Topics) -> Result<Report, Failure> {
    let mut report = Report::new(&settings.only);
    let warm_up = (settings.records / 4).max(1);
    let backlog = match settings.only.iter().any(|api| api.role() == Role::Consume) {
        true => topics.backlog(settings).await?,
        false => String::new(),
    };
    for round in 0..=settings.rounds {
        let mut order = settings.only.clone();
        if round % 2 == 1 {
            order.reverse();
        }
        for api in order {
            let topic = match api.role() {
                Role::Produce => topics.make(settings).await?,
                Role::Consume => backlog.clone(),
            };
            let job = Job {
                api,
                bootstrap: bootstrap.to_owned(),
                topic: topic.clone(),
                records: settings.records,
                warm_up,
                value_bytes: settings.value_bytes,
                partitions: settings.partitions,
                spread: settings.spread,
            };
            let measurement = run(job).await?;
            if api.role() == Role::Produce {
                topics
                    .check(&topic, settings, settings.records + warm_up)
                    .await
                    .map_err(|error| format!("{api}: {error}"))?;
                topics.remove(&topic).await?;
            }
            let what = if round == 0 { "not counted" } else { "" };
            let cpu = measurement.cpu_ns_per_record();
            eprintln!("round {round}: {api}: {cpu:.0} ns {what}");
            if round > 0 {
                report.add(api, measurement);
            }
        }
    }
    Ok(report)
}

/// Runs one measurement in a process of its own.
async fn run(job: Job) -> Result<Measurement, Failure> {
    let name = |value: &dyn ToString| value.to_string();
    let spread = job
        .spread
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned());
    let output = tokio::process::Command::new(std::env::current_exe()?)
        .arg("measure")
        .args(["--api", &name(&job.api)])
        .args(["--bootstrap", &job.bootstrap])
        .args(["--topic", &job.topic])
        .args(["--records", &name(&job.records)])
        .args(["--warm-up", &name(&job.warm_up)])
        .args(["--value-bytes", &name(&job.value_bytes)])
        .args(["--partitions", &name(&job.partitions)])
        .args(["--spread", &spread])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    if !output.status.success() {
        return Err(format!("measuring {} failed: {}", job.api, output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
