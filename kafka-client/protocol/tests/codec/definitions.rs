//! The descriptions behind `#[derive(Message)]` against Apache Kafka's own definitions, which its
//! jar carries as JSON: names, types, versions, null, tags, defaults, order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use kafka_client_protocol::ApiKey;
use kafka_client_protocol::consumer_protocol::{Assignment, Subscription};
use kafka_client_protocol::message::{FieldDescription, StructDescription, TypeDescription};
use kafka_client_protocol::records::LeaderChangeMessage;
use serde_json::Value;

use crate::apis::{self, Codec};
use crate::values;

mod alterations;

/// Differences that are meant, each with its reason.
const ALLOWED: &[(&str, &str)] = &[
    (
        "AlterClientQuotasResponse.entries: type []EntryResult, Kafka []EntryData",
        "the request has that name in the same module",
    ),
    (
        "ApiVersionsRequest: versions 0-5, Kafka 0-4",
        "version 5 is of Kafka 4.4 (KIP-1242)",
    ),
    (
        "ApiVersionsResponse: versions 0-5, Kafka 0-4",
        "version 5 is of Kafka 4.4 (KIP-1242)",
    ),
    (
        "Assignment.assigned_partitions: type []TopicPartitions, Kafka []TopicPartition",
        "it has several partitions",
    ),
    (
        "DeleteGroupsRequest: versions 0-3, Kafka 0-2",
        "version 3 is of Kafka 4.4 (KIP-1331)",
    ),
    (
        "DeleteGroupsResponse: versions 0-3, Kafka 0-2",
        "version 3 is of Kafka 4.4 (KIP-1331)",
    ),
    (
        "DescribeQuorumResponse.topics: type []TopicQuorum, Kafka []TopicData",
        "the request has that name in the same module",
    ),
    (
        "DescribeQuorumResponse.topics.partitions: type []PartitionQuorum, Kafka []PartitionData",
        "the request has that name in the same module",
    ),
    (
        "ShareFetchResponse.responses.partitions.records: default empty, Kafka null",
        "null belongs to version 0, which Kafka has taken away",
    ),
    (
        "StreamsGroupDescribeRequest: versions 0-1, Kafka 0-0",
        "version 1 is of Kafka 4.4 (KIP-1331, KIP-1357)",
    ),
    (
        "StreamsGroupDescribeResponse: versions 0-1, Kafka 0-0",
        "version 1 is of Kafka 4.4 (KIP-1331, KIP-1357)",
    ),
    (
        "StreamsGroupHeartbeatRequest: versions 0-1, Kafka 0-0",
        "version 1 is of Kafka 4.4 (KIP-1331)",
    ),
    (
        "StreamsGroupHeartbeatResponse: versions 0-1, Kafka 0-0",
        "version 1 is of Kafka 4.4 (KIP-1331)",
    ),
    (
        "StreamsGroupHeartbeatResponse.acceptable_recovery_lag_legacy: Kafka acceptable_recovery_lag",
        "Kafka 4.4 gives its name to the wider field of version 1",
    ),
    (
        "StreamsGroupHeartbeatResponse.acceptable_recovery_lag_legacy: ignorable true, Kafka false",
        "version 1 has a wider one instead",
    ),
    (
        "Subscription.owned_partitions: type []TopicPartitions, Kafka []TopicPartition",
        "it has several partitions",
    ),
    (
        "TxnOffsetCommitRequest: versions 0-6, Kafka 0-5",
        "version 6 is of Kafka 4.4 (KIP-1319)",
    ),
    (
        "TxnOffsetCommitResponse: versions 0-6, Kafka 0-5",
        "version 6 is of Kafka 4.4 (KIP-1319)",
    ),
    (
        "TxnOffsetCommitRequest.topics.name: ignorable true, Kafka false",
        "version 6 has the topic's id instead",
    ),
    (
        "TxnOffsetCommitResponse.topics.name: ignorable true, Kafka false",
        "version 6 has the topic's id instead",
    ),
];

/// APIs that the jar does not have.
const LATER_APIS: &[(ApiKey, &str)] = &[
    (
        ApiKey::STREAMS_GROUP_TOPOLOGY_DESCRIPTION_UPDATE,
        "of Kafka 4.4 (KIP-1331)",
    ),
    (ApiKey::UNREGISTER_CONTROLLER, "of Kafka 4.4 (KIP-1312)"),
];

