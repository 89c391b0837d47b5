//! DeleteShareGroupOffsets (92): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 92, versions = 0..=0, flexible = 0, response = DeleteShareGroupOffsetsResponse)]
pub struct DeleteShareGroupOffsetsRequest {
    // ABOUT The group identifier.
    /// TODO
    pub group_id: StrBytes,
    // ABOUT The topics to delete offsets for.
    /// TODO
    pub topics: Vec<DeleteShareGroupOffsetsRequestTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DeleteShareGroupOffsetsRequestTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteShareGroupOffsetsRequestTopic {
    // ABOUT The topic name.
    /// TODO
    pub topic_name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 92, versions = 0..=0, flexible = 0)]
pub struct DeleteShareGroupOffsetsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The top-level error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The top-level error message, or null if there was no error.
    /// TODO
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    // ABOUT The results for each topic.
    /// TODO
    pub responses: Vec<DeleteShareGroupOffsetsResponseTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DeleteShareGroupOffsetsResponseTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteShareGroupOffsetsResponseTopic {
    // ABOUT The topic name.
    /// TODO
    pub topic_name: StrBytes,
    // ABOUT The unique topic ID.
    /// TODO
    pub topic_id: Uuid,
    // ABOUT The topic-level error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The topic-level error message, or null if there was no error.
    /// TODO
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
