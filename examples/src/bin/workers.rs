//! Works on the records of a topic, sixteen at a time, with the order of each key kept, as a member of a
//! group.
//!
//! `cargo run --bin workers -- localhost:9092 greetings workers`
//!
//! A record is committed when the work on it is done, and all before it. Start it twice, or kill it: none
//! is left out.

use std::time::Duration;

use kafka_client::consumer::{Concurrency, OffsetReset};
use kafka_client::record::ConsumerRecord;
use kafka_client::{Error, Kafka};

/// The work: here it takes a tenth of a second.
async fn work(record: ConsumerRecord) -> Result<(), Error> {
    tokio::time::sleep(Duration::from_millis(100)).await;
    let value = String::from_utf8_lossy(record.value().unwrap_or_default());
    println!(
        "{}-{} @{}: {value}",
        record.topic(),
        record.partition(),
        record.offset()
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments
        .next()
        .unwrap_or_else(|| "localhost:9092".to_owned());
    let topic = arguments.next().unwrap_or_else(|| "greetings".to_owned());
    let group = arguments.next().unwrap_or_else(|| "workers".to_owned());

    let kafka = Kafka::connect(bootstrap).await?;
    let builder = kafka.consumer(group).offset_reset(OffsetReset::Earliest);
    let mut consumer = builder.manual_ack().subscribe([topic]).await?;
    println!("waiting for records, Ctrl-C ends");
    let shutdown = async { drop(tokio::signal::ctrl_c().await) };
    consumer
        .for_each_concurrent(Concurrency::PerKey(16), shutdown, work)
        .await?;
    // What is being worked on is finished by now. It is committed, and the group knows that we are gone.
    consumer.close().await?;
    Ok(())
}
