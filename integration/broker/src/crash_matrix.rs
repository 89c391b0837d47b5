//! Crashes between any two writes, on a file system that loses what was not forced to the disk: what was promised
//! holds after each. Logs roll, lose their old segments, have records deleted and are compacted; topics come and go.

use std::collections::{BTreeMap, BTreeSet};

use bytes::BytesMut;
use kafka_client_protocol::Uuid;
use kafka_client_protocol::records::{BatchBuilder, BatchHeader, Batches, Seal};

use crate::config::BrokerConfig;
use crate::env::Env;
use crate::fs::Disk;
use crate::fs::crashing::Crashing;
use crate::log::Doomed;
use crate::partition::Partition;
use crate::store::Store;
use crate::topics::Topics;
use crate::validate::ValidBatch;

/// How many times a seed's machine dies.
const LIVES: u32 = 5;
const NAMES: [&str; 3] = ["a", "b", COMPACTED];
const COMPACTED: &str = "c";
const PARTITIONS: i32 = 2;
/// The keys of records: each mark has one of them.
const KEYS: i64 = 7;

/// What the test knows of a partition.
#[derive(Debug, Clone)]
struct Written {
    /// The marks of the batches that were sent, by offset: the last one may not have been acknowledged, and what a
    /// crash has taken is none.
    marks: Vec<Option<i64>>,
    /// How many of them are promised to be there.
    promised: usize,
    /// Where the log begins at least, and where at most: more may be deleted than anybody was told.
    start: std::ops::RangeInclusive<i64>,
    /// The epoch that led it last.
    epoch: i32,
}

impl Written {
    fn new() -> Self {
        Self {
            marks: Vec::new(),
            promised: 0,
            start: 0..=0,
            epoch: 0,
        }
    }

    /// All of it may be deleted.
    fn doubt_start(&mut self) {
        self.start = *self.start.start()..=self.marks.len() as i64;
    }
}

#[derive(Debug, Clone)]
struct Made {
    id: Uuid,
    partitions: Vec<Written>,
}

struct Matrix {
    files: Crashing,
    random: fastrand::Rng,
    config: BrokerConfig,
    topics: BTreeMap<&'static str, Made>,
    /// Names of which nobody knows whether they are there: the machine died while they were made or deleted.
    doubtful: BTreeSet<&'static str>,
    producer_ids: BTreeSet<i64>,
    next_mark: i64,
    seed: u64,
}

impl Matrix {
    fn new(seed: u64) -> Self {
        let mut random = crate::env::random(Some(seed));
        let mut config = BrokerConfig::default();
        config.topic.log.segment_bytes = random.u64(500..20_000);
        // By the times of records, which are their marks, or by size.
        config.topic.log.retention_ms = random.i64(10..300);
        config.topic.log.retention_bytes = random.i64(5_000..100_000);
        config.topic.log.min_cleanable_dirty_ratio = 0.2;
        // The times of appends are marks, and not the day of today.
        config.producer_expiration_ms = i64::MAX;
        // Each batch is forced to the disk before it is acknowledged, or that is left to the system.
        if random.bool() {
            config.topic.log.flush_messages = 1;
        }
        Self {
            files: Crashing::new(seed),
            random,
            config,
            topics: BTreeMap::new(),
            doubtful: BTreeSet::new(),
            producer_ids: BTreeSet::new(),
            next_mark: 1,
            seed,
        }
    }

    fn is_forced(&self) -> bool {
        self.config.topic.log.flush_messages == 1
    }

