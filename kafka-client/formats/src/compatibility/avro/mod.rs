//! Avro: the resolution rules of the specification, as Apache Avro's `SchemaCompatibility` checks them.
//!
//! - `model`: a schema as these rules see it
//! - `rules`: whether one reads the other
//! - `skim`: whether bytes are as long as they say
//!
//! Not covered, as it is not by Apache Avro: logical types (a `decimal` of another scale is taken as its bytes),
//! and whether a default is a value of its field.

mod model;
mod rules;
#[cfg(feature = "avro")]
mod skim;

pub use self::model::AvroModel;
