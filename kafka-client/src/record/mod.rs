//! What users hand in and what they get back.
//!
//! | type | direction | ownership |
//! |---|---|---|
//! | [`Record`] | to the producer | borrowed: nothing is copied until it is encoded into its batch |
//! | [`ConsumerRecord`] | from the consumer | owned: its bytes are views into the received frame |
//! | [`RecordRef`] | what a typed record is read from | borrowed view of either |
//! | [`KafkaRecord`] | both | a type of yours, see its derive macro |
//!
//! # Typed records
//!
//! `#[derive(KafkaRecord)]` says once where each part of a type goes, and the producer and the
//! consumer take it from there:
//!
//! ```
//! use std::time::SystemTime;
//! use kafka_client::KafkaRecord;
//!
//! #[derive(KafkaRecord)]
//! #[kafka(topic = "orders", format = json)]
//! struct OrderPlaced {
//!     #[kafka(key)]
//!     order_id: String,
//!     #[kafka(header = "tenant")]
//!     tenant: String,
//!     #[kafka(timestamp)]
//!     placed_at: SystemTime,
//!     amount_cents: u64,
//! }
//! ```
//!
//! Attributes of the type, as in `#[kafka(topic = "orders", format = json)]`:
//!
//! | attribute | meaning |
//! |---|---|
//! | `topic = "name"` | the topic of this type; without it only calls that name a topic accept it ([`HasTopic`]) |
//! | `format = json` | how the value is written; this is the default |
//! | `format = string`, `format = bytes` | the value is the text or the bytes of the field with `value` |
//! | `with = MyCodec` | the value is written by a codec of yours ([`ValueCodec`]) |
//! | `content_type = "application/json"` | each record with a value gets a header `content-type` |
//! | `crate = path` | where `kafka_client` is, when it is renamed or re-exported |
//!
//! Attributes of a field, as in `#[kafka(key)]`. One without any is in the value.
//!
//! | attribute | the field is | in the value | read from |
//! |---|---|---|---|
//! | `key` | the record's key ([`KafkaKey`]) | too | the value |
//! | `key(only)` | the record's key | no | the key |
//! | `header = "name"` | a header ([`KafkaHeader`]) | no | the header |
//! | `header(name = "name", also)` | a header | too | the value |
//! | `headers` | several headers: a struct that derives [`KafkaHeaders`], or a map of all others | no | the headers |
//! | `timestamp` | the record's timestamp ([`KafkaTimestamp`]) | too | the value |
//! | `timestamp(only)` | the record's timestamp | no | the timestamp |
//! | `partition` | the partition to write to: `i32`, or `Option<i32>`, where `None` leaves it to the partitioner | no | where the record came from |
//! | `value` | the whole value; all other fields are elsewhere | it is the value | the value |
//! | `skip` | nothing of the record | no | `Default::default()` |
//!
//! When a record is read back, what is in the value comes from there, so a record rewritten by a
//! broker (`LogAppendTime`) or by a re-keying job still reads as it was written. What is not in the
//! value comes from its own place. Mind that a record that is read and sent again goes to the
//! partition it came from if that is a field.
//!
//! # Tombstones
//!
//! A null value deletes the key in a compacted topic. A field that is the value can say so, if its
//! type is written as `Option<..>`:
//!
//! ```
//! use kafka_client::KafkaRecord;
//! use kafka_client::record::{Record, RecordBuffer};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct User {
//!     name: String,
//! }
//!
//! #[derive(Debug, PartialEq, KafkaRecord)]
//! #[kafka(topic = "users", content_type = "application/json")]
//! struct UserRecord {
//!     #[kafka(key(only))]
//!     id: String,
//!     #[kafka(header = "tenant")]
//!     tenant: String,
//!     #[kafka(timestamp(only))]
//!     changed_ms: Option<i64>,
//!     #[kafka(partition)]
//!     shard: Option<i32>,
//!     #[kafka(skip)]
//!     cached: bool,
//!     #[kafka(value)]
//!     user: Option<User>,
//! }
//!
//! let deleted = UserRecord {
//!     id: "u-1".to_owned(),
//!     tenant: "acme".to_owned(),
//!     changed_ms: Some(1_500),
//!     shard: Some(3),
//!     cached: false,
//!     user: None,
//! };
//! let mut buffer = RecordBuffer::new();
//! buffer.encode(&deleted)?;
//! buffer.with_record("users", |record| {
//!     assert_eq!((record.key, record.value), (Some(&b"u-1"[..]), None));
//!     assert_eq!(UserRecord::decode(&record.as_received(3, 42)).unwrap(), deleted);
//! });
//! # Ok::<(), kafka_client::record::EncodeError>(())
//! ```
//!
//! A null value that is read as a type with no place for it is
//! [`UnexpectedTombstone`](DecodeErrorKind::UnexpectedTombstone).
//!
//! # serde
//!
//! The value is written by serde, but the type itself need not derive `Serialize` or `Deserialize`
//! and your crate need not depend on serde: the derive macro does it for a private copy of the
//! type that has only the fields in the value. `#[serde(..)]` attributes on the type and its fields (`rename`,
//! `rename_all`, `default`, `with`, `skip_serializing_if`, `flatten`, ..) mean what they always
//! mean. Deriving serde's traits on the type as well is fine and changes nothing here; a
//! hand-written `Serialize` for the record type itself is **not** used (for a field's type it is).
//! `#[serde(from, try_from, into, remote)]` on a record are compile errors for that reason.

mod buffer;
mod codec;
mod error;
mod field;
mod finite;
mod header_set;
mod headers;
mod outgoing;
mod received;
mod timestamp;
mod typed;

#[doc(hidden)]
pub mod __private;

pub use buffer::RecordBuffer;
pub use codec::ValueCodec;
pub use error::{DecodeError, DecodeErrorKind, EncodeError, FieldError};
pub use field::{KafkaHeader, KafkaKey};
pub use header_set::{HeaderReader, KafkaHeaders};
pub(crate) use headers::verify;
pub use headers::{Header, HeadersIter, HeadersRef};
pub use kafka_client_derive::{KafkaHeaders, KafkaRecord};
pub use outgoing::Record;
pub(crate) use received::Origin;
pub use received::{ConsumerRecord, RecordRef, TimestampType};
pub use timestamp::KafkaTimestamp;
pub use typed::{HasTopic, KafkaRecord};
