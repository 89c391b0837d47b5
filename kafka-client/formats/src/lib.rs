//! Schemas for `kafka-client`: values in Avro, Protobuf and JSON Schema, with a schema registry.
//!
//! A codec of this crate writes a value behind the id of its schema, and reads one by the schema that it was
//! written with, whoever wrote it: the bytes are those of Confluent's serializers.
//!
//! | feature | what it adds |
//! |---|---|
//! | `registry` (default) | the client of a registry that speaks Confluent's REST API |
//! | `tls` (default), `tls-aws-lc` | whose cryptography TLS has: ring's, or that of aws-lc |
//! | `avro` | `avro::Avro`, on `apache-avro` |
//! | `protobuf` | `protobuf::Protobuf`, on `prost` |
//! | `json-schema` | `json_schema::JsonSchema`, on `serde_json` |
//!
//! Without any of them there are the wire formats, the names of subjects, and the rules of compatibility: all
//! pure.

#[cfg(feature = "avro")]
pub mod avro;
#[cfg(any(feature = "avro", feature = "protobuf", feature = "json-schema"))]
pub mod codec;
pub mod compatibility;
#[cfg(feature = "json-schema")]
pub mod json_schema;
#[cfg(feature = "protobuf")]
pub mod protobuf;
#[cfg(feature = "registry")]
pub mod registry;
pub mod schema;
pub mod subject;
pub mod wire;
