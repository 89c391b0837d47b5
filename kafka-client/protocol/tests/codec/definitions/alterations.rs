//! The comparison itself: equal without a difference, and each alteration found.

use bytes::Bytes;
use kafka_client_derive::Message;
use kafka_client_protocol::{StrBytes, TaggedFields, Uuid};
use serde_json::json;

use super::*;

#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 0, versions = 1..=4, flexible = 3)]
struct ProbeRequest {
    #[field(versions = 2.., default = -1, ignorable)]
    epoch: i32,
    #[field(nullable = 2.., default = Some(Default::default()))]
    name: Option<StrBytes>,
    #[field(versions = ..=3)]
    topics: Vec<ProbeTopic>,
    #[field(nullable = ..)]
    records: Option<Bytes>,
    #[field(versions = 3.., tag = 0, default = i64::MAX)]
    mark: i64,
    unknown_tagged_fields: TaggedFields,
}

#[derive(Debug, Clone, PartialEq, Message)]
struct ProbeTopic {
    #[field(key)]
    id: Uuid,
    partitions: Vec<i32>,
    unknown_tagged_fields: TaggedFields,
}

const DEFINITION: &str = r#"
    // A comment.
    {
      "apiKey": 0, "type": "request", "name": "ProbeRequest",
      "validVersions": "1-4", "flexibleVersions": "3+",
      "fields": [
        { "name": "Gone", "type": "string", "versions": "0" },
        { "name": "Epoch", "type": "int32", "versions": "2+", "default": "-1", "ignorable": true },
        { "name": "Name", "type": "string", "versions": "0+", "nullableVersions": "2+" },
        { "name": "Topics", "type": "[]ProbeTopic", "versions": "0-3" },
        { "name": "Records", "type": "records", "versions": "0+", "nullableVersions": "0+" },
        { "name": "Mark", "type": "int64", "versions": "3+", "taggedVersions": "3+", "tag": 0,
          "default": "0x7fffffffffffffff" }
      ],
      "commonStructs": [
        { "name": "ProbeTopic", "versions": "0+", "fields": [
          { "name": "Id", "type": "uuid", "versions": "0+", "mapKey": true },
          { "name": "Partitions", "type": "[]int32", "versions": "0+" }
        ]}
      ]
    }"#;

fn differences(definition: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    compare_message(&Codec::of::<ProbeRequest>(), &parse(definition), &mut found);
    found.into_iter().collect()
}

#[test]
fn equal_definitions_have_no_difference() {
    assert_eq!(differences(DEFINITION), Vec::<String>::new());
}

