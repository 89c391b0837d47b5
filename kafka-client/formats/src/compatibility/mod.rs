//! Which schemas may follow one another (pure).
//!
//! Each language has its rules in a module of its own, as one question: can what was written with one schema be
//! read with another? [`Level`] asks it of the right pairs, in the right direction.
//!
//! - `avro`: the rules of the Avro specification, as Apache Avro checks them
//! - `protobuf`: the rules of Confluent's registry
//! - `json`: the rules of Confluent's registry

pub mod avro;
pub mod json;
#[cfg(feature = "protobuf")]
pub mod protobuf;

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::str::FromStr;

/// Why what was written with one schema cannot be read with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incompatibility {
    /// The way to the place at fault, such as `/customer/address`.
    pub path: String,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Incompatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// Pairs of types that were or are being compared, so that a type in itself is compared once. What a question of its
/// own has added can be forgotten again.
#[derive(Debug)]
pub(crate) struct Seen<T> {
    pairs: HashSet<(T, T)>,
    order: Vec<(T, T)>,
    /// How many more may come: hostile schemas have alternatives that grow with a power of their length.
    left: usize,
}

/// Schemas of people need some hundreds.
const PAIRS_MAX: usize = 200_000;

/// How many reasons are told: nobody reads more.
const REASONS_MAX: usize = 100;

impl<T: Copy + Eq + Hash> Seen<T> {
    pub(crate) fn new() -> Self {
        Self {
            pairs: HashSet::new(),
            order: Vec::new(),
            left: PAIRS_MAX,
        }
    }

    /// Whether the pair is a new one.
    pub(crate) fn add(&mut self, reader: T, writer: T) -> bool {
        let pair = (reader, writer);
        let is_new = self.pairs.insert(pair);
        if is_new {
            self.order.push(pair);
        }
        is_new
    }

    /// Counts a comparison; false if there were too many.
    pub(crate) fn count(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or(0);
        left.is_some()
    }

    pub(crate) fn mark(&self) -> usize {
        self.order.len()
    }

    /// Forgets all that came since a mark.
    pub(crate) fn forget(&mut self, mark: usize) {
        for pair in self.order.drain(mark..) {
            self.pairs.remove(&pair);
        }
    }
}

/// A schema that cannot be read as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSchema(pub(crate) String);

impl fmt::Display for InvalidSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidSchema {}

/// Which schemas may follow one another under a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Any may.
    None,
    /// The new one reads what was written with the last.
    Backward,
    /// The new one reads what was written with each before.
    BackwardTransitive,
    /// The last reads what is written with the new one.
    Forward,
    /// Each before reads what is written with the new one.
    ForwardTransitive,
    /// Both, for the last.
    Full,
    /// Both, for each before.
    FullTransitive,
}

const NAMES: [(Level, &str); 7] = [
    (Level::None, "NONE"),
    (Level::Backward, "BACKWARD"),
    (Level::BackwardTransitive, "BACKWARD_TRANSITIVE"),
    (Level::Forward, "FORWARD"),
    (Level::ForwardTransitive, "FORWARD_TRANSITIVE"),
    (Level::Full, "FULL"),
    (Level::FullTransitive, "FULL_TRANSITIVE"),
];

impl Level {
    /// Its name in a registry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let known = NAMES.iter().find(|(level, _)| *level == self);
        known.map_or("NONE", |(_, name)| name)
    }

    /// Why a new schema may not follow those before, of which the last is the newest; none if it may.
    /// `cannot_read` tells why a reader's schema, the first, does not read what was written with a writer's.
    pub fn check<S>(
        self,
        new: &S,
        before: &[S],
        cannot_read: impl Fn(&S, &S) -> Vec<Incompatibility>,
    ) -> Vec<Incompatibility> {
        let (backward, forward, all) = match self {
            Self::None => (false, false, false),
            Self::Backward => (true, false, false),
            Self::BackwardTransitive => (true, false, true),
            Self::Forward => (false, true, false),
            Self::ForwardTransitive => (false, true, true),
            Self::Full => (true, true, false),
            Self::FullTransitive => (true, true, true),
        };
        let compared = match all {
            true => before,
            false => &before[before.len().saturating_sub(1)..],
        };
        // The newest first, as it is the one that people have in mind.
        for old in compared.iter().rev() {
            let mut reasons = Vec::new();
            if backward {
                reasons.extend(cannot_read(new, old));
            }
            if forward {
                reasons.extend(cannot_read(old, new));
            }
            if !reasons.is_empty() {
                return reasons;
            }
        }
        Vec::new()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no level of compatibility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLevel(String);

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = NAMES.map(|(_, name)| name).join(", ");
        write!(
            f,
            "{:?} is no level of compatibility: there are {names}",
            self.0
        )
    }
}

impl std::error::Error for UnknownLevel {}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(name: &str) -> Result<Self, UnknownLevel> {
        let known = NAMES.iter().find(|(_, known)| *known == name);
        let level = known.map(|(level, _)| *level);
        level.ok_or_else(|| UnknownLevel(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Schemas are numbers; a larger one reads a smaller one.
    fn allows(level: Level, new: u32, before: &[u32]) -> bool {
        let cannot_read = |reader: &u32, writer: &u32| {
            let reason = Incompatibility {
                path: "/".to_owned(),
                what: format!("{reader} does not read {writer}"),
            };
            match reader >= writer {
                true => Vec::new(),
                false => vec![reason],
            }
        };
        level.check(&new, before, cannot_read).is_empty()
    }

    #[test]
    fn each_level_asks_its_own_pairs() {
        for (level, new, before, wanted) in [
            (Level::None, 0, &[5, 1][..], true),
            (Level::Backward, 2, &[5, 1], true),
            (Level::BackwardTransitive, 2, &[5, 1], false),
            (Level::Backward, 0, &[5, 1], false),
            (Level::Forward, 2, &[1, 3], true),
            (Level::ForwardTransitive, 2, &[1, 3], false),
            (Level::Forward, 4, &[1, 3], false),
            (Level::Full, 3, &[1, 3], true),
            (Level::FullTransitive, 3, &[1, 3], false),
            (Level::Full, 2, &[3], false),
            (Level::Full, 4, &[3], false),
            (Level::FullTransitive, 1, &[], true),
        ] {
            assert_eq!(
                allows(level, new, before),
                wanted,
                "{level} {new} {before:?}"
            );
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for (level, name) in NAMES {
            assert_eq!(name.parse(), Ok(level));
            assert_eq!(level.to_string(), name);
        }
        assert!("backward".parse::<Level>().is_err());
    }
}
