//! The feature `testing`: tests that are written as users write them, with a broker of their own. The same ones run on
//! Apache Kafka too.
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a failed unwrap is the message"
)]

mod listen_cost;

use std::process::Command;
use std::time::Duration;

use integration::kafka::NativeKafka;
use kafka_client::consumer::OffsetReset;
use kafka_client::record::Record;
use kafka_client::testing::broker::{Step, when};
use kafka_client::testing::{Setup, TestKafka};
use kafka_client::{ApiKey, ErrorCode, KafkaRecord};

#[derive(Debug, Clone, PartialEq, KafkaRecord)]
#[kafka(topic = "orders")]
struct Order {
    #[kafka(key)]
    id: String,
    cents: u64,
}

fn order(number: u64) -> Order {
    Order {
        id: format!("o-{number}"),
        cents: number,
    }
}

/// Reads so many orders and commits them.
async fn read(kafka: &TestKafka, count: usize) -> Vec<Order> {
    let orders = kafka.consumer("billing").manual_commit();
    let orders = orders.offset_reset(OffsetReset::Earliest);
    let mut orders = orders.topic::<Order>().start().await.unwrap();
    let mut all = Vec::new();
    while all.len() < count {
        all.push(orders.recv().await.unwrap().into_value());
    }
    orders.commit().await.unwrap();
    orders.close().await.unwrap();
    all
}

#[kafka_client::test(topics("orders:3"))]
async fn what_is_delivered_is_there_and_what_is_read_is_committed(kafka: TestKafka) {
    for number in 0..10 {
        let delivered = kafka.deliver(&order(number)).await;
        assert!((0..3).contains(&delivered.partition));
    }
    let mut sent = kafka.sent::<Order>().await;
    sent.sort_by_key(|order| order.cents);
    assert_eq!(sent, (0..10).map(order).collect::<Vec<_>>());
    kafka.assert_sent::<Order>(|order| order.cents == 7).await;
    assert!(kafka.committed("billing", "orders").await.is_empty());
    read(&kafka, 10).await;
    kafka.assert_all_committed("billing", "orders").await;
    let committed = kafka.committed("billing", "orders").await;
    assert_eq!(committed.values().sum::<i64>(), 10);
}

#[kafka_client::test(topics("orders", "raw"))]
async fn records_of_other_topics_are_found_too(kafka: TestKafka) {
    kafka.deliver_to("raw", &order(1)).await;
    kafka.deliver(Record::to("raw").key("k").value("v")).await;
    let raw = kafka.records("raw").await;
    assert_eq!(raw[1].value(), Some(&b"v"[..]));
    assert!(kafka.sent::<Order>().await.is_empty());
    assert_eq!(kafka.sent_to::<Order>("orders").await, []);
}

#[kafka_client::test(topics("orders"))]
#[should_panic(
    expected = "no such record in topic orders, but [\n    Order {\n        id: \"o-1\""
)]
async fn what_was_not_sent_is_told_with_what_was(kafka: TestKafka) {
    kafka.deliver(&order(1)).await;
    kafka.assert_sent::<Order>(|order| order.cents == 2).await;
}

#[kafka_client::test(topics("orders"))]
#[should_panic(expected = "group billing, topic orders: committed and ends are")]
async fn what_was_not_committed_is_told(kafka: TestKafka) {
    kafka.deliver(&order(1)).await;
    kafka.assert_all_committed("billing", "orders").await;
}

#[kafka_client::test(topics("orders"), properties("message.max.bytes=200"))]
async fn a_test_may_end_with_a_result(kafka: TestKafka) -> Result<(), kafka_client::Error> {
    assert_eq!(kafka.partitions("orders").await?.len(), 1);
    if kafka.is_embedded() {
        let producer = kafka.producer().build().await?;
        let value = "x".repeat(300);
        let refused = producer.send(Record::to("orders").value(&value)).await;
        assert!(refused.unwrap_err().to_string().contains("orders"));
    }
    Ok(())
}

/// These need what a real cluster has not.
fn embedded<W: Future<Output = ()>>(test: impl FnOnce(TestKafka) -> W) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().start_paused(true).build();
    runtime.unwrap().block_on(async {
        test(TestKafka::start(Setup::new().topic("orders", 2)).await).await;
    });
}

#[test]
fn a_broker_that_is_gone_for_a_while_is_waited_for() {
    embedded(async |kafka: TestKafka| {
        kafka.deliver(&order(1)).await;
        let began = tokio::time::Instant::now();
        kafka.restart_after(Duration::from_secs(30)).await;
        kafka.deliver(&order(2)).await;
        assert!(began.elapsed() >= Duration::from_secs(30));
        kafka.crash().await;
        kafka.start_again().await;
        kafka.deliver(&order(3)).await;
        assert_eq!(read(&kafka, 3).await.len(), 3);
        kafka.stop().await;
        kafka.start_again().await;
        kafka.assert_all_committed("billing", "orders").await;
    });
}

#[test]
fn a_broker_answers_as_the_test_wants() {
    embedded(async |kafka: TestKafka| {
        let refusal = Step::Error(ErrorCode::NOT_LEADER_OR_FOLLOWER);
        let hit = when(ApiKey::PRODUCE).times(1).then([refusal]);
        let injected = kafka.faults().inject(hit);
        kafka.deliver(&order(1)).await;
        assert_eq!(injected.hits(), 1);
        assert_eq!(kafka.with_broker(|broker| broker.storage_failure()), None);
        kafka.disk().slow(Duration::from_millis(1));
        kafka.deliver(&order(2)).await;
    });
}

#[test]
#[should_panic(expected = "the test was not done after 2s")]
fn a_test_that_waits_for_ever_fails() {
    let setup = Setup::new().time_limit(Duration::from_secs(2));
    kafka_client::testing::run(setup, async |_kafka| std::future::pending::<()>().await);
}

#[test]
#[should_panic(expected = "topic a/b")]
fn a_topic_that_cannot_be_is_told() {
    kafka_client::testing::run(Setup::new().topic("a/b", 1), async |_kafka| {});
}

/// This program again, with a test by attribute on Apache Kafka, whose topic is gone at the end.
#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn the_same_test_runs_on_apache_kafka() {
    let kafka = NativeKafka::start().await.unwrap();
    let mut tests = Command::new(std::env::current_exe().unwrap());
    let output = tests
        .arg("what_is_delivered")
        .env("KAFKA_CLIENT_TEST_BOOTSTRAP", kafka.bootstrap())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}"
    );
    let client = kafka_client::Kafka::connect(kafka.bootstrap())
        .await
        .unwrap();
    assert!(client.partitions("orders").await.is_err());
}

/// A topic that the test did not make is not deleted by it.
#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn a_topic_of_somebody_elses_fails_the_test_and_stays() {
    let kafka = NativeKafka::start().await.unwrap();
    let client = kafka_client::Kafka::connect(kafka.bootstrap())
        .await
        .unwrap();
    let topic = kafka_client::NewTopic::new("orders").partitions(5);
    client.create_topic(&topic).await.unwrap();
    let mut tests = Command::new(std::env::current_exe().unwrap());
    let output = tests
        .arg("what_is_delivered")
        .env("KAFKA_CLIENT_TEST_BOOTSTRAP", kafka.bootstrap())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("topic orders:"), "{told}");
    assert_eq!(client.partitions("orders").await.unwrap().len(), 5);
}
