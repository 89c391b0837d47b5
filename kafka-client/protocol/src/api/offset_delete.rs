//! OffsetDelete (47): TODO

use kafka_client_derive::Message;

use crate::types::StrBytes;

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 47, versions = 0..=0, response = OffsetDeleteResponse)]
pub struct OffsetDeleteRequest {
    // ABOUT The unique group identifier.
    /// TODO
    pub group_id: StrBytes,
    // ABOUT The topics to delete offsets for.
    /// TODO
    pub topics: Vec<OffsetDeleteRequestTopic>,
}

/// TODO OffsetDeleteRequestTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetDeleteRequestTopic {
    // ABOUT The topic name.
    /// TODO
    #[field(key)]
    pub name: StrBytes,
    // ABOUT Each partition to delete offsets for.
    /// TODO
    pub partitions: Vec<OffsetDeleteRequestPartition>,
}

/// TODO OffsetDeleteRequestPartition
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetDeleteRequestPartition {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 47, versions = 0..=0)]
pub struct OffsetDeleteResponse {
    // ABOUT The top-level error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    #[field(ignorable)]
    pub throttle_time_ms: i32,
    // ABOUT The responses for each topic.
    /// TODO
    pub topics: Vec<OffsetDeleteResponseTopic>,
}

/// TODO OffsetDeleteResponseTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetDeleteResponseTopic {
    // ABOUT The topic name.
    /// TODO
    #[field(key)]
    pub name: StrBytes,
    // ABOUT The responses for each partition in the topic.
    /// TODO
    pub partitions: Vec<OffsetDeleteResponsePartition>,
}

/// TODO OffsetDeleteResponsePartition
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetDeleteResponsePartition {
    // ABOUT The partition index.
    /// TODO
    #[field(key)]
    pub partition_index: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
}
