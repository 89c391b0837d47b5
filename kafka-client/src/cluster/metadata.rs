//! The cluster as last heard of: brokers, topics, partitions and their leaders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafka_client_protocol::api::metadata::{MetadataResponse, MetadataResponseTopic};
use kafka_client_protocol::{ErrorCode, Uuid};

use crate::net::Address;

/// A snapshot of the cluster. Never changed; a merge makes the next one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metadata {
    /// Grows with each merge.
    pub(crate) generation: u64,
    /// -1 if unknown.
    pub(crate) controller: i32,
    pub(crate) brokers: BTreeMap<i32, Broker>,
    pub(crate) topics: BTreeMap<Arc<str>, TopicMetadata>,
}

/// A broker's advertised address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broker {
    pub(crate) host: Arc<str>,
    pub(crate) port: u16,
    /// Where it stands, if it says so (`broker.rack`).
    pub(crate) rack: Option<String>,
}

impl Broker {
    pub(crate) fn address(&self) -> Address {
        (self.host.clone(), self.port)
    }
}

/// A topic that was asked for, whether it exists or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicMetadata {
    pub(crate) name: Arc<str>,
    /// Zero if the broker is too old to have ids.
    pub(crate) id: Uuid,
    pub(crate) error: ErrorCode,
    /// By number: partition `n` is at index `n`.
    pub(crate) partitions: Vec<PartitionMetadata>,
}

/// A partition's leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartitionMetadata {
    /// -1 if there is none.
    pub(crate) leader: i32,
    /// -1 if unknown.
    pub(crate) leader_epoch: i32,
}

impl PartitionMetadata {
    const UNKNOWN: Self = Self {
        leader: -1,
        leader_epoch: -1,
    };
}

impl Metadata {
    pub(crate) fn topic(&self, name: &str) -> Option<&TopicMetadata> {
        self.topics.get(name)
    }

    /// Whether every topic that was asked for is there with a leader for each partition.
    pub(crate) fn is_settled(&self) -> bool {
        self.topics.values().all(|topic| {
            !topic.error.is_error()
                && topic
                    .partitions
                    .iter()
                    .all(|partition| partition.leader >= 0)
        })
    }

    pub(crate) fn broker(&self, node: i32) -> Option<&Broker> {
        self.brokers.get(&node)
    }

    pub(crate) fn leader(&self, topic: &str, partition: i32) -> Option<PartitionMetadata> {
        let index = usize::try_from(partition).ok()?;
        self.topic(topic)?.partitions.get(index).copied()
    }

    /// The next snapshot: brokers as answered, the answered topics in place of what was known of
    /// them, other topics kept if they are still wanted.
    pub(crate) fn merge(&self, response: MetadataResponse, wanted: &BTreeSet<Arc<str>>) -> Self {
        let brokers = response.brokers.into_iter().filter_map(|broker| {
            let port = u16::try_from(broker.port).ok()?;
            Some((
                broker.node_id,
                Broker {
                    host: Arc::from(broker.host.as_str()),
                    port,
                    rack: broker.rack.map(|rack| rack.to_string()),
                },
            ))
        });
        let mut topics: BTreeMap<_, _> = self
            .topics
            .iter()
            .filter(|(name, _)| wanted.contains(*name))
            .map(|(name, topic)| (name.clone(), topic.clone()))
            .collect();
        for answered in response.topics {
            let Some(name) = answered.name.clone() else {
                continue;
            };
            let known = self.topics.get(name.as_str());
            let name = known.map_or_else(|| Arc::from(name.as_str()), |topic| topic.name.clone());
            topics.insert(name.clone(), merge_topic(name, known, &answered));
        }
        Self {
            generation: self.generation + 1,
            controller: response.controller_id,
            brokers: brokers.collect(),
            topics,
        }
    }

    /// The next snapshot without brokers: those that are known are of no use any more.
    pub(crate) fn without_brokers(&self) -> Self {
        Self {
            generation: self.generation + 1,
            controller: -1,
            brokers: BTreeMap::new(),
            topics: self.topics.clone(),
        }
    }

    /// The next snapshot with a leader learnt from an error (KIP-951); `None` if it is not news.
    pub(crate) fn with_leader(
        &self,
        topic: &str,
        partition: i32,
        leader: PartitionMetadata,
        address: Option<(i32, Broker)>,
    ) -> Option<Self> {
        let known = self.leader(topic, partition)?;
        if leader.leader < 0 || leader.leader_epoch <= known.leader_epoch {
            return None;
        }
        if address.is_none() && !self.brokers.contains_key(&leader.leader) {
            return None;
        }
        let mut next = self.clone();
        next.generation += 1;
        next.brokers.extend(address);
        let topic = next.topics.get_mut(topic)?;
        *topic.partitions.get_mut(usize::try_from(partition).ok()?)? = leader;
        Some(next)
    }
}

