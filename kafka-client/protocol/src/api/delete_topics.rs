//! DeleteTopics (20): deletes topics.
//!
//! Admin method `deleteTopics`; any broker takes it and forwards it to the controller (KIP-590).
//! Since Kafka 0.10.1 (KIP-4). Deleted by id, a topic of the same name that came later is safe
//! (KIP-516).
//!
//! Versions: 0 went with Kafka 4.0 (KIP-896); since 2, the broker answers before it throttles
//! (KIP-219); 3 may answer TOPIC_DELETION_DISABLED; 4 is flexible (KIP-482); 5 adds error messages
//! and may answer THROTTLING_QUOTA_EXCEEDED (KIP-599, Kafka 2.7); 6 deletes by id as well (KIP-516,
//! Kafka 2.8).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Topics to delete. Each succeeds or fails on its own.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 20, versions = 1..=6, flexible = 4, response = DeleteTopicsResponse)]
pub struct DeleteTopicsRequest {
    /// The topics, by name or by id (KIP-516).
    #[field(versions = 6..)]
    pub topics: Vec<DeleteTopicState>,
    /// Names of the topics.
    #[field(versions = ..=5, ignorable)]
    pub topic_names: Vec<StrBytes>,
    /// Milliseconds the broker may take.
    pub timeout_ms: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic to delete, by name or by id (KIP-516).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteTopicState {
    /// Name of the topic.
    #[field(versions = 6.., nullable = 6..)]
    pub name: Option<StrBytes>,
    /// Id of the topic (KIP-516).
    #[field(versions = 6..)]
    pub topic_id: Uuid,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each topic. TOPIC_DELETION_DISABLED says that the cluster has
/// `delete.topic.enable=false`, UNKNOWN_TOPIC_ID that no topic has this id; after
/// THROTTLING_QUOTA_EXCEEDED the client asks again when the throttle time is over (KIP-599).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 20, versions = 1..=6, flexible = 4)]
pub struct DeleteTopicsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(ignorable)]
    pub throttle_time_ms: i32,
    /// The answers, by topic.
    pub responses: Vec<DeletableTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeletableTopicResult {
    /// Name of the topic.
    #[field(nullable = 6.., default = Some(Default::default()), key)]
    pub name: Option<StrBytes>,
    /// Id of the topic (KIP-516).
    #[field(versions = 6.., ignorable)]
    pub topic_id: Uuid,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error (KIP-599).
    #[field(versions = 5.., nullable = 5.., ignorable)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
