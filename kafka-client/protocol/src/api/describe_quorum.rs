//! DescribeQuorum (55): the controllers' Raft quorum: its leader, voters and observers.
//!
//! Admin method `describeMetadataQuorum`; any broker takes it and forwards it to the active
//! controller, which with `bootstrap.controllers` is asked directly (KIP-919). The API came with
//! KRaft (KIP-595), the Admin method with Kafka 3.3 (KIP-836).
//!
//! Versions: 1 adds when each replica last fetched and was level (KIP-836); 2 adds error messages,
//! directory ids and the nodes' addresses (KIP-853, Kafka 3.9).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// The log to describe, always partition 0 of `__cluster_metadata`.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 55, versions = 0..=2, flexible = 0, response = DescribeQuorumResponse)]
pub struct DescribeQuorumRequest {
    /// The topics.
    pub topics: Vec<TopicData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicData {
    /// Name of the topic.
    pub topic_name: StrBytes,
    /// The partitions.
    pub partitions: Vec<PartitionData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A partition to describe.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionData {
    /// Number of the partition.
    pub partition_index: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The quorum as its leader sees it.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 55, versions = 0..=2, flexible = 0)]
pub struct DescribeQuorumResponse {
    /// An error code for the answer as a whole, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error (KIP-853).
    #[field(versions = 2.., nullable = 2.., default = Some(Default::default()), ignorable)]
    pub error_message: Option<StrBytes>,
    /// The topics.
    pub topics: Vec<TopicQuorum>,
    /// Addresses of the nodes named in this answer (KIP-853).
    #[field(versions = 2..)]
    pub nodes: Vec<Node>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicQuorum {
    /// Name of the topic.
    pub topic_name: StrBytes,
    /// The partitions.
    pub partitions: Vec<PartitionQuorum>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The quorum of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionQuorum {
    /// Number of the partition.
    pub partition_index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error (KIP-853).
    #[field(versions = 2.., nullable = 2.., default = Some(Default::default()), ignorable)]
    pub error_message: Option<StrBytes>,
    /// Node id of the leader, which is the active controller; -1 if unknown.
    pub leader_id: i32,
    /// Epoch of the leader.
    pub leader_epoch: i32,
    /// Offset up to which the log is committed.
    pub high_watermark: i64,
    /// Controllers that vote.
    pub current_voters: Vec<ReplicaState>,
    /// Nodes that follow the log without a vote, such as brokers.
    pub observers: Vec<ReplicaState>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// How far a replica of the log is.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReplicaState {
    /// Node id of the replica.
    pub replica_id: i32,
    /// Id of the directory with its log, zero if unknown (KIP-853).
    #[field(versions = 2..)]
    pub replica_directory_id: Uuid,
    /// End of its log, -1 if unknown.
    pub log_end_offset: i64,
    /// When it last fetched by the leader's clock, in milliseconds since 1970 (KIP-836); -1 for the
    /// leader or if unknown.
    #[field(versions = 1.., default = -1, ignorable)]
    pub last_fetch_timestamp: i64,
    /// When it last was level with the leader, by the leader's clock, in milliseconds since 1970
    /// (KIP-836); now for the leader, -1 if unknown.
    #[field(versions = 1.., default = -1, ignorable)]
    pub last_caught_up_timestamp: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A controller with its addresses (KIP-853).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Node {
    /// Id of the node.
    #[field(versions = 2.., key)]
    pub node_id: i32,
    /// Where it is reached.
    #[field(versions = 2..)]
    pub listeners: Vec<Listener>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// An address of a controller (KIP-853).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Listener {
    /// Name of the listener.
    #[field(versions = 2.., key)]
    pub name: StrBytes,
    /// Host name to connect to.
    #[field(versions = 2..)]
    pub host: StrBytes,
    /// Port to connect to.
    #[field(versions = 2..)]
    pub port: u16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
