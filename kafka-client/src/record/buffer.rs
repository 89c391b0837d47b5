use std::fmt;
use std::mem;

use super::{EncodeError, Header, KafkaRecord, Record};

/// What one part may keep reserved from one record to the next; one rare giant must not hold its
/// memory for the life of a thread. 1 MiB is Kafka's default for `max.request.size`.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Scratch buffers that a typed record is encoded into, reused from record to record.
///
/// Once they have grown to the size of the records, encoding allocates nothing. A cleared buffer is
/// a record with null key, null value (a tombstone) and no headers.
///
/// ```
/// use kafka_client::record::RecordBuffer;
///
/// let mut buffer = RecordBuffer::new();
/// buffer.key_mut().extend_from_slice(b"o-17");
/// buffer.value_mut().extend_from_slice(b"{}");
/// buffer.push_header("tenant", "acme");
/// let bytes = buffer.with_record("orders", |record| record.key.unwrap().len());
/// assert_eq!(bytes, 4);
/// ```
#[derive(Default)]
pub struct RecordBuffer {
    key: Vec<u8>,
    has_key: bool,
    value: Vec<u8>,
    has_value: bool,
    /// The names of all headers behind one another; `headers` says where each ends.
    names: String,
    /// The values of all headers behind one another.
    values: Vec<u8>,
    headers: Vec<HeaderEnds>,
    timestamp: Option<i64>,
    partition: Option<i32>,
    /// Always empty: the memory in which [`with_record`](Self::with_record) lays out its slices.
    spare: Vec<Header<'static>>,
}

/// Where a header's name and value end; they start where those of the header before end.
struct HeaderEnds {
    name: usize,
    value: usize,
    is_null: bool,
}

impl RecordBuffer {
    /// An empty buffer; allocates nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes it a record with null key, null value and no headers; keeps the memory, up to 1 MiB
    /// for each part.
    pub fn clear(&mut self) {
        reset(&mut self.key);
        reset(&mut self.value);
        reset(&mut self.values);
        self.names.clear();
        self.names.shrink_to(KEPT_BYTES_MAX);
        self.headers.clear();
        self.headers
            .shrink_to(KEPT_BYTES_MAX / size_of::<HeaderEnds>());
        self.spare
            .shrink_to(KEPT_BYTES_MAX / size_of::<Header<'_>>());
        self.has_key = false;
        self.has_value = false;
        self.timestamp = None;
        self.partition = None;
    }

    /// Clears the buffer and encodes `record` into it.
    ///
    /// # Errors
    ///
    /// What [`KafkaRecord::encode`] returns; the buffer is clear then.
    pub fn encode<T: KafkaRecord>(&mut self, record: &T) -> Result<(), EncodeError> {
        self.clear();
        record.encode(self).inspect_err(|_| self.clear())
    }

    /// Sets the key to what `write` appends to an empty vector.
    pub fn set_key(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.key.clear();
        write(self.key_mut());
    }

    /// The key's bytes, to append to. From now on the key is not null.
    pub fn key_mut(&mut self) -> &mut Vec<u8> {
        self.has_key = true;
        &mut self.key
    }

    /// The value's bytes, to append to. From now on the value is not null.
    pub fn value_mut(&mut self) -> &mut Vec<u8> {
        self.has_value = true;
        &mut self.value
    }

    /// Whether the value is not null.
    pub(super) fn has_value(&self) -> bool {
        self.has_value
    }

    /// Makes the value null: in a compacted topic, that deletes the key.
    pub fn tombstone(&mut self) {
        self.value.clear();
        self.has_value = false;
    }

    /// Adds a header after those already there.
    pub fn push_header(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.push_header_with(name, |out| out.extend_from_slice(value.as_ref()));
    }

    /// Adds a header whose value is what `write` appends to the vector it gets. That vector holds
    /// the values of earlier headers: append only.
    pub fn push_header_with(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.values.len();
        write(&mut self.values);
        assert!(
            self.values.len() >= start,
            "the value of header `{name}` was not appended"
        );
        self.end_header(name, false);
    }

    /// Adds a header whose value is null.
    pub fn push_null_header(&mut self, name: &str) {
        self.end_header(name, true);
    }

    /// The value of the last header of that name; see [`HeadersRef::get`](super::HeadersRef::get).
    pub(super) fn last_header(&self, name: &str) -> Option<Option<&[u8]>> {
        let (mut name_start, mut value_start) = (0, 0);
        let mut last = None;
        for ends in &self.headers {
            if &self.names[name_start..ends.name] == name {
                let value = &self.values[value_start..ends.value];
                last = Some((!ends.is_null).then_some(value));
            }
            (name_start, value_start) = (ends.name, ends.value);
        }
        last
    }

    /// Sets the timestamp in milliseconds since the Unix epoch. Defaults to the time at which the
    /// producer takes the record.
    pub fn set_timestamp_ms(&mut self, ms: i64) {
        self.timestamp = Some(ms);
    }

    /// Sets the partition. Defaults to the partitioner's choice.
    pub fn set_partition(&mut self, partition: i32) {
        self.partition = Some(partition);
    }

    /// Calls `read` with the record as it is in the buffer now, addressed to `topic`.
    ///
    /// A call back and not a return value, as the list of headers lives only for the call.
    pub fn with_record<R>(&mut self, topic: &str, read: impl FnOnce(Record<'_>) -> R) -> R {
        let mut headers: Vec<Header<'_>> = recycle(mem::take(&mut self.spare));
        let (mut name_start, mut value_start) = (0, 0);
        for ends in &self.headers {
            let value = &self.values[value_start..ends.value];
            headers.push(Header {
                key: &self.names[name_start..ends.name],
                value: (!ends.is_null).then_some(value),
            });
            (name_start, value_start) = (ends.name, ends.value);
        }
        let result = read(Record {
            topic,
            partition: self.partition,
            key: self.has_key.then_some(&self.key[..]),
            value: self.has_value.then_some(&self.value[..]),
            headers: &headers,
            timestamp: self.timestamp,
        });
        self.spare = recycle(headers);
        result
    }

    fn end_header(&mut self, name: &str, is_null: bool) {
        self.names.push_str(name);
        let (name, value) = (self.names.len(), self.values.len());
        self.headers.push(HeaderEnds {
            name,
            value,
            is_null,
        });
    }
}

impl fmt::Debug for RecordBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordBuffer")
            .field("key_bytes", &self.has_key.then_some(self.key.len()))
            .field("value_bytes", &self.has_value.then_some(self.value.len()))
            .field("headers", &self.headers.len())
            .field("timestamp", &self.timestamp)
            .field("partition", &self.partition)
            .finish_non_exhaustive()
    }
}

