//! OffsetFetch (9): a group reads the offsets it has stored.
//!
//! Sent by the consumer, classic or KIP-848, to start from where the group has stopped, and by the
//! admin operations `listConsumerGroupOffsets` and `listStreamsGroupOffsets`. It goes to the group
//! coordinator. Since Kafka 0.8.1; version 0 went with 4.0 (KIP-896).
//!
//! Versions: 2 can ask for all topics, and has an error for the group (KIP-88); 3 tells the quota's
//! pause (KIP-124), 4 leaves it to the client (KIP-219); 5 returns leader epochs (KIP-320); 7 can
//! wait for open transactions (KIP-447); 8 asks for several groups (KIP-709); 9 serves KIP-848
//! members (KIP-848); 10 names topics by id (KIP-848, Kafka 4.2).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Partitions whose stored offsets are wanted.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 9, versions = 1..=10, flexible = 6, response = OffsetFetchResponse)]
pub struct OffsetFetchRequest {
    /// Id of the group.
    #[field(versions = ..=7)]
    pub group_id: StrBytes,
    /// The topics, null for all (KIP-88).
    #[field(versions = ..=7, nullable = 2..=7, default = Some(Default::default()))]
    pub topics: Option<Vec<OffsetFetchRequestTopic>>,
    /// The groups with their partitions (KIP-709).
    #[field(versions = 8..)]
    pub groups: Vec<OffsetFetchRequestGroup>,
    /// Answer with error 88 while a transaction has not settled an offset (KIP-447).
    #[field(versions = 7..)]
    pub require_stable: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic with the partitions wanted.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetFetchRequestTopic {
    /// Name of the topic.
    #[field(versions = ..=7)]
    pub name: StrBytes,
    /// Numbers of the partitions.
    #[field(versions = ..=7)]
    pub partition_indexes: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A group with the partitions wanted.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetFetchRequestGroup {
    /// Id of the group.
    #[field(versions = 8..)]
    pub group_id: StrBytes,
    /// Id of a KIP-848 member, null otherwise.
    #[field(versions = 9.., nullable = 9.., ignorable)]
    pub member_id: Option<StrBytes>,
    /// Epoch of a KIP-848 member, -1 otherwise.
    #[field(versions = 9.., default = -1, ignorable)]
    pub member_epoch: i32,
    /// The topics, null for all.
    #[field(versions = 8.., nullable = 8.., default = Some(Default::default()))]
    pub topics: Option<Vec<OffsetFetchRequestTopics>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic with the partitions wanted.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetFetchRequestTopics {
    /// Name of the topic.
    #[field(versions = 8..=9, ignorable)]
    pub name: StrBytes,
    /// Id of the topic (KIP-516).
    #[field(versions = 10.., ignorable)]
    pub topic_id: Uuid,
    /// Numbers of the partitions.
    #[field(versions = 8..)]
    pub partition_indexes: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The stored offsets.
///
/// NOT_COORDINATOR and COORDINATOR_NOT_AVAILABLE: find the coordinator;
/// COORDINATOR_LOAD_IN_PROGRESS and UNSTABLE_OFFSET_COMMIT: try again; STALE_MEMBER_EPOCH: again
/// with the new epoch; UNKNOWN_MEMBER_ID: the member has lost its place; UNKNOWN_TOPIC_ID: refresh
/// the metadata.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 9, versions = 1..=10, flexible = 6, view)]
pub struct OffsetFetchResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(versions = 3.., ignorable)]
    pub throttle_time_ms: i32,
    /// The topics.
    #[field(versions = ..=7)]
    pub topics: Vec<OffsetFetchResponseTopic>,
    /// An error code for the group, 0 for none (KIP-88).
    #[field(versions = 2..=7, ignorable)]
    pub error_code: i16,
    /// The groups (KIP-709).
    #[field(versions = 8..)]
    pub groups: Vec<OffsetFetchResponseGroup>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The stored offsets of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct OffsetFetchResponseTopic {
    /// Name of the topic.
    #[field(versions = ..=7)]
    pub name: StrBytes,
    /// The partitions.
    #[field(versions = ..=7)]
    pub partitions: Vec<OffsetFetchResponsePartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The stored offset of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct OffsetFetchResponsePartition {
    /// Number of the partition.
    #[field(versions = ..=7)]
    pub partition_index: i32,
    /// Offset of the next record to consume, -1 if none is stored.
    #[field(versions = ..=7)]
    pub committed_offset: i64,
    /// Leader epoch of the last record consumed, -1 if unknown (KIP-320).
    #[field(versions = 5..=7, default = -1, ignorable)]
    pub committed_leader_epoch: i32,
    /// Text stored with the offset, null for none.
    #[field(versions = ..=7, nullable = ..=7, default = Some(Default::default()))]
    pub metadata: Option<StrBytes>,
    /// An error code, 0 for none.
    #[field(versions = ..=7)]
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The stored offsets of one group.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct OffsetFetchResponseGroup {
    /// Id of the group.
    #[field(versions = 8..)]
    pub group_id: StrBytes,
    /// The topics.
    #[field(versions = 8..)]
    pub topics: Vec<OffsetFetchResponseTopics>,
    /// An error code, 0 for none.
    #[field(versions = 8..)]
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The stored offsets of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct OffsetFetchResponseTopics {
    /// Name of the topic.
    #[field(versions = 8..=9, ignorable)]
    pub name: StrBytes,
    /// Id of the topic (KIP-516).
    #[field(versions = 10.., ignorable)]
    pub topic_id: Uuid,
    /// The partitions.
    #[field(versions = 8..)]
    pub partitions: Vec<OffsetFetchResponsePartitions>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The stored offset of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct OffsetFetchResponsePartitions {
    /// Number of the partition.
    #[field(versions = 8..)]
    pub partition_index: i32,
    /// Offset of the next record to consume, -1 if none is stored.
    #[field(versions = 8..)]
    pub committed_offset: i64,
    /// Leader epoch of the last record consumed, -1 if unknown (KIP-320).
    #[field(versions = 8.., default = -1, ignorable)]
    pub committed_leader_epoch: i32,
    /// Text stored with the offset, null for none.
    #[field(versions = 8.., nullable = 8.., default = Some(Default::default()))]
    pub metadata: Option<StrBytes>,
    /// An error code, 0 for none.
    #[field(versions = 8..)]
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
