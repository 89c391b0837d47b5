//! DescribeTopicPartitions (75): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 75, versions = 0..=0, flexible = 0, response = DescribeTopicPartitionsResponse)]
pub struct DescribeTopicPartitionsRequest {
    // ABOUT The topics to fetch details for.
    /// TODO
    pub topics: Vec<TopicRequest>,
    // ABOUT The maximum number of partitions included in the response.
    /// TODO
    #[field(default = 2000)]
    pub response_partition_limit: i32,
    // ABOUT The first topic and partition index to fetch details for.
    /// TODO
    #[field(nullable = ..)]
    pub cursor: Option<Cursor>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopicRequest
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicRequest {
    // ABOUT The topic name.
    /// TODO
    pub name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO Cursor
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Cursor {
    // ABOUT The name for the first topic to process.
    /// TODO
    pub topic_name: StrBytes,
    // ABOUT The partition index to start with.
    /// TODO
    pub partition_index: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 75, versions = 0..=0, flexible = 0)]
pub struct DescribeTopicPartitionsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    #[field(ignorable)]
    pub throttle_time_ms: i32,
    // ABOUT Each topic in the response.
    /// TODO
    pub topics: Vec<DescribeTopicPartitionsResponseTopic>,
    // ABOUT The next topic and partition index to fetch details for.
    /// TODO
    #[field(nullable = ..)]
    pub next_cursor: Option<Cursor>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeTopicPartitionsResponseTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeTopicPartitionsResponseTopic {
    // ABOUT The topic error, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The topic name.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()), key)]
    pub name: Option<StrBytes>,
    // ABOUT The topic id.
    /// TODO
    #[field(ignorable)]
    pub topic_id: Uuid,
    // ABOUT True if the topic is internal.
    /// TODO
    #[field(ignorable)]
    pub is_internal: bool,
    // ABOUT Each partition in the topic.
    /// TODO
    pub partitions: Vec<DescribeTopicPartitionsResponsePartition>,
    // ABOUT 32-bit bitfield to represent authorized operations for this topic.
    /// TODO
    #[field(default = i32::MIN)]
    pub topic_authorized_operations: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeTopicPartitionsResponsePartition
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeTopicPartitionsResponsePartition {
    // ABOUT The partition error, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    // ABOUT The ID of the leader broker.
    /// TODO
    pub leader_id: i32,
    // ABOUT The leader epoch of this partition.
    /// TODO
    #[field(default = -1, ignorable)]
    pub leader_epoch: i32,
    // ABOUT The set of all nodes that host this partition.
    /// TODO
    pub replica_nodes: Vec<i32>,
    // ABOUT The set of nodes that are in sync with the leader for this partition.
    /// TODO
    pub isr_nodes: Vec<i32>,
    // ABOUT The new eligible leader replicas otherwise.
    /// TODO
    #[field(nullable = ..)]
    pub eligible_leader_replicas: Option<Vec<i32>>,
    // ABOUT The last known ELR.
    /// TODO
    #[field(nullable = ..)]
    pub last_known_elr: Option<Vec<i32>>,
    // ABOUT The set of offline replicas of this partition.
    /// TODO
    #[field(ignorable)]
    pub offline_replicas: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
