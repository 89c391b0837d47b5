//! ConsumerGroupDescribe (69): groups of the KIP-848 protocol with their members and assignments.
//!
//! Sent by the admin operation `describeConsumerGroups`, which falls back to DescribeGroups (15)
//! for classic groups. It goes to the coordinator of each group. Since KIP-848 (Kafka 4.0).
//!
//! Versions: 1 tells classic members from others (KIP-1099).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Asks for groups that one broker coordinates.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 69, versions = 0..=1, flexible = 0, response = ConsumerGroupDescribeResponse)]
pub struct ConsumerGroupDescribeRequest {
    /// Ids of the groups.
    pub group_ids: Vec<StrBytes>,
    /// Whether to tell what the caller may do with each group (KIP-430).
    pub include_authorized_operations: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The groups, each with an error code of its own.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 69, versions = 0..=1, flexible = 0)]
pub struct ConsumerGroupDescribeResponse {
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
    /// `Empty`, `Assigning`, `Reconciling`, `Stable` or `Dead`; empty for an error.
    pub group_state: StrBytes,
    /// Epoch of the group, raised by every change of members, subscriptions or topics.
    pub group_epoch: i32,
    /// Group epoch that the target assignment was computed for; behind `group_epoch` while a new
    /// one is due.
    pub assignment_epoch: i32,
    /// Name of the assignor on the broker, such as `uniform` or `range`.
    pub assignor_name: StrBytes,
    /// The members.
    pub members: Vec<Member>,
    /// Bits of the operations that the caller may do with the group (3 read, 6 delete, 8 describe,
    /// 10 describe configs, 11 alter configs), `i32::MIN` if not asked for.
    #[field(default = i32::MIN)]
    pub authorized_operations: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Member {
    /// Id of the member.
    pub member_id: StrBytes,
    /// Name of a static member (KIP-345), null for a dynamic one.
    #[field(nullable = ..)]
    pub instance_id: Option<StrBytes>,
    /// Rack of the member, null if it has none.
    #[field(nullable = ..)]
    pub rack_id: Option<StrBytes>,
    /// Epoch that the member has reached; equal to the group's when it has reconciled.
    pub member_epoch: i32,
    /// The member's `client.id`.
    pub client_id: StrBytes,
    /// Host that the member connects from.
    pub client_host: StrBytes,
    /// Names of the topics that the member is subscribed to.
    pub subscribed_topic_names: Vec<StrBytes>,
    /// Regular expression that the member is subscribed by, null for none.
    #[field(nullable = ..)]
    pub subscribed_topic_regex: Option<StrBytes>,
    /// What the member has now.
    pub assignment: Assignment,
    /// What the member is to have.
    pub target_assignment: Assignment,
    /// 0 classic member, 1 KIP-848 member, -1 unknown (KIP-1099).
    #[field(versions = 1.., default = -1, ignorable)]
    pub member_type: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of a member.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Assignment {
    /// The topics.
    pub topic_partitions: Vec<TopicPartitions>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicPartitions {
    /// Id of the topic.
    pub topic_id: Uuid,
    /// Name of the topic.
    pub topic_name: StrBytes,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
