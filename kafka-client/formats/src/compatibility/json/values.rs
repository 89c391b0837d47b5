//! Texts, numbers, lists, and lists of values.

use serde_json::Value;

use super::model::{Node, Part};
use super::rules::Comparison;

/// Which way a limit is wider.
#[derive(Clone, Copy)]
pub(super) enum Wider {
    Up,
    Down,
}

impl Comparison {
    pub(super) fn texts(&mut self, reader: Node<'_>, writer: Node<'_>) {
        self.limit("maxLength", Wider::Up, reader, writer);
        self.limit("minLength", Wider::Down, reader, writer);
        self.same("pattern", reader, writer);
    }

    pub(super) fn numbers(&mut self, reader: Part<'_>, writer: Part<'_>) {
        if reader.is_integer() && !writer.is_integer() {
            self.fails("number is written, integer is read");
        }
        let (reader, writer) = (reader.node, writer.node);
        for (keyword, wider) in [
            ("maximum", Wider::Up),
            ("exclusiveMaximum", Wider::Up),
            ("minimum", Wider::Down),
            ("exclusiveMinimum", Wider::Down),
        ] {
            // In old drafts an exclusive limit is a truth beside the limit.
            match reader.get(keyword) {
                Some(Value::Bool(true)) => self.same(keyword, reader, writer),
                _ => self.limit(keyword, wider, reader, writer),
            }
        }
        self.multiple(reader, writer);
    }

    fn multiple(&mut self, reader: Node<'_>, writer: Node<'_>) {
        let of = |node: Node<'_>| node.get("multipleOf").and_then(Value::as_f64);
        let fits = match (of(reader), of(writer)) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(read), Some(written)) => {
                // What is a multiple of the one is one of the other.
                let times = written / read;
                (times - times.round()).abs() < 1e-9
            }
        };
        if !fits {
            self.within("multipleOf", |inner| {
                inner.fails("it allows less than before")
            });
        }
    }

    /// A limit that is new, or nearer than it was.
    pub(super) fn limit(
        &mut self,
        keyword: &str,
        wider: Wider,
        reader: Node<'_>,
        writer: Node<'_>,
    ) {
        let of = |node: Node<'_>| node.get(keyword).and_then(Value::as_f64);
        let fits = match (of(reader), of(writer), wider) {
            (None, ..) => true,
            (Some(_), None, _) => false,
            (Some(read), Some(written), Wider::Up) => read >= written,
            (Some(read), Some(written), Wider::Down) => read <= written,
        };
        if !fits {
            self.within(keyword, |inner| inner.fails("it allows less than before"));
        }
    }

    /// A keyword that may go and must not change.
    fn same(&mut self, keyword: &str, reader: Node<'_>, writer: Node<'_>) {
        if reader.get(keyword).is_some() && reader.get(keyword) != writer.get(keyword) {
            self.within(keyword, |inner| inner.fails("it is another than before"));
        }
    }

    pub(super) fn values(&mut self, reader: &[&Value], writer: &[&Value]) {
        let missing = writer.iter().filter(|value| !reader.contains(value));
        let missing: Vec<_> = missing.map(|value| value.to_string()).collect();
        if !missing.is_empty() {
            self.fails(format!("these values are gone: {}", missing.join(", ")));
        }
    }

    pub(super) fn arrays(&mut self, reader: Node<'_>, writer: Node<'_>) {
        self.limit("maxItems", Wider::Up, reader, writer);
        self.limit("minItems", Wider::Down, reader, writer);
        let unique = |node: Node<'_>| node.get("uniqueItems") == Some(&Value::Bool(true));
        if unique(reader) && !unique(writer) {
            self.within("uniqueItems", |inner| inner.fails("it is new"));
        }
        let (read, written) = (Items::of(reader), Items::of(writer));
        for place in 0..read.first.len().max(written.first.len()) {
            let step = format!("items/{place}");
            self.within(&step, |inner| {
                inner.item(&read, &written, reader, writer, place)
            });
        }
        self.within("items", |inner| {
            inner.rest(read.rest, written.rest, reader, writer)
        });
    }

    fn item(
        &mut self,
        read: &Items<'_>,
        written: &Items<'_>,
        reader: Node<'_>,
        writer: Node<'_>,
        place: usize,
    ) {
        match (read.first.get(place), written.first.get(place)) {
            (Some(read), Some(written)) => self.nodes(reader.at(read), writer.at(written)),
            // Others were allowed there.
            (Some(read), None) => self.rest(Some(read), written.rest, reader, writer),
            (None, Some(written)) => self.rest(read.rest, Some(written), reader, writer),
            (None, None) => {}
        }
    }

    /// Compares schemas of which no one allows all.
    pub(super) fn rest(
        &mut self,
        read: Option<&Value>,
        written: Option<&Value>,
        reader: Node<'_>,
        writer: Node<'_>,
    ) {
        match (read, written) {
            (None, _) => {}
            (Some(read), Some(written)) => self.nodes(reader.at(read), writer.at(written)),
            (Some(read), None) => {
                if !matches!(reader.at(read).whole().kind(), super::model::Kind::Anything) {
                    self.fails("anything was allowed before");
                }
            }
        }
    }
}

/// The schemas of a list's items.
struct Items<'a> {
    /// Of the first ones.
    first: &'a [Value],
    /// Of all others; none if anything goes.
    rest: Option<&'a Value>,
}

impl<'a> Items<'a> {
    fn of(node: Node<'a>) -> Self {
        match (node.get("prefixItems"), node.get("items")) {
            (Some(Value::Array(first)), rest) => Self { first, rest },
            (_, Some(Value::Array(first))) => Self {
                first,
                rest: node.get("additionalItems"),
            },
            (_, rest) => Self { first: &[], rest },
        }
    }
}
