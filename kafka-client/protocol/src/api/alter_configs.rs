//! AlterConfigs (33): replaces all settings of a resource.
//!
//! Of old clients only: a setting that the request leaves out goes back to its default, so two
//! administrators undo each other's work.
//! [`incremental_alter_configs`](crate::api::incremental_alter_configs) came in its place with
//! Kafka 2.3 (KIP-339), and Java's Admin lost `alterConfigs` in 4.0; brokers still serve it. Since
//! Kafka 0.11 (KIP-133). Settings of one broker go to that broker, all others to any, which
//! forwards them to the controller (KIP-590).
//!
//! Versions: since 1, the broker answers before it throttles (KIP-219); 2 is flexible (KIP-482).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Resources with all the settings they are to have from now on.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 33, versions = 0..=2, flexible = 2, response = AlterConfigsResponse)]
pub struct AlterConfigsRequest {
    /// The resources.
    pub resources: Vec<AlterConfigsResource>,
    /// Only check, change nothing.
    pub validate_only: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A resource and its settings.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterConfigsResource {
    /// Type of the resource: 2 topic, 4 broker, 8 loggers of a broker, 16 client metrics, 32 group.
    #[field(key)]
    pub resource_type: i8,
    /// Name of the topic or group, id of the broker; empty for the default of all brokers.
    #[field(key)]
    pub resource_name: StrBytes,
    /// All settings that the resource is to keep.
    pub configs: Vec<AlterableConfig>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterableConfig {
    /// Name of the setting.
    #[field(key)]
    pub name: StrBytes,
    /// Its value.
    #[field(nullable = .., default = Some(Default::default()))]
    pub value: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each resource. INVALID_CONFIG names a setting that is wrong, POLICY_VIOLATION one
/// that the cluster forbids.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 33, versions = 0..=2, flexible = 2)]
pub struct AlterConfigsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The answers, by resource.
    pub responses: Vec<AlterConfigsResourceResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one resource.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterConfigsResourceResponse {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Type of the resource: 2 topic, 4 broker, 8 loggers of a broker, 16 client metrics, 32 group.
    pub resource_type: i8,
    /// Name of the resource.
    pub resource_name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
