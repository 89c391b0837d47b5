//! Messages, headers and group blobs as Apache Kafka wrote them: `tests/golden/*.txt`, whose first
//! lines say where they come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use bytes::Bytes;
use kafka_client_protocol::api::produce::{ProduceRequest, ProduceResponse};
use kafka_client_protocol::consumer_protocol::{self, Assignment, Subscription};
use kafka_client_protocol::frame::{self, RequestHeader};
use kafka_client_protocol::message::TypeDescription;
use kafka_client_protocol::{ApiKey, EncodeErrorKind, Message};
use serde_json::Value;

use crate::apis::{self, Api, Codec};
use crate::values;

/// A line `<kind> v<version> <variant> <hex> <json>`.
pub(crate) struct Case {
    pub(crate) kind: String,
    pub(crate) version: i16,
    pub(crate) variant: String,
    pub(crate) bytes: Bytes,
    pub(crate) json: Value,
}

/// The lines of a golden file that are not comments, each as its words; the last word is the rest.
pub(crate) fn lines(file: &str, words: usize) -> Vec<Vec<String>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let lines: Vec<Vec<String>> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.splitn(words, ' ').map(str::to_owned).collect())
        .collect();
    assert!(!lines.is_empty(), "{file} has lines");
    lines
}

pub(crate) fn cases(file: &str) -> Vec<Case> {
    let case = |words: Vec<String>| {
        let [kind, version, variant, hex, json] = words.try_into().expect("five words a line");
        Case {
            kind,
            version: number(&version),
            variant,
            bytes: unhex(&hex),
            json: serde_json::from_str(&json).unwrap(),
        }
    };
    lines(file, 5).into_iter().map(case).collect()
}

/// `v7`.
fn number(version: &str) -> i16 {
    version.strip_prefix('v').unwrap().parse().unwrap()
}

