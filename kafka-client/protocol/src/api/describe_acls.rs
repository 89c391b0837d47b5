//! DescribeAcls (29): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 29, versions = 1..=3, flexible = 2, response = DescribeAclsResponse)]
pub struct DescribeAclsRequest {
    // ABOUT The resource type.
    /// TODO
    pub resource_type_filter: i8,
    // ABOUT The resource name, or null to match any resource name.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub resource_name_filter: Option<StrBytes>,
    // ABOUT The resource pattern to match.
    /// TODO
    #[field(default = 3)]
    pub pattern_type_filter: i8,
    // ABOUT The principal to match, or null to match any principal.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub principal_filter: Option<StrBytes>,
    // ABOUT The host to match, or null to match any host.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub host_filter: Option<StrBytes>,
    // ABOUT The operation to match.
    /// TODO
    pub operation: i8,
    // ABOUT The permission type to match.
    /// TODO
    pub permission_type: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 29, versions = 1..=3, flexible = 2)]
pub struct DescribeAclsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The error message, or null if there was no error.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    // ABOUT Each Resource that is referenced in an ACL.
    /// TODO
    pub resources: Vec<DescribeAclsResource>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribeAclsResource
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeAclsResource {
    // ABOUT The resource type.
    /// TODO
    pub resource_type: i8,
    // ABOUT The resource name.
    /// TODO
    pub resource_name: StrBytes,
    // ABOUT The resource pattern type.
    /// TODO
    #[field(default = 3)]
    pub pattern_type: i8,
    // ABOUT The ACLs.
    /// TODO
    pub acls: Vec<AclDescription>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AclDescription
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AclDescription {
    // ABOUT The ACL principal.
    /// TODO
    pub principal: StrBytes,
    // ABOUT The ACL host.
    /// TODO
    pub host: StrBytes,
    // ABOUT The ACL operation.
    /// TODO
    pub operation: i8,
    // ABOUT The ACL permission type.
    /// TODO
    pub permission_type: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
