//! What is left to chance.

use std::hash::BuildHasher;
use std::time::Duration;

use foldhash::quality::FixedState;

/// A stream of random numbers. Each component has its own, so that a number more in one changes
/// nothing in the others.
#[derive(Debug)]
pub(crate) struct Random(fastrand::Rng);

impl Random {
    /// The stream of a component: another one for each name, the same in each run with one seed.
    pub(crate) fn of(seed: u64, name: &str) -> Self {
        Self(fastrand::Rng::with_seed(derive(seed, name)))
    }

    /// A stream for a part of the component.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.0.fork())
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0.usize(0..bound)
    }

    /// A number from 0 to 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.0.f64()
    }

    /// A duration between 80 % and 120 % of `base`, as Kafka jitters its back-off (KIP-580).
    pub(crate) fn jitter(&mut self, base: Duration) -> Duration {
        base.mul_f64(0.8 + 0.4 * self.fraction())
    }

    /// Puts items into random order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        self.0.shuffle(items);
    }
}

/// A seed for a part of what another seed is for.
pub(crate) fn derive(seed: u64, name: &str) -> u64 {
    FixedState::with_seed(seed).hash_one(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(seed: u64, name: &str) -> Vec<usize> {
        let mut random = Random::of(seed, name);
        (0..8).map(|_| random.below(1000)).collect()
    }

    #[test]
    fn each_component_has_a_stream_of_its_own_that_the_seed_fixes() {
        assert_eq!(draws(1, "sink-1"), draws(1, "sink-1"));
        assert_ne!(draws(1, "sink-1"), draws(1, "sink-2"));
        assert_ne!(draws(1, "sink-1"), draws(2, "sink-1"));
    }
}
