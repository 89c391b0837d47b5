//! AlterReplicaLogDirs (34): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 34, versions = 1..=2, flexible = 2, response = AlterReplicaLogDirsResponse)]
pub struct AlterReplicaLogDirsRequest {
    // ABOUT The alterations to make for each directory.
    /// TODO
    pub dirs: Vec<AlterReplicaLogDir>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AlterReplicaLogDir
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterReplicaLogDir {
    // ABOUT The absolute directory path.
    /// TODO
    #[field(key)]
    pub path: StrBytes,
    // ABOUT The topics to add to the directory.
    /// TODO
    pub topics: Vec<AlterReplicaLogDirTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AlterReplicaLogDirTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterReplicaLogDirTopic {
    // ABOUT The topic name.
    /// TODO
    #[field(key)]
    pub name: StrBytes,
    // ABOUT The partition indexes.
    /// TODO
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 34, versions = 1..=2, flexible = 2)]
pub struct AlterReplicaLogDirsResponse {
    // ABOUT Duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The results for each topic.
    /// TODO
    pub results: Vec<AlterReplicaLogDirTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AlterReplicaLogDirTopicResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterReplicaLogDirTopicResult {
    // ABOUT The name of the topic.
    /// TODO
    pub topic_name: StrBytes,
    // ABOUT The results for each partition.
    /// TODO
    pub partitions: Vec<AlterReplicaLogDirPartitionResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AlterReplicaLogDirPartitionResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterReplicaLogDirPartitionResult {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
