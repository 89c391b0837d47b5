//! The rules of enums of records. Each message points at the tokens that break one.

use super::super::check::topic;
use super::super::errors::Errors;
use super::super::parse::arguments::Dispatch;
use super::super::similar::suggestion;
use super::case::{self, Case};
use super::{Records, Variant};

pub(super) fn check(records: &Records<'_>, errors: &mut Errors) {
    if !records.is_enum {
        let message = "several types of records are an enum, with one in each variant: \
                       `Placed(OrderPlaced)`. For a single type, write `#[derive(KafkaRecord)]`";
        errors.at(records.name, message);
        return;
    }
    if let Some(name) = &records.topic {
        topic(name, errors);
    }
    dispatch(records, errors);
    if let Some(rule) = &records.rename_all
        && Case::of(rule).is_none()
    {
        let found = rule.value();
        let meant = suggestion(&found, &case::names());
        errors.at(rule, format!("unknown rule `{found}`: {meant}"));
    }
    if records.known().next().is_none() {
        let message = "there is no type of record yet: add a variant such as `Placed(OrderPlaced)`";
        errors.at(records.name, message);
    }
    for variant in &records.variants {
        shape(variant, errors);
    }
    names(records, errors);
    others(records, errors);
}

fn dispatch(records: &Records<'_>, errors: &mut Errors) {
    match &records.dispatch {
        None if errors.is_empty() => {
            let message = "say where the type of a record is found: \
                           `#[kafka(dispatch = header(\"type\"))]`, or `dispatch = tag(\"type\")` \
                           for a field of a value in JSON";
            errors.at(records.name, message);
        }
        None => {}
        Some(Dispatch::Header(name)) if name.value().is_empty() => {
            errors.at(name, "a header needs a name: `dispatch = header(\"type\")`");
        }
        Some(Dispatch::Header(_)) => {}
        Some(Dispatch::Tag(name)) => {
            if name.value().is_empty() {
                errors.at(
                    name,
                    "the field of the value needs a name: `dispatch = tag(\"type\")`",
                );
            } else if !is_plain(&name.value()) {
                errors.at(name, NOT_PLAIN);
            }
        }
    }
}

const NOT_PLAIN: &str = "this name has a character that JSON would have to escape: use letters, digits, \
                         `_`, `-`, `.` and such";

/// Whether JSON has it as it is.
fn is_plain(name: &str) -> bool {
    !name.contains(|letter: char| letter == '"' || letter == '\\' || letter.is_control())
}

fn shape(variant: &Variant<'_>, errors: &mut Errors) {
    if variant.ty.is_some() {
        return;
    }
    let name = variant.name;
    let message = match &variant.other {
        Some(_) => {
            format!("write `{name}(RawRecord)`: it holds any record that is of no other type")
        }
        None => format!(
            "write `{name}(Record)`, with a type that derives `KafkaRecord`: each variant holds one \
             record"
        ),
    };
    errors.at(name, message);
}

fn names(records: &Records<'_>, errors: &mut Errors) {
    let is_tag = matches!(records.dispatch, Some(Dispatch::Tag(_)));
    let mut seen: Vec<&Variant<'_>> = Vec::new();
    for variant in records.known() {
        let shown = &variant.shown;
        if shown.is_empty() {
            errors.at(
                variant.named_by(),
                "a type of records needs a name, as in `rename = \"placed\"`",
            );
        } else if is_tag && !is_plain(shown) {
            errors.at(variant.named_by(), NOT_PLAIN);
        } else if let Some(first) = seen.iter().find(|first| first.shown == *shown) {
            let message = format!(
                "the type `{shown}` is the variant `{}` already: give one of them another name by \
                 `#[kafka(rename = \"..\")]`",
                first.name
            );
            errors.at(variant.named_by(), message);
        } else {
            seen.push(variant);
        }
    }
}

fn others(records: &Records<'_>, errors: &mut Errors) {
    let Some(first) = records.other() else { return };
    for variant in &records.variants {
        let Some(word) = &variant.other else { continue };
        if variant.name != first.name {
            let message = format!("all other records go to `{}` already", first.name);
            errors.at(word, message);
        }
        if let Some(rename) = &variant.rename {
            let message = "what is of another type has no name: leave out `rename`";
            errors.at(rename, message);
        }
    }
}
