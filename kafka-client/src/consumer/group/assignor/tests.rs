//! What holds for every group, and what Java's assignors make of the same groups.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

// ---- for the tests of all assignors ----

pub(super) fn member(id: &str, instance_id: Option<&str>, topics: &[&str]) -> Member {
    Member {
        id: id.to_owned(),
        instance_id: instance_id.map(str::to_owned),
        topics: topics.iter().map(|topic| Arc::from(*topic)).collect(),
        owned: Vec::new(),
        generation: -1,
    }
}

pub(super) fn dynamic(id: &str, topics: &[&str]) -> Member {
    member(id, None, topics)
}

pub(super) fn partitions(counts: &[(&str, i32)]) -> Partitions {
    let named = |(topic, count): &(&str, i32)| (Arc::from(*topic), *count);
    counts.iter().map(named).collect()
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
fn rejoined(members: &[Member], assignments: &Assignments, generation: i32) -> Vec<Member> {
    let rejoined = |member: &Member| Member {
        owned: assignments[&member.id].clone(),
        generation,
        ..member.clone()
    };
    members.iter().map(rejoined).collect()
}

/// What members have after one rebalance and the one that may follow it.
fn settle(members: &[Member], partitions: &Partitions) -> Assignments {
    let first = Assignor::CooperativeSticky.assign(members, partitions);
    Assignor::CooperativeSticky.assign(&rejoined(members, &first, 100), partitions)
}

/// Everything that somebody subscribes to.
fn wanted(members: &[Member], partitions: &Partitions) -> BTreeSet<TopicPartition> {
    let topics: BTreeSet<&Arc<str>> = members.iter().flat_map(|member| &member.topics).collect();
    let of_topic = |topic: &&Arc<str>| {
        let topic = Arc::clone(topic);
        let count = partitions.get(&topic).copied().unwrap_or(0);
        (0..count).map(move |number| TopicPartition::new(topic.clone(), number))
    };
    topics.iter().flat_map(of_topic).collect()
}

fn loads(assignments: &Assignments) -> Vec<usize> {
    assignments.values().map(Vec::len).collect()
}

fn imbalance(assignments: &Assignments) -> usize {
    loads(assignments).iter().map(|load| load * load).sum()
}

fn subscribes(members: &[Member], id: &str, topic: &Arc<str>) -> bool {
    let of_id = members.iter().filter(|member| member.id == id);
    of_id
        .into_iter()
        .any(|member| member.topics.contains(topic))
}

fn claims<'a>(
    members: &'a [Member],
    wanted: &'a TopicPartition,
) -> impl Iterator<Item = &'a Member> {
    members
        .iter()
        .filter(|member| member.owned.contains(wanted))
}

/// The member with the highest generation of those that say they own a partition, if it is one.
fn owner<'a>(members: &'a [Member], wanted: &'a TopicPartition) -> Option<&'a str> {
    let generation = claims(members, wanted)
        .map(|member| member.generation)
        .max()?;
    let owners: BTreeSet<&str> = claims(members, wanted)
        .filter(|member| member.generation == generation)
        .map(|member| member.id.as_str())
        .collect();
    owners.first().copied().filter(|_| owners.len() == 1)
}

