//! AddPartitionsToTxn (24): a transaction takes in partitions.
//!
//! Sent by the transactional producer under transaction version 1 (TV1), before the first Produce
//! to each partition of a transaction. Under TV2 (KIP-890) Produce does this itself and clients
//! never send it. It goes to the transaction coordinator. Since KIP-98 (Kafka 0.11).
//!
//! Versions: clients use 0 to 3, brokers 4 and up, in the name of producers (KIP-890). 1 leaves the
//! quota's pause to the client (KIP-219); 2 answers PRODUCER_FENCED (KIP-588); 4 carries several
//! transactions, and can verify instead of add; 5 answers TRANSACTION_ABORTABLE (KIP-890).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Announces partitions that the transaction will write to; each gets a marker when it ends.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 24, versions = 0..=5, flexible = 3, response = AddPartitionsToTxnResponse)]
pub struct AddPartitionsToTxnRequest {
    /// The transactions, in requests of brokers (KIP-890).
    #[field(versions = 4..)]
    pub transactions: Vec<AddPartitionsToTxnTransaction>,
    /// Transactional id of the producer.
    #[field(versions = ..=3)]
    pub v3_and_below_transactional_id: StrBytes,
    /// The producer id.
    #[field(versions = ..=3)]
    pub v3_and_below_producer_id: i64,
    /// Epoch of the producer.
    #[field(versions = ..=3)]
    pub v3_and_below_producer_epoch: i16,
    /// The topics.
    #[field(versions = ..=3)]
    pub v3_and_below_topics: Vec<AddPartitionsToTxnTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A transaction with its new partitions (KIP-890).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AddPartitionsToTxnTransaction {
    /// Transactional id of the producer.
    #[field(versions = 4.., key)]
    pub transactional_id: StrBytes,
    /// The producer id.
    #[field(versions = 4..)]
    pub producer_id: i64,
    /// Epoch of the producer.
    #[field(versions = 4..)]
    pub producer_epoch: i16,
    /// Only check that the partitions are in the transaction, add none (KIP-890).
    #[field(versions = 4..)]
    pub verify_only: bool,
    /// The topics.
    #[field(versions = 4..)]
    pub topics: Vec<AddPartitionsToTxnTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AddPartitionsToTxnTopic {
    /// Name of the topic.
    #[field(key)]
    pub name: StrBytes,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Whether the partitions are part of the transaction now: all of them or none.
///
/// CONCURRENT_TRANSACTIONS: the one before is still ending, try again soon;
/// OPERATION_NOT_ATTEMPTED: another partition was refused; PRODUCER_FENCED and
/// INVALID_PRODUCER_EPOCH: a newer producer has the transactional id.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 24, versions = 0..=5, flexible = 3)]
pub struct AddPartitionsToTxnResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code for the whole request, 0 for none (KIP-890).
    #[field(versions = 4.., ignorable)]
    pub error_code: i16,
    /// The answers, by transaction (KIP-890).
    #[field(versions = 4..)]
    pub results_by_transaction: Vec<AddPartitionsToTxnResult>,
    /// The answers, by topic.
    #[field(versions = ..=3)]
    pub results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one transaction's partitions (KIP-890).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AddPartitionsToTxnResult {
    /// Transactional id of the producer.
    #[field(versions = 4.., key)]
    pub transactional_id: StrBytes,
    /// The answers, by topic.
    #[field(versions = 4..)]
    pub topic_results: Vec<AddPartitionsToTxnTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one topic's partitions.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AddPartitionsToTxnTopicResult {
    /// Name of the topic.
    #[field(key)]
    pub name: StrBytes,
    /// The answers, by partition.
    pub results_by_partition: Vec<AddPartitionsToTxnPartitionResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AddPartitionsToTxnPartitionResult {
    /// Number of the partition.
    #[field(key)]
    pub partition_index: i32,
    /// An error code, 0 for none.
    pub partition_error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
