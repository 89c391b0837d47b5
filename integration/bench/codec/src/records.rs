//! Record batches of 16 KiB and 1 MiB, with records of 100 bytes: filled, sealed and read again by
//! this project and by its peers.
//!
//! A task is the same work for all. The peers have no open batch to append to: they write a whole
//! batch from records that they own, which is `encode`. They check the checksum of what they read,
//! and so does this project, as its consumer does by default. All read the same bytes.

use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::records::{Batch, BatchBuilder, Compression, Seal};
use kafka_protocol::records as oracle;
use rskafka::protocol::record as peer;
use rskafka::protocol::traits::{ReadType, WriteType};

/// Name and bytes of the sizes that a batch is filled to, before compression.
pub const SIZES: [(&str, usize); 2] = [("16KiB", 16 << 10), ("1MiB", 1 << 20)];

/// Bytes of a record's value. It has no key and no headers.
const VALUE_LEN: usize = 100;
/// More than any batch here decompresses to.
const CAP: usize = 2 << 20;
const BASE_TIMESTAMP: i64 = 1_517_363_399_650;

/// One implementation doing one thing to one batch.
pub struct Case {
    /// What is done.
    pub task: &'static str,
    /// Who does it.
    pub who: &'static str,
    /// How the batch is compressed.
    pub codec: Compression,
    /// Name of the size of the batch.
    pub size: &'static str,
    /// Records in the batch.
    pub records: usize,
    /// Does it so many times and gives the time that took.
    pub run: Box<dyn FnMut(u64) -> Duration>,
}

/// All cases, those of one task together.
///
/// # Panics
///
/// When one implementation does not read what another wrote.
#[must_use]
pub fn cases() -> Vec<Case> {
    let batches: Vec<Rc<Records>> = SIZES
        .iter()
        .map(|(name, size)| Rc::new(Records::filling(name, *size)))
        .collect();
    let mut cases = Vec::new();
    for records in &batches {
        cases.push(append(records));
    }
    let each = || {
        let with_codecs = |records| Compression::ALL.map(|codec| (records, codec));
        batches.iter().flat_map(with_codecs)
    };
    for (records, codec) in each() {
        cases.push(seal(records, codec));
    }
    for (records, codec) in each() {
        cases.extend(encode(records, codec));
    }
    for (records, codec) in each() {
        cases.extend(iterate(records, codec));
    }
    cases
}

/// A record as the wire knows it, without key and headers.
#[derive(Debug, PartialEq, Eq)]
struct Plain {
    offset: i64,
    timestamp: i64,
    value: Vec<u8>,
}

/// The content of a batch.
struct Records {
    size_name: &'static str,
    size: usize,
    plain: Vec<Plain>,
}

impl Records {
    /// As many records as a batch of `size` bytes holds, ten of them in a millisecond.
    fn filling(size_name: &'static str, size: usize) -> Self {
        let mut open = BatchBuilder::new(BytesMut::with_capacity(size));
        let mut plain = Vec::new();
        for (value, offset) in values().zip(0..) {
            let timestamp = BASE_TIMESTAMP + offset / 10;
            if open.len() + open.record_size(timestamp, None, Some(&value), &[]) > size {
                break;
            }
            open.append(timestamp, None, Some(&value), &[]).unwrap();
            plain.push(Plain {
                offset,
                timestamp,
                value,
            });
        }
        Self {
            size_name,
            size,
            plain,
        }
    }

    fn buffer(&self) -> BytesMut {
        BytesMut::with_capacity(self.size)
    }

    /// A batch in `buffer` with all of the records.
    #[inline]
    fn append_to(&self, buffer: BytesMut) -> BatchBuilder {
        let mut open = BatchBuilder::new(buffer);
        for record in &self.plain {
            open.append(record.timestamp, None, Some(&record.value), &[])
                .unwrap();
        }
        open
    }

    fn case(
        &self,
        task: &'static str,
        who: &'static str,
        codec: Compression,
        run: impl FnMut(u64) -> Duration + 'static,
    ) -> Case {
        Case {
            task,
            who,
            codec,
            size: self.size_name,
            records: self.plain.len(),
            run: Box::new(run),
        }
    }
}

/// Real values, so that they compress as such: a week of earthquakes, in JSON, cut into pieces. The
/// file is shorter than a large batch. Each time it starts over, its digits are others, or zstd
/// would find it all again.
fn values() -> impl Iterator<Item = Vec<u8>> {
    let events = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../examples/data/earthquakes.ndjson"
    ));
    (0..10).flat_map(|lap| {
        events.chunks_exact(VALUE_LEN).map(move |piece| {
            let moved = |byte: &u8| match byte {
                b'0'..=b'9' => b'0' + (byte - b'0' + lap) % 10,
                other => *other,
            };
            piece.iter().map(moved).collect()
        })
    })
}

/// Every record into an open batch.
fn append(records: &Rc<Records>) -> Case {
    let mut buffer = records.buffer();
    let content = Rc::clone(records);
    let run = timed(move || {
        let open = content.append_to(std::mem::take(&mut buffer));
        buffer = black_box(open).into_buffer();
    });
    records.case("append", "kafka-client", Compression::None, run)
}

