//! What compaction keeps: the last value of each key, and of a batch what must not be lost with its records.
//!
//! Pure: batches in, batches out.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use kafka_client_protocol::records::{Batch, RecordError, RecordView, retain_until};
use sha2::{Digest, Sha256};

/// The most that a batch may decompress to.
const DECOMPRESSED_MAX: usize = 256 << 20;
/// What a key takes in the map, in bytes: as in Kafka, its hash and its offset.
const ENTRY_BYTES: usize = 24;

/// The latest offset of each key, for as much of the log as the map has room for.
#[derive(Debug)]
pub(crate) struct OffsetMap {
    by_key: HashMap<[u8; 16], i64>,
    keys_max: usize,
    /// The last offset that is taken into account; -1 for none.
    latest: i64,
}

/// The map takes no more keys.
#[derive(Debug)]
pub(crate) struct Full;

impl OffsetMap {
    /// `buffer_bytes` is what the keys may take, as in Kafka up to nine tenths of it.
    pub(crate) fn new(buffer_bytes: usize) -> Self {
        Self {
            by_key: HashMap::new(),
            keys_max: (buffer_bytes / ENTRY_BYTES * 9 / 10).max(1),
            latest: -1,
        }
    }

    pub(crate) fn latest(&self) -> i64 {
        self.latest
    }

    /// There is nothing more up to an offset.
    pub(crate) fn end_before(&mut self, offset: i64) {
        self.latest = self.latest.max(offset - 1);
    }

    /// Takes in a batch, from an offset on.
    pub(crate) fn add(
        &mut self,
        batch: &Batch,
        from: i64,
    ) -> Result<Result<(), Full>, RecordError> {
        if !batch.header().attributes.is_control() {
            let mut records = batch.records(DECOMPRESSED_MAX)?;
            while let Some(record) = records.next_record() {
                let record = record?;
                let Some(key) = record.key.filter(|_| record.offset >= from) else {
                    continue;
                };
                let key = hash(key);
                if self.by_key.len() >= self.keys_max && !self.by_key.contains_key(&key) {
                    return Ok(Err(Full));
                }
                self.by_key.insert(key, record.offset);
                self.latest = record.offset;
            }
        }
        self.latest = self.latest.max(batch.header().last_offset());
        Ok(Ok(()))
    }

    /// Whether a later record has the same key.
    fn is_superseded(&self, key: &[u8], offset: i64) -> bool {
        let latest = self.by_key.get(&hash(key));
        latest.is_some_and(|latest| *latest > offset)
    }
}

/// Keys are compared by their hash, so that the map's size does not depend on theirs.
fn hash(key: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(key)[..16]);
    short
}

/// By what a batch is judged.
#[derive(Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) map: &'a OffsetMap,
    /// The last offset of each producer that the log still knows.
    pub(crate) last_of_producers: &'a BTreeMap<i64, i64>,
    pub(crate) now_ms: i64,
    pub(crate) delete_retention_ms: i64,
}

/// What is left of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// All, byte for byte.
    All,
    Some(Bytes),
    Nothing,
}

