//! What a message is: the traits that `#[derive(Message)]` implements, and the description of its
//! fields that the conformance test compares with Kafka's own definitions.

use bytes::Bytes;

use crate::api_key::ApiKey;
use crate::error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
use crate::wire::{Reader, Size, Version, Wire};

/// A request, a response, or a blob with versions of its own.
///
/// `#[derive(Message)]` on a struct writes this from `#[message(versions = .., flexible = ..)]`,
/// and the [`Wire`] form of every version from the `#[field(..)]` attributes.
pub trait Message: Wire + Default {
    /// Kafka's name for it.
    const NAME: &'static str;
    /// The lowest version this crate knows.
    const MIN_VERSION: i16;
    /// The highest version this crate knows.
    const MAX_VERSION: i16;
    /// The first version with compact lengths and tagged fields, if any.
    const FIRST_FLEXIBLE: Option<i16>;

    /// The version with what follows from it.
    #[must_use]
    fn version(number: i16) -> Version {
        Version::new(number, Self::FIRST_FLEXIBLE)
    }

    /// The exact size of the body in a version.
    ///
    /// # Errors
    /// When the version is unknown or cannot carry a value.
    fn encoded_size(&self, version: i16) -> Result<Size, EncodeError> {
        let (min, max) = (Self::MIN_VERSION, Self::MAX_VERSION);
        if !(min..=max).contains(&version) {
            let error = EncodeError::from(EncodeErrorKind::UnsupportedVersion { min, max });
            return Err(error.in_message(Self::NAME, version));
        }
        self.size(Self::version(version))
            .map_err(|error| error.in_message(Self::NAME, version))
    }

    /// The body alone as one piece, without header or length.
    ///
    /// # Errors
    /// When the version is unknown or cannot carry a value.
    fn encode(&self, version: i16) -> Result<Bytes, EncodeError> {
        let size = self.encoded_size(version)?;
        let mut out = crate::wire::Writer::with_size(size);
        self.write(&mut out, Self::version(version));
        let mut segments = out.finish();
        Ok(match segments.len() {
            0 => Bytes::new(),
            1 => segments.swap_remove(0),
            _ => segments.concat().into(),
        })
    }

    /// Reads a whole body; every byte must belong to it.
    ///
    /// # Errors
    /// When the version is unknown or the bytes are not the message.
    fn decode(body: Bytes, version: i16) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let (min, max) = (Self::MIN_VERSION, Self::MAX_VERSION);
        let result = if (min..=max).contains(&version) {
            Self::read(&mut reader, Self::version(version)).and_then(|message| {
                match reader.remaining() {
                    0 => Ok(message),
                    count => Err(DecodeErrorKind::TrailingBytes { count }.into()),
                }
            })
        } else {
            Err(DecodeErrorKind::UnsupportedVersion { min, max }.into())
        };
        result.map_err(|error| error.in_message(Self::NAME, version))
    }
}

/// A request with its API key and the type of its answer.
pub trait Request: Message {
    /// The API.
    const API_KEY: ApiKey;
    /// What a broker answers.
    type Response: Message;
}

/// The type of a field, in Kafka's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeDescription {
    /// A type without parts, by Kafka's name.
    Primitive(&'static str),
    /// An array of a type.
    Array(&'static TypeDescription),
    /// A type with a null form.
    Nullable(&'static TypeDescription),
    /// A struct.
    Struct(&'static StructDescription),
}

/// A struct's name and fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StructDescription {
    /// The Rust name.
    pub name: &'static str,
    /// Its fields, in order of the wire.
    pub fields: &'static [FieldDescription],
}

/// A field as its attributes describe it. Version bounds are `i16::MIN` and `i16::MAX` where the
/// attribute leaves them open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldDescription {
    /// The Rust name.
    pub name: &'static str,
    /// Its type.
    pub ty: TypeDescription,
    /// First and last version that have the field.
    pub versions: (i16, i16),
    /// First and last version in which it may be null.
    pub nullable: Option<(i16, i16)>,
    /// Its tag, if it is a tagged field.
    pub tag: Option<u32>,
    /// The default, as written in the attribute.
    pub default: Option<&'static str>,
    /// Whether it is part of the key of its array's elements.
    pub key: bool,
    /// Whether a set value may be left out of versions that have no such field.
    pub ignorable: bool,
}
