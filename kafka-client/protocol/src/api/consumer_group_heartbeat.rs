//! ConsumerGroupHeartbeat (68): a member of a KIP-848 group lives, says what it owns, learns what
//! it is to own.
//!
//! Sent by the KIP-848 consumer (`group.protocol=consumer`), in place of JoinGroup, SyncGroup,
//! Heartbeat and LeaveGroup: this one request joins, keeps alive, reconciles and leaves. It goes to
//! the group coordinator. Since KIP-848 (Kafka 4.0).
//!
//! Versions: 1 adds subscription by a regular expression that the broker matches (KIP-848), and
//! wants a member id that the client has made (KIP-1082).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Sent at every interval, and at once when the subscription or the owned partitions have changed.
/// Fields that are as in the heartbeat before are null or -1; the heartbeat that joins, and the one
/// after any error, carry all.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 68, versions = 0..=1, flexible = 0, response = ConsumerGroupHeartbeatResponse)]
pub struct ConsumerGroupHeartbeatRequest {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id that the member made at its start, a UUID, and keeps for life (KIP-1082). In version 0
    /// empty on joining: the coordinator gives one.
    pub member_id: StrBytes,
    /// Epoch of the member; 0 joins, -1 leaves, -2 leaves as a static member that will return.
    pub member_epoch: i32,
    /// Name of a static member (KIP-345); null for a dynamic one, or if unchanged.
    #[field(nullable = ..)]
    pub instance_id: Option<StrBytes>,
    /// Rack of the member; null for none, or if unchanged.
    #[field(nullable = ..)]
    pub rack_id: Option<StrBytes>,
    /// Milliseconds that the member may take to give up partitions (`max.poll.interval.ms`); -1 if
    /// unchanged.
    #[field(default = -1)]
    pub rebalance_timeout_ms: i32,
    /// Names of the topics subscribed to; null if unchanged.
    #[field(nullable = ..)]
    pub subscribed_topic_names: Option<Vec<StrBytes>>,
    /// Regular expression (RE2) of the topics subscribed to; null if unchanged, empty to have none
    /// any more (KIP-848).
    #[field(versions = 1.., nullable = 1..)]
    pub subscribed_topic_regex: Option<StrBytes>,
    /// Name of the assignor that the broker is to use; null for its choice, or if unchanged.
    #[field(nullable = ..)]
    pub server_assignor: Option<StrBytes>,
    /// Partitions that the member owns; null if unchanged. Sending them acknowledges an assignment.
    #[field(nullable = ..)]
    pub topic_partitions: Option<Vec<TopicPartitions>>,
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

/// The member's epoch, and its assignment when that has changed.
///
/// FENCED_MEMBER_EPOCH and UNKNOWN_MEMBER_ID: its partitions are lost, join anew with epoch 0;
/// NOT_COORDINATOR and COORDINATOR_NOT_AVAILABLE: find the coordinator;
/// COORDINATOR_LOAD_IN_PROGRESS: try again. UNRELEASED_INSTANCE_ID, UNSUPPORTED_ASSIGNOR,
/// GROUP_MAX_SIZE_REACHED and INVALID_REGULAR_EXPRESSION end the membership.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 68, versions = 0..=1, flexible = 0)]
pub struct ConsumerGroupHeartbeatResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Id of the member: its own, or in version 0 the one that the coordinator gave. Null for an
    /// error.
    #[field(nullable = ..)]
    pub member_id: Option<StrBytes>,
    /// Epoch to send from now on.
    pub member_epoch: i32,
    /// Milliseconds until the next heartbeat.
    pub heartbeat_interval_ms: i32,
    /// Partitions that the member is to own; null if unchanged.
    #[field(nullable = ..)]
    pub assignment: Option<Assignment>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions that the member may use. It gives up those it owns beyond them, and acknowledges with
/// its next heartbeat.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Assignment {
    /// The topics.
    pub topic_partitions: Vec<TopicPartitions>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