    /// One start of the broker, until the machine dies or the broker is stopped in order.
    fn live(&mut self, life: u32) {
        let env = Env::new(None, Some(self.seed * 100 + u64::from(life)));
        if self.random.u8(..8) == 0 {
            // It dies while it starts, too.
            self.files.die_after(self.random.u64(..40));
        }
        let opened = Store::on(Disk::new(self.files.clone()))
            .and_then(|store| Topics::open(store, &self.config, &env));
        let topics = match opened {
            Ok(topics) => topics,
            Err(error) => {
                assert!(self.files.is_dead(), "seed {}: {error}", self.seed);
                return self.files.restart();
            }
        };
        self.check(&topics);
        self.files.die_after(self.random.u64(..400));
        let producer = topics.next_producer_id();
        if let Ok(producer) = &producer {
            let is_new = self.producer_ids.insert(*producer);
            assert!(is_new, "seed {}: producer id {producer} again", self.seed);
        }
        let mut sequences: BTreeMap<(&str, usize), i32> = BTreeMap::new();
        while !self.files.is_dead() {
            match self.random.u8(..100) {
                0 => {
                    if topics.close().is_ok() {
                        for made in self.topics.values_mut() {
                            for written in &mut made.partitions {
                                written.promised = written.marks.len();
                            }
                        }
                        // In order, and then the power fails all the same.
                        self.files.die_after(0);
                    }
                }
                1..4 => self.sync(&topics),
                4..8 => self.make(&topics, &env),
                8..10 => self.delete(&topics),
                10..12 => self.remove_old(&topics),
                12..15 => self.delete_records(&topics),
                15..19 => self.clean(&topics),
                _ => {
                    let producer = *producer.as_ref().unwrap_or(&-1);
                    self.append(&topics, producer, &mut sequences);
                }
            }
        }
        drop(topics);
        self.files.restart();
    }

    fn sync(&mut self, topics: &Topics) {
        if topics.sync().is_ok() {
            for (name, made) in &mut self.topics {
                let topic = topics.named(name).unwrap();
                for (partition, written) in topic.partitions.iter().zip(&mut made.partitions) {
                    let on_disk = partition.log().recovery_point();
                    written.promised = written.promised.max(on_disk as usize);
                }
            }
        }
    }

    fn make(&mut self, topics: &Topics, env: &Env) {
        let name = NAMES[self.random.usize(..NAMES.len())];
        if topics.named(name).is_some() {
            return;
        }
        self.doubtful.insert(name);
        let configs = match name {
            COMPACTED => [
                ("cleanup.policy".to_owned(), "compact,delete".to_owned()),
                ("retention.ms".to_owned(), "-1".to_owned()),
                ("retention.bytes".to_owned(), "-1".to_owned()),
            ]
            .into(),
            _ => BTreeMap::new(),
        };
        if let Ok(topic) = topics.create(name, PARTITIONS, configs, &self.config, env) {
            self.doubtful.remove(name);
            let made = Made {
                id: topic.id,
                partitions: vec![Written::new(); PARTITIONS as usize],
            };
            self.topics.insert(name, made);
        }
    }

    fn delete(&mut self, topics: &Topics) {
        let name = NAMES[self.random.usize(..NAMES.len())];
        let Some(topic) = topics.named(name) else {
            return;
        };
        let before = self.topics.remove(name);
        if topics.delete(&topic).is_err() && before.is_some() {
            self.doubtful.insert(name);
        }
    }

    fn remove_old(&mut self, topics: &Topics) {
        for made in self.topics.values_mut() {
            made.partitions.iter_mut().for_each(Written::doubt_start);
        }
        let Ok(doomed) = topics.remove_old_segments(self.next_mark) else {
            return;
        };
        for (name, made) in &mut self.topics {
            let topic = topics.named(name).unwrap();
            for (partition, written) in topic.partitions.iter().zip(&mut made.partitions) {
                let start = partition.ends().start_offset;
                written.start = start..=start;
            }
        }
        self.remove(doomed);
    }

    /// Removes files, or leaves them to the next start.
    fn remove(&mut self, doomed: Vec<Doomed>) {
        for doomed in doomed {
            if self.random.bool() {
                let is_removed = doomed.remove().is_ok();
                assert!(is_removed || self.files.is_dead(), "seed {}", self.seed);
            }
        }
    }

    fn delete_records(&mut self, topics: &Topics) {
        let Some((name, index)) = self.any_partition() else {
            return;
        };
        let topic = topics.named(name).unwrap();
        let written = &mut self.topics.get_mut(name).unwrap().partitions[index];
        let ends = topic.partitions[index].ends();
        // Mostly little.
        let last = ends.high_watermark.min(ends.start_offset + 10);
        let offset = self.random.i64(ends.start_offset..=last);
        written.start = *written.start.start()..=offset.max(*written.start.end());
        topic.partitions[index].delete_records(offset).unwrap();
        if topics.checkpoint().is_ok() {
            written.start = offset..=offset;
        }
    }

