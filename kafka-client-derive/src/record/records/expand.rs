//! Writes the implementation; the enum has passed every check.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{LitStr, Type};

use super::super::bounds;
use super::super::expand::change::same_topic;
use super::super::expand::implementation::Implementation;
use super::super::model::literal;
use super::super::parse::arguments::Dispatch;
use super::{Records, Variant};

pub(super) fn expand(records: &Records<'_>) -> TokenStream {
    let topic = records.topic.as_ref();
    let types = records.variants.iter().filter_map(|variant| variant.ty);
    let assertions = types
        .clone()
        .filter_map(|ty| Some(same_topic(records.name, topic?, ty)))
        .collect();
    let implementation = Implementation {
        krate: &records.krate,
        name: records.name,
        generics: bounds::of_records(records.generics, types),
        topic,
        assertions,
        items: None,
        encode: encode(records),
        decode: decode(records),
    };
    implementation.write()
}

fn encode(records: &Records<'_>) -> TokenStream {
    let record = shown(records);
    let arms = records.variants.iter().map(|variant| {
        let (name, ty) = (variant.name, variant.ty);
        let kind = literal(&variant.shown);
        let write = match &records.dispatch {
            _ if variant.other.is_some() => None,
            Some(Dispatch::Header(header)) => Some(quote! {
                __record::__private::write_type_header(#record, #header, #kind, __buffer)?;
            }),
            Some(Dispatch::Tag(tag)) => Some(quote! {
                __record::__private::write_type_tag(#record, #tag, #kind, __buffer)?;
            }),
            None => None,
        };
        quote! {
            Self::#name(__inner) => {
                <#ty as __record::KafkaRecord>::encode(__inner, __buffer)?;
                #write
            }
        }
    });
    quote!(match self { #(#arms)* })
}

fn decode(records: &Records<'_>) -> TokenStream {
    let record = shown(records);
    let known: Vec<_> = records.known().collect();
    let names = known.iter().map(|variant| literal(&variant.shown));
    let names = quote!(&[#(#names),*]);
    let find = match &records.dispatch {
        Some(Dispatch::Header(header)) => quote! {
            __record::__private::type_by_header(#record, #header, #names, __from)
        },
        Some(Dispatch::Tag(tag)) => quote! {
            __record::__private::type_by_tag(#record, #tag, #names, __from)
        },
        None => TokenStream::new(),
    };
    let arms = known.iter().enumerate().map(|(at, variant)| {
        let from = match &records.dispatch {
            Some(Dispatch::Header(header)) => {
                quote!(&__record::__private::without_type_header(__from, #header))
            }
            _ => quote!(__from),
        };
        let read = read(variant, &from);
        quote!(::core::result::Result::Ok(#at) => #read,)
    });
    let other = match records.other() {
        Some(other) => {
            let read = read(other, &quote!(__from));
            quote!(_ => #read,)
        }
        None => quote! {
            ::core::result::Result::Ok(_) => ::core::unreachable!(),
            ::core::result::Result::Err(__error) => ::core::result::Result::Err(__error),
        },
    };
    quote!(match #find { #(#arms)* #other })
}

fn read(variant: &Variant<'_>, from: &TokenStream) -> TokenStream {
    let (name, ty): (_, Option<&Type>) = (variant.name, variant.ty);
    quote!(<#ty as __record::KafkaRecord>::decode(#from).map(Self::#name))
}

fn shown(records: &Records<'_>) -> LitStr {
    literal(&records.name.unraw().to_string())
}
