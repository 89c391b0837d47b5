use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
pub use kafka_client_protocol::records::TimestampType;
use kafka_client_protocol::records::{RecordError, RecordView};

use super::headers::block_of;
use super::{DecodeError, Header, HeadersRef, KafkaRecord};

/// What the records of one fetch share: where they are from, and their bytes.
pub(crate) struct Origin {
    topic: Arc<str>,
    partition: i32,
    data: Bytes,
}

impl Origin {
    pub(crate) fn new(topic: Arc<str>, partition: i32, data: Bytes) -> Arc<Self> {
        Arc::new(Self {
            topic,
            partition,
            data,
        })
    }
}

/// A part of an [`Origin`]'s data.
#[derive(Debug, Clone, Copy)]
struct Part {
    at: u32,
    len: u32,
}

impl Part {
    const EMPTY: Self = Self { at: 0, len: 0 };
    /// Kafka's null. No frame is so long.
    const NULL: Self = Self {
        at: 0,
        len: u32::MAX,
    };

    /// Where `part`, which is a slice of `data`, lies in it.
    #[inline(always)]
    fn of(part: &[u8], data: &[u8]) -> Self {
        let at = (part.as_ptr() as usize).wrapping_sub(data.as_ptr() as usize);
        debug_assert!(at + part.len() <= data.len(), "a part of other data");
        Self {
            at: at as u32,
            len: part.len() as u32,
        }
    }

    #[inline(always)]
    fn of_nullable(part: Option<&[u8]>, data: &[u8]) -> Self {
        part.map_or(Self::NULL, |part| Self::of(part, data))
    }

    #[inline]
    fn range(self) -> Option<Range<usize>> {
        let range = self.at as usize..self.at as usize + self.len as usize;
        (self.len != u32::MAX).then_some(range)
    }
}

/// A record as the consumer hands it out: owned, and its bytes are a view into the received frame.
///
/// Keeping one keeps the frame it came in (`fetch.max.bytes` at most) in memory: what is to live long is
/// [`detached`](ConsumerRecord::detached).
#[derive(Clone)]
pub struct ConsumerRecord {
    // One reference count, and 64 bytes: records are moved several times on their way.
    origin: Arc<Origin>,
    offset: i64,
    /// Milliseconds since the Unix epoch, -1 is none.
    timestamp: i64,
    key: Part,
    value: Part,
    /// As in the record, without their number before them. Verified when constructed.
    headers: Part,
    header_count: u32,
    /// -1 is none.
    leader_epoch: i32,
    timestamp_type: TimestampType,
}

impl ConsumerRecord {
    /// A record at that place with nothing in it: null key, null value, no headers, no timestamp.
    ///
    /// The consumer makes them for you; this is for tests of code that handles them.
    #[must_use]
    pub fn new(topic: impl Into<Arc<str>>, partition: i32, offset: i64) -> Self {
        Self {
            origin: Origin::new(topic.into(), partition, Bytes::new()),
            offset,
            timestamp: -1,
            key: Part::NULL,
            value: Part::NULL,
            headers: Part::EMPTY,
            header_count: 0,
            leader_epoch: -1,
            timestamp_type: TimestampType::default(),
        }
    }

    /// The record that `view` shows, which lies in the data of `origin`, and whose headers were verified;
    /// `leader_epoch` is -1 if unknown.
    // Inlined by force, and infallible, so that it is made where it goes: to move a record that was just
    // written, in parts, costs as much as to decode it.
    #[inline(always)]
    pub(crate) fn from_view(
        origin: &Arc<Origin>,
        leader_epoch: i32,
        timestamp_type: TimestampType,
        view: &RecordView<'_>,
    ) -> Self {
        Self {
            offset: view.offset,
            timestamp: view.timestamp,
            key: Part::of_nullable(view.key, &origin.data),
            value: Part::of_nullable(view.value, &origin.data),
            headers: match view.headers.is_empty() {
                true => Part::EMPTY,
                false => Part::of(view.headers.block(), &origin.data),
            },
            header_count: view.headers.len() as u32,
            leader_epoch,
            timestamp_type,
            origin: origin.clone(),
        }
    }

    /// The same record in memory of its own, so that it no longer keeps the frame it came in.
    #[must_use]
    pub fn detached(&self) -> Self {
        self.with_parts(self.key(), self.value(), self.header_block())
    }

    /// The same record with these bytes, in memory of its own.
    fn with_parts(&self, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[u8]) -> Self {
        let mut data = Vec::new();
        let mut put = |part: Option<&[u8]>| {
            let Some(bytes) = part else {
                return Part::NULL;
            };
            let at = data.len() as u32;
            data.extend_from_slice(bytes);
            assert!(data.len() < u32::MAX as usize, "a record of 4 GiB");
            let len = bytes.len() as u32;
            Part { at, len }
        };
        let (key, value, headers) = (put(key), put(value), put(Some(headers)));
        let Origin {
            topic, partition, ..
        } = &*self.origin;
        Self {
            origin: Origin::new(topic.clone(), *partition, data.into()),
            key,
            value,
            headers,
            ..self.clone()
        }
    }

    /// Sets the key. Defaults to null.
    ///
    /// # Panics
    /// When the record is 4 GiB long then.
    #[must_use]
    pub fn with_key(self, key: impl AsRef<[u8]>) -> Self {
        self.with_parts(Some(key.as_ref()), self.value(), self.header_block())
    }

