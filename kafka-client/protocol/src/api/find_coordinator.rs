//! FindCoordinator (10): the broker that coordinates a group or a transactional id.
//!
//! Sent by consumers and members of groups of all types, by the transactional producer, and by
//! admin operations on groups and transactions, before their first request to the coordinator and
//! whenever that has moved. It goes to any broker. Since Kafka 0.8.2.
//!
//! Versions: 1 finds transaction coordinators (KIP-98); 2 leaves the quota's pause to the client
//! (KIP-219); 4 takes several keys (KIP-699); 5 answers TRANSACTION_ABORTABLE (KIP-890); 6 finds
//! share coordinators (KIP-932), of concern to brokers only.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// The keys whose coordinators are wanted.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 10, versions = 0..=6, flexible = 3, response = FindCoordinatorResponse)]
pub struct FindCoordinatorRequest {
    /// The group id or transactional id.
    #[field(versions = ..=3)]
    pub key: StrBytes,
    /// 0 group, share groups too, 1 transaction (KIP-98), 2 share partition, for brokers (KIP-932).
    #[field(versions = 1..)]
    pub key_type: i8,
    /// Group ids or transactional ids (KIP-699).
    #[field(versions = 4..)]
    pub coordinator_keys: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The coordinators.
///
/// COORDINATOR_NOT_AVAILABLE: not at the moment, try again; TRANSACTIONAL_ID_AUTHORIZATION_FAILED
/// and GROUP_AUTHORIZATION_FAILED: the caller may not know.
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
