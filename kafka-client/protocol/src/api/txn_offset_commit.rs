//! TxnOffsetCommit (28): a group's offsets become part of a transaction.
//!
//! Sent by the transactional producer (`sendOffsetsToTransaction`), under transaction version 1
//! (TV1) after AddOffsetsToTxn, under TV2 alone. It goes to the group coordinator. The offsets stay
//! pending until the transaction ends. Since KIP-98 (Kafka 0.11).
//!
//! Versions: 1 leaves the quota's pause to the client (KIP-219); 2 adds leader epochs (KIP-320); 3
//! adds the consumer's membership (KIP-447); 4 answers TRANSACTION_ABORTABLE (KIP-890); 5 takes the
//! group into the transaction (KIP-890, TV2); 6 names topics by id and answers UNKNOWN_TOPIC_ID,
//! STALE_MEMBER_EPOCH and GROUP_ID_NOT_FOUND (KIP-1319, Kafka 4.4). Under TV1 a client stays at 4,
//! under TV2 it needs 5.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Offsets to commit together with the transaction. With the consumer's membership the coordinator
/// refuses those of a member that is none any more (KIP-447).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 28, versions = 0..=6, flexible = 3, response = TxnOffsetCommitResponse)]
pub struct TxnOffsetCommitRequest {
    /// Transactional id of the producer.
    pub transactional_id: StrBytes,
    /// Id of the consumer's group.
    pub group_id: StrBytes,
    /// The producer id.
    pub producer_id: i64,
    /// Epoch of the producer.
    pub producer_epoch: i16,
    /// Generation of a classic group, or epoch of a KIP-848 member; -1 without membership
    /// (KIP-447).
    #[field(versions = 3.., default = -1)]
    pub generation_id: i32,
    /// Id of the member, empty without membership (KIP-447).
    #[field(versions = 3..)]
    pub member_id: StrBytes,
    /// Name of a static member (KIP-345), null for a dynamic one (KIP-447).
    #[field(versions = 3.., nullable = 3..)]
    pub group_instance_id: Option<StrBytes>,
    /// The topics.
    pub topics: Vec<TxnOffsetCommitRequestTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Offsets of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TxnOffsetCommitRequestTopic {
    /// Name of the topic.
    #[field(versions = ..=5, ignorable)]
    pub name: StrBytes,
    /// Id of the topic (KIP-1319).
    #[field(versions = 6.., ignorable)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<TxnOffsetCommitRequestPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The offset of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TxnOffsetCommitRequestPartition {
    /// Number of the partition.
    pub partition_index: i32,
    /// Offset of the next record to consume.
    pub committed_offset: i64,
    /// Leader epoch of the last record consumed, -1 if unknown (KIP-320).
    #[field(versions = 2.., default = -1, ignorable)]
    pub committed_leader_epoch: i32,
    /// Text to store with the offset.
    #[field(nullable = .., default = Some(Default::default()))]
    pub committed_metadata: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each offset.
///
/// ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, STALE_MEMBER_EPOCH and
/// GROUP_ID_NOT_FOUND: the member has lost its place, abort; NOT_COORDINATOR and
/// COORDINATOR_NOT_AVAILABLE: find the coordinator; INVALID_PRODUCER_EPOCH: a newer producer has
/// the transactional id; TRANSACTION_ABORTABLE: abort and go on.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 28, versions = 0..=6, flexible = 3)]
pub struct TxnOffsetCommitResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<TxnOffsetCommitResponseTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of the offsets of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TxnOffsetCommitResponseTopic {
    /// Name of the topic.
    #[field(versions = ..=5, ignorable)]
    pub name: StrBytes,
    /// Id of the topic (KIP-1319).
    #[field(versions = 6.., ignorable)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<TxnOffsetCommitResponsePartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one offset.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TxnOffsetCommitResponsePartition {
    /// Number of the partition.
    pub partition_index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
