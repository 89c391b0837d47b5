//! OffsetCommit (8): a group stores the offsets it has consumed up to.
//!
//! Sent by the consumer, classic or KIP-848, and by the admin operations
//! `alterConsumerGroupOffsets` and `alterStreamsGroupOffsets`. It goes to the group coordinator.
//! Since Kafka 0.8.1; versions below 2 went with 4.0 (KIP-896).
//!
//! Versions: 3 tells the quota's pause (KIP-124), 4 leaves it to the client (KIP-219); 5 leaves the
//! retention to the broker (KIP-211); 6 stores leader epochs (KIP-320); 7 knows static members
//! (KIP-345); 9 serves KIP-848 members and answers STALE_MEMBER_EPOCH and GROUP_ID_NOT_FOUND
//! (KIP-848); 10 names topics by id (KIP-848, Kafka 4.2).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Offsets to store. From a member with its generation or epoch; without membership only while the
/// group has no members.
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
    /// Milliseconds to keep the offsets, -1 for the broker's default; dropped by KIP-211.
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
    /// Leader epoch of the last record consumed, -1 if unknown (KIP-320).
    #[field(versions = 6.., default = -1, ignorable)]
    pub committed_leader_epoch: i32,
    /// Text to store with the offset.
    #[field(nullable = .., default = Some(Default::default()))]
    pub committed_metadata: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each offset.
///
/// ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID and FENCED_INSTANCE_ID: the member has lost its place;
/// REBALANCE_IN_PROGRESS: commit again after the rebalance; STALE_MEMBER_EPOCH: again with the new
/// epoch; NOT_COORDINATOR and COORDINATOR_NOT_AVAILABLE: find the coordinator; UNKNOWN_TOPIC_ID:
/// refresh the metadata.
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
