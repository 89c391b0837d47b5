//! Reads `#[serde(..)]` attributes, as far as they have to be written anew.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, ExprLit, ExprPath, Lit, LitStr, Meta, Token, WherePredicate, parse_quote,
};

use super::super::errors::Errors;

/// `#[serde(..)]` on the type.
#[derive(Default)]
pub(crate) struct TypeSerde {
    pub(crate) default: Option<SerdeDefault>,
    pub(crate) bounds: SerdeBounds,
    /// All but `default` and `crate`, which have to be written anew.
    pub(crate) passed_on: Vec<Meta>,
}

/// `#[serde(default)]` or `#[serde(default = "path")]`.
pub(crate) enum SerdeDefault {
    Trait,
    Path(ExprPath),
}

/// `#[serde(bound = "..")]` or `#[serde(bound(serialize = "..", deserialize = ".."))]`.
#[derive(Default, Clone)]
pub(crate) struct SerdeBounds {
    pub(crate) serialize: Option<Vec<WherePredicate>>,
    pub(crate) deserialize: Option<Vec<WherePredicate>>,
}

/// The arguments of all `#[serde(..)]`.
pub(crate) fn metas(attributes: &[Attribute], errors: &mut Errors) -> Vec<Meta> {
    let mut metas = Vec::new();
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
    {
        match attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) {
            Ok(parsed) => metas.extend(parsed),
            Err(error) => errors.push(error),
        }
    }
    metas
}

pub(crate) fn of_type(metas: Vec<Meta>, errors: &mut Errors) -> TypeSerde {
    let mut read = TypeSerde {
        bounds: bounds(&metas, errors),
        ..TypeSerde::default()
    };
    for meta in metas {
        if meta.path().is_ident("default") {
            match default(&meta) {
                Ok(default) => read.default = Some(default),
                Err(error) => errors.push(error),
            }
        } else if !meta.path().is_ident("crate") {
            read.passed_on.push(meta);
        }
    }
    read
}

fn default(meta: &Meta) -> syn::Result<SerdeDefault> {
    match meta {
        Meta::Path(_) => Ok(SerdeDefault::Trait),
        Meta::NameValue(pair) => Ok(SerdeDefault::Path(quoted(&pair.value)?.parse()?)),
        Meta::List(_) => Err(syn::Error::new_spanned(
            meta,
            "expected `default = \"path\"`",
        )),
    }
}

pub(crate) fn bounds(metas: &[Meta], errors: &mut Errors) -> SerdeBounds {
    let mut read = SerdeBounds::default();
    for meta in metas.iter().filter(|meta| meta.path().is_ident("bound")) {
        if let Err(error) = add_bound(meta, &mut read) {
            errors.push(error);
        }
    }
    read
}

fn add_bound(meta: &Meta, bounds: &mut SerdeBounds) -> syn::Result<()> {
    let mut add = |serialize: bool, text: &LitStr| {
        let parsed = text.parse_with(Punctuated::<WherePredicate, Token![,]>::parse_terminated)?;
        if serialize {
            bounds.serialize.get_or_insert_default().extend(parsed);
        } else {
            let owned = parsed.into_iter().map(for_any_input);
            bounds.deserialize.get_or_insert_default().extend(owned);
        }
        Ok(())
    };
    match meta {
        Meta::Path(_) => Err(syn::Error::new_spanned(meta, "expected `bound = \"..\"`")),
        Meta::NameValue(pair) => {
            let text = quoted(&pair.value)?;
            add(true, &text)?;
            add(false, &text)
        }
        Meta::List(list) => list.parse_nested_meta(|meta| {
            let serialize = meta.path.is_ident("serialize");
            if !serialize && !meta.path.is_ident("deserialize") {
                return Err(meta.error("expected `serialize` or `deserialize`"));
            }
            add(serialize, &meta.value()?.parse()?)
        }),
    }
}

/// A record is read from bytes that do not stay, so what holds for serde's `'de` holds for all.
fn for_any_input(predicate: WherePredicate) -> WherePredicate {
    match predicate {
        WherePredicate::Type(mut bound)
            if bound.lifetimes.is_none() && mentions_de(bound.to_token_stream()) =>
        {
            bound.lifetimes = Some(parse_quote!(for<'de>));
            WherePredicate::Type(bound)
        }
        other => other,
    }
}

fn mentions_de(tokens: TokenStream) -> bool {
    let mut after_quote = false;
    tokens.into_iter().any(|tree| {
        let is_de = after_quote && matches!(&tree, TokenTree::Ident(ident) if ident == "de");
        after_quote = matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == '\'');
        is_de || matches!(tree, TokenTree::Group(group) if mentions_de(group.stream()))
    })
}

fn quoted(value: &Expr) -> syn::Result<LitStr> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Ok(text.clone()),
        other => Err(syn::Error::new_spanned(other, "expected a string")),
    }
}
