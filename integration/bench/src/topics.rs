//! The topics that are measured with.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use kafka_client::consumer::{OffsetReset, TopicPartition};
use kafka_client::record::Record;
use kafka_client::{Kafka, NewTopic};

use crate::Failure;

/// Topics that are made at the same time.
const AT_ONCE: usize = 16;

/// Makes topics, and deletes what it has made.
pub(crate) struct Topics {
    kafka: Kafka,
    /// Unlike that of any other run on the same broker.
    prefix: String,
    count: AtomicU32,
    made: Mutex<Vec<String>>,
}

impl Topics {
    pub(crate) async fn connect(bootstrap: &str) -> Result<Self, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        Ok(Self {
            kafka: Kafka::connect(bootstrap).await?,
            prefix: format!("kafka-bench-{now}"),
            count: AtomicU32::new(0),
            made: Mutex::default(),
        })
    }

    /// A name that no topic has yet.
    pub(crate) fn name(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{}-{count}", self.prefix)
    }

    /// A new topic.
    pub(crate) async fn make(&self, partitions: i32) -> Result<String, Failure> {
        let name = self.name();
        self.make_named(name.clone(), partitions).await?;
        Ok(name)
    }

    /// New topics with these names, of one partition each.
    pub(crate) async fn make_all(&self, names: Vec<String>) -> Result<(), Failure> {
        futures::stream::iter(names)
            .map(|name| self.make_named(name, 1))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn make_named(&self, name: String, partitions: i32) -> Result<(), Failure> {
        self.made().push(name.clone());
        let topic = NewTopic::new(name)
            .partitions(partitions)
            .replication_factor(1);
        Ok(self.kafka.create_topic(&topic).await?)
    }

    /// A new topic with records to be consumed: these values over and over, in batches of at most
    /// so many bytes, in the first `filled` partitions.
    pub(crate) async fn backlog(
        &self,
        partitions: i32,
        filled: i32,
        values: &[Bytes],
        records: u64,
        batch_bytes: usize,
    ) -> Result<String, Failure> {
        let name = self.make(partitions).await?;
        let producer = self
            .kafka
            .producer()
            // No batch is larger, whatever the load.
            .max_request_size(batch_bytes)
            .batch_size(batch_bytes)
            .build()
            .await?;
        let value_bytes = values.first().map_or(1, |value| value.len().max(1));
        for (n, value) in (0..records).zip(values.iter().cycle()) {
            // Each partition in turn, for as long as it takes to fill a batch.
            let batch = n / (batch_bytes / value_bytes).max(1) as u64;
            let partition = (batch % u64::from(filled.unsigned_abs())) as i32;
            let record = Record::to(&name).partition(partition).value(value);
            // How it ended shows when the records are counted.
            drop(producer.enqueue(record).await?);
        }
        producer.close().await?;
        self.check(&of_topic(&name, partitions), records).await?;
        Ok(name)
    }

    /// Writes records for consumers to a topic, one partition after the other, in batches as they come with the
    /// client's defaults.
    pub(crate) async fn fill(
        &self,
        topic: &str,
        partitions: i32,
        value_bytes: usize,
        records: u64,
    ) -> Result<(), Failure> {
        let producer = self.kafka.producer().build().await?;
        let value = crate::job::letters(value_bytes);
        for number in 0..records {
            let partition = (number % u64::from(partitions.unsigned_abs())) as i32;
            let record = Record::to(topic).partition(partition).value(&value);
            // How it ended shows when the records are counted.
            drop(producer.enqueue(record).await?);
        }
        producer.close().await?;
        self.check(&of_topic(topic, partitions), records).await
    }

    /// Whether these partitions hold exactly so many records together.
    pub(crate) async fn check(
        &self,
        partitions: &[TopicPartition],
        expected: u64,
    ) -> Result<(), Failure> {
        let reader = self.kafka.reader().assign(partitions.to_vec()).await?;
        let offsets = reader.handle().offsets(partitions).await?;
        reader.close().await?;
        let records: i64 = offsets.values().map(|(first, next)| next - first).sum();
        if u64::try_from(records)? != expected {
            return Err(format!("{records} records are in the log, not {expected}").into());
        }
        Ok(())
    }

    /// Records of a batch, on average, in the first batches of these partitions.
    pub(crate) async fn batch_records(
        &self,
        partitions: &[TopicPartition],
        batches: u32,
        records: u64,
    ) -> Result<f64, Failure> {
        let reader = self.kafka.reader().offset_reset(OffsetReset::Earliest);
        let mut reader = reader.assign(partitions.to_vec()).await?;
        let (mut seen, mut inside) = (0, 0);
        while seen < batches && inside < records {
            inside += reader.recv_batch().await?.len() as u64;
            seen += 1;
        }
        reader.close().await?;
        Ok(inside as f64 / f64::from(seen))
    }

    pub(crate) async fn remove(&self, topic: &str) -> Result<(), Failure> {
        self.kafka.delete_topic(topic).await?;
        self.made().retain(|name| name != topic);
        Ok(())
    }

    /// Deletes what is left.
    pub(crate) async fn remove_all(&self) {
        let names = std::mem::take(&mut *self.made());
        for name in names {
            if let Err(error) = self.kafka.delete_topic(&name).await {
                eprintln!("{name} is left behind: {error}");
            }
        }
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.made
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// All partitions of a topic.
pub(crate) fn of_topic(topic: &str, partitions: i32) -> Vec<TopicPartition> {
    (0..partitions)
        .map(|partition| TopicPartition::new(topic, partition))
        .collect()
}
