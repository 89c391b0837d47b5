//! What measuring producers and consumers has in common: the clients are found, a broker is started,
//! and each case of a measure is a process of its own, in rounds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use clap::ValueEnum;
use integration::kafka::NativeKafka;
use serde::Serialize;

use crate::Failure;
use crate::broker::{self, Kind};
use crate::job::Job;
use crate::peers::Peer;
use crate::peers::other::{self, Program};
use crate::plan::{Case, Plan};
use crate::report::Report;
use crate::topics::Topics;
use crate::usage::Measurement;

/// The longest that a measuring process may take.
const LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, clap::Args, Serialize)]
pub(crate) struct Common {
    /// Rounds that count; one more goes first.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// Bytes of a value, where the measure does not say.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(8..))]
    value_bytes: u32,

    /// Measures only these clients; ours always.
    #[arg(long, value_delimiter = ',')]
    pub(crate) peers: Vec<Peer>,

    /// A broker to measure against, instead of the reference broker in a process of its own. What
    /// needs a broker that is slow, distant or counting takes the reference broker all the same.
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,

    /// Starts Apache Kafka to measure against. Needs Java, and KAFKA_JARS.
    #[arg(long, conflicts_with = "bootstrap")]
    kafka: bool,

    /// Writes every measurement to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Common {
    pub(crate) fn value_bytes(&self) -> usize {
        self.value_bytes as usize
    }

    /// Those of these clients that are to be measured.
    pub(crate) fn among<const N: usize>(&self, peers: [Peer; N]) -> impl Iterator<Item = Peer> {
        peers.into_iter().filter(|peer| self.peers.contains(peer))
    }
}

/// Nothing chosen is everything.
pub(crate) fn or_all<M: ValueEnum + Clone>(only: &mut Vec<M>) {
    if only.is_empty() {
        *only = M::value_variants().to_vec();
    }
}

/// A broker for one measure.
pub(crate) struct Cluster {
    pub(crate) bootstrap: String,
    pub(crate) topics: Topics,
    /// Unless it was there before.
    pub(crate) child: Option<broker::Child>,
}

pub(crate) struct Bench {
    rounds: u32,
    json: Option<PathBuf>,
    programs: BTreeMap<Peer, Program>,
    left_out: BTreeMap<Peer, String>,
    /// Of the broker that is measured against, unless the reference broker is.
    bootstrap: Option<String>,
    /// Lives as long as the bench.
    _kafka: Option<NativeKafka>,
}

impl Bench {
    /// Finds the clients among `all` that are wanted, and leaves those in `common` that are there.
    pub(crate) async fn start(
        common: &mut Common,
        all: &[Peer],
        java: &str,
    ) -> Result<Self, Failure> {
        if !common.peers.is_empty() {
            common.peers.push(Peer::Ours);
        }
        let is_wanted = |peer: &Peer| common.peers.is_empty() || common.peers.contains(peer);
        let mut programs = BTreeMap::new();
        let mut left_out = BTreeMap::new();
        for peer in all.iter().copied().filter(is_wanted) {
            match program(peer, java) {
                Ok(program) => drop(programs.insert(peer, program)),
                Err(reason) => drop(left_out.insert(peer, reason)),
            }
        }
        common.peers = programs.keys().copied().collect();
        let kafka = match common.kafka {
            true => Some(NativeKafka::start().await?),
            false => None,
        };
        Ok(Self {
            rounds: common.rounds,
            json: common.json.clone(),
            programs,
            left_out,
            bootstrap: match &kafka {
                Some(kafka) => Some(kafka.bootstrap()),
                None => common.bootstrap.clone(),
            },
            _kafka: kafka,
        })
    }

    pub(crate) fn report(&self, settings: &impl Serialize) -> Result<Report<'_>, Failure> {
        let settings = serde_json::to_value(settings)?;
        Ok(Report::new(settings, self.rounds, &self.left_out))
    }

    /// Tells the result; fails if this client did.
    pub(crate) fn tell(&self, report: &Report<'_>) -> Result<(), Failure> {
        println!("{}", report.text());
        if let Some(path) = &self.json {
            std::fs::write(path, report.json()?)?;
        }
        report.check()
    }

    pub(crate) async fn cluster(&self, kind: Kind) -> Result<Cluster, Failure> {
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

    /// All rounds of a measure; `measure_case` makes one measurement.
    pub(crate) async fn measure(
        &self,
        plan: Plan,
        mut cluster: Cluster,
        report: &mut Report<'_>,
        mut measure_case: impl AsyncFnMut(&Case, &mut Cluster) -> Result<Measurement, Failure>,
    ) -> Result<(), Failure> {
        let mut rounds = Vec::new();
        let mut failures = vec![None; plan.cases.len()];
        for round in 0..=self.rounds {
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
                match measure_case(case, &mut cluster).await {
                    Ok(measurement) => {
                        report.tell(&plan.measure, case, round, &measurement);
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

    /// One job in a process of its own.
    pub(crate) async fn process(&self, job: &Job) -> Result<Measurement, Failure> {
        let program = self.programs.get(&job.peer).ok_or("it is left out")?;
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

/// How a client is started, or why it is not.
fn program(peer: Peer, java: &str) -> Result<Program, String> {
    let is_built = match peer {
        Peer::FranzGo => return other::franz_go(),
        Peer::Java => return other::java(java),
        Peer::ConfluentKafka => cfg!(feature = "confluent-kafka"),
        Peer::Kacrab => cfg!(feature = "kacrab"),
        Peer::Krafka => cfg!(feature = "krafka"),
        _ => true,
    };
    match is_built {
        true => Program::this().map_err(|error| error.to_string()),
        false => Err("built without its feature of this crate".to_owned()),
    }
}
