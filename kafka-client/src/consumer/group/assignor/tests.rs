//! What holds for every group.

mod java;
mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

// ---- for the tests of all assignors ----

pub(super) fn member(id: &str, instance_id: Option<&str>, topics: &[&str]) -> GroupMember {
    GroupMember {
        instance_id: instance_id.map(str::to_owned),
        ..GroupMember::new(id, topics)
    }
}

pub(super) fn dynamic(id: &str, topics: &[&str]) -> GroupMember {
    member(id, None, topics)
}

/// Topics with as many partitions, on no rack.
pub(super) fn partitions(counts: &[(&str, i32)]) -> GroupTopics {
    let mut topics = GroupTopics::new();
    for (topic, count) in counts {
        topics.insert(*topic, (0..*count).map(|_| []));
    }
    topics
}

/// What an assignor of ours makes of a group.
pub(super) fn assign(
    assignor: &Assignor,
    members: &[GroupMember],
    topics: &GroupTopics,
) -> Assignments {
    assignor.assign(members, topics).unwrap()
}

/// The numbers of partitions of each topic.
type Numbers<'a> = &'a [(&'a str, &'a [i32])];

pub(super) fn assigned(members: &[(&str, Numbers<'_>)]) -> Assignments {
    let partitions = |topics: Numbers<'_>| {
        let of_topic = |(topic, numbers): &(&str, &[i32])| -> Vec<_> {
            let named = |number: &i32| TopicPartition::new(*topic, *number);
            numbers.iter().map(named).collect()
        };
        topics.iter().flat_map(of_topic).collect()
    };
    members
        .iter()
        .map(|(id, topics)| ((*id).to_owned(), partitions(topics)))
        .collect()
}

/// Those of a golden file that are no comment.
pub(super) fn lines(golden: &str) -> impl Iterator<Item = &str> {
    golden.lines().filter(|line| !line.starts_with('#'))
}

// ---- rebalances ----

/// The members as they join again after a rebalance: with what they were assigned, all in one
/// generation.
fn rejoined(
    members: &[GroupMember],
    assignments: &Assignments,
    generation: i32,
) -> Vec<GroupMember> {
    let rejoined = |member: &GroupMember| GroupMember {
        owned: assignments[&member.id].clone(),
        generation: Some(generation),
        ..member.clone()
    };
    members.iter().map(rejoined).collect()
}

/// What members have after a rebalance and those that follow it because some had to give something up.
fn settle(members: &[GroupMember], partitions: &GroupTopics) -> Assignments {
    let mut before = assign(&Assignor::CooperativeSticky, members, partitions);
    for generation in 100..110 {
        let rejoined = rejoined(members, &before, generation);
        let after = assign(&Assignor::CooperativeSticky, &rejoined, partitions);
        if after == before {
            return after;
        }
        before = after;
    }
    panic!("no end of rebalances");
}

/// Everything that somebody subscribes to.
fn wanted(members: &[GroupMember], partitions: &GroupTopics) -> BTreeSet<TopicPartition> {
    let topics: BTreeSet<&Arc<str>> = members.iter().flat_map(|member| &member.topics).collect();
    topics
        .iter()
        .flat_map(|topic| partitions.partitions(topic))
        .collect()
}

fn loads(assignments: &Assignments) -> Vec<usize> {
    assignments.values().map(Vec::len).collect()
}

fn subscribes(members: &[GroupMember], id: &str, topic: &Arc<str>) -> bool {
    let of_id = members.iter().filter(|member| member.id == id);
    of_id
        .into_iter()
        .any(|member| member.topics.contains(topic))
}

fn claims<'a>(
    members: &'a [GroupMember],
    wanted: &'a TopicPartition,
) -> impl Iterator<Item = &'a GroupMember> {
    members
        .iter()
        .filter(|member| member.owned.contains(wanted))
}

