//! Values in Avro.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use apache_avro::Schema as AvroSchema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{CodecError, CodecErrorKind, Core, Referenced, Settings};
use crate::compatibility::avro::AvroModel;
use crate::registry::SchemaRegistry;
use crate::schema::{Schema, SchemaType};
use crate::wire::{Encoded, Split};

/// Writes and reads a type in Avro.
///
/// The type's own schema is the reader's: what others wrote with another one is resolved to it by the rules of
/// Avro. Where they do not allow that, the error names the field.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use kafka_client_formats::avro::Avro;
/// use kafka_client_formats::codec::{Register, Settings};
/// use kafka_client_formats::registry::{Cached, Registry};
/// use kafka_client_formats::schema::Schema;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Placed {
///     customer: String,
/// }
///
/// let registry = Arc::new(Cached::new(Registry::builder("http://localhost:8081").build()?));
/// let schema = Schema::avro(
///     r#"{"type":"record","name":"Placed","fields":[{"name":"customer","type":"string"}]}"#,
/// );
/// let settings = Settings::new("orders").register(Register::AtStart);
/// let codec = Avro::<Placed>::new(registry, schema, settings).await?;
/// codec.prepare().await?;
///
/// let mut bytes = Vec::new();
/// codec.encode(&Placed { customer: "Ada".to_owned() }, &mut bytes)?;
/// let placed = codec.read(&bytes).await?;
/// # let _ = placed;
/// # Ok(())
/// # }
/// ```
pub struct Avro<T> {
    core: Core<Parsed>,
    reader: Arc<Reader>,
    types: PhantomData<fn() -> T>,
}

/// The type's own schema.
struct Reader {
    schema: AvroSchema,
    others: Vec<AvroSchema>,
    model: AvroModel,
}

/// A schema that values are written with.
struct Parsed {
    schema: AvroSchema,
    others: Vec<AvroSchema>,
    model: AvroModel,
    /// How values of it become the type.
    way: Way,
}

enum Way {
    /// It is the type's own.
    Same,
    /// By resolution.
    Resolve,
    /// Not at all: the field, and why.
    None(String, String),
}

impl<T> fmt::Debug for Avro<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}

impl<T> Avro<T> {
    /// A codec for a type with this schema. The registry is asked for what the schema refers to, if anything.
    ///
    /// # Errors
    /// When the schema cannot be read.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn new(
        registry: Arc<dyn SchemaRegistry>,
        schema: Schema,
        settings: Settings,
    ) -> Result<Self, CodecError> {
        let topic = settings.topic.clone();
        if schema.schema_type != SchemaType::Avro {
            let text = format!(
                "the schema is of type {}, and AVRO is wanted",
                schema.schema_type
            );
            return Err(CodecError::new(CodecErrorKind::Schema, &topic, text));
        }
        let others = crate::registry::referenced(&*registry, &schema).await;
        let others = others.map_err(|error| CodecError::registry(&topic, error))?;
        let (own, own_others) = parse(&topic, &schema, &others)?;
        let own_model = model(&topic, &schema, &others)?;
        let name = own.name().map(|name| name.fullname(None));
        let reader = Arc::new(Reader {
            schema: own,
            others: own_others,
            model: own_model,
        });
        let for_writers = reader.clone();
        let parse = move |schema: &Schema, others: &Referenced| {
            let (parsed, parsed_others) = parse(&topic, schema, others)?;
            let written = model(&topic, schema, others)?;
            let way = match written == for_writers.model {
                true => Way::Same,
                false => match for_writers.model.cannot_read(&written).into_iter().next() {
                    None => Way::Resolve,
                    Some(reason) => Way::None(reason.path, reason.what),
                },
            };
            Ok(Parsed {
                schema: parsed,
                others: parsed_others,
                model: written,
                way,
            })
        };
        let core = Core::new(registry, schema, settings, name.as_deref(), parse)?;
        Ok(Self {
            core,
            reader,
            types: PhantomData,
        })
    }

    fn writers(parsed: &Parsed) -> Vec<&AvroSchema> {
        let others = parsed.others.iter();
        others.chain([&parsed.schema]).collect()
    }
}

crate::codec::codec_calls!(Avro, [T: Serialize], [T: DeserializeOwned]);

impl<T: Serialize> Avro<T> {
    fn payload(&self, parsed: &Parsed, value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let failed = |error: apache_avro::Error| {
            let text = format!("the value does not fit its schema: {error}");
            self.core.error(CodecErrorKind::Encode, text)
        };
        let writer = GenericDatumWriter::builder(&parsed.schema);
        let writer = writer.schemata(Self::writers(parsed)).map_err(failed)?;
        let writer = writer.build().map_err(failed)?;
        writer.write_ser(out, value).map_err(failed)?;
        Ok(())
    }

    fn header_payload(&self, _: &Parsed, _: &mut Vec<u8>) {}
}

impl<T: DeserializeOwned> Avro<T> {
    fn value(&self, parsed: &Parsed, split: &Split<'_>) -> Result<T, CodecError> {
        let failed = |error: apache_avro::Error| {
            let text =
                format!("the bytes are not what their schema says, or not this type: {error}");
            self.core.error(CodecErrorKind::Decode, text)
        };
        let mut bytes = split.elsewhere.unwrap_or(split.behind);
        if let Way::None(field, what) = &parsed.way {
            let text = format!("what was written with another schema cannot be read: {what}");
            let error = self.core.error(CodecErrorKind::Evolution, text);
            return Err(error.field(field));
        }
        // The library allocates by lengths before it looks for their bytes.
        parsed.model.skim(bytes).map_err(|what| {
            let text = format!("the bytes are not what their schema says: {what}");
            self.core.error(CodecErrorKind::Decode, text)
        })?;
        let reader = GenericDatumReader::builder(&parsed.schema);
        let reader = reader
            .writer_schemata(Self::writers(parsed))
            .map_err(failed)?;
        match &parsed.way {
            Way::Resolve => {
                let others = self.reader.others.iter();
                let own = others.chain([&self.reader.schema]).collect();
                let reader = reader.reader_schema(&self.reader.schema);
                let reader = reader.reader_schemata(own).map_err(failed)?;
                let reader = reader.build().map_err(failed)?;
                let value = reader.read_value(&mut bytes).map_err(failed)?;
                apache_avro::from_value(&value).map_err(failed)
            }
            Way::Same | Way::None(..) => {
                let reader = reader.build().map_err(failed)?;
                reader.read_deser(&mut bytes).map_err(failed)
            }
        }
    }
}

/// The schema, and those that it refers to.
fn parse(
    topic: &str,
    schema: &Schema,
    others: &Referenced,
) -> Result<(AvroSchema, Vec<AvroSchema>), CodecError> {
    let texts = others.iter().map(|(_, other)| &other.text);
    AvroSchema::parse_str_with_list(&schema.text, texts).map_err(|error| {
        let text = format!("the schema cannot be read: {error}");
        CodecError::new(CodecErrorKind::Schema, topic, text)
    })
}

fn model(topic: &str, schema: &Schema, others: &Referenced) -> Result<AvroModel, CodecError> {
    let texts: Vec<_> = others
        .iter()
        .map(|(_, other)| other.text.as_str())
        .collect();
    AvroModel::parse(&schema.text, &texts).map_err(|error| {
        let text = format!("the schema cannot be read: {error}");
        CodecError::new(CodecErrorKind::Schema, topic, text)
    })
}
