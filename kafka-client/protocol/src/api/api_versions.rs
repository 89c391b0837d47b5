//! ApiVersions (18): which versions of which APIs a broker speaks.
//!
//! The first request on every connection, of every client, before SASL too; Admin method
//! `describeFeatures` sends it as well. Goes to the broker or controller at the other end, and is
//! never forwarded. Since Kafka 0.10 (KIP-35). The client sends its highest version; a broker that
//! does not know it answers in version 0 with UNSUPPORTED_VERSION and its own range for this API
//! (KIP-511), and the client asks once more with the highest that both know, else with 0.
//!
//! Versions: 1 adds the throttle time; since 2, the broker answers before it throttles (KIP-219); 3
//! is flexible, names the client's software (KIP-511, Kafka 2.4) and tells features (KIP-584); 4
//! tells of features that start at level 0, which 3 leaves out (KAFKA-17011); 5 says which broker
//! is meant (KIP-1242, Kafka 4.4).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Asks which versions a broker speaks, and says who asks. In version 5 the cluster's and the
/// node's id are both given or both left out.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 18, versions = 0..=5, flexible = 3, response = ApiVersionsResponse)]
pub struct ApiVersionsRequest {
    /// Name of the client library (KIP-511).
    #[field(versions = 3.., ignorable)]
    pub client_software_name: StrBytes,
    /// Version of the client library (KIP-511).
    #[field(versions = 3.., ignorable)]
    pub client_software_version: StrBytes,
    /// The cluster that the client means to reach, null if it does not know yet (KIP-1242).
    #[field(versions = 5.., nullable = 5.., ignorable)]
    pub cluster_id: Option<StrBytes>,
    /// The broker that the client means to reach, -1 if it does not know yet (KIP-1242).
    #[field(versions = 5.., default = -1, ignorable)]
    pub node_id: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The versions a broker speaks. Its header is version 0 in every version of the body, so that a
/// client can read it whatever the broker knows. REBOOTSTRAP_REQUIRED says that the broker is not
/// the one that was meant: drop the connection and bootstrap again (KIP-1242).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 18, versions = 0..=5, flexible = 3)]
pub struct ApiVersionsResponse {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Every API that the broker serves on this listener.
    pub api_keys: Vec<ApiVersion>,
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// Features the broker could switch on (KIP-584).
    #[field(versions = 3.., tag = 0, ignorable)]
    pub supported_features: Vec<SupportedFeatureKey>,
    /// Grows with each change of the finalized features, -1 if unknown (KIP-584).
    #[field(versions = 3.., tag = 1, default = -1, ignorable)]
    pub finalized_features_epoch: i64,
    /// Features the cluster has switched on (KIP-584).
    #[field(versions = 3.., tag = 2, ignorable)]
    pub finalized_features: Vec<FinalizedFeatureKey>,
    /// Whether a broker with ZooKeeper can migrate to KRaft (KIP-866).
    #[field(versions = 3.., tag = 3, ignorable)]
    pub zk_migration_ready: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// An API and the versions of it that the broker accepts.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ApiVersion {
    /// Key of the API.
    #[field(key)]
    pub api_key: i16,
    /// Lowest version.
    pub min_version: i16,
    /// Highest version.
    pub max_version: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A feature with the levels a broker supports (KIP-584).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct SupportedFeatureKey {
    /// Name of the feature.
    #[field(versions = 3.., key)]
    pub name: StrBytes,
    /// Lowest version.
    #[field(versions = 3..)]
    pub min_version: i16,
    /// Highest version.
    #[field(versions = 3..)]
    pub max_version: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A feature of the cluster with its level (KIP-584).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FinalizedFeatureKey {
    /// Name of the feature.
    #[field(versions = 3.., key)]
    pub name: StrBytes,
    /// Highest level that is switched on.
    #[field(versions = 3..)]
    pub max_version_level: i16,
    /// Lowest level that is switched on.
    #[field(versions = 3..)]
    pub min_version_level: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
