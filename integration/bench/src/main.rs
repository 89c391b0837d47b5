//! What each record costs the client, beside others: CPU time (user and system), speed, latency,
//! memory and allocations, on one broker, with the same settings.
//!
//! ```text
//! cargo run --release -p kafka-bench -- produce                            # on the reference broker
//! cargo run --release -p kafka-bench -- produce --only cpu,lone --rounds 9
//! cargo run --release -p kafka-bench -- produce --kafka --json out.json    # on Apache Kafka
//! cargo run --release -p kafka-bench -- consume --bootstrap localhost:9092
//! cargo run --release -p kafka-bench -- secure                             # on Apache Kafka alone
//! cargo run --release -p kafka-bench -- attack                             # on the reference broker alone
//! cargo run --release -p kafka-bench -- crowd                              # on the reference broker alone
//! cargo run --release -p kafka-bench -- brokers                            # brokers, with the same client
//! ```
//!
//! Each measurement is a process of its own (this program, started again, or one in another
//! language), so that `getrusage` is one client's; the broker is in another. Rounds are interleaved,
//! every second one in reverse, and one round that does not count goes first. Within a process the
//! client first does some of the work unmeasured; then the difference of two `getrusage` calls around
//! the loop is taken. A producer's topic must hold exactly the records that were written after it, and
//! a consumer takes exactly those that its topic holds.
//!
//! Wall time on a small machine is mostly the broker's: quote CPU per record, and ratios within one
//! run. The ratios here are medians of those within each round. More in `README.md`.

mod attack;
mod bench;
mod broker;
mod brokers;
mod codec;
mod consume;
mod crowd;
mod job;
mod peers;
mod plan;
mod produce;
mod relay;
mod report;
mod secure;
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
    Produce(produce::Settings),
    /// Measures consumers, and compares with the goals.
    Consume(consume::Settings),
    /// Measures what TLS and SASL add, beside librdkafka, on Apache Kafka.
    Secure(secure::Settings),
    /// Measures what a good client loses while others attack the reference broker. Linux only.
    Attack(attack::Settings),
    /// Measures what many small clients lose while others hold the reference broker up. Linux only.
    Crowd(crowd::Settings),
    /// Measures the reference broker beside Apache Kafka, and as a test double beside franz-go's kfake. Linux only.
    Brokers(brokers::Settings),
    /// The good client of `attack`.
    #[command(hide = true)]
    GoodClient { site: String },
    /// The bad client of `attack`.
    #[command(hide = true)]
    Attacker { kind: attack::Attack, site: String },
    /// The good connections of `crowd`.
    #[command(hide = true)]
    GoodCrowd { address: String },
    /// The bad connections of `crowd`.
    #[command(hide = true)]
    BadCrowd { address: String },
    /// One measurement, from its job as JSON; prints it as JSON.
    #[command(hide = true)]
    Worker { job: String },
    /// The reference broker, until standard input ends; prints its address.
    #[command(hide = true)]
    Broker { kind: broker::Kind },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Worker { job } => worker::run(&job),
        Command::Broker { kind } => block_on(broker::serve(kind)),
        Command::Produce(settings) => block_on(produce::run(&settings)),
        Command::Consume(settings) => block_on(consume::run(&settings)),
        Command::Secure(settings) => block_on(secure::run(&settings)),
        Command::Brokers(settings) => block_on(brokers::run(&settings)),
        Command::Crowd(settings) => block_on(crowd::run(&settings)),
        Command::GoodCrowd { address } => block_on(crowd::good(&address)),
        Command::BadCrowd { address } => block_on(crowd::bad(&address)),
        Command::Attack(settings) => block_on(attack::run(&settings)),
        Command::GoodClient { site } => block_on(attack::good_client(&site)),
        Command::Attacker { kind, site } => block_on(attack::attack(kind, &site)),
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