/// APIs on the listeners of clients that only brokers use, to keep the state of share groups.
const BETWEEN_BROKERS: &[ApiKey] = &[
    ApiKey::INITIALIZE_SHARE_GROUP_STATE,
    ApiKey::READ_SHARE_GROUP_STATE,
    ApiKey::WRITE_SHARE_GROUP_STATE,
    ApiKey::DELETE_SHARE_GROUP_STATE,
    ApiKey::READ_SHARE_GROUP_STATE_SUMMARY,
];

/// One of our messages with Kafka's definition of it.
struct Pair {
    codec: Codec,
    /// Its API, for a request or response.
    api: Option<(ApiKey, &'static str)>,
    definition: Value,
}

impl Pair {
    /// All messages that the jar has.
    fn all() -> Vec<Self> {
        let mut definitions = definitions();
        let mut pairs = Vec::new();
        let mut pair = |codec, api, name: &str| {
            let definition = definitions.remove(name);
            let definition = definition.unwrap_or_else(|| panic!("{name} is not in the jar"));
            pairs.push(Self {
                codec,
                api,
                definition,
            });
        };
        for api in apis::all() {
            if LATER_APIS.iter().any(|(later, _)| *later == api.key) {
                continue;
            }
            for (codec, kind) in api.messages().into_iter().zip(["request", "response"]) {
                pair(codec, Some((api.key, kind)), codec.name);
            }
        }
        pair(
            Codec::of::<Subscription>(),
            None,
            "ConsumerProtocolSubscription",
        );
        pair(
            Codec::of::<Assignment>(),
            None,
            "ConsumerProtocolAssignment",
        );
        pair(
            Codec::of::<LeaderChangeMessage>(),
            None,
            "LeaderChangeMessage",
        );
        pairs
    }

    fn differences(&self, definition: &Value) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        compare_message(&self.codec, definition, &mut found);
        if let Some((key, kind)) = self.api
            && (definition["apiKey"] != key.value() || definition["type"] != kind)
        {
            found.insert(format!("{}: another API key or kind", self.codec.name));
        }
        found
    }
}

#[test]
#[ignore = "needs KAFKA_JARS: a folder with Apache Kafka's jars; .ci/run provides it"]
fn messages_are_what_the_jar_defines() {
    let found: BTreeSet<String> = Pair::all()
        .iter()
        .flat_map(|pair| pair.differences(&pair.definition))
        .collect();
    let allowed = ALLOWED.iter().map(|(text, _)| (*text).to_owned()).collect();
    let lines = |texts: &BTreeSet<String>| texts.iter().cloned().collect::<Vec<_>>().join("\n");
    assert!(
        found.is_superset(&allowed),
        "a difference that is allowed is gone:\n{}",
        lines(&(&allowed - &found))
    );
    assert!(
        found == allowed,
        "differences:\n{}",
        lines(&(&found - &allowed))
    );
}

#[test]
#[ignore = "needs KAFKA_JARS: a folder with Apache Kafka's jars; .ci/run provides it"]
fn every_api_that_clients_use_is_in_the_crate() {
    let mut expected: BTreeSet<ApiKey> = client_apis(&definitions()).map(|(key, _)| key).collect();
    for key in BETWEEN_BROKERS {
        assert!(expected.remove(key), "{key} is not in the jar");
    }
    for (key, _) in LATER_APIS {
        assert!(expected.insert(*key), "{key} is in the jar");
    }
    let ours = apis::all().iter().map(|api| api.key).collect();
    assert_eq!(expected, ours);
}

