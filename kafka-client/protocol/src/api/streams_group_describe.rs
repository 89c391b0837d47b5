//! StreamsGroupDescribe (89): streams groups with their topology, members and tasks.
//!
//! Sent by the admin operation `describeStreamsGroups`. It goes to the coordinator of each group.
//! Since KIP-1071 (general in Kafka 4.2).
//!
//! Versions: 1 (Kafka 4.4) can return the description of the topology (KIP-1331) and tells the
//! assignor (KIP-1357).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Asks for groups that one broker coordinates.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 89, versions = 0..=1, flexible = 0, response = StreamsGroupDescribeResponse)]
pub struct StreamsGroupDescribeRequest {
    /// Ids of the groups.
    pub group_ids: Vec<StrBytes>,
    /// Whether to tell what the caller may do with each group (KIP-430).
    pub include_authorized_operations: bool,
    /// Whether to return the description that the members have pushed (KIP-1331).
    #[field(versions = 1..)]
    pub include_topology_description: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The groups, each with an error code of its own.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 89, versions = 0..=1, flexible = 0)]
pub struct StreamsGroupDescribeResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// The groups.
    pub groups: Vec<DescribedGroup>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A group.
///
/// GROUP_ID_NOT_FOUND: none of that name, or one of another type.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedGroup {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Id of the group.
    pub group_id: StrBytes,
    /// `Empty`, `NotReady`, `Assigning`, `Reconciling`, `Stable` or `Dead`; empty for an error.
    pub group_state: StrBytes,
    /// Epoch of the group, raised by every change of members, topology or topics.
    pub group_epoch: i32,
    /// Group epoch that the target assignment was computed for; behind `group_epoch` while a new
    /// one is due.
    pub assignment_epoch: i32,
    /// The topology that the group runs, null for an error.
    #[field(nullable = ..)]
    pub topology: Option<Topology>,
    /// The members.
    pub members: Vec<Member>,
    /// Bits of the operations that the caller may do with the group (3 read, 6 delete, 8 describe,
    /// 10 describe configs, 11 alter configs), `i32::MIN` if not asked for.
    #[field(default = i32::MIN)]
    pub authorized_operations: i32,
    /// The topology in readable form, null if there is none to return (KIP-1331).
    #[field(versions = 1.., nullable = 1..)]
    pub topology_description: Option<TopologyDescription>,
    /// 0 not asked for, 1 none is stored, 2 reading it failed, 3 it is here (KIP-1331).
    #[field(versions = 1..)]
    pub topology_description_status: i8,
    /// Name of the task assignor on the broker, null if unknown (KIP-1357).
    #[field(versions = 1.., nullable = 1.., ignorable)]
    pub assignor_name: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The topology that a group runs.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Topology {
    /// Epoch of the topology.
    pub epoch: i32,
    /// The subtopologies, with patterns resolved to topics; null while the group is not
    /// initialized, or source topics are missing or partitioned wrongly.
    #[field(nullable = ..)]
    pub subtopologies: Option<Vec<Subtopology>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A part of the topology whose tasks run on their own.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Subtopology {
    /// Id of the subtopology.
    pub subtopology_id: StrBytes,
    /// Names of the topics it reads.
    pub source_topics: Vec<StrBytes>,
    /// Names of the repartition topics it writes.
    pub repartition_sink_topics: Vec<StrBytes>,
    /// The topics that back up its state; the group creates them.
    pub state_changelog_topics: Vec<TopicInfo>,
    /// The repartition topics it reads; the group creates them.
    pub repartition_source_topics: Vec<TopicInfo>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic that the group creates.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicInfo {
    /// Name of the topic.
    pub name: StrBytes,
    /// Number of partitions, 0 for what the group works out; always 0 for changelog topics.
    pub partitions: i32,
    /// Replicas of each partition, 0 for the broker's default.
    pub replication_factor: i16,
    /// Settings of the topic.
    pub topic_configs: Vec<KeyValue>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A name with its value.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct KeyValue {
    /// The name.
    pub key: StrBytes,
    /// The value.
    pub value: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A member of a group: one thread's client.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Member {
    /// Id of the member.
    pub member_id: StrBytes,
    /// Epoch that the member has reached; equal to the group's when it has reconciled.
    pub member_epoch: i32,
    /// Name of a static member (KIP-345), null for a dynamic one.
    #[field(nullable = ..)]
    pub instance_id: Option<StrBytes>,
    /// Rack of the member, null if it has none.
    #[field(nullable = ..)]
    pub rack_id: Option<StrBytes>,
    /// The member's `client.id`.
    pub client_id: StrBytes,
    /// Host that the member connects from.
    pub client_host: StrBytes,
    /// Epoch of the topology that the member runs.
    pub topology_epoch: i32,
    /// Id of the process, which several members may share.
    pub process_id: StrBytes,
    /// Address for interactive queries, null for none.
    #[field(nullable = ..)]
    pub user_endpoint: Option<Endpoint>,
    /// Tags for spreading standby tasks over racks.
    pub client_tags: Vec<KeyValue>,
    /// Sums of the changelog offsets that the member has restored, by task.
    pub task_offsets: Vec<TaskOffset>,
    /// Sums of the changelog end offsets, by task.
    pub task_end_offsets: Vec<TaskOffset>,
    /// The tasks it has now.
    pub assignment: Assignment,
    /// The tasks it is to have.
    pub target_assignment: Assignment,
    /// Whether it is still a member of the classic protocol.
    pub is_classic: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// An address of the application.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Endpoint {
    /// Host name to connect to.
    pub host: StrBytes,
    /// Port to connect to.
    pub port: u16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The offset sum of one task.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TaskOffset {
    /// Id of the task's subtopology.
    pub subtopology_id: StrBytes,
    /// Partition of the task.
    pub partition: i32,
    /// The sum over its changelog partitions.
    pub offset: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Tasks of a member.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Assignment {
    /// Tasks that process records.
    pub active_tasks: Vec<TaskIds>,
    /// Tasks that keep a copy of the state ready.
    pub standby_tasks: Vec<TaskIds>,
    /// Tasks that restore state in order to become active here.
    pub warmup_tasks: Vec<TaskIds>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Tasks of one subtopology.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TaskIds {
    /// Id of the subtopology.
    pub subtopology_id: StrBytes,
    /// Partitions of its input, one for each task.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The topology in readable form (KIP-1331).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescription {
    /// The subtopologies.
    #[field(versions = 1..)]
    pub subtopologies: Vec<TopologyDescriptionSubtopology>,
    /// The global state stores.
    #[field(versions = 1..)]
    pub global_stores: Vec<TopologyDescriptionGlobalStore>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A subtopology with its nodes (KIP-1331).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescriptionSubtopology {
    /// Id of the subtopology.
    #[field(versions = 1..)]
    pub subtopology_id: StrBytes,
    /// The nodes.
    #[field(versions = 1..)]
    pub nodes: Vec<TopologyDescriptionNode>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A node of the topology's graph (KIP-1331).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescriptionNode {
    /// Name of the node.
    #[field(versions = 1..)]
    pub name: StrBytes,
    /// 1 source, 2 processor, 3 sink.
    #[field(versions = 1..)]
    pub node_type: i8,
    /// Topics that a source reads; empty if they are found while running, and for other nodes.
    #[field(versions = 1..)]
    pub source_topics: Vec<StrBytes>,
    /// Topic that a sink writes; null if it is chosen record by record, and for other nodes.
    #[field(versions = 1.., nullable = 1..)]
    pub sink_topic: Option<StrBytes>,
    /// Names of the state stores that a processor uses; empty for other nodes.
    #[field(versions = 1..)]
    pub stores: Vec<StrBytes>,
    /// Names of the nodes that come after it.
    #[field(versions = 1..)]
    pub successors: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A global state store (KIP-1331).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopologyDescriptionGlobalStore {
    /// The source that feeds it.
    #[field(versions = 1..)]
    pub source: TopologyDescriptionNode,
    /// The processor that fills it.
    #[field(versions = 1..)]
    pub processor: TopologyDescriptionNode,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
