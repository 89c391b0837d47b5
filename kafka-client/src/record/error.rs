use std::borrow::Cow;
use std::error::Error;
use std::fmt;

type Source = Box<dyn Error + Send + Sync>;

/// A typed record could not be turned into bytes; nothing was sent.
#[derive(Debug)]
pub struct EncodeError(Box<EncodeFailure>);

#[derive(Debug)]
struct EncodeFailure {
    record: &'static str,
    field: Option<Cow<'static, str>>,
    source: Source,
}

impl EncodeError {
    /// `record` is the type's name; `field` the field at fault, `None` if that is not known.
    pub fn new(
        record: &'static str,
        field: Option<Cow<'static, str>>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self(Box::new(EncodeFailure {
            record,
            field,
            source: source.into(),
        }))
    }

    /// The name of the record's type.
    #[must_use]
    pub fn record(&self) -> &str {
        self.0.record
    }

    /// The field at fault, with the path to it (`lines[3].price`); `None` if that is not known.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// Why: the serializer's or the field's own error, whose text ends this one's.
    #[must_use]
    pub fn reason(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0.source
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.field {
            Some(field) => write!(f, "cannot encode field `{field}` of `{}`", self.0.record)?,
            None => write!(f, "cannot encode `{}`", self.0.record)?,
        }
        write!(f, ": {}", self.0.source)
    }
}

impl Error for EncodeError {
    /// What lies behind the reason, whose own text is part of this one's.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.source()
    }
}

/// The bytes of a received record are not what its type says.
///
/// Retrying does not help; skip the record, or put its bytes aside.
#[derive(Debug)]
pub struct DecodeError(Box<DecodeFailure>);

#[derive(Debug)]
struct DecodeFailure {
    record: &'static str,
    topic: String,
    partition: i32,
    offset: i64,
    kind: DecodeErrorKind,
    source: Option<Source>,
}

/// What was wrong with a received record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The value is null: a tombstone of a compacted topic, read as a type with no place for one.
    UnexpectedTombstone,
    /// The value is not of the type's format, or not this type.
    Value {
        /// The path to the field at fault (`lines[3].price`); `None` if that is not known.
        field: Option<String>,
    },
    /// The record says that it is of a type that the enum of records does not know.
    UnknownType {
        /// What it says.
        found: String,
        /// The types that the enum knows.
        known: &'static [&'static str],
    },
    /// The value has no field that says of which type it is.
    MissingTag {
        /// The field's name.
        name: String,
    },
    /// The key is null, and the field that is read from it has no place for that.
    NullKey,
    /// The bytes of the key are not of the field's type.
    InvalidKey,
    /// The record has no timestamp, and the field that is read from it has no place for that.
    MissingTimestamp,
    /// The timestamp is none that the field's type can hold.
    InvalidTimestamp,
    /// It is not known which partition the record came from, and the field has no place for that.
    UnknownPartition,
    /// A header that the type needs is not there.
    MissingHeader {
        /// The header's name.
        name: String,
    },
    /// A header that the type needs has a null value.
    NullHeader {
        /// The header's name.
        name: String,
    },
    /// The bytes of a header are not of the field's type.
    InvalidHeader {
        /// The header's name.
        name: String,
    },
}

impl DecodeError {
    /// `record` is the name of the type that `at` was read as.
    #[must_use]
    pub fn new(record: &'static str, at: &super::RecordRef<'_>, kind: DecodeErrorKind) -> Self {
        Self(Box::new(DecodeFailure {
            record,
            topic: at.topic.to_owned(),
            partition: at.partition,
            offset: at.offset,
            kind,
            source: None,
        }))
    }

    /// Adds what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What was wrong.
    #[must_use]
    pub fn kind(&self) -> &DecodeErrorKind {
        &self.0.kind
    }

    /// The name of the type it was read as.
    #[must_use]
    pub fn record(&self) -> &str {
        self.0.record
    }

    /// The record's topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.0.topic
    }

    /// The record's partition.
    #[must_use]
    pub fn partition(&self) -> i32 {
        self.0.partition
    }

    /// The record's offset.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.0.offset
    }

    /// Why, if there is more to say: the deserializer's or the field's own error, whose text ends
    /// this one's.
    #[must_use]
    pub fn reason(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DecodeFailure {
            record,
            topic,
            partition,
            offset,
            kind,
            ..
        } = &*self.0;
        write!(
            f,
            "record {topic}-{partition}@{offset} does not read as `{record}`: "
        )?;
        match kind {
            DecodeErrorKind::UnexpectedTombstone => {
                f.write_str("its value is null (a tombstone)")?
            }
            DecodeErrorKind::Value { field: Some(field) } => {
                write!(f, "field `{field}` of its value is invalid")?;
            }
            DecodeErrorKind::Value { field: None } => f.write_str("its value is invalid")?,
            DecodeErrorKind::UnknownType { found, known } => {
                write!(f, "its type `{found}` is none of `{}`", known.join("`, `"))?;
            }
            DecodeErrorKind::MissingTag { name } => {
                write!(f, "its value has no field `{name}` that says its type")?;
            }
            DecodeErrorKind::NullKey => f.write_str("its key is null")?,
            DecodeErrorKind::InvalidKey => f.write_str("its key is invalid")?,
            DecodeErrorKind::MissingTimestamp => f.write_str("it has no timestamp")?,
            DecodeErrorKind::InvalidTimestamp => f.write_str("its timestamp is invalid")?,
            DecodeErrorKind::UnknownPartition => f.write_str("its partition is not known")?,
            DecodeErrorKind::MissingHeader { name } => write!(f, "it has no header `{name}`")?,
            DecodeErrorKind::NullHeader { name } => write!(f, "its header `{name}` is null")?,
            DecodeErrorKind::InvalidHeader { name } => write!(f, "its header `{name}` is invalid")?,
        }
        match &self.0.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl Error for DecodeError {
    /// What lies behind the reason, whose own text is part of this one's.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().and_then(|source| source.source())
    }
}

/// A key, header or timestamp that does not fit: bytes that are not of the wanted type, or a time
/// Kafka cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError(Cow<'static, str>);

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for FieldError {}

impl FieldError {
    /// Says what is wrong, as in "expected 4 bytes, found 3".
    pub fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self(what.into())
    }
}
