//! Values in Protobuf.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use prost::Message;

use crate::codec::{CodecError, CodecErrorKind, Core, Referenced, Settings};
use crate::compatibility::protobuf::ProtobufModel;
use crate::registry::SchemaRegistry;
use crate::schema::{Schema, SchemaType};
use crate::wire::{Encoded, MessageIndexes, Split};

/// Writes and reads a message of Protobuf.
///
/// The schema is the text of the `.proto` file that the type was generated from. What others wrote is read by the
/// numbers of its fields, as always in Protobuf; their schema says which message of their file it is.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use kafka_client_formats::codec::{Register, Settings};
/// use kafka_client_formats::protobuf::Protobuf;
/// use kafka_client_formats::registry::{Cached, Registry};
/// use kafka_client_formats::schema::Schema;
///
/// // As prost-build generates it.
/// #[derive(Clone, PartialEq, prost::Message)]
/// struct Placed {
///     #[prost(string, tag = "1")]
///     customer: String,
/// }
///
/// let registry = Arc::new(Cached::new(Registry::builder("http://localhost:8081").build()?));
/// let schema = Schema::protobuf(
///     r#"syntax = "proto3"; package shop; message Placed { string customer = 1; }"#,
/// );
/// let settings = Settings::new("orders").register(Register::AtStart);
/// let codec = Protobuf::<Placed>::new(registry, schema, settings, "shop.Placed")?;
/// codec.prepare().await?;
///
/// let mut bytes = Vec::new();
/// codec.encode(&Placed { customer: "Ada".to_owned() }, &mut bytes)?;
/// # Ok(())
/// # }
/// ```
pub struct Protobuf<T> {
    core: Core<Parsed>,
    message: String,
    types: PhantomData<fn() -> T>,
}

/// A file that values are written with.
struct Parsed {
    model: ProtobufModel,
    /// The way to the codec's own message, if the file has it.
    own: Option<MessageIndexes>,
}

impl<T> fmt::Debug for Protobuf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}

impl<T> Protobuf<T> {
    /// A codec for the message with this full name, in this file.
    ///
    /// # Errors
    /// When the file cannot be read, or has no such message.
    pub fn new(
        registry: Arc<dyn SchemaRegistry>,
        schema: Schema,
        settings: Settings,
        message: impl Into<String>,
    ) -> Result<Self, CodecError> {
        let (topic, message) = (settings.topic.clone(), message.into());
        let wrong = |text: String| CodecError::new(CodecErrorKind::Schema, &topic, text);
        if schema.schema_type != SchemaType::Protobuf {
            let text = format!(
                "the schema is of type {}, and PROTOBUF is wanted",
                schema.schema_type
            );
            return Err(wrong(text));
        }
        let model =
            ProtobufModel::parse(&schema.text, &[]).map_err(|error| wrong(error.to_string()))?;
        if model.indexes(&message).is_none() {
            return Err(wrong(format!("the schema has no message {message}")));
        }
        let (own, about) = (message.clone(), topic.clone());
        let parse = move |schema: &Schema, others: &Referenced| {
            let others = others
                .iter()
                .map(|(name, other)| (name.as_str(), other.text.as_str()));
            let model = ProtobufModel::parse(&schema.text, &others.collect::<Vec<_>>());
            let model = model.map_err(|error| {
                CodecError::new(CodecErrorKind::Schema, &about, error.to_string())
            })?;
            let own = model.indexes(&own);
            Ok(Parsed { model, own })
        };
        let core = Core::new(registry, schema, settings, Some(&message), parse)?;
        Ok(Self {
            core,
            message,
            types: PhantomData,
        })
    }
}

crate::codec::codec_calls!(Protobuf, [T: Message], [T: Message + Default]);

impl<T: Message> Protobuf<T> {
    fn payload(&self, parsed: &Parsed, value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let Some(indexes) = &parsed.own else {
            let text = format!("the schema in the registry has no message {}", self.message);
            return Err(self.core.error(CodecErrorKind::Encode, text));
        };
        if !self.core.has_header() {
            indexes.encode(out);
        }
        value.encode(out).map_err(|error| {
            let text = format!("the value cannot be written: {error}");
            self.core.error(CodecErrorKind::Encode, text)
        })
    }

    fn header_payload(&self, parsed: &Parsed, out: &mut Vec<u8>) {
        if let Some(indexes) = &parsed.own {
            indexes.encode(out);
        }
    }
}

impl<T: Message + Default> Protobuf<T> {
    fn value(&self, parsed: &Parsed, split: &Split<'_>) -> Result<T, CodecError> {
        let indexes = MessageIndexes::decode(split.behind);
        let (indexes, behind) =
            indexes.map_err(|error| CodecError::wire(&self.core.subject, error))?;
        if parsed.own.as_ref() != Some(&indexes) {
            self.check(parsed, &indexes)?;
        }
        T::decode(split.elsewhere.unwrap_or(behind)).map_err(|error| {
            let text = format!("the bytes are not this message: {error}");
            self.core.error(CodecErrorKind::Decode, text)
        })
    }

    /// Whether it is the same message, but for its package.
    fn check(&self, parsed: &Parsed, indexes: &MessageIndexes) -> Result<(), CodecError> {
        let short = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
        let written = parsed.model.message(indexes);
        match written {
            Some(written) if short(written) == short(&self.message) => Ok(()),
            Some(written) => {
                let text = format!("message {written} is written, {} is read", self.message);
                Err(self.core.error(CodecErrorKind::Decode, text))
            }
            None => {
                let indexes = indexes.as_slice();
                let text = format!("the writer's schema has no message at {indexes:?}");
                Err(self.core.error(CodecErrorKind::Decode, text))
            }
        }
    }
}
