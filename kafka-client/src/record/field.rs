//! What types can be a record's key or header.
//!
//! One encoding for keys and headers, that of Java's serializers: text as UTF-8, numbers big
//! endian (`i16` as `ShortSerializer`, `i32` as `IntegerSerializer`, `i64` as `LongSerializer`,
//! `f32` and `f64` as `FloatSerializer` and `DoubleSerializer`), `bool` as one byte 0 or 1. So a
//! Java client with the serializer of that name reads what is written here, and hashes a key to the
//! same partition.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::FieldError;

/// A type that can be a record's key.
///
/// Implemented for text and bytes (`String`, `Box<str>`, `Arc<str>`, `Cow<str>`, `Vec<u8>`,
/// `Bytes`, `[u8; N]`, `Cow<[u8]>`), numbers and `bool` (as Java's serializers write them: big
/// endian) and `Option` of those, where `None` is the null key.
///
/// For an id type of your own, pass it on:
///
/// ```
/// use kafka_client::record::{FieldError, KafkaKey};
///
/// struct OrderId(u64);
///
/// impl KafkaKey for OrderId {
///     fn encode_key(&self, out: &mut Vec<u8>) {
///         self.0.encode_key(out);
///     }
///     fn decode_key(bytes: &[u8]) -> Result<Self, FieldError> {
///         u64::decode_key(bytes).map(Self)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a record's key",
    label = "not a key type",
    note = "text, bytes, integers and `Option` of those can: `String`, `Vec<u8>`, `i64`, ..",
    note = "implement `kafka_client::record::KafkaKey` for `{Self}` to say how its bytes look"
)]
pub trait KafkaKey: Sized {
    /// Appends the key's bytes to `out`. Not called if [`is_null`](Self::is_null).
    fn encode_key(&self, out: &mut Vec<u8>);

    /// Reads a key that is not null.
    ///
    /// # Errors
    ///
    /// [`FieldError`] if the bytes are not of this type.
    fn decode_key(bytes: &[u8]) -> Result<Self, FieldError>;

    /// Whether this stands for the null key. Defaults to `false`.
    fn is_null(&self) -> bool {
        false
    }

    /// What stands for the null key. Defaults to `None`: nothing does.
    fn null() -> Option<Self> {
        None
    }
}

/// A type that can be a header's value.
///
/// Implemented for the same types as [`KafkaKey`], with the same bytes. `Option` makes the header
/// optional: `None` writes no header, and a header that is missing or null reads as `None`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a header's value",
    label = "not a header type",
    note = "text, bytes, integers and `Option` of those can: `String`, `Vec<u8>`, `i64`, ..",
    note = "implement `kafka_client::record::KafkaHeader` for `{Self}` to say how its bytes look"
)]
pub trait KafkaHeader: Sized {
    /// Appends the value's bytes to `out`. Not called if [`is_absent`](Self::is_absent).
    fn encode_header(&self, out: &mut Vec<u8>);

    /// Reads a header that is there and not null.
    ///
    /// # Errors
    ///
    /// [`FieldError`] if the bytes are not of this type.
    fn decode_header(bytes: &[u8]) -> Result<Self, FieldError>;

    /// Whether no header is to be written. Defaults to `false`.
    fn is_absent(&self) -> bool {
        false
    }

    /// What stands for a header that is missing or null. Defaults to `None`: the header is needed.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: KafkaKey> KafkaKey for Option<T> {
    fn encode_key(&self, out: &mut Vec<u8>) {
        if let Some(key) = self {
            key.encode_key(out);
        }
    }

    fn decode_key(bytes: &[u8]) -> Result<Self, FieldError> {
        T::decode_key(bytes).map(Some)
    }

    fn is_null(&self) -> bool {
        self.as_ref().is_none_or(T::is_null)
    }

    fn null() -> Option<Self> {
        Some(None)
    }
}

