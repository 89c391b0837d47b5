//! A schema, with its references followed.

use serde_json::{Map, Value};

use crate::compatibility::InvalidSchema;

/// A JSON Schema, read for the rules of compatibility.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonModel {
    root: Value,
    /// What it refers to, by the names that it uses.
    others: Vec<(String, Value)>,
}

/// A schema within its document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) document: &'a Value,
    pub(super) model: &'a JsonModel,
    pub(super) value: &'a Value,
}

/// What kind of values a schema is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind<'a> {
    /// All values.
    Anything,
    /// None.
    Nothing,
    Null,
    Boolean,
    Number,
    Text,
    Object,
    Array,
    /// `enum` or `const`.
    Values(Vec<&'a Value>),
    /// `not`.
    Not(Node<'a>),
    Combined(Criterion, Vec<Part<'a>>),
    /// A reference that leads nowhere.
    Unknown(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Criterion {
    All,
    Any,
    One,
}

/// One of several schemas: a whole one, or one aspect of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) node: Node<'a>,
    pub(super) aspect: Aspect<'a>,
}

/// Which keywords of a schema are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aspect<'a> {
    Whole,
    /// As if its `type` were this one, without what is combined.
    Type(&'a str),
    /// Several types.
    Types,
    Values,
    Not,
    /// `allOf`, `anyOf` or `oneOf`.
    Combined(&'static str, Criterion),
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialEq for Part<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node && self.aspect == other.aspect
    }
}

impl JsonModel {
    /// Reads a schema. `others` are those that it refers to, by the names that it does so.
    ///
    /// # Errors
    /// When it is no JSON, or neither an object nor a truth.
    pub fn parse(text: &str, others: &[(&str, &str)]) -> Result<Self, InvalidSchema> {
        let read = |text: &str| {
            let value: Value = serde_json::from_str(text)
                .map_err(|error| InvalidSchema(format!("the schema is no JSON: {error}")))?;
            match value {
                Value::Object(_) | Value::Bool(_) => Ok(value),
                other => Err(InvalidSchema(format!("{other} is no JSON Schema"))),
            }
        };
        let others: Result<Vec<_>, _> = others
            .iter()
            .map(|(name, text)| Ok(((*name).to_owned(), read(text)?)))
            .collect();
        Ok(Self {
            root: read(text)?,
            others: others?,
        })
    }

    pub(super) fn node(&self) -> Node<'_> {
        Node {
            document: &self.root,
            model: self,
            value: &self.root,
        }
    }
}

/// References that lead to references: no more of them.
const HOPS_MAX: usize = 32;

impl<'a> Node<'a> {
    pub(super) fn at(self, value: &'a Value) -> Self {
        Self { value, ..self }
    }

    pub(super) fn get(self, keyword: &str) -> Option<&'a Value> {
        self.value.get(keyword)
    }

    pub(super) fn inner(self, keyword: &str) -> Option<Self> {
        self.get(keyword).map(|value| self.at(value))
    }

    /// Where its reference leads.
    ///
    /// # Errors
    /// The reference, if it leads nowhere.
    pub(super) fn followed(self) -> Result<Self, String> {
        let mut node = self;
        for _ in 0..HOPS_MAX {
            let Some(reference) = node.get("$ref").and_then(Value::as_str) else {
                return Ok(node);
            };
            if let Some(keyword) = node.beside_reference() {
                return Err(format!("a reference with {keyword} beside it"));
            }
            node = node.refer(reference).ok_or_else(|| reference.to_owned())?;
        }
        Err("a reference that leads to itself".to_owned())
    }

    /// A keyword that a reference has beside it: old drafts do not look at it, and new ones do.
    fn beside_reference(self) -> Option<&'a str> {
        const WORDS: [&str; 11] = [
            "$ref",
            "title",
            "description",
            "default",
            "examples",
            "$comment",
            "definitions",
            "$defs",
            "$schema",
            "$id",
            "$anchor",
        ];
        let mut keywords = self.value.as_object()?.keys();
        keywords
            .find(|keyword| !WORDS.contains(&keyword.as_str()))
            .map(String::as_str)
    }

    fn refer(self, reference: &str) -> Option<Self> {
        let (name, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let own = self.document.get("$id").and_then(Value::as_str);
        let document = match name {
            "" => self.document,
            name if own == Some(name) => self.document,
            name => {
                let mut others = self.model.others.iter();
                &others.find(|(known, _)| known == name)?.1
            }
        };
        let value = match fragment {
            "" => document,
            pointer if pointer.starts_with('/') => document.pointer(&unescaped(pointer))?,
            anchor => find_anchor(document, anchor)?,
        };
        Some(Self {
            document,
            value,
            ..self
        })
    }

    pub(super) fn whole(self) -> Part<'a> {
        Part {
            node: self,
            aspect: Aspect::Whole,
        }
    }
}

impl<'a> Part<'a> {
    /// Where a whole schema's reference leads.
    ///
    /// # Errors
    /// The reference, if it leads nowhere.
    pub(super) fn followed(self) -> Result<Self, String> {
        match self.aspect {
            Aspect::Whole => Ok(self.node.followed()?.whole()),
            _ => Ok(self),
        }
    }

