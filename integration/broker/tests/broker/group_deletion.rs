//! Groups and offsets that administrators delete.

use bytes::Bytes;
use kafka_broker::{AclOperation, AclResource, Broker};
use kafka_client_protocol::api::delete_groups::DeleteGroupsRequest;
use kafka_client_protocol::api::describe_groups::DescribeGroupsRequest;
use kafka_client_protocol::api::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use kafka_client_protocol::api::leave_group::{LeaveGroupRequest, MemberIdentity};
use kafka_client_protocol::api::list_groups::ListGroupsRequest;
use kafka_client_protocol::api::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_client_protocol::consumer_protocol::{Subscription, encode};
use kafka_client_protocol::{ErrorCode, Uuid};

use crate::authorizer::{allow, broker as guarded, client as client_of, topic};
use crate::groups::{
    GROUP, commit, commit_request, committed, describe, heartbeat, join, join_request, sync,
    with_topic,
};
use crate::support::Client;

async fn delete(client: &mut Client, ids: &[&str], version: i16) -> Vec<(String, ErrorCode)> {
    let request = DeleteGroupsRequest {
        groups_names: ids.iter().map(|id| (*id).into()).collect(),
        ..Default::default()
    };
    let answer = client.call(&request, version).await;
    let results = answer.results.into_iter();
    results
        .map(|one| (one.group_id.to_string(), ErrorCode::new(one.error_code)))
        .collect()
}

async fn delete_one(client: &mut Client) -> ErrorCode {
    delete(client, &[GROUP], 2).await.remove(0).1
}

/// The error of the whole, and of each partition.
async fn delete_offsets(
    client: &mut Client,
    group: &str,
    topics: &[(&str, &[i32])],
) -> (ErrorCode, Vec<ErrorCode>) {
    let topic = |(name, partitions): &(&str, &[i32])| OffsetDeleteRequestTopic {
        name: (*name).into(),
        partitions: partitions
            .iter()
            .map(|index| OffsetDeleteRequestPartition {
                partition_index: *index,
            })
            .collect(),
    };
    let request = OffsetDeleteRequest {
        group_id: group.into(),
        topics: topics.iter().map(topic).collect(),
    };
    let answer = client.call(&request, 0).await;
    let partitions = answer.topics.into_iter().flat_map(|topic| topic.partitions);
    let errors = partitions.map(|one| ErrorCode::new(one.error_code));
    (ErrorCode::new(answer.error_code), errors.collect())
}

/// Joins as a member of a kind, with its word on what it reads, and syncs; its id.
pub(crate) async fn join_as(client: &mut Client, kind: &str, metadata: Bytes) -> String {
    let mut request = JoinGroupRequest {
        // Longer than any test lasts.
        session_timeout_ms: 1_800_000,
        protocol_type: kind.into(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".into(),
            metadata,
            ..Default::default()
        }],
        ..join_request("")
    };
    request.member_id = client.call(&request, 9).await.member_id;
    let joined = client.call(&request, 9).await;
    assert_eq!(joined.error_code, 0);
    let mut request = crate::groups::sync_request(&joined);
    request.protocol_type = Some(kind.into());
    assert_eq!(client.call(&request, 5).await.error_code, 0);
    joined.member_id.to_string()
}

pub(crate) fn reads(topics: &[&str]) -> Bytes {
    let subscription = Subscription {
        topics: topics.iter().map(|topic| (*topic).into()).collect(),
        ..Default::default()
    };
    encode(&subscription, 3).unwrap()
}

