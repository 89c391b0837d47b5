//! `#[derive(KafkaRecord)]` and its siblings: parse attributes -> model of the type -> check -> expand.
//!
//! Each step collects what is wrong and goes on, so that one compilation shows all of it. With
//! anything wrong, the type gets an implementation that is never run: code that uses the type
//! still compiles, and the user reads our messages only.

use proc_macro2::TokenStream;
use syn::DeriveInput;

pub(crate) use headers::derive as derive_headers;
use names::Derive;

mod bounds;
mod check;
mod errors;
mod expand;
mod headers;
mod model;
mod names;
mod parse;
mod similar;

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = errors::Errors::default();
    let parsed = parse::parse(&input, Derive::KafkaRecord, &mut errors);
    let model = model::Record::new(parsed);
    check::check(&model, &mut errors);
    match errors.into_compile_errors() {
        None => expand::expand(&model),
        Some(mut tokens) => {
            tokens.extend(expand::fallback(&model));
            tokens
        }
    }
}
