//! Random messages through another implementation of the protocol, the `kafka-protocol` crate:
//! what we write it reads and writes again, byte for byte, and we read that as what it was.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bytes::{Buf, BytesMut};
use kafka_client_protocol::message::{FieldDescription, StructDescription, TypeDescription};
use kafka_client_protocol::wire::{Version, Writer};
use kafka_client_protocol::{Message, Request};
use kafka_protocol::protocol as oracle;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::apis::for_each_api;

/// Random messages of each kind and version.
const CASES: u32 = 32;

/// The bytes of a message, or of a part of one.
type Encoded = BoxedStrategy<Vec<u8>>;

macro_rules! one_test_for_each_api {
    ($($module:ident $request:ident $(($alone:ident))?;)*) => {
        $(one_test!($module $request $($alone)?);)*
    };
}

macro_rules! one_test {
    ($module:ident $request:ident alone) => {};
    ($module:ident $request:ident) => {
        #[test]
        fn $module() {
            both_ways::<
                kafka_client_protocol::api::$module::$request,
                kafka_protocol::messages::$request,
            >();
        }
    };
}
for_each_api!(one_test_for_each_api);

#[test]
fn group_blobs() {
    use kafka_client_protocol::consumer_protocol::{Assignment, Subscription};
    use kafka_protocol::messages::{ConsumerProtocolAssignment, ConsumerProtocolSubscription};

    every_version::<Subscription, ConsumerProtocolSubscription>();
    every_version::<Assignment, ConsumerProtocolAssignment>();
}

fn both_ways<Ours, Theirs>()
where
    Ours: Request + PartialEq + Debug,
    Ours::Response: PartialEq + Debug,
    Theirs: oracle::Request,
{
    assert_eq!(Theirs::KEY, Ours::API_KEY.value());
    every_version::<Ours, Theirs>();
    every_version::<Ours::Response, Theirs::Response>();
}

/// Messages of which the other crate does not know the last versions, with the last it knows.
const LATER: &[(&str, i16)] = &[
    ("AddRaftVoterRequest", 0),
    ("AddRaftVoterResponse", 0),
    ("ApiVersionsRequest", 4),
    ("ApiVersionsResponse", 4),
    ("DeleteGroupsRequest", 2),
    ("DeleteGroupsResponse", 2),
    ("DescribeLogDirsRequest", 4),
    ("DescribeLogDirsResponse", 4),
    ("DescribeShareGroupOffsetsRequest", 0),
    ("DescribeShareGroupOffsetsResponse", 0),
    ("InitProducerIdRequest", 5),
    ("ListOffsetsRequest", 10),
    ("ListOffsetsResponse", 10),
    ("OffsetCommitRequest", 9),
    ("OffsetFetchRequest", 9),
    ("ShareAcknowledgeRequest", 1),
    ("ShareAcknowledgeResponse", 1),
    ("ShareFetchRequest", 1),
    ("ShareFetchResponse", 1),
    ("TxnOffsetCommitRequest", 5),
    ("TxnOffsetCommitResponse", 5),
    ("WriteTxnMarkersRequest", 1),
    ("WriteTxnMarkersResponse", 1),
];

fn every_version<Ours, Theirs>()
where
    Ours: Message + PartialEq + Debug,
    Theirs: oracle::Message + oracle::Encodable + oracle::Decodable,
{
    let theirs = Theirs::VERSIONS;
    let later = LATER.iter().find(|(name, _)| *name == Ours::NAME);
    let known = later.map_or(Ours::MAX_VERSION, |(_, known)| *known);
    assert_eq!(
        (theirs.min, theirs.max),
        (Ours::MIN_VERSION, known),
        "versions of {} that the other crate knows",
        Ours::NAME
    );
    for version in Ours::MIN_VERSION..=known {
        let config = Config {
            cases: CASES,
            failure_persistence: None,
            ..Config::default()
        };
        TestRunner::new(config)
            .run(&message::<Ours>(version), |ours| {
                there_and_back::<Ours, Theirs>(&ours, version)
            })
            .unwrap_or_else(|error| panic!("{} v{version}: {error}", Ours::NAME));
    }
}

fn there_and_back<Ours, Theirs>(ours: &Ours, version: i16) -> Result<(), TestCaseError>
where
    Ours: Message + PartialEq + Debug,
    Theirs: oracle::Encodable + oracle::Decodable,
{
    let sent = ours.encode(version).unwrap();
    let mut rest = sent.clone();
    let theirs = Theirs::decode(&mut rest, version)
        .map_err(|error| TestCaseError::fail(format!("they do not read {sent:?}: {error}")))?;
    prop_assert!(!rest.has_remaining(), "they leave {rest:?} of {sent:?}");
    let mut answer = BytesMut::new();
    theirs.encode(&mut answer, version).unwrap();
    prop_assert_eq!(&answer, &sent);
    let read = Ours::decode(answer.freeze(), version);
    prop_assert_eq!(read.as_ref(), Ok(ours));
    Ok(())
}

/// Random messages that a version can carry. They are made as bytes, field by field as the
/// description says, and read: what is not in the version has its default then.
fn message<M: Message + Debug>(version: i16) -> impl Strategy<Value = M> {
    encoded(&M::TYPE, M::version(version)).prop_map(move |bytes| {
        M::decode(bytes.into(), version).expect("the bytes are made as the description says")
    })
}

fn encoded(ty: &TypeDescription, version: Version) -> Encoded {
    match *ty {
        TypeDescription::Primitive(name) => primitive(name, version),
        TypeDescription::Array(element) => array(element, version),
        TypeDescription::Struct(description) => structure(description, version),
        ref other => panic!("{other:?} stands alone"),
    }
}