#[test]
#[ignore = "needs KAFKA_JARS: a folder with Apache Kafka's jars; .ci/run provides it"]
fn the_table_of_api_keys_is_what_the_jar_defines() {
    let mut found = BTreeSet::new();
    let mut in_jar = BTreeSet::new();
    for (key, definition) in client_apis(&definitions()) {
        in_jar.insert(key);
        let name = definition["name"].as_str().unwrap();
        if key.name().map(|name| format!("{name}Request")).as_deref() != Some(name) {
            found.insert(format!("{key:?}: {name} in the jar"));
        }
        let flexible = range(&definition["flexibleVersions"]).map(|versions| versions.0);
        if key.first_flexible() != flexible {
            found.insert(format!(
                "{key:?}: first flexible version {flexible:?} in the jar"
            ));
        }
    }
    let mut known: BTreeSet<ApiKey> = (i16::MIN..i16::MAX)
        .map(ApiKey::new)
        .filter(|key| key.name().is_some())
        .collect();
    for (key, _) in LATER_APIS {
        assert!(
            known.remove(key) && !in_jar.contains(key),
            "{key} is not later"
        );
    }
    for key in known.difference(&in_jar) {
        found.insert(format!("{key:?}: not in the jar"));
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// What brokers serve on the listeners of clients: the requests with their keys.
fn client_apis(definitions: &BTreeMap<String, Value>) -> impl Iterator<Item = (ApiKey, &Value)> {
    definitions
        .values()
        .filter(|definition| definition["type"] == "request" && listens_to_clients(definition))
        .map(|definition| {
            let key = definition["apiKey"].as_i64().unwrap();
            (ApiKey::new(key as i16), definition)
        })
}

/// Controllers alone serve the others.
fn listens_to_clients(definition: &Value) -> bool {
    let listeners = definition["listeners"].as_array();
    listeners.is_some_and(|listeners| listeners.iter().any(|listener| listener == "broker"))
}

/// The jars that have definitions of messages and of records that clients meet.
const JARS: [&str; 3] = [
    "kafka-clients",
    "kafka-group-coordinator",
    "kafka-transaction-coordinator",
];

/// The definitions in Kafka's jars, by name.
pub(crate) fn definitions() -> BTreeMap<String, Value> {
    let folder = PathBuf::from(std::env::var_os("KAFKA_JARS").expect("KAFKA_JARS is set"));
    let mut definitions = BTreeMap::new();
    for name in JARS {
        // What follows the name is the version: `kafka-group-coordinator-api` is another jar.
        let is_wanted = |file: &str| {
            let rest = file
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('-'));
            rest.is_some_and(|rest| rest.ends_with(".jar") && rest.starts_with(char::is_numeric))
        };
        let jar = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .find(|path| is_wanted(&path.file_name().unwrap().to_string_lossy()))
            .unwrap_or_else(|| panic!("a {name} jar in KAFKA_JARS"));
        read_definitions(File::open(jar).unwrap(), &mut definitions);
    }
    assert!(definitions.len() > 200, "the jars have Kafka's definitions");
    definitions
}

fn read_definitions(jar: File, definitions: &mut BTreeMap<String, Value>) {
    let mut jar = zip::ZipArchive::new(jar).unwrap();
    for index in 0..jar.len() {
        let mut file = jar.by_index(index).unwrap();
        let name = file.name().unwrap().into_owned();
        if !(name.starts_with("common/message/") && name.ends_with(".json")) {
            continue;
        }
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let definition = parse(&text);
        definitions.insert(definition["name"].as_str().unwrap().to_owned(), definition);
    }
}

/// Kafka's definitions are JSON with comments on lines of their own.
fn parse(text: &str) -> Value {
    let json: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    serde_json::from_str(&json.join("\n")).unwrap()
}

type Versions = (i16, i16);

pub(crate) fn compare_message(codec: &Codec, definition: &Value, found: &mut BTreeSet<String>) {
    let name = codec.name;
    check_keys(definition, MESSAGE_KEYS, name, found);
    let kafka = range(&definition["validVersions"]).unwrap();
    let ours = codec.versions;
    if kafka != ours {
        found.insert(format!(
            "{name}: versions {}, Kafka {}",
            text(ours),
            text(kafka)
        ));
    }
    let flexible = range(&definition["flexibleVersions"]).map(|versions| versions.0);
    if flexible != codec.first_flexible {
        found.insert(format!(
            "{name}: first flexible version {:?}, Kafka {flexible:?}",
            codec.first_flexible
        ));
    }
    let TypeDescription::Struct(description) = codec.ty else {
        panic!("{name} is no struct");
    };
    let mut common = BTreeMap::new();
    for definition in definition["commonStructs"].as_array().into_iter().flatten() {
        common.insert(definition["name"].as_str().unwrap(), definition);
    }
    if codec.first_flexible.is_some() {
        keeps_unknown(name, description, found);
    }
    let Some(both) = meet(ours, kafka) else {
        return;
    };
    compare_fields(name, description, definition, &common, both, found);
}

/// Every struct of a message that has flexible versions can meet tagged fields of later ones.
fn keeps_unknown(path: &str, description: &StructDescription, found: &mut BTreeSet<String>) {
    if !description.keeps_unknown {
        found.insert(format!("{path}: loses unknown tagged fields"));
    }
    for field in description.fields {
        let mut ty = &field.ty;
        while let TypeDescription::Array(inner) | TypeDescription::Nullable(inner) = ty {
            ty = inner;
        }
        if let TypeDescription::Struct(description) = ty {
            keeps_unknown(&format!("{path}.{}", field.name), description, found);
        }
    }
}

const MESSAGE_KEYS: &[&str] = &[
    "apiKey",
    "type",
    "listeners",
    "name",
    "validVersions",
    "latestVersionUnstable",
    "flexibleVersions",
    "fields",
    "commonStructs",
];

const FIELD_KEYS: &[&str] = &[
    "name",
    "type",
    "versions",
    "nullableVersions",
    "taggedVersions",
    "tag",
    "default",
    "ignorable",
    "mapKey",
    "fields",
    // About the meaning and about Java, not about the wire.
    "about",
    "entityType",
    "zeroCopy",
];

/// A key that this test does not know may say something that it must compare.
fn check_keys(definition: &Value, known: &[&str], path: &str, found: &mut BTreeSet<String>) {
    for key in definition.as_object().unwrap().keys() {
        if !known.contains(&key.as_str()) {
            found.insert(format!("{path}: unknown key {key} in Kafka's definition"));
        }
    }
}

/// Compares the fields that exist in some of `versions`, in their order.
fn compare_fields(
    path: &str,
    ours: &StructDescription,
    kafka: &Value,
    common: &BTreeMap<&str, &Value>,
    versions: Versions,
    found: &mut BTreeSet<String>,
) {
    let ours: Vec<_> = ours
        .fields
        .iter()
        .filter_map(|field| Some((field, meet(field.versions, versions)?)))
        .collect();
    let kafka: Vec<_> = kafka["fields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|field| Some((field, meet(field_versions(field)?, versions)?)))
        .collect();
    if ours.len() != kafka.len() {
        let our_names: Vec<&str> = ours.iter().map(|(field, _)| field.name).collect();
        let kafka_names: Vec<String> = kafka.iter().map(|(field, _)| snake(field)).collect();
        found.insert(format!(
            "{path}: fields {our_names:?}, Kafka {kafka_names:?}"
        ));
        return;
    }
    for ((ours, our_versions), (kafka, kafka_versions)) in ours.into_iter().zip(kafka) {
        let path = format!("{path}.{}", ours.name);
        let name = snake(kafka);
        if ours.name != name {
            found.insert(format!("{path}: Kafka {name}"));
        }
        check_keys(kafka, FIELD_KEYS, &path, found);
        if our_versions != kafka_versions {
            let (ours, kafka) = (text(our_versions), text(kafka_versions));
            found.insert(format!("{path}: versions {ours}, Kafka {kafka}"));
            continue;
        }
        compare_field(&path, ours, kafka, common, our_versions, found);
    }
}

/// A tagged field need not say in which versions it is beside those in which it is tagged.
fn field_versions(field: &Value) -> Option<Versions> {
    range(field.get("versions").unwrap_or(&field["taggedVersions"]))
}

fn compare_field(
    path: &str,
    ours: &FieldDescription,
    kafka: &Value,
    common: &BTreeMap<&str, &Value>,
    versions: Versions,
    found: &mut BTreeSet<String>,
) {
    let mut differ = |what: &str, ours: String, kafka: String| {
        if ours != kafka {
            found.insert(format!("{path}: {what} {ours}, Kafka {kafka}"));
        }
    };
    let option = |versions: Option<Versions>| versions.map_or("none".to_owned(), text);

    let (ty, null_form) = match ours.ty {
        TypeDescription::Nullable(inner) => (*inner, true),
        ty => (ty, false),
    };
    differ(
        "type",
        type_name(&ty),
        kafka["type"].as_str().unwrap().replace("records", "bytes"),
    );
    let nullable = ours.nullable.and_then(|range| meet(range, versions));
    let kafka_nullable = range(&kafka["nullableVersions"]).and_then(|range| meet(range, versions));
    differ("nullable in", option(nullable), option(kafka_nullable));
    differ(
        "is an Option",
        null_form.to_string(),
        kafka_nullable.is_some().to_string(),
    );

    let tag = ours.tag.map(|tag| (i64::from(tag), versions));
    let tagged = range(&kafka["taggedVersions"]).and_then(|range| meet(range, versions));
    let kafka_tag = tagged.map(|versions| (kafka["tag"].as_i64().unwrap(), versions));
    differ("tag", format!("{tag:?}"), format!("{kafka_tag:?}"));

    differ("default", default(ours, &ty), kafka_default(kafka));
    let flag = |key: &str| kafka[key].as_bool().unwrap_or(false).to_string();
    differ("ignorable", ours.ignorable.to_string(), flag("ignorable"));
    differ("key", ours.key.to_string(), flag("mapKey"));

    if let TypeDescription::Struct(description)
    | TypeDescription::Array(&TypeDescription::Struct(description)) = ty
    {
        let name = kafka["type"].as_str().unwrap().trim_start_matches("[]");
        let inner = common.get(name).copied().unwrap_or(kafka);
        compare_fields(path, description, inner, common, versions, found);
    }
}

/// Kafka's name for a type. Structs are named as in Rust, which is Kafka's name.
fn type_name(ty: &TypeDescription) -> String {
    match ty {
        TypeDescription::Primitive(name) => (*name).to_owned(),
        TypeDescription::Array(element) => format!("[]{}", type_name(element)),
        TypeDescription::Struct(description) => description.name.to_owned(),
        other => format!("{other:?}"),
    }
}

/// The default in the form of [`kafka_default`].
fn default(field: &FieldDescription, ty: &TypeDescription) -> String {
    match (field.default, ty) {
        (None, _) if field.nullable.is_some() => "null".to_owned(),
        (None | Some("Some(Default::default())"), ty) => zero(&type_name(ty)),
        (Some("i32::MAX"), _) => i32::MAX.to_string(),
        (Some("i32::MIN"), _) => i32::MIN.to_string(),
        (Some("i64::MAX"), _) => i64::MAX.to_string(),
        (Some(text), _) => text.to_owned(),
    }
}

/// A number, `true`, `null`, or what [`zero`] says.
fn kafka_default(field: &Value) -> String {
    let ty = field["type"].as_str().unwrap();
    let text = match &field["default"] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).unwrap().to_string(),
        // Kafka's generator: record batches are null unless they are set.
        None if text.is_empty() && ty == "records" => "null".to_owned(),
        None if text.is_empty() => zero(ty),
        None => text,
    }
}

