//! DeleteAcls (31): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 31, versions = 1..=3, flexible = 2, response = DeleteAclsResponse)]
pub struct DeleteAclsRequest {
    // ABOUT The filters to use when deleting ACLs.
    /// TODO
    pub filters: Vec<DeleteAclsFilter>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DeleteAclsFilter
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteAclsFilter {
    // ABOUT The resource type.
    /// TODO
    pub resource_type_filter: i8,
    // ABOUT The resource name, or null to match any resource name.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub resource_name_filter: Option<StrBytes>,
    // ABOUT The pattern type.
    /// TODO
    #[field(default = 3)]
    pub pattern_type_filter: i8,
    // ABOUT The principal filter, or null to accept all principals.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub principal_filter: Option<StrBytes>,
    // ABOUT The host filter, or null to accept all hosts.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub host_filter: Option<StrBytes>,
    // ABOUT The ACL operation.
    /// TODO
    pub operation: i8,
    // ABOUT The permission type.
    /// TODO
    pub permission_type: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 31, versions = 1..=3, flexible = 2)]
pub struct DeleteAclsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The results for each filter.
    /// TODO
    pub filter_results: Vec<DeleteAclsFilterResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DeleteAclsFilterResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteAclsFilterResult {
    // ABOUT The error code, or 0 if the filter succeeded.
    /// TODO
    pub error_code: i16,
    // ABOUT The error message, or null if the filter succeeded.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    // ABOUT The ACLs which matched this filter.
    /// TODO
    pub matching_acls: Vec<DeleteAclsMatchingAcl>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DeleteAclsMatchingAcl
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteAclsMatchingAcl {
    // ABOUT The deletion error code, or 0 if the deletion succeeded.
    /// TODO
    pub error_code: i16,
    // ABOUT The deletion error message, or null if the deletion succeeded.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    // ABOUT The ACL resource type.
    /// TODO
    pub resource_type: i8,
    // ABOUT The ACL resource name.
    /// TODO
    pub resource_name: StrBytes,
    // ABOUT The ACL resource pattern type.
    /// TODO
    #[field(default = 3)]
    pub pattern_type: i8,
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
