//! A file of Protobuf, as the rules of compatibility see it.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use crate::compatibility::InvalidSchema;
use crate::wire::MessageIndexes;

/// A file of Protobuf, with those that it imports.
#[derive(Debug, Clone)]
pub struct ProtobufModel {
    file: FileDescriptorProto,
    pub(super) package: String,
    pub(super) messages: Vec<Message>,
    /// All types by their full names, also of other files.
    pub(super) types: HashMap<String, Named>,
}

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) full: String,
    pub(super) name: String,
    pub(super) fields: BTreeMap<i32, Field>,
    pub(super) nested: Vec<Message>,
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) of: Of,
    pub(super) is_required: bool,
    /// The name of its `oneof`.
    pub(super) oneof: Option<String>,
}

/// What a field holds.
#[derive(Debug, Clone)]
pub(super) enum Of {
    Scalar(Scalar),
    /// A message, by its full name if that is known.
    Message(String),
    Map(Box<Of>, Box<Of>),
}

/// Scalars that are read as each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    Number,
    SignedNumber,
    StringOrBytes,
    Fixed32,
    Fixed64,
    Float,
    Double,
}

#[derive(Debug, Clone)]
pub(super) enum Named {
    Enum,
    Message { package: String, message: Message },
}

/// Files are nested no deeper: a parser that calls itself would end the program.
const DEPTH_MAX: usize = 64;

/// Of a text.
const BYTES_MAX: usize = 4 * 1024 * 1024;

impl ProtobufModel {
    /// Reads a file: its text, or the base64 of its descriptor (`FileDescriptorProto`). `others` are those that it
    /// imports, by the names it does so.
    ///
    /// # Errors
    /// When one of them is neither.
    pub fn parse(text: &str, others: &[(&str, &str)]) -> Result<Self, InvalidSchema> {
        let file = descriptor("schema.proto", text)?;
        let mut files = vec![file.clone()];
        for (name, text) in others {
            files.push(descriptor(name, text)?);
        }
        let mut kinds = HashMap::new();
        for file in &files {
            for of in &file.enum_type {
                kinds.insert(joined(file.package(), of.name()), Kind::Enum);
            }
            for message in &file.message_type {
                collect(file.package(), message, &mut kinds);
            }
        }
        let mut types = HashMap::new();
        for (name, kind) in &kinds {
            if matches!(kind, Kind::Enum) {
                types.insert(name.clone(), Named::Enum);
            }
        }
        let mut messages = Vec::new();
        for (place, file) in files.iter().enumerate() {
            for message in &file.message_type {
                let message = read(file.package(), message, &kinds);
                add(file.package(), &message, &mut types);
                if place == 0 {
                    messages.push(message);
                }
            }
        }
        Ok(Self {
            package: file.package().to_owned(),
            messages,
            types,
            file,
        })
    }

    /// The way to a message by its full name, in the order of the text; `None` if the file has no such message.
    #[must_use]
    pub fn indexes(&self, full: &str) -> Option<MessageIndexes> {
        fn find(messages: &[Message], full: &str, way: &mut Vec<u32>) -> bool {
            for (place, message) in messages.iter().enumerate() {
                way.push(u32::try_from(place).unwrap_or(u32::MAX));
                if message.full == full || find(&message.nested, full, way) {
                    return true;
                }
                way.pop();
            }
            false
        }
        let mut way = Vec::new();
        find(&self.messages, full, &mut way).then(|| MessageIndexes::new(way))
    }

    /// The full name of the message at the end of a way.
    #[must_use]
    pub fn message(&self, indexes: &MessageIndexes) -> Option<&str> {
        let mut messages = &self.messages;
        let mut found = None;
        for index in indexes.as_slice() {
            let message = messages.get(usize::try_from(*index).ok()?)?;
            messages = &message.nested;
            found = Some(message.full.as_str());
        }
        found
    }

    /// The full name of its first message.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.messages.first().map(|message| message.full.as_str())
    }

    /// The base64 of its descriptor (`FileDescriptorProto`), as some clients want it.
    #[must_use]
    pub fn serialized(&self) -> String {
        STANDARD.encode(self.file.encode_to_vec())
    }
}

