//! A group as its leader sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::consumer::TopicPartition;

/// A member of a group, as its leader knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupMember {
    /// Given by the coordinator, unique in the group.
    pub id: String,
    /// Of a static member (`group.instance.id`, KIP-345). It outlives a restart, the id does not.
    pub instance_id: Option<String>,
    /// Where it runs (`client.rack`, KIP-881). Members below Kafka 3.5 do not say.
    pub rack: Option<String>,
    /// What it subscribes to.
    pub topics: Vec<Arc<str>>,
    /// What it says it owns: nothing if it gave up all before the rebalance.
    pub owned: Vec<TopicPartition>,
    /// The generation in which it came to own that, from 0 on. `None` if it is new, or below Kafka 3.4.
    pub generation: Option<i32>,
    /// What its assignor of this name had to say.
    pub user_data: Option<Bytes>,
}

impl GroupMember {
    /// A member that subscribes to topics, and has said nothing else: for tests of assignors.
    pub fn new<S: AsRef<str>>(id: impl Into<String>, topics: impl IntoIterator<Item = S>) -> Self {
        let topics = topics.into_iter().map(|topic| Arc::from(topic.as_ref()));
        Self {
            id: id.into(),
            instance_id: None,
            rack: None,
            topics: topics.collect(),
            owned: Vec::new(),
            generation: None,
            user_data: None,
        }
    }
}

/// The topics that members of a group subscribe to, as far as they exist: their partitions, and the racks
/// that have replicas of these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupTopics(BTreeMap<Arc<str>, Vec<Racks>>);

/// Racks that have a replica, in order, each once.
pub(crate) type Racks = Vec<Arc<str>>;

impl GroupTopics {
    /// No topics: for tests of assignors.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a topic, or puts it in place of what was known of it, with the racks of each of its
    /// partitions, from number 0 on.
    pub fn insert<P, R>(&mut self, topic: impl Into<Arc<str>>, partitions: P)
    where
        P: IntoIterator<Item = R>,
        R: IntoIterator<Item = Arc<str>>,
    {
        let in_order = |racks: R| {
            let mut racks: Vec<Arc<str>> = racks.into_iter().collect();
            racks.sort();
            racks.dedup();
            racks
        };
        let partitions = partitions.into_iter().map(in_order).collect();
        self.0.insert(topic.into(), partitions);
    }

    /// The names of the topics, in order.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }

    /// How many partitions a topic has: 0 if it does not exist.
    #[must_use]
    pub fn count(&self, topic: &str) -> i32 {
        self.of(topic)
            .map_or(0, |partitions| partitions.len() as i32)
    }

    /// The partitions of a topic, in order: none if it does not exist.
    pub fn partitions(&self, topic: &str) -> impl Iterator<Item = TopicPartition> + use<> {
        let name = self.0.get_key_value(topic).map(|(name, _)| name.clone());
        let count = self.count(topic);
        let of = move |name: Arc<str>| {
            (0..count).map(move |partition| TopicPartition::new(name.clone(), partition))
        };
        name.into_iter().flat_map(of)
    }

    /// The racks that have a replica of a partition, whether it is in sync or not: in order, each once.
    /// None if the brokers have no racks (`broker.rack`).
    #[must_use]
    pub fn racks(&self, topic: &str, partition: i32) -> &[Arc<str>] {
        let index = usize::try_from(partition).ok();
        let racks = index.and_then(|index| self.of(topic)?.get(index));
        racks.map_or(&[], Vec::as_slice)
    }

    pub(super) fn of(&self, topic: &str) -> Option<&[Racks]> {
        self.0.get(topic).map(Vec::as_slice)
    }
}
