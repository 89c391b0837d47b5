//! How many partitions each member gets, in numbers only.
//!
//! Topics with the same subscribers are one [`Pool`]: which of their partitions a member has makes
//! no difference to the others. The best division has the most even loads (the least sum of their
//! squares), and among those the one that takes the fewest partitions away from members.
//!
//! That is a flow at the least convex cost. A start that is close to the best is improved along
//! cycles of members and pools until there is no cycle left that improves it; then it is the best.
//! With equal subscriptions there is one pool, and the start is the best.

use std::ops::{Add, Neg};

/// Partitions that the same members may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pool {
    /// Indices of the members, in order.
    pub(super) members: Vec<usize>,
    /// How many of the partitions each of these members has; no more than there are in sum.
    pub(super) held: Vec<usize>,
    /// How many partitions there are.
    pub(super) partitions: usize,
}

/// How many partitions of each pool its members get; with each pool in the order of its members.
pub(super) fn shares(pools: &[Pool], members: usize) -> Vec<Vec<usize>> {
    let mut division = Division::new(pools, members);
    division.fill();
    while let Some(cycle) = division.improving_cycle() {
        division.shift(&cycle);
    }
    division.shares
}

/// What a division costs: balance first, then what is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    /// Sum of the squares of the loads.
    imbalance: i64,
    /// Partitions that are given to another member than the one that has them, plus those that
    /// nobody has.
    given: i64,
}

impl Cost {
    const ZERO: Self = Self {
        imbalance: 0,
        given: 0,
    };
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            imbalance: self.imbalance + other.imbalance,
            given: self.given + other.given,
        }
    }
}

impl Neg for Cost {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            imbalance: -self.imbalance,
            given: -self.given,
        }
    }
}

struct Division<'a> {
    pools: &'a [Pool],
    shares: Vec<Vec<usize>>,
    /// Sum of the shares of each member.
    loads: Vec<usize>,
}

impl<'a> Division<'a> {
    /// As it is; partitions that nobody has are not divided yet.
    fn new(pools: &'a [Pool], members: usize) -> Self {
        let mut loads = vec![0; members];
        for pool in pools {
            for (member, held) in pool.members.iter().zip(&pool.held) {
                loads[*member] += held;
            }
        }
        Self {
            pools,
            shares: pools.iter().map(|pool| pool.held.clone()).collect(),
            loads,
        }
    }

    /// Divides each pool in the best way that there is without touching the others, those with the
    /// fewest members first: they have the least choice. Again as long as that helps, but not for
    /// ever: from here on it is a matter of speed only.
    fn fill(&mut self) {
        const ROUNDS: usize = 16;
        let mut order: Vec<usize> = (0..self.pools.len()).collect();
        order.sort_by_key(|pool| self.pools[*pool].members.len());
        let mut last = None;
        for _ in 0..ROUNDS {
            for pool in &order {
                self.fill_pool(*pool);
            }
            let cost = Some(self.cost());
            if cost == last {
                break;
            }
            last = cost;
        }
    }

    /// Fills up to a level, like water: members below it are lifted to it. What does not suffice
    /// for another level goes to those that hold more than they get, then to the first.
    fn fill_pool(&mut self, pool: usize) {
        let Pool {
            members,
            held,
            partitions,
        } = &self.pools[pool];
        let shares = &mut self.shares[pool];
        for (member, share) in members.iter().zip(&*shares) {
            self.loads[*member] -= share;
        }
        let loads = |place: usize| self.loads[members[place]];
        let needed = |level: usize| -> usize {
            (0..members.len())
                .map(|place| level.saturating_sub(loads(place)))
                .sum()
        };
        // The highest level for which there are enough.
        let lowest = (0..members.len()).map(loads).min().unwrap_or(0);
        let (mut level, mut above) = (lowest, lowest + partitions + 1);
        while level + 1 < above {
            let middle = level.midpoint(above);
            if needed(middle) <= *partitions {
                level = middle;
            } else {
                above = middle;
            }
        }
        for (place, share) in shares.iter_mut().enumerate() {
            *share = level.saturating_sub(loads(place));
        }
        let rest = partitions - shares.iter().sum::<usize>();
        let mut candidates: Vec<usize> = (0..members.len())
            .filter(|place| loads(*place) <= level)
            .collect();
        candidates.sort_by_key(|place| held[*place] <= shares[*place]);
        for place in candidates.into_iter().take(rest) {
            shares[place] += 1;
        }
        for (member, share) in members.iter().zip(&*shares) {
            self.loads[*member] += share;
        }
    }

