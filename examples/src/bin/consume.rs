//! Prints the records of a topic, as a member of a group.
//!
//! `cargo run --bin consume -- localhost:9092 greetings readers`

use kafka_client::consumer::OffsetReset;
use kafka_client::{Error, Kafka};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments
        .next()
        .unwrap_or_else(|| "localhost:9092".to_owned());
    let topic = arguments.next().unwrap_or_else(|| "greetings".to_owned());
    let group = arguments.next().unwrap_or_else(|| "readers".to_owned());

    let kafka = Kafka::connect(bootstrap).await?;
    let builder = kafka.consumer(group).offset_reset(OffsetReset::Earliest);
    let mut consumer = builder.subscribe([topic]).await?;
    println!("waiting for records, Ctrl-C ends");
    loop {
        tokio::select! {
            record = consumer.recv() => {
                let record = record?;
                let value = String::from_utf8_lossy(record.value().unwrap_or_default());
                println!("{}-{} @{}: {value}", record.topic(), record.partition(), record.offset());
            }
            // What was printed is committed, and the group knows at once that we are gone.
            _ = tokio::signal::ctrl_c() => return consumer.close().await,
        }
    }
}
