//! Beside Java's assignors.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::json;

use super::super::*;
use super::random::{Group, Joined, SEEDS};
use super::{assign, claims, lines, owner, rejoined};

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

// ---- golden files ----

#[derive(Deserialize)]
struct Case {
    /// How many partitions each topic has.
    partitions: BTreeMap<String, i32>,
    /// The racks of each, if there are any.
    #[serde(default)]
    racks: BTreeMap<String, Vec<Vec<String>>>,
    members: Vec<CaseMember>,
    assigned: BTreeMap<String, ByTopic>,
    settled: Option<BTreeMap<String, ByTopic>>,
}

#[derive(Deserialize)]
struct CaseMember {
    id: String,
    instance: Option<String>,
    rack: Option<String>,
    topics: Vec<String>,
    #[serde(default)]
    owned: ByTopic,
    generation: i32,
}

impl Case {
    fn all(golden: &str) -> Vec<(&str, Self)> {
        let cases: Vec<_> = lines(golden)
            .map(|line| (line, serde_json::from_str(line).unwrap()))
            .collect();
        assert_eq!(cases.len(), 100);
        cases
    }

    fn topics(&self) -> GroupTopics {
        let mut topics = GroupTopics::new();
        for (topic, count) in &self.partitions {
            let racks = self.racks.get(topic).cloned();
            let racks = racks.unwrap_or_else(|| vec![Vec::new(); *count as usize]);
            let shared = |racks: Vec<String>| racks.into_iter().map(Arc::from);
            topics.insert(topic.as_str(), racks.into_iter().map(shared));
        }
        topics
    }

    fn members(&self, assignor: &Assignor) -> Vec<GroupMember> {
        let member = |case: &CaseMember| {
            let former = Former {
                owned: named(&case.owned),
                generation: case.generation,
            };
            let is_new = case.generation == NO_GENERATION;
            let user_data = assignor.user_data(Some(&former).filter(|_| !is_new));
            GroupMember {
                instance_id: case.instance.clone(),
                rack: case.rack.clone(),
                generation: Some(case.generation).filter(|_| !is_new),
                owned: match assignor.is_cooperative() {
                    true => former.owned,
                    false => Vec::new(),
                },
                user_data: user_data.unwrap(),
                ..GroupMember::new(&*case.id, &case.topics)
            }
        };
        self.members.iter().map(member).collect()
    }
}

fn assigns_as_java_does(assignor: &Assignor, golden: &str) {
    for (line, case) in Case::all(golden) {
        let (topics, mut members) = (case.topics(), case.members(assignor));
        let mut ours = assign(assignor, &members, &topics);
        let mut javas = all_named(&case.assigned);
        if assignor.is_cooperative() {
            hold_back(&mut javas, &members);
        }
        assert_eq!(ours, javas, "{line}");
        let Some(settled) = &case.settled else {
            continue;
        };
        for generation in 100..104 {
            members = rejoined(&members, &ours, generation);
            ours = assign(assignor, &members, &topics);
        }
        assert_eq!(ours, all_named(settled), "{line}");
    }
}

#[test]
fn range_assigns_as_java_does() {
    let golden = include_str!("../../../../../tests/golden/range.txt");
    assigns_as_java_does(&Assignor::Range, golden);
}

#[test]
fn round_robin_assigns_as_java_does() {
    let golden = include_str!("../../../../../tests/golden/roundrobin.txt");
    assigns_as_java_does(&Assignor::RoundRobin, golden);
}

#[test]
fn sticky_assigns_as_java_does() {
    let golden = include_str!("../../../../../tests/golden/sticky.txt");
    assigns_as_java_does(&Assignor::Sticky, golden);
}

#[test]
fn cooperative_sticky_assigns_as_java_does() {
    let golden = include_str!("../../../../../tests/golden/cooperative_sticky.txt");
    assigns_as_java_does(&Assignor::CooperativeSticky, golden);
}

// ---- random groups, with Java at hand ----

/// A group as integration/java/AssignorOracle.java reads it.
fn question(assignor: &Assignor, topics: &GroupTopics, members: &[Joined]) -> String {
    let racks = |topic: &Arc<str>| -> Vec<Vec<&str>> {
        let partitions = topics.partitions(topic);
        let racks = partitions.map(|at| topics.racks(topic, at.partition));
        racks
            .map(|racks| racks.iter().map(|rack| &**rack).collect())
            .collect()
    };
    let topics: BTreeMap<&str, _> = topics
        .names()
        .map(|topic| (&**topic, racks(topic)))
        .collect();
    let member = |member: &Joined| {
        let bytes = member.subscription.iter();
        let hex: String = bytes.map(|byte| format!("{byte:02x}")).collect();
        json!({"id": member.id, "instance": member.instance_id, "subscription": hex})
    };
    let members: Vec<_> = members.iter().map(member).collect();
    json!({"assignor": assignor.name(), "topics": topics, "members": members}).to_string()
}

/// What Java's assignors make of groups.
fn ask_java(questions: &[String]) -> Vec<String> {
    let jars = std::env::var("KAFKA_JARS").expect("KAFKA_JARS, which .ci/jars prints");
    let program =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../integration/java/AssignorOracle.java");
    let mut java = Command::new("java")
        .args(["-cp", &format!("{jars}/*")])
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It answers when it has read all.
    let mut stdin = java.stdin.take().unwrap();
    stdin.write_all(questions.join("\n").as_bytes()).unwrap();
    drop(stdin);
    let output = java.wait_with_output().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    answers.lines().map(str::to_owned).collect()
}

/// What Java's cooperative assignor gives to one of several members that say they own it, while another
/// works on it: ours holds that back.
fn hold_back(assigned: &mut Assignments, members: &[GroupMember]) -> bool {
    let mut is_held_back = false;
    for (id, has) in assigned {
        has.retain(|partition| {
            let others = claims(members, partition).any(|member| member.id != *id);
            let may_have = !others || owner(members, partition) == Some(id);
            is_held_back |= !may_have;
            may_have
        });
    }
    is_held_back
}

#[test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
fn random_groups_get_what_java_s_assignors_give_them() {
    let all = [
        Assignor::Range,
        Assignor::RoundRobin,
        Assignor::Sticky,
        Assignor::CooperativeSticky,
    ];
    let groups: Vec<Group> = SEEDS.map(Group::random).collect();
    let cases = all
        .iter()
        .flat_map(|assignor| groups.iter().map(move |group| (assignor, group)));
    let cases: Vec<_> = cases
        .map(|(assignor, group)| (assignor, group, group.joined(assignor)))
        .collect();
    let questions: Vec<String> = cases
        .iter()
        .map(|(assignor, group, joined)| question(assignor, &group.topics, joined))
        .collect();
    let answers = ask_java(&questions);
    assert_eq!(answers.len(), all.len() * groups.len());
    let mut held_back = 0;
    for (((assignor, group, joined), answer), question) in cases.iter().zip(answers).zip(questions)
    {
        let members: Vec<GroupMember> = joined.iter().map(Joined::read).collect();
        let ours = assign(assignor, &members, &group.topics);
        let javas: BTreeMap<String, ByTopic> = serde_json::from_str(&answer)
            .unwrap_or_else(|_| panic!("{answer}, asked for {question}"));
        let mut javas = all_named(&javas);
        if **assignor == Assignor::CooperativeSticky && !group.is_uniform() {
            held_back += usize::from(hold_back(&mut javas, &members));
        }
        assert_eq!(ours, javas, "{question}");
    }
    println!("in {held_back} groups something is held back that Java's assignor gives away");
}
