//! How one field is written and read.
//!
//! A field's type is written out with its own spans wherever it has to implement something: if it
//! does not, rustc points at it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;
use syn::ext::IdentExt as _;

use super::super::model::{Codec, Field, Record, Source, literal};
use super::headers;

/// The statements that put a field, all but the value, to its places. `at` is a reference to it.
pub(super) fn write(record: &LitStr, field: &Field<'_>, at: &TokenStream) -> TokenStream {
    let (ty, roles) = (field.ty, &field.roles);
    let shown = shown(field);
    let mut code = TokenStream::new();
    if roles.key.is_some() {
        code.extend(quote!(__record::__private::write_key::<#ty>(#at, __buffer);));
    }
    if let Some(header) = &roles.header {
        let name = &header.name;
        code.extend(quote!(__record::__private::write_header::<#ty>(#name, #at, __buffer);));
    }
    if roles.headers.is_some() {
        code.extend(quote!(__record::__private::write_headers::<#ty>(#at, __buffer);));
    }
    if roles.timestamp.is_some() {
        code.extend(quote! {
            __record::__private::write_timestamp::<#ty>(#record, #shown, #at, __buffer)?;
        });
    }
    if roles.partition.is_some() {
        code.extend(quote! {
            __record::__private::write_partition::<#ty>(#record, #shown, #at, __buffer)?;
        });
    }
    code
}

/// The field as in a struct expression: read from its place.
pub(super) fn read(record: &Record<'_>, field: &Field<'_>, codec: &Codec) -> TokenStream {
    let (name, ty) = (field.name, field.ty);
    let taken = || headers::taken(record, field);
    let record = &literal(&record.name.unraw().to_string());
    let value = match field.source() {
        Source::Value => quote!(__value.#name),
        Source::WholeValue => read_value(record, field, codec),
        Source::Key => quote!(__record::__private::read_key::<#ty>(#record, __from)?),
        Source::Header => {
            let header = field.roles.header.as_ref().map(|header| &header.name);
            quote!(__record::__private::read_header::<#ty>(#record, #header, __from)?)
        }
        Source::Headers => {
            let taken = taken();
            quote!(__record::__private::read_headers::<#ty>(#record, #taken, __from)?)
        }
        Source::Timestamp => quote!(__record::__private::read_timestamp::<#ty>(#record, __from)?),
        Source::Partition => quote!(__record::__private::read_partition::<#ty>(#record, __from)?),
        Source::Default => quote!(<#ty as ::core::default::Default>::default()),
    };
    quote!(#name: #value)
}

/// The statement that writes the field that is the value.
pub(super) fn write_value(
    record: &LitStr,
    field: &Field<'_>,
    codec: &Codec,
    at: &TokenStream,
) -> TokenStream {
    let (shown, ty) = (shown(field), field.ty);
    let call = match (codec, field.optional()) {
        (Codec::Json, None) => quote!(write_json_field::<#ty>),
        (Codec::Json, Some(ty)) => quote!(write_json_or_null::<#ty>),
        (Codec::Type(codec), None) => quote!(write_with::<#ty, #codec>),
        (Codec::Type(codec), Some(ty)) => quote!(write_with_or_null::<#ty, #codec>),
    };
    quote!(__record::__private::#call(#record, #shown, #at, __buffer)?;)
}

fn read_value(record: &LitStr, field: &Field<'_>, codec: &Codec) -> TokenStream {
    let ty = field.ty;
    let call = match (codec, field.optional()) {
        (Codec::Json, None) => quote!(read_json::<#ty>),
        (Codec::Json, Some(ty)) => quote!(read_json_or_null::<#ty>),
        (Codec::Type(codec), None) => quote!(read_with::<#ty, #codec>),
        (Codec::Type(codec), Some(ty)) => quote!(read_with_or_null::<#ty, #codec>),
    };
    quote!(__record::__private::#call(#record, __from)?)
}

fn shown(field: &Field<'_>) -> LitStr {
    literal(&field.name.unraw().to_string())
}
