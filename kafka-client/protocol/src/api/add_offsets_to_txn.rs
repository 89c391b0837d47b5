//! AddOffsetsToTxn (25): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 25, versions = 0..=4, flexible = 3, response = AddOffsetsToTxnResponse)]
pub struct AddOffsetsToTxnRequest {
    // ABOUT The transactional id corresponding to the transaction.
    /// TODO
    pub transactional_id: StrBytes,
    // ABOUT Current producer id in use by the transactional id.
    /// TODO
    pub producer_id: i64,
    // ABOUT Current epoch associated with the producer id.
    /// TODO
    pub producer_epoch: i16,
    // ABOUT The unique group identifier.
    /// TODO
    pub group_id: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 25, versions = 0..=4, flexible = 3)]
pub struct AddOffsetsToTxnResponse {
    // ABOUT Duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The response error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