    fn cost(&self) -> Cost {
        let square = |load: &usize| (load * load) as i64;
        let given = |(pool, shares): (&Pool, &Vec<usize>)| -> i64 {
            let more = shares.iter().zip(&pool.held);
            more.map(|(share, held)| share.saturating_sub(*held) as i64)
                .sum()
        };
        Cost {
            imbalance: self.loads.iter().map(square).sum(),
            given: self.pools.iter().zip(&self.shares).map(given).sum(),
        }
    }

    /// A cycle along which a partition can be handed on so that the cost falls.
    ///
    /// Nodes are the members, then the pools, then one for the load as such. A partition goes from
    /// a member to a pool and on to a member. The load goes from the member at the end of such a
    /// path, which has one more, to the member at its begin, which has one less.
    ///
    /// Bellman and Ford's search: distances fall until they are the shortest, unless a cycle is
    /// negative, and then the way back along the predecessors runs into one.
    fn improving_cycle(&self) -> Option<Vec<usize>> {
        let nodes = self.loads.len() + self.pools.len() + 1;
        let mut search = Search {
            distances: vec![Cost::ZERO; nodes],
            predecessors: vec![None; nodes],
            changed: false,
        };
        loop {
            search.changed = false;
            self.relax(&mut search);
            if !search.changed {
                return None;
            }
            if let Some(cycle) = search.cycle() {
                return Some(cycle);
            }
        }
    }

    fn relax(&self, search: &mut Search) {
        let first_pool = self.loads.len();
        let load_node = first_pool + self.pools.len();
        for (index, pool) in self.pools.iter().enumerate() {
            let node = first_pool + index;
            let shares = &self.shares[index];
            for (place, member) in pool.members.iter().enumerate() {
                let (share, held) = (shares[place], pool.held[place]);
                if share > 0 {
                    search.arc(*member, node, -giving(share - 1, held));
                }
                search.arc(node, *member, giving(share, held));
            }
        }
        for (member, load) in self.loads.iter().enumerate() {
            if *load > 0 {
                search.arc(load_node, member, -loading(load - 1));
            }
            search.arc(member, load_node, loading(*load));
        }
    }

    /// Hands one partition on along a cycle of nodes.
    fn shift(&mut self, cycle: &[usize]) {
        let first_pool = self.loads.len();
        let pools = first_pool..first_pool + self.pools.len();
        let pool_of = |node: usize| pools.contains(&node).then(|| node - first_pool);
        let next = cycle.iter().cycle().skip(1);
        for (from, to) in cycle.iter().zip(next) {
            if let Some(pool) = pool_of(*to) {
                *self.share(pool, *from) -= 1;
                self.loads[*from] -= 1;
            } else if let Some(pool) = pool_of(*from) {
                *self.share(pool, *to) += 1;
                self.loads[*to] += 1;
            }
        }
    }

    fn share(&mut self, pool: usize, member: usize) -> &mut usize {
        let place = self.pools[pool]
            .members
            .partition_point(|other| *other < member);
        &mut self.shares[pool][place]
    }
}

/// What one more partition of a pool costs.
fn giving(share: usize, held: usize) -> Cost {
    Cost {
        imbalance: 0,
        given: i64::from(share >= held),
    }
}

/// What one more partition on a load costs: the difference of two squares.
fn loading(load: usize) -> Cost {
    Cost {
        imbalance: 2 * load as i64 + 1,
        given: 0,
    }
}

struct Search {
    distances: Vec<Cost>,
    predecessors: Vec<Option<usize>>,
    /// Whether a distance fell in this round.
    changed: bool,
}

impl Search {
    fn arc(&mut self, from: usize, to: usize, cost: Cost) {
        let distance = self.distances[from] + cost;
        if distance < self.distances[to] {
            self.distances[to] = distance;
            self.predecessors[to] = Some(from);
            self.changed = true;
        }
    }