/// The member with the highest generation of those that say they own a partition, if it is one.
fn owner<'a>(members: &'a [GroupMember], wanted: &'a TopicPartition) -> Option<&'a str> {
    let told = |member: &GroupMember| match member.generation {
        Some(generation) => generation,
        None => blob::decode_generation(member),
    };
    let generation = claims(members, wanted).map(told).max()?;
    let owners: BTreeSet<&str> = claims(members, wanted)
        .filter(|member| told(member) == generation)
        .map(|member| member.id.as_str())
        .collect();
    owners.first().copied().filter(|_| owners.len() == 1)
}

/// How many partitions are still where they were before.
fn kept(before: &[GroupMember], after: &Assignments) -> usize {
    let all = after
        .iter()
        .flat_map(|(id, has)| has.iter().map(move |has| (id, has)));
    all.filter(|(id, has)| owner(before, has) == Some(id))
        .count()
}

fn owners_of(assignments: &Assignments) -> BTreeMap<&TopicPartition, Vec<&str>> {
    let mut owners: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for (id, has) in assignments {
        for partition in has {
            owners.entry(partition).or_default().push(id);
        }
    }
    owners
}

// ---- random groups ----

const TOPICS: [&str; 4] = ["t0", "t1", "t2", "t3"];

fn some_topics() -> impl Strategy<Value = Vec<Arc<str>>> {
    let topics = prop::sample::subsequence(TOPICS.to_vec(), 0..=TOPICS.len()).prop_shuffle();
    topics.prop_map(|topics| topics.into_iter().map(Arc::from).collect())
}

/// Fewer topics than members may subscribe to.
fn some_partitions() -> impl Strategy<Value = GroupTopics> {
    prop::collection::vec(-1_i32..=7, 1..=3)
        .prop_map(|counts| partitions(&TOPICS.into_iter().zip(counts).collect::<Vec<_>>()))
}

/// A member that says anything at all. Ids are not unique.
fn any_member() -> impl Strategy<Value = GroupMember> {
    let owned = (prop::sample::select(TOPICS.to_vec()), -2_i32..=8)
        .prop_map(|(topic, number)| TopicPartition::new(topic, number));
    (
        0..8,
        prop::option::of(0..8),
        some_topics(),
        prop::collection::vec(owned, 0..=8),
        -2_i32..=2,
    )
        .prop_map(|(id, instance, topics, owned, generation)| GroupMember {
            instance_id: instance.map(|instance| format!("i{instance}")),
            owned,
            generation: Some(generation).filter(|generation| *generation >= 0),
            ..GroupMember::new(format!("m{id}"), topics)
        })
}

fn any_members() -> impl Strategy<Value = Vec<GroupMember>> {
    prop::collection::vec(any_member(), 0..=7)
}

/// Members that agree in what they subscribe to, and nothing owned yet.
fn like_minded() -> impl Strategy<Value = Vec<GroupMember>> {
    (some_topics(), 2..=7).prop_map(|(topics, count)| {
        let member = |index| GroupMember {
            topics: topics.clone(),
            ..dynamic(&format!("m{index}"), &[])
        };
        (0..count).map(member).collect()
    })
}

