//! Values that a codec writes.

use std::borrow::Cow;
use std::convert::Infallible;
use std::str::Utf8Error;
use std::sync::Arc;

use bytes::Bytes;

use super::super::{
    DecodeError, DecodeErrorKind, EncodeError, RecordBuffer, RecordRef, ValueCodec,
};

/// `format = string`.
#[derive(Debug)]
pub struct Text;

/// `format = bytes`.
#[derive(Debug)]
pub struct Binary;

macro_rules! text {
    ($({$($generics:tt)*} $type:ty),* $(,)?) => {
        $(impl<$($generics)*> ValueCodec<$type> for Text {
            type Error = Utf8Error;

            fn encode(value: &$type, out: &mut Vec<u8>) -> Result<(), Utf8Error> {
                out.extend_from_slice(value.as_bytes());
                Ok(())
            }

            fn decode(bytes: &[u8]) -> Result<$type, Utf8Error> {
                Ok(std::str::from_utf8(bytes)?.to_owned().into())
            }
        })*
    };
}

macro_rules! binary {
    ($({$($generics:tt)*} $type:ty),* $(,)?) => {
        $(impl<$($generics)*> ValueCodec<$type> for Binary {
            type Error = Infallible;

            fn encode(value: &$type, out: &mut Vec<u8>) -> Result<(), Infallible> {
                out.extend_from_slice(value);
                Ok(())
            }

            fn decode(bytes: &[u8]) -> Result<$type, Infallible> {
                Ok(bytes.to_vec().into())
            }
        })*
    };
}

text!({} String, {} Box<str>, {} Arc<str>, {'a} Cow<'a, str>);
binary!({} Vec<u8>, {} Bytes, {} Box<[u8]>, {} Arc<[u8]>, {'a} Cow<'a, [u8]>);

pub fn write_with<T, C: ValueCodec<T>>(
    record: &'static str,
    field: &'static str,
    value: &T,
    buffer: &mut RecordBuffer,
) -> Result<(), EncodeError> {
    write::<T, C>(value, buffer)
        .map_err(|error| EncodeError::new(record, Some(field.into()), error))
}

pub fn write_with_or_null<T, C: ValueCodec<T>>(
    record: &'static str,
    field: &'static str,
    value: &Option<T>,
    buffer: &mut RecordBuffer,
) -> Result<(), EncodeError> {
    match value {
        Some(value) => write_with::<T, C>(record, field, value, buffer),
        None => Ok(()),
    }
}

pub fn write_whole_with<T, C: ValueCodec<T>>(
    record: &'static str,
    value: &T,
    buffer: &mut RecordBuffer,
) -> Result<(), EncodeError> {
    write::<T, C>(value, buffer).map_err(|error| EncodeError::new(record, None, error))
}

/// What the codec writes is no tombstone, even if it is nothing.
fn write<T, C: ValueCodec<T>>(value: &T, buffer: &mut RecordBuffer) -> Result<(), C::Error> {
    buffer.value_mut();
    C::encode_into(value, buffer)
}

pub fn read_with<T, C: ValueCodec<T>>(
    record: &'static str,
    from: &RecordRef<'_>,
) -> Result<T, DecodeError> {
    let error = |kind| DecodeError::new(record, from, kind);
    let Some(value) = from.value else {
        return Err(error(DecodeErrorKind::UnexpectedTombstone));
    };
    C::decode_from(value, from)
        .map_err(|source| error(DecodeErrorKind::Value { field: None }).with_source(source))
}

pub fn read_with_or_null<T, C: ValueCodec<T>>(
    record: &'static str,
    from: &RecordRef<'_>,
) -> Result<Option<T>, DecodeError> {
    match from.value {
        Some(_) => read_with::<T, C>(record, from).map(Some),
        None => Ok(None),
    }
}
