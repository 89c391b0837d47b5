//! What can go wrong between a client and its cluster, made to go wrong: by the reference broker on
//! order, in memory and with paused time, and by peers that are no brokers at all.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod absent;
mod acks;
mod answers;
mod callbacks;
mod clocks;
mod commits;
mod consume;
mod doubt;
mod fetching;
mod health;
mod hostile;
mod leaders;
mod lingering;
mod log;
mod matching;
mod members;
mod memory;
mod metadata;
mod outage;
mod outcomes;
mod peers;
mod produce;
mod scene;
mod streams;
mod truncation;
mod versions;

use integration::connector::InMemory;
use integration::numbered::{Tally, receive};
use integration::partitions;
use kafka_broker::{Broker, Builder, Fault, FaultHandle};
use kafka_client::consumer::OffsetReset;
use kafka_client::{Kafka, KafkaBuilder};

/// A reference broker in memory, and the way to it.
struct Setting {
    broker: Broker,
}

impl Setting {
    async fn new() -> Self {
        Self::with(|broker| broker).await
    }

    async fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let broker = Broker::builder().memory().no_listener().seed(1);
        let broker = change(broker.strict_metadata(true));
        Self {
            broker: broker.start().await.unwrap(),
        }
    }

    fn client(&self) -> KafkaBuilder {
        let connector = InMemory(self.broker.connector());
        Kafka::builder("broker:9092").connector(connector).seed(1)
    }

    async fn kafka(&self) -> Kafka {
        self.client().connect().await.unwrap()
    }

    fn topic(&self, name: &'static str, partitions: i32) -> &'static str {
        self.broker.create_topic(name, partitions).unwrap();
        name
    }

    fn inject(&self, fault: Fault) -> FaultHandle {
        self.broker.faults().inject(fault)
    }

    /// What is in the log of a topic, all of it.
    async fn log(&self, topic: &str, count: i32) -> Tally {
        let ends = (0..count).map(|partition| self.broker.end_offset(topic, partition).unwrap());
        let records: i64 = ends.sum();
        let reader = self.kafka().await.reader();
        let reader = reader.offset_reset(OffsetReset::Earliest);
        let mut reader = reader.assign(partitions(topic, count)).await.unwrap();
        receive(&mut reader, records as usize).await
    }
}
