//! What a principal may do, API by API.

use kafka_broker::{Acl, AclOperation, AclResource, Broker, Builder};
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::create_acls::{AclCreation, CreateAclsRequest};
use kafka_client_protocol::api::create_topics::{CreatableTopic, CreateTopicsRequest};
use kafka_client_protocol::api::delete_acls::{DeleteAclsFilter, DeleteAclsRequest};
use kafka_client_protocol::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use kafka_client_protocol::api::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use kafka_client_protocol::api::describe_acls::{DescribeAclsRequest, DescribeAclsResponse};
use kafka_client_protocol::api::describe_cluster::DescribeClusterRequest;
use kafka_client_protocol::api::describe_groups::DescribeGroupsRequest;
use kafka_client_protocol::api::fetch::FetchResponse;
use kafka_client_protocol::api::find_coordinator::FindCoordinatorRequest;
use kafka_client_protocol::api::heartbeat::HeartbeatRequest;
use kafka_client_protocol::api::init_producer_id::InitProducerIdRequest;
use kafka_client_protocol::api::join_group::JoinGroupRequest;
use kafka_client_protocol::api::leave_group::LeaveGroupRequest;
use kafka_client_protocol::api::list_groups::ListGroupsRequest;
use kafka_client_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_client_protocol::api::metadata::{MetadataRequest, MetadataRequestTopic};
use kafka_client_protocol::api::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_client_protocol::api::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_client_protocol::api::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_client_protocol::api::produce::{PartitionProduceData, TopicProduceData};
use kafka_client_protocol::api::sync_group::SyncGroupRequest;
use tokio::net::TcpStream;

use crate::security::plain;
use crate::support::{Client, batch, fetch_request, produce_request, start};

pub(crate) fn allow(operation: AclOperation, resource: AclResource) -> Acl {
    Acl::allow("User:alice", operation, resource)
}

pub(crate) fn topic(name: &str) -> AclResource {
    AclResource::topic(name)
}

