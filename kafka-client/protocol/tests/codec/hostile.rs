//! Bytes that no honest peer sends: every decoder ends with a message or an error, never with a
//! panic, and takes no more memory than the frame it reads justifies.

use bytes::Bytes;
use kafka_client_protocol::api::fetch::{FetchRequest, FetchResponse};
use kafka_client_protocol::api::list_groups::ListGroupsResponse;
use kafka_client_protocol::api::list_offsets::ListOffsetsRequest;
use kafka_client_protocol::api::metadata::MetadataRequest;
use kafka_client_protocol::api::produce::ProduceRequest;
use kafka_client_protocol::consumer_protocol::{self, Assignment, Subscription};
use kafka_client_protocol::frame::{self, RequestHeader};
use kafka_client_protocol::message::{FieldDescription, TypeDescription};
use kafka_client_protocol::wire::Reader;
use kafka_client_protocol::{DecodeError, DecodeErrorKind, EncodeErrorKind, Message, StrBytes};

use crate::apis::{self, Codec, Value};
use crate::golden::{all_cases, cases};

/// What decoding may take besides arrays: the handles of shared bytes, the message itself.
const OVERHEAD: usize = 4 << 10;

/// Decodes and checks the peak of memory.
fn decode(codec: &Codec, version: i16, bytes: Bytes) -> Result<Box<dyn Value>, DecodeError> {
    let limit = Reader::memory_limit(bytes.len()) + OVERHEAD;
    let mut result = None;
    let taken = allocation_counter::measure(|| result = Some((codec.decode)(bytes, version)));
    assert!(
        taken.bytes_max <= limit as u64,
        "{} v{version} takes {} bytes of memory, over {limit}",
        codec.name,
        taken.bytes_max,
    );
    result.unwrap()
}

/// Whatever was read can be written and read again as the same.
fn stable(codec: &Codec, version: i16, message: &dyn Value) {
    let text = format!("{message:?}");
    let written = message.encode(version).unwrap();
    let read = decode(codec, version, written).unwrap();
    assert_eq!(format!("{read:?}"), text, "{} v{version}", codec.name);
}

fn every_version() -> impl Iterator<Item = (Codec, i16)> {
    apis::messages()
        .into_iter()
        .flat_map(|codec| (codec.versions.0..=codec.versions.1).map(move |v| (codec, v)))
}

#[test]
fn every_truncation_is_an_error() {
    for (codec, case) in all_cases() {
        for length in 0..case.bytes.len() {
            let cut = case.bytes.slice(..length);
            let error = decode(&codec, case.version, cut).unwrap_err();
            assert!(
                matches!(error.kind(), DecodeErrorKind::Truncated { .. }),
                "{length} bytes of {}: {error}",
                codec.name
            );
        }
    }
}

#[test]
fn a_byte_too_many_is_an_error() {
    for (codec, case) in all_cases() {
        let longer = [&case.bytes[..], &[0]].concat();
        let error = decode(&codec, case.version, longer.into()).unwrap_err();
        let kind = DecodeErrorKind::TrailingBytes { count: 1 };
        assert_eq!(*error.kind(), kind, "{}", codec.name);
    }
}

#[test]
fn a_flipped_bit_is_another_message_or_an_error() {
    for (codec, case) in all_cases() {
        // `null` has all that `set` has, once. Most of a long one is text and numbers, whose bits
        // say little, so these and the unknown tags are flipped in the last version only.
        let last = case.version == *codec.in_jars().end();
        let short = case.bytes.len() <= 350;
        let flipped = match case.variant.as_str() {
            "null" => short || last,
            "unknown_tags" => short && last,
            _ => false,
        };
        if !flipped {
            continue;
        }
        for bit in 0..case.bytes.len() * 8 {
            let mut flipped = case.bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(message) = decode(&codec, case.version, flipped.into()) {
                stable(&codec, case.version, &*message);
            }
        }
    }
}

#[test]
fn random_bytes_are_a_message_or_an_error() {
    let mut random = fastrand::Rng::with_seed(7);
    for (codec, version) in every_version() {
        for round in 0..200 {
            // Small bytes make lengths that hold, and so get further.
            let top = [2, 4, 16, 127, 255][round % 5];
            let length = random.usize(..600);
            let bytes: Vec<u8> = (0..length).map(|_| random.u8(..=top)).collect();
            if let Ok(message) = decode(&codec, version, bytes.into()) {
                stable(&codec, version, &*message);
            }
        }
    }
}

