//! Topics and records: what goes in comes out, over restarts and crashes.

use std::time::Duration;

use kafka_broker::Broker;
use kafka_client_protocol::api::api_versions::ApiVersionsRequest;
use kafka_client_protocol::api::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use kafka_client_protocol::api::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use kafka_client_protocol::api::fetch::FetchRequest;
use kafka_client_protocol::api::init_producer_id::InitProducerIdRequest;
use kafka_client_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_client_protocol::api::metadata::{MetadataRequest, MetadataRequestTopic};
use kafka_client_protocol::frame::encode_request;
use kafka_client_protocol::records::{Compression, CompressionConfig};
use kafka_client_protocol::{ApiKey, ErrorCode};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::support::{
    Client, NOW, batch, batch_of, compressed, fetch_request, one, produce_request,
    produce_request_to, records, start,
};

#[tokio::test]
async fn what_is_produced_is_fetched_in_every_version() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 2).unwrap();
    let mut client = Client::new(&broker);
    let id = client.topic("t").await.topic_id;
    let mut expected = Vec::new();
    for version in 3..=13 {
        let value = format!("v{version}");
        let request = produce_request_to("t", id, 1, batch(&[&value, "second"]));
        let answer = client.call(&request, version).await;
        let answer = &answer.responses[0].partition_responses[0];
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (0, expected.len() as i64)
        );
        expected.push((expected.len() as i64, value));
        expected.push((expected.len() as i64, "second".to_owned()));
    }
    for version in 4..=18 {
        let mut request = fetch_request("t", 1, 0);
        request.topics[0].topic_id = id;
        let mut answer = client.call(&request, version).await;
        assert_eq!((answer.error_code, answer.session_id), (0, 0));
        let data = one(&mut answer);
        assert_eq!(records(&data), expected, "Fetch v{version}");
        assert_eq!(data.high_watermark, 22);
    }
}

#[tokio::test]
async fn every_codec_passes_through_untouched() {
    let broker = start(Broker::builder()).await;
    let mut client = Client::new(&broker);
    for (n, codec) in [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ]
    .into_iter()
    .enumerate()
    {
        let topic = format!("t{n}");
        broker.create_topic(&topic, 1).unwrap();
        let sent = compressed(&["a", "b", "c"], CompressionConfig::new(codec));
        assert_eq!(client.produce(&topic, 0, sent.clone()).await.error_code, 0);
        let data = client.fetch(&topic, 0, 1).await;
        let got = data.records.clone().unwrap();
        assert_eq!(got[16..], sent[16..]);
        assert_eq!(records(&data).len(), 3);
    }
}

#[tokio::test]
async fn metadata_makes_topics_only_when_both_sides_agree() {
    let broker = start(Broker::builder().num_partitions(3)).await;
    let mut client = Client::new(&broker);
    let ask = |name: &str, allow| MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(name.into()),
            ..Default::default()
        }]),
        allow_auto_topic_creation: allow,
        ..Default::default()
    };
    let code = |answer: &kafka_client_protocol::api::metadata::MetadataResponse| {
        ErrorCode::new(answer.topics[0].error_code)
    };
    let answer = client.call(&ask("new", false), 12).await;
    assert_eq!(code(&answer), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let answer = client.call(&ask("new", true), 12).await;
    assert_eq!(code(&answer), ErrorCode::NONE);
    assert_eq!(answer.topics[0].partitions.len(), 3);
    assert_eq!(answer.brokers[0].port, 9092);
    let answer = client.call(&ask("bad name", true), 12).await;
    assert_eq!(code(&answer), ErrorCode::INVALID_TOPIC_EXCEPTION);
    let answer = client.call(&ask("__consumer_offsets", true), 12).await;
    assert_eq!(code(&answer), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);

    let strict = start(Broker::builder().auto_create_topics(false)).await;
    let mut client = Client::new(&strict);
    for version in 0..=13 {
        let answer = client.call(&ask("new", true), version).await;
        assert_eq!(
            code(&answer),
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            "v{version}"
        );
    }
}

