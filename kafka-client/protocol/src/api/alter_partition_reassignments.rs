//! AlterPartitionReassignments (45): moves partitions to other brokers, or calls a move off.
//!
//! Admin method `alterPartitionReassignments`; any broker takes it and forwards it to the
//! controller (KIP-590), which with `bootstrap.controllers` is asked directly (KIP-919). Since
//! Kafka 2.4 (KIP-455). The answer comes when the move has begun, not when it is done:
//! [`list_partition_reassignments`](crate::api::list_partition_reassignments) shows those under
//! way.
//!
//! Versions: 1 can forbid that the number of replicas changes (KIP-860).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Partitions with the brokers that are to hold them.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 45, versions = 0..=1, flexible = 0, response = AlterPartitionReassignmentsResponse)]
pub struct AlterPartitionReassignmentsRequest {
    /// Milliseconds that the controller may take.
    #[field(default = 60000)]
    pub timeout_ms: i32,
    /// Whether a move may change the number of replicas of a partition (KIP-860).
    #[field(versions = 1.., default = true)]
    pub allow_replication_factor_change: bool,
    /// The topics.
    pub topics: Vec<ReassignableTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic to move.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReassignableTopic {
    /// Name of the topic.
    pub name: StrBytes,
    /// The partitions.
    pub partitions: Vec<ReassignablePartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Where a partition is to be.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReassignablePartition {
    /// Number of the partition.
    pub partition_index: i32,
    /// Brokers that are to hold replicas, the preferred leader first; null calls the present move
    /// off.
    #[field(nullable = ..)]
    pub replicas: Option<Vec<i32>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which moves have begun. A partition answers NO_REASSIGNMENT_IN_PROGRESS where there was nothing
/// to call off, INVALID_REPLICA_ASSIGNMENT where a broker is not known or named twice,
/// INVALID_REPLICATION_FACTOR where the number of replicas was not to change.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 45, versions = 0..=1, flexible = 0)]
pub struct AlterPartitionReassignmentsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// What the request said of it (KIP-860).
    #[field(versions = 1.., default = true, ignorable)]
    pub allow_replication_factor_change: bool,
    /// An error code for the request as a whole, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// The answers, by topic.
    pub responses: Vec<ReassignableTopicResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one topic's partitions.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReassignableTopicResponse {
    /// Name of the topic.
    pub name: StrBytes,
    /// The partitions.
    pub partitions: Vec<ReassignablePartitionResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one partition's move.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReassignablePartitionResponse {
    /// Number of the partition.
    pub partition_index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
