use bytes::Bytes;

use super::{BatchHeader, RecordError, TimestampType, compression, legacy, varint};

/// A header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header<'a> {
    /// Name; need not be unique in its record.
    pub key: &'a str,
    /// Value; may be null.
    pub value: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    /// A header with a value.
    #[must_use]
    pub fn new<V: AsRef<[u8]> + ?Sized>(key: &'a str, value: &'a V) -> Self {
        Self {
            key,
            value: Some(value.as_ref()),
        }
    }
}

/// Reads the records of one batch, one at a time and without allocating.
///
/// It owns the bytes the records are read from: a slice of the frame the batch came in, or the
/// decompressed data. A record borrows from the cursor; [`RecordView::value_bytes`] and its like keep a
/// part of it alive without copying, and with it the whole buffer.
///
/// After an error there are no more records. Once the last record announced has been read, bytes left
/// over are an error too.
#[derive(Debug)]
pub struct RecordCursor {
    data: Bytes,
    /// Whether `data` came from the thread's spare buffers and may return there.
    pooled: bool,
    state: State,
}

impl RecordCursor {
    pub(super) fn new(
        header: &BatchHeader,
        data: Bytes,
        pooled: bool,
    ) -> Result<Self, RecordError> {
        let log_append_time = header.attributes.timestamp_type() == TimestampType::LogAppendTime;
        let count = header.record_count as u32;
        let cursor = Self {
            state: State {
                position: 0,
                remaining: count,
                messages: 0,
                count,
                done: false,
                base_offset: header.base_offset,
                last_offset_delta: header.last_offset_delta,
                base_timestamp: header.base_timestamp,
                append_timestamp: log_append_time.then_some(header.max_timestamp),
            },
            data,
            pooled,
        };
        // So that `remaining` is never more than the bytes can hold.
        if cursor.data.len() / RECORD_LEN_MIN < count as usize {
            return Err(cursor.state.count_mismatch(&cursor.data));
        }
        Ok(cursor)
    }

    /// `data` is the messages of `set` and nothing else.
    pub(super) fn legacy(data: Bytes, set: &legacy::Set, pooled: bool) -> Self {
        Self {
            state: State {
                position: 0,
                remaining: 0,
                messages: set.count,
                count: set.count,
                done: false,
                base_offset: set.base_offset,
                last_offset_delta: 0,
                base_timestamp: 0,
                append_timestamp: set.append_timestamp,
            },
            data,
            pooled,
        }
    }

    /// The next record; `None` after the last one.
    ///
    /// # Errors
    ///
    /// [`RecordError::BadVarint`], [`RecordError::BadLength`], [`RecordError::BadOffsetDelta`] or
    /// [`RecordError::CountMismatch`] for data that is not the records the header announced.
    #[inline]
    pub fn next_record(&mut self) -> Option<Result<RecordView<'_>, RecordError>> {
        self.state.next(&self.data)
    }

    /// Number of records not read yet, according to the header; never more than the bytes can hold.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.state.left()
    }

    /// Passes over the records before `offset`, decoding no more than their offsets. Damage is left for
    /// [`next_record`](Self::next_record) to report.
    pub fn skip_to(&mut self, offset: i64) {
        while self.state.skip_before(&self.data, offset) {}
    }

    /// The records not read yet, as an iterator that leaves the cursor where it is.
    #[must_use]
    pub fn iter(&self) -> Records<'_> {
        Records {
            data: &self.data,
            state: self.state,
        }
    }

    /// The bytes that the records are read from, without the batch header.
    #[must_use]
    pub fn data(&self) -> &Bytes {
        &self.data
    }
}

impl Drop for RecordCursor {
    fn drop(&mut self) {
        if self.pooled
            && let Ok(buffer) = std::mem::take(&mut self.data).try_into_mut()
        {
            compression::give_buffer(buffer);
        }
    }
}

impl<'a> IntoIterator for &'a RecordCursor {
    type Item = Result<RecordView<'a>, RecordError>;
    type IntoIter = Records<'a>;

    fn into_iter(self) -> Records<'a> {
        self.iter()
    }
}

/// Iterator over the records of a [`RecordCursor`], with the same errors.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    data: &'a Bytes,
    state: State,
}

impl Records<'_> {
    /// Where the next record starts in the data.
    pub(super) fn position(&self) -> usize {
        self.state.position
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<RecordView<'a>, RecordError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.state.next(self.data)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An error may come first, or instead of the end.
        (0, Some(self.state.left() + 1))
    }
}

