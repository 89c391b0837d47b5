//! What a message is: the traits that `#[derive(Message)]` implements, and the description of its
//! fields that the conformance test compares with Kafka's own definitions.

use bytes::Bytes;

use crate::api_key::ApiKey;
use crate::error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
use crate::wire::{Reader, Size, Sizer, Version, View, Wire, Writer};

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

    /// Milliseconds that the sender of the request is to pause because of a quota (KIP-219); 0 for
    /// none, and for messages that do not tell.
    #[must_use]
    fn throttle_time_ms(&self) -> i32 {
        0
    }

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
        let mut size = Sizer::default();
        self.size(&mut size, Self::version(version));
        size.finish()
            .map_err(|error| error.in_message(Self::NAME, version))
    }

    /// The body alone as one piece, without header or length.
    ///
    /// # Errors
    /// When the version is unknown or cannot carry a value.
    fn encode(&self, version: i16) -> Result<Bytes, EncodeError> {
        let size = self.encoded_size(version)?;
        let mut out = Writer::new(size);
        self.write(&mut out, Self::version(version));
        Ok(out.finish().concat())
    }

    /// Reads a whole body; every byte must belong to it.
    ///
    /// # Errors
    /// When the version is unknown or the bytes are not the message.
    fn decode(body: Bytes, version: i16) -> Result<Self, DecodeError> {
        decode::<Self, _>(&body, version, Rest::Refused, Self::read)
    }
}

/// What becomes of bytes behind a message.
#[derive(Clone, Copy, PartialEq)]
enum Rest {
    Refused,
    Ignored,
}

/// Reads a message from a whole body.
fn decode<'a, M: Message, T>(
    body: &'a Bytes,
    version: i16,
    rest: Rest,
    read: impl FnOnce(&mut Reader<'a>, Version) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let (min, max) = (M::MIN_VERSION, M::MAX_VERSION);
    let result = if (min..=max).contains(&version) {
        let mut reader = Reader::new(body);
        read(&mut reader, M::version(version)).and_then(|value| match reader.remaining() {
            0 => Ok(value),
            _ if rest == Rest::Ignored => Ok(value),
            // Of no field: all were read.
            count => Err(DecodeErrorKind::TrailingBytes { count }.into()),
        })
    } else {
        Err(DecodeErrorKind::UnsupportedVersion { min, max }.into())
    };
    result.map_err(|error| error.in_message(M::NAME, version))
}

/// A request with its API key and the type of its answer.
pub trait Request: Message {
    /// The API.
    const API_KEY: ApiKey;
    /// What a broker answers.
    type Response: Message;

    /// Reads a body as a broker does: bytes behind the last field are ignored, as in Kafka.
    /// librdkafka from 2.1 on sends such with its Metadata requests for all topics.
    ///
    /// # Errors
    /// When the version is unknown or the bytes are not the message.
    fn decode_received(body: Bytes, version: i16) -> Result<Self, DecodeError> {
        decode::<Self, _>(&body, version, Rest::Ignored, Self::read)
    }
}

/// A message that can be read in place, for paths on which a message names thousands of partitions
/// and is only iterated: nothing is allocated. A view leaves out the tagged fields of later versions,
/// so it is not for passing a message on.
///
/// What is to outlive the body, and not to be copied, shares it:
///
/// ```
/// use bytes::Bytes;
/// use kafka_client_protocol::api::fetch::FetchResponse;
/// use kafka_client_protocol::{DecodeError, ViewMessage};
///
/// /// The record batches of each partition, by its number.
/// fn records(body: &Bytes, version: i16) -> Result<Vec<(i32, Bytes)>, DecodeError> {
///     let mut records = Vec::new();
///     for topic in &FetchResponse::view(body, version)?.responses {
///         for partition in &topic.partitions {
///             let shared = body.slice_ref(partition.records.unwrap_or_default());
///             records.push((partition.partition_index, shared));
///         }
///     }
///     Ok(records)
/// }
/// ```
///
/// The body is what [`frame::response_body`](crate::frame::response_body) makes of a received frame.
pub trait ViewMessage: Message {
    /// The message in place: its fields, borrowed from the frame.
    type View<'a>: View<'a>;

    /// As [`Message::throttle_time_ms`].
    #[must_use]
    fn view_throttle_time_ms(_view: &Self::View<'_>) -> i32 {
        0
    }

    /// Reads a whole body in place; every byte must belong to it.
    ///
    /// # Errors
    /// When the version is unknown or the bytes are not the message.
    fn view(body: &Bytes, version: i16) -> Result<Self::View<'_>, DecodeError> {
        decode::<Self, _>(body, version, Rest::Refused, View::view)
    }
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
    /// Its fields, in order of the wire, without the tagged fields of later versions.
    pub fields: &'static [FieldDescription],
    /// Whether it keeps the tagged fields of later versions.
    pub keeps_unknown: bool,
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
