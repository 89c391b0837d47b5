//! An enum that is a record or a tombstone.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{LitStr, Type};

use super::super::bounds;
use super::super::change::{Change, Upserted};
use super::super::model::Value;
use super::implementation::Implementation;
use super::{decode, encode, headers, json};

pub(crate) fn expand(change: &Change<'_>) -> TokenStream {
    let Change { deleted, upserted } = change;
    let mut assertions = headers::assertions(deleted);
    let mut items = None;
    let (write, read) = match upserted {
        Upserted::Fields(record) => {
            assertions.extend(headers::assertions(record));
            if matches!(record.value(), Value::Fields) {
                items = Some(json::stand_ins(record, Some(deleted)));
            }
            let (pattern, encode) = (record.pattern(), encode(record));
            (quote!(#pattern => { #encode }), decode(record))
        }
        Upserted::Record { variant, ty } => {
            let topic = deleted.topic.as_ref();
            assertions.extend(topic.map(|topic| same_topic(deleted.name, topic, ty)));
            let read = quote! {
                <#ty as __record::KafkaRecord>::decode(__from).map(Self::#variant)
            };
            let write = quote! {
                Self::#variant(__inner) => <#ty as __record::KafkaRecord>::encode(__inner, __buffer)?,
            };
            (write, read)
        }
    };
    let (pattern, write_deleted, read_deleted) =
        (deleted.pattern(), encode(deleted), decode(deleted));
    let implementation = Implementation {
        krate: &deleted.krate,
        name: deleted.name,
        generics: bounds::of_change(change),
        topic: deleted.topic.as_ref(),
        assertions,
        items,
        encode: quote! {
            match self {
                #pattern => { #write_deleted }
                #write
            }
        },
        decode: quote! {
            if __from.value.is_none() {
                #read_deleted
            } else {
                #read
            }
        },
    };
    implementation.write()
}

/// The assertion that a record in a variant is of its enum's topic, if it names one.
pub(crate) fn same_topic(name: &Ident, topic: &LitStr, ty: &Type) -> TokenStream {
    let shown = ty.to_token_stream();
    let message = format!(
        "`{shown}` names another topic than `{name}`: write `topic = \"{}\"` on both, or none on \
         `{shown}`",
        topic.value()
    );
    quote_spanned! {ty.span()=>
        ::core::assert!(
            __record::__private::is_of_topic(<#ty as __record::KafkaRecord>::TOPIC, #topic),
            #message
        )
    }
}
