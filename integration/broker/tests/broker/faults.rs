//! Faults on order: every matcher and every step.

use std::io;
use std::time::Duration;

use kafka_broker::{Broker, RequestOutcome, Step, when, when_any};
use kafka_client_protocol::api::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_client_protocol::api::create_topics::{CreatableTopic, CreateTopicsRequest};
use kafka_client_protocol::api::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use kafka_client_protocol::api::fetch::{FetchPartition, PartitionData};
use kafka_client_protocol::api::heartbeat::HeartbeatRequest;
use kafka_client_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_client_protocol::api::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponsePartition,
};
use kafka_client_protocol::api::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_client_protocol::api::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_client_protocol::api::produce::{PartitionProduceData, ProduceRequest, ProduceResponse};
use kafka_client_protocol::frame::encode_request;
use kafka_client_protocol::{ApiKey, ErrorCode, Uuid};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::support::{Client, batch, fetch_request, produce_request, produce_request_to, start};

const SECOND: Duration = Duration::from_secs(1);
const REFUSED: ErrorCode = ErrorCode::NOT_ENOUGH_REPLICAS;

/// A broker with the topic "t" of two partitions.
async fn with_topic() -> Broker {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 2).unwrap();
    broker
}

fn ends(broker: &Broker) -> [Option<i64>; 2] {
    [0, 1].map(|partition| broker.end_offset("t", partition))
}

/// One record for each of two partitions.
fn to_both(request: ProduceRequest) -> ProduceRequest {
    let mut request = request;
    let more = PartitionProduceData {
        index: 1,
        ..request.topic_data[0].partition_data[0].clone()
    };
    request.topic_data[0].partition_data.push(more);
    request
}

/// The errors of the partitions, by their numbers.
fn errors(answer: &ProduceResponse) -> Vec<(i32, i16)> {
    let partitions = answer
        .responses
        .iter()
        .flat_map(|topic| &topic.partition_responses);
    let mut errors: Vec<_> = partitions.map(|one| (one.index, one.error_code)).collect();
    errors.sort_unstable();
    errors
}

// Matchers.

#[tokio::test]
async fn a_fault_hits_only_the_topic_partition_and_client_it_means() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("a", 2).unwrap();
    broker.create_topic("b", 2).unwrap();
    let fault = when(ApiKey::PRODUCE)
        .topic("a")
        .partition(1)
        .client_id("me")
        .always();
    let handle = broker.faults().inject(fault.then([Step::Error(REFUSED)]));
    let (mut me, mut you) = (Client::named(&broker, "me"), Client::named(&broker, "you"));
    for (topic, partition) in [("a", 0), ("b", 1)] {
        let answer = me.produce(topic, partition, batch(&["x"])).await;
        assert_eq!(answer.error_code, 0);
    }
    assert_eq!(you.produce("a", 1, batch(&["x"])).await.error_code, 0);
    let answer = me.produce("a", 1, batch(&["x"])).await;
    assert_eq!(answer.error_code, REFUSED.code());
    // The same topic by its id.
    let id = me.topic("a").await.topic_id;
    let answer = me
        .call(&produce_request_to("", id, 1, batch(&["x"])), 13)
        .await;
    assert_eq!(errors(&answer), [(1, REFUSED.code())]);
    handle.remove();
    assert_eq!(me.produce("a", 1, batch(&["x"])).await.error_code, 0);
}

#[tokio::test]
async fn versions_and_what_is_in_the_request_narrow_a_fault() {
    let broker = with_topic().await;
    let fault = when(ApiKey::PRODUCE)
        .versions(9..=10)
        .matching(|request: &ProduceRequest| request.timeout_ms == 77)
        .always()
        .then([Step::Error(REFUSED)]);
    let handle = broker.faults().inject(fault);
    let mut client = Client::new(&broker);
    let mut codes = Vec::new();
    for (version, timeout_ms) in [(8, 77), (9, 77), (10, 77), (11, 77), (9, 78)] {
        let mut request = produce_request("t", 0, batch(&["a"]));
        request.timeout_ms = timeout_ms;
        codes.push(errors(&client.call(&request, version).await)[0].1);
    }
    assert_eq!(codes, [0, REFUSED.code(), REFUSED.code(), 0, 0]);
    assert_eq!(handle.hits(), 2);
}

#[tokio::test]
async fn some_of_the_requests_of_every_api_are_hit() {
    let broker = with_topic().await;
    let fault = when_any().skip(1).times(2);
    let handle = broker.faults().inject(fault.then([Step::Close]));
    let mut client = Client::new(&broker);
    client.fetch("t", 0, 0).await;
    let sent = produce_request("t", 0, batch(&["a"]));
    assert!(client.try_call(&sent, 9).await.is_none());
    let mut client = Client::new(&broker);
    let asked = ApiVersionsRequest::default();
    assert!(client.try_call(&asked, 0).await.is_none());
    Client::new(&broker).fetch("t", 0, 0).await;
    assert_eq!(handle.hits(), 2);
}

