//! What each record costs the client, beside others: CPU time (user and system), speed, latency,
//! memory and allocations, on one broker, with the same settings.
//!
//! ```text
//! cargo run --release -p kafka-bench -- produce                            # on the reference broker
//! cargo run --release -p kafka-bench -- produce --only cpu,lone --rounds 9
//! cargo run --release -p kafka-bench -- produce --kafka --json out.json    # on Apache Kafka
//! cargo run --release -p kafka-bench -- consume --bootstrap localhost:9092
//! ```
//!
//! Each measurement is a process of its own (this program, started again, or one in another
//! language), so that `getrusage` is one client's; the broker is in another. Rounds are interleaved,
//! every second one in reverse, and one round that does not count goes first. Within a process the
//! client first does some of the work unmeasured; then the difference of two `getrusage` calls around
//! the loop is taken. After it, the topic must hold exactly the records that were written.
//!
//! Wall time on a small machine is mostly the broker's: quote CPU per record, and ratios within one
//! run. The ratios here are medians of those within each round. More in `README.md`.

mod broker;
mod codec;
mod consume;
mod job;
mod peers;
mod produce;
mod relay;
mod stats;
mod topics;
mod usage;
mod values;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What goes wrong ends the run, or the measurement, with a message.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Compares clients by the CPU time, speed, latency and memory of producing and consuming.
#[derive(Debug, Parser)]
#[command(name = "kafka-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures producers, and compares with the goals.
    Produce(produce::Arguments),
    /// Measures consumers of a backlog.
    Consume(consume::Arguments),
    /// One measurement of a producer, from its job as JSON; prints it as JSON.
    #[command(hide = true)]
    Worker { job: String },
    /// One measurement of a consumer, from its job as JSON; prints it as JSON.
    #[command(hide = true)]
    ConsumeWorker { job: String },
    /// The reference broker, until standard input ends; prints its address.
    #[command(hide = true)]
    Broker { kind: broker::Kind },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Worker { job } => worker::run(&job),
        Command::ConsumeWorker { job } => consume::worker(&job),
        Command::Broker { kind } => block_on(broker::serve(kind)),
        Command::Produce(arguments) => block_on(produce::run(&arguments)),
        Command::Consume(arguments) => block_on(consume::run(&arguments)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kafka-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    worker::runtime()?.block_on(work)
}
