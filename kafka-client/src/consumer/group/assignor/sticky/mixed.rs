//! Members subscribe to different topics: partitions are moved, one after the other, from members that
//! have two more than another that may have it, until there is no such pair.

use super::super::racks::RackView;
use super::super::roster::{ByPiece, Piece, Roster};
use super::Claims;
use super::movements::Movements;

/// What each member gets, by index.
pub(super) fn assign(roster: &Roster<'_>, claims: &Claims, racks: &RackView) -> Vec<Vec<Piece>> {
    // Topics with the fewest subscribers first: they have the least choice.
    let mut topics: Vec<usize> = (0..roster.topics.len()).collect();
    topics.sort_by_key(|topic| roster.topics[*topic].subscribers.len());
    let pieces = topics
        .iter()
        .flat_map(|topic| roster.topics[*topic].pieces(*topic));
    let pieces: Vec<Piece> = pieces.collect();

    let mut division = Division::new(roster);
    let has_lost = division.keep(claims, racks, &pieces);
    let is_new = division.loads.iter().all(|load| *load == 0);
    let free = division.free(&pieces);
    if racks.matter() {
        division.fill(&free, |member, piece| !racks.is_remote(member, piece));
    }
    division.fill(&free, |_, _| true);

    let can_move = |piece: &Piece| roster.topics[piece.topic].subscribers.len() > 1;
    let before = division.clone();
    let mut balancing = Balancing::new(division, claims);
    // If nobody had to give anything up, what is new may be all that has to move.
    if !has_lost {
        balancing.balance(free.into_iter().filter(can_move));
    }
    let has_moved = balancing.balance(pieces.into_iter().filter(can_move));
    let mut division = balancing.division;
    if !is_new && has_moved && division.imbalance() >= before.imbalance() {
        division = before;
    }
    division.assigned()
}

#[derive(Clone)]
struct Division<'a> {
    roster: &'a Roster<'a>,
    owner: ByPiece<Option<usize>>,
    /// How many partitions each member has.
    loads: Vec<usize>,
    /// And of each topic.
    loads_by_topic: Vec<Vec<usize>>,
}

impl<'a> Division<'a> {
    fn new(roster: &'a Roster<'a>) -> Self {
        Self {
            roster,
            owner: ByPiece::new(roster, None),
            loads: vec![0; roster.len()],
            loads_by_topic: vec![vec![0; roster.len()]; roster.topics.len()],
        }
    }

    fn give(&mut self, piece: Piece, member: usize) {
        if let Some(owner) = self.owner[piece].replace(member) {
            self.loads[owner] -= 1;
            self.loads_by_topic[piece.topic][owner] -= 1;
        }
        self.loads[member] += 1;
        self.loads_by_topic[piece.topic][member] += 1;
    }

    /// Members keep what they had and may still have. `true` if some had to give something up.
    fn keep(&mut self, claims: &Claims, racks: &RackView, pieces: &[Piece]) -> bool {
        let mut has_lost = false;
        for piece in pieces {
            let Some(owner) = claims.owner(*piece) else {
                continue;
            };
            let subscribes = self.roster.topics[piece.topic].is_subscribed_by(owner);
            if subscribes && !racks.is_remote(owner, *piece) {
                self.give(*piece, owner);
            } else {
                has_lost = true;
            }
        }
        has_lost
    }

    fn free(&self, pieces: &[Piece]) -> Vec<Piece> {
        let free = pieces.iter().filter(|piece| self.owner[**piece].is_none());
        free.copied().collect()
    }

    /// Gives what nobody has, each to the member with the fewest of those that may have it.
    fn fill(&mut self, free: &[Piece], may_have: impl Fn(usize, Piece) -> bool) {
        for piece in free {
            if self.owner[*piece].is_some() {
                continue;
            }
            let subscribers = self.roster.topics[piece.topic].subscribers.iter().copied();
            let candidates = subscribers.filter(|member| may_have(*member, *piece));
            if let Some(member) = candidates.min_by_key(|member| self.loads[*member]) {
                self.give(*piece, member);
            }
        }
    }

    /// The member with the fewest partitions of those that may have those of a topic.
    fn least_loaded(&self, topic: usize) -> Option<usize> {
        let subscribers = self.roster.topics[topic].subscribers.iter().copied();
        subscribers.min_by_key(|member| self.loads[*member])
    }