impl std::iter::FusedIterator for Records<'_> {}

/// A record, borrowed from the data of its batch.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    /// Offset in the partition.
    pub offset: i64,
    /// Milliseconds since the epoch, -1 for none. See [`TimestampType`] for who set it.
    pub timestamp: i64,
    /// Key; may be null.
    pub key: Option<&'a [u8]>,
    /// Value; null in a tombstone.
    pub value: Option<&'a [u8]>,
    /// Headers, decoded when they are iterated.
    pub headers: HeadersView<'a>,
    data: &'a Bytes,
}

impl RecordView<'_> {
    /// The key as owned bytes that share the batch's buffer.
    #[must_use]
    pub fn key_bytes(&self) -> Option<Bytes> {
        self.key.map(|key| self.data.slice_ref(key))
    }

    /// The value as owned bytes that share the batch's buffer.
    #[must_use]
    pub fn value_bytes(&self) -> Option<Bytes> {
        self.value.map(|value| self.data.slice_ref(value))
    }

    /// Any part of this record, such as the value of a header, as owned bytes that share the batch's
    /// buffer.
    ///
    /// # Panics
    ///
    /// When `part` is not a slice of the buffer that the record was read from.
    #[must_use]
    pub fn share(&self, part: &[u8]) -> Bytes {
        self.data.slice_ref(part)
    }
}

/// The headers of a record, in order.
///
/// They are decoded while they are iterated, so damage in them shows only then.
#[derive(Clone, Copy, Debug)]
pub struct HeadersView<'a> {
    block: &'a [u8],
    count: u32,
    record: u32,
}

impl<'a> HeadersView<'a> {
    /// Headers kept apart from their record: `count` of them in `block`, as [`block`](Self::block)
    /// gave it. Errors of the iteration then name record 0.
    #[must_use]
    pub fn new(block: &'a [u8], count: u32) -> Self {
        Self {
            block,
            count,
            record: 0,
        }
    }

    /// The bytes of all headers, without their number before them. [`RecordView::share`] makes them
    /// owned.
    #[must_use]
    pub fn block(&self) -> &'a [u8] {
        self.block
    }

    /// Number of headers; never more than the bytes can hold.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The headers in order.
    #[must_use]
    pub fn iter(&self) -> Headers<'a> {
        Headers {
            rest: self.block,
            remaining: self.count,
            record: self.record,
        }
    }

    /// The last header with this key, which is the one that counts in Kafka.
    ///
    /// # Errors
    ///
    /// Those of the iteration: [`RecordError::BadVarint`], [`RecordError::BadLength`] and
    /// [`RecordError::HeaderKeyNotUtf8`].
    pub fn last(&self, key: &str) -> Result<Option<Header<'a>>, RecordError> {
        let mut found = None;
        for header in self.iter() {
            let header = header?;
            if header.key == key {
                found = Some(header);
            }
        }
        Ok(found)
    }
}

impl<'a> IntoIterator for HeadersView<'a> {
    type Item = Result<Header<'a>, RecordError>;
    type IntoIter = Headers<'a>;

    fn into_iter(self) -> Headers<'a> {
        self.iter()
    }
}

/// Iterator over the headers of a record. An error ends it.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    rest: &'a [u8],
    remaining: u32,
    record: u32,
}

impl<'a> Headers<'a> {
    fn decode(&mut self) -> Result<Header<'a>, RecordError> {
        let index = self.record;
        let key = nullable::<Fault>(&mut self.rest, "header key")
            .and_then(|key| key.ok_or(Fault::Length("header key")))
            .map_err(|fault| fault.at(index))?;
        let key = std::str::from_utf8(key).map_err(|_| RecordError::HeaderKeyNotUtf8 { index })?;
        let value =
            nullable::<Fault>(&mut self.rest, "header value").map_err(|fault| fault.at(index))?;
        if self.remaining == 1 && !self.rest.is_empty() {
            return Err(Fault::Length("headers").at(index));
        }
        Ok(Header { key, value })
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Result<Header<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining == 0 {
            return None;
        }
        let header = self.decode();
        self.remaining = if header.is_ok() {
            self.remaining - 1
        } else {
            0
        };
        Some(header)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (
            usize::from(self.remaining > 0),
            Some(self.remaining as usize),
        )
    }
}

impl std::iter::FusedIterator for Headers<'_> {}

