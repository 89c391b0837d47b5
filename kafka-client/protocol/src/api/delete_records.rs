//! DeleteRecords (21): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 21, versions = 0..=2, flexible = 2, response = DeleteRecordsResponse)]
pub struct DeleteRecordsRequest {
    // ABOUT Each topic that we want to delete records from.
    /// TODO
    pub topics: Vec<DeleteRecordsTopic>,
    // ABOUT How long to wait for the deletion to complete, in milliseconds.
    /// TODO
    pub timeout_ms: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DeleteRecordsTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteRecordsTopic {
    // ABOUT The topic name.
    /// TODO
    pub name: StrBytes,
    // ABOUT Each partition that we want to delete records from.
    /// TODO
    pub partitions: Vec<DeleteRecordsPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DeleteRecordsPartition
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteRecordsPartition {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    // ABOUT The deletion offset. -1 means that records should be truncated to the high watermark.
    /// TODO
    pub offset: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 21, versions = 0..=2, flexible = 2)]
pub struct DeleteRecordsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT Each topic that we wanted to delete records from.
    /// TODO
    pub topics: Vec<DeleteRecordsTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DeleteRecordsTopicResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteRecordsTopicResult {
    // ABOUT The topic name.
    /// TODO
    #[field(key)]
    pub name: StrBytes,
    // ABOUT Each partition that we wanted to delete records from.
    /// TODO
    pub partitions: Vec<DeleteRecordsPartitionResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DeleteRecordsPartitionResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteRecordsPartitionResult {
    // ABOUT The partition index.
    /// TODO
    #[field(key)]
    pub partition_index: i32,
    // ABOUT The partition low water mark.
    /// TODO
    pub low_watermark: i64,
    // ABOUT The deletion error code, or 0 if the deletion succeeded.
    /// TODO
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
