//! Partitions that are read apart, each by a stream of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration::{TestCluster, eventually, numbered};
use kafka_client::Kafka;
use kafka_client::consumer::{OffsetReset, PartitionStreamsBuilder};
use kafka_client::record::ConsumerRecord;

behaviours![members_share_partitions_by_streams];

fn member(kafka: &Kafka, group: &str) -> PartitionStreamsBuilder<ConsumerRecord> {
    let member = kafka.consumer(group).offset_reset(OffsetReset::Earliest);
    let member = member.heartbeat_interval(Duration::from_millis(50));
    member.partition_streams()
}

/// Each stream on a task of its own, while a second member comes and the first one goes.
async fn members_share_partitions_by_streams(cluster: &TestCluster) {
    let (topic, group) = (cluster.topic("apart", 8).await, cluster.name("streams"));
    let kafka = cluster.kafka().await;
    let read: Arc<Mutex<BTreeMap<i32, Vec<i64>>>> = Arc::default();
    let start = async || {
        let mut member = member(&kafka, &group).subscribe([&topic]).await.unwrap();
        let read = read.clone();
        let (leave, mut left) = tokio::sync::watch::channel(false);
        let task = tokio::spawn(async move {
            loop {
                let mut stream = tokio::select! {
                    biased;
                    _ = left.wait_for(|leave| *leave) => break,
                    stream = member.recv() => stream.unwrap(),
                };
                let read = read.clone();
                tokio::spawn(async move {
                    while let Some(record) = stream.recv().await {
                        let record = record.unwrap();
                        let mut read = read.lock().unwrap();
                        let offsets = read.entry(record.partition()).or_default();
                        offsets.push(record.offset());
                    }
                });
            }
            member.close().await.unwrap();
        });
        (leave, task)
    };
    let total = || read.lock().unwrap().values().map(Vec::len).sum::<usize>();
    let producer = cluster.kafka().await.producer().build().await.unwrap();

    let (leave, first) = start().await;
    numbered::send(&producer, &topic, 8, 0..100).await;
    eventually("the first has read all", async || total() == 800).await;
    let (leave_too, second) = start().await;
    numbered::send(&producer, &topic, 8, 100..200).await;
    eventually("they have read all", async || total() == 1600).await;
    leave.send(true).unwrap();
    first.await.unwrap();
    numbered::send(&producer, &topic, 8, 200..300).await;
    eventually("the second has read all", async || total() == 2400).await;
    leave_too.send(true).unwrap();
    second.await.unwrap();
    // Once each, and in order.
    for offsets in read.lock().unwrap().values() {
        assert_eq!(*offsets, (0..300).collect::<Vec<i64>>());
    }
    let reader = kafka.consumer(&group);
    let reader = reader
        .assign(integration::partitions(&topic, 8))
        .await
        .unwrap();
    let stored = reader
        .handle()
        .committed(&integration::partitions(&topic, 8))
        .await;
    let stored = stored.unwrap();
    assert!(
        stored.len() == 8 && stored.values().all(|offset| *offset == 300),
        "{stored:?}"
    );
}
