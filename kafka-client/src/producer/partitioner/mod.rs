//! Which partition a record goes to.

pub(crate) mod hash;
mod sticky;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) use sticky::{Candidates, Sticky};

use crate::env::Env;
use crate::error::Error;
use crate::record::Record;

/// Which partition a record goes to that does not name one itself (`partitioner.class`, and
/// `partitioner` of librdkafka).
///
/// Programs that share a topic should share a partitioner, or the records of a key end up in two
/// partitions. Those that come from another client find its partitioner here.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Partitioner {
    /// By the key's murmur2 hash, as Java's client does. A record without a key goes with others: to
    /// one partition until about `batch.size` bytes are there, then to another one drawn by chance,
    /// less often to one whose broker is slow (KIP-794).
    #[default]
    Default,
    /// One partition after the other, whatever the key (Java's `RoundRobinPartitioner`).
    RoundRobin,
    /// By chance, whatever the key (librdkafka's `random`).
    Random,
    /// By the key's CRC-32 (librdkafka's `consistent`): also an empty key and none, which go to one
    /// partition.
    Consistent,
    /// By the key's CRC-32, an empty key and none by chance: the default of librdkafka, and so of the
    /// clients for Python, Go, .NET and Rust that are built on it.
    ConsistentRandom,
    /// By the key's murmur2 hash (librdkafka's `murmur2`): no key counts as an empty one.
    Murmur2,
    /// By the key's murmur2 hash, no key by chance (librdkafka's `murmur2_random`).
    Murmur2Random,
    /// By the key's FNV-1a hash (librdkafka's `fnv1a`): no key counts as an empty one.
    Fnv1a,
    /// By the key's FNV-1a hash, no key by chance: librdkafka's `fnv1a_random`, and Sarama's
    /// `HashPartitioner`.
    Fnv1aRandom,
    /// The user's own.
    Custom(Arc<dyn ChoosePartition>),
}

/// A partitioner of the user's.
///
/// ```
/// use kafka_client::producer::{ChoosePartition, TopicPartitions};
/// use kafka_client::record::Record;
///
/// /// Internal customers have partition 0 for themselves.
/// struct ByCustomer;
///
/// impl ChoosePartition for ByCustomer {
///     fn choose(&self, record: &Record<'_>, partitions: &TopicPartitions<'_>) -> i32 {
///         match record.key {
///             Some(key) if key.starts_with(b"internal-") => 0,
///             Some(key) => 1 + partitions.murmur2(key) % (partitions.count() - 1).max(1),
///             None => partitions.count() - 1,
///         }
///     }
/// }
/// ```
pub trait ChoosePartition: Send + Sync {
    /// The partition for a record, from 0 on. Called once for each record, on the task that sends,
    /// so it should be quick. A number that the topic does not have fails the record.
    fn choose(&self, record: &Record<'_>, partitions: &TopicPartitions<'_>) -> i32;
}

/// What a partitioner may know of a topic.
pub struct TopicPartitions<'a> {
    candidates: &'a dyn Candidates,
}

impl TopicPartitions<'_> {
    /// How many partitions the topic has, at least 1.
    #[must_use]
    pub fn count(&self) -> i32 {
        self.candidates.count() as i32
    }

    /// Whether a partition has a leader at the moment.
    #[must_use]
    pub fn is_available(&self, partition: i32) -> bool {
        usize::try_from(partition).is_ok_and(|index| {
            index < self.candidates.count() && self.candidates.is_available(index)
        })
    }

    /// The partition that Java's client would choose for a key.
    #[must_use]
    pub fn murmur2(&self, key: &[u8]) -> i32 {
        hash::murmur2(key, self.candidates.count()) as i32
    }
}

impl fmt::Debug for TopicPartitions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopicPartitions")
            .field("count", &self.count())
            .finish()
    }
}

/// What a topic remembers of earlier choices.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    sticky: Sticky,
    turn: AtomicUsize,
}

/// How records without a key are spread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) batch_size: usize,
    /// `partitioner.adaptive.partitioning.enable`
    pub(crate) adaptive: bool,
    /// `partitioner.ignore.keys`
    pub(crate) ignore_keys: bool,
}

impl Partitioner {
    /// The partition for a record that names none. It may be out of range if the user's own
    /// partitioner says so.
    #[inline]
    pub(crate) fn choose(
        &self,
        record: &Record<'_>,
        candidates: &impl Candidates,
        memory: &Memory,
        spread: Spread,
        env: &Env,
    ) -> i32 {
        let count = candidates.count();
        let by = |hash: fn(&[u8], usize) -> usize| hash(record.key.unwrap_or_default(), count);
        let random = || env.below(count);
        let index = match (self, record.key) {
            (Self::Default, Some(key)) if !spread.ignore_keys => hash::murmur2(key, count),
            (Self::Default, _) => {
                let size = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
                let Spread {
                    batch_size,
                    adaptive,
                    ..
                } = spread;
                memory
                    .sticky
                    .next(size, batch_size, candidates, adaptive, env)
            }
            (Self::RoundRobin, _) => memory.in_turn(candidates),
            (Self::Random, _) | (Self::ConsistentRandom, None | Some([])) => random(),
            (Self::Murmur2Random | Self::Fnv1aRandom, None) => random(),
            (Self::Consistent | Self::ConsistentRandom, _) => by(hash::crc32),
            (Self::Murmur2 | Self::Murmur2Random, _) => by(hash::murmur2),
            (Self::Fnv1a | Self::Fnv1aRandom, _) => by(hash::fnv1a),
            (Self::Custom(own), _) => {
                let partitions = TopicPartitions { candidates };
                return own.choose(record, &partitions);
            }
        };
        index as i32
    }
}

