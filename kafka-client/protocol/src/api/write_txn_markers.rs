//! WriteTxnMarkers (27): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 27, versions = 1..=2, flexible = 1, response = WriteTxnMarkersResponse)]
pub struct WriteTxnMarkersRequest {
    // ABOUT The transaction markers to be written.
    /// TODO
    pub markers: Vec<WritableTxnMarker>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO WritableTxnMarker
#[derive(Debug, Clone, PartialEq, Message)]
pub struct WritableTxnMarker {
    // ABOUT The current producer ID.
    /// TODO
    pub producer_id: i64,
    // ABOUT The current epoch associated with the producer ID.
    /// TODO
    pub producer_epoch: i16,
    // ABOUT The result of the transaction to write to the partitions (false = ABORT, true = COMMIT).
    /// TODO
    pub transaction_result: bool,
    // ABOUT Each topic that we want to write transaction marker(s) for.
    /// TODO
    pub topics: Vec<WritableTxnMarkerTopic>,
    // ABOUT Epoch associated with the transaction state partition hosted by this transaction coordinator.
    /// TODO
    pub coordinator_epoch: i32,
    // ABOUT Transaction version of the marker. Ex: 0/1 = legacy (TV0/TV1), 2 = TV2 etc.
    /// TODO
    #[field(versions = 2.., ignorable)]
    pub transaction_version: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO WritableTxnMarkerTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct WritableTxnMarkerTopic {
    // ABOUT The topic name.
    /// TODO
    pub name: StrBytes,
    // ABOUT The indexes of the partitions to write transaction markers for.
    /// TODO
    pub partition_indexes: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 27, versions = 1..=2, flexible = 1)]
pub struct WriteTxnMarkersResponse {
    // ABOUT The results for writing makers.
    /// TODO
    pub markers: Vec<WritableTxnMarkerResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO WritableTxnMarkerResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct WritableTxnMarkerResult {
    // ABOUT The current producer ID in use by the transactional ID.
    /// TODO
    pub producer_id: i64,
    // ABOUT The results by topic.
    /// TODO
    pub topics: Vec<WritableTxnMarkerTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO WritableTxnMarkerTopicResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct WritableTxnMarkerTopicResult {
    // ABOUT The topic name.
    /// TODO
    pub name: StrBytes,
    // ABOUT The results by partition.
    /// TODO
    pub partitions: Vec<WritableTxnMarkerPartitionResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO WritableTxnMarkerPartitionResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct WritableTxnMarkerPartitionResult {
    // ABOUT The partition index.
    /// TODO
    pub partition_index: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
