//! ConsumerGroupDescribe (69): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 69, versions = 0..=1, flexible = 0, response = ConsumerGroupDescribeResponse)]
pub struct ConsumerGroupDescribeRequest {
    // ABOUT The ids of the groups to describe.
    /// TODO
    pub group_ids: Vec<StrBytes>,
    // ABOUT Whether to include authorized operations.
    /// TODO
    pub include_authorized_operations: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 69, versions = 0..=1, flexible = 0)]
pub struct ConsumerGroupDescribeResponse {
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
    // ABOUT The selected assignor.
    /// TODO
    pub assignor_name: StrBytes,
    // ABOUT The members.
    /// TODO
    pub members: Vec<Member>,
    // ABOUT 32-bit bitfield to represent authorized operations for this group.
    /// TODO
    #[field(default = i32::MIN)]
    pub authorized_operations: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO Member
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Member {
    // ABOUT The member ID.
    /// TODO
    pub member_id: StrBytes,
    // ABOUT The member instance ID.
    /// TODO
    #[field(nullable = ..)]
    pub instance_id: Option<StrBytes>,
    // ABOUT The member rack ID.
    /// TODO
    #[field(nullable = ..)]
    pub rack_id: Option<StrBytes>,
    // ABOUT The current member epoch.
    /// TODO
    pub member_epoch: i32,
    // ABOUT The client ID.
    /// TODO
    pub client_id: StrBytes,
    // ABOUT The client host.
    /// TODO
    pub client_host: StrBytes,
    // ABOUT The subscribed topic names.
    /// TODO
    pub subscribed_topic_names: Vec<StrBytes>,
    // ABOUT the subscribed topic regex otherwise or null of not provided.
    /// TODO
    #[field(nullable = ..)]
    pub subscribed_topic_regex: Option<StrBytes>,
    // ABOUT The current assignment.
    /// TODO
    pub assignment: Assignment,
    // ABOUT The target assignment.
    /// TODO
    pub target_assignment: Assignment,
    // ABOUT -1 for unknown. 0 for classic member. +1 for consumer member.
    /// TODO
    #[field(versions = 1.., default = -1, ignorable)]
    pub member_type: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO Assignment
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Assignment {
    // ABOUT The assigned topic-partitions to the member.
    /// TODO
    pub topic_partitions: Vec<TopicPartitions>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO TopicPartitions
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicPartitions {
    // ABOUT The topic ID.
    /// TODO
    pub topic_id: Uuid,
    // ABOUT The topic name.
    /// TODO
    pub topic_name: StrBytes,
    // ABOUT The partitions.
    /// TODO
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
