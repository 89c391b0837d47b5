//! StreamsGroupDescribe (89): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 89, versions = 0..=1, flexible = 0, response = StreamsGroupDescribeResponse)]
pub struct StreamsGroupDescribeRequest {
    // ABOUT The ids of the groups to describe
    /// TODO
    pub group_ids: Vec<StrBytes>,
    // ABOUT Whether to include authorized operations.
    /// TODO
    pub include_authorized_operations: bool,
    // ABOUT
    /// TODO
    #[field(versions = 1..)]
    pub include_topology_description: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 89, versions = 0..=1, flexible = 0)]
pub struct StreamsGroupDescribeResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT Each described group.
    /// TODO
    pub groups: Vec<DescribedGroup>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO DescribedGroup
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedGroup {
    // ABOUT The describe error, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The top-level error message, or null if there was no error.
    /// TODO
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    // ABOUT The group ID string.
    /// TODO
    pub group_id: StrBytes,
    // ABOUT The group state string, or the empty string.
    /// TODO
    pub group_state: StrBytes,
    // ABOUT The group epoch.
    /// TODO
    pub group_epoch: i32,
    // ABOUT The assignment epoch.
    /// TODO
    pub assignment_epoch: i32,
    // ABOUT The topology metadata currently initialized for the streams application. Can be null in case of a describe error.
    /// TODO
    #[field(nullable = ..)]
    pub topology: Option<Topology>,
    // ABOUT The members.
    /// TODO
    pub members: Vec<Member>,
    // ABOUT 32-bit bitfield to represent authorized operations for this group.
    /// TODO
    #[field(default = i32::MIN)]
    pub authorized_operations: i32,
    // ABOUT
    /// TODO
    #[field(versions = 1.., nullable = 1..)]
    pub topology_description: Option<TopologyDescription>,
    // ABOUT 0 not requested, 1 not stored, 2 error, 3 available
    /// TODO
    #[field(versions = 1..)]
    pub topology_description_status: i8,
    // ABOUT KIP-1357
    /// TODO
    #[field(versions = 1.., nullable = 1.., ignorable)]
    pub assignor_name: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO Topology
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Topology {
    // ABOUT The epoch of the currently initialized topology for this group.
    /// TODO
    pub epoch: i32,
    // ABOUT The subtopologies of the streams application. This contains the configured subtopologies, where the number of partitions are set and any regular expressions are resolved to actual topics. Null if the group is uninitialized, source topics are missing or incorrectly partitioned.
    /// TODO
    #[field(nullable = ..)]
    pub subtopologies: Option<Vec<Subtopology>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO Subtopology
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Subtopology {
    // ABOUT String to uniquely identify the subtopology.
    /// TODO
    pub subtopology_id: StrBytes,
    // ABOUT The topics the subtopology reads from.
    /// TODO
    pub source_topics: Vec<StrBytes>,
    // ABOUT The repartition topics the subtopology writes to.
    /// TODO
    pub repartition_sink_topics: Vec<StrBytes>,
    // ABOUT The set of state changelog topics associated with this subtopology. Created automatically.
    /// TODO
    pub state_changelog_topics: Vec<TopicInfo>,
    // ABOUT The set of source topics that are internally created repartition topics. Created automatically.
    /// TODO
    pub repartition_source_topics: Vec<TopicInfo>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopicInfo
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicInfo {
    // ABOUT The name of the topic.
    /// TODO
    pub name: StrBytes,
    // ABOUT The number of partitions in the topic. Can be 0 if no specific number of partitions is enforced. Always 0 for changelog topics.
    /// TODO
    pub partitions: i32,
    // ABOUT The replication factor of the topic. Can be 0 if the default replication factor should be used.
    /// TODO
    pub replication_factor: i16,
    // ABOUT Topic-level configurations as key-value pairs.
    /// TODO
    pub topic_configs: Vec<KeyValue>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO KeyValue
#[derive(Debug, Clone, PartialEq, Message)]
pub struct KeyValue {
    // ABOUT key of the config
    /// TODO
    pub key: StrBytes,
    // ABOUT value of the config
    /// TODO
    pub value: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO Member
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Member {
    // ABOUT The member ID.
    /// TODO
    pub member_id: StrBytes,
    // ABOUT The member epoch.
    /// TODO
    pub member_epoch: i32,
    // ABOUT The member instance ID for static membership.
    /// TODO
    #[field(nullable = ..)]
    pub instance_id: Option<StrBytes>,
    // ABOUT The rack ID.
    /// TODO
    #[field(nullable = ..)]
    pub rack_id: Option<StrBytes>,
    // ABOUT The client ID.
    /// TODO
    pub client_id: StrBytes,
    // ABOUT The client host.
    /// TODO
    pub client_host: StrBytes,
    // ABOUT The epoch of the topology on the client.
    /// TODO
    pub topology_epoch: i32,
    // ABOUT Identity of the streams instance that may have multiple clients.
    /// TODO
    pub process_id: StrBytes,
    // ABOUT User-defined endpoint for Interactive Queries. Null if not defined for this client.
    /// TODO
    #[field(nullable = ..)]
    pub user_endpoint: Option<Endpoint>,
    // ABOUT Used for rack-aware assignment algorithm.
    /// TODO
    pub client_tags: Vec<KeyValue>,
    // ABOUT Cumulative changelog offsets for tasks.
    /// TODO
    pub task_offsets: Vec<TaskOffset>,
    // ABOUT Cumulative changelog end offsets for tasks.
    /// TODO
    pub task_end_offsets: Vec<TaskOffset>,
    // ABOUT The current assignment.
    /// TODO
    pub assignment: Assignment,
    // ABOUT The target assignment.
    /// TODO
    pub target_assignment: Assignment,
    // ABOUT True for classic members that have not been upgraded yet.
    /// TODO
    pub is_classic: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO Endpoint
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Endpoint {
    // ABOUT host of the endpoint
    /// TODO
    pub host: StrBytes,
    // ABOUT port of the endpoint
    /// TODO
    pub port: u16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TaskOffset
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TaskOffset {
    // ABOUT The subtopology identifier.
    /// TODO
    pub subtopology_id: StrBytes,
    // ABOUT The partition.
    /// TODO
    pub partition: i32,
    // ABOUT The offset.
    /// TODO
    pub offset: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO Assignment
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Assignment {
    // ABOUT Active tasks for this client.
    /// TODO
    pub active_tasks: Vec<TaskIds>,
    // ABOUT Standby tasks for this client.
    /// TODO
    pub standby_tasks: Vec<TaskIds>,
    // ABOUT Warm-up tasks for this client.
    /// TODO
    pub warmup_tasks: Vec<TaskIds>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TaskIds
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TaskIds {
    // ABOUT The subtopology identifier.
    /// TODO
    pub subtopology_id: StrBytes,
    // ABOUT The partitions of the input topics processed by this member.
    /// TODO
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopologyDescription
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescription {
    // ABOUT
    /// TODO
    #[field(versions = 1..)]
    pub subtopologies: Vec<TopologyDescriptionSubtopology>,
    // ABOUT
    /// TODO
    #[field(versions = 1..)]
    pub global_stores: Vec<TopologyDescriptionGlobalStore>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopologyDescriptionSubtopology
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescriptionSubtopology {
    // ABOUT
    /// TODO
    #[field(versions = 1..)]
    pub subtopology_id: StrBytes,
    // ABOUT
    /// TODO
    #[field(versions = 1..)]
    pub nodes: Vec<TopologyDescriptionNode>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopologyDescriptionNode
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescriptionNode {
    // ABOUT
    /// TODO
    #[field(versions = 1..)]
    pub name: StrBytes,
    // ABOUT 1 source, 2 processor, 3 sink
    /// TODO
    #[field(versions = 1..)]
    pub node_type: i8,
    // ABOUT only of sources; may be empty when topics are found dynamically
    /// TODO
    #[field(versions = 1..)]
    pub source_topics: Vec<StrBytes>,
    // ABOUT only of sinks; null when chosen dynamically
    /// TODO
    #[field(versions = 1.., nullable = 1..)]
    pub sink_topic: Option<StrBytes>,
    // ABOUT names of state stores, of processors only
    /// TODO
    #[field(versions = 1..)]
    pub stores: Vec<StrBytes>,
    // ABOUT names of the nodes after it
    /// TODO
    #[field(versions = 1..)]
    pub successors: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopologyDescriptionGlobalStore
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescriptionGlobalStore {
    // ABOUT
    /// TODO
    #[field(versions = 1..)]
    pub source: TopologyDescriptionNode,
    // ABOUT
    /// TODO
    #[field(versions = 1..)]
    pub processor: TopologyDescriptionNode,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
