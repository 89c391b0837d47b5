//! Share groups (KIP-932).
//!
//! What has been delivered and acknowledged is not here but in `__share_group_state`, which share
//! coordinators keep.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Which member of which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct ShareGroupMemberMetadataKey {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id of the member.
    pub member_id: StrBytes,
}

/// What a member told of itself. Taken back when it leaves.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct ShareGroupMemberMetadataValue {
    /// Its `client.rack`, null if it has none.
    #[field(nullable = .., default = Some(Default::default()))]
    pub rack_id: Option<StrBytes>,
    /// The `client.id` it sent.
    pub client_id: StrBytes,
    /// The address it came from, as Java prints it: `/10.0.0.7`.
    pub client_host: StrBytes,
    /// Names of the topics it subscribes to.
    pub subscribed_topic_names: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct ShareGroupMetadataKey {
    /// Id of the group.
    pub group_id: StrBytes,
}

/// The state of the group as a whole. Taken back when the group is deleted.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct ShareGroupMetadataValue {
    /// The group epoch: rises with each change that asks for a new target assignment.
    pub epoch: i32,
    /// Hash over the topics that the group subscribes to, with their partitions and racks; when it
    /// changes, the group rebalances.
    pub metadata_hash: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct ShareGroupTargetAssignmentMetadataKey {
    /// Id of the group.
    pub group_id: StrBytes,
}

/// Which target assignment the records of the members make up.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct ShareGroupTargetAssignmentMetadataValue {
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
pub struct ShareGroupTargetAssignmentMemberKey {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id of the member.
    pub member_id: StrBytes,
}

/// A member's share of the target assignment.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct ShareGroupTargetAssignmentMemberValue {
    /// The partitions it is to consume from, by topic. Other members may have them too.
    pub topic_partitions: Vec<TopicPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic, which a target assignment gives to a member.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicPartition {
    /// Id of the topic.
    pub topic_id: Uuid,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which member of which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct ShareGroupCurrentMemberAssignmentKey {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id of the member.
    pub member_id: StrBytes,
}

/// How far a member has come to its share of the target assignment.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct ShareGroupCurrentMemberAssignmentValue {
    /// The epoch that its heartbeats must carry.
    pub member_epoch: i32,
    /// The epoch before, taken as well: the answer with the new one may have been lost.
    pub previous_member_epoch: i32,
    /// 0 stable, which members of share groups always are: they wait for nobody.
    pub state: i8,
    /// The partitions it consumes from, by topic.
    pub assigned_partitions: Vec<TopicPartitions>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic, which a member has.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicPartitions {
    /// Id of the topic.
    pub topic_id: Uuid,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct ShareGroupStatePartitionMetadataKey {
    /// Id of the group.
    pub group_id: StrBytes,
}

/// For which partitions the share coordinators keep state of the group, in `__share_group_state`.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0, flexible = 0)]
pub struct ShareGroupStatePartitionMetadataValue {
    /// Partitions whose state is being set up.
    pub initializing_topics: Vec<TopicPartitionsInfo>,
    /// Partitions that have their state.
    pub initialized_topics: Vec<TopicPartitionsInfo>,
    /// Topics whose state is being deleted.
    pub deleting_topics: Vec<TopicInfo>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic, with its name.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicPartitionsInfo {
    /// Id of the topic.
    pub topic_id: Uuid,
    /// Name of the topic.
    pub topic_name: StrBytes,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic with its name.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicInfo {
    /// Id of the topic.
    pub topic_id: Uuid,
    /// Name of the topic.
    pub topic_name: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
