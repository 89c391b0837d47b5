//! What a record costs the broker: the reference broker beside Apache Kafka, and as a test double beside franz-go's
//! kfake. The client is the same for all, franz-go, in a process of its own.
//!
//! The brokers run all the time, and each does its part of every round, so that all are warm. What one has used is
//! told by the kernel: the processor time of its process, before and after a client's whole run, by the records of
//! that run.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use comfy_table::Table;
use integration::kafka::NativeKafka;

use crate::Failure;
use crate::broker::{self, Kind};
use crate::job::{Api, Backlog, Codec, Job, Stream, Values, Workload};
use crate::peers::other::{self, Program};
use crate::peers::{OUTSTANDING, Peer};
use crate::stats::Spread;
use crate::topics::Topics;
use crate::usage::{Measurement, Process};

const PARTITIONS: i32 = 8;
const VALUE_BYTES: usize = 100;
const READERS: usize = 100;
const WARM_UP_MS: u64 = 500;
/// The longest that a client may take.
const LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// Rounds that count; two more go first.
    #[arg(long, default_value_t = 5)]
    rounds: u32,

    /// Records of a measurement of large batches.
    #[arg(long, default_value_t = 2_000_000)]
    records: u64,

    /// Milliseconds of a measurement of single records, and of readers.
    #[arg(long, default_value_t = 4_000)]
    milliseconds: u64,
}

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    ProduceLarge,
    ConsumeLarge,
    /// Each record is a request of its own, and the next one comes after its answer.
    OneByOne,
    /// Records come one by one, and so many consumers wait for each.
    ManyReaders,
}

impl Load {
    const ALL: [Self; 4] = [
        Self::ProduceLarge,
        Self::ConsumeLarge,
        Self::OneByOne,
        Self::ManyReaders,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::ProduceLarge => "produce, large batches",
            Self::ConsumeLarge => "consume, large batches",
            Self::OneByOne => "produce, a request for each record",
            Self::ManyReaders => "100 consumers of one partition, for each record and consumer",
        }
    }

    fn partitions(self) -> i32 {
        match self {
            Self::ProduceLarge | Self::ConsumeLarge => PARTITIONS,
            Self::OneByOne | Self::ManyReaders => 1,
        }
    }

    fn workload(self, settings: &Settings) -> Workload {
        let Settings {
            records,
            milliseconds,
            ..
        } = *settings;
        match self {
            Self::ProduceLarge => Workload::Stream(Stream {
                records,
                warm_up: records / 10,
                round_robin: true,
                awaited: false,
                outstanding: OUTSTANDING,
                count_allocations: false,
            }),
            Self::ConsumeLarge => Workload::Backlog(Backlog {
                api: Api::Batch,
                records,
                warm_up: records / 10,
                filled: PARTITIONS,
            }),
            Self::OneByOne => Workload::Tasks {
                tasks: 1,
                warm_up_ms: WARM_UP_MS,
                measured_ms: milliseconds,
            },
            Self::ManyReaders => Workload::Readers {
                readers: READERS,
                per_second: 100,
                measured_ms: milliseconds,
            },
        }
    }

    /// What the broker has handled when a client is done.
    fn handled(self, settings: &Settings, measured: &Measurement) -> u64 {
        match self {
            Self::ConsumeLarge => measured.records + settings.records / 10,
            Self::ManyReaders => measured.records,
            Self::ProduceLarge | Self::OneByOne => measured.written,
        }
    }
}

/// A broker that is measured.
struct Contender {
    name: &'static str,
    /// The contender by which its figures are divided.
    beside: Option<usize>,
    running: Running,
    topics: Topics,
    backlog: String,
    /// Its processor time for each record, and the client's records in a second: by load and round.
    taken: Vec<(Vec<f64>, Vec<f64>)>,
}

enum Running {
    /// A program that tells its address first, and ends with its standard input or when it is killed.
    Program(Served),
    Memory(broker::Child),
    Kafka(Box<NativeKafka>),
}

