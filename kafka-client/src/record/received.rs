use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
pub use kafka_client_protocol::records::TimestampType;
use kafka_client_protocol::records::{RecordError, RecordView};

use super::{DecodeError, Headers, HeadersRef, KafkaRecord};

/// A record as the consumer hands it out: owned, and its bytes are views into the received frame.
///
/// Keeping one keeps the frame it came in (`fetch.max.bytes` at most) in memory: what is to live long is
/// [`detached`](ConsumerRecord::detached).
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

    /// The record that `view` shows, sharing its buffer.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if its headers are damaged; the rest has been checked by the cursor.
    // Inlined by force, so that it is made where it goes: a record is large to move.
    #[inline(always)]
    pub(crate) fn from_view(
        topic: Arc<str>,
        partition: i32,
        leader_epoch: Option<i32>,
        timestamp_type: TimestampType,
        view: &RecordView<'_>,
    ) -> Result<Self, RecordError> {
        Ok(Self {
            topic,
            partition,
            offset: view.offset,
            timestamp: view.timestamp,
            timestamp_type,
            leader_epoch,
            key: view.key_bytes(),
            value: view.value_bytes(),
            headers: Headers::of(view)?,
        })
    }

    /// The same record in memory of its own, so that it no longer keeps the frame it came in.
    #[must_use]
    pub fn detached(&self) -> Self {
        let copied = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
        Self {
            key: self.key.as_ref().map(copied),
            value: self.value.as_ref().map(copied),
            headers: self.headers.detached(),
            ..self.clone()
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

impl<'a> RecordRef<'a> {
    /// The record that `view` shows, for decoding without making it owned first.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if its headers are damaged; the rest has been checked by the cursor.
    #[allow(dead_code)] // The consumer calls it.
    pub(crate) fn from_view(
        topic: &'a str,
        partition: i32,
        view: &RecordView<'a>,
    ) -> Result<Self, RecordError> {
        Ok(Self {
            topic,
            partition,
            offset: view.offset,
            timestamp: view.timestamp,
            key: view.key,
            value: view.value,
            headers: HeadersRef::of(view.headers)?,
        })
    }

    /// The timestamp; `None` if the record has none.
    #[must_use]
    pub fn timestamp(&self) -> Option<SystemTime> {
        let ms = u64::try_from(self.timestamp).ok()?;
        UNIX_EPOCH.checked_add(Duration::from_millis(ms))
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_client_protocol::records::{Batch, BatchBuilder, RecordCursor, Seal};

    use super::super::Header;
    use super::*;

    fn cursor(headers: &[Header<'_>]) -> RecordCursor {
        let mut builder = BatchBuilder::new(BytesMut::new());
        builder.append(5, Some(b"k"), Some(b"v"), headers).unwrap();
        builder.append(6, None, None, &[]).unwrap();
        let seal = Seal {
            base_offset: 40,
            ..Seal::default()
        };
        let sealed = builder.seal(&seal).unwrap();
        Batch::new(sealed.bytes).unwrap().records(0).unwrap()
    }

    #[test]
    fn views_become_records_without_a_copy() {
        let headers = [
            Header::new("h", "1"),
            Header {
                key: "n",
                value: None,
            },
        ];
        let mut cursor = cursor(&headers);
        let frame = cursor.data().as_ptr_range();
        let by = TimestampType::LogAppendTime;
        let view = cursor.next_record().unwrap().unwrap();
        let record = ConsumerRecord::from_view("t".into(), 3, Some(7), by, &view).unwrap();
        let wanted = ConsumerRecord::new("t", 3, 40)
            .with_key("k")
            .with_value("v")
            .with_headers(Headers::from_iter(headers))
            .with_timestamp_ms(5, by)
            .with_leader_epoch(7);
        assert_eq!(record, wanted);
        assert!(frame.contains(&record.value().unwrap().as_ptr()));
        assert!(frame.contains(&record.headers().iter().next().unwrap().0.as_ptr()));
        let borrowed = RecordRef::from_view("t", 3, &view).unwrap();
        assert_eq!(format!("{borrowed:?}"), format!("{:?}", record.as_ref()));

        let view = cursor.next_record().unwrap().unwrap();
        let record = ConsumerRecord::from_view("t".into(), 3, None, by, &view).unwrap();
        assert_eq!(
            record,
            ConsumerRecord::new("t", 3, 41).with_timestamp_ms(6, by)
        );
    }

    #[test]
    fn damaged_headers_are_an_error() {
        let mut builder = BatchBuilder::new(BytesMut::new());
        builder
            .append(5, None, Some(b"v"), &[Header::new("name", "")])
            .unwrap();
        let mut batch = builder.seal(&Seal::default()).unwrap().bytes.to_vec();
        let name = batch.windows(4).position(|bytes| bytes == b"name").unwrap();
        batch[name] = 0xff;
        let mut cursor = Batch::new(batch.into()).unwrap().records(0).unwrap();
        let view = cursor.next_record().unwrap().unwrap();
        let damage = RecordError::HeaderKeyNotUtf8 { index: 0 };
        let by = TimestampType::CreateTime;
        let record = ConsumerRecord::from_view("t".into(), 3, None, by, &view);
        assert_eq!(record.unwrap_err(), damage);
        assert_eq!(RecordRef::from_view("t", 3, &view).unwrap_err(), damage);
    }

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
