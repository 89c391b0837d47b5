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

mod headers;
mod json;
mod parts;

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;

use super::bounds;
use super::model::{Codec, Record, Value, literal};

pub(super) fn expand(record: &Record<'_>) -> TokenStream {
    let (krate, name) = (&record.krate, record.name);
    let generics = bounds::of_record(record);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();

    let stand_ins = matches!(record.value(), Value::Fields).then(|| json::stand_ins(record));
    let encode = encode(record);
    // What depends on type parameters can be asserted only where they are known.
    let (assertions, in_encode) = match record.generics.params.is_empty() {
        true => (headers::assertions(record), Vec::new()),
        false => (Vec::new(), headers::assertions(record)),
    };
    let decode = decode(record);
    let topic = match &record.topic {
        Some(topic) => quote!(::core::option::Option::Some(#topic)),
        None => quote!(::core::option::Option::None),
    };
    let has_topic = record.topic.as_ref().map(|topic| {
        quote! {
            #[automatically_derived]
            impl #impl_generics __record::HasTopic for #name #ty_generics #where_clause {
                const TOPIC_NAME: &'static ::core::primitive::str = #topic;
            }
        }
    });

    quote! {
        #[doc(hidden)]
        #[allow(
            clippy::all, clippy::pedantic, dead_code, deprecated,
            unused_qualifications, unused_variables,
        )]
        const _: () = {
            use #krate::record as __record;

            #(const _: () = #assertions;)*
            #stand_ins

            #[automatically_derived]
            impl #impl_generics __record::KafkaRecord for #name #ty_generics #where_clause {
                const TOPIC: ::core::option::Option<&'static ::core::primitive::str> = #topic;

                fn encode(
                    &self,
                    __buffer: &mut __record::RecordBuffer,
                ) -> ::core::result::Result<(), __record::EncodeError> {
                    #(const { #in_encode })*
                    #encode
                    ::core::result::Result::Ok(())
                }

                fn decode(
                    __from: &__record::RecordRef<'_>,
                ) -> ::core::result::Result<Self, __record::DecodeError> {
                    #decode
                }
            }

            #has_topic
        };
    }
}

/// An implementation that lets code using the type compile, beside the messages.
pub(super) fn fallback(record: &Record<'_>) -> TokenStream {
    let (krate, name) = (&record.krate, record.name);
    let (impl_generics, ty_generics, where_clause) = record.generics.split_for_impl();
    quote! {
        #[doc(hidden)]
        const _: () = {
            use #krate::record as __record;

            #[automatically_derived]
            impl #impl_generics __record::KafkaRecord for #name #ty_generics #where_clause {
                const TOPIC: ::core::option::Option<&'static ::core::primitive::str> =
                    ::core::option::Option::None;

                fn encode(
                    &self,
                    _: &mut __record::RecordBuffer,
                ) -> ::core::result::Result<(), __record::EncodeError> {
                    ::core::unreachable!()
                }

                fn decode(
                    _: &__record::RecordRef<'_>,
                ) -> ::core::result::Result<Self, __record::DecodeError> {
                    ::core::unreachable!()
                }
            }

            #[automatically_derived]
            impl #impl_generics __record::HasTopic for #name #ty_generics #where_clause {
                const TOPIC_NAME: &'static ::core::primitive::str = "";
            }
        };
    }
}

fn encode(record: &Record<'_>) -> TokenStream {
    let shown = literal(&record.name.unraw().to_string());
    let fields = record.fields.iter().map(|field| {
        let name = field.name;
        parts::write(&shown, field, &quote!(&self.#name))
    });
    let value = match record.value() {
        Value::Fields => quote!(__record::__private::write_json(#shown, self, __buffer)?;),
        Value::Field(field, codec) => {
            let name = field.name;
            parts::write_value(&shown, field, &codec, &quote!(&self.#name))
        }
        Value::Whole(codec) => quote! {
            __record::__private::write_whole_with::<Self, #codec>(#shown, self, __buffer)?;
        },
    };
    let content_type = record.content_type.as_ref().map(
        |content_type| quote!(__record::__private::write_content_type(#content_type, __buffer);),
    );
    quote!(#(#fields)* #value #content_type)
}

fn decode(record: &Record<'_>) -> TokenStream {
    let shown = literal(&record.name.unraw().to_string());
    let (_, ty_generics, _) = record.generics.split_for_impl();
    let (value, codec) = match record.value() {
        Value::Whole(codec) => {
            return quote!(__record::__private::read_with::<Self, #codec>(#shown, __from));
        }
        Value::Field(_, codec) => (None, codec),
        Value::Fields => {
            let read = quote! {
                let __value: __Read #ty_generics =
                    __record::__private::read_json(#shown, __from)?;
            };
            (Some(read), Codec::Json)
        }
    };
    let fields = record
        .fields
        .iter()
        .map(|field| parts::read(record, field, &codec));
    quote! {
        #value
        ::core::result::Result::Ok(Self { #(#fields,)* })
    }
}
