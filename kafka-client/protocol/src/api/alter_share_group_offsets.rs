//! AlterShareGroupOffsets (91): sets where a share group starts to read.
//!
//! Sent by the admin operation `alterShareGroupOffsets`. It goes to the group coordinator. Since
//! KIP-932 (Kafka 4.1). There is one version.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// New start offsets of a share group that has no members.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 91, versions = 0..=0, flexible = 0, response = AlterShareGroupOffsetsResponse)]
pub struct AlterShareGroupOffsetsRequest {
    /// Id of the group.
    pub group_id: StrBytes,
    /// The topics.
    pub topics: Vec<AlterShareGroupOffsetsRequestTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// New start offsets in one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterShareGroupOffsetsRequestTopic {
    /// Name of the topic.
    #[field(key)]
    pub topic_name: StrBytes,
    /// The partitions.
    pub partitions: Vec<AlterShareGroupOffsetsRequestPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The new start offset of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterShareGroupOffsetsRequestPartition {
    /// Number of the partition.
    pub partition_index: i32,
    /// Offset of the first record that the group is to deliver.
    pub start_offset: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each offset.
///
/// NON_EMPTY_GROUP: the group has members; GROUP_ID_NOT_FOUND: there is no such share group.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 91, versions = 0..=0, flexible = 0)]
pub struct AlterShareGroupOffsetsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code for the whole request, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// The answers, by topic.
    pub responses: Vec<AlterShareGroupOffsetsResponseTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of the offsets of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterShareGroupOffsetsResponseTopic {
    /// Name of the topic.
    #[field(key)]
    pub topic_name: StrBytes,
    /// Id of the topic.
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<AlterShareGroupOffsetsResponsePartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one offset.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterShareGroupOffsetsResponsePartition {
    /// Number of the partition.
    pub partition_index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
