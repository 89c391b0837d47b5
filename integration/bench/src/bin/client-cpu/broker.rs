//! The reference broker in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use kafka_broker::Broker;
use tokio::io::AsyncReadExt;

use crate::Failure;

/// Serves until standard input ends, so that no broker outlives its parent.
pub(crate) async fn serve() -> Result<(), Failure> {
    let broker = Broker::builder()
        .kafka_defaults()
        .journal(false)
        .temp_dir()
        .listen("127.0.0.1:0")
        .start()
        .await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", broker.bootstrap())?;
    out.flush()?;
    drop(out);
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    broker.shutdown().await?;
    Ok(())
}

/// The process, seen from the parent.
pub(crate) struct Child {
    process: std::process::Child,
    bootstrap: String,
}

impl Child {
    pub(crate) fn start() -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("broker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut bootstrap = String::new();
        if let Some(out) = process.stdout.take() {
            BufReader::new(out).read_line(&mut bootstrap)?;
        }
        let bootstrap = bootstrap.trim().to_owned();
        if bootstrap.is_empty() {
            let status = process.wait()?;
            return Err(format!("the reference broker did not start: {status}").into());
        }
        Ok(Self { process, bootstrap })
    }

    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
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
