//! The high watermark as a value of its own: what waits for it, and what ends at it.

use std::time::Duration;

use kafka_broker::Broker;
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_client_protocol::api::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use tokio::time::Instant;

use crate::support::{Client, batch, fetch_request, one, produce_request, start};

async fn latest(client: &mut Client, isolation_level: i8) -> i64 {
    at_time(client, isolation_level, -1).await
}

async fn at_time(client: &mut Client, isolation_level: i8, timestamp: i64) -> i64 {
    let request = ListOffsetsRequest {
        replica_id: -1,
        isolation_level,
        topics: vec![ListOffsetsTopic {
            name: "t".into(),
            partitions: vec![ListOffsetsPartition {
                timestamp,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = client.call(&request, 7).await;
    answer.topics[0].partitions[0].offset
}

#[tokio::test(start_paused = true)]
async fn acks_all_waits_for_it_and_consumers_see_nothing_above_it() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    client.produce("t", 0, batch(&["seen"])).await;
    assert_eq!(broker.hold_high_watermark("t", 0, true), Some(1));

    let began = Instant::now();
    let answer = client.produce("t", 0, batch(&["unseen"])).await;
    assert_eq!(answer.error_code, ErrorCode::REQUEST_TIMED_OUT.code());
    assert_eq!(began.elapsed(), Duration::from_secs(1), "its timeout_ms");
    let mut by_the_leader = produce_request("t", 0, batch(&["of one"]));
    by_the_leader.acks = 1;
    let answer = client.call(&by_the_leader, 9).await;
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);

    assert_eq!(broker.end_offset("t", 0), Some(3));
    assert_eq!(latest(&mut client, 0).await, 1);
    assert_eq!(latest(&mut client, 1).await, 1);
    assert_eq!(client.values("t", 0, 0).await, ["seen"]);
    let data = client.fetch("t", 0, 1).await;
    assert_eq!((data.error_code, data.high_watermark), (0, 1));
    // A replica sees all of it.
    let mut of_a_replica = fetch_request("t", 0, 1);
    of_a_replica.replica_id = 2;
    let mut answer = client.call(&of_a_replica, 12).await;
    assert!(
        one(&mut answer)
            .records
            .is_some_and(|records| !records.is_empty())
    );
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_go_on_when_it_moves() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    broker.hold_high_watermark("t", 0, true);
    let mut producer = Client::new(&broker);
    let sent = producer
        .send(&produce_request("t", 0, batch(&["a"])), 9)
        .await;
    let mut consumer = Client::new(&broker);
    let mut waiting = fetch_request("t", 0, 0);
    waiting.max_wait_ms = 60_000;
    let asked = consumer.send(&waiting, 12).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(broker.end_offset("t", 0), Some(1));

    let began = Instant::now();
    assert_eq!(broker.hold_high_watermark("t", 0, false), Some(1));
    let answer = producer
        .receive::<kafka_client_protocol::api::produce::ProduceRequest>(9, sent)
        .await;
    let answer = answer.unwrap();
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    let answer = consumer
        .receive::<kafka_client_protocol::api::fetch::FetchRequest>(12, asked)
        .await;
    let data = one(&mut answer.unwrap());
    assert!(data.records.is_some_and(|records| !records.is_empty()));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_commit_waits_for_it() {
    let broker = start(Broker::builder().property("offsets.topic.num.partitions", "1")).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    let commit = OffsetCommitRequest {
        group_id: "g".into(),
        topics: vec![OffsetCommitRequestTopic {
            name: "t".into(),
            partitions: vec![OffsetCommitRequestPartition {
                committed_offset: 5,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = client.call(&commit, 8).await;
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
    broker.hold_high_watermark("__consumer_offsets", 0, true);
    let sent = client.send(&commit, 8).await;
    let answer = client.receive::<OffsetCommitRequest>(8, sent);
    tokio::pin!(answer);
    let early = tokio::time::timeout(Duration::from_secs(2), &mut answer).await;
    assert!(early.is_err(), "answered before it was committed");
    broker.hold_high_watermark("__consumer_offsets", 0, false);
    let answer = answer.await.unwrap();
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
}

#[tokio::test]
async fn no_time_leads_above_it() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    broker.hold_high_watermark("t", 0, true);
    let mut request = produce_request("t", 0, batch(&["unseen"]));
    request.acks = 1;
    client.call(&request, 12).await;
    const MAX_TIMESTAMP: i64 = -3;
    for timestamp in [MAX_TIMESTAMP, 0] {
        assert_eq!(at_time(&mut client, 0, timestamp).await, -1);
    }
    broker.hold_high_watermark("t", 0, false);
    for timestamp in [MAX_TIMESTAMP, 0] {
        assert_eq!(at_time(&mut client, 0, timestamp).await, 0);
    }
}