fn descriptor(name: &str, text: &str) -> Result<FileDescriptorProto, InvalidSchema> {
    if text.len() > BYTES_MAX {
        let what = format!("{name} has more than {BYTES_MAX} bytes");
        return Err(InvalidSchema(what));
    }
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    if text.trim().bytes().all(is_base64)
        && let Ok(bytes) = STANDARD.decode(text.trim())
        && let Ok(file) = FileDescriptorProto::decode(bytes.as_slice())
    {
        return Ok(file);
    }
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'(' | b'<' => depth += 1,
            b'}' | b']' | b')' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if deepest > DEPTH_MAX {
        return Err(InvalidSchema(format!(
            "{name} is nested deeper than {DEPTH_MAX}"
        )));
    }
    protox_parse::parse(name, text)
        .map_err(|error| InvalidSchema(format!("{name} is no file of Protobuf: {error}")))
}

enum Kind {
    Enum,
    Message,
    Map(Box<[FieldDescriptorProto; 2]>),
}

fn joined(scope: &str, name: &str) -> String {
    match scope {
        "" => name.to_owned(),
        scope => format!("{scope}.{name}"),
    }
}

fn collect(scope: &str, message: &DescriptorProto, kinds: &mut HashMap<String, Kind>) {
    let full = joined(scope, message.name());
    for of in &message.enum_type {
        kinds.insert(joined(&full, of.name()), Kind::Enum);
    }
    for nested in &message.nested_type {
        collect(&full, nested, kinds);
    }
    let kind = match (is_map(message), message.field.as_slice()) {
        (true, [key, value]) => Kind::Map(Box::new([key.clone(), value.clone()])),
        _ => Kind::Message,
    };
    kinds.insert(full, kind);
}

fn is_map(message: &DescriptorProto) -> bool {
    let options = message.options.as_ref();
    options.is_some_and(prost_types::MessageOptions::map_entry)
}

fn read(scope: &str, message: &DescriptorProto, kinds: &HashMap<String, Kind>) -> Message {
    let full = joined(scope, message.name());
    let mut fields = BTreeMap::new();
    for field in &message.field {
        // An optional field of proto3 is in a oneof of its own, which no text shows.
        let oneof = field.oneof_index.filter(|_| !field.proto3_optional());
        let oneof = oneof.and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?));
        let read = Field {
            name: field.name().to_owned(),
            of: of(&full, field, kinds, 0),
            is_required: field.label() == Label::Required,
            oneof: oneof.map(|oneof| oneof.name().to_owned()),
        };
        fields.insert(field.number(), read);
    }
    let nested = message.nested_type.iter().filter(|nested| !is_map(nested));
    let nested = nested.map(|nested| read(&full, nested, kinds)).collect();
    Message {
        name: message.name().to_owned(),
        fields,
        nested,
        full,
    }
}

fn of(scope: &str, field: &FieldDescriptorProto, kinds: &HashMap<String, Kind>, depth: u8) -> Of {
    if let Some(name) = &field.type_name {
        let full = resolve(scope, name, kinds);
        return match kinds.get(&full) {
            Some(Kind::Enum) => Of::Scalar(Scalar::Number),
            // No map has a map in it, but a descriptor may say so.
            Some(Kind::Map(entry)) if depth == 0 => {
                let inner = |field: &_| Box::new(of(&full, field, kinds, 1));
                Of::Map(inner(&entry[0]), inner(&entry[1]))
            }
            _ if field.r#type == Some(Type::Enum as i32) => Of::Scalar(Scalar::Number),
            _ => Of::Message(full),
        };
    }
    Of::Scalar(match field.r#type() {
        Type::Int32 | Type::Int64 | Type::Uint32 | Type::Uint64 | Type::Bool | Type::Enum => {
            Scalar::Number
        }
        Type::Sint32 | Type::Sint64 => Scalar::SignedNumber,
        Type::String | Type::Bytes => Scalar::StringOrBytes,
        Type::Fixed32 | Type::Sfixed32 => Scalar::Fixed32,
        Type::Fixed64 | Type::Sfixed64 => Scalar::Fixed64,
        Type::Float => Scalar::Float,
        Type::Double => Scalar::Double,
        Type::Message | Type::Group => return Of::Message(String::new()),
    })
}

/// The full name that a name means in a scope: the innermost that is there.
fn resolve(scope: &str, name: &str, kinds: &HashMap<String, Kind>) -> String {
    if let Some(full) = name.strip_prefix('.') {
        return full.to_owned();
    }
    let mut scope = scope;
    loop {
        let full = joined(scope, name);
        if kinds.contains_key(&full) || scope.is_empty() {
            return full;
        }
        scope = scope.rsplit_once('.').map_or("", |(outer, _)| outer);
    }
}

fn add(package: &str, message: &Message, types: &mut HashMap<String, Named>) {
    for nested in &message.nested {
        add(package, nested, types);
    }
    let named = Named::Message {
        package: package.to_owned(),
        message: message.clone(),
    };
    types.insert(message.full.clone(), named);
}
