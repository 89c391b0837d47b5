//! What the entries of the topic say, and what a request changes.
//!
//! A change is decided here, as entries to be written; only reading them back changes the state.
//!
//! - `apply`: an entry is read
//! - `changes`: which entries a request takes
//! - `queries`: what is answered

mod apply;
mod changes;
mod queries;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use kafka_client_formats::compatibility::Level;
use kafka_client_formats::schema::Schema;
use kafka_client_formats::subject::context_of;
use kafka_client_formats::wire::Guid;

pub(crate) use self::changes::{Change, Deleted};

/// All that the registry knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    subjects: BTreeMap<String, BTreeMap<i32, Stored>>,
    /// Schemas by context and id. They stay when versions are deleted softly.
    ids: HashMap<(String, i32), Known>,
    levels: HashMap<Option<String>, Level>,
    modes: HashMap<Option<String>, Mode>,
}

/// A schema with what tells it from others.
#[derive(Debug)]
struct Known {
    schema: Schema,
    identity: String,
}

/// A version of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) id: i32,
    pub(crate) guid: Guid,
    pub(crate) schema: Schema,
    pub(crate) identity: String,
    pub(crate) deleted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    ReadWrite,
    ReadOnly,
}

impl Mode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ReadWrite => "READWRITE",
            Self::ReadOnly => "READONLY",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::ReadWrite, Self::ReadOnly]
            .into_iter()
            .find(|mode| mode.as_str() == name)
    }
}

/// The context of a subject; the one without a name is empty.
fn context(subject: &str) -> String {
    context_of(subject).unwrap_or_default().to_owned()
}