pub(crate) fn builder() -> Builder {
    Broker::builder()
        .listener("SASL_PLAINTEXT", "127.0.0.1:0")
        .user("alice", "secret")
        .user("admin", "secret")
        .property("super.users", "User:admin;User:root")
        .property(
            "authorizer.class.name",
            "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        )
}

/// With topics `open`, which alice may describe, and `hidden`, which she may not.
pub(crate) async fn broker() -> Broker {
    let broker = start(builder().acl(allow(AclOperation::Describe, topic("open")))).await;
    for name in ["open", "hidden"] {
        broker.create_topic(name, 1).unwrap();
    }
    broker
}

pub(crate) async fn client(broker: &Broker, user: &str) -> Client {
    let connector = broker.connector_of("SASL_PLAINTEXT").unwrap();
    let mut client = Client::over(connector.connect(), "test");
    assert_eq!(plain(&mut client, user, "secret").await.error_code, 0);
    client
}

pub(crate) fn code(error_code: i16) -> ErrorCode {
    ErrorCode::from(error_code)
}

const DENIED: ErrorCode = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
const GROUP_DENIED: ErrorCode = ErrorCode::GROUP_AUTHORIZATION_FAILED;

#[tokio::test]
async fn super_users_may_everything_and_others_nothing() {
    let broker = broker().await;
    let mut admin = client(&broker, "admin").await;
    assert_eq!(
        admin.produce("hidden", 0, batch(&["a"])).await.error_code,
        0
    );
    assert_eq!(admin.fetch("hidden", 0, 0).await.error_code, 0);
    let mut alice = client(&broker, "alice").await;
    let error = alice.produce("hidden", 0, batch(&["a"])).await.error_code;
    assert_eq!(code(error), DENIED);
    assert_eq!(code(alice.fetch("hidden", 0, 0).await.error_code), DENIED);
    assert_eq!(broker.end_offset("hidden", 0), Some(1));
}

#[tokio::test]
async fn without_rules_a_topic_may_be_open() {
    let broker = start(builder().property("allow.everyone.if.no.acl.found", "true")).await;
    broker.create_topic("t", 1).unwrap();
    let mut alice = client(&broker, "alice").await;
    assert_eq!(alice.produce("t", 0, batch(&["a"])).await.error_code, 0);
    let other = Acl::allow("User:bob", AclOperation::Write, topic("t"));
    broker.add_acl(other.clone()).unwrap();
    assert_eq!(
        code(alice.produce("t", 0, batch(&["a"])).await.error_code),
        DENIED
    );
    broker.remove_acl(&other).unwrap();
    assert_eq!(alice.produce("t", 0, batch(&["a"])).await.error_code, 0);
}

#[tokio::test]
async fn metadata_shows_what_may_be_described() {
    let broker = broker().await;
    let mut alice = client(&broker, "alice").await;
    let all = MetadataRequest {
        topics: None,
        ..Default::default()
    };
    let answer = alice.call(&all, 12).await;
    let names: Vec<_> = answer
        .topics
        .iter()
        .map(|topic| topic.name.as_deref())
        .collect();
    assert_eq!(names, [Some("open")]);
    // That it is there is not told, nor is one made.
    for name in ["hidden", "nowhere"] {
        let told = alice.topic(name).await;
        assert_eq!(
            (code(told.error_code), told.topic_id.is_zero()),
            (DENIED, true),
            "{name}"
        );
    }
    assert_eq!(broker.end_offset("nowhere", 0), None);
    // By id, the id is told and the name is not.
    let topic_id = client(&broker, "admin")
        .await
        .topic("hidden")
        .await
        .topic_id;
    let by_id = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            topic_id,
            name: None,
            ..Default::default()
        }]),
        ..Default::default()
    };
    let told = alice.call(&by_id, 12).await.topics.swap_remove(0);
    assert_eq!(
        (code(told.error_code), told.name, told.topic_id),
        (DENIED, None, topic_id)
    );
}

#[tokio::test]
async fn metadata_makes_topics_for_those_who_may() {
    let broker = broker().await;
    let mut alice = client(&broker, "alice").await;
    broker
        .add_acl(allow(AclOperation::Describe, topic("new")))
        .unwrap();
    assert_eq!(code(alice.topic("new").await.error_code), DENIED);
    broker
        .add_acl(allow(AclOperation::Create, topic("new")))
        .unwrap();
    assert_eq!(alice.topic("new").await.error_code, 0);
}

#[tokio::test]
async fn operations_are_those_of_the_principal() {
    let broker = broker().await;
    broker
        .add_acl(allow(AclOperation::Write, topic("open")))
        .unwrap();
    broker
        .add_acl(allow(AclOperation::Read, AclResource::group("g")))
        .unwrap();
    let mut alice = client(&broker, "alice").await;
    let request = MetadataRequest {
        topics: None,
        include_topic_authorized_operations: true,
        include_cluster_authorized_operations: true,
        ..Default::default()
    };
    let bits = |operations: &[AclOperation]| {
        operations
            .iter()
            .fold(0, |bits, one| bits | 1 << (*one as i32))
    };
    let answer = alice.call(&request, 10).await;
    let expected = bits(&[AclOperation::Write, AclOperation::Describe]);
    assert_eq!(answer.topics[0].topic_authorized_operations, expected);
    assert_eq!(answer.cluster_authorized_operations, 0);
    let groups = DescribeGroupsRequest {
        groups: vec!["g".into(), "other".into()],
        include_authorized_operations: true,
        ..Default::default()
    };
    let groups = alice.call(&groups, 5).await.groups;
    let expected = bits(&[AclOperation::Read, AclOperation::Describe]);
    assert_eq!(groups[0].authorized_operations, expected);
    assert_eq!(code(groups[1].error_code), GROUP_DENIED);

    let cluster = AclResource::cluster();
    broker.add_acl(allow(AclOperation::Alter, cluster)).unwrap();
    let request = DescribeClusterRequest {
        include_cluster_authorized_operations: true,
        ..Default::default()
    };
    let answer = alice.call(&request, 0).await;
    let expected = bits(&[AclOperation::Alter, AclOperation::Describe]);
    assert_eq!(answer.cluster_authorized_operations, expected);
}

