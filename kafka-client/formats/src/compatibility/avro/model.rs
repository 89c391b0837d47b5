//! A schema in Avro, as the rules of compatibility see it.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::compatibility::InvalidSchema;

/// A schema in Avro, read for the rules of compatibility. Two are equal if the same bytes mean the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvroModel {
    pub(super) types: Vec<Type>,
    pub(super) root: Id,
}

/// A type's place in the model. Types may contain themselves.
pub(super) type Id = usize;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(Id),
    Map(Id),
    Union(Vec<Id>),
    Fixed(Names, u64),
    Enum(Names, Vec<String>, Option<String>),
    Record(Names, Vec<Field>),
    /// Until all is read: a type by its name.
    Named(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) full: String,
    pub(super) aliases: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) of: Id,
    pub(super) has_default: bool,
}

impl AvroModel {
    /// Reads a schema. `others` are those that it refers to.
    ///
    /// # Errors
    /// When it is no schema in Avro, or names a type that is in none of them.
    pub fn parse(text: &str, others: &[&str]) -> Result<Self, InvalidSchema> {
        let mut reader = Reader::default();
        for other in others {
            reader.schema(&json(other)?, "")?;
        }
        let root = reader.schema(&json(text)?, "")?;
        reader.resolve(root)
    }

    /// The full name of its type, if that has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.types[self.root]
            .names()
            .map(|names| names.full.as_str())
    }
}

impl Type {
    pub(super) fn names(&self) -> Option<&Names> {
        match self {
            Self::Fixed(names, _) | Self::Enum(names, ..) | Self::Record(names, _) => Some(names),
            _ => None,
        }
    }
}

fn json(text: &str) -> Result<Value, InvalidSchema> {
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        // A primitive without quotes, as some registries have it.
        Err(_) if primitive(text.trim()).is_some() => Ok(Value::from(text.trim())),
        Err(error) => Err(InvalidSchema(format!("it is no JSON: {error}"))),
    }
}

fn primitive(name: &str) -> Option<Type> {
    Some(match name {
        "null" => Type::Null,
        "boolean" => Type::Boolean,
        "int" => Type::Int,
        "long" => Type::Long,
        "float" => Type::Float,
        "double" => Type::Double,
        "bytes" => Type::Bytes,
        "string" => Type::String,
        _ => return None,
    })
}

#[derive(Default)]
struct Reader {
    types: Vec<Type>,
    named: HashMap<String, Id>,
}

impl Reader {
    fn add(&mut self, of: Type) -> Id {
        self.types.push(of);
        self.types.len() - 1
    }

    fn schema(&mut self, value: &Value, namespace: &str) -> Result<Id, InvalidSchema> {
        match value {
            Value::String(name) => Ok(match primitive(name) {
                Some(of) => self.add(of),
                None => self.add(Type::Named(full_name(name, namespace))),
            }),
            Value::Array(branches) => self.union(branches, namespace),
            Value::Object(object) => self.object(object, namespace),
            other => Err(InvalidSchema(format!("{other} is no schema"))),
        }
    }

    fn union(&mut self, branches: &[Value], namespace: &str) -> Result<Id, InvalidSchema> {
        let mut ids = Vec::new();
        for branch in branches {
            if branch.is_array() {
                return Err(InvalidSchema("a union is directly in a union".to_owned()));
            }
            ids.push(self.schema(branch, namespace)?);
        }
        let mut kinds = std::collections::HashSet::new();
        for id in &ids {
            let of = &self.types[*id];
            let kind = match (of, of.names()) {
                (Type::Named(name), _) => name.clone(),
                (_, Some(names)) => names.full.clone(),
                (Type::Array(_), _) => "array".to_owned(),
                (Type::Map(_), _) => "map".to_owned(),
                (of, _) => format!("{of:?}"),
            };
            if !kinds.insert(kind.clone()) {
                return Err(InvalidSchema(format!("{kind} is twice in a union")));
            }
        }
        Ok(self.add(Type::Union(ids)))
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        namespace: &str,
    ) -> Result<Id, InvalidSchema> {
        let of = match object.get("type") {
            Some(Value::String(of)) => of.as_str(),
            // A schema in a schema, as `{"type": {"type": "string"}}`.
            Some(of) => return self.schema(of, namespace),
            None => return Err(InvalidSchema("a schema has no type".to_owned())),
        };
        match of {
            "array" => {
                let items = self.schema(part(object, "items")?, namespace)?;
                Ok(self.add(Type::Array(items)))
            }
            "map" => {
                let values = self.schema(part(object, "values")?, namespace)?;
                Ok(self.add(Type::Map(values)))
            }
            "fixed" => {
                let names = names(object, namespace)?;
                let size = part(object, "size")?.as_u64();
                let size = size.ok_or_else(|| wrong(&names.full, "size"))?;
                self.define(Type::Fixed(names, size))
            }
            "enum" => {
                let names = names(object, namespace)?;
                let symbols = strings(object.get("symbols"));
                let symbols = symbols.ok_or_else(|| wrong(&names.full, "symbols"))?;
                let default = object.get("default").and_then(Value::as_str);
                let default = default.map(str::to_owned);
                if default
                    .as_ref()
                    .is_some_and(|default| !symbols.contains(default))
                {
                    return Err(wrong(&names.full, "default"));
                }
                self.define(Type::Enum(names, symbols, default))
            }
            "record" | "error" => self.record(object, namespace),
            name => match primitive(name) {
                Some(of) => Ok(self.add(of)),
                None => Ok(self.add(Type::Named(full_name(name, namespace)))),
            },
        }
    }

