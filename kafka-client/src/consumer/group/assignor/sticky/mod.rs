//! Balanced, and every member keeps what it has as far as that goes: what `sticky` and
//! `cooperative-sticky` have in common.
//!
//! 1. Of several members that say they had a partition, the one of the highest generation did. If two
//!    of one generation say so, neither did (KIP-792).
//! 2. Where all members subscribe to the same topics, [`uniform`] divides, else [`mixed`].
//!
//! Both decide as Java's assignors do, in the same order, so that it makes no difference to a group
//! which client leads it. What members say of partitions that do not exist is passed over.

mod mixed;
mod movements;
mod uniform;

use super::racks::RackView;
use super::roster::{ByPiece, Piece, Roster};
use super::{Former, GroupMember, NO_GENERATION};

/// What each member gets, by index.
pub(super) fn assign(roster: &Roster<'_>, claims: &Claims) -> Vec<Vec<Piece>> {
    if roster.len() == 0 {
        return Vec::new();
    }
    let racks = RackView::new(roster);
    match roster.is_uniform {
        true => uniform::assign(roster, claims, &racks),
        false => mixed::assign(roster, claims, &racks),
    }
}

/// What members say of the partitions.
pub(super) struct Claims {
    by_piece: ByPiece<Claim>,
    /// What each member said, by index, in the order in which it was looked at.
    said: Vec<(usize, i32, Vec<Piece>)>,
}

/// What members say of a partition.
#[derive(Debug, Clone, Copy, Default)]
struct Claim {
    by: Claimants,
    /// Whose word counted last.
    latest: Option<usize>,
    /// Whose it was.
    owner: Option<usize>,
    /// Two members of one generation say it was theirs.
    is_disputed: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Claimants {
    #[default]
    None,
    One(usize),
    Several,
}

impl Claims {
    /// Members tell what they had in different ways.
    pub(super) fn new(
        roster: &Roster<'_>,
        members: &[GroupMember],
        tell: impl Fn(&GroupMember) -> Former,
    ) -> Self {
        // The generation in the subscription, which is looked at when another member says the same.
        let mut told = vec![NO_GENERATION; roster.len()];
        let nothing = Former {
            owned: Vec::new(),
            generation: NO_GENERATION,
        };
        let mut former = vec![nothing; roster.len()];
        for member in members {
            let index = roster.index(member);
            told[index] = told[index].max(member.generation.unwrap_or(NO_GENERATION));
            let Former { owned, generation } = tell(member);
            former[index].owned.extend(owned);
            former[index].generation = former[index].generation.max(generation);
        }
        let mut claims = Self {
            by_piece: ByPiece::new(roster, Claim::default()),
            said: Vec::with_capacity(members.len()),
        };
        for index in roster.as_keys() {
            let Former { owned, generation } = &former[index];
            let pieces = owned.iter().filter_map(|owned| roster.piece(owned));
            let pieces: Vec<Piece> = pieces.collect();
            for piece in &pieces {
                claims.by_piece[*piece].add(index, *generation, &told);
            }
            claims.said.push((index, *generation, pieces));
        }
        claims
    }

    /// Whose a partition was.
    fn owner(&self, piece: Piece) -> Option<usize> {
        self.by_piece[piece].owner
    }

    /// Whether two members of one generation say a partition was theirs.
    pub(super) fn is_disputed(&self, piece: Piece) -> bool {
        self.by_piece[piece].is_disputed
    }

    /// Whether a partition is with another member, for all that is known: it says so, and this one has no
    /// better right.
    pub(super) fn is_in_other_hands(&self, piece: Piece, member: usize) -> bool {
        let claim = &self.by_piece[piece];
        let others = claim.by != Claimants::None && claim.by != Claimants::One(member);
        others && claim.owner != Some(member)
    }
}

impl Claim {
    fn add(&mut self, member: usize, generation: i32, told: &[i32]) {
        self.by = match self.by {
            Claimants::None => Claimants::One(member),
            Claimants::One(other) if other == member => Claimants::One(member),
            _ => Claimants::Several,
        };
        if self.latest == Some(member) {
            return;
        }
        let before = self.latest.map(|other| told[other]);
        if before.is_some_and(|before| before > generation) {
            return;
        }
        self.latest = Some(member);
        if before == Some(generation) {
            self.is_disputed = true;
            self.owner = None;
        } else {
            self.owner = Some(member);
        }
    }
}
