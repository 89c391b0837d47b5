//! From the model to the implementations.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::fields::default_value;
use super::parse::{Field, Range, Struct};
use super::read::{Reading, read};
use super::write::{size, write};
use super::{schema, view};

pub(super) fn expand(model: &Struct) -> TokenStream {
    let wire = wire(model);
    let default = default(model);
    let message = message(model);
    let view = model.view.then(|| view::expand(model));
    quote! { #wire #default #message #view }
}

fn wire(model: &Struct) -> TokenStream {
    let name = &model.name;
    let label = name.to_string();
    let descriptions = model.fields.iter().map(description);
    let keeps_unknown = model.unknown.is_some();
    let size = size(model, &label);
    let write = write(model);
    let read = read(model, &label, &Reading::Owned);
    let schema = schema::table(model);
    quote! {
        #[doc = #schema]
        impl ::kafka_client_protocol::wire::Wire for #name {
            const TYPE: ::kafka_client_protocol::message::TypeDescription =
                ::kafka_client_protocol::message::TypeDescription::Struct(
                    &::kafka_client_protocol::message::StructDescription {
                        name: #label,
                        fields: &[#(#descriptions),*],
                        keeps_unknown: #keeps_unknown,
                    },
                );

            #[inline]
            fn size(
                &self,
                size: &mut ::kafka_client_protocol::wire::Sizer,
                version: ::kafka_client_protocol::wire::Version,
            ) {
                #size
            }

            #[inline]
            fn write(
                &self,
                out: &mut ::kafka_client_protocol::wire::Writer,
                version: ::kafka_client_protocol::wire::Version,
            ) {
                #write
            }

            #[inline]
            fn read(
                input: &mut ::kafka_client_protocol::wire::Reader<'_>,
                version: ::kafka_client_protocol::wire::Version,
            ) -> ::core::result::Result<Self, ::kafka_client_protocol::DecodeError> {
                #read
            }
        }

        impl ::kafka_client_protocol::wire::NullableWire for #name {}
    }
}

fn default(model: &Struct) -> TokenStream {
    let name = &model.name;
    let fields = model.fields.iter().map(|field| {
        let name = &field.name;
        let value = default_value(field, &field.ty);
        quote! { #name: #value, }
    });
    let unknown = model
        .unknown
        .iter()
        .map(|name| quote! { #name: ::core::default::Default::default(), });
    quote! {
        impl ::core::default::Default for #name {
            #[inline]
            fn default() -> Self {
                Self { #(#fields)* #(#unknown)* }
            }
        }
    }
}

fn message(model: &Struct) -> TokenStream {
    let Some(message) = &model.message else {
        return TokenStream::new();
    };
    let name = &model.name;
    let label = name.to_string();
    let (min, max) = (message.versions.first, message.versions.last);
    let flexible = option(message.flexible.map(ToTokens::into_token_stream));
    let throttle = model.has_throttle_time().then(|| {
        quote! {
            #[inline]
            fn throttle_time_ms(&self) -> i32 {
                self.throttle_time_ms
            }
        }
    });
    let request = message.response.as_ref().map(|response| {
        let key = message.api_key;
        quote! {
            impl ::kafka_client_protocol::Request for #name {
                const API_KEY: ::kafka_client_protocol::ApiKey =
                    ::kafka_client_protocol::ApiKey::known(#key);
                type Response = #response;
            }
        }
    });
    quote! {
        impl ::kafka_client_protocol::Message for #name {
            const NAME: &'static str = #label;
            const MIN_VERSION: i16 = #min;
            const MAX_VERSION: i16 = #max;
            const FIRST_FLEXIBLE: ::core::option::Option<i16> = #flexible;
            #throttle
        }
        #request
    }
}

fn description(field: &Field) -> TokenStream {
    let label = field.label();
    let ty = &field.ty;
    let versions = bounds(field.versions);
    let nullable = option(field.nullable.map(bounds));
    let tag = option(field.tag.map(ToTokens::into_token_stream));
    let default = option(field.default.as_ref().map(|default| {
        let text = default.to_token_stream().to_string().replace(' ', "");
        quote!(#text)
    }));
    let (key, ignorable) = (field.key, field.ignorable);
    quote! {
        ::kafka_client_protocol::message::FieldDescription {
            name: #label,
            ty: <#ty as ::kafka_client_protocol::wire::Wire>::TYPE,
            versions: #versions,
            nullable: #nullable,
            tag: #tag,
            default: #default,
            key: #key,
            ignorable: #ignorable,
        }
    }
}

fn bounds(range: Range) -> TokenStream {
    let Range { first, last } = range;
    quote!((#first, #last))
}

fn option(tokens: Option<TokenStream>) -> TokenStream {
    match tokens {
        Some(tokens) => quote!(::core::option::Option::Some(#tokens)),
        None => quote!(::core::option::Option::None),
    }
}
