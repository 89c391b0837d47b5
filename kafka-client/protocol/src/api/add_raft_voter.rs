//! AddRaftVoter (80): a controller becomes a voter of the metadata quorum.
//!
//! Admin method `addRaftVoter`. Any broker takes it and forwards it to the active controller; with
//! `bootstrap.controllers` it goes there directly (KIP-919). Kafka has it since 3.9 (KIP-853), in
//! clusters whose `kraft.version` is at least 1. Controllers that join by themselves send it too
//! (KIP-1186). Changes of the voters go one at a time,
//! [`remove_raft_voter`](crate::api::remove_raft_voter) takes one out,
//! [`describe_quorum`](crate::api::describe_quorum) shows them.
//!
//! Versions: 1 lets the sender choose when the answer comes (KIP-1186).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// The voter to add. Sent once the new controller runs and follows the metadata log.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 80, versions = 0..=1, flexible = 0, response = AddRaftVoterResponse)]
pub struct AddRaftVoterRequest {
    /// Cluster that is meant, null to leave it unchecked.
    #[field(nullable = .., default = Some(Default::default()))]
    pub cluster_id: Option<StrBytes>,
    /// Milliseconds that the controller may take.
    pub timeout_ms: i32,
    /// Node id of the new voter.
    pub voter_id: i32,
    /// Id of the directory with the voter's metadata log: a disk that was replaced is another
    /// voter.
    pub voter_directory_id: Uuid,
    /// Where the quorum reaches the voter.
    pub listeners: Vec<Listener>,
    /// Answer when the new set of voters is committed; if false, as soon as the leader has written
    /// it (KIP-1186).
    #[field(versions = 1.., default = true)]
    pub ack_when_committed: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// An address of a controller.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Listener {
    /// Name of the listener.
    #[field(key)]
    pub name: StrBytes,
    /// Host name to connect to.
    pub host: StrBytes,
    /// Port to connect to.
    pub port: u16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Whether the voter was added. DUPLICATE_VOTER says that it is one already,
/// INCONSISTENT_CLUSTER_ID that the cluster is another, UNSUPPORTED_VERSION that the quorum is
/// static (`kraft.version` 0), and REQUEST_TIMED_OUT that another change is under way or that the
/// new voter lags.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 80, versions = 0..=1, flexible = 0)]
pub struct AddRaftVoterResponse {
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
