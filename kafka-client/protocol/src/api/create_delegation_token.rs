//! CreateDelegationToken (38): makes a delegation token, a short-lived secret to log in with.
//!
//! Admin method `createDelegationToken`; any broker takes it and forwards it to the controller
//! (KIP-590). Since Kafka 1.1 (KIP-48). The token's id and secret then serve as user and password
//! for SASL/SCRAM, so that a job needs no credentials of its owner. The connection must be
//! authenticated itself, and not with a token.
//! [`renew_delegation_token`](crate::api::renew_delegation_token) keeps it alive.
//!
//! Versions: 0 went with Kafka 4.0 (KIP-896); since 1, the broker answers before it throttles
//! (KIP-219); 2 is flexible (KIP-482); 3 makes tokens for other users (KIP-373, Kafka 3.3).

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// The token to make.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 38, versions = 1..=3, flexible = 2, response = CreateDelegationTokenResponse)]
pub struct CreateDelegationTokenRequest {
    /// Type of the token's owner, `User`; null for whoever asks (KIP-373).
    #[field(versions = 3.., nullable = 3.., default = Some(Default::default()))]
    pub owner_principal_type: Option<StrBytes>,
    /// Name of the token's owner, null for whoever asks (KIP-373).
    #[field(versions = 3.., nullable = 3.., default = Some(Default::default()))]
    pub owner_principal_name: Option<StrBytes>,
    /// Who may renew the token, besides its owner.
    pub renewers: Vec<CreatableRenewers>,
    /// Milliseconds after which the token ends for good, -1 for the broker's
    /// `delegation.token.max.lifetime.ms`, which is also the most.
    pub max_lifetime_ms: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Somebody who may renew the token.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatableRenewers {
    /// Type of the principal, `User`.
    pub principal_type: StrBytes,
    /// Name of the principal.
    pub principal_name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The token, which is told in full here. DELEGATION_TOKEN_AUTH_DISABLED says that brokers take no
/// tokens, DELEGATION_TOKEN_REQUEST_NOT_ALLOWED that the connection may not ask for one,
/// INVALID_PRINCIPAL_TYPE that a renewer is not a `User`.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 38, versions = 1..=3, flexible = 2)]
pub struct CreateDelegationTokenResponse {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Type of the token's owner.
    pub principal_type: StrBytes,
    /// Name of the token's owner.
    pub principal_name: StrBytes,
    /// Type of the principal that asked (KIP-373).
    #[field(versions = 3..)]
    pub token_requester_principal_type: StrBytes,
    /// Name of the principal that asked (KIP-373).
    #[field(versions = 3..)]
    pub token_requester_principal_name: StrBytes,
    /// When the token was made, in milliseconds since 1970.
    pub issue_timestamp_ms: i64,
    /// When the token ends unless it is renewed, in milliseconds since 1970.
    pub expiry_timestamp_ms: i64,
    /// When the token ends even if it is renewed, in milliseconds since 1970.
    pub max_timestamp_ms: i64,
    /// Id of the token, the user name to log in with.
    pub token_id: StrBytes,
    /// The secret; in base64, the password to log in with.
    pub hmac: Bytes,
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
