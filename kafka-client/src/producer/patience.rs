//! Buffering many records one after the other under one limit for all.

use std::collections::BTreeMap;
use std::time::Duration;

use super::delivery::Delivery;
use super::shared::Shared;
use super::{MAX_BLOCK, Obstacle, ToRecord, append, append_slowly};
use crate::cluster::Limit;
use crate::error::Error;

/// What is left of `max.block.ms` for many records. Only what is waited for in vain takes of it: memory
/// that comes back lets any number of records through.
#[derive(Debug)]
pub(crate) struct Patience {
    left: Duration,
    /// Topics that were waited for in vain: no record waits for them again.
    failed: BTreeMap<String, Error>,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            left: limit,
            failed: BTreeMap::new(),
        }
    }

    /// Appends a record, and waits for what is missing as long as there is patience.
    pub(crate) async fn append<R: ToRecord>(
        &mut self,
        shared: &Shared,
        record: &R,
    ) -> Result<Delivery, Error> {
        let obstacle = match append(shared, record, None) {
            Ok(delivery) => return Ok(delivery),
            Err(Obstacle::Error(error)) => return Err(error),
            Err(obstacle) => obstacle,
        };
        let topic = match &obstacle {
            Obstacle::Topic(name) => Some(name.clone()),
            _ => None,
        };
        if let Some(error) = topic.as_ref().and_then(|topic| self.failed.get(topic)) {
            return Err(error.clone());
        }
        let env = shared.env();
        let start = env.now();
        let mut limit = Limit::begin(env, shared.config.max_block, MAX_BLOCK);
        limit.end = env.after(self.left);
        let appended = append_slowly(shared, record, obstacle, limit).await;
        if let Err(error) = &appended {
            self.left = self.left.saturating_sub(env.now() - start);
            if let Some(topic) = topic {
                self.failed.insert(topic, error.clone());
            }
        }
        appended
    }
}
