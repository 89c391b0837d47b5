//! A request's way through state and log.

use std::sync::RwLockReadGuard;

use kafka_client_formats::compatibility::Level;
use kafka_client_formats::schema::Schema;

use crate::error::ApiError;
use crate::log::Log;
use crate::state::{Change, Deleted, Mode, State, Stored};

/// What the API does.
pub(crate) struct Service {
    log: Log,
}

impl Service {
    pub(crate) fn new(log: Log) -> Self {
        Self { log }
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.log.state()
    }

    pub(crate) async fn register(
        &self,
        subject: &str,
        schema: &Schema,
    ) -> Result<(i32, Stored), ApiError> {
        let decide = |state: &State| {
            let Change {
                version,
                stored,
                entry,
            } = state.register(subject, schema)?;
            Ok(((version, stored), entry.into_iter().collect()))
        };
        self.log.change(decide).await
    }

    /// Why a schema may not follow, without registering it.
    pub(crate) fn judge(
        &self,
        subject: &str,
        version: Option<Option<i32>>,
        schema: &Schema,
    ) -> Result<Vec<String>, ApiError> {
        let state = self.state();
        let version = match version {
            Some(version) => Some(state.version(subject, version, false)?.0),
            None => None,
        };
        state.judge(subject, schema, version)
    }

    pub(crate) async fn delete_subject(
        &self,
        subject: &str,
        permanent: bool,
    ) -> Result<Vec<i32>, ApiError> {
        let decide = |state: &State| {
            let Deleted { versions, entries } = state.delete_subject(subject, permanent)?;
            Ok((versions, entries))
        };
        self.log.change(decide).await
    }

    pub(crate) async fn delete_version(
        &self,
        subject: &str,
        version: Option<i32>,
        permanent: bool,
    ) -> Result<i32, ApiError> {
        let decide = |state: &State| {
            let version = match version {
                Some(version) => version,
                None => state.version(subject, None, permanent)?.0,
            };
            let deleted = state.delete_version(subject, version, permanent)?;
            Ok((version, deleted.entries))
        };
        self.log.change(decide).await
    }

    /// Sets or takes away a level; gives the one that held before.
    pub(crate) async fn set_level(
        &self,
        subject: Option<&str>,
        level: Option<Level>,
    ) -> Result<Level, ApiError> {
        let decide = |state: &State| {
            let own = state.level(subject, level.is_some());
            let before = own.ok_or_else(|| ApiError::no_level(subject.unwrap_or_default()))?;
            Ok((before, vec![state.set_level(subject, level)]))
        };
        self.log.change(decide).await
    }

    /// Sets or takes away a mode; gives the one that held before.
    pub(crate) async fn set_mode(
        &self,
        subject: Option<&str>,
        mode: Option<Mode>,
    ) -> Result<Mode, ApiError> {
        let decide = |state: &State| {
            let own = state.mode(subject, mode.is_some());
            let before = own.ok_or_else(|| ApiError::no_mode(subject.unwrap_or_default()))?;
            Ok((before, vec![state.set_mode(subject, mode)]))
        };
        self.log.change(decide).await
    }

    pub(crate) async fn close(&self) {
        self.log.close().await;
    }
}