#[tokio::test]
async fn metadata_lists_all_or_what_is_asked_for_by_name_or_id() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("a", 1).unwrap();
    broker.create_topic("b", 1).unwrap();
    let mut client = Client::new(&broker);
    let all = MetadataRequest {
        topics: None,
        ..Default::default()
    };
    assert_eq!(client.call(&all, 1).await.topics.len(), 2);
    let empty = MetadataRequest {
        topics: Some(vec![]),
        ..Default::default()
    };
    assert_eq!(client.call(&empty, 0).await.topics.len(), 2);
    assert_eq!(client.call(&empty, 1).await.topics.len(), 0);
    let id = client.topic("b").await.topic_id;
    let by_id = |topic_id| MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            topic_id,
            name: None,
            ..Default::default()
        }]),
        ..Default::default()
    };
    let answer = client.call(&by_id(id), 12).await;
    assert_eq!(answer.topics[0].name.as_deref(), Some("b"));
    let answer = client
        .call(&by_id(kafka_client_protocol::Uuid([7; 16])), 12)
        .await;
    assert_eq!(
        answer.topics[0].error_code,
        ErrorCode::UNKNOWN_TOPIC_ID.code()
    );
}

/// As Java's `describeTopics(TopicCollection.ofTopicIds(..))` sends it.
#[tokio::test]
async fn a_topic_id_wins_over_an_empty_name_beside_it() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    let topic_id = client.topic("t").await.topic_id;
    let request = |topic_id| MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            topic_id,
            name: Some("".into()),
            ..Default::default()
        }]),
        ..Default::default()
    };
    let answer = client.call(&request(topic_id), 13).await;
    assert_eq!(answer.topics[0].error_code, 0);
    assert_eq!(answer.topics[0].name.as_deref(), Some("t"));
    let unknown = kafka_client_protocol::Uuid([7; 16]);
    let answer = client.call(&request(unknown), 13).await;
    let expected = ErrorCode::UNKNOWN_TOPIC_ID.code();
    assert_eq!(answer.topics[0].error_code, expected);
    assert_eq!(answer.topics[0].topic_id, unknown);
    assert_eq!(answer.topics[0].name, None);
}

#[tokio::test]
async fn names_beside_topic_ids_are_not_looked_at() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    broker.create_topic("u", 1).unwrap();
    let mut client = Client::new(&broker);
    let topic_id = client.topic("t").await.topic_id;
    let asked = |name: Option<&str>, topic_id| MetadataRequestTopic {
        name: name.map(Into::into),
        topic_id,
        ..Default::default()
    };
    let zero = kafka_client_protocol::Uuid::ZERO;
    let request = MetadataRequest {
        topics: Some(vec![asked(Some("u"), zero), asked(None, topic_id)]),
        ..Default::default()
    };
    for version in [12, 13] {
        let answer = client.call(&request, version).await;
        let names = answer.topics.iter().map(|topic| topic.name.as_deref());
        assert_eq!(names.collect::<Vec<_>>(), [Some("t")]);
    }
}

#[tokio::test]
async fn topic_ids_are_refused_where_metadata_knows_names_only() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    let topic_id = client.topic("t").await.topic_id;
    let asked = |name: Option<&str>, topic_id| MetadataRequestTopic {
        name: name.map(Into::into),
        topic_id,
        ..Default::default()
    };
    let zero = kafka_client_protocol::Uuid::ZERO;
    for version in [10, 11] {
        for asked in [
            asked(None, topic_id),
            asked(None, kafka_client_protocol::Uuid([7; 16])),
            asked(Some("t"), topic_id),
            asked(None, zero),
        ] {
            let name = asked.name.clone().unwrap_or_default();
            let id = asked.topic_id;
            let other = MetadataRequestTopic {
                name: Some("t".into()),
                ..Default::default()
            };
            let request = MetadataRequest {
                topics: Some(vec![asked, other]),
                ..Default::default()
            };
            let answer = client.call(&request, version).await;
            // One such topic refuses all of the request.
            let expected = ErrorCode::INVALID_REQUEST.code();
            let codes: Vec<_> = answer.topics.iter().map(|one| one.error_code).collect();
            assert_eq!(codes, [expected; 2]);
            assert_eq!(answer.topics[0].name.as_ref(), Some(&name));
            assert_eq!(answer.topics[0].topic_id, id);
            assert_eq!(answer.topics[1].name.as_deref(), Some("t"));
        }
    }
}

