//! Cooperative-sticky: balanced, and every member keeps what it has as far as that goes.
//!
//! 1. Of several members that say they own a partition, the one with the highest generation does.
//!    If two have it, neither does (KIP-792).
//! 2. [`balance`] says how many partitions each member gets.
//! 3. Members with more than that give some up; members with less get those, and what nobody has.
//! 4. What somebody else still works on is held back: that member sees that it is not its own any
//!    more, gives it up and joins again, and the rebalance after that assigns it (KIP-429).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::Member;
use super::balance::{self, Pool};
use super::roster::{Roster, Slot};

/// What each member gets, by index.
pub(super) fn assign(roster: &Roster<'_>, members: &[Member]) -> Vec<Vec<Slot>> {
    let claims = claims(roster, members);
    let holdings = holdings(roster, &claims);
    let pools: Vec<Pool> = holdings.iter().map(Holding::pool).collect();
    let shares = balance::shares(&pools, roster.len());

    let mut assigned = vec![Vec::new(); roster.len()];
    let mut released = vec![0; roster.topics.len()];
    for (mut holding, shares) in holdings.into_iter().zip(shares) {
        holding.release(&shares, &mut released);
        let gains = holding.distribute(&shares);
        for (place, member) in holding.members.iter().enumerate() {
            let kept = holding.held[place].iter().flat_map(|(topic, partitions)| {
                partitions.iter().map(|partition| Slot {
                    topic: *topic,
                    partition: *partition,
                })
            });
            assigned[*member].extend(kept);
        }
        for (member, slot) in gains {
            if !claims[slot.topic][slot.partition as usize].is_claimed_by_another_than(member) {
                assigned[member].push(slot);
            }
        }
    }
    assigned
}

/// What members say of a partition.
#[derive(Debug, Clone, Copy, Default)]
struct Claim {
    by: Claimants,
    /// The highest generation of a member that says it owns the partition.
    generation: i32,
    /// The member with that generation, if there is just one.
    owner: Option<usize>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Claimants {
    #[default]
    None,
    One(usize),
    Several,
}

impl Claim {
    fn add(&mut self, member: usize, generation: i32) {
        match self.by {
            Claimants::None => {
                *self = Self {
                    by: Claimants::One(member),
                    generation,
                    owner: Some(member),
                };
                return;
            }
            Claimants::One(other) if other == member => {}
            _ => self.by = Claimants::Several,
        }
        if generation > self.generation {
            self.generation = generation;
            self.owner = Some(member);
        } else if generation == self.generation && self.owner != Some(member) {
            self.owner = None;
        }
    }

    fn is_claimed_by_another_than(&self, member: usize) -> bool {
        self.by != Claimants::None && self.by != Claimants::One(member)
    }
}

/// By topic and partition.
fn claims(roster: &Roster<'_>, members: &[Member]) -> Vec<Vec<Claim>> {
    let of_topic = |partitions: i32| vec![Claim::default(); partitions as usize];
    let mut claims: Vec<Vec<Claim>> = roster
        .topics
        .iter()
        .map(|topic| of_topic(topic.partitions))
        .collect();
    for member in members {
        let index = roster.index(member);
        for slot in member.owned.iter().filter_map(|owned| roster.slot(owned)) {
            claims[slot.topic][slot.partition as usize].add(index, member.generation);
        }
    }
    claims
}

/// The partitions of topics that have the same subscribers.
struct Holding<'a> {
    members: &'a [usize],
    /// What each of the members has, by topic, the partitions in order.
    held: Vec<BTreeMap<usize, Vec<i32>>>,
    /// What nobody has.
    free: Vec<Slot>,
}

/// By subscribers.
fn holdings<'a>(roster: &'a Roster<'_>, claims: &[Vec<Claim>]) -> Vec<Holding<'a>> {
    let mut holdings: BTreeMap<&[usize], Holding<'a>> = BTreeMap::new();
    for (topic, (details, claims)) in roster.topics.iter().zip(claims).enumerate() {
        let members = details.subscribers.as_slice();
        let holding = holdings.entry(members).or_insert_with(|| Holding {
            members,
            held: vec![BTreeMap::new(); members.len()],
            free: Vec::new(),
        });
        for (partition, claim) in (0..details.partitions).zip(claims) {
            let owner = claim
                .owner
                .and_then(|owner| members.binary_search(&owner).ok());
            match owner {
                Some(place) => holding.held[place]
                    .entry(topic)
                    .or_default()
                    .push(partition),
                None => holding.free.push(Slot { topic, partition }),
            }
        }
    }
    holdings.into_values().collect()
}

