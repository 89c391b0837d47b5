use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::{DecodeError, Headers, HeadersRef, KafkaRecord};

/// Who set a record's timestamp; the topic's `message.timestamp.type` decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TimestampType {
    /// The producer, when it made the record.
    #[default]
    CreateTime,
    /// The broker, when it appended the record.
    LogAppendTime,
}

/// A record as the consumer hands it out: owned, and its bytes are views into the received frame.
///
/// Keeping one keeps the frame it came in (`fetch.max.bytes` at most) in memory; copy out what is
/// to live long.
#[derive(Clone, PartialEq, Eq)]
pub struct ConsumerRecord {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// Milliseconds since the Unix epoch, -1 is none.
    pub(crate) timestamp: i64,
    pub(crate) timestamp_type: TimestampType,
    pub(crate) leader_epoch: Option<i32>,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
    pub(crate) headers: Headers,
}

impl ConsumerRecord {
    /// A record at that place with nothing in it: null key, null value, no headers, no timestamp.
    ///
    /// The consumer makes them for you; this is for tests of code that handles them.
    #[must_use]
    pub fn new(topic: impl Into<Arc<str>>, partition: i32, offset: i64) -> Self {
        Self {
            topic: topic.into(),
            partition,
            offset,
            timestamp: -1,
            timestamp_type: TimestampType::default(),
            leader_epoch: None,
            key: None,
            value: None,
            headers: Headers::default(),
        }
    }

    /// Sets the key. Defaults to null.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<Bytes>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the value. Defaults to null.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<Bytes>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Sets all headers. Defaults to none.
    #[must_use]
    pub fn with_headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the timestamp in milliseconds since the Unix epoch and who set it. Defaults to none.
    #[must_use]
    pub fn with_timestamp_ms(mut self, ms: i64, by: TimestampType) -> Self {
        self.timestamp = ms;
        self.timestamp_type = by;
        self
    }

    /// Sets the leader epoch of the batch. Defaults to none.
    #[must_use]
    pub fn with_leader_epoch(mut self, epoch: i32) -> Self {
        self.leader_epoch = Some(epoch);
        self
    }

    /// The topic it was read from.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The partition it was read from.
    #[must_use]
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// Its place in the partition.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// The timestamp in milliseconds since the Unix epoch; `None` if the record has none.
    #[must_use]
    pub fn timestamp_ms(&self) -> Option<i64> {
        (self.timestamp >= 0).then_some(self.timestamp)
    }

    /// The timestamp; `None` if the record has none.
    #[must_use]
    pub fn timestamp(&self) -> Option<SystemTime> {
        self.as_ref().timestamp()
    }

    /// Who set the timestamp.
    #[must_use]
    pub fn timestamp_type(&self) -> TimestampType {
        self.timestamp_type
    }

    /// The epoch of the leader that appended the batch; `None` if the broker did not say.
    #[must_use]
    pub fn leader_epoch(&self) -> Option<i32> {
        self.leader_epoch
    }

    /// The key; `None` is Kafka's null.
    #[must_use]
    pub fn key(&self) -> Option<&Bytes> {
        self.key.as_ref()
    }

    /// The value; `None` is Kafka's null, in a compacted topic a tombstone.
    #[must_use]
    pub fn value(&self) -> Option<&Bytes> {
        self.value.as_ref()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// A borrowed view.
    #[must_use]
    pub fn as_ref(&self) -> RecordRef<'_> {
        RecordRef {
            topic: &self.topic,
            partition: self.partition,
            offset: self.offset,
            timestamp: self.timestamp,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: self.headers.as_ref(),
        }
    }

    /// Reads the record as a type of yours.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if its bytes are not a `T`, or it is a tombstone and `T` has no place for
    /// one.
    pub fn decode<T: KafkaRecord>(&self) -> Result<T, DecodeError> {
        T::decode(&self.as_ref())
    }
}

impl fmt::Debug for ConsumerRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerRecord")
            .field(
                "at",
                &format_args!("{}-{}@{}", self.topic, self.partition, self.offset),
            )
            .field("timestamp", &self.timestamp_ms())
            .field("timestamp_type", &self.timestamp_type)
            .field("leader_epoch", &self.leader_epoch)
            .field("key", &self.key)
            .field("value", &self.value)
            .field("headers", &self.headers)
            .finish()
    }
}

/// A borrowed view of a record: what [`KafkaRecord::decode`] reads from.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RecordRef<'a> {
    /// The topic it was read from.
    pub topic: &'a str,
    /// The partition it was read from.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: i64,
    /// Milliseconds since the Unix epoch; -1 if the record has no timestamp.
    pub timestamp: i64,
    /// The key; `None` is Kafka's null.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is Kafka's null, in a compacted topic a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers.
    pub headers: HeadersRef<'a>,
}

impl RecordRef<'_> {
    /// The timestamp; `None` if the record has none.
    #[must_use]
    pub fn timestamp(&self) -> Option<SystemTime> {
        let ms = u64::try_from(self.timestamp).ok()?;
        UNIX_EPOCH.checked_add(Duration::from_millis(ms))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Header;
    use super::*;

    #[test]
    fn the_view_shows_the_same() {
        let record = ConsumerRecord::new("t", 3, 42)
            .with_key("k")
            .with_value("v")
            .with_headers(Headers::from_iter([Header::new("h", "1")]))
            .with_timestamp_ms(1_500, TimestampType::LogAppendTime)
            .with_leader_epoch(7);
        let view = record.as_ref();
        assert_eq!((view.topic, view.partition, view.offset), ("t", 3, 42));
        assert_eq!((view.key, view.value), (Some(&b"k"[..]), Some(&b"v"[..])));
        assert_eq!(view.headers.get("h"), Some(Some(&b"1"[..])));
        assert_eq!(
            view.timestamp(),
            Some(UNIX_EPOCH + Duration::from_millis(1_500))
        );
        assert_eq!(
            (record.timestamp_ms(), record.leader_epoch()),
            (Some(1_500), Some(7))
        );
        assert!(format!("{record:?}").contains("t-3@42"));
    }

    #[test]
    fn no_timestamp_is_none() {
        let record = ConsumerRecord::new("t", 0, 0);
        assert_eq!((record.timestamp(), record.timestamp_ms()), (None, None));
    }
}
