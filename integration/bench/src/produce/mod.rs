//! `kafka-bench produce`: the parent, which starts everything and tells the result.

mod measures;
mod plan;
mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use clap::ValueEnum;
use integration::kafka::NativeKafka;
use kafka_client::consumer::TopicPartition;
use serde::Serialize;

use crate::broker::{self, Kind};
use crate::job::{Codec, Job, Values, Workload, topic_names};
use crate::peers::Peer;
use crate::peers::other::{self, Program};
use crate::topics::{Topics, of_topic};
use crate::usage::Measurement;
use crate::{Failure, values};
use plan::{Case, Measure, Plan};
use report::Report;

/// The longest that a measuring process may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Batches that are looked at to learn how large a client makes them.
const BATCHES: u32 = 200;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: Settings,

    /// A broker to measure against, instead of the reference broker in a process of its own. What
    /// needs a slow or a distant broker takes the reference broker all the same.
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,

    /// Starts Apache Kafka to measure against. Needs Java, and KAFKA_JARS.
    #[arg(long, conflicts_with = "bootstrap")]
    kafka: bool,

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

    /// Records of a measurement; a tenth of it with codecs.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10..=100_000_000))]
    records: u64,

    /// Bytes of a value, but for JSON.
    #[arg(long, default_value_t = 100)]
    value_bytes: usize,

    /// How long tasks that await each send are measured, in milliseconds.
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    send_ms: u64,

    /// Measures only these.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Measure>,

    /// Measures only these clients; ours always.
    #[arg(long, value_delimiter = ',', default_values_t = Peer::value_variants().iter().copied())]
    peers: Vec<Peer>,
}

impl Settings {
    /// Those of these clients that are to be measured.
    fn among<const N: usize>(&self, peers: [Peer; N]) -> impl Iterator<Item = Peer> {
        peers.into_iter().filter(|peer| self.peers.contains(peer))
    }
}

/// How each client is started, and why some are not.
struct Peers {
    programs: BTreeMap<Peer, Program>,
    left_out: BTreeMap<Peer, String>,
}

impl Peers {
    fn find(wanted: &[Peer]) -> Result<Self, Failure> {
        let this = Program::this()?;
        let mut peers = Self {
            programs: BTreeMap::new(),
            left_out: BTreeMap::new(),
        };
        for peer in wanted.iter().copied() {
            let unbuilt = |built: bool| match built {
                true => Ok(this.clone()),
                false => Err("built without its feature of this crate".to_owned()),
            };
            let program = match peer {
                Peer::FranzGo => other::franz_go(),
                Peer::Java => other::java(),
                Peer::ConfluentKafka => unbuilt(cfg!(feature = "confluent-kafka")),
                Peer::Kacrab => unbuilt(cfg!(feature = "kacrab")),
                Peer::Krafka => unbuilt(cfg!(feature = "krafka")),
                _ => Ok(this.clone()),
            };
            match program {
                Ok(program) => drop(peers.programs.insert(peer, program)),
                Err(reason) => drop(peers.left_out.insert(peer, reason)),
            }
        }
        Ok(peers)
    }
}

/// A broker for one measure.
struct Cluster {
    bootstrap: String,
    topics: Topics,
    /// Unless it was there before.
    child: Option<broker::Child>,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut settings = arguments.settings.clone();
    if !settings.peers.contains(&Peer::Ours) {
        settings.peers.insert(0, Peer::Ours);
    }
    if settings.only.is_empty() {
        settings.only = Measure::value_variants().to_vec();
    }
    let peers = Peers::find(&settings.peers)?;
    settings
        .peers
        .retain(|peer| peers.programs.contains_key(peer));
    let kafka = match arguments.kafka {
        true => Some(NativeKafka::start().await?),
        false => None,
    };
    let bootstrap = match &kafka {
        Some(kafka) => Some(kafka.bootstrap()),
        None => arguments.bootstrap.clone(),
    };
    let directory = tempfile::TempDir::with_prefix("kafka-bench-")?;
    let bench = Bench {
        values: values::write(&directory)?,
        bootstrap,
        peers,
        settings,
    };
    let mut report = Report::new(&bench.settings, &bench.peers.left_out);
    for measure in &bench.settings.only {
        let plan = measures::plan(*measure, &bench.settings);
        let cluster = bench.cluster(plan.broker).await?;
        bench.measure(plan, cluster, &mut report).await?;
    }
    println!("{}", report.text());
    if let Some(path) = &arguments.json {
        std::fs::write(path, report.json()?)?;
    }
    report.check()
}

