//! Message sets of formats v0 and v1. The input is a byte whose lowest bit is the format, and the
//! message set; each message gets that format.

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::records::Batches;

/// A message set as input of [`run`].
#[must_use]
pub fn input(magic: u8, messages: &[u8]) -> Vec<u8> {
    [&[magic & 1], messages].concat()
}

pub fn run(input: &[u8]) {
    const MAGIC: usize = 16;
    let Some((&options, bytes)) = input.split_first() else {
        return;
    };
    let mut bytes = BytesMut::from(bytes);
    if let Some(magic) = bytes.get_mut(MAGIC) {
        *magic = options & 1;
    }
    let bytes: Bytes = bytes.freeze();
    for batch in Batches::new(bytes) {
        if let Err(error) = batch {
            assert!(!error.to_string().is_empty());
        }
    }
}