/// Compression, header and checksum; the records are in the batch already.
fn seal(records: &Rc<Records>, codec: Compression) -> Case {
    let mut buffer = records.buffer();
    let content = Rc::clone(records);
    let seal = sealed_with(codec);
    let run = move |times| {
        let mut taken = Duration::ZERO;
        for _ in 0..times {
            let open = content.append_to(std::mem::take(&mut buffer));
            let start = Instant::now();
            let sealed = black_box(open.seal(&seal).unwrap());
            taken += start.elapsed();
            buffer = reclaimed(sealed.bytes, sealed.spare);
        }
        taken
    };
    records.case("seal", "kafka-client", codec, run)
}

/// A whole batch from its records. Buffers are used again by all.
fn encode(records: &Rc<Records>, codec: Compression) -> [Case; 3] {
    let mut buffer = records.buffer();
    let content = Rc::clone(records);
    let seal = sealed_with(codec);
    let ours = timed(move || {
        let open = content.append_to(std::mem::take(&mut buffer));
        let sealed = black_box(open.seal(&seal).unwrap());
        buffer = reclaimed(sealed.bytes, sealed.spare);
    });

    let mut buffer = records.buffer();
    let content = kafka_protocol_records(records);
    let oracle = timed(move || {
        buffer.clear();
        write_kafka_protocol(&content, codec, &mut buffer);
        black_box(&buffer);
    });

    let mut buffer = Vec::with_capacity(records.size);
    let content = rskafka_batch(records, codec);
    let peer = timed(move || {
        buffer.clear();
        content.write(&mut buffer).unwrap();
        black_box(&buffer);
    });

    [
        records.case("encode", "kafka-client", codec, ours),
        records.case("encode", "kafka-protocol", codec, oracle),
        records.case("encode", "rskafka", codec, peer),
    ]
}

/// Every record of a batch, decompressed where it has to be.
fn iterate(records: &Rc<Records>, codec: Compression) -> Vec<Case> {
    let bytes = checked(records, codec);
    let mut cases = Vec::new();
    let mut add = |who, run: Box<dyn FnMut(u64) -> Duration>| {
        cases.push(records.case("iterate", who, codec, run));
    };

    let batch = bytes.clone();
    let ours = timed(move || {
        let batch = Batch::new(batch.clone()).unwrap();
        batch.verify_crc().unwrap();
        see_all(&batch);
    });
    add("kafka-client", Box::new(ours));
    // What is not the same work, where compression does not drown it.
    if codec == Compression::None {
        let batch = bytes.clone();
        let unchecked = timed(move || see_all(&Batch::new(batch.clone()).unwrap()));
        add("kafka-client, no CRC", Box::new(unchecked));

        let batch = bytes.clone();
        let owned = timed(move || {
            let batch = Batch::new(batch.clone()).unwrap();
            batch.verify_crc().unwrap();
            let mut cursor = batch.records(CAP).unwrap();
            while let Some(record) = cursor.next_record() {
                let record = record.unwrap();
                let (key, value) = (record.key_bytes(), record.value_bytes());
                black_box((record.offset, record.timestamp, key, value));
            }
        });
        add("kafka-client, owned", Box::new(owned));
    }

    let batch = bytes.clone();
    let oracle = timed(move || {
        let set = oracle::RecordBatchDecoder::decode(&mut batch.clone()).unwrap();
        for record in &set.records {
            black_box(record);
        }
    });
    add("kafka-protocol", Box::new(oracle));

    let peer = timed(move || {
        let batch = peer::RecordBatch::read(&mut &bytes[..]).unwrap();
        for record in rskafka_records(&batch) {
            black_box(record);
        }
    });
    add("rskafka", Box::new(peer));
    cases
}

fn timed(mut work: impl FnMut()) -> impl FnMut(u64) -> Duration {
    move |times| {
        let start = Instant::now();
        for _ in 0..times {
            work();
        }
        start.elapsed()
    }
}

fn see_all(batch: &Batch) {
    let mut cursor = batch.records(CAP).unwrap();
    while let Some(record) = cursor.next_record() {
        // Seen where it is: the peers' records are not moved either.
        black_box(record.as_ref().unwrap());
    }
}

fn sealed_with(codec: Compression) -> Seal {
    Seal {
        compression: codec.into(),
        ..Seal::default()
    }
}

/// The builder's buffer, as the producer gets it back when a batch is settled.
fn reclaimed(bytes: Bytes, spare: Option<BytesMut>) -> BytesMut {
    spare.unwrap_or_else(|| bytes.try_into_mut().unwrap())
}

fn kafka_protocol_records(records: &Records) -> Vec<oracle::Record> {
    let record = |record: &Plain| oracle::Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: oracle::NO_PARTITION_LEADER_EPOCH,
        producer_id: oracle::NO_PRODUCER_ID,
        producer_epoch: oracle::NO_PRODUCER_EPOCH,
        timestamp_type: oracle::TimestampType::Creation,
        offset: record.offset,
        // It makes one batch of records whose sequences follow each other like their offsets.
        sequence: oracle::NO_SEQUENCE + record.offset as i32,
        timestamp: record.timestamp,
        key: None,
        value: Some(record.value.clone().into()),
        headers: Default::default(),
    };
    records.plain.iter().map(record).collect()
}

