//! CreatePartitions (37): adds partitions to topics.
//!
//! Admin method `createPartitions`; any broker takes it and forwards it to the controller
//! (KIP-590). Since Kafka 1.0 (KIP-195). Records stay where they are: keys may go to other
//! partitions from then on. Partitions cannot be taken away.
//!
//! Versions: since 1, the broker answers before it throttles (KIP-219); 2 is flexible (KIP-482); 3
//! may answer THROTTLING_QUOTA_EXCEEDED (KIP-599, Kafka 2.7).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Topics with the number of partitions they are to have. Each succeeds or fails on its own.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 37, versions = 0..=3, flexible = 2, response = CreatePartitionsResponse)]
pub struct CreatePartitionsRequest {
    /// The topics.
    pub topics: Vec<CreatePartitionsTopic>,
    /// Milliseconds that the controller may take.
    pub timeout_ms: i32,
    /// Only check, change nothing.
    pub validate_only: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic to grow.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatePartitionsTopic {
    /// Name of the topic.
    #[field(key)]
    pub name: StrBytes,
    /// Number of partitions it is to have, those there included.
    pub count: i32,
    /// Replicas of the new partitions by hand, one entry for each; null to let the cluster place
    /// them.
    #[field(nullable = .., default = Some(Default::default()))]
    pub assignments: Option<Vec<CreatePartitionsAssignment>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The brokers that are to hold a new partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatePartitionsAssignment {
    /// Brokers that hold replicas, the preferred leader first.
    pub broker_ids: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each topic. INVALID_PARTITIONS says that the number is not larger than now,
/// INVALID_REPLICA_ASSIGNMENT that the replicas are wrong; after THROTTLING_QUOTA_EXCEEDED the
/// client asks again when the throttle time is over (KIP-599).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 37, versions = 0..=3, flexible = 2)]
pub struct CreatePartitionsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The answers, by topic.
    pub results: Vec<CreatePartitionsTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatePartitionsTopicResult {
    /// Name of the topic.
    pub name: StrBytes,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
