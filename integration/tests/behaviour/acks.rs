//! Records that are acknowledged one by one, and what a member may change while it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration::{TestCluster, eventually, numbered, partitions};
use kafka_client::Kafka;
use kafka_client::consumer::{
    AckConsumerBuilder, Assignor, Concurrency, ConsumerBuilder, OffsetReset, TopicPartition,
};
use kafka_client::record::ConsumerRecord;

behaviours![
    what_is_acknowledged_without_a_gap_is_stored,
    handlers_share_partitions_and_handle_each_record_once,
    a_subscription_changes_while_records_flow,
    members_of_the_roundrobin_assignor_share_what_there_is,
    a_topic_made_anew_is_read_from_its_beginning,
];

fn member(kafka: &Kafka, group: &str) -> ConsumerBuilder {
    let member = kafka.consumer(group).offset_reset(OffsetReset::Earliest);
    member.heartbeat_interval(Duration::from_millis(50))
}

fn worker(kafka: &Kafka, group: &str) -> AckConsumerBuilder<ConsumerRecord> {
    let member = member(kafka, group).auto_commit(Duration::from_millis(100));
    member.manual_ack()
}

async fn written(cluster: &TestCluster, name: &str, count: i32, numbers: u64) -> String {
    let topic = cluster.topic(name, count).await;
    let producer = cluster.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, &topic, count, 0..numbers).await;
    topic
}

async fn what_is_acknowledged_without_a_gap_is_stored(cluster: &TestCluster) {
    let topic = written(cluster, "acked", 1, 10).await;
    let (kafka, group) = (cluster.kafka().await, cluster.name("acks"));
    let mut member = worker(&kafka, &group).subscribe([&topic]).await.unwrap();
    let mut deliveries = BTreeMap::new();
    for _ in 0..10 {
        let delivery = member.recv().await.unwrap();
        deliveries.insert(delivery.offset(), delivery);
    }
    for offset in [0, 1, 4, 2, 9] {
        deliveries.remove(&offset).unwrap().ack();
    }
    let at = [TopicPartition::new(&*topic, 0)];
    let handle = member.handle();
    let stored = async || handle.committed(&at).await.unwrap().get(&at[0]).copied();
    eventually("it is stored", async || stored().await == Some(3)).await;
    deliveries.remove(&3).unwrap().ack();
    eventually("it is stored", async || stored().await == Some(5)).await;
    for offset in 5..9 {
        deliveries.remove(&offset).unwrap().ack();
    }
    member.close().await.unwrap();
    let reader = kafka.consumer(&group).assign(at.clone()).await.unwrap();
    let stored = reader.handle().committed(&at).await.unwrap();
    assert_eq!(stored.get(&at[0]), Some(&10));
}

async fn handlers_share_partitions_and_handle_each_record_once(cluster: &TestCluster) {
    let topic = written(cluster, "handled", 6, 300).await;
    let (kafka, group) = (cluster.kafka().await, cluster.name("handlers"));
    let handled = Arc::new(Mutex::new(BTreeMap::<(i32, i64), u32>::new()));
    let total = || handled.lock().unwrap().len();
    let handle = async |records: usize| {
        let mut consumer = worker(&kafka, &group).subscribe([&topic]).await.unwrap();
        let handler = |record: ConsumerRecord| {
            let handled = handled.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(2)).await;
                let place = (record.partition(), record.offset());
                *handled.lock().unwrap().entry(place).or_default() += 1;
                Ok::<_, std::io::Error>(())
            }
        };
        let shutdown = eventually("they are handled", async || total() >= records);
        let order = Concurrency::PerPartition;
        let ended = consumer.for_each_concurrent(order, shutdown, handler).await;
        ended.unwrap();
        consumer.close().await.unwrap();
    };
    // The second comes while the first works, and stays when it has gone.
    tokio::join!(handle(900), async {
        eventually("some are handled", async || total() > 100).await;
        handle(1_800).await;
    });
    let handled = handled.lock().unwrap();
    assert_eq!(handled.len(), 1_800);
    assert!(handled.values().all(|times| *times == 1), "each once");
}

async fn a_subscription_changes_while_records_flow(cluster: &TestCluster) {
    let one = written(cluster, "one", 1, 10).await;
    let two = written(cluster, "two", 1, 10).await;
    let (kafka, group) = (cluster.kafka().await, cluster.name("changing"));
    let mut member = member(&kafka, &group).subscribe([&one]).await.unwrap();
    numbered::receive(&mut member, 10).await.assert_is(1, 0..10);
    let handle = member.handle();
    handle.subscribe([&two]).unwrap();
    numbered::receive(&mut member, 10).await.assert_is(1, 0..10);
    assert_eq!(handle.assignment(), partitions(&two, 1));
    let at = partitions(&one, 1);
    let stored = handle.committed(&at).await.unwrap();
    assert_eq!(stored.get(&at[0]), Some(&10), "committed before it went");
    member.close().await.unwrap();
}

async fn members_of_the_roundrobin_assignor_share_what_there_is(cluster: &TestCluster) {
    let topic = written(cluster, "turns", 4, 10).await;
    let (kafka, group) = (cluster.kafka().await, cluster.name("turns"));
    let join = async || {
        let member = member(&kafka, &group).assignors([Assignor::RoundRobin]);
        member.subscribe([&topic]).await.unwrap()
    };
    let mut first = join().await;
    numbered::receive(&mut first, 40).await.assert_is(4, 0..10);
    let mut second = join().await;
    let (one, two) = (first.handle(), second.handle());
    let poll = async |member: &mut kafka_client::consumer::Consumer| {
        drop(tokio::time::timeout(Duration::from_millis(50), member.recv()).await);
    };
    while one.assignment().len() != 2 || two.assignment().len() != 2 {
        poll(&mut first).await;
        poll(&mut second).await;
    }
    let mut all = [one.assignment(), two.assignment()].concat();
    all.sort();
    assert_eq!(all, partitions(&topic, 4));
    first.close().await.unwrap();
    second.close().await.unwrap();
}

async fn a_topic_made_anew_is_read_from_its_beginning(cluster: &TestCluster) {
    let topic = written(cluster, "reborn", 1, 20).await;
    let client = cluster
        .client()
        .metadata_max_age(Duration::from_millis(200));
    let (kafka, group) = (client.connect().await.unwrap(), cluster.name("reborn"));
    let member = member(&kafka, &group).allow_auto_create_topics(false);
    let mut member = member.subscribe([&topic]).await.unwrap();
    numbered::receive(&mut member, 20).await.assert_is(1, 0..20);
    kafka.delete_topic(&topic).await.unwrap();
    // Until the brokers have forgotten it, it cannot be made.
    eventually("it is made anew", async || {
        let new = kafka_client::NewTopic::new(&*topic).partitions(1);
        kafka.create_topic(&new).await.is_ok()
    })
    .await;
    let producer = kafka.producer().build().await.unwrap();
    numbered::send(&producer, &topic, 1, 0..5).await;
    numbered::receive(&mut member, 5).await.assert_is(1, 0..5);
    member.close().await.unwrap();
}
