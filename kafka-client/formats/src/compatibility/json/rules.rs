//! Whether each value of the writer's schema is one of the reader's.

use super::JsonModel;
use super::model::{Aspect, Criterion, Kind, Node, Part};
use crate::compatibility::{Incompatibility, REASONS_MAX, Seen};

impl JsonModel {
    /// Why this schema, as the reader's, does not read what was written with `writer`; none if it does.
    #[must_use]
    pub fn cannot_read(&self, writer: &Self) -> Vec<Incompatibility> {
        let mut comparison = Comparison {
            seen: Seen::new(),
            path: Vec::new(),
            found: Vec::new(),
            depth: 0,
        };
        comparison.nodes(self.node(), writer.node());
        comparison.found
    }
}

/// Schemas in schemas; a reference may make them deeper than their text is.
const DEPTH_MAX: usize = 150;

/// Keywords that these rules do not know.
const UNKNOWN: [&str; 13] = [
    "if",
    "then",
    "else",
    "contains",
    "minContains",
    "maxContains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "dependentSchemas",
    "dependentRequired",
    "$dynamicRef",
    "$recursiveRef",
];

pub(super) struct Comparison {
    /// Pairs under comparison, by where they are: a schema in itself is compared once.
    seen: Seen<usize>,
    path: Vec<String>,
    found: Vec<Incompatibility>,
    depth: usize,
}

/// Where a value is in memory: what it is of a document.
fn place(node: Node<'_>) -> usize {
    std::ptr::from_ref(node.value).addr()
}

impl Comparison {
    pub(super) fn fails(&mut self, what: impl Into<String>) {
        self.found.push(Incompatibility {
            path: format!("#/{}", self.path.join("/")),
            what: what.into(),
        });
    }

    pub(super) fn within<R>(&mut self, step: &str, compare: impl FnOnce(&mut Self) -> R) -> R {
        self.path.push(step.to_owned());
        let result = compare(self);
        self.path.pop();
        result
    }

    /// Whether one reads the other, as a question of its own.
    pub(super) fn reads(&mut self, reader: Part<'_>, writer: Part<'_>) -> bool {
        let before = self.found.len();
        let mark = self.seen.mark();
        self.parts(reader, writer);
        let reads = self.found.len() == before;
        if !reads {
            self.found.truncate(before);
            self.seen.forget(mark);
        }
        reads
    }

    pub(super) fn nodes(&mut self, reader: Node<'_>, writer: Node<'_>) {
        self.parts(reader.whole(), writer.whole());
    }

    pub(super) fn parts(&mut self, reader: Part<'_>, writer: Part<'_>) {
        if self.found.len() >= REASONS_MAX {
            return;
        }
        if self.depth == DEPTH_MAX || !self.seen.count() {
            self.fails("there is too much to compare");
            return;
        }
        let (reader, writer) = match (reader.followed(), writer.followed()) {
            (Ok(reader), Ok(writer)) => (reader, writer),
            (Err(what), _) | (_, Err(what)) => {
                self.fails(format!("{what} is not known"));
                return;
            }
        };
        if reader.aspect == Aspect::Whole && writer.aspect == Aspect::Whole {
            let (reader, writer) = (reader.node, writer.node);
            if !self.seen.add(place(reader), place(writer)) {
                return;
            }
            self.unknown(reader, writer);
        }
        self.depth += 1;
        self.kinds(reader, writer);
        self.depth -= 1;
    }

    fn unknown(&mut self, reader: Node<'_>, writer: Node<'_>) {
        for keyword in UNKNOWN {
            if reader.get(keyword) != writer.get(keyword) {
                self.fails(format!(
                    "{keyword} is another, which these rules do not know"
                ));
            }
        }
    }

    fn kinds(&mut self, reader: Part<'_>, writer: Part<'_>) {
        let (read, written) = (reader.kind(), writer.kind());
        match (&read, &written) {
            (_, Kind::Nothing) | (Kind::Anything, _) => {}
            (Kind::Unknown(what), _) | (_, Kind::Unknown(what)) => {
                self.fails(format!("{what} is not known"));
            }
            (Kind::Combined(criterion, parts), Kind::Combined(written, written_parts)) => {
                self.combined(*criterion, parts, *written, written_parts);
            }
            (Kind::Combined(criterion, parts), _) => self.several_read(*criterion, parts, writer),
            (_, Kind::Combined(_, parts)) => self.several_written(reader, parts),
            (Kind::Null, Kind::Null) | (Kind::Boolean, Kind::Boolean) => {}
            (Kind::Text, Kind::Text) => self.texts(reader.node, writer.node),
            (Kind::Number, Kind::Number) => self.numbers(reader, writer),
            (Kind::Array, Kind::Array) => self.arrays(reader.node, writer.node),
            (Kind::Object, Kind::Object) => self.objects(reader.node, writer.node),
            (Kind::Values(values), Kind::Values(written)) => self.values(values, written),
            (Kind::Not(not), Kind::Not(written)) => {
                // The other way around: less is forbidden.
                self.within("not", |inner| inner.nodes(*written, *not));
            }
            _ => self.fails(format!(
                "{} is written, {} is read",
                name(&written),
                name(&read)
            )),
        }
    }
}

fn name(kind: &Kind<'_>) -> &'static str {
    match kind {
        Kind::Anything => "anything",
        Kind::Nothing => "nothing",
        Kind::Null => "null",
        Kind::Boolean => "boolean",
        Kind::Number => "number",
        Kind::Text => "string",
        Kind::Object => "object",
        Kind::Array => "array",
        Kind::Values(_) => "a list of values",
        Kind::Not(_) => "not",
        Kind::Combined(Criterion::All, _) => "allOf",
        Kind::Combined(Criterion::Any, _) => "anyOf",
        Kind::Combined(Criterion::One, _) => "oneOf",
        Kind::Unknown(_) => "what is not known",
    }
}
