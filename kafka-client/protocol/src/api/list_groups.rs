//! ListGroups (16): the groups that a broker coordinates, for administration.
//!
//! Admin method `listGroups` (and `listConsumerGroups`, deprecated). Goes to every broker, as each
//! knows only the groups that it coordinates. Since Kafka 0.9.
//!
//! Versions: 1 adds the throttle time; since 2, the broker answers before it throttles (KIP-219); 3
//! is flexible (KIP-482); 4 tells and filters states (KIP-518, Kafka 2.6); 5 tells and filters
//! types (KIP-848), among them share groups (KIP-932) and streams groups (KIP-1071).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Which groups to list.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 16, versions = 0..=5, flexible = 3, response = ListGroupsResponse)]
pub struct ListGroupsRequest {
    /// States to list; all if empty (KIP-518).
    #[field(versions = 4..)]
    pub states_filter: Vec<StrBytes>,
    /// Types to list; all if empty (KIP-848).
    #[field(versions = 5..)]
    pub types_filter: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The groups of this broker. COORDINATOR_LOAD_IN_PROGRESS and COORDINATOR_NOT_AVAILABLE are to be
/// retried: until then the list is not complete.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 16, versions = 0..=5, flexible = 3)]
pub struct ListGroupsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// The groups.
    pub groups: Vec<ListedGroup>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListedGroup {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Type of the group's protocol, `consumer` for consumer groups.
    pub protocol_type: StrBytes,
    /// State of the group (KIP-518).
    #[field(versions = 4.., ignorable)]
    pub group_state: StrBytes,
    /// `classic`, `consumer`, `share` or `streams` (KIP-848).
    #[field(versions = 5.., ignorable)]
    pub group_type: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
