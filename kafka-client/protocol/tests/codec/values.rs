//! The values of a message as JSON, to be compared with what Kafka's own converter printed.
//!
//! The structs have no reflection, but their `Debug` form names every field, and their description
//! says how to read it: it is parsed back here. So the comparison goes through the public fields,
//! and a value that the decoder put into the wrong field of the right type is found.

use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use kafka_client_protocol::message::{StructDescription, TypeDescription};
use serde_json::{Map, Value};

/// Fields that have another name in Kafka 4.3.1, of which the JSON is, than since 4.4.
const RENAMED: &[(&str, &str)] = &[("acceptable_recovery_lag_legacy", "acceptableRecoveryLag")];

/// Compares a message with Kafka's JSON for the same bytes in the same version.
///
/// # Errors
/// The path of the first difference, with both values.
pub(crate) fn compare(
    message: &dyn std::fmt::Debug,
    ty: &TypeDescription,
    version: i16,
    kafka: &Value,
) -> Result<(), String> {
    let text = format!("{message:?}");
    let mut input = Input { rest: &text };
    let ours = input.value(ty);
    assert_eq!(input.rest, "", "all of the debug form is read");
    same(&ours, ty, version, kafka, "")
}

fn same(
    ours: &Value,
    ty: &TypeDescription,
    version: i16,
    kafka: &Value,
    path: &str,
) -> Result<(), String> {
    match ty {
        TypeDescription::Nullable(inner) if !ours.is_null() && !kafka.is_null() => {
            same(ours, inner, version, kafka, path)
        }
        TypeDescription::Struct(description) => {
            same_struct(ours, description, version, kafka, path)
        }
        TypeDescription::Array(element) => {
            let (ours, kafka) = (ours.as_array().unwrap(), array(kafka, path)?);
            if ours.len() != kafka.len() {
                return Err(format!(
                    "{path}: {} elements, not {}",
                    ours.len(),
                    kafka.len()
                ));
            }
            for (index, (ours, kafka)) in ours.iter().zip(kafka).enumerate() {
                same(ours, element, version, kafka, &format!("{path}[{index}]"))?;
            }
            Ok(())
        }
        _ if ours == kafka => Ok(()),
        _ => Err(format!("{path}: {ours}, not {kafka}")),
    }
}

fn array<'a>(kafka: &'a Value, path: &str) -> Result<&'a Vec<Value>, String> {
    kafka
        .as_array()
        .ok_or_else(|| format!("{path}: an array, not {kafka}"))
}

fn same_struct(
    ours: &Value,
    description: &StructDescription,
    version: i16,
    kafka: &Value,
    path: &str,
) -> Result<(), String> {
    let mut left: Map<String, Value> = kafka
        .as_object()
        .ok_or_else(|| format!("{path}: a struct, not {kafka}"))?
        .clone();
    for field in description.fields {
        if version < field.versions.0 || version > field.versions.1 {
            continue;
        }
        let value = &ours[field.name];
        let name = match RENAMED.iter().find(|(ours, _)| *ours == field.name) {
            Some((_, name)) => (*name).to_owned(),
            None => camel(field.name),
        };
        let path = format!("{path}.{}", field.name);
        // Record batches appear as their size.
        if let Some(size) = left.remove(&format!("{name}SizeInBytes")) {
            let bytes = BASE64_STANDARD.decode(value.as_str().unwrap_or_default());
            if size != bytes.unwrap().len() {
                return Err(format!("{path}: another size than {size}"));
            }
            continue;
        }
        match left.remove(&name) {
            Some(kafka) => same(value, &field.ty, version, &kafka, &path)?,
            // The converter leaves a tagged field out when it has its default. That ours has it
            // too shows in the encoded bytes, which would have the field otherwise.
            None if field.tag.is_some() => {}
            None => return Err(format!("{path}: Kafka has no such field in this version")),
        }
    }
    match left.keys().next() {
        Some(name) => Err(format!("{path}: no field for Kafka's {name}")),
        None => Ok(()),
    }
}

/// `topic_id` as Kafka's JSON has it: `topicId`.
pub(crate) fn camel(snake: &str) -> String {
    let mut words = snake.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        name.push_str(&word[..1].to_uppercase());
        name.push_str(&word[1..]);
        name
    })
}

/// Reads what `#[derive(Debug)]` printed.
struct Input<'a> {
    rest: &'a str,
}

impl Input<'_> {
    fn value(&mut self, ty: &TypeDescription) -> Value {
        match ty {
            TypeDescription::Struct(description) => self.structure(description),
            TypeDescription::Array(element) => {
                self.skip("[");
                let mut items = Vec::new();
                while !self.skipped("]") {
                    items.push(self.value(element));
                    self.skipped(", ");
                }
                Value::Array(items)
            }
            TypeDescription::Nullable(inner) => {
                if self.skipped("None") {
                    return Value::Null;
                }
                self.skip("Some(");
                let value = self.value(inner);
                self.skip(")");
                value
            }
            TypeDescription::Primitive("string") => {
                self.skip("\"");
                Value::String(String::from_utf8(self.quoted()).unwrap())
            }
            TypeDescription::Primitive("bytes") => {
                self.skip("b\"");
                Value::String(BASE64_STANDARD.encode(Bytes::from(self.quoted())))
            }
            TypeDescription::Primitive("uuid") => {
                let id = self.word();
                Value::String(id)
            }
            TypeDescription::Primitive(_) => serde_json::from_str(&self.word()).unwrap(),
            other => panic!("no debug form for {other:?}"),
        }
    }

    fn structure(&mut self, description: &StructDescription) -> Value {
        self.skip(description.name);
        let mut fields = Map::new();
        for (index, field) in description.fields.iter().enumerate() {
            self.skip(if index == 0 { " { " } else { ", " });
            self.skip(field.name);
            self.skip(": ");
            fields.insert(field.name.to_owned(), self.value(&field.ty));
        }
        if description.keeps_unknown {
            let first = description.fields.is_empty();
            self.skip(if first { " { " } else { ", " });
            self.unknown_tagged_fields();
        }
        if !description.fields.is_empty() || description.keeps_unknown {
            self.skip(" }");
        }
        Value::Object(fields)
    }

    /// They have no place in Kafka's JSON; that they are kept shows in the encoded bytes.
    fn unknown_tagged_fields(&mut self) {
        self.skip("unknown_tagged_fields: [");
        while !self.skipped("]") {
            self.skip("TaggedField { tag: ");
            self.word();
            self.skip(", value: b\"");
            self.quoted();
            self.skip(" }");
            self.skipped(", ");
        }
    }

    /// A number, a bool or a uuid.
    fn word(&mut self) -> String {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "+-_.".contains(c)))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    /// A literal after its opening quote, escapes undone.
    fn quoted(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut chars = self.rest.char_indices();
        loop {
            let (at, c) = chars.next().expect("a closing quote");
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return bytes;
                }
                '\\' => match chars.next().expect("an escape").1 {
                    'n' => bytes.push(b'\n'),
                    'r' => bytes.push(b'\r'),
                    't' => bytes.push(b'\t'),
                    '0' => bytes.push(0),
                    'x' => {
                        let digits: String = chars.by_ref().take(2).map(|(_, c)| c).collect();
                        bytes.push(u8::from_str_radix(&digits, 16).unwrap());
                    }
                    c @ ('"' | '\\' | '\'') => bytes.push(c as u8),
                    c => panic!("escape {c:?}"),
                },
                c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }

    fn skipped(&mut self, expected: &str) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn skip(&mut self, expected: &str) {
        assert!(self.skipped(expected), "{expected:?} in {:?}", self.rest);
    }
}
