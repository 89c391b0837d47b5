//! Assignors of the user's, and what they are held to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::{Assignments, GroupMember, GroupTopics};
use crate::caught;
use crate::consumer::TopicPartition;

/// An assignor of the user's: [`Assignor::Custom`](super::Assignor::Custom).
///
/// All members of a group need it: whoever leads the group assigns for all.
///
/// ```
/// use std::collections::BTreeMap;
/// use kafka_client::consumer::{AssignPartitions, GroupMember, GroupTopics, TopicPartition};
///
/// /// One member reads, the others wait for it to go.
/// struct ActiveStandby;
///
/// impl AssignPartitions for ActiveStandby {
///     fn name(&self) -> &str {
///         "active-standby"
///     }
///
///     fn assign(
///         &self,
///         members: &[GroupMember],
///         topics: &GroupTopics,
///     ) -> BTreeMap<String, Vec<TopicPartition>> {
///         let Some(active) = members.iter().min_by_key(|member| &member.id) else {
///             return BTreeMap::new();
///         };
///         let partitions = active.topics.iter().flat_map(|topic| topics.partitions(topic));
///         BTreeMap::from([(active.id.clone(), partitions.collect())])
///     }
/// }
/// ```
pub trait AssignPartitions: Send + Sync {
    /// The name by which members agree on it: not empty, and no other assignor's of the same consumer.
    /// Asked for once for each consumer, when it is built.
    fn name(&self) -> &str;

    /// What members do with their partitions during a rebalance. Asked for once, as the name. Defaults
    /// to [`RebalanceProtocol::Eager`].
    fn protocol(&self) -> RebalanceProtocol {
        RebalanceProtocol::Eager
    }

    /// Bytes that the leader finds in this member's [`GroupMember::user_data`]. `last` is what the
    /// member got when this assignor was last used, and `generation` when that was: nothing and -1
    /// before. A panic ends the consumer with its words. Defaults to none.
    fn user_data(&self, last: &[TopicPartition], generation: i32) -> Option<Bytes> {
        let _ = (last, generation);
        None
    }

    /// Who gets what, by member id: called on the leader only, on the task that keeps it in its group,
    /// so it should take less than `session.timeout.ms`, and not block.
    ///
    /// Who is left out gets nothing, and what is left out is not read. The consumer ends with an error
    /// that names the assignor, and nobody gets anything, when this panics, or gives
    /// - something to who is no member,
    /// - a partition that does not exist, or of a topic that the member does not subscribe to,
    /// - a partition twice,
    /// - with [`RebalanceProtocol::Cooperative`] a partition that only others say they own: first it is
    ///   left out, then its owner gives it up, and it can be given away in the rebalance after. What only
    ///   members of an older [`generation`](GroupMember::generation) than others say they own ends nobody:
    ///   this client leaves it out itself.
    fn assign(
        &self,
        members: &[GroupMember],
        topics: &GroupTopics,
    ) -> BTreeMap<String, Vec<TopicPartition>>;
}

/// What members do with their partitions during a rebalance. A consumer does what all of its assignors
/// can: one that is eager makes it eager (KIP-429).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RebalanceProtocol {
    /// They give up all before they join.
    Eager,
    /// They go on with what they have, and give up what is assigned to others after. One that can do
    /// this can do the other as well: then nobody owns anything when it is asked.
    Cooperative,
}

/// Why nothing comes of what an assignor of the user's did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misconduct {
    Panicked(String),
    NoMember(String),
    NotSubscribed {
        member: String,
        partition: TopicPartition,
    },
    NoPartition {
        member: String,
        partition: TopicPartition,
    },
    Twice {
        partition: TopicPartition,
        first: String,
        second: String,
    },
    StillOwned {
        partition: TopicPartition,
        member: String,
        owner: String,
    },
}

