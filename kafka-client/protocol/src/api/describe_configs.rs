//! DescribeConfigs (32): the settings of topics, brokers, groups and client metrics.
//!
//! Admin method `describeConfigs`. Settings of one broker, and its loggers (KIP-412), are asked of
//! that broker; all others of any broker, or of the controller with `bootstrap.controllers`
//! (KIP-919). Since Kafka 0.11 (KIP-133).
//!
//! Versions: 0 went with Kafka 4.0 (KIP-896); 1 tells where a value comes from and what it
//! overrides (KIP-226, Kafka 1.1); since 2, the broker answers before it throttles (KIP-219); 3
//! adds types and documentation (KIP-569, Kafka 2.6); 4 is flexible (KIP-482).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Resources to describe. Each succeeds or fails on its own.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 32, versions = 1..=4, flexible = 4, response = DescribeConfigsResponse)]
pub struct DescribeConfigsRequest {
    /// The resources.
    pub resources: Vec<DescribeConfigsResource>,
    /// Whether to list the values that a setting overrides (KIP-226).
    pub include_synonyms: bool,
    /// Whether to add the documentation of each setting (KIP-569).
    #[field(versions = 3..)]
    pub include_documentation: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A resource to describe.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeConfigsResource {
    /// Type of the resource: 2 topic, 4 broker, 8 loggers of a broker (KIP-412), 16 client metrics
    /// (KIP-714), 32 group (KIP-848).
    pub resource_type: i8,
    /// Name of the topic, group or metrics subscription, id of the broker; empty for the default of
    /// all brokers.
    pub resource_name: StrBytes,
    /// Names of the settings to tell, null for all.
    #[field(nullable = .., default = Some(Default::default()))]
    pub configuration_keys: Option<Vec<StrBytes>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The settings, by resource. UNKNOWN_TOPIC_OR_PARTITION says that there is no such topic.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 32, versions = 1..=4, flexible = 4)]
pub struct DescribeConfigsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The resources.
    pub results: Vec<DescribeConfigsResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A resource with its settings.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeConfigsResult {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Type of the resource, as asked.
    pub resource_type: i8,
    /// Name of the resource, as asked.
    pub resource_name: StrBytes,
    /// The settings.
    pub configs: Vec<DescribeConfigsResourceResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeConfigsResourceResult {
    /// Name of the setting.
    pub name: StrBytes,
    /// Its value, null if it has none or it is sensitive.
    #[field(nullable = .., default = Some(Default::default()))]
    pub value: Option<StrBytes>,
    /// Whether it cannot be changed while the broker runs.
    pub read_only: bool,
    /// Where the value comes from (KIP-226): 0 unknown, 1 the topic, 2 the broker's dynamic
    /// settings, 3 those of all brokers, 4 the broker's file, 5 the default, 6 the broker's loggers
    /// (KIP-412), 7 client metrics (KIP-714), 8 the group (KIP-848).
    #[field(default = -1, ignorable)]
    pub config_source: i8,
    /// Whether the value is withheld, as with passwords.
    pub is_sensitive: bool,
    /// The values that count for this setting, the one in force first (KIP-226); empty unless asked
    /// for.
    #[field(ignorable)]
    pub synonyms: Vec<DescribeConfigsSynonym>,
    /// Type of the value (KIP-569): 0 unknown, 1 boolean, 2 string, 3 int, 4 short, 5 long, 6
    /// double, 7 list, 8 class, 9 password.
    #[field(versions = 3.., ignorable)]
    pub config_type: i8,
    /// What the setting is for, null unless asked for (KIP-569).
    #[field(versions = 3.., nullable = .., default = Some(Default::default()), ignorable)]
    pub documentation: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A value that counts for a setting (KIP-226).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeConfigsSynonym {
    /// Name under which it is set, such as `log.retention.ms` for a topic's `retention.ms`.
    pub name: StrBytes,
    /// Its value, null if it has none or it is sensitive.
    #[field(nullable = .., default = Some(Default::default()))]
    pub value: Option<StrBytes>,
    /// Where it comes from, a code as in `config_source`.
    pub source: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
