//! The versions that Apache Kafka 4.4 adds, which neither the jars nor the other implementation
//! have: bytes by hand, from the definitions in Kafka's source.

use std::collections::BTreeSet;
use std::fmt::Debug;

use bytes::Bytes;
use kafka_client_protocol::api::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_client_protocol::api::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};
use kafka_client_protocol::api::streams_group_describe::{
    self, StreamsGroupDescribeRequest, StreamsGroupDescribeResponse,
};
use kafka_client_protocol::api::streams_group_heartbeat::{
    StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse,
};
use kafka_client_protocol::api::streams_group_topology_description_update::{
    StreamsGroupTopologyDescriptionUpdateRequest, StreamsGroupTopologyDescriptionUpdateResponse,
    TopologyDescription, TopologyDescriptionGlobalStore, TopologyDescriptionNode,
    TopologyDescriptionSubtopology,
};
use kafka_client_protocol::api::txn_offset_commit::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse, TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_client_protocol::api::unregister_controller::{
    UnregisterControllerRequest, UnregisterControllerResponse,
};
use kafka_client_protocol::{EncodeErrorKind, Message, Uuid};

use crate::apis::{self, OF_KAFKA_4_4};

/// Null, and an array without elements.
const NULL: &[u8] = &[0];
const NONE: &[u8] = &[1];
/// No tagged fields.
const END: &[u8] = &[0];
const NO_THROTTLE: &[u8] = &[0, 0, 0, 0];

#[track_caller]
fn both_ways<M: Message + PartialEq + Debug>(message: &M, version: i16, bytes: &[&[u8]]) {
    let bytes = Bytes::from(bytes.concat());
    assert_eq!(message.encode(version).unwrap(), bytes);
    assert_eq!(M::decode(bytes, version).unwrap(), *message);
}

#[test]
fn they_are_the_last_versions_of_their_messages() {
    let last: BTreeSet<(&str, i16)> = apis::all()
        .iter()
        .flat_map(|api| api.messages())
        .map(|codec| (codec.name, codec.versions.1))
        .collect();
    for added in OF_KAFKA_4_4 {
        assert!(last.contains(added), "{added:?}");
    }
}

/// KIP-1242.
#[test]
fn api_versions_5_names_the_broker_that_is_meant() {
    let request = ApiVersionsRequest {
        client_software_name: "a".into(),
        client_software_version: "1".into(),
        cluster_id: Some("c".into()),
        node_id: 258,
        ..Default::default()
    };
    both_ways(
        &request,
        5,
        &[b"\x02a", b"\x021", b"\x02c", &[0, 0, 1, 2], END],
    );
    let nobody = ApiVersionsRequest::default();
    both_ways(&nobody, 5, &[NONE, NONE, NULL, &[0xff; 4], END]);
    // An older broker is not told, and that is no error.
    assert_eq!(request.encode(4).unwrap(), &[2, b'a', 2, b'1', 0][..]);

    // The answer is as in version 4.
    let response = ApiVersionsResponse {
        error_code: 35,
        throttle_time_ms: 1,
        ..Default::default()
    };
    for version in [4, 5] {
        both_ways(&response, version, &[&[0, 35], NONE, &[0, 0, 0, 1], END]);
    }
}

