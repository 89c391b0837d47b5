//! EndTxn (26): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 26, versions = 0..=5, flexible = 3, response = EndTxnResponse)]
pub struct EndTxnRequest {
    // ABOUT The ID of the transaction to end.
    /// TODO
    pub transactional_id: StrBytes,
    // ABOUT The producer ID.
    /// TODO
    pub producer_id: i64,
    // ABOUT The current epoch associated with the producer.
    /// TODO
    pub producer_epoch: i16,
    // ABOUT True if the transaction was committed, false if it was aborted.
    /// TODO
    pub committed: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 26, versions = 0..=5, flexible = 3)]
pub struct EndTxnResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The producer ID.
    /// TODO
    #[field(versions = 5.., default = -1, ignorable)]
    pub producer_id: i64,
    // ABOUT The current epoch associated with the producer.
    /// TODO
    #[field(versions = 5.., default = -1, ignorable)]
    pub producer_epoch: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
