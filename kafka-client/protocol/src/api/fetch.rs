//! Fetch (1): record batches to consumers.
//!
//! Sent by the consumer, classic, KIP-848 or without a group; followers use it to replicate. It
//! goes to the partition leader, or to a replica near the consumer that the leader has named
//! (KIP-392). Since Kafka 0.8; versions below 4 went with 4.0 (KIP-896).
//!
//! Versions: 4 can read committed transactions only (KIP-98); 5 tells the first offset of the log
//! (KIP-107); 6 answers KAFKA_STORAGE_ERROR (KIP-112); 7 has fetch sessions (KIP-227); 8 leaves the
//! quota's pause to the client (KIP-219); 9 checks the leader epoch (KIP-320); 10 allows zstd
//! (KIP-110); 11 carries the rack (KIP-392); 12 carries the epoch of the last record and names the
//! leader (KIP-595); 13 names topics by id (KIP-516); 16 tells addresses of leaders (KIP-951). Of
//! concern to followers only: 14 (KIP-405), 15 (KIP-903), 17 (KIP-853) and 18 (KIP-1166).

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Partitions to read, with the limits of the answer. The broker fills the answer in their order,
/// so a client rotates it (KIP-74). In a session a request names only what changes (KIP-227).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 1, versions = 4..=18, flexible = 12, response = FetchResponse, view)]
pub struct FetchRequest {
    /// Id of the cluster (KIP-595).
    #[field(versions = 12.., nullable = 12.., tag = 0, ignorable)]
    pub cluster_id: Option<StrBytes>,
    /// Broker id of a follower, -1 for a consumer.
    #[field(versions = ..=14, default = -1)]
    pub replica_id: i32,
    /// The follower that fetches (KIP-903).
    #[field(versions = 15.., tag = 1)]
    pub replica_state: ReplicaState,
    /// Milliseconds to wait for `min_bytes`.
    pub max_wait_ms: i32,
    /// Bytes of records to wait for.
    pub min_bytes: i32,
    /// Most bytes of records in the answer; the first batch comes whole all the same (KIP-74).
    #[field(default = i32::MAX, ignorable)]
    pub max_bytes: i32,
    /// 0 reads all records, 1 only those of committed transactions (KIP-98).
    #[field(ignorable)]
    pub isolation_level: i8,
    /// Fetch session, 0 for none (KIP-227).
    #[field(versions = 7.., ignorable)]
    pub session_id: i32,
    /// Number of this request in its session, -1 for none (KIP-227).
    #[field(versions = 7.., default = -1, ignorable)]
    pub session_epoch: i32,
    /// The topics.
    pub topics: Vec<FetchTopic>,
    /// Partitions to take out of the session (KIP-227).
    #[field(versions = 7..)]
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// Rack of the consumer, to read from a near replica (KIP-392).
    #[field(versions = 11.., ignorable)]
    pub rack_id: StrBytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The follower that fetches.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct ReplicaState {
    /// Broker id of a follower, -1 for a consumer.
    #[field(versions = 15.., default = -1)]
    pub replica_id: i32,
    /// Epoch of the follower's registration.
    #[field(versions = 15.., default = -1)]
    pub replica_epoch: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A topic to read from.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct FetchTopic {
    /// Name of the topic.
    #[field(versions = ..=12, ignorable)]
    pub topic: StrBytes,
    /// Id of the topic (KIP-516).
    #[field(versions = 13.., ignorable)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<FetchPartition>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A partition to read from.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct FetchPartition {
    /// Number of the partition.
    pub partition: i32,
    /// Leader epoch that the client knows, -1 for none; an old one is refused (KIP-320).
    #[field(versions = 9.., default = -1, ignorable)]
    pub current_leader_epoch: i32,
    /// Offset to read from.
    pub fetch_offset: i64,
    /// Epoch of the last record read, -1 for none (KIP-595).
    #[field(versions = 12.., default = -1)]
    pub last_fetched_epoch: i32,
    /// First offset of the follower's log; -1 from consumers (KIP-107).
    #[field(versions = 5.., default = -1, ignorable)]
    pub log_start_offset: i64,
    /// Most bytes of this partition in the answer; the first batch comes whole all the same
    /// (KIP-74).
    pub partition_max_bytes: i32,
    /// Directory of the follower's replica (KIP-853).
    #[field(versions = 17.., tag = 0, ignorable)]
    pub replica_directory_id: Uuid,
    /// Offset up to which records are committed, as far as the follower knows (KIP-1166).
    #[field(versions = 18.., tag = 1, default = i64::MAX, ignorable)]
    pub high_watermark: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions that leave the session.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct ForgottenTopic {
    /// Name of the topic.
    #[field(versions = 7..=12, ignorable)]
    pub topic: StrBytes,
    /// Id of the topic (KIP-516).
    #[field(versions = 13.., ignorable)]
    pub topic_id: Uuid,
    /// Numbers of the partitions.
    #[field(versions = 7..)]
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Records by partition.
///
/// FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH and FETCH_SESSION_TOPIC_ID_ERROR: start
/// a new session with all partitions.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 1, versions = 4..=18, flexible = 12, view)]
pub struct FetchResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    #[field(ignorable)]
    pub throttle_time_ms: i32,
    /// An error code of the session, 0 for none (KIP-227).
    #[field(versions = 7.., ignorable)]
    pub error_code: i16,
    /// Fetch session, 0 for none (KIP-227).
    #[field(versions = 7..)]
    pub session_id: i32,
    /// The answers, by topic.
    pub responses: Vec<FetchableTopicResponse>,
    /// Addresses of the leaders named in this answer (KIP-951).
    #[field(versions = 16.., tag = 0)]
    pub node_endpoints: Vec<NodeEndpoint>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Records of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct FetchableTopicResponse {
    /// Name of the topic.
    #[field(versions = ..=12, ignorable)]
    pub topic: StrBytes,
    /// Id of the topic (KIP-516).
    #[field(versions = 13.., ignorable)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<PartitionData>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Records of one partition.
///
/// OFFSET_OUT_OF_RANGE: reset the position; NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH,
/// UNKNOWN_TOPIC_ID and other errors of stale metadata: find the leader; UNKNOWN_LEADER_EPOCH: the
/// broker is behind, try again.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct PartitionData {
    /// Number of the partition.
    pub partition_index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Offset up to which records are committed.
    pub high_watermark: i64,
    /// Offset below which every transaction has ended (KIP-98).
    #[field(default = -1, ignorable)]
    pub last_stable_offset: i64,
    /// First offset of the log (KIP-107).
    #[field(versions = 5.., default = -1, ignorable)]
    pub log_start_offset: i64,
    /// Where the logs part, for followers (KIP-595).
    #[field(versions = 12.., tag = 0)]
    pub diverging_epoch: EpochEndOffset,
    /// The leader, when it is not this broker (KIP-951).
    #[field(versions = 12.., tag = 1)]
    pub current_leader: LeaderIdAndEpoch,
    /// Snapshot to load instead, for followers (KIP-630).
    #[field(versions = 12.., tag = 2)]
    pub snapshot_id: SnapshotId,
    /// Aborted transactions in the range, null when not asked for (KIP-98).
    #[field(nullable = .., default = Some(Default::default()), ignorable)]
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// Broker that the consumer should read from instead, -1 for none (KIP-392).
    #[field(versions = 11.., default = -1)]
    pub preferred_read_replica: i32,
    /// Record batches, see [`crate::records`].
    #[field(nullable = ..)]
    pub records: Option<Bytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Where the requested epoch ends in the leader's log (KIP-595).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct EpochEndOffset {
    /// The leader epoch.
    #[field(versions = 12.., default = -1)]
    pub epoch: i32,
    /// End offset of the epoch.
    #[field(versions = 12.., default = -1)]
    pub end_offset: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A partition's present leader.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct LeaderIdAndEpoch {
    /// Broker id of the leader, -1 if unknown.
    #[field(versions = 12.., default = -1)]
    pub leader_id: i32,
    /// Epoch of the leader, -1 if unknown.
    #[field(versions = 12.., default = -1)]
    pub leader_epoch: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A snapshot of the metadata log (KIP-630).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct SnapshotId {
    /// End offset of the epoch.
    #[field(default = -1)]
    pub end_offset: i64,
    /// The leader epoch.
    #[field(default = -1)]
    pub epoch: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// An aborted transaction whose records overlap the answer (KIP-98).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct AbortedTransaction {
    /// The producer id.
    pub producer_id: i64,
    /// First offset of the transaction.
    pub first_offset: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Address of a broker (KIP-951).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(view)]
pub struct NodeEndpoint {
    /// Id of the broker.
    #[field(versions = 16.., key)]
    pub node_id: i32,
    /// Host name to connect to.
    #[field(versions = 16..)]
    pub host: StrBytes,
    /// Port to connect to.
    #[field(versions = 16..)]
    pub port: i32,
    /// Rack of the broker, null if it has none.
    #[field(versions = 16.., nullable = 16..)]
    pub rack: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
