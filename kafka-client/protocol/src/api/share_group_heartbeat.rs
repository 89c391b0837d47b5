//! ShareGroupHeartbeat (76): a member of a share group lives, and learns which partitions to read.
//!
//! Sent by the share consumer: this one request joins, keeps alive and leaves. There is nothing to
//! revoke or acknowledge, as several members may read a partition. It goes to the group
//! coordinator. Since KIP-932 (preview in Kafka 4.1, general in 4.2). Version 0 was early access
//! and is gone.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Sent at every interval, and at once when the subscription has changed. Fields that are as in the
/// heartbeat before are null; the heartbeat that joins, and the one after any error, carry all.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 76, versions = 1..=1, flexible = 0, response = ShareGroupHeartbeatResponse)]
pub struct ShareGroupHeartbeatRequest {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id that the member made at its start, a UUID, and keeps for life.
    pub member_id: StrBytes,
    /// Epoch of the member; 0 joins, -1 leaves.
    pub member_epoch: i32,
    /// Rack of the member; null for none, or if unchanged.
    #[field(nullable = ..)]
    pub rack_id: Option<StrBytes>,
    /// Names of the topics subscribed to; null if unchanged.
    #[field(nullable = ..)]
    pub subscribed_topic_names: Option<Vec<StrBytes>>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The member's epoch, and its assignment when that has changed.
///
/// UNKNOWN_MEMBER_ID and FENCED_MEMBER_EPOCH: join anew with epoch 0; NOT_COORDINATOR and
/// COORDINATOR_NOT_AVAILABLE: find the coordinator; COORDINATOR_LOAD_IN_PROGRESS: try again;
/// GROUP_MAX_SIZE_REACHED ends the membership.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 76, versions = 1..=1, flexible = 0)]
pub struct ShareGroupHeartbeatResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Id of the member, null for an error.
    #[field(nullable = ..)]
    pub member_id: Option<StrBytes>,
    /// Epoch to send from now on.
    pub member_epoch: i32,
    /// Milliseconds until the next heartbeat.
    pub heartbeat_interval_ms: i32,
    /// Partitions to read; null if unchanged.
    #[field(nullable = ..)]
    pub assignment: Option<Assignment>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of the member.
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
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
