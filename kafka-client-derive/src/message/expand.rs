//! From the model to the implementations.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};

use super::parse::{Field, Range, Struct};

pub(super) fn expand(model: &Struct) -> TokenStream {
    let wire = wire(model);
    let nullable = nullable(model);
    let default = default(model);
    let message = message(model);
    quote! { #wire #nullable #default #message }
}

fn wire(model: &Struct) -> TokenStream {
    let name = &model.name;
    let label = name.to_string();
    let descriptions = model.fields.iter().map(description);
    let sizes = model
        .fields
        .iter()
        .filter(|field| field.tag.is_none())
        .map(|f| size(&label, f));
    let writes = model
        .fields
        .iter()
        .filter(|field| field.tag.is_none())
        .map(write);
    let reads = model
        .fields
        .iter()
        .filter(|field| field.tag.is_none())
        .map(|f| read(&label, f));

    let tagged: Vec<_> = model
        .fields
        .iter()
        .filter(|field| field.tag.is_some())
        .collect();
    let tagged_sizes = tagged.iter().map(|field| tagged_size(&label, field));
    let tagged_untagged_versions = tagged.iter().map(|field| tagged_absent(&label, field));
    let counts = tagged.iter().map(|field| {
        let present = tagged_present(field);
        quote! { if #present { tags += 1; } }
    });
    // Tags are written in rising order, whatever the order of the fields.
    let mut rising = tagged.clone();
    rising.sort_by_key(|field| field.tag);
    let tagged_writes = rising.iter().map(|field| tagged_write(field));
    let tagged_reads = tagged.iter().map(|field| tagged_read(&label, field));
    let mutable = (!tagged.is_empty()).then(|| quote!(mut));

    let tagged_read_arms = if tagged.is_empty() {
        quote! { input.tagged_fields(|_, _| ::core::result::Result::Ok(false))?; }
    } else {
        quote! {
            input.tagged_fields(|tag, input| {
                match tag {
                    #(#tagged_reads)*
                    _ => return ::core::result::Result::Ok(false),
                }
                ::core::result::Result::Ok(true)
            })?;
        }
    };

    quote! {
        impl ::kafka_client_protocol::wire::Wire for #name {
            const TYPE: ::kafka_client_protocol::message::TypeDescription =
                ::kafka_client_protocol::message::TypeDescription::Struct(
                    &::kafka_client_protocol::message::StructDescription {
                        name: #label,
                        fields: &[#(#descriptions),*],
                    },
                );

            fn size(
                &self,
                version: ::kafka_client_protocol::wire::Version,
            ) -> ::core::result::Result<
                ::kafka_client_protocol::wire::Size,
                ::kafka_client_protocol::EncodeError,
            > {
                #[allow(unused_mut)]
                let mut size = ::kafka_client_protocol::wire::Size::default();
                #(#sizes)*
                if version.flexible {
                    #[allow(unused_mut)]
                    let mut tags = 0u32;
                    #(#tagged_sizes)*
                    size.total += ::kafka_client_protocol::wire::unsigned_varint_size(tags);
                }
                #(#tagged_untagged_versions)*
                ::core::result::Result::Ok(size)
            }

            fn write(
                &self,
                out: &mut ::kafka_client_protocol::wire::Writer,
                version: ::kafka_client_protocol::wire::Version,
            ) {
                #(#writes)*
                if version.flexible {
                    #[allow(unused_mut)]
                    let mut tags = 0u32;
                    #(#counts)*
                    out.put_unsigned_varint(tags);
                    #(#tagged_writes)*
                }
            }

            fn read(
                input: &mut ::kafka_client_protocol::wire::Reader,
                version: ::kafka_client_protocol::wire::Version,
            ) -> ::core::result::Result<Self, ::kafka_client_protocol::DecodeError> {
                #[allow(unused_mut)]
                let mut this = <Self as ::core::default::Default>::default();
                #(#reads)*
                if version.flexible {
                    #[allow(unused)]
                    let #mutable message = &mut this;
                    #tagged_read_arms
                }
                ::core::result::Result::Ok(this)
            }
        }
    }
}

/// A struct that may be null has a presence byte before it (KIP-893).
fn nullable(model: &Struct) -> TokenStream {
    let name = &model.name;
    quote! {
        impl ::kafka_client_protocol::wire::NullableWire for #name {
            fn null_size(_: ::kafka_client_protocol::wire::Version) -> usize {
                1
            }

            fn write_null(
                out: &mut ::kafka_client_protocol::wire::Writer,
                version: ::kafka_client_protocol::wire::Version,
            ) {
                ::kafka_client_protocol::wire::Wire::write(&-1i8, out, version);
            }

            fn write_present(
                &self,
                out: &mut ::kafka_client_protocol::wire::Writer,
                version: ::kafka_client_protocol::wire::Version,
            ) {
                ::kafka_client_protocol::wire::Wire::write(&1i8, out, version);
                ::kafka_client_protocol::wire::Wire::write(self, out, version);
            }

            fn present_size(
                &self,
                version: ::kafka_client_protocol::wire::Version,
            ) -> ::core::result::Result<
                ::kafka_client_protocol::wire::Size,
                ::kafka_client_protocol::EncodeError,
            > {
                let mut size = ::kafka_client_protocol::wire::Wire::size(self, version)?;
                size.total += 1;
                ::core::result::Result::Ok(size)
            }

            fn read_nullable(
                input: &mut ::kafka_client_protocol::wire::Reader,
                version: ::kafka_client_protocol::wire::Version,
            ) -> ::core::result::Result<
                ::core::option::Option<Self>,
                ::kafka_client_protocol::DecodeError,
            > {
                if <i8 as ::kafka_client_protocol::wire::Wire>::read(input, version)? < 0 {
                    return ::core::result::Result::Ok(::core::option::Option::None);
                }
                <Self as ::kafka_client_protocol::wire::Wire>::read(input, version)
                    .map(::core::option::Option::Some)
            }
        }
    }
}

fn default(model: &Struct) -> TokenStream {
    let name = &model.name;
    let fields = model.fields.iter().map(|field| {
        let name = &field.name;
        let value = default_value(field);
        quote! { #name: #value }
    });
    quote! {
        impl ::core::default::Default for #name {
            fn default() -> Self {
                Self { #(#fields),* }
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

fn default_value(field: &Field) -> TokenStream {
    let ty = &field.ty;
    match &field.default {
        Some(value) => quote!({
            let default: #ty = #value;
            default
        }),
        None => quote!(<#ty as ::core::default::Default>::default()),
    }
}

/// The condition that a version lies in a range, `None` for all versions.
fn within(range: Range) -> Option<TokenStream> {
    let Range { first, last } = range;
    match (first, last) {
        (i16::MIN, i16::MAX) => None,
        (_, i16::MAX) => Some(quote!(version.number >= #first)),
        (i16::MIN, _) => Some(quote!(version.number <= #last)),
        _ => Some(quote!((#first..=#last).contains(&version.number))),
    }
}

fn size(owner: &str, field: &Field) -> TokenStream {
    let name = &field.name;
    let label = field.label();
    let null = null_check(owner, field);
    let add = quote! {
        #null
        size += ::kafka_client_protocol::wire::Wire::size(&self.#name, version)
            .map_err(|error| error.in_field(#owner, #label))?;
    };
    let Some(within) = within(field.versions) else {
        return add;
    };
    let absent = absent(owner, field);
    quote! { if #within { #add } #absent }
}

/// A value that a version cannot carry, and must not be left out of it, is an error.
fn absent(owner: &str, field: &Field) -> Option<TokenStream> {
    (!field.ignorable).then(|| {
        let name = &field.name;
        let label = field.label();
        let default = default_value(field);
        quote! {
            else if self.#name != #default {
                return ::core::result::Result::Err(
                    ::kafka_client_protocol::EncodeError::from(
                        ::kafka_client_protocol::EncodeErrorKind::NotInVersion,
                    )
                    .in_field(#owner, #label),
                );
            }
        }
    })
}

/// Null in a version of the field that has no null is an error.
fn null_check(owner: &str, field: &Field) -> Option<TokenStream> {
    let nullable = field.nullable?;
    if nullable.first <= field.versions.first && nullable.last >= field.versions.last {
        return None;
    }
    let within = within(nullable)?;
    let name = &field.name;
    let label = field.label();
    Some(quote! {
        if self.#name.is_none() && !(#within) {
            return ::core::result::Result::Err(
                ::kafka_client_protocol::EncodeError::from(
                    ::kafka_client_protocol::EncodeErrorKind::NullNotAllowed,
                )
                .in_field(#owner, #label),
            );
        }
    })
}

fn write(field: &Field) -> TokenStream {
    let name = &field.name;
    let write = quote! { ::kafka_client_protocol::wire::Wire::write(&self.#name, out, version); };
    match within(field.versions) {
        Some(within) => quote! { if #within { #write } },
        None => write,
    }
}

fn read(owner: &str, field: &Field) -> TokenStream {
    let read = read_value(owner, field, &quote!(this));
    match within(field.versions) {
        Some(within) => quote! { if #within { #read } },
        None => read,
    }
}

fn read_value(owner: &str, field: &Field, target: &TokenStream) -> TokenStream {
    let name = &field.name;
    let label = field.label();
    let null = null_check_read(owner, field, target);
    quote! {
        #target.#name = ::kafka_client_protocol::wire::Wire::read(input, version)
            .map_err(|error| error.in_field(#owner, #label))?;
        #null
    }
}

fn null_check_read(owner: &str, field: &Field, target: &TokenStream) -> Option<TokenStream> {
    let nullable = field.nullable?;
    if nullable.first <= field.versions.first && nullable.last >= field.versions.last {
        return None;
    }
    let within = within(nullable)?;
    let name = &field.name;
    let label = field.label();
    Some(quote! {
        if #target.#name.is_none() && !(#within) {
            return ::core::result::Result::Err(
                ::kafka_client_protocol::DecodeError::from(
                    ::kafka_client_protocol::DecodeErrorKind::UnexpectedNull,
                )
                .in_field(#owner, #label),
            );
        }
    })
}

/// A tagged field is on the wire where its versions have it and it differs from its default.
fn tagged_present(field: &Field) -> TokenStream {
    let name = &field.name;
    let default = default_value(field);
    match within(field.versions) {
        Some(within) => quote!(#within && self.#name != #default),
        None => quote!(self.#name != #default),
    }
}

fn tagged_size(owner: &str, field: &Field) -> TokenStream {
    let name = &field.name;
    let label = field.label();
    let tag = field.tag;
    let present = tagged_present(field);
    quote! {
        if #present {
            let value = ::kafka_client_protocol::wire::Wire::size(&self.#name, version)
                .map_err(|error| error.in_field(#owner, #label))?;
            tags += 1;
            size.total += ::kafka_client_protocol::wire::unsigned_varint_size(#tag)
                + ::kafka_client_protocol::wire::unsigned_varint_size(value.total as u32);
            size += value;
        }
    }
}

fn tagged_absent(owner: &str, field: &Field) -> Option<TokenStream> {
    let within = within(field.versions)?;
    let absent = absent(owner, field)?;
    Some(quote! { if #within {} #absent })
}

fn tagged_write(field: &Field) -> TokenStream {
    let name = &field.name;
    let tag = field.tag;
    let present = tagged_present(field);
    quote! {
        if #present {
            out.put_unsigned_varint(#tag);
            out.put_unsigned_varint(
                ::kafka_client_protocol::wire::Wire::size(&self.#name, version)
                    .map_or(0, |size| size.total as u32),
            );
            ::kafka_client_protocol::wire::Wire::write(&self.#name, out, version);
        }
    }
}

fn tagged_read(owner: &str, field: &Field) -> TokenStream {
    let tag = field.tag;
    let read = read_value(owner, field, &format_ident!("message").into_token_stream());
    match within(field.versions) {
        Some(within) => quote! { #tag if #within => { #read } },
        None => quote! { #tag => { #read } },
    }
}
