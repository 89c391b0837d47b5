//! DescribeShareGroupOffsets (90): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 90, versions = 0..=1, flexible = 0, response = DescribeShareGroupOffsetsResponse)]
pub struct DescribeShareGroupOffsetsRequest {
    // ABOUT The groups to describe offsets for.
    /// TODO
    pub groups: Vec<DescribeShareGroupOffsetsRequestGroup>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeShareGroupOffsetsRequestGroup
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeShareGroupOffsetsRequestGroup {
    // ABOUT The group identifier.
    /// TODO
    pub group_id: StrBytes,
    // ABOUT The topics to describe offsets for, or null for all topic-partitions.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub topics: Option<Vec<DescribeShareGroupOffsetsRequestTopic>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeShareGroupOffsetsRequestTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeShareGroupOffsetsRequestTopic {
    // ABOUT The topic name.
    /// TODO
    pub topic_name: StrBytes,
    // ABOUT The partitions.
    /// TODO
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 90, versions = 0..=1, flexible = 0)]
pub struct DescribeShareGroupOffsetsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The results for each group.
    /// TODO
    pub groups: Vec<DescribeShareGroupOffsetsResponseGroup>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeShareGroupOffsetsResponseGroup
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeShareGroupOffsetsResponseGroup {
    // ABOUT The group identifier.
    /// TODO
    pub group_id: StrBytes,
    // ABOUT The results for each topic.
    /// TODO
    pub topics: Vec<DescribeShareGroupOffsetsResponseTopic>,
    // ABOUT The group-level error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The group-level error message, or null if there was no error.
    /// TODO
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeShareGroupOffsetsResponseTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeShareGroupOffsetsResponseTopic {
    // ABOUT The topic name.
    /// TODO
    pub topic_name: StrBytes,
    // ABOUT The unique topic ID.
    /// TODO
    pub topic_id: Uuid,
    // ABOUT
    /// TODO
    pub partitions: Vec<DescribeShareGroupOffsetsResponsePartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeShareGroupOffsetsResponsePartition
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeShareGroupOffsetsResponsePartition {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    // ABOUT The share-partition start offset.
    /// TODO
    pub start_offset: i64,
    // ABOUT The leader epoch of the partition.
    /// TODO
    pub leader_epoch: i32,
    // ABOUT The share-partition lag.
    /// TODO
    #[field(versions = 1.., default = -1, ignorable)]
    pub lag: i64,
    // ABOUT The partition-level error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The partition-level error message, or null if there was no error.
    /// TODO
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