    /// Whether no member has two partitions more than another that may have one of them.
    fn is_balanced(&self) -> bool {
        (0..self.roster.topics.len()).all(|topic| {
            let subscribers = self.roster.topics[topic].subscribers.iter();
            let owners = subscribers.filter(|member| self.loads_by_topic[topic][**member] > 0);
            let most = owners.map(|member| self.loads[*member]).max();
            let least = self.least_loaded(topic).map(|member| self.loads[member]);
            most <= least.map(|least| least + 1)
        })
    }

    /// How far the loads are apart, over all pairs of members between which partitions can move.
    fn imbalance(&self) -> usize {
        let mut loads: Vec<usize> = (0..self.roster.len())
            .filter(|member| {
                let mut topics = self.roster.topics.iter();
                topics.any(|topic| topic.subscribers.len() > 1 && topic.is_subscribed_by(*member))
            })
            .map(|member| self.loads[member])
            .collect();
        loads.sort_unstable();
        // In order, a load is taken once for each that is before it, and taken off for each behind.
        let (mut sum, mut before) = (0, 0);
        for (count, load) in loads.into_iter().enumerate() {
            sum += count * load - before;
            before += load;
        }
        sum
    }

    fn assigned(&self) -> Vec<Vec<Piece>> {
        let mut assigned = vec![Vec::new(); self.roster.len()];
        for piece in self.roster.pieces() {
            if let Some(owner) = self.owner[piece] {
                assigned[owner].push(piece);
            }
        }
        assigned
    }
}

/// Moves partitions until all is balanced.
struct Balancing<'a> {
    division: Division<'a>,
    movements: Movements,
    /// Who had a partition in an earlier generation, and may have it.
    former: ByPiece<Option<usize>>,
    is_balanced: bool,
    /// How often something may still be moved. Java's assignor has no such limit: what it moves instead
    /// of something else may make the balance worse, and nothing shows that this comes to an end.
    moves_left: usize,
}

impl<'a> Balancing<'a> {
    fn new(division: Division<'a>, claims: &Claims) -> Self {
        const MOVES_OF_EACH: usize = 16;
        let roster = division.roster;
        let latest = claims
            .said
            .iter()
            .map(|(_, generation, _)| *generation)
            .max();
        let mut found: ByPiece<Option<(i32, usize)>> = ByPiece::new(roster, None);
        let mut former = ByPiece::new(roster, None);
        for (member, generation, pieces) in &claims.said {
            if Some(*generation) >= latest {
                continue;
            }
            for piece in pieces {
                if found[*piece].is_none_or(|(other, _)| *generation > other) {
                    found[*piece] = Some((*generation, *member));
                    let subscribes = roster.topics[piece.topic].is_subscribed_by(*member);
                    former[*piece] = subscribes.then_some(*member);
                }
            }
        }
        Self {
            is_balanced: division.is_balanced(),
            moves_left: roster.pieces().count() * MOVES_OF_EACH,
            division,
            movements: Movements::default(),
            former,
        }
    }

    /// Looks at these partitions again and again, until nothing is left to improve. `true` if something
    /// was moved.
    fn balance(&mut self, pieces: impl Iterator<Item = Piece>) -> bool {
        let pieces: Vec<Piece> = pieces.collect();
        let mut has_moved = false;
        loop {
            let mut moved = false;
            for piece in &pieces {
                if self.is_balanced || self.moves_left == 0 {
                    break;
                }
                moved |= self.improve(*piece);
            }
            has_moved |= moved;
            if !moved || self.moves_left == 0 {
                return has_moved;
            }
        }
    }

    /// Moves a partition, if another member has two fewer than the one that has it.
    fn improve(&mut self, piece: Piece) -> bool {
        let loads = &self.division.loads;
        let Some(owner) = self.division.owner[piece] else {
            return false;
        };
        let improves = |member: &usize| loads[owner] > loads[*member] + 1;
        let former = self.former[piece].filter(improves);
        let least_loaded = || self.division.least_loaded(piece.topic).filter(improves);
        let Some(to) = former.or_else(least_loaded) else {
            return false;
        };
        let piece = self
            .movements
            .instead_of(piece, (owner, to), self.division.roster);
        if let Some(from) = self.division.owner[piece] {
            self.movements.note(piece, (from, to));
            self.division.give(piece, to);
            self.is_balanced = self.division.is_balanced();
        }
        self.moves_left -= 1;
        true
    }
}
