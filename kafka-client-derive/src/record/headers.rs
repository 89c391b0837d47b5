//! `#[derive(KafkaHeaders)]`: a struct whose fields are headers.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use super::errors::Errors;
use super::model::{Field, Record, Source};
use super::names::Derive;
use super::{bounds, check, parse};

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let parsed = parse::parse(&input, Derive::Headers, &mut errors);
    let set = Record::new(parsed);
    check(&set, &mut errors);
    match errors.into_compile_errors() {
        None => expand(&set),
        Some(mut tokens) => {
            tokens.extend(fallback(&set));
            tokens
        }
    }
}

fn check(set: &Record<'_>, errors: &mut Errors) {
    check::shape(set, "a set of headers", errors);
    check::fields::headers(set, errors);
    for field in &set.fields {
        let name = field.name;
        check::fields::owned(field, errors);
        match (&field.roles.header, &field.roles.skip) {
            (None, None) if !field.is_marked => errors.at(
                name,
                format!("which header is it? write `#[kafka(header = \"{name}\")]`, or `skip`"),
            ),
            (Some(header), Some(_)) => errors.at(
                &header.word,
                "`header` and `skip` exclude each other: leave out one of them",
            ),
            (Some(header), None) if header.also => errors.at(
                &header.word,
                format!(
                    "a set of headers is in no value: write `header = {:?}`",
                    header.name.value()
                ),
            ),
            _ => {}
        }
    }
}

fn expand(set: &Record<'_>) -> TokenStream {
    let (krate, name) = (&set.krate, set.name);
    let generics = bounds::of_headers(set);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let names = set.header_names();
    let encode = set.fields.iter().map(write);
    let decode = set.fields.iter().map(read);
    quote! {
        #[doc(hidden)]
        #[allow(
            clippy::all, clippy::pedantic, dead_code, deprecated,
            unused_qualifications, unused_variables,
        )]
        const _: () = {
            use #krate::record as __record;

            #[automatically_derived]
            impl #impl_generics __record::KafkaHeaders for #name #ty_generics #where_clause {
                const NAMES: &'static [&'static ::core::primitive::str] = &[#(#names),*];

                fn encode_headers(&self, __buffer: &mut __record::RecordBuffer) {
                    #(#encode)*
                }

                fn decode_headers(
                    __from: &__record::HeaderReader<'_>,
                ) -> ::core::result::Result<Self, __record::DecodeError> {
                    ::core::result::Result::Ok(Self { #(#decode,)* })
                }
            }
        };
    }
}

/// An implementation that lets code using the type compile, beside the messages.
fn fallback(set: &Record<'_>) -> TokenStream {
    let (krate, name) = (&set.krate, set.name);
    let (impl_generics, ty_generics, where_clause) = set.generics.split_for_impl();
    quote! {
        #[doc(hidden)]
        const _: () = {
            use #krate::record as __record;

            #[automatically_derived]
            impl #impl_generics __record::KafkaHeaders for #name #ty_generics #where_clause {
                const NAMES: &'static [&'static ::core::primitive::str] = &[];

                fn encode_headers(&self, _: &mut __record::RecordBuffer) {
                    ::core::unreachable!()
                }

                fn decode_headers(
                    _: &__record::HeaderReader<'_>,
                ) -> ::core::result::Result<Self, __record::DecodeError> {
                    ::core::unreachable!()
                }
            }
        };
    }
}

fn write(field: &Field<'_>) -> TokenStream {
    let (name, ty) = (field.name, field.ty);
    let header = field.roles.header.as_ref().map(|header| &header.name);
    header
        .map(|header| {
            quote!(__record::__private::write_header::<#ty>(#header, &self.#name, __buffer);)
        })
        .unwrap_or_default()
}

fn read(field: &Field<'_>) -> TokenStream {
    let (name, ty) = (field.name, field.ty);
    let header = field.roles.header.as_ref().map(|header| &header.name);
    match field.source() {
        Source::Default => quote!(#name: <#ty as ::core::default::Default>::default()),
        _ => quote!(#name: __from.header::<#ty>(#header)?),
    }
}
