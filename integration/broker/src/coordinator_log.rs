//! What a coordinator must not forget: an internal topic, in which each key has its partition.
//!
//! A change is appended first. Its answer, and whatever shows the change to others, waits until the
//! high watermark has passed it. A coordinator that starts reads it all again.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::internal_topics::KeyValue;
use kafka_client_protocol::records::{BatchBuilder, Batches, RecordError, Seal};

use crate::config::settings::Settings;
use crate::env::Env;
use crate::kept::Kept;
use crate::partition::{Partition, Standing, Until};
use crate::refusal::Refusal;
use crate::topics::{Topic, Topics};
use crate::validate::ValidBatch;

/// What one read takes in at most, when a coordinator loads.
const LOAD_BYTES: usize = 4 << 20;
/// The most that a batch may decompress to.
const DECOMPRESSED_MAX: usize = 256 << 20;

/// The log of one coordinator.
#[derive(Debug)]
pub(crate) struct CoordinatorLog {
    name: &'static str,
    /// Of a topic that is yet to be made.
    partitions: i32,
    topics: Arc<Topics>,
    settings: Arc<Kept<Settings>>,
    env: Arc<Env>,
}

/// Where a change was written.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    partition: Arc<Partition>,
    /// The offset after it.
    end_offset: i64,
}

impl CoordinatorLog {
    pub(crate) fn new(
        name: &'static str,
        partitions: i32,
        topics: Arc<Topics>,
        settings: Arc<Kept<Settings>>,
        env: Arc<Env>,
    ) -> Self {
        Self {
            name,
            partitions,
            topics,
            settings,
            env,
        }
    }

    /// The topic, if it was made.
    pub(crate) fn topic_if_there(&self) -> Option<Arc<Topic>> {
        self.topics.named(self.name)
    }

    /// The topic, made at its first use, as in Kafka.
    pub(crate) fn topic(&self) -> Result<Arc<Topic>, Refusal> {
        if let Some(topic) = self.topic_if_there() {
            return Ok(topic);
        }
        let configs = [
            ("cleanup.policy", "compact"),
            ("compression.type", "producer"),
            ("segment.bytes", "104857600"),
        ];
        let overrides: BTreeMap<_, _> = configs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        self.topics.get_or_create(
            self.name,
            self.partitions,
            overrides,
            self.settings.get().config(),
            &self.env,
        )
    }

    /// Appends records of a key in one batch.
    ///
    /// # Errors
    /// What a coordinator tells those who asked for the change.
    pub(crate) fn append(&self, key: &str, records: &[KeyValue]) -> Result<Written, ErrorCode> {
        self.try_append(key, records).map_err(|refusal| {
            let topic = self.name;
            tracing::error!(topic, key, error = %refusal.message, "a change was not stored");
            told(refusal.code)
        })
    }

    fn try_append(&self, key: &str, records: &[KeyValue]) -> Result<Written, Refusal> {
        let topic = self.topic()?;
        let unusable = |error: String| Refusal::new(ErrorCode::UNKNOWN_SERVER_ERROR, error);
        let index = partition_of(key, topic.partitions.len());
        let partition = topic
            .partition(index)
            .ok_or_else(|| unusable(format!("{} has no partition {index}", self.name)))?;
        let now_ms = self.env.wall_ms();
        let mut batch = BatchBuilder::new(BytesMut::new());
        for (key, value) in records {
            batch
                .append(now_ms, Some(key), value.as_deref(), &[])
                .map_err(|error| unusable(error.to_string()))?;
        }
        let sealed = batch
            .seal(&Seal::default())
            .map_err(|error| unusable(error.to_string()))?;
        let valid = ValidBatch {
            bytes: sealed.bytes,
            head: sealed.header,
        };
        let (appended, ends) = partition.append(&valid, now_ms)?;
        if appended.is_awaited {
            partition.force_apart();
        }
        Ok(Written {
            partition: Arc::clone(partition),
            end_offset: ends.end_offset,
        })
    }

    /// Reads all records of a partition: their offsets, keys and values.
    pub(crate) fn read(
        &self,
        partition: &Partition,
        mut each: impl FnMut(i64, Bytes, Option<Bytes>),
    ) -> Result<(), Refusal> {
        let ends = partition.ends();
        let mut offset = ends.start_offset;
        while offset < ends.end_offset {
            let fetched = partition.read(offset, LOAD_BYTES, true)?;
            let before = offset;
            let damaged = |error: RecordError| {
                let text = format!("{} at offset {before}: {error}", self.name);
                Refusal::new(ErrorCode::CORRUPT_MESSAGE, text)
            };
            for batch in Batches::new(fetched) {
                let batch = batch.map_err(damaged)?;
                let mut records = batch.records(DECOMPRESSED_MAX).map_err(damaged)?;
                while let Some(record) = records.next_record() {
                    let record = record.map_err(damaged)?;
                    if let Some(key) = record.key_bytes() {
                        each(record.offset, key, record.value_bytes());
                    }
                }
                offset = batch.header().next_offset();
            }
            if offset == before {
                break;
            }
        }
        Ok(())
    }
}

impl Written {
    /// Waits until the high watermark has passed the change.
    ///
    /// # Errors
    /// What clients are told when it will not, because the disk has failed.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn committed(&self) -> Result<(), ErrorCode> {
        match self
            .partition
            .decided(self.end_offset, Until::Committed)
            .await
        {
            Standing::There | Standing::Pending => Ok(()),
            Standing::Failed => Err(told(ErrorCode::KAFKA_STORAGE_ERROR)),
        }
    }
}

/// What clients of a coordinator are told instead of what its log says: they know nothing of the log.
fn told(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::NOT_ENOUGH_REPLICAS
        | ErrorCode::REQUEST_TIMED_OUT => ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::KAFKA_STORAGE_ERROR => {
            ErrorCode::NOT_COORDINATOR
        }
        ErrorCode::MESSAGE_TOO_LARGE | ErrorCode::RECORD_LIST_TOO_LARGE => {
            ErrorCode::UNKNOWN_SERVER_ERROR
        }
        error => error,
    }
}

/// The partition of a key among so many: where Java puts it.
pub(crate) fn partition_of(key: &str, partitions: usize) -> i32 {
    let count = i32::try_from(partitions).unwrap_or(i32::MAX);
    (java_hash(key) & i32::MAX) % count.max(1)
}

/// `String.hashCode()` of Java.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_where_java_puts_them() {
        // Printed by Java's `String.hashCode()`.
        for (text, hash) in [
            ("", 0),
            ("a", 97),
            ("hello", 99_162_322),
            ("console-consumer", -648_006_740),
            ("grüße 😀", 347_379_084),
        ] {
            assert_eq!(java_hash(text), hash, "{text}");
        }
    }
}
