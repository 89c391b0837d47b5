//! ListTransactions (66): the transactional ids that a broker coordinates.
//!
//! Sent by the admin operation `listTransactions`. It goes to every broker, each knows its own.
//! Since KIP-664 (Kafka 3.0).
//!
//! Versions: 1 filters by duration (KIP-994); 2 filters by a pattern (KIP-1152).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Asks for the transactional ids that pass all filters.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 66, versions = 0..=2, flexible = 0, response = ListTransactionsResponse)]
pub struct ListTransactionsRequest {
    /// Names of states, one of which the transaction must have: `Empty`, `Ongoing`,
    /// `PrepareCommit`, `PrepareAbort`, `CompleteCommit`, `CompleteAbort`, `PrepareEpochFence`,
    /// `Dead`. Empty for any.
    pub state_filters: Vec<StrBytes>,
    /// Producer ids, one of which the transaction must have; empty for any.
    pub producer_id_filters: Vec<i64>,
    /// Milliseconds that the transaction must have been open for; negative for any (KIP-994).
    #[field(versions = 1.., default = -1)]
    pub duration_filter: i64,
    /// Regular expression (RE2) for the transactional id; null or empty for any (KIP-1152).
    #[field(versions = 2.., nullable = 2..)]
    pub transactional_id_pattern: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The transactional ids of this broker.
///
/// COORDINATOR_LOAD_IN_PROGRESS: try again; INVALID_REGULAR_EXPRESSION: the pattern is wrong
/// (KIP-1152).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 66, versions = 0..=2, flexible = 0)]
pub struct ListTransactionsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Names in `state_filters` that the broker does not know.
    pub unknown_state_filters: Vec<StrBytes>,
    /// The transactional ids.
    pub transaction_states: Vec<TransactionState>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The state of one transactional id.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TransactionState {
    /// The transactional id.
    pub transactional_id: StrBytes,
    /// The producer id.
    pub producer_id: i64,
    /// Name of the state, as in `state_filters`.
    pub transaction_state: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