impl Rules<'_> {
    /// Judges a batch.
    pub(crate) fn apply(&self, batch: &Batch) -> Result<Left, RecordError> {
        let head = batch.header();
        if head.attributes.is_control() {
            return Ok(Left::All);
        }
        let last = self.last_of_producers.get(&head.producer_id);
        // Without it the producer's next batch would be out of order after the next start.
        let is_last_of_producer = head.producer_id >= 0 && last == Some(&head.last_offset());
        let mut keep = Vec::new();
        let mut has_tombstone = false;
        let mut records = batch.records(DECOMPRESSED_MAX)?;
        while let Some(record) = records.next_record() {
            let record = record?;
            let is_kept = self.keeps(&record, head.delete_horizon());
            has_tombstone |= is_kept && record.value.is_none();
            keep.push(is_kept);
        }
        let all = keep.iter().all(|is_kept| *is_kept);
        let none = !keep.contains(&true);
        if none && !is_last_of_producer {
            return Ok(Left::Nothing);
        }
        // Tombstones are counted from their first cleaning on, which all readers then have had time for.
        let horizon = (has_tombstone && head.delete_horizon().is_none())
            .then(|| self.now_ms.saturating_add(self.delete_retention_ms));
        if all && horizon.is_none() {
            return Ok(Left::All);
        }
        // What is damaged must not get a new checksum.
        batch.verify_crc()?;
        let mut keep = keep.into_iter();
        let left = retain_until(batch, DECOMPRESSED_MAX, horizon, |_| {
            keep.next().unwrap_or(true)
        })?;
        Ok(Left::Some(left))
    }

    fn keeps(&self, record: &RecordView<'_>, delete_horizon: Option<i64>) -> bool {
        if record.offset > self.map.latest() {
            return true;
        }
        let Some(key) = record.key else {
            return false;
        };
        let has_time = delete_horizon.is_none_or(|horizon| self.now_ms < horizon);
        (record.value.is_some() || has_time) && !self.map.is_superseded(key, record.offset)
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_client_protocol::records::{
        BatchBuilder, Compression, CompressionConfig, ControlRecord, EndTransactionMarker, Seal,
    };

    use super::*;

    const DAY_MS: i64 = 86_400_000;

    type Record<'a> = (&'a str, Option<&'a str>);

    fn sealed(records: &[Record<'_>], seal: &Seal) -> Batch {
        let mut open = BatchBuilder::new(BytesMut::new());
        for (key, value) in records {
            let value = value.map(str::as_bytes);
            open.append(1000, Some(key.as_bytes()), value, &[]).unwrap();
        }
        Batch::new(open.seal(seal).unwrap().bytes).unwrap()
    }

    fn batch(base_offset: i64, records: &[Record<'_>]) -> Batch {
        let seal = Seal {
            base_offset,
            ..Seal::default()
        };
        sealed(records, &seal)
    }

    fn map_of(batches: &[&Batch]) -> OffsetMap {
        let mut map = OffsetMap::new(1 << 20);
        for batch in batches {
            map.add(batch, 0).unwrap().unwrap();
        }
        map
    }

    fn rules<'a>(map: &'a OffsetMap, last: &'a BTreeMap<i64, i64>, now_ms: i64) -> Rules<'a> {
        Rules {
            map,
            last_of_producers: last,
            now_ms,
            delete_retention_ms: DAY_MS,
        }
    }

    fn left(rules: &Rules<'_>, batch: &Batch) -> Option<Batch> {
        match rules.apply(batch).unwrap() {
            Left::All => Some(batch.clone()),
            Left::Some(bytes) => Some(Batch::new(bytes).unwrap()),
            Left::Nothing => None,
        }
    }

    fn offsets(batch: &Batch) -> Vec<i64> {
        let mut records = batch.records(1 << 20).unwrap();
        let mut all = Vec::new();
        while let Some(record) = records.next_record() {
            all.push(record.unwrap().offset);
        }
        all
    }

    #[test]
    fn the_last_value_of_each_key_is_left_at_its_offset() {
        let first = batch(0, &[("a", Some("1")), ("b", Some("1")), ("a", Some("2"))]);
        let second = batch(3, &[("a", Some("3")), ("c", Some("1"))]);
        let map = map_of(&[&first, &second]);
        let none = BTreeMap::new();
        let rules = rules(&map, &none, 0);
        let kept = left(&rules, &first).unwrap();
        assert_eq!(offsets(&kept), [1]);
        assert_eq!(
            (kept.header().base_offset, kept.header().last_offset()),
            (0, 2)
        );
        kept.verify_crc().unwrap();
        assert_eq!(rules.apply(&second).unwrap(), Left::All);
        let superseded = batch(1, &[("a", Some("1"))]);
        assert_eq!(rules.apply(&superseded).unwrap(), Left::Nothing);
    }

    #[test]
    fn what_the_map_has_not_seen_is_left() {
        let first = batch(0, &[("a", Some("1"))]);
        let map = map_of(&[&first]);
        let none = BTreeMap::new();
        let later = batch(1, &[("a", Some("2")), ("a", Some("3"))]);
        assert_eq!(rules(&map, &none, 0).apply(&later).unwrap(), Left::All);
    }

    #[test]
    fn a_tombstone_stays_for_its_time_from_the_first_cleaning_on() {
        let gone = batch(0, &[("a", None), ("b", Some("1"))]);
        let map = map_of(&[&gone]);
        let none = BTreeMap::new();
        let first = left(&rules(&map, &none, 500), &gone).unwrap();
        assert_eq!(first.header().delete_horizon(), Some(500 + DAY_MS));
        assert_eq!(offsets(&first), [0, 1]);
        // A later cleaning does not move it.
        assert_eq!(rules(&map, &none, 900).apply(&first).unwrap(), Left::All);
        let late = rules(&map, &none, 500 + DAY_MS);
        assert_eq!(offsets(&left(&late, &first).unwrap()), [1]);
    }

    #[test]
    fn the_last_batch_of_a_producer_stays_without_its_records() {
        let seal = Seal {
            base_offset: 4,
            producer_id: 9,
            producer_epoch: 1,
            base_sequence: 10,
            ..Seal::default()
        };
        let old = sealed(&[("a", Some("1")), ("a", Some("2"))], &seal);
        let new = batch(6, &[("a", Some("3"))]);
        let map = map_of(&[&old, &new]);
        let last = BTreeMap::from([(9, 5)]);
        let rules_of = rules(&map, &last, 0);
        let empty = left(&rules_of, &old).unwrap();
        let head = *empty.header();
        assert_eq!(
            (head.record_count, head.last_offset(), head.last_sequence()),
            (0, 5, 11)
        );
        // It stays as it is, until the producer is forgotten or has sent more.
        assert_eq!(rules_of.apply(&empty).unwrap(), Left::All);
        let none = BTreeMap::new();
        assert_eq!(rules(&map, &none, 0).apply(&empty).unwrap(), Left::Nothing);
    }

    #[test]
    fn a_compressed_batch_keeps_its_codec() {
        for codec in [
            Compression::Gzip,
            Compression::Snappy,
            Compression::Lz4,
            Compression::Zstd,
        ] {
            let seal = Seal {
                compression: CompressionConfig::new(codec),
                ..Seal::default()
            };
            let old = sealed(&[("a", Some("1")), ("b", Some("1"))], &seal);
            let new = batch(2, &[("a", Some("2"))]);
            let map = map_of(&[&old, &new]);
            let none = BTreeMap::new();
            let kept = left(&rules(&map, &none, 0), &old).unwrap();
            assert_eq!(kept.header().attributes.compression().unwrap(), codec);
            assert_eq!(offsets(&kept), [1]);
        }
    }

    #[test]
    fn control_batches_are_left_alone() {
        let marker = ControlRecord::Commit(EndTransactionMarker {
            coordinator_epoch: 1,
        });
        let sealed = marker.seal(1000, &Seal::default()).unwrap();
        let marker = Batch::new(sealed.bytes).unwrap();
        let map = map_of(&[&marker]);
        assert_eq!(map.latest(), 0);
        let none = BTreeMap::new();
        assert_eq!(rules(&map, &none, 0).apply(&marker).unwrap(), Left::All);
    }

    #[test]
    fn a_full_map_says_how_far_it_came() {
        let mut map = OffsetMap::new(3 * ENTRY_BYTES);
        let two = batch(0, &[("a", Some("1")), ("b", Some("1"))]);
        map.add(&two, 0).unwrap().unwrap();
        let more = batch(2, &[("b", Some("2")), ("c", Some("1"))]);
        assert!(map.add(&more, 0).unwrap().is_err());
        assert_eq!(map.latest(), 2);
        assert!(map.is_superseded(b"b", 1) && !map.is_superseded(b"b", 2));
    }

    #[test]
    fn a_damaged_batch_is_not_written_anew() {
        let old = batch(0, &[("a", Some("1")), ("b", Some("1"))]);
        let new = batch(2, &[("a", Some("2"))]);
        let map = map_of(&[&old, &new]);
        let mut bytes = old.bytes().to_vec();
        let last = bytes.len() - 2;
        bytes[last] ^= 1;
        let damaged = Batch::new(bytes.into()).unwrap();
        let none = BTreeMap::new();
        let error = rules(&map, &none, 0).apply(&damaged).unwrap_err();
        assert!(matches!(error, RecordError::CrcMismatch { .. }), "{error}");
    }
}
