//! DescribeAcls (29): the rules that match a filter.
//!
//! Admin method `describeAcls`; any broker answers it, and with `bootstrap.controllers` the
//! controller (KIP-919). Since Kafka 0.11 (KIP-140).
//!
//! Versions: 0 went with Kafka 4.0 (KIP-896); 1 has patterns of names (KIP-290, Kafka 2.0); 2 is
//! flexible (KIP-482); 3 knows users as resources, for delegation tokens (KIP-373, Kafka 3.3).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// The filter; a rule matches if every field does.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 29, versions = 1..=3, flexible = 2, response = DescribeAclsResponse)]
pub struct DescribeAclsRequest {
    /// Type of the resource: 1 any, 2 topic, 3 group, 4 cluster, 5 transactional id, 6 delegation
    /// token, 7 user (KIP-373).
    pub resource_type_filter: i8,
    /// Name of the resource, null for any.
    #[field(nullable = .., default = Some(Default::default()))]
    pub resource_name_filter: Option<StrBytes>,
    /// Patterns to match (KIP-290): 1 any, 2 whatever holds for a resource of this name, 3 literal,
    /// 4 beginnings of names.
    #[field(default = 3)]
    pub pattern_type_filter: i8,
    /// The principal, such as `User:alice`; null for any.
    #[field(nullable = .., default = Some(Default::default()))]
    pub principal_filter: Option<StrBytes>,
    /// The address in the rule, null for any.
    #[field(nullable = .., default = Some(Default::default()))]
    pub host_filter: Option<StrBytes>,
    /// The operation: 1 any, 2 all, 3 read, 4 write, 5 create, 6 delete, 7 alter, 8 describe, 9
    /// cluster action, 10 describe configs, 11 alter configs, 12 idempotent write, 13 create
    /// tokens, 14 describe tokens (KIP-373), 15 two-phase commit (KIP-939).
    pub operation: i8,
    /// The permission: 1 any, 2 deny, 3 allow.
    pub permission_type: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The rules, by resource. SECURITY_DISABLED says that the cluster has no authorizer.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 29, versions = 1..=3, flexible = 2)]
pub struct DescribeAclsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// The resources that have such rules.
    pub resources: Vec<DescribeAclsResource>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A resource, or a pattern of names, with its rules.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeAclsResource {
    /// Type of the resource: 2 topic, 3 group, 4 cluster, 5 transactional id, 6 delegation token, 7
    /// user (KIP-373).
    pub resource_type: i8,
    /// Name of the resource.
    pub resource_name: StrBytes,
    /// How the name is read: 3 literally, 4 as the beginning of names (KIP-290).
    #[field(default = 3)]
    pub pattern_type: i8,
    /// The rules.
    pub acls: Vec<AclDescription>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A rule for the resource.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AclDescription {
    /// Who, such as `User:alice`.
    pub principal: StrBytes,
    /// Address that the client connects from, `*` for all.
    pub host: StrBytes,
    /// The operation, a code as in the filter.
    pub operation: i8,
    /// 2 denies, 3 allows.
    pub permission_type: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
