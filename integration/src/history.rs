//! What a producer was told of each record, checked against the log: Part C of the lessons, as far as
//! it concerns producers.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use kafka_client::SendError;
use kafka_client::producer::Delivered;

/// A record: who sent it, and its number there. Each sender sends to each partition in the order of
/// its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// The sender.
    pub sender: u32,
    /// The number of the record.
    pub number: u32,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sender, self.number)
    }
}

impl Id {
    /// Reads what `Display` writes.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (sender, number) = std::str::from_utf8(text).ok()?.split_once(':')?;
        Some(Self {
            sender: sender.parse().ok()?,
            number: number.parse().ok()?,
        })
    }
}

/// What was told of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is in this partition, at this offset if one was told.
    Delivered(i32, Option<i64>),
    /// It is not in the log.
    NotDelivered,
    /// It may be in the log.
    Unknown,
}

impl Told {
    /// What the outcome of a send tells.
    #[must_use]
    pub fn of(outcome: &Result<Delivered, SendError>) -> Self {
        match outcome {
            Ok(delivered) => Self::Delivered(delivered.partition, delivered.offset),
            Err(error) if error.possibly_written() => Self::Unknown,
            Err(_) => Self::NotDelivered,
        }
    }
}

/// All that was told.
#[derive(Debug, Default)]
pub struct History(HashMap<Id, Told>);

/// How many records ended how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Acknowledged.
    pub delivered: usize,
    /// Known not to be in the log.
    pub not_delivered: usize,
    /// Unknown, and in the log.
    pub unknown_found: usize,
    /// Unknown, and not in the log.
    pub unknown_absent: usize,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Acknowledged, and not where it was said to be.
    Lost(Id, Told),
    /// Said not to be written, and in the log.
    Found(Id),
    /// In the log more than once.
    Doubled(Id),
    /// Behind a record of its sender that was sent later.
    Reordered(Id, Id),
    /// Nobody sent it.
    Stranger(i32, i64),
}

/// Whether what was acknowledged must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing that was acknowledged may be missing.
    Never,
    /// The topic was deleted and made anew: what the former one had is gone with it, and offsets are
    /// of either.
    WithTheTopic,
}

impl History {
    /// Notes what was told of a record.
    pub fn told(&mut self, id: Id, told: Told) {
        self.0.insert(id, told);
    }

    /// How many records something was told of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was told yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts the notes of another one to these.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Compares what was told with the log: for each partition, its records in their order with
    /// their offsets.
    ///
    /// # Errors
    /// The promises that were broken.
    pub fn check(
        &self,
        log: &BTreeMap<i32, Vec<(i64, Option<Id>)>>,
        loss: Loss,
    ) -> Result<Summary, Vec<Violation>> {
        let mut violations = Vec::new();
        let mut places: HashMap<Id, (i32, i64)> = HashMap::new();
        for (partition, records) in log {
            let mut last: HashMap<u32, u32> = HashMap::new();
            for (offset, id) in records {
                let Some(id) = id.filter(|id| self.0.contains_key(id)) else {
                    violations.push(Violation::Stranger(*partition, *offset));
                    continue;
                };
                if places.insert(id, (*partition, *offset)).is_some() {
                    violations.push(Violation::Doubled(id));
                    continue;
                }
                match last.insert(id.sender, id.number) {
                    Some(before) if before > id.number => {
                        let before = Id {
                            number: before,
                            ..id
                        };
                        violations.push(Violation::Reordered(id, before));
                    }
                    _ => {}
                }
            }
        }
        let mut summary = Summary::default();
        for (id, told) in &self.0 {
            let place = places.get(id);
            match told {
                Told::Delivered(partition, offset) => {
                    summary.delivered += 1;
                    let there = place.is_some_and(|(at, found)| {
                        at == partition && offset.is_none_or(|offset| offset == *found)
                    });
                    if !there && loss == Loss::Never {
                        violations.push(Violation::Lost(*id, *told));
                    }
                }
                Told::NotDelivered => {
                    summary.not_delivered += 1;
                    if place.is_some() {
                        violations.push(Violation::Found(*id));
                    }
                }
                Told::Unknown if place.is_some() => summary.unknown_found += 1,
                Told::Unknown => summary.unknown_absent += 1,
            }
        }
        match violations.is_empty() {
            true => Ok(summary),
            false => Err(violations),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Log = BTreeMap<i32, Vec<(i64, Option<Id>)>>;

    fn id(number: u32) -> Id {
        Id { sender: 7, number }
    }

    /// Six records of which all is well, and the log that they are in.
    fn good() -> (History, Log) {
        let mut history = History::default();
        for number in 0..3 {
            history.told(id(number), Told::Delivered(0, Some(i64::from(number))));
        }
        history.told(id(3), Told::NotDelivered);
        history.told(id(4), Told::Unknown);
        history.told(id(5), Told::Unknown);
        history.told(id(6), Told::Delivered(0, None));
        let log = [0, 1, 2, 4, 6].map(|number| Some(id(number)));
        let log = (0..).zip(log).collect();
        (history, BTreeMap::from([(0, log)]))
    }

    fn broken(change: impl FnOnce(&mut Vec<(i64, Option<Id>)>)) -> Vec<Violation> {
        let (history, mut log) = good();
        change(log.get_mut(&0).unwrap());
        history.check(&log, Loss::Never).unwrap_err()
    }

    #[test]
    fn what_was_told_truly_is_counted() {
        let (history, log) = good();
        let summary = Summary {
            delivered: 4,
            not_delivered: 1,
            unknown_found: 1,
            unknown_absent: 1,
        };
        assert_eq!(history.check(&log, Loss::Never), Ok(summary));
        assert_eq!(Id::parse(id(12).to_string().as_bytes()), Some(id(12)));
        assert_eq!(Id::parse(b"7"), None);
    }

    #[test]
    fn every_broken_promise_is_found() {
        let lost = broken(|log| log.truncate(4));
        assert_eq!(lost, [Violation::Lost(id(6), Told::Delivered(0, None))]);
        let elsewhere = broken(|log| log[0].0 = 9);
        let told = Told::Delivered(0, Some(0));
        assert_eq!(elsewhere, [Violation::Lost(id(0), told)]);
        let found = broken(|log| log.insert(3, (9, Some(id(3)))));
        assert_eq!(found, [Violation::Found(id(3))]);
        let doubled = broken(|log| log.push((9, Some(id(6)))));
        assert_eq!(doubled, [Violation::Doubled(id(6))]);
        let reordered = broken(|log| log.swap(3, 4));
        assert_eq!(reordered, [Violation::Reordered(id(4), id(6))]);
        let stranger = broken(|log| log.push((9, None)));
        assert_eq!(stranger, [Violation::Stranger(0, 9)]);
    }

    #[test]
    fn a_topic_that_was_made_anew_has_lost_what_the_former_one_had() {
        let (history, mut log) = good();
        log.insert(0, vec![(0, Some(id(6)))]);
        assert!(history.check(&log, Loss::Never).is_err());
        assert_eq!(
            history.check(&log, Loss::WithTheTopic).unwrap().delivered,
            4
        );
        log.insert(0, vec![(0, Some(id(3)))]);
        assert!(history.check(&log, Loss::WithTheTopic).is_err());
    }
}
