//! Whether what was written with one file can be read with another.

use std::collections::{BTreeMap, HashSet};

use super::ProtobufModel;
use super::model::{Field, Message, Named, Of};
use crate::compatibility::Incompatibility;

impl ProtobufModel {
    /// Why this file, as the reader's, does not read what was written with `writer`; none if it does.
    #[must_use]
    pub fn cannot_read(&self, writer: &Self) -> Vec<Incompatibility> {
        let mut comparison = Comparison {
            reader: self,
            writer,
            seen: HashSet::new(),
            found: Vec::new(),
            depth: 0,
        };
        if self.package != writer.package {
            let what = format!(
                "the package was {:?}, and is {:?}",
                writer.package, self.package
            );
            comparison.fails("", what);
        }
        comparison.messages("", &self.messages, &writer.messages);
        comparison.found
    }
}

struct Comparison<'a> {
    reader: &'a ProtobufModel,
    writer: &'a ProtobufModel,
    /// Pairs of messages that were or are being compared, by their full names.
    seen: HashSet<(String, String)>,
    found: Vec<Incompatibility>,
    depth: usize,
}

/// Messages in messages. By their names, there may be more of them than a text is deep.
const DEPTH_MAX: usize = 200;

impl<'a> Comparison<'a> {
    fn fails(&mut self, path: &str, what: impl Into<String>) {
        self.found.push(Incompatibility {
            path: format!("{path}/"),
            what: what.into(),
        });
    }

    fn messages(&mut self, path: &str, reader: &'a [Message], writer: &'a [Message]) {
        for written in writer {
            let path = format!("{path}/{}", written.name);
            match reader.iter().find(|read| read.name == written.name) {
                Some(read) => self.message(&path, read, written),
                None => self.fails(&path, "the message is gone"),
            }
        }
    }

    fn message(&mut self, path: &str, reader: &'a Message, writer: &'a Message) {
        if !self.seen.insert((reader.full.clone(), writer.full.clone())) {
            return;
        }
        if self.depth == DEPTH_MAX {
            self.fails(path, "there is too much to compare");
            return;
        }
        self.depth += 1;
        self.parts(path, reader, writer);
        self.depth -= 1;
    }

    fn parts(&mut self, path: &str, reader: &'a Message, writer: &'a Message) {
        self.oneofs(path, reader, writer);
        for (number, written) in &writer.fields {
            let path = format!("{path}/{}", written.name);
            match reader.fields.get(number) {
                Some(read) => self.field(&path, &read.of, &written.of),
                None if written.is_required => {
                    self.fails(
                        &path,
                        "the field is required in what was written before, and gone",
                    );
                }
                None => {}
            }
        }
        for (number, read) in &reader.fields {
            if read.is_required && !writer.fields.contains_key(number) {
                let path = format!("{path}/{}", read.name);
                self.fails(&path, "the field is new and required");
            }
        }
        self.messages(path, &reader.nested, &writer.nested);
    }

    fn oneofs(&mut self, path: &str, reader: &Message, writer: &Message) {
        let (of_reader, of_writer) = (oneofs(reader), oneofs(writer));
        for (name, numbers) in &of_reader {
            let path = format!("{path}/{name}");
            let written = numbers
                .iter()
                .filter_map(|number| writer.fields.get(number));
            let (inside, outside): (Vec<_>, Vec<_>) =
                written.partition(|field| field.oneof.is_some());
            if outside.len() > 1 {
                let what = "several fields that could be set together are now in one oneof";
                self.fails(&path, what);
            } else if outside.len() == 1 && !inside.is_empty() {
                let what = "a field that could be set together with others is now in their oneof";
                self.fails(&path, what);
            }
        }
        for (name, numbers) in &of_writer {
            if !of_reader.contains_key(name) {
                continue;
            }
            for number in numbers {
                if !reader.fields.contains_key(number) {
                    let what = format!("field {number} of the oneof is gone");
                    self.fails(&format!("{path}/{name}"), what);
                }
            }
        }
    }

    fn field(&mut self, path: &str, reader: &Of, writer: &Of) {
        match (reader, writer) {
            (Of::Scalar(read), Of::Scalar(written)) => {
                if read != written {
                    let what = format!("{written:?} is written, {read:?} is read");
                    self.fails(path, what);
                }
            }
            (Of::Map(key, value), Of::Map(written_key, written_value)) => {
                self.field(path, key, written_key);
                self.field(path, value, written_value);
            }
            (Of::Message(read), Of::Message(written)) => self.named(path, read, written),
            _ => self.fails(path, "the kind is another: message, map or scalar"),
        }
    }

    /// A message within its package is to have the same name, and what it holds is compared, too: it may be of
    /// another file.
    fn named(&mut self, path: &str, reader: &str, writer: &str) {
        let (read, written) = (find(self.reader, reader), find(self.writer, writer));
        let local = |found: Option<(&str, &Message)>, full: &str| {
            let package = found.map_or("", |(package, _)| package);
            let local = full.strip_prefix(package).unwrap_or(full);
            local.trim_start_matches('.').to_owned()
        };
        let (read_name, written_name) = (local(read, reader), local(written, writer));
        if read_name != written_name {
            self.fails(
                path,
                format!("{written_name} is written, {read_name} is read"),
            );
            return;
        }
        if let (Some((_, read)), Some((_, written))) = (read, written) {
            self.message(path, read, written);
        }
    }
}

fn find<'a>(model: &'a ProtobufModel, full: &str) -> Option<(&'a str, &'a Message)> {
    match model.types.get(full)? {
        Named::Enum => None,
        Named::Message { package, message } => Some((package, message)),
    }
}

/// The numbers of the fields of each `oneof`.
fn oneofs(message: &Message) -> BTreeMap<&str, Vec<i32>> {
    let mut oneofs: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    let fields = message.fields.iter();
    let in_one =
        fields.filter_map(|(number, field): (_, &Field)| Some((number, field.oneof.as_deref()?)));
    for (number, oneof) in in_one {
        oneofs.entry(oneof).or_default().push(*number);
    }
    oneofs
}
