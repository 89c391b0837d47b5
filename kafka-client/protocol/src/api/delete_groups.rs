//! DeleteGroups (42): removes groups with their offsets.
//!
//! Sent by the admin operations `deleteConsumerGroups`, `deleteShareGroups` and
//! `deleteStreamsGroups`. It goes to the coordinator of each group. Since KIP-229 (Kafka 1.1).
//!
//! Versions: 1 leaves the quota's pause to the client (KIP-219); 3 says in words what is wrong, and
//! answers GROUP_DELETION_FAILED (KIP-1331, Kafka 4.4).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Names groups that one broker coordinates. They must have no members.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 42, versions = 0..=3, flexible = 2, response = DeleteGroupsResponse)]
pub struct DeleteGroupsRequest {
    /// Ids of the groups.
    pub groups_names: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each group.
///
/// NON_EMPTY_GROUP: it has members; GROUP_ID_NOT_FOUND: there is none.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 42, versions = 0..=3, flexible = 2)]
pub struct DeleteGroupsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The answers, by group.
    pub results: Vec<DeletableGroupResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeletableGroupResult {
    /// Id of the group.
    #[field(key)]
    pub group_id: StrBytes,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error (KIP-1331).
    #[field(versions = 3.., nullable = 3.., ignorable)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
