//! InitProducerId (22): an identity for idempotent and transactional producers.
//!
//! Sent by the idempotent producer, to any broker, and by the transactional producer, to the
//! transaction coordinator: there it also ends what an earlier producer of the same transactional
//! id has left open, and fences that producer. The admin operations `fenceProducers` and
//! `forceTerminateTransaction` use it so. Since KIP-98 (Kafka 0.11).
//!
//! Versions: 1 leaves the quota's pause to the client (KIP-219); 3 can raise the epoch of an id
//! (KIP-360); 4 answers PRODUCER_FENCED (KIP-588); 5 answers TRANSACTION_ABORTABLE (KIP-890); 6
//! takes part in two-phase commit (KIP-939), unstable: brokers do not list it by default.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Asks for a producer id, or for a new epoch of one.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 22, versions = 0..=6, flexible = 2, response = InitProducerIdResponse)]
pub struct InitProducerIdRequest {
    /// Transactional id, null without transactions (KIP-98).
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

/// The producer's identity; sequences start at 0.
///
/// CONCURRENT_TRANSACTIONS: an earlier transaction is still ending, try again; NOT_COORDINATOR and
/// COORDINATOR_NOT_AVAILABLE: find the coordinator; PRODUCER_FENCED and INVALID_PRODUCER_EPOCH: a
/// newer producer has the transactional id; INVALID_TRANSACTION_TIMEOUT: the time-out is over the
/// broker's `transaction.max.timeout.ms`.
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
