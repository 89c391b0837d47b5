//! What the coordinator has written down of the group: every commit and every rebalance, in order.

use std::collections::BTreeMap;

use kafka_client::Kafka;
use kafka_client::consumer::OffsetReset;
use kafka_client_protocol::internal_topics::consumer_offsets::ConsumerOffsetsRecord;

const TOPIC: &str = "__consumer_offsets";

/// The group in `__consumer_offsets`.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// Committed offsets by partition, in the order of the commits.
    pub(super) commits: BTreeMap<i32, Vec<i64>>,
    /// The last generation.
    pub(super) generation: i32,
    /// Rebalances that were completed.
    pub(super) rebalances: usize,
    /// Members after the last of them.
    pub(super) members: usize,
}

impl Stored {
    pub(super) async fn read(kafka: &Kafka, group: &str) -> Self {
        let partitions = kafka.partitions(TOPIC).await.unwrap();
        let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
        let mut reader = reader.assign(partitions.clone()).await.unwrap();
        let ends = reader.handle().offsets(&partitions).await.unwrap();
        let mut stored = Self::default();
        let is_read = |reader: &kafka_client::consumer::Consumer| {
            ends.iter().all(|(at, (first, end))| {
                let position = reader.handle().position(at);
                first == end || position.is_some_and(|position| position >= *end)
            })
        };
        while !is_read(&reader) {
            let record = reader.recv().await.unwrap();
            let (key, value) = (record.key_bytes().unwrap(), record.value_bytes());
            match ConsumerOffsetsRecord::decode(key, value).unwrap() {
                ConsumerOffsetsRecord::OffsetCommit(key, Some(value)) if *key.group == *group => {
                    let commits = stored.commits.entry(key.partition).or_default();
                    commits.push(value.message.offset);
                }
                ConsumerOffsetsRecord::GroupMetadata(key, Some(value)) if *key.group == *group => {
                    let group = value.message;
                    stored.rebalances += usize::from(group.generation > stored.generation);
                    stored.generation = group.generation;
                    stored.members = group.members.len();
                }
                _ => {}
            }
        }
        stored
    }

    /// Commits that go back.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (partition, commits) in &self.commits {
            for pair in commits.windows(2) {
                if pair[1] < pair[0] {
                    let (before, after) = (pair[0], pair[1]);
                    faults.push(format!(
                        "the offset stored of {partition} went back from {before} to {after}"
                    ));
                }
            }
        }
        faults
    }
}
