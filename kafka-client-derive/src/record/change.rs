//! An enum that is a record or a tombstone: its model, and the rules of it.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::{Fields, Meta, Type};

use super::check;
use super::errors::Errors;
use super::model::{Field, Record, Source, Value};
use super::parse::ParsedVariant;

/// A variant that is a tombstone, and one for all else.
pub(super) struct Change<'a> {
    pub(super) deleted: Record<'a>,
    pub(super) upserted: Upserted<'a>,
}

/// The variant whose value is not null.
pub(super) enum Upserted<'a> {
    /// It has fields of its own.
    Fields(Box<Record<'a>>),
    /// It holds a record.
    Record { variant: &'a Ident, ty: &'a Type },
}

/// The variants by what they are.
#[derive(Default)]
struct Sorted<'a> {
    tombstones: Vec<ParsedVariant<'a>>,
    others: Vec<ParsedVariant<'a>>,
    /// Whether any has `#[kafka(..)]`, right or wrong.
    any_marked: bool,
}

/// `None` if there are not the two variants that it needs.
pub(super) fn model<'a>(
    record: &Record<'a>,
    variants: Vec<ParsedVariant<'a>>,
    errors: &mut Errors,
) -> Option<Change<'a>> {
    check::of_type(record, errors);
    let mut sorted = Sorted::default();
    for variant in variants {
        sorted.any_marked |= variant.attributes.is_marked;
        match variant.attributes.tombstone {
            Some(_) => sorted.tombstones.push(variant),
            None => sorted.others.push(variant),
        }
    }
    counts(record, &sorted, errors);
    let deleted = sorted.tombstones.into_iter().next();
    let upserted = sorted.others.into_iter().next();
    let deleted = deleted.and_then(|variant| tombstone(record, variant, errors));
    let upserted = upserted.and_then(|variant| other(record, variant, errors));
    Some(Change {
        deleted: deleted?,
        upserted: upserted?,
    })
}

fn counts(record: &Record<'_>, sorted: &Sorted<'_>, errors: &mut Errors) {
    let Sorted {
        tombstones,
        others,
        any_marked,
    } = sorted;
    let first = |variants: &[ParsedVariant<'_>]| variants.first().map(|first| name(first).clone());
    match first(tombstones) {
        None if *any_marked => {}
        None => {
            let message = "an enum is a record if one of its two variants is a tombstone: mark that \
                           with `#[kafka(tombstone)]`. For several types of records in one topic, \
                           write `#[derive(KafkaRecords)]`";
            errors.at(record.name, message);
        }
        Some(first) => {
            for second in &tombstones[1..] {
                let message = format!("a record has one tombstone, and that is `{first}` already");
                errors.at(&second.attributes.tombstone, message);
            }
        }
    }
    match first(others) {
        None if tombstones.is_empty() => {}
        None => {
            let message = "there is no variant for records with a value: add one, such as \
                           `Upserted(User)`";
            errors.at(record.name, message);
        }
        Some(first) if !tombstones.is_empty() => {
            for second in &others[1..] {
                let message = format!(
                    "what is no tombstone is a `{first}` already: for several types of records, \
                     put an enum with `#[derive(KafkaRecords)]` into that variant"
                );
                errors.at(name(second), message);
            }
        }
        Some(_) => {}
    }
}

fn tombstone<'a>(
    record: &Record<'a>,
    parsed: ParsedVariant<'a>,
    errors: &mut Errors,
) -> Option<Record<'a>> {
    let name = name(&parsed);
    let Fields::Named(_) = &parsed.variant.fields else {
        let message = format!(
            "a tombstone deletes a key: write `{name} {{ #[kafka(key(only))] id: .. }}`, with the \
             key's name and type"
        );
        errors.at(parsed.variant, message);
        return None;
    };
    let deleted = record.of_variant(parsed);
    check::fields::check(&deleted, errors);
    let may_be_key = |field: &Field<'_>| field.roles.key.is_some() || field.is_mistaken();
    if !deleted.fields.iter().any(may_be_key) {
        let message = "a tombstone deletes a key: mark a field with `#[kafka(key(only))]`";
        errors.at(name, message);
    }
    for field in &deleted.fields {
        match field.source() {
            Source::Value if !field.is_marked => {
                let message = format!(
                    "a tombstone has no value: mark this field with `key(only)`, \
                     `header = \"{}\"`, `headers`, `timestamp(only)`, `partition` or `skip`",
                    field.name
                );
                errors.at(field.name, message);
            }
            Source::WholeValue => {
                let message = "a tombstone has no value: leave out this field";
                errors.at(&field.roles.value, message);
            }
            _ => {}
        }
    }
    Some(deleted)
}

