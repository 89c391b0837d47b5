//! Kafka's wire protocol: messages and record batches to and from bytes.
//!
//! No I/O, no clock, no runtime. A message is a plain struct whose attributes are its schema;
//! strings and byte fields of a decoded message are views into the frame it came in.
//!
//! - [`api`]: one module per API, request and response together
//! - [`records`]: record batches, the payload of Produce and Fetch
//! - [`frame`]: headers and the length prefix around a message
//! - [`consumer_protocol`]: what members of a consumer group tell each other
//! - [`internal_topics`]: the records that coordinators keep in `__consumer_offsets` and
//!   `__transaction_state`
//! - [`ApiKey`] and [`ErrorCode`]: the two tables
//!
//! Facts and versions are those of Apache Kafka 4.3, with what 4.4 adds where it is known.

// The derive macro names this crate by its name, here as well.
extern crate self as kafka_client_protocol;

pub mod api;
mod api_key;
pub mod consumer_protocol;
mod error;
mod error_code;
pub mod frame;
pub mod internal_topics;
pub mod message;
pub mod records;
mod types;
pub mod wire;

pub use api_key::ApiKey;
pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
pub use error_code::{ErrorClass, ErrorCode};
pub use message::{Message, Request, ViewMessage};
pub use types::{StrBytes, TaggedFields, Uuid};
