//! What can go wrong between bytes and messages.

use std::fmt;

/// Bytes that are not the message they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// The innermost field it was found in, as `(struct, field)`.
    pub field: Option<(&'static str, &'static str)>,
    /// The message and version, once known.
    pub message: Option<(&'static str, i16)>,
}

/// What is wrong with received bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The frame ends inside of a value.
    #[error("{needed} bytes needed, {available} left")]
    Truncated {
        /// Bytes that the value takes.
        needed: usize,
        /// Bytes that are left in the frame.
        available: usize,
    },
    /// A length below -1.
    #[error("negative length {length}")]
    NegativeLength {
        /// The length as read.
        length: i64,
    },
    /// Arrays of far more memory than a frame of this length justifies, see
    /// [`Reader::memory_limit`](crate::wire::Reader::memory_limit).
    #[error("array takes {needed} bytes of memory, {available} are left for a frame this short")]
    TooMuchMemory {
        /// Bytes of memory that the array takes.
        needed: usize,
        /// Bytes of memory that are left for it.
        available: usize,
    },
    /// Null where the version has no null.
    #[error("null where a value is required")]
    UnexpectedNull,
    /// A string that is not UTF-8.
    #[error("string is not UTF-8")]
    InvalidUtf8,
    /// A base-128 number over 32 bits.
    #[error("variable-length number over 32 bits")]
    VarintOverflow,
    /// Tagged fields must come in rising order of tags.
    #[error("tag {tag} repeated or out of order")]
    TagOrder {
        /// The offending tag.
        tag: u32,
    },
    /// Bytes after the end of the message.
    #[error("{count} bytes after the end")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// A version that this crate does not know for the message.
    #[error("version not supported, {min} to {max} are")]
    UnsupportedVersion {
        /// Lowest known version.
        min: i16,
        /// Highest known version.
        max: i16,
    },
    /// An API key that this crate does not know.
    #[error("unknown API key {key}")]
    UnknownApiKey {
        /// The key as read.
        key: i16,
    },
}

impl From<DecodeErrorKind> for DecodeError {
    fn from(kind: DecodeErrorKind) -> Self {
        Self {
            kind,
            field: None,
            message: None,
        }
    }
}

impl DecodeError {
    /// Adds the field, unless an inner one is known.
    #[must_use]
    pub fn in_field(mut self, owner: &'static str, field: &'static str) -> Self {
        self.field.get_or_insert((owner, field));
        self
    }

    /// Adds the message and its version.
    #[must_use]
    pub fn in_message(mut self, message: &'static str, version: i16) -> Self {
        self.message.get_or_insert((message, version));
        self
    }
}

/// A value that its message version cannot carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeError {
    /// What is wrong.
    pub kind: EncodeErrorKind,
    /// The innermost field, as `(struct, field)`.
    pub field: Option<(&'static str, &'static str)>,
    /// The message and version, once known.
    pub message: Option<(&'static str, i16)>,
}

/// What is wrong with a value to be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// Longer than its length field can say.
    #[error("length {length} is over the limit of {limit}")]
    TooLong {
        /// Length of the value.
        length: usize,
        /// Largest length on the wire.
        limit: usize,
    },
    /// The version has no such field, and leaving it out would change the meaning.
    #[error("set, but this version has no such field")]
    NotInVersion,
    /// Null where the version has no null.
    #[error("null, but this version requires a value")]
    NullNotAllowed,
    /// A version that this crate does not know for the message.
    #[error("version not supported, {min} to {max} are")]
    UnsupportedVersion {
        /// Lowest known version.
        min: i16,
        /// Highest known version.
        max: i16,
    },
}

impl From<EncodeErrorKind> for EncodeError {
    fn from(kind: EncodeErrorKind) -> Self {
        Self {
            kind,
            field: None,
            message: None,
        }
    }
}

impl EncodeError {
    /// Adds the field, unless an inner one is known.
    #[must_use]
    pub fn in_field(mut self, owner: &'static str, field: &'static str) -> Self {
        self.field.get_or_insert((owner, field));
        self
    }

    /// Adds the message and its version.
    #[must_use]
    pub fn in_message(mut self, message: &'static str, version: i16) -> Self {
        self.message.get_or_insert((message, version));
        self
    }
}

fn located(
    f: &mut fmt::Formatter<'_>,
    message: Option<(&str, i16)>,
    field: Option<(&str, &str)>,
) -> fmt::Result {
    if let Some((message, version)) = message {
        write!(f, "{message} v{version}: ")?;
    }
    if let Some((owner, field)) = field {
        write!(f, "{owner}.{field}: ")?;
    }
    Ok(())
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        located(f, self.message, self.field)?;
        self.kind.fmt(f)
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        located(f, self.message, self.field)?;
        self.kind.fmt(f)
    }
}

impl std::error::Error for DecodeError {}
impl std::error::Error for EncodeError {}
