//! The rules of records. Each message points at the tokens that break one.

use proc_macro2::{Punct, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{LitStr, Meta};

use super::errors::Errors;
use super::model::{Field, Record, Shape};
use super::names;

/// Kafka's limit, so that a topic with its partition fits in a file name.
const TOPIC_LENGTH_MAX: usize = 249;

pub(super) fn check(record: &Record<'_>, errors: &mut Errors) {
    shape(record, errors);
    if let Some(name) = &record.topic {
        topic(name, errors);
    }
    if let Some(format) = &record.format
        && !names::FORMATS.contains(&format.to_string().as_str())
    {
        errors.at(format, names::unknown_format(&format.to_string()));
    }
    serde_of_type(&record.serde.passed_on, errors);
    only_one(record, errors, "key", |field| field.key.as_ref());
    only_one(record, errors, "timestamp", |field| {
        field.timestamp.as_ref()
    });
    headers(record, errors);
    for field in &record.fields {
        one_place(field, errors);
        owned(field, errors);
    }
}

fn shape(record: &Record<'_>, errors: &mut Errors) {
    let wanted = "a record is a struct with named fields";
    match &record.shape {
        Shape::Named => {}
        Shape::Unit => errors.at(record.name, format!("{wanted}: `{}` has none", record.name)),
        Shape::Tuple(fields) => errors.at(fields, format!("{wanted}, these have no names")),
        Shape::Enum(token) => {
            errors.at(token, format!("{wanted}, not an enum (not available yet)"))
        }
        Shape::Union(token) => errors.at(token, format!("{wanted}, not a union")),
    }
}

/// The rules of `org.apache.kafka.common.internals.Topic`.
fn topic(name: &LitStr, errors: &mut Errors) {
    let text = name.value();
    let legal = |letter: &char| letter.is_ascii_alphanumeric() || "._-".contains(*letter);
    if text.is_empty() {
        errors.at(name, "a topic needs a name");
    } else if text == "." || text == ".." {
        errors.at(name, format!("a topic cannot be named `{text}`"));
    } else if let Some(illegal) = text.chars().find(|letter| !legal(letter)) {
        let allowed = "a topic has only the characters a-z, A-Z, 0-9, `.`, `_` and `-`";
        errors.at(name, format!("{allowed}, not {illegal:?}"));
    } else if text.len() > TOPIC_LENGTH_MAX {
        let found = text.len();
        errors.at(
            name,
            format!("a topic has at most {TOPIC_LENGTH_MAX} characters, not {found}"),
        );
    }
}

/// What would make the value something else than the struct's fields.
fn serde_of_type(metas: &[Meta], errors: &mut Errors) {
    for meta in metas {
        for name in ["from", "try_from", "into", "remote"] {
            if meta.path().is_ident(name) {
                let message = format!(
                    "a record's value is made from its fields, so `#[serde({name})]` cannot be \
                     used on it: convert before sending, or implement `KafkaRecord` by hand"
                );
                errors.at(meta, message);
            }
        }
    }
}

fn only_one<'a>(
    record: &'a Record<'_>,
    errors: &mut Errors,
    what: &str,
    get: impl Fn(&'a Field<'_>) -> Option<&'a syn::Ident>,
) {
    let mut marked = record
        .fields
        .iter()
        .filter_map(|field| Some((field.name, get(field)?)));
    if let Some((first, _)) = marked.next() {
        for (_, word) in marked {
            errors.at(
                word,
                format!("a record has one {what}, and that is the field `{first}` already"),
            );
        }
    }
}

fn headers(record: &Record<'_>, errors: &mut Errors) {
    let mut seen: Vec<(String, &syn::Ident)> = Vec::new();
    for field in &record.fields {
        let Some(header) = &field.header else {
            continue;
        };
        let name = header.value();
        if name.is_empty() {
            errors.at(header, "a header needs a name");
        } else if let Some((_, first)) = seen.iter().find(|(other, _)| *other == name) {
            errors.at(
                header,
                format!("header `{name}` is the field `{first}` already"),
            );
        } else {
            seen.push((name, field.name));
        }
    }
}

/// A header is outside of the value, the key and the timestamp are read back from it.
fn one_place(field: &Field<'_>, errors: &mut Errors) {
    for (word, what) in [(&field.key, "the key"), (&field.timestamp, "the timestamp")] {
        let Some(word) = word else { continue };
        if field.header.is_some() {
            let message = format!("a header is not in the value, so it cannot be {what} as well");
            errors.at(word, message);
        }
        if field.serde_has(&["skip", "skip_serializing", "skip_deserializing"]) {
            let message = format!(
                "{what} is read back from the value: `#[serde(skip)]` would lose it on the way"
            );
            errors.at(word, message);
        }
    }
}

/// A decoded record outlives the bytes it was read from.
fn owned(field: &Field<'_>, errors: &mut Errors) {
    if let Some(reference) = find_reference(field.ty.to_token_stream()) {
        let message = "a record owns its data, as it is read back from bytes that do not stay: \
                       use `String`, `Vec<u8>`, `Box<str>` or `Cow`";
        errors.at(reference, message);
    }
}

fn find_reference(tokens: TokenStream) -> Option<Punct> {
    tokens.into_iter().find_map(|tree| match tree {
        TokenTree::Punct(punct) if punct.as_char() == '&' => Some(punct),
        TokenTree::Group(group) => find_reference(group.stream()),
        _ => None,
    })
}