fn write_kafka_protocol(records: &[oracle::Record], codec: Compression, out: &mut BytesMut) {
    let compression = match codec {
        Compression::None => oracle::Compression::None,
        Compression::Gzip => oracle::Compression::Gzip,
        Compression::Snappy => oracle::Compression::Snappy,
        Compression::Lz4 => oracle::Compression::Lz4,
        Compression::Zstd => oracle::Compression::Zstd,
    };
    let options = oracle::RecordEncodeOptions {
        version: 2,
        compression,
    };
    oracle::RecordBatchEncoder::encode(out, records, &options).unwrap();
}

fn rskafka_batch(records: &Records, codec: Compression) -> peer::RecordBatch {
    let record = |record: &Plain| peer::Record {
        timestamp_delta: record.timestamp - BASE_TIMESTAMP,
        offset_delta: record.offset as i32,
        key: None,
        value: Some(record.value.clone()),
        headers: Vec::new(),
    };
    peer::RecordBatch {
        base_offset: 0,
        partition_leader_epoch: -1,
        last_offset_delta: records.plain.len() as i32 - 1,
        first_timestamp: BASE_TIMESTAMP,
        max_timestamp: records.plain.last().map_or(-1, |record| record.timestamp),
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        records: peer::ControlBatchOrRecords::Records(records.plain.iter().map(record).collect()),
        compression: match codec {
            Compression::None => peer::RecordBatchCompression::NoCompression,
            Compression::Gzip => peer::RecordBatchCompression::Gzip,
            Compression::Snappy => peer::RecordBatchCompression::Snappy,
            Compression::Lz4 => peer::RecordBatchCompression::Lz4,
            Compression::Zstd => peer::RecordBatchCompression::Zstd,
        },
        is_transactional: false,
        timestamp_type: peer::RecordBatchTimestampType::CreateTime,
    }
}

fn rskafka_records(batch: &peer::RecordBatch) -> &[peer::Record] {
    match &batch.records {
        peer::ControlBatchOrRecords::Records(records) => records,
        peer::ControlBatchOrRecords::ControlBatch(_) => &[],
    }
}

/// The batch as this project writes it, after everyone has read what everyone wrote.
fn checked(records: &Records, codec: Compression) -> Bytes {
    let open = records.append_to(records.buffer());
    let ours = open.seal(&sealed_with(codec)).unwrap().bytes;
    let mut oracle = BytesMut::new();
    write_kafka_protocol(&kafka_protocol_records(records), codec, &mut oracle);
    let mut peer = Vec::new();
    rskafka_batch(records, codec).write(&mut peer).unwrap();

    for (writer, bytes) in [
        ("kafka-client", ours.clone()),
        ("kafka-protocol", oracle.freeze()),
        ("rskafka", peer.into()),
    ] {
        for (reader, read) in [
            ("kafka-client", read_ours(&bytes)),
            ("kafka-protocol", read_kafka_protocol(&bytes)),
            ("rskafka", read_rskafka(&bytes)),
        ] {
            // Not `assert_eq`: nobody wants to see a mebibyte of records.
            assert!(
                read == records.plain,
                "{reader} reads other {codec} records than {writer} wrote"
            );
        }
    }
    ours
}

fn read_ours(bytes: &Bytes) -> Vec<Plain> {
    let batch = Batch::new(bytes.clone()).unwrap();
    batch.verify_crc().unwrap();
    let cursor = batch.records(CAP).unwrap();
    let plain = cursor.iter().map(|record| {
        let record = record.unwrap();
        assert!(record.key.is_none() && record.headers.is_empty());
        Plain {
            offset: record.offset,
            timestamp: record.timestamp,
            value: record.value.unwrap().to_vec(),
        }
    });
    plain.collect()
}

fn read_kafka_protocol(bytes: &Bytes) -> Vec<Plain> {
    let set = oracle::RecordBatchDecoder::decode(&mut bytes.clone()).unwrap();
    let plain = set.records.into_iter().map(|record| {
        assert!(record.key.is_none() && record.headers.is_empty());
        Plain {
            offset: record.offset,
            timestamp: record.timestamp,
            value: record.value.unwrap().to_vec(),
        }
    });
    plain.collect()
}

fn read_rskafka(bytes: &Bytes) -> Vec<Plain> {
    let batch = peer::RecordBatch::read(&mut &bytes[..]).unwrap();
    let plain = rskafka_records(&batch).iter().map(|record| {
        assert!(record.key.is_none() && record.headers.is_empty());
        Plain {
            offset: batch.base_offset + i64::from(record.offset_delta),
            timestamp: batch.first_timestamp + record.timestamp_delta,
            value: record.value.clone().unwrap(),
        }
    });
    plain.collect()
}
