//! ListTransactions (66): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 66, versions = 0..=2, flexible = 0, response = ListTransactionsResponse)]
pub struct ListTransactionsRequest {
    // ABOUT The transaction states to filter by: if empty, all transactions are returned; if non-empty, then only transactions matching one of the filtered states will be returned.
    /// TODO
    pub state_filters: Vec<StrBytes>,
    // ABOUT The producerIds to filter by: if empty, all transactions will be returned; if non-empty, only transactions which match one of the filtered producerIds will be returned.
    /// TODO
    pub producer_id_filters: Vec<i64>,
    // ABOUT Duration (in millis) to filter by: if < 0, all transactions will be returned; otherwise, only transactions running longer than this duration will be returned.
    /// TODO
    #[field(versions = 1.., default = -1)]
    pub duration_filter: i64,
    // ABOUT The transactional ID regular expression pattern to filter by: if it is empty or null, all transactions are returned; Otherwise then only the transactions matching the given regular expression will be returned.
    /// TODO
    #[field(versions = 2.., nullable = 2..)]
    pub transactional_id_pattern: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 66, versions = 0..=2, flexible = 0)]
pub struct ListTransactionsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT Set of state filters provided in the request which were unknown to the transaction coordinator.
    /// TODO
    pub unknown_state_filters: Vec<StrBytes>,
    // ABOUT The current state of the transaction for the transactional id.
    /// TODO
    pub transaction_states: Vec<TransactionState>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TransactionState
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TransactionState {
    // ABOUT The transactional id.
    /// TODO
    pub transactional_id: StrBytes,
    // ABOUT The producer id.
    /// TODO
    pub producer_id: i64,
    // ABOUT The current transaction state of the producer.
    /// TODO
    pub transaction_state: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
