//! AlterShareGroupOffsets (91): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 91, versions = 0..=0, flexible = 0, response = AlterShareGroupOffsetsResponse)]
pub struct AlterShareGroupOffsetsRequest {
    // ABOUT The group identifier.
    /// TODO
    pub group_id: StrBytes,
    // ABOUT The topics to alter offsets for.
    /// TODO
    pub topics: Vec<AlterShareGroupOffsetsRequestTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AlterShareGroupOffsetsRequestTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterShareGroupOffsetsRequestTopic {
    // ABOUT The topic name.
    /// TODO
    #[field(key)]
    pub topic_name: StrBytes,
    // ABOUT Each partition to alter offsets for.
    /// TODO
    pub partitions: Vec<AlterShareGroupOffsetsRequestPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AlterShareGroupOffsetsRequestPartition
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterShareGroupOffsetsRequestPartition {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    // ABOUT The share-partition start offset.
    /// TODO
    pub start_offset: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 91, versions = 0..=0, flexible = 0)]
pub struct AlterShareGroupOffsetsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The top-level error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The top-level error message, or null if there was no error.
    /// TODO
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    // ABOUT The results for each topic.
    /// TODO
    pub responses: Vec<AlterShareGroupOffsetsResponseTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AlterShareGroupOffsetsResponseTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterShareGroupOffsetsResponseTopic {
    // ABOUT The topic name.
    /// TODO
    #[field(key)]
    pub topic_name: StrBytes,
    // ABOUT The unique topic ID.
    /// TODO
    pub topic_id: Uuid,
    // ABOUT
    /// TODO
    pub partitions: Vec<AlterShareGroupOffsetsResponsePartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AlterShareGroupOffsetsResponsePartition
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterShareGroupOffsetsResponsePartition {
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
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
