use std::fmt;

use super::{
    ConsumerRecord, DecodeError, EncodeError, Header, HeadersRef, KafkaRecord, RecordBuffer,
    RecordRef,
};

/// A record as its bytes, owned: for records of types that the program does not know.
///
/// It reads whatever there is, and is written back byte for byte: key, value, headers and
/// timestamp. The partition is not kept, so that the partitioner chooses it anew. It names no topic:
/// send it with [`send_to`](crate::producer::Producer::send_to).
///
/// ```
/// use kafka_client::record::{RawRecord, Record, RecordBuffer};
///
/// let record = Record::to("orders").key("o-17").value(b"\x00\xff").timestamp_ms(1_500);
/// let raw = RawRecord::from(record.as_received(3, 42));
/// let mut buffer = RecordBuffer::new();
/// buffer.encode(&raw)?;
/// buffer.with_record("orders", |again| assert_eq!(again, record));
/// # Ok::<(), kafka_client::record::EncodeError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawRecord {
    /// The key; `None` is Kafka's null.
    pub key: Option<Vec<u8>>,
    /// The value; `None` is Kafka's null, in a compacted topic a tombstone.
    pub value: Option<Vec<u8>>,
    /// Names and values of the headers in order; a `None` value is Kafka's null.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Milliseconds since the Unix epoch. `None` is the time at which the producer takes it.
    pub timestamp_ms: Option<i64>,
}

impl From<RecordRef<'_>> for RawRecord {
    fn from(record: RecordRef<'_>) -> Self {
        let header =
            |(name, value): (&str, Option<&[u8]>)| (name.to_owned(), value.map(<[u8]>::to_vec));
        Self {
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record.headers.iter().map(header).collect(),
            timestamp_ms: (record.timestamp >= 0).then_some(record.timestamp),
        }
    }
}

impl From<&ConsumerRecord> for RawRecord {
    fn from(record: &ConsumerRecord) -> Self {
        record.as_ref().into()
    }
}

impl KafkaRecord for RawRecord {
    const TOPIC: Option<&'static str> = None;

    fn encode(&self, buffer: &mut RecordBuffer) -> Result<(), EncodeError> {
        if let Some(key) = &self.key {
            buffer.set_key(|out| out.extend_from_slice(key));
        }
        if let Some(value) = &self.value {
            buffer.value_mut().extend_from_slice(value);
        }
        for (name, value) in &self.headers {
            match value {
                Some(value) => buffer.push_header(name, value),
                None => buffer.push_null_header(name),
            }
        }
        if let Some(ms) = self.timestamp_ms {
            buffer.set_timestamp_ms(ms);
        }
        Ok(())
    }

    fn decode(record: &RecordRef<'_>) -> Result<Self, DecodeError> {
        Ok(Self::from(*record))
    }
}

impl fmt::Debug for RawRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &Option<Vec<u8>>| {
            let bytes = bytes.as_deref()?;
            Some(bytes.escape_ascii().to_string())
        };
        let mut headers = Vec::new();
        for (key, value) in &self.headers {
            headers.push(Header {
                key,
                value: value.as_deref(),
            });
        }
        f.debug_struct("RawRecord")
            .field("key", &text(&self.key))
            .field("value", &text(&self.value))
            .field("headers", &HeadersRef::from(&headers[..]))
            .field("timestamp_ms", &self.timestamp_ms)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Record;
    use super::*;

    #[test]
    fn is_written_back_byte_for_byte() {
        let headers = [
            Header::new("a", "1"),
            Header {
                key: "n",
                value: None,
            },
            Header::new("a", ""),
        ];
        let full = Record::to("t").key("").value(b"\xff\x00").timestamp_ms(0);
        for record in [full.headers(&headers), Record::to("t")] {
            let raw = RawRecord::decode(&record.as_received(3, 42)).unwrap();
            let mut buffer = RecordBuffer::new();
            buffer.encode(&raw).unwrap();
            buffer.with_record("t", |again| assert_eq!(again, record));
        }
    }

    #[test]
    fn shows_text() {
        let raw = RawRecord {
            value: Some(b"a\n\xff".to_vec()),
            headers: vec![("n".to_owned(), None)],
            ..RawRecord::default()
        };
        let wanted = r#"RawRecord { key: None, value: Some("a\\n\\xff"), headers: ["n: null"], timestamp_ms: None }"#;
        assert_eq!(format!("{raw:?}"), wanted);
    }
}