proptest! {
    #[test]
    fn everything_goes_to_one_subscriber(members in any_members(), partitions in some_partitions()) {
        let ids: BTreeSet<&str> = members.iter().map(|member| member.id.as_str()).collect();
        let wanted = wanted(&members, &partitions);
        for assignor in [Assignor::Range, Assignor::CooperativeSticky] {
            let result = assign(&assignor, &members, &partitions);
            prop_assert_eq!(result.keys().map(String::as_str).collect::<BTreeSet<_>>(), ids.clone());
            let owners = owners_of(&result);
            for (partition, owners) in &owners {
                prop_assert_eq!(owners.len(), 1, "{} of {:?}", partition, owners);
                prop_assert!(subscribes(&members, owners[0], &partition.topic));
                prop_assert!(wanted.contains(partition));
            }
            for partition in &wanted {
                // Left out is only what a member must give up, which makes it join again.
                let held_back = assignor.is_cooperative()
                    && claims(&members, partition).any(|member| !result[&member.id].contains(partition));
                prop_assert!(owners.contains_key(partition) || held_back, "{} left out", partition);
            }
        }
    }

    #[test]
    fn nothing_is_given_away_while_another_works_on_it(
        members in any_members(),
        partitions in some_partitions(),
    ) {
        // One that says different things under one id has no generation of its own.
        let by_id: BTreeMap<_, _> = members.into_iter().map(|one| (one.id.clone(), one)).collect();
        let members: Vec<GroupMember> = by_id.into_values().collect();
        let result = assign(&Assignor::CooperativeSticky, &members, &partitions);
        for (partition, owners) in owners_of(&result) {
            let others = claims(&members, partition).any(|member| member.id != owners[0]);
            prop_assert!(!others || owner(&members, partition) == Some(owners[0]), "{}", partition);
        }
    }

    #[test]
    fn in_the_end_everything_is_assigned(members in any_members(), partitions in some_partitions()) {
        let settled = settle(&members, &partitions);
        let owners = owners_of(&settled);
        prop_assert!(owners.values().all(|owners| owners.len() == 1));
        prop_assert_eq!(
            owners.into_keys().cloned().collect::<BTreeSet<_>>(),
            wanted(&members, &partitions)
        );
    }

    #[test]
    fn nobody_has_two_more_than_another_that_could_take_one(
        members in any_members(),
        partitions in some_partitions(),
    ) {
        let settled = settle(&members, &partitions);
        for has in settled.values() {
            for partition in has {
                for (other, others) in &settled {
                    let could = subscribes(&members, other, &partition.topic);
                    prop_assert!(!could || has.len() <= others.len() + 1);
                }
            }
        }
    }

    #[test]
    fn the_order_of_the_members_does_not_matter(
        (members, shuffled) in any_members().prop_flat_map(|members| {
            (Just(members.clone()), Just(members).prop_shuffle())
        }),
        partitions in some_partitions(),
    ) {
        // Entries of one member that differ in the instance are not among what is promised.
        let one = |members: Vec<GroupMember>| -> Vec<GroupMember> {
            let with_instance = |member: GroupMember| GroupMember { instance_id: None, ..member };
            members.into_iter().map(with_instance).collect()
        };
        let (members, shuffled) = (one(members), one(shuffled));
        for assignor in [Assignor::Range, Assignor::RoundRobin] {
            prop_assert_eq!(
                assign(&assignor, &members, &partitions),
                assign(&assignor, &shuffled, &partitions)
            );
        }
    }

    #[test]
    fn one_that_leaves_moves_only_what_it_had(
        members in like_minded(),
        partitions in some_partitions(),
        leaver in any::<prop::sample::Index>(),
    ) {
        let before = settle(&members, &partitions);
        let mut members = rejoined(&members, &before, 101);
        members.remove(leaver.index(members.len()));
        let after = assign(&Assignor::CooperativeSticky, &members, &partitions);
        for (id, has) in &after {
            prop_assert!(before[id].iter().all(|had| has.contains(had)), "{} lost some", id);
        }
        let count: usize = loads(&after).iter().sum();
        prop_assert_eq!(count, wanted(&members, &partitions).len(), "all in one rebalance");
    }

    #[test]
    fn one_that_joins_gets_its_part_and_nothing_else_moves(
        members in like_minded(),
        partitions in some_partitions(),
    ) {
        let (joining, members) = members.split_first().unwrap();
        let before = settle(members, &partitions);
        let members = [rejoined(members, &before, 101), vec![joining.clone()]].concat();
        let after = settle(&members, &partitions);
        let count = wanted(&members, &partitions).len();
        prop_assert_eq!(after[&joining.id].len(), count / members.len());
        prop_assert_eq!(kept(&members, &after), count - count / members.len());
        let (least, most) = (loads(&after).into_iter().min(), loads(&after).into_iter().max());
        prop_assert!(most <= least.map(|least| least + 1));
    }
}

// ---- large groups ----

/// Far above what it takes, far below what a worse algorithm would.
const SOON: Duration = Duration::from_secs(2);

fn timed(what: &str, members: &[GroupMember], partitions: &GroupTopics) -> Assignments {
    timed_with(&Assignor::CooperativeSticky, what, members, partitions)
}

