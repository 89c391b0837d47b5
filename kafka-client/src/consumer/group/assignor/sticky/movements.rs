//! Which partitions have been moved so far, so that none is moved there while another of the same topic
//! is moved back.

use std::collections::BTreeMap;

use super::super::java::{self, Table};
use super::super::roster::{Roster, Slot};

/// From a member to another.
type Way = (usize, usize);

#[derive(Default)]
pub(super) struct Movements {
    by_slot: BTreeMap<Slot, Way>,
    /// By topic.
    by_way: BTreeMap<(usize, Way), Moved>,
}

/// Partitions of a topic that went one way.
struct Moved {
    /// As they came in.
    partitions: Vec<i32>,
    /// That of the most there were.
    table: Table,
}

impl Movements {
    /// What to move when a partition is to be moved: one of its topic that came the other way, if there
    /// is one.
    pub(super) fn instead_of(&self, slot: Slot, (from, to): Way, roster: &Roster<'_>) -> Slot {
        let origin = self.by_slot.get(&slot).map_or(from, |(origin, _)| *origin);
        let Some(moved) = self.by_way.get(&(slot.topic, (to, origin))) else {
            return slot;
        };
        let name = roster.topics[slot.topic].name;
        let bucket = |partition: &&i32| {
            let hash = java::hash_of_partition(name, **partition);
            moved.table.bucket(hash)
        };
        let first = moved.partitions.iter().min_by_key(bucket);
        first.map_or(slot, |partition| Slot {
            partition: *partition,
            ..slot
        })
    }

    /// Notes a move. One that goes on is one from where it began, one that goes back is none.
    pub(super) fn note(&mut self, slot: Slot, (from, to): Way) {
        let mut origin = from;
        if let Some(before) = self.by_slot.remove(&slot) {
            self.forget(slot, before);
            origin = before.0;
            if origin == to {
                return;
            }
        }
        self.by_slot.insert(slot, (origin, to));
        let moved = self.by_way.entry((slot.topic, (origin, to)));
        let moved = moved.or_insert_with(|| Moved {
            partitions: Vec::new(),
            table: Table::of(0),
        });
        moved.partitions.push(slot.partition);
        moved.table = moved.table.max(Table::of(moved.partitions.len()));
    }

    fn forget(&mut self, slot: Slot, way: Way) {
        let key = (slot.topic, way);
        if let Some(moved) = self.by_way.get_mut(&key) {
            moved.partitions.retain(|other| *other != slot.partition);
            if moved.partitions.is_empty() {
                self.by_way.remove(&key);
            }
        }
    }
}
