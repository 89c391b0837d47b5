//! The codecs, with a registry in memory.
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a failed unwrap is the message"
)]
#![cfg(all(feature = "avro", feature = "protobuf", feature = "json-schema"))]

mod avro;
mod json_schema;
mod memory;
mod protobuf;
mod settling;
