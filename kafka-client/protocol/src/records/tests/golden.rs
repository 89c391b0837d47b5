//! Batches as Apache Kafka 4.3.1 writes them, byte for byte.
//!
//! They were printed by a Java program that called `MemoryRecordsBuilder` (and, for the marker,
//! `MemoryRecords.withEndTransactionMarker`) of `kafka-clients` 4.3.1 with fixed timestamps, each codec
//! at its default level, on OpenJDK 17.

use bytes::Bytes;

use super::*;

/// The records of the transactional batch and of the one with append times.
fn basic_records() -> Vec<TestRecord> {
    vec![
        TestRecord {
            timestamp: 1_700_000_000_000,
            key: Some(b"key".to_vec()),
            value: Some(b"value".to_vec()),
            headers: vec![
                ("h1".to_owned(), Some(b"x".to_vec())),
                ("h2".to_owned(), None),
                (String::new(), Some(Vec::new())),
            ],
        },
        TestRecord {
            timestamp: 1_700_000_000_123,
            key: None,
            value: Some(Vec::new()),
            headers: Vec::new(),
        },
        TestRecord {
            timestamp: 1_699_999_999_000,
            key: Some(Vec::new()),
            value: None,
            headers: Vec::new(),
        },
    ]
}

/// The records of the other data batches.
fn five_records() -> Vec<TestRecord> {
    let mut records = basic_records();
    for i in 0..2 {
        let text = "a value that repeats itself";
        records.push(TestRecord {
            timestamp: 1_700_000_000_200 + i,
            key: Some(format!("k{i}").into_bytes()),
            value: Some(format!("{text}, number {i}, {text}").into_bytes()),
            headers: Vec::new(),
        });
    }
    records
}

#[test]
fn reads_what_java_writes_with_every_codec() {
    let files = [PLAIN, GZIP, SNAPPY, LZ4, ZSTD];
    for (hex, codec) in files.into_iter().zip(Compression::ALL) {
        let batch = java(hex);
        batch.verify_crc().unwrap();
        assert_eq!(
            batch.header().attributes,
            Attributes::default().with_compression(codec)
        );
        assert_eq!(batch.header().last_offset(), 4);
        assert_eq!(read(&batch).unwrap(), five_records(), "{codec}");
    }
}

#[test]
fn writes_the_bytes_that_java_writes() {
    let ours = seal(&five_records(), &Seal::default());
    assert_eq!(ours, unhex(PLAIN));

    let ours = seal(
        &basic_records(),
        &Seal {
            producer_id: 4711,
            producer_epoch: 3,
            base_sequence: i32::MAX - 1,
            transactional: true,
            ..Seal::default()
        },
    );
    assert_eq!(ours, unhex(TRANSACTIONAL));
}

#[test]
fn frames_snappy_and_lz4_as_java_does() {
    for (hex, codec, frame_header_len) in [
        (SNAPPY, Compression::Snappy, 16),
        (LZ4, Compression::Lz4, 7),
    ] {
        let ours = seal(
            &five_records(),
            &Seal {
                compression: codec.into(),
                ..Seal::default()
            },
        );
        let theirs = unhex(hex);
        let frame_header = BatchHeader::LEN..BatchHeader::LEN + frame_header_len;
        assert_eq!(ours[frame_header.clone()], theirs[frame_header], "{codec}");
    }
}

#[test]
fn reads_the_header_of_a_transactional_batch() {
    let batch = java(TRANSACTIONAL);
    batch.verify_crc().unwrap();
    let header = batch.header();
    assert!(header.attributes.is_transactional());
    assert!(!header.attributes.is_control());
    assert_eq!((header.producer_id, header.producer_epoch), (4711, 3));
    assert_eq!(header.base_sequence, i32::MAX - 1);
    assert_eq!(header.last_sequence(), 0);
    assert_eq!(header.max_timestamp, 1_700_000_000_123);
    assert_eq!(read(&batch).unwrap(), basic_records());
}

#[test]
fn gives_all_records_the_append_time() {
    let batch = java(LOG_APPEND_TIME);
    batch.verify_crc().unwrap();
    assert_eq!(
        batch.header().attributes.timestamp_type(),
        TimestampType::LogAppendTime
    );
    let timestamps: Vec<i64> = read(&batch)
        .unwrap()
        .into_iter()
        .map(|record| record.timestamp)
        .collect();
    assert_eq!(timestamps, [1_700_000_009_999; 3]);

    let mut patched = seal(&basic_records(), &Seal::default());
    patch_log_append_time(&mut patched, 1_700_000_009_999).unwrap();
    assert_eq!(patched, unhex(LOG_APPEND_TIME));
}

