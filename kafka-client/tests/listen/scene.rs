//! A broker in memory, a client, and short ways to write and to read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_broker::Broker;
use kafka_client::consumer::{ConsumerBuilder, OffsetReset, TopicPartition};
use kafka_client::listen::{End, Listener};
use kafka_client::producer::Producer;
use kafka_client::record::{ConsumerRecord, Record};
use kafka_client::{Connector, Dialing, Kafka, KafkaRecord};
use tokio::sync::oneshot;

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, KafkaRecord)]
#[kafka(topic = "orders")]
pub(crate) struct Order {
    #[kafka(key)]
    pub(crate) id: String,
    pub(crate) number: u32,
}

struct InMemory(kafka_broker::Connector);

impl Connector for InMemory {
    fn connect<'a>(&'a self, _: &'a str, _: u16) -> Dialing<'a> {
        let stream: Box<dyn kafka_client::Stream> = Box::new(self.0.connect());
        Box::pin(async { Ok(stream) })
    }
}

/// The broker has the topic "orders", of two partitions.
pub(crate) struct Scene {
    pub(crate) broker: Broker,
    pub(crate) kafka: Kafka,
    producer: Producer,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let broker = Broker::builder().memory().no_listener().seed(1);
        let broker = broker.start().await.unwrap();
        broker.create_topic("orders", 2).unwrap();
        let connector = InMemory(broker.connector());
        let kafka = Kafka::builder("broker:9092").connector(connector).seed(1);
        let kafka = kafka.connect().await.unwrap();
        let producer = kafka.producer().build().await.unwrap();
        Self {
            broker,
            kafka,
            producer,
        }
    }

    /// A listener that begins at the beginning.
    pub(crate) fn listen(&self) -> Listener<(), End> {
        self.kafka.listen("billing").consumer(from_the_beginning)
    }

    pub(crate) async fn send(&self, record: Record<'_>) {
        self.producer.send(record).await.unwrap();
    }

    /// Sends orders of one key to partition 0.
    pub(crate) async fn order(&self, id: &str, numbers: std::ops::Range<u32>) {
        for number in numbers {
            let value = format!(r#"{{"id":"{id}","number":{number}}}"#);
            let record = Record::to("orders").key(id).value(&value);
            self.send(record.partition(0)).await;
        }
    }

    /// The first records of a topic, by partition and offset.
    pub(crate) async fn read(&self, topic: &str, count: usize) -> Vec<ConsumerRecord> {
        let partitions = self.kafka.partitions(topic).await.unwrap();
        let reader = self.kafka.reader().offset_reset(OffsetReset::Earliest);
        let mut reader = reader.assign(partitions).await.unwrap();
        let mut records = Vec::new();
        while records.len() < count {
            records.push(reader.recv().await.unwrap());
        }
        records.sort_by_key(|record| (record.partition(), record.offset()));
        records
    }

    /// What the group has stored for a partition of "orders".
    pub(crate) async fn stored(&self, partition: i32) -> Option<i64> {
        let at = TopicPartition::new("orders", partition);
        let reader = self.kafka.consumer("billing").manual_commit();
        let reader = reader.assign([at.clone()]).await.unwrap();
        let stored = reader.handle().committed(std::slice::from_ref(&at)).await;
        stored.unwrap().get(&at).copied()
    }
}

fn from_the_beginning(consumer: ConsumerBuilder) -> ConsumerBuilder {
    let consumer = consumer.offset_reset(OffsetReset::Earliest);
    consumer.heartbeat_interval(SECOND).auto_commit(SECOND)
}

/// What handlers have seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Waits until so much was seen.
    pub(crate) async fn wait_for(&self, count: usize) {
        self.wait_for_within(count, 60 * SECOND).await;
    }

    pub(crate) async fn wait_for_within(&self, count: usize, limit: Duration) {
        let waited = async {
            while self.count() < count {
                tokio::time::sleep(MS).await;
            }
        };
        let waited = tokio::time::timeout(limit, waited).await;
        assert!(waited.is_ok(), "only {:?} was seen", self.all());
    }
}

/// A shutdown, and what gives it.
pub(crate) fn shutdown() -> (
    oneshot::Sender<()>,
    impl Future<Output = ()> + Send + 'static,
) {
    let (stop, stopped) = oneshot::channel();
    (stop, async { drop(stopped.await) })
}
