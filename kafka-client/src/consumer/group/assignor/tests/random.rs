//! Random groups from a seed, the same in every run; and what must hold for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use kafka_client_protocol::consumer_protocol::{Subscription, decode, encode};

use super::super::*;
use super::{assign, loads};

const RACKS: [&str; 4] = ["a", "b", "c", "d"];
const GENERATION: i32 = 7;

/// A group before a rebalance.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) topics: GroupTopics,
    members: Vec<Joining>,
}

#[derive(Debug, Clone)]
struct Joining {
    id: String,
    instance_id: Option<String>,
    rack: Option<String>,
    topics: Vec<Arc<str>>,
    /// `None` if it is new.
    former: Option<Former>,
    /// It knows the first version of the user data of `sticky` only, and of subscriptions the one before
    /// generations.
    is_old: bool,
}

/// A member as it joins: what the coordinator and the leader see.
pub(super) struct Joined {
    pub(super) id: String,
    pub(super) instance_id: Option<String>,
    pub(super) subscription: Bytes,
}

impl Joined {
    pub(super) fn read(&self) -> GroupMember {
        decode_member(&self.id, self.instance_id.as_deref(), &self.subscription).unwrap()
    }
}

impl Group {
    pub(super) fn random(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let has_racks = random.bool();
        let topics = random_topics(&mut random, has_racks);
        let members = random_members(&mut random, &topics, has_racks);
        let mut group = Self { topics, members };
        match random.u8(0..5) {
            0 => {}
            1 => group.settle(&mut random),
            kind => group.scatter(&mut random, kind),
        }
        group
    }

    /// How the members join with an assignor.
    pub(super) fn joined(&self, assignor: &Assignor) -> Vec<Joined> {
        let join = |member: &Joining| {
            let former = member.former.as_ref();
            // With the eager protocol all was given up before.
            let owned = former.filter(|_| assignor.is_cooperative());
            let mut user_data = assignor.user_data(former).unwrap();
            if member.is_old && *assignor == Assignor::Sticky {
                // The generation is at the end.
                user_data = user_data.map(|data| data.slice(..data.len() - 4));
            }
            let subscription = encode_member(
                &member.topics,
                owned.map_or(&[], |former| &former.owned),
                former.map_or(NO_GENERATION, |former| former.generation),
                member.rack.as_deref(),
                user_data,
            );
            let mut subscription = subscription.unwrap();
            if member.is_old {
                let read: Subscription = decode(&subscription).unwrap();
                subscription = encode(&read, 1).unwrap();
            }
            Joined {
                id: member.id.clone(),
                instance_id: member.instance_id.clone(),
                subscription,
            }
        };
        self.members.iter().map(join).collect()
    }

    pub(super) fn members(&self, assignor: &Assignor) -> Vec<GroupMember> {
        self.joined(assignor).iter().map(Joined::read).collect()
    }

    pub(super) fn is_uniform(&self) -> bool {
        let sets = self
            .members
            .iter()
            .map(|member| member.topics.iter().collect::<BTreeSet<_>>());
        sets.collect::<BTreeSet<_>>().len() <= 1
    }

    /// Whether everybody tells its generation, and no two members that they own the same.
    fn agrees(&self) -> bool {
        let former = self
            .members
            .iter()
            .filter_map(|member| member.former.as_ref());
        let owned: Vec<_> = former.flat_map(|former| &former.owned).collect();
        let different: BTreeSet<_> = owned.iter().collect();
        different.len() == owned.len() && self.members.iter().all(|member| !member.is_old)
    }

