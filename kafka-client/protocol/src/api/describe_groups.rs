//! DescribeGroups (15): state and members of classic groups, for administration.
//!
//! Admin methods `describeClassicGroups` and, where
//! [`consumer_group_describe`](crate::api::consumer_group_describe) finds that a group is classic,
//! `describeConsumerGroups`. Goes to the groups' coordinator. Since Kafka 0.9.
//!
//! Versions: 1 adds the throttle time; since 2, the broker answers before it throttles (KIP-219); 3
//! tells what the caller may do (KIP-430, Kafka 2.3); 4 names static members (KIP-345, Kafka 2.4);
//! 5 is flexible (KIP-482); 6 has an error for groups that there are not (KIP-1043, Kafka 4.0),
//! which older versions show in state `Dead`.

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Groups to describe, all of one coordinator. Each succeeds or fails on its own.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 15, versions = 0..=6, flexible = 5, response = DescribeGroupsResponse)]
pub struct DescribeGroupsRequest {
    /// Ids of the groups.
    pub groups: Vec<StrBytes>,
    /// Whether to tell what the caller may do with each group (KIP-430).
    #[field(versions = 3..)]
    pub include_authorized_operations: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The groups with their members. NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE and
/// COORDINATOR_LOAD_IN_PROGRESS are to be retried, with the coordinator looked up again but for the
/// last; GROUP_ID_NOT_FOUND says that there is no such classic group (KIP-1043).
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
    /// What is wrong in words, null for no error (KIP-1043).
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
    /// Bits of the operations that the caller may do, `i32::MIN` if not asked for (KIP-430).
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
