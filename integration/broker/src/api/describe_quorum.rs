//! DescribeQuorum (key 55), versions 0 to 2: this broker is its own controller, the one voter.
//!
//! It has no log of metadata; the offset that it tells counts the changes since its start.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node, PartitionData, PartitionQuorum,
    ReplicaState, TopicQuorum,
};

use super::{Api, Call, text};
use crate::security::acl::AclOperation;

const NODES_SINCE: i16 = 2;
const METADATA_TOPIC: &str = "__cluster_metadata";

impl Api for DescribeQuorumRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::Describe)
    }

    async fn answer(self, call: &Call<'_>) -> DescribeQuorumResponse {
        let is_one =
            |partitions: &[PartitionData]| matches!(partitions, [one] if one.partition_index == 0);
        let is_known = match &*self.topics {
            [topic] => *topic.topic_name == *METADATA_TOPIC && is_one(&topic.partitions),
            _ => false,
        };
        if !is_known {
            return refuse_each(&self, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        }
        let node_id = call.node.config().node_id;
        let quorum = call.node.topics.quorum();
        let now = call.node.env.wall_ms();
        let voter = ReplicaState {
            replica_id: node_id,
            log_end_offset: quorum.changes,
            last_fetch_timestamp: now,
            last_caught_up_timestamp: now,
            ..Default::default()
        };
        let listener = &call.connection.listener;
        let node = Node {
            node_id,
            listeners: vec![Listener {
                name: listener.name.as_ref().into(),
                host: listener.host.clone(),
                port: u16::try_from(listener.port).unwrap_or(0),
                ..Default::default()
            }],
            ..Default::default()
        };
        DescribeQuorumResponse {
            error_message: None,
            topics: vec![TopicQuorum {
                topic_name: METADATA_TOPIC.into(),
                partitions: vec![PartitionQuorum {
                    error_message: None,
                    leader_id: node_id,
                    leader_epoch: quorum.epoch,
                    high_watermark: quorum.changes,
                    current_voters: vec![voter],
                    ..Default::default()
                }],
                ..Default::default()
            }],
            nodes: match call.version {
                NODES_SINCE.. => vec![node],
                _ => Vec::new(),
            },
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> DescribeQuorumResponse {
        DescribeQuorumResponse {
            error_code: error.code(),
            error_message: text(error.text()),
            ..Default::default()
        }
    }
}

fn refuse_each(request: &DescribeQuorumRequest, error: ErrorCode) -> DescribeQuorumResponse {
    let partition = |asked: &PartitionData| PartitionQuorum {
        partition_index: asked.partition_index,
        error_code: error.code(),
        error_message: text(error.text()),
        ..Default::default()
    };
    let topics = request.topics.iter().map(|topic| TopicQuorum {
        topic_name: topic.topic_name.clone(),
        partitions: topic.partitions.iter().map(partition).collect(),
        ..Default::default()
    });
    DescribeQuorumResponse {
        error_message: text(""),
        topics: topics.collect(),
        ..Default::default()
    }
}
