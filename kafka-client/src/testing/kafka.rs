use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use kafka_broker::{Broker, Faults, MemoryDisk};

use super::Setup;
use super::site::{Site, WayTo};
use crate::env::all;
use crate::producer::{Delivered, Producer, ToRecord};
use crate::record::KafkaRecord;
use crate::{Kafka, NewTopic};

/// How long it is waited until a deleted topic has gone, and how often it is looked.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// A broker for a test, and a client of it. See [the module](super).
#[derive(Debug)]
pub struct TestKafka {
    kafka: Kafka,
    producer: Producer,
    /// `None` on a real cluster.
    site: Option<Arc<Site>>,
}

impl Deref for TestKafka {
    type Target = Kafka;

    fn deref(&self) -> &Kafka {
        &self.kafka
    }
}

impl TestKafka {
    /// Starts an embedded broker, whatever the environment says, and connects to it. It lives as long as this.
    ///
    /// # Panics
    /// When it does not start, such as for a topic without a legal name.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing keeps running.
    pub async fn start(setup: Setup) -> Self {
        Self::embedded(setup)
            .await
            .unwrap_or_else(|error| panic!("the test's broker does not start: {error}"))
    }

    async fn embedded(setup: Setup) -> Result<Self, String> {
        let site = Site::start(setup).await?;
        let address = site.with_broker(Broker::bootstrap)?;
        let builder = Kafka::builder(address).connector(WayTo(site.clone()));
        // A test that fails is to fail again.
        let kafka = builder
            .seed(1)
            .connect()
            .await
            .map_err(|error| error.to_string())?;
        let producer = kafka
            .producer()
            .build()
            .await
            .map_err(|error| error.to_string())?;
        Ok(Self {
            kafka,
            producer,
            site: Some(site),
        })
    }

    /// Connects to a real cluster, and makes the topics there.
    pub(super) async fn on_cluster(bootstrap: &str, setup: &Setup) -> Result<Self, String> {
        let kafka = Kafka::connect(bootstrap)
            .await
            .map_err(|error| error.to_string())?;
        let producer = kafka
            .producer()
            .build()
            .await
            .map_err(|error| error.to_string())?;
        let made = Self {
            kafka,
            producer,
            site: None,
        };
        for (at, (name, partitions)) in setup.topics.iter().enumerate() {
            let topic = NewTopic::new(name).partitions(*partitions);
            if let Err(error) = made.create_topic(&topic).await {
                made.delete_topics(&setup.topics[..at]).await;
                return Err(format!("topic {name}: {error}"));
            }
        }
        Ok(made)
    }

    /// Deletes topics, and waits until brokers have heard of it, for the next test may make one of the same name.
    pub(super) async fn delete_topics(&self, topics: &[(String, i32)]) {
        let deletions = topics.iter().map(|(name, _)| async move {
            self.delete_topic(name)
                .await
                .map_err(|error| error.to_string())?;
            let deadline = self.env().after(PATIENCE);
            while self.partitions(name).await.is_ok() {
                if self.env().now() >= deadline {
                    return Err(format!("it is still there {PATIENCE:?} after its deletion"));
                }
                self.env().sleep(LOOK_INTERVAL).await;
            }
            Ok(())
        });
        for (deleted, (name, _)) in all(deletions).await.into_iter().zip(topics) {
            if let Err(error) = deleted {
                tracing::warn!("a topic of a test stays: {name}: {error}");
            }
        }
    }

    /// Whether the broker is embedded: else this is a real cluster, where nothing can be made to fail.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.site.is_some()
    }

    /// Has a record written, and waits until it is.
    ///
    /// # Panics
    /// When it is not written.
    ///
    /// # Cancel safety
    /// Dropped, the record may be written all the same.
    pub async fn deliver<R: ToRecord>(&self, record: R) -> Delivered {
        let sent = self.producer.send(record).await;
        sent.unwrap_or_else(|error| panic!("a record was not delivered: {error}"))
    }

    /// The same for a typed record and another topic than its type names.
    ///
    /// # Panics
    /// When it is not written.
    ///
    /// # Cancel safety
    /// Dropped, the record may be written all the same.
    pub async fn deliver_to<R>(&self, topic: &str, record: &R) -> Delivered
    where
        R: KafkaRecord + Send + Sync,
    {
        let sent = self.producer.send_to(topic, record).await;
        sent.unwrap_or_else(|error| panic!("a record was not delivered to {topic}: {error}"))
    }

    /// Has the broker answer wrongly, late or not at all; they are gone when it starts again.
    ///
    /// # Panics
    /// On a real cluster, and while the broker is stopped.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.with_broker(|broker| broker.faults().clone())
    }

    /// The disk of the broker, which can fail, lose what was not forced to it, or be slow.
    ///
    /// # Panics
    /// On a real cluster.
    #[must_use]
    pub fn disk(&self) -> MemoryDisk {
        self.site().disk.clone()
    }

    /// Asks the broker itself.
    ///
    /// # Panics
    /// On a real cluster, and while the broker is stopped.
    pub fn with_broker<T>(&self, ask: impl FnOnce(&Broker) -> T) -> T {
        let answer = self.site().with_broker(ask);
        answer.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Stops the broker in order. Connections are refused until it [starts again](Self::start_again).
    ///
    /// # Panics
    /// On a real cluster, and when the broker is stopped.
    ///
    /// # Cancel safety
    /// Dropped, the stop is like a crash.
    pub async fn stop(&self) {
        let stopped = self.take().shutdown().await;
        stopped.unwrap_or_else(|error| panic!("the broker does not stop in order: {error}"));
    }

    /// Stops the broker at once, as if its process had been killed. What it had written stays.
    ///
    /// # Panics
    /// On a real cluster, and when the broker is stopped.
    ///
    /// # Cancel safety
    /// The broker stops either way.
    pub async fn crash(&self) {
        self.take().crash().await;
    }

    /// Starts the broker again, with all that it had written.
    ///
    /// # Panics
    /// On a real cluster, and when the broker runs.
    ///
    /// # Cancel safety
    /// Cancel safe: it stays stopped.
    pub async fn start_again(&self) {
        let started = self.site().start_again().await;
        started.unwrap_or_else(|error| panic!("the broker does not start again: {error}"));
    }

    /// Stops the broker in order, and has it start again after a time, in the background.
    ///
    /// # Panics
    /// On a real cluster, and when the broker is stopped.
    ///
    /// # Cancel safety
    /// Dropped, the stop is like a crash, and it may stay stopped.
    pub async fn restart_after(&self, time: Duration) {
        self.stop().await;
        let site = self.site().clone();
        let env = self.kafka.env().clone();
        env.clone().spawn(async move {
            env.sleep(time).await;
            if let Err(error) = site.start_again().await {
                tracing::error!("the test's broker does not start again: {error}");
            }
        });
    }

    fn take(&self) -> Broker {
        let running = self.site().take();
        running.unwrap_or_else(|error| panic!("{error}"))
    }

    fn site(&self) -> &Arc<Site> {
        let only = "only the embedded broker has that, and this is a real cluster: see TestKafka::is_embedded";
        self.site.as_ref().expect(only)
    }
}
