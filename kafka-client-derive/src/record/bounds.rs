//! The bounds of the implementation: those serde needs for the value, inferred as serde does or
//! given by `#[serde(bound = "..")]`, and those of fields that are elsewhere.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::{Generics, Type, WherePredicate, parse_quote};

use super::change::{Change, Upserted};
use super::model::{Codec, Default, Field, Record, Value};

pub(super) fn of_record(record: &Record<'_>) -> Generics {
    let mut predicates = parts(record);
    if matches!(record.value(), Value::Fields) {
        predicates.extend(serialize(record));
        predicates.extend(deserialize(record));
        predicates.extend(by_default(record));
    }
    with(record.generics, predicates)
}

/// Those of an enum with a tombstone.
pub(super) fn of_change(change: &Change<'_>) -> Generics {
    let generics = change.deleted.generics;
    let of_deleted = parts(&change.deleted);
    match &change.upserted {
        Upserted::Fields(record) => with(&of_record(record), of_deleted),
        Upserted::Record { ty, .. } => with(&of_records(generics, [*ty].into_iter()), of_deleted),
    }
}

/// Those of an enum whose variants hold these records.
pub(super) fn of_records<'a>(
    generics: &Generics,
    types: impl Iterator<Item = &'a Type>,
) -> Generics {
    let of_type = |ty: &Type| parse_quote!(#ty: __record::KafkaRecord);
    with(
        generics,
        types.filter(|ty| is_generic(generics, ty)).map(of_type),
    )
}

/// Those of a set of headers.
pub(super) fn of_headers(record: &Record<'_>) -> Generics {
    with(record.generics, parts(record))
}

fn with(generics: &Generics, predicates: impl IntoIterator<Item = WherePredicate>) -> Generics {
    let mut generics = generics.clone();
    if !generics.params.is_empty() {
        let clause = generics.make_where_clause();
        clause.predicates.extend(predicates);
    }
    generics
}

fn by_default(record: &Record<'_>) -> Option<WherePredicate> {
    let has_types = record.generics.type_params().next().is_some();
    if !has_types || !matches!(record.serde.default, Some(Default::Trait)) {
        return None;
    }
    let name = record.name;
    let (_, ty_generics, _) = record.generics.split_for_impl();
    Some(parse_quote!(#name #ty_generics: ::core::default::Default))
}

fn serialize(record: &Record<'_>) -> Vec<WherePredicate> {
    if let Some(given) = &record.serde.bounds.serialize {
        return given.clone();
    }
    let free = ["skip", "skip_serializing", "serialize_with", "with"];
    let infers = |field: &Field<'_>| field.bounds.serialize.is_none() && !field.serde_has(&free);
    let mut predicates = inferred(record, infers, &quote!(__serde::Serialize));
    predicates.extend(
        record
            .in_value()
            .filter_map(|f| f.bounds.serialize.clone())
            .flatten(),
    );
    predicates
}

fn deserialize(record: &Record<'_>) -> Vec<WherePredicate> {
    if let Some(given) = &record.serde.bounds.deserialize {
        return given.clone();
    }
    let skipped = ["skip", "skip_deserializing"];
    let free = ["skip", "skip_deserializing", "deserialize_with", "with"];
    let infers = |field: &Field<'_>| field.bounds.deserialize.is_none() && !field.serde_has(&free);
    let defaults = |field: &Field<'_>| field.serde_has(&skipped) || field.has_default_trait();
    let mut predicates = inferred(record, infers, &quote!(__serde::de::DeserializeOwned));
    predicates.extend(inferred(
        record,
        defaults,
        &quote!(::core::default::Default),
    ));
    predicates.extend(
        record
            .in_value()
            .filter_map(|f| f.bounds.deserialize.clone())
            .flatten(),
    );
    predicates
}

/// `P: bound` for each type parameter in the value's fields that `select` wants.
fn inferred(
    record: &Record<'_>,
    select: impl Fn(&Field<'_>) -> bool,
    bound: &TokenStream,
) -> Vec<WherePredicate> {
    let fields: Vec<_> = record
        .in_value()
        .filter(|field| select(field) && !is_phantom(field.ty))
        .collect();
    let needed = |param: &&Ident| fields.iter().any(|field| mentions(field.ty, param));
    let params = record.generics.type_params().map(|param| &param.ident);
    params
        .filter(needed)
        .map(|param| parse_quote!(#param: #bound))
        .collect()
}

/// What the fields' types have to be for the places they are in.
fn parts(record: &Record<'_>) -> Vec<WherePredicate> {
    let is_generic = |ty: &Type| is_generic(record.generics, ty);
    let mut predicates = Vec::new();
    for field in record.fields.iter().filter(|field| is_generic(field.ty)) {
        let (ty, roles) = (field.ty, &field.roles);
        if roles.key.is_some() {
            predicates.push(parse_quote!(#ty: __record::KafkaKey));
        }
        if roles.header.is_some() {
            predicates.push(parse_quote!(#ty: __record::KafkaHeader));
        }
        if roles.headers.is_some() {
            predicates.push(parse_quote!(#ty: __record::KafkaHeaders));
        }
        if roles.timestamp.is_some() {
            predicates.push(parse_quote!(#ty: __record::KafkaTimestamp));
        }
        if roles.partition.is_some() {
            predicates.push(parse_quote!(#ty: __record::__private::KafkaPartition));
        }
        if roles.skip.is_some() {
            predicates.push(parse_quote!(#ty: ::core::default::Default));
        }
    }
    match record.value() {
        Value::Field(field, codec) if is_generic(field.ty) => {
            let ty = field.optional().unwrap_or(field.ty);
            predicates.push(match codec {
                Codec::Json => parse_quote! {
                    #ty: __record::__private::serde::Serialize
                        + __record::__private::serde::de::DeserializeOwned
                },
                Codec::Type(codec) => parse_quote!(#codec: __record::ValueCodec<#ty>),
            });
        }
        Value::Whole(codec) => {
            let name = record.name;
            let (_, ty_generics, _) = record.generics.split_for_impl();
            predicates.push(parse_quote!(#codec: __record::ValueCodec<#name #ty_generics>));
        }
        Value::Field(..) | Value::Fields | Value::Null => {}
    }
    predicates
}

/// Whether the type has one of the parameters in it.
fn is_generic(generics: &Generics, ty: &Type) -> bool {
    let mut params = generics.type_params();
    params.any(|param| mentions(ty, &param.ident))
}

/// `Self` mentions every parameter.
fn mentions(ty: &Type, param: &Ident) -> bool {
    fn search(tokens: TokenStream, param: &Ident) -> bool {
        tokens.into_iter().any(|tree| match tree {
            TokenTree::Ident(ident) => ident == *param || ident == "Self",
            TokenTree::Group(group) => search(group.stream(), param),
            _ => false,
        })
    }
    search(ty.to_token_stream(), param)
}

/// Serde needs nothing of what is in a `PhantomData`.
fn is_phantom(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "PhantomData")
}
