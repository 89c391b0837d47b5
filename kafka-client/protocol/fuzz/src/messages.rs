//! Message bodies. The input is a selector (API key, with the top bit for the response), the
//! version, another version, and the body.

use std::fmt::Debug;

use bytes::Bytes;
use kafka_client_protocol::{DecodeError, DecodeErrorKind, Message};

use crate::{apis, memory, views};

const RESPONSE: u8 = 0x80;

/// A body as input of [`run`].
#[must_use]
pub fn input(key: i16, response: bool, version: i16, body: &[u8]) -> Vec<u8> {
    let mut input = vec![selector(key, response), version as u8, 0];
    input.extend_from_slice(body);
    input
}

/// The byte that chooses a message; API keys end far below 128.
pub(crate) fn selector(key: i16, response: bool) -> u8 {
    key as u8 | if response { RESPONSE } else { 0 }
}

/// The API key and whether the response is meant.
pub(crate) fn selected(selector: u8) -> (i16, bool) {
    (i16::from(selector & !RESPONSE), selector & RESPONSE != 0)
}

pub fn run(input: &[u8]) {
    let Some((&[selector, version, other], body)) = input.split_first_chunk() else {
        return;
    };
    let (key, response) = selected(selector);
    let Some(api) = apis::find(key) else {
        return;
    };
    let codec = if response {
        &api.response
    } else {
        &api.request
    };
    let (min, max) = codec.versions;
    let other = min + i16::from(other) % (max - min + 1);
    let (body, version) = (Bytes::copy_from_slice(body), i16::from(version));
    views::check(api.key, response, &body, version);
    (codec.check)(body, version, other);
}

/// Reads a body; if it is one, writes it in its version and in another, and reads that.
pub(crate) fn check<M: Message + PartialEq + Debug>(body: Bytes, version: i16, other: i16) {
    let length = body.len();
    let limit = memory::of_message(length);
    let message = match memory::bounded(limit, || M::decode(body, version)) {
        Ok(message) => message,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    // What was read can be written in the version it came in.
    let bytes = message
        .encode(version)
        .unwrap_or_else(|error| panic!("{} v{version}: {error}", M::NAME));
    if let Some(again) = read_back::<M>(&message, bytes.clone(), version, length) {
        assert_same(&message, &again, &bytes, version);
    }
    // Fields that a version does not have get lost or refuse it.
    if let Ok(bytes) = message.encode(other)
        && let Some(again) = read_back::<M>(&message, bytes.clone(), other, length)
    {
        assert_eq!(
            again.encode(other).as_ref(),
            Ok(&bytes),
            "{} v{other}",
            M::NAME
        );
    }
}

/// Reads what was just written for a message that came from `length` bytes.
pub(crate) fn read_back<M: Message>(
    message: &M,
    bytes: Bytes,
    version: i16,
    length: usize,
) -> Option<M> {
    let announced = message.encoded_size(version).map(|size| size.total);
    assert_eq!(announced, Ok(bytes.len()), "{} v{version}", M::NAME);
    let shorter = bytes.len() < length;
    match M::decode(bytes, version) {
        Ok(again) => Some(again),
        // Lengths need not be as short as they can be; with fewer bytes goes a lower limit.
        Err(error) if shorter && is_too_much_memory(&error) => None,
        Err(error) => panic!(
            "{} v{version} does not read what it wrote: {error}",
            M::NAME
        ),
    }
}

/// Both messages are the same, and so are the bytes, which also tell where a NaN is not its like.
pub(crate) fn assert_same<M: Message + PartialEq + Debug>(
    message: &M,
    again: &M,
    bytes: &Bytes,
    version: i16,
) {
    #[allow(
        clippy::eq_op,
        reason = "only a message with a NaN in it is not like itself"
    )]
    let comparable = message == message;
    if comparable {
        assert_eq!(again, message, "{} v{version}", M::NAME);
    }
    assert_eq!(
        again.encode(version).as_ref(),
        Ok(bytes),
        "{} v{version}",
        M::NAME
    );
}

pub(crate) fn is_too_much_memory(error: &DecodeError) -> bool {
    matches!(error.kind(), DecodeErrorKind::TooMuchMemory { .. })
}
