//! Who gets which partition: the assignors of the classic group protocol. Pure.
//!
//! ```text
//! every member:  topics, owned -> subscription -> JoinGroup
//! the leader:    JoinGroup -> decode_member -> assign -> encode_assignment -> SyncGroup
//! every member:  SyncGroup -> decode_assignment
//! ```
//!
//! Members written in other languages take part: the bytes are those of Java's consumer. What an
//! assignor decides is up to the leader alone; its result depends on nothing but its input.

mod balance;
mod blob;
mod cooperative_sticky;
mod range;
mod roster;
mod round_robin;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub(crate) use blob::{decode_assignment, decode_member, encode_assignment};

use crate::consumer::TopicPartition;
use roster::Roster;

/// How the partitions of a group's topics are divided among its members
/// (`partition.assignment.strategy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Assignor {
    /// Each topic by itself: its partitions in order, in one piece per member. Partitions of the
    /// same number of different topics go to the same member if the members subscribe to the same
    /// topics and the topics have as many partitions: what joins topics by key needs this.
    ///
    /// The whole group stops during a rebalance.
    Range,
    /// The partitions of all topics in turn, one for each member that subscribes to the topic. What
    /// librdkafka's members have beside [`Range`](Self::Range).
    ///
    /// The whole group stops during a rebalance.
    RoundRobin,
    /// As many partitions for each member as its subscription allows, and each keeps what it has
    /// as far as that goes (KIP-429).
    ///
    /// Members keep working during a rebalance; a partition that moves is first given up by its
    /// owner, and assigned in a second rebalance that follows at once.
    CooperativeSticky,
}

impl Assignor {
    /// Kafka's name for it: `range`, `roundrobin` or `cooperative-sticky`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
            Self::CooperativeSticky => "cooperative-sticky",
        }
    }

    /// The assignor that Kafka has under a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Range, Self::RoundRobin, Self::CooperativeSticky]
            .into_iter()
            .find(|assignor| assignor.name() == name)
    }

    /// Whether members may keep what they own while the group rebalances.
    pub(crate) fn is_cooperative(self) -> bool {
        match self {
            Self::Range | Self::RoundRobin => false,
            Self::CooperativeSticky => true,
        }
    }

    /// Divides the partitions. Every member is in the result, with its partitions in order.
    ///
    /// Nothing in the members' claims is taken on trust: partitions that do not exist and topics
    /// that are not subscribed to are passed over, entries with the same id are one member.
    pub(crate) fn assign(self, members: &[Member], partitions: &Partitions) -> Assignments {
        let roster = Roster::new(members, partitions);
        let assigned = match self {
            Self::Range => range::assign(&roster),
            Self::RoundRobin => round_robin::assign(&roster),
            Self::CooperativeSticky => cooperative_sticky::assign(&roster, members),
        };
        roster.assignments(assigned)
    }
}

impl fmt::Display for Assignor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A member as the leader knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: String,
    /// Of a static member (`group.instance.id`, KIP-345).
    pub(crate) instance_id: Option<String>,
    pub(crate) topics: Vec<Arc<str>>,
    /// What it says it owns.
    pub(crate) owned: Vec<TopicPartition>,
    /// The generation in which it came to own them, -1 if none.
    pub(crate) generation: i32,
}

/// What each member gets, by member id.
pub(crate) type Assignments = BTreeMap<String, Vec<TopicPartition>>;

/// Which partitions exist: how many each topic has.
pub(crate) type Partitions = BTreeMap<Arc<str>, i32>;

#[cfg(test)]
mod tests;