impl<T: KafkaHeader> KafkaHeader for Option<T> {
    fn encode_header(&self, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.encode_header(out);
        }
    }

    fn decode_header(bytes: &[u8]) -> Result<Self, FieldError> {
        T::decode_header(bytes).map(Some)
    }

    fn is_absent(&self) -> bool {
        self.as_ref().is_none_or(T::is_absent)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// Implements both traits with the same bytes: a reader of `$bytes` and a writer to `$out`.
macro_rules! key_and_header {
    ({$($generics:tt)*} $type:ty, |$value:ident, $out:ident| $put:expr, $take:expr) => {
        impl<$($generics)*> KafkaKey for $type {
            fn encode_key(&self, $out: &mut Vec<u8>) {
                let $value = self;
                $put
            }

            fn decode_key(bytes: &[u8]) -> Result<Self, FieldError> {
                $take(bytes)
            }
        }

        impl<$($generics)*> KafkaHeader for $type {
            fn encode_header(&self, $out: &mut Vec<u8>) {
                let $value = self;
                $put
            }

            fn decode_header(bytes: &[u8]) -> Result<Self, FieldError> {
                $take(bytes)
            }
        }
    };
}

macro_rules! text {
    ($({$($generics:tt)*} $type:ty),* $(,)?) => {
        $(key_and_header!({$($generics)*} $type, |value, out| {
            out.extend_from_slice(value.as_bytes())
        }, |bytes| utf8(bytes).map(Self::from));)*
    };
}

macro_rules! blob {
    ($({$($generics:tt)*} $type:ty),* $(,)?) => {
        $(key_and_header!({$($generics)*} $type, |value, out| {
            out.extend_from_slice(value)
        }, |bytes: &[u8]| Ok(Self::from(bytes.to_vec())));)*
    };
}

macro_rules! number {
    ($($type:ty),*) => {
        $(key_and_header!({} $type, |value, out| {
            out.extend_from_slice(&value.to_be_bytes())
        }, |bytes| exactly(bytes).map(Self::from_be_bytes));)*
    };
}

text!({} String, {} Box<str>, {} Arc<str>);
blob!({} Vec<u8>, {} Bytes, {} Box<[u8]>, {} Arc<[u8]>, {'a} Cow<'a, [u8]>);
number!(i8, i16, i32, i64, i128, u8, u16, u32, u64, u128, f32, f64);
key_and_header!(
    {'a} Cow<'a, str>,
    |value, out| out.extend_from_slice(value.as_bytes()),
    |bytes| utf8(bytes).map(|text| Cow::Owned(text.to_owned()))
);
key_and_header!({const N: usize} [u8; N], |value, out| out.extend_from_slice(value), exactly);
key_and_header!(
    {} bool,
    |value, out| out.push(u8::from(*value)),
    |bytes| match exactly(bytes)? {
        [0] => Ok(false),
        [1] => Ok(true),
        [other] => Err(FieldError::new(format!("expected 0 or 1, found {other}"))),
    }
);

fn utf8(bytes: &[u8]) -> Result<&str, FieldError> {
    std::str::from_utf8(bytes).map_err(|error| FieldError::new(error.to_string()))
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N], FieldError> {
    let wrong = || FieldError::new(format!("expected {N} bytes, found {}", bytes.len()));
    bytes.try_into().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn same_bytes<T: KafkaKey + KafkaHeader + PartialEq + Debug>(value: T, bytes: &[u8]) {
        let (mut key, mut header) = (Vec::new(), Vec::new());
        value.encode_key(&mut key);
        value.encode_header(&mut header);
        assert_eq!((&key[..], &header[..]), (bytes, bytes));
        assert_eq!(T::decode_key(bytes).as_ref(), Ok(&value));
        assert_eq!(T::decode_header(bytes), Ok(value));
    }

    /// By hand from Java's serializers in `org.apache.kafka.common.serialization`.
    #[test]
    fn bytes_are_those_of_javas_serializers() {
        same_bytes(0x1234_i16, &[0x12, 0x34]);
        same_bytes(-2_i32, &[0xff, 0xff, 0xff, 0xfe]);
        same_bytes(1_i64, &[0, 0, 0, 0, 0, 0, 0, 1]);
        same_bytes(1.0_f32, &[0x3f, 0x80, 0, 0]);
        same_bytes(-2.0_f64, &[0xc0, 0, 0, 0, 0, 0, 0, 0]);
        same_bytes(true, &[1]);
        same_bytes(String::from("é"), "é".as_bytes());
    }

    #[test]
    fn text_and_bytes_are_themselves() {
        same_bytes(Box::<str>::from("a"), b"a");
        same_bytes(Arc::<str>::from("a"), b"a");
        same_bytes(Cow::Borrowed("a"), b"a");
        same_bytes(vec![0u8, 255], &[0, 255]);
        same_bytes(Bytes::from_static(&[0, 255]), &[0, 255]);
        same_bytes(Cow::Borrowed(&[1u8, 2][..]), &[1, 2]);
        same_bytes([1u8, 2, 3], &[1, 2, 3]);
        same_bytes(Some(7u8), &[7]);
    }

    #[test]
    fn wrong_bytes_say_what_was_expected() {
        let text = |error: FieldError| error.to_string();
        assert_eq!(
            i32::decode_key(&[1, 2]).map_err(text),
            Err("expected 4 bytes, found 2".into())
        );
        assert_eq!(
            bool::decode_header(&[2]).map_err(text),
            Err("expected 0 or 1, found 2".into())
        );
        let error = String::decode_key(b"ab\xff").map_err(text).unwrap_err();
        assert!(error.contains("index 2"), "{error}");
    }

    #[test]
    fn none_is_null_or_absent() {
        assert!(KafkaKey::is_null(&None::<i32>) && KafkaHeader::is_absent(&None::<i32>));
        assert!(!KafkaKey::is_null(&Some(1)) && !KafkaHeader::is_absent(&Some(1)));
        assert_eq!(<Option<i32> as KafkaHeader>::absent(), Some(None));
        assert_eq!(<i32 as KafkaHeader>::absent(), None);
        assert_eq!(<Option<i32> as KafkaKey>::null(), Some(None));
    }
}
