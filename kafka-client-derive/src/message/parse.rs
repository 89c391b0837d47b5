//! From attributes to the model of a struct.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprLit, ExprUnary, Field as SynField, Fields,
    Ident, Lit, Path, RangeLimits, Result, Type, UnOp, Visibility,
};

/// A struct of the wire.
pub(super) struct Struct {
    pub(super) name: Ident,
    pub(super) visibility: Visibility,
    /// Present on messages, absent on structs inside of them.
    pub(super) message: Option<MessageAttributes>,
    /// Whether there is a form of it that is read in place.
    pub(super) view: bool,
    pub(super) fields: Vec<Field>,
    /// The field that keeps the tagged fields of later versions.
    pub(super) unknown: Option<Ident>,
}

/// What `#[message(..)]` says.
pub(super) struct MessageAttributes {
    pub(super) versions: Range,
    pub(super) flexible: Option<i16>,
    pub(super) api_key: Option<i16>,
    pub(super) response: Option<Path>,
}

/// A field with what `#[field(..)]` says.
pub(super) struct Field {
    pub(super) name: Ident,
    pub(super) ty: Type,
    pub(super) versions: Range,
    pub(super) nullable: Option<Range>,
    pub(super) tag: Option<u32>,
    pub(super) default: Option<Expr>,
    pub(super) ignorable: bool,
    pub(super) key: bool,
    /// Its documentation, for the view.
    pub(super) docs: Vec<Attribute>,
}

/// Versions from first to last, both included.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: i16,
    pub(super) last: i16,
}

impl Range {
    pub(super) const ALL: Self = Self {
        first: i16::MIN,
        last: i16::MAX,
    };
}

impl Struct {
    /// Whether it tells for how long its reader is to pause, as the answers of brokers do.
    pub(super) fn has_throttle_time(&self) -> bool {
        self.fields
            .iter()
            .any(|field| field.name == "throttle_time_ms")
    }

    pub(super) fn parse(input: &DeriveInput) -> Result<Self> {
        let Data::Struct(data) = &input.data else {
            return Err(Error::new_spanned(
                &input.ident,
                "`Message` is derived for structs",
            ));
        };
        let mut unknown = None;
        let mut fields = Vec::new();
        match &data.fields {
            Fields::Named(named) => {
                for field in &named.named {
                    if last_ident(&field.ty).is_some_and(|ident| ident == "TaggedFields") {
                        if unknown.is_some() {
                            return Err(Error::new_spanned(
                                field,
                                "one field keeps the tagged fields of later versions",
                            ));
                        }
                        unknown.clone_from(&field.ident);
                        continue;
                    }
                    let field = Field::parse(field)?;
                    let same_tag = |other: &Field| field.tag.is_some() && field.tag == other.tag;
                    if fields.iter().any(same_tag) {
                        return Err(Error::new_spanned(&field.name, "the tag is taken"));
                    }
                    fields.push(field);
                }
            }
            Fields::Unit => {}
            Fields::Unnamed(fields) => {
                return Err(Error::new_spanned(
                    fields,
                    "the fields of a message have names",
                ));
            }
        }
        if !input.generics.params.is_empty() {
            return Err(Error::new_spanned(
                &input.generics,
                "messages have no generic parameters",
            ));
        }
        let mut message = None;
        let mut view = false;
        for attribute in &input.attrs {
            if attribute.path().is_ident("message") {
                message = MessageAttributes::parse(attribute, &mut view)?;
            }
        }
        Ok(Self {
            name: input.ident.clone(),
            visibility: input.vis.clone(),
            message,
            view,
            fields,
            unknown,
        })
    }
}