/// Length, attributes, timestamp, offset, key, value and headers take a byte each at least.
const RECORD_LEN_MIN: usize = 7;
/// Length of the key and length of the value.
const HEADER_LEN_MIN: usize = 2;

/// Where a reader stands in the data, and what turns deltas into values.
#[derive(Clone, Copy, Debug)]
struct State {
    position: usize,
    /// Records of a batch that are left, and messages of format v0 or v1: one of the two is 0. Apart,
    /// because asking at each record which it is costs a tenth of the time that a record takes.
    remaining: u32,
    messages: u32,
    count: u32,
    /// The end has been checked, or an error has been given.
    done: bool,
    base_offset: i64,
    last_offset_delta: i32,
    base_timestamp: i64,
    append_timestamp: Option<i64>,
}

impl State {
    /// Inlined into the caller's loop: a record that a call returns is copied through memory.
    #[inline(always)]
    fn next<'a>(&mut self, data: &'a Bytes) -> Option<Result<RecordView<'a>, RecordError>> {
        if self.remaining > 0
            && let Ok(view) = self.decode::<Unnamed>(data)
        {
            return Some(Ok(view));
        }
        self.next_rare(data).transpose()
    }

    /// All that is not a good record of a batch: damage, which is decoded again to find its name, a
    /// message, or the end.
    #[cold]
    #[inline(never)]
    fn next_rare<'a>(&mut self, data: &'a Bytes) -> Result<Option<RecordView<'a>>, RecordError> {
        let decoded = if self.remaining > 0 {
            self.decode::<Fault>(data)
        } else if self.messages > 0 {
            self.decode_message(data)
        } else {
            return self.finish(data);
        };
        decoded.map(Some).map_err(|fault| self.fail(fault, data))
    }

    #[inline(always)]
    fn decode<'a, E: From<Fault>>(&mut self, data: &'a Bytes) -> Result<RecordView<'a>, E> {
        let mut rest = &data[self.position..];
        let mut body = record_body::<E>(&mut rest)?;
        let timestamp_delta = skip_to_timestamp::<E>(&mut body)?;
        let offset_delta = varint::take_i32(&mut body).ok_or(Fault::Varint)?;
        if offset_delta < 0 || offset_delta > self.last_offset_delta {
            return Err(Fault::OffsetDelta(offset_delta).into());
        }
        let key = nullable::<E>(&mut body, "key")?;
        let value = nullable::<E>(&mut body, "value")?;
        let header_count = varint::take_i32(&mut body).ok_or(Fault::Varint)?;
        let header_count = u32::try_from(header_count).map_err(|_| Fault::Length("headers"))?;
        if header_count == 0 {
            if !body.is_empty() {
                return Err(Fault::Length("record").into());
            }
        } else if body.len() / HEADER_LEN_MIN < header_count as usize {
            return Err(Fault::Length("headers").into());
        }
        let headers = HeadersView {
            block: body,
            count: header_count,
            record: self.index(),
        };
        self.position = data.len() - rest.len();
        self.remaining -= 1;
        Ok(RecordView {
            // No overflow: the cursor has checked that the last offset exists.
            offset: self.base_offset + i64::from(offset_delta),
            timestamp: match self.append_timestamp {
                Some(timestamp) => timestamp,
                None => self.base_timestamp.wrapping_add(timestamp_delta),
            },
            key,
            value,
            headers,
            data,
        })
    }

    fn decode_message<'a>(&mut self, data: &'a Bytes) -> Result<RecordView<'a>, Fault> {
        let mut rest = &data[self.position..];
        let message = legacy_message(&mut rest)?;
        let (key, value) = message.key_and_value().map_err(Fault::Length)?;
        let headers = HeadersView {
            block: &[],
            count: 0,
            record: self.index(),
        };
        self.position = data.len() - rest.len();
        self.messages -= 1;
        Ok(RecordView {
            offset: self.base_offset + message.offset,
            timestamp: match self.append_timestamp {
                // Even inside a wrapper of v1, a message of v0 has none.
                Some(timestamp) if message.magic > 0 => timestamp,
                _ => message.timestamp,
            },
            key,
            value,
            headers,
            data,
        })
    }

    /// Passes over the next record if its offset is below `offset`, and says whether it did.
    fn skip_before(&mut self, data: &Bytes, offset: i64) -> bool {
        let mut rest = &data[self.position..];
        if self.remaining == 0 {
            let before = self.messages > 0
                && legacy_message(&mut rest)
                    .is_ok_and(|message| self.base_offset + message.offset < offset);
            if before {
                self.position = data.len() - rest.len();
                self.messages -= 1;
            }
            return before;
        }
        let offset_delta = record_body::<Unnamed>(&mut rest).and_then(|mut body| {
            skip_to_timestamp::<Unnamed>(&mut body)?;
            Ok(varint::take_i32(&mut body).ok_or(Fault::Varint)?)
        });
        match offset_delta {
            Ok(delta)
                if (0..=self.last_offset_delta).contains(&delta)
                    && self.base_offset + i64::from(delta) < offset =>
            {
                self.position = data.len() - rest.len();
                self.remaining -= 1;
                true
            }
            _ => false,
        }
    }

    fn finish<T>(&mut self, data: &Bytes) -> Result<Option<T>, RecordError> {
        if !self.done && self.position != data.len() {
            self.done = true;
            return Err(self.count_mismatch(data));
        }
        self.done = true;
        Ok(None)
    }

    #[cold]
    fn fail(&mut self, fault: Fault, data: &Bytes) -> RecordError {
        let error = match fault {
            Fault::NoRecord => self.count_mismatch(data),
            Fault::OffsetDelta(delta) => RecordError::BadOffsetDelta {
                index: self.index(),
                delta,
                last: self.last_offset_delta,
            },
            fault => fault.at(self.index()),
        };
        self.remaining = 0;
        self.messages = 0;
        self.done = true;
        error
    }

    fn count_mismatch(&self, data: &Bytes) -> RecordError {
        RecordError::CountMismatch {
            declared: self.count as i32,
            bytes: data.len(),
        }
    }

    /// Index of the next record in the batch.
    #[inline]
    fn index(&self) -> u32 {
        self.count - self.remaining - self.messages
    }

    fn left(&self) -> usize {
        self.remaining as usize + self.messages as usize
    }
}

