//! DescribeUserScramCredentials (50): which users have a SCRAM password, without telling it.
//!
//! Admin method `describeUserScramCredentials`; any broker answers it. Since Kafka 2.7 (KIP-554).
//! [`alter_user_scram_credentials`](crate::api::alter_user_scram_credentials) sets them. There is
//! one version.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Users to describe.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 50, versions = 0..=0, flexible = 0, response = DescribeUserScramCredentialsResponse)]
pub struct DescribeUserScramCredentialsRequest {
    /// The users, null or empty for all.
    #[field(nullable = .., default = Some(Default::default()))]
    pub users: Option<Vec<UserName>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct UserName {
    /// Name of the user.
    pub name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The users' credentials. RESOURCE_NOT_FOUND says that a user has none, DUPLICATE_RESOURCE that
/// the user stood in the request twice.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 50, versions = 0..=0, flexible = 0)]
pub struct DescribeUserScramCredentialsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code for the answer as a whole, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// The answers, one for each user.
    pub results: Vec<DescribeUserScramCredentialsResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// One user's credentials.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeUserScramCredentialsResult {
    /// Name of the user.
    pub user: StrBytes,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// The credentials, one for each mechanism.
    pub credential_infos: Vec<CredentialInfo>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A credential.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CredentialInfo {
    /// Mechanism: 1 SCRAM-SHA-256, 2 SCRAM-SHA-512.
    pub mechanism: i8,
    /// Rounds of hashing.
    pub iterations: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
