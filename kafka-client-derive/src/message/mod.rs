//! `#[derive(Message)]`: attributes are parsed into a model, the model is expanded.

mod expand;
mod fields;
mod parse;
mod read;
mod schema;
mod view;
mod write;

use proc_macro2::TokenStream;
use syn::DeriveInput;

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    match parse::Struct::parse(input) {
        Ok(model) => expand::expand(&model),
        Err(error) => error.into_compile_error(),
    }
}
