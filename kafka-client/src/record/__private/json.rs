//! Values in JSON.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_path_to_error::Segment;

use super::super::finite::Finite;
use super::super::{DecodeError, DecodeErrorKind, EncodeError, RecordBuffer, RecordRef};

/// The value of a record: its fields without those that are elsewhere.
pub trait SerializeValue {
    /// Serializes the value.
    fn serialize_value<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
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

/// Writes the field that is the value.
pub fn write_json_field<T: Serialize>(
    record: &'static str,
    field: &'static str,
    value: &T,
    buffer: &mut RecordBuffer,
) -> Result<(), EncodeError> {
    let value = Body(value);
    serde_json::to_writer(buffer.value_mut(), &value).map_err(|error| {
        let field = match path_of_write_error(&value) {
            Some(path) if path.starts_with('[') => format!("{field}{path}").into(),
            Some(path) => format!("{field}.{path}").into(),
            None => Cow::Borrowed(field),
        };
        EncodeError::new(record, Some(field), error)
    })
}

pub fn write_json_or_null<T: Serialize>(
    record: &'static str,
    field: &'static str,
    value: &Option<T>,
    buffer: &mut RecordBuffer,
) -> Result<(), EncodeError> {
    match value {
        Some(value) => write_json_field(record, field, value, buffer),
        None => Ok(()),
    }
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

pub fn read_json_or_null<T: DeserializeOwned>(
    record: &'static str,
    from: &RecordRef<'_>,
) -> Result<Option<T>, DecodeError> {
    match from.value {
        Some(_) => read_json(record, from).map(Some),
        None => Ok(None),
    }
}

struct Value<'a, T>(&'a T);

impl<T: SerializeValue> Serialize for Value<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_value(Finite(serializer))
    }
}

struct Body<'a, T>(&'a T);

impl<T: Serialize> Serialize for Body<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Finite(serializer))
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
