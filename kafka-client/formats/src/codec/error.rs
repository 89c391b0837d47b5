//! What went wrong with a value or its schema.

use std::error::Error;
use std::fmt;

use crate::registry::RegistryError;
use crate::wire::{SchemaId, WireError};

/// A value could not be written or read.
#[derive(Debug)]
pub struct CodecError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: CodecErrorKind,
    subject: String,
    field: Option<String>,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecErrorKind {
    /// A value was to be written before the schema's id was known: `prepare` comes first.
    NotPrepared,
    /// The schema that a value was written with has not been read yet: `load` comes first.
    NotLoaded(SchemaId),
    /// The registry did not do what it was asked for. The source is a [`RegistryError`].
    Registry,
    /// The bytes name no schema. The source is a [`WireError`].
    Wire,
    /// A schema cannot be read, or is of another language.
    Schema,
    /// The value does not fit its schema.
    Encode,
    /// The bytes are not what their schema says, or not this type.
    Decode,
    /// What was written with the writer's schema cannot be read by the reader's.
    Evolution,
}

impl CodecError {
    pub(crate) fn new(kind: CodecErrorKind, subject: &str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            subject: subject.to_owned(),
            field: None,
            message: message.into(),
            source: None,
        }))
    }

    pub(crate) fn registry(subject: &str, error: RegistryError) -> Self {
        Self::new(CodecErrorKind::Registry, subject, error.to_string()).caused_by(error)
    }

    pub(crate) fn wire(subject: &str, error: WireError) -> Self {
        Self::new(CodecErrorKind::Wire, subject, error.to_string()).caused_by(error)
    }

    #[cfg(any(feature = "avro", feature = "json-schema"))]
    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> CodecErrorKind {
        self.0.kind
    }

    /// The subject of the codec's schema.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The path to the field at fault; `None` if that is not known.
    #[must_use]
    pub fn field_path(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The registry's error, if it is one.
    #[must_use]
    pub fn as_registry(&self) -> Option<&RegistryError> {
        self.0.source.as_ref()?.downcast_ref()
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        self.as_registry().is_some_and(RegistryError::is_retriable)
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "subject {}", self.0.subject)?;
        if let Some(field) = &self.0.field {
            write!(f, ", field {field}")?;
        }
        write!(f, ": {}", self.0.message)
    }
}

impl Error for CodecError {
    /// What lies behind the cause, whose own text is part of this one's.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_ref()?.source()
    }
}
