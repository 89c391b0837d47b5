//! The size of a struct in a version, and its bytes.

use proc_macro2::TokenStream;
use quote::quote;

use super::fields::{forbidden_null, is_fixed, is_set, present, split, within};
use super::parse::{Field, Struct};

pub(super) fn size(model: &Struct, owner: &str) -> TokenStream {
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

pub(super) fn write(model: &Struct) -> TokenStream {
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