impl Running {
    fn bootstrap(&self) -> String {
        match self {
            Self::Program(served) => served.bootstrap.clone(),
            Self::Memory(child) => child.bootstrap().to_owned(),
            Self::Kafka(kafka) => kafka.bootstrap(),
        }
    }

    fn process(&self) -> Result<Process, Failure> {
        let id = match self {
            Self::Program(served) => Some(served.process.id()),
            Self::Memory(child) => Some(child.id()),
            Self::Kafka(kafka) => kafka.id(),
        };
        Ok(Process(id.ok_or("the broker has ended")?))
    }
}

struct Served {
    process: std::process::Child,
    bootstrap: String,
    /// Lives as long as the process.
    _data: tempfile::TempDir,
}

impl Served {
    /// The program `kafka-broker`.
    fn own(path: &Path, keeps_data: bool) -> Result<Self, Failure> {
        let data = tempfile::TempDir::with_prefix("kafka-bench-broker-")?;
        let mut command = Command::new(path);
        command.args(["--listen", "127.0.0.1:0"]);
        if keeps_data {
            command.arg("--data-dir").arg(data.path());
        }
        Self::start(command, data)
    }

    /// The program of franz-go's client, as a broker.
    fn kfake(program: &Program) -> Result<Self, Failure> {
        Self::start(program.plain("kfake"), tempfile::tempdir()?)
    }

