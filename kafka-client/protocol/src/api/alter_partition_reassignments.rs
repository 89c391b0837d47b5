//! AlterPartitionReassignments (45): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 45, versions = 0..=1, flexible = 0, response = AlterPartitionReassignmentsResponse)]
pub struct AlterPartitionReassignmentsRequest {
    // ABOUT The time in ms to wait for the request to complete.
    /// TODO
    #[field(default = 60000)]
    pub timeout_ms: i32,
    // ABOUT The option indicating whether changing the replication factor of any given partition as part of this request is a valid move.
    /// TODO
    #[field(versions = 1.., default = true)]
    pub allow_replication_factor_change: bool,
    // ABOUT The topics to reassign.
    /// TODO
    pub topics: Vec<ReassignableTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO ReassignableTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReassignableTopic {
    // ABOUT The topic name.
    /// TODO
    pub name: StrBytes,
    // ABOUT The partitions to reassign.
    /// TODO
    pub partitions: Vec<ReassignablePartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO ReassignablePartition
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReassignablePartition {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    // ABOUT The replicas to place the partitions on, or null to cancel a pending reassignment for this partition.
    /// TODO
    #[field(nullable = ..)]
    pub replicas: Option<Vec<i32>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 45, versions = 0..=1, flexible = 0)]
pub struct AlterPartitionReassignmentsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The option indicating whether changing the replication factor of any given partition as part of the request was allowed.
    /// TODO
    #[field(versions = 1.., default = true, ignorable)]
    pub allow_replication_factor_change: bool,
    // ABOUT The top-level error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The top-level error message, or null if there was no error.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    // ABOUT The responses to topics to reassign.
    /// TODO
    pub responses: Vec<ReassignableTopicResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO ReassignableTopicResponse
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReassignableTopicResponse {
    // ABOUT The topic name.
    /// TODO
    pub name: StrBytes,
    // ABOUT The responses to partitions to reassign.
    /// TODO
    pub partitions: Vec<ReassignablePartitionResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO ReassignablePartitionResponse
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReassignablePartitionResponse {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    // ABOUT The error code for this partition, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The error message for this partition, or null if there was no error.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
