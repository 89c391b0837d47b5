//! Dead letters: the record as it was, with headers that say what happened to it. Pure.
//!
//! - `kafka`: the names that Kafka's share groups use (KIP-1191)

mod kafka;

use super::failure::Failure;
use crate::record::{ConsumerRecord, Header};

/// A record that could not be handled.
pub(super) struct Dead<'a> {
    pub(super) record: &'a ConsumerRecord,
    pub(super) group: &'a str,
    /// How often it was handled.
    pub(super) attempts: u32,
    pub(super) failure: &'a Failure,
}

/// A header of our own: name and value.
type Added = (&'static str, Vec<u8>);

/// All headers of a dead letter: its own, as they were, then those that tell of the failure.
pub(super) fn headers(dead: &Dead<'_>) -> Vec<(String, Option<Vec<u8>>)> {
    let own = dead.record.headers().into_iter();
    let own = own.map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec)));
    let added = kafka::headers(dead).into_iter();
    own.chain(added.map(|(name, value)| (name.to_owned(), Some(value))))
        .collect()
}

/// Those headers as the producer takes them.
pub(super) fn borrowed(headers: &[(String, Option<Vec<u8>>)]) -> Vec<Header<'_>> {
    headers
        .iter()
        .map(|(key, value)| Header {
            key,
            value: value.as_deref(),
        })
        .collect()
}
