//! Reads `#[kafka(..)]` and `#[serde(..)]` attributes; knows their form, not what they mean.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Data, DeriveInput, Expr, ExprLit, ExprPath, Field, Fields, Lit, LitStr, Meta, Path,
    Token, WherePredicate, parse_quote,
};

use super::errors::Errors;
use super::names::{self, Place};

/// The type with its attributes read.
pub(super) struct Parsed<'a> {
    pub(super) input: &'a DeriveInput,
    pub(super) attributes: TypeAttributes,
    /// Those of a struct with named fields, else none.
    pub(super) fields: Vec<(&'a Field, FieldAttributes)>,
}

#[derive(Default)]
pub(super) struct TypeAttributes {
    pub(super) topic: Option<LitStr>,
    pub(super) format: Option<Ident>,
    pub(super) krate: Option<Path>,
    pub(super) serde: TypeSerde,
}

/// `#[serde(..)]` on the type.
#[derive(Default)]
pub(super) struct TypeSerde {
    pub(super) default: Option<SerdeDefault>,
    pub(super) bounds: SerdeBounds,
    /// All but `default` and `crate`, which have to be written anew.
    pub(super) passed_on: Vec<Meta>,
}

/// `#[serde(default)]` or `#[serde(default = "path")]`.
pub(super) enum SerdeDefault {
    Trait,
    Path(ExprPath),
}

/// `#[serde(bound = "..")]` or `#[serde(bound(serialize = "..", deserialize = ".."))]`.
#[derive(Default)]
pub(super) struct SerdeBounds {
    pub(super) serialize: Option<Vec<WherePredicate>>,
    pub(super) deserialize: Option<Vec<WherePredicate>>,
}

#[derive(Default)]
pub(super) struct FieldAttributes {
    /// The word `key`.
    pub(super) key: Option<Ident>,
    pub(super) header: Option<LitStr>,
    /// The word `timestamp`.
    pub(super) timestamp: Option<Ident>,
    /// The arguments of `#[serde(..)]`.
    pub(super) serde: Vec<Meta>,
    pub(super) bounds: SerdeBounds,
}

pub(super) fn parse<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Parsed<'a> {
    let attributes = of_type(&input.attrs, errors);
    let mut fields = Vec::new();
    if let Data::Struct(data) = &input.data
        && let Fields::Named(named) = &data.fields
    {
        fields.extend(
            named
                .named
                .iter()
                .map(|field| (field, of_field(field, errors))),
        );
    }
    Parsed {
        input,
        attributes,
        fields,
    }
}

fn of_type(attributes: &[Attribute], errors: &mut Errors) -> TypeAttributes {
    let mut read = TypeAttributes::default();
    each_kafka(attributes, errors, |name, meta, errors| {
        match name.to_string().as_str() {
            "topic" => set_once(&mut read.topic, name, topic(meta)?, errors),
            "format" => set_once(&mut read.format, name, format(meta)?, errors),
            "crate" => set_once(&mut read.krate, name, krate(meta)?, errors),
            other => {
                errors.at(name, names::unknown_attribute(other, Place::Type));
                skip_argument(meta)?;
            }
        }
        Ok(())
    });
    read.serde = serde_of_type(serde(attributes, errors), errors);
    read
}

fn of_field(field: &Field, errors: &mut Errors) -> FieldAttributes {
    let mut read = FieldAttributes::default();
    each_kafka(&field.attrs, errors, |name, meta, errors| {
        match name.to_string().as_str() {
            "key" => set_once(&mut read.key, name, bare(name, meta)?, errors),
            "timestamp" => set_once(&mut read.timestamp, name, bare(name, meta)?, errors),
            "header" => set_once(&mut read.header, name, header(field, name, meta)?, errors),
            other => {
                errors.at(name, names::unknown_attribute(other, Place::Field));
                skip_argument(meta)?;
            }
        }
        Ok(())
    });
    read.serde = serde(&field.attrs, errors);
    read.bounds = serde_bounds(&read.serde, errors);
    read
}

