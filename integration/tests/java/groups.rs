//! One group of Java's members and ours, and what Java's tools say of our groups.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use integration::kafka::{JavaProcess, JavaTools, class};
use integration::{TestCluster, eventually, numbered};
use kafka_client::Kafka;
use kafka_client::consumer::{Assignor, ConsumerBuilder, ConsumerHandle, OffsetReset};
use serde_json::Value;
use tokio::sync::watch;

const PARTITIONS: i32 = 6;
const LIMIT: Duration = Duration::from_secs(60);

/// The lines of a VerifiableConsumer with this name.
fn events(lines: &[String], name: &str) -> Vec<Value> {
    lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|event: &Value| event["name"] == name)
        .collect()
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

/// Java's member of a group.
struct Java(JavaProcess);

impl Java {
    fn start(
        tools: &JavaTools,
        bootstrap: &str,
        topic: &str,
        group: &str,
        assignor: &Assignor,
    ) -> Self {
        let assignor = match assignor {
            Assignor::Sticky => "org.apache.kafka.clients.consumer.StickyAssignor",
            _ => "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
        };
        let args = [
            "--bootstrap-server",
            bootstrap,
            "--topic",
            topic,
            "--group-id",
            group,
            "--assignment-strategy",
            assignor,
            "--reset-policy",
            "earliest",
            "--verbose",
        ];
        Self(tools.spawn(class::VERIFIABLE_CONSUMER, &args).unwrap())
    }

    fn owned(lines: &[String]) -> BTreeSet<i32> {
        let mut owned = BTreeSet::new();
        for event in lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        {
            let partitions = || {
                let partitions = event["partitions"].as_array().into_iter().flatten();
                partitions.map(|partition| number(&partition["partition"]) as i32)
            };
            match event["name"].as_str() {
                Some("partitions_assigned") => owned.extend(partitions()),
                Some("partitions_revoked") => {
                    owned.retain(|p| !partitions().any(|other| other == *p))
                }
                _ => {}
            }
        }
        owned
    }

    /// Partition and offset of every record it had.
    fn records(&self) -> Vec<(i32, i64)> {
        let records = events(&self.0.stdout(), "record_data").into_iter();
        let place = |record: Value| {
            (
                number(&record["partition"]) as i32,
                number(&record["offset"]),
            )
        };
        records.map(place).collect()
    }

    async fn owns(&mut self, partitions: usize) -> BTreeSet<i32> {
        let wanted = |lines: &[String]| Self::owned(lines).len() == partitions;
        let what = format!("{partitions} partitions");
        Self::owned(&self.0.wait_for(&what, LIMIT, wanted).await.unwrap())
    }
}

/// Our member, which notes what it has.
struct Ours {
    handle: ConsumerHandle,
    records: watch::Receiver<Vec<(i32, i64)>>,
    leave: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

fn member(kafka: &Kafka, group: &str) -> ConsumerBuilder {
    let member = kafka.consumer(group).offset_reset(OffsetReset::Earliest);
    member.heartbeat_interval(Duration::from_millis(100))
}

impl Ours {
    async fn start(kafka: &Kafka, topic: &str, group: &str, assignor: &Assignor) -> Self {
        let member = member(kafka, group).assignors([assignor.clone()]);
        let mut consumer = member.subscribe([topic]).await.unwrap();
        let (noted, records) = watch::channel(Vec::new());
        let (leave, mut left) = watch::channel(false);
        let handle = consumer.handle();
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    biased;
                    _ = left.wait_for(|leave| *leave) => break,
                    record = consumer.recv() => {
                        let record = record.unwrap();
                        noted.send_modify(|all| all.push((record.partition(), record.offset())));
                    }
                }
            }
            consumer.close().await.unwrap();
        });
        Self {
            handle,
            records,
            leave,
            task,
        }
    }

    fn owned(&self) -> BTreeSet<i32> {
        self.handle
            .assignment()
            .iter()
            .map(|partition| partition.partition)
            .collect()
    }

    async fn owns(&self, partitions: usize) -> BTreeSet<i32> {
        let what = format!("{partitions} partitions for ours");
        eventually(&what, async || self.owned().len() == partitions).await;
        self.owned()
    }

    async fn leave(self) -> Vec<(i32, i64)> {
        self.leave.send_replace(true);
        self.task.await.unwrap();
        let records = self.records.borrow();
        records.clone()
    }
}

