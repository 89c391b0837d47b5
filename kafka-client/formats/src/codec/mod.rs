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
#[macro_use]
mod surface;

pub(crate) use self::core::Core;
#[cfg(any(feature = "avro", feature = "protobuf"))]
pub(crate) use self::core::Referenced;
pub use self::error::{CodecError, CodecErrorKind};
pub use self::settings::{IdIn, Register, Settings};
pub(crate) use codec_calls;
