//! Streams groups (KIP-1071): the coordinator assigns tasks, each a partition of a subtopology.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct StreamsGroupMetadataKey {
    /// Id of the group.
    pub group_id: StrBytes,
}

/// The state of the group as a whole. Taken back when the group is deleted.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct StreamsGroupMetadataValue {
    /// The group epoch: rises with each change that asks for a new target assignment.
    pub epoch: i32,
    /// Hash over the topics that the topology reads, with their partitions; when it changes, the
    /// group rebalances.
    pub metadata_hash: i64,
    /// Epoch of the topology for which all topics were found to exist as they must, -1 if none
    /// was.
    #[field(tag = 0, default = -1)]
    pub validated_topology_epoch: i32,
    /// The settings that the last target assignment was computed with.
    #[field(nullable = .., tag = 1, default = Some(Default::default()))]
    pub last_assignment_configs: Option<Vec<LastAssignmentConfig>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A setting of the group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct LastAssignmentConfig {
    /// Name of the setting.
    pub key: StrBytes,
    /// Its value.
    pub value: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which member of which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct StreamsGroupMemberMetadataKey {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id of the member.
    pub member_id: StrBytes,
}

/// What a member told of itself. Taken back when it leaves.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct StreamsGroupMemberMetadataValue {
    /// Its `group.instance.id` if it is a static member, else null.
    #[field(nullable = .., default = Some(Default::default()))]
    pub instance_id: Option<StrBytes>,
    /// Its `client.rack`, null if it has none.
    #[field(nullable = .., default = Some(Default::default()))]
    pub rack_id: Option<StrBytes>,
    /// The `client.id` it sent.
    pub client_id: StrBytes,
    /// The address it came from, as Java prints it: `/10.0.0.7`.
    pub client_host: StrBytes,
    /// How long it may take to give up tasks, in milliseconds; -1 if unknown.
    #[field(default = -1)]
    pub rebalance_timeout_ms: i32,
    /// Epoch of the topology that it runs.
    pub topology_epoch: i32,
    /// Id of the process that it is a thread of; members of one process share state on disk.
    pub process_id: StrBytes,
    /// Where its process answers interactive queries, null if it does not.
    #[field(nullable = ..)]
    pub user_endpoint: Option<Endpoint>,
    /// Tags of its process, by which standby tasks are spread.
    pub client_tags: Vec<KeyValue>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// An address of a process.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Endpoint {
    /// Its host.
    pub host: StrBytes,
    /// Its port.
    pub port: u16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A tag of a process.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct KeyValue {
    /// Name of the tag.
    pub key: StrBytes,
    /// Its value.
    pub value: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct StreamsGroupTargetAssignmentMetadataKey {
    /// Id of the group.
    pub group_id: StrBytes,
}

/// Which target assignment the records of the members make up.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct StreamsGroupTargetAssignmentMetadataValue {
    /// The group epoch it was computed for.
    pub assignment_epoch: i32,
    /// When it was computed, in milliseconds since the epoch; 0 if not known (KIP-1263).
    #[field(tag = 0, ignorable)]
    pub assignment_timestamp: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which member of which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct StreamsGroupTargetAssignmentMemberKey {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id of the member.
    pub member_id: StrBytes,
}

/// A member's share of the target assignment.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct StreamsGroupTargetAssignmentMemberValue {
    /// The tasks it is to run.
    pub active_tasks: Vec<TargetTaskIds>,
    /// The tasks whose state it is to follow, to take over at once.
    pub standby_tasks: Vec<TargetTaskIds>,
    /// The tasks whose state it is to restore, to run them later.
    pub warmup_tasks: Vec<TargetTaskIds>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Tasks of one subtopology, which a target assignment gives to a member. In Kafka `TaskIds`, as
/// the ones with epochs.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TargetTaskIds {
    /// Id of the subtopology that the tasks run.
    pub subtopology_id: StrBytes,
    /// Numbers of the partitions: one task for each.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which member of which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct StreamsGroupCurrentMemberAssignmentKey {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id of the member.
    pub member_id: StrBytes,
}

/// How far a member has come to its share of the target assignment.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct StreamsGroupCurrentMemberAssignmentValue {
    /// The epoch that its heartbeats must carry.
    pub member_epoch: i32,
    /// The epoch before, taken as well: the answer with the new one may have been lost.
    pub previous_member_epoch: i32,
    /// How far the member is on the way to the target: 1 there (stable), 2 has still to give up
    /// tasks, 3 waits for others to give up theirs, 127 unknown. One more than in consumer groups.
    pub state: i8,
    /// The tasks it runs.
    pub active_tasks: Vec<TaskIds>,
    /// The tasks whose state it follows.
    pub standby_tasks: Vec<TaskIds>,
    /// The tasks whose state it restores.
    pub warmup_tasks: Vec<TaskIds>,
    /// The active tasks that it was asked to give up and has not yet.
    pub active_tasks_pending_revocation: Vec<TaskIds>,
    /// The standby tasks that it was asked to give up and has not yet.
    pub standby_tasks_pending_revocation: Vec<TaskIds>,
    /// The warm-up tasks that it was asked to give up and has not yet.
    pub warmup_tasks_pending_revocation: Vec<TaskIds>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Tasks of one subtopology, which a member has.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TaskIds {
    /// Id of the subtopology that the tasks run.
    pub subtopology_id: StrBytes,
    /// Numbers of the partitions: one task for each.
    pub partitions: Vec<i32>,
    /// The member epoch in which each of them came to the member, in the same order: commits of an
    /// older epoch are refused for it. Only active tasks have them.
    #[field(nullable = .., tag = 0, default = Some(Default::default()))]
    pub assignment_epochs: Option<Vec<i32>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct StreamsGroupTopologyKey {
    /// Id of the group.
    pub group_id: StrBytes,
}

/// The topology that the members of the group run.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct StreamsGroupTopologyValue {
    /// Epoch of the topology: a changed one has a higher epoch.
    pub epoch: i32,
    /// Its parts, which share no state.
    pub subtopologies: Vec<Subtopology>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A part of a topology. Each partition of its topics makes a task.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Subtopology {
    /// Id of the part.
    pub subtopology_id: StrBytes,
    /// Names of the topics that it reads.
    pub source_topics: Vec<StrBytes>,
    /// Regular expressions of topics that it reads.
    pub source_topic_regex: Vec<StrBytes>,
    /// The topics that its stores write their changes to.
    pub state_changelog_topics: Vec<TopicInfo>,
    /// Names of the repartition topics that it writes.
    pub repartition_sink_topics: Vec<StrBytes>,
    /// The repartition topics that it reads.
    pub repartition_source_topics: Vec<TopicInfo>,
    /// Which of the topics that it reads must have the same number of partitions.
    pub copartition_groups: Vec<CopartitionGroup>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// An internal topic of the application.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicInfo {
    /// Name of the topic.
    pub name: StrBytes,
    /// How many partitions it must have; 0 if that follows from others, as it does for changelogs.
    pub partitions: i32,
    /// How many replicas it must have, 0 for the broker's default.
    pub replication_factor: i16,
    /// Settings to create it with.
    pub topic_configs: Vec<TopicConfig>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A setting of a topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicConfig {
    /// Name of the setting.
    pub key: StrBytes,
    /// Its value.
    pub value: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Topics that must have the same number of partitions, each by its place in the array of its
/// [`Subtopology`].
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CopartitionGroup {
    /// Places in `source_topics`.
    pub source_topics: Vec<i16>,
    /// Places in `source_topic_regex`.
    pub source_topic_regex: Vec<i16>,
    /// Places in `repartition_source_topics`.
    pub repartition_source_topics: Vec<i16>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
