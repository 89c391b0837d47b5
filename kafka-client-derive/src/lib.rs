//! Derive macros of `kafka-client`.
//!
//! [`KafkaRecord`] makes a struct a typed record, [`KafkaHeaders`] a set of its headers, and
//! [`KafkaRecords`] an enum of several types of records; `kafka-client` re-exports them. [`Message`] writes
//! the wire form of a protocol struct from the version attributes at its fields; it serves the
//! protocol crate.

mod message;
mod record;
mod test;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct with named fields a Kafka record: `kafka_client::KafkaRecord`. An enum is one if
/// one of its two variants is a tombstone.
///
/// The attributes are described at `kafka_client::record`.
#[proc_macro_derive(KafkaRecord, attributes(kafka, serde))]
pub fn kafka_record(input: TokenStream) -> TokenStream {
    record::derive(input.into()).into()
}

/// Makes a struct with named fields a set of headers: `kafka_client::KafkaHeaders`.
///
/// The attributes are described at `kafka_client::record::KafkaHeaders`.
#[proc_macro_derive(KafkaHeaders, attributes(kafka))]
pub fn kafka_headers(input: TokenStream) -> TokenStream {
    record::derive_headers(input.into()).into()
}

/// Makes an enum of record types, one for each kind of record in a topic, a Kafka record itself:
/// `kafka_client::KafkaRecords`.
///
/// The attributes are described at `kafka_client::record`.
#[proc_macro_derive(KafkaRecords, attributes(kafka))]
pub fn kafka_records(input: TokenStream) -> TokenStream {
    record::derive_records(input.into()).into()
}

/// Makes an async function a test with a broker of its own: `kafka_client::test`, with the feature `testing`.
///
/// ```text
/// #[kafka_client::test(topics("orders:3", "users"))]
/// async fn an_order_is_billed(kafka: TestKafka) { .. }
/// ```
///
/// | argument | meaning |
/// |---|---|
/// | `topics("orders:3", "users")` | topics that are there, with so many partitions; 1 if none are given |
/// | `properties("message.max.bytes=100")` | properties of the embedded broker, by Kafka's names |
/// | `time_limit_secs = 60` | how long the test may take; defaults to 600 |
/// | `crate = path` | where `kafka_client` is, when it is renamed or re-exported |
///
/// More at `kafka_client::testing`.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, function: TokenStream) -> TokenStream {
    test::expand(arguments.into(), function.into()).into()
}

/// Implements `Wire`, `NullableWire` and `Default` for a struct of the wire protocol, and
/// `Message` (and `Request`) for those with versions of their own.
///
/// On the struct: `#[message(versions = 3..=13, flexible = 9)]` makes it a message; `api_key = 0`
/// and `response = ProduceResponse` make it a request. Structs inside of messages have neither.
///
/// On a field, all optional:
/// - `versions = 13..`: the versions that have it; all, if not given
/// - `nullable = 4..`: the versions in which its `Option` may be `None`
/// - `tag = 0`: it is a tagged field of the flexible versions among `versions`
/// - `default = -1`: its value where a version has no such field; else the type's default
/// - `ignorable`: it may be set although the version written has no such field
/// - `key`: Kafka's definition marks it as (part of) the key of its array's elements
#[proc_macro_derive(Message, attributes(message, field))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    message::derive(&parse_macro_input!(input as DeriveInput)).into()
}
