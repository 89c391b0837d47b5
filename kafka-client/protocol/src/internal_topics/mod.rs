//! The records of Kafka's internal topics: what coordinators write down, to know it after a
//! restart and after a move to another broker.
//!
//! - [`consumer_offsets`]: `__consumer_offsets`, the groups and their committed offsets
//! - [`transaction_state`]: `__transaction_state`, the transactional ids
//!
//! Any client with the rights to read these topics can consume them; no client should write there.
//! Both are compacted: the last value of a key counts, and a record without a value takes back what
//! its key stood for. A key on the wire is the number of its type in two bytes, then a struct; a
//! value is its version in two bytes, then that version of a struct.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, DecodeErrorKind, EncodeError};
use crate::message::Message;
use crate::wire::FieldName;

/// Writes the enum of a topic's records: its variants, each with the number of its key's type, and
/// the way to and from bytes.
macro_rules! internal_topic {
    (
        $(#[$about:meta])*
        $topic:ident {
            $(
                $(#[$about_record:meta])*
                $record_type:literal $record:ident($key:ident, $value:ident),
            )*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum $topic {
            $($(#[$about_record])* $record($key, Option<Versioned<$value>>),)*
            /// A record of a type that this crate does not know.
            Unknown(UnknownRecord),
        }

        impl $topic {
            /// The number of the key's type, the first two bytes of a key.
            #[must_use]
            pub fn record_type(&self) -> i16 {
                match self {
                    $(Self::$record(..) => $record_type,)*
                    Self::Unknown(record) => record.record_type,
                }
            }

            /// Reads key and value of a record of the topic. Without a value it takes back its key.
            ///
            /// # Errors
            /// When the key is too short for a type, when key or value are not what their type
            /// says, and when the version of a value is unknown. A type that is unknown is no
            /// error but [`Unknown`](Self::Unknown).
            // Compiled where it is used: everybody builds this crate, few read these records.
            #[inline]
            pub fn decode(key: Bytes, value: Option<Bytes>) -> Result<Self, DecodeError> {
                let (record_type, key) = split(key, (stringify!($topic), "record_type"))?;
                match record_type {
                    $($record_type => Ok(Self::$record(
                        $key::decode(key, KEY_VERSION)?,
                        value.map(Versioned::decode).transpose()?,
                    )),)*
                    _ => Ok(Self::Unknown(UnknownRecord { record_type, key, value })),
                }
            }

            /// Key and value as they stand in the topic.
            ///
            /// # Errors
            /// When the version of the value is unknown or cannot carry it, and when a string or
            /// an array is too long for its length field.
            #[inline]
            pub fn encode(&self) -> Result<KeyValue, EncodeError> {
                match self {
                    $(Self::$record(key, value) => Ok((
                        join($record_type, &key.encode(KEY_VERSION)?),
                        value.as_ref().map(Versioned::encode).transpose()?,
                    )),)*
                    Self::Unknown(record) => Ok((
                        join(record.record_type, &record.key),
                        record.value.clone(),
                    )),
                }
            }
        }
    };
}

pub mod consumer_offsets;
pub mod transaction_state;

/// Key and value of a record. `None` takes back what the key stands for.
pub type KeyValue = (Bytes, Option<Bytes>);

/// A value with the version it is written in.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned<V> {
    /// The version, the first two bytes of a value.
    pub version: i16,
    /// What is written.
    pub message: V,
}

/// A record whose key has a type that this crate does not know, such as one of a later Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRecord {
    /// The number of the key's type.
    pub record_type: i16,
    /// The key, without its type.
    pub key: Bytes,
    /// The whole value, with its version.
    pub value: Option<Bytes>,
}

/// The structs of keys have one version. A key that said something else would have another type.
const KEY_VERSION: i16 = 0;

impl<V: Message> Versioned<V> {
    fn decode(value: Bytes) -> Result<Self, DecodeError> {
        let (version, body) = split(value, (V::NAME, "version"))?;
        let message = V::decode(body, version)?;
        Ok(Self { version, message })
    }

    fn encode(&self) -> Result<Bytes, EncodeError> {
        Ok(join(self.version, &self.message.encode(self.version)?))
    }
}

/// The number in front of a key or a value, and what follows it. `field` is what an error names.
fn split(mut bytes: Bytes, field: FieldName) -> Result<(i16, Bytes), DecodeError> {
    let available = bytes.len();
    match bytes.try_get_i16() {
        Ok(number) => Ok((number, bytes)),
        Err(_) => {
            let needed = size_of::<i16>();
            let error = DecodeError::from(DecodeErrorKind::Truncated { needed, available });
            Err(error.in_field(field.0, field.1))
        }
    }
}

fn join(number: i16, body: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(2 + body.len());
    bytes.put_i16(number);
    bytes.put_slice(body);
    bytes.freeze()
}