#[derive(Clone, Copy)]
enum Fault {
    NoRecord,
    Varint,
    Length(&'static str),
    OffsetDelta(i32),
}

impl Fault {
    fn at(self, index: u32) -> RecordError {
        match self {
            Self::Length(field) => RecordError::BadLength { index, field },
            _ => RecordError::BadVarint { index },
        }
    }
}

/// A fault of which nobody asks what it was: with less to carry, the way of a good record stays in
/// registers.
struct Unnamed;

impl From<Fault> for Unnamed {
    #[inline(always)]
    fn from(_: Fault) -> Self {
        Self
    }
}

/// Takes the next message off the front of `rest`, which is there: the set has been counted.
fn legacy_message<'a>(rest: &mut &'a [u8]) -> Result<legacy::Message<'a>, Fault> {
    match legacy::Message::take(rest) {
        Ok(Some(message)) => Ok(message),
        _ => Err(Fault::NoRecord),
    }
}

/// Takes the next record, without its length, off the front of `rest`.
#[inline(always)]
fn record_body<'a, E: From<Fault>>(rest: &mut &'a [u8]) -> Result<&'a [u8], E> {
    if rest.is_empty() {
        return Err(Fault::NoRecord.into());
    }
    let len = varint::take_i32(rest).ok_or(Fault::Varint)?;
    let len = usize::try_from(len).map_err(|_| Fault::Length("record"))?;
    let (body, after) = rest.split_at_checked(len).ok_or(Fault::Length("record"))?;
    *rest = after;
    Ok(body)
}

/// Passes over a record's attributes, which have no meaning yet, and takes the timestamp delta.
#[inline(always)]
fn skip_to_timestamp<E: From<Fault>>(body: &mut &[u8]) -> Result<i64, E> {
    let (_, rest) = body.split_first().ok_or(Fault::Length("record"))?;
    *body = rest;
    Ok(varint::take_i64(body).ok_or(Fault::Varint)?)
}

/// Takes a field with its length in front off the front of `rest`; a length of -1 means null.
#[inline(always)]
fn nullable<'a, E: From<Fault>>(
    rest: &mut &'a [u8],
    field: &'static str,
) -> Result<Option<&'a [u8]>, E> {
    let len = varint::take_i32(rest).ok_or(Fault::Varint)?;
    let Ok(len) = usize::try_from(len) else {
        return if len == -1 {
            Ok(None)
        } else {
            Err(Fault::Length(field).into())
        };
    };
    let (bytes, after) = rest.split_at_checked(len).ok_or(Fault::Length(field))?;
    *rest = after;
    Ok(Some(bytes))
}
