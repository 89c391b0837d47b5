//! Which partition a record goes to (KIP-480, KIP-794).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::env::Env;

/// The partition of a key, as Java's client has it: the same key goes to the same partition from
/// every client that uses the default partitioner.
pub(crate) fn by_key(key: &[u8], partitions: usize) -> usize {
    let hash = murmur2::murmur2(key, murmur2::KAFKA_SEED);
    (hash & 0x7fff_ffff) as usize % partitions
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
    /// The partition for a record of this size; `available` are those with a leader, if any has.
    #[inline]
    pub(crate) fn next(
        &self,
        size: usize,
        batch_size: usize,
        partitions: usize,
        available: impl Fn(usize) -> bool,
        env: &Env,
    ) -> usize {
        let state = self.state.load(Ordering::Relaxed);
        let last = ((state >> 32) as usize).checked_sub(1);
        let bytes = state as u32;
        let stay = last
            .filter(|last| *last < partitions && (bytes as usize) < batch_size && available(*last));
        let (current, bytes) = match stay {
            Some(current) => (current, bytes),
            None => (choose(partitions, last, available, env), 0),
        };
        let bytes = bytes.saturating_add(u32::try_from(size).unwrap_or(u32::MAX));
        let state = (current as u64 + 1) << 32 | u64::from(bytes);
        self.state.store(state, Ordering::Relaxed);
        current
    }
}

/// Any partition with a leader, another than the last if there is one. Without any leader, any:
/// the record waits for one.
#[cold]
fn choose(
    partitions: usize,
    last: Option<usize>,
    available: impl Fn(usize) -> bool,
    env: &Env,
) -> usize {
    let start = env.below(partitions);
    let mut candidates = (0..partitions).map(|step| (start + step) % partitions);
    let mut found = None;
    for candidate in candidates
        .by_ref()
        .filter(|candidate| available(*candidate))
    {
        found = Some(candidate);
        if Some(candidate) != last {
            break;
        }
    }
    found.unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::TcpConnector;
    use std::sync::Arc;

    #[test]
    fn keys_go_where_the_java_client_sends_them() {
        // Hashes from the test of Kafka's own Utils.murmur2.
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("abc", 479_470_107),
        ] {
            let expected = (hash & 0x7fff_ffff) as usize % 12;
            assert_eq!(by_key(key.as_bytes(), 12), expected, "{key}");
        }
    }

    #[tokio::test]
    async fn records_without_key_stay_for_a_batch_and_then_move() {
        let env = Env::new(Arc::new(TcpConnector), Some(1)).unwrap();
        let sticky = Sticky::default();
        let next = || sticky.next(100, 1000, 4, |_| true, &env);
        let first = next();
        for _ in 1..10 {
            assert_eq!(next(), first);
        }
        assert_ne!(next(), first);
    }

    #[tokio::test]
    async fn every_partition_gets_its_share() {
        let env = Env::new(Arc::new(TcpConnector), Some(1)).unwrap();
        let sticky = Sticky::default();
        let mut counts = [0; 4];
        for _ in 0..40_000 {
            counts[sticky.next(100, 1000, 4, |_| true, &env)] += 1;
        }
        assert!(
            counts.iter().all(|count| (8_000..12_000).contains(count)),
            "{counts:?}"
        );
    }

    #[tokio::test]
    async fn a_partition_without_leader_is_avoided_unless_none_has_one() {
        let env = Env::new(Arc::new(TcpConnector), Some(1)).unwrap();
        let sticky = Sticky::default();
        for _ in 0..100 {
            assert_eq!(
                sticky.next(1000, 1000, 4, |partition| partition == 2, &env),
                2
            );
        }
        assert!(sticky.next(1000, 1000, 4, |_| false, &env) < 4);
    }
}
