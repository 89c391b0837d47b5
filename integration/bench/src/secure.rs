//! What TLS and SASL add to each record: this client beside librdkafka, over a plain listener and over one
//! with SASL_SSL of the same broker.

use std::io::Write;
use std::process::Stdio;

use comfy_table::Table;
use integration::security::{PASSWORD, SecureKafka, USER};

use crate::Failure;
use crate::job::{Api, Backlog, Codec, Job, Stream, Values, Workload};
use crate::peers::other::Program;
use crate::peers::{OUTSTANDING, Peer};
use crate::stats::Spread;
use crate::topics::Topics;
use crate::usage::Measurement;

const PARTITIONS: i32 = 8;
const VALUE_BYTES: usize = 100;
const LISTENERS: [&str; 2] = ["PLAINTEXT", "SASL_SSL"];

#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// Rounds that count; one more goes first.
    #[arg(long, default_value_t = 5)]
    rounds: u32,

    /// Records of a measurement.
    #[arg(long, default_value_t = 2_000_000)]
    records: u64,
}

/// A client at its work.
struct Row {
    name: &'static str,
    peer: Peer,
    consumes: Option<Api>,
}

const ROWS: [Row; 5] = [
    row("produce", Peer::Ours, None),
    row("produce", Peer::BaseProducer, None),
    row("consume, batches", Peer::Ours, Some(Api::Batch)),
    row("consume, records", Peer::Ours, Some(Api::Recv)),
    row("consume, records", Peer::BaseConsumer, Some(Api::Recv)),
];

const fn row(name: &'static str, peer: Peer, consumes: Option<Api>) -> Row {
    Row {
        name,
        peer,
        consumes,
    }
}

pub(crate) async fn run(settings: &Settings) -> Result<(), Failure> {
    let kafka = SecureKafka::start_with(&[]).await?;
    let files = tempfile::tempdir()?;
    let ca = files.path().join("ca.pem");
    std::fs::File::create(&ca)?.write_all(kafka.authority().certificate().as_bytes())?;
    let ca = ca.display().to_string();
    let security: Vec<(String, String)> = [
        ("security.protocol", "SASL_SSL"),
        ("ssl.ca.location", &ca),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        ("sasl.username", USER),
        ("sasl.password", PASSWORD),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();

    let topics = Topics::connect(&kafka.bootstrap("PLAINTEXT")).await?;
    let backlog = topics.make(PARTITIONS).await?;
    topics
        .fill(&backlog, PARTITIONS, VALUE_BYTES, settings.records)
        .await?;
    let program = Program::this()?;
    // Nanoseconds of the processor for each record: by row, listener and round.
    let mut taken = vec![[Vec::new(), Vec::new()]; ROWS.len()];
    for round in 0..=settings.rounds {
        let mut order: Vec<(usize, usize)> = (0..ROWS.len())
            .flat_map(|row| (0..LISTENERS.len()).map(move |listener| (row, listener)))
            .collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for (index, listener) in order {
            let row = &ROWS[index];
            let topic = match row.consumes {
                Some(_) => backlog.clone(),
                None => topics.make(PARTITIONS).await?,
            };
            let job = Job {
                peer: row.peer,
                bootstrap: kafka.bootstrap(LISTENERS[listener]),
                security: match listener {
                    0 => Vec::new(),
                    _ => security.clone(),
                },
                topic: topic.clone(),
                partitions: PARTITIONS,
                linger_ms: Some(5),
                codec: Codec::None,
                values: Values::Letters(VALUE_BYTES),
                workload: workload(row, settings.records),
            };
            let output = program
                .command(&serde_json::to_string(&job)?)
                .stdin(Stdio::null())
                .kill_on_drop(true)
                .output()
                .await?;
            if !output.status.success() {
                let told = String::from_utf8_lossy(&output.stderr).into_owned();
                return Err(format!("{}: {}: {told}", row.name, row.peer).into());
            }
            let measured: Measurement = serde_json::from_slice(&output.stdout)?;
            let ns = (measured.user_ns + measured.system_ns) as f64 / measured.records as f64;
            eprintln!(
                "round {round}: {} {} {}: {ns:.0} ns",
                row.name, row.peer, LISTENERS[listener]
            );
            if round > 0 {
                taken[index][listener].push(ns);
            }
            if row.consumes.is_none() {
                topics.remove(&topic).await?;
            }
        }
    }
    tell(&taken);
    Ok(())
}

fn workload(row: &Row, records: u64) -> Workload {
    match row.consumes {
        Some(api) => Workload::Backlog(Backlog {
            api,
            records,
            warm_up: records / 10,
            filled: PARTITIONS,
        }),
        None => Workload::Stream(Stream {
            records,
            warm_up: records / 10,
            round_robin: true,
            awaited: false,
            outstanding: OUTSTANDING,
            count_allocations: false,
        }),
    }
}

/// Medians, and what SASL_SSL adds, as the median of the differences within each round.
fn tell(taken: &[[Vec<f64>; 2]]) {
    let mut table = Table::new();
    table.set_header(["ns", "client", "plain", "SASL_SSL", "added"]);
    for (row, [plain, secured]) in ROWS.iter().zip(taken) {
        let added = plain
            .iter()
            .zip(secured)
            .map(|(plain, secured)| secured - plain);
        let show = |ns: Vec<f64>| Spread::of(ns).map_or_else(String::new, |ns| ns.show(1.0, 0));
        table.add_row([
            row.name.to_owned(),
            row.peer.to_string(),
            show(plain.clone()),
            show(secured.clone()),
            show(added.collect()),
        ]);
    }
    println!("CPU time of the client for each record of {VALUE_BYTES} bytes:\n{table}");
}
