//! DeleteTopics (20): deletes topics.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Topics to delete.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 20, versions = 1..=6, flexible = 4, response = DeleteTopicsResponse)]
pub struct DeleteTopicsRequest {
    /// The topics.
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

/// A topic to delete, by name or by id.
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

/// What became of each topic.
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
    /// What is wrong in words, null for no error.
    #[field(versions = 5.., nullable = 5.., ignorable)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
