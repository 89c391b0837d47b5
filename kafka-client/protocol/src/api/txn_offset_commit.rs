//! TxnOffsetCommit (28): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 28, versions = 0..=6, flexible = 3, response = TxnOffsetCommitResponse)]
pub struct TxnOffsetCommitRequest {
    // ABOUT The ID of the transaction.
    /// TODO
    pub transactional_id: StrBytes,
    // ABOUT The ID of the group.
    /// TODO
    pub group_id: StrBytes,
    // ABOUT The current producer ID in use by the transactional ID.
    /// TODO
    pub producer_id: i64,
    // ABOUT The current epoch associated with the producer ID.
    /// TODO
    pub producer_epoch: i16,
    // ABOUT The generation of the consumer.
    /// TODO
    #[field(versions = 3.., default = -1)]
    pub generation_id: i32,
    // ABOUT The member ID assigned by the group coordinator.
    /// TODO
    #[field(versions = 3..)]
    pub member_id: StrBytes,
    // ABOUT The unique identifier of the consumer instance provided by end user.
    /// TODO
    #[field(versions = 3.., nullable = 3..)]
    pub group_instance_id: Option<StrBytes>,
    // ABOUT Each topic that we want to commit offsets for.
    /// TODO
    pub topics: Vec<TxnOffsetCommitRequestTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TxnOffsetCommitRequestTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TxnOffsetCommitRequestTopic {
    // ABOUT The topic name.
    /// TODO
    #[field(versions = ..=5, ignorable)]
    pub name: StrBytes,
    // ABOUT KIP-1319
    /// TODO
    #[field(versions = 6.., ignorable)]
    pub topic_id: Uuid,
    // ABOUT The partitions inside the topic that we want to commit offsets for.
    /// TODO
    pub partitions: Vec<TxnOffsetCommitRequestPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TxnOffsetCommitRequestPartition
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TxnOffsetCommitRequestPartition {
    // ABOUT The index of the partition within the topic.
    /// TODO
    pub partition_index: i32,
    // ABOUT The message offset to be committed.
    /// TODO
    pub committed_offset: i64,
    // ABOUT The leader epoch of the last consumed record.
    /// TODO
    #[field(versions = 2.., default = -1, ignorable)]
    pub committed_leader_epoch: i32,
    // ABOUT Any associated metadata the client wants to keep.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub committed_metadata: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 28, versions = 0..=6, flexible = 3)]
pub struct TxnOffsetCommitResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The responses for each topic.
    /// TODO
    pub topics: Vec<TxnOffsetCommitResponseTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TxnOffsetCommitResponseTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TxnOffsetCommitResponseTopic {
    // ABOUT The topic name.
    /// TODO
    #[field(versions = ..=5, ignorable)]
    pub name: StrBytes,
    // ABOUT KIP-1319
    /// TODO
    #[field(versions = 6.., ignorable)]
    pub topic_id: Uuid,
    // ABOUT The responses for each partition in the topic.
    /// TODO
    pub partitions: Vec<TxnOffsetCommitResponsePartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TxnOffsetCommitResponsePartition
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TxnOffsetCommitResponsePartition {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
