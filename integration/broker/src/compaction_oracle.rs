//! Compaction against a simple model: whatever was compacted, and wherever the machine died, who reads the log from
//! its beginning has the last value of each key.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use bytes::BytesMut;
use kafka_client_protocol::records::{BatchBuilder, Batches, Compression, CompressionConfig, Seal};

use crate::config::BrokerConfig;
use crate::env::Env;
use crate::fs::crashing::Crashing;
use crate::fs::{Access, Disk, FileSystem};
use crate::partition::Partition;
use crate::store::Store;
use crate::topics::Topics;
use crate::validate::ValidBatch;

const HISTORIES: u64 = 500;
const STEPS: u32 = 120;
const PRODUCER: i64 = 9;

/// A record as it was written; the value is `None` for a tombstone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    key: String,
    value: Option<String>,
    time: i64,
}

/// A batch of the idempotent producer.
#[derive(Debug, Clone)]
struct Sent {
    batch: Seal,
    records: Vec<Record>,
    base_offset: i64,
}

struct History {
    seed: u64,
    random: fastrand::Rng,
    files: Crashing,
    config: BrokerConfig,
    clock: Arc<AtomicI64>,
    buffer_bytes: usize,
    topics: Option<Topics>,
    /// All records that were acknowledged, by their offsets.
    written: Vec<Record>,
    /// What was sent and not answered before the machine died.
    doubtful: Vec<Record>,
    last_sent: Option<Sent>,
    next_sequence: i32,
    lives: u64,
    /// How many cleanings came to their end.
    cleanings: u32,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut random = crate::env::random(Some(seed));
        let mut config = BrokerConfig::default();
        config.topic.log.compacts = true;
        config.topic.log.deletes = false;
        config.topic.log.flush_messages = 1;
        config.topic.log.segment_bytes = random.u64(150..2500);
        config.topic.log.min_cleanable_dirty_ratio = [0.0, 0.3][random.usize(..2)];
        config.topic.log.delete_retention_ms = [0, 200][random.usize(..2)];
        config.topic.log.min_compaction_lag_ms = [0, 0, 60][random.usize(..3)];
        Self {
            seed,
            files: Crashing::new(seed),
            config,
            clock: Arc::new(AtomicI64::new(1_700_000_000_000)),
            buffer_bytes: [1 << 20, 1 << 20, 150][random.usize(..3)],
            random,
            topics: None,
            written: Vec::new(),
            doubtful: Vec::new(),
            last_sent: None,
            next_sequence: 0,
            lives: 0,
            cleanings: 0,
        }
    }

    fn now_ms(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// Starts the broker on what the disk has.
    fn start(&mut self) {
        let clock = Arc::clone(&self.clock);
        let clock = move || {
            let ms = u64::try_from(clock.load(Ordering::Relaxed)).unwrap();
            UNIX_EPOCH + Duration::from_millis(ms)
        };
        let env = Env::new(Some(Arc::new(clock)), Some(self.seed * 100 + self.lives));
        self.lives += 1;
        let store = Store::on(Disk::new(self.files.clone())).unwrap();
        let topics = Topics::open(store, &self.config, &env).unwrap();
        if topics.named("t").is_none() {
            topics
                .create("t", 1, BTreeMap::new(), &self.config, &env)
                .unwrap();
        }
        self.topics = Some(topics);
        let end = self.partition().ends().end_offset;
        let doubtful = std::mem::take(&mut self.doubtful);
        if end > self.written.len() as i64 {
            self.written.extend(doubtful);
        }
        self.check("after a start");
    }

    fn topics(&self) -> &Topics {
        self.topics.as_ref().unwrap()
    }

    fn partition(&self) -> Arc<Partition> {
        Arc::clone(&self.topics().named("t").unwrap().partitions[0])
    }

    fn die(&mut self) {
        self.topics = None;
        self.files.restart();
        self.start();
    }

    fn records(&mut self) -> Vec<Record> {
        let count = self.random.usize(1..4);
        let time = self.now_ms();
        let mut record = |_| Record {
            key: format!("k{}", self.random.u8(..9)),
            value: (self.random.u8(..4) > 0)
                .then(|| "v".repeat(self.random.usize(1..60)) + &self.random.u32(..).to_string()),
            time,
        };
        (0..count).map(&mut record).collect()
    }

    fn append(&mut self) {
        let records = self.records();
        let is_idempotent = self.random.bool();
        let codec = [Compression::None, Compression::Lz4, Compression::Zstd];
        let mut seal = Seal {
            compression: CompressionConfig::new(codec[self.random.usize(..codec.len())]),
            ..Seal::default()
        };
        if is_idempotent {
            (seal.producer_id, seal.producer_epoch) = (PRODUCER, 0);
            seal.base_sequence = self.next_sequence;
        }
        let partition = self.partition();
        let appended = partition.append(&sealed(&records, &seal), self.now_ms());
        let forced = partition.force();
        match appended {
            Ok((appended, _)) if forced.is_ok() => {
                assert_eq!(appended.base_offset, self.written.len() as i64);
                self.written.extend(records.iter().cloned());
                if is_idempotent {
                    self.next_sequence += records.len() as i32;
                    self.last_sent = Some(Sent {
                        batch: seal,
                        records,
                        base_offset: appended.base_offset,
                    });
                }
            }
            _ => {
                assert!(self.files.is_dead(), "{appended:?} {forced:?}");
                self.doubtful = records;
                if is_idempotent {
                    // Nobody knows whether it is there; the producer would find out by sending it again.
                    self.last_sent = None;
                    self.next_sequence = -1;
                }
                self.die();
                if self.next_sequence < 0 {
                    self.begin_producer_anew();
                }
            }
        }
    }

    /// The next batch is one of a producer that the log has not seen. One id serves: sequences go on.
    fn begin_producer_anew(&mut self) {
        let mut sequence = 0;
        for batch in self.batches() {
            if batch.header().producer_id == PRODUCER {
                sequence = batch.header().last_sequence() + 1;
            }
        }
        self.next_sequence = sequence;
    }

    fn clean(&mut self) {
        let now_ms = self.now_ms();
        match self.topics().clean(now_ms, self.buffer_bytes, &|| false) {
            Ok(doomed) => {
                self.cleanings += 1;
                for doomed in doomed {
                    if doomed.remove().is_err() {
                        assert!(self.files.is_dead());
                    }
                }
                match self.files.is_dead() {
                    true => self.die(),
                    false => {
                        self.check("after a cleaning");
                        self.check_cleaned();
                    }
                }
            }
            Err(error) => {
                assert!(self.files.is_dead(), "seed {}: {error}", self.seed);
                self.die();
            }
        }
    }

    fn batches(&self) -> Vec<kafka_client_protocol::records::Batch> {
        let partition = self.partition();
        let ends = partition.ends();
        let mut all = Vec::new();
        let mut offset = ends.start_offset;
        while offset < ends.end_offset {
            let fetched = partition.read(offset, 500, true).unwrap();
            let before = offset;
            for batch in Batches::new(fetched) {
                let batch = batch.unwrap();
                batch.verify_crc().unwrap();
                assert!(batch.header().last_offset() >= offset);
                offset = batch.header().next_offset();
                all.push(batch);
            }
            if offset == before {
                // The last ones are compacted away.
                break;
            }
        }
        all
    }

    fn left(&self) -> BTreeMap<i64, Record> {
        let mut left = BTreeMap::new();
        for batch in self.batches() {
            let mut records = batch.records(1 << 20).unwrap();
            while let Some(record) = records.next_record() {
                let record = record.unwrap();
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                let found = Record {
                    key: text(record.key.unwrap()),
                    value: record.value.map(text),
                    time: record.timestamp,
                };
                assert!(left.insert(record.offset, found).is_none());
            }
        }
        left
    }

    fn check(&mut self, when: &str) {
        let place = format!("seed {} {when}", self.seed);
        let partition = self.partition();
        assert_eq!(
            partition.ends().end_offset,
            self.written.len() as i64,
            "{place}"
        );
        let left = self.left();
        for (offset, record) in &left {
            assert_eq!(Some(record), self.written.get(*offset as usize), "{place}");
            let found = partition.offset_at_time(record.time).unwrap().unwrap();
            assert!(found.offset <= *offset, "{place}: {found:?}");
        }
        let last = |records: &mut dyn Iterator<Item = &Record>| {
            let mut map: BTreeMap<String, Option<String>> = BTreeMap::new();
            for record in records {
                map.insert(record.key.clone(), record.value.clone());
            }
            map.retain(|_, value| value.is_some());
            map
        };
        let expected = last(&mut self.written.iter());
        assert_eq!(last(&mut left.values()), expected, "{place}");
        // A tombstone is there for as long as a reader may need it.
        let young = self.now_ms() - self.config.topic.log.delete_retention_ms;
        for (offset, record) in (0..).zip(&self.written) {
            let mut later = self.written[offset + 1..].iter();
            let is_last = later.all(|other| other.key != record.key);
            if is_last && record.value.is_none() && record.time > young {
                assert!(left.contains_key(&(offset as i64)), "{place} at {offset}");
            }
        }
        // The producer's last batch is known, even when nothing of it is left.
        if let Some(sent) = &self.last_sent {
            let again = sealed(&sent.records, &sent.batch);
            let again = partition.append(&again, self.clock.load(Ordering::Relaxed));
            let (again, _) = again.unwrap_or_else(|refusal| panic!("{place}: {}", refusal.message));
            assert!(again.duplicate, "{place}");
            assert_eq!(again.base_offset, sent.base_offset, "{place}");
        }
    }

    /// What is compacted has each key once.
    fn check_cleaned(&self) {
        let cleaned_to = self.partition().log().cleaned_to();
        let left = self.left();
        let mut offsets: BTreeMap<&str, i64> = BTreeMap::new();
        for (offset, record) in left.range(..cleaned_to) {
            let before = offsets.insert(&record.key, *offset);
            assert_eq!(before, None, "seed {}: {record:?} at {offset}", self.seed);
        }
    }

    fn run(&mut self) {
        self.start();
        for _ in 0..STEPS {
            self.clock
                .fetch_add(self.random.i64(0..20), Ordering::Relaxed);
            match self.random.u8(..100) {
                0..70 => self.append(),
                70..85 => self.clean(),
                85..92 => {
                    // Somewhere in what comes next.
                    self.files.die_after(self.random.u64(..60));
                    if self.random.u8(..4) > 0 {
                        self.clean();
                    }
                }
                92..96 => {
                    if self.topics().close().is_err() {
                        assert!(self.files.is_dead());
                    }
                    self.die();
                }
                _ => {
                    // A process that dies, and not the machine.
                    self.topics = None;
                    self.start_again();
                }
            }
        }
        self.die();
    }

    fn start_again(&mut self) {
        match self.files.is_dead() {
            true => self.die(),
            false => {
                self.files.live();
                self.start();
            }
        }
    }
}

