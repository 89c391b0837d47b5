//! From attributes to the model of a struct.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprLit, ExprUnary, Field as SynField, Fields,
    Ident, Lit, Path, RangeLimits, Result, Type, UnOp,
};

/// A struct of the wire.
pub(super) struct Struct {
    pub(super) name: Ident,
    /// Present on messages, absent on structs inside of them.
    pub(super) message: Option<MessageAttributes>,
    pub(super) fields: Vec<Field>,
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
    pub(super) fn parse(input: &DeriveInput) -> Result<Self> {
        let Data::Struct(data) = &input.data else {
            return Err(Error::new_spanned(
                &input.ident,
                "`Message` is derived for structs",
            ));
        };
        let fields = match &data.fields {
            Fields::Named(fields) => fields
                .named
                .iter()
                .map(Field::parse)
                .collect::<Result<_>>()?,
            Fields::Unit => Vec::new(),
            Fields::Unnamed(fields) => {
                return Err(Error::new_spanned(
                    fields,
                    "the fields of a message have names",
                ));
            }
        };
        if !input.generics.params.is_empty() {
            return Err(Error::new_spanned(
                &input.generics,
                "messages have no generic parameters",
            ));
        }
        let mut message = None;
        for attribute in input
            .attrs
            .iter()
            .filter(|at| at.path().is_ident("message"))
        {
            message = Some(MessageAttributes::parse(attribute)?);
        }
        Ok(Self {
            name: input.ident.clone(),
            message,
            fields,
        })
    }
}

impl MessageAttributes {
    fn parse(attribute: &Attribute) -> Result<Self> {
        let mut versions = None;
        let mut this = Self {
            versions: Range::ALL,
            flexible: None,
            api_key: None,
            response: None,
        };
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("versions") {
                versions = Some(range(&meta)?);
            } else if meta.path.is_ident("flexible") {
                this.flexible = Some(integer(&meta.value()?.parse()?)? as i16);
            } else if meta.path.is_ident("api_key") {
                this.api_key = Some(integer(&meta.value()?.parse()?)? as i16);
            } else if meta.path.is_ident("response") {
                this.response = Some(meta.value()?.parse()?);
            } else {
                return Err(meta.error("expected `versions`, `flexible`, `api_key` or `response`"));
            }
            Ok(())
        })?;
        this.versions = versions
            .filter(|range| range.first != i16::MIN && range.last != i16::MAX)
            .ok_or_else(|| {
                Error::new_spanned(
                    attribute,
                    "a message has closed versions: `versions = 0..=9`",
                )
            })?;
        if this.response.is_some() && this.api_key.is_none() {
            return Err(Error::new_spanned(
                attribute,
                "`response` goes with `api_key`",
            ));
        }
        Ok(this)
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
        };
        for attribute in field.attrs.iter().filter(|at| at.path().is_ident("field")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("versions") {
                    this.versions = range(&meta)?;
                } else if meta.path.is_ident("nullable") {
                    this.nullable = Some(range(&meta)?);
                } else if meta.path.is_ident("tag") {
                    this.tag = Some(integer(&meta.value()?.parse()?)? as u32);
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
    matches!(ty, Type::Path(path)
        if path.path.segments.last().is_some_and(|segment| segment.ident == "Option"))
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
    let bound = |bound: &Option<Box<Expr>>, open| {
        bound
            .as_ref()
            .map_or(Ok(open), |bound| integer(bound).map(|value| value as i16))
    };
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

fn integer(expr: &Expr) -> Result<i64> {
    match expr {
        Expr::Lit(ExprLit {
            lit: Lit::Int(value),
            ..
        }) => value.base10_parse(),
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => integer(expr).map(|value| -value),
        _ => Err(Error::new_spanned(expr, "expected a number")),
    }
}