    fn clean(&mut self, topics: &Topics) {
        if let Ok(doomed) = topics.clean(self.next_mark, 1 << 20, &|| false) {
            self.remove(doomed);
        } else {
            assert!(self.files.is_dead(), "seed {}", self.seed);
        }
    }

    fn any_partition(&mut self) -> Option<(&'static str, usize)> {
        let names: Vec<_> = self.topics.keys().copied().collect();
        let name = self.random.choice(names)?;
        Some((name, self.random.usize(..PARTITIONS as usize)))
    }

    fn append(
        &mut self,
        topics: &Topics,
        producer: i64,
        sequences: &mut BTreeMap<(&'static str, usize), i32>,
    ) {
        let Some((name, index)) = self.any_partition() else {
            return;
        };
        let topic = topics.named(name).unwrap();
        let sequence = sequences.entry((name, index)).or_default();
        let mark = self.next_mark;
        self.next_mark += 1;
        let batch = batch(mark, (producer, 0, *sequence), self.random.usize(1..2500));
        let is_forced = self.is_forced();
        let written = &mut self.topics.get_mut(name).unwrap().partitions[index];
        written.marks.push(Some(mark));
        let partition = &topic.partitions[index];
        let appended = partition.append(&batch, mark);
        if let Ok((appended, _)) = appended {
            assert!(!appended.duplicate);
            assert_eq!(appended.base_offset, written.marks.len() as i64 - 1);
            assert_eq!(appended.is_awaited, is_forced);
            *sequence += 1;
        }
        // Sometimes several share one way to the disk.
        if is_forced && self.random.u8(..3) > 0 {
            let is_forced = partition.force().is_ok();
            assert!(is_forced || self.files.is_dead(), "seed {}", self.seed);
        }
        if is_forced {
            // What an acknowledgement waits for, and consumers see.
            let high_watermark = partition.ends().high_watermark;
            assert!(high_watermark >= written.promised as i64);
            written.promised = high_watermark as usize;
        }
    }

    /// What was promised is there, and nothing else.
    fn check(&mut self, topics: &Topics) {
        let seed = self.seed;
        for name in std::mem::take(&mut self.doubtful) {
            let found = topics.named(name);
            let made = found.map(|topic| Made {
                id: topic.id,
                // It may have been there before, with something in it: what it has now is what it had.
                partitions: topic
                    .partitions
                    .iter()
                    .map(|partition| Written {
                        marks: marks(partition),
                        start: partition.ends().start_offset..=partition.ends().start_offset,
                        promised: 0,
                        epoch: partition.leader_epoch() - 1,
                    })
                    .collect(),
            });
            match made {
                Some(made) => drop(self.topics.insert(name, made)),
                None => drop(self.topics.remove(name)),
            }
        }
        let there: BTreeSet<String> = topics
            .all()
            .iter()
            .map(|topic| topic.name.to_string())
            .collect();
        let expected: BTreeSet<String> = self.topics.keys().map(ToString::to_string).collect();
        assert_eq!(there, expected, "seed {seed}");
        for (name, made) in &mut self.topics {
            let topic = topics.named(name).unwrap();
            assert_eq!(topic.id, made.id, "seed {seed}: topic {name}");
            for (index, (partition, written)) in topic
                .partitions
                .iter()
                .zip(&mut made.partitions)
                .enumerate()
            {
                let place = format!("seed {seed}: {name}-{index}");
                let start = partition.ends().start_offset;
                assert!(
                    written.start.contains(&start),
                    "{place}: {start}, {written:?}"
                );
                let found = marks(partition);
                for (offset, mark) in found.iter().enumerate() {
                    let is_written = mark.is_none() || written.marks.get(offset) == Some(mark);
                    assert!(is_written, "{place} at {offset}: {written:?} {found:?}");
                }
                let promised = &written.marks[..written.promised];
                assert!(
                    found.len() >= promised.len(),
                    "{place}: {written:?} {found:?}"
                );
                for (offset, mark) in promised.iter().enumerate().skip(start as usize) {
                    let Some(mark) = mark else { continue };
                    let has_key =
                        |other: &Option<i64>| other.is_some_and(|other| key(other) == key(*mark));
                    let is_there = found[offset] == Some(*mark)
                        || *name == COMPACTED && found[offset + 1..].iter().any(has_key);
                    assert!(is_there, "{place} at {offset}: {written:?} {found:?}");
                }
                written.start = start..=start;
                look_ups_agree(partition, &found, &place);
                memory_agrees(partition, &place);
                assert!(partition.leader_epoch() > written.epoch, "{place}");
                written.epoch = partition.leader_epoch();
                written.marks = found;
            }
        }
    }
}

fn key(mark: i64) -> i64 {
    mark % KEYS
}

/// A batch of one record, with a timestamp by which it is known again.
fn batch(mark: i64, producer: (i64, i16, i32), filler_bytes: usize) -> ValidBatch {
    let mut open = BatchBuilder::new(BytesMut::new());
    let (key, value) = (key(mark).to_string(), vec![7; filler_bytes]);
    open.append(mark, Some(key.as_bytes()), Some(&value), &[])
        .unwrap();
    let (producer_id, producer_epoch, base_sequence) = producer;
    let sealed = open.seal(&Seal {
        producer_id,
        producer_epoch,
        base_sequence,
        ..Seal::default()
    });
    let sealed = sealed.unwrap();
    ValidBatch {
        bytes: sealed.bytes,
        head: sealed.header,
    }
}

/// The marks of all batches by offset, by reading from the beginning.
fn marks(partition: &Partition) -> Vec<Option<i64>> {
    let ends = partition.ends();
    let mut found = vec![None; ends.start_offset as usize];
    while (found.len() as i64) < ends.end_offset {
        let fetched = partition.read(found.len() as i64, 1000, true).unwrap();
        if fetched.is_empty() {
            // The last ones are compacted away.
            break;
        }
        for batch in Batches::new(fetched) {
            let head = *batch.unwrap().header();
            // Compaction leaves gaps. And of segments that were not forced to the disk one may have lost its end, and
            // the next one not.
            assert!(
                head.base_offset >= found.len() as i64,
                "{head:?} after {found:?}"
            );
            found.resize(head.base_offset as usize, None);
            found.push((head.record_count > 0).then_some(head.max_timestamp));
        }
    }
    found.resize(ends.end_offset as usize, None);
    found
}

/// Each batch is found by its offset and by its time, whatever the indices say.
/// What the log remembers of epochs and producers is what its batches say.
fn memory_agrees(partition: &Partition, place: &str) {
    let mut log = partition.log();
    let heads = log.heads();
    let mut last = BTreeMap::new();
    for head in &heads {
        if head.base_offset >= log.start_offset() {
            let epoch = log.epoch_of(head.base_offset);
            assert_eq!(
                epoch,
                Some(head.partition_leader_epoch),
                "{place}: {head:?}"
            );
        }
        if head.producer_id >= 0 {
            last.insert(
                head.producer_id,
                (head.producer_epoch, head.last_sequence()),
            );
        }
    }
    let remembered: BTreeMap<i64, (i16, i32)> = log
        .producers()
        .iter()
        .map(|last| (last.id, (last.epoch, last.sequence)))
        .collect();
    for (producer, last) in last {
        // Those whose batches are gone are remembered as well.
        assert_eq!(
            remembered.get(&producer),
            Some(&last),
            "{place}: {producer}"
        );
    }
}

fn look_ups_agree(partition: &Partition, marks: &[Option<i64>], place: &str) {
    for (offset, mark) in (0..).zip(marks) {
        let Some(mark) = *mark else { continue };
        let fetched = partition.read(offset, 1, true).unwrap();
        let head = BatchHeader::parse(&fetched).unwrap();
        assert_eq!(head.max_timestamp, mark, "{place} at {offset}");
        let (head, _) = partition.log().batch_at_time(mark).unwrap().unwrap();
        assert_eq!(head.base_offset, offset, "{place}, time {mark}");
    }
}

#[test]
fn what_was_promised_is_there_after_any_crash() {
    for seed in 0..2000 {
        let mut matrix = Matrix::new(seed);
        for life in 0..LIVES {
            matrix.live(life);
        }
        let env = Env::new(None, Some(seed));
        let store = Store::on(Disk::new(matrix.files.clone())).unwrap();
        matrix.check(&Topics::open(store, &matrix.config, &env).unwrap());
    }
}