/// As librdkafka from 2.1 on sends it: three bytes of a field that version 13 does not have, after
/// the tagged fields.
#[tokio::test]
async fn bytes_behind_a_request_are_ignored() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let all = MetadataRequest {
        topics: None,
        ..Default::default()
    };
    let mut frame = encode_request(&all, 13, 7, None)
        .unwrap()
        .to_bytes()
        .to_vec();
    frame.extend([1, 0, 0]);
    let length = u32::try_from(frame.len() - 4).unwrap();
    frame[..4].copy_from_slice(&length.to_be_bytes());
    let mut client = Client::new(&broker);
    client.stream().write_all(&frame).await.unwrap();
    let answer = client.receive::<MetadataRequest>(13, 7).await;
    assert_eq!(answer.unwrap().topics.len(), 1);
}

#[tokio::test]
async fn produce_answers_each_fault_with_its_own_code() {
    let broker = start(Broker::builder()).await;
    broker
        .create_topic_with("t", 1, [("max.message.bytes", "1000")])
        .unwrap();
    let mut client = Client::new(&broker);
    let large = "x".repeat(2000);
    let mut corrupt = batch(&["a"]).to_vec();
    *corrupt.last_mut().unwrap() ^= 1;
    for (topic, partition, sent, expected) in [
        (
            "nope",
            0,
            batch(&["a"]),
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ),
        ("t", 1, batch(&["a"]), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        (
            "t",
            -1,
            batch(&["a"]),
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ),
        ("t", 0, batch(&[&large]), ErrorCode::MESSAGE_TOO_LARGE),
        ("t", 0, corrupt.into(), ErrorCode::CORRUPT_MESSAGE),
        ("t", 0, bytes::Bytes::new(), ErrorCode::INVALID_RECORD),
    ] {
        let answer = client.produce(topic, partition, sent).await;
        assert_eq!(ErrorCode::new(answer.error_code), expected);
        assert_eq!(answer.base_offset, -1);
        assert!(answer.error_message.is_some());
    }
    let mut request = produce_request("t", 0, batch(&["a"]));
    request.acks = 2;
    let answer = client.call(&request, 9).await;
    let code = answer.responses[0].partition_responses[0].error_code;
    assert_eq!(code, ErrorCode::INVALID_REQUIRED_ACKS.code());
    let unknown = produce_request_to("", kafka_client_protocol::Uuid([9; 16]), 0, batch(&["a"]));
    let answer = client.call(&unknown, 13).await;
    let code = answer.responses[0].partition_responses[0].error_code;
    assert_eq!(code, ErrorCode::UNKNOWN_TOPIC_ID.code());
    assert_eq!(broker.end_offset("t", 0), Some(0));
}

#[tokio::test]
async fn acks_0_is_not_answered_and_an_error_ends_the_connection() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    let mut request = produce_request("t", 0, batch(&["a"]));
    request.acks = 0;
    client.send(&request, 9).await;
    // The next answer belongs to the next request.
    assert_eq!(client.values("t", 0, 0).await, ["a"]);
    let mut request = produce_request("nope", 0, batch(&["a"]));
    request.acks = 0;
    let correlation_id = client.send(&request, 9).await;
    assert!(
        client
            .receive::<FetchRequest>(9, correlation_id)
            .await
            .is_none()
    );
}

#[tokio::test]
async fn a_batch_sent_again_is_stored_once() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    let id = client.call(&idempotent(), 5).await;
    assert_eq!((id.error_code, id.producer_epoch), (0, 0));
    let other = client.call(&idempotent(), 5).await;
    assert_ne!(other.producer_id, id.producer_id);
    let producer = |sequence| (id.producer_id, 0, sequence);
    for n in 0..5 {
        let sent = batch_of(&["x", "y"], producer(n * 2));
        assert_eq!(
            client.produce("t", 0, sent).await.base_offset,
            i64::from(n) * 2
        );
    }
    for n in 0..5 {
        let sent = batch_of(&["x", "y"], producer(n * 2));
        let answer = client.produce("t", 0, sent).await;
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (0, i64::from(n) * 2)
        );
    }
    assert_eq!(broker.end_offset("t", 0), Some(10));
    let gap = client.produce("t", 0, batch_of(&["z"], producer(11))).await;
    assert_eq!(
        gap.error_code,
        ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER.code()
    );
    let bumped = client
        .produce("t", 0, batch_of(&["z"], (id.producer_id, 1, 0)))
        .await;
    assert_eq!(bumped.error_code, 0);
    let old = client.produce("t", 0, batch_of(&["z"], producer(10))).await;
    assert_eq!(old.error_code, ErrorCode::INVALID_PRODUCER_EPOCH.code());
}

