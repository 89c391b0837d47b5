//! What surrounds a message on a connection: a length prefix and a header.
//!
//! ```text
//! | length i32 | request header  | request  |
//! | length i32 | response header | response |
//! ```

use bytes::{BufMut, Bytes};

use crate::api_key::ApiKey;
use crate::error::{DecodeError, EncodeError, EncodeErrorKind};
use crate::message::{Message, Request};
use crate::types::StrBytes;
use crate::wire::{NullableWire, Reader, Size, Version, Wire, Writer};

/// Old strings and no tags: the form of all of a header but its own tags.
const PLAIN: Version = Version {
    number: 0,
    flexible: false,
};

/// A message ready for the connection: its segments, in order, length prefix first.
///
/// Record batches are segments of their own, shared with their owner; a vectored write sends them
/// without a copy.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    segments: Vec<Bytes>,
    len: usize,
}

impl Frame {
    /// The segments, in order.
    #[must_use]
    pub fn segments(&self) -> &[Bytes] {
        &self.segments
    }

    /// The segments, in order.
    #[must_use]
    pub fn into_segments(self) -> Vec<Bytes> {
        self.segments
    }

    /// All bytes, length prefix included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One piece, for tests and tools.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.segments.concat().into()
    }
}

/// The header before a request (versions 1 and 2; version 2 has tagged fields at its end).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader {
    /// The API that is called.
    pub api_key: ApiKey,
    /// The version of the request and its answer.
    pub api_version: i16,
    /// Comes back with the answer.
    pub correlation_id: i32,
    /// Names the client in the broker's logs, metrics and quotas.
    pub client_id: Option<StrBytes>,
}

impl RequestHeader {
    /// Reads the header of a received request; `input` starts after the length prefix.
    ///
    /// # Errors
    /// When the bytes are no header. Whether the API and version are served is not checked.
    pub fn read(input: &mut Reader) -> Result<Self, DecodeError> {
        let read = |input: &mut Reader| {
            let api_key = ApiKey::new(i16::read(input, PLAIN)?);
            let api_version = i16::read(input, PLAIN)?;
            let correlation_id = i32::read(input, PLAIN)?;
            let client_id = StrBytes::read_nullable(input, PLAIN)?;
            if api_key.flexible_request_header(api_version) {
                input.tagged_fields(|_, _| Ok(false))?;
            }
            Ok(Self {
                api_key,
                api_version,
                correlation_id,
                client_id,
            })
        };
        read(input).map_err(|error: DecodeError| error.in_message("RequestHeader", 1))
    }

    fn size(&self, flexible: bool) -> Result<usize, EncodeError> {
        Ok(8 + self.client_id.size(PLAIN)?.total + usize::from(flexible))
    }

    fn write(&self, out: &mut Writer, flexible: bool) {
        out.buffer().put_i16(self.api_key.value());
        out.buffer().put_i16(self.api_version);
        out.buffer().put_i32(self.correlation_id);
        self.client_id.write(out, PLAIN);
        if flexible {
            out.put_unsigned_varint(0);
        }
    }
}

/// A request with its header and length prefix.
///
/// # Errors
/// When the version is unknown or cannot carry a value.
pub fn encode_request<R: Request>(
    request: &R,
    version: i16,
    correlation_id: i32,
    client_id: Option<StrBytes>,
) -> Result<Frame, EncodeError> {
    let header = RequestHeader {
        api_key: R::API_KEY,
        api_version: version,
        correlation_id,
        client_id,
    };
    let flexible = R::API_KEY.flexible_request_header(version);
    let mut size = request.encoded_size(version)?;
    size += Size::copied(header.size(flexible)?);
    frame(R::NAME, version, size, |out| {
        header.write(out, flexible);
        request.write(out, R::version(version));
    })
}

