//! Writes the implementation; the model has passed every check.
//!
//! ```text
//! const _: () = {
//!     struct __Written { .. }             // serde writes the record through it; never made
//!     struct __Read { .. }                // what serde reads, then moved into the record
//!     impl SerializeValue for Order { .. }
//!     impl KafkaRecord for Order { .. }
//!     impl HasTopic for Order { .. }      // if it has a topic
//! };
//! ```
//!
//! The first three are there only if the value is made of fields.

pub(super) mod change;
mod headers;
pub(super) mod implementation;
mod json;
mod parts;

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;

use self::implementation::Implementation;
use super::bounds;
use super::model::{Codec, Record, Value, literal};

/// A struct.
pub(super) fn expand(record: &Record<'_>) -> TokenStream {
    let implementation = Implementation {
        krate: &record.krate,
        name: record.name,
        generics: bounds::of_record(record),
        topic: record.topic.as_ref(),
        assertions: headers::assertions(record),
        items: matches!(record.value(), Value::Fields).then(|| json::stand_ins(record, None)),
        encode: encode(record),
        decode: decode(record),
    };
    implementation.write()
}

/// The statements that write a record, or a variant whose fields are bound.
fn encode(record: &Record<'_>) -> TokenStream {
    let shown = literal(&record.name.unraw().to_string());
    let fields = record
        .fields
        .iter()
        .map(|field| parts::write(&shown, field, &record.at(field)));
    let value = match record.value() {
        Value::Null => TokenStream::new(),
        Value::Fields => quote!(__record::__private::write_json(#shown, self, __buffer)?;),
        Value::Field(field, codec) => parts::write_value(&shown, field, &codec, &record.at(field)),
        Value::Whole(codec) => quote! {
            __record::__private::write_whole_with::<Self, #codec>(#shown, self, __buffer)?;
        },
    };
    let content_type = record.content_type.as_ref().map(
        |content_type| quote!(__record::__private::write_content_type(#content_type, __buffer);),
    );
    quote!(#(#fields)* #value #content_type)
}

/// What reads a record or a variant: an expression, with statements before it.
fn decode(record: &Record<'_>) -> TokenStream {
    let shown = literal(&record.name.unraw().to_string());
    let (_, ty_generics, _) = record.generics.split_for_impl();
    let (value, codec) = match record.value() {
        Value::Whole(codec) => {
            return quote!(__record::__private::read_with::<Self, #codec>(#shown, __from));
        }
        Value::Field(_, codec) => (None, codec),
        Value::Null => (None, Codec::Json),
        Value::Fields => {
            let read = quote! {
                let __value: __Read #ty_generics =
                    __record::__private::read_json(#shown, __from)?;
            };
            (Some(read), Codec::Json)
        }
    };
    let path = record.path();
    let fields = record
        .fields
        .iter()
        .map(|field| parts::read(record, field, &codec));
    quote! {
        #value
        ::core::result::Result::Ok(#path { #(#fields,)* })
    }
}
