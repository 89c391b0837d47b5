//! `kafka-bench produce`: the parent, which starts everything and tells the result.

mod measures;

use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;
use kafka_client::consumer::TopicPartition;
use serde::Serialize;

use crate::bench::{Bench, Cluster, Common, or_all};
use crate::job::{Codec, Job, Values, Workload, topic_names};
use crate::peers::Peer;
use crate::plan::{Case, Plan};
use crate::topics::{Topics, of_topic};
use crate::usage::Measurement;
use crate::{Failure, values};

/// Batches that are looked at to learn how large a client makes them.
const BATCHES: u32 = 200;

/// What is measured.
#[derive(Debug, Clone, clap::Args, Serialize)]
pub(crate) struct Settings {
    #[command(flatten)]
    #[serde(flatten)]
    common: Common,

    /// Records of a measurement; a tenth of it with codecs.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10..=100_000_000))]
    records: u64,

    /// How long tasks that await each send are measured, in milliseconds.
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    send_ms: u64,

    /// Measures only these.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Measure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Measure {
    /// CPU per record, 8 partitions, linger 5 ms.
    Cpu,
    /// 1,000 partitions against 8, each record to the next one.
    Partitions,
    /// Many tasks that await each send, default settings.
    Tasks,
    /// The same, on a broker that takes 2 ms for a request.
    SlowBroker,
    /// One task that awaits each send.
    Lone,
    /// One partition, 5 ms away, default settings.
    Distant,
    /// First sends to topics that the client does not know.
    NewTopics,
    /// JSON values of 1 KB with zstd and LZ4.
    Compressed,
    /// Allocations per record.
    Allocations,
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
    let bench = Bench::start(&mut settings.common, &Peer::PRODUCERS, "Produce.java").await?;
    let directory = tempfile::TempDir::with_prefix("kafka-bench-")?;
    let produce = Produce {
        values: values::write(&directory)?,
        value_bytes: settings.common.value_bytes(),
        bench: &bench,
    };
    let mut report = bench.report(&settings)?;
    for measure in &settings.only {
        let plan = measures::plan(*measure, &settings);
        let cluster = bench.cluster(plan.broker).await?;
        let known = make_known(&plan, &cluster.topics).await?;
        let case =
            async |case: &Case, cluster: &mut Cluster| produce.case(case, &known, cluster).await;
        bench.measure(plan, cluster, &mut report, case).await?;
    }
    bench.tell(&report)
}

/// The topics that a client is to know before it is measured: what their names begin with.
async fn make_known(plan: &Plan, topics: &Topics) -> Result<String, Failure> {
    let prefix = topics.name();
    let counts = plan.cases.iter().map(|case| match case.workload {
        Workload::FirstSends { known, .. } => known,
        _ => 0,
    });
    let count = counts.max().unwrap_or_default();
    topics.make_all(topic_names(&prefix, count)).await?;
    Ok(prefix)
}

struct Produce<'a> {
    bench: &'a Bench,
    value_bytes: usize,
    /// The file with JSON values.
    values: PathBuf,
}

impl Produce<'_> {
    /// One measurement, checked against the log.
    async fn case(
        &self,
        case: &Case,
        known: &str,
        cluster: &mut Cluster,
    ) -> Result<Measurement, Failure> {
        let topics = &cluster.topics;
        let mut job = Job {
            peer: case.peer,
            bootstrap: cluster.bootstrap.clone(),
            security: Vec::new(),
            topic: topics.name(),
            partitions: case.partitions,
            linger_ms: case.linger_ms,
            codec: case.codec,
            values: match case.codec {
                Codec::None => Values::Letters(self.value_bytes),
                Codec::Lz4 | Codec::Zstd => Values::Lines(self.values.clone()),
            },
            workload: case.workload.clone(),
        };
        let partitions = match &mut job.workload {
            Workload::FirstSends {
                known_prefix, new, ..
            } => {
                known.clone_into(known_prefix);
                let names = topic_names(&job.topic, *new);
                topics.make_all(names.clone()).await?;
                let first = names.into_iter().map(|name| TopicPartition::new(name, 0));
                first.collect()
            }
            _ => {
                job.topic = topics.make(case.partitions).await?;
                of_topic(&job.topic, case.partitions)
            }
        };
        let asked = match &mut cluster.child {
            Some(child) => Some(child.counts(&job.topic)?.metadata_requests),
            None => None,
        };
        let mut measurement = self.bench.process(&job).await?;
        if let (Some(child), Some(before)) = (&mut cluster.child, asked) {
            measurement.metadata_requests =
                Some(child.counts(&job.topic)?.metadata_requests - before);
        }
        let topics = &cluster.topics;
        let expected = match case.workload {
            // What went to the others is not new to their topics.
            Workload::FirstSends { .. } => measurement.records,
            _ => measurement.written,
        };
        topics.check(&partitions, expected).await?;
        if case.codec != Codec::None {
            let size = topics
                .batch_records(&partitions, BATCHES, measurement.written)
                .await?;
            job.workload = Workload::Codec {
                records: measurement.records,
                batch_records: (size.round() as u64).max(1),
            };
            let codec = self.bench.process(&job).await?;
            measurement.batch_records = Some(size);
            measurement.codec_ns_per_record = Some(codec.cpu_ns_per_record());
        }
        if !matches!(case.workload, Workload::FirstSends { .. }) {
            topics.remove(&job.topic).await?;
        }
        Ok(measurement)
    }
}
