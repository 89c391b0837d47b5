//! CreateDelegationToken (38): TODO

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 38, versions = 1..=3, flexible = 2, response = CreateDelegationTokenResponse)]
pub struct CreateDelegationTokenRequest {
    // ABOUT The principal type of the owner of the token. If it's null it defaults to the token request principal.
    /// TODO
    #[field(versions = 3.., nullable = 3.., default = Some(Default::default()))]
    pub owner_principal_type: Option<StrBytes>,
    // ABOUT The principal name of the owner of the token. If it's null it defaults to the token request principal.
    /// TODO
    #[field(versions = 3.., nullable = 3.., default = Some(Default::default()))]
    pub owner_principal_name: Option<StrBytes>,
    // ABOUT A list of those who are allowed to renew this token before it expires.
    /// TODO
    pub renewers: Vec<CreatableRenewers>,
    // ABOUT The maximum lifetime of the token in milliseconds, or -1 to use the server side default.
    /// TODO
    pub max_lifetime_ms: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO CreatableRenewers
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatableRenewers {
    // ABOUT The type of the Kafka principal.
    /// TODO
    pub principal_type: StrBytes,
    // ABOUT The name of the Kafka principal.
    /// TODO
    pub principal_name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 38, versions = 1..=3, flexible = 2)]
pub struct CreateDelegationTokenResponse {
    // ABOUT The top-level error, or zero if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The principal type of the token owner.
    /// TODO
    pub principal_type: StrBytes,
    // ABOUT The name of the token owner.
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
    // ABOUT When this token was generated.
    /// TODO
    pub issue_timestamp_ms: i64,
    // ABOUT When this token expires.
    /// TODO
    pub expiry_timestamp_ms: i64,
    // ABOUT The maximum lifetime of this token.
    /// TODO
    pub max_timestamp_ms: i64,
    // ABOUT The token UUID.
    /// TODO
    pub token_id: StrBytes,
    // ABOUT HMAC of the delegation token.
    /// TODO
    pub hmac: Bytes,
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
