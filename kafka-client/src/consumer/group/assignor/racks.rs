//! Which members may read a partition within their rack (KIP-881), for the sticky assignors.

use std::collections::BTreeMap;

use super::roster::{ByPiece, Piece, Roster};

/// Whether it makes sense to look at racks: some members have one, some partition has a replica there,
/// and not all partitions are on the same racks.
pub(super) fn matter<'a>(
    of_members: impl Iterator<Item = &'a str>,
    of_partitions: impl Iterator<Item = Vec<&'a str>> + Clone,
) -> bool {
    let mut all: Vec<&str> = of_partitions.clone().flatten().collect();
    all.sort_unstable();
    all.dedup();
    let mut of_members = of_members;
    of_members.any(|rack| all.binary_search(&rack).is_ok())
        && of_partitions
            .into_iter()
            .any(|racks| racks.len() != all.len())
}

/// Racks of members and of partitions.
pub(super) struct RackView {
    /// By index of the member; all `None` where racks do not matter.
    members: Vec<Option<usize>>,
    /// By partition.
    racks: ByPiece<Vec<usize>>,
    /// How many members each rack has.
    crowd: Vec<usize>,
}

impl RackView {
    pub(super) fn new(roster: &Roster<'_>) -> Self {
        let mut racks = ByPiece::new(roster, Vec::new());
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut members = Vec::with_capacity(roster.len());
        for rack in &roster.racks {
            members.push(rack.map(|rack| number(&mut numbers, rack)));
        }
        if members.iter().all(Option::is_none) {
            return Self {
                members,
                racks,
                crowd: Vec::new(),
            };
        }
        for piece in roster.pieces() {
            let names = &roster.topics[piece.topic].racks[piece.partition as usize];
            racks[piece] = names
                .iter()
                .map(|rack| number(&mut numbers, rack))
                .collect();
        }
        let mut crowd = vec![0; numbers.len()];
        for rack in members.iter().flatten() {
            crowd[*rack] += 1;
        }
        let of_partitions = roster.topics.iter().flat_map(|topic| topic.racks);
        let of_partitions = of_partitions.map(|racks| racks.iter().map(|rack| &**rack).collect());
        if !matter(roster.racks.iter().copied().flatten(), of_partitions) {
            members.fill(None);
        }
        Self {
            members,
            racks,
            crowd,
        }
    }

    /// Whether any member reads within its rack.
    pub(super) fn matter(&self) -> bool {
        self.members.iter().any(Option::is_some)
    }

    /// Whether a partition has no replica in the rack of a member that has one.
    pub(super) fn is_remote(&self, member: usize, piece: Piece) -> bool {
        self.members[member].is_some_and(|rack| !self.racks[piece].contains(&rack))
    }

    /// Whether a partition has a replica in the rack of a member.
    pub(super) fn is_near(&self, member: usize, piece: Piece) -> bool {
        self.members[member].is_some_and(|rack| self.racks[piece].contains(&rack))
    }

    /// Those with the fewest members in their racks first: they have the least choice.
    pub(super) fn sort_by_choice(&self, pieces: &mut [Piece]) {
        if self.crowd.is_empty() {
            return;
        }
        let readers = |piece: &Piece| -> usize {
            let racks = self.racks[*piece].iter();
            racks.map(|rack| self.crowd[*rack]).sum()
        };
        pieces.sort_by_cached_key(readers);
    }
}

fn number<'a>(numbers: &mut BTreeMap<&'a str, usize>, rack: &'a str) -> usize {
    let next = numbers.len();
    *numbers.entry(rack).or_insert(next)
}
