use std::time::{SystemTime, UNIX_EPOCH};

use super::{Header, HeadersRef, RecordRef};

/// A record as the producer takes it: borrowed, and nothing is copied until it is encoded into its
/// batch.
///
/// ```
/// use kafka_client::record::{Header, Record};
///
/// let headers = [Header { key: "trace", value: Some(b"4bf9") }];
/// let record = Record::to("orders").key("o-17").value(b"{}").headers(&headers);
/// assert_eq!(record.key, Some(&b"o-17"[..]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The topic to write to.
    pub topic: &'a str,
    /// The partition to write to. `None` lets the partitioner choose: by the key's hash, or
    /// without a key whichever partition is being filled.
    pub partition: Option<i32>,
    /// The key. `None` is Kafka's null and differs from an empty key.
    pub key: Option<&'a [u8]>,
    /// The value. `None` is Kafka's null: in a compacted topic a tombstone, which deletes the key.
    pub value: Option<&'a [u8]>,
    /// The headers, in order; the same name may appear more than once.
    pub headers: &'a [Header<'a>],
    /// Milliseconds since the Unix epoch. `None` is the time at which the producer takes it.
    pub timestamp: Option<i64>,
}

impl<'a> Record<'a> {
    /// A record for `topic` with nothing in it yet: null key, null value, no headers.
    #[must_use]
    pub const fn to(topic: &'a str) -> Self {
        Self {
            topic,
            partition: None,
            key: None,
            value: None,
            headers: &[],
            timestamp: None,
        }
    }

    /// Sets the key. Defaults to null.
    #[must_use]
    pub fn key<K: AsRef<[u8]> + ?Sized>(mut self, key: &'a K) -> Self {
        self.key = Some(key.as_ref());
        self
    }

    /// Sets the value. Defaults to null.
    #[must_use]
    pub fn value<V: AsRef<[u8]> + ?Sized>(mut self, value: &'a V) -> Self {
        self.value = Some(value.as_ref());
        self
    }

    /// Sets all headers. Defaults to none.
    #[must_use]
    pub const fn headers(mut self, headers: &'a [Header<'a>]) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the partition. Defaults to the partitioner's choice.
    #[must_use]
    pub const fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Sets the timestamp, cut to whole milliseconds. Defaults to the time at which the producer
    /// takes the record.
    ///
    /// A time before 1970 becomes negative, which Kafka does not allow: sending such a record is
    /// an error.
    #[must_use]
    pub fn timestamp(self, at: SystemTime) -> Self {
        self.timestamp_ms(unix_ms(at))
    }

    /// Sets the timestamp in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn timestamp_ms(mut self, ms: i64) -> Self {
        self.timestamp = Some(ms);
        self
    }

    /// This record as a consumer would see it at `partition` and `offset`: for tests of what reads
    /// it, without a broker. A partition of -1 stands for one that is not known.
    #[must_use]
    pub fn as_received(&self, partition: i32, offset: i64) -> RecordRef<'a> {
        RecordRef {
            topic: self.topic,
            partition,
            offset,
            timestamp: self.timestamp.unwrap_or(-1),
            key: self.key,
            value: self.value,
            headers: HeadersRef::from(self.headers),
            type_header: None,
        }
    }
}

/// Whole milliseconds since the Unix epoch, rounded down; out of range is the nearest `i64`.
pub(super) fn unix_ms(at: SystemTime) -> i64 {
    match at.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => {
            let nanos = before.duration().as_nanos();
            i64::try_from(nanos.div_ceil(1_000_000)).map_or(i64::MIN, |ms| -ms)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn starts_as_nulls() {
        let record = Record::to("t");
        assert_eq!(
            (record.key, record.value, record.timestamp),
            (None, None, None)
        );
        assert_eq!((record.partition, record.headers), (None, &[][..]));
    }

    #[test]
    fn takes_anything_that_is_bytes() {
        let owned = String::from("k");
        let record = Record::to("t").key(&owned).value(&[1u8, 2]).partition(3);
        assert_eq!(record.key, Some(&b"k"[..]));
        assert_eq!(record.value, Some(&[1u8, 2][..]));
        assert_eq!(record.partition, Some(3));
        assert_eq!(
            Record::to("t").key("").key,
            Some(&[][..]),
            "empty is not null"
        );
    }

    #[test]
    fn times_are_cut_to_milliseconds() {
        let at = |d| Record::to("t").timestamp(UNIX_EPOCH + d).timestamp;
        assert_eq!(at(Duration::from_micros(1_999)), Some(1));
        let before = UNIX_EPOCH - Duration::from_micros(1);
        assert_eq!(
            Record::to("t").timestamp(before).timestamp,
            Some(-1),
            "never rounds to 1970"
        );
    }
}
