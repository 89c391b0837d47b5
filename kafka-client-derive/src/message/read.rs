//! From bytes to a struct, or over it.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Ident, Type};

use super::fields::{fixed_size, forbidden_null, is_fixed, split, within};
use super::parse::{Field, Struct, last_ident};
use super::view;

/// What is made of the bytes.
pub(super) enum Reading {
    /// The struct itself.
    Owned,
    /// Its form that is read in place.
    View,
}

impl Reading {
    fn ty(&self, ty: &Type) -> TokenStream {
        match self {
            Self::Owned => ty.to_token_stream(),
            Self::View => view::ty(ty),
        }
    }

    /// The value of a field that is not there.
    pub(super) fn default(&self, field: &Field) -> TokenStream {
        if let Some(default) = &field.default {
            return default.to_token_stream();
        }
        let ty = self.ty(&field.ty);
        quote!(<#ty as ::core::default::Default>::default())
    }
}

/// Reads the fields in order and makes the struct of them.
pub(super) fn read(model: &Struct, owner: &str, reading: &Reading) -> TokenStream {
    let (tagged, plain) = split(model);
    let plain = plain.into_iter().map(|field| {
        let local = local(field);
        let ty = reading.ty(&field.ty);
        let value = read_value(owner, field, reading);
        match within(field.versions) {
            Some(within) => {
                let default = reading.default(field);
                quote! { let #local: #ty = if #within { #value } else { #default }; }
            }
            None => quote! { let #local: #ty = { #value }; },
        }
    });
    let defaults = tagged.iter().map(|field| {
        let local = local(field);
        let ty = reading.ty(&field.ty);
        let default = reading.default(field);
        quote! { let mut #local: #ty = #default; }
    });
    let unknown = match reading {
        Reading::Owned => model.unknown.as_ref(),
        Reading::View => None,
    };
    let declare = unknown.map(|_| {
        quote! { let mut unknown = ::kafka_client_protocol::wire::TaggedFields::default(); }
    });
    let section = if !tagged.is_empty() {
        let known = tagged
            .iter()
            .map(|field| read_tagged(owner, field, reading));
        let keep = match unknown {
            Some(_) => quote! { unknown.keep(tag, length, &mut reader)?; },
            None => quote! { reader.slice(length)?; },
        };
        quote! {
            let mut tags = ::kafka_client_protocol::wire::Tags::read(&mut reader)?;
            while let ::core::option::Option::Some((tag, length)) = tags.next(&mut reader)? {
                match tag {
                    #(#known)*
                    _ => { #keep }
                }
            }
        }
    } else if unknown.is_some() {
        quote! { unknown = ::kafka_client_protocol::wire::TaggedFields::read(&mut reader)?; }
    } else {
        quote! { ::kafka_client_protocol::wire::Tags::skip(&mut reader)?; }
    };
    let fields = model.fields.iter().map(|field| {
        let name = &field.name;
        let local = local(field);
        quote! { #name: #local, }
    });
    let unknown = unknown.map(|name| quote! { #name: unknown, });
    let view = match reading {
        Reading::Owned => None,
        Reading::View => Some(quote! { frame: ::core::marker::PhantomData, }),
    };
    // The reader of the plain fields is a copy whose address goes nowhere, so that it stays in
    // registers. What is not inlined gets a copy of that one.
    quote! {
        let mut reader = input.clone();
        #(#plain)*
        #(#defaults)*
        #declare
        if version.flexible {
            reader.at(&(#owner, "tagged fields"));
            if !reader.no_tags() {
                let after_plain = reader;
                let mut reader = after_plain.clone();
                #section
                *input = reader;
            } else {
                *input = reader;
            }
        } else {
            *input = reader;
        }
        ::core::result::Result::Ok(Self { #(#fields)* #unknown #view })
    }
}

/// Passes over the fields in order: those of fixed size in runs, with one check for each run.
pub(super) fn skip(model: &Struct, owner: &str) -> TokenStream {
    let (tagged, plain) = split(model);
    let runs = plain.chunk_by(|one, other| is_fixed(&one.ty) && is_fixed(&other.ty));
    let plain = runs.map(|run| match run {
        [field] if !is_fixed(&field.ty) => {
            let value = skip_value(owner, field);
            match within(field.versions) {
                Some(within) => quote! { if #within { #value } },
                None => value,
            }
        }
        run => {
            let sizes = run.iter().map(|field| {
                let size = fixed_size(&field.ty);
                match within(field.versions) {
                    Some(within) => quote! { if #within { length += #size; } },
                    None => quote! { length += #size; },
                }
            });
            // Which of them is cut off is found by reading them.
            quote! {
                let mut length = 0usize;
                #(#sizes)*
                if reader.slice(length).is_err() {
                    return <Self as ::kafka_client_protocol::wire::View>::view(input, version)
                        .map(|_| ());
                }
            }
        }
    });
    let section = if tagged.is_empty() {
        quote! { ::kafka_client_protocol::wire::Tags::skip(&mut reader)?; }
    } else {
        let known = tagged.iter().map(|field| {
            let tag = field.tag;
            let value = skip_value(owner, field);
            let arm = match within(field.versions) {
                Some(within) => quote! { #tag if #within },
                None => quote! { #tag },
            };
            quote! {
                #arm => {
                    let after = reader.enter(length)?;
                    #value
                    reader.leave(after)?;
                    reader.at(&(#owner, "tagged fields"));
                }
            }
        });
        quote! {
            let mut tags = ::kafka_client_protocol::wire::Tags::read(&mut reader)?;
            while let ::core::option::Option::Some((tag, length)) = tags.next(&mut reader)? {
                match tag {
                    #(#known)*
                    _ => { reader.slice(length)?; }
                }
            }
        }
    };
    quote! {
        let mut reader = input.clone();
        #(#plain)*
        if version.flexible {
            reader.at(&(#owner, "tagged fields"));
            if !reader.no_tags() {
                let after_plain = reader;
                let mut reader = after_plain.clone();
                #section
                *input = reader;
                return ::core::result::Result::Ok(());
            }
        }
        *input = reader;
        ::core::result::Result::Ok(())
    }
}

fn skip_value(owner: &str, field: &Field) -> TokenStream {
    if is_inlined(&field.ty) {
        let value = read_value(owner, field, &Reading::View);
        return quote! { let _ = { #value }; };
    }
    let label = field.label();
    let ty = Reading::View.ty(&field.ty);
    if forbidden_null(field, &quote!(value)).is_some() {
        let value = read_value(owner, field, &Reading::View);
        return quote! { let _ = { #value }; };
    }
    quote! {
        reader.at(&(#owner, #label));
        let mut nested = reader.clone();
        <#ty as ::kafka_client_protocol::wire::View>::skip(&mut nested, version)?;
        reader = nested;
    }
}

/// The variable of a field, which must not hide those of the function.
fn local(field: &Field) -> Ident {
    format_ident!("field_{}", field.label())
}

fn read_value(owner: &str, field: &Field, reading: &Reading) -> TokenStream {
    let label = field.label();
    let ty = reading.ty(&field.ty);
    let read = match reading {
        Reading::Owned => quote!(<#ty as ::kafka_client_protocol::wire::Wire>::read),
        Reading::View => quote!(<#ty as ::kafka_client_protocol::wire::View>::view),
    };
    let value = if is_inlined(&field.ty) {
        quote! { let value = #read(&mut reader, version)?; }
    } else {
        quote! {
            let mut nested = reader.clone();
            let value = #read(&mut nested, version)?;
            reader = nested;
        }
    };
    let null = forbidden_null(field, &quote!(value)).map(|null| {
        quote! {
            if #null {
                return ::core::result::Result::Err(
                    reader.error(::kafka_client_protocol::DecodeErrorKind::UnexpectedNull),
                );
            }
        }
    });
    quote! {
        reader.at(&(#owner, #label));
        #value
        #null
        value
    }
}

/// Whether reading the type is inlined: numbers, strings and bytes.
fn is_inlined(ty: &Type) -> bool {
    let is_text =
        |ty: &Type| last_ident(ty).is_some_and(|ident| ident == "StrBytes" || ident == "Bytes");
    is_fixed(ty)
        || is_text(ty)
        || last_ident(ty).is_some_and(|ident| ident == "Option")
            && view::argument(ty).is_some_and(is_text)
}

fn read_tagged(owner: &str, field: &Field, reading: &Reading) -> TokenStream {
    let tag = field.tag;
    let local = local(field);
    let value = read_value(owner, field, reading);
    let arm = match within(field.versions) {
        Some(within) => quote! { #tag if #within },
        None => quote! { #tag },
    };
    quote! {
        #arm => {
            let after = reader.enter(length)?;
            #local = { #value };
            reader.leave(after)?;
            reader.at(&(#owner, "tagged fields"));
        }
    }
}
