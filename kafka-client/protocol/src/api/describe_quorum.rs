//! DescribeQuorum (55): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 55, versions = 0..=2, flexible = 0, response = DescribeQuorumResponse)]
pub struct DescribeQuorumRequest {
    // ABOUT The topics to describe.
    /// TODO
    pub topics: Vec<TopicData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopicData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicData {
    // ABOUT The topic name.
    /// TODO
    pub topic_name: StrBytes,
    // ABOUT The partitions to describe.
    /// TODO
    pub partitions: Vec<PartitionData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO PartitionData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionData {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 55, versions = 0..=2, flexible = 0)]
pub struct DescribeQuorumResponse {
    // ABOUT The top level error code.
    /// TODO
    pub error_code: i16,
    // ABOUT The error message, or null if there was no error.
    /// TODO
    #[field(versions = 2.., nullable = 2.., default = Some(Default::default()), ignorable)]
    pub error_message: Option<StrBytes>,
    // ABOUT The response from the describe quorum API.
    /// TODO
    pub topics: Vec<TopicQuorum>,
    // ABOUT The nodes in the quorum.
    /// TODO
    #[field(versions = 2..)]
    pub nodes: Vec<Node>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopicData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicQuorum {
    // ABOUT The topic name.
    /// TODO
    pub topic_name: StrBytes,
    // ABOUT The partition data.
    /// TODO
    pub partitions: Vec<PartitionQuorum>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO PartitionData
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionQuorum {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    // ABOUT The partition error code.
    /// TODO
    pub error_code: i16,
    // ABOUT The error message, or null if there was no error.
    /// TODO
    #[field(versions = 2.., nullable = 2.., default = Some(Default::default()), ignorable)]
    pub error_message: Option<StrBytes>,
    // ABOUT The ID of the current leader or -1 if the leader is unknown.
    /// TODO
    pub leader_id: i32,
    // ABOUT The latest known leader epoch.
    /// TODO
    pub leader_epoch: i32,
    // ABOUT The high water mark.
    /// TODO
    pub high_watermark: i64,
    // ABOUT The current voters of the partition.
    /// TODO
    pub current_voters: Vec<ReplicaState>,
    // ABOUT The observers of the partition.
    /// TODO
    pub observers: Vec<ReplicaState>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO ReplicaState
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReplicaState {
    // ABOUT The ID of the replica.
    /// TODO
    pub replica_id: i32,
    // ABOUT The replica directory ID of the replica.
    /// TODO
    #[field(versions = 2..)]
    pub replica_directory_id: Uuid,
    // ABOUT The last known log end offset of the follower or -1 if it is unknown.
    /// TODO
    pub log_end_offset: i64,
    // ABOUT The last known leader wall clock time time when a follower fetched from the leader. This is reported as -1 both for the current leader or if it is unknown for a voter.
    /// TODO
    #[field(versions = 1.., default = -1, ignorable)]
    pub last_fetch_timestamp: i64,
    // ABOUT The leader wall clock append time of the offset for which the follower made the most recent fetch request. This is reported as the current time for the leader and -1 if unknown for a voter.
    /// TODO
    #[field(versions = 1.., default = -1, ignorable)]
    pub last_caught_up_timestamp: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO Node
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Node {
    // ABOUT The ID of the associated node.
    /// TODO
    #[field(versions = 2.., key)]
    pub node_id: i32,
    // ABOUT The listeners of this controller.
    /// TODO
    #[field(versions = 2..)]
    pub listeners: Vec<Listener>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO Listener
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Listener {
    // ABOUT The name of the endpoint.
    /// TODO
    #[field(versions = 2.., key)]
    pub name: StrBytes,
    // ABOUT The hostname.
    /// TODO
    #[field(versions = 2..)]
    pub host: StrBytes,
    // ABOUT The port.
    /// TODO
    #[field(versions = 2..)]
    pub port: u16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
