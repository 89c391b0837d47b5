//! An entry is read.

use kafka_client_formats::schema::{Reference, Schema, SchemaType};

use super::{Known, Mode, State, Stored, context};
use crate::entry::{ConfigValue, DeleteSubjectValue, Key, ModeValue, SchemaValue};
use crate::language::{guid, identity};

impl State {
    /// Reads a record of the topic. One that cannot be read is told and passed over: a newer registry may have
    /// written it.
    pub(crate) fn apply(&mut self, key: &[u8], value: Option<&[u8]>) {
        let read = self.read(key, value);
        if let Err(error) = read {
            let key = String::from_utf8_lossy(key);
            tracing::warn!(%error, %key, "a record of the schemas' topic is passed over");
        }
    }

    fn read(&mut self, key: &[u8], value: Option<&[u8]>) -> serde_json::Result<()> {
        match serde_json::from_slice(key)? {
            Key::Schema {
                subject, version, ..
            } => match value {
                Some(value) => self.put(serde_json::from_slice(value)?),
                None => self.remove(&subject, version),
            },
            Key::Config { subject, .. } => {
                let level = value
                    .map(serde_json::from_slice::<ConfigValue>)
                    .transpose()?;
                match level.and_then(|value| value.compatibility_level.parse().ok()) {
                    Some(level) => self.levels.insert(subject, level),
                    None => self.levels.remove(&subject),
                };
            }
            Key::Mode { subject, .. } => {
                let mode = value.map(serde_json::from_slice::<ModeValue>).transpose()?;
                match mode.and_then(|value| Mode::parse(&value.mode)) {
                    Some(mode) => self.modes.insert(subject, mode),
                    None => self.modes.remove(&subject),
                };
            }
            Key::DeleteSubject { subject, .. } => {
                if let Some(value) = value {
                    let value: DeleteSubjectValue = serde_json::from_slice(value)?;
                    let versions = self.subjects.entry(subject).or_default();
                    for (_, stored) in versions.range_mut(..=value.version) {
                        stored.deleted = true;
                    }
                }
            }
            Key::Noop { .. } | Key::Unknown => {}
        }
        Ok(())
    }

    fn put(&mut self, value: SchemaValue) {
        let references = value.references.into_iter().map(|reference| Reference {
            name: reference.name,
            subject: reference.subject,
            version: reference.version,
        });
        let schema_type = value.schema_type.as_deref().map(str::parse::<SchemaType>);
        let schema_type = match schema_type {
            None => SchemaType::Avro,
            Some(Ok(known)) => known,
            Some(Err(error)) => {
                tracing::warn!(%error, subject = value.subject, "a schema is passed over");
                return;
            }
        };
        let schema = Schema {
            schema_type,
            text: value.schema,
            references: references.collect(),
        };
        let own = value.guid.and_then(|guid| guid.parse().ok());
        let stored = Stored {
            id: value.id,
            guid: own.unwrap_or_else(|| guid(&schema)),
            identity: identity(&schema),
            deleted: value.deleted,
            schema,
        };
        let key = (context(&value.subject), value.id);
        self.ids.entry(key).or_insert_with(|| Known {
            schema: stored.schema.clone(),
            identity: stored.identity.clone(),
        });
        let versions = self.subjects.entry(value.subject).or_default();
        versions.insert(value.version, stored);
    }

    fn remove(&mut self, subject: &str, version: i32) {
        let Some(versions) = self.subjects.get_mut(subject) else {
            return;
        };
        let removed = versions.remove(&version);
        if versions.is_empty() {
            self.subjects.remove(subject);
        }
        let Some(removed) = removed else {
            return;
        };
        let context = context(subject);
        let mut others = self
            .subjects
            .iter()
            .filter(|(name, _)| super::context(name) == context);
        let is_used =
            others.any(|(_, versions)| versions.values().any(|other| other.id == removed.id));
        if !is_used {
            self.ids.remove(&(context, removed.id));
        }
    }
}