#[tokio::test]
async fn a_part_of_a_request_is_refused_and_the_rest_done() {
    let broker = broker().await;
    broker
        .add_acl(allow(AclOperation::Write, topic("open")))
        .unwrap();
    let mut alice = client(&broker, "alice").await;
    let mut request = produce_request("open", 0, batch(&["a"]));
    request.topic_data.push(TopicProduceData {
        name: "hidden".into(),
        partition_data: vec![PartitionProduceData {
            records: Some(batch(&["a"])),
            ..Default::default()
        }],
        ..Default::default()
    });
    let answer = alice.call(&request, 12).await;
    let mut errors: Vec<_> = answer
        .responses
        .iter()
        .map(|topic| (&*topic.name, code(topic.partition_responses[0].error_code)))
        .collect();
    errors.sort_unstable_by_key(|(name, _)| *name);
    assert_eq!(errors, [("hidden", DENIED), ("open", ErrorCode::NONE)]);
    assert_eq!(broker.end_offset("hidden", 0), Some(0));
}

#[tokio::test]
async fn reading_needs_read_and_asking_for_offsets_describe() {
    let broker = broker().await;
    let mut alice = client(&broker, "alice").await;
    let list = |name: &str| ListOffsetsRequest {
        topics: vec![ListOffsetsTopic {
            name: name.into(),
            partitions: vec![ListOffsetsPartition {
                timestamp: -1,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let epoch = |name: &str| OffsetForLeaderEpochRequest {
        topics: vec![OffsetForLeaderTopic {
            topic: name.into(),
            partitions: vec![OffsetForLeaderPartition::default()],
            ..Default::default()
        }],
        ..Default::default()
    };
    for (name, offsets, epochs) in [
        ("open", ErrorCode::NONE, ErrorCode::NONE),
        ("hidden", DENIED, DENIED),
        ("nowhere", DENIED, DENIED),
    ] {
        let answer = alice.call(&list(name), 5).await;
        assert_eq!(
            code(answer.topics[0].partitions[0].error_code),
            offsets,
            "{name}"
        );
        let answer = alice.call(&epoch(name), 4).await;
        assert_eq!(
            code(answer.topics[0].partitions[0].error_code),
            epochs,
            "{name}"
        );
        assert_eq!(
            code(alice.fetch(name, 0, 0).await.error_code),
            DENIED,
            "{name}"
        );
    }
    broker
        .add_acl(allow(AclOperation::Read, topic("open")))
        .unwrap();
    assert_eq!(alice.fetch("open", 0, 0).await.error_code, 0);
}

#[tokio::test]
async fn a_fetch_session_keeps_telling_what_is_denied() {
    let broker = broker().await;
    let mut alice = client(&broker, "alice").await;
    let mut request = fetch_request("hidden", 0, 0);
    request.session_epoch = 0;
    let first = alice.call(&request, 12).await;
    assert_eq!(code(first.responses[0].partitions[0].error_code), DENIED);
    request.session_id = first.session_id;
    request.session_epoch = 1;
    request.topics.clear();
    let second = alice.call(&request, 12).await;
    assert_eq!(code(second.responses[0].partitions[0].error_code), DENIED);
    broker
        .add_acl(allow(AclOperation::Read, topic("hidden")))
        .unwrap();
    client(&broker, "admin")
        .await
        .produce("hidden", 0, batch(&["a"]))
        .await;
    request.session_epoch = 2;
    let third = alice.call(&request, 12).await;
    assert_eq!(third.responses[0].partitions[0].error_code, 0);
}

#[tokio::test]
async fn groups_need_read_and_describe() {
    let broker = broker().await;
    broker
        .add_acl(allow(AclOperation::Describe, AclResource::group("seen")))
        .unwrap();
    broker
        .add_acl(allow(AclOperation::Read, AclResource::group("mine")))
        .unwrap();
    let mut alice = client(&broker, "alice").await;
    for group in ["seen", "hidden"] {
        let group_id = || group.into();
        let join = JoinGroupRequest {
            group_id: group_id(),
            ..Default::default()
        };
        let sync = SyncGroupRequest {
            group_id: group_id(),
            ..Default::default()
        };
        let heartbeat = HeartbeatRequest {
            group_id: group_id(),
            ..Default::default()
        };
        let leave = LeaveGroupRequest {
            group_id: group_id(),
            ..Default::default()
        };
        for error in [
            alice.call(&join, 5).await.error_code,
            alice.call(&sync, 3).await.error_code,
            alice.call(&heartbeat, 3).await.error_code,
            alice.call(&leave, 2).await.error_code,
        ] {
            assert_eq!(code(error), GROUP_DENIED, "{group}");
        }
    }
    let find = FindCoordinatorRequest {
        coordinator_keys: vec!["seen".into(), "hidden".into()],
        ..Default::default()
    };
    let found = alice.call(&find, 4).await.coordinators;
    let errors: Vec<_> = found.iter().map(|one| code(one.error_code)).collect();
    assert_eq!(errors, [ErrorCode::NONE, GROUP_DENIED]);
}

fn commit(group: &str, topics: &[&str]) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: -1,
        topics: topics
            .iter()
            .map(|name| OffsetCommitRequestTopic {
                name: (*name).into(),
                partitions: vec![OffsetCommitRequestPartition {
                    committed_offset: 7,
                    ..Default::default()
                }],
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

#[tokio::test]
async fn offsets_need_the_group_and_the_topic() {
    let broker = broker().await;
    let mut admin = client(&broker, "admin").await;
    for group in ["mine", "hidden"] {
        let answer = admin.call(&commit(group, &["open", "hidden"]), 8).await;
        assert!(
            answer
                .topics
                .iter()
                .all(|topic| topic.partitions[0].error_code == 0)
        );
    }
    broker
        .add_acl(allow(AclOperation::Read, AclResource::group("mine")))
        .unwrap();
    let mut alice = client(&broker, "alice").await;
    let errors = |answer: kafka_client_protocol::api::offset_commit::OffsetCommitResponse| {
        let topics = answer.topics.into_iter();
        let mut errors: Vec<_> = topics
            .map(|topic| (topic.name.to_string(), code(topic.partitions[0].error_code)))
            .collect();
        errors.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        errors
    };
    // Describe is not enough for a commit.
    let denied = |error| vec![("hidden".to_owned(), error), ("open".to_owned(), error)];
    let answer = alice.call(&commit("mine", &["open", "hidden"]), 8).await;
    assert_eq!(errors(answer), denied(DENIED));
    let answer = alice.call(&commit("hidden", &["open", "hidden"]), 8).await;
    assert_eq!(errors(answer), denied(GROUP_DENIED));
    broker
        .add_acl(allow(AclOperation::Read, topic("open")))
        .unwrap();
    let answer = alice.call(&commit("mine", &["open"]), 8).await;
    assert_eq!(errors(answer), [("open".to_owned(), ErrorCode::NONE)]);

    let group = |id: &str, topics: Option<&[&str]>| OffsetFetchRequestGroup {
        group_id: id.into(),
        topics: topics.map(|topics| {
            let topics = topics.iter().map(|name| OffsetFetchRequestTopics {
                name: (*name).into(),
                partition_indexes: vec![0],
                ..Default::default()
            });
            topics.collect()
        }),
        ..Default::default()
    };
    let request = OffsetFetchRequest {
        groups: vec![
            group("mine", Some(&["open", "hidden"])),
            group("mine", None),
            group("hidden", None),
        ],
        ..Default::default()
    };
    let groups = alice.call(&request, 8).await.groups;
    let partitions: Vec<_> = groups[0]
        .topics
        .iter()
        .map(|topic| {
            (
                topic.partitions[0].committed_offset,
                code(topic.partitions[0].error_code),
            )
        })
        .collect();
    assert_eq!(partitions, [(7, ErrorCode::NONE), (-1, DENIED)]);
    let names: Vec<_> = groups[1].topics.iter().map(|topic| &*topic.name).collect();
    assert_eq!(names, ["open"]);
    assert_eq!(code(groups[2].error_code), GROUP_DENIED);
    let listed = alice.call(&ListGroupsRequest::default(), 4).await.groups;
    let ids: Vec<_> = listed.iter().map(|group| &*group.group_id).collect();
    assert_eq!(ids, ["mine"]);
    broker
        .add_acl(allow(AclOperation::Describe, AclResource::cluster()))
        .unwrap();
    assert_eq!(
        alice
            .call(&ListGroupsRequest::default(), 4)
            .await
            .groups
            .len(),
        2
    );
}

#[tokio::test]
async fn topics_are_made_and_deleted_by_those_who_may() {
    let broker = broker().await;
    let mut alice = client(&broker, "alice").await;
    let create = |name: &str| CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: name.into(),
            num_partitions: 1,
            replication_factor: 1,
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = alice.call(&create("new"), 7).await.topics.swap_remove(0);
    assert_eq!(code(answer.error_code), DENIED);
    assert_eq!(
        answer.error_message.as_deref(),
        Some("Authorization failed.")
    );
    broker
        .add_acl(allow(AclOperation::Create, topic("ne")).prefixed())
        .unwrap();
    let answer = alice.call(&create("new"), 7).await.topics.swap_remove(0);
    assert_eq!(answer.error_code, 0);
    // Its settings are another matter.
    assert_eq!(
        (code(answer.topic_config_error_code), answer.configs),
        (DENIED, None)
    );
    broker
        .add_acl(allow(AclOperation::Create, AclResource::cluster()))
        .unwrap();
    assert_eq!(
        alice.call(&create("other"), 7).await.topics[0].error_code,
        0
    );

    let delete = |name: &str| DeleteTopicsRequest {
        topics: vec![DeleteTopicState {
            name: Some(name.into()),
            ..Default::default()
        }],
        ..Default::default()
    };
    for name in ["new", "nowhere"] {
        let answer = alice.call(&delete(name), 6).await.responses.swap_remove(0);
        assert_eq!(code(answer.error_code), DENIED, "{name}");
    }
    broker
        .add_acl(allow(AclOperation::Delete, topic("*")))
        .unwrap();
    assert_eq!(
        alice.call(&delete("new"), 6).await.responses[0].error_code,
        0
    );
    let answer = alice.call(&delete("nowhere"), 6).await;
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert_eq!(code(answer.responses[0].error_code), unknown);
}

#[tokio::test]
async fn records_are_deleted_by_those_who_may_delete_on_the_topic() {
    let broker = broker().await;
    broker.create_topic("t", 1).unwrap();
    let mut alice = client(&broker, "alice").await;
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: "t".into(),
            partitions: vec![DeleteRecordsPartition::default()],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = alice.call(&request, 2).await;
    assert_eq!(code(answer.topics[0].partitions[0].error_code), DENIED);
    broker
        .add_acl(allow(AclOperation::Delete, topic("t")))
        .unwrap();
    let answer = alice.call(&request, 2).await;
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
}

#[tokio::test]
async fn producer_ids_are_for_those_who_may_write() {
    let broker = broker().await;
    let mut alice = client(&broker, "alice").await;
    let request = InitProducerIdRequest::default();
    let request = InitProducerIdRequest {
        transactional_id: None,
        ..request
    };
    let answer = alice.call(&request, 4).await;
    assert_eq!(
        code(answer.error_code),
        ErrorCode::CLUSTER_AUTHORIZATION_FAILED
    );
    broker
        .add_acl(allow(AclOperation::Write, topic("some")))
        .unwrap();
    assert_eq!(alice.call(&request, 4).await.error_code, 0);
    let transactional = InitProducerIdRequest {
        transactional_id: Some("id".into()),
        ..request
    };
    let answer = alice.call(&transactional, 4).await;
    let denied = ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    assert_eq!(code(answer.error_code), denied);
}

#[tokio::test]
async fn a_rule_may_hold_for_one_address() {
    let elsewhere = allow(AclOperation::Write, topic("t")).host("10.0.0.1");
    let broker = builder().acl(elsewhere).start().await.unwrap();
    broker.create_topic("t", 1).unwrap();
    let address = broker.bootstrap_of("SASL_PLAINTEXT").unwrap();
    let mut alice = Client::over(TcpStream::connect(address).await.unwrap(), "test");
    plain(&mut alice, "alice", "secret").await;
    assert_eq!(
        code(alice.produce("t", 0, batch(&["a"])).await.error_code),
        DENIED
    );
    broker
        .add_acl(allow(AclOperation::Write, topic("t")).host("127.0.0.1"))
        .unwrap();
    assert_eq!(alice.produce("t", 0, batch(&["a"])).await.error_code, 0);
}

// ---- the APIs of the rules ----

fn creation(name: &str) -> AclCreation {
    AclCreation {
        resource_type: 2,
        resource_name: name.into(),
        principal: "User:alice".into(),
        host: "*".into(),
        operation: 4,
        permission_type: 3,
        ..Default::default()
    }
}

async fn described(client: &mut Client) -> DescribeAclsResponse {
    let any = DescribeAclsRequest {
        resource_type_filter: 1,
        resource_name_filter: None,
        pattern_type_filter: 1,
        principal_filter: None,
        host_filter: None,
        operation: 1,
        permission_type: 1,
        ..Default::default()
    };
    client.call(&any, 3).await
}

#[tokio::test]
async fn rules_are_made_shown_and_deleted() {
    let broker = broker().await;
    let mut admin = client(&broker, "admin").await;
    let mut wrong = vec![creation("")];
    for change in [
        |one: &mut AclCreation| one.principal = "alice".into(),
        |one: &mut AclCreation| one.operation = 1,
        |one: &mut AclCreation| one.resource_type = 4,
        |one: &mut AclCreation| one.permission_type = 9,
    ] {
        let mut one = creation("hidden");
        change(&mut one);
        wrong.push(one);
    }
    let request = CreateAclsRequest {
        creations: [wrong, vec![creation("hidden")]].concat(),
        ..Default::default()
    };
    let results = admin.call(&request, 3).await.results;
    let errors: Vec<_> = results
        .iter()
        .map(|result| code(result.error_code))
        .collect();
    let invalid = ErrorCode::INVALID_REQUEST;
    assert_eq!(
        errors,
        [invalid, invalid, invalid, invalid, invalid, ErrorCode::NONE]
    );

    let mut alice = client(&broker, "alice").await;
    assert_eq!(
        alice.produce("hidden", 0, batch(&["a"])).await.error_code,
        0
    );
    let all = described(&mut admin).await.resources;
    let names: Vec<_> = all
        .iter()
        .map(|one| (&*one.resource_name, one.acls.len()))
        .collect();
    assert_eq!(names, [("hidden", 1), ("open", 1)]);

    let delete = DeleteAclsRequest {
        filters: vec![DeleteAclsFilter {
            resource_type_filter: 2,
            resource_name_filter: Some("hidden".into()),
            pattern_type_filter: 2,
            principal_filter: None,
            host_filter: None,
            operation: 1,
            permission_type: 1,
            ..Default::default()
        }],
        ..Default::default()
    };
    let deleted = admin.call(&delete, 3).await.filter_results.swap_remove(0);
    assert_eq!(deleted.matching_acls.len(), 1);
    assert_eq!(&*deleted.matching_acls[0].resource_name, "hidden");
    assert_eq!(
        code(alice.produce("hidden", 0, batch(&["a"])).await.error_code),
        DENIED
    );
}

#[tokio::test]
async fn rules_are_for_those_who_may_change_the_cluster() {
    let broker = broker().await;
    let mut alice = client(&broker, "alice").await;
    let request = CreateAclsRequest {
        creations: vec![creation("hidden")],
        ..Default::default()
    };
    let denied = ErrorCode::CLUSTER_AUTHORIZATION_FAILED;
    assert_eq!(
        code(alice.call(&request, 3).await.results[0].error_code),
        denied
    );
    assert_eq!(code(described(&mut alice).await.error_code), denied);
    broker
        .add_acl(allow(AclOperation::Describe, AclResource::cluster()))
        .unwrap();
    assert_eq!(described(&mut alice).await.error_code, 0);
    assert_eq!(
        code(alice.call(&request, 3).await.results[0].error_code),
        denied
    );
}

#[tokio::test]
async fn without_an_authorizer_there_are_no_rules() {
    let broker = start(Broker::builder()).await;
    let mut client = Client::new(&broker);
    let answer = described(&mut client).await;
    assert_eq!(code(answer.error_code), ErrorCode::SECURITY_DISABLED);
    let request = CreateAclsRequest {
        creations: vec![creation("t")],
        ..Default::default()
    };
    let answer = client.call(&request, 3).await;
    assert_eq!(
        code(answer.results[0].error_code),
        ErrorCode::SECURITY_DISABLED
    );
    let rule = allow(AclOperation::Read, topic("t"));
    assert_eq!(
        broker.add_acl(rule).unwrap_err().code,
        ErrorCode::SECURITY_DISABLED
    );
}

#[tokio::test]
async fn rules_outlive_the_broker() {
    let dir = tempfile::tempdir().unwrap();
    let rule = allow(AclOperation::Write, topic("t"));
    let broker = start(builder().data_dir(dir.path())).await;
    broker.create_topic("t", 1).unwrap();
    broker.add_acl(rule).unwrap();
    broker.crash().await;
    let broker = start(builder().data_dir(dir.path())).await;
    let mut alice = client(&broker, "alice").await;
    assert_eq!(alice.produce("t", 0, batch(&["a"])).await.error_code, 0);
}

/// Whether a client at an address may write, where a rule shuts out a host.
async fn may_write_from(listen: &str, connect: &str, shut_out: &str) -> bool {
    let allow = Acl::allow("User:ANONYMOUS", AclOperation::Write, topic("t"));
    let deny = Acl::deny("User:ANONYMOUS", AclOperation::Write, topic("t")).host(shut_out);
    let broker = Broker::builder()
        .listen(listen)
        .acl(allow)
        .acl(deny)
        .start()
        .await
        .unwrap();
    broker.create_topic("t", 1).unwrap();
    let port = broker.local_addr().unwrap().port();
    let stream = TcpStream::connect(format!("{connect}:{port}"))
        .await
        .unwrap();
    let mut client = Client::over(stream, "test");
    let error = client.produce("t", 0, batch(&["a"])).await.error_code;
    assert!(error == 0 || code(error) == DENIED, "{error}");
    error == 0
}

#[tokio::test]
async fn hosts_are_written_as_java_writes_them() {
    // IPv6 in eight groups, and an IPv4 address that a socket of IPv6 maps as IPv4.
    assert!(!may_write_from("[::1]:0", "[::1]", "0:0:0:0:0:0:0:1").await);
    assert!(!may_write_from("[::]:0", "127.0.0.1", "127.0.0.1").await);
    assert!(!may_write_from("127.0.0.1:0", "127.0.0.1", "127.0.0.1").await);
    assert!(may_write_from("127.0.0.1:0", "127.0.0.1", "127.0.0.2").await);
}

#[tokio::test]
async fn who_may_delete_on_the_cluster_may_delete_every_topic() {
    let broker = broker().await;
    broker
        .add_acl(allow(AclOperation::Delete, AclResource::cluster()))
        .unwrap();
    let mut alice = client(&broker, "alice").await;
    let topic_id = client(&broker, "admin").await.topic("open").await.topic_id;
    let named = |name: Option<&str>, topic_id| DeleteTopicState {
        name: name.map(Into::into),
        topic_id,
        ..Default::default()
    };
    let request = DeleteTopicsRequest {
        topics: vec![
            named(Some("hidden"), kafka_client_protocol::Uuid::ZERO),
            named(None, topic_id),
        ],
        ..Default::default()
    };
    let answer = alice.call(&request, 6).await;
    let errors: Vec<_> = answer
        .responses
        .iter()
        .map(|one| code(one.error_code))
        .collect();
    assert_eq!(errors, [ErrorCode::NONE, ErrorCode::NONE]);
}

#[tokio::test]
async fn finding_a_coordinator_without_rights_makes_nothing() {
    let broker = broker().await;
    let mut alice = client(&broker, "alice").await;
    let find = |key_type| FindCoordinatorRequest {
        key_type,
        coordinator_keys: vec!["hidden".into()],
        ..Default::default()
    };
    for (key_type, expected) in [
        (0, GROUP_DENIED),
        (1, ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
        (2, ErrorCode::CLUSTER_AUTHORIZATION_FAILED),
    ] {
        let found = alice.call(&find(key_type), 6).await.coordinators;
        assert_eq!(code(found[0].error_code), expected);
    }
    assert_eq!(broker.end_offset("__consumer_offsets", 0), None);
}

#[tokio::test]
async fn a_transactional_id_needs_rights_of_its_own() {
    let broker = broker().await;
    broker
        .add_acl(allow(AclOperation::Write, topic("open")))
        .unwrap();
    let mut alice = client(&broker, "alice").await;
    let mut request = produce_request("open", 0, batch(&["a"]));
    request.transactional_id = Some("somebody".into());
    let answer = alice.call(&request, 12).await;
    assert_eq!(
        code(answer.responses[0].partition_responses[0].error_code),
        ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    );
}

#[tokio::test]
async fn a_follower_needs_the_cluster_and_no_topic() {
    let broker = broker().await;
    broker
        .add_acl(allow(AclOperation::Read, topic("open")))
        .unwrap();
    let mut alice = client(&broker, "alice").await;
    let mut old = fetch_request("open", 0, 0);
    old.replica_id = 5;
    let mut new = fetch_request("open", 0, 0);
    new.replica_state.replica_id = 5;
    new.topics[0].topic_id = client(&broker, "admin").await.topic("open").await.topic_id;
    let error = |answer: FetchResponse| code(answer.responses[0].partitions[0].error_code);
    assert_eq!(error(alice.call(&old, 12).await), DENIED);
    assert_eq!(error(alice.call(&new, 16).await), DENIED);
    broker
        .add_acl(allow(AclOperation::ClusterAction, AclResource::cluster()))
        .unwrap();
    broker
        .remove_acl(&allow(AclOperation::Read, topic("open")))
        .unwrap();
    assert_eq!(error(alice.call(&old, 12).await), ErrorCode::NONE);
    assert_eq!(error(alice.call(&new, 16).await), ErrorCode::NONE);
}