    fn start(mut command: Command, data: tempfile::TempDir) -> Result<Self, Failure> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let out = process.stdout.take().ok_or("the broker has no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let bootstrap = line.split_whitespace().last();
        let bootstrap = bootstrap.ok_or("the broker did not start")?.to_owned();
        Ok(Self {
            process,
            bootstrap,
            _data: data,
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) async fn run(settings: &Settings) -> Result<(), Failure> {
    let program = other::franz_go()?;
    let own = build_own()?;
    let mut all = vec![
        contender(
            "reference broker",
            None,
            Running::Program(Served::own(&own, true)?),
            settings,
        )
        .await?,
        contender(
            "Apache Kafka",
            Some(0),
            Running::Kafka(Box::new(NativeKafka::start().await?)),
            settings,
        )
        .await?,
        contender(
            "reference broker in memory",
            None,
            Running::Memory(broker::Child::start(Kind::Memory)?),
            settings,
        )
        .await?,
        contender(
            "kfake",
            Some(2),
            Running::Program(Served::kfake(&program)?),
            settings,
        )
        .await?,
    ];
    // Apache Kafka's machine compiles what it runs often; it takes two rounds until that is done.
    const UNCOUNTED: u32 = 2;
    for round in 0..settings.rounds + UNCOUNTED {
        for (row, load) in Load::ALL.into_iter().enumerate() {
            let mut order: Vec<usize> = (0..all.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for index in order {
                let (ns, per_second) = measure(&program, &all[index], load, settings).await?;
                let name = all[index].name;
                eprintln!(
                    "round {round}: {}, {name}: {ns:.0} ns, {per_second:.0}/s",
                    load.name()
                );
                if round >= UNCOUNTED {
                    all[index].taken[row].0.push(ns);
                    all[index].taken[row].1.push(per_second);
                }
            }
        }
    }
    tell(&all)?;
    drop(all);
    tell_starts(&own, &program)
}

/// Builds the program as a user does.
fn build_own() -> Result<PathBuf, Failure> {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "-p", "kafka-broker"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    match built.success() {
        true => Ok(std::env::current_exe()?.with_file_name("kafka-broker")),
        false => Err("kafka-broker was not built".into()),
    }
}

async fn contender(
    name: &'static str,
    beside: Option<usize>,
    running: Running,
    settings: &Settings,
) -> Result<Contender, Failure> {
    let topics = Topics::connect(&running.bootstrap()).await?;
    let backlog = topics.make(PARTITIONS).await?;
    topics
        .fill(&backlog, PARTITIONS, VALUE_BYTES, settings.records)
        .await?;
    Ok(Contender {
        name,
        beside,
        running,
        topics,
        backlog,
        taken: vec![Default::default(); Load::ALL.len()],
    })
}

async fn measure(
    program: &Program,
    broker: &Contender,
    load: Load,
    settings: &Settings,
) -> Result<(f64, f64), Failure> {
    let topic = match load {
        Load::ConsumeLarge => broker.backlog.clone(),
        _ => broker.topics.make(load.partitions()).await?,
    };
    let job = Job {
        peer: Peer::FranzGo,
        bootstrap: broker.running.bootstrap(),
        security: Vec::new(),
        topic: topic.clone(),
        partitions: load.partitions(),
        linger_ms: Some(if load == Load::ProduceLarge { 5 } else { 0 }),
        codec: Codec::None,
        values: Values::Letters(VALUE_BYTES),
        workload: load.workload(settings),
    };
    let process = broker.running.process()?;
    let before = process.processor_time()?;
    let output = program
        .command(&serde_json::to_string(&job)?)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LIMIT, output).await??;
    let used = process.processor_time()? - before;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{}, {}: {told}", load.name(), broker.name).into());
    }
    let measured: Measurement = serde_json::from_slice(&output.stdout)?;
    if load != Load::ConsumeLarge {
        broker.topics.remove(&topic).await?;
    }
    let handled = load.handled(settings, &measured);
    let ns = used.as_nanos() as f64 / handled as f64;
    Ok((ns, measured.records_per_second()))
}

fn tell(all: &[Contender]) -> Result<(), Failure> {
    let mut table = Table::new();
    table.set_header([
        "load",
        "broker",
        "ns of the broker",
        "to reference",
        "records/s",
    ]);
    for (row, load) in Load::ALL.into_iter().enumerate() {
        for broker in all {
            let (ns, per_second) = &broker.taken[row];
            let show = |values: &[f64], unit| {
                let spread = Spread::of(values.iter().copied());
                spread.map_or_else(String::new, |spread| spread.show(unit, 0))
            };
            let ratio = broker.beside.and_then(|of| {
                let own = &all[of].taken[row].0;
                Spread::of(ns.iter().zip(own).map(|(other, own)| other / own))
            });
            table.add_row([
                load.name().to_owned(),
                broker.name.to_owned(),
                show(ns, 1.0),
                ratio.map_or_else(String::new, |ratio| ratio.show(1.0, 2)),
                show(per_second, 1.0),
            ]);
        }
    }
    println!(
        "Processor time of the broker for each record of {VALUE_BYTES} bytes, client franz-go:"
    );
    println!("{table}");
    for broker in all {
        let process = broker.running.process()?;
        let (now, peak) = (process.kib("VmRSS:")?, process.kib("VmHWM:")?);
        println!(
            "{}: {} MiB resident, {} at the most",
            broker.name,
            now / 1024,
            peak / 1024
        );
    }
    Ok(())
}

/// How long it takes from the start of a process until it tells its address.
fn tell_starts(own: &Path, program: &Program) -> Result<(), Failure> {
    const ROUNDS: usize = 31;
    let mut taken = [Vec::new(), Vec::new()];
    for round in 0..2 * ROUNDS {
        // The one, the other, the other, the one.
        let is_own = round % 4 == 0 || round % 4 == 3;
        let began = Instant::now();
        let served = match is_own {
            // As a test double: what it has goes with it.
            true => Served::own(own, false)?,
            false => Served::kfake(program)?,
        };
        taken[usize::from(!is_own)].push(began.elapsed().as_secs_f64());
        drop(served);
    }
    for (name, taken) in ["reference broker", "kfake"].into_iter().zip(taken) {
        if let Some(spread) = Spread::of(taken) {
            println!("{name}: ready after {} ms", spread.show(1e-3, 1));
        }
    }
    Ok(())
}
