//! DescribeTransactions (65): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 65, versions = 0..=0, flexible = 0, response = DescribeTransactionsResponse)]
pub struct DescribeTransactionsRequest {
    // ABOUT Array of transactionalIds to include in describe results. If empty, then no results will be returned.
    /// TODO
    pub transactional_ids: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 65, versions = 0..=0, flexible = 0)]
pub struct DescribeTransactionsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The current state of the transaction.
    /// TODO
    pub transaction_states: Vec<TransactionState>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TransactionState
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TransactionState {
    // ABOUT The error code.
    /// TODO
    pub error_code: i16,
    // ABOUT The transactional id.
    /// TODO
    pub transactional_id: StrBytes,
    // ABOUT The current transaction state of the producer.
    /// TODO
    pub transaction_state: StrBytes,
    // ABOUT The timeout in milliseconds for the transaction.
    /// TODO
    pub transaction_timeout_ms: i32,
    // ABOUT The start time of the transaction in milliseconds.
    /// TODO
    pub transaction_start_time_ms: i64,
    // ABOUT The current producer id associated with the transaction.
    /// TODO
    pub producer_id: i64,
    // ABOUT The current epoch associated with the producer id.
    /// TODO
    pub producer_epoch: i16,
    // ABOUT The set of partitions included in the current transaction (if active). When a transaction is preparing to commit or abort, this will include only partitions which do not have markers.
    /// TODO
    pub topics: Vec<TopicData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopicData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicData {
    // ABOUT The topic name.
    /// TODO
    #[field(key)]
    pub topic: StrBytes,
    // ABOUT The partition ids included in the current transaction.
    /// TODO
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
