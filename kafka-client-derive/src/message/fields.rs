//! What the written code asks of a field: whether a version has it, whether it is set, its size.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

use super::parse::{Field, Range, Struct, last_ident};

/// The default of a field, as a value of `ty`.
pub(super) fn default_value(field: &Field, ty: &Type) -> TokenStream {
    match &field.default {
        Some(value) => quote!({
            let default: #ty = #value;
            default
        }),
        None => quote!(<#ty as ::core::default::Default>::default()),
    }
}

/// The condition that a field has another value than its default.
pub(super) fn is_set(field: &Field) -> TokenStream {
    let name = &field.name;
    let kind = last_ident(&field.ty).map(ToString::to_string);
    match (&field.default, kind.as_deref()) {
        (None, Some("Vec" | "StrBytes" | "Bytes")) => quote!(!self.#name.is_empty()),
        (None, Some("Option")) => quote!(self.#name.is_some()),
        _ => {
            let default = default_value(field, &field.ty);
            quote!(self.#name != #default)
        }
    }
}

/// The condition that a version lies in a range, `None` for all versions.
pub(super) fn within(range: Range) -> Option<TokenStream> {
    let Range { first, last } = range;
    match (first, last) {
        (i16::MIN, i16::MAX) => None,
        (_, i16::MAX) => Some(quote!(version.number >= #first)),
        (i16::MIN, _) => Some(quote!(version.number <= #last)),
        _ => Some(quote!((#first..=#last).contains(&version.number))),
    }
}

/// The condition that a field is null in a version of it that has no null.
pub(super) fn forbidden_null(field: &Field, value: &TokenStream) -> Option<TokenStream> {
    let nullable = field.nullable?;
    if nullable.first <= field.versions.first && nullable.last >= field.versions.last {
        return None;
    }
    let within = within(nullable)?;
    Some(quote!(#value.is_none() && !(#within)))
}

pub(super) fn is_fixed(ty: &Type) -> bool {
    fixed_size(ty).is_some()
}

/// The bytes of every value of a type, for types that have such a number.
pub(super) fn fixed_size(ty: &Type) -> Option<usize> {
    Some(match last_ident(ty)?.to_string().as_str() {
        "bool" | "i8" => 1,
        "i16" | "u16" => 2,
        "i32" | "u32" => 4,
        "i64" | "f64" => 8,
        "Uuid" => 16,
        _ => return None,
    })
}

/// Tagged fields, tags rising, and the others.
pub(super) fn split(model: &Struct) -> (Vec<&Field>, Vec<&Field>) {
    let (mut tagged, plain): (Vec<_>, Vec<_>) =
        model.fields.iter().partition(|field| field.tag.is_some());
    tagged.sort_by_key(|field| field.tag);
    (tagged, plain)
}

/// A tagged field is on the wire where its versions have it and it differs from its default.
pub(super) fn present(field: &Field) -> TokenStream {
    let set = is_set(field);
    match within(field.versions) {
        Some(within) => quote!(#within && #set),
        None => set,
    }
}
