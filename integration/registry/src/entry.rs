//! What is in the topic: Confluent's keys and values.

use serde::{Deserialize, Serialize};

/// A key. Its fields are in the order that Confluent writes them in, as keys are compared by their bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "keytype")]
pub(crate) enum Key {
    #[serde(rename = "SCHEMA")]
    Schema {
        subject: String,
        version: i32,
        magic: u8,
    },
    #[serde(rename = "CONFIG")]
    Config { subject: Option<String>, magic: u8 },
    #[serde(rename = "MODE")]
    Mode { subject: Option<String>, magic: u8 },
    #[serde(rename = "DELETE_SUBJECT")]
    DeleteSubject { subject: String, magic: u8 },
    #[serde(rename = "NOOP")]
    Noop { magic: u8 },
    /// Of a newer registry.
    #[serde(other)]
    Unknown,
}

/// The value of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SchemaValue {
    pub(crate) subject: String,
    pub(crate) version: i32,
    pub(crate) id: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) guid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schema_type: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) references: Vec<ReferenceValue>,
    pub(crate) schema: String,
    #[serde(default)]
    pub(crate) deleted: bool,
}

/// A schema that is referred to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReferenceValue {
    pub(crate) name: String,
    pub(crate) subject: String,
    pub(crate) version: i32,
}

/// The value of a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigValue {
    pub(crate) compatibility_level: String,
}

/// The value of a mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModeValue {
    pub(crate) mode: String,
}

/// The value of a soft deletion: all versions up to this one are deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeleteSubjectValue {
    pub(crate) subject: String,
    pub(crate) version: i32,
}

/// A record of the topic, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// `None` deletes the key.
    pub(crate) value: Option<String>,
}

impl Entry {
    pub(crate) fn new(key: &Key, value: Option<&impl Serialize>) -> Self {
        // None of these types has a key or a number that JSON does not have.
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        Self {
            key: json(serde_json::to_string(key)),
            value: value.map(|value| json(serde_json::to_string(value))),
        }
    }

    /// One that changes nothing: whoever has read it back has read all before.
    pub(crate) fn noop() -> Self {
        Self::new(&Key::Noop { magic: 0 }, None::<&ModeValue>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_confluent() {
        let key = |key: Key| Entry::new(&key, None::<&ModeValue>).key;
        let schema = Key::Schema {
            subject: "s".to_owned(),
            version: 1,
            magic: 1,
        };
        let wanted = r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#;
        assert_eq!(key(schema), wanted);
        let config = Key::Config {
            subject: None,
            magic: 0,
        };
        assert_eq!(
            key(config),
            r#"{"keytype":"CONFIG","subject":null,"magic":0}"#
        );
        assert_eq!(Entry::noop().key, r#"{"keytype":"NOOP","magic":0}"#);
        let unknown = r#"{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}"#;
        assert_eq!(serde_json::from_str::<Key>(unknown).unwrap(), Key::Unknown);
    }

    #[test]
    fn values_of_confluent_are_read() {
        let value = r#"{"subject":"s","version":2,"id":3,"guid":null,"md5":"x","schema":"\"int\"","deleted":false}"#;
        let value: SchemaValue = serde_json::from_str(value).unwrap();
        assert_eq!((value.version, value.id, value.deleted), (2, 3, false));
    }
}
