//! The reference broker in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::ValueEnum;
use kafka_broker::{Broker, FaultHandle, Step, when};
use kafka_client_protocol::ApiKey;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncBufReadExt;

use crate::Failure;
use crate::relay::Relay;

/// What is between a client and its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Nothing.
    Plain,
    /// Nothing, nor is anything counted, and the records are in memory.
    Memory,
    /// Each Produce request takes 2 ms, one at a time on a connection.
    Slow,
    /// A round trip takes 5 ms.
    Distant,
    /// A relay that counts bytes.
    Counted,
}

impl Kind {
    /// How long a round trip takes on the relay, if one is between.
    fn relayed(self) -> Option<Duration> {
        match self {
            Self::Plain | Self::Memory | Self::Slow => None,
            Self::Distant => Some(ROUND_TRIP),
            Self::Counted => Some(Duration::ZERO),
        }
    }
}

/// What the broker tells of itself.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) metadata_requests: u64,
    /// Through the relay, if there is one.
    pub(crate) sent_bytes: u64,
    /// Of the batches of the topic that was asked for.
    pub(crate) log_bytes: u64,
}

/// A timer of the broker's runtime goes off at the next millisecond after its time: with one, a
/// lone send takes 2 ms.
const SLOW: Duration = Duration::from_millis(1);

const ROUND_TRIP: Duration = Duration::from_millis(5);

/// Serves until standard input ends, so that no broker outlives its parent. A line on standard
/// input, which names a topic, asks for the counts so far.
pub(crate) async fn serve(kind: Kind) -> Result<(), Failure> {
    let relay = Relay::bind()?;
    let sent = relay.sent();
    let directory = tempfile::TempDir::with_prefix("kafka-bench-broker-")?;
    let mut builder = Broker::builder()
        .kafka_defaults()
        .journal(false)
        .listen("127.0.0.1:0");
    builder = match kind {
        Kind::Memory => builder.memory(),
        _ => builder.data_dir(directory.path()),
    };
    if kind.relayed().is_some() {
        builder = builder.advertise("127.0.0.1", relay.port()?);
    }
    let broker = builder.start().await?;
    if kind == Kind::Slow {
        let fault = when(ApiKey::PRODUCE).always().then([Step::Delay(SLOW)]);
        broker.faults().inject(fault);
    }
    if let Some(round_trip) = kind.relayed() {
        let to = broker.local_addr().ok_or("the broker does not listen")?;
        relay.serve(to, round_trip);
    }
    // It does nothing but count.
    let asked = when(ApiKey::METADATA).always().then([]);
    let is_counted = kind != Kind::Memory;
    let asked = is_counted.then(|| broker.faults().inject(asked));
    say(&broker.bootstrap())?;
    let mut lines = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    while let Some(topic) = lines.next_line().await? {
        let counts = Counts {
            metadata_requests: asked.as_ref().map_or(0, FaultHandle::hits),
            sent_bytes: sent.load(Ordering::Relaxed),
            log_bytes: log_bytes(directory.path(), &topic)?,
        };
        say(&serde_json::to_string(&counts)?)?;
    }
    broker.shutdown().await?;
    Ok(())
}

/// Bytes of a topic's segments.
fn log_bytes(directory: &Path, topic: &str) -> Result<u64, Failure> {
    let mut bytes = 0;
    for partition in std::fs::read_dir(directory)? {
        let partition = partition?;
        let name = partition.file_name();
        let name = name.to_string_lossy();
        if name.rsplit_once('-').is_none_or(|(of, _)| of != topic) {
            continue;
        }
        for file in std::fs::read_dir(partition.path())? {
            let file = file?;
            if file.path().extension().is_some_and(|end| end == "log") {
                bytes += file.metadata()?.len();
            }
        }
    }
    Ok(bytes)
}

fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// The process, seen from the parent.
pub(crate) struct Child {
    process: std::process::Child,
    out: BufReader<ChildStdout>,
    bootstrap: String,
}

impl Child {
    pub(crate) fn start(kind: Kind) -> Result<Self, Failure> {
        let kind = kind.to_possible_value().ok_or("a kind without a name")?;
        let mut process = Command::new(std::env::current_exe()?)
            .args(["broker", kind.get_name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = process.stdout.take().ok_or("the broker has no output")?;
        let mut child = Self {
            process,
            out: BufReader::new(out),
            bootstrap: String::new(),
        };
        child.bootstrap = child.line()?;
        if child.bootstrap.is_empty() {
            let status = child.process.wait()?;
            return Err(format!("the reference broker did not start: {status}").into());
        }
        Ok(child)
    }

    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it counted so far.
    pub(crate) fn counts(&mut self, topic: &str) -> Result<Counts, Failure> {
        let stdin = self
            .process
            .stdin
            .as_mut()
            .ok_or("the broker has no input")?;
        writeln!(stdin, "{topic}")?;
        Ok(serde_json::from_str(&self.line()?)?)
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.out.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// Ends it, and says if it did not end well.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        drop(self.process.stdin.take());
        let status = self.process.wait()?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("the reference broker ended with {status}").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_a_topic_is_that_of_its_partitions_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        for (partition, file) in [
            ("a-b-0", "0.log"),
            ("a-b-1", "0.log"),
            ("a-b-1", "0.index"),
            ("a-b-c-0", "0.log"),
        ] {
            let partition = directory.path().join(partition);
            std::fs::create_dir_all(&partition).expect("a partition");
            std::fs::write(partition.join(file), [0; 10]).expect("a file");
        }
        assert_eq!(log_bytes(directory.path(), "a-b").expect("a size"), 20);
    }
}
