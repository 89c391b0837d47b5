//! LeaveGroup (13): members leave a classic group.
//!
//! Sent by the classic consumer on closing, unless it is a static member, and by the admin
//! operation `removeMembersFromConsumerGroup`. It goes to the group coordinator. Since Kafka 0.9.
//!
//! Versions: 1 tells the quota's pause (KIP-124), 2 leaves it to the client (KIP-219); 3 names
//! several members, static ones too (KIP-345); 5 carries a reason (KIP-800).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Members that leave. Their partitions are handed on at once.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 13, versions = 0..=5, flexible = 4, response = LeaveGroupResponse)]
pub struct LeaveGroupRequest {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id that the coordinator gave the member.
    #[field(versions = ..=2)]
    pub member_id: StrBytes,
    /// The members (KIP-345).
    #[field(versions = 3..)]
    pub members: Vec<MemberIdentity>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A member that leaves.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct MemberIdentity {
    /// Id that the coordinator gave the member.
    #[field(versions = 3..)]
    pub member_id: StrBytes,
    /// Name of a static member (KIP-345), null for a dynamic one.
    #[field(versions = 3.., nullable = 3..)]
    pub group_instance_id: Option<StrBytes>,
    /// Why, for the broker's log (KIP-800).
    #[field(versions = 5.., nullable = 5.., ignorable)]
    pub reason: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each member.
///
/// UNKNOWN_MEMBER_ID: it has left already; a closing client does not wait for better news.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 13, versions = 0..=5, flexible = 4)]
pub struct LeaveGroupResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// The members (KIP-345).
    #[field(versions = 3..)]
    pub members: Vec<MemberResponse>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one member.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct MemberResponse {
    /// Id that the coordinator gave the member.
    #[field(versions = 3..)]
    pub member_id: StrBytes,
    /// Name of a static member (KIP-345), null for a dynamic one.
    #[field(versions = 3.., nullable = 3.., default = Some(Default::default()))]
    pub group_instance_id: Option<StrBytes>,
    /// An error code, 0 for none.
    #[field(versions = 3..)]
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