#[tokio::test]
async fn chance_hits_the_same_requests_under_the_same_seed() {
    let mut all = Vec::new();
    for seed in [1, 1, 2] {
        let broker = start(Broker::builder().seed(seed)).await;
        broker.create_topic("t", 1).unwrap();
        let fault = when(ApiKey::PRODUCE).probability(0.5).always();
        let handle = broker.faults().inject(fault.then([Step::Error(REFUSED)]));
        let mut client = Client::new(&broker);
        let mut series = Vec::new();
        for _ in 0..40 {
            series.push(client.produce("t", 0, batch(&["a"])).await.error_code != 0);
        }
        assert!((5..35).contains(&handle.hits()), "{series:?}");
        all.push(series);
    }
    assert_eq!(all[0], all[1]);
    assert_ne!(all[0], all[2]);
}

#[tokio::test]
async fn an_empty_list_only_counts() {
    let broker = with_topic().await;
    let handle = broker
        .faults()
        .inject(when(ApiKey::PRODUCE).always().then([]));
    let mut client = Client::new(&broker);
    for _ in 0..3 {
        assert_eq!(client.produce("t", 0, batch(&["a"])).await.error_code, 0);
    }
    handle.wait_for_hits(3).await;
    assert_eq!(ends(&broker), [Some(3), Some(0)]);
}

// Refusals.

#[tokio::test]
async fn an_error_is_answered_and_nothing_applied() {
    let broker = with_topic().await;
    let fault = when(ApiKey::PRODUCE).skip(1).then([Step::Error(REFUSED)]);
    let fault = broker.faults().inject(fault);
    let mut client = Client::new(&broker);
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(client.produce("t", 0, batch(&["a"])).await.error_code);
    }
    assert_eq!(codes, [0, REFUSED.code(), 0]);
    assert_eq!((fault.hits(), broker.end_offset("t", 0)), (1, Some(2)));
}

#[tokio::test]
async fn an_error_after_apply_is_answered_although_all_was_applied() {
    let broker = with_topic().await;
    let error = ErrorCode::REQUEST_TIMED_OUT;
    let fault = when(ApiKey::PRODUCE).then([Step::Apply, Step::Error(error)]);
    broker.faults().inject(fault);
    let mut client = Client::new(&broker);
    let answer = client
        .call(&to_both(produce_request("t", 0, batch(&["a"]))), 9)
        .await;
    assert_eq!(errors(&answer), [(0, error.code()), (1, error.code())]);
    assert_eq!(ends(&broker), [Some(1), Some(1)]);
}

#[tokio::test(start_paused = true)]
async fn without_acks_an_error_ends_the_connection() {
    let broker = with_topic().await;
    broker
        .faults()
        .inject(when(ApiKey::PRODUCE).then([Step::Apply, Step::Error(REFUSED)]));
    let mut client = Client::new(&broker);
    let mut request = produce_request("t", 0, batch(&["a"]));
    request.acks = 0;
    client.send(&request, 9).await;
    has_ended(&mut client).await;
    assert_eq!(ends(&broker), [Some(1), Some(0)]);
}

#[tokio::test]
async fn one_partition_is_refused_before_or_after_the_request_is_applied() {
    let part = || Step::error_for("t", 1, REFUSED);
    for version in [9, 13] {
        for (steps, applied) in [
            (vec![part()], 0),
            (vec![part(), Step::Apply], 0),
            (vec![Step::Apply, part()], 1),
        ] {
            let broker = with_topic().await;
            let handle = broker
                .faults()
                .inject(when(ApiKey::PRODUCE).then(steps.clone()));
            let mut client = Client::new(&broker);
            let id = client.topic("t").await.topic_id;
            // Not named: not hit.
            client.produce("t", 0, batch(&["a"])).await;
            assert_eq!(handle.hits(), 0);
            let request = to_both(produce_request_to("t", id, 0, batch(&["a"])));
            let answer = client.call(&request, version).await;
            let what = format!("version {version}, {steps:?}");
            assert_eq!(errors(&answer), [(0, 0), (1, REFUSED.code())], "{what}");
            assert_eq!(ends(&broker), [Some(2), Some(applied)], "{what}");
            assert_eq!(handle.hits(), 1);
        }
    }
}

#[tokio::test]
async fn a_whole_topic_is_refused_beside_another() {
    let broker = with_topic().await;
    broker.create_topic("other", 1).unwrap();
    let part = Step::error_for("t", None, REFUSED);
    broker.faults().inject(when(ApiKey::PRODUCE).then([part]));
    let mut request = to_both(produce_request("t", 0, batch(&["a"])));
    let other = produce_request("other", 0, batch(&["a"]));
    request.topic_data.extend(other.topic_data);
    let answer = Client::new(&broker).call(&request, 9).await;
    let code = REFUSED.code();
    assert_eq!(errors(&answer), [(0, 0), (0, code), (1, code)]);
    assert_eq!(ends(&broker), [Some(0), Some(0)]);
    assert_eq!(broker.end_offset("other", 0), Some(1));
}

