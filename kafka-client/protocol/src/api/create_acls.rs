//! CreateAcls (30): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 30, versions = 1..=3, flexible = 2, response = CreateAclsResponse)]
pub struct CreateAclsRequest {
    // ABOUT The ACLs that we want to create.
    /// TODO
    pub creations: Vec<AclCreation>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AclCreation
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AclCreation {
    // ABOUT The type of the resource.
    /// TODO
    pub resource_type: i8,
    // ABOUT The resource name for the ACL.
    /// TODO
    pub resource_name: StrBytes,
    // ABOUT The pattern type for the ACL.
    /// TODO
    #[field(default = 3)]
    pub resource_pattern_type: i8,
    // ABOUT The principal for the ACL.
    /// TODO
    pub principal: StrBytes,
    // ABOUT The host for the ACL.
    /// TODO
    pub host: StrBytes,
    // ABOUT The operation type for the ACL (read, write, etc.).
    /// TODO
    pub operation: i8,
    // ABOUT The permission type for the ACL (allow, deny, etc.).
    /// TODO
    pub permission_type: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 30, versions = 1..=3, flexible = 2)]
pub struct CreateAclsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The results for each ACL creation.
    /// TODO
    pub results: Vec<AclCreationResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AclCreationResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AclCreationResult {
    // ABOUT The result error, or zero if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The result message, or null if there was no error.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
