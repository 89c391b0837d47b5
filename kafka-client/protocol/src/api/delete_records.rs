//! DeleteRecords (21): removes the oldest records of partitions.
//!
//! Sent by the admin operation `deleteRecords`. It goes to the leader of each partition. Since
//! KIP-107 (Kafka 0.11).
//!
//! Versions: 1 leaves the quota's pause to the client (KIP-219).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Moves the first offset of partitions forward.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 21, versions = 0..=2, flexible = 2, response = DeleteRecordsResponse)]
pub struct DeleteRecordsRequest {
    /// The topics.
    pub topics: Vec<DeleteRecordsTopic>,
    /// Milliseconds that the broker may wait for the other replicas.
    pub timeout_ms: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteRecordsTopic {
    /// Name of the topic.
    pub name: StrBytes,
    /// The partitions.
    pub partitions: Vec<DeleteRecordsPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// How far one partition is cut.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteRecordsPartition {
    /// Number of the partition.
    pub partition_index: i32,
    /// Offset of the first record to keep, -1 for the high watermark.
    pub offset: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each partition.
///
/// OFFSET_OUT_OF_RANGE: the offset is beyond the high watermark; POLICY_VIOLATION: the topic's
/// `cleanup.policy` does not delete; REQUEST_TIMED_OUT: cut on the leader, but not known of all
/// replicas; NOT_LEADER_OR_FOLLOWER: find the leader.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 21, versions = 0..=2, flexible = 2)]
pub struct DeleteRecordsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<DeleteRecordsTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one topic's partitions.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteRecordsTopicResult {
    /// Name of the topic.
    #[field(key)]
    pub name: StrBytes,
    /// The partitions.
    pub partitions: Vec<DeleteRecordsPartitionResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteRecordsPartitionResult {
    /// Number of the partition.
    #[field(key)]
    pub partition_index: i32,
    /// The lowest first offset of all live replicas, -1 for an error.
    pub low_watermark: i64,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
