//! The frame around what was written for a type.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Generics, LitStr, Path};

/// An implementation of `KafkaRecord`, and of `HasTopic` if there is a topic.
pub(crate) struct Implementation<'a> {
    /// The path of `kafka_client`.
    pub(crate) krate: &'a Path,
    pub(crate) name: &'a Ident,
    /// With all bounds.
    pub(crate) generics: Generics,
    pub(crate) topic: Option<&'a LitStr>,
    /// Calls of `assert!`.
    pub(crate) assertions: Vec<TokenStream>,
    pub(crate) items: Option<TokenStream>,
    /// Statements.
    pub(crate) encode: TokenStream,
    /// An expression, with statements before it.
    pub(crate) decode: TokenStream,
}

impl Implementation<'_> {
    pub(crate) fn write(self) -> TokenStream {
        let Self {
            krate,
            name,
            generics,
            topic,
            assertions,
            items,
            encode,
            decode,
        } = self;
        let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
        // What depends on type parameters can be asserted only where they are known.
        let (outside, in_encode) = match generics.params.is_empty() {
            true => (assertions, Vec::new()),
            false => (Vec::new(), assertions),
        };
        let optional_topic = match topic {
            Some(topic) => quote!(::core::option::Option::Some(#topic)),
            None => quote!(::core::option::Option::None),
        };
        let has_topic = topic.map(|topic| {
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

                #(const _: () = #outside;)*
                #items

                #[automatically_derived]
                impl #impl_generics __record::KafkaRecord for #name #ty_generics #where_clause {
                    const TOPIC: ::core::option::Option<&'static ::core::primitive::str> =
                        #optional_topic;

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
}

/// An implementation that lets code using the type compile, beside the messages.
pub(crate) fn fallback(krate: &Path, name: &Ident, generics: &Generics) -> TokenStream {
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
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