#[tokio::test]
async fn what_a_lost_answer_refused_is_not_applied() {
    let broker = with_topic().await;
    let steps = [Step::error_for("t", 1, REFUSED), Step::Apply, Step::Close];
    broker.faults().inject(when(ApiKey::PRODUCE).then(steps));
    let request = to_both(produce_request("t", 0, batch(&["a"])));
    assert!(Client::new(&broker).try_call(&request, 9).await.is_none());
    assert_eq!(ends(&broker), [Some(1), Some(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_with_a_refused_partition_is_answered_at_once() {
    let broker = with_topic().await;
    let error = ErrorCode::NOT_LEADER_OR_FOLLOWER;
    let mut client = Client::new(&broker);
    client.produce("t", 0, batch(&["a"])).await;
    client.produce("t", 1, batch(&["b"])).await;
    let mut request = fetch_request("t", 0, 0);
    (request.min_bytes, request.max_wait_ms) = (1 << 20, 20_000);
    let partitions = &mut request.topics[0].partitions;
    partitions.push(FetchPartition {
        partition: 1,
        ..partitions[0].clone()
    });
    // Applied first, it waits for more bytes as it would have.
    for (steps, waits) in [(vec![], Duration::ZERO), (vec![Step::Apply], 20 * SECOND)] {
        let steps = steps.into_iter().chain([Step::error_for("t", 1, error)]);
        broker.faults().inject(when(ApiKey::FETCH).then(steps));
        let asked = Instant::now();
        let answer = client.call(&request, 12).await;
        let mut partitions = answer.responses[0].partitions.clone();
        partitions.sort_by_key(|one| one.partition_index);
        let codes: Vec<_> = partitions.iter().map(|one| one.error_code).collect();
        assert_eq!(codes, [0, error.code()]);
        let bytes = |one: &PartitionData| one.records.as_ref().map_or(0, |records| records.len());
        let bytes: Vec<_> = partitions.iter().map(bytes).collect();
        assert!(bytes[0] > 0 && bytes[1] == 0, "{bytes:?}");
        assert_eq!(asked.elapsed(), waits);
    }
}

#[tokio::test]
async fn one_partition_of_an_offset_request_is_refused() {
    let broker = with_topic().await;
    let faults = broker.faults();
    let mut client = Client::new(&broker);
    let code = ErrorCode::UNSTABLE_OFFSET_COMMIT;
    let part = || [Step::error_for("t", 1, code)];

    let one = |partition_index| ListOffsetsPartition {
        partition_index,
        timestamp: -1,
        ..Default::default()
    };
    let request = ListOffsetsRequest {
        topics: vec![ListOffsetsTopic {
            name: "t".into(),
            partitions: vec![one(0), one(1)],
            ..Default::default()
        }],
        ..Default::default()
    };
    faults.inject(when(ApiKey::LIST_OFFSETS).then(part()));
    let answer = client.call(&request, 7).await;
    let told = answer.topics[0].partitions.iter();
    let told: Vec<_> = told.map(|one| (one.error_code, one.offset)).collect();
    assert_eq!(told, [(0, 0), (code.code(), -1)]);

    let one = |partition_index| OffsetCommitRequestPartition {
        partition_index,
        committed_offset: 5,
        ..Default::default()
    };
    let id = client.topic("t").await.topic_id;
    let request = OffsetCommitRequest {
        group_id: "g".into(),
        generation_id_or_member_epoch: -1,
        topics: vec![OffsetCommitRequestTopic {
            name: "t".into(),
            topic_id: id,
            partitions: vec![one(0), one(1)],
            ..Default::default()
        }],
        ..Default::default()
    };
    let by_id = OffsetFetchRequest {
        groups: vec![OffsetFetchRequestGroup {
            group_id: "g".into(),
            topics: Some(vec![OffsetFetchRequestTopics {
                name: "t".into(),
                topic_id: id,
                partition_indexes: vec![0, 1],
                ..Default::default()
            }]),
            ..Default::default()
        }],
        ..Default::default()
    };
    for (version, steps, applied) in [(8, vec![], -1), (10, vec![], -1), (8, vec![Step::Apply], 5)]
    {
        let steps = steps.into_iter().chain(part());
        faults.inject(when(ApiKey::OFFSET_COMMIT).then(steps));
        let answer = client.call(&request, version).await;
        let told = answer.topics[0].partitions.iter();
        let told: Vec<_> = told.map(|one| one.error_code).collect();
        assert_eq!(told, [0, code.code()]);
        let answer = client.call(&by_id, 10).await;
        let told = answer.groups[0].topics[0].partitions.iter();
        let told: Vec<_> = told.map(|one| one.committed_offset).collect();
        assert_eq!(told, [5, applied]);
    }

    let by_name = OffsetFetchRequest {
        group_id: "g".into(),
        topics: Some(vec![OffsetFetchRequestTopic {
            name: "t".into(),
            partition_indexes: vec![0, 1],
            ..Default::default()
        }]),
        ..Default::default()
    };
    let expected = [(0, 0, 5), (1, code.code(), -1)];
    faults.inject(when(ApiKey::OFFSET_FETCH).times(3).then(part()));
    let answer = client.call(&by_name, 7).await;
    let told = answer.topics[0].partitions.iter();
    let told: Vec<_> = told
        .map(|one| (one.partition_index, one.error_code, one.committed_offset))
        .collect();
    assert_eq!((answer.error_code, &told[..]), (0, &expected[..]));
    for version in [8, 10] {
        let answer = client.call(&by_id, version).await;
        let told = answer.groups[0].topics[0].partitions.iter();
        let told: Vec<_> = told
            .map(|one| (one.partition_index, one.error_code, one.committed_offset))
            .collect();
        assert_eq!((answer.groups[0].error_code, &told[..]), (0, &expected[..]));
    }
}

#[tokio::test]
async fn a_topic_or_a_partition_of_a_metadata_answer_is_refused() {
    let broker = with_topic().await;
    let mut client = Client::new(&broker);
    let found = client.topic("t").await;
    let error = ErrorCode::LEADER_NOT_AVAILABLE;
    let one = || when(ApiKey::METADATA).then([Step::error_for("t", 1, error)]);

    broker.faults().inject(one());
    let told = client.topic("t").await;
    assert_eq!(told.error_code, 0);
    let leaders = |partitions: &[MetadataResponsePartition]| -> Vec<_> {
        let partitions = partitions.iter();
        partitions
            .map(|one| (one.partition_index, one.error_code, one.leader_id))
            .collect()
    };
    let leader = found.partitions[0].leader_id;
    let expected = [(0, 0, leader), (1, error.code(), -1)];
    assert_eq!(leaders(&told.partitions), expected);

    // The same topic by its id.
    broker.faults().inject(one());
    let by_id = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: None,
            topic_id: found.topic_id,
            ..Default::default()
        }]),
        ..Default::default()
    };
    let told = client.call(&by_id, 13).await.topics.swap_remove(0);
    assert_eq!(leaders(&told.partitions), expected);
    let whole = Step::error_for("t", None, error);
    broker.faults().inject(when(ApiKey::METADATA).then([whole]));
    let told = client.call(&by_id, 13).await.topics;
    assert_eq!((told.len(), told[0].error_code), (1, error.code()));

    // A topic that is refused is not made, unless the request was applied.
    for (steps, made) in [(vec![], None), (vec![Step::Apply], Some(0))] {
        let whole = Step::error_for("new", None, error);
        let steps = steps.into_iter().chain([whole]);
        broker.faults().inject(when(ApiKey::METADATA).then(steps));
        let named = |name: &str| MetadataRequestTopic {
            name: Some(name.into()),
            ..Default::default()
        };
        let request = MetadataRequest {
            topics: Some(vec![named("t"), named("new")]),
            allow_auto_topic_creation: true,
            ..Default::default()
        };
        let told = client.call(&request, 13).await.topics;
        let codes: Vec<_> = told.iter().map(|topic| topic.error_code).collect();
        assert_eq!(codes, [0, error.code()]);
        assert_eq!(broker.end_offset("new", 0), made);
    }
}

