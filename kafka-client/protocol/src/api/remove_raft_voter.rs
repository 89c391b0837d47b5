//! RemoveRaftVoter (81): a controller stops being a voter of the metadata quorum.
//!
//! Admin method `removeRaftVoter`. Any broker takes it and forwards it to the active controller;
//! with `bootstrap.controllers` it goes there directly (KIP-919). Kafka has it since 3.9 (KIP-853),
//! in clusters whose `kraft.version` is at least 1. The controller goes on as an observer until it
//! is stopped; its registration stays until
//! [`unregister_controller`](crate::api::unregister_controller). There is one version.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// The voter to remove.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 81, versions = 0..=0, flexible = 0, response = RemoveRaftVoterResponse)]
pub struct RemoveRaftVoterRequest {
    /// Cluster that is meant, null to leave it unchecked.
    #[field(nullable = .., default = Some(Default::default()))]
    pub cluster_id: Option<StrBytes>,
    /// Node id of the voter.
    pub voter_id: i32,
    /// Id of the directory with the voter's metadata log.
    pub voter_directory_id: Uuid,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Whether the voter was removed. VOTER_NOT_FOUND says that there is none of this id and directory,
/// INCONSISTENT_CLUSTER_ID that the cluster is another, UNSUPPORTED_VERSION that the quorum is
/// static (`kraft.version` 0), and REQUEST_TIMED_OUT that another change is under way.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 81, versions = 0..=0, flexible = 0)]
pub struct RemoveRaftVoterResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()), ignorable)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
