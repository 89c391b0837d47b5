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

mod blob;
mod cooperative_sticky;
mod custom;
mod group;
mod java;
mod racks;
mod range;
mod roster;
mod round_robin;
mod sticky;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;

pub(crate) use blob::{decode_assignment, decode_member, encode_assignment, encode_member};
pub(crate) use custom::Misconduct;
pub use custom::{AssignPartitions, RebalanceProtocol};
use group::Racks;
pub use group::{GroupMember, GroupTopics};

use crate::consumer::TopicPartition;
use roster::Roster;
use sticky::Claims;

/// How the partitions of a group's topics are divided among its members
/// (`partition.assignment.strategy`).
///
/// A group runs one assignor that all of its members have, and its leader decides for all. Those here
/// divide as Java's of the same names do, whichever client leads. Two are equal if their names are.
///
/// Members with a rack ([`ConsumerBuilder::rack`](crate::consumer::ConsumerBuilder::rack)) get partitions
/// that have a replica there, as far as that makes nobody's part larger or smaller (KIP-881): with all
/// of them but `RoundRobin`, and if not all partitions are on the same racks.
#[derive(Clone)]
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
    /// As many partitions for each member as its subscription allows, and each gets again what it had
    /// as far as that goes (KIP-54).
    ///
    /// The whole group stops during a rebalance: for groups with members that have no
    /// [`CooperativeSticky`](Self::CooperativeSticky).
    Sticky,
    /// As [`Sticky`](Self::Sticky), but members keep working during a rebalance; a partition that moves
    /// is first given up by its owner, and assigned in a second rebalance that follows at once
    /// (KIP-429).
    CooperativeSticky,
    /// The user's own.
    Custom(Arc<dyn AssignPartitions>),
}

impl Assignor {
    /// The name by which members agree on it: `range`, `roundrobin`, `sticky`, `cooperative-sticky`, or
    /// that of the user's own.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
            Self::Sticky => "sticky",
            Self::CooperativeSticky => "cooperative-sticky",
            Self::Custom(custom) => custom.name(),
        }
    }

    /// The assignor that Kafka has under a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [
            Self::Range,
            Self::RoundRobin,
            Self::Sticky,
            Self::CooperativeSticky,
        ];
        all.into_iter().find(|assignor| assignor.name() == name)
    }

    /// The same, but one of the user's is asked for its name and protocol now and never again.
    pub(crate) fn fixed(self) -> Self {
        match self {
            Self::Custom(custom) => Self::Custom(custom::fixed(custom)),
            own => own,
        }
    }

    /// Whether members may keep what they own while the group rebalances.
    pub(crate) fn is_cooperative(&self) -> bool {
        match self {
            Self::Range | Self::RoundRobin | Self::Sticky => false,
            Self::CooperativeSticky => true,
            Self::Custom(custom) => custom.protocol() == RebalanceProtocol::Cooperative,
        }
    }

    /// What a member has the leader know, beside its subscription. `last` is what it got when this
    /// assignor was last used.
    ///
    /// # Errors
    /// When the user's assignor panics.
    pub(crate) fn user_data(&self, last: Option<&Former>) -> Result<Option<Bytes>, Misconduct> {
        let generation = last.map_or(NO_GENERATION, |last| last.generation);
        match self {
            Self::Range | Self::RoundRobin => Ok(None),
            Self::Sticky => Ok(last.map(blob::encode_former)),
            Self::CooperativeSticky => Ok(Some(blob::encode_generation(generation))),
            Self::Custom(custom) => {
                let owned = last.map_or(&[][..], |last| &last.owned);
                custom::user_data(&**custom, owned, generation)
            }
        }
    }

    /// Divides the partitions. Every member is in the result, with its partitions in order.
    ///
    /// Nothing in the members' claims is taken on trust: partitions that do not exist and topics
    /// that are not subscribed to are passed over, entries with the same id are one member.
    ///
    /// # Errors
    /// When the user's assignor panics, or does what it must not.
    pub(crate) fn assign(
        &self,
        members: &[GroupMember],
        topics: &GroupTopics,
    ) -> Result<Assignments, Misconduct> {
        let roster = Roster::new(members, topics);
        let assigned = match self {
            Self::Range => range::assign(&roster),
            Self::RoundRobin => round_robin::assign(&roster),
            Self::Sticky => {
                let claims = Claims::new(&roster, members, blob::decode_former);
                sticky::assign(&roster, &claims)
            }
            Self::CooperativeSticky => cooperative_sticky::assign(&roster, members),
            Self::Custom(custom) => return custom::assign(&**custom, members, topics),
        };
        Ok(roster.assignments(assigned))
    }
}

impl PartialEq for Assignor {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Assignor {}

impl Hash for Assignor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Assignor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Assignor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What each member gets, by member id.
pub(crate) type Assignments = BTreeMap<String, Vec<TopicPartition>>;

/// The generation of a member that has never been in one.
pub(crate) const NO_GENERATION: i32 = -1;

/// What a member had before a rebalance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Former {
    pub(crate) owned: Vec<TopicPartition>,
    /// The generation in which it came to own that, -1 if unknown.
    pub(crate) generation: i32,
}

#[cfg(test)]
mod tests;