/// The default of a type for which none is given.
fn zero(ty: &str) -> String {
    match ty {
        "bool" => "false",
        "int8" | "int16" | "uint16" | "int32" | "uint32" | "int64" | "float64" => "0",
        _ => "empty",
    }
    .to_owned()
}

/// `3+`, `3-5`, `3`; `None` for `none` and for no range at all.
fn range(versions: &Value) -> Option<Versions> {
    let text = versions.as_str().filter(|text| *text != "none")?;
    let number = |text: &str| text.parse().unwrap();
    Some(match (text.strip_suffix('+'), text.split_once('-')) {
        (Some(first), _) => (number(first), i16::MAX),
        (None, Some((first, last))) => (number(first), number(last)),
        (None, None) => (number(text), number(text)),
    })
}

fn text((first, last): Versions) -> String {
    format!("{first}-{last}")
}

/// The versions that are in both.
fn meet(one: Versions, other: Versions) -> Option<Versions> {
    let both = (one.0.max(other.0), one.1.min(other.1));
    (both.0 <= both.1).then_some(both)
}

/// `TopicId` as our fields are named: `topic_id`.
fn snake(field: &Value) -> String {
    let mut snake = String::new();
    for c in field["name"].as_str().unwrap().chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[test]
fn names_go_both_ways() {
    for name in ["TopicId", "Enable2Pc", "ThrottleTimeMs", "Name"] {
        let snake = snake(&serde_json::json!({ "name": name }));
        assert_eq!(values::camel(&snake)[1..], name[1..], "{snake}");
    }
}
