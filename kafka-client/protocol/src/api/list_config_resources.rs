//! ListConfigResources (74): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 74, versions = 0..=1, flexible = 0, response = ListConfigResourcesResponse)]
pub struct ListConfigResourcesRequest {
    // ABOUT The list of resource type. If the list is empty, it uses default supported config resource types.
    /// TODO
    #[field(versions = 1..)]
    pub resource_types: Vec<i8>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 74, versions = 0..=1, flexible = 0)]
pub struct ListConfigResourcesResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT Each config resource in the response.
    /// TODO
    pub config_resources: Vec<ConfigResource>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO ConfigResource
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ConfigResource {
    // ABOUT The resource name.
    /// TODO
    pub resource_name: StrBytes,
    // ABOUT The resource type.
    /// TODO
    #[field(versions = 1.., default = 16, ignorable)]
    pub resource_type: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