fn other<'a>(
    record: &Record<'a>,
    mut parsed: ParsedVariant<'a>,
    errors: &mut Errors,
) -> Option<Upserted<'a>> {
    match &parsed.variant.fields {
        Fields::Named(_) => {
            of_serde(record, &mut parsed, errors);
            let upserted = record.of_variant(parsed);
            check::format(&upserted, errors);
            check::fields::check(&upserted, errors);
            value(&upserted, errors);
            Some(Upserted::Fields(Box::new(upserted)))
        }
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
            let ty = &fields.unnamed[0].ty;
            for attribute in &fields.unnamed[0].attrs {
                if attribute.path().is_ident("kafka") {
                    let message = format!(
                        "`{}` is a record of its own, and says itself where its parts are",
                        ty.to_token_stream()
                    );
                    errors.at(attribute, message);
                }
            }
            written_by(record, ty, errors);
            Some(Upserted::Record {
                variant: &parsed.variant.ident,
                ty,
            })
        }
        _ => {
            let name = name(&parsed);
            let message = format!(
                "write `{name}(Record)` with a type that is a record, or give it fields with names: \
                 `{name} {{ .. }}`"
            );
            errors.at(parsed.variant, message);
            None
        }
    }
}

/// The rules of a value beside a tombstone.
fn value(upserted: &Record<'_>, errors: &mut Errors) {
    match upserted.value() {
        Value::Field(field, _) => {
            if let Some(inner) = field.optional() {
                let message = format!(
                    "a null value is the other variant already: write `{}: {}`",
                    field.name,
                    inner.to_token_stream()
                );
                errors.at(field.ty, message);
            }
        }
        Value::Whole(_) => {
            if let Some((with, _)) = &upserted.with {
                let message = "with tombstones, a codec writes one field: mark it with \
                               `#[kafka(value)]`";
                errors.at(with, message);
            }
        }
        Value::Fields | Value::Null => {}
    }
}

/// The record that a variant holds is written as its own type says.
fn written_by(record: &Record<'_>, ty: &Type, errors: &mut Errors) {
    let ty = ty.to_token_stream();
    let mut refuse = |tokens: &dyn quote::ToTokens, what: &str| {
        let message = format!("the value is that of `{ty}`: write `{what}` on that type");
        errors.at(tokens.to_token_stream(), message);
    };
    if let Some(format) = &record.format {
        refuse(format, "format");
    }
    if let Some((with, _)) = &record.with {
        refuse(with, "with");
    }
    if let Some(content_type) = &record.content_type {
        refuse(content_type, "content_type");
    }
}

/// The value is made of a variant's fields, so it is the variant where serde is told how.
fn of_serde(record: &Record<'_>, parsed: &mut ParsedVariant<'_>, errors: &mut Errors) {
    let is_bound = |meta: &&Meta| meta.path().is_ident("bound");
    for meta in record.serde.passed_on.iter().filter(|meta| !is_bound(meta)) {
        let message = "the value is made of a variant's fields: put `#[serde(..)]` on that variant";
        errors.at(meta, message);
    }
    parsed.attributes.serde.retain(|meta| {
        let is_known = ["rename_all", "deny_unknown_fields"]
            .iter()
            .any(|name| meta.path().is_ident(name));
        if !is_known {
            let message = "of serde's attributes, this variant takes `rename_all` and \
                           `deny_unknown_fields`";
            errors.at(meta, message);
        }
        is_known
    });
    let bounds = record.serde.passed_on.iter().filter(is_bound).cloned();
    parsed.attributes.serde.extend(bounds);
}

fn name<'a>(parsed: &ParsedVariant<'a>) -> &'a Ident {
    &parsed.variant.ident
}
