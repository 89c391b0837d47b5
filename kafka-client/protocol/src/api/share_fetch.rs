//! ShareFetch (78): record batches to share consumers, and their acknowledgements back.
//!
//! Sent by the share consumer. It goes to the partition leader, which hands each record to one
//! member of the group at a time and locks it meanwhile. Since KIP-932 (preview in Kafka 4.1,
//! general in 4.2).
//!
//! Versions: 0 was early access and is gone; 2 adds the acquire mode (KIP-1206) and renewal of
//! locks (KIP-1222).

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Asks for records, and acknowledges earlier ones of the same broker. A share session remembers
/// the partitions, so that a request names only those that change or are acknowledged.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 78, versions = 1..=2, flexible = 0, response = ShareFetchResponse)]
pub struct ShareFetchRequest {
    /// Id of the group.
    #[field(nullable = ..)]
    pub group_id: Option<StrBytes>,
    /// Id that the member made at its start.
    #[field(nullable = .., default = Some(Default::default()))]
    pub member_id: Option<StrBytes>,
    /// Number of this request in its share session: 0 opens one, then it counts up; -1 closes it.
    pub share_session_epoch: i32,
    /// Milliseconds to wait for `min_bytes`.
    pub max_wait_ms: i32,
    /// Bytes of records to wait for.
    pub min_bytes: i32,
    /// Most bytes of records in the answer; the first batch comes whole all the same (KIP-74).
    #[field(default = i32::MAX)]
    pub max_bytes: i32,
    /// Most records to acquire; more come when a batch is not to be cut, unless
    /// `share_acquire_mode` is 1.
    pub max_records: i32,
    /// Records that an entry of `acquired_records` should span at most, for handy acknowledgements.
    pub batch_size: i32,
    /// 0 batch-optimized: whole batches, even over `max_records`; 1 record-limit: never more than
    /// `max_records` (KIP-1206).
    #[field(versions = 2.., ignorable)]
    pub share_acquire_mode: i8,
    /// Whether some acknowledgements below are of type 4. Such a request fetches nothing: all its
    /// limits must be 0 (KIP-1222).
    #[field(versions = 2..)]
    pub is_renew_ack: bool,
    /// The topics.
    pub topics: Vec<FetchTopic>,
    /// Partitions to take out of the session.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic to read from.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchTopic {
    /// Id of the topic.
    #[field(key)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<FetchPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A partition to read from.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchPartition {
    /// Number of the partition.
    #[field(key)]
    pub partition_index: i32,
    /// Acknowledgements of earlier records, by rising offsets.
    pub acknowledgement_batches: Vec<AcknowledgementBatch>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Acknowledgements of neighbouring records.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AcknowledgementBatch {
    /// Offset of the first record.
    pub first_offset: i64,
    /// Offset of the last record, which is included.
    pub last_offset: i64,
    /// One for each offset, or a single one for all: 0 gap (no record there), 1 accept, 2 release
    /// for another delivery, 3 reject for good, 4 renew the lock (KIP-1222).
    pub acknowledge_types: Vec<i8>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions that leave the session.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ForgottenTopic {
    /// Id of the topic.
    pub topic_id: Uuid,
    /// Numbers of the partitions.
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Records by partition.
///
/// SHARE_SESSION_NOT_FOUND and INVALID_SHARE_SESSION_EPOCH: the session is lost with the
/// acknowledgements in this request, open a new one.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 78, versions = 1..=2, flexible = 0, view)]
pub struct ShareFetchResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code for the whole request, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// Milliseconds that the acquired records stay locked for the member.
    pub acquisition_lock_timeout_ms: i32,
    /// The answers, by topic.
    pub responses: Vec<ShareFetchableTopicResponse>,
    /// Addresses of the leaders named in this answer.
    pub node_endpoints: Vec<NodeEndpoint>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Records of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct ShareFetchableTopicResponse {
    /// Id of the topic.
    #[field(key)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<PartitionData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Records of one partition.
///
/// NOT_LEADER_OR_FOLLOWER: the leader has moved and the acknowledgements are lost.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct PartitionData {
    /// Number of the partition.
    pub partition_index: i32,
    /// An error code of the fetch, 0 for none.
    pub error_code: i16,
    /// What is wrong with the fetch in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// An error code of the acknowledgements, 0 for none. INVALID_RECORD_STATE: the lock is lost,
    /// the record may be delivered again.
    pub acknowledge_error_code: i16,
    /// What is wrong with the acknowledgements in words, null for no error.
    #[field(nullable = ..)]
    pub acknowledge_error_message: Option<StrBytes>,
    /// The leader, when it is not this broker.
    pub current_leader: LeaderIdAndEpoch,
    /// Record batches, see [`crate::records`]; they may hold more than was acquired.
    pub records: Bytes,
    /// Ranges of records that the member has locked: it may use only these.
    pub acquired_records: Vec<AcquiredRecords>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A partition's present leader.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct LeaderIdAndEpoch {
    /// Broker id of the leader, -1 if unknown.
    pub leader_id: i32,
    /// Epoch of the leader.
    pub leader_epoch: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Neighbouring records that the member has locked.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct AcquiredRecords {
    /// Offset of the first record.
    pub first_offset: i64,
    /// Offset of the last record, which is included.
    pub last_offset: i64,
    /// How often they have been delivered with this time, 1 for the first.
    pub delivery_count: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Address of a broker.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct NodeEndpoint {
    /// Id of the broker.
    #[field(key)]
    pub node_id: i32,
    /// Host name to connect to.
    pub host: StrBytes,
    /// Port to connect to.
    pub port: i32,
    /// Rack of the broker, null if it has none.
    #[field(nullable = ..)]
    pub rack: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
