//! What may follow the name of an attribute.

use proc_macro2::{Ident, TokenTree};
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::{ParseBuffer, ParseStream};
use syn::token::Paren;
use syn::{Field, LitStr, Path, Token, Type, parenthesized};

use super::super::similar::suggestion;

/// `key`, or `key(only)`.
pub(crate) struct Part {
    /// The word `key`.
    pub(crate) word: Ident,
    /// Whether the field is not in the value.
    pub(crate) only: bool,
}

/// `header = ".."`, or `header(name = "..", also)`.
pub(crate) struct Header {
    /// The word `header`.
    pub(crate) word: Ident,
    pub(crate) name: LitStr,
    /// Whether the field is in the value too.
    pub(crate) also: bool,
}

/// `dispatch = header("..")` or `dispatch = tag("..")`.
pub(crate) enum Dispatch {
    Header(LitStr),
    Tag(LitStr),
}

pub(crate) fn topic(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    text(meta, "expected `topic = \"name\"`")
}

pub(crate) fn content_type(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    text(meta, "expected `content_type = \"application/json\"`")
}

/// Nothing, or `(only)`.
pub(crate) fn part(word: &Ident, meta: &ParseNestedMeta<'_>) -> syn::Result<Part> {
    let mut part = Part {
        word: word.clone(),
        only: false,
    };
    if !meta.input.peek(Paren) {
        none_but(word, meta, &format!("write `{word}` or `{word}(only)`"))?;
        return Ok(part);
    }
    let inside = parentheses(meta)?;
    let option = Ident::parse_any(&inside).map_err(|error| {
        let wanted = format!("expected `only`: write `{word}` or `{word}(only)`");
        syn::Error::new(error.span(), wanted)
    })?;
    if option != "only" {
        let found = option.to_string();
        let message = format!(
            "unknown option `{found}`: {}",
            suggestion(&found, &["only"])
        );
        return Err(syn::Error::new_spanned(option, message));
    }
    part.only = true;
    if !inside.is_empty() {
        return Err(inside.error(format!("nothing more is expected: write `{word}(only)`")));
    }
    Ok(part)
}

pub(crate) fn header(
    field: &Field,
    word: &Ident,
    meta: &ParseNestedMeta<'_>,
) -> syn::Result<Header> {
    let suggested = match &field.ident {
        Some(field) => field.unraw().to_string(),
        None => "..".to_owned(),
    };
    if meta.input.peek(Paren) {
        return header_with_options(&suggested, word, meta);
    }
    let wanted = format!("name the header: `header = \"{suggested}\"`");
    if !meta.input.peek(Token![=]) {
        return Err(syn::Error::new_spanned(word, wanted));
    }
    Ok(Header {
        word: word.clone(),
        name: text(meta, &wanted)?,
        also: false,
    })
}

fn header_with_options(
    suggested: &str,
    word: &Ident,
    meta: &ParseNestedMeta<'_>,
) -> syn::Result<Header> {
    let wanted = format!("write `header(name = \"{suggested}\", also)`");
    let (mut name, mut also) = (None, false);
    let inside = parentheses(meta)?;
    while !inside.is_empty() {
        let option = Ident::parse_any(&inside)
            .map_err(|error| syn::Error::new(error.span(), wanted.as_str()))?;
        match option.to_string().as_str() {
            "name" => {
                let text = inside.parse::<Token![=]>().and_then(|_| inside.parse());
                name = Some(text.map_err(|error| syn::Error::new(error.span(), wanted.as_str()))?);
            }
            "also" => also = true,
            other => {
                let meant = suggestion(other, &["name", "also"]);
                let message = format!("unknown option `{other}`: {meant}");
                return Err(syn::Error::new_spanned(option, message));
            }
        }
        if !inside.is_empty() {
            inside.parse::<Token![,]>()?;
        }
    }
    match name {
        Some(name) => Ok(Header {
            word: word.clone(),
            name,
            also,
        }),
        None => Err(syn::Error::new_spanned(
            word,
            format!("name the header: {wanted}"),
        )),
    }
}

/// Nothing follows the word.
pub(crate) fn none(word: &Ident, meta: &ParseNestedMeta<'_>) -> syn::Result<Ident> {
    let wanted = match word == "headers" {
        true => {
            "`headers` takes no argument; for a single header, write `header = \"..\"`".to_owned()
        }
        false => format!("`{word}` takes no argument"),
    };
    none_but(word, meta, &wanted)?;
    Ok(word.clone())
}

