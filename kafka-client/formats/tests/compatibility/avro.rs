//! Avro: each verdict is that of Apache Avro 1.12.0.

use kafka_client_formats::compatibility::avro::AvroModel;
use proptest::prelude::*;

use crate::{golden, text};

#[test]
fn verdicts_are_those_of_apache_avro() {
    let pairs = golden("avro.jsonl");
    assert!(pairs.len() > 1000, "{}", pairs.len());
    let mut differences = Vec::new();
    for pair in &pairs {
        let parse = |name| AvroModel::parse(text(pair, name), &[]).unwrap();
        let (old, new) = (parse("old"), parse("new"));
        for (verdict, reader, writer) in
            [("new_reads_old", &new, &old), ("old_reads_new", &old, &new)]
        {
            let reasons = reader.cannot_read(writer);
            if reasons.is_empty() != pair[verdict].as_bool().unwrap() {
                differences.push(format!("{verdict} {pair}: {reasons:?}"));
            }
        }
    }
    let count = differences.len();
    assert_eq!(count, 0, "{}", differences.join("\n"));
}

#[test]
fn reasons_name_the_place() {
    let parse = |text: &str| AvroModel::parse(text, &[]).unwrap();
    let old = parse(
        r#"{"type":"record","name":"A","fields":[{"name":"lines","type":{"type":"array","items":
            {"type":"record","name":"L","fields":[{"name":"price","type":"long"}]}}}]}"#,
    );
    let new = parse(
        r#"{"type":"record","name":"A","fields":[{"name":"lines","type":{"type":"array","items":
            {"type":"record","name":"L","fields":[{"name":"price","type":"int"},
            {"name":"currency","type":"string"}]}}}]}"#,
    );
    let reasons: Vec<_> = new
        .cannot_read(&old)
        .iter()
        .map(ToString::to_string)
        .collect();
    let wanted = [
        "/lines/items/price: long is written, int is read",
        "/lines/items/currency: the writer does not have it, and the reader has no default for it",
    ];
    assert_eq!(reasons, wanted);
}

#[test]
fn what_is_no_schema_is_refused() {
    for (schema, words) in [
        ("{", "no JSON"),
        ("7", "no schema"),
        (r#""Unknown""#, "Unknown is not defined"),
        (r#"{"type":"array"}"#, "no items"),
        (r#"[["int"]]"#, "directly in a union"),
        (r#"["int","int"]"#, "twice in a union"),
        (
            r#"{"type":"enum","name":"E","symbols":["A"],"default":"B"}"#,
            "default of E",
        ),
        (r#"{"type":"fixed","name":"F","size":-1}"#, "size of F"),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
            "two fields a",
        ),
        (
            r#"["null",{"type":"array","items":{"type":"fixed","name":"F","size":1}},{"type":"fixed","name":"F","size":1}]"#,
            "F is defined twice",
        ),
    ] {
        let error = AvroModel::parse(schema, &[]).unwrap_err();
        assert!(error.to_string().contains(words), "{schema}: {error}");
    }
    let deep = "[".repeat(100_000);
    assert!(AvroModel::parse(&deep, &[]).is_err());
}

#[test]
fn types_of_other_schemas_are_found() {
    let other = r#"{"type":"enum","name":"n.E","symbols":["A"]}"#;
    let text = r#"{"type":"record","name":"n.R","fields":[{"name":"e","type":"E"}]}"#;
    assert!(AvroModel::parse(text, &[other]).is_ok());
    assert!(AvroModel::parse(text, &[]).is_err());
}

/// By names a text that is not deep has types that are.
#[test]
fn what_is_too_deep_is_refused() {
    let record = |level: usize| {
        let next = level + 1;
        format!(
            r#"{{"type":"record","name":"R{level}","fields":[{{"name":"f","type":"R{next}"}}]}}"#
        )
    };
    let records: Vec<_> = (0..500).map(record).collect();
    let end = r#"{"type":"record","name":"R500","fields":[]}"#;
    let deep = AvroModel::parse(&format!("[{},{end}]", records.join(",")), &[]).unwrap();
    let reasons = deep.cannot_read(&deep);
    let told = reasons
        .iter()
        .any(|reason| reason.what.contains("too much"));
    assert!(told && reasons.len() <= 100, "{reasons:?}");
}

/// Unions in unions, of which each branch fails late.
#[test]
fn comparing_takes_no_time_that_grows_with_a_power() {
    fn nested(depth: usize, leaf: &str) -> String {
        let mut schema = leaf.to_owned();
        for level in 0..depth {
            let record = |name: &str, inner: &str| {
                format!(
                    r#"{{"type":"record","name":"{name}{level}","fields":[{{"name":"f","type":{inner}}}]}}"#
                )
            };
            let again = match level {
                0 => leaf.to_owned(),
                _ => format!(r#"["A{0}","B{0}"]"#, level - 1),
            };
            schema = format!("[{},{}]", record("A", &schema), record("B", &again));
        }
        schema
    }
    let old = AvroModel::parse(&nested(18, r#""string""#), &[]).unwrap();
    let new = AvroModel::parse(&nested(18, r#""int""#), &[]).unwrap();
    assert!(!new.cannot_read(&old).is_empty());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in r#"[\[\]{}",:a-z0-9 ]{0,60}"#) {
        let _ = AvroModel::parse(&text, &[]);
    }
}
