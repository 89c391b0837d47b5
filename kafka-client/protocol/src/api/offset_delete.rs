//! OffsetDelete (47): removes committed offsets of a group.
//!
//! Sent by the admin operations `deleteConsumerGroupOffsets` and `deleteStreamsGroupOffsets`. It
//! goes to the group coordinator. Since KIP-496 (Kafka 2.4). There is one version, and it is not
//! flexible.

use kafka_client_derive::Message;

use crate::types::StrBytes;

/// Names partitions whose committed offsets the group is to forget.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 47, versions = 0..=0, response = OffsetDeleteResponse)]
pub struct OffsetDeleteRequest {
    /// Id of the group.
    pub group_id: StrBytes,
    /// The topics.
    pub topics: Vec<OffsetDeleteRequestTopic>,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetDeleteRequestTopic {
    /// Name of the topic.
    #[field(key)]
    pub name: StrBytes,
    /// The partitions.
    pub partitions: Vec<OffsetDeleteRequestPartition>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetDeleteRequestPartition {
    /// Number of the partition.
    pub partition_index: i32,
}

/// What became of each offset.
///
/// GROUP_ID_NOT_FOUND: there is no such group; NON_EMPTY_GROUP: it has members and is no consumer
/// group.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 47, versions = 0..=0)]
pub struct OffsetDeleteResponse {
    /// An error code for the whole request, 0 for none.
    pub error_code: i16,
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(ignorable)]
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<OffsetDeleteResponseTopic>,
}

/// What became of the offsets of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetDeleteResponseTopic {
    /// Name of the topic.
    #[field(key)]
    pub name: StrBytes,
    /// The partitions.
    pub partitions: Vec<OffsetDeleteResponsePartition>,
}

/// What became of one offset.
///
/// GROUP_SUBSCRIBED_TO_TOPIC: a member reads the topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetDeleteResponsePartition {
    /// Number of the partition.
    #[field(key)]
    pub partition_index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
}