impl Memory {
    /// The next partition that has a leader, if any has.
    fn in_turn(&self, candidates: &impl Candidates) -> usize {
        let count = candidates.count();
        let mut next = || self.turn.fetch_add(1, Ordering::Relaxed) % count;
        let first = next();
        std::iter::once(first)
            .chain(std::iter::repeat_with(&mut next))
            .take(count)
            .find(|partition| candidates.is_available(*partition))
            .unwrap_or(first)
    }
}

impl fmt::Debug for Partitioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::RoundRobin => "round_robin",
            Self::Random => "random",
            Self::Consistent => "consistent",
            Self::ConsistentRandom => "consistent_random",
            Self::Murmur2 => "murmur2",
            Self::Murmur2Random => "murmur2_random",
            Self::Fnv1a => "fnv1a",
            Self::Fnv1aRandom => "fnv1a_random",
            Self::Custom(_) => "custom",
        })
    }
}

/// Reads the names of librdkafka's `partitioner`, `default` and `round_robin`, and the class names of
/// Java's `partitioner.class`.
impl std::str::FromStr for Partitioner {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Ok(match name {
            "default" => Self::Default,
            "round_robin" | "org.apache.kafka.clients.producer.RoundRobinPartitioner" => {
                Self::RoundRobin
            }
            "random" => Self::Random,
            "consistent" => Self::Consistent,
            "consistent_random" => Self::ConsistentRandom,
            "murmur2" => Self::Murmur2,
            "murmur2_random" => Self::Murmur2Random,
            "fnv1a" => Self::Fnv1a,
            "fnv1a_random" => Self::Fnv1aRandom,
            other => {
                return Err(Error::config(format!(
                    "partitioner: {other:?} is none of default, round_robin, random, consistent, \
                     consistent_random, murmur2, murmur2_random, fnv1a, fnv1a_random"
                )));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::TcpConnector;

    /// Partitions that all have leaders, but for those listed.
    struct Without(usize, &'static [usize]);

    impl Candidates for Without {
        fn count(&self) -> usize {
            self.0
        }

        fn is_available(&self, partition: usize) -> bool {
            !self.1.contains(&partition)
        }

        fn has_near(&self) -> bool {
            false
        }

        fn is_near(&self, _: usize) -> bool {
            false
        }

        fn backlog(&self, _: usize) -> u32 {
            0
        }
    }

    const SPREAD: Spread = Spread {
        batch_size: 1000,
        adaptive: true,
        ignore_keys: false,
    };

    fn chosen(
        partitioner: &Partitioner,
        key: Option<&[u8]>,
        topic: &Without,
        spread: Spread,
    ) -> Vec<i32> {
        let (env, memory) = (
            Env::new(Arc::new(TcpConnector), Some(1)).unwrap(),
            Memory::default(),
        );
        let record = Record {
            key,
            ..Record::to("orders").value(&[0; 600])
        };
        (0..100)
            .map(|_| partitioner.choose(&record, topic, &memory, spread, &env))
            .collect()
    }

    fn is_spread(partitions: &[i32]) -> bool {
        (0..6).all(|partition| partitions.contains(&partition))
    }

    #[tokio::test]
    async fn names_are_those_of_the_clients_that_people_come_from() {
        for name in [
            "default",
            "round_robin",
            "random",
            "consistent",
            "consistent_random",
            "murmur2",
            "murmur2_random",
            "fnv1a",
            "fnv1a_random",
        ] {
            let parsed: Partitioner = name.parse().unwrap();
            assert_eq!(format!("{parsed:?}"), name);
        }
        let error = "murmur".parse::<Partitioner>().unwrap_err();
        assert!(error.to_string().contains("murmur2_random"), "{error}");
    }

    #[tokio::test]
    async fn no_key_and_an_empty_key_are_as_in_librdkafka() {
        let topic = Without(6, &[]);
        let spread =
            |name: &str, key| is_spread(&chosen(&name.parse().unwrap(), key, &topic, SPREAD));
        // By chance, or all in one partition.
        for (name, none, empty) in [
            ("random", true, true),
            ("consistent", false, false),
            ("consistent_random", true, true),
            ("murmur2", false, false),
            ("murmur2_random", true, false),
            ("fnv1a", false, false),
            ("fnv1a_random", true, false),
            ("default", true, false),
        ] {
            assert_eq!(spread(name, None), none, "{name}");
            assert_eq!(spread(name, Some(b"")), empty, "{name}");
        }
    }

    #[tokio::test]
    async fn round_robin_takes_turns_among_those_with_a_leader() {
        let topic = Without(4, &[2]);
        let turns = chosen(&Partitioner::RoundRobin, Some(b"key"), &topic, SPREAD);
        assert_eq!(turns[..6], [0, 1, 3, 0, 1, 3]);
        let none = Without(2, &[0, 1]);
        let turns = chosen(&Partitioner::RoundRobin, None, &none, SPREAD);
        assert!(turns.contains(&0) || turns.contains(&1));
    }

    #[tokio::test]
    async fn keys_are_ignored_where_that_is_asked_for() {
        let spread = Spread {
            ignore_keys: true,
            ..SPREAD
        };
        let topic = Without(6, &[]);
        let partitions = chosen(&Partitioner::Default, Some(b"key"), &topic, spread);
        assert!(is_spread(&partitions));
    }
}
