//! What only a cluster answers that has just begun, and one that began again: each broker has a test of its own, so
//! that nobody has asked it before.

use integration::kafka::NativeKafka;
use kafka_broker::Broker;
use kafka_client_protocol::api::fetch::{FetchPartition, FetchRequest, FetchTopic};
use kafka_client_protocol::api::find_coordinator::FindCoordinatorRequest;
use kafka_client_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_client_protocol::api::metadata::{MetadataRequest, MetadataRequestTopic};
use kafka_client_protocol::api::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

use crate::records::{plain, produce};
use crate::session::Session;
use crate::{PROPERTIES, normal};

const TOPIC: &str = "again";

fn metadata() -> MetadataRequest {
    MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(TOPIC.into()),
            ..Default::default()
        }]),
        allow_auto_topic_creation: true,
        ..Default::default()
    }
}

/// The first requests of all: what they need is made, and they are sent away meanwhile.
async fn beginning(session: &mut Session) {
    let find = FindCoordinatorRequest {
        coordinator_keys: vec!["g".into()],
        ..Default::default()
    };
    let found = session.quietly(&find, 4).await;
    let told = &found.coordinators[0];
    session.note(format!(
        "coordinator: {} at {}",
        told.error_code, told.node_id
    ));
    let made = session.quietly(&metadata(), 12).await;
    session.note(format!("topic: {}", made.topics[0].error_code));
    session.until_there(TOPIC, 1).await;
    let request = produce(TOPIC, 0, Some(plain(&["a", "b"])));
    let written = session.quietly(&request, 9).await;
    let told = &written.responses[0].partition_responses[0];
    session.note(format!(
        "produced: {} at {}",
        told.error_code, told.base_offset
    ));
}

/// Another leader epoch has begun: who believes in the one before, or in one to come, is told so.
async fn after_a_restart(session: &mut Session) {
    session.until_there(TOPIC, 1).await;
    let metadata = session.settled(&metadata(), 12).await;
    let now = metadata.topics[0].partitions[0].leader_epoch;
    for (name, epoch) in [("before", now - 1), ("now", now), ("to come", now + 1)] {
        let fetch = FetchRequest {
            max_bytes: 1 << 20,
            topics: vec![FetchTopic {
                topic: TOPIC.into(),
                partitions: vec![FetchPartition {
                    current_leader_epoch: epoch,
                    last_fetched_epoch: -1,
                    partition_max_bytes: 1 << 20,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = session.quietly(&fetch, 12).await;
        let told = &answer.responses[0].partitions[0];
        session.note(format!("fetch, {name}: {}", told.error_code));
        let list = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: TOPIC.into(),
                partitions: vec![ListOffsetsPartition {
                    current_leader_epoch: epoch,
                    timestamp: -1,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = session.quietly(&list, 7).await;
        let told = &answer.topics[0].partitions[0];
        session.note(format!(
            "offsets, {name}: {} {}",
            told.error_code, told.offset
        ));
        let end = OffsetForLeaderEpochRequest {
            replica_id: -2,
            topics: vec![OffsetForLeaderTopic {
                topic: TOPIC.into(),
                partitions: vec![OffsetForLeaderPartition {
                    current_leader_epoch: epoch,
                    leader_epoch: now - 1,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let answer = session.quietly(&end, 4).await;
        let told = &answer.topics[0].partitions[0];
        session.note(format!(
            "end of an epoch, {name}: {} {}",
            told.error_code, told.end_offset
        ));
    }
}

async fn of_kafka() -> Vec<String> {
    let mut kafka = NativeKafka::start_with(PROPERTIES).await.unwrap();
    let mut session = Session::new(&kafka.bootstrap(), "beginning").await;
    beginning(&mut session).await;
    kafka.restart().await.unwrap();
    let mut again = Session::new(&kafka.bootstrap(), "again").await;
    after_a_restart(&mut again).await;
    [session.transcript(), again.transcript()].concat()
}

async fn of_ours() -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let start = async || {
        let mut builder = Broker::builder().kafka_defaults().strict_metadata(true);
        for (name, value) in PROPERTIES {
            builder = builder.property(*name, *value);
        }
        let started = builder.data_dir(directory.path()).start().await;
        started.unwrap()
    };
    let broker = start().await;
    let mut session = Session::new(&broker.bootstrap(), "beginning").await;
    beginning(&mut session).await;
    broker.crash().await;
    let broker = start().await;
    let mut again = Session::new(&broker.bootstrap(), "again").await;
    after_a_restart(&mut again).await;
    broker.shutdown().await.unwrap();
    [session.transcript(), again.transcript()].concat()
}

#[tokio::test]
async fn a_reference_broker_that_begins_sends_away_and_one_that_began_again_tells_of_its_epoch() {
    let told = of_ours().await.join("\n");
    for line in [
        "coordinator: 15 at -1",
        "fetch, before: 74",
        "fetch, to come: 75",
        "offsets, before: 74 -1",
        "end of an epoch, now: 0 2",
    ] {
        assert!(told.contains(line), "{line} in\n{told}");
    }
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn a_cluster_that_begins_and_one_that_began_again_answer_as_apache_kafka() {
    let (expected, got) = (of_kafka().await, of_ours().await);
    if let Some(difference) = normal::difference(&expected, &got) {
        panic!("-: Apache Kafka, +: the reference broker\n{difference}");
    }
}
