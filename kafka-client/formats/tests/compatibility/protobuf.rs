//! Protobuf: the rules of Confluent's registry, with what Apicurio Registry says beside it.

use std::collections::BTreeSet;

use kafka_client_formats::compatibility::protobuf::ProtobufModel;
use proptest::prelude::*;

use crate::{golden, text};

/// Pairs in which the new schema does not read the old one. All others it reads.
const REFUSED: [&str; 34] = [
    "int32 becomes sint32",
    "sint64 becomes int64",
    "string becomes int32",
    "fixed32 becomes int32",
    "fixed32 becomes fixed64",
    "float becomes double",
    "double becomes float",
    "float becomes fixed32",
    "double becomes fixed64",
    "int32 becomes string",
    "uint32 becomes double",
    "an enum becomes a text",
    "a message is gone",
    "a message inside is gone",
    "a message inside has another field",
    "a message of a field has another field",
    "a field is of another message",
    "a number becomes a message",
    "a message becomes a text",
    "a message becomes bytes",
    "values of a map are another type",
    "keys of a map are another type",
    "a map becomes a number",
    "two fields are put into a oneof",
    "a field is put into a oneof that was there",
    "a oneof has a field less",
    "a oneof is renamed with a field of another type",
    "a field of a oneof has another type",
    "the package is another",
    "the package is gone",
    "a required field is new",
    "a required field is gone",
    "a list in itself, of another type",
    "a type is found in another scope",
];

/// Pairs that Apicurio refuses and Confluent does not: it wants what is gone to be reserved, names to stay, and
/// types to be the same.
const APICURIO_REFUSES: [&str; 29] = [
    "a field is gone",
    "a field is gone and reserved",
    "a field is renamed",
    "a field has another number",
    "int32 becomes int64",
    "int32 becomes uint64",
    "int64 becomes bool",
    "bool becomes uint32",
    "sint32 becomes sint64",
    "string becomes bytes",
    "bytes becomes string",
    "fixed32 becomes sfixed32",
    "fixed64 becomes sfixed64",
    "a number becomes an enum",
    "an enum becomes a number",
    "an enum has a value less",
    "a value of an enum is renamed",
    "an enum is another",
    "values of a map are wider",
    "a map is gone",
    "a field becomes repeated",
    "a number becomes repeated",
    "a field is repeated no more",
    "a field becomes optional",
    "a oneof is gone with its fields",
    "a required field becomes optional",
    "a field becomes required",
    "the syntax is newer",
    "a list in itself",
];

/// Pairs that Apicurio lets pass and Confluent does not.
const APICURIO_LETS_PASS: [&str; 7] = [
    "a message is gone",
    "a message inside is gone",
    "two fields are put into a oneof",
    "a field is put into a oneof that was there",
    "the package is another",
    "the package is gone",
    "a type is found in another scope",
];

#[test]
fn verdicts_are_those_of_the_table() {
    let pairs = golden("protobuf.jsonl");
    let (mut refused, mut apicurio_refuses, mut lets_pass) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for pair in &pairs {
        let parse = |name| ProtobufModel::parse(text(pair, name), &[]).unwrap();
        let reads = parse("new").cannot_read(&parse("old")).is_empty();
        let name = text(pair, "name");
        if !reads {
            refused.insert(name);
        }
        match (reads, pair["apicurio"].as_bool().unwrap()) {
            (true, false) => {
                apicurio_refuses.insert(name);
            }
            (false, true) => {
                lets_pass.insert(name);
            }
            _ => {}
        }
    }
    assert_eq!(refused, BTreeSet::from(REFUSED));
    assert_eq!(apicurio_refuses, BTreeSet::from(APICURIO_REFUSES));
    assert_eq!(lets_pass, BTreeSet::from(APICURIO_LETS_PASS));
}

#[test]
fn a_descriptor_is_the_same_as_its_text() {
    for pair in golden("protobuf.jsonl") {
        let parse = |text: &str| ProtobufModel::parse(text, &[]).unwrap();
        let (old, new) = (parse(text(&pair, "old")), parse(text(&pair, "new")));
        let from_bytes = parse(&new.serialized());
        assert_eq!(
            from_bytes.cannot_read(&old),
            new.cannot_read(&old),
            "{pair}"
        );
        assert!(from_bytes.cannot_read(&new).is_empty(), "{pair}");
    }
}

#[test]
fn types_of_other_files_are_compared() {
    let file = "syntax = \"proto3\"; package a; import \"b.proto\"; message M { b.N n = 1; }";
    let reads = |new: &str, old: &str| {
        let model = |of: &str| {
            let other = format!("syntax = \"proto3\"; package b; message N {{ {of} x = 1; }}");
            ProtobufModel::parse(file, &[("b.proto", &other)]).unwrap()
        };
        model(new).cannot_read(&model(old)).is_empty()
    };
    assert!(reads("int64", "int32"));
    assert!(!reads("string", "int32"));
}

/// By names a text that is not deep has messages that are.
#[test]
fn what_is_too_deep_is_refused() {
    let messages = (0..5000).map(|level| format!("message M{level} {{ M{} f = 1; }}", level + 1));
    let text = messages.collect::<String>() + "message M5000 {}";
    let deep = ProtobufModel::parse(&format!("syntax = \"proto3\"; {text}"), &[]).unwrap();
    let reasons = deep.cannot_read(&deep);
    assert!(reasons[0].what.contains("too much"), "{reasons:?}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(syntax|message|oneof|map|[a-z]|[{}<>()=;,\"0-9 ]){0,40}") {
        let _ = ProtobufModel::parse(&text, &[]);
    }

    #[test]
    fn no_descriptor_makes_it_panic(bytes: Vec<u8>) {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        let _ = ProtobufModel::parse(&text, &[]);
    }
}