impl fmt::Display for Misconduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(words) => write!(f, "panicked: {words}"),
            Self::NoMember(member) => write!(f, "gave partitions to {member:?}, who is no member"),
            Self::NotSubscribed { member, partition } => write!(
                f,
                "gave {partition} to {member:?}, who does not subscribe to the topic"
            ),
            Self::NoPartition { member, partition } => write!(
                f,
                "gave {partition} to {member:?}, which the topic does not have"
            ),
            Self::Twice {
                partition,
                first,
                second,
            } => write!(f, "gave {partition} twice, to {first:?} and to {second:?}"),
            Self::StillOwned {
                partition,
                member,
                owner,
            } => write!(
                f,
                "gave {partition} to {member:?} while {owner:?} works on it: with the cooperative protocol its \
         owner gives it up first"
            ),
        }
    }
}

impl std::error::Error for Misconduct {}

/// An assignor of the user's with what it said of itself: the group's task asks again and again.
struct Fixed {
    name: String,
    protocol: RebalanceProtocol,
    assignor: Arc<dyn AssignPartitions>,
}

/// Asks an assignor for its name and protocol, and has it keep to that.
pub(super) fn fixed(assignor: Arc<dyn AssignPartitions>) -> Arc<dyn AssignPartitions> {
    Arc::new(Fixed {
        name: assignor.name().to_owned(),
        protocol: assignor.protocol(),
        assignor,
    })
}

impl AssignPartitions for Fixed {
    fn name(&self) -> &str {
        &self.name
    }

    fn protocol(&self) -> RebalanceProtocol {
        self.protocol
    }

    fn user_data(&self, last: &[TopicPartition], generation: i32) -> Option<Bytes> {
        self.assignor.user_data(last, generation)
    }

    fn assign(&self, members: &[GroupMember], topics: &GroupTopics) -> Assignments {
        self.assignor.assign(members, topics)
    }
}

/// The user data of a member.
pub(super) fn user_data(
    custom: &dyn AssignPartitions,
    last: &[TopicPartition],
    generation: i32,
) -> Result<Option<Bytes>, Misconduct> {
    caught::call(|| custom.user_data(last, generation)).map_err(Misconduct::Panicked)
}

/// What the assignor makes of a group, checked. Every member is in the result.
pub(super) fn assign(
    custom: &dyn AssignPartitions,
    members: &[GroupMember],
    topics: &GroupTopics,
) -> Result<Assignments, Misconduct> {
    let mut given =
        caught::call(|| custom.assign(members, topics)).map_err(Misconduct::Panicked)?;
    let held_back = check(members, topics, &given, custom.protocol())?;
    for partitions in given.values_mut() {
        partitions.retain(|partition| !held_back.contains(partition));
    }
    let nothing = members.iter().map(|member| (member.id.clone(), Vec::new()));
    let mut assignments: Assignments = nothing.collect();
    assignments.extend(given);
    Ok(assignments)
}