fn timed_with(
    assignor: &Assignor,
    what: &str,
    members: &[GroupMember],
    partitions: &GroupTopics,
) -> Assignments {
    let begin = Instant::now();
    let result = assign(assignor, members, partitions);
    let took = begin.elapsed();
    println!("{assignor}, {what}: {took:?}");
    assert!(took < SOON, "{assignor}, {what}: {took:?}");
    result
}

/// One large topic on three racks, with equal subscriptions and with different ones.
#[test]
fn twenty_members_with_a_topic_of_ten_thousand_partitions() {
    let rack = |number: usize| Arc::from(["a", "b", "c"][number % 3]);
    for is_uniform in [true, false] {
        let mut topics = partitions(&[("small", 5)]);
        topics.insert(
            "large",
            (0..10_000).map(|number| [rack(number), rack(number / 3)]),
        );
        let mut members: Vec<GroupMember> = (0..20)
            .map(|number| GroupMember {
                rack: Some(rack(number).to_string()),
                ..dynamic(&format!("m{number}"), &["large"])
            })
            .collect();
        if !is_uniform {
            members[7].topics.push("small".into());
        }
        for assignor in [
            Assignor::Range,
            Assignor::RoundRobin,
            Assignor::Sticky,
            Assignor::CooperativeSticky,
        ] {
            let first = timed_with(&assignor, "a new group", &members, &topics);
            // The first five get all that the last five had.
            let mut before = first.clone();
            for place in 0..5 {
                let left = before.get_mut(&members[15 + place].id).map(std::mem::take);
                let more = before.get_mut(&members[place].id);
                more.unwrap().extend(left.unwrap());
            }
            let mut rejoined = rejoined(&members, &before, 7);
            for member in &mut rejoined {
                let former = Former {
                    owned: member.owned.clone(),
                    generation: 7,
                };
                member.user_data = assignor.user_data(Some(&former)).unwrap();
            }
            timed_with(&assignor, "five have too much", &rejoined, &topics);
        }
    }
}

#[test]
fn a_hundred_members_with_ten_thousand_partitions() {
    let names: Vec<String> = (0..100).map(|topic| format!("t{topic}")).collect();
    let topics: Vec<&str> = names.iter().map(String::as_str).collect();
    let partitions = partitions(&topics.iter().map(|topic| (*topic, 100)).collect::<Vec<_>>());
    let members: Vec<GroupMember> = (0..100)
        .map(|id| dynamic(&format!("m{id}"), &topics))
        .collect();
    let all = timed("the first rebalance", &members, &partitions);
    assert!(loads(&all).iter().all(|load| *load == 100));

    let mut members = rejoined(&members, &all, 1);
    members.truncate(90);
    members.extend((200..220).map(|id| dynamic(&format!("m{id}"), &topics)));
    timed("ten leave, twenty join", &members, &partitions);
    let settled = settle(&members, &partitions);
    assert!(loads(&settled).iter().all(|load| (90..=91).contains(load)));
}

#[test]
fn a_hundred_members_with_subscriptions_of_their_own() {
    let names: Vec<String> = (0..100).map(|topic| format!("t{topic}")).collect();
    let topics: Vec<&str> = names.iter().map(String::as_str).collect();
    let partitions = partitions(&topics.iter().map(|topic| (*topic, 100)).collect::<Vec<_>>());
    // Mixed up, but the same in every run.
    let subscribes =
        |member: usize, topic: usize| (member * topic + member * 7 + topic * 3) % 101 < 40;
    let members: Vec<GroupMember> = (0..100)
        .map(|id| {
            let own = topics
                .iter()
                .enumerate()
                .filter(|(topic, _)| subscribes(id, *topic));
            let own: Vec<&str> = own.map(|(_, topic)| *topic).collect();
            dynamic(&format!("m{id}"), &own)
        })
        .collect();
    let all = timed(
        "the first rebalance, own subscriptions",
        &members,
        &partitions,
    );
    let mut members = rejoined(&members, &all, 1);
    members.truncate(90);
    timed("ten leave, own subscriptions", &members, &partitions);
}