fn none_but(word: &Ident, meta: &ParseNestedMeta<'_>, wanted: &str) -> syn::Result<()> {
    if meta.input.is_empty() || meta.input.peek(Token![,]) {
        return Ok(());
    }
    Err(syn::Error::new_spanned(word, wanted))
}

pub(crate) fn text(meta: &ParseNestedMeta<'_>, wanted: &str) -> syn::Result<LitStr> {
    if !meta.input.peek(Token![=]) {
        return Err(meta.error(wanted));
    }
    let value = meta.value()?;
    value
        .parse()
        .map_err(|error| syn::Error::new(error.span(), wanted))
}

pub(crate) fn format(meta: &ParseNestedMeta<'_>) -> syn::Result<Ident> {
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
    if value.peek(Paren) {
        skip_tree(value)?; // Formats to come take options: let the name be the message.
    }
    Ok(name)
}

pub(crate) fn dispatch(meta: &ParseNestedMeta<'_>) -> syn::Result<Dispatch> {
    let wanted = "say where the type of a record is found: `dispatch = header(\"type\")`, or \
                  `dispatch = tag(\"type\")` for a field of a value in JSON";
    if !meta.input.peek(Token![=]) {
        return Err(meta.error(wanted));
    }
    let value = meta.value()?;
    let by = Ident::parse_any(value).map_err(|error| syn::Error::new(error.span(), wanted))?;
    let found = by.to_string();
    let error = match found.as_str() {
        "header" | "tag" if value.peek(Paren) => {
            let inside;
            parenthesized!(inside in value);
            let name: LitStr = inside
                .parse()
                .map_err(|error| syn::Error::new(error.span(), wanted))?;
            if !inside.is_empty() {
                return Err(inside.error(wanted));
            }
            return Ok(match found.as_str() {
                "header" => Dispatch::Header(name),
                _ => Dispatch::Tag(name),
            });
        }
        "header" | "tag" => format!("give it a name: `dispatch = {found}(\"type\")`"),
        "schema" => "`dispatch = schema` is not available yet, it comes with the schema registry: \
                     use `header(\"type\")` or `tag(\"type\")`"
            .to_owned(),
        _ => format!(
            "unknown `dispatch`: {}",
            suggestion(&found, &["header", "tag"])
        ),
    };
    while !value.is_empty() && !value.peek(Token![,]) {
        skip_tree(value)?;
    }
    Err(syn::Error::new_spanned(by, error))
}

/// A type, in quotes or not.
pub(crate) fn codec(meta: &ParseNestedMeta<'_>) -> syn::Result<Type> {
    let wanted = "expected a type that implements `ValueCodec`: `with = MyCodec`";
    if !meta.input.peek(Token![=]) {
        return Err(meta.error(wanted));
    }
    let value = meta.value()?;
    let codec = match value.peek(LitStr) {
        true => value.parse::<LitStr>()?.parse(),
        false => value.parse(),
    };
    codec.map_err(|error: syn::Error| syn::Error::new(error.span(), wanted))
}

/// A path, in quotes or not: serde users are used to quotes.
pub(crate) fn krate(meta: &ParseNestedMeta<'_>) -> syn::Result<Path> {
    if !meta.input.peek(Token![=]) {
        return Err(meta.error("expected `crate = path::to::kafka_client`"));
    }
    let value = meta.value()?;
    if value.peek(LitStr) {
        return value.parse::<LitStr>()?.parse_with(Path::parse_mod_style);
    }
    Path::parse_mod_style(value)
}

/// Passes over what follows an unknown name.
pub(crate) fn skip(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    while !meta.input.is_empty() && !meta.input.peek(Token![,]) {
        skip_tree(meta.input)?;
    }
    Ok(())
}

fn skip_tree(input: ParseStream<'_>) -> syn::Result<()> {
    input.parse::<TokenTree>().map(drop)
}

fn parentheses<'a>(meta: &ParseNestedMeta<'a>) -> syn::Result<ParseBuffer<'a>> {
    let inside;
    parenthesized!(inside in meta.input);
    Ok(inside)
}
