//! `kafka-bench consume`: the parent, which fills topics, starts everything and tells the result.
//!
//! The same for all: partitions are assigned by hand and read from their beginning, CRCs are
//! checked, up to 1 MiB per partition and answer, 64 MiB ahead where that can be set. All else is
//! each client's default.

mod acks;
mod end_to_end;
mod measures;
mod peers;
mod rows;
mod work;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;

use crate::Failure;
use crate::bench::{Bench, Cluster, Common, or_all};
use crate::job::{Api, Backlog, Job, Values, Workload};
use crate::peers::Peer;
use crate::plan::Case;
use crate::topics::Topics;
use crate::usage::{Fetched, Measurement};

pub(crate) use work::work;

/// What a client may have fetched ahead.
const AHEAD: usize = 64 * 1024 * 1024;
const PARTITION_BYTES: i32 = 1024 * 1024;

/// Values that take long to fill a buffer, and some that do not.
const SMALL: usize = 10;
const LARGE: usize = 1000;

/// What is measured.
#[derive(Debug, Clone, clap::Args, Serialize)]
pub(crate) struct Settings {
    #[command(flatten)]
    #[serde(flatten)]
    common: Common,

    /// Records of a backlog, where the measure does not say.
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1000..=100_000_000))]
    records: u64,

    /// Most bytes of a batch in a backlog.
    #[arg(long, default_value_t = 16 * 1024)]
    backlog_batch: usize,

    /// How long records are timed end to end, in milliseconds.
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    timed_ms: u64,

    /// Measures only these.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Measure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Measure {
    /// CPU per record of a backlog in 8 partitions.
    Cpu,
    /// JSON of about 200 bytes, read as a struct.
    Json,
    /// 1,000 partitions, 10 of which have the records, against 10.
    IdlePartitions,
    /// What acknowledging each record costs.
    Acks,
    /// Bytes that the broker sent for the bytes in its log.
    Bytes,
    /// From the producer to the consumer, 10,000 records a second.
    Latency,
    /// Peak memory above the buffer's.
    Memory,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().ok_or(fmt::Error)?;
        f.write_str(value.get_name())
    }
}

pub(crate) async fn run(settings: &Settings) -> Result<(), Failure> {
    let mut settings = settings.clone();
    or_all(&mut settings.only);
    let bench = Bench::start(&mut settings.common, &Peer::CONSUMERS, "Consume.java").await?;
    let directory = tempfile::TempDir::with_prefix("kafka-bench-")?;
    let rows = rows::write(&directory)?;
    let mut report = bench.report(&settings)?;
    for measure in &settings.only {
        let plan = measures::plan(*measure, &settings);
        let cluster = bench.cluster(plan.broker).await?;
        let mut consume = Consume {
            bench: &bench,
            settings: &settings,
            rows: rows.clone(),
            backlogs: HashMap::new(),
        };
        let case = async |case: &Case, cluster: &mut Cluster| consume.case(case, cluster).await;
        bench.measure(plan, cluster, &mut report, case).await?;
    }
    bench.tell(&report)
}

struct Consume<'a> {
    bench: &'a Bench,
    settings: &'a Settings,
    /// The file with JSON values.
    rows: PathBuf,
    /// The topics that were filled, by what is in them.
    backlogs: HashMap<Contents, String>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Contents {
    partitions: i32,
    filled: i32,
    values: Values,
    records: u64,
}

impl Consume<'_> {
    async fn case(&mut self, case: &Case, cluster: &mut Cluster) -> Result<Measurement, Failure> {
        let values = self.values(&case.workload);
        let topics = &cluster.topics;
        let job = Job {
            peer: case.peer,
            bootstrap: cluster.bootstrap.clone(),
            security: Vec::new(),
            topic: match case.workload {
                Workload::Backlog(backlog) => {
                    self.backlog(topics, case.partitions, backlog, values.clone())
                        .await?
                }
                Workload::EndToEnd { .. } => topics.make(case.partitions).await?,
                _ => String::new(),
            },
            partitions: case.partitions,
            linger_ms: case.linger_ms,
            codec: case.codec,
            values,
            workload: case.workload.clone(),
        };
        let before = match &mut cluster.child {
            Some(child) => Some(child.counts(&job.topic)?),
            None => None,
        };
        let mut measurement = self.bench.process(&job).await?;
        if let (Some(child), Some(before)) = (&mut cluster.child, before) {
            let after = child.counts(&job.topic)?;
            // Without a relay nothing is counted.
            measurement.fetched = (after.sent_bytes > 0).then(|| Fetched {
                wire_bytes: after.sent_bytes - before.sent_bytes,
                log_bytes: after.log_bytes,
            });
        }
        if matches!(case.workload, Workload::EndToEnd { .. }) {
            cluster.topics.remove(&job.topic).await?;
        }
        Ok(measurement)
    }

    fn values(&self, workload: &Workload) -> Values {
        let api = match workload {
            Workload::Backlog(backlog) => Some(backlog.api),
            Workload::Json { .. } => Some(Api::Json),
            _ => None,
        };
        match api {
            Some(Api::Json) => Values::Lines(self.rows.clone()),
            Some(Api::PauseResume) => Values::Letters(SMALL),
            Some(Api::Rests | Api::PauseInTurn) => Values::Letters(LARGE),
            _ => Values::Letters(self.settings.common.value_bytes()),
        }
    }

    /// The topic that has this, made when it is first asked for.
    async fn backlog(
        &mut self,
        topics: &Topics,
        partitions: i32,
        backlog: Backlog,
        values: Values,
    ) -> Result<String, Failure> {
        let contents = Contents {
            partitions,
            filled: backlog.filled,
            values,
            records: backlog.records,
        };
        if let Some(topic) = self.backlogs.get(&contents) {
            return Ok(topic.clone());
        }
        let topic = topics
            .backlog(
                partitions,
                backlog.filled,
                &contents.values.load()?,
                backlog.records,
                self.settings.backlog_batch,
            )
            .await?;
        self.backlogs.insert(contents, topic.clone());
        Ok(topic)
    }
}
