//! Bodies of the REST API.

use serde::{Deserialize, Serialize};

use super::{Registered, RegistryError, SubjectVersion};
use crate::schema::{Reference, Schema, SchemaType};
use crate::wire::Guid;

#[derive(Deserialize)]
pub(super) struct Failed {
    pub(super) error_code: i64,
    #[serde(default)]
    pub(super) message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SchemaBody<'a> {
    schema: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<ReferenceBody>,
}

impl<'a> SchemaBody<'a> {
    pub(super) fn of(schema: &'a Schema) -> Self {
        let references = schema.references.iter().cloned();
        Self {
            schema: &schema.text,
            // Old registries know no other than Avro, and no such field.
            schema_type: match schema.schema_type {
                SchemaType::Avro => None,
                other => Some(other.as_str()),
            },
            references: references.map(ReferenceBody::from).collect(),
        }
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ReferenceBody {
    name: String,
    subject: String,
    version: i32,
}

impl From<Reference> for ReferenceBody {
    fn from(reference: Reference) -> Self {
        Self {
            name: reference.name,
            subject: reference.subject,
            version: reference.version,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct RegisteredBody {
    id: i32,
    guid: Option<String>,
    version: Option<i32>,
}

impl RegisteredBody {
    pub(super) fn read(self) -> Registered {
        Registered {
            id: self.id,
            guid: guid(self.guid.as_deref()),
            version: self.version,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SchemaAnswer {
    schema: String,
    schema_type: Option<String>,
    references: Option<Vec<ReferenceBody>>,
}

impl SchemaAnswer {
    pub(super) fn read(self) -> Result<Schema, RegistryError> {
        let schema_type = match self.schema_type.as_deref() {
            None => SchemaType::Avro,
            Some(name) => name.parse().map_err(|error| {
                RegistryError::bad_answer("", format!("a schema of it cannot be used: {error}"))
            })?,
        };
        let references = self.references.unwrap_or_default().into_iter();
        let references = references.map(|reference| Reference {
            name: reference.name,
            subject: reference.subject,
            version: reference.version,
        });
        Ok(Schema {
            schema_type,
            text: self.schema,
            references: references.collect(),
        })
    }
}

#[derive(Deserialize)]
pub(super) struct VersionBody {
    subject: String,
    version: i32,
    id: i32,
    guid: Option<String>,
    #[serde(flatten)]
    schema: SchemaAnswer,
}

impl VersionBody {
    pub(super) fn read(self) -> Result<SubjectVersion, RegistryError> {
        Ok(SubjectVersion {
            subject: self.subject,
            version: self.version,
            id: self.id,
            guid: guid(self.guid.as_deref()),
            schema: self.schema.read()?,
        })
    }
}

#[derive(Deserialize)]
pub(super) struct VerdictBody {
    pub(super) is_compatible: bool,
    #[serde(default)]
    pub(super) messages: Vec<String>,
}

/// `GET` has the one name, `PUT` the other.
#[derive(Deserialize)]
pub(super) struct LevelBody {
    #[serde(rename = "compatibilityLevel", alias = "compatibility")]
    pub(super) level: String,
}

#[derive(Deserialize)]
pub(super) struct ModeBody {
    pub(super) mode: String,
}

fn guid(text: Option<&str>) -> Option<Guid> {
    text.and_then(|text| text.parse().ok())
}
