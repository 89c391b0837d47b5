//! Fetch: what comes, how much of it, and what is refused; sessions.

use bytes::Bytes;
use kafka_client_protocol::Uuid;
use kafka_client_protocol::api::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, ForgottenTopic, PartitionData,
};
use kafka_client_protocol::api::metadata::{MetadataRequest, MetadataRequestTopic};
use kafka_client_protocol::records::Seal;

use crate::records::{batch, fetch, now_ms, plain, produce, topic, topic_named};
use crate::session::Session;

/// What an answer has, without the bytes: both brokers store what they were sent.
fn told(answer: &FetchResponse) -> String {
    let partition = |one: &PartitionData| {
        format!(
            "{}: error {} high watermark {} stable {} start {} aborted {:?} bytes {}",
            one.partition_index,
            one.error_code,
            one.high_watermark,
            one.last_stable_offset,
            one.log_start_offset,
            one.aborted_transactions,
            one.records.as_ref().map_or(0, Bytes::len),
        )
    };
    let topics = answer.responses.iter().map(|topic| {
        let partitions: Vec<String> = topic.partitions.iter().map(partition).collect();
        format!("[{}]", partitions.join("; "))
    });
    let topics: Vec<String> = topics.collect();
    format!(
        "error {} session {} {}",
        answer.error_code,
        answer.session_id != 0,
        topics.join(" ")
    )
}

async fn ask(session: &mut Session, request: &FetchRequest, version: i16) -> FetchResponse {
    let answer = session.quietly(request, version).await;
    session.note(format!("v{version} {}", told(&answer)));
    answer
}

async fn id_of(session: &mut Session, topic: &str) -> Uuid {
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(topic.into()),
            ..Default::default()
        }]),
        ..Default::default()
    };
    session.quietly(&request, 12).await.topics[0].topic_id
}

/// Five batches of two records each, all of the same size.
async fn filled(session: &mut Session) -> (String, usize) {
    let name = topic(session, &[]).await;
    let records = plain(&["some value", "another one"]);
    for _ in 0..5 {
        session
            .quietly(&produce(&name, 0, Some(records.clone())), 9)
            .await;
    }
    (name, records.len())
}

async fn every_version_has_what_was_written(session: &mut Session) {
    let (name, _) = filled(session).await;
    let topic_id = id_of(session, &name).await;
    for version in 4..=18 {
        let mut request = fetch(&name, 0, 3);
        if version >= 13 {
            request.topics[0].topic = "".into();
            request.topics[0].topic_id = topic_id;
        }
        ask(session, &request, version).await;
    }
}

async fn offsets_out_of_range(session: &mut Session) {
    let (name, _) = filled(session).await;
    for offset in [-1, 0, 1, 9, 10, 11, i64::MAX] {
        ask(session, &fetch(&name, 0, offset), 11).await;
    }
}

async fn what_is_not_there(session: &mut Session) {
    let (name, _) = filled(session).await;
    let none = session.name("none");
    for (topic, partition) in [
        (name.as_str(), 1),
        (&name, -1),
        (&none, 0),
        ("a/b", 0),
        ("", 0),
    ] {
        ask(session, &fetch(topic, partition, 0), 11).await;
    }
    for topic_id in [Uuid([7; 16]), Uuid::ZERO] {
        let mut request = fetch("", 0, 0);
        request.topics[0].topic_id = topic_id;
        ask(session, &request, 13).await;
    }
}

async fn limits_of_a_partition(session: &mut Session) {
    let (name, size) = filled(session).await;
    let size = i32::try_from(size).unwrap();
    for limit in [
        0,
        1,
        size - 1,
        size,
        size + 1,
        size * 2,
        size * 2 + 5,
        size * 9,
        -1,
    ] {
        for offset in [0, 3] {
            let mut request = fetch(&name, 0, offset);
            request.topics[0].partitions[0].partition_max_bytes = limit;
            ask(session, &request, 11).await;
        }
    }
}

async fn limits_of_a_request(session: &mut Session) {
    let name = topic_named(session, "t", 3, &[]).await;
    let records = plain(&["some value", "another one"]);
    let size = i32::try_from(records.len()).unwrap();
    for partition in 0..3 {
        for _ in 0..3 {
            let request = produce(&name, partition, Some(records.clone()));
            session.quietly(&request, 9).await;
        }
    }
    for limit in [
        0,
        1,
        size,
        size * 3,
        size * 3 + 1,
        size * 4,
        size * 4 + 10,
        size * 7,
        -1,
    ] {
        let mut request = fetch(&name, 0, 0);
        request.max_bytes = limit;
        let one = request.topics[0].partitions[0].clone();
        for partition in 1..3 {
            request.topics[0].partitions.push(FetchPartition {
                partition,
                ..one.clone()
            });
        }
        ask(session, &request, 11).await;
    }
}

