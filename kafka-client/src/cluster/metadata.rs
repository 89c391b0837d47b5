//! The cluster as last heard of: brokers, topics, partitions and their leaders.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_client_protocol::api::metadata::{MetadataResponse, MetadataResponseTopic};
use kafka_client_protocol::{ErrorCode, Uuid};

use crate::net::Address;

/// How often in a row a leader's epoch may go back before that is believed, where topics have no ids
/// by which one that was made anew is known.
const REWINDS_MAX: u8 = 5;

/// What is known of the cluster.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metadata {
    /// Grows with each change.
    pub(crate) generation: u64,
    /// The generation in which a broker changed last.
    brokers_changed: u64,
    /// The generation in which the cluster was last found not to have a topic, or one was forgotten.
    topics_lost: u64,
    /// -1 if unknown.
    pub(crate) controller: i32,
    pub(crate) brokers: BTreeMap<i32, Broker>,
    pub(crate) topics: BTreeMap<Arc<str>, Arc<TopicMetadata>>,
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
    /// The brokers that have replicas of each partition, in sync or not: as many as there are partitions.
    pub(crate) replicas: Vec<Arc<[i32]>>,
    /// Answers in a row in which a leader's epoch went back.
    rewinds: u8,
    /// The generation of the metadata in which this is new.
    changed: u64,
}

impl TopicMetadata {
    #[cfg(test)]
    pub(super) fn new(
        name: Arc<str>,
        error: ErrorCode,
        partitions: Vec<PartitionMetadata>,
    ) -> Self {
        Self {
            name,
            id: Uuid::ZERO,
            error,
            replicas: vec![Arc::default(); partitions.len()],
            partitions,
            rewinds: 0,
            changed: 0,
        }
    }

    /// Whether every partition has a leader.
    pub(crate) fn has_leaders(&self) -> bool {
        self.partitions
            .iter()
            .all(|partition| partition.leader >= 0)
    }
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
    pub(crate) const UNKNOWN: Self = Self {
        leader: -1,
        leader_epoch: -1,
    };

    /// Whether this is newer than what names an epoch, -1 if it names none.
    fn is_ahead_of(self, leader_epoch: i32) -> bool {
        leader_epoch >= 0 && leader_epoch < self.leader_epoch
    }
}

impl Metadata {
    pub(crate) fn topic(&self, name: &str) -> Option<&Arc<TopicMetadata>> {
        self.topics.get(name)
    }

    /// The topics that are new or other than in an earlier generation; all of them, if brokers are.
    pub(crate) fn changed_since(&self, generation: u64) -> impl Iterator<Item = &TopicMetadata> {
        let all = self.brokers_changed > generation;
        let topics = self.topics.values().map(|topic| &**topic);
        topics.filter(move |topic| all || topic.changed > generation)
    }

    /// Whether topics were lost since an earlier generation.
    pub(crate) fn has_lost_topics_since(&self, generation: u64) -> bool {
        self.topics_lost > generation
    }

    pub(crate) fn broker(&self, node: i32) -> Option<&Broker> {
        self.brokers.get(&node)
    }

    pub(crate) fn leader(&self, topic: &str, partition: i32) -> Option<PartitionMetadata> {
        let index = usize::try_from(partition).ok()?;
        self.topic(topic)?.partitions.get(index).copied()
    }

    /// Takes an answer: brokers as it has them, and the topics that are wanted in place of what was
    /// known of them; other topics stay. `true` if there was news in it.
    pub(crate) fn merge(
        &mut self,
        response: MetadataResponse,
        is_wanted: impl Fn(&str) -> bool,
    ) -> bool {
        self.generation += 1;
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
        let brokers = brokers.collect();
        let mut news = response.controller_id != self.controller;
        self.controller = response.controller_id;
        if brokers != self.brokers {
            news = true;
            (self.brokers, self.brokers_changed) = (brokers, self.generation);
        }
        for answered in response.topics {
            let Some(name) = answered.name.as_deref().filter(|name| is_wanted(name)) else {
                continue;
            };
            let known = self.topics.get(name);
            let name = known.map_or_else(|| Arc::from(name), |topic| topic.name.clone());
            let mut merged = merge_topic(name.clone(), known.map(|known| &**known), &answered);
            if known.is_none_or(|known| **known != merged) {
                news = true;
                merged.changed = self.generation;
                if merged.partitions.is_empty() {
                    self.topics_lost = self.generation;
                }
                self.topics.insert(name, Arc::new(merged));
            }
        }
        news
    }

    /// The cluster does not have a topic any more: nothing is kept for one that is made anew.
    pub(crate) fn empty(&mut self, name: &str) {
        if let Some(topic) = self.topics.get_mut(name)
            && !topic.partitions.is_empty()
        {
            let topic = Arc::make_mut(topic);
            topic.partitions.clear();
            topic.replicas.clear();
            self.lose();
        }
    }

