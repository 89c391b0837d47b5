//! Reads `#[kafka(..)]` and `#[serde(..)]` attributes; knows their form, not what they mean.

pub(super) mod arguments;
pub(super) mod serde;

use proc_macro2::Ident;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Data, DeriveInput, Field, Fields, LitStr, Meta, Path, Type};

use self::arguments::{Header, Part};
use self::serde::{SerdeBounds, TypeSerde};
use super::errors::Errors;
use super::names::{self, Place};

/// The type with its attributes read.
pub(super) struct Parsed<'a> {
    pub(super) input: &'a DeriveInput,
    pub(super) attributes: TypeAttributes,
    /// Those of a struct with named fields, else none.
    pub(super) fields: Vec<(&'a Field, FieldAttributes)>,
}

#[derive(Default)]
pub(super) struct TypeAttributes {
    pub(super) topic: Option<LitStr>,
    pub(super) format: Option<Ident>,
    /// A codec, with the word `with` before it.
    pub(super) with: Option<(Ident, Type)>,
    pub(super) content_type: Option<LitStr>,
    pub(super) krate: Option<Path>,
    pub(super) serde: TypeSerde,
}

#[derive(Default)]
pub(super) struct FieldAttributes {
    pub(super) roles: Roles,
    /// The arguments of `#[serde(..)]`.
    pub(super) serde: Vec<Meta>,
    pub(super) bounds: SerdeBounds,
}

/// What `#[kafka(..)]` says of a field. A role without arguments is the word itself.
#[derive(Default)]
pub(super) struct Roles {
    pub(super) key: Option<Part>,
    pub(super) header: Option<Header>,
    pub(super) timestamp: Option<Part>,
    pub(super) partition: Option<Ident>,
    pub(super) value: Option<Ident>,
    pub(super) skip: Option<Ident>,
}

pub(super) fn parse<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Parsed<'a> {
    let attributes = of_type(&input.attrs, errors);
    let mut fields = Vec::new();
    if let Data::Struct(data) = &input.data
        && let Fields::Named(named) = &data.fields
    {
        fields.extend(
            named
                .named
                .iter()
                .map(|field| (field, of_field(field, errors))),
        );
    }
    Parsed {
        input,
        attributes,
        fields,
    }
}

fn of_type(attributes: &[Attribute], errors: &mut Errors) -> TypeAttributes {
    let mut read = TypeAttributes::default();
    each_kafka(attributes, errors, |name, meta, errors| {
        match name.to_string().as_str() {
            "topic" => set_once(&mut read.topic, name, arguments::topic(meta)?, errors),
            "format" => set_once(&mut read.format, name, arguments::format(meta)?, errors),
            "with" => {
                let codec = (name.clone(), arguments::codec(meta)?);
                set_once(&mut read.with, name, codec, errors);
            }
            "content_type" => {
                let content_type = arguments::content_type(meta)?;
                set_once(&mut read.content_type, name, content_type, errors);
            }
            "crate" => set_once(&mut read.krate, name, arguments::krate(meta)?, errors),
            other => {
                errors.at(name, names::unknown_attribute(other, Place::Type));
                arguments::skip(meta)?;
            }
        }
        Ok(())
    });
    read.serde = serde::of_type(serde::metas(attributes, errors), errors);
    read
}

fn of_field(field: &Field, errors: &mut Errors) -> FieldAttributes {
    let mut read = FieldAttributes::default();
    let roles = &mut read.roles;
    each_kafka(&field.attrs, errors, |name, meta, errors| {
        match name.to_string().as_str() {
            "key" => set_once(&mut roles.key, name, arguments::part(name, meta)?, errors),
            "timestamp" => {
                let timestamp = arguments::part(name, meta)?;
                set_once(&mut roles.timestamp, name, timestamp, errors);
            }
            "header" => {
                let header = arguments::header(field, name, meta)?;
                set_once(&mut roles.header, name, header, errors);
            }
            "partition" => {
                let word = arguments::none(name, meta)?;
                set_once(&mut roles.partition, name, word, errors);
            }
            "value" => set_once(&mut roles.value, name, arguments::none(name, meta)?, errors),
            "skip" => set_once(&mut roles.skip, name, arguments::none(name, meta)?, errors),
            other => {
                errors.at(name, names::unknown_attribute(other, Place::Field));
                arguments::skip(meta)?;
            }
        }
        Ok(())
    });
    read.serde = serde::metas(&field.attrs, errors);
    read.bounds = serde::bounds(&read.serde, errors);
    read
}

/// Calls `read` with each `name ..` in `#[kafka(name .., name ..)]`. An error ends only the
/// attribute it is in.
fn each_kafka(
    attributes: &[Attribute],
    errors: &mut Errors,
    mut read: impl FnMut(&Ident, &ParseNestedMeta<'_>, &mut Errors) -> syn::Result<()>,
) {
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("kafka"))
    {
        let result = attribute.parse_nested_meta(|meta| match meta.path.get_ident() {
            Some(name) => read(name, &meta, errors),
            None => Err(meta.error("expected a single word such as `key`")),
        });
        if let Err(error) = result {
            errors.push(error);
        }
    }
}

fn set_once<T>(place: &mut Option<T>, name: &Ident, value: T, errors: &mut Errors) {
    if place.is_some() {
        errors.at(name, format!("`{name}` is given twice"));
    } else {
        *place = Some(value);
    }
}
