//! Range: each topic by itself, in one piece per member.
//!
//! With racks (KIP-881) each member first gets partitions that have a replica in its rack, as many as it
//! would get anyway; topics with the same members and as many partitions stay in step, as what joins them
//! needs. Then the rest is given out in order.

use std::collections::BTreeMap;

use super::racks;
use super::roster::{Piece, Roster, Topic};

/// What each member gets, by index. The first members get one more if the number of partitions
/// is no multiple of theirs.
pub(super) fn assign(roster: &Roster<'_>) -> Vec<Vec<Piece>> {
    let mut seat = vec![0; roster.len()];
    for (place, member) in roster.seats.iter().enumerate() {
        seat[*member] = place;
    }
    let topics = roster.topics.iter().enumerate();
    let mut shares: Vec<Shares<'_>> = topics
        .map(|(topic, details)| Shares::new(topic, details, roster, &seat))
        .collect();
    if shares.iter().any(|shares| shares.racks_matter) {
        assign_near(&mut shares);
    }
    let mut assigned = vec![Vec::new(); roster.len()];
    for mut shares in shares {
        shares.give(|_, _, _| true);
        for (partition, place) in (0..).zip(shares.given) {
            let Some(place) = place else { continue };
            assigned[shares.members[place]].push(Piece {
                topic: shares.topic,
                partition,
            });
        }
    }
    assigned
}

/// Gives out what members can read within their racks.
fn assign_near(shares: &mut [Shares<'_>]) {
    // Topics in step with each other.
    let mut alike: BTreeMap<(Vec<usize>, usize), Vec<&mut Shares<'_>>> = BTreeMap::new();
    for shares in shares.iter_mut().filter(|shares| shares.has_racks) {
        let key = (shares.members.clone(), shares.given.len());
        alike.entry(key).or_default().push(shares);
    }
    for mut topics in alike.into_values() {
        match topics.as_mut_slice() {
            [alone] if alone.racks_matter => alone.give(Shares::is_near),
            [_] => {}
            together => assign_together(together),
        }
    }
}

/// The same partitions of several topics to the same members.
fn assign_together(topics: &mut [&mut Shares<'_>]) {
    let mut rest: Vec<usize> = (0..topics[0].members.len()).collect();
    for partition in 0..topics[0].given.len() {
        let found = rest.iter().position(|place| {
            let mut topics = topics.iter();
            topics.all(|topic| topic.is_near(*place, partition) && topic.room(*place) > 0)
        });
        let Some(found) = found else { continue };
        let place = rest[found];
        for topic in &mut *topics {
            topic.take(place, partition);
        }
        if topics.iter().all(|topic| topic.room(place) == 0) {
            rest.remove(found);
        }
    }
}

/// A topic that is being divided. Members are known by their place among its subscribers.
struct Shares<'a> {
    topic: usize,
    details: &'a Topic<'a>,
    /// Indices of the members, in the order in which they are served.
    members: Vec<usize>,
    /// Their racks.
    racks: Vec<Option<&'a str>>,
    /// Whether any of them has a rack.
    has_racks: bool,
    racks_matter: bool,
    /// The place of the member that has got a partition.
    given: Vec<Option<usize>>,
    /// How many each member has got.
    counts: Vec<usize>,
    /// How many each member gets at least.
    least: usize,
    /// How many members may still get one more.
    extra: usize,
}

impl<'a> Shares<'a> {
    fn new(topic: usize, details: &'a Topic<'a>, roster: &Roster<'a>, seat: &[usize]) -> Self {
        let mut members = details.subscribers.clone();
        members.sort_by_key(|member| seat[*member]);
        let racks: Vec<Option<&str>> = members.iter().map(|member| roster.racks[*member]).collect();
        let of_partitions = details.racks.iter();
        let of_partitions = of_partitions.map(|racks| racks.iter().map(|rack| &**rack).collect());
        let has_racks = racks.iter().any(Option::is_some);
        Self {
            topic,
            details,
            racks_matter: has_racks
                && racks::matter(racks.iter().copied().flatten(), of_partitions),
            has_racks,
            racks,
            given: vec![None; details.racks.len()],
            counts: vec![0; members.len()],
            least: details.racks.len() / members.len(),
            extra: details.racks.len() % members.len(),
            members,
        }
    }

    /// How many partitions a member may still get.
    fn room(&self, place: usize) -> usize {
        (self.least + usize::from(self.extra > 0)).saturating_sub(self.counts[place])
    }

    /// Whether a member can read a partition in its rack, or does not mind.
    fn is_near(&self, place: usize, partition: usize) -> bool {
        let racks = &self.details.racks[partition];
        self.racks[place].is_none_or(|own| racks.iter().any(|rack| **rack == *own))
    }

    fn take(&mut self, place: usize, partition: usize) {
        self.given[partition] = Some(place);
        self.counts[place] += 1;
        if self.counts[place] == self.least + 1 {
            self.extra -= 1;
        }
    }

    /// One member after the other gets as many of the partitions that are left, and that it may have,
    /// as there is room for.
    fn give(&mut self, may_have: impl Fn(&Self, usize, usize) -> bool) {
        for place in 0..self.members.len() {
            // As it was before: its last one may be the last that is one more.
            let mut room = self.room(place);
            for partition in 0..self.given.len() {
                if room == 0 {
                    break;
                }
                if self.given[partition].is_none() && may_have(self, place, partition) {
                    self.take(place, partition);
                    room -= 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Assignor;
    use super::super::tests::{assign, assigned, dynamic, member, partitions};

    #[test]
    fn the_first_members_get_one_more() {
        let members = [
            dynamic("b", &["t"]),
            dynamic("a", &["t"]),
            dynamic("c", &["t"]),
        ];
        let result = assign(&Assignor::Range, &members, &partitions(&[("t", 8)]));
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
        let result = assign(&Assignor::Range, &members, &partitions(&[("t", 4)]));
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
        let result = assign(
            &Assignor::Range,
            &members,
            &partitions(&[("t", 1), ("unasked", 3)]),
        );
        assert_eq!(
            result,
            assigned(&[("a", &[("t", &[0])]), ("b", &[]), ("c", &[])])
        );
    }
}
