//! FindCoordinator (10): the broker that coordinates a group or a transactional id.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// The keys whose coordinators are wanted.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 10, versions = 0..=6, flexible = 3, response = FindCoordinatorResponse)]
pub struct FindCoordinatorRequest {
    /// The group id or transactional id.
    #[field(versions = ..=3)]
    pub key: StrBytes,
    /// 0 group, 1 transaction, 2 share partition.
    #[field(versions = 1..)]
    pub key_type: i8,
    /// Group ids or transactional ids (KIP-699).
    #[field(versions = 4..)]
    pub coordinator_keys: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The coordinators.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 10, versions = 0..=6, flexible = 3)]
pub struct FindCoordinatorResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    #[field(versions = ..=3)]
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(versions = 1..=3, nullable = 1..=3, default = Some(Default::default()), ignorable)]
    pub error_message: Option<StrBytes>,
    /// Id of the broker.
    #[field(versions = ..=3)]
    pub node_id: i32,
    /// Host name to connect to.
    #[field(versions = ..=3)]
    pub host: StrBytes,
    /// Port to connect to.
    #[field(versions = ..=3)]
    pub port: i32,
    /// One answer for each key (KIP-699).
    #[field(versions = 4..)]
    pub coordinators: Vec<Coordinator>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The coordinator of one key.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Coordinator {
    /// The group id or transactional id.
    #[field(versions = 4..)]
    pub key: StrBytes,
    /// Id of the broker.
    #[field(versions = 4..)]
    pub node_id: i32,
    /// Host name to connect to.
    #[field(versions = 4..)]
    pub host: StrBytes,
    /// Port to connect to.
    #[field(versions = 4..)]
    pub port: i32,
    /// An error code, 0 for none.
    #[field(versions = 4..)]
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(versions = 4.., nullable = 4.., default = Some(Default::default()), ignorable)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