#[test]
fn group_blobs_and_headers_are_read_or_refused() {
    let blob = |bytes: Bytes, kind: &str| match kind {
        "Subscription" => consumer_protocol::decode::<Subscription>(&bytes).map(|_| ()),
        _ => consumer_protocol::decode::<Assignment>(&bytes).map(|_| ()),
    };
    for case in cases("consumer_protocol.txt") {
        for length in 0..case.bytes.len() {
            blob(case.bytes.slice(..length), &case.kind).unwrap_err();
        }
        for bit in 0..case.bytes.len() * 8 {
            let mut flipped = case.bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let _ = blob(flipped.into(), &case.kind);
        }
    }
    for case in cases("headers.txt") {
        for length in 0..case.bytes.len() {
            // The version of the header follows from its content, so a shorter one may be whole.
            let cut = case.bytes.slice(..length);
            let _ = RequestHeader::decode(&cut);
            let _ = frame::decode_response::<ProduceRequest>(&cut, 9);
        }
    }
}

#[test]
fn null_is_refused_where_the_version_has_none() {
    let null = |kind: &DecodeErrorKind| matches!(kind, DecodeErrorKind::UnexpectedNull);
    let error = MetadataRequest::decode(Bytes::from_static(&[0xff; 4]), 0).unwrap_err();
    assert!(null(error.kind()), "{error}");
    assert_eq!(error.field(), Some(("MetadataRequest", "topics")));
    MetadataRequest::decode(Bytes::from_static(&[0xff; 4]), 1).unwrap();

    // A plain string, with the path to the innermost field.
    let replica_and_topics = [0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff];
    let bytes = Bytes::copy_from_slice(&replica_and_topics);
    let error = ListOffsetsRequest::decode(bytes, 1).unwrap_err();
    assert!(null(error.kind()), "{error}");
    assert_eq!(error.field(), Some(("ListOffsetsTopic", "name")));

    let all = MetadataRequest {
        topics: None,
        ..Default::default()
    };
    Message::encode(&all, 1).unwrap();
    let error = Message::encode(&all, 0).unwrap_err();
    assert_eq!(*error.kind(), EncodeErrorKind::NullNotAllowed);
    assert_eq!(error.field(), Some(("MetadataRequest", "topics")));
}

#[test]
fn errors_in_tagged_fields_name_the_struct_they_are_in() {
    // Tag 0, the endpoints, is known and empty; tag 1 is not, and cut off.
    let response = [&[0; 10][..], &[1, 2, 0, 1, 1, 1, 5]].concat();
    let error = FetchResponse::decode(response.into(), 16).unwrap_err();
    assert!(
        matches!(error.kind(), DecodeErrorKind::Truncated { .. }),
        "{error}"
    );
    assert_eq!(error.field(), Some(("FetchResponse", "tagged fields")));

    // What was kept as unknown in an older version has the tag of a field of the newer one.
    let mut request = FetchRequest::default();
    request
        .unknown_tagged_fields
        .insert(0, Bytes::from_static(&[1]));
    let error = Message::encode(&request, 12).unwrap_err();
    assert_eq!(*error.kind(), EncodeErrorKind::TagTaken { tag: 0 });
    assert_eq!(error.field(), Some(("FetchRequest", "cluster_id")));
    // A version without tagged fields has no place for it.
    let error = Message::encode(&request, 11).unwrap_err();
    assert_eq!(*error.kind(), EncodeErrorKind::NotInVersion);
    assert_eq!(
        error.field(),
        Some(("FetchRequest", "unknown_tagged_fields"))
    );
}

#[test]
fn a_string_has_at_most_the_bytes_that_it_can_be_written_with() {
    let long = StrBytes::from("x".repeat(i16::MAX as usize + 1));
    // The length before it is a base-128 number, which could say more.
    let mut body = vec![0; 6];
    body.extend([2, 0x81, 0x80, 0x02]);
    body.extend_from_slice(long.as_bytes());
    body.extend([1, 1, 1, 0, 0]);
    let kind = DecodeErrorKind::TooLong {
        length: long.as_bytes().len(),
        limit: i16::MAX as usize,
    };
    let error = ListGroupsResponse::decode(body.into(), 5).unwrap_err();
    assert_eq!(*error.kind(), kind);
    assert_eq!(error.field(), Some(("ListedGroup", "group_id")));

    let error = frame::encode_request(&MetadataRequest::default(), 9, 1, Some(long)).unwrap_err();
    assert!(
        matches!(error.kind(), EncodeErrorKind::TooLong { .. }),
        "{error}"
    );
    assert_eq!(error.field(), Some(("RequestHeader", "client_id")));
    assert_eq!(error.message(), Some(("RequestHeader", 2)));
}