/// Calls `read` with each `name ..` in `#[kafka(name .., name ..)]`. An error ends only the
/// attribute it is in.
fn each_kafka(
    attributes: &[Attribute],
    errors: &mut Errors,
    mut read: impl FnMut(&Ident, &ParseNestedMeta<'_>, &mut Errors) -> syn::Result<()>,
) {
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("kafka"))
    {
        let result = attribute.parse_nested_meta(|meta| match meta.path.get_ident() {
            Some(name) => read(name, &meta, errors),
            None => Err(meta.error("expected a single word such as `key`")),
        });
        if let Err(error) = result {
            errors.push(error);
        }
    }
}

fn set_once<T>(place: &mut Option<T>, name: &Ident, value: T, errors: &mut Errors) {
    if place.is_some() {
        errors.at(name, format!("`{name}` is given twice"));
    } else {
        *place = Some(value);
    }
}

fn topic(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    text(meta, "expected `topic = \"name\"`")
}

fn header(field: &Field, name: &Ident, meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    let suggested = field.ident.as_ref().map(IdentExt::unraw);
    let wanted = match suggested {
        Some(field) => format!("name the header: `header = \"{field}\"`"),
        None => "name the header: `header = \"..\"`".to_owned(),
    };
    if !meta.input.peek(Token![=]) {
        return Err(syn::Error::new_spanned(name, wanted));
    }
    text(meta, &wanted)
}

fn text(meta: &ParseNestedMeta<'_>, wanted: &str) -> syn::Result<LitStr> {
    if !meta.input.peek(Token![=]) {
        return Err(meta.error(wanted));
    }
    let value = meta.value()?;
    value
        .parse()
        .map_err(|error| syn::Error::new(error.span(), wanted))
}

fn format(meta: &ParseNestedMeta<'_>) -> syn::Result<Ident> {
    if !meta.input.peek(Token![=]) {
        return Err(meta.error("expected `format = json`"));
    }
    let value = meta.value()?;
    if value.peek(LitStr) {
        let quoted: LitStr = value.parse()?;
        let plain = format!("write it without quotes: `format = {}`", quoted.value());
        return Err(syn::Error::new_spanned(quoted, plain));
    }
    let name = Ident::parse_any(value)?;
    if value.peek(syn::token::Paren) {
        skip_tree(value)?; // Formats to come take options: let the name be the message.
    }
    Ok(name)
}

/// A path, in quotes or not: serde users are used to quotes.
fn krate(meta: &ParseNestedMeta<'_>) -> syn::Result<Path> {
    if !meta.input.peek(Token![=]) {
        return Err(meta.error("expected `crate = path::to::kafka_client`"));
    }
    let value = meta.value()?;
    if value.peek(LitStr) {
        return value.parse::<LitStr>()?.parse_with(Path::parse_mod_style);
    }
    Path::parse_mod_style(value)
}

fn bare(name: &Ident, meta: &ParseNestedMeta<'_>) -> syn::Result<Ident> {
    if meta.input.is_empty() || meta.input.peek(Token![,]) {
        return Ok(name.clone());
    }
    Err(syn::Error::new_spanned(
        name,
        format!("`{name}` takes no argument"),
    ))
}

fn skip_argument(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    while !meta.input.is_empty() && !meta.input.peek(Token![,]) {
        skip_tree(meta.input)?;
    }
    Ok(())
}

fn skip_tree(input: ParseStream<'_>) -> syn::Result<()> {
    input.parse::<TokenTree>().map(drop)
}

fn serde(attributes: &[Attribute], errors: &mut Errors) -> Vec<Meta> {
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

fn serde_of_type(metas: Vec<Meta>, errors: &mut Errors) -> TypeSerde {
    let mut read = TypeSerde {
        bounds: serde_bounds(&metas, errors),
        ..TypeSerde::default()
    };
    for meta in metas {
        if meta.path().is_ident("default") {
            match serde_default(&meta) {
                Ok(default) => read.default = Some(default),
                Err(error) => errors.push(error),
            }
        } else if !meta.path().is_ident("crate") {
            read.passed_on.push(meta);
        }
    }
    read
}

fn serde_default(meta: &Meta) -> syn::Result<SerdeDefault> {
    match meta {
        Meta::Path(_) => Ok(SerdeDefault::Trait),
        Meta::NameValue(pair) => Ok(SerdeDefault::Path(quoted(&pair.value)?.parse()?)),
        Meta::List(_) => Err(syn::Error::new_spanned(
            meta,
            "expected `default = \"path\"`",
        )),
    }
}

fn serde_bounds(metas: &[Meta], errors: &mut Errors) -> SerdeBounds {
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
