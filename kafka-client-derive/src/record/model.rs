//! What the type is, in the words of records; every rule is checked elsewhere.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens as _;
use syn::{Data, Fields, Generics, LitStr, Meta, Path, Type, parse_quote};

use super::parse::{FieldAttributes, Parsed};
pub(super) use super::parse::{SerdeBounds as Bounds, SerdeDefault as Default, TypeSerde};

pub(super) struct Record<'a> {
    pub(super) name: &'a Ident,
    pub(super) generics: &'a Generics,
    pub(super) shape: Shape,
    /// The path of `kafka_client`.
    pub(super) krate: Path,
    pub(super) topic: Option<LitStr>,
    pub(super) format: Option<Ident>,
    pub(super) serde: TypeSerde,
    pub(super) fields: Vec<Field<'a>>,
}

/// Only named fields can be a record; the others carry what to point at.
pub(super) enum Shape {
    Named,
    Tuple(TokenStream),
    Unit,
    Enum(TokenStream),
    Union(TokenStream),
}

pub(super) struct Field<'a> {
    pub(super) name: &'a Ident,
    pub(super) ty: &'a Type,
    /// The word `key` in the attribute.
    pub(super) key: Option<Ident>,
    pub(super) header: Option<LitStr>,
    /// The word `timestamp` in the attribute.
    pub(super) timestamp: Option<Ident>,
    /// The arguments of `#[serde(..)]` on the field.
    pub(super) serde: Vec<Meta>,
    pub(super) bounds: Bounds,
}

impl<'a> Record<'a> {
    pub(super) fn new(parsed: Parsed<'a>) -> Self {
        let Parsed {
            input,
            attributes,
            fields,
        } = parsed;
        Self {
            name: &input.ident,
            generics: &input.generics,
            shape: Shape::of(&input.data),
            krate: attributes
                .krate
                .unwrap_or_else(|| parse_quote!(::kafka_client)),
            topic: attributes.topic,
            format: attributes.format,
            serde: attributes.serde,
            fields: fields.into_iter().filter_map(Field::new).collect(),
        }
    }

    /// The fields that make up the value.
    pub(super) fn in_value(&self) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(|field| field.header.is_none())
    }
}

impl<'a> Field<'a> {
    fn new((field, attributes): (&'a syn::Field, FieldAttributes)) -> Option<Self> {
        let FieldAttributes {
            key,
            header,
            timestamp,
            serde,
            bounds,
        } = attributes;
        let name = field.ident.as_ref()?;
        Some(Self {
            name,
            ty: &field.ty,
            key,
            header,
            timestamp,
            serde,
            bounds,
        })
    }

    /// Whether `#[serde(..)]` on the field has one of these, in whatever form.
    pub(super) fn serde_has(&self, names: &[&str]) -> bool {
        self.serde
            .iter()
            .any(|meta| names.iter().any(|name| meta.path().is_ident(name)))
    }

    /// Whether a missing field is read as its type's default: `#[serde(default)]` without a path.
    pub(super) fn has_default_trait(&self) -> bool {
        self.serde
            .iter()
            .any(|meta| matches!(meta, Meta::Path(path) if path.is_ident("default")))
    }
}

impl Shape {
    fn of(data: &Data) -> Self {
        match data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(_) => Self::Named,
                Fields::Unnamed(fields) => Self::Tuple(fields.to_token_stream()),
                Fields::Unit => Self::Unit,
            },
            Data::Enum(data) => Self::Enum(data.enum_token.to_token_stream()),
            Data::Union(data) => Self::Union(data.union_token.to_token_stream()),
        }
    }
}

/// A string literal that stands where the macro was called.
pub(super) fn literal(text: &str) -> LitStr {
    LitStr::new(text, Span::call_site())
}