pub(crate) fn unhex(hex: &str) -> Bytes {
    assert_eq!(hex.len() % 2, 0);
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Every golden file of an API, with its two messages, and those of the internal topics.
pub(crate) fn all_cases() -> impl Iterator<Item = (Codec, Case)> {
    let in_jars = |api: &Api| !api.request.in_jars().is_empty();
    let of_apis = apis::all().into_iter().filter(in_jars).flat_map(|api| {
        let [request, response] = api.messages();
        cases(&format!("{}.txt", api.module))
            .into_iter()
            .map(move |case| match case.kind.as_str() {
                "Request" => (request, case),
                "Response" => (response, case),
                other => panic!("{other} is neither a request nor a response"),
            })
    });
    of_apis.chain(crate::internal_topics::all_cases())
}

#[test]
fn every_message_of_apache_kafka_reads_and_writes_byte_for_byte() {
    let mut wrong = Vec::new();
    for (codec, case) in all_cases() {
        let label = format!("{} v{} {}", codec.name, case.version, case.variant);
        if let Err(error) = check(&codec, &case) {
            wrong.push(format!("{label}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(codec: &Codec, case: &Case) -> Result<(), String> {
    let message =
        (codec.decode)(case.bytes.clone(), case.version).map_err(|error| error.to_string())?;
    values::compare(&message, &codec.ty, case.version, &case.json)?;
    same_bytes(&message.encode(case.version).unwrap(), &case.bytes)?;
    if case.variant == "default" {
        let default = (codec.default)().encode(case.version);
        same_bytes(&default.map_err(|error| error.to_string())?, &case.bytes)
            .map_err(|error| format!("Default: {error}"))?;
    }
    Ok(())
}

fn same_bytes(ours: &[u8], kafka: &[u8]) -> Result<(), String> {
    if ours == kafka {
        return Ok(());
    }
    Err(format!("\n  ours  {}\n  Kafka {}", hex(ours), hex(kafka)))
}

#[test]
fn every_version_of_every_message_has_golden_bytes() {
    let mut golden = BTreeMap::<(&str, i16), Vec<String>>::new();
    for (codec, case) in all_cases() {
        let variants = golden.entry((codec.name, case.version)).or_default();
        variants.push(case.variant);
    }
    // Each of them with and without values, and with foreign tags where there can be any.
    let mut expected = BTreeMap::new();
    for codec in apis::messages() {
        for version in codec.in_jars() {
            let mut variants = vec!["default", "set", "null"];
            if codec.flexible(version) {
                variants.push("unknown_tags");
            }
            let variants = variants.into_iter().map(str::to_owned).collect();
            expected.insert((codec.name, version), variants);
        }
    }
    assert_eq!(golden, expected);
}

/// As Kafka: a field that the version does not have is left out if it is ignorable, and refused if
/// leaving it out would change what the message says.
#[test]
fn a_message_of_one_version_goes_into_another_unless_a_field_would_be_lost() {
    for (codec, case) in all_cases().filter(|(_, case)| case.variant == "set") {
        let message = (codec.decode)(case.bytes.clone(), case.version).unwrap();
        for version in codec.versions.0..=codec.versions.1 {
            let label = format!("{} v{} as v{version}", codec.name, case.version);
            match (
                message.encode(version),
                lost(&codec.ty, case.version, version),
            ) {
                (Ok(bytes), None) => {
                    assert_eq!(message.size(version).unwrap(), bytes.len(), "{label}");
                    let read = (codec.decode)(bytes.clone(), version).expect(&label);
                    assert_eq!(read.encode(version).unwrap(), bytes, "{label}");
                }
                (Err(error), Some(_)) => {
                    assert_eq!(*error.kind(), EncodeErrorKind::NotInVersion, "{label}");
                    assert_eq!(error.message(), Some((codec.name, version)));
                }
                (Ok(_), Some(field)) => panic!("{label}: {field} is lost"),
                (Err(error), None) => panic!("{label}: {error}"),
            }
        }
    }
}

/// A field that `from` has and `to` cannot do without.
fn lost(ty: &TypeDescription, from: i16, to: i16) -> Option<&'static str> {
    match ty {
        TypeDescription::Array(inner) | TypeDescription::Nullable(inner) => lost(inner, from, to),
        TypeDescription::Struct(description) => description.fields.iter().find_map(|field| {
            let has = |version| (field.versions.0..=field.versions.1).contains(&version);
            match (has(from), has(to)) {
                (true, true) => lost(&field.ty, from, to),
                // `set` has true in every flag, which may be the default.
                (true, false) if field.default == Some("true") => None,
                (true, false) => (!field.ignorable).then_some(field.name),
                (false, _) => None,
            }
        }),
        _ => None,
    }
}

#[test]
fn group_blobs_read_and_write_byte_for_byte() {
    let mut variants = BTreeSet::new();
    for case in cases("consumer_protocol.txt") {
        variants.insert((case.kind.clone(), case.version));
        match case.kind.as_str() {
            "Subscription" => check_blob::<Subscription>(&case),
            _ => check_blob::<Assignment>(&case),
        }
    }
    let kinds = ["Assignment", "Subscription"];
    let all = kinds.map(|kind| (0..=3).map(move |version| (kind.to_owned(), version)));
    assert_eq!(variants, all.into_iter().flatten().collect());
}

fn check_blob<M: Message + std::fmt::Debug>(case: &Case) {
    let label = format!("{} v{} {}", case.kind, case.version, case.variant);
    let blob: M = consumer_protocol::decode(&case.bytes).unwrap();
    values::compare(&blob, &M::TYPE, case.version, &case.json)
        .unwrap_or_else(|error| panic!("{label}: {error}"));
    let ours = consumer_protocol::encode(&blob, case.version).unwrap();
    assert_eq!(hex(&ours), hex(&case.bytes), "{label}");
    if case.variant == "default" {
        let ours = consumer_protocol::encode(&M::default(), case.version).unwrap();
        assert_eq!(hex(&ours), hex(&case.bytes), "{label}");
    }
}

#[test]
fn each_version_of_each_api_has_the_header_that_kafka_gives_it() {
    let mut seen = 0;
    for line in lines("header_versions.txt", 5) {
        let [key, name, version, request, response] = &line[..] else {
            panic!("five words a line: {line:?}");
        };
        let key = ApiKey::new(key.parse().unwrap());
        let version = number(version);
        assert_eq!(key.name(), Some(name.as_str()));
        let flexible = key.flexible_request_header(version);
        assert_eq!(request, if flexible { "2" } else { "1" }, "{line:?}");
        let flexible = key.flexible_response_header(version);
        assert_eq!(response, if flexible { "1" } else { "0" }, "{line:?}");
        seen += 1;
    }
    let apis = apis::all();
    let known = apis.iter().map(|api| api.request.in_jars().count());
    assert_eq!(seen, known.sum::<usize>());
}

/// The API and version of the header say whether it has tags, so lines of version 1 become headers
/// of Produce v8, those of version 2 of Produce v9.
#[test]
fn request_headers_read_and_write_byte_for_byte() {
    let cases = cases("headers.txt");
    let requests = cases.iter().filter(|case| case.kind == "Request");
    for case in requests {
        let version = case.version + 7;
        let mut bytes = case.bytes.to_vec();
        bytes[..2].copy_from_slice(&ApiKey::PRODUCE.value().to_be_bytes());
        bytes[2..4].copy_from_slice(&version.to_be_bytes());
        let (header, body) = RequestHeader::decode(&bytes.clone().into()).unwrap();
        assert_eq!(body.len(), 0);
        assert_eq!(
            (header.api_key, header.api_version),
            (ApiKey::PRODUCE, version)
        );
        assert_eq!(header.correlation_id, case.json["correlationId"]);
        assert_eq!(header.client_id.as_deref(), case.json["clientId"].as_str());

        let request = ProduceRequest::default();
        let frame = header.encode(&request).unwrap();
        bytes.extend_from_slice(&request.encode(version).unwrap());
        assert_eq!(
            hex(&frame.to_bytes()[4..]),
            hex(&bytes),
            "v{}",
            case.version
        );
        assert_eq!(frame.to_bytes()[..4], (bytes.len() as i32).to_be_bytes());
    }
}

#[test]
fn response_headers_read_and_write_byte_for_byte() {
    let cases = cases("headers.txt");
    let responses = cases.iter().filter(|case| case.kind == "Response");
    for case in responses {
        // Version 0 belongs to Produce v8, version 1 to Produce v9.
        let version = case.version + 8;
        let response = ProduceResponse {
            throttle_time_ms: 5,
            ..Default::default()
        };
        let body = response.encode(version).unwrap();
        let received = [&case.bytes[..], &body[..]].concat().into();
        let id = frame::correlation_id(&received).unwrap();
        assert_eq!(id, case.json["correlationId"]);
        let read = frame::decode_response::<ProduceRequest>(&received, version).unwrap();
        assert_eq!(read, response);

        let mut header = case.bytes.to_vec();
        if case.variant == "unknown_tags" {
            header.truncate(header.len() - unknown_tags(case).len());
            header.push(0);
        }
        let frame = frame::encode_response::<ProduceRequest>(&response, version, id).unwrap();
        let expected = [&header[..], &body[..]].concat();
        assert_eq!(
            hex(&frame.to_bytes()[4..]),
            hex(&expected),
            "v{}",
            case.version
        );
    }
}

/// The tagged fields that the `unknown_tags` cases end with: tags 200 and 90000.
fn unknown_tags(case: &Case) -> Bytes {
    let tags = unhex("02c8010301020390bf0500");
    assert!(case.bytes.ends_with(&tags));
    tags
}
