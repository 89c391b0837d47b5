//! The rules of fields: which may be together on one field, and in one record.

use proc_macro2::{Ident, Punct, TokenStream, TokenTree};
use quote::ToTokens as _;

use super::super::errors::Errors;
use super::super::model::{Field, Record, Source, Value};

pub(crate) fn check(record: &Record<'_>, errors: &mut Errors) {
    only_one(record, errors, "key", |field| {
        field.roles.key.as_ref().map(|key| &key.word)
    });
    only_one(record, errors, "timestamp", |field| {
        field.roles.timestamp.as_ref().map(|at| &at.word)
    });
    only_one(record, errors, "partition", |field| {
        field.roles.partition.as_ref()
    });
    only_one(record, errors, "value", |field| field.roles.value.as_ref());
    headers(record, errors);
    for field in &record.fields {
        one_place(field, errors);
        not_lost(record, field, errors);
        owned(field, errors);
    }
    match record.value() {
        Value::Fields | Value::Null => {}
        Value::Field(value, _) => all_outside(record, value, errors),
        Value::Whole(_) => none_outside(record, errors),
    }
}

fn only_one<'a>(
    record: &'a Record<'_>,
    errors: &mut Errors,
    what: &str,
    get: impl Fn(&'a Field<'_>) -> Option<&'a Ident>,
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

pub(crate) fn headers(record: &Record<'_>, errors: &mut Errors) {
    let mut seen: Vec<(String, &Ident)> = Vec::new();
    for field in &record.fields {
        let Some(header) = &field.roles.header else {
            continue;
        };
        let name = header.name.value();
        if name.is_empty() {
            errors.at(&header.name, "a header needs a name");
        } else if let Some((_, first)) = seen.iter().find(|(other, _)| *other == name) {
            errors.at(
                &header.name,
                format!("header `{name}` is the field `{first}` already"),
            );
        } else if record.content_type.is_some() && name == "content-type" {
            let message = "header `content-type` is the type's `content_type` already";
            errors.at(&header.name, message);
        } else {
            seen.push((name, field.name));
        }
    }
}

/// One thing that the attributes of a field say of it.
struct Mark<'f> {
    word: &'f Ident,
    shown: String,
    /// How to write it so that the field stays in the value; `None` if it cannot.
    keeping: Option<String>,
    /// How to write it so that the field is not in the value.
    taking: String,
    keeps: bool,
}

fn marks<'f>(field: &'f Field<'_>) -> Vec<Mark<'f>> {
    let roles = &field.roles;
    let mut marks = Vec::new();
    let parts = [roles.key.as_ref(), roles.timestamp.as_ref()];
    for part in parts.into_iter().flatten() {
        let (keeping, taking) = (part.word.to_string(), format!("{}(only)", part.word));
        marks.push(Mark {
            word: &part.word,
            shown: if part.only { &taking } else { &keeping }.clone(),
            keeping: Some(keeping),
            taking,
            keeps: !part.only,
        });
    }
    if let Some(header) = &roles.header {
        let name = header.name.value();
        let (keeping, taking) = (
            format!("header(name = {name:?}, also)"),
            format!("header = {name:?}"),
        );
        marks.push(Mark {
            word: &header.word,
            shown: if header.also { &keeping } else { &taking }.clone(),
            keeping: Some(keeping),
            taking,
            keeps: header.also,
        });
    }
    let words = [&roles.headers, &roles.partition, &roles.value, &roles.skip];
    for word in words.into_iter().flatten() {
        marks.push(Mark {
            word,
            shown: word.to_string(),
            keeping: None,
            taking: word.to_string(),
            keeps: false,
        });
    }
    marks
}

/// A field is read from one place, so what takes it out of the value stands alone.
fn one_place(field: &Field<'_>, errors: &mut Errors) {
    let marks = marks(field);
    // The one that can do least beside others: `partition` before `header`, `header` before `key`.
    let Some(taker) = marks.iter().rev().find(|mark| !mark.keeps) else {
        return;
    };
    let others = marks.iter().filter(|mark| mark.word != taker.word);
    for other in others {
        let (first, second) = (&other.shown, &taker.shown);
        let message = match (&other.keeping, &taker.keeping) {
            (Some(a), Some(b)) => format!(
                "a field is read from one place, and `{second}` takes it out of the value: write \
                 `{a}, {b}`"
            ),
            _ => format!("`{first}` and `{second}` exclude each other: leave out one of them"),
        };
        errors.at(other.word, message);
    }
}

/// What is read from the value has to be in it.
fn not_lost(record: &Record<'_>, field: &Field<'_>, errors: &mut Errors) {
    if field.source() == Source::WholeValue {
        let made_anew = ["with", "serialize_with", "deserialize_with", "skip"];
        if let Some(meta) = field.serde_of(&made_anew) {
            let message = "the value is this field alone, written as its type says: put \
                           `#[serde(..)]` on a type of your own, and use that here";
            errors.at(meta, message);
        }
    }
    if field.source() != Source::Value || !matches!(record.value(), Value::Fields) {
        return;
    }
    if field.serde_has(&["skip", "skip_serializing", "skip_deserializing"]) {
        for mark in marks(field) {
            let (word, taking) = (mark.word, &mark.taking);
            let message = format!(
                "the {word} is read back from the value: `#[serde(skip)]` would lose it on the \
                 way, write `{taking}` to take it out of the value"
            );
            errors.at(word, message);
        }
    }
}

/// Where one field is the value, all others are elsewhere.
fn all_outside(record: &Record<'_>, value: &Field<'_>, errors: &mut Errors) {
    let value = value.name;
    let inside = |field: &&Field<'_>| field.source() == Source::Value;
    for field in record.fields.iter().filter(inside) {
        let marks = marks(field);
        if !field.is_marked {
            let message = format!(
                "the value is the field `{value}` alone: mark this one with `key(only)`, \
                 `header = \"{}\"`, `headers`, `timestamp(only)`, `partition` or `skip`",
                field.name
            );
            errors.at(field.name, message);
        }
        for Mark { word, taking, .. } in &marks {
            let message = format!("the value is the field `{value}` alone: write `{taking}`");
            errors.at(word, message);
        }
    }
}

/// A codec of the whole struct writes all of its fields.
fn none_outside(record: &Record<'_>, errors: &mut Errors) {
    for mark in record.fields.iter().flat_map(marks) {
        let Mark { word, keeping, .. } = &mark;
        let why = "`with` writes the whole struct, so no field can be taken out of it";
        match keeping {
            _ if mark.keeps => {}
            Some(keeping) => errors.at(
                word,
                format!("{why}: write `{keeping}`, or mark one field with `value`"),
            ),
            None => errors.at(word, format!("{why}: mark one field with `value`")),
        }
    }
}

/// A decoded record outlives the bytes it was read from.
pub(crate) fn owned(field: &Field<'_>, errors: &mut Errors) {
    if field.source() == Source::Default {
        return;
    }
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