#[tokio::test]
async fn a_transactional_producer_is_refused_clearly() {
    let broker = start(Broker::builder()).await;
    let mut client = Client::new(&broker);
    let request = InitProducerIdRequest {
        transactional_id: Some("tx".into()),
        ..Default::default()
    };
    let answer = client.call(&request, 5).await;
    // librdkafka goes on asking after any other error.
    let expected = ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED.code();
    assert_eq!(answer.error_code, expected);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_fetch_wakes_at_the_next_append() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 2).unwrap();
    let (mut reader, mut writer) = (Client::new(&broker), Client::new(&broker));
    let mut request = fetch_request("t", 1, 0);
    request.max_wait_ms = 10_000;
    let asked = Instant::now();
    let correlation_id = reader.send(&request, 12).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    // Another partition does not wake it.
    writer.produce("t", 0, batch(&["elsewhere"])).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    writer.produce("t", 1, batch(&["here"])).await;
    let mut answer = reader
        .receive::<FetchRequest>(12, correlation_id)
        .await
        .unwrap();
    assert_eq!(asked.elapsed().as_secs(), 1);
    assert_eq!(records(&one(&mut answer)), [(0, "here".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_waits_for_min_bytes_and_no_longer_than_max_wait() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let (mut reader, mut writer) = (Client::new(&broker), Client::new(&broker));
    let size = batch(&["a"]).len() as i32;
    let mut request = fetch_request("t", 0, 0);
    request.max_wait_ms = 5_000;
    request.min_bytes = 3 * size;
    let asked = Instant::now();
    let correlation_id = reader.send(&request, 12).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        writer.produce("t", 0, batch(&["a"])).await;
    }
    let mut answer = reader
        .receive::<FetchRequest>(12, correlation_id)
        .await
        .unwrap();
    assert_eq!(asked.elapsed().as_secs(), 3);
    assert_eq!(records(&one(&mut answer)).len(), 3);

    request.min_bytes = 4 * size;
    let asked = Instant::now();
    let mut answer = reader.call(&request, 12).await;
    assert_eq!(asked.elapsed(), Duration::from_secs(5));
    assert_eq!(records(&one(&mut answer)).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_fetch_holds_back_the_answers_behind_it() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    let mut request = fetch_request("t", 0, 0);
    request.max_wait_ms = 2_000;
    let asked = Instant::now();
    let first = client.send(&request, 12).await;
    let second = client.send(&ApiVersionsRequest { ..software() }, 3).await;
    client.receive::<FetchRequest>(12, first).await.unwrap();
    client
        .receive::<ApiVersionsRequest>(3, second)
        .await
        .unwrap();
    assert_eq!(asked.elapsed(), Duration::from_secs(2));
}

fn idempotent() -> InitProducerIdRequest {
    InitProducerIdRequest {
        transactional_id: None,
        ..Default::default()
    }
}

fn software() -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: "test".into(),
        client_software_version: "1".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn fetch_errors_are_per_partition_and_answered_at_once() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    client.produce("t", 0, batch(&["a"])).await;
    let mut request = fetch_request("t", 0, 0);
    request.max_wait_ms = i32::MAX;
    request.topics[0].partitions[0].fetch_offset = 2;
    let data = one(&mut client.call(&request, 12).await);
    assert_eq!(data.error_code, ErrorCode::OFFSET_OUT_OF_RANGE.code());
    request.topics[0].partitions[0].fetch_offset = -1;
    let data = one(&mut client.call(&request, 12).await);
    assert_eq!(data.error_code, ErrorCode::OFFSET_OUT_OF_RANGE.code());
    request.topics[0].partitions[0].fetch_offset = 1;
    request.topics[0].partitions[0].current_leader_epoch = 3;
    let data = one(&mut client.call(&request, 12).await);
    assert_eq!(data.error_code, ErrorCode::UNKNOWN_LEADER_EPOCH.code());
    request.topics[0].partitions[0].partition = 7;
    let data = one(&mut client.call(&request, 12).await);
    assert_eq!(
        data.error_code,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.code()
    );
    (request.session_id, request.session_epoch) = (5, 1);
    let answer = client.call(&request, 12).await;
    assert_eq!(
        answer.error_code,
        ErrorCode::FETCH_SESSION_ID_NOT_FOUND.code()
    );
}

/// KIP-227, over the wire: only what is new is told, waiting included.
#[tokio::test(start_paused = true)]
async fn a_fetch_session_tells_what_is_new() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 3).unwrap();
    let mut client = Client::new(&broker);
    let mut request = fetch_request("t", 0, 0);
    for partition in 1..3 {
        let mut other = request.topics[0].partitions[0].clone();
        other.partition = partition;
        request.topics[0].partitions.push(other);
    }
    (request.session_epoch, request.max_wait_ms) = (0, 0);
    let answer = client.call(&request, 12).await;
    assert!(answer.session_id > 0);
    assert_eq!(answer.responses[0].partitions.len(), 3);
    client.produce("t", 1, batch(&["a"])).await;
    let mut next = FetchRequest {
        session_id: answer.session_id,
        session_epoch: 1,
        topics: vec![],
        ..request.clone()
    };
    next.max_wait_ms = 5_000;
    let asked = Instant::now();
    let answer = client.call(&next, 12).await;
    let data = &answer.responses[0].partitions;
    assert_eq!((data.len(), data[0].partition_index), (1, 1));
    assert_eq!(asked.elapsed(), Duration::ZERO);
    // It has been read: now there is nothing, and after the wait that is the answer.
    next.session_epoch = 2;
    next.topics = request.topics.clone();
    next.topics[0].partitions = vec![request.topics[0].partitions[1].clone()];
    next.topics[0].partitions[0].fetch_offset = 1;
    let answer = client.call(&next, 12).await;
    assert_eq!((answer.error_code, answer.responses.len()), (0, 0));
    assert_eq!(answer.session_id, next.session_id);
    assert_eq!(asked.elapsed(), Duration::from_secs(5));
}

