//! DescribeClientQuotas (48): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 48, versions = 0..=1, flexible = 1, response = DescribeClientQuotasResponse)]
pub struct DescribeClientQuotasRequest {
    // ABOUT Filter components to apply to quota entities.
    /// TODO
    pub components: Vec<ComponentData>,
    // ABOUT Whether the match is strict, i.e. should exclude entities with unspecified entity types.
    /// TODO
    pub strict: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO ComponentData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ComponentData {
    // ABOUT The entity type that the filter component applies to.
    /// TODO
    pub entity_type: StrBytes,
    // ABOUT How to match the entity {0 = exact name, 1 = default name, 2 = any specified name}.
    /// TODO
    pub match_type: i8,
    // ABOUT The string to match against, or null if unused for the match type.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub r#match: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 48, versions = 0..=1, flexible = 1)]
pub struct DescribeClientQuotasResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The error code, or `0` if the quota description succeeded.
    /// TODO
    pub error_code: i16,
    // ABOUT The error message, or `null` if the quota description succeeded.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    // ABOUT A result entry.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub entries: Option<Vec<EntryData>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO EntryData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EntryData {
    // ABOUT The quota entity description.
    /// TODO
    pub entity: Vec<EntityData>,
    // ABOUT The quota values for the entity.
    /// TODO
    pub values: Vec<ValueData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO EntityData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EntityData {
    // ABOUT The entity type.
    /// TODO
    pub entity_type: StrBytes,
    // ABOUT The entity name, or null if the default.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub entity_name: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO ValueData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ValueData {
    // ABOUT The quota configuration key.
    /// TODO
    pub key: StrBytes,
    // ABOUT The quota configuration value.
    /// TODO
    pub value: f64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
