//! OffsetCommit (8): a group stores the offsets it has consumed up to.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Offsets to store.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 8, versions = 2..=10, flexible = 8, response = OffsetCommitResponse)]
pub struct OffsetCommitRequest {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Generation of a classic group, or epoch of a KIP-848 member; -1 without membership.
    #[field(default = -1, ignorable)]
    pub generation_id_or_member_epoch: i32,
    /// Id that the coordinator gave the member.
    #[field(ignorable)]
    pub member_id: StrBytes,
    /// Name of a static member (KIP-345), null for a dynamic one.
    #[field(versions = 7.., nullable = 7..)]
    pub group_instance_id: Option<StrBytes>,
    /// Milliseconds to keep the offsets, -1 for the broker's default.
    #[field(versions = ..=4, default = -1, ignorable)]
    pub retention_time_ms: i64,
    /// The topics.
    pub topics: Vec<OffsetCommitRequestTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Offsets of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetCommitRequestTopic {
    /// Name of the topic.
    #[field(versions = ..=9, ignorable)]
    pub name: StrBytes,
    /// Id of the topic (KIP-516).
    #[field(versions = 10.., ignorable)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<OffsetCommitRequestPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The offset of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetCommitRequestPartition {
    /// Number of the partition.
    pub partition_index: i32,
    /// Offset of the next record to consume.
    pub committed_offset: i64,
    /// Leader epoch of the last record consumed, -1 if unknown.
    #[field(versions = 6.., default = -1, ignorable)]
    pub committed_leader_epoch: i32,
    /// Text to store with the offset.
    #[field(nullable = .., default = Some(Default::default()))]
    pub committed_metadata: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each offset.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 8, versions = 2..=10, flexible = 8)]
pub struct OffsetCommitResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(versions = 3.., ignorable)]
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<OffsetCommitResponseTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of the offsets of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetCommitResponseTopic {
    /// Name of the topic.
    #[field(versions = ..=9, ignorable)]
    pub name: StrBytes,
    /// Id of the topic (KIP-516).
    #[field(versions = 10.., ignorable)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<OffsetCommitResponsePartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one offset.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetCommitResponsePartition {
    /// Number of the partition.
    pub partition_index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
