//! Members and topics by index, as the assignors work with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Assignments, Member, Partitions};
use crate::consumer::TopicPartition;

/// The members of a group and the topics they subscribe to.
pub(super) struct Roster<'a> {
    /// Ids of the members in order: static ones by their instance id, which outlives a restart,
    /// then the others by member id.
    ids: Vec<&'a str>,
    indices: BTreeMap<&'a str, usize>,
    /// By name. Only those that have partitions and subscribers.
    pub(super) topics: Vec<Topic<'a>>,
}

pub(super) struct Topic<'a> {
    pub(super) name: &'a Arc<str>,
    /// How many partitions it has, at least one.
    pub(super) partitions: i32,
    /// Indices of the members that subscribe to it, at least one, in order.
    pub(super) subscribers: Vec<usize>,
}

/// A partition by the index of its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    pub(super) topic: usize,
    pub(super) partition: i32,
}

impl<'a> Roster<'a> {
    pub(super) fn new(members: &'a [Member], partitions: &'a Partitions) -> Self {
        let mut sorted: Vec<&Member> = members.iter().collect();
        sorted.sort_by_key(|member| {
            (
                member.instance_id.is_none(),
                &member.instance_id,
                &member.id,
            )
        });
        let mut ids = Vec::with_capacity(sorted.len());
        let mut indices = BTreeMap::new();
        let mut topics: BTreeMap<&Arc<str>, Vec<usize>> = BTreeMap::new();
        for member in sorted {
            let index = *indices.entry(member.id.as_str()).or_insert_with(|| {
                ids.push(member.id.as_str());
                ids.len() - 1
            });
            for topic in &member.topics {
                topics.entry(topic).or_default().push(index);
            }
        }
        let topics = topics
            .into_iter()
            .filter_map(|(name, mut subscribers)| {
                let partitions = *partitions.get(name).filter(|count| **count > 0)?;
                subscribers.sort_unstable();
                subscribers.dedup();
                Some(Topic {
                    name,
                    partitions,
                    subscribers,
                })
            })
            .collect();
        Self {
            ids,
            indices,
            topics,
        }
    }

    /// How many members there are.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The index of a member of this roster.
    pub(super) fn index(&self, member: &Member) -> usize {
        self.indices[member.id.as_str()]
    }

    /// Where a partition is, if it exists and somebody subscribes to its topic.
    pub(super) fn slot(&self, partition: &TopicPartition) -> Option<Slot> {
        let topic = self
            .topics
            .binary_search_by(|topic| topic.name.cmp(&partition.topic))
            .ok()?;
        (0..self.topics[topic].partitions)
            .contains(&partition.partition)
            .then_some(Slot {
                topic,
                partition: partition.partition,
            })
    }

    /// Gives names to what each member, by index, was assigned.
    pub(super) fn assignments(&self, assigned: Vec<Vec<Slot>>) -> Assignments {
        let named = |mut slots: Vec<Slot>| {
            slots.sort_unstable();
            let name = |slot: Slot| TopicPartition {
                topic: self.topics[slot.topic].name.clone(),
                partition: slot.partition,
            };
            slots.into_iter().map(name).collect()
        };
        self.ids
            .iter()
            .zip(assigned)
            .map(|(id, slots)| ((*id).to_owned(), named(slots)))
            .collect()
    }
}
