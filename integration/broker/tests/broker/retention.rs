//! What goes out of a log: by DeleteRecords, by retention and by compaction.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use kafka_broker::{Broker, Builder};
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use kafka_client_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_client_protocol::api::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_client_protocol::api::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_client_protocol::records::{BatchBuilder, Batches, Seal};

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

/// A batch of keys and values; no value is a tombstone.
fn keyed(records: &[(Option<&str>, Option<&str>)]) -> Bytes {
    let mut open = BatchBuilder::new(BytesMut::new());
    for (key, value) in records {
        let (key, value) = (key.map(str::as_bytes), value.map(str::as_bytes));
        open.append(NOW, key, value, &[]).unwrap();
    }
    open.seal(&Seal::default()).unwrap().bytes
}

/// All offsets, keys and values.
async fn all_of(client: &mut Client, topic: &str) -> Vec<(i64, String, Option<String>)> {
    let mut all = Vec::new();
    let mut offset = earliest(client, topic).await;
    loop {
        let data = client.fetch(topic, 0, offset).await;
        assert_eq!(data.error_code, 0);
        let before = offset;
        for batch in Batches::new(data.records.unwrap()) {
            let batch = batch.unwrap();
            offset = batch.header().next_offset();
            let mut records = batch.records(1 << 20).unwrap();
            while let Some(record) = records.next_record() {
                let record = record.unwrap();
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                let value = record.value.map(text);
                all.push((record.offset, text(record.key.unwrap()), value));
            }
        }
        if offset == before {
            return all;
        }
    }
}

const COMPACTED: [(&str, &str); 3] = [
    ("cleanup.policy", "compact"),
    ("internal.segment.bytes", "200"),
    ("min.cleanable.dirty.ratio", "0.01"),
];

#[tokio::test(start_paused = true)]
async fn a_compacted_topic_keeps_the_last_value_of_each_key_and_all_offsets() {
    let dir = tempfile::tempdir().unwrap();
    for builder in [timed(), timed().data_dir(dir.path())] {
        let broker = start(builder).await;
        broker.create_topic_with("t", 1, COMPACTED).unwrap();
        let mut client = Client::new(&broker);
        for n in 0..20 {
            let (key, value) = (format!("k{}", n % 3), n.to_string());
            let records = keyed(&[(Some(&key), Some(&value))]);
            client.produce("t", 0, records).await;
        }
        assert_eq!(all_of(&mut client, "t").await.len(), 20);
        pass(16).await;
        let left = all_of(&mut client, "t").await;
        let offsets: Vec<i64> = left.iter().map(|record| record.0).collect();
        // Two to a segment; the last one is the active one, and is left alone.
        assert_eq!(offsets, [15, 16, 17, 18, 19]);
        for (offset, key, value) in &left {
            assert_eq!(*key, format!("k{}", offset % 3));
            assert_eq!(value.as_deref(), Some(offset.to_string().as_str()));
        }
        assert_eq!(earliest(&mut client, "t").await, 0);
        assert_eq!(broker.end_offset("t", 0), Some(20));
    }
    let checkpoint = dir.path().join("cleaner-offset-checkpoint");
    let checkpoint = std::fs::read_to_string(checkpoint).unwrap();
    assert_eq!(checkpoint, "0\n1\nt 0 18\n");
}

