//! InitProducerId (22): an identity for idempotent (KIP-98) and transactional producers.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Asks for a producer id, or for a new epoch of one.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 22, versions = 0..=6, flexible = 2, response = InitProducerIdResponse)]
pub struct InitProducerIdRequest {
    /// Transactional id, null without transactions.
    #[field(nullable = .., default = Some(Default::default()))]
    pub transactional_id: Option<StrBytes>,
    /// Milliseconds after which the coordinator aborts an open transaction.
    pub transaction_timeout_ms: i32,
    /// Present id, -1 for none (KIP-360).
    #[field(versions = 3.., default = -1)]
    pub producer_id: i64,
    /// Present epoch, -1 for none (KIP-360).
    #[field(versions = 3.., default = -1)]
    pub producer_epoch: i16,
    /// Take part in two-phase commit (KIP-939).
    #[field(versions = 6..)]
    pub enable2_pc: bool,
    /// Keep a prepared transaction instead of aborting it (KIP-939).
    #[field(versions = 6..)]
    pub keep_prepared_txn: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The producer's identity.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 22, versions = 0..=6, flexible = 2)]
pub struct InitProducerIdResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(ignorable)]
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// The producer id.
    #[field(default = -1)]
    pub producer_id: i64,
    /// Epoch of the producer.
    pub producer_epoch: i16,
    /// Producer id of the transaction that was kept (KIP-939).
    #[field(versions = 6.., default = -1)]
    pub ongoing_txn_producer_id: i64,
    /// Epoch of the transaction that was kept (KIP-939).
    #[field(versions = 6.., default = -1)]
    pub ongoing_txn_producer_epoch: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
