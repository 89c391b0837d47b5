//! DescribeConfigs (32): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 32, versions = 1..=4, flexible = 4, response = DescribeConfigsResponse)]
pub struct DescribeConfigsRequest {
    // ABOUT The resources whose configurations we want to describe.
    /// TODO
    pub resources: Vec<DescribeConfigsResource>,
    // ABOUT True if we should include all synonyms.
    /// TODO
    pub include_synonyms: bool,
    // ABOUT True if we should include configuration documentation.
    /// TODO
    #[field(versions = 3..)]
    pub include_documentation: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeConfigsResource
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeConfigsResource {
    // ABOUT The resource type.
    /// TODO
    pub resource_type: i8,
    // ABOUT The resource name.
    /// TODO
    pub resource_name: StrBytes,
    // ABOUT The configuration keys to list, or null to list all configuration keys.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub configuration_keys: Option<Vec<StrBytes>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 32, versions = 1..=4, flexible = 4)]
pub struct DescribeConfigsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The results for each resource.
    /// TODO
    pub results: Vec<DescribeConfigsResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeConfigsResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeConfigsResult {
    // ABOUT The error code, or 0 if we were able to successfully describe the configurations.
    /// TODO
    pub error_code: i16,
    // ABOUT The error message, or null if we were able to successfully describe the configurations.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    // ABOUT The resource type.
    /// TODO
    pub resource_type: i8,
    // ABOUT The resource name.
    /// TODO
    pub resource_name: StrBytes,
    // ABOUT Each listed configuration.
    /// TODO
    pub configs: Vec<DescribeConfigsResourceResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeConfigsResourceResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeConfigsResourceResult {
    // ABOUT The configuration name.
    /// TODO
    pub name: StrBytes,
    // ABOUT The configuration value.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub value: Option<StrBytes>,
    // ABOUT True if the configuration is read-only.
    /// TODO
    pub read_only: bool,
    // ABOUT The configuration source.
    /// TODO
    #[field(default = -1, ignorable)]
    pub config_source: i8,
    // ABOUT True if this configuration is sensitive.
    /// TODO
    pub is_sensitive: bool,
    // ABOUT The synonyms for this configuration key.
    /// TODO
    #[field(ignorable)]
    pub synonyms: Vec<DescribeConfigsSynonym>,
    // ABOUT The configuration data type. Type can be one of the following values - BOOLEAN, STRING, INT, SHORT, LONG, DOUBLE, LIST, CLASS, PASSWORD.
    /// TODO
    #[field(versions = 3.., ignorable)]
    pub config_type: i8,
    // ABOUT The configuration documentation.
    /// TODO
    #[field(versions = 3.., nullable = .., default = Some(Default::default()), ignorable)]
    pub documentation: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeConfigsSynonym
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeConfigsSynonym {
    // ABOUT The synonym name.
    /// TODO
    pub name: StrBytes,
    // ABOUT The synonym value.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub value: Option<StrBytes>,
    // ABOUT The synonym source.
    /// TODO
    pub source: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