#[tokio::test]
async fn one_topic_of_several_is_not_made() {
    let code = ErrorCode::POLICY_VIOLATION;
    for (steps, made) in [(vec![], None), (vec![Step::Apply], Some(0))] {
        let broker = with_topic().await;
        let steps = steps.into_iter().chain([Step::error_for("a", None, code)]);
        broker
            .faults()
            .inject(when(ApiKey::CREATE_TOPICS).then(steps));
        let topic = |name: &str| CreatableTopic {
            name: name.into(),
            num_partitions: 1,
            replication_factor: 1,
            ..Default::default()
        };
        let request = CreateTopicsRequest {
            topics: vec![topic("a"), topic("b")],
            ..Default::default()
        };
        let answer = Client::new(&broker).call(&request, 7).await;
        let told = answer.topics.iter();
        let mut told: Vec<_> = told
            .map(|topic| (topic.name.as_str(), topic.error_code))
            .collect();
        told.sort_unstable();
        assert_eq!(told, [("a", code.code()), ("b", 0)]);
        assert_eq!(broker.end_offset("a", 0), made);
        assert_eq!(broker.end_offset("b", 0), Some(0));
    }
}

#[tokio::test]
async fn one_topic_of_several_is_not_deleted() {
    let code = ErrorCode::POLICY_VIOLATION;
    // Version 5 has names, version 6 a list of its own with names or ids.
    for version in [5, 6] {
        for (steps, left) in [(vec![], Some(0)), (vec![Step::Apply], None)] {
            let broker = with_topic().await;
            broker.create_topic("other", 1).unwrap();
            let mut client = Client::new(&broker);
            let steps = steps.into_iter().chain([Step::error_for("t", None, code)]);
            broker
                .faults()
                .inject(when(ApiKey::DELETE_TOPICS).then(steps));
            let mut request = DeleteTopicsRequest::default();
            if version == 5 {
                request.topic_names = vec!["t".into(), "other".into()];
            } else {
                let state = |name, topic_id| DeleteTopicState {
                    name,
                    topic_id,
                    ..Default::default()
                };
                let id = client.topic("t").await.topic_id;
                request.topics.push(state(None, id));
                request.topics.push(state(Some("other".into()), Uuid::ZERO));
            }
            let answer = client.call(&request, version).await;
            let told = answer.responses.iter();
            let mut told: Vec<_> = told.map(|topic| topic.error_code).collect();
            told.sort_unstable();
            assert_eq!(told, [0, code.code()]);
            assert_eq!(broker.end_offset("t", 0), left);
            assert_eq!(broker.end_offset("other", 0), None);
        }
    }
}