impl MessageAttributes {
    /// `None` for a struct inside of a message, which has no versions of its own.
    fn parse(attribute: &Attribute, view: &mut bool) -> Result<Option<Self>> {
        let mut versions = None;
        let mut flexible = None;
        let mut api_key = None;
        let mut response = None;
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("versions") {
                versions = Some(range(&meta)?);
            } else if meta.path.is_ident("flexible") {
                flexible = Some(integer(&meta.value()?.parse()?)?);
            } else if meta.path.is_ident("api_key") {
                api_key = Some(integer(&meta.value()?.parse()?)?);
            } else if meta.path.is_ident("response") {
                response = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("view") {
                *view = true;
            } else {
                return Err(
                    meta.error("expected `versions`, `flexible`, `api_key`, `response` or `view`")
                );
            }
            Ok(())
        })?;
        if versions.is_none() && flexible.is_none() && api_key.is_none() && response.is_none() {
            return Ok(None);
        }
        let versions = versions
            .filter(|range| range.first != i16::MIN && range.last != i16::MAX)
            .ok_or_else(|| {
                Error::new_spanned(
                    attribute,
                    "a message has closed versions: `versions = 0..=9`",
                )
            })?;
        if response.is_some() && api_key.is_none() {
            return Err(Error::new_spanned(
                attribute,
                "`response` goes with `api_key`",
            ));
        }
        Ok(Some(Self {
            versions,
            flexible,
            api_key,
            response,
        }))
    }
}

impl Field {
    fn parse(field: &SynField) -> Result<Self> {
        let name = field
            .ident
            .clone()
            .unwrap_or_else(|| Ident::new("unnamed", Span::call_site()));
        let mut this = Self {
            name,
            ty: field.ty.clone(),
            versions: Range::ALL,
            nullable: None,
            tag: None,
            default: None,
            ignorable: false,
            key: false,
            docs: field
                .attrs
                .iter()
                .filter(|at| at.path().is_ident("doc"))
                .cloned()
                .collect(),
        };
        for attribute in field.attrs.iter().filter(|at| at.path().is_ident("field")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("versions") {
                    this.versions = range(&meta)?;
                } else if meta.path.is_ident("nullable") {
                    this.nullable = Some(range(&meta)?);
                } else if meta.path.is_ident("tag") {
                    this.tag = Some(integer(&meta.value()?.parse()?)?);
                } else if meta.path.is_ident("default") {
                    this.default = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("ignorable") {
                    this.ignorable = true;
                } else if meta.path.is_ident("key") {
                    this.key = true;
                } else {
                    return Err(meta.error(
                        "expected `versions`, `nullable`, `tag`, `default`, `ignorable` or `key`",
                    ));
                }
                Ok(())
            })?;
        }
        if this.nullable.is_some() && !is_option(&this.ty) {
            return Err(Error::new_spanned(
                &this.ty,
                "a nullable field is an `Option`",
            ));
        }
        Ok(this)
    }

    /// The name without a raw prefix, for errors and descriptions.
    pub(super) fn label(&self) -> String {
        self.name.unraw().to_string()
    }
}

fn is_option(ty: &Type) -> bool {
    last_ident(ty).is_some_and(|ident| ident == "Option")
}

/// The last part of a path: `StrBytes` of `crate::types::StrBytes`.
pub(super) fn last_ident(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}

/// `3..=13`, `..=12`, `13..`.
fn range(meta: &ParseNestedMeta<'_>) -> Result<Range> {
    let range = match meta.value()?.parse()? {
        Expr::Range(range) => range,
        other => {
            return Err(Error::new_spanned(
                &other,
                "expected a range of versions: `3..`",
            ));
        }
    };
    let bound =
        |bound: &Option<Box<Expr>>, open| bound.as_ref().map_or(Ok(open), |bound| integer(bound));
    if matches!(range.limits, RangeLimits::HalfOpen(_)) && range.end.is_some() {
        return Err(Error::new_spanned(
            &range,
            "write the last version too: `0..=9`",
        ));
    }
    Ok(Range {
        first: bound(&range.start, i16::MIN)?,
        last: bound(&range.end, i16::MAX)?,
    })
}

/// A number that fits its type, with or without a sign.
fn integer<N>(expr: &Expr) -> Result<N>
where
    N: TryFrom<i64>,
{
    let value = match expr {
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => -literal(expr)?,
        expr => literal(expr)?,
    };
    N::try_from(value).map_err(|_| Error::new_spanned(expr, "the number is out of range"))
}

fn literal(expr: &Expr) -> Result<i64> {
    match expr {
        Expr::Lit(ExprLit {
            lit: Lit::Int(value),
            ..
        }) => value.base10_parse(),
        _ => Err(Error::new_spanned(expr, "expected a number")),
    }
}