    /// What it is about. A schema that says several things, such as a type and a list of values, is all of them.
    pub(super) fn kind(self) -> Kind<'a> {
        match self.aspect {
            Aspect::Whole => self.whole(),
            Aspect::Type(name) => kind_of(name),
            Aspect::Types => self.types(),
            Aspect::Values => Kind::Values(values(self.node)),
            Aspect::Not => match self.node.inner("not") {
                Some(not) => Kind::Not(not),
                None => Kind::Anything,
            },
            Aspect::Combined(keyword, criterion) => {
                let parts = self.node.get(keyword).and_then(Value::as_array);
                let parts = parts.into_iter().flatten();
                let parts = parts.map(|value| self.node.at(value).whole()).collect();
                Kind::Combined(criterion, parts)
            }
        }
    }

    fn whole(self) -> Kind<'a> {
        let node = match self.node.followed() {
            Ok(node) => node,
            Err(reference) => return Kind::Unknown(reference),
        };
        let object = match node.value {
            Value::Bool(true) => return Kind::Anything,
            Value::Bool(false) => return Kind::Nothing,
            Value::Object(object) => object,
            other => return Kind::Unknown(other.to_string()),
        };
        let part = |aspect| Part { node, aspect };
        let mut parts = Vec::new();
        match object.get("type") {
            Some(Value::String(name)) => parts.push(part(Aspect::Type(name))),
            Some(Value::Array(_)) => parts.push(part(Aspect::Types)),
            _ => parts.extend(implied(object).map(|name| part(Aspect::Type(name)))),
        }
        if object.contains_key("enum") || object.contains_key("const") {
            // The values say all that their type does.
            parts.clear();
            parts.push(part(Aspect::Values));
        }
        for (keyword, criterion) in [
            ("allOf", Criterion::All),
            ("anyOf", Criterion::Any),
            ("oneOf", Criterion::One),
        ] {
            if object.get(keyword).is_some_and(Value::is_array) {
                parts.push(part(Aspect::Combined(keyword, criterion)));
            }
        }
        if object.contains_key("not") {
            parts.push(part(Aspect::Not));
        }
        match parts.as_slice() {
            [] => Kind::Anything,
            [one] => one.kind(),
            _ => Kind::Combined(Criterion::All, parts),
        }
    }

    fn types(self) -> Kind<'a> {
        let names = self.node.get("type").and_then(Value::as_array);
        let names = names.into_iter().flatten().filter_map(Value::as_str);
        let parts = names.map(|name| Part {
            node: self.node,
            aspect: Aspect::Type(name),
        });
        Kind::Combined(Criterion::Any, parts.collect())
    }

    /// Whether a number has to be whole.
    pub(super) fn is_integer(self) -> bool {
        match self.aspect {
            Aspect::Type(name) => name == "integer",
            _ => self.node.get("type").and_then(Value::as_str) == Some("integer"),
        }
    }
}

fn values(node: Node<'_>) -> Vec<&Value> {
    match (
        node.get("enum").and_then(Value::as_array),
        node.get("const"),
    ) {
        (Some(values), _) => values.iter().collect(),
        (None, Some(value)) => vec![value],
        (None, None) => Vec::new(),
    }
}

fn kind_of(name: &str) -> Kind<'static> {
    match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "number" | "integer" => Kind::Number,
        "string" => Kind::Text,
        "object" => Kind::Object,
        "array" => Kind::Array,
        other => Kind::Unknown(other.to_owned()),
    }
}

/// The type of a schema that names none, by its keywords.
fn implied(object: &Map<String, Value>) -> Option<&'static str> {
    const KEYWORDS: [(&str, &[&str]); 4] = [
        (
            "object",
            &[
                "properties",
                "required",
                "additionalProperties",
                "patternProperties",
                "minProperties",
                "maxProperties",
                "dependencies",
                "dependentRequired",
            ],
        ),
        (
            "array",
            &[
                "items",
                "prefixItems",
                "additionalItems",
                "minItems",
                "maxItems",
                "uniqueItems",
            ],
        ),
        ("string", &["minLength", "maxLength", "pattern"]),
        (
            "number",
            &[
                "minimum",
                "maximum",
                "exclusiveMinimum",
                "exclusiveMaximum",
                "multipleOf",
            ],
        ),
    ];
    let has = |keywords: &[&str]| keywords.iter().any(|keyword| object.contains_key(*keyword));
    KEYWORDS
        .iter()
        .find(|(_, keywords)| has(keywords))
        .map(|(name, _)| *name)
}

fn unescaped(pointer: &str) -> String {
    pointer
        .replace("%25", "%")
        .replace("%24", "$")
        .replace("%22", "\"")
}

fn find_anchor<'a>(value: &'a Value, anchor: &str) -> Option<&'a Value> {
    match value {
        Value::Object(object) => {
            let has = |keyword: &str, wanted: &str| {
                object.get(keyword).and_then(Value::as_str) == Some(wanted)
            };
            if has("$anchor", anchor) || has("$id", &format!("#{anchor}")) {
                return Some(value);
            }
            object.values().find_map(|inner| find_anchor(inner, anchor))
        }
        Value::Array(values) => values.iter().find_map(|inner| find_anchor(inner, anchor)),
        _ => None,
    }
}
