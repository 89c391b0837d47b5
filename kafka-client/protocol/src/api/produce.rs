//! Produce (0): record batches from producers.

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Record batches by topic and partition.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 0, versions = 3..=13, flexible = 9, response = ProduceResponse)]
pub struct ProduceRequest {
    /// Transactional id, null without transactions.
    #[field(nullable = ..)]
    pub transactional_id: Option<StrBytes>,
    /// Replicas that must have the records before the answer: 0 none (and no answer at all), 1
    /// the leader, -1 all in sync.
    pub acks: i16,
    /// Milliseconds the broker may take.
    pub timeout_ms: i32,
    /// The topics.
    pub topic_data: Vec<TopicProduceData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Records for one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicProduceData {
    /// Name of the topic.
    #[field(versions = ..=12, ignorable, key)]
    pub name: StrBytes,
    /// Id of the topic (KIP-516).
    #[field(versions = 13.., ignorable, key)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partition_data: Vec<PartitionProduceData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Records for one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionProduceData {
    /// Number of the partition.
    pub index: i32,
    /// Record batches, see [`crate::records`].
    #[field(nullable = ..)]
    pub records: Option<Bytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each partition's records.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 0, versions = 3..=13, flexible = 9)]
pub struct ProduceResponse {
    /// The answers, by topic.
    pub responses: Vec<TopicProduceResponse>,
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(ignorable)]
    pub throttle_time_ms: i32,
    /// Addresses of the leaders named in this answer (KIP-951).
    #[field(versions = 10.., tag = 0)]
    pub node_endpoints: Vec<NodeEndpoint>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one topic's records.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicProduceResponse {
    /// Name of the topic.
    #[field(versions = ..=12, ignorable, key)]
    pub name: StrBytes,
    /// Id of the topic (KIP-516).
    #[field(versions = 13.., ignorable, key)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partition_responses: Vec<PartitionProduceResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one partition's records.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionProduceResponse {
    /// Number of the partition.
    pub index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Offset of the first record, -1 if unknown.
    pub base_offset: i64,
    /// The broker's timestamp of the records, -1 if they keep their own.
    #[field(default = -1, ignorable)]
    pub log_append_time_ms: i64,
    /// First offset of the log.
    #[field(versions = 5.., default = -1, ignorable)]
    pub log_start_offset: i64,
    /// The records that made the broker refuse the batch (KIP-467).
    #[field(versions = 8.., ignorable)]
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    /// What is wrong in words, null for no error.
    #[field(versions = 8.., nullable = 8.., ignorable)]
    pub error_message: Option<StrBytes>,
    /// The leader, when it is not this broker (KIP-951).
    #[field(versions = 10.., tag = 0)]
    pub current_leader: LeaderIdAndEpoch,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A record that made the broker refuse its batch (KIP-467).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct BatchIndexAndErrorMessage {
    /// Index of the record in its batch.
    #[field(versions = 8..)]
    pub batch_index: i32,
    /// What is wrong with it, null if there is nothing to say.
    #[field(versions = 8.., nullable = 8..)]
    pub batch_index_error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A partition's present leader.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct LeaderIdAndEpoch {
    /// Broker id of the leader, -1 if unknown.
    #[field(versions = 10.., default = -1)]
    pub leader_id: i32,
    /// Epoch of the leader, -1 if unknown.
    #[field(versions = 10.., default = -1)]
    pub leader_epoch: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Address of a broker.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct NodeEndpoint {
    /// Id of the broker.
    #[field(versions = 10.., key)]
    pub node_id: i32,
    /// Host name to connect to.
    #[field(versions = 10..)]
    pub host: StrBytes,
    /// Port to connect to.
    #[field(versions = 10..)]
    pub port: i32,
    /// Rack of the broker, null if it has none.
    #[field(versions = 10.., nullable = 10..)]
    pub rack: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
