//! Reads `#[kafka(..)]` and `#[serde(..)]` attributes; knows their form, not what they mean.

pub(super) mod arguments;
pub(super) mod serde;

use proc_macro2::Ident;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Data, DeriveInput, Field, Fields, LitStr, Meta, Path, Type, Variant};

use self::arguments::{Dispatch, Header, Part};
use self::serde::{SerdeBounds, TypeSerde};
use super::errors::Errors;
use super::names::{self, Derive, On, Place};

/// The type with its attributes read.
pub(super) struct Parsed<'a> {
    pub(super) input: &'a DeriveInput,
    pub(super) attributes: TypeAttributes,
    /// Those of a struct with named fields, else none.
    pub(super) fields: Vec<(&'a Field, FieldAttributes)>,
    /// Those of an enum.
    pub(super) variants: Vec<ParsedVariant<'a>>,
}

/// A variant with its attributes read.
pub(super) struct ParsedVariant<'a> {
    pub(super) variant: &'a Variant,
    pub(super) attributes: VariantAttributes,
    /// Also those without names.
    pub(super) fields: Vec<(&'a Field, FieldAttributes)>,
}

#[derive(Default)]
pub(super) struct TypeAttributes {
    pub(super) topic: Option<LitStr>,
    pub(super) format: Option<Ident>,
    /// A codec, with the word `with` before it.
    pub(super) with: Option<(Ident, Type)>,
    pub(super) content_type: Option<LitStr>,
    pub(super) dispatch: Option<Dispatch>,
    pub(super) rename_all: Option<LitStr>,
    pub(super) krate: Option<Path>,
    pub(super) serde: TypeSerde,
}

#[derive(Default)]
pub(super) struct VariantAttributes {
    /// Whether there is any `#[kafka(..)]`, right or wrong.
    pub(super) is_marked: bool,
    /// The word `tombstone`.
    pub(super) tombstone: Option<Ident>,
    /// The word `other`.
    pub(super) other: Option<Ident>,
    pub(super) rename: Option<LitStr>,
    /// The arguments of `#[serde(..)]`.
    pub(super) serde: Vec<Meta>,
}

#[derive(Default)]
pub(super) struct FieldAttributes {
    /// Whether there is any `#[kafka(..)]`, right or wrong.
    pub(super) is_marked: bool,
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
    pub(super) headers: Option<Ident>,
    pub(super) timestamp: Option<Part>,
    pub(super) partition: Option<Ident>,
    pub(super) value: Option<Ident>,
    pub(super) skip: Option<Ident>,
}

impl Roles {
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            key,
            header,
            headers,
            timestamp,
            partition,
            value,
            skip,
        } = self;
        let words = [headers, partition, value, skip];
        let no_word = words.into_iter().all(Option::is_none);
        no_word && key.is_none() && header.is_none() && timestamp.is_none()
    }
}

pub(super) fn parse<'a>(input: &'a DeriveInput, derive: Derive, errors: &mut Errors) -> Parsed<'a> {
    let on = |on| Place { derive, on };
    let attributes = of_type(&input.attrs, on(On::Type), errors);
    let of_field = |field, errors: &mut Errors| (field, of_field(field, on(On::Field), errors));
    let (mut fields, mut variants) = (Vec::new(), Vec::new());
    match &input.data {
        Data::Struct(data) => {
            if let Fields::Named(named) = &data.fields {
                fields.extend(named.named.iter().map(|field| of_field(field, errors)));
            }
        }
        Data::Enum(data) => variants.extend(data.variants.iter().map(|variant| {
            ParsedVariant {
                variant,
                attributes: of_variant(variant, on(On::Variant), errors),
                fields: variant
                    .fields
                    .iter()
                    .map(|field| of_field(field, errors))
                    .collect(),
            }
        })),
        Data::Union(_) => {}
    }
    Parsed {
        input,
        attributes,
        fields,
        variants,
    }
}