async fn leader_epochs_are_checked(session: &mut Session) {
    let (name, _) = filled(session).await;
    for epoch in [-1, 0, 1, 77, -2] {
        let mut request = fetch(&name, 0, 0);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        ask(session, &request, 11).await;
    }
    for (offset, epoch) in [(3, 0), (3, 7), (10, 0), (3, -1)] {
        let mut request = fetch(&name, 0, offset);
        request.topics[0].partitions[0].last_fetched_epoch = epoch;
        let answer = ask(session, &request, 12).await;
        let diverging = &answer.responses[0].partitions[0].diverging_epoch;
        session.note(format!("{diverging:?}"));
    }
}

async fn isolation_levels(session: &mut Session) {
    let (name, _) = filled(session).await;
    for isolation_level in [0, 1, 2, -1] {
        let mut request = fetch(&name, 0, 0);
        request.isolation_level = isolation_level;
        ask(session, &request, 11).await;
    }
}

async fn nothing_is_waited_for_where_there_is_an_error(session: &mut Session) {
    let (name, _) = filled(session).await;
    let mut request = fetch(&name, 0, 0);
    request.max_wait_ms = 5_000;
    request.min_bytes = 1_000_000;
    let one = request.topics[0].partitions[0].clone();
    request.topics[0].partitions.push(FetchPartition {
        partition: 7,
        ..one
    });
    ask(session, &request, 11).await;
}

async fn min_bytes_wait_no_longer_than_max_wait(session: &mut Session) {
    let (name, size) = filled(session).await;
    let size = i32::try_from(size).unwrap();
    for (min_bytes, max_bytes) in [(size * 5, size * 5), (size * 6, size * 9), (0, 0), (-1, 9)] {
        let mut request = fetch(&name, 0, 0);
        request.max_wait_ms = 50;
        request.min_bytes = min_bytes;
        request.topics[0].partitions[0].partition_max_bytes = max_bytes;
        ask(session, &request, 11).await;
    }
}

async fn an_empty_request(session: &mut Session) {
    let request = FetchRequest {
        max_bytes: 1 << 20,
        ..Default::default()
    };
    for version in [4, 7, 12, 13] {
        ask(session, &request, version).await;
    }
}

async fn a_session_tells_what_is_new(session: &mut Session) {
    let name = topic_named(session, "t", 2, &[]).await;
    let mut request = fetch(&name, 0, 0);
    let one = request.topics[0].partitions[0].clone();
    request.topics[0].partitions.push(FetchPartition {
        partition: 1,
        ..one
    });
    request.session_epoch = 0;
    let answer = ask(session, &request, 11).await;
    let session_id = answer.session_id;
    let again = |epoch, topics: Vec<FetchTopic>| FetchRequest {
        session_id,
        session_epoch: epoch,
        topics,
        ..request.clone()
    };
    ask(session, &again(1, vec![]), 11).await;
    session
        .quietly(&produce(&name, 1, Some(plain(&["a"]))), 9)
        .await;
    ask(session, &again(2, vec![]), 11).await;
    ask(session, &again(3, vec![]), 11).await;
    let mut moved = fetch(&name, 1, 1).topics;
    ask(session, &again(4, moved.clone()), 11).await;
    moved[0].partitions[0].partition = 9;
    ask(session, &again(5, moved), 11).await;
    let mut forget = again(6, vec![]);
    forget.forgotten_topics_data = vec![ForgottenTopic {
        topic: name.as_str().into(),
        partitions: vec![9, 0],
        ..Default::default()
    }];
    ask(session, &forget, 11).await;
    session
        .quietly(&produce(&name, 0, Some(plain(&["a"]))), 9)
        .await;
    ask(session, &again(7, vec![]), 11).await;
    ask(session, &again(7, vec![]), 11).await;
    ask(session, &again(9, vec![]), 11).await;
    ask(session, &again(-1, vec![]), 11).await;
    ask(session, &again(1, vec![]), 11).await;
}

async fn sessions_that_there_are_not(session: &mut Session) {
    let (name, _) = filled(session).await;
    for (session_id, session_epoch) in
        [(77, 1), (77, 0), (0, 1), (0, 5), (77, -1), (0, -1), (-5, 3)]
    {
        let request = FetchRequest {
            session_id,
            session_epoch,
            ..fetch(&name, 0, 0)
        };
        ask(session, &request, 11).await;
    }
}

async fn batches_with_a_producer(session: &mut Session) {
    let name = topic(session, &[]).await;
    for sequence in [0, 1, 2] {
        let seal = Seal {
            producer_id: 6,
            producer_epoch: 0,
            base_sequence: sequence,
            ..Seal::default()
        };
        let records = batch(&seal, &[(now_ms(), "a")]);
        session.quietly(&produce(&name, 0, Some(records)), 9).await;
    }
    let mut request = fetch(&name, 0, 0);
    request.isolation_level = 1;
    ask(session, &request, 11).await;
}

sequences![
    every_version_has_what_was_written,
    offsets_out_of_range,
    what_is_not_there,
    limits_of_a_partition,
    limits_of_a_request,
    leader_epochs_are_checked,
    isolation_levels,
    nothing_is_waited_for_where_there_is_an_error,
    min_bytes_wait_no_longer_than_max_wait,
    an_empty_request,
    a_session_tells_what_is_new,
    sessions_that_there_are_not,
    batches_with_a_producer,
];
