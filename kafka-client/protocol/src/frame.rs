//! What surrounds a message on a connection: a length prefix and a header.
//!
//! ```text
//! | length i32 | request header  | request  |
//! | length i32 | response header | response |
//! ```

use bytes::Bytes;

use crate::api::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use crate::api_key::ApiKey;
use crate::error::{DecodeError, EncodeError, EncodeErrorKind};
use crate::error_code::ErrorCode;
use crate::message::{Message, Request};
use crate::types::{StrBytes, TaggedFields};
use crate::wire::{NullableWire, Reader, Segments, Size, Sizer, Tags, Version, Wire, Writer};

const PLAIN: Version = Version::PLAIN;

/// A message ready for the connection: its segments, in order, length prefix first.
///
/// Record batches are segments of their own, shared with their owner; a vectored write sends them
/// without a copy.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    segments: Segments,
}

impl Frame {
    /// The segments, in order.
    #[must_use]
    pub fn into_segments(self) -> Segments {
        self.segments
    }

    /// All bytes, length prefix included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.segments.total_len()
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One piece, for tests and tools.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.segments.clone().concat()
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
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

impl RequestHeader {
    /// Cuts a received request, without its length prefix, into its header and its body.
    ///
    /// # Errors
    /// When the bytes are no header. Whether the API and version are served is not checked.
    pub fn decode(frame: &Bytes) -> Result<(Self, Bytes), DecodeError> {
        let mut input = Reader::new(frame);
        let mut flexible = false;
        let header = Self::read(&mut input, &mut flexible)
            .map_err(|error| error.in_message("RequestHeader", header_version(flexible)))?;
        Ok((header, input.into_rest()))
    }

    fn read(input: &mut Reader<'_>, flexible: &mut bool) -> Result<Self, DecodeError> {
        let api_key = ApiKey::new(i16::read(input, PLAIN)?);
        let api_version = i16::read(input, PLAIN)?;
        *flexible = api_key.flexible_request_header(api_version);
        let correlation_id = i32::read(input, PLAIN)?;
        input.at(&("RequestHeader", "client_id"));
        let client_id = StrBytes::read_nullable(input, PLAIN)?;
        let mut unknown_tagged_fields = TaggedFields::default();
        if *flexible {
            input.at(&("RequestHeader", "tagged fields"));
            unknown_tagged_fields = TaggedFields::read(input)?;
        }
        Ok(Self {
            api_key,
            api_version,
            correlation_id,
            client_id,
            unknown_tagged_fields,
        })
    }

    /// The request that this header was read with, or is made for, with length prefix. The API key
    /// that is written is that of the request.
    ///
    /// # Errors
    /// When the version is unknown or cannot carry a value.
    pub fn encode<R: Request>(&self, request: &R) -> Result<Frame, EncodeError> {
        let version = self.api_version;
        let flexible = R::API_KEY.flexible_request_header(version);
        let mut size = request.encoded_size(version)?;
        size.total += self.size(flexible)?;
        frame(R::NAME, version, size, |out| {
            R::API_KEY.value().write(out, PLAIN);
            self.write(out, flexible);
            request.write(out, R::version(version));
        })
    }

    fn size(&self, flexible: bool) -> Result<usize, EncodeError> {
        let mut size = Sizer::default();
        size.add(8);
        size.at(&("RequestHeader", "client_id"));
        self.client_id.size(&mut size, PLAIN);
        size.at(&("RequestHeader", "unknown_tagged_fields"));
        if flexible {
            self.unknown_tagged_fields.size(0, &mut size);
        } else {
            self.unknown_tagged_fields.check_empty(&mut size);
        }
        match size.finish() {
            Ok(size) => Ok(size.total),
            Err(error) => Err(error.in_message("RequestHeader", header_version(flexible))),
        }
    }

    /// Appends all but the API key.
    fn write(&self, out: &mut Writer, flexible: bool) {
        self.api_version.write(out, PLAIN);
        self.correlation_id.write(out, PLAIN);
        self.client_id.write(out, PLAIN);
        if flexible {
            self.unknown_tagged_fields.write_count(0, out);
            self.unknown_tagged_fields.write_between(0..u64::MAX, out);
        }
    }
}

/// The version of a request's header: the flexible one has tagged fields at its end.
const fn header_version(flexible: bool) -> i16 {
    if flexible { 2 } else { 1 }
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
        unknown_tagged_fields: TaggedFields::default(),
    };
    header.encode(request)
}