#[tokio::test]
async fn limits_cut_at_whole_batches_but_always_let_one_through() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 2).unwrap();
    let mut client = Client::new(&broker);
    for n in 0..10 {
        for partition in 0..2 {
            client
                .produce("t", partition, batch(&[&n.to_string()]))
                .await;
        }
    }
    let size = batch(&["0"]).len() as i32;
    let mut request = fetch_request("t", 0, 4);
    request.topics[0].partitions[0].partition_max_bytes = size * 3 + 5;
    let data = one(&mut client.call(&request, 12).await);
    let offsets: Vec<_> = records(&data)
        .into_iter()
        .map(|(offset, _)| offset)
        .collect();
    assert_eq!(offsets, [4, 5, 6]);

    let mut second = request.topics[0].partitions[0].clone();
    second.partition = 1;
    request.topics[0].partitions.push(second);
    request.max_bytes = 1;
    let answer = client.call(&request, 12).await;
    let counts: Vec<_> = answer.responses[0]
        .partitions
        .iter()
        .map(|data| records(data).len())
        .collect();
    assert_eq!(counts, [1, 0]);
}

#[tokio::test]
async fn offsets_are_found_by_time_and_at_the_ends() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    for codec in [Compression::None, Compression::Zstd] {
        // Records at NOW, NOW + 1 and NOW + 2, twice.
        let sent = compressed(&["a", "b", "c"], CompressionConfig::new(codec));
        client.produce("t", 0, sent).await;
    }
    let request = |timestamp| ListOffsetsRequest {
        replica_id: -1,
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
    for (timestamp, expected) in [
        (-1, (6, -1)),
        (-2, (0, -1)),
        (-3, (2, NOW + 2)),
        (-4, (0, -1)),
        (-5, (-1, -1)),
        (-6, (-1, -1)),
        (0, (0, NOW)),
        (NOW, (0, NOW)),
        (NOW + 1, (1, NOW + 1)),
        (NOW + 2, (2, NOW + 2)),
        (NOW + 3, (-1, -1)),
    ] {
        let answer = client.call(&request(timestamp), 11).await;
        let found = &answer.topics[0].partitions[0];
        assert_eq!(found.error_code, 0);
        assert_eq!((found.offset, found.timestamp), expected, "{timestamp}");
    }
    for version in 1..=11 {
        let answer = client.call(&request(-1), version).await;
        assert_eq!(answer.topics[0].partitions[0].offset, 6, "v{version}");
    }
    let answer = client.call(&request(-3), 6).await;
    let code = answer.topics[0].partitions[0].error_code;
    assert_eq!(code, ErrorCode::UNSUPPORTED_VERSION.code());
}

