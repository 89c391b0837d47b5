//! Where records without a key go (KIP-480, KIP-794, KIP-1123).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::env::Env;

/// The partitions of a topic, as far as the choice is concerned.
pub(crate) trait Candidates {
    fn count(&self) -> usize;

    /// Whether the partition has a leader.
    fn is_available(&self, partition: usize) -> bool;

    /// Whether any leader is in the client's rack; false where racks do not matter.
    fn has_near(&self) -> bool;

    /// Whether the leader is in the client's rack.
    fn is_near(&self, partition: usize) -> bool;

    /// Batches that wait for the leader or for its answer.
    fn backlog(&self, partition: usize) -> u32;
}

/// Records without a key stay with one partition until about a batch has gone there, then move
/// on: full batches, and the same load for every partition over time.
#[derive(Debug, Default)]
pub(crate) struct Sticky {
    /// The partition plus one, 0 for none, above the bytes that went there. Callers that race may
    /// miss each other's bytes, which makes a stay a little longer; a lock would cost every record
    /// more than that is worth.
    state: AtomicU64,
}

impl Sticky {
    /// The partition for a record of this size.
    #[inline]
    pub(crate) fn next(
        &self,
        size: usize,
        batch_size: usize,
        candidates: &impl Candidates,
        adaptive: bool,
        env: &Env,
    ) -> usize {
        let state = self.state.load(Ordering::Relaxed);
        let last = ((state >> 32) as usize).checked_sub(1);
        let bytes = state as u32;
        let stay = last.filter(|last| {
            *last < candidates.count()
                && (bytes as usize) < batch_size
                && candidates.is_available(*last)
        });
        let (current, bytes) = match stay {
            Some(current) => (current, bytes),
            None => (choose(candidates, last, adaptive, env), 0),
        };
        let bytes = bytes.saturating_add(u32::try_from(size).unwrap_or(u32::MAX));
        let state = (current as u64 + 1) << 32 | u64::from(bytes);
        self.state.store(state, Ordering::Relaxed);
        current
    }
}

/// A partition with a leader, near if one is, another than the last if there is one. Of two drawn by
/// chance the one with the smaller backlog: a slow broker gets less, and no partition must be looked
/// at but these. Without any leader, any partition: the record waits for one.
#[cold]
fn choose(candidates: &impl Candidates, last: Option<usize>, adaptive: bool, env: &Env) -> usize {
    let first = draw(candidates, last, env);
    if !adaptive {
        return first;
    }
    let second = draw(candidates, last, env);
    match candidates.backlog(second) < candidates.backlog(first) {
        true => second,
        false => first,
    }
}

/// The first partition that will do from a place drawn by chance on.
fn draw(candidates: &impl Candidates, last: Option<usize>, env: &Env) -> usize {
    let count = candidates.count();
    let start = env.below(count);
    // What is found is as good as this: near and not the last is best.
    let mut found = (start, 0);
    for partition in (0..count).map(|step| (start + step) % count) {
        if !candidates.is_available(partition) {
            continue;
        }
        let near = candidates.has_near() && candidates.is_near(partition);
        let value = 1 + 2 * u8::from(near) + u8::from(Some(partition) != last);
        if value > found.1 {
            found = (partition, value);
        }
        if value == 4 || (value == 2 && !candidates.has_near()) {
            break;
        }
    }
    found.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::TcpConnector;
    use std::sync::Arc;

    /// Each partition: whether it has a leader, whether that is near, and its backlog.
    struct Topic(Vec<(bool, bool, u32)>);

    impl Candidates for Topic {
        fn count(&self) -> usize {
            self.0.len()
        }

        fn is_available(&self, partition: usize) -> bool {
            self.0[partition].0
        }

        fn has_near(&self) -> bool {
            self.0
                .iter()
                .any(|(available, near, _)| *available && *near)
        }

        fn is_near(&self, partition: usize) -> bool {
            self.0[partition].1
        }

        fn backlog(&self, partition: usize) -> u32 {
            self.0[partition].2
        }
    }

    fn env() -> Env {
        Env::new(Arc::new(TcpConnector), Some(1)).unwrap()
    }

    /// How often each partition is chosen, for batches of one record.
    fn counts(topic: &Topic, adaptive: bool) -> Vec<usize> {
        let (env, sticky) = (env(), Sticky::default());
        let mut counts = vec![0; topic.count()];
        for _ in 0..4_000 {
            counts[sticky.next(1000, 1000, topic, adaptive, &env)] += 1;
        }
        counts
    }

    #[tokio::test]
    async fn records_without_key_stay_for_a_batch_and_then_move() {
        let (env, topic) = (env(), Topic(vec![(true, false, 0); 4]));
        let sticky = Sticky::default();
        let next = || sticky.next(100, 1000, &topic, true, &env);
        let first = next();
        for _ in 1..10 {
            assert_eq!(next(), first);
        }
        assert_ne!(next(), first);
    }

    #[tokio::test]
    async fn every_partition_gets_its_share() {
        for adaptive in [false, true] {
            let counts = counts(&Topic(vec![(true, false, 3); 4]), adaptive);
            assert!(
                counts.iter().all(|count| (800..1_200).contains(count)),
                "{counts:?}"
            );
        }
    }

    /// KIP-794.
    #[tokio::test]
    async fn a_slow_partition_gets_less_unless_adaptation_is_off() {
        let topic = Topic(vec![(true, false, 0), (true, false, 0), (true, false, 9)]);
        let adapted = counts(&topic, true)[2];
        assert!((1..1_000).contains(&adapted), "{adapted}");
        let even = counts(&topic, false)[2];
        assert!((1_200..1_500).contains(&even), "{even}");
    }

    /// KIP-1123.
    #[tokio::test]
    async fn near_leaders_are_preferred_while_there_are_any() {
        let mut topic = Topic(vec![(true, false, 0), (true, true, 5), (true, true, 5)]);
        assert_eq!(counts(&topic, true)[0], 0);
        topic.0[1].0 = false;
        assert_eq!(counts(&topic, true), [0, 0, 4_000]);
        topic.0[2].0 = false;
        assert_eq!(counts(&topic, true), [4_000, 0, 0]);
    }

    #[tokio::test]
    async fn a_partition_without_leader_is_avoided_unless_none_has_one() {
        let one = Topic(vec![
            (false, false, 0),
            (false, false, 0),
            (true, false, 7),
            (false, false, 0),
        ]);
        assert_eq!(counts(&one, true)[2], 4_000);
        let none = Topic(vec![(false, false, 0); 4]);
        assert_eq!(counts(&none, true).iter().sum::<usize>(), 4_000);
    }
}
