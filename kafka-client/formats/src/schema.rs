//! A schema as a registry keeps it.

use std::fmt;
use std::str::FromStr;

/// The language of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SchemaType {
    /// Avro, which a registry assumes where none is named.
    #[default]
    Avro,
    /// Protobuf.
    Protobuf,
    /// JSON Schema.
    Json,
}

impl SchemaType {
    /// Its name in a registry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }
}

impl fmt::Display for SchemaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is of no type of schema that is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownSchemaType(String);

impl fmt::Display for UnknownSchemaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no type of schema: there are AVRO, PROTOBUF and JSON",
            self.0
        )
    }
}

impl std::error::Error for UnknownSchemaType {}

impl FromStr for SchemaType {
    type Err = UnknownSchemaType;

    fn from_str(name: &str) -> Result<Self, UnknownSchemaType> {
        [Self::Avro, Self::Protobuf, Self::Json]
            .into_iter()
            .find(|known| known.as_str() == name)
            .ok_or_else(|| UnknownSchemaType(name.to_owned()))
    }
}

/// Another schema that a schema names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// How the schema names it: a full name in Avro, a path in Protobuf, a URI in JSON Schema.
    pub name: String,
    /// The subject that it is registered under.
    pub subject: String,
    /// Its version there.
    pub version: i32,
}

/// A schema, with what it refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Schema {
    /// Its language.
    pub schema_type: SchemaType,
    /// Its text.
    pub text: String,
    /// Other schemas that it names.
    pub references: Vec<Reference>,
}

impl Schema {
    /// A schema of this language.
    #[must_use]
    pub fn new(schema_type: SchemaType, text: impl Into<String>) -> Self {
        Self {
            schema_type,
            text: text.into(),
            references: Vec::new(),
        }
    }

    /// A schema in Avro.
    #[must_use]
    pub fn avro(text: impl Into<String>) -> Self {
        Self::new(SchemaType::Avro, text)
    }

    /// A schema in Protobuf: a file, as a compiler takes it.
    #[must_use]
    pub fn protobuf(text: impl Into<String>) -> Self {
        Self::new(SchemaType::Protobuf, text)
    }

    /// A JSON Schema.
    #[must_use]
    pub fn json(text: impl Into<String>) -> Self {
        Self::new(SchemaType::Json, text)
    }

    /// With one more schema that it names.
    #[must_use]
    pub fn reference(
        mut self,
        name: impl Into<String>,
        subject: impl Into<String>,
        version: i32,
    ) -> Self {
        self.references.push(Reference {
            name: name.into(),
            subject: subject.into(),
            version,
        });
        self
    }
}
