//! What is answered.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use kafka_client_formats::compatibility::Level;
use kafka_client_formats::schema::Schema;
use kafka_client_formats::subject::context_of;
use kafka_client_formats::wire::Guid;

use super::{Mode, State, Stored, context};
use crate::error::ApiError;
use crate::language::identity;

/// How many schemas may be referred to.
const REFERENCES_MAX: usize = 1000;

impl State {
    /// Subjects whose names begin so; `:*:` is all of them.
    pub(crate) fn subjects(&self, prefix: &str, deleted: bool) -> Vec<&str> {
        let prefix = prefix.strip_prefix(":*:").unwrap_or(prefix);
        let named = self
            .subjects
            .iter()
            .filter(|(name, _)| name.starts_with(prefix));
        let shown = named
            .filter(|(_, versions)| deleted || versions.values().any(|stored| !stored.deleted));
        shown.map(|(name, _)| name.as_str()).collect()
    }

    fn shown(&self, subject: &str, deleted: bool) -> Result<BTreeMap<i32, &Stored>, ApiError> {
        let versions = self.subjects.get(subject).into_iter().flatten();
        let shown = versions.filter(|(_, stored)| deleted || !stored.deleted);
        let shown: BTreeMap<_, _> = shown.map(|(version, stored)| (*version, stored)).collect();
        match shown.is_empty() {
            true => Err(ApiError::no_subject(subject)),
            false => Ok(shown),
        }
    }

    pub(crate) fn versions(&self, subject: &str, deleted: bool) -> Result<Vec<i32>, ApiError> {
        Ok(self.shown(subject, deleted)?.keys().copied().collect())
    }

    /// A version; the newest if none is named.
    pub(crate) fn version(
        &self,
        subject: &str,
        version: Option<i32>,
        deleted: bool,
    ) -> Result<(i32, &Stored), ApiError> {
        let shown = self.shown(subject, deleted)?;
        match version {
            None => {
                let newest = shown.last_key_value();
                let newest = newest.ok_or_else(|| ApiError::no_subject(subject))?;
                Ok((*newest.0, *newest.1))
            }
            Some(version) => {
                let stored = shown
                    .get(&version)
                    .ok_or_else(|| ApiError::no_version(version))?;
                Ok((version, *stored))
            }
        }
    }

    pub(crate) fn look_up(
        &self,
        subject: &str,
        schema: &Schema,
        deleted: bool,
    ) -> Result<(i32, &Stored), ApiError> {
        let identity = identity(schema);
        let shown = self.shown(subject, deleted)?;
        let mut same = shown
            .into_iter()
            .filter(|(_, stored)| stored.identity == identity);
        same.next_back().ok_or_else(ApiError::no_schema)
    }

    /// The schema with an id, in the context of a subject. Without a subject it is that of the context without a
    /// name.
    pub(crate) fn by_id(&self, id: i32, subject: &str) -> Result<&Schema, ApiError> {
        let found = self.ids.get(&(context(subject), id));
        found
            .map(|known| &known.schema)
            .ok_or_else(ApiError::no_schema)
    }

    pub(crate) fn by_guid(&self, guid: Guid) -> Result<&Schema, ApiError> {
        let mut all = self.subjects.values().flat_map(BTreeMap::values);
        let found = all.find(|stored| stored.guid == guid);
        found
            .map(|stored| &stored.schema)
            .ok_or_else(ApiError::no_schema)
    }

    /// Subjects and versions with an id, in the context of a subject.
    pub(crate) fn users(&self, id: i32, subject: &str, deleted: bool) -> Vec<(&str, i32)> {
        let own = context(subject);
        let of_context = self
            .subjects
            .iter()
            .filter(|(name, _)| context(name) == own);
        let versions = of_context.flat_map(|(name, versions)| {
            versions
                .iter()
                .map(move |(version, stored)| (name.as_str(), *version, stored))
        });
        let with_id =
            versions.filter(|(_, _, stored)| stored.id == id && (deleted || !stored.deleted));
        with_id.map(|(name, version, _)| (name, version)).collect()
    }

    /// The ids of schemas that refer to a version.
    pub(crate) fn referenced_by(&self, subject: &str, version: i32) -> Vec<i32> {
        let all = self.subjects.values().flat_map(BTreeMap::values);
        let referring = all.filter(|stored| {
            let mut references = stored.schema.references.iter();
            !stored.deleted && references.any(|it| it.subject == subject && it.version == version)
        });
        let ids: BTreeSet<_> = referring.map(|stored| stored.id).collect();
        ids.into_iter().collect()
    }

    /// All that a schema refers to, also by others, each once, by the names it does so.
    pub(crate) fn referenced(&self, schema: &Schema) -> Result<Vec<(String, Schema)>, ApiError> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut asked: Vec<_> = schema.references.iter().collect();
        while let Some(reference) = asked.pop() {
            if !seen.insert((&reference.subject, reference.version)) {
                continue;
            }
            if seen.len() > REFERENCES_MAX {
                let text = format!("more than {REFERENCES_MAX} schemas are referred to");
                return Err(ApiError::invalid_schema(text));
            }
            let versions = self.subjects.get(&reference.subject);
            let stored = versions.and_then(|versions| versions.get(&reference.version));
            let stored = stored.ok_or_else(|| {
                let (subject, version) = (&reference.subject, reference.version);
                let text = format!(
                    "no schema reference found for subject {subject:?} and version {version}"
                );
                ApiError::invalid_schema(text)
            })?;
            asked.extend(&stored.schema.references);
            found.push((reference.name.clone(), stored.schema.clone()));
        }
        Ok(found)
    }

    pub(crate) fn contexts(&self) -> Vec<String> {
        let named = self
            .subjects
            .keys()
            .filter_map(|subject| context_of(subject));
        let mut contexts: BTreeSet<_> = named.map(|context| format!(".{context}")).collect();
        contexts.insert(".".to_owned());
        contexts.into_iter().collect()
    }

    /// The level of a subject's own, or also that which holds for all.
    pub(crate) fn level(&self, subject: Option<&str>, or_global: bool) -> Option<Level> {
        let own = self.levels.get(&subject.map(str::to_owned));
        let global = || match or_global || subject.is_none() {
            true => Some(self.levels.get(&None).copied().unwrap_or(Level::Backward)),
            false => None,
        };
        own.copied().or_else(global)
    }

    pub(crate) fn mode(&self, subject: Option<&str>, or_global: bool) -> Option<Mode> {
        let own = self.modes.get(&subject.map(str::to_owned));
        let global = || match or_global || subject.is_none() {
            true => Some(self.modes.get(&None).copied().unwrap_or(Mode::ReadWrite)),
            false => None,
        };
        own.copied().or_else(global)
    }
}