fn of_type(attributes: &[Attribute], place: Place, errors: &mut Errors) -> TypeAttributes {
    let mut read = TypeAttributes::default();
    each_kafka(attributes, place, errors, |name, meta, errors| {
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
            "dispatch" => {
                let dispatch = arguments::dispatch(meta)?;
                set_once(&mut read.dispatch, name, dispatch, errors);
            }
            "rename_all" => {
                let rule = arguments::text(meta, "expected `rename_all = \"snake_case\"`")?;
                set_once(&mut read.rename_all, name, rule, errors);
            }
            "crate" => set_once(&mut read.krate, name, arguments::krate(meta)?, errors),
            _ => {}
        }
        Ok(())
    });
    read.serde = serde::of_type(serde::metas(attributes, errors), errors);
    read
}

fn of_variant(variant: &Variant, place: Place, errors: &mut Errors) -> VariantAttributes {
    let mut read = VariantAttributes {
        is_marked: variant.attrs.iter().any(is_kafka),
        ..VariantAttributes::default()
    };
    each_kafka(&variant.attrs, place, errors, |name, meta, errors| {
        match name.to_string().as_str() {
            "tombstone" => {
                let word = arguments::none(name, meta)?;
                set_once(&mut read.tombstone, name, word, errors);
            }
            "other" => set_once(&mut read.other, name, arguments::none(name, meta)?, errors),
            "rename" => {
                let text = arguments::text(meta, "expected `rename = \"name\"`")?;
                set_once(&mut read.rename, name, text, errors);
            }
            _ => {}
        }
        Ok(())
    });
    read.serde = serde::metas(&variant.attrs, errors);
    read
}

fn of_field(field: &Field, place: Place, errors: &mut Errors) -> FieldAttributes {
    let mut read = FieldAttributes {
        is_marked: field.attrs.iter().any(is_kafka),
        ..FieldAttributes::default()
    };
    let roles = &mut read.roles;
    each_kafka(&field.attrs, place, errors, |name, meta, errors| {
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
            "headers" => {
                let word = arguments::none(name, meta)?;
                set_once(&mut roles.headers, name, word, errors);
            }
            "partition" => {
                let word = arguments::none(name, meta)?;
                set_once(&mut roles.partition, name, word, errors);
            }
            "value" => set_once(&mut roles.value, name, arguments::none(name, meta)?, errors),
            "skip" => set_once(&mut roles.skip, name, arguments::none(name, meta)?, errors),
            _ => {}
        }
        Ok(())
    });
    read.serde = serde::metas(&field.attrs, errors);
    read.bounds = serde::bounds(&read.serde, errors);
    read
}

/// Calls `read` with each `name ..` in `#[kafka(name .., name ..)]` that `place` knows. An error ends
/// only the attribute it is in.
fn each_kafka(
    attributes: &[Attribute],
    place: Place,
    errors: &mut Errors,
    mut read: impl FnMut(&Ident, &ParseNestedMeta<'_>, &mut Errors) -> syn::Result<()>,
) {
    for attribute in attributes.iter().filter(|attribute| is_kafka(attribute)) {
        let result = attribute.parse_nested_meta(|meta| {
            let Some(name) = meta.path.get_ident() else {
                return Err(meta.error("expected a single word such as `key`"));
            };
            let shown = name.to_string();
            if names::is_known(&shown, place) {
                return read(name, &meta, errors);
            }
            errors.at(name, names::unknown_attribute(&shown, place));
            arguments::skip(&meta)
        });
        if let Err(error) = result {
            errors.push(error);
        }
    }
}

fn is_kafka(attribute: &Attribute) -> bool {
    attribute.path().is_ident("kafka")
}

fn set_once<T>(place: &mut Option<T>, name: &Ident, value: T, errors: &mut Errors) {
    if place.is_some() {
        errors.at(name, format!("`{name}` is given twice"));
    } else {
        *place = Some(value);
    }
}
