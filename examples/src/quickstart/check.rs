//! Whether every earthquake arrived once and in order.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;

use super::group::Arrival;
use super::offsets::Offsets;
use crate::quake::Earthquake;

/// What is wrong. Nothing, if it is all empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Ids of earthquakes that did not arrive.
    pub missing: Vec<String>,
    /// Ids of those that arrived more often than they were published.
    pub doubled: Vec<String>,
    /// Ids of those that are not as they were published, or were not published at all.
    pub altered: Vec<String>,
    /// Ids of those that arrived after a later one of the same key.
    pub out_of_order: Vec<String>,
    /// Partitions with another number of records in the log than were read.
    pub miscounted: Vec<String>,
    /// Partitions whose records were read and not all committed.
    pub uncommitted: Vec<String>,
}

/// Compares what arrived with what was published.
///
/// `published` is in the order of publishing; `arrivals` in the order of reading, for each
/// partition at least. One key is always in one partition, so its order is that of its partition.
#[must_use]
pub fn check(published: &[Earthquake], arrivals: &[Arrival], offsets: &[Offsets]) -> Faults {
    let mut faults = Faults::default();
    compare(published, arrivals, &mut faults);
    reconcile(arrivals, offsets, &mut faults);
    faults
}

fn compare(published: &[Earthquake], arrivals: &[Arrival], faults: &mut Faults) {
    // A file may list the same event twice: the first that arrives is then the first of them.
    let mut expected: HashMap<_, VecDeque<usize>> = HashMap::new();
    for (position, quake) in published.iter().enumerate() {
        let event = (&quake.network, &quake.id);
        expected.entry(event).or_default().push_back(position);
    }
    let mut last_positions = HashMap::new();
    for arrival in arrivals {
        let quake = &arrival.quake;
        let Some(positions) = expected.get_mut(&(&quake.network, &quake.id)) else {
            faults.altered.push(quake.id.clone());
            continue;
        };
        let Some(position) = positions.pop_front() else {
            faults.doubled.push(quake.id.clone());
            continue;
        };
        if published[position] != *quake || arrival.timestamp_ms != Some(quake.time) {
            faults.altered.push(quake.id.clone());
        }
        let last = last_positions.entry(&quake.network).or_insert(position);
        if position < *last {
            faults.out_of_order.push(quake.id.clone());
        }
        *last = position;
    }
    let mut missing: Vec<usize> = expected.into_values().flatten().collect();
    missing.sort_unstable();
    faults.missing = missing
        .into_iter()
        .map(|position| published[position].id.clone())
        .collect();
}

fn reconcile(arrivals: &[Arrival], offsets: &[Offsets], faults: &mut Faults) {
    let mut read: BTreeMap<i32, i64> = BTreeMap::new();
    for arrival in arrivals {
        *read.entry(arrival.partition).or_default() += 1;
    }
    for offsets in offsets {
        let name = format!("partition {}", offsets.partition);
        if offsets.next - offsets.first != read.remove(&offsets.partition).unwrap_or(0) {
            faults.miscounted.push(name.clone());
        }
        // Nothing is committed where there is nothing to read.
        if offsets.committed.unwrap_or(offsets.first) != offsets.next {
            faults.uncommitted.push(name);
        }
    }
    let unknown = read.into_keys();
    faults
        .miscounted
        .extend(unknown.map(|partition| format!("partition {partition}")));
}

impl Faults {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One line for each kind of fault, with the first few of it.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("missing", &self.missing),
            ("arrived too often", &self.doubled),
            ("altered", &self.altered),
            ("out of order", &self.out_of_order),
            ("not as many in the log as were read", &self.miscounted),
            ("not committed", &self.uncommitted),
        ];
        let mut separator = "";
        for (kind, names) in kinds.into_iter().filter(|(_, names)| !names.is_empty()) {
            let shown = &names[..names.len().min(SHOWN_MAX)];
            let more = if shown.len() < names.len() {
                ", .."
            } else {
                ""
            };
            let (count, shown) = (names.len(), shown.join(", "));
            write!(f, "{separator}{kind}: {count} ({shown}{more})")?;
            separator = "\n";
        }
        Ok(())
    }
}

