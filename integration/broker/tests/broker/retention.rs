//! What goes out of a log: by DeleteRecords, by retention and by compaction.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kafka_broker::{Broker, Builder};
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use kafka_client_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};

use tokio::time::Instant;

use crate::support::{Client, NOW, batch, start};

/// A broker whose time of day goes with its timers, from that of the records on.
fn timed() -> Builder {
    let started = Instant::now();
    let clock = move || -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(NOW as u64) + started.elapsed()
    };
    Broker::builder().wall_clock(Arc::new(clock))
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// The error and the low watermark.
async fn delete(client: &mut Client, topic: &str, partition: i32, offset: i64) -> (ErrorCode, i64) {
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: topic.into(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: partition,
                offset,
                ..Default::default()
            }],
            ..Default::default()
        }],
        timeout_ms: 1000,
        ..Default::default()
    };
    let mut answers = Vec::new();
    for version in 0..=2 {
        let answer = client.call(&request, version).await;
        let topic = &answer.topics[0];
        assert_eq!(topic.name, request.topics[0].name);
        let of = &topic.partitions[0];
        assert_eq!(of.partition_index, partition);
        answers.push((ErrorCode::from(of.error_code), of.low_watermark));
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    answers[0]
}

async fn earliest(client: &mut Client, topic: &str) -> i64 {
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: topic.into(),
            partitions: vec![ListOffsetsPartition {
                timestamp: -2,
                current_leader_epoch: -1,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = client.call(&request, 7).await;
    answer.topics[0].partitions[0].offset
}

#[tokio::test]
async fn deleted_records_are_gone_for_readers_and_stay_so_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let builder = || Broker::builder().data_dir(dir.path());
    let broker = start(builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    for n in 0..5 {
        client.produce("t", 0, batch(&[&format!("v{n}")])).await;
    }
    assert_eq!(delete(&mut client, "t", 0, 3).await, (ErrorCode::NONE, 3));
    // Nothing goes back.
    assert_eq!(delete(&mut client, "t", 0, 1).await, (ErrorCode::NONE, 3));
    broker.crash().await;

    let broker = start(builder()).await;
    let mut client = Client::new(&broker);
    assert_eq!(earliest(&mut client, "t").await, 3);
    assert_eq!(client.values("t", 0, 3).await, ["v3", "v4"]);
    let data = client.fetch("t", 0, 2).await;
    assert_eq!(data.error_code, ErrorCode::OFFSET_OUT_OF_RANGE.code());
    let all = delete(&mut client, "t", 0, -1).await;
    assert_eq!(all, (ErrorCode::NONE, 5), "the high watermark");
    let produced = client.produce("t", 0, batch(&["v5"])).await;
    assert_eq!((produced.base_offset, produced.log_start_offset), (5, 5));
    broker.shutdown().await.unwrap();

    let broker = start(builder()).await;
    let mut client = Client::new(&broker);
    assert_eq!(earliest(&mut client, "t").await, 5);
    assert_eq!(client.values("t", 0, 5).await, ["v5"]);
}

#[tokio::test]
async fn what_may_not_be_deleted_is_refused_as_kafka_does() {
    let broker = start(Broker::builder()).await;
    let mut client = Client::new(&broker);
    let compact = [("cleanup.policy", "compact")];
    broker.create_topic_with("compacted", 1, compact).unwrap();
    let both = [("cleanup.policy", "compact,delete")];
    broker.create_topic_with("both", 1, both).unwrap();
    broker.create_topic("t", 1).unwrap();
    broker.create_topic("__consumer_offsets", 1).unwrap();
    for topic in ["compacted", "both", "t"] {
        client.produce(topic, 0, batch(&["v"])).await;
    }
    for (topic, partition, offset, expected) in [
        ("t", 0, 2, ErrorCode::OFFSET_OUT_OF_RANGE),
        ("t", 0, -2, ErrorCode::OFFSET_OUT_OF_RANGE),
        ("t", 1, 0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        ("nope", 0, 0, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        ("compacted", 0, 1, ErrorCode::POLICY_VIOLATION),
        (
            "__consumer_offsets",
            0,
            0,
            ErrorCode::INVALID_TOPIC_EXCEPTION,
        ),
    ] {
        let answer = delete(&mut client, topic, partition, offset).await;
        assert_eq!(answer, (expected, -1), "{topic}-{partition} to {offset}");
    }
    assert_eq!(
        delete(&mut client, "both", 0, 1).await,
        (ErrorCode::NONE, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn records_go_when_their_time_is_over_and_their_files_later() {
    let dir = tempfile::tempdir().unwrap();
    let builder = timed().data_dir(dir.path());
    let broker = start(builder.property("log.retention.check.interval.ms", "60000")).await;
    let configs = [
        ("retention.ms", "120000"),
        ("file.delete.delay.ms", "20000"),
    ];
    broker.create_topic_with("t", 1, configs).unwrap();
    let mut client = Client::new(&broker);
    client.produce("t", 0, batch(&["old"])).await;
    pass(119).await;
    assert_eq!(client.values("t", 0, 0).await, ["old"]);
    // The checks are at 30, 90 and 150 s.
    pass(35).await;
    assert_eq!(earliest(&mut client, "t").await, 1);
    let data = client.fetch("t", 0, 0).await;
    assert_eq!(data.error_code, ErrorCode::OFFSET_OUT_OF_RANGE.code());
    let deleted = dir.path().join(format!("t-0/{:020}.log.deleted", 0));
    assert!(deleted.exists());
    pass(20).await;
    assert!(!deleted.exists());
    let produced = client.produce("t", 0, batch(&["new"])).await;
    assert_eq!(produced.base_offset, 1);
    broker.crash().await;

    let broker = start(Broker::builder().data_dir(dir.path())).await;
    let mut client = Client::new(&broker);
    assert_eq!(earliest(&mut client, "t").await, 1);
    assert_eq!(client.values("t", 0, 1).await, ["new"]);
}

#[tokio::test(start_paused = true)]
async fn a_log_in_memory_keeps_no_more_than_its_retention_bytes() {
    let broker = start(timed()).await;
    let size = batch(&["v0"]).len();
    let segment = (2 * size).to_string();
    let kept = (4 * size).to_string();
    let configs = [
        ("internal.segment.bytes", segment.as_str()),
        ("retention.bytes", kept.as_str()),
    ];
    broker.create_topic_with("t", 1, configs).unwrap();
    let mut client = Client::new(&broker);
    for n in 0..9 {
        client.produce("t", 0, batch(&[&format!("v{n}")])).await;
    }
    assert_eq!(earliest(&mut client, "t").await, 0);
    pass(31).await;
    // Segments of two; the one that would go below the limit stays.
    assert_eq!(earliest(&mut client, "t").await, 4);
    assert_eq!(
        client.values("t", 0, 4).await,
        ["v4", "v5", "v6", "v7", "v8"]
    );
}
