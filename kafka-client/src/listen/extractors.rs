//! The arguments of handlers that are parts of the record.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::SystemTime;

use super::{FromMessage, Message, Rejection};
use crate::record::{
    ConsumerRecord, DecodeError, DecodeErrorKind, KafkaKey, KafkaRecord, KafkaTimestamp,
};

/// The record as a type that derives [`KafkaRecord`]: value, key, headers and timestamp, as the type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<T>(pub T);

impl<S, T: KafkaRecord> FromMessage<S> for Value<T> {
    #[inline]
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        Ok(Self(message.record.decode()?))
    }
}

/// The key alone. `Key<Option<K>>` where it may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<K>(pub K);

impl<S, K: KafkaKey> FromMessage<S> for Key<K> {
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        let record = message.record.as_ref();
        let error = |kind| DecodeError::new(std::any::type_name::<K>(), &record, kind);
        let key = match record.key {
            Some(bytes) => K::decode_key(bytes)
                .map_err(|source| error(DecodeErrorKind::InvalidKey).with_source(source))?,
            None => K::null().ok_or_else(|| error(DecodeErrorKind::NullKey))?,
        };
        Ok(Self(key))
    }
}

/// How often the record was handled, this time included: from 1, through all retry topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt(pub u32);

impl<S> FromMessage<S> for Attempt {
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        Ok(Self(message.attempt))
    }
}

/// The partition that the record was read from; of one from a retry topic, the one it had in its own topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition(pub i32);

impl<S> FromMessage<S> for Partition {
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        Ok(Self(message.record.partition()))
    }
}

/// The record's place in its partition; of one from a retry topic, the one it had in its own topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(pub i64);

impl<S> FromMessage<S> for Offset {
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        Ok(Self(message.record.offset()))
    }
}

/// The record's timestamp: [`SystemTime`] by default, or another [`KafkaTimestamp`] such as `i64`
/// milliseconds since the Unix epoch; `Timestamp<Option<..>>` where a record may have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp<T = SystemTime>(pub T);

impl<S, T: KafkaTimestamp> FromMessage<S> for Timestamp<T> {
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        let record = message.record.as_ref();
        let error = |kind| DecodeError::new(std::any::type_name::<T>(), &record, kind);
        let timestamp = match message.record.timestamp_ms() {
            Some(ms) => T::from_timestamp_ms(ms)
                .map_err(|source| error(DecodeErrorKind::InvalidTimestamp).with_source(source))?,
            None => T::missing().ok_or_else(|| error(DecodeErrorKind::MissingTimestamp))?,
        };
        Ok(Self(timestamp))
    }
}

/// The topic that the record was read from; of one from a retry topic, its own topic. Is a `&str`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Topic(Arc<str>);

impl Topic {
    /// For tests of handlers.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }
}

impl Deref for Topic {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<S> FromMessage<S> for Topic {
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        Ok(Self(message.record.shared_topic().clone()))
    }
}

/// The record as it was read. One from a retry topic is as it was in its own topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw(pub ConsumerRecord);

impl<S> FromMessage<S> for Raw {
    fn from_message(message: &Message<S>) -> Result<Self, Rejection> {
        Ok(Self(message.record.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::record::TimestampType;

    fn read<T: FromMessage<()>>(record: &ConsumerRecord) -> Result<T, String> {
        let message = Message::new(record.clone(), ());
        T::from_message(&message).map_err(|rejection| rejection.to_string())
    }

    #[test]
    fn each_part_is_read() {
        let record = ConsumerRecord::new("t", 3, 42)
            .with_key("k")
            .with_value("v")
            .with_timestamp_ms(1_500, TimestampType::CreateTime);
        assert_eq!(read(&record), Ok(Key("k".to_owned())));
        assert_eq!(read(&record), Ok((Partition(3), Offset(42), Attempt(1))));
        assert_eq!(read(&record), Ok(Timestamp(1_500_i64)));
        let at = UNIX_EPOCH + std::time::Duration::from_millis(1_500);
        assert_eq!(read(&record), Ok(Timestamp(at)));
        assert_eq!(read(&record), Ok(Topic::new("t")));
        assert_eq!(read(&record), Ok(Raw(record.clone())));
    }

    #[test]
    fn what_is_not_there_is_rejected_unless_it_is_optional() {
        let record = ConsumerRecord::new("t", 3, 42);
        assert_eq!(
            read::<Key<String>>(&record).unwrap_err(),
            "record t-3@42 does not read as `alloc::string::String`: its key is null"
        );
        assert_eq!(read(&record), Ok(Key(None::<String>)));
        assert!(read::<Timestamp>(&record).is_err());
        assert_eq!(read(&record), Ok(Timestamp(None::<i64>)));
        let record = record.with_key([1, 2]);
        assert!(read::<Key<i64>>(&record).is_err());
    }
}