pub(crate) async fn leave(client: &mut Client, member_id: &str) {
    let request = LeaveGroupRequest {
        group_id: GROUP.into(),
        members: vec![MemberIdentity {
            member_id: member_id.into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    assert_eq!(client.call(&request, 5).await.members[0].error_code, 0);
}

pub(crate) async fn is_known(client: &mut Client) -> bool {
    let request = DescribeGroupsRequest {
        groups: vec![GROUP.into()],
        ..Default::default()
    };
    let code = client.call(&request, 6).await.groups[0].error_code;
    code != ErrorCode::GROUP_ID_NOT_FOUND.code()
}

#[tokio::test]
async fn a_deleted_group_is_gone_with_its_offsets_also_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let start = || Broker::builder().no_listener().data_dir(dir.path()).start();
    let broker = start().await.unwrap();
    broker.create_topic("t", 2).unwrap();
    let mut client = Client::new(&broker);
    for version in 0..=2 {
        assert_eq!(
            commit(&mut client, &[(0, 5), (1, 6)]).await,
            ErrorCode::NONE
        );
        let deleted = delete(&mut client, &[GROUP, "unknown", GROUP, ""], version).await;
        let expected = [
            (GROUP.to_owned(), ErrorCode::NONE),
            ("unknown".to_owned(), ErrorCode::GROUP_ID_NOT_FOUND),
            (String::new(), ErrorCode::GROUP_ID_NOT_FOUND),
        ];
        assert_eq!(deleted, expected);
        assert!(committed(&mut client).await.is_empty());
        assert!(!is_known(&mut client).await);
        let list = ListGroupsRequest::default();
        assert!(client.call(&list, 5).await.groups.is_empty());
    }
    // One that is made anew has nothing of the old one.
    assert_eq!(commit(&mut client, &[(1, 7)]).await, ErrorCode::NONE);
    broker.crash().await;
    let broker = start().await.unwrap();
    let mut client = Client::new(&broker);
    let offsets = committed(&mut client).await;
    assert_eq!((offsets.len(), offsets[0].1), (1, 7));
    assert_eq!(delete_one(&mut client).await, ErrorCode::NONE);
    broker.crash().await;
    let broker = start().await.unwrap();
    assert!(!is_known(&mut Client::new(&broker)).await);
}

#[tokio::test]
async fn a_group_with_members_is_not_deleted() {
    let broker = with_topic(Broker::builder()).await;
    let mut client = Client::new(&broker);
    let joined = join(&mut client).await;
    assert_eq!(delete_one(&mut client).await, ErrorCode::NON_EMPTY_GROUP);
    sync(&mut client, &joined).await;
    assert_eq!(delete_one(&mut client).await, ErrorCode::NON_EMPTY_GROUP);
    assert_eq!(heartbeat(&mut client, &joined).await, ErrorCode::NONE);
    leave(&mut client, &joined.member_id).await;
    assert_eq!(describe(&mut client).await.group_state, "Empty");
    assert_eq!(delete_one(&mut client).await, ErrorCode::NONE);
    assert_eq!(
        heartbeat(&mut client, &joined).await,
        ErrorCode::UNKNOWN_MEMBER_ID
    );
    // Whoever joins starts from the first generation.
    assert_eq!(join(&mut client).await.generation_id, 1);
}

#[tokio::test]
async fn offsets_are_deleted_one_by_one_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let start = || Broker::builder().no_listener().data_dir(dir.path()).start();
    let broker = start().await.unwrap();
    broker.create_topic("t", 2).unwrap();
    let mut client = Client::new(&broker);
    commit(&mut client, &[(0, 5), (1, 6)]).await;
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert_eq!(
        delete_offsets(&mut client, GROUP, &[("u", &[0]), ("t", &[7, 0, 0])]).await,
        (
            ErrorCode::NONE,
            vec![unknown, unknown, ErrorCode::NONE, ErrorCode::NONE]
        )
    );
    assert_eq!(committed(&mut client).await.len(), 1);
    broker.crash().await;
    let broker = start().await.unwrap();
    let mut client = Client::new(&broker);
    let left = committed(&mut client).await;
    assert_eq!((left.len(), left[0].0, left[0].1), (1, 1, 6));
    for (group, expected) in [
        ("unknown", ErrorCode::GROUP_ID_NOT_FOUND),
        ("", ErrorCode::INVALID_GROUP_ID),
    ] {
        let deleted = delete_offsets(&mut client, group, &[("t", &[0]), ("u", &[0])]).await;
        assert_eq!(deleted, (expected, vec![]));
    }
}

#[tokio::test]
async fn offsets_of_topics_that_consumers_read_stay() {
    let broker = with_topic(Broker::builder()).await;
    broker.create_topic("u", 1).unwrap();
    let mut client = Client::new(&broker);
    commit(&mut client, &[(0, 5)]).await;
    let other = commit_request("u", Uuid::ZERO, &[(0, 8)]);
    client.call(&other, 9).await;
    let id = join_as(&mut client, "consumer", reads(&["t"])).await;
    let both: &[(&str, &[i32])] = &[("t", &[0]), ("u", &[0])];
    assert_eq!(
        delete_offsets(&mut client, GROUP, both).await,
        (
            ErrorCode::NONE,
            vec![ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode::NONE]
        )
    );
    assert_eq!(committed(&mut client).await.len(), 1);
    leave(&mut client, &id).await;
    let (_, errors) = delete_offsets(&mut client, GROUP, both).await;
    assert_eq!(errors, [ErrorCode::NONE, ErrorCode::NONE]);
    assert!(committed(&mut client).await.is_empty());
    // What a member reads that says it in no known way could be anything.
    let id = join_as(&mut client, "consumer", Bytes::from_static(b"?")).await;
    let (_, errors) = delete_offsets(&mut client, GROUP, both).await;
    assert_eq!(errors, [ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC; 2]);
    leave(&mut client, &id).await;
    let id = join_as(&mut client, "connect", reads(&[])).await;
    assert_eq!(
        delete_offsets(&mut client, GROUP, both).await,
        (ErrorCode::NON_EMPTY_GROUP, vec![])
    );
    leave(&mut client, &id).await;
}

#[tokio::test]
async fn deleting_groups_and_offsets_needs_rights() {
    let broker = guarded().await;
    let mut admin = client_of(&broker, "admin").await;
    let mut alice = client_of(&broker, "alice").await;
    for name in ["open", "hidden"] {
        let request = commit_request(name, Uuid::ZERO, &[(0, 5)]);
        let answer = admin.call(&request, 9).await;
        assert_eq!(answer.topics[0].partitions[0].error_code, 0);
    }
    let both: &[(&str, &[i32])] = &[("open", &[0]), ("hidden", &[0])];
    let denied = ErrorCode::GROUP_AUTHORIZATION_FAILED;
    assert_eq!(delete_one(&mut alice).await, denied);
    let deleted = delete_offsets(&mut alice, GROUP, both).await;
    assert_eq!(deleted, (denied, vec![]));
    let on_group = allow(AclOperation::Delete, AclResource::group(GROUP));
    broker.add_acl(on_group).unwrap();
    let read = allow(AclOperation::Read, topic("open"));
    broker.add_acl(read).unwrap();
    assert_eq!(
        delete_offsets(&mut alice, GROUP, both).await,
        (
            ErrorCode::NONE,
            vec![ErrorCode::NONE, ErrorCode::TOPIC_AUTHORIZATION_FAILED]
        )
    );
    let deleted = delete(&mut alice, &["other", GROUP], 2).await;
    assert_eq!(deleted[0].1, denied);
    assert_eq!(deleted[1].1, ErrorCode::NONE);
}