fn reset(bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.shrink_to(KEPT_BYTES_MAX);
}

/// An empty vector in the memory of `headers`, free to borrow from elsewhere.
///
/// The standard library collects in place when the element's layout stays the same; a test holds
/// it to that. Were it ever to stop, this would allocate, and nothing else would change.
fn recycle<'b>(mut headers: Vec<Header<'_>>) -> Vec<Header<'b>> {
    headers.clear();
    headers
        .into_iter()
        .map(|_| Header {
            key: "",
            value: None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &mut RecordBuffer) {
        buffer.set_key(|out| out.extend_from_slice(b"key"));
        buffer.value_mut().extend_from_slice(b"value");
        buffer.push_header("a", "1");
        buffer.push_null_header("nothing");
        buffer.push_header("", "");
        buffer.push_header_with("é", |out| out.push(9));
        buffer.set_timestamp_ms(5);
        buffer.set_partition(2);
    }

    #[test]
    fn shows_what_was_put_in() {
        let mut buffer = RecordBuffer::new();
        fill(&mut buffer);
        buffer.with_record("t", |record| {
            let headers = [
                Header::new("a", "1"),
                Header {
                    key: "nothing",
                    value: None,
                },
                Header::new("", ""),
                Header::new("é", &[9u8]),
            ];
            let wanted = Record::to("t")
                .key("key")
                .value("value")
                .partition(2)
                .timestamp_ms(5);
            assert_eq!(record, wanted.headers(&headers));
        });
        assert_eq!(buffer.last_header("é"), Some(Some(&[9u8][..])));
        assert_eq!(buffer.last_header("nothing"), Some(None));
        assert_eq!(buffer.last_header("no"), None);
        buffer.push_header("a", "2");
        assert_eq!(buffer.last_header("a"), Some(Some(&b"2"[..])));
    }

    #[test]
    fn clear_leaves_nothing_behind() {
        let mut buffer = RecordBuffer::new();
        fill(&mut buffer);
        buffer.clear();
        buffer.with_record("t", |record| assert_eq!(record, Record::to("t")));
        buffer.key_mut();
        buffer.with_record("t", |record| assert_eq!(record, Record::to("t").key("")));
    }

    #[test]
    fn set_key_replaces_and_tombstone_removes() {
        let mut buffer = RecordBuffer::new();
        fill(&mut buffer);
        buffer.set_key(|out| out.push(b'2'));
        buffer.tombstone();
        buffer.with_record("t", |record| {
            assert_eq!((record.key, record.value), (Some(&b"2"[..]), None));
        });
    }

    #[test]
    fn a_warm_buffer_keeps_its_memory() {
        let mut buffer = RecordBuffer::new();
        let place = |buffer: &mut RecordBuffer| {
            buffer.clear();
            fill(buffer);
            buffer.with_record("t", |record| {
                (
                    record.headers.as_ptr() as usize,
                    record.value.unwrap().as_ptr() as usize,
                )
            })
        };
        let first = place(&mut buffer);
        assert_eq!(buffer.spare.capacity(), 4, "the list of headers is kept");
        for _ in 0..100 {
            assert_eq!(place(&mut buffer), first);
        }
    }

    #[test]
    fn a_giant_does_not_keep_its_memory() {
        let mut buffer = RecordBuffer::new();
        buffer.value_mut().resize(KEPT_BYTES_MAX * 8, 0);
        buffer.clear();
        assert!(buffer.value.capacity() <= KEPT_BYTES_MAX);
    }
}
