//! Bytes that are no requests: the connection ends, the broker lives.

use std::time::Duration;

use kafka_broker::{Acl, AclOperation, AclResource, Broker};
use kafka_client_protocol::api::create_topics::{CreatableTopic, CreateTopicsRequest};
use kafka_client_protocol::api::fetch::FetchRequest;
use kafka_client_protocol::api::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use kafka_client_protocol::api::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kafka_client_protocol::frame::encode_request;
use kafka_client_protocol::{ApiKey, ErrorCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Client, batch, fetch_request, produce_request, start};

async fn lives(broker: &Broker) {
    let mut client = Client::new(broker);
    assert_eq!(
        client.produce("t", 0, batch(&["alive"])).await.error_code,
        0
    );
}

/// Sends bytes and wants the broker to close the connection.
async fn is_closed_after(broker: &Broker, bytes: &[u8]) -> Vec<u8> {
    let mut stream = broker.connect();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test]
async fn frames_that_are_none_end_the_connection() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01],
        &[0xff; 64],
        &[0; 4],
        &[0, 0, 0, 1, 0],
        &[0x7f, 0xff, 0xff, 0xff, 0, 0],
    ] {
        assert!(
            is_closed_after(&broker, bytes).await.is_empty(),
            "{bytes:?}"
        );
        lives(&broker).await;
    }
}

#[tokio::test]
async fn every_cut_of_a_request_ends_the_connection() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let produce = encode_request(&produce_request("t", 0, batch(&["a"])), 9, 1, None).unwrap();
    let fetch = encode_request(&fetch_request("t", 0, 0), 12, 1, None).unwrap();
    for frame in [produce.to_bytes(), fetch.to_bytes()] {
        for cut in 4..frame.len() {
            // The length says what is there, so the body itself is short.
            let mut bytes = frame[..cut].to_vec();
            bytes[..4].copy_from_slice(&(cut as i32 - 4).to_be_bytes());
            assert!(
                is_closed_after(&broker, &bytes).await.is_empty(),
                "{cut} bytes"
            );
        }
    }
    lives(&broker).await;
    assert_eq!(broker.end_offset("t", 0), Some(1));
}

#[tokio::test]
async fn random_bytes_in_a_request_never_end_the_broker() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..3_000 {
        let key = random.i16(-1..40);
        let version = random.i16(-1..14);
        let mut body = vec![0; random.usize(0..200)];
        random.fill(&mut body);
        // Small numbers reach deeper than random ones.
        for byte in &mut body {
            if random.bool() {
                *byte &= 3;
            }
        }
        let mut bytes = ((body.len() + 10) as i32).to_be_bytes().to_vec();
        bytes.extend(key.to_be_bytes());
        bytes.extend(version.to_be_bytes());
        bytes.extend([0, 0, 0, 1, 0xff, 0xff]);
        bytes.extend(body);
        is_closed_after(&broker, &bytes).await;
    }
    lives(&broker).await;
}

#[tokio::test]
async fn apis_and_versions_that_are_not_served_end_the_connection() {
    let broker = start(Broker::builder()).await;
    for (key, version) in [(0, 2), (1, 3), (1, 19), (3, 14), (5, 0), (999, 0), (-1, 0)] {
        let mut bytes = 10i32.to_be_bytes().to_vec();
        bytes.extend((key as i16).to_be_bytes());
        bytes.extend((version as i16).to_be_bytes());
        bytes.extend([0, 0, 0, 1, 0xff, 0xff]);
        assert!(
            is_closed_after(&broker, &bytes).await.is_empty(),
            "{key} v{version}"
        );
    }
}

#[tokio::test]
async fn a_request_in_single_bytes_is_served() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    let frame = encode_request(&fetch_request("t", 0, 0), 12, 9, None)
        .unwrap()
        .to_bytes();
    for byte in frame {
        client.stream().write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let answer = client.receive::<FetchRequest>(12, 9).await.unwrap();
    assert_eq!(answer.responses[0].partitions[0].error_code, 0);
}

#[tokio::test]
async fn connections_over_the_limit_are_refused() {
    let broker = start(Broker::builder().property("max.connections", "2")).await;
    broker.create_topic("t", 1).unwrap();
    let (mut first, second) = (Client::new(&broker), Client::new(&broker));
    let mut third = Client::new(&broker);
    let mut byte = [0];
    assert_eq!(third.stream().read(&mut byte).await.unwrap(), 0, "closed");
    assert_eq!(first.fetch("t", 0, 0).await.error_code, 0);
    drop(second);
    while broker.connections() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(Client::new(&broker).fetch("t", 0, 0).await.error_code, 0);
}

