//! DescribeTransactions (65): the state of transactional ids.
//!
//! Sent by the admin operation `describeTransactions`. It goes to the transaction coordinator of
//! each id. Since KIP-664 (Kafka 3.0). There is one version.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Asks for transactional ids that one broker coordinates.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 65, versions = 0..=0, flexible = 0, response = DescribeTransactionsResponse)]
pub struct DescribeTransactionsRequest {
    /// The transactional ids; empty for none.
    pub transactional_ids: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The transactions, each with an error code of its own.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 65, versions = 0..=0, flexible = 0)]
pub struct DescribeTransactionsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The answers, by transactional id.
    pub transaction_states: Vec<TransactionState>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The state of one transactional id.
///
/// TRANSACTIONAL_ID_NOT_FOUND: the coordinator knows none such; NOT_COORDINATOR: find the
/// coordinator.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TransactionState {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// The transactional id.
    pub transactional_id: StrBytes,
    /// `Empty`, `Ongoing`, `PrepareCommit`, `PrepareAbort`, `CompleteCommit`, `CompleteAbort`,
    /// `PrepareEpochFence` or `Dead`.
    pub transaction_state: StrBytes,
    /// Milliseconds after which the coordinator aborts an open transaction.
    pub transaction_timeout_ms: i32,
    /// When the open transaction began, in milliseconds since the epoch; negative for none.
    pub transaction_start_time_ms: i64,
    /// The producer id.
    pub producer_id: i64,
    /// Epoch of the producer.
    pub producer_epoch: i16,
    /// Partitions of the open transaction; while it ends, those whose marker is still to be
    /// written.
    pub topics: Vec<TopicData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicData {
    /// Name of the topic.
    #[field(key)]
    pub topic: StrBytes,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
