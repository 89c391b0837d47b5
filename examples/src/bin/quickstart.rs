//! A week of earthquakes through Kafka: `cargo run --bin quickstart`.
//!
//! Publishes typed records keyed by seismic network to a topic of 6 partitions, while the members of
//! a group read them. The second member joins in the middle, so the partitions are shared out anew
//! while records flow. At the end it is checked that everything arrived once and in order.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;

use clap::Parser;
use examples::quake::{self, Earthquake, ReadError};
use examples::quickstart::group::{Arrival, Group};
use examples::quickstart::progress::Progress;
use examples::quickstart::{check::check, offsets, publish::publish, report};
use indicatif::HumanCount;
use kafka_broker::Broker;
use kafka_client::producer::Producer;
use kafka_client::record::HasTopic;
use kafka_client::{Kafka, NewTopic};

/// Publishes a week of earthquakes, has a group of two members read them, and checks that every one
/// arrived once and in order.
#[derive(Parser)]
#[command(after_help = "\
Exit status: 0 if every earthquake arrived once, in order for each network, and is committed; \
1 if not, or if there was nothing to publish; 2 for a wrong command line; 130 after Ctrl-C.")]
struct Arguments {
    /// Use this Kafka cluster; several brokers are separated by commas. Without it, the program
    /// starts a broker of its own, which is gone at the end
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,

