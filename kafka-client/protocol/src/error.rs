//! What can go wrong between bytes and messages.

use std::fmt;

/// Bytes that are not the message they should be.
pub type DecodeError = CodecError<DecodeErrorKind>;

/// A value that its message version cannot carry.
pub type EncodeError = CodecError<EncodeErrorKind>;

/// What is wrong, and where: [`DecodeError`] or [`EncodeError`].
///
/// Small where there is no error: what it knows is behind a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecError<K>(Box<Located<K>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Located<K> {
    kind: K,
    field: Option<(&'static str, &'static str)>,
    message: Option<(&'static str, i16)>,
}

impl<K> From<K> for CodecError<K> {
    #[cold]
    fn from(kind: K) -> Self {
        Self(Box::new(Located {
            kind,
            field: None,
            message: None,
        }))
    }
}

impl<K> CodecError<K> {
    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &K {
        &self.0.kind
    }

    /// The innermost field it was found in, as `(struct, field)`.
    #[must_use]
    pub fn field(&self) -> Option<(&'static str, &'static str)> {
        self.0.field
    }

    /// The message and version, once known.
    #[must_use]
    pub fn message(&self) -> Option<(&'static str, i16)> {
        self.0.message
    }

    /// Adds the field, unless an inner one is known.
    #[must_use]
    pub fn in_field(mut self, owner: &'static str, field: &'static str) -> Self {
        self.0.field.get_or_insert((owner, field));
        self
    }

    /// Adds the message and its version.
    #[must_use]
    pub fn in_message(mut self, message: &'static str, version: i16) -> Self {
        self.0.message.get_or_insert((message, version));
        self
    }
}

impl<K: fmt::Display> fmt::Display for CodecError<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((message, version)) = self.0.message {
            write!(f, "{message} v{version}: ")?;
        }
        if let Some((owner, field)) = self.0.field {
            write!(f, "{owner}.{field}: ")?;
        }
        self.0.kind.fmt(f)
    }
}

impl<K: fmt::Display + fmt::Debug> std::error::Error for CodecError<K> {}

/// What is wrong with received bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The frame ends inside of a value.
    Truncated {
        /// Bytes that the value takes.
        needed: usize,
        /// Bytes that are left in the frame.
        available: usize,
    },
    /// A length below -1.
    NegativeLength {
        /// The length as read.
        length: i64,
    },
    /// A string over the length that strings can have.
    TooLong {
        /// The length as read.
        length: usize,
        /// Largest length of a string.
        limit: usize,
    },
    /// Arrays of far more memory than a frame of this length justifies, see
    /// [`Reader::memory_limit`](crate::wire::Reader::memory_limit).
    TooMuchMemory {
        /// Bytes of memory that the array takes.
        needed: usize,
        /// Bytes of memory that are left for it.
        available: usize,
    },
    /// Null where the version has no null.
    UnexpectedNull,
    /// A string that is not UTF-8.
    InvalidUtf8,
    /// A base-128 number over 32 bits.
    VarintOverflow,
    /// Tagged fields must come in rising order of tags.
    TagOrder {
        /// The offending tag.
        tag: u32,
    },
    /// Bytes after the end of the message.
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// A version that this crate does not know for the message.
    UnsupportedVersion {
        /// Lowest known version.
        min: i16,
        /// Highest known version.
        max: i16,
    },
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { needed, available } => {
                write!(f, "{needed} bytes needed, {available} left")
            }
            Self::NegativeLength { length } => write!(f, "negative length {length}"),
            Self::TooLong { length, limit } => {
                write!(f, "length {length} is over the limit of {limit}")
            }
            Self::TooMuchMemory { needed, available } => write!(
                f,
                "array takes {needed} bytes of memory, {available} are left for a frame this short"
            ),
            Self::UnexpectedNull => f.write_str("null where a value is required"),
            Self::InvalidUtf8 => f.write_str("string is not UTF-8"),
            Self::VarintOverflow => f.write_str("variable-length number over 32 bits"),
            Self::TagOrder { tag } => write!(f, "tag {tag} repeated or out of order"),
            Self::TrailingBytes { count } => write!(f, "{count} bytes after the end"),
            Self::UnsupportedVersion { min, max } => {
                write!(f, "version not supported, {min} to {max} are")
            }
        }
    }
}

impl std::error::Error for DecodeErrorKind {}

/// What is wrong with a value to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// Longer than its length field can say.
    TooLong {
        /// Length of the value.
        length: usize,
        /// Largest length on the wire.
        limit: usize,
    },
    /// The version has no such field, and leaving it out would change the meaning.
    NotInVersion,
    /// Null where the version has no null.
    NullNotAllowed,
    /// An unknown tagged field was kept that has the tag of a field of this version.
    TagTaken {
        /// The tag.
        tag: u32,
    },
    /// A version that this crate does not know for the message.
    UnsupportedVersion {
        /// Lowest known version.
        min: i16,
        /// Highest known version.
        max: i16,
    },
}

impl fmt::Display for EncodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { length, limit } => {
                write!(f, "length {length} is over the limit of {limit}")
            }
            Self::NotInVersion => f.write_str("set, but this version has no such field"),
            Self::NullNotAllowed => f.write_str("null, but this version requires a value"),
            Self::TagTaken { tag } => write!(
                f,
                "tag {tag} is kept as unknown, but this version has a field with it"
            ),
            Self::UnsupportedVersion { min, max } => {
                write!(f, "version not supported, {min} to {max} are")
            }
        }
    }
}

impl std::error::Error for EncodeErrorKind {}
