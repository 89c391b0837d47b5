//! ShareAcknowledge (79): a share consumer says what became of records.
//!
//! Sent by the share consumer, for acknowledgements that do not ride on a ShareFetch, and to close
//! a share session. It goes to the partition leader that delivered the records. Since KIP-932
//! (preview in Kafka 4.1, general in 4.2).
//!
//! Versions: 0 was early access and is gone; 2 can renew locks (KIP-1222).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Acknowledges records that the member holds on one broker.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 79, versions = 1..=2, flexible = 0, response = ShareAcknowledgeResponse)]
pub struct ShareAcknowledgeRequest {
    /// Id of the group.
    #[field(nullable = ..)]
    pub group_id: Option<StrBytes>,
    /// Id that the member made at its start.
    #[field(nullable = .., default = Some(Default::default()))]
    pub member_id: Option<StrBytes>,
    /// Number of this request in its share session: counts up with every request; -1 closes the
    /// session and releases what is held. 0 would open one and is for ShareFetch.
    pub share_session_epoch: i32,
    /// Whether some acknowledgements below are of type 4 (KIP-1222).
    #[field(versions = 2..)]
    pub is_renew_ack: bool,
    /// The topics.
    pub topics: Vec<AcknowledgeTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Acknowledgements in one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AcknowledgeTopic {
    /// Id of the topic.
    #[field(key)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<AcknowledgePartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Acknowledgements in one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AcknowledgePartition {
    /// Number of the partition.
    #[field(key)]
    pub partition_index: i32,
    /// The acknowledgements, by rising offsets.
    pub acknowledgement_batches: Vec<AcknowledgementBatch>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Acknowledgements of neighbouring records.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AcknowledgementBatch {
    /// Offset of the first record.
    pub first_offset: i64,
    /// Offset of the last record, which is included.
    pub last_offset: i64,
    /// One for each offset, or a single one for all: 0 gap (no record there), 1 accept, 2 release
    /// for another delivery, 3 reject for good, 4 renew the lock (KIP-1222).
    pub acknowledge_types: Vec<i8>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of the acknowledgements.
///
/// SHARE_SESSION_NOT_FOUND and INVALID_SHARE_SESSION_EPOCH: the session is lost with its
/// acknowledgements, open a new one.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 79, versions = 1..=2, flexible = 0)]
pub struct ShareAcknowledgeResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code for the whole request, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Milliseconds that records stay locked for the member (KIP-1222).
    #[field(versions = 2.., ignorable)]
    pub acquisition_lock_timeout_ms: i32,
    /// The answers, by topic.
    pub responses: Vec<ShareAcknowledgeTopicResponse>,
    /// Addresses of the leaders named in this answer.
    pub node_endpoints: Vec<NodeEndpoint>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one topic's acknowledgements.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ShareAcknowledgeTopicResponse {
    /// Id of the topic.
    #[field(key)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<PartitionData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one partition's acknowledgements.
///
/// INVALID_RECORD_STATE: the lock is lost, the record may be delivered again;
/// NOT_LEADER_OR_FOLLOWER: the leader has moved and the acknowledgements are lost.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionData {
    /// Number of the partition.
    pub partition_index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// The leader, when it is not this broker.
    pub current_leader: LeaderIdAndEpoch,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A partition's present leader.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct LeaderIdAndEpoch {
    /// Broker id of the leader, -1 if unknown.
    pub leader_id: i32,
    /// Epoch of the leader.
    pub leader_epoch: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Address of a broker.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct NodeEndpoint {
    /// Id of the broker.
    #[field(key)]
    pub node_id: i32,
    /// Host name to connect to.
    pub host: StrBytes,
    /// Port to connect to.
    pub port: i32,
    /// Rack of the broker, null if it has none.
    #[field(nullable = ..)]
    pub rack: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