#[tokio::test]
async fn topics_are_created_and_deleted_over_the_wire() {
    let broker = start(Broker::builder().temp_dir().num_partitions(4)).await;
    let mut client = Client::new(&broker);
    let topic = |name: &str, num_partitions, replication_factor| CreatableTopic {
        name: name.into(),
        num_partitions,
        replication_factor,
        ..Default::default()
    };
    let mut configured = topic("configured", 1, 1);
    configured.configs = vec![CreatableTopicConfig {
        name: "no.such.config".into(),
        value: Some("1".into()),
        ..Default::default()
    }];
    let request = CreateTopicsRequest {
        topics: vec![
            topic("a", 2, 1),
            topic("b", -1, -1),
            topic("c", 0, 1),
            topic("d", 1, 3),
            topic("e", 1, 1),
            topic("e", 1, 1),
            topic("f", 10_001, 1),
            topic("g/h", 1, 1),
            configured,
        ],
        timeout_ms: 1000,
        validate_only: false,
        ..Default::default()
    };
    let answer = client.call(&request, 7).await;
    let codes: Vec<_> = answer.topics.iter().map(|topic| topic.error_code).collect();
    assert_eq!(codes, [0, 0, 37, 38, 42, 44, 17, 40]);
    assert_eq!(
        (
            answer.topics[0].num_partitions,
            answer.topics[1].num_partitions
        ),
        (2, 4)
    );
    let again = CreateTopicsRequest {
        topics: vec![topic("a", 1, 1)],
        ..request.clone()
    };
    for version in 2..=7 {
        let answer = client.call(&again, version).await;
        assert_eq!(
            answer.topics[0].error_code,
            ErrorCode::TOPIC_ALREADY_EXISTS.code()
        );
    }
    let collides = CreateTopicsRequest {
        topics: vec![topic("x.y", 1, 1)],
        ..request.clone()
    };
    assert_eq!(client.call(&collides, 7).await.topics[0].error_code, 0);
    let collides = CreateTopicsRequest {
        topics: vec![topic("x_y", 1, 1)],
        ..request.clone()
    };
    assert_eq!(client.call(&collides, 7).await.topics[0].error_code, 17);
    let dry = CreateTopicsRequest {
        topics: vec![topic("dry", 1, 1)],
        validate_only: true,
        ..request
    };
    assert_eq!(client.call(&dry, 7).await.topics[0].error_code, 0);
    assert_eq!(broker.end_offset("dry", 0), None);

    let old_id = client.topic("a").await.topic_id;
    client.produce("a", 0, batch(&["gone"])).await;
    let delete = DeleteTopicsRequest {
        topics: vec![
            DeleteTopicState {
                topic_id: old_id,
                ..Default::default()
            },
            DeleteTopicState {
                name: Some("nope".into()),
                ..Default::default()
            },
        ],
        topic_names: vec![],
        timeout_ms: 1000,
        ..Default::default()
    };
    let answer = client.call(&delete, 6).await;
    assert_eq!(
        (
            answer.responses[0].error_code,
            answer.responses[1].error_code
        ),
        (0, 3)
    );
    assert_eq!(answer.responses[0].name.as_deref(), Some("a"));
    broker.create_topic("a", 1).unwrap();
    assert_ne!(client.topic("a").await.topic_id, old_id);
    assert_eq!(client.values("a", 0, 0).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_waits_on_a_deleted_topic_is_answered_at_once() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let (mut reader, mut admin) = (Client::new(&broker), Client::new(&broker));
    let mut request = fetch_request("t", 0, 0);
    request.max_wait_ms = 60_000;
    let asked = Instant::now();
    let correlation_id = reader.send(&request, 12).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let delete = DeleteTopicsRequest {
        topic_names: vec!["t".into()],
        ..Default::default()
    };
    assert_eq!(admin.call(&delete, 5).await.responses[0].error_code, 0);
    let mut answer = reader
        .receive::<FetchRequest>(12, correlation_id)
        .await
        .unwrap();
    assert_eq!(asked.elapsed().as_secs(), 1);
    assert_eq!(
        one(&mut answer).error_code,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION.code()
    );
}

#[tokio::test]
async fn topics_and_records_survive_a_stop_and_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let start = || Broker::builder().no_listener().data_dir(dir.path()).start();
    let broker = start().await.unwrap();
    let cluster_id = broker.cluster_id();
    broker
        .create_topic_with("t", 2, [("internal.segment.bytes", "300")])
        .unwrap();
    let mut client = Client::new(&broker);
    let producer_id = client.call(&idempotent(), 5).await.producer_id;
    let id = client.topic("t").await.topic_id;
    let mut expected = Vec::new();
    let mut broker = broker;
    for round in 0..4 {
        let mut client = Client::new(&broker);
        for n in 0..5 {
            let value = format!("{round}-{n}");
            let sent = batch_of(&[&value], (producer_id, 0, round * 5 + n));
            assert_eq!(client.produce("t", 1, sent).await.error_code, 0);
            expected.push(value);
        }
        if round % 2 == 0 {
            broker.shutdown().await.unwrap();
        } else {
            broker.crash().await;
        }
        broker = start().await.unwrap();
        let mut client = Client::new(&broker);
        let topic = client.topic("t").await;
        assert_eq!((topic.topic_id, topic.partitions.len()), (id, 2));
        assert_eq!(topic.partitions[0].leader_epoch, round + 1);
        assert_eq!(client.values("t", 1, 0).await, expected);
        // The producer's last batch, sent again after the restart, is known.
        let value = expected.last().unwrap();
        let again = batch_of(&[value], (producer_id, 0, round * 5 + 4));
        let answer = client.produce("t", 1, again).await;
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (0, i64::from(round) * 5 + 4)
        );
        let fresh = client.call(&idempotent(), 5).await;
        assert!(fresh.producer_id > producer_id);
    }
    assert_eq!(broker.cluster_id(), cluster_id);
}