struct Bench {
    settings: Settings,
    peers: Peers,
    /// Of the broker that is measured against, unless the reference broker is.
    bootstrap: Option<String>,
    /// The file with JSON values.
    values: PathBuf,
}

impl Bench {
    async fn cluster(&self, kind: Kind) -> Result<Cluster, Failure> {
        let (bootstrap, child) = match &self.bootstrap {
            Some(bootstrap) if kind == Kind::Plain => (bootstrap.clone(), None),
            _ => {
                let child = broker::Child::start(kind)?;
                (child.bootstrap().to_owned(), Some(child))
            }
        };
        Ok(Cluster {
            topics: Topics::connect(&bootstrap).await?,
            bootstrap,
            child,
        })
    }

    /// All rounds of a measure.
    async fn measure(
        &self,
        plan: Plan,
        mut cluster: Cluster,
        report: &mut Report<'_>,
    ) -> Result<(), Failure> {
        let known = self.make_known(&plan, &cluster.topics).await?;
        let mut rounds = Vec::new();
        let mut failures = vec![None; plan.cases.len()];
        for round in 0..=self.settings.rounds {
            let mut measurements = vec![None; plan.cases.len()];
            let mut order: Vec<usize> = (0..plan.cases.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for index in order {
                let case = &plan.cases[index];
                if failures[index].is_some() {
                    continue;
                }
                match self.case(case, &known, &mut cluster).await {
                    Ok(measurement) => {
                        report.tell(plan.measure, case, round, &measurement);
                        measurements[index] = Some(measurement);
                    }
                    Err(error) => {
                        eprintln!("{}: {}: {error}", case.name, case.peer);
                        failures[index] = Some(error.to_string());
                    }
                }
            }
            if round > 0 {
                rounds.push(measurements);
            }
        }
        match cluster.child {
            // Its topics go with it.
            Some(child) => child.stop()?,
            None => cluster.topics.remove_all().await,
        }
        report.add(plan, &rounds, failures);
        Ok(())
    }

    /// The topics that a client is to know before it is measured: what their names begin with.
    async fn make_known(&self, plan: &Plan, topics: &Topics) -> Result<String, Failure> {
        let prefix = topics.name();
        let counts = plan.cases.iter().map(|case| match case.workload {
            Workload::FirstSends { known, .. } => known,
            _ => 0,
        });
        let count = counts.max().unwrap_or_default();
        topics.make_all(topic_names(&prefix, count)).await?;
        Ok(prefix)
    }

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
            topic: topics.name(),
            partitions: case.partitions,
            linger_ms: case.linger_ms,
            codec: case.codec,
            values: match case.codec {
                Codec::None => Values::Letters(self.settings.value_bytes),
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
            Some(child) => Some(child.metadata_requests()?),
            None => None,
        };
        let mut measurement = self.process(&job).await?;
        if let (Some(child), Some(before)) = (&mut cluster.child, asked) {
            measurement.metadata_requests = Some(child.metadata_requests()? - before);
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
            let codec = self.process(&job).await?;
            measurement.batch_records = Some(size);
            measurement.codec_ns_per_record = Some(codec.cpu_ns_per_record());
        }
        if !matches!(case.workload, Workload::FirstSends { .. }) {
            topics.remove(&job.topic).await?;
        }
        Ok(measurement)
    }

    /// One job in a process of its own.
    async fn process(&self, job: &Job) -> Result<Measurement, Failure> {
        let program = self.peers.programs.get(&job.peer).ok_or("it is left out")?;
        let output = program
            .command(&serde_json::to_string(job)?)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(LIMIT, output)
            .await
            .map_err(|_| format!("not done after {} s", LIMIT.as_secs()))??;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            let status = output.status;
            return Err(format!("the measuring process failed, {status}: {}", told.trim()).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}
