//! AlterConfigs (33): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 33, versions = 0..=2, flexible = 2, response = AlterConfigsResponse)]
pub struct AlterConfigsRequest {
    // ABOUT The updates for each resource.
    /// TODO
    pub resources: Vec<AlterConfigsResource>,
    // ABOUT True if we should validate the request, but not change the configurations.
    /// TODO
    pub validate_only: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AlterConfigsResource
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterConfigsResource {
    // ABOUT The resource type.
    /// TODO
    #[field(key)]
    pub resource_type: i8,
    // ABOUT The resource name.
    /// TODO
    #[field(key)]
    pub resource_name: StrBytes,
    // ABOUT The configurations.
    /// TODO
    pub configs: Vec<AlterableConfig>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AlterableConfig
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterableConfig {
    // ABOUT The configuration key name.
    /// TODO
    #[field(key)]
    pub name: StrBytes,
    // ABOUT The value to set for the configuration key.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub value: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 33, versions = 0..=2, flexible = 2)]
pub struct AlterConfigsResponse {
    // ABOUT Duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The responses for each resource.
    /// TODO
    pub responses: Vec<AlterConfigsResourceResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AlterConfigsResourceResponse
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterConfigsResourceResponse {
    // ABOUT The resource error code.
    /// TODO
    pub error_code: i16,
    // ABOUT The resource error message, or null if there was no error.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    // ABOUT The resource type.
    /// TODO
    pub resource_type: i8,
    // ABOUT The resource name.
    /// TODO
    pub resource_name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
