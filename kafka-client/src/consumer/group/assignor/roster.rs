//! Members and topics by index, as the assignors work with them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Assignments, GroupMember, GroupTopics, Racks, java};
use crate::consumer::TopicPartition;

/// The members of a group and the topics they subscribe to.
pub(super) struct Roster<'a> {
    /// Ids of the members, in order: the order of the indices.
    ids: Vec<&'a str>,
    /// The members as the coordinator has them.
    arrivals: Vec<usize>,
    /// The members as they are served where that is by name: static ones by their instance id, which
    /// outlives a restart, then the others.
    pub(super) seats: Vec<usize>,
    /// The rack of each member.
    pub(super) racks: Vec<Option<&'a str>>,
    /// Whether all members subscribe to the same topics, those that do not exist included.
    pub(super) is_uniform: bool,
    /// By name. Only those that have partitions and subscribers.
    pub(super) topics: Vec<Topic<'a>>,
}

pub(super) struct Topic<'a> {
    pub(super) name: &'a Arc<str>,
    /// How many partitions it has, at least one.
    pub(super) partitions: i32,
    /// The racks of each.
    pub(super) racks: &'a [Racks],
    /// Indices of the members that subscribe to it, at least one, in order.
    pub(super) subscribers: Vec<usize>,
}

impl Topic<'_> {
    pub(super) fn is_subscribed_by(&self, member: usize) -> bool {
        self.subscribers.binary_search(&member).is_ok()
    }

    /// Its partitions, in order, if it is at this index.
    pub(super) fn pieces(&self, topic: usize) -> impl Iterator<Item = Piece> + use<> {
        (0..self.partitions).map(move |partition| Piece { topic, partition })
    }
}

/// A partition, by the index of its topic: one of the pieces that are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Piece {
    pub(super) topic: usize,
    pub(super) partition: i32,
}

/// Something for each partition.
#[derive(Debug, Clone)]
pub(super) struct ByPiece<T>(Vec<Vec<T>>);

impl<T: Clone> ByPiece<T> {
    pub(super) fn new(roster: &Roster<'_>, value: T) -> Self {
        let of_topic = |topic: &Topic<'_>| vec![value.clone(); topic.partitions as usize];
        Self(roster.topics.iter().map(of_topic).collect())
    }
}

impl<T> std::ops::Index<Piece> for ByPiece<T> {
    type Output = T;

    fn index(&self, piece: Piece) -> &T {
        &self.0[piece.topic][piece.partition as usize]
    }
}

impl<T> std::ops::IndexMut<Piece> for ByPiece<T> {
    fn index_mut(&mut self, piece: Piece) -> &mut T {
        &mut self.0[piece.topic][piece.partition as usize]
    }
}

impl<'a> Roster<'a> {
    pub(super) fn new(members: &'a [GroupMember], topics: &'a GroupTopics) -> Self {
        let mut by_id: BTreeMap<&str, (&GroupMember, BTreeSet<&Arc<str>>)> = BTreeMap::new();
        for member in members {
            let (_, subscribed) = by_id
                .entry(&member.id)
                .or_insert_with(|| (member, BTreeSet::new()));
            subscribed.extend(&member.topics);
        }
        let mut subscribers: BTreeMap<&Arc<str>, Vec<usize>> = BTreeMap::new();
        for (index, (_, subscribed)) in by_id.values().enumerate() {
            for topic in subscribed {
                subscribers.entry(topic).or_default().push(index);
            }
        }
        let existing = subscribers.into_iter().filter_map(|(name, subscribers)| {
            let racks = topics.of(name).filter(|racks| !racks.is_empty())?;
            Some(Topic {
                name,
                partitions: i32::try_from(racks.len()).ok()?,
                racks,
                subscribers,
            })
        });
        let mut seated: Vec<(usize, &GroupMember)> = by_id
            .values()
            .map(|(member, _)| *member)
            .enumerate()
            .collect();
        seated.sort_by_key(|(index, member)| {
            (member.instance_id.is_none(), &member.instance_id, *index)
        });
        let rack = |member: &'a GroupMember| member.rack.as_deref().filter(|rack| !rack.is_empty());
        let mut subscriptions = by_id.values().map(|(_, subscribed)| subscribed);
        let first = subscriptions.next();
        let mut roster = Self {
            arrivals: Vec::new(),
            is_uniform: subscriptions.all(|subscribed| Some(subscribed) == first),
            topics: existing.collect(),
            seats: seated.into_iter().map(|(index, _)| index).collect(),
            racks: by_id.values().map(|(member, _)| rack(member)).collect(),
            ids: by_id.into_keys().collect(),
        };
        let mut arrivals: Vec<usize> = members.iter().map(|member| roster.index(member)).collect();
        let mut seen = vec![false; roster.len()];
        arrivals.retain(|index| !std::mem::replace(&mut seen[*index], true));
        roster.arrivals = arrivals;
        roster
    }

    /// How many members there are.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The index of a member of this roster.
    pub(super) fn index(&self, member: &GroupMember) -> usize {
        let found = self.ids.binary_search(&member.id.as_str());
        found.unwrap_or_else(|_| unreachable!("the roster is of other members"))
    }

    /// The members in the order in which Java's leader has them: in a map, by their ids.
    pub(super) fn as_keys(&self) -> Vec<usize> {
        let mut order = self.arrivals.clone();
        java::sort_as_keys(&mut order, |index| java::hash(self.ids[*index]));
        order
    }

    /// Where a partition is, if it exists and somebody subscribes to its topic.
    pub(super) fn piece(&self, partition: &TopicPartition) -> Option<Piece> {
        let topic = self
            .topics
            .binary_search_by(|topic| topic.name.cmp(&partition.topic))
            .ok()?;
        (0..self.topics[topic].partitions)
            .contains(&partition.partition)
            .then_some(Piece {
                topic,
                partition: partition.partition,
            })
    }

    /// All partitions, in order.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece> {
        let topics = self.topics.iter().enumerate();
        topics.flat_map(|(topic, details)| details.pieces(topic))
    }

    /// Gives names to what each member, by index, was assigned.
    pub(super) fn assignments(&self, assigned: Vec<Vec<Piece>>) -> Assignments {
        let named = |mut pieces: Vec<Piece>| {
            pieces.sort_unstable();
            let name = |piece: Piece| TopicPartition {
                topic: self.topics[piece.topic].name.clone(),
                partition: piece.partition,
            };
            pieces.into_iter().map(name).collect()
        };
        self.ids
            .iter()
            .zip(assigned)
            .map(|(id, pieces)| ((*id).to_owned(), named(pieces)))
            .collect()
    }
}
