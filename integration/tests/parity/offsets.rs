//! Offsets by time and by leader epoch; ids of producers.

use kafka_client_protocol::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use kafka_client_protocol::api::init_producer_id::InitProducerIdRequest;
use kafka_client_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_client_protocol::api::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_client_protocol::records::{Compression, CompressionConfig, Seal};

use crate::records::{batch, now_ms, produce, topic, topic_named};
use crate::session::Session;

const MINUTE: i64 = 60_000;

pub(crate) fn list(topic: &str, partition_index: i32, timestamp: i64) -> ListOffsetsRequest {
    ListOffsetsRequest {
        replica_id: -1,
        timeout_ms: 5_000,
        topics: vec![ListOffsetsTopic {
            name: topic.into(),
            partitions: vec![ListOffsetsPartition {
                partition_index,
                timestamp,
                current_leader_epoch: -1,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// Asks, and writes the time that is found as minutes from the beginning.
async fn ask(session: &mut Session, request: &ListOffsetsRequest, version: i16, began: i64) {
    let answer = session.quietly(request, version).await;
    for one in answer.topics.iter().flat_map(|topic| &topic.partitions) {
        let time = match one.timestamp {
            -1 => "none".to_owned(),
            time => format!("{} min", (time - began) / MINUTE),
        };
        session.note(format!(
            "v{version} {}: error {} offset {} epoch {} time {time}",
            one.partition_index, one.error_code, one.offset, one.leader_epoch
        ));
    }
}

/// Three batches, at 0, 1 and 2 minutes; 1, 6 and 2; 5.
async fn timed(session: &mut Session, codec: Compression) -> (String, i64) {
    let name = topic_named(session, codec.name(), 1, &[]).await;
    let began = now_ms();
    let seal = Seal {
        compression: CompressionConfig::new(codec),
        ..Seal::default()
    };
    for minutes in [&[0, 1, 2][..], &[1, 6, 2], &[5]] {
        let records: Vec<(i64, &str)> = minutes
            .iter()
            .map(|minute| (began + minute * MINUTE, "a"))
            .collect();
        let request = produce(&name, 0, Some(batch(&seal, &records)));
        session.quietly(&request, 9).await;
    }
    (name, began)
}

async fn offsets_by_time(session: &mut Session) {
    for codec in [Compression::None, Compression::Lz4, Compression::Zstd] {
        let (name, began) = timed(session, codec).await;
        for minute in -1..8 {
            let request = list(&name, 0, began + minute * MINUTE);
            ask(session, &request, 5, began).await;
        }
        for time in [0, i64::MAX, began - 1, began + 1] {
            ask(session, &list(&name, 0, time), 5, began).await;
        }
    }
}

async fn offsets_by_time_in_every_version(session: &mut Session) {
    let (name, began) = timed(session, Compression::None).await;
    for version in 1..=10 {
        for time in [-1, -2, began + MINUTE] {
            ask(session, &list(&name, 0, time), version, began).await;
        }
    }
}

async fn special_times(session: &mut Session) {
    let (name, began) = timed(session, Compression::None).await;
    for time in [-3, -4, -5, -6, -7, -100] {
        ask(session, &list(&name, 0, time), 11, began).await;
    }
    for (time, version) in [(-3, 6), (-4, 7), (-5, 8), (-3, 7), (-4, 8), (-5, 9)] {
        ask(session, &list(&name, 0, time), version, began).await;
    }
}

async fn an_empty_partition(session: &mut Session) {
    let name = topic(session, &[]).await;
    for time in [-1, -2, -3, -4, -5, -6, 0, now_ms()] {
        ask(session, &list(&name, 0, time), 11, 0).await;
    }
}

async fn after_records_were_deleted(session: &mut Session) {
    let (name, began) = timed(session, Compression::None).await;
    for offset in [2, 7] {
        let request = DeleteRecordsRequest {
            topics: vec![DeleteRecordsTopic {
                name: name.as_str().into(),
                partitions: vec![DeleteRecordsPartition {
                    partition_index: 0,
                    offset,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            timeout_ms: 10_000,
            ..Default::default()
        };
        session.quietly(&request, 2).await;
        for time in [-1, -2, -3, -4, began, began + 2 * MINUTE] {
            ask(session, &list(&name, 0, time), 8, began).await;
        }
    }
}

async fn offsets_of_what_is_not_there(session: &mut Session) {
    let name = topic(session, &[]).await;
    let none = session.name("none");
    for (topic, partition) in [(name.as_str(), 1), (&name, -1), (&none, 0), ("a/b", 0)] {
        for version in [1, 5] {
            ask(session, &list(topic, partition, -1), version, 0).await;
        }
    }
}

async fn leader_epochs_of_offsets_are_checked(session: &mut Session) {
    let (name, began) = timed(session, Compression::None).await;
    for epoch in [-1, 0, 1, 77] {
        let mut request = list(&name, 0, -1);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        ask(session, &request, 5, began).await;
    }
    for isolation_level in [0, 1, 2] {
        let mut request = list(&name, 0, -1);
        request.isolation_level = isolation_level;
        ask(session, &request, 5, began).await;
    }
}

async fn a_partition_asked_for_twice(session: &mut Session) {
    let (name, began) = timed(session, Compression::None).await;
    let mut request = list(&name, 0, -1);
    let mut other = request.topics[0].partitions[0].clone();
    other.timestamp = -2;
    request.topics[0].partitions.push(other);
    ask(session, &request, 5, began).await;
}

async fn the_end_of_an_epoch(session: &mut Session) {
    let (name, _) = timed(session, Compression::None).await;
    let none = session.name("none");
    for version in 2..=4 {
        for (topic, partition, current, epoch) in [
            (name.as_str(), 0, -1, 0),
            (&name, 0, 0, 0),
            (&name, 0, 0, 1),
            (&name, 0, 0, -1),
            (&name, 0, 7, 0),
            (&name, 7, -1, 0),
            (&none, 0, -1, 0),
        ] {
            let request = OffsetForLeaderEpochRequest {
                replica_id: -1,
                topics: vec![OffsetForLeaderTopic {
                    topic: topic.into(),
                    partitions: vec![OffsetForLeaderPartition {
                        partition,
                        current_leader_epoch: current,
                        leader_epoch: epoch,
                        ..Default::default()
                    }],
                    ..Default::default()
                }],
                ..Default::default()
            };
            session.call(&request, version).await;
        }
    }
}

async fn producers_get_an_id(session: &mut Session) {
    // Apache Kafka's broker asks its controller for ids first.
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    while session.quietly(&request, 4).await.error_code != 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    for version in 0..=5 {
        let request = InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: 60_000,
            ..Default::default()
        };
        session.call(&request, version).await;
    }
    for (producer_id, producer_epoch) in [(5, 0), (5, -1), (-1, 3)] {
        let request = InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: 60_000,
            producer_id,
            producer_epoch,
            ..Default::default()
        };
        session.call(&request, 4).await;
    }
    let request = InitProducerIdRequest {
        transactional_id: Some("".into()),
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    session.call(&request, 4).await;
}

sequences![
    offsets_by_time,
    offsets_by_time_in_every_version,
    special_times,
    an_empty_partition,
    after_records_were_deleted,
    offsets_of_what_is_not_there,
    leader_epochs_of_offsets_are_checked,
    a_partition_asked_for_twice,
    the_end_of_an_epoch,
    producers_get_an_id,
];
