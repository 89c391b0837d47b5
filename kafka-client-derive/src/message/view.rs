//! The form of a struct that is read in place.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{GenericArgument, PathArguments, Type};

use super::parse::{Field, Struct, last_ident};
use super::read::{Reading, read, skip};

pub(super) fn expand(model: &Struct) -> TokenStream {
    let owned = &model.name;
    let label = owned.to_string();
    let name = format_ident!("{owned}View");
    let visibility = &model.visibility;
    let view_label = name.to_string();
    let names = model.fields.iter().map(|field| &field.name);
    let labels = model.fields.iter().map(Field::label);
    let about = format!("[`{owned}`], read in place.");
    let fields = model.fields.iter().map(|field| {
        let (name, docs) = (&field.name, &field.docs);
        let ty = ty(&field.ty);
        quote! { #(#docs)* pub #name: #ty, }
    });
    let read = read(model, &label, &Reading::View);
    let skip = skip(model, &label);
    let defaults = model.fields.iter().map(|field| {
        let name = &field.name;
        let default = Reading::View.default(field);
        quote! { #name: #default, }
    });
    let throttle = model.has_throttle_time().then(|| {
        quote! {
            #[inline]
            fn view_throttle_time_ms(view: &Self::View<'_>) -> i32 {
                view.throttle_time_ms
            }
        }
    });
    let message = model.message.as_ref().map(|_| {
        quote! {
            impl ::kafka_client_protocol::ViewMessage for #owned {
                type View<'a> = #name<'a>;
                #throttle
            }
        }
    });
    quote! {
        #[doc = #about]
        #[derive(Clone)]
        #visibility struct #name<'a> {
            #(#fields)*
            frame: ::core::marker::PhantomData<&'a [u8]>,
        }

        impl ::core::fmt::Debug for #name<'_> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#view_label)#(.field(#labels, &self.#names))*.finish()
            }
        }

        impl<'a> ::core::default::Default for #name<'a> {
            #[inline]
            fn default() -> Self {
                Self { #(#defaults)* frame: ::core::marker::PhantomData }
            }
        }

        impl<'a> ::kafka_client_protocol::wire::View<'a> for #name<'a> {
            // Into the caller's loop, where what it does not look at is not even made.
            #[inline(always)]
            fn view(
                input: &mut ::kafka_client_protocol::wire::Reader<'a>,
                version: ::kafka_client_protocol::wire::Version,
            ) -> ::core::result::Result<Self, ::kafka_client_protocol::DecodeError> {
                #read
            }

            #[inline]
            fn skip(
                input: &mut ::kafka_client_protocol::wire::Reader<'a>,
                version: ::kafka_client_protocol::wire::Version,
            ) -> ::core::result::Result<(), ::kafka_client_protocol::DecodeError> {
                #skip
            }
        }

        // As `NullableWire`: a presence byte comes first.
        impl<'a> ::kafka_client_protocol::wire::View<'a> for ::core::option::Option<#name<'a>> {
            #[inline]
            fn view(
                input: &mut ::kafka_client_protocol::wire::Reader<'a>,
                version: ::kafka_client_protocol::wire::Version,
            ) -> ::core::result::Result<Self, ::kafka_client_protocol::DecodeError> {
                ::kafka_client_protocol::wire::view_nullable(input, version)
            }
        }

        #message
    }
}

/// The type of a field that is read in place.
pub(super) fn ty(owned: &Type) -> TokenStream {
    let Some(name) = last_ident(owned) else {
        return owned.to_token_stream();
    };
    match name.to_string().as_str() {
        "StrBytes" => quote!(&'a str),
        "Bytes" => quote!(&'a [u8]),
        "bool" | "i8" | "i16" | "u16" | "i32" | "u32" | "i64" | "f64" | "Uuid" => {
            owned.to_token_stream()
        }
        "Vec" => {
            let element = argument(owned).map(ty);
            quote!(::kafka_client_protocol::wire::ArrayView<'a, #element>)
        }
        "Option" => {
            let inner = argument(owned).map(ty);
            quote!(::core::option::Option<#inner>)
        }
        _ => {
            let view = format_ident!("{name}View");
            quote!(#view<'a>)
        }
    }
}

/// `T` of `Vec<T>`.
pub(super) fn argument(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    match &path.path.segments.last()?.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        },
        _ => None,
    }
}
