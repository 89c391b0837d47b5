//! The schema as documentation: attributes of a derive macro do not show on a type's page.

use std::fmt::Write as _;

use quote::ToTokens;

use super::parse::{Field, Range, Struct};

/// A table of the fields, for the page of the struct.
pub(super) fn table(model: &Struct) -> String {
    let mut text = String::new();
    if let Some(message) = &model.message {
        let Range { first, last } = message.versions;
        let _ = write!(text, "Versions {first} to {last}");
        if let Some(flexible) = message.flexible {
            let _ = write!(text, ", flexible from {flexible} on");
        }
        text.push_str(".\n\n");
    }
    text.push_str("| field | versions | null | tag | default | |\n|---|---|---|---|---|---|\n");
    for field in &model.fields {
        let _ = writeln!(text, "{}", row(field));
    }
    text
}

fn row(field: &Field) -> String {
    let null = field.nullable.map_or(String::new(), versions);
    let tag = field.tag.map_or(String::new(), |tag| tag.to_string());
    let default = match &field.default {
        Some(default) => format!(
            "`{}`",
            default.to_token_stream().to_string().replace(' ', "")
        ),
        None => String::new(),
    };
    let mut marks = Vec::new();
    if field.ignorable {
        marks.push("ignorable");
    }
    if field.key {
        marks.push("key");
    }
    format!(
        "| `{}` | {} | {null} | {tag} | {default} | {} |",
        field.label(),
        versions(field.versions),
        marks.join(", "),
    )
}

/// `all`, `3+`, `to 3`, `3 to 5`, `3`.
fn versions(range: Range) -> String {
    match (range.first, range.last) {
        (i16::MIN, i16::MAX) => "all".to_owned(),
        (first, i16::MAX) => format!("{first}+"),
        (i16::MIN, last) => format!("to {last}"),
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first} to {last}"),
    }
}
