//! What the codecs of all languages have in common.
//!
//! A codec belongs to one type, one topic and one part of its records. Writing and reading are plain functions,
//! and what takes a registry is done before: `prepare` when a program starts, which settles under
//! which id is written, and `load` for bytes that name a schema which was not read before.
//!
//! - `core`: the schema's id, and the schemas of writers
//! - `error`: what went wrong
//! - `settings`: how values are written
//! - `surface`: the calls of all codecs

mod core;
mod error;
mod settings;
#[cfg(any(feature = "avro", feature = "protobuf", feature = "json-schema"))]
#[macro_use]
mod surface;

#[cfg(any(feature = "avro", feature = "protobuf", feature = "json-schema"))]
pub(crate) use self::core::{Core, Referenced};
pub use self::error::{CodecError, CodecErrorKind};
pub use self::settings::{IdIn, Register, Settings};
#[cfg(any(feature = "avro", feature = "protobuf", feature = "json-schema"))]
pub(crate) use codec_calls;
