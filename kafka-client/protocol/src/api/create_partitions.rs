//! CreatePartitions (37): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 37, versions = 0..=3, flexible = 2, response = CreatePartitionsResponse)]
pub struct CreatePartitionsRequest {
    // ABOUT Each topic that we want to create new partitions inside.
    /// TODO
    pub topics: Vec<CreatePartitionsTopic>,
    // ABOUT The time in ms to wait for the partitions to be created.
    /// TODO
    pub timeout_ms: i32,
    // ABOUT If true, then validate the request, but don't actually increase the number of partitions.
    /// TODO
    pub validate_only: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO CreatePartitionsTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatePartitionsTopic {
    // ABOUT The topic name.
    /// TODO
    #[field(key)]
    pub name: StrBytes,
    // ABOUT The new partition count.
    /// TODO
    pub count: i32,
    // ABOUT The new partition assignments.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub assignments: Option<Vec<CreatePartitionsAssignment>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO CreatePartitionsAssignment
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatePartitionsAssignment {
    // ABOUT The assigned broker IDs.
    /// TODO
    pub broker_ids: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 37, versions = 0..=3, flexible = 2)]
pub struct CreatePartitionsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The partition creation results for each topic.
    /// TODO
    pub results: Vec<CreatePartitionsTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO CreatePartitionsTopicResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatePartitionsTopicResult {
    // ABOUT The topic name.
    /// TODO
    pub name: StrBytes,
    // ABOUT The result error, or zero if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The result message, or null if there was no error.
    /// TODO
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
