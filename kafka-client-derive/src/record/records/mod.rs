//! `#[derive(KafkaRecords)]`: an enum of the types of records that are in one topic.

mod case;
mod check;
mod expand;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Data, DeriveInput, Fields, Generics, LitStr, Path, Type, parse_quote};

use self::case::Case;
use super::errors::Errors;
use super::expand::implementation::fallback;
use super::names::Derive;
use super::parse::arguments::Dispatch;
use super::parse::{self, ParsedVariant};

/// The enum; every rule is checked elsewhere.
struct Records<'a> {
    name: &'a Ident,
    generics: &'a Generics,
    /// The path of `kafka_client`.
    krate: Path,
    topic: Option<LitStr>,
    dispatch: Option<Dispatch>,
    rename_all: Option<LitStr>,
    is_enum: bool,
    variants: Vec<Variant<'a>>,
}

struct Variant<'a> {
    name: &'a Ident,
    /// The type of the record in it; `None` if it is not one in parentheses.
    ty: Option<&'a Type>,
    /// What the type is called in a record.
    shown: String,
    rename: Option<LitStr>,
    /// The word `other`.
    other: Option<Ident>,
}

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let records = Records::new(&input, &mut errors);
    check::check(&records, &mut errors);
    match errors.into_compile_errors() {
        None => expand::expand(&records),
        Some(mut tokens) => {
            tokens.extend(fallback(&records.krate, records.name, records.generics));
            tokens
        }
    }
}

impl<'a> Records<'a> {
    fn new(input: &'a DeriveInput, errors: &mut Errors) -> Self {
        let parsed = parse::parse(input, Derive::Records, errors);
        let attributes = parsed.attributes;
        let case = attributes.rename_all.as_ref().and_then(Case::of);
        let variants = parsed.variants.into_iter();
        Self {
            name: &input.ident,
            generics: &input.generics,
            krate: attributes
                .krate
                .unwrap_or_else(|| parse_quote!(::kafka_client)),
            topic: attributes.topic,
            dispatch: attributes.dispatch,
            rename_all: attributes.rename_all,
            is_enum: matches!(input.data, Data::Enum(_)),
            variants: variants.map(|parsed| Variant::new(parsed, case)).collect(),
        }
    }

    /// The types that have a name.
    fn known(&self) -> impl Iterator<Item = &Variant<'a>> {
        self.variants
            .iter()
            .filter(|variant| variant.other.is_none())
    }

    /// Where all other records go.
    fn other(&self) -> Option<&Variant<'a>> {
        self.variants.iter().find(|variant| variant.other.is_some())
    }
}

impl<'a> Variant<'a> {
    fn new(parsed: ParsedVariant<'a>, case: Option<Case>) -> Self {
        let name = &parsed.variant.ident;
        let ty = match &parsed.variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Some(&fields.unnamed[0].ty),
            _ => None,
        };
        let rename = parsed.attributes.rename;
        let shown = match &rename {
            Some(rename) => rename.value(),
            None => case::apply(case, name),
        };
        Self {
            name,
            ty,
            shown,
            rename,
            other: parsed.attributes.other,
        }
    }

    /// What says its name.
    fn named_by(&self) -> &dyn ToTokens {
        match &self.rename {
            Some(rename) => rename,
            None => self.name,
        }
    }
}
