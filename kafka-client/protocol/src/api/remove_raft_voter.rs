//! RemoveRaftVoter (81): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 81, versions = 0..=0, flexible = 0, response = RemoveRaftVoterResponse)]
pub struct RemoveRaftVoterRequest {
    // ABOUT The cluster id of the request.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub cluster_id: Option<StrBytes>,
    // ABOUT The replica id of the voter getting removed from the topic partition.
    /// TODO
    pub voter_id: i32,
    // ABOUT The directory id of the voter getting removed from the topic partition.
    /// TODO
    pub voter_directory_id: Uuid,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 81, versions = 0..=0, flexible = 0)]
pub struct RemoveRaftVoterResponse {
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