fn count(held: &BTreeMap<usize, Vec<i32>>) -> usize {
    held.values().map(Vec::len).sum()
}

impl Holding<'_> {
    fn pool(&self) -> Pool {
        let held: Vec<usize> = self.held.iter().map(count).collect();
        Pool {
            partitions: held.iter().sum::<usize>() + self.free.len(),
            members: self.members.to_vec(),
            held,
        }
    }

    /// Takes from members what is beyond their share, of the topic of which they have the most, so
    /// that a new member does not get all of one topic. `released` says for each topic how many
    /// were given up so far.
    fn release(&mut self, shares: &[usize], released: &mut [usize]) {
        for (held, share) in self.held.iter_mut().zip(shares) {
            for _ in *share..count(held) {
                let most = held
                    .iter_mut()
                    .max_by_key(|(topic, has)| (has.len(), Reverse(released[**topic]), **topic));
                let Some((topic, partition)) =
                    most.and_then(|(topic, has)| Some((*topic, has.pop()?)))
                else {
                    break;
                };
                released[topic] += 1;
                self.free.push(Slot { topic, partition });
            }
        }
        self.free.sort_unstable();
    }

    /// Who gets what nobody has: of each topic first those that have the fewest of it, of these
    /// those that lack the most.
    fn distribute(&self, shares: &[usize]) -> Vec<(usize, Slot)> {
        let mut lacking: Vec<usize> = self
            .held
            .iter()
            .zip(shares)
            .map(|(held, share)| share - count(held))
            .collect();
        let mut gains = Vec::with_capacity(self.free.len());
        for free in self.free.chunk_by(|a, b| a.topic == b.topic) {
            let topic = free[0].topic;
            let has = |place: usize| self.held[place].get(&topic).map_or(0, Vec::len);
            let mut takers: BinaryHeap<_> = (0..lacking.len())
                .filter(|place| lacking[*place] > 0)
                .map(|place| (Reverse(has(place)), lacking[place], Reverse(place)))
                .collect();
            for slot in free {
                let Some((Reverse(has), lacks, Reverse(place))) = takers.pop() else {
                    break;
                };
                gains.push((self.members[place], *slot));
                lacking[place] = lacks - 1;
                if lacks > 1 {
                    takers.push((Reverse(has + 1), lacks - 1, Reverse(place)));
                }
            }
        }
        gains
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assigned, dynamic, member, partitions};
    use super::super::{Assignments, Assignor, Member, Partitions};
    use crate::consumer::TopicPartition;

    fn owning(id: &str, topics: &[&str], owned: &[(&str, &[i32])], generation: i32) -> Member {
        let owned = owned.iter().flat_map(|(topic, partitions)| {
            let named = |partition: &i32| TopicPartition::new(*topic, *partition);
            partitions.iter().map(named)
        });
        Member {
            owned: owned.collect(),
            generation,
            ..dynamic(id, topics)
        }
    }

    fn assign(members: &[Member], partitions: &Partitions) -> Assignments {
        Assignor::CooperativeSticky.assign(members, partitions)
    }

    #[test]
    fn a_new_group_gets_every_topic_spread() {
        let members = ["a", "b", "c"].map(|id| dynamic(id, &["t", "u"]));
        assert_eq!(
            assign(&members, &partitions(&[("t", 4), ("u", 4)])),
            assigned(&[
                ("a", &[("t", &[0, 3]), ("u", &[1])]),
                ("b", &[("t", &[1]), ("u", &[0, 3])]),
                ("c", &[("t", &[2]), ("u", &[2])]),
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
        // A third that says so in a higher generation settles it.
        let members = [&members[..], &[owning("c", &["t"], &[("t", &[1])], 6)]].concat();
        assert_eq!(
            assign(&members, &partitions(&[("t", 3)])),
            assigned(&[
                ("a", &[("t", &[0])]),
                ("b", &[("t", &[2])]),
                ("c", &[("t", &[1])])
            ])
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
            Member {
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
    fn who_has_the_fewest_of_a_topic_gets_its_free_partitions() {
        let members = [
            owning("a", &["t", "u"], &[("t", &[0, 1])], 1),
            owning("b", &["t", "u"], &[("u", &[0, 1])], 1),
        ];
        assert_eq!(
            assign(&members, &partitions(&[("t", 4), ("u", 4)])),
            assigned(&[
                ("a", &[("t", &[0, 1]), ("u", &[2, 3])]),
                ("b", &[("t", &[2, 3]), ("u", &[0, 1])]),
            ])
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
