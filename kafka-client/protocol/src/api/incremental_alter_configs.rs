//! IncrementalAlterConfigs (44): changes single settings of a resource.
//!
//! Admin method `incrementalAlterConfigs`. Settings of one broker, and its loggers (KIP-412), go to
//! that broker; all others to any broker, which forwards them to the controller (KIP-590), or with
//! `bootstrap.controllers` to the controller (KIP-919). Since Kafka 2.3 (KIP-339), in place of
//! [`alter_configs`](crate::api::alter_configs): settings that the request does not name stay as
//! they are.
//!
//! Versions: 1 is flexible (KIP-482).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Resources with the settings to change. Each resource succeeds or fails as a whole.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 44, versions = 0..=1, flexible = 1, response = IncrementalAlterConfigsResponse)]
pub struct IncrementalAlterConfigsRequest {
    /// The resources.
    pub resources: Vec<AlterConfigsResource>,
    /// Only check, change nothing.
    pub validate_only: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A resource and its changes.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterConfigsResource {
    /// Type of the resource: 2 topic, 4 broker, 8 loggers of a broker (KIP-412), 16 client metrics
    /// (KIP-714), 32 group (KIP-848).
    #[field(key)]
    pub resource_type: i8,
    /// Name of the topic, group or metrics subscription, id of the broker; empty for the default of
    /// all brokers.
    #[field(key)]
    pub resource_name: StrBytes,
    /// The changes.
    pub configs: Vec<AlterableConfig>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A change to one setting.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterableConfig {
    /// Name of the setting.
    #[field(key)]
    pub name: StrBytes,
    /// What to do: 0 set the value, 1 delete it so that the default holds, 2 append to a list, 3
    /// subtract from a list.
    #[field(key)]
    pub config_operation: i8,
    /// The value, or the entries of the list with commas between them; null to delete.
    #[field(nullable = .., default = Some(Default::default()))]
    pub value: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each resource. INVALID_CONFIG names a setting that is wrong, POLICY_VIOLATION one
/// that the cluster forbids, INVALID_REQUEST a setting named twice.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 44, versions = 0..=1, flexible = 1)]
pub struct IncrementalAlterConfigsResponse {
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
    /// Type of the resource, as asked.
    pub resource_type: i8,
    /// Name of the resource, as asked.
    pub resource_name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