    /// An assignment as it was, before members left, came, and topics grew.
    fn settle(&mut self, random: &mut Rng) {
        let mut before = self.clone();
        let mut grown: Vec<Arc<str>> = before.topics.names().cloned().collect();
        grown.retain(|_| random.u8(0..4) == 0);
        for topic in grown {
            let racks = before.topics.of(&topic).unwrap();
            let fewer = random.usize(0..=racks.len());
            let fewer = racks[..fewer].to_vec();
            before.topics.insert(topic, fewer);
        }
        let assigned = assign(
            &Assignor::CooperativeSticky,
            &before.members(&Assignor::CooperativeSticky),
            &before.topics,
        );
        for member in &mut self.members {
            member.former = Some(Former {
                owned: assigned[&member.id].clone(),
                generation: GENERATION,
            });
        }
        for _ in 0..random.usize(0..3) {
            if self.members.len() > 1 {
                self.members.swap_remove(random.usize(..self.members.len()));
            }
        }
        for _ in 0..random.usize(0..3) {
            let place = random.usize(..self.members.len());
            self.members[place].former = None;
        }
    }

    /// An assignment that no assignor would make. Of the second kind in several generations, of the third
    /// with partitions that several members say they own.
    fn scatter(&mut self, random: &mut Rng, kind: u8) {
        let mut owned: BTreeMap<usize, Vec<TopicPartition>> = BTreeMap::new();
        let names: Vec<Arc<str>> = self.topics.names().cloned().collect();
        for partition in names.iter().flat_map(|topic| self.topics.partitions(topic)) {
            let members = 0..self.members.len();
            let mut subscribers: Vec<usize> = members
                .filter(|member| self.members[*member].topics.contains(&partition.topic))
                .collect();
            random.shuffle(&mut subscribers);
            let claims = match random.u8(0..10) {
                0 => 0,
                1 | 2 if kind == 4 => random.usize(2..=3),
                _ => 1,
            };
            for member in subscribers.into_iter().take(claims) {
                owned.entry(member).or_default().push(partition.clone());
            }
        }
        for member in self.members.iter_mut().filter(|_| kind == 4) {
            // What counts of an old member's word depends on who comes first.
            member.is_old = false;
        }
        for (member, owned) in owned {
            let generation = match random.u8(0..4) {
                0 if kind > 2 => GENERATION - 1,
                1 if kind > 2 => GENERATION - random.i32(0..5),
                _ => GENERATION,
            };
            self.members[member].former = Some(Former { owned, generation });
        }
    }
}

fn random_topics(random: &mut Rng, has_racks: bool) -> GroupTopics {
    let mut topics = GroupTopics::new();
    let alike = random.bool().then(|| random.usize(1..=8));
    let everywhere = random.u8(0..5) == 0;
    let brokers: Vec<Option<&str>> = (0..random.usize(1..=6))
        .map(|_| {
            random
                .choice(RACKS)
                .filter(|_| has_racks && random.u8(0..8) > 0)
        })
        .collect();
    for topic in 0..random.usize(1..=6) {
        let count = alike.unwrap_or_else(|| match random.u8(0..12) {
            0 => random.usize(1..=40),
            _ => random.usize(1..=8),
        });
        let mut racks = || -> Vec<Arc<str>> {
            let mut replicas = brokers.clone();
            random.shuffle(&mut replicas);
            if !everywhere {
                replicas.truncate(random.usize(1..=3));
            }
            replicas.into_iter().flatten().map(Arc::from).collect()
        };
        let partitions: Vec<_> = (0..count).map(|_| racks()).collect();
        topics.insert(format!("t{topic}"), partitions);
    }
    topics
}

fn random_members(random: &mut Rng, topics: &GroupTopics, has_racks: bool) -> Vec<Joining> {
    let all: Vec<Arc<str>> = topics.names().cloned().collect();
    let subscription = |random: &mut Rng| {
        let mut topics = all.clone();
        random.shuffle(&mut topics);
        topics.truncate(random.usize(1..=all.len()));
        if random.u8(0..8) == 0 {
            topics.push("missing".into());
        }
        topics
    };
    let shared = random.bool().then(|| subscription(random));
    let count = match random.u8(0..10) {
        0 => random.usize(1..=40),
        _ => random.usize(1..=8),
    };
    let member = |index: usize| Joining {
        id: format!("consumer-{}-{index}", random.u32(..)),
        instance_id: (random.u8(0..4) == 0).then(|| format!("i{}-{index}", random.u8(..))),
        rack: random
            .choice(RACKS)
            .filter(|_| has_racks && random.u8(0..4) > 0)
            .map(str::to_owned),
        topics: shared.clone().unwrap_or_else(|| subscription(random)),
        former: None,
        is_old: random.u8(0..12) == 0,
    };
    (0..count).map(member).collect()
}

