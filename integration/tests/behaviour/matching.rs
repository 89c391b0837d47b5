//! Members that share all topics whose names match.

use std::collections::BTreeSet;
use std::time::Duration;

use integration::{TestCluster, eventually};
use kafka_client::consumer::{Consumer, ConsumerBuilder, ConsumerHandle, OffsetReset};
use kafka_client::producer::Producer;
use kafka_client::record::Record;
use kafka_client::{Kafka, NewTopic};
use tokio::task::JoinHandle;

behaviours![
    topics_that_match_are_read_also_those_that_come_later,
    a_topic_that_matched_is_given_up_when_it_is_deleted,
    a_member_goes_from_a_pattern_to_names_and_back,
    members_with_different_patterns_share_what_both_match,
];

/// Topics of a name of its own, and a member that finds new ones soon.
struct Scene<'a> {
    cluster: &'a TestCluster,
    kafka: Kafka,
    producer: Producer,
    prefix: String,
}

impl<'a> Scene<'a> {
    async fn new(cluster: &'a TestCluster) -> Self {
        let age = Duration::from_millis(100);
        let kafka = cluster.client().metadata_max_age(age);
        let kafka = kafka.connect().await.unwrap();
        let producer = cluster.kafka().await.producer().build().await.unwrap();
        let prefix = cluster.name("matching");
        Self {
            cluster,
            kafka,
            producer,
            prefix,
        }
    }

    fn name(&self, label: &str) -> String {
        format!("{}.{label}", self.prefix)
    }

    async fn create(&self, label: &str, partitions: i32) -> String {
        let topic = NewTopic::new(self.name(label)).partitions(partitions);
        self.kafka.create_topic(&topic).await.unwrap();
        self.name(label)
    }

    /// Sends a record to each partition of a topic.
    async fn send(&self, topic: &str, partitions: i32) {
        for partition in 0..partitions {
            let record = Record::to(topic).partition(partition).value("v");
            self.producer.send(record).await.unwrap();
        }
    }

    fn member(&self, group: &str) -> ConsumerBuilder {
        let group = self.cluster.name(group);
        let member = self.kafka.consumer(group);
        member
            .offset_reset(OffsetReset::Earliest)
            .heartbeat_interval(Duration::from_millis(50))
    }

    /// Whether a topic has this name and one of these letters.
    fn letters(&self, letters: &'static str) -> impl Fn(&str) -> bool + Send + Sync + 'static {
        let prefix = self.name("");
        move |topic| {
            let label = topic.strip_prefix(&prefix);
            label.is_some_and(|label| label.contains(|letter| letters.contains(letter)))
        }
    }
}

/// The topics of so many records.
async fn receive(member: &mut Consumer, records: usize) -> Vec<String> {
    let mut topics = Vec::new();
    for _ in 0..records {
        let record = tokio::time::timeout(Duration::from_secs(30), member.recv());
        topics.push(
            record
                .await
                .expect("records come")
                .unwrap()
                .topic()
                .to_owned(),
        );
    }
    topics.sort();
    topics
}

fn topics(member: &ConsumerHandle) -> Vec<String> {
    let owned = member.assignment().into_iter();
    let topics: BTreeSet<_> = owned.map(|owned| owned.topic.to_string()).collect();
    topics.into_iter().collect()
}

/// Waits until a member owns partitions of just these topics.
async fn own(member: &ConsumerHandle, expected: &[&String]) {
    eventually(&format!("partitions of {expected:?}"), async || {
        topics(member).iter().eq(expected.iter().copied())
    })
    .await;
}

/// Has a member ask for records until it is aborted.
fn keep_asking(mut member: Consumer) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            member.recv().await.unwrap();
        }
    })
}

