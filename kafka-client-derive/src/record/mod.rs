//! `#[derive(KafkaRecord)]` and its siblings: parse attributes -> model of the type -> check -> expand.
//!
//! Each step collects what is wrong and goes on, so that one compilation shows all of it. With
//! anything wrong, the type gets an implementation that is never run: code that uses the type
//! still compiles, and the user reads our messages only.

use std::mem;

use proc_macro2::TokenStream;
use syn::DeriveInput;

pub(crate) use check::topic_named;
pub(crate) use errors::Errors;
use expand::implementation::fallback;
pub(crate) use headers::derive as derive_headers;
use model::{Record, Shape};
use names::Derive;
pub(crate) use records::derive as derive_records;
pub(crate) use similar::suggestion;

mod bounds;
mod change;
mod check;
mod errors;
mod expand;
mod headers;
mod model;
mod names;
mod parse;
mod records;
mod similar;

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let mut parsed = parse::parse(&input, Derive::Record, &mut errors);
    let variants = mem::take(&mut parsed.variants);
    let record = Record::new(parsed);
    let expanded = match record.shape {
        Shape::Enum(_) => {
            let change = change::model(&record, variants, &mut errors);
            errors
                .is_empty()
                .then_some(change)
                .flatten()
                .as_ref()
                .map(expand::change::expand)
        }
        _ => {
            check::check(&record, &mut errors);
            errors.is_empty().then(|| expand::expand(&record))
        }
    };
    expanded.unwrap_or_else(|| {
        let mut tokens = errors.into_compile_errors().unwrap_or_default();
        tokens.extend(fallback(&record.krate, record.name, record.generics));
        tokens
    })
}
