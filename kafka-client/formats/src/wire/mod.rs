//! How a record says which schema its bytes were written with (pure).
//!
//! Three forms of Confluent's are read, and each can be written:
//!
//! | form | where | bytes |
//! |---|---|---|
//! | id | before the payload | `00`, the id as 4 bytes (big-endian) |
//! | GUID | before the payload | `01`, 16 bytes |
//! | header | in the header `__key_schema_id` or `__value_schema_id` | one of the two above; the payload is alone |
//!
//! In Protobuf [`MessageIndexes`] follow, which name the message within its file: before the payload in the
//! first two forms, in the header in the third.
//!
//! Bytes from outside are never trusted: whatever they are, reading ends with a value or an error, and nothing is
//! allocated for a length that they name but do not have.
//!
//! - `guid`: the GUID of a schema
//! - `indexes`: which message of a file it is
//! - `prefix`: the schema's id and what is behind it

mod guid;
mod indexes;
mod prefix;

pub use self::guid::{Guid, NotAGuid};
pub use self::indexes::MessageIndexes;
pub use self::prefix::{Encoded, SchemaId, Split};

use std::fmt;

/// The header that names the schema of a record's key.
pub const KEY_HEADER: &str = "__key_schema_id";

/// The header that names the schema of a record's value.
pub const VALUE_HEADER: &str = "__value_schema_id";

/// Bytes that are of none of the forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// There are fewer bytes than the form has: usually no record of a serializer with a registry.
    TooShort {
        /// How many bytes the form has.
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// The first byte is neither 0 nor 1: usually text, or bytes of a serializer without a registry.
    UnknownMagic(u8),
    /// The id is negative, which none is.
    NegativeId(i32),
    /// A number of the message indexes does not end, or is too large.
    InvalidVarint,
    /// The count of message indexes is negative, or above the bytes that are left.
    InvalidCount(i64),
    /// A message index is negative.
    NegativeIndex(i64),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { needed, found } => write!(
                f,
                "{found} bytes are too few to name a schema, which takes {needed}"
            ),
            Self::UnknownMagic(byte) => write!(
                f,
                "the first byte is {byte:#04x}, and not 0x00 or 0x01 as where a schema is named: these \
                 bytes were written without a registry"
            ),
            Self::NegativeId(id) => write!(f, "the schema's id is {id}, which none is"),
            Self::InvalidVarint => f.write_str("a number of the message indexes does not end"),
            Self::InvalidCount(count) => {
                write!(
                    f,
                    "{count} message indexes are announced, which are not there"
                )
            }
            Self::NegativeIndex(index) => write!(f, "a message index is {index}, which none is"),
        }
    }
}

impl std::error::Error for WireError {}
