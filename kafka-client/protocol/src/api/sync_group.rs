//! SyncGroup (14): the leader hands out the assignment, every member receives its part.
//!
//! Sent by the classic consumer after JoinGroup, by the leader with the assignment it has computed,
//! by the others without. It goes to the group coordinator. Since Kafka 0.9.
//!
//! Versions: 1 tells the quota's pause (KIP-124), 2 leaves it to the client (KIP-219); 3 knows
//! static members (KIP-345); 5 checks the protocol's type and name (KIP-559).

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// A member's wish for its assignment; the leader's carries everybody's.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 14, versions = 0..=5, flexible = 4, response = SyncGroupResponse)]
pub struct SyncGroupRequest {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Generation of the group.
    pub generation_id: i32,
    /// Id that the coordinator gave the member.
    pub member_id: StrBytes,
    /// Name of a static member (KIP-345), null for a dynamic one.
    #[field(versions = 3.., nullable = 3..)]
    pub group_instance_id: Option<StrBytes>,
    /// Type of the group's protocol, `consumer` for consumer groups (KIP-559).
    #[field(versions = 5.., nullable = 5.., ignorable)]
    pub protocol_type: Option<StrBytes>,
    /// The assignor that the coordinator chose (KIP-559).
    #[field(versions = 5.., nullable = 5.., ignorable)]
    pub protocol_name: Option<StrBytes>,
    /// Everybody's assignment, from the leader only.
    pub assignments: Vec<SyncGroupRequestAssignment>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The assignment of one member.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct SyncGroupRequestAssignment {
    /// Id that the coordinator gave the member.
    pub member_id: StrBytes,
    /// An assignment, see [`crate::consumer_protocol`].
    pub assignment: Bytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The member's own assignment.
///
/// REBALANCE_IN_PROGRESS, ILLEGAL_GENERATION and UNKNOWN_MEMBER_ID: join again; FENCED_INSTANCE_ID:
/// another member has the static name; INCONSISTENT_GROUP_PROTOCOL: the protocol is not the one
/// that was chosen.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 14, versions = 0..=5, flexible = 4)]
pub struct SyncGroupResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Type of the group's protocol, `consumer` for consumer groups (KIP-559).
    #[field(versions = 5.., nullable = 5.., ignorable)]
    pub protocol_type: Option<StrBytes>,
    /// The assignor that the coordinator chose (KIP-559).
    #[field(versions = 5.., nullable = 5.., ignorable)]
    pub protocol_name: Option<StrBytes>,
    /// An assignment, see [`crate::consumer_protocol`].
    pub assignment: Bytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
