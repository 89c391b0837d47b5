#![expect(clippy::unwrap_used, reason = "a test without its cluster has failed")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kafka_broker::Broker;
use kafka_client::consumer::TopicPartition;
use kafka_client::{Kafka, KafkaBuilder, NewTopic};

use crate::kafka::KafkaContainer;

/// A broker for behaviours, whichever it is.
#[derive(Debug)]
pub enum TestCluster {
    /// The reference broker, in this process, with its log on disk and a TCP port of its own.
    Embedded(Broker),
    /// One node of Apache Kafka in a container, shared by all tests of the program.
    ApacheKafka {
        /// Where it is.
        bootstrap: String,
    },
}

impl TestCluster {
    /// A reference broker, gone with the value.
    ///
    /// # Panics
    /// When it does not start.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing keeps running.
    pub async fn embedded() -> Self {
        let broker = Broker::builder()
            .temp_dir()
            .strict_metadata(true)
            // As the container has it: tests of expired members should not take six seconds.
            .property("group.min.session.timeout.ms", "500");
        Self::Embedded(broker.start().await.unwrap())
    }

    /// Apache Kafka. Tests keep out of each other's way by names.
    ///
    /// # Panics
    /// When it does not start; the message says what is missing.
    ///
    /// # Cancel safety
    /// Cancel safe: another caller starts it.
    pub async fn apache_kafka() -> Self {
        let kafka = KafkaContainer::shared().await.unwrap();
        Self::ApacheKafka {
            bootstrap: kafka.bootstrap(),
        }
    }

    /// `host:port`.
    pub fn bootstrap(&self) -> String {
        match self {
            Self::Embedded(broker) => broker.bootstrap(),
            Self::ApacheKafka { bootstrap } => bootstrap.clone(),
        }
    }

    /// Settings of a client, with waits after failures that suit a test.
    pub fn client(&self) -> KafkaBuilder {
        quick(Kafka::builder(self.bootstrap()))
    }

    /// A client.
    ///
    /// # Panics
    /// When it does not connect.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn kafka(&self) -> Kafka {
        self.client().connect().await.unwrap()
    }

    /// A name for a topic or a group that nothing else has, on a broker that many programs use.
    pub fn name(&self, label: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        format!(
            "{label}-{}-{}-{count}",
            std::process::id(),
            started.as_millis() % 1_000_000
        )
    }

    /// A new topic, known to the broker when this returns.
    ///
    /// # Panics
    /// When it is refused.
    ///
    /// # Cancel safety
    /// Dropped, the topic may be made all the same.
    pub async fn topic(&self, label: &str, partitions: i32) -> String {
        self.topic_with(label, partitions, &[]).await
    }

    /// A new topic with settings of its own, by Kafka's names.
    ///
    /// # Panics
    /// When it is refused.
    ///
    /// # Cancel safety
    /// Dropped, the topic may be made all the same.
    pub async fn topic_with(
        &self,
        label: &str,
        partitions: i32,
        settings: &[(&str, &str)],
    ) -> String {
        let name = self.name(label);
        let topic = NewTopic::new(name.clone()).partitions(partitions);
        let topic = settings
            .iter()
            .fold(topic, |topic, (name, value)| topic.config(*name, *value));
        self.kafka().await.create_topic(&topic).await.unwrap();
        name
    }
}

/// Short waits after failures: a test should not spend its time there.
pub fn quick(client: KafkaBuilder) -> KafkaBuilder {
    let (first, max) = (Duration::from_millis(5), Duration::from_millis(100));
    client
        .reconnect_backoff(first, max)
        .retry_backoff(first, max)
}

/// All partitions of a topic.
pub fn partitions(topic: &str, count: i32) -> Vec<TopicPartition> {
    (0..count)
        .map(|partition| TopicPartition::new(topic, partition))
        .collect()
}
