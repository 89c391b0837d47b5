//! Round robin: the partitions of all topics in turn, one for each member.

use super::roster::{Piece, Roster};

/// What each member gets, by index. A member that does not subscribe to a partition's topic is passed
/// over, and keeps its turn for a later one only as Java's assignor has it: the turn goes on behind the
/// member that got the partition.
pub(super) fn assign(roster: &Roster<'_>) -> Vec<Vec<Piece>> {
    let mut assigned = vec![Vec::new(); roster.len()];
    let mut turns = roster.seats.iter().copied().cycle();
    for piece in roster.pieces() {
        let subscribes = |member: &usize| roster.topics[piece.topic].is_subscribed_by(*member);
        if let Some(member) = turns.find(subscribes) {
            assigned[member].push(piece);
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::super::Assignor;
    use super::super::tests::{assign, assigned, dynamic, partitions};

    #[test]
    fn all_partitions_are_dealt_out_in_turn() {
        let members = [
            dynamic("a", &["t", "u"]),
            dynamic("b", &["t"]),
            dynamic("c", &["u"]),
        ];
        let partitions = partitions(&[("t", 3), ("u", 3)]);
        let result = assign(&Assignor::RoundRobin, &members, &partitions);
        assert_eq!(
            result,
            assigned(&[
                ("a", &[("t", &[0, 2]), ("u", &[1])]),
                ("b", &[("t", &[1])]),
                ("c", &[("u", &[0, 2])]),
            ])
        );
    }
}
