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
//! | attribute | meaning |
//! |---|---|
//! | type: `topic = "name"` | the topic of this type; without it only calls that name a topic accept it ([`HasTopic`]) |
//! | type: `format = json` | how the value is written; `json` is the default and the only one so far |
//! | type: `crate = path` | where `kafka_client` is, when it is renamed or re-exported |
//! | field: `key` | this field is the record's key ([`KafkaKey`]); it stays in the value too |
//! | field: `header = "name"` | this field travels as a header ([`KafkaHeader`]) and **not** in the value |
//! | field: `timestamp` | this field is the record's timestamp ([`KafkaTimestamp`]); it stays in the value too |
//!
//! When a record is read back, headers come from the headers and everything else from the value,
//! so a record rewritten by a broker (`LogAppendTime`) or by a re-keying job still reads as it was
//! written.
//!
//! # serde
//!
//! The value is written by serde, but the type itself need not derive `Serialize` or `Deserialize`
//! and your crate need not depend on serde: the derive macro does it for a private copy of the
//! type that has no header fields. `#[serde(..)]` attributes on the type and its fields (`rename`,
//! `rename_all`, `default`, `with`, `skip_serializing_if`, `flatten`, ..) mean what they always
//! mean. Deriving serde's traits on the type as well is fine and changes nothing here; a
//! hand-written `Serialize` for the record type itself is **not** used (for a field's type it is).
//! `#[serde(from, try_from, into, remote)]` on a record are compile errors for that reason.

mod buffer;
mod error;
mod field;
mod finite;
mod headers;
mod outgoing;
mod received;
mod typed;

#[doc(hidden)]
pub mod __private;

pub use buffer::RecordBuffer;
pub use error::{DecodeError, DecodeErrorKind, EncodeError, FieldError};
pub use field::{KafkaHeader, KafkaKey, KafkaTimestamp};
pub(crate) use headers::verify;
pub use headers::{Header, HeadersIter, HeadersRef};
pub use kafka_client_derive::KafkaRecord;
pub use outgoing::Record;
pub(crate) use received::Origin;
pub use received::{ConsumerRecord, RecordRef, TimestampType};
pub use typed::{HasTopic, KafkaRecord};
