//! ListOffsets (2): the offset for a timestamp, or the first or last one.
//!
//! Sent by the consumer, to reset a position and to look offsets up, and by the admin operation
//! `listOffsets`. It goes to the partition leader. Since Kafka 0.8; version 0 went with 4.0
//! (KIP-896).
//!
//! Versions: 1 returns one offset with its timestamp (KIP-79); 2 can look at committed transactions
//! only (KIP-98); 3 leaves the quota's pause to the client (KIP-219); 4 adds leader epochs
//! (KIP-320); 5 answers OFFSET_NOT_AVAILABLE (KIP-207); 7 finds the largest timestamp (KIP-734);
//! with tiered storage 8 finds the earliest local offset (KIP-405), 9 the latest tiered one
//! (KIP-1005) and 11 the earliest not yet tiered (KIP-1023, Kafka 4.3); 10 carries a time limit
//! (KIP-1075).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Partitions whose offsets are wanted.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 2, versions = 1..=11, flexible = 6, response = ListOffsetsResponse)]
pub struct ListOffsetsRequest {
    /// Broker id of a follower, -1 for a consumer.
    pub replica_id: i32,
    /// 0 reads all records, 1 only those of committed transactions (KIP-98).
    #[field(versions = 2..)]
    pub isolation_level: i8,
    /// The topics.
    pub topics: Vec<ListOffsetsTopic>,
    /// Milliseconds the broker may take to ask the tiered storage (KIP-1075).
    #[field(versions = 10.., ignorable)]
    pub timeout_ms: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic with partitions whose offsets are wanted.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListOffsetsTopic {
    /// Name of the topic.
    pub name: StrBytes,
    /// The partitions.
    pub partitions: Vec<ListOffsetsPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A partition whose offset is wanted.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListOffsetsPartition {
    /// Number of the partition.
    pub partition_index: i32,
    /// Leader epoch that the client knows, -1 for none; an old one is refused (KIP-320).
    #[field(versions = 4.., default = -1, ignorable)]
    pub current_leader_epoch: i32,
    /// Milliseconds since the epoch; -1 latest, -2 earliest, -3 largest timestamp (KIP-734); with
    /// tiered storage -4 earliest local (KIP-405), -5 latest tiered (KIP-1005), -6 earliest not yet
    /// tiered (KIP-1023).
    pub timestamp: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The offsets.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 2, versions = 1..=11, flexible = 6, view)]
pub struct ListOffsetsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(versions = 2.., ignorable)]
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<ListOffsetsTopicResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The offsets of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct ListOffsetsTopicResponse {
    /// Name of the topic.
    pub name: StrBytes,
    /// The partitions.
    pub partitions: Vec<ListOffsetsPartitionResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The offset that was found.
///
/// NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH: find the leader; OFFSET_NOT_AVAILABLE: a new
/// leader does not know its high watermark yet, try again; UNKNOWN_LEADER_EPOCH: the broker is
/// behind, try again.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct ListOffsetsPartitionResponse {
    /// Number of the partition.
    pub partition_index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Timestamp of the record found, -1 for none.
    #[field(default = -1)]
    pub timestamp: i64,
    /// The offset, -1 for none.
    #[field(default = -1)]
    pub offset: i64,
    /// Epoch of the record found, -1 for none (KIP-320).
    #[field(versions = 4.., default = -1)]
    pub leader_epoch: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