#[tokio::test]
async fn log_append_time_is_answered_and_stored() {
    let broker = start(Broker::builder()).await;
    broker
        .create_topic_with("t", 1, [("message.timestamp.type", "LogAppendTime")])
        .unwrap();
    let mut client = Client::new(&broker);
    let answer = client.produce("t", 0, batch(&["a"])).await;
    assert!(answer.log_append_time_ms > NOW);
    let request = ListOffsetsRequest {
        topics: vec![ListOffsetsTopic {
            name: "t".into(),
            partitions: vec![ListOffsetsPartition {
                timestamp: NOW + 5,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let found = client
        .call(&request, 7)
        .await
        .topics
        .swap_remove(0)
        .partitions
        .swap_remove(0);
    assert_eq!(
        (found.offset, found.timestamp),
        (0, answer.log_append_time_ms)
    );
}

#[tokio::test]
async fn api_versions_answers_every_version() {
    let broker = start(Broker::builder()).await;
    let mut client = Client::new(&broker);
    for version in 0..=4 {
        let answer = client.call(&software(), version).await;
        assert_eq!(answer.error_code, 0);
        let produce = answer
            .api_keys
            .iter()
            .find(|row| row.api_key == ApiKey::PRODUCE.value())
            .unwrap();
        assert_eq!((produce.min_version, produce.max_version), (0, 13));
    }
    // A version to come is answered in the form of version 0.
    let correlation_id = {
        let frame = kafka_client_protocol::frame::encode_request(&software(), 5, 77, None).unwrap();
        let mut bytes = frame.to_bytes().to_vec();
        bytes[6..8].copy_from_slice(&99i16.to_be_bytes());
        use tokio::io::AsyncWriteExt;
        client.stream().write_all(&bytes).await.unwrap();
        77
    };
    let answer = client
        .receive::<ApiVersionsRequest>(0, correlation_id)
        .await
        .unwrap();
    assert_eq!(answer.error_code, ErrorCode::UNSUPPORTED_VERSION.code());
    assert_eq!(answer.api_keys.len(), 1);
    let nameless = client.call(&ApiVersionsRequest::default(), 3).await;
    assert_eq!(nameless.error_code, ErrorCode::INVALID_REQUEST.code());
}

#[tokio::test]
async fn a_broker_is_ready_within_50_ms() {
    // Whatever else the machine does can only make a start slower, so the quickest one counts.
    let mut quickest = Duration::MAX;
    for _ in 0..5 {
        let started = std::time::Instant::now();
        let broker = Broker::builder().temp_dir().start().await.unwrap();
        quickest = quickest.min(started.elapsed());
        let address = broker.bootstrap();
        assert_eq!(address, broker.local_addr().unwrap().to_string());
        tokio::net::TcpStream::connect(address).await.unwrap();
        broker.shutdown().await.unwrap();
    }
    assert!(quickest < Duration::from_millis(50), "{quickest:?}");
}

#[tokio::test(start_paused = true)]
async fn recovery_points_are_written_now_and_then() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::builder()
        .no_listener()
        .data_dir(dir.path())
        .start()
        .await
        .unwrap();
    broker
        .create_topic_with(
            "t",
            1,
            // The records are old.
            [("internal.segment.bytes", "300"), ("retention.ms", "-1")],
        )
        .unwrap();
    let mut client = Client::new(&broker);
    for n in 0..10 {
        client.produce("t", 0, batch(&[&n.to_string()])).await;
    }
    tokio::time::sleep(Duration::from_secs(61)).await;
    let file = dir.path().join("recovery-point-offset-checkpoint");
    // Written by another thread, which paused time waits for.
    while !file.exists() {
        tokio::task::yield_now().await;
    }
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(text, "0\n1\nt 0 8\n", "the third segment is open");
}

#[tokio::test]
async fn after_a_crash_damage_is_looked_for_although_old_indices_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let start = || Broker::builder().no_listener().data_dir(dir.path()).start();
    let broker = start().await.unwrap();
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    client.produce("t", 0, batch(&["a"])).await;
    broker.shutdown().await.unwrap();
    let broker = start().await.unwrap();
    let mut client = Client::new(&broker);
    client.produce("t", 0, batch(&["b"])).await;
    client.produce("t", 0, batch(&["c"])).await;
    broker.crash().await;
    // As after a loss of power: the file is as long as it was, its last bytes were never written.
    let file = dir.path().join("t-0/00000000000000000000.log");
    let mut bytes = std::fs::read(&file).unwrap();
    let end = bytes.len();
    bytes[end - 5..].fill(0);
    std::fs::write(&file, bytes).unwrap();
    let broker = start().await.unwrap();
    assert_eq!(Client::new(&broker).values("t", 0, 0).await, ["a", "b"]);
}

#[tokio::test]
async fn a_directory_of_another_broker_is_refused_and_left_alone() {
    for foreign in ["meta.properties", "orders-0/00000000000000000000.log"] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(foreign);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "cluster.id=another").unwrap();
        let start = || Broker::builder().no_listener().data_dir(dir.path()).start();
        let error = start().await.unwrap_err().to_string();
        assert!(error.contains("another broker's"), "{error}");
        assert!(error.contains("empty directory"), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), b"cluster.id=another");
    }
    // Its own files in which the cluster is another one's.
    let dir = tempfile::tempdir().unwrap();
    let start = || Broker::builder().no_listener().data_dir(dir.path()).start();
    start().await.unwrap().shutdown().await.unwrap();
    let text = "version=1\ncluster.id=another\n";
    std::fs::write(dir.path().join("meta.properties"), text).unwrap();
    let error = start().await.unwrap_err().to_string();
    assert!(error.contains("two brokers"), "{error}");
}

