//! AddPartitionsToTxn (24): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 24, versions = 0..=5, flexible = 3, response = AddPartitionsToTxnResponse)]
pub struct AddPartitionsToTxnRequest {
    // ABOUT List of transactions to add partitions to.
    /// TODO
    #[field(versions = 4..)]
    pub transactions: Vec<AddPartitionsToTxnTransaction>,
    // ABOUT The transactional id corresponding to the transaction.
    /// TODO
    #[field(versions = ..=3)]
    pub v3_and_below_transactional_id: StrBytes,
    // ABOUT Current producer id in use by the transactional id.
    /// TODO
    #[field(versions = ..=3)]
    pub v3_and_below_producer_id: i64,
    // ABOUT Current epoch associated with the producer id.
    /// TODO
    #[field(versions = ..=3)]
    pub v3_and_below_producer_epoch: i16,
    // ABOUT The partitions to add to the transaction.
    /// TODO
    #[field(versions = ..=3)]
    pub v3_and_below_topics: Vec<AddPartitionsToTxnTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AddPartitionsToTxnTransaction
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AddPartitionsToTxnTransaction {
    // ABOUT The transactional id corresponding to the transaction.
    /// TODO
    #[field(versions = 4.., key)]
    pub transactional_id: StrBytes,
    // ABOUT Current producer id in use by the transactional id.
    /// TODO
    #[field(versions = 4..)]
    pub producer_id: i64,
    // ABOUT Current epoch associated with the producer id.
    /// TODO
    #[field(versions = 4..)]
    pub producer_epoch: i16,
    // ABOUT Boolean to signify if we want to check if the partition is in the transaction rather than add it.
    /// TODO
    #[field(versions = 4..)]
    pub verify_only: bool,
    // ABOUT The partitions to add to the transaction.
    /// TODO
    #[field(versions = 4..)]
    pub topics: Vec<AddPartitionsToTxnTopic>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AddPartitionsToTxnTopic
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AddPartitionsToTxnTopic {
    // ABOUT The name of the topic.
    /// TODO
    #[field(key)]
    pub name: StrBytes,
    // ABOUT The partition indexes to add to the transaction.
    /// TODO
    pub partitions: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 24, versions = 0..=5, flexible = 3)]
pub struct AddPartitionsToTxnResponse {
    // ABOUT Duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The response top level error code.
    /// TODO
    #[field(versions = 4.., ignorable)]
    pub error_code: i16,
    // ABOUT Results categorized by transactional ID.
    /// TODO
    #[field(versions = 4..)]
    pub results_by_transaction: Vec<AddPartitionsToTxnResult>,
    // ABOUT The results for each topic.
    /// TODO
    #[field(versions = ..=3)]
    pub results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AddPartitionsToTxnResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AddPartitionsToTxnResult {
    // ABOUT The transactional id corresponding to the transaction.
    /// TODO
    #[field(versions = 4.., key)]
    pub transactional_id: StrBytes,
    // ABOUT The results for each topic.
    /// TODO
    #[field(versions = 4..)]
    pub topic_results: Vec<AddPartitionsToTxnTopicResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AddPartitionsToTxnTopicResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AddPartitionsToTxnTopicResult {
    // ABOUT The topic name.
    /// TODO
    #[field(key)]
    pub name: StrBytes,
    // ABOUT The results for each partition.
    /// TODO
    pub results_by_partition: Vec<AddPartitionsToTxnPartitionResult>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO AddPartitionsToTxnPartitionResult
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AddPartitionsToTxnPartitionResult {
    // ABOUT The partition indexes.
    /// TODO
    #[field(key)]
    pub partition_index: i32,
    // ABOUT The response error code.
    /// TODO
    pub partition_error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
