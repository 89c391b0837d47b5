//! AlterUserScramCredentials (51): sets and removes the SCRAM passwords of users.
//!
//! Admin method `alterUserScramCredentials`; any broker takes it and forwards it to the controller
//! (KIP-590). Since Kafka 2.7 (KIP-554). The client salts and hashes the password itself, so that
//! it never goes over the wire (RFC 5802). There is one version.

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Credentials to remove and to set. A user and mechanism may stand in it once.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 51, versions = 0..=0, flexible = 0, response = AlterUserScramCredentialsResponse)]
pub struct AlterUserScramCredentialsRequest {
    /// Credentials to remove.
    pub deletions: Vec<ScramCredentialDeletion>,
    /// Credentials to set; those there are replaced.
    pub upsertions: Vec<ScramCredentialUpsertion>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A credential to remove.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ScramCredentialDeletion {
    /// Name of the user.
    pub name: StrBytes,
    /// Mechanism: 1 SCRAM-SHA-256, 2 SCRAM-SHA-512.
    pub mechanism: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A credential to set.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ScramCredentialUpsertion {
    /// Name of the user.
    pub name: StrBytes,
    /// Mechanism: 1 SCRAM-SHA-256, 2 SCRAM-SHA-512.
    pub mechanism: i8,
    /// Rounds of hashing, 4096 to 16384.
    pub iterations: i32,
    /// Random bytes that the client chose.
    pub salt: Bytes,
    /// The password after salting and hashing, `SaltedPassword` of RFC 5802.
    pub salted_password: Bytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each user. RESOURCE_NOT_FOUND says that there was nothing to remove,
/// DUPLICATE_RESOURCE that a credential stood in the request twice, UNACCEPTABLE_CREDENTIAL that
/// the name is empty or the rounds are too few or too many, UNSUPPORTED_SASL_MECHANISM that there
/// is no such mechanism.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 51, versions = 0..=0, flexible = 0)]
pub struct AlterUserScramCredentialsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The answers, one for each user.
    pub results: Vec<AlterUserScramCredentialsResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one user's credentials.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterUserScramCredentialsResult {
    /// Name of the user.
    pub user: StrBytes,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