    /// A cycle among the predecessors, in the direction of the arcs.
    fn cycle(&self) -> Option<Vec<usize>> {
        /// By which walk a node was seen; 0 is none.
        type Walk = usize;
        let mut seen: Vec<Walk> = vec![0; self.predecessors.len()];
        for start in 0..seen.len() {
            let walk = start + 1;
            let mut at = Some(start);
            while let Some(node) = at.filter(|node| seen[*node] == 0) {
                seen[node] = walk;
                at = self.predecessors[node];
            }
            let Some(entry) = at.filter(|node| seen[*node] == walk) else {
                continue;
            };
            let mut cycle = vec![entry];
            let mut node = self.predecessors[entry];
            while let Some(other) = node.filter(|node| *node != entry) {
                cycle.push(other);
                node = self.predecessors[other];
            }
            cycle.reverse();
            return Some(cycle);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pool(members: &[usize], held: &[usize], partitions: usize) -> Pool {
        Pool {
            members: members.to_vec(),
            held: held.to_vec(),
            partitions,
        }
    }

    fn cost(pools: &[Pool], members: usize, shares: &[Vec<usize>]) -> Cost {
        let mut division = Division::new(pools, members);
        division.loads.fill(0);
        for (pool, shares) in pools.iter().zip(shares) {
            for (member, share) in pool.members.iter().zip(shares) {
                division.loads[*member] += share;
            }
        }
        division.shares = shares.to_vec();
        division.cost()
    }

    /// The least cost of all divisions there are.
    fn least(pools: &[Pool], members: usize, shares: &mut Vec<Vec<usize>>) -> Cost {
        let Some(pool) = pools.get(shares.len()) else {
            return cost(pools, members, shares);
        };
        let mut best = None;
        every_split(
            pool.partitions,
            pool.members.len(),
            &mut Vec::new(),
            &mut |split| {
                shares.push(split.to_vec());
                let cost = least(pools, members, shares);
                shares.pop();
                best = Some(best.map_or(cost, |best: Cost| best.min(cost)));
            },
        );
        best.unwrap()
    }

    fn every_split(
        rest: usize,
        places: usize,
        split: &mut Vec<usize>,
        each: &mut dyn FnMut(&[usize]),
    ) {
        let share = if places == 1 { rest..=rest } else { 0..=rest };
        for share in share {
            split.push(share);
            if places == 1 {
                each(split);
            } else {
                every_split(rest - share, places - 1, split, each);
            }
            split.pop();
        }
    }

    #[test]
    fn one_pool_is_even_and_the_extra_ones_stay_where_they_are() {
        let pools = [pool(&[0, 1, 2], &[0, 4, 3], 7)];
        assert_eq!(shares(&pools, 3), [[2, 3, 2]]);
        let pools = [pool(&[0, 1, 2], &[2, 2, 3], 7)];
        assert_eq!(shares(&pools, 3), [[2, 2, 3]]);
    }

    #[test]
    fn a_member_makes_room_for_what_only_it_may_have() {
        let pools = [pool(&[0, 1], &[3, 3], 6), pool(&[1], &[0], 4)];
        assert_eq!(shares(&pools, 2), [vec![5, 1], vec![4]]);
    }

    #[test]
    fn a_chain_of_members_hands_on() {
        // Member 0 has too many, only member 2 has room, and they share no pool.
        let pools = [pool(&[0, 1], &[4, 0], 4), pool(&[1, 2], &[3, 0], 3)];
        assert_eq!(shares(&pools, 3), [vec![3, 1], vec![1, 2]]);
    }

    fn pools() -> impl Strategy<Value = (usize, Vec<Pool>)> {
        (2_usize..=4).prop_flat_map(|members| {
            let pool = prop::sample::subsequence((0..members).collect::<Vec<_>>(), 1..=members)
                .prop_flat_map(|members| {
                    let count = members.len();
                    (
                        Just(members),
                        prop::collection::vec(0_usize..=4, count),
                        0_usize..=2,
                    )
                })
                .prop_map(|(members, mut held, free)| {
                    // Few enough for trying out every division.
                    while held.iter().sum::<usize>() > 5 {
                        let most = held.iter_mut().max().unwrap();
                        *most -= 1;
                    }
                    let partitions = held.iter().sum::<usize>() + free;
                    Pool {
                        members,
                        held,
                        partitions,
                    }
                });
            (Just(members), prop::collection::vec(pool, 1..=3))
        })
    }

    proptest! {
        #[test]
        fn no_division_is_better((members, pools) in pools()) {
            let found = shares(&pools, members);
            for (pool, shares) in pools.iter().zip(&found) {
                prop_assert_eq!(shares.iter().sum::<usize>(), pool.partitions);
            }
            let least = least(&pools, members, &mut Vec::new());
            prop_assert_eq!(cost(&pools, members, &found), least);
        }

        #[test]
        fn the_search_alone_finds_it_too((members, pools) in pools()) {
            // From the worst start there is: all to the first member of each pool.
            let mut division = Division::new(&pools, members);
            division.loads.fill(0);
            for (pool, shares) in pools.iter().zip(&mut division.shares) {
                shares.fill(0);
                shares[0] = pool.partitions;
                division.loads[pool.members[0]] += pool.partitions;
            }
            while let Some(cycle) = division.improving_cycle() {
                let before = division.cost();
                division.shift(&cycle);
                prop_assert!(division.cost() < before);
            }
            prop_assert_eq!(division.cost(), least(&pools, members, &mut Vec::new()));
        }
    }
}