/// Every record once, over both members, and in the order of its partition for each.
fn assert_once(members: [&[(i32, i64)]; 2], each: i64) {
    let mut all = BTreeMap::new();
    for records in members {
        let mut last = BTreeMap::new();
        for (partition, offset) in records {
            *all.entry((*partition, *offset)).or_insert(0) += 1;
            let before = last.insert(*partition, *offset);
            assert!(
                before.is_none_or(|before| before < *offset),
                "{partition}: {offset}"
            );
        }
    }
    for partition in 0..PARTITIONS {
        for offset in 0..each {
            let times = all.remove(&(partition, offset)).unwrap_or(0);
            assert_eq!(times, 1, "record {offset} of partition {partition}");
        }
    }
    assert!(all.is_empty(), "{all:?}");
}

/// One of Java's and one of ours share a topic; the one that was first leads the group, and the
/// other's subscription and assignment are in its hands.
async fn share(cluster: &TestCluster, assignor: Assignor, java_first: bool) {
    let tools = JavaTools::from_env().unwrap();
    let topic = cluster.topic("mixed", PARTITIONS).await;
    let group = cluster.name("mixed");
    let kafka = cluster.kafka().await;
    let producer = kafka.producer().build().await.unwrap();
    numbered::send(&producer, &topic, PARTITIONS, 0..100).await;

    let all: BTreeSet<i32> = (0..PARTITIONS).collect();
    let bootstrap = cluster.bootstrap();
    let start_java = || Java::start(&tools, &bootstrap, &topic, &group, &assignor);
    let (mut java, ours);
    if java_first {
        java = start_java();
        assert_eq!(java.owns(6).await, all);
        ours = Ours::start(&kafka, &topic, &group, &assignor).await;
    } else {
        ours = Ours::start(&kafka, &topic, &group, &assignor).await;
        assert_eq!(ours.owns(6).await, all);
        java = start_java();
    }
    let (theirs, mine) = (java.owns(3).await, ours.owns(3).await);
    assert!(theirs.is_disjoint(&mine), "{theirs:?} and {mine:?}");
    assert_eq!(&theirs | &mine, all);

    numbered::send(&producer, &topic, PARTITIONS, 100..200).await;
    let arrived = |java: &Java| java.records().len() + ours.records.borrow().len();
    eventually("all records", async || {
        arrived(&java) >= 200 * PARTITIONS as usize
    })
    .await;

    // One leaves, and the other has it all.
    let (their_records, our_records) = if java_first {
        let their_records = java.records();
        java.0.terminate(LIMIT).await.unwrap();
        assert_eq!(ours.owns(6).await, all);
        numbered::send(&producer, &topic, PARTITIONS, 200..250).await;
        let total = 250 * PARTITIONS as usize - their_records.len();
        eventually("the rest", async || ours.records.borrow().len() >= total).await;
        (their_records, ours.leave().await)
    } else {
        let our_records = ours.leave().await;
        assert_eq!(java.owns(6).await, all);
        numbered::send(&producer, &topic, PARTITIONS, 200..250).await;
        let total = 250 * PARTITIONS as usize - our_records.len();
        eventually("the rest", async || java.records().len() >= total).await;
        let their_records = java.records();
        java.0.terminate(LIMIT).await.unwrap();
        (their_records, our_records)
    };
    assert_once([&their_records, &our_records], 250);
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn ours_joins_javas_member_on_our_broker() {
    share(
        &TestCluster::embedded().await,
        Assignor::CooperativeSticky,
        true,
    )
    .await;
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn javas_member_joins_ours_on_our_broker() {
    share(
        &TestCluster::embedded().await,
        Assignor::CooperativeSticky,
        false,
    )
    .await;
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn ours_joins_javas_member_of_the_sticky_assignor() {
    share(&TestCluster::embedded().await, Assignor::Sticky, true).await;
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn javas_member_joins_ours_of_the_sticky_assignor() {
    share(&TestCluster::embedded().await, Assignor::Sticky, false).await;
}

#[tokio::test]
#[ignore = "needs a container engine and KAFKA_JARS; .ci/run provides both"]
async fn ours_joins_javas_member_on_apache_kafka() {
    share(
        &TestCluster::apache_kafka().await,
        Assignor::CooperativeSticky,
        true,
    )
    .await;
}

#[tokio::test]
#[ignore = "needs a container engine and KAFKA_JARS; .ci/run provides both"]
async fn javas_member_joins_ours_on_apache_kafka() {
    share(
        &TestCluster::apache_kafka().await,
        Assignor::CooperativeSticky,
        false,
    )
    .await;
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn consumer_group_command_describes_our_group_on_our_broker() {
    let cluster = TestCluster::embedded().await;
    let tools = JavaTools::from_env().unwrap();
    let topic = cluster.topic("described", 2).await;
    let kafka = cluster
        .client()
        .client_id("the-reader")
        .connect()
        .await
        .unwrap();
    let producer = kafka.producer().build().await.unwrap();
    numbered::send(&producer, &topic, 2, 0..10).await;
    let mut consumer = member(&kafka, "described")
        .subscribe([&topic])
        .await
        .unwrap();
    numbered::receive(&mut consumer, 20).await;
    consumer.commit().await.unwrap();
    numbered::send(&producer, &topic, 2, 10..13).await;

    let bootstrap = cluster.bootstrap();
    let ask = async |more: &[&str]| {
        let args = [&["--bootstrap-server", &bootstrap], more].concat();
        let said = tools.run(class::CONSUMER_GROUPS, &args, b"").await.unwrap();
        let said = said.success().unwrap();
        let lines = said.stdout.lines().map(|line| {
            line.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        });
        lines.filter(|words| !words.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(ask(&["--list"]).await, [["described"]]);

    let described = ask(&["--describe", "--group", "described"]).await;
    let column = |name: &str| described[0].iter().position(|word| word == name).unwrap();
    let rows = &described[1..];
    assert_eq!(rows.len(), 2, "{described:?}");
    for (partition, row) in rows.iter().enumerate() {
        let said = |name| row[column(name)].as_str();
        assert_eq!(said("GROUP"), "described");
        assert_eq!(said("TOPIC"), topic);
        assert_eq!(said("PARTITION"), partition.to_string());
        assert_eq!(said("CURRENT-OFFSET"), "10");
        assert_eq!(said("LOG-END-OFFSET"), "13");
        assert_eq!(said("LAG"), "3");
        assert_eq!(said("CLIENT-ID"), "the-reader");
        assert!(said("CONSUMER-ID").starts_with("the-reader-"), "{row:?}");
        assert!(said("HOST").contains("127.0.0.1"), "{row:?}");
    }
    let state = ask(&["--describe", "--group", "described", "--state"]).await;
    let state = state.concat().join(" ");
    assert!(
        state.contains("cooperative-sticky") && state.contains("Stable"),
        "{state}"
    );
    let members = ask(&[
        "--describe",
        "--group",
        "described",
        "--members",
        "--verbose",
    ])
    .await;
    let members = members.concat().join(" ");
    assert!(members.contains(&format!("{topic}:0,1")), "{members}");
    consumer.close().await.unwrap();

    // An empty group keeps its offsets.
    let described = ask(&["--describe", "--group", "described", "--offsets"]).await;
    assert_eq!(described.len(), 3, "{described:?}");
}
