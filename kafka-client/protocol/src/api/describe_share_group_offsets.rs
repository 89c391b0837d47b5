//! DescribeShareGroupOffsets (90): where share groups start to read, and how far they are behind.
//!
//! Sent by the admin operation `listShareGroupOffsets`. It goes to the coordinator of each group.
//! Since KIP-932 (Kafka 4.1).
//!
//! Versions: 1 tells the lag (KIP-1226).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Asks for the start offsets of share groups.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 90, versions = 0..=1, flexible = 0, response = DescribeShareGroupOffsetsResponse)]
pub struct DescribeShareGroupOffsetsRequest {
    /// The groups.
    pub groups: Vec<DescribeShareGroupOffsetsRequestGroup>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A group with the partitions wanted.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeShareGroupOffsetsRequestGroup {
    /// Id of the group.
    pub group_id: StrBytes,
    /// The topics, null for all that the group knows.
    #[field(nullable = .., default = Some(Default::default()))]
    pub topics: Option<Vec<DescribeShareGroupOffsetsRequestTopic>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeShareGroupOffsetsRequestTopic {
    /// Name of the topic.
    pub topic_name: StrBytes,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The start offsets.
///
/// GROUP_ID_NOT_FOUND: there is no such share group.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 90, versions = 0..=1, flexible = 0)]
pub struct DescribeShareGroupOffsetsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The groups.
    pub groups: Vec<DescribeShareGroupOffsetsResponseGroup>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Start offsets of one group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeShareGroupOffsetsResponseGroup {
    /// Id of the group.
    pub group_id: StrBytes,
    /// The topics.
    pub topics: Vec<DescribeShareGroupOffsetsResponseTopic>,
    /// An error code for the whole group, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Start offsets of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeShareGroupOffsetsResponseTopic {
    /// Name of the topic.
    pub topic_name: StrBytes,
    /// Id of the topic.
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<DescribeShareGroupOffsetsResponsePartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The start offset of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeShareGroupOffsetsResponsePartition {
    /// Number of the partition.
    pub partition_index: i32,
    /// Offset of the first record that the group has not done with, -1 for none yet.
    pub start_offset: i64,
    /// Epoch of the partition's leader.
    pub leader_epoch: i32,
    /// Records that the group has still to deliver or to see acknowledged, -1 if unknown
    /// (KIP-1226).
    #[field(versions = 1.., default = -1, ignorable)]
    pub lag: i64,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
