//! AlterClientQuotas (49): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 49, versions = 0..=1, flexible = 1, response = AlterClientQuotasResponse)]
pub struct AlterClientQuotasRequest {
    // ABOUT The quota configuration entries to alter.
    /// TODO
    pub entries: Vec<EntryData>,
    // ABOUT Whether the alteration should be validated, but not performed.
    /// TODO
    pub validate_only: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO EntryData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EntryData {
    // ABOUT The quota entity to alter.
    /// TODO
    pub entity: Vec<EntityData>,
    // ABOUT An individual quota configuration entry to alter.
    /// TODO
    pub ops: Vec<OpData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO EntityData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EntityData {
    // ABOUT The entity type.
    /// TODO
    pub entity_type: StrBytes,
    // ABOUT The name of the entity, or null if the default.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub entity_name: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO OpData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OpData {
    // ABOUT The quota configuration key.
    /// TODO
    pub key: StrBytes,
    // ABOUT The value to set, otherwise ignored if the value is to be removed.
    /// TODO
    pub value: f64,
    // ABOUT Whether the quota configuration value should be removed, otherwise set.
    /// TODO
    pub remove: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 49, versions = 0..=1, flexible = 1)]
pub struct AlterClientQuotasResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The quota configuration entries to alter.
    /// TODO
    pub entries: Vec<EntryResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO EntryData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EntryResult {
    // ABOUT The error code, or `0` if the quota alteration succeeded.
    /// TODO
    pub error_code: i16,
    // ABOUT The error message, or `null` if the quota alteration succeeded.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    // ABOUT The quota entity to alter.
    /// TODO
    pub entity: Vec<EntityData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