/// Holds the assignor to what it must do. Returned is what a member may still work on that has missed a
/// generation: for its word alone nobody is ended (Java's client does), and it gives that up first.
fn check(
    members: &[GroupMember],
    topics: &GroupTopics,
    given: &Assignments,
    protocol: RebalanceProtocol,
) -> Result<BTreeSet<TopicPartition>, Misconduct> {
    let by_id: BTreeMap<&str, &GroupMember> = members
        .iter()
        .map(|member| (member.id.as_str(), member))
        .collect();
    let mut owners: BTreeMap<&TopicPartition, Vec<&GroupMember>> = BTreeMap::new();
    if protocol == RebalanceProtocol::Cooperative {
        for member in members {
            for owned in &member.owned {
                owners.entry(owned).or_default().push(member);
            }
        }
    }
    let latest = members.iter().filter_map(|member| member.generation).max();
    let is_late = |member: &GroupMember| member.generation.is_some() && member.generation < latest;
    let mut held_back = BTreeSet::new();
    let mut takers: BTreeMap<&TopicPartition, &str> = BTreeMap::new();
    for (id, partitions) in given {
        let Some(member) = by_id.get(id.as_str()) else {
            return Err(Misconduct::NoMember(id.clone()));
        };
        for partition in partitions {
            let exists = (0..topics.count(&partition.topic)).contains(&partition.partition);
            let (member_id, named) = (id.clone(), partition.clone());
            if !member.topics.contains(&partition.topic) {
                return Err(Misconduct::NotSubscribed {
                    member: member_id,
                    partition: named,
                });
            }
            if !exists {
                return Err(Misconduct::NoPartition {
                    member: member_id,
                    partition: named,
                });
            }
            if let Some(first) = takers.insert(partition, id) {
                return Err(Misconduct::Twice {
                    partition: named,
                    first: first.to_owned(),
                    second: member_id,
                });
            }
            // One of several that say they own it may keep it: the others give it up.
            let owners = owners.get(partition).map_or(&[][..], Vec::as_slice);
            if owners.is_empty() || owners.iter().any(|owner| owner.id == *id) {
                continue;
            }
            if let Some(owner) = owners.iter().find(|owner| !is_late(owner)) {
                return Err(Misconduct::StillOwned {
                    partition: named,
                    member: member_id,
                    owner: owner.id.clone(),
                });
            }
            held_back.insert(named);
        }
    }
    Ok(held_back)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::Assignor;
    use super::super::tests::{assigned, dynamic, partitions};
    use super::*;

    /// Gives what it is told to.
    struct Told(Assignments, RebalanceProtocol);

    impl AssignPartitions for Told {
        fn name(&self) -> &str {
            "told"
        }

        fn protocol(&self) -> RebalanceProtocol {
            self.1
        }

        fn assign(&self, _: &[GroupMember], _: &GroupTopics) -> Assignments {
            self.0.clone()
        }
    }

    fn outcome(given: Assignments, protocol: RebalanceProtocol) -> Result<Assignments, String> {
        let owner = GroupMember {
            owned: vec![TopicPartition::new("t", 2)],
            ..dynamic("b", &["t", "u"])
        };
        let custom = Assignor::Custom(Arc::new(Told(given, protocol)));
        custom
            .assign(
                &[dynamic("a", &["t"]), owner],
                &partitions(&[("t", 3), ("u", 1)]),
            )
            .map_err(|misconduct| misconduct.to_string())
    }

    #[test]
    fn what_is_in_order_is_taken_and_who_is_left_out_gets_nothing() {
        let given = assigned(&[("b", &[("t", &[0, 2]), ("u", &[0])])]);
        for protocol in [RebalanceProtocol::Eager, RebalanceProtocol::Cooperative] {
            assert_eq!(
                outcome(given.clone(), protocol).unwrap(),
                assigned(&[("a", &[]), ("b", &[("t", &[0, 2]), ("u", &[0])])])
            );
        }
    }

    #[test]
    fn what_is_wrong_is_refused_with_what_it_is() {
        let eager = RebalanceProtocol::Eager;
        for (given, protocol, words) in [
            (
                assigned(&[("c", &[])]),
                eager,
                r#"gave partitions to "c", who is no member"#,
            ),
            (
                assigned(&[("a", &[("u", &[0])])]),
                eager,
                r#"gave u-0 to "a", who does not subscribe to the topic"#,
            ),
            (
                assigned(&[("a", &[("t", &[3])])]),
                eager,
                r#"gave t-3 to "a", which the topic does not have"#,
            ),
            (
                assigned(&[("a", &[("t", &[-1])])]),
                eager,
                r#"gave t--1 to "a", which the topic does not have"#,
            ),
            (
                assigned(&[("a", &[("t", &[1])]), ("b", &[("t", &[1])])]),
                eager,
                r#"gave t-1 twice, to "a" and to "b""#,
            ),
            (
                assigned(&[("a", &[("t", &[1, 1])])]),
                eager,
                r#"gave t-1 twice, to "a" and to "a""#,
            ),
            (
                assigned(&[("a", &[("t", &[2])])]),
                RebalanceProtocol::Cooperative,
                r#"gave t-2 to "a" while "b" works on it"#,
            ),
        ] {
            let refused = outcome(given, protocol).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
        assert!(outcome(assigned(&[("a", &[("t", &[2])])]), eager).is_ok());
    }

    #[test]
    fn one_of_two_that_say_they_own_a_partition_may_keep_it() {
        let owner = |id: &str| GroupMember {
            owned: vec![TopicPartition::new("t", 0)],
            ..dynamic(id, &["t"])
        };
        let members = [owner("a"), owner("b"), dynamic("c", &["t"])];
        for (taker, is_fine) in [("a", true), ("b", true), ("c", false)] {
            let given = assigned(&[(taker, &[("t", &[0])])]);
            let cooperative = RebalanceProtocol::Cooperative;
            let checked = check(&members, &partitions(&[("t", 1)]), &given, cooperative);
            assert_eq!(checked.is_ok(), is_fine, "{taker}: {checked:?}");
        }
    }

    /// A member that has missed a generation says what it had before. The assignor need not know of it: Java's
    /// sticky ones look at the latest generation alone. It may work on it until it hears of this one.
    #[test]
    fn what_is_owned_in_an_older_generation_is_held_back_and_ends_nobody() {
        let owner = |id: &str, generation, partition| GroupMember {
            owned: vec![TopicPartition::new("t", partition)],
            generation,
            ..dynamic(id, &["t"])
        };
        let cooperative = RebalanceProtocol::Cooperative;
        let given = assigned(&[("a", &[("t", &[0, 1])]), ("b", &[("t", &[2])])]);
        let outcome = |late_generation, given: &Assignments| {
            let members = [
                dynamic("a", &["t"]),
                owner("b", Some(5), 2),
                owner("late", late_generation, 0),
            ];
            assign(
                &Told(given.clone(), cooperative),
                &members,
                &partitions(&[("t", 3)]),
            )
        };
        assert_eq!(
            outcome(Some(4), &given),
            Ok(assigned(&[
                ("a", &[("t", &[1])]),
                ("b", &[("t", &[2])]),
                ("late", &[])
            ]))
        );
        let kept = assigned(&[("late", &[("t", &[0])])]);
        let all = assigned(&[("a", &[]), ("b", &[]), ("late", &[("t", &[0])])]);
        assert_eq!(outcome(Some(4), &kept), Ok(all), "its owner may keep it");
        for of_now in [Some(5), None] {
            let still_owned = outcome(of_now, &given).unwrap_err();
            assert!(matches!(still_owned, Misconduct::StillOwned { .. }));
        }
    }

    #[test]
    fn what_it_says_of_itself_is_asked_for_once() {
        struct Moody(AtomicU32);
        impl AssignPartitions for Moody {
            fn name(&self) -> &str {
                assert_eq!(self.0.fetch_add(1, Ordering::Relaxed), 0, "again?");
                "moody"
            }
            fn assign(&self, _: &[GroupMember], _: &GroupTopics) -> Assignments {
                BTreeMap::new()
            }
        }
        let custom = Assignor::Custom(Arc::new(Moody(AtomicU32::new(0)))).fixed();
        assert_eq!(
            (custom.name(), custom.to_string()),
            ("moody", "moody".to_owned())
        );
        assert!(!custom.is_cooperative());
    }

    #[test]
    fn a_panic_is_told_with_its_words() {
        struct Panics;
        impl AssignPartitions for Panics {
            fn name(&self) -> &str {
                "panics"
            }
            fn user_data(&self, _: &[TopicPartition], generation: i32) -> Option<Bytes> {
                panic!("no data in generation {generation}")
            }
            fn assign(&self, members: &[GroupMember], _: &GroupTopics) -> Assignments {
                panic!("{} members are too many", members.len())
            }
        }
        let custom = Assignor::Custom(Arc::new(Panics));
        let error = custom.user_data(None).unwrap_err();
        assert_eq!(error.to_string(), "panicked: no data in generation -1");
        let error = custom
            .assign(&[dynamic("a", &["t"])], &partitions(&[]))
            .unwrap_err();
        assert_eq!(error.to_string(), "panicked: 1 members are too many");
    }
}
