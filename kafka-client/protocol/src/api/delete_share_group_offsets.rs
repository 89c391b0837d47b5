//! DeleteShareGroupOffsets (92): a share group forgets topics.
//!
//! Sent by the admin operation `deleteShareGroupOffsets`. It goes to the group coordinator. Since
//! KIP-932 (Kafka 4.1). There is one version.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Names topics whose offsets a share group without members is to forget.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 92, versions = 0..=0, flexible = 0, response = DeleteShareGroupOffsetsResponse)]
pub struct DeleteShareGroupOffsetsRequest {
    /// Id of the group.
    pub group_id: StrBytes,
    /// The topics.
    pub topics: Vec<DeleteShareGroupOffsetsRequestTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic, with all of its partitions.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteShareGroupOffsetsRequestTopic {
    /// Name of the topic.
    pub topic_name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each topic.
///
/// NON_EMPTY_GROUP: the group has members; GROUP_ID_NOT_FOUND: there is no such share group.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 92, versions = 0..=0, flexible = 0)]
pub struct DeleteShareGroupOffsetsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code for the whole request, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// The answers, by topic.
    pub responses: Vec<DeleteShareGroupOffsetsResponseTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one topic's offsets.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteShareGroupOffsetsResponseTopic {
    /// Name of the topic.
    pub topic_name: StrBytes,
    /// Id of the topic.
    pub topic_id: Uuid,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
