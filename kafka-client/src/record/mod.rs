//! What users hand in and what they get back.
//!
//! | type | direction | ownership |
//! |---|---|---|
//! | [`Record`] | to the producer | borrowed: nothing is copied until it is encoded into its batch |
//! | [`ConsumerRecord`] | from the consumer | owned: its bytes are views into the received frame |
//! | [`RecordRef`] | what a typed record is read from | borrowed view of either |
//! | [`RawRecord`] | both | owned bytes: any record, whatever its type |
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
//! Or the tombstone is a variant of an enum, which has two: one marked with `tombstone`, which has no
//! value, and one for all else. That one holds a record type of its own, or has fields, with the
//! same attributes as those of a struct:
//!
//! ```
//! use kafka_client::KafkaRecord;
//! use kafka_client::record::{Record, RecordBuffer};
//!
//! #[derive(Debug, PartialEq, KafkaRecord)]
//! #[kafka(topic = "users")]
//! struct User {
//!     #[kafka(key(only))]
//!     id: String,
//!     name: String,
//! }
//!
//! #[derive(Debug, PartialEq, KafkaRecord)]
//! #[kafka(topic = "users")]
//! enum UserChange {
//!     #[kafka(tombstone)]
//!     Deleted {
//!         #[kafka(key(only))]
//!         id: String,
//!     },
//!     Upserted(User),
//! }
//!
//! let record = Record::to("users").key("u-1");
//! let deleted = UserChange::decode(&record.as_received(0, 42))?;
//! assert_eq!(deleted, UserChange::Deleted { id: "u-1".to_owned() });
//!
//! let record = record.value(r#"{"name":"Ada"}"#);
//! let upserted = UserChange::decode(&record.as_received(0, 43))?;
//! assert!(matches!(upserted, UserChange::Upserted(user) if user.name == "Ada"));
//! # Ok::<(), kafka_client::record::DecodeError>(())
//! ```
//!
//! In a tombstone, `key` means the same as `key(only)`: there is no value that it could be in. On the
//! enum are `topic` and `crate`, and for a variant with fields also `format`, `with` and
//! `content_type`; `#[serde(rename_all = "..")]` and `#[serde(deny_unknown_fields)]` are on that
//! variant.
//!
//! # Several types in one topic
//!
//! `#[derive(KafkaRecords)]` makes an enum of record types a record itself, so that it is sent and
//! received as any other:
//!
//! ```
//! use kafka_client::record::{RawRecord, RecordBuffer};
//! use kafka_client::{KafkaRecord, KafkaRecords};
//!
//! #[derive(Debug, PartialEq, KafkaRecord)]
//! struct OrderPlaced {
//!     #[kafka(key)]
//!     order_id: String,
//!     amount_cents: u64,
//! }
//!
//! #[derive(Debug, PartialEq, KafkaRecord)]
//! struct OrderCancelled {
//!     #[kafka(key)]
//!     order_id: String,
//! }
//!
//! #[derive(Debug, PartialEq, KafkaRecords)]
//! #[kafka(topic = "orders", dispatch = header("type"), rename_all = "snake_case")]
//! enum OrderEvent {
//!     Placed(OrderPlaced),
//!     #[kafka(rename = "order_cancelled")]
//!     Cancelled(OrderCancelled),
//!     #[kafka(other)]
//!     Unknown(RawRecord),
//! }
//!
//! let event = OrderEvent::Cancelled(OrderCancelled { order_id: "o-17".to_owned() });
//! let mut buffer = RecordBuffer::new();
//! buffer.encode(&event)?;
//! buffer.with_record("orders", |record| {
//!     assert_eq!(record.headers[0].value, Some(&b"order_cancelled"[..]));
//!     assert_eq!(OrderEvent::decode(&record.as_received(0, 42)).unwrap(), event);
//! });
//! # Ok::<(), kafka_client::record::EncodeError>(())
//! ```
//!
//! | attribute | meaning |
//! |---|---|
//! | enum: `dispatch = header("type")` | this header says of which type a record is |
//! | enum: `dispatch = tag("type")` | this field of the value says it; the value of each type is a JSON object |
//! | enum: `topic = "name"`, `crate = path` | as for a single type; a type in it names the same topic or none |
//! | enum: `rename_all = "snake_case"` | how the variants' names are written: one of serde's rules; defaults to the names as they are |
//! | variant: `rename = "name"` | how this type is called in records |
//! | variant: `other` | records that name another type, or none, go here, such as to a [`RawRecord`] |
//!
//! The header or the field is added to what the type in the variant writes; a type that has one of
//! that name itself says the same there, else it is not sent. A map of all other headers does not
//! have it. The field comes first in the object,
//! and the type in the variant sees it when it is read, so it must not deny unknown fields. Without
//! a variant for other types, a record of one is
//! [`UnknownType`](DecodeErrorKind::UnknownType).
//!
//! For tombstones among several types, put this enum into the second variant of an enum that has a
//! tombstone.
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
mod raw;
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
pub use kafka_client_derive::{KafkaHeaders, KafkaRecord, KafkaRecords};
pub use outgoing::Record;
pub use raw::RawRecord;
pub(crate) use received::Origin;
pub use received::{ConsumerRecord, RecordRef, TimestampType};
pub use timestamp::KafkaTimestamp;
pub use typed::{HasTopic, KafkaRecord};
