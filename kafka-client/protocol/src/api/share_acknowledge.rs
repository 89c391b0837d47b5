//! ShareAcknowledge (79): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 79, versions = 1..=2, flexible = 0, response = ShareAcknowledgeResponse)]
pub struct ShareAcknowledgeRequest {
    // ABOUT The group identifier.
    /// TODO
    #[field(nullable = ..)]
    pub group_id: Option<StrBytes>,
    // ABOUT The member ID.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub member_id: Option<StrBytes>,
    // ABOUT The current share session epoch: 0 to open a share session; -1 to close it; otherwise increments for consecutive requests.
    /// TODO
    pub share_session_epoch: i32,
    // ABOUT Whether Renew type acknowledgements present in AcknowledgementBatches.
    /// TODO
    #[field(versions = 2..)]
    pub is_renew_ack: bool,
    // ABOUT The topics containing records to acknowledge.
    /// TODO
    pub topics: Vec<AcknowledgeTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AcknowledgeTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AcknowledgeTopic {
    // ABOUT The unique topic ID.
    /// TODO
    #[field(key)]
    pub topic_id: Uuid,
    // ABOUT The partitions containing records to acknowledge.
    /// TODO
    pub partitions: Vec<AcknowledgePartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AcknowledgePartition
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AcknowledgePartition {
    // ABOUT The partition index.
    /// TODO
    #[field(key)]
    pub partition_index: i32,
    // ABOUT Record batches to acknowledge.
    /// TODO
    pub acknowledgement_batches: Vec<AcknowledgementBatch>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AcknowledgementBatch
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AcknowledgementBatch {
    // ABOUT First offset of batch of records to acknowledge.
    /// TODO
    pub first_offset: i64,
    // ABOUT Last offset (inclusive) of batch of records to acknowledge.
    /// TODO
    pub last_offset: i64,
    // ABOUT Array of acknowledge types - 0:Gap,1:Accept,2:Release,3:Reject,4:Renew.
    /// TODO
    pub acknowledge_types: Vec<i8>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 79, versions = 1..=2, flexible = 0)]
pub struct ShareAcknowledgeResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The top level response error code.
    /// TODO
    pub error_code: i16,
    // ABOUT The top-level error message, or null if there was no error.
    /// TODO
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    // ABOUT The time in milliseconds for which the acquired records are locked.
    /// TODO
    #[field(versions = 2.., ignorable)]
    pub acquisition_lock_timeout_ms: i32,
    // ABOUT The response topics.
    /// TODO
    pub responses: Vec<ShareAcknowledgeTopicResponse>,
    // ABOUT Endpoints for all current leaders enumerated in PartitionData with error NOT_LEADER_OR_FOLLOWER.
    /// TODO
    pub node_endpoints: Vec<NodeEndpoint>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO ShareAcknowledgeTopicResponse
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ShareAcknowledgeTopicResponse {
    // ABOUT The unique topic ID.
    /// TODO
    #[field(key)]
    pub topic_id: Uuid,
    // ABOUT The topic partitions.
    /// TODO
    pub partitions: Vec<PartitionData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO PartitionData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionData {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The error message, or null if there was no error.
    /// TODO
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    // ABOUT The current leader of the partition.
    /// TODO
    pub current_leader: LeaderIdAndEpoch,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO LeaderIdAndEpoch
#[derive(Debug, Clone, PartialEq, Message)]
pub struct LeaderIdAndEpoch {
    // ABOUT The ID of the current leader or -1 if the leader is unknown.
    /// TODO
    pub leader_id: i32,
    // ABOUT The latest known leader epoch.
    /// TODO
    pub leader_epoch: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO NodeEndpoint
#[derive(Debug, Clone, PartialEq, Message)]
pub struct NodeEndpoint {
    // ABOUT The ID of the associated node.
    /// TODO
    #[field(key)]
    pub node_id: i32,
    // ABOUT The node's hostname.
    /// TODO
    pub host: StrBytes,
    // ABOUT The node's port.
    /// TODO
    pub port: i32,
    // ABOUT The rack of the node, or null if it has not been assigned to a rack.
    /// TODO
    #[field(nullable = ..)]
    pub rack: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