fn sealed(records: &[Record], seal: &Seal) -> ValidBatch {
    let mut open = BatchBuilder::new(BytesMut::new());
    for record in records {
        let value = record.value.as_deref().map(str::as_bytes);
        open.append(record.time, Some(record.key.as_bytes()), value, &[])
            .unwrap();
    }
    let sealed = open.seal(seal).unwrap();
    ValidBatch {
        bytes: sealed.bytes,
        head: sealed.header,
    }
}

#[test]
fn whoever_reads_a_compacted_log_has_the_last_value_of_each_key() {
    let mut cleanings = 0;
    for seed in 0..HISTORIES {
        let mut history = History::new(seed);
        history.run();
        cleanings += history.cleanings;
    }
    assert!(u64::from(cleanings) > HISTORIES, "{cleanings}");
}

#[test]
fn a_damaged_log_is_left_as_it_is_and_the_others_are_compacted_unless_the_broker_stops() {
    let files = Crashing::new(1);
    let mut config = BrokerConfig::default();
    config.topic.log.compacts = true;
    config.topic.log.segment_bytes = 200;
    let env = Env::new(None, Some(1));
    let store = Store::on(Disk::new(files.clone())).unwrap();
    let topics = Topics::open(store, &config, &env).unwrap();
    let record = |key: &str| Record {
        key: key.to_owned(),
        value: Some("value".to_owned()),
        time: 1000,
    };
    let size = |topic: &str| {
        let names = files.names(format!("/data/{topic}-0").as_ref()).unwrap();
        let logs = names.iter().filter(|name| name.ends_with(".log"));
        let read = |name: &String| files.read(format!("/data/{topic}-0/{name}").as_ref());
        logs.map(|name| read(name).unwrap().len()).sum::<usize>()
    };
    for name in ["bad", "good"] {
        let topic = topics.create(name, 1, BTreeMap::new(), &config, &env);
        let topic = topic.unwrap();
        for n in 0..20 {
            // Of the first batch a part is to be kept.
            let records = match n {
                0 => vec![record("a"), record("b")],
                _ => vec![record("a")],
            };
            let batch = sealed(&records, &Seal::default());
            topic.partitions[0].append(&batch, 1000).unwrap();
        }
    }
    let path = format!("/data/bad-0/{:020}.log", 0);
    let mut bytes = files.read(path.as_ref()).unwrap();
    let value = bytes.windows(5).position(|part| part == b"value");
    bytes[value.unwrap()] ^= 1;
    files.write(path.as_ref(), &bytes, Access::Usual).unwrap();
    let before = [size("bad"), size("good")];
    // A stop ends it.
    let looks = Cell::new(0);
    let stop = || looks.replace(looks.get() + 1) > 5;
    assert!(topics.clean(1000, 1 << 20, &stop).unwrap().is_empty());
    assert_eq!([size("bad"), size("good")], before);
    for _ in 0..2 {
        for doomed in topics.clean(1000, 1 << 20, &|| false).unwrap() {
            doomed.remove().unwrap();
        }
        assert_eq!(size("bad"), before[0]);
        assert!(size("good") < before[1] / 2);
    }
}
