//! Produce (0): record batches from producers.
//!
//! Sent by the producer, plain, idempotent or transactional. It goes to the partition leader, one
//! request for all of a broker's partitions. Since Kafka 0.8; versions below 3 went with 4.0
//! (KIP-896), yet brokers list them for the sake of old librdkafka clients (KAFKA-18659).
//!
//! Versions: 3 carries record batches v2 and the transactional id (KIP-98); 4 answers
//! KAFKA_STORAGE_ERROR (KIP-112); 5 tells the first offset of the log; 6 leaves the quota's pause
//! to the client (KIP-219); 7 allows zstd (KIP-110); 8 names bad records (KIP-467); 10 names new
//! leaders (KIP-951); 11 answers TRANSACTION_ABORTABLE (KIP-890); 12 takes the partition into the
//! transaction (KIP-890, TV2); 13 names topics by id (KIP-516, Kafka 4.1). In a transaction a
//! client stays at 11 under TV1, and needs 12 under TV2.

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Record batches by topic and partition. A producer keeps several such requests on the way; with
/// idempotence, sequence numbers keep the batches of a partition in order (KIP-98).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 0, versions = 3..=13, flexible = 9, response = ProduceResponse, view)]
pub struct ProduceRequest {
    /// Transactional id, null without transactions (KIP-98).
    #[field(nullable = ..)]
    pub transactional_id: Option<StrBytes>,
    /// Replicas that must have the records before the answer: 0 none (and no answer at all,
    /// which is what a request has that does not set it), 1 the leader, -1 all in sync.
    pub acks: i16,
    /// Milliseconds the broker may take.
    pub timeout_ms: i32,
    /// The topics.
    pub topic_data: Vec<TopicProduceData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Records for one topic. Versions to 12 say its name and later ones its id, so a request that may go
/// out in any version has both.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
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
#[message(view)]
pub struct PartitionProduceData {
    /// Number of the partition.
    pub index: i32,
    /// One record batch, see [`crate::records`]: brokers refuse more with INVALID_RECORD.
    #[field(nullable = ..)]
    pub records: Option<Bytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each partition's records; it does not come with `acks` 0.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 0, versions = 3..=13, flexible = 9, view)]
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
#[message(view)]
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
///
/// NOT_LEADER_OR_FOLLOWER and other errors of stale metadata: find the leader and send again;
/// MESSAGE_TOO_LARGE: split the batch; DUPLICATE_SEQUENCE: it was written before;
/// OUT_OF_ORDER_SEQUENCE_NUMBER and UNKNOWN_PRODUCER_ID: sequences have a gap;
/// INVALID_PRODUCER_EPOCH: another producer has taken over, or the transaction has timed out;
/// TRANSACTION_ABORTABLE: abort and go on.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct PartitionProduceResponse {
    /// Number of the partition.
    pub index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Offset of the first record, -1 if unknown.
    pub base_offset: i64,
    /// The broker's timestamp of the records, -1 if they keep their own (KIP-32).
    #[field(default = -1, ignorable)]
    pub log_append_time_ms: i64,
    /// First offset of the log.
    #[field(versions = 5.., default = -1, ignorable)]
    pub log_start_offset: i64,
    /// The records that made the broker refuse the batch (KIP-467).
    #[field(versions = 8.., ignorable)]
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    /// What is wrong in words, null for no error (KIP-467).
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
#[message(view)]
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

/// A partition's present leader (KIP-951).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
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

/// Address of a broker (KIP-951).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
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
