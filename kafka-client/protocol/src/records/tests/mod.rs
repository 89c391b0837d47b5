//! Tests of writer and reader together.

mod bombs;
mod control;
mod golden;
mod hostile;
mod legacy;
mod round_trip;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;

/// Enough for every batch here.
const CAP: usize = 64 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
struct TestRecord {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl TestRecord {
    fn headers(&self) -> Vec<Header<'_>> {
        self.headers
            .iter()
            .map(|(key, value)| Header {
                key,
                value: value.as_deref(),
            })
            .collect()
    }

    fn append_to(&self, batch: &mut BatchBuilder) -> u32 {
        batch
            .append(
                self.timestamp,
                self.key.as_deref(),
                self.value.as_deref(),
                &self.headers(),
            )
            .unwrap()
    }
}

impl From<RecordView<'_>> for TestRecord {
    fn from(record: RecordView<'_>) -> Self {
        Self {
            timestamp: record.timestamp,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record
                .headers
                .iter()
                .map(|header| header.unwrap())
                .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
                .collect(),
        }
    }
}

fn open(records: &[TestRecord]) -> BatchBuilder {
    let mut batch = BatchBuilder::new(BytesMut::new());
    for record in records {
        record.append_to(&mut batch);
    }
    batch
}

fn seal(records: &[TestRecord], how: &Seal) -> Vec<u8> {
    open(records).seal(how).unwrap().bytes.to_vec()
}

fn read(batch: &Batch) -> Result<Vec<TestRecord>, RecordError> {
    let mut records = Vec::new();
    let mut cursor = batch.records(CAP)?;
    while let Some(record) = cursor.next_record() {
        records.push(record?.into());
    }
    Ok(records)
}

/// Reads everything there is in `bytes`, headers too, and only counts: for data of which nothing is
/// known but that it must not panic.
fn exhaust(bytes: Bytes) -> Result<usize, RecordError> {
    let mut count = 0;
    for batch in Batches::new(bytes) {
        let batch = batch?;
        let mut cursor = batch.records(CAP)?;
        while let Some(record) = cursor.next_record() {
            let record = record?;
            let _ = (record.key_bytes(), record.value_bytes());
            for header in record.headers {
                header?;
            }
            count += 1;
        }
    }
    Ok(count)
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .map(|digit| digit.to_digit(16).expect("hex digit") as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// A CRC that fits the rest of the batch, so that damage gets past it.
fn fix_crc(batch: &mut [u8]) {
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
}

fn any_bytes() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop::option::of(prop_oneof![
        20 => prop::collection::vec(any::<u8>(), 0..40),
        2 => (any::<u8>(), 0..20_000_usize).prop_map(|(byte, len)| vec![byte; len]),
        1 => prop::collection::vec(any::<u8>(), 100..3_000),
    ])
}

fn any_record() -> impl Strategy<Value = TestRecord> {
    let timestamp = prop_oneof![
        Just(-1_i64),
        1_700_000_000_000..1_700_000_100_000_i64,
        0..=i64::MAX,
    ];
    let headers = prop::collection::vec((".{0,8}", any_bytes()), 0..4);
    (timestamp, any_bytes(), any_bytes(), headers).prop_map(|(timestamp, key, value, headers)| {
        TestRecord {
            timestamp,
            key,
            value,
            headers,
        }
    })
}

fn any_records() -> impl Strategy<Value = Vec<TestRecord>> {
    prop::collection::vec(any_record(), 1..40)
}

fn any_compression() -> impl Strategy<Value = CompressionConfig> {
    let with_level = |codec, level| CompressionConfig::new(codec).with_level(level).unwrap();
    prop_oneof![
        prop::sample::select(&Compression::ALL[..]).prop_map(CompressionConfig::new),
        (1..=9).prop_map(move |level| with_level(Compression::Gzip, level)),
        (1..=17).prop_map(move |level| with_level(Compression::Lz4, level)),
        (-7..=12).prop_map(move |level| with_level(Compression::Zstd, level)),
    ]
}
