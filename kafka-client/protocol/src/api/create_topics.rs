//! CreateTopics (19): creates topics.
//!
//! Admin method `createTopics`; any broker takes it and forwards it to the controller (KIP-590).
//! Since Kafka 0.10.1 (KIP-4). The topics exist when the answer comes, but brokers may need a
//! moment to know of them: a client that goes on at once meets UNKNOWN_TOPIC_OR_PARTITION and
//! retries.
//!
//! Versions: 0 and 1 went with Kafka 4.0 (KIP-896); since 3, the broker answers before it throttles
//! (KIP-219); 4 has the cluster's defaults for partitions and replicas (KIP-464, Kafka 2.4); 5 is
//! flexible and tells the new topic's settings (KIP-525, Kafka 2.4); 6 may answer
//! THROTTLING_QUOTA_EXCEEDED (KIP-599, Kafka 2.7); 7 tells the topic's id (KIP-516, Kafka 2.8).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Topics to create. Each succeeds or fails on its own.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 19, versions = 2..=7, flexible = 5, response = CreateTopicsResponse)]
pub struct CreateTopicsRequest {
    /// The topics.
    pub topics: Vec<CreatableTopic>,
    /// Milliseconds the broker may take.
    #[field(default = 60000)]
    pub timeout_ms: i32,
    /// Only check, create nothing.
    pub validate_only: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic to create.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatableTopic {
    /// Name of the topic.
    #[field(key)]
    pub name: StrBytes,
    /// Number of partitions, -1 for the cluster's default (KIP-464) or with assignments.
    pub num_partitions: i32,
    /// Number of replicas, -1 for the cluster's default (KIP-464) or with assignments.
    pub replication_factor: i16,
    /// Replicas by hand; empty to let the cluster place them.
    pub assignments: Vec<CreatableReplicaAssignment>,
    /// Settings other than the cluster's defaults.
    pub configs: Vec<CreatableTopicConfig>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The brokers that are to hold a partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatableReplicaAssignment {
    /// Number of the partition.
    #[field(key)]
    pub partition_index: i32,
    /// Brokers that hold replicas, the preferred leader first.
    pub broker_ids: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A setting for a new topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatableTopicConfig {
    /// Name of the setting.
    #[field(key)]
    pub name: StrBytes,
    /// Its value.
    #[field(nullable = .., default = Some(Default::default()))]
    pub value: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each topic. TOPIC_ALREADY_EXISTS may also come of a retry whose first try had
/// worked; after THROTTLING_QUOTA_EXCEEDED the client asks again when the throttle time is over
/// (KIP-599). NOT_CONTROLLER is to be retried.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 19, versions = 2..=7, flexible = 5)]
pub struct CreateTopicsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(ignorable)]
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<CreatableTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatableTopicResult {
    /// Name of the topic.
    #[field(key)]
    pub name: StrBytes,
    /// Id of the topic (KIP-516).
    #[field(versions = 7.., ignorable)]
    pub topic_id: Uuid,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()), ignorable)]
    pub error_message: Option<StrBytes>,
    /// Why the settings are missing, 0 if they are not (KIP-525).
    #[field(versions = 5.., tag = 0, ignorable)]
    pub topic_config_error_code: i16,
    /// Number of partitions (KIP-525).
    #[field(versions = 5.., default = -1, ignorable)]
    pub num_partitions: i32,
    /// Number of replicas of each partition (KIP-525).
    #[field(versions = 5.., default = -1, ignorable)]
    pub replication_factor: i16,
    /// Settings of the topic (KIP-525).
    #[field(versions = 5.., nullable = 5.., default = Some(Default::default()), ignorable)]
    pub configs: Option<Vec<CreatableTopicConfigs>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A setting of the created topic (KIP-525).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatableTopicConfigs {
    /// Name of the setting.
    #[field(versions = 5..)]
    pub name: StrBytes,
    /// Its value, null if sensitive.
    #[field(versions = 5.., nullable = 5.., default = Some(Default::default()))]
    pub value: Option<StrBytes>,
    /// Whether it cannot be changed.
    #[field(versions = 5..)]
    pub read_only: bool,
    /// Where the value comes from.
    #[field(versions = 5.., default = -1, ignorable)]
    pub config_source: i8,
    /// Whether the value is withheld.
    #[field(versions = 5..)]
    pub is_sensitive: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
