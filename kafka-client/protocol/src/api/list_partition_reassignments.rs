//! ListPartitionReassignments (46): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 46, versions = 0..=0, flexible = 0, response = ListPartitionReassignmentsResponse)]
pub struct ListPartitionReassignmentsRequest {
    // ABOUT The time in ms to wait for the request to complete.
    /// TODO
    #[field(default = 60000)]
    pub timeout_ms: i32,
    // ABOUT The topics to list partition reassignments for, or null to list everything.
    /// TODO
    #[field(nullable = ..)]
    pub topics: Option<Vec<ListPartitionReassignmentsTopics>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO ListPartitionReassignmentsTopics
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListPartitionReassignmentsTopics {
    // ABOUT The topic name.
    /// TODO
    pub name: StrBytes,
    // ABOUT The partitions to list partition reassignments for.
    /// TODO
    pub partition_indexes: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 46, versions = 0..=0, flexible = 0)]
pub struct ListPartitionReassignmentsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The top-level error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The top-level error message, or null if there was no error.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    // ABOUT The ongoing reassignments for each topic.
    /// TODO
    pub topics: Vec<OngoingTopicReassignment>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO OngoingTopicReassignment
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OngoingTopicReassignment {
    // ABOUT The topic name.
    /// TODO
    pub name: StrBytes,
    // ABOUT The ongoing reassignments for each partition.
    /// TODO
    pub partitions: Vec<OngoingPartitionReassignment>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO OngoingPartitionReassignment
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OngoingPartitionReassignment {
    // ABOUT The index of the partition.
    /// TODO
    pub partition_index: i32,
    // ABOUT The current replica set.
    /// TODO
    pub replicas: Vec<i32>,
    // ABOUT The set of replicas we are currently adding.
    /// TODO
    pub adding_replicas: Vec<i32>,
    // ABOUT The set of replicas we are currently removing.
    /// TODO
    pub removing_replicas: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