    /// Sets the value. Defaults to null.
    ///
    /// # Panics
    /// When the record is 4 GiB long then.
    #[must_use]
    pub fn with_value(self, value: impl AsRef<[u8]>) -> Self {
        self.with_parts(self.key(), Some(value.as_ref()), self.header_block())
    }

    /// Sets all headers. Defaults to none.
    ///
    /// # Panics
    /// When the record is 4 GiB long then.
    #[must_use]
    pub fn with_headers<'a>(self, headers: impl IntoIterator<Item = Header<'a>>) -> Self {
        let (block, count) = block_of(headers);
        let mut record = self.with_parts(self.key(), self.value(), &block);
        record.header_count = count;
        record
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
        self.leader_epoch = epoch;
        self
    }

    /// The topic it was read from.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.origin.topic
    }

    /// The topic it was read from, to be kept without a copy.
    pub(crate) fn shared_topic(&self) -> &Arc<str> {
        &self.origin.topic
    }

    /// The partition it was read from.
    #[must_use]
    pub fn partition(&self) -> i32 {
        self.origin.partition
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
        (self.leader_epoch >= 0).then_some(self.leader_epoch)
    }

    /// The key; `None` is Kafka's null.
    #[must_use]
    #[inline]
    pub fn key(&self) -> Option<&[u8]> {
        Some(&self.origin.data[self.key.range()?])
    }

    /// The value; `None` is Kafka's null, in a compacted topic a tombstone.
    #[must_use]
    #[inline]
    pub fn value(&self) -> Option<&[u8]> {
        Some(&self.origin.data[self.value.range()?])
    }

    /// The key as [`Bytes`] that share the record's memory.
    #[must_use]
    pub fn key_bytes(&self) -> Option<Bytes> {
        Some(self.origin.data.slice(self.key.range()?))
    }

    /// The value as [`Bytes`] that share the record's memory.
    #[must_use]
    pub fn value_bytes(&self) -> Option<Bytes> {
        Some(self.origin.data.slice(self.value.range()?))
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> HeadersRef<'_> {
        HeadersRef::verified(self.header_block(), self.header_count)
    }

    fn header_block(&self) -> &[u8] {
        let range = self.headers.range().unwrap_or_default();
        &self.origin.data[range]
    }

    /// A borrowed view.
    #[must_use]
    pub fn as_ref(&self) -> RecordRef<'_> {
        RecordRef {
            topic: self.topic(),
            partition: self.partition(),
            offset: self.offset,
            timestamp: self.timestamp,
            key: self.key(),
            value: self.value(),
            headers: self.headers(),
            type_header: None,
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

/// Equal in all that can be read of them, wherever their bytes lie.
impl PartialEq for ConsumerRecord {
    fn eq(&self, other: &Self) -> bool {
        let place = |record: &Self| (record.partition(), record.offset);
        let stamp = |record: &Self| (record.timestamp, record.timestamp_type, record.leader_epoch);
        self.topic() == other.topic()
            && place(self) == place(other)
            && stamp(self) == stamp(other)
            && (self.key(), self.value()) == (other.key(), other.value())
            && self.headers().iter().eq(other.headers().iter())
    }
}

impl Eq for ConsumerRecord {}

impl fmt::Debug for ConsumerRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerRecord")
            .field(
                "at",
                &format_args!("{}-{}@{}", self.topic(), self.partition(), self.offset),
            )
            .field("timestamp", &self.timestamp_ms())
            .field("timestamp_type", &self.timestamp_type)
            .field("leader_epoch", &self.leader_epoch())
            .field("key", &self.key_bytes())
            .field("value", &self.value_bytes())
            .field("headers", &self.headers())
            .finish()
    }
}

/// A borrowed view of a record: what [`KafkaRecord::decode`] reads from.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RecordRef<'a> {
    /// The topic it was read from.
    pub topic: &'a str,
    /// The partition it was read from; -1 if that is not known.
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
    /// The header by which an enum of records has told the type: it belongs to the enum.
    pub(super) type_header: Option<&'static str>,
}

impl<'a> RecordRef<'a> {
    /// The record that `view` shows, for decoding without making it owned first.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if its headers are damaged; the rest has been checked by the cursor.
    #[inline(always)]
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
            type_header: None,
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
    use super::super::headers::verify;
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
        let data = cursor.data().clone();
        let frame = data.as_ptr_range();
        let by = TimestampType::LogAppendTime;
        let view = cursor.next_record().unwrap().unwrap();
        let origin = Origin::new("t".into(), 3, data);
        let record = ConsumerRecord::from_view(&origin, 7, by, &view);
        let wanted = ConsumerRecord::new("t", 3, 40)
            .with_key("k")
            .with_value("v")
            .with_headers(headers)
            .with_timestamp_ms(5, by)
            .with_leader_epoch(7);
        assert_eq!(record, wanted);
        assert!(frame.contains(&record.value().unwrap().as_ptr()));
        assert!(frame.contains(&record.headers().iter().next().unwrap().0.as_ptr()));
        let borrowed = RecordRef::from_view("t", 3, &view).unwrap();
        assert_eq!(format!("{borrowed:?}"), format!("{:?}", record.as_ref()));

        let view = cursor.next_record().unwrap().unwrap();
        let record = ConsumerRecord::from_view(&origin, -1, by, &view);
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
        assert_eq!(verify(view.headers).unwrap_err(), damage);
        assert_eq!(RecordRef::from_view("t", 3, &view).unwrap_err(), damage);
    }

    #[test]
    fn the_view_shows_the_same() {
        let record = ConsumerRecord::new("t", 3, 42)
            .with_key("k")
            .with_value("v")
            .with_headers([Header::new("h", "1")])
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
