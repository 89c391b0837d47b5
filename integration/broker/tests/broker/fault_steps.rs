//! Steps that change what a client is told, and how it gets there.

use std::num::NonZeroU32;
use std::time::Duration;

use kafka_broker::{Broker, Step, when};
use kafka_client_protocol::api::metadata::{MetadataRequest, MetadataRequestTopic};
use kafka_client_protocol::api::produce::ProduceRequest;
use kafka_client_protocol::{ApiKey, ErrorCode};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use crate::support::{Client, batch, fetch_request, produce_request, produce_request_to, start};

const MOVED: ErrorCode = ErrorCode::NOT_LEADER_OR_FOLLOWER;

async fn with_topic() -> Broker {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 2).unwrap();
    broker
}

#[tokio::test]
async fn metadata_names_a_wrong_leader_or_no_partitions() {
    let broker = with_topic().await;
    let mut client = Client::new(&broker);
    let id = client.topic("t").await.topic_id;
    let by_id = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: None,
            topic_id: id,
            ..Default::default()
        }]),
        ..Default::default()
    };
    let metadata = || when(ApiKey::METADATA).times(2);
    let handle = broker
        .faults()
        .inject(metadata().then([Step::leader("t", 1, 7, 99)]));
    for told in [
        client.topic("t").await,
        client.call(&by_id, 13).await.topics.swap_remove(0),
    ] {
        let told = told.partitions.iter();
        let told: Vec<_> = told.map(|one| (one.leader_id, one.leader_epoch)).collect();
        assert_eq!(told, [(1, 0), (7, 99)]);
    }
    assert_eq!(handle.hits(), 2);
    let none = metadata().then([Step::no_partitions("t")]);
    broker.faults().inject(none);
    assert!(client.topic("t").await.partitions.is_empty());
    let told = client.call(&by_id, 13).await.topics.swap_remove(0);
    assert!(told.partitions.is_empty());
    assert_eq!(client.topic("t").await.partitions.len(), 2);
}

#[tokio::test]
async fn refused_requests_hint_at_another_leader_where_their_version_can() {
    let broker = with_topic().await;
    let mut client = Client::new(&broker);
    let id = client.topic("t").await.topic_id;
    let steps = || {
        [
            Step::error_for("t", 0, MOVED),
            Step::leader_hint("t", 0, 5, 8),
            Step::leader_endpoint(5, "elsewhere", 9093),
        ]
    };
    let faults = broker.faults();
    faults.inject(when(ApiKey::PRODUCE).always().then(steps()));
    faults.inject(when(ApiKey::FETCH).always().then(steps()));
    for (version, hint) in [(9, (-1, -1)), (10, (5, 8)), (13, (5, 8))] {
        let sent = produce_request_to("t", id, 0, batch(&["a"]));
        let answer = client.call(&sent, version).await;
        let told = &answer.responses[0].partition_responses[0];
        assert_eq!(told.error_code, MOVED.code());
        let leader = &told.current_leader;
        assert_eq!((leader.leader_id, leader.leader_epoch), hint, "{version}");
        let endpoints = answer.node_endpoints.iter();
        let endpoints: Vec<_> = endpoints
            .map(|one| (one.node_id, &*one.host, one.port))
            .collect();
        let expected = [(5, "elsewhere", 9093)];
        assert_eq!(
            endpoints,
            expected[..usize::from(version >= 10)],
            "{version}"
        );
    }
    for (version, hint) in [(11, (-1, -1)), (12, (5, 8)), (17, (5, 8))] {
        let mut asked = fetch_request("t", 0, 0);
        asked.topics[0].topic_id = id;
        let answer = client.call(&asked, version).await;
        let told = &answer.responses[0].partitions[0];
        assert_eq!(told.error_code, MOVED.code());
        let leader = &told.current_leader;
        assert_eq!((leader.leader_id, leader.leader_epoch), hint, "{version}");
        let endpoints = answer.node_endpoints.iter();
        let endpoints: Vec<_> = endpoints
            .map(|one| (one.node_id, &*one.host, one.port))
            .collect();
        let expected = [(5, "elsewhere", 9093)];
        assert_eq!(
            endpoints,
            expected[..usize::from(version >= 16)],
            "{version}"
        );
    }
}

