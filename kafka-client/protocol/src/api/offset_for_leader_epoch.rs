//! OffsetForLeaderEpoch (23): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 23, versions = 2..=4, flexible = 4, response = OffsetForLeaderEpochResponse)]
pub struct OffsetForLeaderEpochRequest {
    // ABOUT The broker ID of the follower, of -1 if this request is from a consumer.
    /// TODO
    #[field(versions = 3.., default = -2, ignorable)]
    pub replica_id: i32,
    // ABOUT Each topic to get offsets for.
    /// TODO
    pub topics: Vec<OffsetForLeaderTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO OffsetForLeaderTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetForLeaderTopic {
    // ABOUT The topic name.
    /// TODO
    #[field(key)]
    pub topic: StrBytes,
    // ABOUT Each partition to get offsets for.
    /// TODO
    pub partitions: Vec<OffsetForLeaderPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO OffsetForLeaderPartition
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetForLeaderPartition {
    // ABOUT The partition index.
    /// TODO
    pub partition: i32,
    // ABOUT An epoch used to fence consumers/replicas with old metadata. If the epoch provided by the client is larger than the current epoch known to the broker, then the UNKNOWN_LEADER_EPOCH error code will be returned. If the provided epoch is smaller, then the FENCED_LEADER_EPOCH error code will be returned.
    /// TODO
    #[field(default = -1, ignorable)]
    pub current_leader_epoch: i32,
    // ABOUT The epoch to look up an offset for.
    /// TODO
    pub leader_epoch: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 23, versions = 2..=4, flexible = 4)]
pub struct OffsetForLeaderEpochResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    #[field(ignorable)]
    pub throttle_time_ms: i32,
    // ABOUT Each topic we fetched offsets for.
    /// TODO
    pub topics: Vec<OffsetForLeaderTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO OffsetForLeaderTopicResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetForLeaderTopicResult {
    // ABOUT The topic name.
    /// TODO
    #[field(key)]
    pub topic: StrBytes,
    // ABOUT Each partition in the topic we fetched offsets for.
    /// TODO
    pub partitions: Vec<EpochEndOffset>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO EpochEndOffset
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EpochEndOffset {
    // ABOUT The error code 0, or if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The partition index.
    /// TODO
    pub partition: i32,
    // ABOUT The leader epoch of the partition.
    /// TODO
    #[field(default = -1, ignorable)]
    pub leader_epoch: i32,
    // ABOUT The end offset of the epoch.
    /// TODO
    #[field(default = -1)]
    pub end_offset: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
