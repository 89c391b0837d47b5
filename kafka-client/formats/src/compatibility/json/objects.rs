//! Properties and content models.

use std::collections::BTreeSet;

use serde_json::Value;

use super::model::{Kind, Node};
use super::rules::Comparison;
use super::values::Wider;

/// What a schema says of a property that it does not name.
enum Model<'a> {
    Open,
    Closed,
    /// This schema is for it.
    Schema(&'a Value),
    /// A pattern that is not understood may be for it.
    Unknown,
}

impl Comparison {
    pub(super) fn objects(&mut self, reader: Node<'_>, writer: Node<'_>) {
        self.limit("maxProperties", Wider::Up, reader, writer);
        self.limit("minProperties", Wider::Down, reader, writer);
        let names = names(reader).chain(names(writer)).collect::<BTreeSet<_>>();
        self.within("properties", |inner| {
            for name in names {
                inner.within(name, |inner| inner.property(name, reader, writer));
            }
        });
        self.required(reader, writer);
        self.additional(reader, writer);
        self.patterns(reader, writer);
        self.dependencies(reader, writer);
    }

    fn property(&mut self, name: &str, reader: Node<'_>, writer: Node<'_>) {
        match (property(reader, name), property(writer, name)) {
            (Some(read), Some(written)) => {
                if is_required(reader, name) && !is_required(writer, name) && !has_default(read) {
                    self.fails("it is required now, and has no default");
                }
                self.nodes(reader.at(read), writer.at(written));
            }
            (None, Some(written)) => match model_of(reader, name) {
                Model::Open => {}
                Model::Schema(rest) => self.nodes(reader.at(rest), writer.at(written)),
                Model::Closed if matches!(writer.at(written).whole().kind(), Kind::Nothing) => {}
                Model::Closed => self.fails("it is gone from a closed content model"),
                Model::Unknown => self.fails("a pattern may be for it, which is not known here"),
            },
            (Some(read), None) => self.added(name, read, reader, writer),
            (None, None) => {}
        }
    }

    fn added(&mut self, name: &str, read: &Value, reader: Node<'_>, writer: Node<'_>) {
        match model_of(writer, name) {
            Model::Open => {
                if !matches!(reader.at(read).whole().kind(), Kind::Anything) {
                    self.fails(
                        "it is new in an open content model, where anything was written before",
                    );
                }
                return;
            }
            Model::Schema(rest) => self.nodes(reader.at(read), writer.at(rest)),
            Model::Closed => {}
            Model::Unknown => self.fails("a pattern may be for it, which is not known here"),
        }
        if is_required(reader, name) && !has_default(read) {
            self.fails("it is new and required, and has no default");
        }
    }

    /// Properties that are required without being named.
    fn required(&mut self, reader: Node<'_>, writer: Node<'_>) {
        let required = reader.get("required").and_then(Value::as_array);
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        for name in required.filter(|name| property(reader, name).is_none()) {
            if !is_required(writer, name) {
                self.within("required", |inner| inner.fails(format!("{name} is new")));
            }
        }
    }

    /// Properties that neither names.
    fn additional(&mut self, reader: Node<'_>, writer: Node<'_>) {
        const KEYWORD: &str = "additionalProperties";
        let (read, written) = (reader.get(KEYWORD), writer.get(KEYWORD));
        self.within(KEYWORD, |inner| match (read, written) {
            (None | Some(Value::Bool(true)), _) => {}
            (Some(Value::Bool(false)), Some(Value::Bool(false))) => {}
            (Some(Value::Bool(false)), _) => inner.fails("they were allowed before"),
            // Nothing was written there.
            (Some(_), Some(Value::Bool(false))) => {}
            (Some(read), written) => inner.rest(Some(read), written, reader, writer),
        });
    }

    fn patterns(&mut self, reader: Node<'_>, writer: Node<'_>) {
        const KEYWORD: &str = "patternProperties";
        let Some(read) = reader.get(KEYWORD).and_then(Value::as_object) else {
            return;
        };
        self.within(KEYWORD, |inner| {
            for (pattern, schema) in read {
                let written = writer.get(KEYWORD).and_then(|written| written.get(pattern));
                inner.within(pattern, |inner| match written {
                    Some(written) => inner.nodes(reader.at(schema), writer.at(written)),
                    None if matches!(reader.at(schema).whole().kind(), Kind::Anything) => {}
                    None => match writer.get("additionalProperties") {
                        Some(Value::Bool(false)) => {}
                        _ => inner.fails("the pattern is new, and other properties were allowed"),
                    },
                });
            }
        });
    }

    fn dependencies(&mut self, reader: Node<'_>, writer: Node<'_>) {
        const KEYWORD: &str = "dependencies";
        let Some(read) = reader.get(KEYWORD).and_then(Value::as_object) else {
            return;
        };
        self.within(KEYWORD, |inner| {
            for (name, dependency) in read {
                let written = writer.get(KEYWORD).and_then(|written| written.get(name));
                inner.within(name, |inner| match (dependency, written) {
                    (_, None) => inner.fails("it is new"),
                    (Value::Array(read), Some(Value::Array(written))) => {
                        if !read.iter().all(|value| written.contains(value)) {
                            inner.fails("it asks for more than before");
                        }
                    }
                    (read, Some(written)) if read.is_array() || written.is_array() => {
                        inner.fails("it is another than before");
                    }
                    (read, Some(written)) => inner.nodes(reader.at(read), writer.at(written)),
                });
            }
        });
    }
}

fn names(node: Node<'_>) -> impl Iterator<Item = &str> {
    let properties = node.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flat_map(|properties| properties.keys().map(String::as_str))
}

fn property<'a>(node: Node<'a>, name: &str) -> Option<&'a Value> {
    node.get("properties")?.get(name)
}

fn is_required(node: Node<'_>, name: &str) -> bool {
    let required = node.get("required").and_then(Value::as_array);
    required.is_some_and(|required| required.iter().any(|value| value.as_str() == Some(name)))
}

fn has_default(value: &Value) -> bool {
    value.get("default").is_some()
}

fn model_of<'a>(node: Node<'a>, name: &str) -> Model<'a> {
    let patterns = node.get("patternProperties").and_then(Value::as_object);
    let mut has_patterns = false;
    for (pattern, schema) in patterns.into_iter().flatten() {
        has_patterns = true;
        match matches_name(pattern, name) {
            Some(true) => return Model::Schema(schema),
            Some(false) => {}
            None => return Model::Unknown,
        }
    }
    match node.get("additionalProperties") {
        Some(Value::Bool(false)) => Model::Closed,
        None | Some(Value::Bool(true)) if has_patterns => Model::Schema(&Value::Bool(true)),
        None | Some(Value::Bool(true)) => Model::Open,
        Some(schema) => Model::Schema(schema),
    }
}

/// Whether a name matches a pattern; `None` if the pattern is more than a literal with anchors.
fn matches_name(pattern: &str, name: &str) -> Option<bool> {
    let (begin, literal) = match pattern.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let literal = literal.strip_suffix(".*").unwrap_or(literal);
    let (end, literal) = match literal.strip_suffix('$') {
        Some(rest) => (true, rest),
        None => (false, literal),
    };
    if literal
        .bytes()
        .any(|byte| b"\\^$.|?*+()[]{}".contains(&byte))
    {
        return None;
    }
    Some(match (begin, end) {
        (true, true) => name == literal,
        (true, false) => name.starts_with(literal),
        (false, true) => name.ends_with(literal),
        (false, false) => name.contains(literal),
    })
}
