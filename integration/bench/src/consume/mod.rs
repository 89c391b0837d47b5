//! `kafka-bench consume`: what reading a backlog costs, here and with librdkafka.
//!
//! The same for all: `check.crcs`, up to 1 MiB per partition and answer, 64 MiB ahead. All else is
//! each client's default. librdkafka's batch queue is not measured: the `rdkafka` crate does not
//! offer it without `unsafe`.

mod ours;
mod rdkafka;
mod report;

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::broker::{Child, Kind};
use crate::job::letters;
use crate::topics::Topics;
use crate::usage::Measurement;
use crate::worker::runtime;
use report::Report;

/// The longest that a measuring process may take.
const LIMIT: Duration = Duration::from_secs(120);

/// A way to consume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Api {
    /// Ours: `Consumer::recv`, a record at a time.
    Recv,
    /// Ours: `Consumer::recv_batch`, records looked at in place.
    RecvBatch,
    /// librdkafka's `BaseConsumer::poll`.
    BaseConsumer,
    /// librdkafka's `StreamConsumer`.
    StreamConsumer,
}

impl Api {
    fn client(self) -> &'static str {
        match self {
            Self::Recv | Self::RecvBatch => "kafka-client",
            Self::BaseConsumer | Self::StreamConsumer => "rdkafka",
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().ok_or(fmt::Error)?;
        f.write_str(value.get_name())
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
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
pub(crate) struct Settings {
    /// Rounds that count; one more goes first.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// Records of a measurement.
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    records: u64,

    /// Bytes of a value.
    #[arg(long, default_value_t = 100)]
    value_bytes: usize,

    /// Partitions of the topic.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,

    /// Most bytes of a batch in the backlog.
    #[arg(long, default_value_t = 16 * 1024)]
    backlog_batch: usize,

    /// Measures only these.
    #[arg(long, value_delimiter = ',', default_values_t = Api::value_variants().iter().copied())]
    only: Vec<Api>,
}

/// One measurement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    api: Api,
    bootstrap: String,
    topic: String,
    partitions: i32,
    /// Records that are measured.
    records: u64,
    /// Records before those.
    warm_up: u64,
}

/// The measuring process.
pub(crate) fn worker(job: &str) -> Result<(), Failure> {
    let job: Job = serde_json::from_str(job)?;
    let measurement = match job.api {
        Api::Recv => runtime()?.block_on(ours::recv(&job)),
        Api::RecvBatch => runtime()?.block_on(ours::recv_batch(&job)),
        Api::BaseConsumer => rdkafka::base_consumer(&job),
        Api::StreamConsumer => runtime()?.block_on(rdkafka::stream_consumer(&job)),
    }?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(&measurement)?)?;
    Ok(())
}

/// The parent: starts everything and tells the result.
pub(crate) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let settings = &arguments.settings;
    let (bootstrap, broker) = match &arguments.bootstrap {
        Some(bootstrap) => (bootstrap.clone(), None),
        None => {
            let broker = Child::start(Kind::Plain)?;
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
    let value = letters(settings.value_bytes);
    let topic = topics
        .backlog(
            settings.partitions,
            &value,
            settings.records,
            settings.backlog_batch,
        )
        .await?;
    for round in 0..=settings.rounds {
        let mut order = settings.only.clone();
        if round % 2 == 1 {
            order.reverse();
        }
        for api in order {
            let job = Job {
                api,
                bootstrap: bootstrap.to_owned(),
                topic: topic.clone(),
                partitions: settings.partitions,
                records: settings.records,
                warm_up: (settings.records / 4).max(1),
            };
            let measurement = process(&job).await?;
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

/// One job in a process of its own.
async fn process(job: &Job) -> Result<Measurement, Failure> {
    let output = tokio::process::Command::new(std::env::current_exe()?)
        .arg("consume-worker")
        .arg(serde_json::to_string(job)?)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LIMIT, output)
        .await
        .map_err(|_| format!("{} is not done after {} s", job.api, LIMIT.as_secs()))??;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        let status = output.status;
        return Err(format!("measuring {} failed, {status}: {}", job.api, told.trim()).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
