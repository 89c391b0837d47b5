//! AlterReplicaLogDirs (34): moves replicas between the disks of a broker.
//!
//! Admin method `alterReplicaLogDirs`; goes to the broker that holds the replicas, one request for
//! each. Since Kafka 1.0 for replicas still to be made, since 1.1 for those there (KIP-113). The
//! broker copies in the background, with the copy shown as the future replica by
//! [`describe_log_dirs`](crate::api::describe_log_dirs) until it takes the old one's place.
//!
//! Versions: 0 went with Kafka 4.0 (KIP-896); since 1, the broker answers before it throttles
//! (KIP-219); 2 is flexible (KIP-482).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Replicas of this broker with the directory each is to be in.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 34, versions = 1..=2, flexible = 2, response = AlterReplicaLogDirsResponse)]
pub struct AlterReplicaLogDirsRequest {
    /// The directories.
    pub dirs: Vec<AlterReplicaLogDir>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A directory and the replicas that are to be in it.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterReplicaLogDir {
    /// Absolute path of the directory, one of the broker's `log.dirs`.
    #[field(key)]
    pub path: StrBytes,
    /// The topics.
    pub topics: Vec<AlterReplicaLogDirTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Replicas of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterReplicaLogDirTopic {
    /// Name of the topic.
    #[field(key)]
    pub name: StrBytes,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which copies have begun. LOG_DIR_NOT_FOUND and KAFKA_STORAGE_ERROR tell of the directory,
/// INVALID_REPLICA_ASSIGNMENT that it is cordoned (KIP-1066); REPLICA_NOT_AVAILABLE says that the
/// broker has no such replica, and will make it in this directory if it is given one.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 34, versions = 1..=2, flexible = 2)]
pub struct AlterReplicaLogDirsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The answers, by topic.
    pub results: Vec<AlterReplicaLogDirTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one topic's replicas.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterReplicaLogDirTopicResult {
    /// Name of the topic.
    pub topic_name: StrBytes,
    /// The partitions.
    pub partitions: Vec<AlterReplicaLogDirPartitionResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one replica.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterReplicaLogDirPartitionResult {
    /// Number of the partition.
    pub partition_index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
