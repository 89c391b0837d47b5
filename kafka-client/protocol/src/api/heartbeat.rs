//! Heartbeat (12): a member of a classic group says that it lives, and learns of rebalances.
//!
//! Sent by the classic consumer at an interval, in the background of its work (KIP-62). It goes to
//! the group coordinator. Since Kafka 0.9.
//!
//! Versions: 1 tells the quota's pause (KIP-124), 2 leaves it to the client (KIP-219); 3 knows
//! static members (KIP-345).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// A member lives.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 12, versions = 0..=4, flexible = 4, response = HeartbeatResponse)]
pub struct HeartbeatRequest {
    /// Id of the group.
    pub group_id: StrBytes,
    /// Generation of the group.
    pub generation_id: i32,
    /// Id that the coordinator gave the member.
    pub member_id: StrBytes,
    /// Name of a static member (KIP-345), null for a dynamic one.
    #[field(versions = 3.., nullable = 3..)]
    pub group_instance_id: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What the coordinator thinks of the member.
///
/// REBALANCE_IN_PROGRESS: join again with the same id; ILLEGAL_GENERATION and UNKNOWN_MEMBER_ID:
/// its partitions are lost, join again; FENCED_INSTANCE_ID: another member has the static name;
/// NOT_COORDINATOR and COORDINATOR_NOT_AVAILABLE: find the coordinator.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 12, versions = 0..=4, flexible = 4)]
pub struct HeartbeatResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
