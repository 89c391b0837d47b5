//! DescribeTopicPartitions (75): topics with their partitions, page by page.
//!
//! Sent by the admin operation `describeTopics`, which falls back to Metadata (3). It goes to any
//! broker. Since KIP-966 (eligible leader replicas). There is one version.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Asks for a page of topics. The next page is asked for with the cursor of the answer.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 75, versions = 0..=0, flexible = 0, response = DescribeTopicPartitionsResponse)]
pub struct DescribeTopicPartitionsRequest {
    /// The topics, empty for all; they are answered in the order of their names.
    pub topics: Vec<TopicRequest>,
    /// Most partitions in the answer; the broker has a limit of its own, 2000 by default.
    #[field(default = 2000)]
    pub response_partition_limit: i32,
    /// Where to start, null for the beginning.
    #[field(nullable = ..)]
    pub cursor: Option<Cursor>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic to describe.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicRequest {
    /// Name of the topic.
    pub name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Where a page starts.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct Cursor {
    /// Name of the first topic.
    pub topic_name: StrBytes,
    /// Number of the first partition in that topic.
    pub partition_index: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A page of topics.
///
/// UNKNOWN_TOPIC_OR_PARTITION: there is no such topic.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 75, versions = 0..=0, flexible = 0, view)]
pub struct DescribeTopicPartitionsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(ignorable)]
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<DescribeTopicPartitionsResponseTopic>,
    /// Where the next page starts, null after the last.
    #[field(nullable = ..)]
    pub next_cursor: Option<Cursor>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic, or the part of it that is in the page.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct DescribeTopicPartitionsResponseTopic {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Name of the topic.
    #[field(nullable = .., default = Some(Default::default()), key)]
    pub name: Option<StrBytes>,
    /// Id of the topic.
    #[field(ignorable)]
    pub topic_id: Uuid,
    /// Whether it is one of the cluster's own topics.
    #[field(ignorable)]
    pub is_internal: bool,
    /// The partitions.
    pub partitions: Vec<DescribeTopicPartitionsResponsePartition>,
    /// Bits of the operations that the caller may do with the topic (3 read, 4 write, 5 create, 6
    /// delete, 7 alter, 8 describe, 10 describe configs, 11 alter configs), `i32::MIN` if unknown
    /// (KIP-430).
    #[field(default = i32::MIN)]
    pub topic_authorized_operations: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct DescribeTopicPartitionsResponsePartition {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Number of the partition.
    pub partition_index: i32,
    /// Broker id of the leader, -1 for none.
    pub leader_id: i32,
    /// Epoch of the leader, -1 if unknown.
    #[field(default = -1, ignorable)]
    pub leader_epoch: i32,
    /// Brokers with replicas.
    pub replica_nodes: Vec<i32>,
    /// Brokers with replicas in sync.
    pub isr_nodes: Vec<i32>,
    /// Brokers whose replicas are out of sync and yet hold every committed record, so that they may
    /// become leader; null or empty for none (KIP-966).
    #[field(nullable = ..)]
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// Brokers that were eligible until an unclean shutdown; null or empty for none (KIP-966).
    #[field(nullable = ..)]
    pub last_known_elr: Option<Vec<i32>>,
    /// Brokers whose replicas are offline.
    #[field(ignorable)]
    pub offline_replicas: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