    fn record(
        &mut self,
        object: &Map<String, Value>,
        namespace: &str,
    ) -> Result<Id, InvalidSchema> {
        let names = names(object, namespace)?;
        let full = names.full.clone();
        // It is known before its fields are read: they may be of its type.
        let id = self.define(Type::Record(names, Vec::new()))?;
        let within = full.rsplit_once('.').map_or("", |(namespace, _)| namespace);
        let fields = part(object, "fields")?.as_array();
        let mut read: Vec<Field> = Vec::new();
        for field in fields.ok_or_else(|| wrong(&full, "fields"))? {
            let field = field.as_object().ok_or_else(|| wrong(&full, "fields"))?;
            let name = part(field, "name")?.as_str();
            let name = name.ok_or_else(|| wrong(&full, "name of a field"))?;
            if read.iter().any(|known| known.name == name) {
                return Err(InvalidSchema(format!("{full} has two fields {name}")));
            }
            read.push(Field {
                name: name.to_owned(),
                aliases: strings(field.get("aliases")).unwrap_or_default(),
                of: self.schema(part(field, "type")?, within)?,
                has_default: field.contains_key("default"),
            });
        }
        if let Type::Record(_, fields) = &mut self.types[id] {
            *fields = read;
        }
        Ok(id)
    }

    /// Adds a type that has a name.
    fn define(&mut self, of: Type) -> Result<Id, InvalidSchema> {
        let full = of
            .names()
            .map(|names| names.full.clone())
            .unwrap_or_default();
        let id = self.add(of);
        match self.named.insert(full.clone(), id) {
            None => Ok(id),
            Some(_) => Err(InvalidSchema(format!("{full} is defined twice"))),
        }
    }

    /// Puts types in the place of their names.
    fn resolve(self, root: Id) -> Result<AvroModel, InvalidSchema> {
        let Self { mut types, named } = self;
        let find = |id: Id| match &types[id] {
            Type::Named(name) => named
                .get(name)
                .copied()
                .ok_or_else(|| InvalidSchema(format!("the type {name} is not defined"))),
            _ => Ok(id),
        };
        let places: Result<Vec<_>, _> = (0..types.len()).map(find).collect();
        let places = places?;
        for of in &mut types {
            match of {
                Type::Array(id) | Type::Map(id) => *id = places[*id],
                Type::Union(ids) => ids.iter_mut().for_each(|id| *id = places[*id]),
                Type::Record(_, fields) => {
                    fields
                        .iter_mut()
                        .for_each(|field| field.of = places[field.of]);
                }
                _ => {}
            }
        }
        Ok(AvroModel {
            types,
            root: places[root],
        })
    }
}

fn part<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a Value, InvalidSchema> {
    object
        .get(name)
        .ok_or_else(|| InvalidSchema(format!("a schema has no {name}")))
}

fn wrong(full: &str, what: &str) -> InvalidSchema {
    InvalidSchema(format!("the {what} of {full} is none"))
}

fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    let strings = value?.as_array()?.iter();
    strings
        .map(|value| value.as_str().map(str::to_owned))
        .collect()
}

fn names(object: &Map<String, Value>, namespace: &str) -> Result<Names, InvalidSchema> {
    let name = part(object, "name")?.as_str();
    let name = name.ok_or_else(|| InvalidSchema("a name is no text".to_owned()))?;
    let namespace = object
        .get("namespace")
        .and_then(Value::as_str)
        .unwrap_or(namespace);
    let full = full_name(name, namespace);
    let within = full.rsplit_once('.').map_or("", |(namespace, _)| namespace);
    let aliases = strings(object.get("aliases")).unwrap_or_default();
    let aliases = aliases
        .iter()
        .map(|alias| full_name(alias, within))
        .collect();
    Ok(Names { full, aliases })
}

fn full_name(name: &str, namespace: &str) -> String {
    match name.contains('.') || namespace.is_empty() {
        true => name.to_owned(),
        false => format!("{namespace}.{name}"),
    }
}
