//! Groups over the wire: membership, offsets, restarts.

use std::time::Duration;

use bytes::Bytes;
use kafka_broker::{Broker, Builder};
use kafka_client_protocol::api::delete_topics::DeleteTopicsRequest;
use kafka_client_protocol::api::describe_groups::{DescribeGroupsRequest, DescribedGroup};
use kafka_client_protocol::api::find_coordinator::{Coordinator, FindCoordinatorRequest};
use kafka_client_protocol::api::heartbeat::HeartbeatRequest;
use kafka_client_protocol::api::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse,
};
use kafka_client_protocol::api::leave_group::{LeaveGroupRequest, MemberIdentity};
use kafka_client_protocol::api::list_groups::ListGroupsRequest;
use kafka_client_protocol::api::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_client_protocol::api::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_client_protocol::api::produce::ProduceRequest;
use kafka_client_protocol::api::sync_group::{
    SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse,
};
use kafka_client_protocol::{ErrorCode, Uuid};
use tokio::time::Instant;

use crate::support::{Client, batch, produce_request, start};

pub(crate) const GROUP: &str = "g";

pub(crate) fn join_request(member_id: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: GROUP.into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        member_id: member_id.into(),
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".into(),
            metadata: Bytes::from_static(b"subscription"),
            ..Default::default()
        }],
        ..Default::default()
    }
}

