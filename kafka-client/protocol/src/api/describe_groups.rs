//! DescribeGroups (15): state and members of classic groups, for administration.

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Groups to describe.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 15, versions = 0..=6, flexible = 5, response = DescribeGroupsResponse)]
pub struct DescribeGroupsRequest {
    /// Ids of the groups.
    pub groups: Vec<StrBytes>,
    /// Whether to tell what the caller may do with each group.
    #[field(versions = 3..)]
    pub include_authorized_operations: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The groups with their members.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 15, versions = 0..=6, flexible = 5)]
pub struct DescribeGroupsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// The groups.
    pub groups: Vec<DescribedGroup>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A group with its members.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedGroup {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(versions = 6.., nullable = 6..)]
    pub error_message: Option<StrBytes>,
    /// Id of the group.
    pub group_id: StrBytes,
    /// State of the group.
    pub group_state: StrBytes,
    /// Type of the group's protocol, `consumer` for consumer groups.
    pub protocol_type: StrBytes,
    /// The protocol the group runs, such as the name of its assignor.
    pub protocol_data: StrBytes,
    /// The members.
    pub members: Vec<DescribedGroupMember>,
    /// Bits of the operations that the caller may do, `i32::MIN` if not asked for.
    #[field(versions = 3.., default = i32::MIN)]
    pub authorized_operations: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A member of a described group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedGroupMember {
    /// Id that the coordinator gave the member.
    pub member_id: StrBytes,
    /// Name of a static member (KIP-345), null for a dynamic one.
    #[field(versions = 4.., nullable = 4.., ignorable)]
    pub group_instance_id: Option<StrBytes>,
    /// Client id of the member.
    pub client_id: StrBytes,
    /// Address that the member connected from.
    pub client_host: StrBytes,
    /// The member's metadata for the chosen protocol.
    pub member_metadata: Bytes,
    /// The member's assignment, opaque to the broker.
    pub member_assignment: Bytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
