//! The stand-ins through which serde writes and reads a value that is made of fields.
//!
//! `__Written` uses serde's `remote`, which takes each field from the record itself, so that
//! functions named in `#[serde(with, skip_serializing_if, ..)]` see the field's own type.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::Meta;
use syn::ext::IdentExt as _;

use super::super::bounds;
use super::super::model::{Default, Field, Record, Source, literal};

/// The stand-ins, and the implementation that writes through them. For a variant, `sibling` is the
/// other one.
pub(super) fn stand_ins(record: &Record<'_>, sibling: Option<&Record<'_>>) -> TokenStream {
    let name = record.name;
    let generics = bounds::of_record(record);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let krate = &record.krate;
    let written = match sibling {
        Some(sibling) => written_variant(record, sibling),
        None => written(record),
    };
    let read = read(record);
    quote! {
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
    }
}

fn written(record: &Record<'_>) -> TokenStream {
    let (impl_generics, _, where_clause) = record.generics.split_for_impl();
    let attributes = attributes(record);
    let remote = literal(&record.name.to_string());
    let fields = written_fields(record);
    quote! {
        #[derive(__serde::Serialize)]
        #[serde(crate = "__serde", remote = #remote)]
        #attributes
        struct __Written #impl_generics #where_clause { #fields }
    }
}

/// `untagged` writes a variant as a struct of its fields.
fn written_variant(record: &Record<'_>, sibling: &Record<'_>) -> TokenStream {
    let (impl_generics, _, where_clause) = record.generics.split_for_impl();
    let metas: &[Meta] = &record.serde.passed_on;
    let is = |name: &'static str| move |meta: &&Meta| meta.path().is_ident(name);
    // What else there may be, `deny_unknown_fields`, is of interest where it is read.
    let on_variant = metas.iter().filter(is("rename_all"));
    let on_type = metas.iter().filter(is("bound"));
    let rename = rename(record);
    let remote = literal(&record.name.to_string());
    let (this, other) = (record.variant, sibling.variant);
    let (fields, others) = (written_fields(record), written_fields(sibling));
    quote! {
        #[derive(__serde::Serialize)]
        #[serde(crate = "__serde", remote = #remote, untagged)]
        #rename
        #(#[serde(#on_type)])*
        enum __Written #impl_generics #where_clause {
            #(#[serde(#on_variant)])*
            #this { #fields },
            #[serde(skip_serializing)]
            #other { #others },
        }
    }
}

fn written_fields(record: &Record<'_>) -> TokenStream {
    let fields = record.fields.iter().map(|field| {
        let (name, ty, serde) = (field.name, type_outside(record, field), &field.serde);
        match field.source() {
            Source::Value => quote!(#(#[serde(#serde)])* #name: #ty),
            _ => quote!(#[serde(skip_serializing)] #name: #ty),
        }
    });
    quote!(#(#fields,)*)
}

/// What is read from elsewhere is a phantom here, so that the type parameters stay in use.
fn read(record: &Record<'_>) -> TokenStream {
    let (impl_generics, _, where_clause) = record.generics.split_for_impl();
    let attributes = attributes(record);
    let fields = record.fields.iter().map(|field| {
        let (name, ty, serde) = (field.name, type_outside(record, field), &field.serde);
        match field.source() {
            Source::Value => quote!(#(#[serde(#serde)])* #name: #ty),
            _ => quote!(#[serde(skip)] #name: ::core::marker::PhantomData<#ty>),
        }
    });
    let default = record
        .serde
        .default
        .as_ref()
        .map(|default| read_default(record, default));
    // The type parameters may all be in the other variant.
    let whole = record.variant.map(|_| {
        let (name, (_, ty_generics, _)) = (record.name, record.generics.split_for_impl());
        quote!(#[serde(skip)] __whole: ::core::marker::PhantomData<#name #ty_generics>,)
    });
    let use_default = default.as_ref().map(|_| quote!(#[serde(default)]));
    quote! {
        #[derive(__serde::Deserialize)]
        #[serde(crate = "__serde")]
        #use_default
        #attributes
        struct __Read #impl_generics #where_clause { #(#fields,)* #whole }

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
        match field.source() {
            Source::Value => quote!(#name: __whole.#name),
            _ => quote!(#name: ::core::marker::PhantomData),
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

/// The type's serde attributes for a stand-in, which also takes the type's name.
fn attributes(record: &Record<'_>) -> TokenStream {
    let metas: &[Meta] = &record.serde.passed_on;
    let has_name = metas.iter().any(|meta| meta.path().is_ident("rename"));
    let rename = (!has_name).then(|| rename(record));
    quote!(#rename #(#[serde(#metas)])*)
}

fn rename(record: &Record<'_>) -> TokenStream {
    let name = literal(&record.name.unraw().to_string());
    quote!(#[serde(rename = #name)])
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