fn primitive(name: &str, version: Version) -> Encoded {
    match name {
        "bool" => any::<bool>().prop_map(|value| vec![value.into()]).boxed(),
        "int8" => any::<i8>()
            .prop_map(|value| value.to_be_bytes().to_vec())
            .boxed(),
        "int16" => any::<i16>()
            .prop_map(|value| value.to_be_bytes().to_vec())
            .boxed(),
        "uint16" => any::<u16>()
            .prop_map(|value| value.to_be_bytes().to_vec())
            .boxed(),
        "int32" => any::<i32>()
            .prop_map(|value| value.to_be_bytes().to_vec())
            .boxed(),
        "int64" => any::<i64>()
            .prop_map(|value| value.to_be_bytes().to_vec())
            .boxed(),
        // But for what is not equal to itself.
        "float64" => any::<f64>()
            .prop_filter("a number", |value| !value.is_nan())
            .prop_map(|value| value.to_be_bytes().to_vec())
            .boxed(),
        "uuid" => any::<[u8; 16]>().prop_map(|value| value.to_vec()).boxed(),
        "string" => text()
            .prop_map(move |text| [length(text.len(), version, 2), text.into_bytes()].concat())
            .boxed(),
        "bytes" => blob()
            .prop_map(move |blob| [length(blob.len(), version, 4), blob].concat())
            .boxed(),
        other => panic!("no values for {other}"),
    }
}

/// Short and long ones: a length of 127 bytes and more takes two bytes in flexible versions.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => any::<String>().prop_filter("short", |text| text.len() < i16::MAX as usize),
        1 => (100..300_usize).prop_map(|length| "é".repeat(length)),
    ]
}

/// Some are long enough to be shared instead of copied.
fn blob() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (0..2 * Writer::SHARE_FROM).prop_map(|length| vec![7; length]),
    ]
}

fn array(element: &TypeDescription, version: Version) -> Encoded {
    // Short where they are nested, or messages get large.
    let count = match element {
        TypeDescription::Struct(_) => 0..3_usize,
        _ => 0..6,
    };
    prop::collection::vec(encoded(element, version), count)
        .prop_map(move |items| [length(items.len(), version, 4), items.concat()].concat())
        .boxed()
}

/// A length, as many bytes long as it is outside of flexible versions.
fn length(length: usize, version: Version, width: usize) -> Vec<u8> {
    if version.flexible {
        varint(length as u32 + 1)
    } else {
        (length as u32).to_be_bytes()[4 - width..].to_vec()
    }
}

fn varint(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn structure(description: &StructDescription, version: Version) -> Encoded {
    let present = description
        .fields
        .iter()
        .filter(|field| within(field.versions, version));
    let (tagged, plain): (Vec<_>, Vec<_>) = present.partition(|field| field.tag.is_some());
    let plain: Vec<Encoded> = plain
        .into_iter()
        .map(|field| value(field, version))
        .collect();
    if !version.flexible {
        return plain.prop_map(|fields| fields.concat()).boxed();
    }
    let tagged: Vec<_> = tagged
        .into_iter()
        .map(|field| {
            let tag = field.tag.unwrap();
            prop::option::of(value(field, version)).prop_map(move |value| Some((tag, value?)))
        })
        .collect();
    let unknown = unknown_tagged_fields(description);
    (plain, tagged, unknown)
        .prop_map(|(plain, tagged, unknown)| {
            let known = tagged.into_iter().flatten();
            let tagged: BTreeMap<u32, Vec<u8>> = known.chain(unknown).collect();
            let count = varint(tagged.len() as u32);
            let tagged = tagged
                .into_iter()
                .flat_map(|(tag, value)| [varint(tag), varint(value.len() as u32), value].concat());
            [plain.concat(), count, tagged.collect()].concat()
        })
        .boxed()
}

/// Mostly none, as there are many structs in a message. Their tags are between and after those
/// that some version knows.
fn unknown_tagged_fields(description: &StructDescription) -> BoxedStrategy<Vec<(u32, Vec<u8>)>> {
    let known: Vec<u32> = description
        .fields
        .iter()
        .filter_map(|field| field.tag)
        .collect();
    // The other crate has signed tags.
    let tag = prop_oneof![3 => 0..12_u32, 1 => 0..=i32::MAX as u32]
        .prop_filter("unknown", move |tag| !known.contains(tag));
    let value = prop::collection::vec(any::<u8>(), 0..3);
    prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec((tag, value), 1..4),
    ]
    .boxed()
}

/// The value of a field, or null where the version has it.
fn value(field: &FieldDescription, version: Version) -> Encoded {
    let TypeDescription::Nullable(inner) = field.ty else {
        return encoded(&field.ty, version);
    };
    let null = match *inner {
        TypeDescription::Struct(_) => vec![0xff],
        _ if version.flexible => vec![0],
        TypeDescription::Primitive("string") => vec![0xff; 2],
        _ => vec![0xff; 4],
    };
    let value = match *inner {
        TypeDescription::Struct(_) => encoded(inner, version)
            .prop_map(|value| [vec![1], value].concat())
            .boxed(),
        _ => encoded(inner, version),
    };
    if field
        .nullable
        .is_some_and(|versions| within(versions, version))
    {
        prop_oneof![1 => Just(null), 3 => value].boxed()
    } else {
        value
    }
}

fn within((first, last): (i16, i16), version: Version) -> bool {
    (first..=last).contains(&version.number)
}