// Answers.

#[tokio::test]
async fn answers_are_edited() {
    let broker = with_topic().await;
    let edit = Step::edit(|answer: &mut MetadataResponse| {
        answer.brokers[0].port = 1;
        answer.topics[0].partitions[1].leader_epoch = 99;
    });
    let again = Step::edit(|answer: &mut MetadataResponse| answer.brokers[0].port += 1);
    let fault = when(ApiKey::METADATA).topic("t").then([edit, again]);
    broker.faults().inject(fault);
    let mut client = Client::new(&broker);
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some("t".into()),
            ..Default::default()
        }]),
        ..Default::default()
    };
    let answer = client.call(&request, 12).await;
    assert_eq!(answer.brokers[0].port, 2);
    assert_eq!(answer.topics[0].partitions[1].leader_epoch, 99);
    let answer = client.call(&request, 12).await;
    assert_eq!(answer.topics[0].partitions[1].leader_epoch, 0);

    // A refusal is an answer too.
    let steps = [
        Step::Error(REFUSED),
        Step::edit(|answer: &mut ProduceResponse| {
            answer.responses[0].partition_responses[0].error_message = Some("busy".into());
        }),
    ];
    broker.faults().inject(when(ApiKey::PRODUCE).then(steps));
    let told = client.produce("t", 0, batch(&["a"])).await;
    assert_eq!(told.error_code, REFUSED.code());
    assert_eq!(told.error_message.as_deref(), Some("busy"));
    assert_eq!(ends(&broker), [Some(0), Some(0)]);
}

#[tokio::test]
async fn answers_throttle_where_their_version_can_say_so() {
    let broker = with_topic().await;
    let throttle = Step::Throttle(Duration::from_millis(1500));
    broker.faults().inject(when_any().always().then([throttle]));
    let mut client = Client::new(&broker);
    let request = produce_request("t", 0, batch(&["a"]));
    let answer = client.call(&request, 9).await;
    assert_eq!((errors(&answer)[0].1, answer.throttle_time_ms), (0, 1500));
    assert_eq!(broker.end_offset("t", 0), Some(1), "and it was applied");
    let request = HeartbeatRequest {
        group_id: "g".into(),
        ..Default::default()
    };
    for (version, told) in [(0, 0), (1, 1500), (4, 1500)] {
        let answer = client.call(&request, version).await;
        assert_eq!(answer.throttle_time_ms, told, "version {version}");
    }
    let answer = client.call(&ApiVersionsRequest::default(), 2).await;
    assert_eq!(answer.throttle_time_ms, 1500);
}

#[tokio::test]
async fn answers_are_cut_and_corrupted() {
    let broker = with_topic().await;
    let faults = broker.faults();
    let request = produce_request("t", 0, batch(&["a"]));
    faults.inject(when(ApiKey::PRODUCE).then([Step::Truncate(7)]));
    let mut client = Client::new(&broker);
    client.send(&request, 9).await;
    let mut got = Vec::new();
    client.stream().read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), 7);

    faults.inject(when(ApiKey::PRODUCE).then([Step::Corrupt(7)]));
    let mut client = Client::new(&broker);
    client.send(&request, 9).await;
    let mut start = [0; 8];
    client.stream().read_exact(&mut start).await.unwrap();
    assert_eq!(
        start[4..],
        [0, 0, 0, 1 ^ 0xff],
        "the correlation id's last byte"
    );

    let steps = [
        Step::Corrupt(0),
        Step::Corrupt(usize::MAX),
        Step::Truncate(5),
    ];
    faults.inject(when(ApiKey::PRODUCE).then(steps));
    let mut client = Client::new(&broker);
    client.send(&request, 9).await;
    let mut got = Vec::new();
    client.stream().read_to_end(&mut got).await.unwrap();
    assert_eq!((got.len(), got[0]), (5, 0xff));
    assert_eq!(broker.end_offset("t", 0), Some(3), "all were applied");
}

