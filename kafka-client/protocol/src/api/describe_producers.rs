//! DescribeProducers (61): the producers that a partition remembers.
//!
//! Sent by the admin operation `describeProducers`, to find hanging transactions. It goes to the
//! leader of each partition, or to a replica that the caller names. Since KIP-664 (Kafka 3.0).
//! There is one version.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Asks for the state of idempotent and transactional producers in partitions.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 61, versions = 0..=0, flexible = 0, response = DescribeProducersResponse)]
pub struct DescribeProducersRequest {
    /// The topics.
    pub topics: Vec<TopicRequest>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicRequest {
    /// Name of the topic.
    pub name: StrBytes,
    /// Numbers of the partitions.
    pub partition_indexes: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The producers, by partition.
///
/// NOT_LEADER_OR_FOLLOWER: find the leader.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 61, versions = 0..=0, flexible = 0)]
pub struct DescribeProducersResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<TopicResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Producers of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicResponse {
    /// Name of the topic.
    pub name: StrBytes,
    /// The partitions.
    pub partitions: Vec<PartitionResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Producers of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionResponse {
    /// Number of the partition.
    pub partition_index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// The producers whose state has not expired.
    pub active_producers: Vec<ProducerState>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What a partition remembers of a producer.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ProducerState {
    /// The producer id.
    pub producer_id: i64,
    /// Epoch of the producer.
    pub producer_epoch: i32,
    /// Sequence number of its last record here, -1 for none.
    #[field(default = -1)]
    pub last_sequence: i32,
    /// Timestamp of its last batch here, in milliseconds since the epoch, -1 for none.
    #[field(default = -1)]
    pub last_timestamp: i64,
    /// Epoch of the transaction coordinator that wrote its last marker, -1 for none.
    pub coordinator_epoch: i32,
    /// First offset of its open transaction, -1 for none.
    #[field(default = -1)]
    pub current_txn_start_offset: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
