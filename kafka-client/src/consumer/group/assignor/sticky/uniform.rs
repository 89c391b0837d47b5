//! All members subscribe to the same topics: the counts differ by one at most.

use std::collections::VecDeque;

use super::super::racks::RackView;
use super::super::roster::{ByPiece, Piece, Roster};
use super::Claims;

/// What each member gets, by index.
pub(super) fn assign(roster: &Roster<'_>, claims: &Claims, racks: &RackView) -> Vec<Vec<Piece>> {
    let mut division = Division::new(roster, racks);
    let mut free = division.keep(roster, claims);
    racks.sort_by_choice(&mut free);
    let rest = match racks.matter() {
        true => division.give_near(free),
        false => free,
    };
    division.give(rest);
    division.assigned
}

struct Division<'a> {
    racks: &'a RackView,
    assigned: Vec<Vec<Piece>>,
    /// How many partitions each member gets at least.
    least: usize,
    /// How many members may still get one more.
    extra: usize,
    /// Members with fewer than that.
    below: Vec<usize>,
    /// Members with just as many, as long as one of them may get one more.
    enough: VecDeque<usize>,
}

impl<'a> Division<'a> {
    fn new(roster: &Roster<'_>, racks: &'a RackView) -> Self {
        let count = roster.pieces().count();
        Self {
            racks,
            assigned: vec![Vec::new(); roster.len()],
            least: count / roster.len(),
            extra: count % roster.len(),
            below: Vec::new(),
            enough: VecDeque::new(),
        }
    }

    /// Members keep what they had, as far as it is not more than they get. What is left is free.
    fn keep(&mut self, roster: &Roster<'_>, claims: &Claims) -> Vec<Piece> {
        let mut held = vec![Vec::new(); roster.len()];
        for piece in roster.pieces() {
            if let Some(owner) = claims.owner(piece)
                && !claims.is_disputed(piece)
                && !self.racks.is_remote(owner, piece)
            {
                held[owner].push(piece);
            }
        }
        let mut kept = ByPiece::new(roster, false);
        for member in roster.as_keys() {
            let mut held = std::mem::take(&mut held[member]);
            // The first partitions of every topic, so that one that comes gets some of each.
            held.sort_by_key(|piece| (piece.partition, piece.topic));
            if held.len() < self.least {
                self.below.push(member);
            } else if held.len() > self.least && self.extra > 0 {
                self.take_extra();
                held.truncate(self.least + 1);
            } else {
                held.truncate(self.least);
                if self.extra > 0 {
                    self.enough.push_back(member);
                }
            }
            for piece in &held {
                kept[*piece] = true;
            }
            self.assigned[member] = held;
        }
        self.below.sort_unstable();
        self.enough.make_contiguous().sort_unstable();
        roster.pieces().filter(|piece| !kept[*piece]).collect()
    }

    /// A member gets one more than the least.
    fn take_extra(&mut self) {
        self.extra = self.extra.saturating_sub(1);
        if self.extra == 0 {
            self.enough.clear();
        }
    }

    /// Gives what a member may read within its rack to such a one, in turn. The rest is returned.
    fn give_near(&mut self, free: Vec<Piece>) -> Vec<Piece> {
        let racks = self.racks;
        let mut turn = 0;
        let give = |piece: &Piece| {
            let count = self.below.len();
            let mut turns = (0..count).map(|step| (turn + step) % count);
            if let Some(place) = turns.find(|place| racks.is_near(self.below[*place], *piece)) {
                let member = self.below[place];
                self.assigned[member].push(*piece);
                turn = place + 1;
                if self.assigned[member].len() >= self.least {
                    self.below.remove(place);
                    turn = place;
                    if self.extra > 0 {
                        self.enough.push_back(member);
                    }
                }
                turn = turn.checked_rem(self.below.len()).unwrap_or(0);
                return false;
            }
            let near = |member: &usize| racks.is_near(*member, *piece);
            let Some(place) = self.enough.iter().position(near) else {
                return true;
            };
            if let Some(member) = self.enough.remove(place) {
                self.assigned[member].push(*piece);
                self.take_extra();
            }
            false
        };
        free.into_iter().filter(give).collect()
    }

    /// Gives out the rest in turn: first to those that have fewer than the least.
    fn give(&mut self, free: Vec<Piece>) {
        let mut turn = 0;
        for piece in free {
            if self.below.is_empty() {
                let Some(member) = self.enough.pop_front() else {
                    debug_assert!(false, "a partition is left when all members have enough");
                    return;
                };
                self.assigned[member].push(piece);
                continue;
            }
            if turn >= self.below.len() {
                turn = 0;
            }
            let member = self.below[turn];
            self.assigned[member].push(piece);
            if self.assigned[member].len() == self.least {
                self.below.remove(turn);
                self.enough.push_back(member);
            } else {
                turn += 1;
            }
        }
    }
}