#[test]
fn reads_and_writes_a_commit_marker() {
    let batch = java(COMMIT_MARKER);
    batch.verify_crc().unwrap();
    assert!(batch.header().attributes.is_control());
    assert_eq!(batch.header().base_offset, 42);
    assert_eq!(batch.header().partition_leader_epoch, 7);
    let marker = read(&batch).unwrap();
    // Version 0, type 1; version 0, coordinator epoch 9.
    assert_eq!(marker[0].key.as_deref(), Some(&[0, 0, 0, 1][..]));
    assert_eq!(marker[0].value.as_deref(), Some(&[0, 0, 0, 0, 0, 9][..]));

    let ours = seal(
        &marker,
        &Seal {
            base_offset: 42,
            partition_leader_epoch: 7,
            producer_id: 4711,
            producer_epoch: 3,
            transactional: true,
            control: true,
            ..Seal::default()
        },
    );
    assert_eq!(ours, unhex(COMMIT_MARKER));
}

fn java(hex: &str) -> Batch {
    Batch::new(Bytes::from(unhex(hex))).unwrap()
}

const PLAIN: &str = "\
    0000000000000000000000f7ffffffff025000be8b0000000000040000018bcfe568000000018bcfe568c9ff\
    ffffffffffffffffffffffffff0000000532000000066b65790a76616c75650604683102780468320100000e\
    00f601020100000e00cf0f04000100980100900306046b308401612076616c75652074686174207265706561\
    747320697473656c662c206e756d62657220302c20612076616c756520746861742072657065617473206974\
    73656c6600980100920308046b318401612076616c75652074686174207265706561747320697473656c662c\
    206e756d62657220312c20612076616c75652074686174207265706561747320697473656c6600";

const GZIP: &str = "\
    0000000000000000000000abffffffff0242626e820001000000040000018bcfe568000000018bcfe568c9ff\
    ffffffffffffffffffffffffff000000051f8b08000000000000ff3362606060cb4eade42a4bcc294d6563c9\
    3064aa60c930626460e063f8c6c804a6cff3b3303032cc606498c0ccc6926dd0c298a80056ad50929158a250\
    945a909a5852ac9059529c9a93a6a390579a9b945aa460a0a3804719c8b449cc1c2cd986c4996688df3400d5\
    1927dec6000000";

const SNAPPY: &str = "\
    0000000000000000000000b4ffffffff026f7201480002000000040000018bcfe568000000018bcfe568c9ff\
    ffffffffffffffffffffffffff0000000582534e415050590000000001000000010000006fc6017832000000\
    066b65790a76616c75650604683102780468320100000e00f60102050848cf0f04000100980100900306046b\
    3084016120052e7c2074686174207265706561747320697473656c662c206e756d62657220302c206a270001\
    4e14920308046b31964e000031764e00";

const LZ4: &str = "\
    0000000000000000000000b7ffffffff02dca113340003000000040000018bcfe568000000018bcfe568c9ff\
    ffffffffffffffffffffffffff0000000504224d1860408277000000f11032000000066b65790a76616c7565\
    0604683102780468320100000e00f601020800f104cf0f04000100980100900306046b30840161202e00ff11\
    2074686174207265706561747320697473656c662c206e756d62657220302c20270008004e006f920308046b\
    314e00131f314e00065073656c660000000000";

const ZSTD: &str = "\
    0000000000000000000000abffffffff0280942df00004000000040000018bcfe568000000018bcfe568c9ff\
    ffffffffffffffffffffffffff0000000528b52ffd0058740300d40532000000066b65790a76616c75650604\
    683102780468320100000e00f60102cf0f04000100980100900306046b308401612020746861742072657065\
    61747320697473656c662c206e756d62657220302c2000980100920308046b31310500208a517810940a6f54\
    12de55f2010000";

const TRANSACTIONAL: &str = "\
    00000000000000000000005bffffffff024a5526c30010000000020000018bcfe568000000018bcfe5687b00\
    0000000000126700037ffffffe0000000332000000066b65790a76616c75650604683102780468320100000e\
    00f601020100000e00cf0f04000100";

const LOG_APPEND_TIME: &str = "\
    00000000000000000000005bffffffff020fa7bd0a0008000000020000018bcfe568000000018bcfe58f0fff\
    ffffffffffffffffffffffffff0000000332000000066b65790a76616c75650604683102780468320100000e\
    00f601020100000e00cf0f04000100";

const COMMIT_MARKER: &str = "\
    000000000000002a000000420000000702a8da87310030000000000000018bcfe568000000018bcfe5680000\
    000000000012670003ffffffff000000012000000008000000010c00000000000900";
