//! Whether what was written with one schema can be read with another.

use std::collections::HashSet;

use super::AvroModel;
use super::model::{Field, Id, Names, Type};
use crate::compatibility::{Incompatibility, REASONS_MAX, Seen};

impl AvroModel {
    /// Why this schema, as the reader's, does not read what was written with `writer`; none if it does.
    #[must_use]
    pub fn cannot_read(&self, writer: &Self) -> Vec<Incompatibility> {
        let mut comparison = Comparison {
            reader: &self.types,
            writer: &writer.types,
            seen: Seen::new(),
            unread: HashSet::new(),
            depth: 0,
        };
        let mut found = Vec::new();
        comparison.pair(self.root, writer.root, &mut Path(Vec::new()), &mut found);
        found
    }
}

struct Comparison<'a> {
    reader: &'a [Type],
    writer: &'a [Type],
    /// Pairs that were or are being compared: a type in itself reads what is written if all else does.
    seen: Seen<Id>,
    /// Pairs that were asked about for a union, and of which the one does not read the other. Kept, or unions in
    /// unions would take a time that grows with a power of their depth.
    unread: HashSet<(Id, Id)>,
    depth: usize,
}

/// Types in types. By their names, there may be more of them than a text is deep.
const DEPTH_MAX: usize = 200;

struct Path(Vec<String>);

impl Path {
    fn show(&self) -> String {
        format!("/{}", self.0.join("/"))
    }
}

type Found = Vec<Incompatibility>;

impl Comparison<'_> {
    fn pair(&mut self, reader: Id, writer: Id, path: &mut Path, found: &mut Found) {
        if found.len() >= REASONS_MAX || !self.seen.add(reader, writer) {
            return;
        }
        if self.depth == DEPTH_MAX || !self.seen.count() {
            found.push(reason(path, "there is too much to compare".to_owned()));
            return;
        }
        self.depth += 1;
        self.types(reader, writer, path, found);
        self.depth -= 1;
    }

    fn types(&mut self, reader: Id, writer: Id, path: &mut Path, found: &mut Found) {
        let (read, written) = (&self.reader[reader], &self.writer[writer]);
        match (read, written) {
            (_, Type::Union(branches)) => {
                for branch in branches {
                    self.pair(reader, *branch, path, found);
                }
            }
            (Type::Union(branches), _) => {
                let reads = branches.iter().any(|branch| self.reads(*branch, writer));
                if !reads {
                    let what = format!("the reader's union has no {}", name(written));
                    found.push(reason(path, what));
                }
            }
            (Type::Array(of), Type::Array(from)) => self.inner(*of, *from, "items", path, found),
            (Type::Map(of), Type::Map(from)) => self.inner(*of, *from, "values", path, found),
            (Type::Fixed(names, size), Type::Fixed(written, written_size)) => {
                named(names, written, path, found);
                if size != written_size {
                    let what = format!("the reader has {size} bytes, the writer {written_size}");
                    found.push(reason(path, what));
                }
            }
            (Type::Enum(names, symbols, default), Type::Enum(written, written_symbols, _)) => {
                named(names, written, path, found);
                let missing = written_symbols
                    .iter()
                    .filter(|symbol| !symbols.contains(symbol));
                let missing: Vec<_> = missing.map(String::as_str).collect();
                if !missing.is_empty() && default.is_none() {
                    let missing = missing.join(", ");
                    found.push(reason(path, format!("the reader has no symbols {missing}")));
                }
            }
            (Type::Record(names, fields), Type::Record(written, written_fields)) => {
                named(names, written, path, found);
                for field in fields {
                    path.0.push(field.name.clone());
                    self.field(field, written_fields, path, found);
                    path.0.pop();
                }
            }
            (read, written) => {
                if !promotes(read, written) {
                    let what = format!("{} is written, {} is read", name(written), name(read));
                    found.push(reason(path, what));
                }
            }
        }
    }

    fn inner(&mut self, reader: Id, writer: Id, step: &str, path: &mut Path, found: &mut Found) {
        path.0.push(step.to_owned());
        self.pair(reader, writer, path, found);
        path.0.pop();
    }

    fn field(&mut self, field: &Field, written: &[Field], path: &mut Path, found: &mut Found) {
        let by_name = |name: &String| written.iter().find(|written| written.name == *name);
        let writer = by_name(&field.name).or_else(|| field.aliases.iter().find_map(by_name));
        match writer {
            Some(writer) => self.pair(field.of, writer.of, path, found),
            None if field.has_default => {}
            None => {
                let what = "the writer does not have it, and the reader has no default for it";
                found.push(reason(path, what.to_owned()));
            }
        }
    }

    /// Whether one is read by the other, as a question of its own: what is found stays here, and what was seen
    /// for it is forgotten unless it holds.
    fn reads(&mut self, reader: Id, writer: Id) -> bool {
        if self.unread.contains(&(reader, writer)) {
            return false;
        }
        let mark = self.seen.mark();
        let mut found = Vec::new();
        self.pair(reader, writer, &mut Path(Vec::new()), &mut found);
        if !found.is_empty() {
            self.seen.forget(mark);
            self.unread.insert((reader, writer));
        }
        found.is_empty()
    }
}

fn reason(path: &Path, what: String) -> Incompatibility {
    Incompatibility {
        path: path.show(),
        what,
    }
}

fn named(reader: &Names, writer: &Names, path: &Path, found: &mut Found) {
    let short = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let same = short(&reader.full) == short(&writer.full) || reader.aliases.contains(&writer.full);
    if !same {
        let what = format!("{} is written, {} is read", writer.full, reader.full);
        found.push(reason(path, what));
    }
}

/// Whether the writer's is the reader's type, or one that becomes it.
fn promotes(reader: &Type, writer: &Type) -> bool {
    use Type::{Boolean, Bytes, Double, Float, Int, Long, Null, String};
    matches!(
        (reader, writer),
        (Null, Null)
            | (Boolean, Boolean)
            | (Int, Int)
            | (Long, Int | Long)
            | (Float, Int | Long | Float)
            | (Double, Int | Long | Float | Double)
            | (Bytes, Bytes | String)
            | (String, Bytes | String)
    )
}

fn name(of: &Type) -> String {
    match of {
        Type::Null => "null".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Int => "int".to_owned(),
        Type::Long => "long".to_owned(),
        Type::Float => "float".to_owned(),
        Type::Double => "double".to_owned(),
        Type::Bytes => "bytes".to_owned(),
        Type::String => "string".to_owned(),
        Type::Array(_) => "array".to_owned(),
        Type::Map(_) => "map".to_owned(),
        Type::Union(_) => "union".to_owned(),
        Type::Fixed(names, _) => format!("fixed {}", names.full),
        Type::Enum(names, ..) => format!("enum {}", names.full),
        Type::Record(names, _) => format!("record {}", names.full),
        Type::Named(name) => name.clone(),
    }
}
