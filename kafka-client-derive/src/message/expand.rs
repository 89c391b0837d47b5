//! From the model to the implementations.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Ident, Type};

use super::parse::{Field, Range, Struct, last_ident};
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

/// The default of a field, as a value of `ty`.
fn default_value(field: &Field, ty: &Type) -> TokenStream {
    match &field.default {
        Some(value) => quote!({
            let default: #ty = #value;
            default
        }),
        None => quote!(<#ty as ::core::default::Default>::default()),
    }
}

/// The condition that a field has another value than its default.
fn is_set(field: &Field) -> TokenStream {
    let name = &field.name;
    let kind = last_ident(&field.ty).map(ToString::to_string);
    match (&field.default, kind.as_deref()) {
        (None, Some("Vec" | "StrBytes" | "Bytes")) => quote!(!self.#name.is_empty()),
        (None, Some("Option")) => quote!(self.#name.is_some()),
        _ => {
            let default = default_value(field, &field.ty);
            quote!(self.#name != #default)
        }
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

/// The condition that a field is null in a version of it that has no null.
fn forbidden_null(field: &Field, value: &TokenStream) -> Option<TokenStream> {
    let nullable = field.nullable?;
    if nullable.first <= field.versions.first && nullable.last >= field.versions.last {
        return None;
    }
    let within = within(nullable)?;
    Some(quote!(#value.is_none() && !(#within)))
}

fn size(model: &Struct, owner: &str) -> TokenStream {
    let (tagged, plain) = split(model);
    let plain = plain.into_iter().map(|field| {
        let size = size_of(owner, field);
        let absent = absent(owner, field);
        match within(field.versions) {
            Some(within) => quote! { if #within { #size } #absent },
            None => size,
        }
    });
    let known = tagged.iter().map(|field| {
        let present = present(field);
        let size = size_of(owner, field);
        let tag = field.tag;
        let label = field.label();
        let free = model.unknown.as_ref().map(|unknown| {
            let check = quote! {
                size.at(&(#owner, #label));
                self.#unknown.check_free(#tag, size);
            };
            // Only what the version knows is taken.
            match within(field.versions) {
                Some(within) => quote! { if #within { #check } },
                None => check,
            }
        });
        quote! {
            #free
            if #present {
                tags += 1;
                size.add_unsigned_varint(#tag);
                let before = size.total();
                #size
                size.add_unsigned_varint((size.total() - before) as u32);
            }
        }
    });
    let absent = tagged.iter().map(|field| {
        let absent = absent(owner, field)?;
        let within = within(field.versions)?;
        Some(quote! { if #within {} #absent })
    });
    let (section, none) = match &model.unknown {
        Some(unknown) => {
            let label = unknown.to_string();
            let section = quote! { self.#unknown.size(tags, size); };
            let none = quote! {
                size.at(&(#owner, #label));
                self.#unknown.check_empty(size);
            };
            (section, none)
        }
        None => (quote! { size.add_unsigned_varint(tags); }, quote!()),
    };
    let mutable = (!tagged.is_empty()).then(|| quote!(mut));
    quote! {
        #(#plain)*
        #(#absent)*
        if version.flexible {
            let #mutable tags = 0u32;
            #(#known)*
            #section
        } else {
            #none
        }
    }
}

/// Counts a field that is on the wire.
fn size_of(owner: &str, field: &Field) -> TokenStream {
    let name = &field.name;
    let label = field.label();
    // Numbers always fit, so no error has to name them.
    let at = (!is_fixed(&field.ty)).then(|| quote! { size.at(&(#owner, #label)); });
    let null = forbidden_null(field, &quote!(self.#name)).map(|null| {
        quote! {
            if #null {
                size.fail(::kafka_client_protocol::EncodeErrorKind::NullNotAllowed);
            }
        }
    });
    quote! {
        #at
        #null
        ::kafka_client_protocol::wire::Wire::size(&self.#name, size, version);
    }
}

fn is_fixed(ty: &Type) -> bool {
    fixed_size(ty).is_some()
}

/// The bytes of every value of a type, for types that have such a number.
fn fixed_size(ty: &Type) -> Option<usize> {
    Some(match last_ident(ty)?.to_string().as_str() {
        "bool" | "i8" => 1,
        "i16" | "u16" => 2,
        "i32" | "u32" => 4,
        "i64" | "f64" => 8,
        "Uuid" => 16,
        _ => return None,
    })
}

/// A value that a version cannot carry, and must not be left out of it, is an error.
fn absent(owner: &str, field: &Field) -> Option<TokenStream> {
    (!field.ignorable).then(|| {
        let label = field.label();
        let set = is_set(field);
        quote! {
            else if #set {
                size.at(&(#owner, #label));
                size.fail(::kafka_client_protocol::EncodeErrorKind::NotInVersion);
            }
        }
    })
}

/// Tagged fields, tags rising, and the others.
fn split(model: &Struct) -> (Vec<&Field>, Vec<&Field>) {
    let (mut tagged, plain): (Vec<_>, Vec<_>) =
        model.fields.iter().partition(|field| field.tag.is_some());
    tagged.sort_by_key(|field| field.tag);
    (tagged, plain)
}

/// A tagged field is on the wire where its versions have it and it differs from its default.
fn present(field: &Field) -> TokenStream {
    let set = is_set(field);
    match within(field.versions) {
        Some(within) => quote!(#within && #set),
        None => set,
    }
}

fn write(model: &Struct) -> TokenStream {
    let (tagged, plain) = split(model);
    let plain = plain.into_iter().map(|field| {
        let name = &field.name;
        let write =
            quote! { ::kafka_client_protocol::wire::Wire::write(&self.#name, out, version); };
        match within(field.versions) {
            Some(within) => quote! { if #within { #write } },
            None => write,
        }
    });
    let counts = tagged.iter().map(|field| {
        let present = present(field);
        quote! { if #present { tags += 1; } }
    });
    let count = match &model.unknown {
        Some(unknown) => quote! { self.#unknown.write_count(tags, out); },
        None => quote! { out.put_unsigned_varint(tags); },
    };
    // Tags are written in rising order, the kept ones between the known ones.
    let mut from = 0u64;
    let known = tagged.iter().map(|field| {
        let name = &field.name;
        let tag = field.tag.unwrap_or_default();
        let to = u64::from(tag);
        let before = model
            .unknown
            .as_ref()
            .map(|unknown| quote! { self.#unknown.write_between(#from..#to, out); });
        from = to;
        let present = present(field);
        quote! {
            #before
            if #present {
                let mut size = ::kafka_client_protocol::wire::Sizer::default();
                ::kafka_client_protocol::wire::Wire::size(&self.#name, &mut size, version);
                out.put_unsigned_varint(#tag);
                out.put_unsigned_varint(size.total() as u32);
                ::kafka_client_protocol::wire::Wire::write(&self.#name, out, version);
            }
        }
    });
    let known: Vec<_> = known.collect();
    let rest = model
        .unknown
        .as_ref()
        .map(|unknown| quote! { self.#unknown.write_between(#from..u64::MAX, out); });
    let mutable = (!tagged.is_empty()).then(|| quote!(mut));
    quote! {
        #(#plain)*
        if version.flexible {
            let #mutable tags = 0u32;
            #(#counts)*
            #count
            #(#known)*
            #rest
        }
    }
}

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