async fn topics_that_match_are_read_also_those_that_come_later(cluster: &TestCluster) {
    let scene = Scene::new(cluster).await;
    let [a, b] = [scene.create("a", 1).await, scene.create("b", 2).await];
    let other = scene.create("x", 1).await;
    for (topic, partitions) in [(&a, 1), (&b, 2), (&other, 1)] {
        scene.send(topic, partitions).await;
    }
    // The cluster's own topics would match, too.
    let letters = scene.letters("abc");
    let matches = move |topic: &str| letters(topic) || topic.starts_with("__");
    let member = scene.member("group");
    let mut member = member.subscribe_matching(matches).await.unwrap();
    let read = receive(&mut member, 3).await;
    assert_eq!(read, [&a, &b, &b].map(String::clone));

    let c = scene.create("c", 2).await;
    let another = scene.create("y", 1).await;
    for (topic, partitions) in [(&c, 2), (&another, 1), (&other, 1)] {
        scene.send(topic, partitions).await;
    }
    let read = receive(&mut member, 2).await;
    assert_eq!(read, [&c, &c].map(String::clone));
    assert_eq!(topics(&member.handle()), [a, b, c]);
    member.close().await.unwrap();
}

async fn a_topic_that_matched_is_given_up_when_it_is_deleted(cluster: &TestCluster) {
    let scene = Scene::new(cluster).await;
    let [a, b] = [scene.create("a", 1).await, scene.create("b", 1).await];
    scene.send(&a, 1).await;
    scene.send(&b, 1).await;
    let member = scene.member("group");
    let mut member = member
        .subscribe_matching(scene.letters("ab"))
        .await
        .unwrap();
    receive(&mut member, 2).await;
    let handle = member.handle();
    scene.kafka.delete_topic(&a).await.unwrap();
    eventually("the other alone", async || {
        let nothing = tokio::time::timeout(Duration::from_millis(50), member.recv()).await;
        assert!(nothing.is_err(), "{nothing:?}");
        topics(&handle) == [b.as_str()]
    })
    .await;
    scene.send(&b, 1).await;
    assert_eq!(receive(&mut member, 1).await, [b]);
    member.close().await.unwrap();
}

async fn a_member_goes_from_a_pattern_to_names_and_back(cluster: &TestCluster) {
    let scene = Scene::new(cluster).await;
    let [a, b, c] = [
        scene.create("a", 1).await,
        scene.create("b", 1).await,
        scene.create("c", 1).await,
    ];
    let member = scene.member("group");
    let member = member
        .subscribe_matching(scene.letters("ab"))
        .await
        .unwrap();
    let handle = member.handle();
    let asking = keep_asking(member);
    own(&handle, &[&a, &b]).await;
    handle.subscribe([&c]).unwrap();
    own(&handle, &[&c]).await;
    // What comes now and would have matched before is not taken in.
    let ab = scene.create("ab", 1).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    own(&handle, &[&c]).await;
    handle.subscribe_matching(scene.letters("bc")).unwrap();
    own(&handle, &[&ab, &b, &c]).await;
    handle.subscribe_matching(scene.letters("a")).unwrap();
    own(&handle, &[&a, &ab]).await;
    asking.abort();
}

async fn members_with_different_patterns_share_what_both_match(cluster: &TestCluster) {
    let scene = Scene::new(cluster).await;
    let mut names = Vec::new();
    for label in ["a", "b", "c"] {
        names.push(scene.create(label, 2).await);
    }
    let group = scene.member("group");
    let first = group.clone().subscribe_matching(scene.letters("ab")).await;
    let second = group.subscribe_matching(scene.letters("bcd")).await;
    let members = [first.unwrap(), second.unwrap()];
    let handles = members.each_ref().map(Consumer::handle);
    let asking = members.map(keep_asking);
    let counts = |member: &ConsumerHandle| -> Vec<usize> {
        let owned = member.assignment();
        let of = |name: &String| owned.iter().filter(|owned| *owned.topic == **name).count();
        names.iter().map(of).collect()
    };
    eventually("three for each", async || {
        [counts(&handles[0]), counts(&handles[1])] == [[2, 1, 0], [0, 1, 2]]
    })
    .await;
    // One that comes later goes to the one whose pattern it matches.
    let d = scene.create("d", 1).await;
    eventually("the new one", async || topics(&handles[1]).contains(&d)).await;
    assert!(!topics(&handles[0]).contains(&d));
    asking.iter().for_each(JoinHandle::abort);
}