    /// The brokers that are known are of no use any more.
    pub(crate) fn forget_brokers(&mut self) {
        self.generation += 1;
        self.controller = -1;
        self.brokers.clear();
        self.brokers_changed = self.generation;
    }

    /// Nobody wants to know of a topic any more.
    pub(crate) fn forget(&mut self, name: &str) {
        if self.topics.remove(name).is_some() {
            self.lose();
        }
    }

    fn lose(&mut self) {
        self.generation += 1;
        self.topics_lost = self.generation;
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
        if let Some((node, broker)) = address
            && next.brokers.insert(node, broker.clone()).as_ref() != Some(&broker)
        {
            next.brokers_changed = next.generation;
        }
        let topic = Arc::make_mut(next.topics.get_mut(topic)?);
        topic.changed = next.generation;
        *topic.partitions.get_mut(usize::try_from(partition).ok()?)? = leader;
        Some(next)
    }
}

/// Whether asking for the topic again will not help, such as where a right lacks.
pub(super) fn is_final(code: ErrorCode) -> bool {
    code.is_error() && !code.is_retriable() && code != ErrorCode::UNKNOWN_SERVER_ERROR
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
        let kept = known.filter(|_| !is_final(error));
        return TopicMetadata {
            name,
            id: known.map_or(answered.topic_id, |known| known.id),
            error,
            partitions: kept.map_or_else(Vec::new, |kept| kept.partitions.clone()),
            replicas: kept.map_or_else(Vec::new, |kept| kept.replicas.clone()),
            rewinds: known.map_or(0, |known| known.rewinds),
            changed: known.map_or(0, |known| known.changed),
        };
    }
    // A broker that lags behind still names the old leader: its lower epoch gives it away. But where
    // topics have no ids, the epochs of one that was made anew start over, too.
    let goes_back = answered.partitions.iter().any(|partition| {
        let index = usize::try_from(partition.partition_index).ok();
        let slot = index.and_then(|index| before.get(index));
        slot.is_some_and(|slot| slot.is_ahead_of(partition.leader_epoch))
    });
    let rewinds = match (goes_back, known) {
        (true, Some(known)) => known.rewinds.saturating_add(1),
        _ => 0,
    };
    let changed = known.map_or(0, |known| known.changed);
    let (known, before, rewinds) = match rewinds >= REWINDS_MAX && answered.topic_id.is_zero() {
        true => (None, &[][..], 0),
        false => (known, before, rewinds),
    };
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
    let mut replicas = known.map_or_else(Vec::new, |known| known.replicas.clone());
    replicas.resize(count, Arc::default());
    for partition in &answered.partitions {
        let Ok(index) = usize::try_from(partition.partition_index) else {
            continue;
        };
        let Some(slot) = partitions.get_mut(index) else {
            continue;
        };
        if slot.is_ahead_of(partition.leader_epoch) {
            continue;
        }
        *slot = PartitionMetadata {
            leader: partition.leader_id,
            leader_epoch: partition.leader_epoch,
        };
        if *replicas[index] != *partition.replica_nodes {
            replicas[index] = partition.replica_nodes.as_slice().into();
        }
    }
    TopicMetadata {
        name,
        id: answered.topic_id,
        error,
        partitions,
        replicas,
        rewinds,
        changed,
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

    /// What is known after these answers.
    fn after(answers: impl IntoIterator<Item = MetadataResponse>) -> Metadata {
        let mut metadata = Metadata::default();
        for answer in answers {
            metadata.merge(answer, |_| true);
        }
        metadata
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
        let first = answer(ID, 0, &[(1, 5), (1, 5)]);
        let stale = || answer(ID, 0, &[(2, 4), (2, 6)]);
        let metadata = after([first].into_iter().chain((0..20).map(|_| stale())));
        assert_eq!(leaders(&metadata), [(1, 5), (2, 6)]);
    }

    #[test]
    fn without_topic_ids_an_epoch_that_stays_back_is_believed_in_the_end() {
        let rewound = || answer(Uuid::ZERO, 0, &[(2, 0)]);
        let mut metadata = after([answer(Uuid::ZERO, 0, &[(1, 5), (1, 7)])]);
        for _ in 0..4 {
            metadata.merge(rewound(), |_| true);
            assert_eq!(leaders(&metadata), [(1, 5), (1, 7)]);
        }
        metadata.merge(rewound(), |_| true);
        assert_eq!(leaders(&metadata), [(2, 0)], "it was made anew");
        // One that lags for a while, between others that do not, is not believed.
        for _ in 0..4 {
            metadata.merge(answer(Uuid::ZERO, 0, &[(1, 3)]), |_| true);
            for _ in 0..4 {
                metadata.merge(rewound(), |_| true);
            }
            assert_eq!(leaders(&metadata), [(1, 3)]);
        }
    }

    #[test]
    fn a_leader_without_an_epoch_is_taken_as_it_comes() {
        let unknown = |leader| answer(Uuid::ZERO, 0, &[(leader, -1)]);
        assert_eq!(leaders(&after([unknown(1), unknown(2)])), [(2, -1)]);
        let known = answer(Uuid::ZERO, 0, &[(1, 5)]);
        assert_eq!(leaders(&after([known, unknown(2)])), [(2, -1)]);
    }

    #[test]
    fn a_topic_created_anew_starts_from_nothing() {
        let former = || answer(ID, 0, &[(1, 5), (1, 5)]);
        let anew = || answer(Uuid([2; 16]), 0, &[(2, 0)]);
        assert_eq!(leaders(&after([former(), anew()])), [(2, 0)]);
        let absent = answer(Uuid::ZERO, 3, &[]);
        assert_eq!(leaders(&after([former(), absent, anew()])), [(2, 0)]);
        let mut metadata = after([former()]);
        metadata.empty("orders");
        assert_eq!(leaders(&metadata), []);
    }

    #[test]
    fn a_partition_that_a_lagging_broker_omits_is_kept() {
        let first = || answer(ID, 0, &[(1, 5), (1, 5)]);
        let second = after([first(), answer(ID, 0, &[(1, 6)])]);
        assert_eq!(leaders(&second), [(1, 6), (1, 5)]);
        let unknown = after([first(), answer(Uuid::ZERO, 3, &[])]);
        assert_eq!(leaders(&unknown), [(1, 5), (1, 5)]);
        assert_eq!(
            unknown.topic("orders").unwrap().error,
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        );
    }

    #[test]
    fn only_what_is_new_is_news() {
        let mut metadata = Metadata::default();
        assert!(metadata.merge(answer(ID, 0, &[(1, 5)]), |_| true));
        assert!(!metadata.merge(answer(ID, 0, &[(1, 5)]), |_| true));
        assert!(metadata.merge(answer(ID, 0, &[(1, 6)]), |_| true));
        let mut moved = answer(ID, 0, &[(1, 6)]);
        moved.brokers[0].port = 9093;
        assert!(metadata.merge(moved.clone(), |_| true));
        moved.topics[0].name = Some("others".into());
        assert!(!metadata.merge(moved, |name| name == "orders"));
        assert!(metadata.topic("others").is_none(), "nobody wants it");
    }

    #[test]
    fn who_follows_is_told_what_changed_and_what_was_lost() {
        let since = |metadata: &Metadata, generation| {
            let changed = metadata.changed_since(generation).count();
            (changed, metadata.has_lost_topics_since(generation))
        };
        let mut metadata = after([answer(ID, 0, &[(1, 5)])]);
        assert_eq!(since(&metadata, 0), (1, false));
        let first = metadata.generation;
        metadata.merge(answer(ID, 0, &[(1, 5)]), |_| true);
        assert_eq!(since(&metadata, first), (0, false), "nothing is new");
        metadata.merge(answer(ID, 0, &[(2, 6)]), |_| true);
        assert_eq!(since(&metadata, first), (1, false));
        let second = metadata.generation;
        let mut moved = answer(ID, 0, &[(2, 6)]);
        moved.brokers[0].port = 9093;
        metadata.merge(moved, |_| true);
        assert_eq!(since(&metadata, second), (1, false), "as its brokers are");
        let third = metadata.generation;
        metadata.empty("orders");
        assert_eq!(since(&metadata, third), (0, true));
        let fourth = metadata.generation;
        metadata.forget("orders");
        assert_eq!(since(&metadata, fourth), (0, true));
        let last = metadata.generation;
        assert_eq!(since(&metadata, last), (0, false));
    }

    #[test]
    fn replicas_are_those_of_the_last_answer_that_is_not_stale() {
        let on = |epoch, replica_nodes: &[i32]| {
            let mut answer = answer(ID, 0, &[(1, epoch), (1, 5)]);
            answer.topics[0].partitions[0].replica_nodes = replica_nodes.to_vec();
            answer
        };
        let replicas = |metadata: &Metadata| metadata.topic("orders").unwrap().replicas.clone();
        let mut metadata = after([on(5, &[1, 2])]);
        assert_eq!(replicas(&metadata), [Arc::from([1, 2]), Arc::from([])]);
        assert!(metadata.merge(on(5, &[1, 3]), |_| true), "a move is news");
        metadata.merge(on(4, &[7]), |_| true);
        assert_eq!(*replicas(&metadata)[0], [1, 3]);
        metadata.merge(answer(Uuid::ZERO, 3, &[]), |_| true);
        assert_eq!(*replicas(&metadata)[0], [1, 3], "kept with the partitions");
        metadata.empty("orders");
        assert!(replicas(&metadata).is_empty());
    }

    #[test]
    fn partition_numbers_out_of_range_take_no_memory() {
        let mut hostile = answer(ID, 0, &[(1, 0)]);
        hostile.topics[0].partitions[0].partition_index = i32::MAX;
        assert_eq!(leaders(&after([hostile])), []);
    }

    #[test]
    fn a_leader_hint_is_taken_if_its_epoch_is_newer_and_its_address_known() {
        let first = after([answer(ID, 0, &[(1, 5)])]);
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
