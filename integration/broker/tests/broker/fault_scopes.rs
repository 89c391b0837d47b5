//! Which group, member, listener or connection a fault is about.

use kafka_broker::{Broker, Step, when, when_any};
use kafka_client_protocol::api::api_versions::ApiVersionsRequest;
use kafka_client_protocol::api::find_coordinator::FindCoordinatorRequest;
use kafka_client_protocol::api::heartbeat::HeartbeatRequest;
use kafka_client_protocol::api::leave_group::{LeaveGroupRequest, MemberIdentity};
use kafka_client_protocol::api::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup};
use kafka_client_protocol::{ApiKey, ErrorCode};

use crate::support::{Client, start};

const REFUSED: ErrorCode = ErrorCode::NOT_COORDINATOR;

async fn beat(client: &mut Client, group: &str, member: &str, instance: Option<&str>) -> i16 {
    let request = HeartbeatRequest {
        group_id: group.into(),
        member_id: member.into(),
        group_instance_id: instance.map(Into::into),
        ..Default::default()
    };
    client.call(&request, 4).await.error_code
}

#[tokio::test]
async fn a_fault_hits_only_the_group_and_member_it_means() {
    let broker = start(Broker::builder()).await;
    let mut client = Client::new(&broker);
    let refused = REFUSED.code();
    let unknown = ErrorCode::UNKNOWN_MEMBER_ID.code();
    for member in ["m", "one"] {
        let fault = when(ApiKey::HEARTBEAT).group("g").member(member).always();
        let handle = broker.faults().inject(fault.then([Step::Error(REFUSED)]));
        assert_eq!(beat(&mut client, "g", "m", Some("one")).await, refused);
        assert_eq!(beat(&mut client, "h", "m", Some("one")).await, unknown);
        assert_eq!(beat(&mut client, "g", "n", None).await, unknown);
        assert_eq!(handle.hits(), 1);
        handle.remove();
    }
}

#[tokio::test]
async fn every_way_to_name_a_group_is_seen() {
    let broker = start(Broker::builder()).await;
    let faults = broker.faults();
    let handle = faults.inject(when_any().group("g").always().then([]));
    let members = faults.inject(
        when(ApiKey::LEAVE_GROUP)
            .member("two")
            .always()
            .then([Step::Error(REFUSED)]),
    );
    let mut client = Client::new(&broker);
    let find = |version| {
        let mut request = FindCoordinatorRequest::default();
        match version {
            3 => request.key = "g".into(),
            _ => request.coordinator_keys = vec!["x".into(), "g".into()],
        }
        request
    };
    client.call(&find(3), 3).await;
    client.call(&find(4), 4).await;
    // A transaction of that name is no group.
    let transaction = FindCoordinatorRequest {
        key_type: 1,
        ..find(4)
    };
    client.call(&transaction, 4).await;
    let old = OffsetFetchRequest {
        group_id: "g".into(),
        ..Default::default()
    };
    client.call(&old, 7).await;
    let group = |id: &str| OffsetFetchRequestGroup {
        group_id: id.into(),
        ..Default::default()
    };
    let new = OffsetFetchRequest {
        groups: vec![group("x"), group("g")],
        ..Default::default()
    };
    client.call(&new, 9).await;
    let leave = LeaveGroupRequest {
        group_id: "other".into(),
        members: vec![MemberIdentity {
            group_instance_id: Some("two".into()),
            ..Default::default()
        }],
        ..Default::default()
    };
    assert_eq!(client.call(&leave, 4).await.error_code, REFUSED.code());
    assert_eq!((handle.hits(), members.hits()), (4, 1));
}

#[tokio::test]
async fn a_fault_hits_only_the_connection_and_listener_it_means() {
    let builder = Broker::builder().listener("OTHER", "127.0.0.1:0").property(
        "listener.security.protocol.map",
        "PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT",
    );
    let broker = start(builder).await;
    let second = when_any().connection(2).always().then([Step::Close]);
    let second = broker.faults().inject(second);
    let other = when_any().listener("other").always().then([Step::Close]);
    let other = broker.faults().inject(other);
    let mut clients: Vec<_> = (0..3).map(|_| Client::new(&broker)).collect();
    let connector = broker.connector_of("OTHER").unwrap();
    clients.push(Client::over(connector.connect(), "test"));
    let mut answered = Vec::new();
    for client in &mut clients {
        let answer = client.try_call(&ApiVersionsRequest::default(), 0).await;
        answered.push(answer.is_some());
    }
    assert_eq!(answered, [true, false, true, false]);
    assert_eq!((second.hits(), other.hits()), (1, 1));
}
