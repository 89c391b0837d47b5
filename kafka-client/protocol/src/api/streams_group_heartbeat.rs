//! StreamsGroupHeartbeat (88): a member of a streams group lives, says what tasks it has, learns
//! what tasks it is to have.
//!
//! Sent by a streams group member (Kafka Streams with `group.protocol=streams`): this one request
//! joins, brings the topology, keeps alive, reconciles and leaves. It goes to the group
//! coordinator. Since KIP-1071 (general in Kafka 4.2).
//!
//! Versions: 1 (Kafka 4.4) makes the recovery lag 64 bits wide (KIP-1071) and can ask for the
//! description of the topology (KIP-1331).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Sent at every interval, and at once when the member's tasks have changed. Fields that are as in
/// the heartbeat before are null or -1; the heartbeat that joins carries all.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 88, versions = 0..=1, flexible = 0, response = StreamsGroupHeartbeatResponse)]
pub struct StreamsGroupHeartbeatRequest {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id that the member made at its start, a UUID, and keeps for life.
    pub member_id: StrBytes,
    /// Epoch of the member; 0 joins, -1 leaves, -2 leaves as a static member that will return.
    pub member_epoch: i32,
    /// The last such epoch that the member was sent; the answer tells the endpoints if there is a
    /// newer one.
    pub endpoint_information_epoch: i32,
    /// Name of a static member (KIP-345); null for a dynamic one, or if unchanged.
    #[field(nullable = ..)]
    pub instance_id: Option<StrBytes>,
    /// Rack of the member; null for none, or if unchanged.
    #[field(nullable = ..)]
    pub rack_id: Option<StrBytes>,
    /// Milliseconds that the member may take to give up tasks; -1 if unchanged.
    #[field(default = -1)]
    pub rebalance_timeout_ms: i32,
    /// The topology, when `member_epoch` is 0; null otherwise.
    #[field(nullable = ..)]
    pub topology: Option<Topology>,
    /// Tasks of the member that process records; null if unchanged.
    #[field(nullable = ..)]
    pub active_tasks: Option<Vec<TaskIds>>,
    /// Tasks of the member that keep a copy of the state ready; null if unchanged.
    #[field(nullable = ..)]
    pub standby_tasks: Option<Vec<TaskIds>>,
    /// Tasks of the member that restore state in order to become active; null if unchanged.
    #[field(nullable = ..)]
    pub warmup_tasks: Option<Vec<TaskIds>>,
    /// Id of the process, which several members may share; null if unchanged.
    #[field(nullable = ..)]
    pub process_id: Option<StrBytes>,
    /// Address for interactive queries; null for none, or if unchanged.
    #[field(nullable = ..)]
    pub user_endpoint: Option<Endpoint>,
    /// Tags for spreading standby tasks over racks; null if unchanged.
    #[field(nullable = ..)]
    pub client_tags: Option<Vec<KeyValue>>,
    /// Sums of the changelog offsets that the member has restored, by task; sent at the interval
    /// that the coordinator sets, and when a warm-up task has caught up. Null if unchanged.
    #[field(nullable = ..)]
    pub task_offsets: Option<Vec<TaskOffset>>,
    /// Sums of the changelog end offsets, by task; sent together with `task_offsets`. Null if
    /// unchanged.
    #[field(nullable = ..)]
    pub task_end_offsets: Option<Vec<TaskOffset>>,
    /// Whether all members are to shut down.
    pub shutdown_application: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The topology of the application.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Topology {
    /// Epoch of the topology, compared with the group's.
    pub epoch: i32,
    /// The subtopologies.
    pub subtopologies: Vec<Subtopology>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A part of the topology whose tasks run on their own.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Subtopology {
    /// Id of the subtopology; the same topology always gives the same ids.
    pub subtopology_id: StrBytes,
    /// Names of the topics it reads.
    pub source_topics: Vec<StrBytes>,
    /// Regular expressions of the topics it reads.
    pub source_topic_regex: Vec<StrBytes>,
    /// The topics that back up its state; the group creates them.
    pub state_changelog_topics: Vec<TopicInfo>,
    /// Names of the repartition topics it writes.
    pub repartition_sink_topics: Vec<StrBytes>,
    /// The repartition topics it reads; the group creates them.
    pub repartition_source_topics: Vec<TopicInfo>,
    /// Sets of topics that must have equally many partitions.
    pub copartition_groups: Vec<CopartitionGroup>,
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

/// A set of topics that must have equally many partitions.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CopartitionGroup {
    /// Indexes into the subtopology's `source_topics`.
    pub source_topics: Vec<i16>,
    /// Indexes into the subtopology's `source_topic_regex`.
    pub source_topic_regex: Vec<i16>,
    /// Indexes into the subtopology's `repartition_source_topics`.
    pub repartition_source_topics: Vec<i16>,
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

/// The member's epoch, and its tasks when they have changed.
///
/// FENCED_MEMBER_EPOCH and UNKNOWN_MEMBER_ID: its tasks are lost, join anew with epoch 0;
/// NOT_COORDINATOR and COORDINATOR_NOT_AVAILABLE: find the coordinator;
/// COORDINATOR_LOAD_IN_PROGRESS: try again. STREAMS_INVALID_TOPOLOGY,
/// STREAMS_INVALID_TOPOLOGY_EPOCH and STREAMS_TOPOLOGY_FENCED refuse the topology;
/// UNRELEASED_INSTANCE_ID and GROUP_MAX_SIZE_REACHED end the membership.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 88, versions = 0..=1, flexible = 0)]
pub struct StreamsGroupHeartbeatResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Id of the member.
    pub member_id: StrBytes,
    /// Epoch to send from now on.
    pub member_epoch: i32,
    /// Milliseconds until the next heartbeat.
    pub heartbeat_interval_ms: i32,
    /// As `acceptable_recovery_lag`, in version 0.
    #[field(versions = ..=0, ignorable)]
    pub acceptable_recovery_lag_legacy: i32,
    /// Milliseconds between two reports of `task_offsets`.
    pub task_offset_interval_ms: i32,
    /// Offsets that a task may lack and still count as caught up, -1 if unknown.
    #[field(versions = 1.., default = -1, ignorable)]
    pub acceptable_recovery_lag: i64,
    /// Conditions of the group that its members must know of; empty for none.
    #[field(nullable = .., default = Some(Default::default()))]
    pub status: Option<Vec<Status>>,
    /// Tasks that the member is to process records for; null if unchanged.
    #[field(nullable = ..)]
    pub active_tasks: Option<Vec<TaskIds>>,
    /// Tasks whose state the member is to keep ready; null if unchanged.
    #[field(nullable = ..)]
    pub standby_tasks: Option<Vec<TaskIds>>,
    /// Tasks whose state the member is to restore; null if unchanged.
    #[field(nullable = ..)]
    pub warmup_tasks: Option<Vec<TaskIds>>,
    /// Whether the member is to send a StreamsGroupTopologyDescriptionUpdate (KIP-1331).
    #[field(versions = 1.., ignorable)]
    pub topology_description_required: bool,
    /// Epoch of `partitions_by_user_endpoint`, to be sent back.
    pub endpoint_information_epoch: i32,
    /// What each endpoint of the group holds, for interactive queries; null if unchanged.
    #[field(nullable = ..)]
    pub partitions_by_user_endpoint: Option<Vec<EndpointToPartitions>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A condition of the group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Status {
    /// 0 stale topology, 1 source topics missing, 2 topics partitioned wrongly, 3 internal topics
    /// missing, 4 the application is to shut down, 5 the assignment is delayed, 6 (from version 1)
    /// tags of clients are missing that the assignment is to use.
    pub status_code: i8,
    /// The condition in words, with the topics concerned.
    pub status_detail: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What an endpoint of the application holds.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EndpointToPartitions {
    /// The address.
    pub user_endpoint: Endpoint,
    /// Partitions of its active tasks.
    pub active_partitions: Vec<TopicPartition>,
    /// Partitions of its standby tasks.
    pub standby_partitions: Vec<TopicPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicPartition {
    /// Name of the topic.
    pub topic: StrBytes,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