#[tokio::test]
async fn a_frame_over_the_limit_ends_the_connection() {
    let broker = start(Broker::builder().property("socket.request.max.bytes", "1000")).await;
    broker.create_topic("t", 1).unwrap();
    let large = batch(&[&"x".repeat(2000)]);
    let mut client = Client::new(&broker);
    assert!(
        client
            .try_call(&produce_request("t", 0, large), 9)
            .await
            .is_none()
    );
    lives(&broker).await;
    assert!(
        broker
            .faults()
            .journal()
            .iter()
            .all(|entry| entry.api_key == ApiKey::PRODUCE)
    );
}

/// A client without any rights makes the broker refuse a great many topics at once. What used to be
/// quadratic took minutes; the limit only keeps the test from hanging.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn very_many_refusals_take_no_time_worth_the_name() {
    const TOPICS: usize = 40_000;
    let acl = Acl::allow("User:admin", AclOperation::All, AclResource::topic("*"));
    let broker = start(Broker::builder().acl(acl)).await;
    let mut client = Client::new(&broker);
    let topics = (0..TOPICS).map(|number| TopicProduceData {
        name: format!("topic-{number}").into(),
        partition_data: vec![PartitionProduceData::default()],
        ..Default::default()
    });
    let produce = ProduceRequest {
        topic_data: topics.collect(),
        acks: -1,
        ..Default::default()
    };
    let create = CreateTopicsRequest {
        topics: (0..TOPICS)
            .map(|number| CreatableTopic {
                name: format!("topic-{number}").into(),
                num_partitions: 1,
                replication_factor: 1,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    let calls = async {
        let answer = client.call(&produce, 9).await;
        let errors = answer
            .responses
            .iter()
            .map(|topic| topic.partition_responses[0].error_code);
        let denied = ErrorCode::TOPIC_AUTHORIZATION_FAILED.code();
        assert_eq!(errors.filter(|error| *error == denied).count(), TOPICS);
        let answer = client.call(&create, 5).await;
        let errors = answer.topics.iter().map(|topic| topic.error_code);
        assert_eq!(errors.filter(|error| *error == denied).count(), TOPICS);
    };
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, calls)
        .await
        .expect("an answer in time");
}

async fn none_left(broker: &Broker) -> bool {
    let wait = async {
        while broker.connections() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .is_ok()
}

/// A Fetch that waits for ever.
fn long_fetch() -> FetchRequest {
    FetchRequest {
        max_wait_ms: i32::MAX,
        ..fetch_request("t", 0, 0)
    }
}

fn join(member_id: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: "g".into(),
        session_timeout_ms: 600_000,
        rebalance_timeout_ms: i32::MAX,
        member_id: member_id.into(),
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".into(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[tokio::test]
async fn a_waiting_connection_ends_with_its_client() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    client.send(&long_fetch(), 12).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(client);
    assert!(none_left(&broker).await, "a Fetch");

    // The second member waits until the first one rejoins.
    let mut first = Client::new(&broker);
    assert_eq!(first.call(&join(""), 3).await.error_code, 0);
    let mut second = Client::new(&broker);
    second.send(&join(""), 3).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(first);
    drop(second);
    assert!(none_left(&broker).await, "a JoinGroup");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_connection_is_idle_after_its_time() {
    let builder = Broker::builder().property("connections.max.idle.ms", "30000");
    let broker = start(builder).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    client.send(&long_fetch(), 12).await;
    let mut first = Client::new(&broker);
    assert_eq!(first.call(&join(""), 3).await.error_code, 0);
    let mut second = Client::new(&broker);
    second.send(&join(""), 3).await;
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert!(broker.connections() >= 2);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(broker.connections(), 0);
}

/// What was sent before the end is still done, and in order.
#[tokio::test]
async fn requests_before_the_end_of_a_client_are_done() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    client.send(&long_fetch(), 12).await;
    for value in ["a", "b"] {
        let produce = ProduceRequest {
            acks: 0,
            ..produce_request("t", 0, batch(&[value]))
        };
        client.send(&produce, 9).await;
    }
    client.stream().shutdown().await.unwrap();
    assert!(none_left(&broker).await);
    assert_eq!(broker.end_offset("t", 0), Some(2));
}

/// Asks again and again, until nothing more of it is taken.
async fn ask_for_much(client: &mut Client) {
    for _ in 0..8 {
        client.send(&fetch_request("t", 0, 0), 12).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_of_its_answers_is_closed_long_before_it_is_idle() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    let value = "x".repeat(900_000);
    assert_eq!(client.produce("t", 0, batch(&[&value])).await.error_code, 0);
    ask_for_much(&mut client).await;
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(broker.connections(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(broker.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_takes_a_little_of_its_answers_now_and_then_may_go_on() {
    let broker = start(Broker::builder().write_timeout(Duration::from_secs(10))).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    let value = "x".repeat(900_000);
    assert_eq!(client.produce("t", 0, batch(&[&value])).await.error_code, 0);
    ask_for_much(&mut client).await;
    let mut little = [0; 1000];
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_secs(9)).await;
        client.stream().read_exact(&mut little).await.unwrap();
    }
    assert_eq!(broker.connections(), 1);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(broker.connections(), 0);
}
