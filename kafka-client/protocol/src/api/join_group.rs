//! JoinGroup (11): a member enters a rebalance of the classic group protocol and waits until all
//! have.
//!
//! Sent by the classic consumer (`group.protocol=classic`), which goes on with SyncGroup. It goes
//! to the group coordinator. Since Kafka 0.9; members of the KIP-848 protocol send
//! ConsumerGroupHeartbeat instead.
//!
//! Versions: 1 has a time-out of its own for rebalances (KIP-62); 2 tells the quota's pause
//! (KIP-124), 3 leaves it to the client (KIP-219); 4 answers MEMBER_ID_REQUIRED (KIP-394); 5 knows
//! static members (KIP-345); 7 returns the protocol's type (KIP-559); 8 carries a reason (KIP-800);
//! 9 can spare a static leader the assignment (KIP-814).

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Sent by a new member, and by all when a rebalance begins. The answer comes when every member has
/// entered, or the rebalance time-out is over.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 11, versions = 0..=9, flexible = 6, response = JoinGroupResponse)]
pub struct JoinGroupRequest {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Milliseconds without a heartbeat after which the member is removed.
    pub session_timeout_ms: i32,
    /// Milliseconds the coordinator waits for the member in a rebalance, -1 for the session
    /// time-out (KIP-62).
    #[field(versions = 1.., default = -1, ignorable)]
    pub rebalance_timeout_ms: i32,
    /// Id that the coordinator gave the member.
    pub member_id: StrBytes,
    /// Name of a static member (KIP-345), null for a dynamic one.
    #[field(versions = 5.., nullable = 5..)]
    pub group_instance_id: Option<StrBytes>,
    /// Type of the group's protocol, `consumer` for consumer groups.
    pub protocol_type: StrBytes,
    /// The assignors the member knows, preferred first.
    pub protocols: Vec<JoinGroupRequestProtocol>,
    /// Why, for the broker's log (KIP-800).
    #[field(versions = 8.., nullable = 8.., ignorable)]
    pub reason: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// An assignor with the member's metadata for it.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct JoinGroupRequestProtocol {
    /// Name of the assignor.
    #[field(key)]
    pub name: StrBytes,
    /// The subscription, see [`crate::consumer_protocol`].
    pub metadata: Bytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The generation that the rebalance began.
///
/// MEMBER_ID_REQUIRED: join again with the id given; UNKNOWN_MEMBER_ID: join again with none;
/// REBALANCE_IN_PROGRESS: join again; FENCED_INSTANCE_ID: another member has the static name;
/// INCONSISTENT_GROUP_PROTOCOL: no assignor is common to all; GROUP_MAX_SIZE_REACHED: the group is
/// full (KIP-389).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 11, versions = 0..=9, flexible = 6)]
pub struct JoinGroupResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(versions = 2.., ignorable)]
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Generation of the group.
    #[field(default = -1)]
    pub generation_id: i32,
    /// Type of the group's protocol, `consumer` for consumer groups (KIP-559).
    #[field(versions = 7.., nullable = 7.., ignorable)]
    pub protocol_type: Option<StrBytes>,
    /// The assignor that the coordinator chose.
    #[field(nullable = 7.., default = Some(Default::default()))]
    pub protocol_name: Option<StrBytes>,
    /// Member id of the leader.
    pub leader: StrBytes,
    /// The leader is not to compute an assignment: the one there is stays (KIP-814).
    #[field(versions = 9..)]
    pub skip_assignment: bool,
    /// Id that the coordinator gave the member.
    pub member_id: StrBytes,
    /// All members with their metadata, for the leader only.
    pub members: Vec<JoinGroupResponseMember>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A member as the leader sees it.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct JoinGroupResponseMember {
    /// Id that the coordinator gave the member.
    pub member_id: StrBytes,
    /// Name of a static member (KIP-345), null for a dynamic one.
    #[field(versions = 5.., nullable = 5.., ignorable)]
    pub group_instance_id: Option<StrBytes>,
    /// The member's subscription.
    pub metadata: Bytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
