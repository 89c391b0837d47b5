//! The topics that are measured with.

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use kafka_client::consumer::TopicPartition;
use kafka_client::record::Record;
use kafka_client::{Kafka, NewTopic};

use crate::{Failure, Settings};

/// Makes topics, and deletes what it has made.
pub(crate) struct Topics {
    kafka: Kafka,
    /// Unlike that of any other run on the same broker.
    prefix: String,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Made {
    count: u32,
    names: Vec<String>,
}

impl Topics {
    pub(crate) async fn connect(bootstrap: &str) -> Result<Self, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        Ok(Self {
            kafka: Kafka::connect(bootstrap).await?,
            prefix: format!("client-cpu-{now}"),
            made: Mutex::default(),
        })
    }

    /// A new topic.
    pub(crate) async fn make(&self, settings: &Settings) -> Result<String, Failure> {
        let name = {
            let mut made = self.made();
            made.count += 1;
            let name = format!("{}-{}", self.prefix, made.count);
            made.names.push(name.clone());
            name
        };
        let topic = NewTopic::new(&name)
            .partitions(settings.partitions)
            .replication_factor(1);
        self.kafka.create_topic(&topic).await?;
        Ok(name)
    }

    /// A new topic with records to be consumed.
    pub(crate) async fn backlog(&self, settings: &Settings) -> Result<String, Failure> {
        let name = self.make(settings).await?;
        let producer = self
            .kafka
            .producer()
            // No batch is larger, whatever the load.
            .max_request_size(settings.backlog_batch)
            .batch_size(settings.backlog_batch)
            .build()
            .await?;
        let value = settings.value();
        for n in 0..settings.records {
            // Each partition in turn, for as long as it takes to fill a batch.
            let batch = n / (settings.backlog_batch / settings.value_bytes.max(1)).max(1) as u64;
            let partition = (batch % settings.partitions as u64) as i32;
            let record = Record::to(&name).partition(partition).value(&value);
            // How it ended shows when the records are counted.
            drop(producer.enqueue(record).await?);
        }
        producer.close().await?;
        self.check(&name, settings, settings.records).await?;
        Ok(name)
    }

    /// Whether a topic holds exactly this many records.
    pub(crate) async fn check(
        &self,
        topic: &str,
        settings: &Settings,
        expected: u64,
    ) -> Result<(), Failure> {
        let partitions: Vec<_> = (0..settings.partitions)
            .map(|partition| TopicPartition::new(topic, partition))
            .collect();
        let reader = self.kafka.reader().assign(partitions.clone()).await?;
        let offsets = reader.handle().offsets(&partitions).await?;
        reader.close().await?;
        let records: i64 = offsets.values().map(|(first, next)| next - first).sum();
        if u64::try_from(records)? != expected {
            return Err(format!("{records} records are in the topic, not {expected}").into());
        }
        Ok(())
    }

    pub(crate) async fn remove(&self, topic: &str) -> Result<(), Failure> {
        self.kafka.delete_topic(topic).await?;
        self.made().names.retain(|name| name != topic);
        Ok(())
    }

    /// Deletes what is left.
    pub(crate) async fn remove_all(&self) {
        let names = std::mem::take(&mut self.made().names);
        for name in names {
            if let Err(error) = self.kafka.delete_topic(&name).await {
                eprintln!("{name} is left behind: {error}");
            }
        }
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Made> {
        self.made
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
