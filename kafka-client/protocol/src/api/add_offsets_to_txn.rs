//! AddOffsetsToTxn (25): a transaction takes in the offsets of a group.
//!
//! Sent by the transactional producer under transaction version 1 (TV1), once for each group and
//! transaction, before its first TxnOffsetCommit. Under TV2 (KIP-890) the group coordinator does
//! this itself and clients never send it. It goes to the transaction coordinator. Since KIP-98
//! (Kafka 0.11).
//!
//! Versions: 1 leaves the quota's pause to the client (KIP-219); 2 answers PRODUCER_FENCED
//! (KIP-588); 4 answers TRANSACTION_ABORTABLE (KIP-890).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Announces that the transaction will commit offsets of a group: the group's partition of the
/// offsets topic will get a marker when the transaction ends.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 25, versions = 0..=4, flexible = 3, response = AddOffsetsToTxnResponse)]
pub struct AddOffsetsToTxnRequest {
    /// Transactional id of the producer.
    pub transactional_id: StrBytes,
    /// The producer id.
    pub producer_id: i64,
    /// Epoch of the producer.
    pub producer_epoch: i16,
    /// Id of the group.
    pub group_id: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Whether the group is part of the transaction now.
///
/// CONCURRENT_TRANSACTIONS: the one before is still ending, try again; PRODUCER_FENCED and
/// INVALID_PRODUCER_EPOCH: a newer producer has the transactional id; TRANSACTION_ABORTABLE: abort
/// and go on.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 25, versions = 0..=4, flexible = 3)]
pub struct AddOffsetsToTxnResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
