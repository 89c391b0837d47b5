//! ExpireDelegationToken (40): TODO

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::TaggedFields;

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 40, versions = 1..=2, flexible = 2, response = ExpireDelegationTokenResponse)]
pub struct ExpireDelegationTokenRequest {
    // ABOUT The HMAC of the delegation token to be expired.
    /// TODO
    pub hmac: Bytes,
    // ABOUT The expiry time period in milliseconds.
    /// TODO
    pub expiry_time_period_ms: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 40, versions = 1..=2, flexible = 2)]
pub struct ExpireDelegationTokenResponse {
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The timestamp in milliseconds at which this token expires.
    /// TODO
    pub expiry_timestamp_ms: i64,
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
