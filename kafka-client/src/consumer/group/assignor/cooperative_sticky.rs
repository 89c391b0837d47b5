//! Cooperative-sticky: as [`sticky`](super::sticky), but members go on with what they have during a
//! rebalance.
//!
//! What somebody else still works on is held back: that member sees that it is not its own any more,
//! gives it up and joins again, and the rebalance after that assigns it (KIP-429).

use super::blob::decode_generation;
use super::roster::{Piece, Roster};
use super::sticky::{self, Claims};
use super::{Former, GroupMember};

/// What each member gets, by index.
///
/// In one thing it does not follow Java's assignor: where subscriptions differ and several members say
/// that they own a partition, Java's may give it to one of them while the other works on it.
pub(super) fn assign(roster: &Roster<'_>, members: &[GroupMember]) -> Vec<Vec<Piece>> {
    let claims = Claims::new(roster, members, |member| Former {
        owned: member.owned.clone(),
        generation: match member.generation {
            Some(generation) => generation,
            None => decode_generation(member),
        },
    });
    let mut assigned = sticky::assign(roster, &claims);
    for (member, pieces) in assigned.iter_mut().enumerate() {
        pieces.retain(|piece| {
            let is_disputed = roster.is_uniform && claims.is_disputed(*piece);
            !is_disputed && !claims.is_in_other_hands(*piece, member)
        });
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assigned, dynamic, member, partitions};
    use super::super::{Assignments, Assignor, GroupMember, GroupTopics};
    use crate::consumer::TopicPartition;

    fn owning(id: &str, topics: &[&str], owned: &[(&str, &[i32])], generation: i32) -> GroupMember {
        let owned = owned.iter().flat_map(|(topic, partitions)| {
            let named = |partition: &i32| TopicPartition::new(*topic, *partition);
            partitions.iter().map(named)
        });
        GroupMember {
            owned: owned.collect(),
            generation: Some(generation).filter(|generation| *generation >= 0),
            ..dynamic(id, topics)
        }
    }

    fn assign(members: &[GroupMember], partitions: &GroupTopics) -> Assignments {
        super::super::tests::assign(&Assignor::CooperativeSticky, members, partitions)
    }

    #[test]
    fn a_new_group_gets_every_topic_spread() {
        let members = ["a", "b", "c"].map(|id| dynamic(id, &["t", "u"]));
        assert_eq!(
            assign(&members, &partitions(&[("t", 4), ("u", 4)])),
            assigned(&[
                ("a", &[("t", &[0, 3]), ("u", &[2])]),
                ("b", &[("t", &[1]), ("u", &[0, 3])]),
                ("c", &[("t", &[2]), ("u", &[1])]),
            ])
        );
    }

    #[test]
    fn what_moves_is_held_back_until_its_owner_has_given_it_up() {
        let partitions = partitions(&[("t", 2), ("u", 2)]);
        let a = |owned| owning("a", &["t", "u"], owned, 3);
        let b = |owned| owning("b", &["u", "t"], owned, 3);
        let first = assign(&[a(&[("t", &[0, 1]), ("u", &[0, 1])]), b(&[])], &partitions);
        let kept: &[(&str, &[i32])] = &[("t", &[0]), ("u", &[0])];
        assert_eq!(first, assigned(&[("a", kept), ("b", &[])]));
        let second = assign(&[a(kept), b(&[])], &partitions);
        assert_eq!(
            second,
            assigned(&[("a", kept), ("b", &[("t", &[1]), ("u", &[1])])])
        );
    }

    #[test]
    fn the_higher_generation_owns_and_the_late_member_is_not_waited_for() {
        let late = owning("a", &["t"], &[("t", &[0, 1])], 4);
        let owner = owning("b", &["t"], &[("t", &[0, 1])], 5);
        // b keeps what it has a right to; the other one moves and b still works on it.
        assert_eq!(
            assign(&[late.clone(), owner], &partitions(&[("t", 2)])),
            assigned(&[("a", &[]), ("b", &[("t", &[0])])])
        );
        // Alone with its claim, it keeps it, whatever its generation.
        assert_eq!(
            assign(
                &[late, owning("b", &["t"], &[], 5)],
                &partitions(&[("t", 4)])
            ),
            assigned(&[("a", &[("t", &[0, 1])]), ("b", &[("t", &[2, 3])])])
        );
    }

    #[test]
    fn of_two_owners_in_one_generation_both_give_up() {
        let members = [
            owning("a", &["t"], &[("t", &[0, 1])], 5),
            owning("b", &["t"], &[("t", &[1, 2])], 5),
        ];
        assert_eq!(
            assign(&members, &partitions(&[("t", 3)])),
            assigned(&[("a", &[("t", &[0])]), ("b", &[("t", &[2])])])
        );
        // As with Java's, not even a third that says so in a higher generation has it.
        let members = [&members[..], &[owning("c", &["t"], &[("t", &[1])], 6)]].concat();
        assert_eq!(
            assign(&members, &partitions(&[("t", 3)])),
            assigned(&[("a", &[("t", &[0])]), ("b", &[("t", &[2])]), ("c", &[])])
        );
    }

    #[test]
    fn what_its_owner_no_longer_subscribes_to_is_held_back() {
        let members = [
            owning("a", &["u"], &[("t", &[0]), ("u", &[0])], 5),
            owning("b", &["t"], &[("t", &[1])], 5),
        ];
        assert_eq!(
            assign(&members, &partitions(&[("t", 2), ("u", 1)])),
            assigned(&[("a", &[("u", &[0])]), ("b", &[("t", &[1])])])
        );
    }

    #[test]
    fn claims_of_what_does_not_exist_are_passed_over() {
        let members = [
            owning(
                "a",
                &["t"],
                &[("t", &[-1, 0, 0, 2, i32::MAX]), ("gone", &[0])],
                5,
            ),
            owning("b", &["t", "t"], &[("t", &[i32::MIN])], -1),
        ];
        assert_eq!(
            assign(&members, &partitions(&[("t", 2), ("broken", -1)])),
            assigned(&[("a", &[("t", &[0])]), ("b", &[("t", &[1])])])
        );
    }

    #[test]
    fn entries_with_the_same_id_are_one_member() {
        let members = [
            owning("a", &["t"], &[("t", &[0, 1])], 5),
            owning("a", &["u"], &[("u", &[0])], 5),
            GroupMember {
                owned: vec![TopicPartition::new("t", 1)],
                ..member("a", Some("instance"), &["t"])
            },
        ];
        assert_eq!(
            assign(&members, &partitions(&[("t", 2), ("u", 1)])),
            assigned(&[("a", &[("t", &[0, 1]), ("u", &[0])])])
        );
    }

    #[test]
    fn a_new_member_gets_some_of_every_topic() {
        let partitions = partitions(&[("t", 6), ("u", 6)]);
        let full: &[i32] = &[0, 1, 2, 3, 4, 5];
        let old = owning("a", &["t", "u"], &[("t", full), ("u", full)], 1);
        let first = assign(&[old, dynamic("b", &["t", "u"])], &partitions);
        assert_eq!(
            first,
            assigned(&[("a", &[("t", &[0, 1, 2]), ("u", &[0, 1, 2])]), ("b", &[])])
        );
    }

    #[test]
    fn new_partitions_are_spread_together_with_those_that_move() {
        let full: &[i32] = &[0, 1, 2, 3, 4, 5];
        let members = [
            owning("a", &["t", "u"], &[("t", full), ("u", full)], 1),
            dynamic("b", &["t", "u"]),
            dynamic("c", &["t", "u"]),
        ];
        assert_eq!(
            assign(&members, &partitions(&[("t", 7), ("u", 7)])),
            assigned(&[
                ("a", &[("t", &[0, 1, 2]), ("u", &[0, 1])]),
                ("b", &[("u", &[6])]),
                ("c", &[("t", &[6])]),
            ])
        );
    }
}
