//! What code written by `#[derive(KafkaRecord)]` calls. Not public API.

use std::borrow::Cow;

pub use serde;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_path_to_error::Segment;

use super::finite::Finite;
use super::{
    DecodeError, DecodeErrorKind, EncodeError, KafkaHeader, KafkaKey, KafkaTimestamp, RecordBuffer,
    RecordRef,
};

/// The value of a record: its fields without those that are headers.
pub trait SerializeValue {
    /// Serializes the value.
    fn serialize_value<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

pub fn write_key<K: KafkaKey>(key: &K, buffer: &mut RecordBuffer) {
    if !key.is_null() {
        buffer.set_key(|out| key.encode_key(out));
    }
}

pub fn write_header<H: KafkaHeader>(name: &'static str, value: &H, buffer: &mut RecordBuffer) {
    if !value.is_absent() {
        buffer.push_header_with(name, |out| value.encode_header(out));
    }
}

pub fn write_timestamp<T: KafkaTimestamp>(
    record: &'static str,
    field: &'static str,
    timestamp: &T,
    buffer: &mut RecordBuffer,
) -> Result<(), EncodeError> {
    let ms = timestamp
        .timestamp_ms()
        .map_err(|error| EncodeError::new(record, Some(field.into()), error))?;
    if let Some(ms) = ms {
        buffer.set_timestamp_ms(ms);
    }
    Ok(())
}

pub fn write_json<T: SerializeValue>(
    record: &'static str,
    value: &T,
    buffer: &mut RecordBuffer,
) -> Result<(), EncodeError> {
    let value = Value(value);
    serde_json::to_writer(buffer.value_mut(), &value).map_err(|error| {
        let field = path_of_write_error(&value).map(Cow::Owned);
        EncodeError::new(record, field, error)
    })
}

pub fn read_json<T: DeserializeOwned>(
    record: &'static str,
    from: &RecordRef<'_>,
) -> Result<T, DecodeError> {
    let Some(value) = from.value else {
        return Err(DecodeError::new(
            record,
            from,
            DecodeErrorKind::UnexpectedTombstone,
        ));
    };
    serde_json::from_slice(value).map_err(|error| {
        let field = path_of_read_error::<T>(value);
        DecodeError::new(record, from, DecodeErrorKind::Value { field }).with_source(error)
    })
}

pub fn read_header<H: KafkaHeader>(
    record: &'static str,
    name: &'static str,
    from: &RecordRef<'_>,
) -> Result<H, DecodeError> {
    let error = |kind| DecodeError::new(record, from, kind);
    match from.headers.get(name) {
        Some(Some(bytes)) => H::decode_header(bytes).map_err(|source| {
            error(DecodeErrorKind::InvalidHeader { name: name.into() }).with_source(source)
        }),
        Some(None) => {
            H::absent().ok_or_else(|| error(DecodeErrorKind::NullHeader { name: name.into() }))
        }
        None => {
            H::absent().ok_or_else(|| error(DecodeErrorKind::MissingHeader { name: name.into() }))
        }
    }
}

struct Value<'a, T>(&'a T);

impl<T: SerializeValue> Serialize for Value<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_value(Finite(serializer))
    }
}

/// Writes once more with the path recorded: errors are rare, and only they pay for it.
#[cold]
fn path_of_write_error<T: Serialize>(value: &T) -> Option<String> {
    let mut serializer = serde_json::Serializer::new(std::io::sink());
    let error = serde_path_to_error::serialize(value, &mut serializer).err()?;
    known(error.path())
}

#[cold]
fn path_of_read_error<T: DeserializeOwned>(value: &[u8]) -> Option<String> {
    let mut deserializer = serde_json::Deserializer::from_slice(value);
    let error = serde_path_to_error::deserialize::<_, T>(&mut deserializer).err()?;
    known(error.path())
}

/// What is not JSON at all has a path of question marks.
fn known(path: &serde_path_to_error::Path) -> Option<String> {
    let mut segments = path.iter();
    let has_name = segments.any(|segment| !matches!(segment, Segment::Unknown));
    has_name.then(|| path.to_string())
}
