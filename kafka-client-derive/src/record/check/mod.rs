//! The rules of records. Each message points at the tokens that break one.

pub(super) mod fields;

use syn::{LitStr, Meta};

use super::errors::Errors;
use super::model::{Record, Shape, Value};
use super::names;

/// Kafka's limit, so that a topic with its partition fits in a file name.
const TOPIC_LENGTH_MAX: usize = 249;

/// Checks a struct.
pub(super) fn check(record: &Record<'_>, errors: &mut Errors) {
    shape(record, "a record", errors);
    of_type(record, errors);
    format(record, errors);
    if matches!(record.value(), Value::Fields) {
        serde_of_type(&record.serde.passed_on, errors);
    }
    fields::check(record, errors);
}

/// Checks what the type says of the topic and the headers.
pub(super) fn of_type(record: &Record<'_>, errors: &mut Errors) {
    if let Some(name) = &record.topic {
        topic(name, errors);
    }
    if let Some(text) = &record.content_type
        && text.value().is_empty()
    {
        let message = "a content type needs a name: `content_type = \"application/json\"`";
        errors.at(text, message);
    }
}

/// `what` is a struct with named fields.
pub(super) fn shape(record: &Record<'_>, what: &str, errors: &mut Errors) {
    let wanted = format!("{what} is a struct with named fields");
    match &record.shape {
        Shape::Named => {}
        Shape::Unit => errors.at(record.name, format!("{wanted}: `{}` has none", record.name)),
        Shape::Tuple(fields) => errors.at(fields, format!("{wanted}, these have no names")),
        Shape::Enum(token) => errors.at(token, format!("{wanted}, not an enum")),
        Shape::Union(token) => errors.at(token, format!("{wanted}, not a union")),
    }
}

/// The rules of `org.apache.kafka.common.internals.Topic`.
pub(super) fn topic(name: &LitStr, errors: &mut Errors) {
    topic_named(name, &name.value(), errors);
}

/// The same for a name that is only a part of the literal.
pub(crate) fn topic_named(name: &LitStr, text: &str, errors: &mut Errors) {
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

pub(super) fn format(record: &Record<'_>, errors: &mut Errors) {
    let Some(format) = &record.format else { return };
    let name = format.to_string();
    if !names::FORMATS.contains(&name.as_str()) {
        errors.at(format, names::unknown_format(&name));
    } else if let Some((with, _)) = &record.with {
        let message = format!("`with` says how the value is written: leave out `format = {name}`");
        errors.at(with, message);
    } else if name != "json" && record.value_field().is_none() {
        let message = format!(
            "format `{name}` writes a single field: mark it with `#[kafka(value)]`, and say of the \
             others where they go"
        );
        errors.at(format, message);
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