#[tokio::test]
async fn an_answer_of_before_comes_again() {
    let broker = with_topic().await;
    let mut client = Client::new(&broker);
    let replay = || Step::Replay("before".into());
    let faults = broker.faults();
    // Nothing is kept yet: as usual.
    faults.inject(when(ApiKey::METADATA).then([replay()]));
    assert_eq!(client.topic("t").await.partitions[0].leader_epoch, 0);
    let record = Step::Record("before".into());
    faults.inject(when(ApiKey::METADATA).then([record]));
    client.topic("t").await;
    broker.elect("t", 0).unwrap();
    let stale = faults.inject(when(ApiKey::METADATA).always().then([replay()]));
    assert_eq!(client.topic("t").await.partitions[0].leader_epoch, 0);
    // That of another API is another one, and the request is applied.
    faults.inject(when(ApiKey::PRODUCE).then([replay()]));
    assert_eq!(client.produce("t", 0, batch(&["a"])).await.base_offset, 0);
    stale.remove();
    assert_eq!(client.topic("t").await.partitions[0].leader_epoch, 1);
}

#[tokio::test]
async fn unknown_tags_are_in_body_and_header_of_versions_that_have_them() {
    let broker = with_topic().await;
    let fault = when(ApiKey::PRODUCE).always().then([Step::UnknownTags]);
    broker.faults().inject(fault);
    let mut client = Client::new(&broker);
    let request = produce_request("t", 0, batch(&["a"]));
    let answer = client.call(&request, 9).await;
    assert_eq!(answer.unknown_tagged_fields.as_slice().len(), 1);
    let answer = client.call(&request, 8).await;
    assert!(answer.unknown_tagged_fields.is_empty());
    assert_eq!(broker.end_offset("t", 0), Some(2));
    client.send(&request, 9).await;
    let mut start = [0; 12];
    client.stream().read_exact(&mut start).await.unwrap();
    // The correlation id, and one field: its tag, and one byte of it.
    assert_eq!(start[4..], [0, 0, 0, 3, 1, 100, 1, 0]);
}

#[tokio::test]
async fn an_answer_comes_twice() {
    let broker = with_topic().await;
    let fault = when(ApiKey::PRODUCE).then([Step::Duplicate]);
    broker.faults().inject(fault);
    let mut client = Client::new(&broker);
    let sent = client
        .send(&produce_request("t", 0, batch(&["a"])), 9)
        .await;
    for _ in 0..2 {
        let answer = client.receive::<ProduceRequest>(9, sent).await.unwrap();
        assert_eq!(answer.responses[0].partition_responses[0].base_offset, 0);
    }
    assert_eq!(broker.end_offset("t", 0), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_connection_stays_slow() {
    let broker = with_topic().await;
    let mut client = Client::new(&broker);
    client.produce("t", 0, batch(&[&"x".repeat(50_000)])).await;
    let slow = Step::Bandwidth(NonZeroU32::new(10_000).unwrap());
    let fault = when(ApiKey::FETCH).client_id("slow").then([slow]);
    broker.faults().inject(fault);
    let mut slow = Client::named(&broker, "slow");
    for _ in 0..2 {
        let asked = Instant::now();
        slow.fetch("t", 0, 0).await;
        let spent = asked.elapsed();
        let expected = Duration::from_millis(4_800)..Duration::from_millis(5_300);
        assert!(expected.contains(&spent), "{spent:?}");
    }
    let asked = Instant::now();
    client.fetch("t", 0, 0).await;
    assert_eq!(asked.elapsed(), Duration::ZERO);
}
