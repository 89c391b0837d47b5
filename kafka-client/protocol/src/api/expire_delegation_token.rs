//! ExpireDelegationToken (40): ends a delegation token, now or soon.
//!
//! Admin method `expireDelegationToken`; any broker takes it and forwards it to the controller
//! (KIP-590). Since Kafka 1.1 (KIP-48). Open to the token's owner and those who may renew it.
//!
//! Versions: 0 went with Kafka 4.0 (KIP-896); since 1, the broker answers before it throttles
//! (KIP-219); 2 is flexible (KIP-482).

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::TaggedFields;

/// The token to end.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 40, versions = 1..=2, flexible = 2, response = ExpireDelegationTokenResponse)]
pub struct ExpireDelegationTokenRequest {
    /// The token's secret, which is what names it here.
    pub hmac: Bytes,
    /// Milliseconds from now to its end, a negative number to delete it at once.
    pub expiry_time_period_ms: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// When the token ends. DELEGATION_TOKEN_NOT_FOUND and DELEGATION_TOKEN_EXPIRED say that it is gone
/// already, DELEGATION_TOKEN_OWNER_MISMATCH that it is somebody else's.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 40, versions = 1..=2, flexible = 2)]
pub struct ExpireDelegationTokenResponse {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// When the token ends, in milliseconds since 1970.
    pub expiry_timestamp_ms: i64,
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