pub(crate) fn sync_request(joined: &JoinGroupResponse) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: GROUP.into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: joined
            .members
            .iter()
            .map(|member| SyncGroupRequestAssignment {
                member_id: member.member_id.clone(),
                assignment: member.member_id.as_bytes().clone(),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

/// Joins as a client does: once for the id, once with it.
pub(crate) async fn join(client: &mut Client) -> JoinGroupResponse {
    let answer = client.call(&join_request(""), 9).await;
    assert_eq!(answer.error_code, ErrorCode::MEMBER_ID_REQUIRED.code());
    client.call(&join_request(&answer.member_id), 9).await
}

pub(crate) async fn sync(client: &mut Client, joined: &JoinGroupResponse) -> SyncGroupResponse {
    client.call(&sync_request(joined), 5).await
}

pub(crate) async fn heartbeat(client: &mut Client, joined: &JoinGroupResponse) -> ErrorCode {
    let request = HeartbeatRequest {
        group_id: GROUP.into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        ..Default::default()
    };
    ErrorCode::new(client.call(&request, 4).await.error_code)
}

pub(crate) fn commit_request(
    topic: &str,
    topic_id: Uuid,
    offsets: &[(i32, i64)],
) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: GROUP.into(),
        topics: vec![OffsetCommitRequestTopic {
            name: topic.into(),
            topic_id,
            partitions: offsets
                .iter()
                .map(
                    |(partition_index, committed_offset)| OffsetCommitRequestPartition {
                        partition_index: *partition_index,
                        committed_offset: *committed_offset,
                        committed_leader_epoch: 3,
                        committed_metadata: Some("note".into()),
                        ..Default::default()
                    },
                )
                .collect(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

pub(crate) async fn commit(client: &mut Client, offsets: &[(i32, i64)]) -> ErrorCode {
    let answer = client
        .call(&commit_request("t", Uuid::ZERO, offsets), 9)
        .await;
    ErrorCode::new(answer.topics[0].partitions[0].error_code)
}

/// Partition, offset, leader epoch and text of all that a group has committed for `t`.
pub(crate) async fn committed(client: &mut Client) -> Vec<(i32, i64, i32, String)> {
    let request = OffsetFetchRequest {
        groups: vec![OffsetFetchRequestGroup {
            group_id: GROUP.into(),
            topics: None,
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut answer = client.call(&request, 9).await;
    let group = answer.groups.swap_remove(0);
    assert_eq!(group.error_code, 0);
    let partitions = group.topics.into_iter().flat_map(|topic| topic.partitions);
    partitions
        .map(|one| {
            let metadata = one.metadata.unwrap().to_string();
            (
                one.partition_index,
                one.committed_offset,
                one.committed_leader_epoch,
                metadata,
            )
        })
        .collect()
}

pub(crate) async fn describe(client: &mut Client) -> DescribedGroup {
    let request = DescribeGroupsRequest {
        groups: vec![GROUP.into()],
        ..Default::default()
    };
    client.call(&request, 5).await.groups.swap_remove(0)
}

/// A broker with a topic `t` of two partitions.
pub(crate) async fn with_topic(builder: Builder) -> Broker {
    let broker = start(builder).await;
    broker.create_topic("t", 2).unwrap();
    broker
}

#[tokio::test(start_paused = true)]
async fn two_members_share_a_group_through_its_whole_life() {
    let broker = with_topic(Broker::builder()).await;
    let (mut one, mut two) = (Client::new(&broker), Client::new(&broker));
    let first = join(&mut one).await;
    assert_eq!((first.error_code, first.generation_id), (0, 1));
    assert!(first.member_id.starts_with("test-"));
    assert_eq!(first.leader, first.member_id);
    let synced = sync(&mut one, &first).await;
    assert_eq!(
        (synced.error_code, &synced.assignment),
        (0, first.member_id.as_bytes())
    );

    // The second member's join waits until the first comes back.
    let answer = two.call(&join_request(""), 9).await;
    let waiting = two.send(&join_request(&answer.member_id), 9).await;
    while heartbeat(&mut one, &first).await == ErrorCode::NONE {
        tokio::task::yield_now().await;
    }
    let group = describe(&mut one).await;
    assert_eq!(group.group_state, "PreparingRebalance");
    let seen = group
        .members
        .iter()
        .find(|member| member.member_id == first.member_id);
    assert_eq!(seen.unwrap().member_assignment, *first.member_id.as_bytes());
    assert!(seen.unwrap().member_metadata.is_empty());
    let again = one.call(&join_request(&first.member_id), 9).await;
    let second = two.receive::<JoinGroupRequest>(9, waiting).await.unwrap();
    assert_eq!((again.generation_id, second.generation_id), (2, 2));
    assert_eq!((again.members.len(), second.members.len()), (2, 0));
    assert_eq!(again.members[0].metadata, &b"subscription"[..]);
    let waiting = two.send(&sync_request(&second), 5).await;
    let synced = sync(&mut one, &again).await;
    assert_eq!(&synced.assignment, again.member_id.as_bytes());
    let synced = two.receive::<SyncGroupRequest>(5, waiting).await.unwrap();
    assert_eq!(&synced.assignment, second.member_id.as_bytes());

    let group = describe(&mut one).await;
    assert_eq!(
        (&*group.group_state, &*group.protocol_data),
        ("Stable", "range")
    );
    assert_eq!(group.members.len(), 2);
    assert_eq!(group.members[0].client_id, "test");

    let leave = LeaveGroupRequest {
        group_id: GROUP.into(),
        members: vec![MemberIdentity {
            member_id: second.member_id.clone(),
            ..Default::default()
        }],
        ..Default::default()
    };
    assert_eq!(two.call(&leave, 5).await.members[0].error_code, 0);
    assert_eq!(
        heartbeat(&mut one, &again).await,
        ErrorCode::REBALANCE_IN_PROGRESS
    );
    let alone = one.call(&join_request(&first.member_id), 9).await;
    assert_eq!((alone.generation_id, alone.members.len()), (3, 1));
    // It dies without a word: its session ends.
    tokio::time::sleep(Duration::from_millis(10_100)).await;
    assert_eq!(describe(&mut one).await.group_state, "Empty");
}

#[tokio::test]
async fn every_version_of_the_membership_requests_works() {
    let broker = with_topic(Broker::builder()).await;
    let mut client = Client::new(&broker);
    for version in 0..=9 {
        let mut joined = client.call(&join_request(""), version).await;
        if version >= 4 {
            assert_eq!(joined.error_code, ErrorCode::MEMBER_ID_REQUIRED.code());
            joined = client.call(&join_request(&joined.member_id), version).await;
        }
        assert_eq!(
            (joined.error_code, joined.protocol_name.as_deref()),
            (0, Some("range"))
        );
        let version = version.min(5);
        let synced = client.call(&sync_request(&joined), version).await;
        assert_eq!(
            (synced.error_code, &synced.assignment),
            (0, joined.member_id.as_bytes())
        );
        let request = HeartbeatRequest {
            group_id: GROUP.into(),
            generation_id: joined.generation_id,
            member_id: joined.member_id.clone(),
            ..Default::default()
        };
        assert_eq!(client.call(&request, version.min(4)).await.error_code, 0);
        let leave = LeaveGroupRequest {
            group_id: GROUP.into(),
            member_id: joined.member_id.clone(),
            members: vec![MemberIdentity {
                member_id: joined.member_id,
                ..Default::default()
            }],
            ..Default::default()
        };
        let leave = LeaveGroupRequest {
            member_id: if version < 3 {
                leave.member_id.clone()
            } else {
                "".into()
            },
            members: if version < 3 {
                vec![]
            } else {
                leave.members.clone()
            },
            ..leave
        };
        let answer = client.call(&leave, version).await;
        assert_eq!(answer.error_code, 0);
        assert!(answer.members.iter().all(|member| member.error_code == 0));
        assert_eq!(client.call(&request, 4).await.error_code, 25);
    }
}

#[tokio::test]
async fn joins_are_refused_for_a_bad_group_timeout_member_or_protocol() {
    let broker = with_topic(Broker::builder()).await;
    let mut client = Client::new(&broker);
    let nameless = JoinGroupRequest {
        group_id: "".into(),
        ..join_request("")
    };
    let short = JoinGroupRequest {
        session_timeout_ms: 5_999,
        ..join_request("")
    };
    let long = JoinGroupRequest {
        session_timeout_ms: 1_800_001,
        ..join_request("")
    };
    let stranger = join_request("nobody");
    let bare = JoinGroupRequest {
        protocols: vec![],
        ..join_request("")
    };
    for (request, expected) in [
        (nameless, ErrorCode::INVALID_GROUP_ID),
        (short, ErrorCode::INVALID_SESSION_TIMEOUT),
        (long, ErrorCode::INVALID_SESSION_TIMEOUT),
        (stranger, ErrorCode::UNKNOWN_MEMBER_ID),
        (bare, ErrorCode::INCONSISTENT_GROUP_PROTOCOL),
    ] {
        for version in [0, 6, 9] {
            let answer = client.call(&request, version).await;
            assert_eq!(ErrorCode::new(answer.error_code), expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn kafkas_defaults_wait_3_seconds_for_the_first_members() {
    let broker = with_topic(Broker::builder().kafka_defaults()).await;
    let mut client = Client::new(&broker);
    let asked = Instant::now();
    assert_eq!(join(&mut client).await.error_code, 0);
    assert_eq!(asked.elapsed().as_secs(), 3);
}

#[tokio::test]
async fn offsets_are_committed_and_fetched_in_every_version() {
    let broker = with_topic(Broker::builder()).await;
    let mut client = Client::new(&broker);
    let id = client.topic("t").await.topic_id;
    for version in 2..=10 {
        let request = commit_request("t", id, &[(0, i64::from(version)), (1, 100)]);
        let answer = client.call(&request, version).await;
        assert!(
            answer.topics[0]
                .partitions
                .iter()
                .all(|one| one.error_code == 0)
        );
        let epoch = if version >= 6 { 3 } else { -1 };
        assert_eq!(
            committed(&mut client).await,
            [
                (0, i64::from(version), epoch, "note".to_owned()),
                (1, 100, epoch, "note".to_owned())
            ]
        );
    }
    for version in 1..=7 {
        let request = OffsetFetchRequest {
            group_id: GROUP.into(),
            topics: Some(vec![OffsetFetchRequestTopic {
                name: "t".into(),
                partition_indexes: vec![0, 7],
                ..Default::default()
            }]),
            ..Default::default()
        };
        let answer = client.call(&request, version).await;
        let offsets: Vec<_> = answer.topics[0]
            .partitions
            .iter()
            .map(|one| one.committed_offset)
            .collect();
        assert_eq!(
            (answer.error_code, offsets),
            (0, vec![10, -1]),
            "v{version}"
        );
        if version >= 2 {
            let all = OffsetFetchRequest {
                topics: None,
                ..request
            };
            assert_eq!(
                client.call(&all, version).await.topics[0].partitions.len(),
                2
            );
        }
    }
    for version in 8..=10 {
        let topics = Some(vec![OffsetFetchRequestTopics {
            name: "t".into(),
            topic_id: id,
            partition_indexes: vec![1],
            ..Default::default()
        }]);
        let group = |group_id: &str| OffsetFetchRequestGroup {
            group_id: group_id.into(),
            topics: topics.clone(),
            ..Default::default()
        };
        let request = OffsetFetchRequest {
            groups: vec![group(GROUP), group("unknown")],
            ..Default::default()
        };
        let answer = client.call(&request, version).await;
        let offsets: Vec<_> = answer
            .groups
            .iter()
            .map(|group| {
                (
                    group.error_code,
                    group.topics[0].partitions[0].committed_offset,
                )
            })
            .collect();
        assert_eq!(offsets, [(0, 100), (0, -1)], "v{version}");
    }
    let unknown = OffsetFetchRequest {
        groups: vec![OffsetFetchRequestGroup {
            group_id: GROUP.into(),
            topics: Some(vec![OffsetFetchRequestTopics {
                topic_id: Uuid([3; 16]),
                partition_indexes: vec![0],
                ..Default::default()
            }]),
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = client.call(&unknown, 10).await;
    let code = answer.groups[0].topics[0].partitions[0].error_code;
    assert_eq!(code, ErrorCode::UNKNOWN_TOPIC_ID.code());
}

#[tokio::test]
async fn a_commit_is_refused_part_by_part_or_as_a_whole() {
    let broker = with_topic(Broker::builder().property("offset.metadata.max.bytes", "4")).await;
    let mut client = Client::new(&broker);
    let mut request = commit_request("t", Uuid::ZERO, &[(0, 5), (1, 6)]);
    request.topics[0].partitions[1].committed_metadata = Some("longer".into());
    request.topics.push(
        commit_request("nope", Uuid::ZERO, &[(0, 5)])
            .topics
            .remove(0),
    );
    let answer = client.call(&request, 9).await;
    let codes: Vec<_> = answer
        .topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|one| one.error_code))
        .collect();
    assert_eq!(codes, [0, 12, 3]);
    assert_eq!(committed(&mut client).await, [(0, 5, 3, "note".to_owned())]);
    // By members of a group only, once there is one.
    let joined = join(&mut client).await;
    sync(&mut client, &joined).await;
    assert_eq!(
        commit(&mut client, &[(0, 9)]).await,
        ErrorCode::UNKNOWN_MEMBER_ID
    );
    let mut request = commit_request("t", Uuid::ZERO, &[(0, 9)]);
    request.member_id = joined.member_id.clone();
    request.generation_id_or_member_epoch = joined.generation_id + 1;
    let answer = client.call(&request, 9).await;
    let code = answer.topics[0].partitions[0].error_code;
    assert_eq!(code, ErrorCode::ILLEGAL_GENERATION.code());
    request.generation_id_or_member_epoch = joined.generation_id;
    assert_eq!(
        client.call(&request, 9).await.topics[0].partitions[0].error_code,
        0
    );
    let mut strange = request;
    strange.group_id = "unknown".into();
    for (version, expected) in [
        (8, ErrorCode::ILLEGAL_GENERATION),
        (9, ErrorCode::GROUP_ID_NOT_FOUND),
    ] {
        let answer = client.call(&strange, version).await;
        let code = answer.topics[0].partitions[0].error_code;
        assert_eq!(code, expected.code());
    }
}

#[tokio::test]
async fn offsets_and_members_survive_a_stop_and_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let start = || Broker::builder().no_listener().data_dir(dir.path()).start();
    let broker = start().await.unwrap();
    broker.create_topic("t", 2).unwrap();
    let mut client = Client::new(&broker);
    let joined = join(&mut client).await;
    sync(&mut client, &joined).await;
    let mut broker = broker;
    for round in 0..4 {
        let mut client = Client::new(&broker);
        let mut request = commit_request("t", Uuid::ZERO, &[(0, round), (1, 10 + round)]);
        request.member_id = joined.member_id.clone();
        request.generation_id_or_member_epoch = joined.generation_id;
        let answer = client.call(&request, 9).await;
        assert_eq!(answer.topics[0].partitions[0].error_code, 0);
        if round % 2 == 0 {
            broker.shutdown().await.unwrap();
        } else {
            broker.crash().await;
        }
        broker = start().await.unwrap();
        let mut client = Client::new(&broker);
        let offsets: Vec<_> = committed(&mut client)
            .await
            .into_iter()
            .map(|one| (one.0, one.1))
            .collect();
        assert_eq!(offsets, [(0, round), (1, 10 + round)]);
        // The member goes on in its generation with its assignment, without a rebalance.
        assert_eq!(heartbeat(&mut client, &joined).await, ErrorCode::NONE);
        let synced = sync(&mut client, &joined).await;
        assert_eq!(&synced.assignment, joined.member_id.as_bytes());
    }
}

#[tokio::test]
async fn a_deleted_topic_takes_its_offsets_along() {
    let dir = tempfile::tempdir().unwrap();
    let start = || Broker::builder().no_listener().data_dir(dir.path()).start();
    let broker = start().await.unwrap();
    broker.create_topic("t", 2).unwrap();
    broker.create_topic("u", 1).unwrap();
    let mut client = Client::new(&broker);
    assert_eq!(commit(&mut client, &[(0, 5)]).await, ErrorCode::NONE);
    client
        .call(&commit_request("u", Uuid::ZERO, &[(0, 8)]), 9)
        .await;
    let delete = DeleteTopicsRequest {
        topic_names: vec!["t".into()],
        ..Default::default()
    };
    assert_eq!(client.call(&delete, 5).await.responses[0].error_code, 0);
    broker.create_topic("t", 2).unwrap();
    assert_eq!(committed(&mut client).await.len(), 1);
    broker.crash().await;
    let broker = start().await.unwrap();
    let left = committed(&mut Client::new(&broker)).await;
    assert_eq!((left.len(), left[0].1), (1, 8));
}

#[tokio::test]
async fn the_coordinator_of_a_group_is_this_broker() {
    let broker = start(Broker::builder()).await;
    let mut client = Client::new(&broker);
    for version in 0..=6 {
        let request = FindCoordinatorRequest {
            key: if version < 4 { GROUP.into() } else { "".into() },
            coordinator_keys: if version < 4 {
                vec![]
            } else {
                vec![GROUP.into(), "h".into()]
            },
            ..Default::default()
        };
        let answer = client.call(&request, version).await;
        if version < 4 {
            assert_eq!(
                (answer.error_code, answer.node_id, answer.port),
                (0, 1, 9092)
            );
            let text = if version == 0 { "" } else { "NONE" };
            assert_eq!(answer.error_message.as_deref(), Some(text), "v{version}");
        } else {
            assert_eq!(answer.coordinators.len(), 2);
            assert_eq!(answer.coordinators[0].key, GROUP);
            let is_found =
                |one: &Coordinator| (one.error_code, one.error_message.as_deref()) == (0, Some(""));
            assert!(answer.coordinators.iter().all(is_found));
        }
    }
    for (key_type, version) in [(1, 3), (1, 4), (2, 6)] {
        let request = FindCoordinatorRequest {
            key: if version < 4 { "x".into() } else { "".into() },
            key_type,
            coordinator_keys: if version < 4 {
                vec![]
            } else {
                vec!["x".into()]
            },
            ..Default::default()
        };
        let answer = client.call(&request, version).await;
        let code = match answer.coordinators.first() {
            Some(coordinator) => coordinator.error_code,
            None => answer.error_code,
        };
        let expected = match key_type {
            1 => ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            _ => ErrorCode::INVALID_REQUEST,
        };
        assert_eq!(code, expected.code());
    }
    // The offsets topic is there, and clients may not write to it.
    let topic = client.topic("__consumer_offsets").await;
    assert_eq!(
        (topic.error_code, topic.is_internal, topic.partitions.len()),
        (0, true, 50)
    );
    let answer = client
        .call::<ProduceRequest>(&produce_request("__consumer_offsets", 0, batch(&["a"])), 9)
        .await;
    let code = answer.responses[0].partition_responses[0].error_code;
    assert_eq!(code, ErrorCode::INVALID_TOPIC_EXCEPTION.code());
}

#[tokio::test]
async fn groups_are_listed_by_state_and_type_and_unknown_ones_described_as_dead() {
    let broker = with_topic(Broker::builder()).await;
    let mut client = Client::new(&broker);
    commit(&mut client, &[(0, 1)]).await;
    let list = |states: &[&str], types: &[&str]| ListGroupsRequest {
        states_filter: states.iter().map(|state| (*state).into()).collect(),
        types_filter: types.iter().map(|kind| (*kind).into()).collect(),
        ..Default::default()
    };
    for (states, types, count) in [
        (&[][..], &[][..], 1),
        (&["empty"], &[], 1),
        (&[" EMPTY "], &[], 1),
        (&["nope"], &[], 0),
        (&[], &["nope"], 0),
        (&["Stable"], &[], 0),
        (&[], &["Classic"], 1),
        (&[], &["consumer"], 0),
    ] {
        assert_eq!(
            client.call(&list(states, types), 5).await.groups.len(),
            count
        );
    }
    let group = client.call(&list(&[], &[]), 5).await.groups.swap_remove(0);
    assert_eq!((&*group.group_id, &*group.group_state), (GROUP, "Empty"));
    for version in 0..=5 {
        client.call(&list(&[], &[]), version.min(3)).await;
        let request = DescribeGroupsRequest {
            groups: vec!["nope".into()],
            ..Default::default()
        };
        let answer = client.call(&request, version).await;
        assert_eq!(
            (answer.groups[0].error_code, &*answer.groups[0].group_state),
            (0, "Dead")
        );
    }
    let request = DescribeGroupsRequest {
        groups: vec!["nope".into()],
        ..Default::default()
    };
    let answer = client.call(&request, 6).await;
    assert_eq!(
        answer.groups[0].error_code,
        ErrorCode::GROUP_ID_NOT_FOUND.code()
    );
    let message = answer.groups[0].error_message.as_deref();
    assert_eq!(message, Some("Group nope not found."));
}

#[tokio::test]
async fn a_stop_does_not_wait_for_waiting_requests() {
    let broker = with_topic(Broker::builder()).await;
    let mut one = Client::new(&broker);
    let joined = join(&mut one).await;
    sync(&mut one, &joined).await;
    let mut two = Client::new(&broker);
    let answer = two.call(&join_request(""), 9).await;
    let waiting = two.send(&join_request(&answer.member_id), 9).await;
    while describe(&mut one).await.group_state == "Stable" {
        tokio::task::yield_now().await;
    }
    broker.shutdown().await.unwrap();
    assert!(two.receive::<JoinGroupRequest>(9, waiting).await.is_none());
}

#[tokio::test]
async fn offsets_of_a_topic_that_is_gone_are_not_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let start = || Broker::builder().no_listener().data_dir(dir.path()).start();
    let broker = start().await.unwrap();
    broker.create_topic("t", 2).unwrap();
    let mut client = Client::new(&broker);
    assert_eq!(commit(&mut client, &[(0, 5)]).await, ErrorCode::NONE);
    broker.crash().await;
    // A deletion that a crash has cut short: the topic is gone, its offsets were not taken back.
    let file = dir.path().join("kafka-broker.json");
    let mut meta: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    meta["topics"].as_object_mut().unwrap().remove("t").unwrap();
    std::fs::write(&file, meta.to_string()).unwrap();
    let broker = start().await.unwrap();
    broker.create_topic("t", 2).unwrap();
    assert!(committed(&mut Client::new(&broker)).await.is_empty());
    // What the deletion has left is none of the new topic's either.
    assert_eq!(broker.end_offset("t", 0), Some(0));
}
