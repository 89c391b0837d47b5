//! ListPartitionReassignments (46): the partitions that are moving to other brokers.
//!
//! Admin method `listPartitionReassignments`; any broker takes it and forwards it to the controller
//! (KIP-590), which with `bootstrap.controllers` is asked directly (KIP-919). Since Kafka 2.4
//! (KIP-455). A move begun by
//! [`alter_partition_reassignments`](crate::api::alter_partition_reassignments) is done when it is
//! no longer listed. There is one version.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Partitions to look at.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 46, versions = 0..=0, flexible = 0, response = ListPartitionReassignmentsResponse)]
pub struct ListPartitionReassignmentsRequest {
    /// Milliseconds that the controller may take.
    #[field(default = 60000)]
    pub timeout_ms: i32,
    /// The topics, null for all.
    #[field(nullable = ..)]
    pub topics: Option<Vec<ListPartitionReassignmentsTopics>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListPartitionReassignmentsTopics {
    /// Name of the topic.
    pub name: StrBytes,
    /// Numbers of the partitions.
    pub partition_indexes: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The moves under way; partitions that rest are left out.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 46, versions = 0..=0, flexible = 0, view)]
pub struct ListPartitionReassignmentsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code for the answer as a whole, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// The topics.
    pub topics: Vec<OngoingTopicReassignment>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Moving partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct OngoingTopicReassignment {
    /// Name of the topic.
    pub name: StrBytes,
    /// The partitions.
    pub partitions: Vec<OngoingPartitionReassignment>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A moving partition.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct OngoingPartitionReassignment {
    /// Number of the partition.
    pub partition_index: i32,
    /// Brokers that hold replicas now, those in `adding_replicas` and `removing_replicas` included.
    pub replicas: Vec<i32>,
    /// Brokers that are still to catch up.
    pub adding_replicas: Vec<i32>,
    /// Brokers that are to drop their replica at the end.
    pub removing_replicas: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