#[tokio::test(start_paused = true)]
async fn a_step_that_needs_an_answer_applies_the_request() {
    let broker = with_topic().await;
    let edit = Step::edit(|_: &mut ProduceResponse| {});
    for (applied, step) in (1..).zip([edit, Step::Throttle(SECOND), Step::Corrupt(9)]) {
        let fault = when(ApiKey::PRODUCE).then([step, Step::Hold]);
        let handle = broker.faults().inject(fault);
        let mut client = Client::new(&broker);
        client
            .send(&produce_request("t", 0, batch(&["a"])), 9)
            .await;
        handle.wait_for_hits(1).await;
        is_silent(&mut client).await;
        assert_eq!(broker.end_offset("t", 0), Some(applied));
    }
}

// Waiting.

#[tokio::test(start_paused = true)]
async fn delays_come_before_or_after_the_request_is_applied() {
    let broker = with_topic().await;
    let delay = || Step::Delay(3 * SECOND);
    for (steps, applied_early) in [(vec![delay()], 0), (vec![Step::Apply, delay()], 1)] {
        let before = broker.end_offset("t", 0).unwrap();
        broker.faults().inject(when(ApiKey::PRODUCE).then(steps));
        let mut client = Client::new(&broker);
        let asked = Instant::now();
        let sent = client
            .send(&produce_request("t", 0, batch(&["a"])), 9)
            .await;
        tokio::time::sleep(SECOND).await;
        assert_eq!(broker.end_offset("t", 0).unwrap() - before, applied_early);
        client.receive::<ProduceRequest>(9, sent).await.unwrap();
        assert_eq!(asked.elapsed(), 3 * SECOND);
        assert_eq!(broker.end_offset("t", 0).unwrap() - before, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_held_request_goes_on_when_released() {
    let broker = with_topic().await;
    for (steps, applied_early) in [(vec![Step::Hold], 0), (vec![Step::Apply, Step::Hold], 1)] {
        let before = broker.end_offset("t", 0).unwrap();
        let fault = when(ApiKey::PRODUCE).always().then(steps);
        let handle = broker.faults().inject(fault);
        let mut client = Client::new(&broker);
        let request = produce_request("t", 0, batch(&["a"]));
        let sent = client.send(&request, 9).await;
        handle.wait_for_hits(1).await;
        let answer = timeout(60 * SECOND, client.receive::<ProduceRequest>(9, sent)).await;
        assert!(answer.is_err());
        assert_eq!(broker.end_offset("t", 0).unwrap() - before, applied_early);
        handle.release();
        client.receive::<ProduceRequest>(9, sent).await.unwrap();
        assert_eq!(broker.end_offset("t", 0).unwrap() - before, 1);
        // And from now on.
        client.call(&request, 9).await;
        assert_eq!(handle.hits(), 2);
        handle.remove();
    }
}

// Ends of the connection.

#[tokio::test]
async fn a_lost_answer_and_a_lost_request_look_the_same_to_the_client() {
    let broker = with_topic().await;
    for (steps, applied) in [
        (vec![Step::Close], 0),
        (vec![Step::Reset], 0),
        (vec![Step::Apply, Step::Close], 1),
        (vec![Step::Apply, Step::Reset], 2),
    ] {
        broker.faults().inject(when(ApiKey::PRODUCE).then(steps));
        let mut client = Client::new(&broker);
        let sent = produce_request("t", 0, batch(&["a"]));
        assert!(client.try_call(&sent, 9).await.is_none());
        assert_eq!(broker.end_offset("t", 0), Some(applied));
    }
}

#[tokio::test]
async fn over_tcp_a_close_is_an_end_and_a_reset_is_a_reset() {
    let broker = Broker::builder().start().await.unwrap();
    broker.create_topic("t", 1).unwrap();
    let request = produce_request("t", 0, batch(&["a"]));
    let frame = encode_request(&request, 9, 1, None).unwrap().to_bytes();
    for (steps, expected) in [
        (vec![Step::Close], Ok(0)),
        (vec![Step::Reset], Err(io::ErrorKind::ConnectionReset)),
        (
            vec![Step::Apply, Step::Reset],
            Err(io::ErrorKind::ConnectionReset),
        ),
    ] {
        broker.faults().inject(when(ApiKey::PRODUCE).then(steps));
        let mut stream = TcpStream::connect(broker.bootstrap()).await.unwrap();
        stream.write_all(&frame).await.unwrap();
        let read = stream.read(&mut [0]).await;
        assert_eq!(read.map_err(|error| error.kind()), expected);
    }
    assert_eq!(broker.end_offset("t", 0), Some(1));
}

#[tokio::test]
async fn a_newer_api_versions_request_may_reset_the_connection() {
    let broker = with_topic().await;
    let fault = when(ApiKey::API_VERSIONS).versions(4..).always();
    let handle = broker.faults().inject(fault.then([Step::Reset]));
    let request = ApiVersionsRequest {
        client_software_name: "test".into(),
        client_software_version: "1".into(),
        ..Default::default()
    };
    let mut client = Client::new(&broker);
    assert!(client.try_call(&request, 4).await.is_none());
    // One that this broker does not even know.
    let mut stream = broker.connect();
    let newer = [0, 0, 0, 11, 0, 18, 0, 99, 0, 0, 0, 1, 0xff, 0xff, 0];
    stream.write_all(&newer).await.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(handle.hits(), 2);
    let answer = Client::new(&broker).call(&request, 3).await;
    assert_eq!(answer.error_code, 0);
    assert_eq!(broker.faults().journal()[1].api_version, 99);
}

#[tokio::test]
async fn the_answer_to_an_unknown_api_versions_request_is_edited_in_the_oldest_form() {
    let broker = with_topic().await;
    let edit = Step::edit(|answer: &mut ApiVersionsResponse| answer.api_keys.clear());
    broker
        .faults()
        .inject(when(ApiKey::API_VERSIONS).then([edit]));
    let mut stream = broker.connect();
    let newer = [0, 0, 0, 11, 0, 18, 0, 99, 0, 0, 0, 1, 0xff, 0xff, 0];
    stream.write_all(&newer).await.unwrap();
    let mut answer = [0; 14];
    stream.read_exact(&mut answer).await.unwrap();
    // Length, correlation id, error 35, no APIs.
    let expected = [0, 0, 0, 10, 0, 0, 0, 1, 0, 35, 0, 0, 0, 0];
    assert_eq!(answer, expected);
}

// Silence.

/// Waits a minute for what must not come.
async fn is_silent(client: &mut Client) {
    let read = timeout(60 * SECOND, client.stream().read(&mut [0])).await;
    assert!(read.is_err(), "neither an answer nor an end: {read:?}");
}

/// The connection ends, and does so before a minute is over.
async fn has_ended(client: &mut Client) {
    let read = timeout(60 * SECOND, client.stream().read(&mut [0])).await;
    assert_eq!(read.expect("an end").unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_silent_broker_answers_and_applies_nothing_until_it_is_released() {
    let broker = with_topic().await;
    let request = produce_request("t", 0, batch(&["a"]));
    let mut old = Client::new(&broker);
    old.call(&request, 9).await;
    let silent = when_any().always().then([Step::Silence]);
    let handle = broker.faults().inject(silent);
    old.send(&request, 9).await;
    is_silent(&mut old).await;
    old.send(&request, 9).await;
    is_silent(&mut old).await;
    let mut new = Client::new(&broker);
    new.send(&ApiVersionsRequest::default(), 3).await;
    is_silent(&mut new).await;
    assert_eq!(broker.end_offset("t", 0), Some(1));
    assert_eq!(
        handle.hits(),
        2,
        "of a dead connection only the first request is seen"
    );
    assert_eq!(broker.connections(), 2);

    handle.release();
    has_ended(&mut old).await;
    has_ended(&mut new).await;
    assert_eq!(
        broker.end_offset("t", 0),
        Some(1),
        "what was dropped stays so"
    );
    Client::new(&broker).call(&request, 9).await;
    assert_eq!(broker.end_offset("t", 0), Some(2));
}

#[tokio::test(start_paused = true)]
async fn silence_is_for_those_that_are_hit_and_ends_with_the_fault() {
    let broker = with_topic().await;
    let request = produce_request("t", 0, batch(&["a"]));
    let fault = || {
        let mine = when(ApiKey::PRODUCE).client_id("me");
        mine.then([Step::Apply, Step::Silence])
    };
    for clear in [false, true] {
        let before = broker.end_offset("t", 0).unwrap();
        let handle = broker.faults().inject(fault());
        let mut me = Client::named(&broker, "me");
        me.send(&request, 9).await;
        // Fetch is not meant, but the connection is dead.
        me.send(&fetch_request("t", 0, 0), 12).await;
        is_silent(&mut me).await;
        assert_eq!(
            broker.end_offset("t", 0),
            Some(before + 1),
            "applied before"
        );
        Client::named(&broker, "you").call(&request, 9).await;
        // More than the connection holds: it is read, all of it.
        let large = produce_request("t", 0, batch(&[&"x".repeat(1 << 20)]));
        let sent = timeout(60 * SECOND, me.send(&large, 9)).await;
        sent.expect("the broker reads");
        assert_eq!(broker.end_offset("t", 0), Some(before + 2));
        if clear {
            broker.faults().clear();
        } else {
            handle.remove();
        }
        has_ended(&mut me).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_ends_with_the_client_or_the_broker() {
    let broker = with_topic().await;
    let fault = when_any().always().then([Step::Silence]);
    let handle = broker.faults().inject(fault);
    let request = produce_request("t", 0, batch(&["a"]));
    let mut gives_up = Client::new(&broker);
    gives_up.send(&request, 9).await;
    handle.wait_for_hits(1).await;
    drop(gives_up);
    let left = async {
        while broker.connections() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(60 * SECOND, left)
        .await
        .expect("nobody is connected");
    let mut stays = Client::new(&broker);
    stays.send(&request, 9).await;
    handle.wait_for_hits(2).await;
    broker.shutdown().await.unwrap();
    has_ended(&mut stays).await;
}

#[tokio::test(start_paused = true)]
async fn half_an_answer_may_be_all_that_ever_comes() {
    let broker = with_topic().await;
    let steps = [Step::Truncate(7), Step::Silence];
    let handle = broker.faults().inject(when(ApiKey::PRODUCE).then(steps));
    let mut client = Client::new(&broker);
    client
        .send(&produce_request("t", 0, batch(&["a"])), 9)
        .await;
    let mut half = [0; 7];
    client.stream().read_exact(&mut half).await.unwrap();
    is_silent(&mut client).await;
    handle.release();
    has_ended(&mut client).await;
}

// The journal.

#[tokio::test]
async fn the_journal_tells_what_came() {
    let broker = with_topic().await;
    broker.create_topic("other", 1).unwrap();
    let mut client = Client::named(&broker, "me");
    let id = client.topic("t").await.topic_id;
    broker.faults().clear_journal();
    client.produce("t", 0, batch(&["a"])).await;
    client.fetch("t", 0, 0).await;
    let mut request = to_both(produce_request_to("", id, 0, batch(&["a"])));
    let unknown = Uuid([7; 16]);
    let more = produce_request_to("", unknown, 0, batch(&["a"]));
    request.topic_data.extend(more.topic_data);
    client.call(&request, 13).await;
    client.topic("other").await;
    client.call(&MetadataRequest::default(), 12).await;
    let journal = broker.faults().journal();
    let keys: Vec<_> = journal
        .iter()
        .map(|entry| (entry.api_key, entry.api_version))
        .collect();
    assert_eq!(
        keys,
        [
            (ApiKey::PRODUCE, 12),
            (ApiKey::FETCH, 12),
            (ApiKey::PRODUCE, 13),
            (ApiKey::METADATA, 13),
            (ApiKey::METADATA, 12),
        ]
    );
    assert_eq!(
        (journal[1].client_id.as_str(), journal[1].correlation_id),
        ("me", 3)
    );
    let unknown = unknown.to_string();
    let topics: Vec<_> = journal.iter().map(|entry| &entry.topics[..]).collect();
    assert_eq!(topics[0], ["t"]);
    assert_eq!(topics[1], ["t"]);
    assert_eq!(topics[2], ["t", unknown.as_str()]);
    assert_eq!(topics[3], ["other"]);
    assert!(topics[4].is_empty());
    broker.faults().clear_journal();
    assert!(broker.faults().journal().is_empty());
}

#[tokio::test]
async fn the_journal_tells_when_and_where_requests_came_and_how_they_ended() {
    let at = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let builder = Broker::builder().wall_clock(std::sync::Arc::new(move || at));
    let broker = start(builder.journal_bodies(20)).await;
    broker.create_topic("t", 1).unwrap();
    let handle = broker
        .faults()
        .inject(when(ApiKey::HEARTBEAT).then([Step::Silence]));
    for steps in [vec![], vec![Step::Apply, Step::Close], vec![Step::Reset]] {
        broker.faults().inject(when(ApiKey::PRODUCE).then(steps));
        let mut client = Client::new(&broker);
        client
            .send(&produce_request("t", 0, batch(&["a"])), 9)
            .await;
        let _ = client.stream().read(&mut [0]).await;
    }
    let mut client = Client::new(&broker);
    let mut request = produce_request("t", 0, batch(&["a"]));
    request.acks = 0;
    client.send(&request, 9).await;
    client.send(&HeartbeatRequest::default(), 4).await;
    handle.wait_for_hits(1).await;
    handle.release();
    let _ = client.stream().read(&mut [0]).await;
    let journal = broker.faults().journal();
    let outcomes: Vec<_> = journal.iter().map(|one| one.outcome).collect();
    let expected = [
        RequestOutcome::Answered,
        RequestOutcome::Closed,
        RequestOutcome::Reset,
        RequestOutcome::Unanswered,
        RequestOutcome::Silenced,
    ];
    assert_eq!(outcomes, expected);
    let numbers: Vec<_> = journal.iter().map(|one| one.connection).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 4]);
    assert!(journal.iter().all(|one| one.received == at));
    // No transaction, all acks, a second, one topic: the start of a Produce request.
    let body = [0, 0xff, 0xff, 0, 0, 3, 0xe8, 2, 2, b't', 2];
    assert_eq!(journal[0].request[..11], body);
    assert_eq!(journal[0].request.len(), 20);
    assert_eq!(journal[0].answer[4..8], [0, 0, 0, 1]);
    let sizes: Vec<_> = journal.iter().map(|one| one.answer.len()).collect();
    assert_eq!(sizes, [20, 0, 0, 0, 0]);

    let broker = start(Broker::builder().journal(false)).await;
    Client::new(&broker).topic("t").await;
    assert!(broker.faults().journal().is_empty());
}
