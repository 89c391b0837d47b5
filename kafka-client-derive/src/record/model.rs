//! What the type is, in the words of records; every rule is checked elsewhere.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::{
    Data, Fields, GenericArgument, Generics, LitStr, Meta, Path, PathArguments, Type, parse_quote,
};

use super::parse::serde::TypeSerde;
pub(super) use super::parse::serde::{SerdeBounds as Bounds, SerdeDefault as Default};
use super::parse::{FieldAttributes, Parsed, ParsedVariant, Roles};

pub(super) struct Record<'a> {
    pub(super) name: &'a Ident,
    pub(super) generics: &'a Generics,
    pub(super) shape: Shape,
    /// The path of `kafka_client`.
    pub(super) krate: Path,
    pub(super) topic: Option<LitStr>,
    pub(super) format: Option<Ident>,
    /// A codec, with the word `with` before it.
    pub(super) with: Option<(Ident, Type)>,
    pub(super) content_type: Option<LitStr>,
    pub(super) serde: TypeSerde,
    /// The variant whose fields these are; `None` if they are a struct's.
    pub(super) variant: Option<&'a Ident>,
    /// Whether the value is null.
    pub(super) is_tombstone: bool,
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
    /// Whether there is any `#[kafka(..)]`, right or wrong.
    pub(super) is_marked: bool,
    pub(super) roles: Roles,
    /// Whether there is no value that it could be in.
    in_tombstone: bool,
    /// The arguments of `#[serde(..)]` on the field.
    pub(super) serde: Vec<Meta>,
    pub(super) bounds: Bounds,
}

/// What a record's value is.
pub(super) enum Value<'r, 'a> {
    /// It is null.
    Null,
    /// The fields that are nowhere else, in JSON.
    Fields,
    /// One field.
    Field(&'r Field<'a>, Codec),
    /// The whole struct, written by a codec.
    Whole(TokenStream),
}

/// What writes a value that is not made of fields.
pub(super) enum Codec {
    Json,
    /// A type that implements `ValueCodec`.
    Type(TokenStream),
}

/// Where a field is read from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// It is one of several in the value.
    Value,
    /// It is the value.
    WholeValue,
    Key,
    Header,
    Headers,
    Timestamp,
    Partition,
    Default,
}

impl<'a> Record<'a> {
    pub(super) fn new(parsed: Parsed<'a>) -> Self {
        let Parsed {
            input,
            attributes,
            fields,
            variants: _,
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
            with: attributes.with,
            content_type: attributes.content_type,
            serde: attributes.serde,
            variant: None,
            is_tombstone: false,
            fields: fields_of(fields, false),
        }
    }

    /// This record's type, made of the fields of one of its variants.
    pub(super) fn of_variant(&self, parsed: ParsedVariant<'a>) -> Self {
        let is_tombstone = parsed.attributes.tombstone.is_some();
        let content_type = self.content_type.clone().filter(|_| !is_tombstone);
        Self {
            name: self.name,
            generics: self.generics,
            shape: Shape::Named,
            krate: self.krate.clone(),
            topic: self.topic.clone(),
            format: self.format.clone(),
            with: self.with.clone(),
            content_type,
            serde: TypeSerde {
                default: None,
                bounds: self.serde.bounds.clone(),
                passed_on: parsed.attributes.serde,
            },
            variant: Some(&parsed.variant.ident),
            is_tombstone,
            fields: fields_of(parsed.fields, is_tombstone),
        }
    }

    /// What to build it with: `Self`, or `Self::Variant`.
    pub(super) fn path(&self) -> TokenStream {
        match self.variant {
            Some(variant) => quote!(Self::#variant),
            None => quote!(Self),
        }
    }

    /// A reference to a field: of `self`, or bound by [`pattern`](Self::pattern).
    pub(super) fn at(&self, field: &Field<'_>) -> TokenStream {
        let name = field.name;
        match self.variant {
            Some(_) => binding(name).to_token_stream(),
            None => quote!(&self.#name),
        }
    }

    /// Matches `self` if it is this variant, and binds references to its fields.
    pub(super) fn pattern(&self) -> TokenStream {
        let path = self.path();
        let names = self.fields.iter().map(|field| field.name);
        let bindings = names.clone().map(binding);
        quote!(#path { #(#names: #bindings,)* })
    }

    /// The fields that make up the value, each under its name.
    pub(super) fn in_value(&self) -> impl Iterator<Item = &Field<'a>> {
        let made_of_fields = matches!(self.value(), Value::Fields);
        self.fields
            .iter()
            .filter(move |field| made_of_fields && field.source() == Source::Value)
    }

    /// The names of the headers that are fields, and of those of the type.
    pub(super) fn header_names(&self) -> Vec<LitStr> {
        let of_field = |field: &Field<'a>| Some(field.roles.header.as_ref()?.name.clone());
        let content_type = self.content_type.as_ref().map(|_| literal("content-type"));
        self.fields
            .iter()
            .filter_map(of_field)
            .chain(content_type)
            .collect()
    }

    /// The fields that are several headers each.
    pub(super) fn header_sets(&self) -> impl Iterator<Item = &Field<'a>> {
        self.fields
            .iter()
            .filter(|field| field.source() == Source::Headers)
    }

    /// The field that is the value.
    pub(super) fn value_field(&self) -> Option<&Field<'a>> {
        let is_value = |field: &&Field<'a>| field.roles.value.is_some();
        self.fields.iter().find(is_value)
    }