#[tokio::test]
async fn a_new_topic_removes_only_what_a_log_has_left() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::builder().no_listener().data_dir(dir.path());
    let broker = broker.start().await.unwrap();
    let make = |name: &str| {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        dir.path().join(name)
    };
    let left = make("orders-1").join("00000000000000000007.log");
    std::fs::write(&left, "left").unwrap();
    broker.create_topic("orders", 2).unwrap();
    assert!(!left.exists());
    let precious = make("photos-0").join("holiday.jpg");
    std::fs::write(&precious, "precious").unwrap();
    let error = broker.create_topic("photos", 1).unwrap_err().to_string();
    assert!(error.contains("holiday.jpg"), "{error}");
    assert_eq!(std::fs::read(&precious).unwrap(), b"precious");
    broker.create_topic("others", 1).unwrap();
}

/// A connector and a group's timers know the broker for longer than it runs.
#[tokio::test]
async fn a_directory_is_free_when_its_broker_has_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let start = || Broker::builder().no_listener().data_dir(dir.path()).start();
    let mut kept = Vec::new();
    for stop in ["shutdown", "crash", "drop"] {
        let broker = start().await.unwrap();
        kept.push(broker.connector());
        match stop {
            "shutdown" => broker.shutdown().await.unwrap(),
            "crash" => broker.crash().await,
            _ => drop(broker),
        }
    }
    start().await.unwrap();
}