/// As many as are put in front of Java's assignors.
pub(super) const SEEDS: std::ops::Range<u64> = 0..2000;

#[test]
fn every_partition_goes_to_one_subscriber_and_loads_are_even() {
    for seed in SEEDS {
        let group = Group::random(seed);
        for assignor in [
            Assignor::Range,
            Assignor::RoundRobin,
            Assignor::Sticky,
            Assignor::CooperativeSticky,
        ] {
            let members = group.members(&assignor);
            let assigned = assign(&assignor, &members, &group.topics);
            let mut owners = BTreeMap::new();
            for member in &members {
                for partition in &assigned[&member.id] {
                    let other = owners.insert(partition, &member.id);
                    assert_eq!(other, None, "{partition} twice, seed {seed}, {assignor}");
                    assert!(
                        member.topics.contains(&partition.topic),
                        "seed {seed}, {assignor}"
                    );
                }
            }
            let wanted = super::wanted(&members, &group.topics);
            let is_complete = owners.len() == wanted.len();
            assert!(
                is_complete || assignor.is_cooperative(),
                "seed {seed}, {assignor}"
            );
            if group.is_uniform() && assignor != Assignor::Range {
                let loads = loads(&assigned);
                let most = *loads.iter().max().unwrap();
                let least = *loads.iter().min().unwrap();
                // What is held back is missing.
                let even = wanted.len().div_ceil(members.len());
                assert!(
                    most - least <= 1 || (assignor == Assignor::CooperativeSticky && most <= even),
                    "{most} and {least}, seed {seed}, {assignor}"
                );
            }
        }
    }
}

/// Without racks: those are worth a move.
#[test]
fn nothing_moves_without_need() {
    for seed in SEEDS {
        let mut group = Group::random(seed);
        for member in &mut group.members {
            member.rack = None;
        }
        let members = group.members(&Assignor::Sticky);
        let assigned = assign(&Assignor::Sticky, &members, &group.topics);
        if group.is_uniform() && group.agrees() {
            most_is_kept(seed, &group, &assigned);
        }
        // The same again, as nothing has changed.
        for member in &mut group.members {
            member.former = Some(Former {
                owned: assigned[&member.id].clone(),
                generation: GENERATION,
            });
            member.is_old = false;
        }
        for assignor in [Assignor::Sticky, Assignor::CooperativeSticky] {
            let again = assign(&assignor, &group.members(&assignor), &group.topics);
            assert_eq!(again, assigned, "seed {seed}, {assignor}");
        }
    }
}

/// Members with equal subscriptions keep all that they had, unless it is more than their even part.
fn most_is_kept(seed: u64, group: &Group, assigned: &Assignments) {
    let members = group.members(&Assignor::CooperativeSticky);
    let count = super::wanted(&members, &group.topics).len();
    let (least, extra) = (count / members.len(), count % members.len());
    let mut had: Vec<usize> = Vec::new();
    let mut kept = 0;
    for member in &members {
        let owned: Vec<_> = member
            .owned
            .iter()
            .filter(|owned| super::owner(&members, owned) == Some(&member.id))
            .collect();
        let keeps = |owned: &&&TopicPartition| assigned[&member.id].contains(owned);
        kept += owned.iter().filter(keeps).count();
        had.push(owned.len());
    }
    let above = had.iter().filter(|had| **had > least).count();
    let most: usize = had.iter().map(|had| *had.min(&least)).sum();
    assert_eq!(kept, most + above.min(extra), "seed {seed}");
}
