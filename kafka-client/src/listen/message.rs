//! What a handler is given: a record, with all that is known of it.

use std::fmt;
use std::sync::Arc;

use super::ack::Pending;
use super::context::Context;
use crate::record::ConsumerRecord;

/// A record on its way to its handler: what the services of a listener take, and what the arguments of
/// handlers are read from.
pub struct Message<S> {
    pub(super) record: ConsumerRecord,
    pub(super) attempt: u32,
    pub(super) context: Arc<Context<S>>,
    pub(super) pending: Pending,
}

impl<S> Message<S> {
    /// A message for tests of services and of extractors, without a listener: the first attempt.
    #[must_use]
    pub fn new(record: ConsumerRecord, state: S) -> Self {
        Self {
            record,
            attempt: 1,
            context: Arc::new(Context::without_cluster(state)),
            pending: Pending::default(),
        }
    }

    /// The record. One that was read from a retry topic is as it was in its own topic.
    #[must_use]
    pub fn record(&self) -> &ConsumerRecord {
        &self.record
    }

    /// The state of the listener.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.context.state
    }

    /// How often the record was handled, this time included: from 1, through all retry topics.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }
}

impl<S> Clone for Message<S> {
    /// Shares the bytes of the record and the state. What one of them is acknowledged by is its own.
    fn clone(&self) -> Self {
        Self {
            record: self.record.clone(),
            attempt: self.attempt,
            context: self.context.clone(),
            pending: Pending::default(),
        }
    }
}

impl<S> fmt::Debug for Message<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("record", &self.record)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