/// How many partitions are still where they were before.
fn kept(before: &[Member], after: &Assignments) -> usize {
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
fn some_partitions() -> impl Strategy<Value = Partitions> {
    prop::collection::vec(-1_i32..=7, 1..=3)
        .prop_map(|counts| partitions(&TOPICS.into_iter().zip(counts).collect::<Vec<_>>()))
}

/// A member that says anything at all. Ids are not unique.
fn any_member() -> impl Strategy<Value = Member> {
    let owned = (prop::sample::select(TOPICS.to_vec()), -2_i32..=8)
        .prop_map(|(topic, number)| TopicPartition::new(topic, number));
    (
        0..8,
        prop::option::of(0..8),
        some_topics(),
        prop::collection::vec(owned, 0..=8),
        -2_i32..=2,
    )
        .prop_map(|(id, instance, topics, owned, generation)| Member {
            id: format!("m{id}"),
            instance_id: instance.map(|instance| format!("i{instance}")),
            topics,
            owned,
            generation,
        })
}

fn any_members() -> impl Strategy<Value = Vec<Member>> {
    prop::collection::vec(any_member(), 0..=7)
}

/// Members that agree in what they subscribe to, and nothing owned yet.
fn like_minded() -> impl Strategy<Value = Vec<Member>> {
    (some_topics(), 2..=7).prop_map(|(topics, count)| {
        let member = |index| Member {
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
            let result = assignor.assign(&members, &partitions);
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
        let result = Assignor::CooperativeSticky.assign(&members, &partitions);
        for (partition, owners) in owners_of(&result) {
            let others = claims(&members, partition).any(|member| member.id != owners[0]);
            prop_assert!(!others || owner(&members, partition) == Some(owners[0]), "{}", partition);
        }
    }

    #[test]
    fn the_second_rebalance_is_the_last(members in any_members(), partitions in some_partitions()) {
        let second = settle(&members, &partitions);
        let owners = owners_of(&second);
        prop_assert!(owners.values().all(|owners| owners.len() == 1));
        prop_assert_eq!(
            owners.into_keys().cloned().collect::<BTreeSet<_>>(),
            wanted(&members, &partitions)
        );
        let rejoined = rejoined(&members, &second, 101);
        let third = Assignor::CooperativeSticky.assign(&rejoined, &partitions);
        prop_assert_eq!(third, second);
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
        let one = |members: Vec<Member>| -> Vec<Member> {
            let with_instance = |member: Member| Member { instance_id: None, ..member };
            members.into_iter().map(with_instance).collect()
        };
        let (members, shuffled) = (one(members), one(shuffled));
        for assignor in [Assignor::Range, Assignor::CooperativeSticky] {
            prop_assert_eq!(
                assignor.assign(&members, &partitions),
                assignor.assign(&shuffled, &partitions)
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
        let after = Assignor::CooperativeSticky.assign(&members, &partitions);
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

// ---- beside Java's ----

#[derive(Deserialize)]
struct Case {
    partitions: BTreeMap<String, i32>,
    members: Vec<CaseMember>,
    assigned: BTreeMap<String, ByTopic>,
    settled: Option<BTreeMap<String, ByTopic>>,
}

#[derive(Deserialize)]
struct CaseMember {
    id: String,
    instance: Option<String>,
    topics: Vec<String>,
    #[serde(default)]
    owned: ByTopic,
    generation: i32,
}

type ByTopic = BTreeMap<String, Vec<i32>>;

fn named(by_topic: &ByTopic) -> Vec<TopicPartition> {
    let of_topic = |(topic, numbers): (&String, &Vec<i32>)| -> Vec<_> {
        let named = |number: &i32| TopicPartition::new(topic.as_str(), *number);
        numbers.iter().map(named).collect()
    };
    by_topic.iter().flat_map(of_topic).collect()
}

fn all_named(assigned: &BTreeMap<String, ByTopic>) -> Assignments {
    let named = |(id, by_topic): (&String, &ByTopic)| (id.clone(), named(by_topic));
    assigned.iter().map(named).collect()
}

impl Case {
    fn all(golden: &str) -> Vec<(&str, Self)> {
        let cases: Vec<_> = lines(golden)
            .map(|line| (line, serde_json::from_str(line).unwrap()))
            .collect();
        assert!(cases.len() > 100);
        cases
    }

    fn partitions(&self) -> Partitions {
        let named = |(topic, count): (&String, &i32)| (Arc::from(topic.as_str()), *count);
        self.partitions.iter().map(named).collect()
    }

    fn members(&self) -> Vec<Member> {
        let member = |case: &CaseMember| {
            let topics: Vec<&str> = case.topics.iter().map(String::as_str).collect();
            Member {
                owned: named(&case.owned),
                generation: case.generation,
                ..member(&case.id, case.instance.as_deref(), &topics)
            }
        };
        self.members.iter().map(member).collect()
    }
}

#[test]
fn range_assigns_as_java_does() {
    for (line, case) in Case::all(include_str!("../../../../tests/golden/range.txt")) {
        let ours = Assignor::Range.assign(&case.members(), &case.partitions());
        assert_eq!(ours, all_named(&case.assigned), "{line}");
    }
}

#[test]
fn round_robin_assigns_as_java_does() {
    for (line, case) in Case::all(include_str!("../../../../tests/golden/roundrobin.txt")) {
        let ours = Assignor::RoundRobin.assign(&case.members(), &case.partitions());
        assert_eq!(ours, all_named(&case.assigned), "{line}");
    }
}

#[test]
fn cooperative_sticky_is_as_even_as_java_and_moves_no_more() {
    let mut better = 0;
    for (line, case) in Case::all(include_str!(
        "../../../../tests/golden/cooperative_sticky.txt"
    )) {
        let (members, partitions) = (case.members(), case.partitions());
        let ours = settle(&members, &partitions);
        let javas = all_named(case.settled.as_ref().unwrap());
        assert!(imbalance(&ours) <= imbalance(&javas), "{line}");
        if imbalance(&ours) == imbalance(&javas) {
            let (kept, kept_by_java) = (kept(&members, &ours), kept(&members, &javas));
            assert!(
                kept >= kept_by_java,
                "{kept} kept, {kept_by_java} by Java: {line}"
            );
            better += usize::from(kept > kept_by_java);
            // Another leader, of this client, lets what Java's leader decided stand.
            let members = rejoined(&members, &all_named(case.settled.as_ref().unwrap()), 100);
            let taken_over = Assignor::CooperativeSticky.assign(&members, &partitions);
            assert_eq!(
                taken_over,
                all_named(case.settled.as_ref().unwrap()),
                "{line}"
            );
        } else {
            better += 1;
        }
    }
    println!("better than Java's in {better} cases");
}

// ---- large groups ----

/// Far above what it takes, far below what a worse algorithm would.
const SOON: Duration = Duration::from_secs(10);

fn timed(what: &str, members: &[Member], partitions: &Partitions) -> Assignments {
    let begin = Instant::now();
    let result = Assignor::CooperativeSticky.assign(members, partitions);
    let took = begin.elapsed();
    println!("{what}: {took:?}");
    assert!(took < SOON, "{what}: {took:?}");
    result
}

#[test]
fn a_hundred_members_with_ten_thousand_partitions() {
    let topics: Vec<String> = (0..100).map(|topic| format!("t{topic}")).collect();
    let partitions: Partitions = topics
        .iter()
        .map(|topic| (topic.as_str().into(), 100))
        .collect();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let members: Vec<Member> = (0..100)
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
    let topics: Vec<String> = (0..100).map(|topic| format!("t{topic}")).collect();
    let partitions: Partitions = topics
        .iter()
        .map(|topic| (topic.as_str().into(), 100))
        .collect();
    // Mixed up, but the same in every run.
    let subscribes =
        |member: usize, topic: usize| (member * topic + member * 7 + topic * 3) % 101 < 40;
    let members: Vec<Member> = (0..100)
        .map(|id| {
            let own = topics
                .iter()
                .enumerate()
                .filter(|(topic, _)| subscribes(id, *topic));
            let own: Vec<&str> = own.map(|(_, topic)| topic.as_str()).collect();
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
