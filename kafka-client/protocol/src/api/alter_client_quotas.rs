//! AlterClientQuotas (49): sets and removes quotas of users, client ids and addresses.
//!
//! Admin method `alterClientQuotas`; any broker takes it and forwards it to the controller
//! (KIP-590). Since Kafka 2.6 (KIP-546), quotas by address since KIP-612. What is set is read back
//! with [`describe_client_quotas`](crate::api::describe_client_quotas).
//!
//! Versions: 1 is flexible (KIP-482).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Quotas to change, by entity. Each entity succeeds or fails on its own.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 49, versions = 0..=1, flexible = 1, response = AlterClientQuotasResponse)]
pub struct AlterClientQuotasRequest {
    /// The entities with their changes.
    pub entries: Vec<EntryData>,
    /// Only check, change nothing.
    pub validate_only: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// An entity and the changes to its quotas.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EntryData {
    /// The parts that make up the entity, such as a user, or a user and a client id.
    pub entity: Vec<EntityData>,
    /// The changes.
    pub ops: Vec<OpData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// One part of a quota entity.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EntityData {
    /// Type of the part: `user`, `client-id` or `ip`.
    pub entity_type: StrBytes,
    /// Name of the user, client id or address; null for the default that holds where there is no
    /// quota of its own.
    #[field(nullable = .., default = Some(Default::default()))]
    pub entity_name: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A change to one quota.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OpData {
    /// Name of the quota: `producer_byte_rate`, `consumer_byte_rate`, `request_percentage`,
    /// `controller_mutation_rate`, or `connection_creation_rate` for addresses.
    pub key: StrBytes,
    /// The new value, in the quota's unit (bytes per second, per cent of a thread, mutations or
    /// connections per second). Unused if `remove` is set.
    pub value: f64,
    /// Take the quota away instead of setting it.
    pub remove: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each entity. INVALID_REQUEST says that the entity or a quota is not possible.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 49, versions = 0..=1, flexible = 1)]
pub struct AlterClientQuotasResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The entities.
    pub entries: Vec<EntryResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one entity.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EntryResult {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// The parts that make up the entity.
    pub entity: Vec<EntityData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
