//! AddRaftVoter (80): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 80, versions = 0..=1, flexible = 0, response = AddRaftVoterResponse)]
pub struct AddRaftVoterRequest {
    // ABOUT The cluster id.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub cluster_id: Option<StrBytes>,
    // ABOUT The maximum time to wait for the request to complete before returning.
    /// TODO
    pub timeout_ms: i32,
    // ABOUT The replica id of the voter getting added to the topic partition.
    /// TODO
    pub voter_id: i32,
    // ABOUT The directory id of the voter getting added to the topic partition.
    /// TODO
    pub voter_directory_id: Uuid,
    // ABOUT The endpoints that can be used to communicate with the voter.
    /// TODO
    pub listeners: Vec<Listener>,
    // ABOUT When true, return a response after the new voter set is committed. Otherwise, return after the leader writes the changes locally.
    /// TODO
    #[field(versions = 1.., default = true)]
    pub ack_when_committed: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO Listener
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Listener {
    // ABOUT The name of the endpoint.
    /// TODO
    #[field(key)]
    pub name: StrBytes,
    // ABOUT The hostname.
    /// TODO
    pub host: StrBytes,
    // ABOUT The port.
    /// TODO
    pub port: u16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 80, versions = 0..=1, flexible = 0)]
pub struct AddRaftVoterResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The error message, or null if there was no error.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()), ignorable)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
