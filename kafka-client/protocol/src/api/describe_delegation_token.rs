//! DescribeDelegationToken (41): TODO

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 41, versions = 1..=3, flexible = 2, response = DescribeDelegationTokenResponse)]
pub struct DescribeDelegationTokenRequest {
    // ABOUT Each owner that we want to describe delegation tokens for, or null to describe all tokens.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub owners: Option<Vec<DescribeDelegationTokenOwner>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeDelegationTokenOwner
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeDelegationTokenOwner {
    // ABOUT The owner principal type.
    /// TODO
    pub principal_type: StrBytes,
    // ABOUT The owner principal name.
    /// TODO
    pub principal_name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 41, versions = 1..=3, flexible = 2)]
pub struct DescribeDelegationTokenResponse {
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The tokens.
    /// TODO
    pub tokens: Vec<DescribedDelegationToken>,
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribedDelegationToken
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedDelegationToken {
    // ABOUT The token principal type.
    /// TODO
    pub principal_type: StrBytes,
    // ABOUT The token principal name.
    /// TODO
    pub principal_name: StrBytes,
    // ABOUT The principal type of the requester of the token.
    /// TODO
    #[field(versions = 3..)]
    pub token_requester_principal_type: StrBytes,
    // ABOUT The principal type of the requester of the token.
    /// TODO
    #[field(versions = 3..)]
    pub token_requester_principal_name: StrBytes,
    // ABOUT The token issue timestamp in milliseconds.
    /// TODO
    pub issue_timestamp: i64,
    // ABOUT The token expiry timestamp in milliseconds.
    /// TODO
    pub expiry_timestamp: i64,
    // ABOUT The token maximum timestamp length in milliseconds.
    /// TODO
    pub max_timestamp: i64,
    // ABOUT The token ID.
    /// TODO
    pub token_id: StrBytes,
    // ABOUT The token HMAC.
    /// TODO
    pub hmac: Bytes,
    // ABOUT Those who are able to renew this token before it expires.
    /// TODO
    pub renewers: Vec<DescribedDelegationTokenRenewer>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribedDelegationTokenRenewer
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedDelegationTokenRenewer {
    // ABOUT The renewer principal type.
    /// TODO
    pub principal_type: StrBytes,
    // ABOUT The renewer principal name.
    /// TODO
    pub principal_name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
