//! Which partitions have been moved so far, so that none is moved there while another of the same topic
//! is moved back.

use std::collections::BTreeMap;

use super::super::java::{self, Table};
use super::super::roster::{Piece, Roster};

/// From a member to another.
type Way = (usize, usize);

#[derive(Default)]
pub(super) struct Movements {
    by_piece: BTreeMap<Piece, Way>,
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
    pub(super) fn instead_of(&self, piece: Piece, (from, to): Way, roster: &Roster<'_>) -> Piece {
        let origin = self
            .by_piece
            .get(&piece)
            .map_or(from, |(origin, _)| *origin);
        let Some(moved) = self.by_way.get(&(piece.topic, (to, origin))) else {
            return piece;
        };
        let name = roster.topics[piece.topic].name;
        let bucket = |partition: &&i32| {
            let hash = java::hash_of_partition(name, **partition);
            moved.table.bucket(hash)
        };
        let first = moved.partitions.iter().min_by_key(bucket);
        first.map_or(piece, |partition| Piece {
            partition: *partition,
            ..piece
        })
    }

    /// Notes a move. One that goes on is one from where it began, one that goes back is none.
    pub(super) fn note(&mut self, piece: Piece, (from, to): Way) {
        let mut origin = from;
        if let Some(before) = self.by_piece.remove(&piece) {
            self.forget(piece, before);
            origin = before.0;
            if origin == to {
                return;
            }
        }
        self.by_piece.insert(piece, (origin, to));
        let moved = self.by_way.entry((piece.topic, (origin, to)));
        let moved = moved.or_insert_with(|| Moved {
            partitions: Vec::new(),
            table: Table::of(0),
        });
        moved.partitions.push(piece.partition);
        moved.table = moved.table.max(Table::of(moved.partitions.len()));
    }

    fn forget(&mut self, piece: Piece, way: Way) {
        let key = (piece.topic, way);
        if let Some(moved) = self.by_way.get_mut(&key) {
            moved.partitions.retain(|other| *other != piece.partition);
            if moved.partitions.is_empty() {
                self.by_way.remove(&key);
            }
        }
    }
}