const SHOWN_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quake::{BUNDLED, read};

    /// Twenty earthquakes, of several networks.
    fn published() -> Vec<Earthquake> {
        read(BUNDLED).take(20).map(Result::unwrap).collect()
    }

    /// They arrive as if all were in one partition.
    fn arrivals(quakes: &[Earthquake]) -> Vec<Arrival> {
        let arrival = |(offset, quake): (usize, &Earthquake)| Arrival {
            member: "first",
            partition: 0,
            offset: offset as i64,
            timestamp_ms: Some(quake.time),
            bytes: 100,
            quake: quake.clone(),
        };
        quakes.iter().enumerate().map(arrival).collect()
    }

    fn faults(published: &[Earthquake], arrivals: &[Arrival]) -> Faults {
        let next = arrivals.len() as i64;
        let offsets = Offsets {
            partition: 0,
            first: 0,
            next,
            committed: Some(next),
        };
        check(published, arrivals, &[offsets])
    }

    #[test]
    fn what_arrives_as_it_was_published_is_right() {
        let published = published();
        assert!(faults(&published, &arrivals(&published)).is_empty());
    }

    #[test]
    fn networks_may_overtake_each_other() {
        let published = published();
        let mut arrivals = arrivals(&published);
        arrivals.sort_by(|one, other| one.quake.network.cmp(&other.quake.network));
        assert_ne!(arrivals[0].quake, published[0], "the order is another one");
        assert!(faults(&published, &arrivals).is_empty());
    }

    #[test]
    fn what_is_missing_doubled_or_altered_is_named() {
        let published = published();
        let mut arrivals = arrivals(&published);
        arrivals.remove(3);
        arrivals.push(arrivals[7].clone());
        arrivals[0].quake.felt = Some(12_345);
        arrivals[1].timestamp_ms = Some(published[1].time + 1);
        let mut stranger = arrivals[2].clone();
        stranger.quake.id = "stranger".to_owned();
        arrivals.push(stranger);
        let id = |index: usize| published[index].id.clone();
        let wanted = Faults {
            missing: vec![id(3)],
            doubled: vec![id(8)],
            altered: vec![id(0), id(1), "stranger".to_owned()],
            ..Faults::default()
        };
        assert_eq!(faults(&published, &arrivals), wanted);
        let lines = wanted.to_string();
        assert_eq!(lines.lines().count(), 3);
        assert!(
            lines.starts_with(&format!("missing: 1 ({})\n", id(3))),
            "{lines}"
        );
    }

    #[test]
    fn the_order_counts_within_a_network() {
        let published = published();
        let network = &published[0].network;
        let next = published
            .iter()
            .skip(1)
            .position(|quake| quake.network == *network);
        let next = next.expect("two of one network") + 1;
        let mut arrivals = arrivals(&published);
        arrivals.swap(0, next);
        assert_eq!(
            faults(&published, &arrivals),
            Faults {
                out_of_order: vec![published[0].id.clone()],
                ..Faults::default()
            }
        );
    }

    #[test]
    fn an_event_that_the_file_lists_twice_is_to_arrive_twice() {
        let mut published = published();
        published.push(published[4].clone());
        let mut arrivals = arrivals(&published);
        assert!(faults(&published, &arrivals).is_empty());
        arrivals.pop();
        assert_eq!(
            faults(&published, &arrivals).missing,
            [published[4].id.as_str()]
        );
    }

    #[test]
    fn the_log_and_the_committed_offsets_must_agree_with_what_was_read() {
        let published = published();
        let arrivals = arrivals(&published);
        let offsets = |partition, next, committed| Offsets {
            partition,
            first: 0,
            next,
            committed,
        };
        let fault = |offsets: &[Offsets]| check(&published, &arrivals, offsets);
        let right = [offsets(0, 20, Some(20)), offsets(1, 0, None)];
        assert!(fault(&right).is_empty());
        assert_eq!(
            fault(&[offsets(0, 21, Some(21))]).miscounted,
            ["partition 0"]
        );
        assert_eq!(
            fault(&[offsets(0, 20, Some(19))]).uncommitted,
            ["partition 0"]
        );
        assert_eq!(fault(&[offsets(0, 20, None)]).uncommitted, ["partition 0"]);
        assert_eq!(
            fault(&[]).miscounted,
            ["partition 0"],
            "a partition nobody knows"
        );
    }
}
