//! Range: each topic by itself, in one piece per member.

use super::roster::{Roster, Slot};

/// What each member gets, by index. The first members get one more if the number of partitions
/// is no multiple of theirs.
pub(super) fn assign(roster: &Roster<'_>) -> Vec<Vec<Slot>> {
    let mut assigned = vec![Vec::new(); roster.len()];
    for (topic, details) in roster.topics.iter().enumerate() {
        let mut partitions = 0..details.partitions;
        let members = details.subscribers.len();
        let count = partitions.len();
        for (place, member) in details.subscribers.iter().enumerate() {
            let share = count / members + usize::from(place < count % members);
            assigned[*member].extend(
                partitions
                    .by_ref()
                    .take(share)
                    .map(|partition| Slot { topic, partition }),
            );
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::super::Assignor;
    use super::super::tests::{assigned, dynamic, member, partitions};

    #[test]
    fn the_first_members_get_one_more() {
        let members = [
            dynamic("b", &["t"]),
            dynamic("a", &["t"]),
            dynamic("c", &["t"]),
        ];
        let result = Assignor::Range.assign(&members, &partitions(&[("t", 8)]));
        assert_eq!(
            result,
            assigned(&[
                ("a", &[("t", &[0, 1, 2])]),
                ("b", &[("t", &[3, 4, 5])]),
                ("c", &[("t", &[6, 7])]),
            ])
        );
    }

    #[test]
    fn static_members_come_first_by_their_instance() {
        let members = [
            dynamic("a", &["t"]),
            member("b", Some("i-2"), &["t"]),
            member("c", Some("i-1"), &["t"]),
        ];
        let result = Assignor::Range.assign(&members, &partitions(&[("t", 4)]));
        assert_eq!(
            result,
            assigned(&[
                ("c", &[("t", &[0, 1])]),
                ("b", &[("t", &[2])]),
                ("a", &[("t", &[3])])
            ])
        );
    }

    #[test]
    fn members_without_a_partition_are_in_the_result() {
        let members = [
            dynamic("a", &["t"]),
            dynamic("b", &["t"]),
            dynamic("c", &["missing"]),
        ];
        let result = Assignor::Range.assign(&members, &partitions(&[("t", 1), ("unasked", 3)]));
        assert_eq!(
            result,
            assigned(&[("a", &[("t", &[0])]), ("b", &[]), ("c", &[])])
        );
    }
}
