//! The reference broker in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use clap::ValueEnum;
use kafka_broker::{Broker, Step, when};
use kafka_client_protocol::ApiKey;
use tokio::io::AsyncBufReadExt;

use crate::Failure;
use crate::relay::Relay;

/// What is between a client and its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Nothing.
    Plain,
    /// Each Produce request takes 2 ms, one at a time on a connection.
    Slow,
    /// A round trip takes 5 ms.
    Distant,
}

/// A timer of the broker's runtime goes off at the next millisecond after its time: with one, a
/// lone send takes 2 ms.
const SLOW: Duration = Duration::from_millis(1);

const ROUND_TRIP: Duration = Duration::from_millis(5);

/// Serves until standard input ends, so that no broker outlives its parent. A line on standard
/// input asks for the number of metadata requests so far.
pub(crate) async fn serve(kind: Kind) -> Result<(), Failure> {
    let relay = Relay::bind()?;
    let mut builder = Broker::builder()
        .kafka_defaults()
        .journal(false)
        .temp_dir()
        .listen("127.0.0.1:0");
    if kind == Kind::Distant {
        builder = builder.advertise("127.0.0.1", relay.port()?);
    }
    let broker = builder.start().await?;
    if kind == Kind::Slow {
        let fault = when(ApiKey::PRODUCE).always().then([Step::Delay(SLOW)]);
        broker.faults().inject(fault);
    }
    if kind == Kind::Distant {
        let to = broker.local_addr().ok_or("the broker does not listen")?;
        relay.serve(to, ROUND_TRIP);
    }
    // It does nothing but count.
    let asked = when(ApiKey::METADATA).always().then([]);
    let asked = broker.faults().inject(asked);
    say(&broker.bootstrap())?;
    let mut lines = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    while lines.next_line().await?.is_some() {
        say(&asked.hits().to_string())?;
    }
    broker.shutdown().await?;
    Ok(())
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

    /// Metadata requests so far.
    pub(crate) fn metadata_requests(&mut self) -> Result<u64, Failure> {
        let stdin = self
            .process
            .stdin
            .as_mut()
            .ok_or("the broker has no input")?;
        writeln!(stdin)?;
        Ok(self.line()?.parse()?)
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