/// A response with its header and length prefix.
///
/// # Errors
/// When the version is unknown or cannot carry a value.
pub fn encode_response<M: Message>(
    api_key: ApiKey,
    response: &M,
    version: i16,
    correlation_id: i32,
) -> Result<Frame, EncodeError> {
    let flexible = api_key.flexible_response_header(version);
    let mut size = response.encoded_size(version)?;
    size += Size::copied(4 + usize::from(flexible));
    frame(M::NAME, version, size, |out| {
        out.buffer().put_i32(correlation_id);
        if flexible {
            out.put_unsigned_varint(0);
        }
        response.write(out, M::version(version));
    })
}

/// Reads the correlation id, the first field of every response header.
///
/// # Errors
/// When fewer than four bytes remain.
pub fn read_correlation_id(input: &mut Reader) -> Result<i32, DecodeError> {
    i32::read(input, PLAIN).map_err(|error| error.in_message("ResponseHeader", 0))
}

/// Reads the rest of a response header, after the correlation id, and the body.
///
/// # Errors
/// When the bytes are not the answer to a request of this type and version.
pub fn decode_response<R: Request>(
    mut input: Reader,
    version: i16,
) -> Result<R::Response, DecodeError> {
    if R::API_KEY.flexible_response_header(version) {
        input
            .tagged_fields(|_, _| Ok(false))
            .map_err(|error| error.in_message("ResponseHeader", 1))?;
    }
    R::Response::decode(input.into_rest(), version)
}

fn frame(
    name: &'static str,
    version: i16,
    size: Size,
    write: impl FnOnce(&mut Writer),
) -> Result<Frame, EncodeError> {
    let limit = i32::MAX as usize;
    if size.total > limit {
        let error = EncodeError::from(EncodeErrorKind::TooLong {
            length: size.total,
            limit,
        });
        return Err(error.in_message(name, version));
    }
    let mut out = Writer::with_size(Size {
        total: size.total + 4,
        shared: size.shared,
    });
    out.buffer().put_i32(size.total as i32);
    write(&mut out);
    let segments = out.finish();
    debug_assert_eq!(
        segments.iter().map(Bytes::len).sum::<usize>(),
        size.total + 4,
        "{name} v{version} has another size than announced"
    );
    Ok(Frame {
        segments,
        len: size.total + 4,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::api_versions::{ApiVersionsRequest, ApiVersionsResponse};

    #[test]
    fn a_request_reads_back_with_its_header() {
        let request = ApiVersionsRequest {
            client_software_name: "kafka-client".into(),
            client_software_version: "0.1.0".into(),
            ..Default::default()
        };
        for version in 0..=5 {
            let frame = encode_request(&request, version, 7, Some("me".into())).unwrap();
            let bytes = frame.to_bytes();
            assert_eq!(bytes.len(), frame.len());
            let mut reader = Reader::new(bytes);
            let length = i32::read(&mut reader, PLAIN).unwrap();
            assert_eq!(length as usize, reader.remaining());
            let header = RequestHeader::read(&mut reader).unwrap();
            assert_eq!(header.api_key, ApiKey::API_VERSIONS);
            assert_eq!((header.api_version, header.correlation_id), (version, 7));
            assert_eq!(header.client_id.unwrap(), "me");
            let read = ApiVersionsRequest::decode(reader.into_rest(), version).unwrap();
            let expected = if version < 3 {
                ApiVersionsRequest::default()
            } else {
                request.clone()
            };
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn an_api_versions_answer_has_the_old_header_in_flexible_versions() {
        let response = ApiVersionsResponse {
            error_code: 35,
            ..Default::default()
        };
        let frame = encode_response(ApiKey::API_VERSIONS, &response, 3, 9).unwrap();
        assert_eq!(frame.to_bytes()[..10], [0, 0, 0, 12, 0, 0, 0, 9, 0, 35]);
        let mut reader = Reader::new(frame.to_bytes().slice(4..));
        assert_eq!(read_correlation_id(&mut reader).unwrap(), 9);
        assert_eq!(
            decode_response::<ApiVersionsRequest>(reader, 3).unwrap(),
            response
        );
    }
}
