//! UpdateFeatures (57): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 57, versions = 0..=2, flexible = 0, response = UpdateFeaturesResponse)]
pub struct UpdateFeaturesRequest {
    // ABOUT How long to wait in milliseconds before timing out the request.
    /// TODO
    #[field(default = 60000)]
    pub timeout_ms: i32,
    // ABOUT The list of updates to finalized features.
    /// TODO
    pub feature_updates: Vec<FeatureUpdateKey>,
    // ABOUT True if we should validate the request, but not perform the upgrade or downgrade.
    /// TODO
    #[field(versions = 1..)]
    pub validate_only: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO FeatureUpdateKey
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FeatureUpdateKey {
    // ABOUT The name of the finalized feature to be updated.
    /// TODO
    #[field(key)]
    pub feature: StrBytes,
    // ABOUT The new maximum version level for the finalized feature. A value >= 1 is valid. A value < 1, is special, and can be used to request the deletion of the finalized feature.
    /// TODO
    pub max_version_level: i16,
    // ABOUT DEPRECATED in version 1 (see DowngradeType). When set to true, the finalized feature version level is allowed to be downgraded/deleted. The downgrade request will fail if the new maximum version level is a value that's not lower than the existing maximum finalized version level.
    /// TODO
    #[field(versions = ..=0)]
    pub allow_downgrade: bool,
    // ABOUT Determine which type of upgrade will be performed: 1 will perform an upgrade only (default), 2 is safe downgrades only (lossless), 3 is unsafe downgrades (lossy).
    /// TODO
    #[field(versions = 1.., default = 1)]
    pub upgrade_type: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 57, versions = 0..=2, flexible = 0)]
pub struct UpdateFeaturesResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The top-level error code, or `0` if there was no top-level error.
    /// TODO
    pub error_code: i16,
    // ABOUT The top-level error message, or `null` if there was no top-level error.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    // ABOUT Results for each feature update.
    /// TODO
    #[field(versions = ..=1, ignorable)]
    pub results: Vec<UpdatableFeatureResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO UpdatableFeatureResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct UpdatableFeatureResult {
    // ABOUT The name of the finalized feature.
    /// TODO
    #[field(key)]
    pub feature: StrBytes,
    // ABOUT The feature update error code or `0` if the feature update succeeded.
    /// TODO
    pub error_code: i16,
    // ABOUT The feature update error, or `null` if the feature update succeeded.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