#[test]
fn a_tagged_field_need_not_say_its_versions_twice() {
    let twice = r#""versions": "3+", "taggedVersions": "3+""#;
    assert_eq!(DEFINITION.matches(twice).count(), 1);
    let once = DEFINITION.replace(twice, r#""taggedVersions": "3+""#);
    assert_eq!(differences(&once), Vec::<String>::new());
}

#[test]
fn every_alteration_of_a_definition_is_found() {
    for (from, to, expected) in [
        (
            r#""1-4""#,
            r#""1-5""#,
            "ProbeRequest: versions 1-4, Kafka 1-5",
        ),
        (
            r#""flexibleVersions": "3+""#,
            r#""flexibleVersions": "4+""#,
            "ProbeRequest: first flexible version Some(3), Kafka Some(4)",
        ),
        (
            r#""commonStructs""#,
            r#""newStructs""#,
            "ProbeRequest: unknown key newStructs in Kafka's definition",
        ),
        (
            r#"string", "versions": "0" }"#,
            r#"string", "versions": "0-1" }"#,
            "ProbeRequest: fields ",
        ),
        (
            r#""Epoch""#,
            r#""EpochId""#,
            "ProbeRequest.epoch: Kafka epoch_id",
        ),
        (
            r#""2+", "default": "-1""#,
            r#""3+", "default": "-1""#,
            "ProbeRequest.epoch: versions 2-4, Kafka 3-4",
        ),
        (
            r#""int32", "ve"#,
            r#""int64", "ve"#,
            "ProbeRequest.epoch: type int32, Kafka int64",
        ),
        (
            r#""-1""#,
            r#""0""#,
            "ProbeRequest.epoch: default -1, Kafka 0",
        ),
        (
            r#""ignorable": true"#,
            r#""ignorable": false"#,
            "ProbeRequest.epoch: ignorable true, Kafka false",
        ),
        (
            r#""nullableVersions": "2+""#,
            r#""nullableVersions": "0+""#,
            "ProbeRequest.name: nullable in 2-4, Kafka 1-4",
        ),
        (
            r#""nullableVersions": "2+""#,
            r#""nullableVersions": "2+", "default": "null""#,
            "ProbeRequest.name: default empty, Kafka null",
        ),
        (
            r#""nullableVersions": "2+""#,
            r#""nullableVersions": "2+", "flexibleVersions": "none""#,
            "ProbeRequest.name: unknown key flexibleVersions in Kafka's definition",
        ),
        (
            r#"uuid", "versions": "0+""#,
            r#"uuid", "versions": "0+", "nullableVersions": "0+""#,
            "ProbeRequest.topics.id: is an Option false, Kafka true",
        ),
        (
            r#""[]ProbeTopic""#,
            r#""[]Probe""#,
            "ProbeRequest.topics: type []ProbeTopic, Kafka []Probe",
        ),
        (
            r#""mapKey": true"#,
            r#""mapKey": false"#,
            "ProbeRequest.topics.id: key true, Kafka false",
        ),
        (
            r#""[]int32""#,
            r#""int32""#,
            "ProbeRequest.topics.partitions: type []int32, Kafka int32",
        ),
        (
            r#""tag": 0"#,
            r#""tag": 1"#,
            "ProbeRequest.mark: tag Some((0, (3, 4))), Kafka Some((1, (3, 4)))",
        ),
        (
            r#""taggedVersions": "3+""#,
            r#""taggedVersions": "4+""#,
            "ProbeRequest.mark: tag Some((0, (3, 4))), Kafka Some((0, (4, 4)))",
        ),
        (
            "0x7fffffffffffffff",
            "0x7fffffff",
            "ProbeRequest.mark: default 9223372036854775807, Kafka 2147483647",
        ),
    ] {
        assert_eq!(DEFINITION.matches(from).count(), 1, "{from} is there once");
        let altered = DEFINITION.replace(from, to);
        let found = differences(&altered);
        assert!(
            found.iter().any(|found| found.starts_with(expected)),
            "{from} -> {to}: {found:#?}"
        );
    }
}

#[test]
fn a_struct_that_loses_unknown_tagged_fields_is_found() {
    #[derive(Debug, Clone, PartialEq, Message)]
    #[message(api_key = 0, versions = 0..=0, flexible = 0)]
    struct LossyRequest {
        topics: Vec<LossyTopic>,
        unknown_tagged_fields: TaggedFields,
    }

    #[derive(Debug, Clone, PartialEq, Message)]
    struct LossyTopic {
        id: Uuid,
    }

    let definition = r#"{
      "name": "LossyRequest", "validVersions": "0", "flexibleVersions": "0+",
      "fields": [
        { "name": "Topics", "type": "[]LossyTopic", "versions": "0+", "fields": [
          { "name": "Id", "type": "uuid", "versions": "0+" }
        ]}
      ]
    }"#;
    let mut found = BTreeSet::new();
    compare_message(&Codec::of::<LossyRequest>(), &parse(definition), &mut found);
    let lost = "LossyRequest.topics: loses unknown tagged fields".to_owned();
    assert_eq!(found, BTreeSet::from([lost]));
}

/// Kafka's real definitions: whatever one says of one field in our versions, saying something else
/// there is found.
#[test]
#[ignore = "needs KAFKA_JARS: a folder with Apache Kafka's jars; .ci/run provides it"]
fn every_alteration_of_every_field_of_the_jar_is_found() {
    let (mut fields, mut altered) = (0, 0);
    let mut missed = Vec::new();
    for pair in Pair::all() {
        let known = pair.differences(&pair.definition);
        let mut definition = pair.definition.clone();
        let mut check = |definition: &Value, what: String| {
            altered += 1;
            if pair.differences(definition) == known {
                missed.push(format!("{}: {what}", pair.codec.name));
            }
        };
        for (key, value) in message_alterations(&pair) {
            let mut definition = definition.clone();
            definition[key] = value;
            check(&definition, key.to_owned());
        }
        for (place, versions) in places(&pair) {
            fields += 1;
            let before = definition.pointer(&place).unwrap().clone();
            for (what, field) in field_alterations(&before, versions) {
                *definition.pointer_mut(&place).unwrap() = field;
                check(&definition, format!("{what} of {place}"));
            }
            *definition.pointer_mut(&place).unwrap() = before;
            let (array, index) = place.rsplit_once('/').unwrap();
            let all = definition.pointer(array).unwrap().clone();
            let fields = definition.pointer_mut(array).unwrap();
            fields
                .as_array_mut()
                .unwrap()
                .remove(index.parse().unwrap());
            check(&definition, format!("no {place}"));
            *definition.pointer_mut(array).unwrap() = all;
        }
        assert_eq!(definition, pair.definition);
    }
    assert!(missed.is_empty(), "not found:\n{}", missed.join("\n"));
    println!("{altered} alterations of {fields} fields");
    assert!(fields > 1000, "{fields} fields");
    assert!(altered > 10 * fields, "{altered} alterations");
}

fn message_alterations(pair: &Pair) -> Vec<(&'static str, Value)> {
    let definition = &pair.definition;
    let (first, last) = range(&definition["validVersions"]).unwrap();
    let mut altered = vec![
        ("validVersions", json!(text((first, last + 1)))),
        (
            "validVersions",
            json!(text((first + 1, last.max(first + 1)))),
        ),
        (
            "flexibleVersions",
            match range(&definition["flexibleVersions"]) {
                Some((first, _)) => json!(format!("{}+", first + 1)),
                None => json!("0+"),
            },
        ),
        ("anotherKey", json!("of a later generator")),
    ];
    if let Some((key, _)) = pair.api {
        altered.push(("apiKey", json!(key.value() + 1)));
        altered.push(("type", json!("data")));
    }
    altered
}

