//! LeaveGroup (13): members leave a classic group.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Members that leave.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 13, versions = 0..=5, flexible = 4, response = LeaveGroupResponse)]
pub struct LeaveGroupRequest {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Id that the coordinator gave the member.
    #[field(versions = ..=2)]
    pub member_id: StrBytes,
    /// The members.
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
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 13, versions = 0..=5, flexible = 4)]
pub struct LeaveGroupResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// The members.
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
