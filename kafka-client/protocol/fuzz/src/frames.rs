//! Frames without their length, which is the connection's to read. The input is a selector: for a
//! request zero, for a response the API key with the top bit set and the version it is read in; then
//! header and body.

use std::fmt::Debug;

use bytes::{Buf, Bytes};
use kafka_client_protocol::frame::{self, Frame, RequestHeader};
use kafka_client_protocol::{DecodeError, Request};

use crate::{apis, memory, messages};

const REQUEST: u8 = 0;

/// A request frame as input of [`run`].
#[must_use]
pub fn request_input(frame: &[u8]) -> Vec<u8> {
    [&[REQUEST], frame].concat()
}

/// A response frame as input of [`run`].
#[must_use]
pub fn response_input(key: i16, version: i16, frame: &[u8]) -> Vec<u8> {
    [&[messages::selector(key, true), version as u8], frame].concat()
}

pub fn run(input: &[u8]) {
    let Some((&selector, rest)) = input.split_first() else {
        return;
    };
    let (key, response) = messages::selected(selector);
    if !response {
        return request(Bytes::copy_from_slice(rest));
    }
    if let Some((&version, frame)) = rest.split_first()
        && let Some(api) = apis::find(key)
    {
        (api.response_frame)(Bytes::copy_from_slice(frame), i16::from(version));
    }
}

/// As a broker: the header says what follows.
fn request(bytes: Bytes) {
    let limit = memory::of_message(bytes.len());
    let read = memory::bounded(limit, || RequestHeader::decode(&bytes));
    let (header, body) = match read {
        Ok(read) => read,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    if let Some(api) = apis::find(header.api_key.value()) {
        (api.request_frame)(&header, body);
    }
}

pub(crate) fn check_request<R: Request + PartialEq + Debug>(header: &RequestHeader, body: Bytes) {
    let length = body.len();
    let limit = memory::of_message(length);
    let version = header.api_version;
    let Ok(request) = memory::bounded(limit, || R::decode(body, version)) else {
        return;
    };
    let frame = header
        .encode(&request)
        .expect("what was read can be written");
    let (again, body) =
        RequestHeader::decode(&content(&frame)).expect("a header that was just written");
    assert_eq!(again, *header);
    if let Some(again) = messages::read_back::<R>(&request, body.clone(), version, length) {
        messages::assert_same(&request, &again, &body, version);
    }
}

/// As a client, which knows what it asked for.
pub(crate) fn check_response<R>(bytes: Bytes, version: i16)
where
    R: Request,
    R::Response: PartialEq + Debug,
{
    let length = bytes.len();
    let limit = memory::of_message(length);
    let (id, response) = match memory::bounded(limit, || read_response::<R>(&bytes, version)) {
        Ok(read) => read,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let Ok(frame) = frame::encode_response::<R>(&response, version, id) else {
        return;
    };
    let mut body = content(&frame);
    let header = 4 + usize::from(R::API_KEY.flexible_response_header(version));
    assert_eq!(body[..4], id.to_be_bytes());
    body.advance(header);
    if let Some(again) =
        messages::read_back::<R::Response>(&response, body.clone(), version, length)
    {
        messages::assert_same(&response, &again, &body, version);
    }
}

fn read_response<R: Request>(
    bytes: &Bytes,
    version: i16,
) -> Result<(i32, R::Response), DecodeError> {
    let id = frame::correlation_id(bytes)?;
    Ok((id, frame::decode_response::<R>(bytes, version)?))
}

/// What follows the length of a frame, which must be right.
fn content(frame: &Frame) -> Bytes {
    let mut bytes = frame.to_bytes();
    assert_eq!(bytes.len(), frame.len());
    let length = bytes.get_i32();
    assert_eq!(usize::try_from(length), Ok(bytes.len()));
    bytes
}
