//! Sends a few records and waits for each to be written.
//!
//! `cargo run --bin produce -- localhost:9092 greetings`

use kafka_client::record::Record;
use kafka_client::{Error, Kafka};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let bootstrap = arguments
        .next()
        .unwrap_or_else(|| "localhost:9092".to_owned());
    let topic = arguments.next().unwrap_or_else(|| "greetings".to_owned());

    let kafka = Kafka::connect(bootstrap).await?;
    let producer = kafka.producer().build().await?;
    for name in ["Ada", "Grace", "Barbara"] {
        // Records with the same key stay in order: they go to the same partition.
        let greeting = format!("hello, {name}");
        let record = Record::to(&topic).key(name).value(&greeting);
        let delivered = producer.send(record).await?;
        println!(
            "{greeting:?} is at offset {:?} of partition {}",
            delivered.offset, delivered.partition
        );
    }
    producer.close().await?;
    Ok(())
}