fn merge_topic(
    name: Arc<str>,
    known: Option<&TopicMetadata>,
    answered: &MetadataResponseTopic,
) -> TopicMetadata {
    let error = ErrorCode::new(answered.error_code);
    // What is known of the same topic; a topic created anew starts from nothing.
    let known = known.filter(|known| known.id == answered.topic_id || answered.topic_id.is_zero());
    let before = known
        .map(|known| known.partitions.as_slice())
        .unwrap_or_default();
    if error.is_error() {
        // A broker that does not know the topic (yet, or at the moment) says nothing about its
        // partitions: what is buffered for them waits with the leaders known.
        let partitions = match error.is_retriable() {
            true => before.to_vec(),
            false => Vec::new(),
        };
        let id = known.map_or(answered.topic_id, |known| known.id);
        return TopicMetadata {
            name,
            id,
            error,
            partitions,
        };
    }
    // A partition that a lagging broker leaves out is kept as it was (CreatePartitions).
    let count = answered
        .partitions
        .iter()
        .filter_map(|partition| usize::try_from(partition.partition_index).ok())
        // A partition takes bytes on the wire, so numbers far over the count are a lie.
        .filter(|index| *index < answered.partitions.len().max(before.len()))
        .map(|index| index + 1)
        .max()
        .unwrap_or(0)
        .max(before.len());
    let mut partitions = before.to_vec();
    partitions.resize(count, PartitionMetadata::UNKNOWN);
    for partition in &answered.partitions {
        let Ok(index) = usize::try_from(partition.partition_index) else {
            continue;
        };
        let Some(slot) = partitions.get_mut(index) else {
            continue;
        };
        // A broker that lags behind still names the old leader: its lower epoch gives it away.
        if partition.leader_epoch >= 0 && partition.leader_epoch < slot.leader_epoch {
            continue;
        }
        *slot = PartitionMetadata {
            leader: partition.leader_id,
            leader_epoch: partition.leader_epoch,
        };
    }
    TopicMetadata {
        name,
        id: answered.topic_id,
        error,
        partitions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_client_protocol::api::metadata::{MetadataResponseBroker, MetadataResponsePartition};

    const ID: Uuid = Uuid([1; 16]);

    fn answer(id: Uuid, error_code: i16, leaders: &[(i32, i32)]) -> MetadataResponse {
        let partitions = leaders
            .iter()
            .enumerate()
            .map(
                |(index, (leader_id, leader_epoch))| MetadataResponsePartition {
                    partition_index: index as i32,
                    leader_id: *leader_id,
                    leader_epoch: *leader_epoch,
                    ..Default::default()
                },
            );
        MetadataResponse {
            brokers: vec![MetadataResponseBroker {
                node_id: 1,
                host: "one".into(),
                port: 9092,
                ..Default::default()
            }],
            topics: vec![MetadataResponseTopic {
                error_code,
                name: Some("orders".into()),
                topic_id: id,
                partitions: partitions.collect(),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    fn wanted() -> BTreeSet<Arc<str>> {
        BTreeSet::from([Arc::from("orders")])
    }

    fn leaders(metadata: &Metadata) -> Vec<(i32, i32)> {
        let topic = metadata.topic("orders").unwrap();
        topic
            .partitions
            .iter()
            .map(|partition| (partition.leader, partition.leader_epoch))
            .collect()
    }

    #[test]
    fn stale_metadata_with_a_lower_leader_epoch_is_ignored() {
        let first = Metadata::default().merge(answer(ID, 0, &[(1, 5), (1, 5)]), &wanted());
        let second = first.merge(answer(ID, 0, &[(2, 4), (2, 6)]), &wanted());
        assert_eq!(leaders(&second), [(1, 5), (2, 6)]);
    }

    #[test]
    fn a_topic_created_anew_starts_from_nothing() {
        let first = Metadata::default().merge(answer(ID, 0, &[(1, 5), (1, 5)]), &wanted());
        let second = first.merge(answer(Uuid([2; 16]), 0, &[(2, 0)]), &wanted());
        assert_eq!(leaders(&second), [(2, 0)]);
    }

    #[test]
    fn a_partition_that_a_lagging_broker_omits_is_kept() {
        let first = Metadata::default().merge(answer(ID, 0, &[(1, 5), (1, 5)]), &wanted());
        let second = first.merge(answer(ID, 0, &[(1, 6)]), &wanted());
        assert_eq!(leaders(&second), [(1, 6), (1, 5)]);
        let unknown = first.merge(answer(Uuid::ZERO, 3, &[]), &wanted());
        assert_eq!(leaders(&unknown), [(1, 5), (1, 5)]);
        assert_eq!(
            unknown.topic("orders").unwrap().error,
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        );
    }

    #[test]
    fn partition_numbers_out_of_range_take_no_memory() {
        let mut hostile = answer(ID, 0, &[(1, 0)]);
        hostile.topics[0].partitions[0].partition_index = i32::MAX;
        assert_eq!(leaders(&Metadata::default().merge(hostile, &wanted())), []);
    }

    #[test]
    fn a_leader_hint_is_taken_if_its_epoch_is_newer_and_its_address_known() {
        let first = Metadata::default().merge(answer(ID, 0, &[(1, 5)]), &wanted());
        let hint = |leader, leader_epoch| PartitionMetadata {
            leader,
            leader_epoch,
        };
        let two = || {
            Some((
                2,
                Broker {
                    host: "two".into(),
                    port: 9092,
                    rack: None,
                },
            ))
        };
        assert!(first.with_leader("orders", 0, hint(2, 5), two()).is_none());
        assert!(first.with_leader("orders", 0, hint(2, 6), None).is_none());
        let second = first.with_leader("orders", 0, hint(2, 6), two()).unwrap();
        assert_eq!(leaders(&second), [(2, 6)]);
        assert_eq!(
            second.brokers.len(),
            2,
            "a hint adds brokers and removes none"
        );
    }
}
