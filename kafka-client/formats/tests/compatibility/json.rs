//! JSON Schema: where the new schema reads the old one, no value was found that only the old one allows.

use std::collections::BTreeSet;

use kafka_client_formats::compatibility::json::JsonModel;

use crate::{golden, text};

/// Confluent's rules let these pass, as the reader puts the default in.
const DEFAULTS: [&str; 2] = [
    "a property with a default becomes required",
    "a required property with a default is new in a closed model",
];

/// Pairs that the rules refuse without a value against them: where they are stricter than need be, as those of
/// Confluent, or say themselves that they do not know.
const STRICTER: [&str; 3] = [
    "a list of values becomes a type",
    "anyOf becomes oneOf",
    "a reference leads nowhere",
];

#[test]
fn no_value_speaks_against_a_verdict() {
    let pairs = golden("json.jsonl");
    let (mut wrong, mut strict) = (Vec::new(), BTreeSet::new());
    for pair in &pairs {
        let parse = |name| JsonModel::parse(text(pair, name), &[]).unwrap();
        let reasons = parse("new").cannot_read(&parse("old"));
        let witness = pair["witness"].as_array().unwrap();
        match (reasons.is_empty(), witness.is_empty()) {
            (true, false) if !DEFAULTS.contains(&text(pair, "name")) => {
                wrong.push(pair.to_string())
            }
            (false, true) => {
                strict.insert(text(pair, "name"));
            }
            _ => {}
        }
    }
    assert_eq!(wrong.len(), 0, "{}", wrong.join("\n"));
    assert_eq!(strict, BTreeSet::from(STRICTER));
}

#[test]
fn reasons_name_the_place() {
    let parse = |text: &str| JsonModel::parse(text, &[]).unwrap();
    let old =
        parse(r#"{"properties":{"a":{"type":"object","properties":{"b":{"type":"number"}}}}}"#);
    let new =
        parse(r#"{"properties":{"a":{"type":"object","properties":{"b":{"type":"integer"}}}}}"#);
    let reasons: Vec<_> = new
        .cannot_read(&old)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        reasons,
        ["#/properties/a/properties/b: number is written, integer is read"]
    );
}

#[test]
fn what_is_no_schema_is_refused() {
    for text in ["", "{", "7", "[]", "\"string\""] {
        assert!(JsonModel::parse(text, &[]).is_err(), "{text}");
    }
    assert!(JsonModel::parse(&"[".repeat(100_000), &[]).is_err());
}

#[test]
fn schemas_of_other_documents_are_found_by_their_names() {
    let reads = |new: &str, old: &str| {
        let schema = r#"{"type":"object","properties":{"a":{"$ref":"other.json#/definitions/d"}}}"#;
        let model = |other: &str| JsonModel::parse(schema, &[("other.json", other)]).unwrap();
        model(new).cannot_read(&model(old)).is_empty()
    };
    let other = |of: &str| format!(r#"{{"definitions":{{"d":{{"type":"{of}"}}}}}}"#);
    assert!(reads(&other("number"), &other("integer")));
    assert!(!reads(&other("integer"), &other("number")));
    let schema = r#"{"$ref":"other.json"}"#;
    let lost = JsonModel::parse(schema, &[]).unwrap();
    assert!(!lost.cannot_read(&lost).is_empty());
}

/// References may make a schema as deep as they are many, and alternatives what is to be compared large.
#[test]
fn what_is_too_much_is_refused() {
    let mut definitions = String::new();
    for level in 0..2000 {
        let next = level + 1;
        definitions += &format!(
            r##""d{level}":{{"properties":{{"a":{{"$ref":"#/definitions/d{next}"}}}}}},"##
        );
    }
    let text = format!(
        r##"{{"$ref":"#/definitions/d0","definitions":{{{definitions}"d2000":{{"type":"string"}}}}}}"##
    );
    let deep = JsonModel::parse(&text, &[]).unwrap();
    let reasons = deep.cannot_read(&deep);
    assert!(reasons[0].what.contains("too much"), "{reasons:?}");

    let mut schema = r#"{"type":"string"}"#.to_owned();
    for _ in 0..20 {
        schema = format!(r#"{{"anyOf":[{{"items":{schema}}},{{"items":{schema},"minItems":1}}]}}"#);
        if schema.len() > 500_000 {
            break;
        }
    }
    let wide = JsonModel::parse(&schema, &[]).unwrap();
    let _ = wide.cannot_read(&wide);
}