    pub(super) fn value(&self) -> Value<'_, 'a> {
        if self.is_tombstone {
            return Value::Null;
        }
        match (self.value_field(), self.codec()) {
            (Some(field), codec) => Value::Field(field, codec),
            (None, Codec::Json) => Value::Fields,
            (None, Codec::Type(codec)) => Value::Whole(codec),
        }
    }

    fn codec(&self) -> Codec {
        if let Some((_, codec)) = &self.with {
            return Codec::Type(codec.to_token_stream());
        }
        let Some(format) = &self.format else {
            return Codec::Json;
        };
        // Resolved as all that is written here, but shown where the format stands.
        let at = Span::call_site().located_at(format.span());
        match format.to_string().as_str() {
            "string" => Codec::Type(quote_spanned!(at=> __record::__private::Text)),
            "bytes" => Codec::Type(quote_spanned!(at=> __record::__private::Binary)),
            _ => Codec::Json,
        }
    }
}

impl<'a> Field<'a> {
    fn new(
        (field, attributes): (&'a syn::Field, FieldAttributes),
        in_tombstone: bool,
    ) -> Option<Self> {
        let FieldAttributes {
            is_marked,
            roles,
            serde,
            bounds,
        } = attributes;
        Some(Self {
            name: field.ident.as_ref()?,
            ty: &field.ty,
            is_marked,
            roles,
            in_tombstone,
            serde,
            bounds,
        })
    }

    /// Whether its `#[kafka(..)]` says nothing that can be understood.
    pub(super) fn is_mistaken(&self) -> bool {
        self.is_marked && self.roles.is_empty()
    }

    pub(super) fn source(&self) -> Source {
        let (roles, outside) = (&self.roles, self.in_tombstone);
        if roles.value.is_some() {
            Source::WholeValue
        } else if roles.skip.is_some() {
            Source::Default
        } else if roles.partition.is_some() {
            Source::Partition
        } else if roles.headers.is_some() {
            Source::Headers
        } else if roles
            .header
            .as_ref()
            .is_some_and(|header| !header.also || outside)
        {
            Source::Header
        } else if roles.key.as_ref().is_some_and(|key| key.only || outside) {
            Source::Key
        } else if roles
            .timestamp
            .as_ref()
            .is_some_and(|at| at.only || outside)
        {
            Source::Timestamp
        } else {
            Source::Value
        }
    }

    /// The `T` of a field whose type is written as `Option<T>`.
    pub(super) fn optional(&self) -> Option<&'a Type> {
        // A type that a macro was given is in a group of its own.
        let mut ty = self.ty;
        while let Type::Group(group) = ty {
            ty = &group.elem;
        }
        let Type::Path(path) = ty else {
            return None;
        };
        let last = path.path.segments.last()?;
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return None;
        };
        match arguments.args.first()? {
            GenericArgument::Type(ty) if last.ident == "Option" => Some(ty),
            _ => None,
        }
    }

    /// Whether `#[serde(..)]` on the field has one of these, in whatever form.
    pub(super) fn serde_has(&self, names: &[&str]) -> bool {
        self.serde_of(names).is_some()
    }

    /// The first of these in `#[serde(..)]` on the field.
    pub(super) fn serde_of(&self, names: &[&str]) -> Option<&Meta> {
        self.serde
            .iter()
            .find(|meta| names.iter().any(|name| meta.path().is_ident(name)))
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

fn fields_of(fields: Vec<(&syn::Field, FieldAttributes)>, in_tombstone: bool) -> Vec<Field<'_>> {
    fields
        .into_iter()
        .filter_map(|field| Field::new(field, in_tombstone))
        .collect()
}

/// What a variant's field is called where it is written.
fn binding(name: &Ident) -> Ident {
    format_ident!("__at_{}", name.unraw())
}

/// A string literal that stands where the macro was called.
pub(super) fn literal(text: &str) -> LitStr {
    LitStr::new(text, Span::call_site())
}
