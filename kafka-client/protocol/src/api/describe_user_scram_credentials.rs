//! DescribeUserScramCredentials (50): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 50, versions = 0..=0, flexible = 0, response = DescribeUserScramCredentialsResponse)]
pub struct DescribeUserScramCredentialsRequest {
    // ABOUT The users to describe, or null/empty to describe all users.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub users: Option<Vec<UserName>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO UserName
#[derive(Debug, Clone, PartialEq, Message)]
pub struct UserName {
    // ABOUT The user name.
    /// TODO
    pub name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 50, versions = 0..=0, flexible = 0)]
pub struct DescribeUserScramCredentialsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The message-level error code, 0 except for user authorization or infrastructure issues.
    /// TODO
    pub error_code: i16,
    // ABOUT The message-level error message, if any.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    // ABOUT The results for descriptions, one per user.
    /// TODO
    pub results: Vec<DescribeUserScramCredentialsResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeUserScramCredentialsResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeUserScramCredentialsResult {
    // ABOUT The user name.
    /// TODO
    pub user: StrBytes,
    // ABOUT The user-level error code.
    /// TODO
    pub error_code: i16,
    // ABOUT The user-level error message, if any.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    // ABOUT The mechanism and related information associated with the user's SCRAM credentials.
    /// TODO
    pub credential_infos: Vec<CredentialInfo>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO CredentialInfo
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CredentialInfo {
    // ABOUT The SCRAM mechanism.
    /// TODO
    pub mechanism: i8,
    // ABOUT The number of iterations used in the SCRAM credential.
    /// TODO
    pub iterations: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
