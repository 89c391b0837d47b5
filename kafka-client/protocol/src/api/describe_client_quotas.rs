//! DescribeClientQuotas (48): the quotas of users, client ids and addresses.
//!
//! Admin method `describeClientQuotas`; any broker answers it. Since Kafka 2.6 (KIP-546), quotas by
//! address since KIP-612. It tells what is set with
//! [`alter_client_quotas`](crate::api::alter_client_quotas), not which of it holds for a given
//! client.
//!
//! Versions: 1 is flexible (KIP-482).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// A filter for quota entities: every component must match.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 48, versions = 0..=1, flexible = 1, response = DescribeClientQuotasResponse)]
pub struct DescribeClientQuotasRequest {
    /// The components, at most one for each type; none match every entity, unless `strict`.
    pub components: Vec<ComponentData>,
    /// Only entities that have no other types than those of the components.
    pub strict: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What one part of an entity is to be.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ComponentData {
    /// Type of the part: `user`, `client-id` or `ip`.
    pub entity_type: StrBytes,
    /// What matches: 0 the name in `match`, 1 the default, 2 any name.
    pub match_type: i8,
    /// The name to match, null for the other match types.
    #[field(nullable = .., default = Some(Default::default()))]
    pub r#match: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The entities that match, with their quotas.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 48, versions = 0..=1, flexible = 1)]
pub struct DescribeClientQuotasResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// The entities, null after an error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub entries: Option<Vec<EntryData>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// An entity and its quotas.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EntryData {
    /// The parts that make up the entity.
    pub entity: Vec<EntityData>,
    /// The quotas.
    pub values: Vec<ValueData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// One part of a quota entity.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EntityData {
    /// Type of the part: `user`, `client-id` or `ip`.
    pub entity_type: StrBytes,
    /// Name of the user, client id or address; null for the default.
    #[field(nullable = .., default = Some(Default::default()))]
    pub entity_name: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A quota.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ValueData {
    /// Name of the quota: `producer_byte_rate`, `consumer_byte_rate`, `request_percentage`,
    /// `controller_mutation_rate` or `connection_creation_rate`.
    pub key: StrBytes,
    /// Its value, in the quota's unit.
    pub value: f64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
