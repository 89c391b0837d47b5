use std::error::Error;

use super::{RecordBuffer, RecordRef};

/// How values of type `T` look as bytes: a format of your own, named by `#[kafka(with = ..)]`.
///
/// A codec is a type without values; it writes the field with `#[kafka(value)]`, or without such a
/// field the whole record type. A null value (a tombstone) never reaches it.
///
/// ```
/// use std::num::ParseIntError;
/// use kafka_client::KafkaRecord;
/// use kafka_client::record::ValueCodec;
///
/// /// A number as hexadecimal text.
/// struct Hex;
///
/// impl ValueCodec<u64> for Hex {
///     type Error = ParseIntError;
///
///     fn encode(value: &u64, out: &mut Vec<u8>) -> Result<(), ParseIntError> {
///         out.extend_from_slice(format!("{value:x}").as_bytes());
///         Ok(())
///     }
///
///     fn decode(bytes: &[u8]) -> Result<u64, ParseIntError> {
///         u64::from_str_radix(&String::from_utf8_lossy(bytes), 16)
///     }
/// }
///
/// #[derive(KafkaRecord)]
/// #[kafka(topic = "readings", with = Hex, content_type = "text/plain")]
/// struct Reading {
///     #[kafka(key(only))]
///     sensor: String,
///     #[kafka(value)]
///     level: u64,
/// }
/// ```
///
/// A format whose bytes depend on more than the value, as with the ids of a schema registry,
/// implements [`encode_into`](Self::encode_into) and [`decode_from`](Self::decode_from) too: these
/// see the headers as well.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not write values of type `{T}`",
    label = "not a codec of `{T}`",
    note = "`format = string` writes `String`, `Box<str>`, `Arc<str>` and `Cow<str>`",
    note = "`format = bytes` writes `Vec<u8>`, `Bytes`, `Box<[u8]>`, `Arc<[u8]>` and `Cow<[u8]>`",
    note = "for other types use `format = json`, or `with = ..` and a type that implements \
            `kafka_client::record::ValueCodec<{T}>`"
)]
pub trait ValueCodec<T> {
    /// Why a value cannot be written or read.
    type Error: Into<Box<dyn Error + Send + Sync>>;

    /// Appends the value's bytes to `out`, which is empty or holds what
    /// [`encode_into`](Self::encode_into) put before them.
    ///
    /// # Errors
    ///
    /// If the format cannot say this value; nothing is sent then.
    fn encode(value: &T, out: &mut Vec<u8>) -> Result<(), Self::Error>;

    /// Reads a value that is not null.
    ///
    /// # Errors
    ///
    /// If the bytes are not of this format, or not a `T`.
    fn decode(bytes: &[u8]) -> Result<T, Self::Error>;

    /// Writes the value of a record, with whatever else the format needs: it may add headers. The
    /// record's key and those of its headers that are fields are in `buffer` already. Defaults to
    /// [`encode`](Self::encode) to the value.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    fn encode_into(value: &T, buffer: &mut RecordBuffer) -> Result<(), Self::Error> {
        Self::encode(value, buffer.value_mut())
    }

    /// Reads `value`, which is the value of `record`. Defaults to [`decode`](Self::decode).
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    fn decode_from(value: &[u8], record: &RecordRef<'_>) -> Result<T, Self::Error> {
        let _ = record;
        Self::decode(value)
    }
}
