//! DescribeProducers (61): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 61, versions = 0..=0, flexible = 0, response = DescribeProducersResponse)]
pub struct DescribeProducersRequest {
    // ABOUT The topics to list producers for.
    /// TODO
    pub topics: Vec<TopicRequest>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopicRequest
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicRequest {
    // ABOUT The topic name.
    /// TODO
    pub name: StrBytes,
    // ABOUT The indexes of the partitions to list producers for.
    /// TODO
    pub partition_indexes: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 61, versions = 0..=0, flexible = 0)]
pub struct DescribeProducersResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT Each topic in the response.
    /// TODO
    pub topics: Vec<TopicResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopicResponse
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicResponse {
    // ABOUT The topic name.
    /// TODO
    pub name: StrBytes,
    // ABOUT Each partition in the response.
    /// TODO
    pub partitions: Vec<PartitionResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO PartitionResponse
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionResponse {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    // ABOUT The partition error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The partition error message, which may be null if no additional details are available.
    /// TODO
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    // ABOUT The active producers for the partition.
    /// TODO
    pub active_producers: Vec<ProducerState>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO ProducerState
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ProducerState {
    // ABOUT The producer id.
    /// TODO
    pub producer_id: i64,
    // ABOUT The producer epoch.
    /// TODO
    pub producer_epoch: i32,
    // ABOUT The last sequence number sent by the producer.
    /// TODO
    #[field(default = -1)]
    pub last_sequence: i32,
    // ABOUT The last timestamp sent by the producer.
    /// TODO
    #[field(default = -1)]
    pub last_timestamp: i64,
    // ABOUT The current epoch of the producer group.
    /// TODO
    pub coordinator_epoch: i32,
    // ABOUT The current transaction start offset of the producer.
    /// TODO
    #[field(default = -1)]
    pub current_txn_start_offset: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