    /// Publish the earthquakes of this file, one JSON object per line, as in
    /// examples/data/earthquakes.ndjson. Lines that are none are reported and passed over. The file
    /// is held in memory
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// Create this topic, which must not exist yet. It stays on the cluster [default: earthquakes
    /// on the program's own broker, earthquakes-<DATE>-<TIME> with --bootstrap]
    #[arg(long, value_name = "NAME")]
    topic: Option<String>,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PARTITIONS: i32 = 6;

const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(Ending::Right) => ExitCode::SUCCESS,
        Ok(Ending::Wrong) => ExitCode::FAILURE,
        Ok(Ending::Interrupted) => {
            eprintln!("quickstart: interrupted");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            eprintln!("quickstart: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

enum Ending {
    Right,
    Wrong,
    Interrupted,
}

async fn run(arguments: Arguments) -> Result<Ending> {
    let quakes = earthquakes(arguments.input.as_deref())?;
    let progress = Progress::of(quakes.len());
    let networks: BTreeSet<_> = quakes.iter().map(|quake| &quake.network).collect();
    progress.say(format_args!(
        "{} earthquakes of {} networks",
        HumanCount(quakes.len() as u64),
        networks.len()
    ));

    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let mut scene = tokio::select! {
        scene = Scene::set(arguments.bootstrap, arguments.topic, &progress) => scene?,
        _ = &mut interrupt => return Ok(Ending::Interrupted),
    };
    let played = tokio::select! {
        played = scene.play(&quakes) => played.map(|()| true),
        _ = &mut interrupt => Ok(false),
    };
    let closed = tokio::select! {
        closed = scene.close() => closed,
        // Whoever cannot wait even for that.
        _ = tokio::signal::ctrl_c() => return Ok(Ending::Interrupted),
    };
    progress.finish();
    if !played? {
        return Ok(Ending::Interrupted);
    }
    let Closed { arrivals, offsets } = closed?;

    progress.say(report::partitions(&arrivals, &offsets));
    progress.say(report::strongest(&arrivals));
    let faults = check(&quakes, &arrivals, &offsets);
    if !faults.is_empty() {
        eprintln!("{faults}");
        return Ok(Ending::Wrong);
    }
    progress.say(format_args!(
        "All {} arrived once, in order for each network, and are committed.",
        HumanCount(arrivals.len() as u64)
    ));
    Ok(Ending::Right)
}

/// Reads what is to be published. Bad lines are reported and passed over.
fn earthquakes(input: Option<&Path>) -> Result<Vec<Earthquake>> {
    let (name, lines) = match input {
        None => (
            "the bundled data".to_owned(),
            quake::read(quake::BUNDLED).collect(),
        ),
        Some(path) => {
            let name = path.display().to_string();
            let file = File::open(path).map_err(|error| format!("cannot open {name}: {error}"))?;
            (name, quake::read(BufReader::new(file)).collect::<Vec<_>>())
        }
    };
    let mut quakes = Vec::with_capacity(lines.len());
    for line in lines {
        match line {
            Ok(quake) => quakes.push(quake),
            Err(bad @ ReadError::BadLine { .. }) => eprintln!("{name}: {bad}; passed over"),
            // What could not be read must not look as if it had not been there.
            Err(ReadError::Source { line, source }) => {
                return Err(format!("cannot read {name} after line {line}: {source}").into());
            }
        }
    }
    if quakes.is_empty() {
        return Err(format!("there is no earthquake in {name}").into());
    }
    Ok(quakes)
}

/// A cluster with a new topic, a producer, and a group that has no members yet.
struct Scene<'a> {
    /// The program's own broker; `None` if it uses a cluster.
    broker: Option<Broker>,
    kafka: Kafka,
    topic: String,
    group_name: String,
    producer: Producer,
    group: Group<'a>,
    progress: &'a Progress,
}

/// What remains of it.
struct Closed {
    arrivals: Vec<Arrival>,
    offsets: Vec<offsets::Offsets>,
}

impl<'a> Scene<'a> {
    async fn set(
        bootstrap: Option<String>,
        topic: Option<String>,
        progress: &'a Progress,
    ) -> Result<Self> {
        // On a cluster that lives on, each run has a topic and a group of its own: what earlier runs
        // left is neither read nor touched.
        let run = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S%3f");
        let (broker, bootstrap, default_topic) = match bootstrap {
            Some(bootstrap) => (None, bootstrap, format!("{}-{run}", Earthquake::TOPIC_NAME)),
            None => {
                let broker = Broker::builder().temp_dir().start().await?;
                let bootstrap = broker.bootstrap();
                progress.say(format_args!("a broker of its own listens on {bootstrap}"));
                (Some(broker), bootstrap, Earthquake::TOPIC_NAME.to_owned())
            }
        };
        let topic = topic.unwrap_or(default_topic);
        let group_name = format!("quickstart-{run}");

        let kafka = Kafka::connect(bootstrap).await?;
        let new_topic = NewTopic::new(&topic)
            .partitions(PARTITIONS)
            // The timestamps are those of the earthquakes: after a week, Kafka's default, the
            // records would be old enough to be deleted.
            .config("retention.ms", "-1");
        kafka.create_topic(&new_topic).await?;
        progress.say(format_args!(
            "topic {topic} has {PARTITIONS} partitions, group {group_name} reads it"
        ));
        let producer = kafka.producer().build().await?;
        let group = Group::new(&kafka, &group_name, &topic, progress);
        Ok(Self {
            broker,
            kafka,
            topic,
            group_name,
            producer,
            group,
            progress,
        })
    }

    /// Publishes all while one member reads, and from the middle on two.
    async fn play(&mut self, quakes: &[Earthquake]) -> Result<()> {
        let (half, rest) = quakes.split_at(quakes.len().div_ceil(2));
        let (meanwhile, rest) = rest.split_at(rest.len() / 2);

        self.group.join("first").await?;
        self.publish(half, "while the first member reads").await?;
        self.group.until_read(half.len()).await?;

        self.group.join("second").await?;
        self.publish(meanwhile, "while the second member joins")
            .await?;
        self.group.until_shared().await?;

        self.publish(rest, "while both read").await?;
        self.group.until_read(quakes.len()).await?;
        Ok(())
    }

    async fn publish(&self, quakes: &[Earthquake], when: &str) -> Result<()> {
        publish(&self.producer, &self.topic, quakes, self.progress).await?;
        let count = HumanCount(quakes.len() as u64);
        self.progress.say(format_args!("published {count} {when}"));
        Ok(())
    }

    /// Ends everything in order, and asks the cluster what it has.
    async fn close(self) -> Result<Closed> {
        let arrivals = self.group.leave().await;
        self.producer.close().await?;
        let (group, topic) = (&self.group_name, &self.topic);
        let offsets = offsets::of_group(&self.kafka, group, topic, PARTITIONS).await;
        if let Some(broker) = self.broker {
            broker.shutdown().await?;
        }
        Ok(Closed {
            arrivals: arrivals?,
            offsets: offsets?,
        })
    }
}

/// An error with its causes, where they say more.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
