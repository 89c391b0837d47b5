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
//! `__Written` uses serde's `remote`, which takes each field from the record itself, so that
//! functions named in `#[serde(with, skip_serializing_if, ..)]` see the field's own type.
//!
//! A field's type is written out with its own spans wherever it has to implement something: if it
//! does not, rustc points at it.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::{LitStr, Meta};

use super::bounds;
use super::model::{Default, Field, Record, literal};

pub(super) fn expand(record: &Record<'_>) -> TokenStream {
    let (krate, name) = (&record.krate, record.name);
    let generics = bounds::of_record(record);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let shown = literal(&name.unraw().to_string());

    let written = written(record);
    let read = read(record);
    let encode = record.fields.iter().map(|field| encode(&shown, field));
    let decode = record.fields.iter().map(|field| decode(&shown, field));
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
            use #krate::record::__private::serde as __serde;

            #written
            #read

            #[automatically_derived]
            impl #impl_generics __record::__private::SerializeValue for #name #ty_generics
            #where_clause
            {
                fn serialize_value<__S: __serde::Serializer>(
                    &self,
                    __serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    <__Written #ty_generics>::serialize(self, __serializer)
                }
            }

            #[automatically_derived]
            impl #impl_generics __record::KafkaRecord for #name #ty_generics #where_clause {
                const TOPIC: ::core::option::Option<&'static ::core::primitive::str> = #topic;

                fn encode(
                    &self,
                    __buffer: &mut __record::RecordBuffer,
                ) -> ::core::result::Result<(), __record::EncodeError> {
                    #(#encode)*
                    __record::__private::write_json(#shown, self, __buffer)
                }

                fn decode(
                    __from: &__record::RecordRef<'_>,
                ) -> ::core::result::Result<Self, __record::DecodeError> {
                    let __value: __Read #ty_generics =
                        __record::__private::read_json(#shown, __from)?;
                    ::core::result::Result::Ok(Self { #(#decode,)* })
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

fn written(record: &Record<'_>) -> TokenStream {
    let (impl_generics, _, where_clause) = record.generics.split_for_impl();
    let attributes = attributes(record);
    let remote = literal(&record.name.to_string());
    let fields = record.fields.iter().map(|field| {
        let (name, ty, serde) = (field.name, type_outside(record, field), &field.serde);
        match field.header {
            Some(_) => quote!(#[serde(skip_serializing)] #name: #ty),
            None => quote!(#(#[serde(#serde)])* #name: #ty),
        }
    });
    quote! {
        #[derive(__serde::Serialize)]
        #[serde(crate = "__serde", remote = #remote)]
        #attributes
        struct __Written #impl_generics #where_clause { #(#fields,)* }
    }
}

/// Headers are phantoms here: nothing is read, and the type parameters stay in use.
fn read(record: &Record<'_>) -> TokenStream {
    let (impl_generics, _, where_clause) = record.generics.split_for_impl();
    let attributes = attributes(record);
    let fields = record.fields.iter().map(|field| {
        let (name, ty, serde) = (field.name, type_outside(record, field), &field.serde);
        match field.header {
            Some(_) => quote!(#[serde(skip)] #name: ::core::marker::PhantomData<#ty>),
            None => quote!(#(#[serde(#serde)])* #name: #ty),
        }
    });
    let default = record
        .serde
        .default
        .as_ref()
        .map(|default| read_default(record, default));
    let use_default = default.as_ref().map(|_| quote!(#[serde(default)]));
    quote! {
        #[derive(__serde::Deserialize)]
        #[serde(crate = "__serde")]
        #use_default
        #attributes
        struct __Read #impl_generics #where_clause { #(#fields,)* }

        #default
    }
}

/// `#[serde(default)]` on the type: missing fields come from the record's own default.
fn read_default(record: &Record<'_>, default: &Default) -> TokenStream {
    let name = record.name;
    let generics = bounds::of_record(record);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let whole = match default {
        Default::Trait => quote!(::core::default::Default::default()),
        Default::Path(path) => quote!(#path()),
    };
    let fields = record.fields.iter().map(|field| {
        let name = field.name;
        match field.header {
            Some(_) => quote!(#name: ::core::marker::PhantomData),
            None => quote!(#name: __whole.#name),
        }
    });
    quote! {
        impl #impl_generics ::core::default::Default for __Read #ty_generics #where_clause {
            fn default() -> Self {
                let __whole: #name #ty_generics = #whole;
                Self { #(#fields,)* }
            }
        }
    }
}

fn encode(record: &LitStr, field: &Field<'_>) -> TokenStream {
    let (name, ty) = (field.name, field.ty);
    let shown = literal(&name.unraw().to_string());
    let mut code = TokenStream::new();
    if field.key.is_some() {
        code.extend(quote!(__record::__private::write_key::<#ty>(&self.#name, __buffer);));
    }
    if let Some(header) = &field.header {
        code.extend(quote! {
            __record::__private::write_header::<#ty>(#header, &self.#name, __buffer);
        });
    }
    if field.timestamp.is_some() {
        code.extend(quote! {
            __record::__private::write_timestamp::<#ty>(#record, #shown, &self.#name, __buffer)?;
        });
    }
    code
}

fn decode(record: &LitStr, field: &Field<'_>) -> TokenStream {
    let (name, ty) = (field.name, field.ty);
    match &field.header {
        Some(header) => quote! {
            #name: __record::__private::read_header::<#ty>(#record, #header, __from)?
        },
        None => quote!(#name: __value.#name),
    }
}

/// The type's serde attributes for a stand-in, which also takes the type's name.
fn attributes(record: &Record<'_>) -> TokenStream {
    let metas: &[Meta] = &record.serde.passed_on;
    let rename = (!metas.iter().any(|meta| meta.path().is_ident("rename"))).then(|| {
        let name = literal(&record.name.unraw().to_string());
        quote!(#[serde(rename = #name)])
    });
    quote!(#rename #(#[serde(#metas)])*)
}

/// The field's type as it reads in another type: `Self` is spelled out.
fn type_outside(record: &Record<'_>, field: &Field<'_>) -> TokenStream {
    let name = record.name;
    let (_, ty_generics, _) = record.generics.split_for_impl();
    replace_self(field.ty.to_token_stream(), &quote!(#name #ty_generics))
}

fn replace_self(tokens: TokenStream, by: &TokenStream) -> TokenStream {
    let replace = |tree| match tree {
        TokenTree::Ident(ident) if ident == "Self" => by.clone(),
        TokenTree::Group(group) => {
            let mut replaced = Group::new(group.delimiter(), replace_self(group.stream(), by));
            replaced.set_span(group.span());
            TokenTree::Group(replaced).into()
        }
        other => other.into(),
    };
    tokens.into_iter().flat_map(replace).collect()
}
