//! Why a listener ended.

use std::fmt;

use super::BoxError;
use super::failure::Failure;
use crate::error::Error;
use crate::record::ConsumerRecord;

/// Why a listener ended before its shutdown. The record that it ended with is not committed, and comes again
/// with the next start.
#[derive(Debug)]
#[non_exhaustive]
pub enum ListenError {
    /// A handler failed, and nothing that was set takes the record from there.
    Handler {
        /// What it, or a layer around it, failed with.
        error: BoxError,
        /// The record, as it was in its own topic.
        record: Box<ConsumerRecord>,
    },
    /// An argument of a handler could not be read from the record.
    Decode {
        /// Why.
        error: BoxError,
        /// The record, as it was in its own topic.
        record: Box<ConsumerRecord>,
    },
    /// A handler panicked.
    Panicked {
        /// The words of the panic.
        words: String,
        /// The record, as it was in its own topic.
        record: Box<ConsumerRecord>,
    },
    /// The consumer ended, its last commit failed, or a setting is invalid.
    Client(Error),
}

impl ListenError {
    pub(super) fn of(failure: Failure, record: ConsumerRecord) -> Self {
        let record = Box::new(record);
        match failure {
            Failure::Handler(error) => Self::Handler { error, record },
            Failure::Decode(error) => Self::Decode { error, record },
            Failure::Panic(words) => Self::Panicked { words, record },
        }
    }
}

impl From<Error> for ListenError {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |record: &ConsumerRecord| {
            let (topic, partition) = (record.topic(), record.partition());
            let offset = record.offset();
            format!("topic {topic} partition {partition} offset {offset}")
        };
        match self {
            Self::Handler { error, record } => {
                write!(f, "{}: the handler failed: {error}", at(record))
            }
            Self::Decode { error, .. } => error.fmt(f),
            Self::Panicked { words, record } => {
                write!(f, "{}: the handler panicked: {words}", at(record))
            }
            Self::Client(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ListenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Handler { error, .. } => Some(&**error),
            Self::Decode { error, .. } => error.source(),
            Self::Panicked { .. } => None,
            Self::Client(error) => error.source(),
        }
    }
}
