//! CreateAcls (30): grants and denies rights.
//!
//! Admin method `createAcls`; any broker takes it and forwards it to the controller (KIP-590),
//! which with `bootstrap.controllers` is asked directly (KIP-919). Since Kafka 0.11 (KIP-140);
//! needs an `authorizer` on the brokers. To create a rule that is there already changes nothing.
//!
//! Versions: 0 went with Kafka 4.0 (KIP-896); 1 has patterns of names (KIP-290, Kafka 2.0); 2 is
//! flexible (KIP-482); 3 knows users as resources, for delegation tokens (KIP-373, Kafka 3.3).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Rules to create. Each succeeds or fails on its own.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 30, versions = 1..=3, flexible = 2, response = CreateAclsResponse)]
pub struct CreateAclsRequest {
    /// The rules.
    pub creations: Vec<AclCreation>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A rule: who may, or may not, do what with which resource from where.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AclCreation {
    /// Type of the resource: 2 topic, 3 group, 4 cluster, 5 transactional id, 6 delegation token, 7
    /// user (KIP-373).
    pub resource_type: i8,
    /// Name of the resource, `kafka-cluster` for the cluster; or how the name begins, or `*` for
    /// all.
    pub resource_name: StrBytes,
    /// How the name is read: 3 literally, 4 as the beginning of names (KIP-290).
    #[field(default = 3)]
    pub resource_pattern_type: i8,
    /// Who, such as `User:alice`; `User:*` for everyone.
    pub principal: StrBytes,
    /// Address that the client connects from, `*` for all.
    pub host: StrBytes,
    /// What: 2 all, 3 read, 4 write, 5 create, 6 delete, 7 alter, 8 describe, 9 cluster action, 10
    /// describe configs, 11 alter configs, 12 idempotent write, 13 create tokens, 14 describe
    /// tokens (KIP-373), 15 two-phase commit (KIP-939).
    pub operation: i8,
    /// 2 denies, 3 allows. A rule that denies wins.
    pub permission_type: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each rule. SECURITY_DISABLED says that the cluster has no authorizer,
/// INVALID_REQUEST that a rule is not possible.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 30, versions = 1..=3, flexible = 2)]
pub struct CreateAclsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The answers, in the order of the request.
    pub results: Vec<AclCreationResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AclCreationResult {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
