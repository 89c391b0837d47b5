//! `__transaction_state`: what transaction coordinators keep of each transactional id.
//!
//! An id's records are all in one partition: the absolute value of its hash, as Java's
//! `String.hashCode`, modulo the number of partitions. That partition's leader is its coordinator.

use bytes::Bytes;
use kafka_client_derive::Message;

use super::{KEY_VERSION, KeyValue, UnknownRecord, Versioned, join, split};
use crate::error::{DecodeError, EncodeError};
use crate::message::Message;
use crate::types::{StrBytes, TaggedFields};

internal_topic! {
    /// A record of `__transaction_state`.
    TransactionStateRecord {
        /// A transactional id with its state.
        0 TransactionLog(TransactionLogKey, TransactionLogValue),
    }
}

/// Which transactional id it is.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=0)]
pub struct TransactionLogKey {
    /// The `transactional.id`.
    pub transactional_id: StrBytes,
}

/// The state of a transactional id. Version 1 is written with the feature `transaction.version` 1
/// and above, and alone has tagged fields. Taken back when the id expires.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(versions = 0..=1, flexible = 1)]
pub struct TransactionLogValue {
    /// The producer id in use.
    pub producer_id: i64,
    /// The producer id of the last transaction, if ending it brought another one; -1 if not
    /// (KIP-890).
    #[field(versions = 1.., tag = 0, default = -1)]
    pub previous_producer_id: i64,
    /// The producer id that the producer has got for its next transaction while this one is still
    /// being ended, -1 if none (KIP-890).
    #[field(versions = 1.., tag = 1, default = -1)]
    pub next_producer_id: i64,
    /// The epoch that goes with the producer id; lower ones are fenced.
    pub producer_epoch: i16,
    /// The epoch that goes with the next producer id, -1 if none (KIP-939).
    #[field(versions = 1.., tag = 3, default = -1)]
    pub next_producer_epoch: i16,
    /// How long a transaction may be open before the coordinator aborts it, in milliseconds.
    pub transaction_timeout_ms: i32,
    /// 0 empty, 1 ongoing, 2 prepare commit, 3 prepare abort, 4 complete commit, 5 complete abort,
    /// 6 dead, 7 prepare epoch fence.
    pub transaction_status: i8,
    /// The partitions in the transaction, by topic. Null in status 0.
    #[field(nullable = .., default = Some(Default::default()))]
    pub transaction_partitions: Option<Vec<PartitionsSchema>>,
    /// When the state last changed, in milliseconds since the epoch.
    pub transaction_last_update_timestamp_ms: i64,
    /// When the transaction began, in milliseconds since the epoch; -1 if none has.
    pub transaction_start_timestamp_ms: i64,
    /// The protocol that the producer's transactions follow: 0 and 1 as before KIP-890, 2 with its
    /// epoch for each transaction.
    #[field(versions = 1.., tag = 2)]
    pub client_transaction_version: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PartitionsSchema {
    /// Name of the topic.
    pub topic: StrBytes,
    /// Numbers of the partitions.
    pub partition_ids: Vec<i32>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