/// Frames with the largest count that an array can claim, one for each array of the message: the
/// bytes to carry that many elements, were they one byte each, are there.
#[test]
fn an_array_that_claims_more_than_the_frame_holds_takes_no_more_memory() {
    let mut arrays = 0;
    for (codec, version) in every_version() {
        for filler in [0_u8, 1, 2, 0xff] {
            for target in 0.. {
                let mut lie = Lie::new(&codec, version, target, filler);
                lie.value(&codec.ty);
                if !lie.told {
                    break;
                }
                // What they claim is short and ends in an error, mostly. Some do hold.
                let _ = decode(&codec, version, lie.bytes.into());
                arrays += 1;
            }
        }
    }
    assert!(arrays > 1000, "{arrays} arrays claimed too much");
}

/// Writes a message of small values up to an array that claims too much.
struct Lie {
    bytes: Vec<u8>,
    version: i16,
    flexible: bool,
    /// Arrays to write honestly before.
    honest: usize,
    filler: u8,
    told: bool,
}

impl Lie {
    const CLAIM: usize = 100_000;

    fn new(codec: &Codec, version: i16, honest: usize, filler: u8) -> Self {
        Self {
            bytes: Vec::new(),
            version,
            flexible: codec.flexible(version),
            honest,
            filler,
            told: false,
        }
    }

    fn value(&mut self, ty: &TypeDescription) {
        if self.told {
            return;
        }
        match *ty {
            TypeDescription::Struct(description) => {
                let (tagged, plain): (Vec<&FieldDescription>, Vec<_>) = description
                    .fields
                    .iter()
                    .filter(|field| (field.versions.0..=field.versions.1).contains(&self.version))
                    .partition(|field| field.tag.is_some());
                for field in plain {
                    self.value(&field.ty);
                }
                if self.flexible && !self.told {
                    self.tagged(&tagged);
                }
            }
            TypeDescription::Array(_) if self.honest == 0 => {
                self.length(Self::CLAIM, 4);
                self.bytes.extend(vec![self.filler; Self::CLAIM]);
                self.told = true;
            }
            TypeDescription::Array(element) => {
                self.honest -= 1;
                self.length(1, 4);
                self.value(element);
            }
            TypeDescription::Nullable(inner) => self.value(inner),
            TypeDescription::Primitive("string") => self.length(0, 2),
            TypeDescription::Primitive("bytes") => self.length(0, 4),
            TypeDescription::Primitive(name) => self.bytes.extend(vec![0; width(name)]),
            ref other => panic!("unknown type {other:?}"),
        }
    }

    /// Only tagged fields that can hold arrays; the last of them may lie.
    fn tagged(&mut self, fields: &[&FieldDescription]) {
        let mut fields = fields.to_vec();
        fields.sort_by_key(|field| field.tag);
        let start = self.bytes.len();
        let mut count = 0;
        for field in fields {
            let TypeDescription::Array(_) = field.ty else {
                continue;
            };
            let mut inner = Self {
                bytes: Vec::new(),
                ..*self
            };
            inner.value(&field.ty);
            (self.told, self.honest) = (inner.told, inner.honest);
            count += 1;
            self.varint(field.tag.unwrap() as usize);
            self.varint(inner.bytes.len());
            self.bytes.append(&mut inner.bytes);
            if self.told {
                break;
            }
        }
        self.bytes.insert(start, count);
    }

    fn length(&mut self, length: usize, width: usize) {
        if self.flexible {
            self.varint(length + 1);
        } else {
            let length = (length as u32).to_be_bytes();
            self.bytes.extend(&length[4 - width..]);
        }
    }

    fn varint(&mut self, mut value: usize) {
        while value > 0x7f {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

fn width(primitive: &str) -> usize {
    match primitive {
        "bool" | "int8" => 1,
        "int16" | "uint16" => 2,
        "int32" => 4,
        "int64" | "float64" => 8,
        "uuid" => 16,
        other => panic!("{other} has no width"),
    }
}
