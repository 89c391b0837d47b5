//! EndTxn (26): commits or aborts a transaction.
//!
//! Sent by the transactional producer, under transaction version 1 and 2 (TV1, TV2). It goes to the
//! transaction coordinator, which then writes the markers. Since KIP-98 (Kafka 0.11).
//!
//! Versions: 1 leaves the quota's pause to the client (KIP-219); 2 answers PRODUCER_FENCED
//! (KIP-588); 4 answers TRANSACTION_ABORTABLE (KIP-890); 5 raises the epoch with every transaction
//! and returns it (KIP-890, TV2). Under TV1 a client stays at 4, under TV2 it needs 5.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Sent when every batch of the transaction is settled.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 26, versions = 0..=5, flexible = 3, response = EndTxnResponse)]
pub struct EndTxnRequest {
    /// Transactional id of the producer.
    pub transactional_id: StrBytes,
    /// The producer id.
    pub producer_id: i64,
    /// Epoch of the producer.
    pub producer_epoch: i16,
    /// Whether to commit; otherwise abort.
    pub committed: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Whether the transaction is decided.
///
/// CONCURRENT_TRANSACTIONS: try again; PRODUCER_FENCED and INVALID_PRODUCER_EPOCH: a newer producer
/// has the transactional id; INVALID_TXN_STATE: nothing to end, or it was decided the other way;
/// TRANSACTION_ABORTABLE: a commit must become an abort.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 26, versions = 0..=5, flexible = 3)]
pub struct EndTxnResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Producer id for the next transaction, another one when the epochs are used up; -1 for an
    /// error (KIP-890).
    #[field(versions = 5.., default = -1, ignorable)]
    pub producer_id: i64,
    /// Epoch for the next transaction, whose sequences start at 0; -1 for an error (KIP-890).
    #[field(versions = 5.., default = -1, ignorable)]
    pub producer_epoch: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