/// The answer to a request, with its header and length prefix.
///
/// # Errors
/// When the version is unknown or cannot carry a value.
pub fn encode_response<R: Request>(
    response: &R::Response,
    version: i16,
    correlation_id: i32,
) -> Result<Frame, EncodeError> {
    let flexible = R::API_KEY.flexible_response_header(version);
    let mut size = response.encoded_size(version)?;
    size.total += 4 + usize::from(flexible);
    frame(R::Response::NAME, version, size, |out| {
        correlation_id.write(out, PLAIN);
        if flexible {
            out.put_unsigned_varint(0);
        }
        response.write(out, R::Response::version(version));
    })
}

/// The correlation id of a received response, its first field.
///
/// # Errors
/// When the frame has fewer than four bytes.
pub fn correlation_id(frame: &Bytes) -> Result<i32, DecodeError> {
    i32::read(&mut Reader::new(frame), PLAIN).map_err(|error| error.in_message("ResponseHeader", 0))
}

/// Reads a received response, without its length prefix: header and body. Tagged fields of the header
/// are passed over.
///
/// The answer to ApiVersions may come in another version than it was asked in: see
/// [`decode_api_versions`].
///
/// # Errors
/// When the bytes are not the answer to a request of this type and version.
pub fn decode_response<R: Request>(
    frame: &Bytes,
    version: i16,
) -> Result<R::Response, DecodeError> {
    R::Response::decode(response_body::<R>(frame, version)?, version)
}

/// Reads the answer to ApiVersions.
///
/// A broker that does not know the version of the request answers in the form of version 0, with
/// UNSUPPORTED_VERSION and the versions of ApiVersions that it has (KIP-511): the client asks again in
/// the highest of them.
///
/// # Errors
/// When the bytes are no answer to ApiVersions.
pub fn decode_api_versions(
    frame: &Bytes,
    version: i16,
) -> Result<ApiVersionsResponse, DecodeError> {
    let body = response_body::<ApiVersionsRequest>(frame, version)?;
    // The error code comes first in every version.
    let code = i16::read(&mut Reader::new(&body), PLAIN)?;
    let refused = code == ErrorCode::UNSUPPORTED_VERSION.code();
    ApiVersionsResponse::decode(body, if refused { 0 } else { version })
}

/// The body of a received response, to be read as a whole or in place ([`ViewMessage`]).
///
/// [`ViewMessage`]: crate::ViewMessage
///
/// # Errors
/// When the bytes are no header of a response.
pub fn response_body<R: Request>(frame: &Bytes, version: i16) -> Result<Bytes, DecodeError> {
    let flexible = R::API_KEY.flexible_response_header(version);
    let mut input = Reader::new(frame);
    let header = |input: &mut Reader<'_>| {
        i32::read(input, PLAIN)?;
        if flexible {
            Tags::skip(input)?;
        }
        Ok(())
    };
    header(&mut input)
        .map_err(|error: DecodeError| error.in_message("ResponseHeader", flexible.into()))?;
    Ok(input.into_rest())
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
    let mut out = Writer::new(Size {
        total: size.total + 4,
        ..size
    });
    (size.total as i32).write(&mut out, PLAIN);
    write(&mut out);
    let segments = out.finish();
    debug_assert_eq!(
        segments.total_len(),
        size.total + 4,
        "{name} v{version} has another size than announced"
    );
    Ok(Frame { segments })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let mut reader = Reader::new(&bytes);
            let length = i32::read(&mut reader, PLAIN).unwrap();
            assert_eq!(length as usize, reader.remaining());
            let (header, body) = RequestHeader::decode(&reader.into_rest()).unwrap();
            assert_eq!(header.api_key, ApiKey::API_VERSIONS);
            assert_eq!((header.api_version, header.correlation_id), (version, 7));
            assert_eq!(header.client_id.unwrap(), "me");
            let read = ApiVersionsRequest::decode(body, version).unwrap();
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
        let frame = encode_response::<ApiVersionsRequest>(&response, 3, 9).unwrap();
        assert_eq!(frame.to_bytes()[..10], [0, 0, 0, 12, 0, 0, 0, 9, 0, 35]);
        let received = frame.to_bytes().slice(4..);
        assert_eq!(correlation_id(&received).unwrap(), 9);
        assert_eq!(
            decode_response::<ApiVersionsRequest>(&received, 3).unwrap(),
            response
        );
    }
}
