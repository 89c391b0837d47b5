//! Which entries a request takes.

use kafka_client_formats::compatibility::Level;
use kafka_client_formats::schema::{Schema, SchemaType};

use super::{Mode, State, Stored, context};
use crate::entry::{
    ConfigValue, DeleteSubjectValue, Entry, Key, ModeValue, ReferenceValue, SchemaValue,
};
use crate::error::ApiError;
use crate::language::{Parsed, guid, identity};

/// A schema is registered: it is there, or these entries make it so.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) version: i32,
    pub(crate) stored: Stored,
    pub(crate) entry: Option<Entry>,
}

/// Versions are deleted by these entries.
#[derive(Debug)]
pub(crate) struct Deleted {
    pub(crate) versions: Vec<i32>,
    pub(crate) entries: Vec<Entry>,
}

impl State {
    pub(crate) fn register(&self, subject: &str, schema: &Schema) -> Result<Change, ApiError> {
        if subject.is_empty() || subject.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(ApiError::invalid_subject(subject));
        }
        let identity = identity(schema);
        let known = self.subjects.get(subject);
        let living = known
            .into_iter()
            .flatten()
            .filter(|(_, stored)| !stored.deleted);
        for (version, stored) in living {
            if stored.identity == identity {
                return Ok(Change {
                    version: *version,
                    stored: stored.clone(),
                    entry: None,
                });
            }
        }
        self.check_mode(subject)?;
        let reasons = self.judge(subject, schema, None)?;
        if !reasons.is_empty() {
            return Err(ApiError::incompatible(subject, &reasons));
        }
        let last = known.and_then(|versions| versions.keys().last().copied());
        let stored = Stored {
            id: self.id_for(subject, &identity),
            guid: guid(schema),
            schema: schema.clone(),
            identity,
            deleted: false,
        };
        let version = last.unwrap_or(0) + 1;
        Ok(Change {
            version,
            entry: Some(schema_entry(subject, version, &stored)),
            stored,
        })
    }

    /// The id of the same schema in the context, or the next.
    fn id_for(&self, subject: &str, wanted: &str) -> i32 {
        let own = context(subject);
        let mut of_context = self.ids.iter().filter(|((context, _), _)| *context == own);
        let same = of_context.find(|(_, known)| known.identity == wanted);
        if let Some(((_, id), _)) = same {
            return *id;
        }
        let of_context = self.ids.keys().filter(|(context, _)| *context == own);
        of_context.map(|(_, id)| *id).max().unwrap_or(0) + 1
    }

    /// Why a schema may not follow those of a subject, by its level; with one version alone if one is given.
    pub(crate) fn judge(
        &self,
        subject: &str,
        schema: &Schema,
        version: Option<i32>,
    ) -> Result<Vec<String>, ApiError> {
        let parsed = self.parse(schema)?;
        let level = self.level(Some(subject), true).unwrap_or(Level::Backward);
        let versions = self.subjects.get(subject).into_iter().flatten();
        let mut before = Vec::new();
        for (number, stored) in versions {
            let wanted = version.is_none_or(|version| version == *number);
            if wanted && !stored.deleted && level != Level::None {
                before.push(self.parse(&stored.schema)?);
            }
        }
        let reasons = level.check(&parsed, &before, Parsed::cannot_read);
        Ok(reasons.iter().map(ToString::to_string).collect())
    }

    fn parse(&self, schema: &Schema) -> Result<Parsed, ApiError> {
        let others = self.referenced(schema)?;
        Parsed::read(schema, &others).map_err(ApiError::invalid_schema)
    }

    pub(crate) fn delete_subject(
        &self,
        subject: &str,
        permanent: bool,
    ) -> Result<Deleted, ApiError> {
        let versions = self
            .subjects
            .get(subject)
            .ok_or_else(|| ApiError::no_subject(subject))?;
        self.check_mode(subject)?;
        let living: Vec<_> = living(versions);
        let versions = match (permanent, living.is_empty()) {
            (false, true) => return Err(ApiError::subject_soft_deleted(subject)),
            (true, false) => return Err(ApiError::subject_not_soft_deleted(subject)),
            (false, false) => living,
            (true, true) => versions.keys().copied().collect(),
        };
        for version in &versions {
            self.check_references(subject, *version)?;
        }
        let last = versions.last().copied().unwrap_or_default();
        let entries = match permanent {
            true => versions
                .iter()
                .map(|version| tombstone(subject, *version))
                .collect(),
            false => vec![Entry::new(
                &Key::DeleteSubject {
                    subject: subject.to_owned(),
                    magic: 0,
                },
                Some(&DeleteSubjectValue {
                    subject: subject.to_owned(),
                    version: last,
                }),
            )],
        };
        Ok(Deleted { versions, entries })
    }

    pub(crate) fn delete_version(
        &self,
        subject: &str,
        version: i32,
        permanent: bool,
    ) -> Result<Deleted, ApiError> {
        let versions = self
            .subjects
            .get(subject)
            .ok_or_else(|| ApiError::no_subject(subject))?;
        let stored = versions
            .get(&version)
            .ok_or_else(|| ApiError::no_version(version))?;
        self.check_mode(subject)?;
        match (permanent, stored.deleted) {
            (false, true) => return Err(ApiError::version_soft_deleted(subject, version)),
            (true, false) => return Err(ApiError::version_not_soft_deleted(subject, version)),
            _ => self.check_references(subject, version)?,
        }
        let entry = match permanent {
            true => tombstone(subject, version),
            false => {
                let deleted = Stored {
                    deleted: true,
                    ..stored.clone()
                };
                schema_entry(subject, version, &deleted)
            }
        };
        Ok(Deleted {
            versions: vec![version],
            entries: vec![entry],
        })
    }

    pub(crate) fn set_level(&self, subject: Option<&str>, level: Option<Level>) -> Entry {
        let value = level.map(|level| ConfigValue {
            compatibility_level: level.as_str().to_owned(),
        });
        let key = Key::Config {
            subject: subject.map(str::to_owned),
            magic: 0,
        };
        Entry::new(&key, value.as_ref())
    }

    pub(crate) fn set_mode(&self, subject: Option<&str>, mode: Option<Mode>) -> Entry {
        let value = mode.map(|mode| ModeValue {
            mode: mode.as_str().to_owned(),
        });
        let key = Key::Mode {
            subject: subject.map(str::to_owned),
            magic: 0,
        };
        Entry::new(&key, value.as_ref())
    }

    fn check_mode(&self, subject: &str) -> Result<(), ApiError> {
        match self.mode(Some(subject), true) {
            Some(Mode::ReadOnly) => Err(ApiError::read_only(subject)),
            _ => Ok(()),
        }
    }

    fn check_references(&self, subject: &str, version: i32) -> Result<(), ApiError> {
        match self.referenced_by(subject, version).is_empty() {
            true => Ok(()),
            false => Err(ApiError::referenced(subject, version)),
        }
    }
}

fn living(versions: &std::collections::BTreeMap<i32, Stored>) -> Vec<i32> {
    let living = versions.iter().filter(|(_, stored)| !stored.deleted);
    living.map(|(version, _)| *version).collect()
}

fn schema_entry(subject: &str, version: i32, stored: &Stored) -> Entry {
    let key = Key::Schema {
        subject: subject.to_owned(),
        version,
        magic: 1,
    };
    let references = stored
        .schema
        .references
        .iter()
        .map(|reference| ReferenceValue {
            name: reference.name.clone(),
            subject: reference.subject.clone(),
            version: reference.version,
        });
    let value = SchemaValue {
        subject: subject.to_owned(),
        version,
        id: stored.id,
        guid: Some(stored.guid.to_string()),
        schema_type: match stored.schema.schema_type {
            SchemaType::Avro => None,
            other => Some(other.as_str().to_owned()),
        },
        references: references.collect(),
        schema: stored.schema.text.clone(),
        deleted: stored.deleted,
    };
    Entry::new(&key, Some(&value))
}

fn tombstone(subject: &str, version: i32) -> Entry {
    let key = Key::Schema {
        subject: subject.to_owned(),
        version,
        magic: 1,
    };
    Entry::new(&key, None::<&SchemaValue>)
}
