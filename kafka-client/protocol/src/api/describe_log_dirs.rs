//! DescribeLogDirs (35): the disks of a broker and the replicas on them.
//!
//! Admin methods `describeLogDirs` and `describeReplicaLogDirs`; goes to each broker that is asked
//! about, which knows of its own disks only. Since Kafka 1.0 (KIP-113).
//!
//! Versions: 0 went with Kafka 4.0 (KIP-896); since 1, the broker answers before it throttles
//! (KIP-219); 2 is flexible (KIP-482); 3 adds an error for the whole answer (KIP-784); 4 the size
//! of the volume (KIP-827, Kafka 3.3); 5 tells which directories are cordoned (KIP-1066, Kafka
//! 4.3).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Replicas to describe.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 35, versions = 1..=5, flexible = 2, response = DescribeLogDirsResponse)]
pub struct DescribeLogDirsRequest {
    /// The topics, null for all.
    #[field(nullable = .., default = Some(Default::default()))]
    pub topics: Option<Vec<DescribableLogDirTopic>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Replicas of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribableLogDirTopic {
    /// Name of the topic.
    #[field(key)]
    pub topic: StrBytes,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The directories with their replicas. Before version 3, an answer without directories means
/// CLUSTER_AUTHORIZATION_FAILED.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 35, versions = 1..=5, flexible = 2)]
pub struct DescribeLogDirsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code for the answer as a whole, 0 for none (KIP-784).
    #[field(versions = 3.., ignorable)]
    pub error_code: i16,
    /// The directories.
    pub results: Vec<DescribeLogDirsResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A directory of the broker.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeLogDirsResult {
    /// An error code, 0 for none; KAFKA_STORAGE_ERROR for a disk that failed.
    pub error_code: i16,
    /// Absolute path of the directory.
    pub log_dir: StrBytes,
    /// The topics that have replicas in it.
    pub topics: Vec<DescribeLogDirsTopic>,
    /// Bytes of the volume, -1 if unknown (KIP-827). Tiered storage does not count.
    #[field(versions = 4.., default = -1, ignorable)]
    pub total_bytes: i64,
    /// Bytes free on the volume, -1 if unknown (KIP-827). Tiered storage does not count.
    #[field(versions = 4.., default = -1, ignorable)]
    pub usable_bytes: i64,
    /// Whether new replicas are kept out of the directory (KIP-1066).
    #[field(versions = 5.., ignorable)]
    pub is_cordoned: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Replicas of one topic in the directory.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeLogDirsTopic {
    /// Name of the topic.
    pub name: StrBytes,
    /// The partitions.
    pub partitions: Vec<DescribeLogDirsPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A replica.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeLogDirsPartition {
    /// Number of the partition.
    pub partition_index: i32,
    /// Bytes of its log segments.
    pub partition_size: i64,
    /// How many offsets its end is behind: the high watermark, or, for a copy being made, the end
    /// of the replica it is to replace. -1 if unknown.
    pub offset_lag: i64,
    /// Whether it is a copy being made by
    /// [`alter_replica_log_dirs`](crate::api::alter_replica_log_dirs), to take the replica's place.
    pub is_future_key: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
