//! What a test finds in topics, and of groups.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use super::TestKafka;
use crate::consumer::{Consumer, OffsetReset, TopicPartition};
use crate::error::Error;
use crate::record::{ConsumerRecord, HasTopic, KafkaRecord};

/// How long something that is asserted may take to come true, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

impl TestKafka {
    /// All that is in the type's topic now, by partition and offset.
    ///
    /// # Panics
    /// When the topic is not there or cannot be read, or has a record that is not of the type.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn sent<T: HasTopic>(&self) -> Vec<T> {
        self.sent_to(T::TOPIC_NAME).await
    }

    /// The same for another topic.
    ///
    /// # Panics
    /// As [`sent`](Self::sent).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn sent_to<T: KafkaRecord>(&self, topic: &str) -> Vec<T> {
        let records = self.records(topic).await.into_iter();
        let decoded = records.map(|record| {
            let at = (record.partition(), record.offset());
            record.decode::<T>().unwrap_or_else(|error| {
                panic!("topic {topic} partition {} offset {}: {error}", at.0, at.1)
            })
        });
        decoded.collect()
    }

    /// The records of a topic now, as they are, by partition and offset.
    ///
    /// # Panics
    /// When the topic is not there or cannot be read.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn records(&self, topic: &str) -> Vec<ConsumerRecord> {
        let read = self.read_all(topic).await;
        read.unwrap_or_else(|error| panic!("topic {topic} cannot be read: {error}"))
    }

    async fn read_all(&self, topic: &str) -> Result<Vec<ConsumerRecord>, Error> {
        let partitions = self.partitions(topic).await?;
        let reader = self.reader().offset_reset(OffsetReset::Earliest);
        let mut reader = reader.assign(partitions.clone()).await?;
        let offsets = reader.handle().offsets(&partitions).await?;
        let mut records = Vec::new();
        // Behind the last record there may be what is no record: the position tells.
        while !is_at(&reader, &offsets) {
            records.extend(reader.poll(usize::MAX, LOOK_INTERVAL).await?);
        }
        reader.close().await?;
        records.sort_by_key(|record| (record.partition(), record.offset()));
        Ok(records)
    }

    /// Waits until there is such a record in the type's topic, for 10 seconds at most.
    ///
    /// # Panics
    /// When there is none; the message has those that are there. Else as [`sent`](Self::sent).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn assert_sent<T: HasTopic + Debug>(&self, is_it: impl Fn(&T) -> bool) {
        let mut there = Vec::new();
        let found = self
            .comes_true(async || {
                there = self.sent::<T>().await;
                there.iter().any(&is_it)
            })
            .await;
        let topic = T::TOPIC_NAME;
        assert!(found, "no such record in topic {topic}, but {there:#?}");
    }

    /// What a group has committed of a topic: by partition, the offset of the next record. Partitions of which nothing
    /// is committed are left out.
    ///
    /// # Panics
    /// When the topic is not there, or the coordinator does not answer.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn committed(&self, group: &str, topic: &str) -> BTreeMap<i32, i64> {
        let committed = self.ask_committed(group, topic).await;
        let (committed, _) = committed
            .unwrap_or_else(|error| panic!("group {group}, topic {topic}: no offsets: {error}"));
        committed
    }

    /// What is committed, and the ends of the partitions.
    async fn ask_committed(
        &self,
        group: &str,
        topic: &str,
    ) -> Result<(BTreeMap<i32, i64>, BTreeMap<i32, i64>), Error> {
        let partitions = self.partitions(topic).await?;
        let member = self.consumer(group).manual_commit();
        let member = member.assign(partitions.clone()).await?;
        let handle = member.handle();
        let committed = handle.committed(&partitions).await?;
        let ends = handle.offsets(&partitions).await?;
        member.close().await?;
        let committed = committed.into_iter().map(|(at, next)| (at.partition, next));
        let ends = ends.into_iter().map(|(at, (_, end))| (at.partition, end));
        Ok((committed.collect(), ends.collect()))
    }

    /// Waits until a group has committed all that a topic has, for 10 seconds at most.
    ///
    /// # Panics
    /// When it does not; the message says how far it is. Else as [`committed`](Self::committed).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn assert_all_committed(&self, group: &str, topic: &str) {
        let mut seen = None;
        let done = self
            .comes_true(async || {
                let both = self.ask_committed(group, topic).await;
                let is_done = both.as_ref().is_ok_and(|(committed, ends)| {
                    let mut ends = ends.iter();
                    ends.all(|(at, end)| committed.get(at).copied().unwrap_or(0) == *end)
                });
                seen = Some(both);
                is_done
            })
            .await;
        assert!(
            done,
            "group {group}, topic {topic}: committed and ends are {seen:?}"
        );
    }

    async fn comes_true(&self, mut look: impl AsyncFnMut() -> bool) -> bool {
        let env = self.env();
        let deadline = env.after(PATIENCE);
        loop {
            if look().await {
                return true;
            }
            if env.now() >= deadline {
                return false;
            }
            env.sleep(LOOK_INTERVAL).await;
        }
    }
}

fn is_at(reader: &Consumer, offsets: &BTreeMap<TopicPartition, (i64, i64)>) -> bool {
    let handle = reader.handle();
    let mut all = offsets.iter();
    all.all(|(partition, (first, end))| first == end || handle.position(partition) >= Some(*end))
}