#[tokio::test(start_paused = true)]
async fn a_tombstone_goes_after_delete_retention_ms_from_its_first_compaction_on() {
    let broker = start(timed()).await;
    let retention = ("delete.retention.ms", "100000");
    let configs = COMPACTED.into_iter().chain([retention]);
    broker.create_topic_with("t", 1, configs).unwrap();
    let mut client = Client::new(&broker);
    client
        .produce("t", 0, keyed(&[(Some("gone"), Some("1"))]))
        .await;
    client.produce("t", 0, keyed(&[(Some("gone"), None)])).await;
    let fill = async |client: &mut Client| {
        for _ in 0..4 {
            client
                .produce("t", 0, keyed(&[(Some("x"), Some("y"))]))
                .await;
        }
    };
    let has_tombstone = async |client: &mut Client| {
        let all = all_of(client, "t").await;
        let mut of_key = all.into_iter().filter(|record| record.1 == "gone");
        let first = of_key.next();
        assert_eq!(of_key.next(), None);
        assert!(first.as_ref().is_none_or(|record| record.2.is_none()));
        first.is_some()
    };
    pass(200).await;
    fill(&mut client).await;
    pass(16).await;
    assert!(has_tombstone(&mut client).await, "its time begins here");
    pass(60).await;
    fill(&mut client).await;
    pass(16).await;
    assert!(has_tombstone(&mut client).await);
    pass(30).await;
    fill(&mut client).await;
    pass(16).await;
    assert!(!has_tombstone(&mut client).await);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_young_is_not_compacted_and_what_waits_too_long_is() {
    let broker = start(timed()).await;
    let lag = ("min.compaction.lag.ms", "100000");
    broker
        .create_topic_with("young", 1, COMPACTED.into_iter().chain([lag]))
        .unwrap();
    let configs = [
        ("cleanup.policy", "compact"),
        ("internal.segment.bytes", "200"),
        ("min.cleanable.dirty.ratio", "1"),
        ("max.compaction.lag.ms", "50000"),
    ];
    broker.create_topic_with("late", 1, configs).unwrap();
    let mut client = Client::new(&broker);
    for topic in ["young", "late"] {
        for n in 0..9 {
            let records = keyed(&[(Some("k"), Some(&n.to_string()))]);
            client.produce(topic, 0, records).await;
        }
    }
    pass(40).await;
    assert_eq!(all_of(&mut client, "young").await.len(), 9);
    assert_eq!(all_of(&mut client, "late").await.len(), 9);
    pass(30).await;
    assert_eq!(all_of(&mut client, "young").await.len(), 9);
    assert_eq!(all_of(&mut client, "late").await.len(), 2);
    pass(50).await;
    assert_eq!(all_of(&mut client, "young").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_compacted_without_the_cleaner() {
    let broker = start(timed().property("log.cleaner.enable", "false")).await;
    broker.create_topic_with("t", 1, COMPACTED).unwrap();
    let mut client = Client::new(&broker);
    for _ in 0..9 {
        client
            .produce("t", 0, keyed(&[(Some("k"), Some("v"))]))
            .await;
    }
    pass(100).await;
    assert_eq!(all_of(&mut client, "t").await.len(), 9);
}

#[tokio::test(start_paused = true)]
async fn compact_and_delete_do_both() {
    let broker = start(timed()).await;
    let configs = [
        ("cleanup.policy", "compact,delete"),
        ("internal.segment.bytes", "200"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("retention.ms", "100000"),
    ];
    broker.create_topic_with("t", 1, configs).unwrap();
    let mut client = Client::new(&broker);
    for _ in 0..9 {
        client
            .produce("t", 0, keyed(&[(Some("k"), Some("v"))]))
            .await;
    }
    pass(16).await;
    let offsets: Vec<i64> = all_of(&mut client, "t")
        .await
        .iter()
        .map(|one| one.0)
        .collect();
    assert_eq!(offsets, [7, 8]);
    pass(100).await;
    assert_eq!(earliest(&mut client, "t").await, 9);
}

#[tokio::test]
async fn records_without_a_key_are_named_when_a_compacted_topic_refuses_them() {
    let broker = start(Broker::builder()).await;
    broker.create_topic_with("t", 1, COMPACTED).unwrap();
    let mut client = Client::new(&broker);
    let records = keyed(&[(None, Some("a")), (Some("k"), Some("b")), (None, Some("c"))]);
    let answer = client.produce("t", 0, records).await;
    assert_eq!(answer.error_code, ErrorCode::INVALID_RECORD.code());
    let named: Vec<i32> = answer
        .record_errors
        .iter()
        .map(|one| one.batch_index)
        .collect();
    assert_eq!(named, [0, 2]);
    assert!(answer.record_errors[0].batch_index_error_message.is_some());
    assert_eq!(broker.end_offset("t", 0), Some(0));
}

#[tokio::test(start_paused = true)]
async fn committed_offsets_are_compacted_and_known_again_after_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(timed().data_dir(dir.path())).await;
    broker.create_topic("t", 3).unwrap();
    broker
        .create_topic_with("__consumer_offsets", 1, COMPACTED)
        .unwrap();
    let mut client = Client::new(&broker);
    for n in 0..60 {
        let partition = OffsetCommitRequestPartition {
            partition_index: n % 3,
            committed_offset: i64::from(n),
            ..Default::default()
        };
        let request = OffsetCommitRequest {
            group_id: "g".into(),
            generation_id_or_member_epoch: -1,
            topics: vec![OffsetCommitRequestTopic {
                name: "t".into(),
                partitions: vec![partition],
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = client.call(&request, 8).await;
        assert_eq!(answer.topics[0].partitions[0].error_code, 0);
    }
    let size = || -> u64 {
        let files = dir.path().join("__consumer_offsets-0").read_dir().unwrap();
        let files = files.map(|entry| entry.unwrap());
        let logs = files.filter(|entry| entry.path().extension() == Some("log".as_ref()));
        logs.map(|entry| entry.metadata().unwrap().len()).sum()
    };
    let before = size();
    pass(16).await;
    assert!(size() < before / 5, "{} of {before}", size());
    broker.crash().await;

    let broker = start(timed().data_dir(dir.path())).await;
    let mut client = Client::new(&broker);
    let request = OffsetFetchRequest {
        groups: vec![OffsetFetchRequestGroup {
            group_id: "g".into(),
            topics: Some(vec![OffsetFetchRequestTopics {
                name: "t".into(),
                partition_indexes: vec![0, 1, 2],
                ..Default::default()
            }]),
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = client.call(&request, 8).await;
    let partitions = answer.groups[0].topics[0].partitions.iter();
    let offsets: Vec<i64> = partitions.map(|one| one.committed_offset).collect();
    assert_eq!(offsets, [57, 58, 59]);
}

#[tokio::test(start_paused = true)]
async fn flush_ms_moves_the_recovery_point_of_the_active_segment() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(timed().data_dir(dir.path())).await;
    let configs = [("flush.ms", "1000")];
    broker.create_topic_with("forced", 1, configs).unwrap();
    broker.create_topic("left", 1).unwrap();
    let mut client = Client::new(&broker);
    for topic in ["forced", "left"] {
        client.produce(topic, 0, batch(&["a", "b"])).await;
    }
    // The points are written every minute.
    pass(61).await;
    let checkpoint = dir.path().join("recovery-point-offset-checkpoint");
    let text = std::fs::read_to_string(checkpoint).unwrap();
    assert_eq!(text, "0\n2\nforced 0 2\nleft 0 0\n");
}
