//! RenewDelegationToken (39): TODO

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::TaggedFields;

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 39, versions = 1..=2, flexible = 2, response = RenewDelegationTokenResponse)]
pub struct RenewDelegationTokenRequest {
    // ABOUT The HMAC of the delegation token to be renewed.
    /// TODO
    pub hmac: Bytes,
    // ABOUT The renewal time period in milliseconds.
    /// TODO
    pub renew_period_ms: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 39, versions = 1..=2, flexible = 2)]
pub struct RenewDelegationTokenResponse {
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
