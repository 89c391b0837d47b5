//! Metadata (3): brokers, topics, partitions and their leaders.
//!
//! Sent by every client: at the start, at an interval, and when an error tells that a leader has
//! moved. Also by the admin operations `listTopics`, and `describeTopics` and `describeCluster`
//! where the broker lacks the newer APIs. It goes to any broker. Since Kafka 0.8.
//!
//! Versions: 1 tells racks (KIP-36), the controller and internal topics (KIP-4); 2 the cluster's id
//! (KIP-78); 3 the quota's pause (KIP-124); 4 can forbid the creation of topics; 5 tells offline
//! replicas (KIP-112); 6 leaves the quota's pause to the client (KIP-219); 7 tells leader epochs
//! (KIP-320); 8 authorized operations (KIP-430); 10 topic ids (KIP-516); 11 leaves the cluster's
//! operations to DescribeCluster (KIP-700); 12 finds topics by id (KIP-516); 13 has an error for
//! the whole answer (KIP-1102).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Topics to describe; the brokers are always told.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 3, versions = 0..=13, flexible = 9, response = MetadataResponse)]
pub struct MetadataRequest {
    /// The topics; null for all, empty for none. Version 0 has no null: empty is all.
    #[field(nullable = 1.., default = Some(Default::default()))]
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// Whether a topic that does not exist may be created, if the broker does that.
    #[field(versions = 4.., default = true)]
    pub allow_auto_topic_creation: bool,
    /// Whether to tell what the caller may do with the cluster (KIP-430).
    #[field(versions = 8..=10)]
    pub include_cluster_authorized_operations: bool,
    /// Whether to tell what the caller may do with each topic (KIP-430).
    #[field(versions = 8..)]
    pub include_topic_authorized_operations: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic to describe, by name or by id.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct MetadataRequestTopic {
    /// Id of the topic (KIP-516).
    #[field(versions = 10.., ignorable)]
    pub topic_id: Uuid,
    /// Name of the topic, null when it is asked for by id.
    #[field(nullable = 10.., default = Some(Default::default()))]
    pub name: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The cluster as one broker knows it, which may be older than what the client knows: leader epochs
/// tell.
///
/// REBOOTSTRAP_REQUIRED: forget all brokers and bootstrap again (KIP-1102).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 3, versions = 0..=13, flexible = 9, view)]
pub struct MetadataResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(versions = 3.., ignorable)]
    pub throttle_time_ms: i32,
    /// The brokers.
    pub brokers: Vec<MetadataResponseBroker>,
    /// Id of the cluster (KIP-78).
    #[field(versions = 2.., nullable = 2.., ignorable)]
    pub cluster_id: Option<StrBytes>,
    /// Id of the active controller, or of any broker to send its requests to; -1 if unknown
    /// (KIP-4).
    #[field(versions = 1.., default = -1, ignorable)]
    pub controller_id: i32,
    /// The topics.
    pub topics: Vec<MetadataResponseTopic>,
    /// Bits of the operations that the caller may do with the cluster, `i32::MIN` if not asked for
    /// (KIP-430).
    #[field(versions = 8..=10, default = i32::MIN)]
    pub cluster_authorized_operations: i32,
    /// An error code for the whole answer, 0 for none (KIP-1102).
    #[field(versions = 13.., ignorable)]
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A broker.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct MetadataResponseBroker {
    /// Id of the broker.
    #[field(key)]
    pub node_id: i32,
    /// Host name to connect to.
    pub host: StrBytes,
    /// Port to connect to.
    pub port: i32,
    /// Rack of the broker, null if it has none (KIP-36).
    #[field(versions = 1.., nullable = 1.., ignorable)]
    pub rack: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic.
///
/// UNKNOWN_TOPIC_OR_PARTITION and UNKNOWN_TOPIC_ID: there is none, or not yet;
/// LEADER_NOT_AVAILABLE: an older broker is creating it.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct MetadataResponseTopic {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Name of the topic, null when it was asked for by an unknown id.
    #[field(nullable = 12.., default = Some(Default::default()), key)]
    pub name: Option<StrBytes>,
    /// Id of the topic (KIP-516).
    #[field(versions = 10.., ignorable)]
    pub topic_id: Uuid,
    /// Whether it is one of the cluster's own topics (KIP-4).
    #[field(versions = 1.., ignorable)]
    pub is_internal: bool,
    /// The partitions.
    pub partitions: Vec<MetadataResponsePartition>,
    /// Bits of the operations that the caller may do with the topic, `i32::MIN` if not asked for
    /// (KIP-430).
    #[field(versions = 8.., default = i32::MIN)]
    pub topic_authorized_operations: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A partition.
///
/// LEADER_NOT_AVAILABLE: it has no leader at the moment.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct MetadataResponsePartition {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Number of the partition.
    pub partition_index: i32,
    /// Broker id of the leader, -1 for none.
    pub leader_id: i32,
    /// Epoch of the leader, -1 if unknown (KIP-320).
    #[field(versions = 7.., default = -1, ignorable)]
    pub leader_epoch: i32,
    /// Brokers with replicas.
    pub replica_nodes: Vec<i32>,
    /// Brokers with replicas in sync.
    pub isr_nodes: Vec<i32>,
    /// Brokers whose replicas are offline (KIP-112).
    #[field(versions = 5.., ignorable)]
    pub offline_replicas: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
