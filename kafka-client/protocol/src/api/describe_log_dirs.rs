//! DescribeLogDirs (35): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 35, versions = 1..=5, flexible = 2, response = DescribeLogDirsResponse)]
pub struct DescribeLogDirsRequest {
    // ABOUT Each topic that we want to describe log directories for, or null for all topics.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub topics: Option<Vec<DescribableLogDirTopic>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribableLogDirTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribableLogDirTopic {
    // ABOUT The topic name.
    /// TODO
    #[field(key)]
    pub topic: StrBytes,
    // ABOUT The partition indexes.
    /// TODO
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 35, versions = 1..=5, flexible = 2)]
pub struct DescribeLogDirsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    #[field(versions = 3.., ignorable)]
    pub error_code: i16,
    // ABOUT The log directories.
    /// TODO
    pub results: Vec<DescribeLogDirsResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeLogDirsResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeLogDirsResult {
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The absolute log directory path.
    /// TODO
    pub log_dir: StrBytes,
    // ABOUT The topics.
    /// TODO
    pub topics: Vec<DescribeLogDirsTopic>,
    // ABOUT The total size in bytes of the volume the log directory is in. This value does not include the size of data stored in remote storage.
    /// TODO
    #[field(versions = 4.., default = -1, ignorable)]
    pub total_bytes: i64,
    // ABOUT The usable size in bytes of the volume the log directory is in. This value does not include the size of data stored in remote storage.
    /// TODO
    #[field(versions = 4.., default = -1, ignorable)]
    pub usable_bytes: i64,
    // ABOUT True if this log directory is cordoned.
    /// TODO
    #[field(versions = 5.., ignorable)]
    pub is_cordoned: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeLogDirsTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeLogDirsTopic {
    // ABOUT The topic name.
    /// TODO
    pub name: StrBytes,
    // ABOUT The partitions.
    /// TODO
    pub partitions: Vec<DescribeLogDirsPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeLogDirsPartition
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeLogDirsPartition {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    // ABOUT The size of the log segments in this partition in bytes.
    /// TODO
    pub partition_size: i64,
    // ABOUT The lag of the log's LEO w.r.t. partition's HW (if it is the current log for the partition) or current replica's LEO (if it is the future log for the partition).
    /// TODO
    pub offset_lag: i64,
    // ABOUT True if this log is created by AlterReplicaLogDirsRequest and will replace the current log of the replica in the future.
    /// TODO
    pub is_future_key: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
