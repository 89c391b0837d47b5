//! Committed offsets, and groups of the classic protocol.
//!
//! Groups of all protocols have their committed offsets here. A group record is written after each
//! rebalance of the classic protocol and holds the group as a whole.
//!
//! Versions of [`OffsetCommitValue`]: 1 adds the expiry, 2 takes it away again (KIP-211); 3 adds
//! the leader epoch (KIP-320); 4 is flexible and has the topic's id. Versions of
//! [`GroupMetadataValue`]: 1 adds the rebalance timeout (KIP-62), 2 the time of the last change
//! (KIP-211), 3 static members (KIP-345); 4 is flexible. From the flexible versions on, Kafka adds
//! tagged fields instead of versions, so that older brokers read what newer ones wrote (KIP-915).

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Whose offset it is, in a key that differs from [`OffsetCommitKey`] in nothing but its type.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct LegacyOffsetCommitKey {
    /// Id of the group.
    pub group: StrBytes,
    /// Name of the topic.
    pub topic: StrBytes,
    /// Number of the partition.
    pub partition: i32,
}

/// A committed offset in the one version that its key has.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct LegacyOffsetCommitValue {
    /// Where the group goes on: one after the last record consumed.
    pub offset: i64,
    /// What the committer wrote beside it, may be empty.
    pub metadata: StrBytes,
    /// When it was committed, in milliseconds since the epoch.
    pub commit_timestamp: i64,
}

/// Whose offset it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct OffsetCommitKey {
    /// Id of the group.
    pub group: StrBytes,
    /// Name of the topic.
    pub topic: StrBytes,
    /// Number of the partition.
    pub partition: i32,
}

/// A committed offset. Kafka 4.3 writes version 4, and version 1 where a client set a retention
/// time.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=4, flexible = 4)]
pub struct OffsetCommitValue {
    /// Where the group goes on: one after the last record consumed.
    pub offset: i64,
    /// Leader epoch of the last record consumed, -1 if unknown (KIP-320).
    #[field(versions = 3.., default = -1, ignorable)]
    pub leader_epoch: i32,
    /// What the committer wrote beside it, may be empty.
    pub metadata: StrBytes,
    /// When it was committed, in milliseconds since the epoch.
    pub commit_timestamp: i64,
    /// When it expires, in milliseconds since the epoch; -1 leaves that to the broker's setting.
    #[field(versions = 1..=1, default = -1, ignorable)]
    pub expire_timestamp: i64,
    /// Id of the topic, zero if unknown.
    #[field(versions = 4.., tag = 0, ignorable)]
    pub topic_id: Uuid,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Which group it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct GroupMetadataKey {
    /// Id of the group.
    pub group: StrBytes,
}

/// A group after its last rebalance. Kafka 4.3 writes version 3.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=4, flexible = 4)]
pub struct GroupMetadataValue {
    /// What kind of group it is, `consumer` for consumers; empty if members never joined.
    pub protocol_type: StrBytes,
    /// Number of the rebalance.
    pub generation: i32,
    /// Name of the assignor that the members agreed on, null if there are none.
    #[field(nullable = .., default = Some(Default::default()))]
    pub protocol: Option<StrBytes>,
    /// Id of the member that made the assignment, null if there is none.
    #[field(nullable = .., default = Some(Default::default()))]
    pub leader: Option<StrBytes>,
    /// When the group came to this state, in milliseconds since the epoch; -1 if unknown. Offsets
    /// of an empty group expire from then on (KIP-211).
    #[field(versions = 2.., default = -1, ignorable)]
    pub current_state_timestamp: i64,
    /// The members, none in an empty group.
    pub members: Vec<MemberMetadata>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A member of a classic group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct MemberMetadata {
    /// Id of the member.
    pub member_id: StrBytes,
    /// Its `group.instance.id` if it is a static member (KIP-345).
    #[field(versions = 3.., nullable = 3.., ignorable)]
    pub group_instance_id: Option<StrBytes>,
    /// The `client.id` it sent.
    pub client_id: StrBytes,
    /// The address it came from, as Java prints it: `/10.0.0.7`.
    pub client_host: StrBytes,
    /// How long it may take to rejoin, in milliseconds. Version 0 has none: there the session
    /// timeout stands for it (KIP-62).
    #[field(versions = 1.., default = -1, ignorable)]
    pub rebalance_timeout: i32,
    /// How long it may be silent, in milliseconds.
    pub session_timeout: i32,
    /// What it sent for the chosen assignor, see [`crate::consumer_protocol`].
    pub subscription: Bytes,
    /// What the leader assigned to it, see [`crate::consumer_protocol`].
    pub assignment: Bytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
