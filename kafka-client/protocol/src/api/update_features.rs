//! UpdateFeatures (57): raises, lowers or removes features of the cluster.
//!
//! Admin method `updateFeatures`; any broker takes it and forwards it to the controller (KIP-590),
//! which with `bootstrap.controllers` is asked directly (KIP-919). Since Kafka 2.7 (KIP-584).
//! Features are `metadata.version`, `transaction.version`, `group.version` and the like;
//! [`api_versions`](crate::api::api_versions) tells those in force.
//!
//! Versions: 1 has kinds of downgrade and can only check (KIP-778, Kafka 3.3); 2 answers for all
//! features together, which succeed or fail as one (KIP-1022, Kafka 4.0).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Features with the level they are to have.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 57, versions = 0..=2, flexible = 0, response = UpdateFeaturesResponse)]
pub struct UpdateFeaturesRequest {
    /// Milliseconds that the controller may take.
    #[field(default = 60000)]
    pub timeout_ms: i32,
    /// The features.
    pub feature_updates: Vec<FeatureUpdateKey>,
    /// Only check, change nothing (KIP-778).
    #[field(versions = 1..)]
    pub validate_only: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A feature to change.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FeatureUpdateKey {
    /// Name of the feature.
    #[field(key)]
    pub feature: StrBytes,
    /// The new level, 0 to remove the feature.
    pub max_version_level: i16,
    /// Whether the level may go down; `upgrade_type` came in its place.
    #[field(versions = ..=0)]
    pub allow_downgrade: bool,
    /// Which way the level may go (KIP-778): 1 up, 2 down if nothing is lost, 3 down even if
    /// something is.
    #[field(versions = 1.., default = 1)]
    pub upgrade_type: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Whether the features were changed. INVALID_UPDATE_VERSION says that a level is not supported by
/// all nodes or may not go down.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 57, versions = 0..=2, flexible = 0)]
pub struct UpdateFeaturesResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code for the request as a whole, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// The answers, by feature; none since version 2 (KIP-1022).
    #[field(versions = ..=1, ignorable)]
    pub results: Vec<UpdatableFeatureResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one feature.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct UpdatableFeatureResult {
    /// Name of the feature.
    #[field(key)]
    pub feature: StrBytes,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
