//! What a strict broker sends clients away with the first time, as a cluster does.

use kafka_broker::Broker;
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::delete_groups::DeleteGroupsRequest;
use kafka_client_protocol::api::describe_groups::DescribeGroupsRequest;
use kafka_client_protocol::api::find_coordinator::FindCoordinatorRequest;
use kafka_client_protocol::api::heartbeat::HeartbeatRequest;
use kafka_client_protocol::api::leave_group::LeaveGroupRequest;
use kafka_client_protocol::api::list_groups::ListGroupsRequest;
use kafka_client_protocol::api::offset_delete::OffsetDeleteRequest;
use kafka_client_protocol::api::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup};
use kafka_client_protocol::api::sync_group::SyncGroupRequest;

use crate::groups::{GROUP, commit, join_request};
use crate::support::{Client, start};

async fn find(client: &mut Client, version: i16) -> (ErrorCode, i32, String, i32) {
    let request = FindCoordinatorRequest {
        key: if version < 4 { GROUP.into() } else { "".into() },
        coordinator_keys: if version < 4 {
            vec![]
        } else {
            vec![GROUP.into()]
        },
        ..Default::default()
    };
    let mut answer = client.call(&request, version).await;
    let (error, id, host, port) = match answer.coordinators.pop() {
        Some(one) => (one.error_code, one.node_id, one.host, one.port),
        None => (answer.error_code, answer.node_id, answer.host, answer.port),
    };
    (ErrorCode::new(error), id, host.to_string(), port)
}

#[tokio::test]
async fn a_topic_that_metadata_makes_is_unknown_in_that_answer() {
    for (strict, first) in [
        (true, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        (false, ErrorCode::NONE),
    ] {
        let broker = start(Broker::builder().strict_metadata(strict)).await;
        let mut client = Client::new(&broker);
        let answer = client.topic("t").await;
        assert_eq!(ErrorCode::new(answer.error_code), first);
        let answer = client.topic("t").await;
        assert_eq!((answer.error_code, answer.partitions.len()), (0, 1));
        // An administrator's topic is there.
        broker.create_topic("u", 1).unwrap();
        assert_eq!(client.topic("u").await.error_code, 0);
    }
}

#[tokio::test]
async fn a_coordinator_is_not_available_while_its_topic_is_made() {
    for version in [0, 3, 4, 6] {
        let broker = start(Broker::builder().strict_metadata(true)).await;
        let mut client = Client::new(&broker);
        let nobody = (ErrorCode::COORDINATOR_NOT_AVAILABLE, -1, String::new(), -1);
        assert_eq!(find(&mut client, version).await, nobody);
        let found = (ErrorCode::NONE, 1, "localhost".to_owned(), 9092);
        assert_eq!(find(&mut client, version).await, found);
    }
}

#[tokio::test]
async fn without_its_topic_the_broker_coordinates_nothing() {
    let broker = start(Broker::builder().strict_metadata(true)).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    let answer = commit(&mut client, &[(0, 5)]).await;
    assert_eq!(answer, ErrorCode::NOT_COORDINATOR);
    let list = client.call(&ListGroupsRequest::default(), 5).await;
    assert_eq!((list.error_code, list.groups.len()), (0, 0));
}

/// The error of each request that a coordinator answers, each of them the first one.
#[tokio::test]
async fn a_coordinator_that_has_yet_to_read_its_log_says_so_once() {
    let mut seen = Vec::new();
    for request in 0..10 {
        let broker = start(Broker::builder().strict_metadata(true)).await;
        broker.create_topic("t", 1).unwrap();
        let mut client = Client::new(&broker);
        find(&mut client, 6).await;
        let first = code(&mut client, request).await;
        let second = code(&mut client, request).await;
        assert_ne!(second, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
        seen.push(first);
    }
    let mut expected = vec![ErrorCode::COORDINATOR_LOAD_IN_PROGRESS; 10];
    // As in Kafka: the state of the group is not known, and the member goes on.
    expected[2] = ErrorCode::NONE;
    assert_eq!(seen, expected);
}

async fn code(client: &mut Client, request: usize) -> ErrorCode {
    let group_id = || GROUP.into();
    let code = match request {
        0 => client.call(&join_request(""), 9).await.error_code,
        1 => {
            let sync = SyncGroupRequest {
                group_id: group_id(),
                protocol_type: Some("consumer".into()),
                protocol_name: Some("range".into()),
                ..Default::default()
            };
            client.call(&sync, 5).await.error_code
        }
        2 => {
            let heartbeat = HeartbeatRequest {
                group_id: group_id(),
                ..Default::default()
            };
            client.call(&heartbeat, 4).await.error_code
        }
        3 => {
            let leave = LeaveGroupRequest {
                group_id: group_id(),
                ..Default::default()
            };
            client.call(&leave, 5).await.error_code
        }
        4 => commit(client, &[(0, 5)]).await.code(),
        5 => {
            let fetch = OffsetFetchRequest {
                groups: vec![OffsetFetchRequestGroup {
                    group_id: group_id(),
                    topics: None,
                    ..Default::default()
                }],
                ..Default::default()
            };
            client.call(&fetch, 9).await.groups[0].error_code
        }
        6 => {
            let describe = DescribeGroupsRequest {
                groups: vec![group_id()],
                ..Default::default()
            };
            client.call(&describe, 6).await.groups[0].error_code
        }
        7 => {
            client
                .call(&ListGroupsRequest::default(), 5)
                .await
                .error_code
        }
        8 => {
            let delete = DeleteGroupsRequest {
                groups_names: vec![group_id()],
                ..Default::default()
            };
            client.call(&delete, 2).await.results[0].error_code
        }
        _ => {
            let delete = OffsetDeleteRequest {
                group_id: group_id(),
                ..Default::default()
            };
            client.call(&delete, 0).await.error_code
        }
    };
    ErrorCode::new(code)
}