/// The fields that are in some of our versions, as JSON pointers, with these versions.
fn places(pair: &Pair) -> BTreeMap<String, Versions> {
    let definition = &pair.definition;
    let mut common = BTreeMap::new();
    let structs = definition["commonStructs"].as_array();
    for (index, definition) in structs.into_iter().flatten().enumerate() {
        let name = definition["name"].as_str().unwrap();
        common.insert(name, format!("/commonStructs/{index}"));
    }
    let mut places = BTreeMap::new();
    let kafka = range(&definition["validVersions"]).unwrap();
    let both = meet(pair.codec.versions, kafka).unwrap();
    add_places("", definition, &common, both, &mut places);
    places
}

fn add_places(
    path: &str,
    definition: &Value,
    common: &BTreeMap<&str, String>,
    versions: Versions,
    places: &mut BTreeMap<String, Versions>,
) {
    let fields = definition.pointer(&format!("{path}/fields"));
    for (index, field) in fields
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        let Some(both) = range(&field["versions"]).and_then(|range| meet(range, versions)) else {
            continue;
        };
        let place = format!("{path}/fields/{index}");
        let ty = field["type"].as_str().unwrap().trim_start_matches("[]");
        let inner = common.get(ty).unwrap_or(&place);
        add_places(inner, definition, common, both, places);
        places.entry(place).or_insert(both);
    }
}

/// A field with one attribute altered, for each of them. It exists in `versions`.
fn field_alterations(field: &Value, versions: Versions) -> Vec<(&'static str, Value)> {
    let (first, last) = versions;
    let mut altered = Vec::new();
    let mut alter = |what, key: &str, value: Value| {
        let mut field = field.clone();
        assert_ne!(field[key], value);
        field[key] = value;
        altered.push((what, field));
    };
    let within = |key: &str| range(&field[key]).and_then(|range| meet(range, versions));
    let from = |first: i16| json!(format!("{first}+"));
    let string = |key: &str| field[key].as_str().unwrap().to_owned();

    alter("name", "name", json!(string("name") + "Other"));
    let later = if first < last {
        text((first + 1, last))
    } else {
        "none".to_owned()
    };
    alter("first version", "versions", json!(later));
    if first < last {
        alter("last version", "versions", json!(text((first, last - 1))));
    }

    let ty = string("type");
    alter("type", "type", json!(other_type(&ty)));
    alter(
        "array",
        "type",
        json!(match ty.strip_prefix("[]") {
            Some(element) => element.to_owned(),
            None => format!("[]{ty}"),
        }),
    );

    match within("nullableVersions") {
        Some(null) => {
            alter("null", "nullableVersions", json!("none"));
            if null.0 < null.1 {
                alter("first null", "nullableVersions", from(null.0 + 1));
            }
            if null.0 > first {
                alter("first null", "nullableVersions", from(first));
            }
        }
        None => alter("null", "nullableVersions", from(first)),
    }

    match within("taggedVersions") {
        Some(tagged) => {
            alter("tag", "tag", json!(field["tag"].as_i64().unwrap() + 1));
            alter("tagged", "taggedVersions", json!("none"));
            if tagged.0 < tagged.1 {
                alter("first tagged", "taggedVersions", from(tagged.0 + 1));
            }
        }
        None => {
            let mut field = field.clone();
            field["taggedVersions"] = from(first);
            field["tag"] = json!(77);
            altered.push(("tag", field));
        }
    }

    let mut alter = |key: &'static str, value: Value| {
        let mut field = field.clone();
        field[key] = value;
        altered.push((key, field));
    };
    let default = kafka_default(field);
    let other = match (default.as_str(), default.parse::<i64>()) {
        ("false", _) => "true".to_owned(),
        ("true", _) => "false".to_owned(),
        (_, Ok(number)) => number.wrapping_add(1).to_string(),
        ("null", _) if ty != "records" => String::new(),
        _ => "another".to_owned(),
    };
    alter("default", json!(other));
    for key in ["ignorable", "mapKey"] {
        alter(key, json!(!field[key].as_bool().unwrap_or(false)));
    }
    alter("anotherKey", json!(true));
    altered
}

fn other_type(ty: &str) -> String {
    let (array, element) = match ty.strip_prefix("[]") {
        Some(element) => ("[]", element),
        None => ("", ty),
    };
    // Types of the same width come first: nothing but the name tells them apart.
    let other = match element {
        "bool" => "int8",
        "int8" => "bool",
        "int16" => "uint16",
        "uint16" => "int16",
        "int32" => "uint32",
        "int64" => "float64",
        "float64" => "int64",
        "uuid" => "string",
        "string" => "bytes",
        "bytes" | "records" => "string",
        name => return format!("{array}{name}Other"),
    };
    format!("{array}{other}")
}
