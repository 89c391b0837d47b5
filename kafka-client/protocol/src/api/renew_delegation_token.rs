//! RenewDelegationToken (39): puts off the end of a delegation token.
//!
//! Admin method `renewDelegationToken`; any broker takes it and forwards it to the controller
//! (KIP-590). Since Kafka 1.1 (KIP-48). Open to the token's owner and to the renewers named when it
//! was made.
//!
//! Versions: 0 went with Kafka 4.0 (KIP-896); since 1, the broker answers before it throttles
//! (KIP-219); 2 is flexible (KIP-482).

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::TaggedFields;

/// The token to renew.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 39, versions = 1..=2, flexible = 2, response = RenewDelegationTokenResponse)]
pub struct RenewDelegationTokenRequest {
    /// The token's secret, which is what names it here.
    pub hmac: Bytes,
    /// Milliseconds from now to its new end, -1 for the broker's `delegation.token.expiry.time.ms`,
    /// which is also the most.
    pub renew_period_ms: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// When the token ends now. DELEGATION_TOKEN_EXPIRED and DELEGATION_TOKEN_NOT_FOUND say that it is
/// too late, DELEGATION_TOKEN_OWNER_MISMATCH that the caller may not renew it.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 39, versions = 1..=2, flexible = 2)]
pub struct RenewDelegationTokenResponse {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// When the token ends unless it is renewed again, in milliseconds since 1970; never later than
    /// the end it was made with.
    pub expiry_timestamp_ms: i64,
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
