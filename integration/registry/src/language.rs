//! Schemas of the three languages: read, told apart and compared.

use kafka_client_formats::compatibility::avro::AvroModel;
use kafka_client_formats::compatibility::json::JsonModel;
use kafka_client_formats::compatibility::protobuf::ProtobufModel;
use kafka_client_formats::compatibility::{Incompatibility, InvalidSchema};
use kafka_client_formats::schema::{Schema, SchemaType};
use kafka_client_formats::wire::Guid;
use sha2::{Digest, Sha256};

/// A schema, read with all that it refers to.
#[derive(Debug, Clone)]
pub(crate) enum Parsed {
    Avro(AvroModel),
    Protobuf(Box<ProtobufModel>),
    Json(JsonModel),
}

impl Parsed {
    /// Reads a schema. `others` are those that it refers to, by the names it does so.
    pub(crate) fn read(
        schema: &Schema,
        others: &[(String, Schema)],
    ) -> Result<Self, InvalidSchema> {
        let pairs = others
            .iter()
            .map(|(name, other)| (name.as_str(), other.text.as_str()));
        let pairs: Vec<_> = pairs.collect();
        let texts: Vec<_> = pairs.iter().map(|(_, text)| *text).collect();
        Ok(match schema.schema_type {
            SchemaType::Protobuf => {
                Self::Protobuf(Box::new(ProtobufModel::parse(&schema.text, &pairs)?))
            }
            SchemaType::Json => Self::Json(JsonModel::parse(&schema.text, &pairs)?),
            _ => Self::Avro(AvroModel::parse(&schema.text, &texts)?),
        })
    }

    /// Why this one, as the reader's, does not read what was written with `writer`.
    pub(crate) fn cannot_read(&self, writer: &Self) -> Vec<Incompatibility> {
        match (self, writer) {
            (Self::Avro(reader), Self::Avro(writer)) => reader.cannot_read(writer),
            (Self::Protobuf(reader), Self::Protobuf(writer)) => reader.cannot_read(writer),
            (Self::Json(reader), Self::Json(writer)) => reader.cannot_read(writer),
            _ => vec![Incompatibility {
                path: "/".to_owned(),
                what: "the schema is of another type".to_owned(),
            }],
        }
    }
}

/// A text that is the same for schemas that are: without the spaces of JSON, and with the descriptor of a file.
pub(crate) fn identity(schema: &Schema) -> String {
    let text = match schema.schema_type {
        SchemaType::Protobuf => ProtobufModel::parse(&schema.text, &[])
            .map_or_else(|_| schema.text.clone(), |model| model.serialized()),
        _ => serde_json::from_str::<serde_json::Value>(&schema.text)
            .map_or_else(|_| schema.text.clone(), |value| value.to_string()),
    };
    let references = schema.references.iter();
    let references = references.map(|it| format!("{:?}:{:?}:{}", it.name, it.subject, it.version));
    let references: Vec<_> = references.collect();
    format!("{} {} {text}", schema.schema_type, references.join(" "))
}

/// A GUID that is the same for schemas that are. It is this registry's: Confluent's are made in another way.
pub(crate) fn guid(schema: &Schema) -> Guid {
    let hash = Sha256::digest(identity(schema).as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    // Version 8 of RFC 9562: made as its maker likes.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Guid(bytes)
}
