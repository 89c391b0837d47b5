//! OffsetForLeaderEpoch (23): where a leader epoch ends in a partition's log.
//!
//! Sent by the consumer (classic and KIP-848), which validates its position after the leader has
//! changed: an end before the position tells of a truncated log (KIP-320, Kafka 2.1). It goes to
//! the partition leader. Made for followers (KIP-101, Kafka 0.11).
//!
//! Versions: 2 carries the epoch that the client knows (KIP-320); 3 carries the replica id, and
//! asks consumers for no more than the right to describe the topic: consumers need it.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Sent for each position whose record epoch is known, before fetching goes on.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 23, versions = 2..=4, flexible = 4, response = OffsetForLeaderEpochResponse)]
pub struct OffsetForLeaderEpochRequest {
    /// Broker id of a follower, -1 for a consumer, -2 for a debugging tool that may see beyond the
    /// high watermark.
    #[field(versions = 3.., default = -2, ignorable)]
    pub replica_id: i32,
    /// The topics.
    pub topics: Vec<OffsetForLeaderTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetForLeaderTopic {
    /// Name of the topic.
    #[field(key)]
    pub topic: StrBytes,
    /// The partitions.
    pub partitions: Vec<OffsetForLeaderPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A partition with the epoch wanted.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetForLeaderPartition {
    /// Number of the partition.
    pub partition: i32,
    /// Leader epoch that the client knows, -1 for none; another one is refused (KIP-320).
    #[field(default = -1, ignorable)]
    pub current_leader_epoch: i32,
    /// Epoch whose end is wanted: that of the last record read.
    pub leader_epoch: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The end offsets.
///
/// FENCED_LEADER_EPOCH and NOT_LEADER_OR_FOLLOWER: refresh the metadata; UNKNOWN_LEADER_EPOCH: the
/// broker is behind, try again.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 23, versions = 2..=4, flexible = 4)]
pub struct OffsetForLeaderEpochResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(ignorable)]
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<OffsetForLeaderTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// End offsets of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetForLeaderTopicResult {
    /// Name of the topic.
    #[field(key)]
    pub topic: StrBytes,
    /// The partitions.
    pub partitions: Vec<EpochEndOffset>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Where the epoch ends in one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EpochEndOffset {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Number of the partition.
    pub partition: i32,
    /// The largest epoch of the log up to the one wanted, -1 for none.
    #[field(default = -1, ignorable)]
    pub leader_epoch: i32,
    /// Offset after the last record of that epoch, -1 for none.
    #[field(default = -1)]
    pub end_offset: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
