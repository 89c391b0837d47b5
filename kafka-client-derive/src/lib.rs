//! Derive macros of `kafka-client`, which re-exports what its users need.

use proc_macro::TokenStream;

mod record;

/// Makes a struct with named fields a Kafka record: `kafka_client::KafkaRecord`.
///
/// The attributes are described at `kafka_client::record`.
#[proc_macro_derive(KafkaRecord, attributes(kafka, serde))]
pub fn kafka_record(input: TokenStream) -> TokenStream {
    record::derive(input.into()).into()
}