/// KIP-1319.
#[test]
fn txn_offset_commit_6_names_topics_by_id() {
    let topic_id = Uuid(*b"sixteen bytes id");
    let request = |name: &str, topic_id| TxnOffsetCommitRequest {
        transactional_id: "t".into(),
        group_id: "g".into(),
        producer_id: 7,
        producer_epoch: 1,
        generation_id: 3,
        member_id: "m".into(),
        group_instance_id: None,
        topics: vec![TxnOffsetCommitRequestTopic {
            name: name.into(),
            topic_id,
            partitions: vec![TxnOffsetCommitRequestPartition {
                partition_index: 2,
                committed_offset: 9,
                committed_leader_epoch: 4,
                committed_metadata: Some("x".into()),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let head = [
        b"\x02t\x02g".as_slice(),
        &[0, 0, 0, 0, 0, 0, 0, 7],
        &[0, 1],
        &[0, 0, 0, 3],
        b"\x02m",
        NULL,
    ]
    .concat();
    let partitions = [
        [2].as_slice(),
        &[0, 0, 0, 2],
        &[0, 0, 0, 0, 0, 0, 0, 9],
        &[0, 0, 0, 4],
        b"\x02x",
        END,
    ]
    .concat();
    let (by_name, by_id) = (request("topic", Uuid::ZERO), request("", topic_id));
    both_ways(
        &by_name,
        5,
        &[&head, &[2], b"\x06topic", &partitions, END, END],
    );
    both_ways(
        &by_id,
        6,
        &[&head, &[2], &topic_id.0, &partitions, END, END],
    );

    let response = |name: &str, topic_id| TxnOffsetCommitResponse {
        topics: vec![TxnOffsetCommitResponseTopic {
            name: name.into(),
            topic_id,
            partitions: vec![TxnOffsetCommitResponsePartition {
                partition_index: 2,
                error_code: 100,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let partitions = [[2].as_slice(), &[0, 0, 0, 2], &[0, 100], END].concat();
    let (by_name, by_id) = (response("topic", Uuid::ZERO), response("", topic_id));
    let topic = [NO_THROTTLE, &[2]].concat();
    both_ways(&by_name, 5, &[&topic, b"\x06topic", &partitions, END, END]);
    both_ways(&by_id, 6, &[&topic, &topic_id.0, &partitions, END, END]);
}

/// KIP-1331.
#[test]
fn delete_groups_3_says_what_is_wrong() {
    let request = DeleteGroupsRequest {
        groups_names: vec!["g".into()],
        ..Default::default()
    };
    both_ways(&request, 3, &[b"\x02\x02g", END]);
    let response = |error_message: Option<&str>| DeleteGroupsResponse {
        results: vec![DeletableGroupResult {
            group_id: "g".into(),
            error_code: 134,
            error_message: error_message.map(Into::into),
            ..Default::default()
        }],
        ..Default::default()
    };
    let head = [NO_THROTTLE, b"\x02\x02g\0\x86"].concat();
    both_ways(&response(Some("no")), 3, &[&head, b"\x03no", END, END]);
    both_ways(&response(None), 3, &[&head, NULL, END, END]);
    // An older client is not told.
    let told = response(Some("no")).encode(2).unwrap();
    assert_eq!(told, [&head, END, END].concat());
}

/// KIP-1071 as of 4.4, KIP-1331.
#[test]
fn streams_group_heartbeat_1_has_a_wider_lag_and_asks_for_the_topology() {
    let request = StreamsGroupHeartbeatRequest {
        group_id: "g".into(),
        member_id: "m".into(),
        member_epoch: 5,
        endpoint_information_epoch: 6,
        ..Default::default()
    };
    // The request is as in version 0: eleven fields of it can be null.
    for version in [0, 1] {
        both_ways(
            &request,
            version,
            &[
                b"\x02g\x02m",
                &[0, 0, 0, 5],
                &[0, 0, 0, 6],
                &[0, 0], // instance and rack
                &[0xff; 4],
                &[0xff],    // a struct that is null: the topology
                &[0, 0, 0], // tasks
                &[0],       // process
                &[0xff],    // the endpoint
                &[0, 0, 0], // tags, offsets, end offsets
                &[0],       // shutdown
                END,
            ],
        );
    }

    let base = StreamsGroupHeartbeatResponse {
        member_id: "m".into(),
        member_epoch: 1,
        heartbeat_interval_ms: 2,
        task_offset_interval_ms: 3,
        status: None,
        endpoint_information_epoch: 4,
        ..Default::default()
    };
    let head = [
        NO_THROTTLE,
        &[0, 0],
        NULL,
        b"\x02m",
        &[0, 0, 0, 1],
        &[0, 0, 0, 2],
    ]
    .concat();
    let old = StreamsGroupHeartbeatResponse {
        acceptable_recovery_lag_legacy: 10_000,
        ..base.clone()
    };
    let lag = &[0, 0, 0x27, 0x10];
    let (interval, nulls, epoch) = (&[0, 0, 0, 3], &[0; 4], &[0, 0, 0, 4]);
    both_ways(&old, 0, &[&head, lag, interval, nulls, epoch, NULL, END]);
    let new = StreamsGroupHeartbeatResponse {
        acceptable_recovery_lag: 1 << 40,
        topology_description_required: true,
        ..base
    };
    let lag = &[0, 0, 1, 0, 0, 0, 0, 0];
    both_ways(
        &new,
        1,
        &[&head, interval, lag, nulls, &[1], epoch, NULL, END],
    );
    // An older member is not asked.
    let told = new.encode(0).unwrap();
    assert_eq!(
        told,
        [&head[..], &[0; 4], interval, nulls, epoch, NULL, END].concat()
    );
}

/// KIP-1331, KIP-1357.
#[test]
fn streams_group_describe_1_has_the_topology_in_words() {
    use streams_group_describe::{
        DescribedGroup, TopologyDescription, TopologyDescriptionNode,
        TopologyDescriptionSubtopology,
    };

    let request = StreamsGroupDescribeRequest {
        group_ids: vec!["g".into()],
        include_authorized_operations: false,
        include_topology_description: true,
        ..Default::default()
    };
    both_ways(&request, 1, &[b"\x02\x02g", &[0], &[1], END]);
    let error = request.encode(0).unwrap_err();
    assert_eq!(*error.kind(), EncodeErrorKind::NotInVersion);

    let group = DescribedGroup {
        group_id: "g".into(),
        group_state: "Stable".into(),
        group_epoch: 1,
        assignment_epoch: 2,
        ..Default::default()
    };
    let response = |group| StreamsGroupDescribeResponse {
        groups: vec![group],
        ..Default::default()
    };
    let head = [
        NO_THROTTLE,
        &[2],
        &[0, 0],
        NULL,
        b"\x02g",
        b"\x07Stable",
        &[0, 0, 0, 1],
        &[0, 0, 0, 2],
        &[0xff], // no topology
        NONE,    // no members
        &[0x80, 0, 0, 0],
    ]
    .concat();
    both_ways(&response(group.clone()), 0, &[&head, END, END]);
    both_ways(
        &response(group.clone()),
        1,
        &[&head, &[0xff], &[0], NULL, END, END],
    );
    let described = DescribedGroup {
        topology_description: Some(TopologyDescription {
            subtopologies: vec![TopologyDescriptionSubtopology {
                subtopology_id: "0".into(),
                nodes: vec![TopologyDescriptionNode {
                    name: "n".into(),
                    node_type: 3,
                    sink_topic: Some("t".into()),
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        }),
        topology_description_status: 3,
        assignor_name: Some("sticky".into()),
        ..group
    };
    let node = [b"\x02n\x03", NONE, b"\x02t", NONE, NONE, END].concat();
    let topology = [&[1], &[2], b"\x020".as_slice(), &[2], &node, END, NONE, END].concat();
    both_ways(
        &response(described),
        1,
        &[&head, &topology, &[3], b"\x07sticky", END, END],
    );
}

/// KIP-1331.
#[test]
fn streams_group_topology_description_update_0() {
    let node = |name: &str, node_type| TopologyDescriptionNode {
        name: name.into(),
        node_type,
        ..Default::default()
    };
    let request = StreamsGroupTopologyDescriptionUpdateRequest {
        group_id: "g".into(),
        member_id: "m".into(),
        topology_epoch: 4,
        topology_description: TopologyDescription {
            subtopologies: vec![TopologyDescriptionSubtopology {
                subtopology_id: "0".into(),
                nodes: vec![
                    TopologyDescriptionNode {
                        source_topics: vec!["in".into()],
                        stores: vec!["s".into()],
                        successors: vec!["b".into()],
                        ..node("a", 1)
                    },
                    TopologyDescriptionNode {
                        sink_topic: Some("out".into()),
                        ..node("b", 3)
                    },
                ],
                ..Default::default()
            }],
            global_stores: vec![TopologyDescriptionGlobalStore {
                source: node("c", 1),
                processor: node("d", 2),
                ..Default::default()
            }],
            ..Default::default()
        },
        ..Default::default()
    };
    let bare = |name: &'static [u8]| [name, NONE, NULL, NONE, NONE, END].concat();
    both_ways(
        &request,
        0,
        &[
            b"\x02g\x02m",
            &[0, 0, 0, 4],
            b"\x02\x020",
            &[3],
            &[
                b"\x02a\x01\x02\x03in",
                NULL,
                b"\x02\x02s",
                b"\x02\x02b",
                END,
            ]
            .concat(),
            &[b"\x02b\x03", NONE, b"\x04out", NONE, NONE, END].concat(),
            END,
            &[2],
            &bare(b"\x02c\x01"),
            &bare(b"\x02d\x02"),
            END,
            END,
            END,
        ],
    );

    let response = StreamsGroupTopologyDescriptionUpdateResponse {
        error_code: 135,
        error_message: Some("no".into()),
        ..Default::default()
    };
    both_ways(&response, 0, &[NO_THROTTLE, &[0, 135], b"\x03no", END]);
    let stored = StreamsGroupTopologyDescriptionUpdateResponse::default();
    both_ways(&stored, 0, &[NO_THROTTLE, &[0, 0], NULL, END]);
}

/// KIP-1312.
#[test]
fn unregister_controller_0() {
    let request = UnregisterControllerRequest {
        controller_id: 258,
        ..Default::default()
    };
    both_ways(&request, 0, &[&[0, 0, 1, 2], END]);
    let response = UnregisterControllerResponse {
        error_code: 136,
        error_message: None,
        ..Default::default()
    };
    both_ways(&response, 0, &[NO_THROTTLE, &[0, 136], NULL, END]);
    let gone = UnregisterControllerResponse::default();
    both_ways(&gone, 0, &[NO_THROTTLE, &[0, 0], NONE, END]);
}
