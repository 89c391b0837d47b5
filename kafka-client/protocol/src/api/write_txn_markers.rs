//! WriteTxnMarkers (27): ends transactions in partitions.
//!
//! Sent by the admin operation `abortTransaction`, for a hanging transaction that its coordinator
//! does not know any more (KIP-664); otherwise sent by transaction coordinators only. It goes to
//! the partition leader. Since KIP-98 (Kafka 0.11).
//!
//! Versions: 0 went with Kafka 4.0 (KIP-896); 2 tells the transaction version (KIP-1228).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Markers to write. It takes the right to alter the cluster, or to act as a broker.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 27, versions = 1..=2, flexible = 1, response = WriteTxnMarkersResponse)]
pub struct WriteTxnMarkersRequest {
    /// The markers, by producer.
    pub markers: Vec<WritableTxnMarker>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The end of one producer's transaction.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct WritableTxnMarker {
    /// The producer id.
    pub producer_id: i64,
    /// Epoch of the producer.
    pub producer_epoch: i16,
    /// Whether it is committed; otherwise aborted. An admin only aborts.
    pub transaction_result: bool,
    /// The topics.
    pub topics: Vec<WritableTxnMarkerTopic>,
    /// Epoch of the coordinator's transaction log partition; an admin sends the one that
    /// DescribeProducers told.
    pub coordinator_epoch: i32,
    /// 0 and 1 classic, 2 with an epoch for every transaction (KIP-1228).
    #[field(versions = 2.., ignorable)]
    pub transaction_version: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct WritableTxnMarkerTopic {
    /// Name of the topic.
    pub name: StrBytes,
    /// Numbers of the partitions.
    pub partition_indexes: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of each marker.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 27, versions = 1..=2, flexible = 1)]
pub struct WriteTxnMarkersResponse {
    /// The answers, by producer.
    pub markers: Vec<WritableTxnMarkerResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one producer's markers.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct WritableTxnMarkerResult {
    /// The producer id.
    pub producer_id: i64,
    /// The topics.
    pub topics: Vec<WritableTxnMarkerTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of the markers in one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct WritableTxnMarkerTopicResult {
    /// Name of the topic.
    pub name: StrBytes,
    /// The partitions.
    pub partitions: Vec<WritableTxnMarkerPartitionResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What became of one marker.
///
/// INVALID_PRODUCER_EPOCH: the producer has a newer epoch; TRANSACTION_COORDINATOR_FENCED: a newer
/// coordinator has written here; NOT_LEADER_OR_FOLLOWER: find the leader.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct WritableTxnMarkerPartitionResult {
    /// Number of the partition.
    pub partition_index: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
