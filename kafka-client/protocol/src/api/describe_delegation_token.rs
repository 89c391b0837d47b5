//! DescribeDelegationToken (41): the delegation tokens that the caller may see.
//!
//! Admin method `describeDelegationToken`; any broker answers it. Since Kafka 1.1 (KIP-48). One
//! sees one's own tokens, those one may renew, and those for which one has the right to describe
//! them.
//!
//! Versions: 0 went with Kafka 4.0 (KIP-896); since 1, the broker answers before it throttles
//! (KIP-219); 2 is flexible (KIP-482); 3 tells who asked for a token (KIP-373, Kafka 3.3).

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Whose tokens to describe.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 41, versions = 1..=3, flexible = 2, response = DescribeDelegationTokenResponse)]
pub struct DescribeDelegationTokenRequest {
    /// The owners, null for all.
    #[field(nullable = .., default = Some(Default::default()))]
    pub owners: Option<Vec<DescribeDelegationTokenOwner>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// An owner of tokens.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeDelegationTokenOwner {
    /// Type of the principal, `User`.
    pub principal_type: StrBytes,
    /// Name of the principal.
    pub principal_name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The tokens, with their secrets. DELEGATION_TOKEN_AUTH_DISABLED says that brokers take no tokens,
/// DELEGATION_TOKEN_REQUEST_NOT_ALLOWED that the connection may not ask for them.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 41, versions = 1..=3, flexible = 2)]
pub struct DescribeDelegationTokenResponse {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// The tokens.
    pub tokens: Vec<DescribedDelegationToken>,
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A delegation token.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedDelegationToken {
    /// Type of the token's owner.
    pub principal_type: StrBytes,
    /// Name of the token's owner.
    pub principal_name: StrBytes,
    /// Type of the principal that asked for it (KIP-373).
    #[field(versions = 3..)]
    pub token_requester_principal_type: StrBytes,
    /// Name of the principal that asked for it (KIP-373).
    #[field(versions = 3..)]
    pub token_requester_principal_name: StrBytes,
    /// When the token was made, in milliseconds since 1970.
    pub issue_timestamp: i64,
    /// When the token ends unless it is renewed, in milliseconds since 1970.
    pub expiry_timestamp: i64,
    /// When the token ends even if it is renewed, in milliseconds since 1970.
    pub max_timestamp: i64,
    /// Id of the token, the user name to log in with.
    pub token_id: StrBytes,
    /// The secret; in base64, the password to log in with.
    pub hmac: Bytes,
    /// Who may renew the token, besides its owner.
    pub renewers: Vec<DescribedDelegationTokenRenewer>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Somebody who may renew the token.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedDelegationTokenRenewer {
    /// Type of the principal, `User`.
    pub principal_type: StrBytes,
    /// Name of the principal.
    pub principal_name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
