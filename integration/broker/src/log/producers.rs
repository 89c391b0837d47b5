//! What a partition remembers of its idempotent producers: per producer id the epoch and the
//! last five batches, so that a batch sent again is recognised and a gap is refused.
//!
//! Pure: time comes in as an argument. The state is rebuilt from the batches in the log, so it
//! needs no file of its own to survive; snapshots at segment starts (Kafka's `.snapshot` files)
//! only keep the replay short.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Buf, BufMut, BytesMut};

use kafka_client_protocol::records::{BatchHeader, advance_sequence};

/// Batches remembered per producer; a client may have as many in flight per connection.
const REMEMBERED_BATCHES: usize = 5;
const SNAPSHOT_VERSION: i16 = 1;

/// The producers of one partition.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Producers {
    by_id: BTreeMap<i64, Producer>,
}

/// What to do with a batch that carries a producer id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sequencing {
    /// The next batch in order: append it.
    Next,
    /// One of the last five, sent again: answer with where it is.
    Duplicate { base_offset: i64, timestamp: i64 },
}

/// Why a batch is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SequenceError {
    /// The sequence is not the one after the last (error 45).
    OutOfOrder { expected: i32, got: i32 },
    /// The epoch was superseded (error 47).
    OldEpoch { current: i16, got: i16 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Producer {
    epoch: i16,
    /// Oldest first; empty only right after an epoch was seen without data.
    batches: VecDeque<Batch>,
    /// When the broker last appended for it, by the broker's clock.
    last_used_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Batch {
    first_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
    last_offset: i64,
    timestamp: i64,
}

/// What a producer has sent last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastOfProducer {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
    pub(crate) sequence: i32,
    pub(crate) timestamp: i64,
}

impl Producers {
    /// Judges a batch before it is appended. Changes nothing.
    pub(crate) fn check(&self, head: &BatchHeader) -> Result<Sequencing, SequenceError> {
        let Some(producer) = self.by_id.get(&head.producer_id) else {
            // Unknown or forgotten: any sequence is a start. A check would refuse a producer
            // whose earlier batches retention has removed.
            return Ok(Sequencing::Next);
        };
        let first = head.base_sequence;
        if head.producer_epoch < producer.epoch {
            return Err(SequenceError::OldEpoch {
                current: producer.epoch,
                got: head.producer_epoch,
            });
        }
        if head.producer_epoch > producer.epoch {
            return match first {
                0 => Ok(Sequencing::Next),
                got => Err(SequenceError::OutOfOrder { expected: 0, got }),
            };
        }
        let duplicate = producer.batches.iter().find(|batch| {
            (batch.first_sequence, batch.last_sequence) == (first, head.last_sequence())
        });
        if let Some(batch) = duplicate {
            return Ok(Sequencing::Duplicate {
                base_offset: batch.base_offset,
                timestamp: batch.timestamp,
            });
        }
        match producer
            .batches
            .back()
            .map_or(0, |last| advance_sequence(last.last_sequence, 1))
        {
            expected if expected == first => Ok(Sequencing::Next),
            expected => Err(SequenceError::OutOfOrder {
                expected,
                got: first,
            }),
        }
    }

    /// Notes a batch that is in the log now. Also used to replay the log, so it never refuses.
    pub(crate) fn appended(&mut self, head: &BatchHeader, now_ms: i64) {
        if head.producer_id < 0 {
            return;
        }
        let producer = self
            .by_id
            .entry(head.producer_id)
            .or_insert_with(|| Producer {
                epoch: head.producer_epoch,
                batches: VecDeque::with_capacity(REMEMBERED_BATCHES),
                last_used_ms: now_ms,
            });
        if producer.epoch != head.producer_epoch {
            producer.epoch = head.producer_epoch;
            producer.batches.clear();
        }
        producer.last_used_ms = now_ms;
        if head.attributes.is_control() {
            return;
        }
        if producer.batches.len() == REMEMBERED_BATCHES {
            producer.batches.pop_front();
        }
        producer.batches.push_back(Batch {
            first_sequence: head.base_sequence,
            last_sequence: head.last_sequence(),
            base_offset: head.base_offset,
            last_offset: head.last_offset(),
            timestamp: head.max_timestamp,
        });
    }

    /// Forgets producers that have been silent for `silent_ms`.
    pub(crate) fn expire(&mut self, now_ms: i64, silent_ms: i64) {
        self.by_id
            .retain(|_, producer| now_ms.saturating_sub(producer.last_used_ms) < silent_ms);
    }

    /// Forgets one; whether it was known.
    pub(crate) fn forget(&mut self, id: i64) -> bool {
        self.by_id.remove(&id).is_some()
    }

    /// All of them, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = LastOfProducer> {
        self.by_id.iter().map(|(id, producer)| LastOfProducer {
            id: *id,
            epoch: producer.epoch,
            sequence: producer
                .batches
                .back()
                .map_or(-1, |last| last.last_sequence),
            timestamp: producer.batches.back().map_or(-1, |last| last.timestamp),
        })
    }

    /// The last offset of each.
    pub(crate) fn last_offsets(&self) -> BTreeMap<i64, i64> {
        let last =
            |(id, producer): (&i64, &Producer)| Some((*id, producer.batches.back()?.last_offset));
        self.by_id.iter().filter_map(last).collect()
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The state in the format of Kafka's `.snapshot` files, which keep one batch per producer.
    pub(crate) fn to_snapshot(&self) -> Vec<u8> {
        let mut entries = BytesMut::new();
        entries.put_i32(i32::try_from(self.by_id.len()).unwrap_or(i32::MAX));
        for (&id, producer) in &self.by_id {
            let last = producer.batches.back();
            entries.put_i64(id);
            entries.put_i16(producer.epoch);
            entries.put_i32(last.map_or(-1, |batch| batch.last_sequence));
            entries.put_i64(last.map_or(-1, |batch| batch.last_offset));
            entries.put_i32(last.map_or(0, |batch| (batch.last_offset - batch.base_offset) as i32));
            entries.put_i64(producer.last_used_ms);
            // No transactions: coordinator epoch and first offset of an open one.
            entries.put_i32(-1);
            entries.put_i64(-1);
        }
        let mut out = BytesMut::new();
        out.put_i16(SNAPSHOT_VERSION);
        out.put_u32(crc32c::crc32c(&entries));
        out.extend_from_slice(&entries);
        out.to_vec()
    }

    /// Reads a snapshot; `None` when the bytes are not a whole one (it is then rebuilt from the
    /// log).
    pub(crate) fn from_snapshot(bytes: &[u8]) -> Option<Self> {
        const ENTRY_BYTES: usize = 46;
        let mut rest = bytes;
        let version = rest.try_get_i16().ok()?;
        let crc = rest.try_get_u32().ok()?;
        if version != SNAPSHOT_VERSION || crc32c::crc32c(rest) != crc {
            return None;
        }
        let count = usize::try_from(rest.try_get_i32().ok()?).ok()?;
        if rest.len() != count.checked_mul(ENTRY_BYTES)? {
            return None;
        }
        let mut by_id = BTreeMap::new();
        for _ in 0..count {
            let id = rest.get_i64();
            let epoch = rest.get_i16();
            let last_sequence = rest.get_i32();
            let last_offset = rest.get_i64();
            let delta = rest.get_i32();
            let last_used_ms = rest.get_i64();
            rest.advance(12);
            let mut batches = VecDeque::with_capacity(REMEMBERED_BATCHES);
            if last_sequence >= 0 && delta >= 0 {
                batches.push_back(Batch {
                    first_sequence: advance_sequence(last_sequence, -delta),
                    last_sequence,
                    base_offset: last_offset.saturating_sub(i64::from(delta)),
                    last_offset,
                    timestamp: -1,
                });
            }
            by_id.insert(
                id,
                Producer {
                    epoch,
                    batches,
                    last_used_ms,
                },
            );
        }
        Some(Self { by_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::batch::testing::RawBatch;

    const DAY_MS: i64 = 86_400_000;

    fn batch(offset: i64, epoch: i16, sequence: i32, records: i32) -> BatchHeader {
        let bytes = RawBatch {
            base_offset: offset,
            records,
            producer: (9, epoch, sequence),
            ..RawBatch::default()
        }
        .build();
        BatchHeader::parse(&bytes).unwrap()
    }

    fn with(batches: &[BatchHeader]) -> Producers {
        let mut producers = Producers::default();
        for head in batches {
            assert_eq!(producers.check(head), Ok(Sequencing::Next));
            producers.appended(head, 0);
        }
        producers
    }

    #[test]
    fn the_last_five_batches_are_recognised_and_the_sixth_is_not() {
        let all: Vec<_> = (0..6)
            .map(|n| batch(i64::from(n) * 2, 0, n * 2, 2))
            .collect();
        let producers = with(&all);
        for head in &all[1..] {
            let base_offset = head.base_offset;
            assert_eq!(
                producers.check(head),
                Ok(Sequencing::Duplicate {
                    base_offset,
                    timestamp: 1_000
                })
            );
        }
        assert_eq!(
            producers.check(&all[0]),
            Err(SequenceError::OutOfOrder {
                expected: 12,
                got: 0
            })
        );
    }

    #[test]
    fn a_duplicate_must_match_both_ends() {
        let producers = with(&[batch(0, 0, 0, 3)]);
        assert_eq!(
            producers.check(&batch(0, 0, 0, 2)),
            Err(SequenceError::OutOfOrder {
                expected: 3,
                got: 0
            })
        );
    }

    #[test]
    fn a_gap_is_refused() {
        let producers = with(&[batch(0, 0, 0, 1)]);
        assert_eq!(
            producers.check(&batch(1, 0, 2, 1)),
            Err(SequenceError::OutOfOrder {
                expected: 1,
                got: 2
            })
        );
    }

    #[test]
    fn an_unknown_producer_may_start_anywhere() {
        assert_eq!(
            Producers::default().check(&batch(0, 3, 700, 1)),
            Ok(Sequencing::Next)
        );
    }

    #[test]
    fn a_new_epoch_starts_at_zero_and_fences_the_old_one() {
        let mut producers = with(&[batch(0, 1, 0, 5)]);
        assert_eq!(
            producers.check(&batch(5, 2, 5, 1)),
            Err(SequenceError::OutOfOrder {
                expected: 0,
                got: 5
            })
        );
        let bumped = batch(5, 2, 0, 1);
        assert_eq!(producers.check(&bumped), Ok(Sequencing::Next));
        producers.appended(&bumped, 0);
        assert_eq!(
            producers.check(&batch(6, 1, 5, 1)),
            Err(SequenceError::OldEpoch { current: 2, got: 1 })
        );
        // The old epoch's batches are no duplicates of the new epoch's.
        assert_eq!(
            producers.check(&batch(6, 2, 0, 5)),
            Err(SequenceError::OutOfOrder {
                expected: 1,
                got: 0
            })
        );
    }

    #[test]
    fn sequences_wrap_after_the_largest() {
        let producers = with(&[batch(0, 0, i32::MAX - 1, 2)]);
        assert_eq!(producers.check(&batch(2, 0, 0, 1)), Ok(Sequencing::Next));
        // A batch across the wrap.
        let producers = with(&[batch(0, 0, i32::MAX, 3)]);
        assert_eq!(producers.check(&batch(3, 0, 2, 1)), Ok(Sequencing::Next));
    }

    #[test]
    fn a_silent_producer_is_forgotten_after_a_day() {
        let mut producers = with(&[batch(0, 0, 0, 1)]);
        producers.expire(DAY_MS - 1, DAY_MS);
        assert!(!producers.is_empty());
        producers.expire(DAY_MS, DAY_MS);
        assert!(producers.is_empty());
    }

    #[test]
    fn a_snapshot_keeps_the_last_batch() {
        let producers = with(&[batch(0, 4, 0, 2), batch(2, 4, 2, 3)]);
        let bytes = producers.to_snapshot();
        let loaded = Producers::from_snapshot(&bytes).unwrap();
        assert_eq!(
            loaded.check(&batch(0, 4, 2, 3)),
            Ok(Sequencing::Duplicate {
                base_offset: 2,
                timestamp: -1
            })
        );
        assert_eq!(loaded.check(&batch(5, 4, 5, 1)), Ok(Sequencing::Next));
        for cut in 0..bytes.len() {
            assert_eq!(Producers::from_snapshot(&bytes[..cut]), None, "{cut} bytes");
        }
    }

    #[test]
    fn a_snapshot_of_a_batch_across_the_wrap_keeps_its_start() {
        let across = batch(0, 0, i32::MAX, 3);
        let loaded = Producers::from_snapshot(&with(&[across]).to_snapshot()).unwrap();
        assert_eq!(
            loaded.check(&across),
            Ok(Sequencing::Duplicate {
                base_offset: 0,
                timestamp: -1
            })
        );
    }
}
