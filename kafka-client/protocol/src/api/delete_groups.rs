//! DeleteGroups (42): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 42, versions = 0..=3, flexible = 2, response = DeleteGroupsResponse)]
pub struct DeleteGroupsRequest {
    // ABOUT The group names to delete.
    /// TODO
    pub groups_names: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 42, versions = 0..=3, flexible = 2)]
pub struct DeleteGroupsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The deletion results.
    /// TODO
    pub results: Vec<DeletableGroupResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DeletableGroupResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeletableGroupResult {
    // ABOUT The group id.
    /// TODO
    #[field(key)]
    pub group_id: StrBytes,
    // ABOUT The deletion error, or 0 if the deletion succeeded.
    /// TODO
    pub error_code: i16,
    // ABOUT
    /// TODO
    #[field(versions = 3.., nullable = 3.., ignorable)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
