//! Bytes that are damaged, cut off or made to hurt.

use super::*;

fn sample(codec: Compression) -> Vec<u8> {
    let records: Vec<TestRecord> = (0..5_u8)
        .map(|i| TestRecord {
            timestamp: 1_700_000_000_000 + i64::from(i),
            key: (i % 2 == 0).then(|| vec![i; 3]),
            value: (i != 3).then(|| vec![b'a' + i; 20]),
            headers: vec![
                ("name".to_owned(), Some(vec![i])),
                ("null".to_owned(), None),
            ],
        })
        .collect();
    seal(
        &records,
        &Seal {
            compression: codec.into(),
            ..Seal::default()
        },
    )
}

#[test]
fn a_cut_anywhere_ends_quietly_and_shows() {
    for codec in Compression::ALL {
        let one = sample(codec);
        let two = Bytes::from([&one[..], &one[..]].concat());
        for end in 0..=two.len() {
            let mut batches = Batches::new(two.slice(..end));
            let mut count = 0;
            for batch in batches.by_ref() {
                assert_eq!(read(&batch.unwrap()).unwrap().len(), 5, "cut at {end}");
                count += 1;
            }
            assert_eq!(count, end / one.len(), "cut at {end}");
            assert_eq!(
                batches.truncated_tail(),
                end % one.len() != 0,
                "cut at {end}"
            );
            assert_eq!(batches.rest().len(), end % one.len());
            assert!(batches.next().is_none());
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_content_fails_the_checksum() {
    let good = sample(Compression::None);
    for position in 17..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[position] ^= 1 << bit;
            let batch = Batch::new(Bytes::from(bad)).unwrap();
            let error = batch.verify_crc().unwrap_err();
            assert!(matches!(error, RecordError::CrcMismatch { .. }));
        }
    }
}

#[test]
fn a_flipped_bit_with_a_matching_checksum_never_panics() {
    for codec in Compression::ALL {
        let good = sample(codec);
        for position in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[position] ^= 1 << bit;
                fix_crc(&mut bad);
                let _ = exhaust(Bytes::from(bad));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        let _ = exhaust(Bytes::from(bytes));
    }

    #[test]
    fn random_records_never_panic(
        codec in 0..8_i16,
        count: i32,
        last_offset_delta: i32,
        base_offset: i64,
        base_timestamp: i64,
        small in any::<bool>(),
        payload: Vec<u8>,
    ) {
        let header = BatchHeader {
            base_offset,
            batch_length: (BatchHeader::LEN - 12 + payload.len()) as i32,
            attributes: Attributes(codec),
            base_timestamp,
            last_offset_delta,
            record_count: if small { count & 0xf } else { count },
            ..*Batch::new(Bytes::from(sample(Compression::None))).unwrap().header()
        };
        let bytes = [&header.encode()[..], &payload].concat();
        let _ = exhaust(Bytes::from(bytes.clone()));
        let _ = split(&Bytes::from(bytes), 100, CAP);
    }

    #[test]
    fn damaged_compressed_data_never_panics(
        codec in prop::sample::select(&Compression::ALL[1..]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = sample(codec);
        for (position, byte) in damage {
            let position = BatchHeader::LEN + position.index(bytes.len() - BatchHeader::LEN);
            bytes[position] = byte;
        }
        let _ = exhaust(Bytes::from(bytes));
    }
}

/// A batch with this payload, said to hold `record_count` records.
fn batch(record_count: i32, payload: &[u8]) -> Batch {
    let header = BatchHeader {
        batch_length: (BatchHeader::LEN - 12 + payload.len()) as i32,
        last_offset_delta: 9,
        record_count,
        ..*Batch::new(Bytes::from(sample(Compression::None)))
            .unwrap()
            .header()
    };
    Batch::new(Bytes::from([&header.encode()[..], payload].concat())).unwrap()
}

/// The error of the first record that has one, or of a header of it.
fn error(record_count: i32, payload: &[u8]) -> RecordError {
    exhaust(batch(record_count, payload).into_bytes()).unwrap_err()
}

#[test]
fn every_fault_has_its_error() {
    use RecordError::*;

    let good: &[u8] = &[12, 0, 0, 0, 1, 1, 0];
    assert_eq!(exhaust(batch(1, good).into_bytes()), Ok(1));
    let twice = [good, good].concat();
    assert_eq!(exhaust(batch(2, &twice).into_bytes()), Ok(2));

    // Counts: too few bytes for the records, and bytes after the last one.
    assert_eq!(
        error(2, good),
        CountMismatch {
            declared: 2,
            bytes: 7
        }
    );
    assert_eq!(
        error(1, &twice),
        CountMismatch {
            declared: 1,
            bytes: 14
        }
    );
    assert_eq!(
        error(0, good),
        CountMismatch {
            declared: 0,
            bytes: 7
        }
    );
    let long_first = [&[26, 0, 0, 0, 1, 14][..], &[0; 7], &[0]].concat();
    assert_eq!(
        error(2, &long_first),
        CountMismatch {
            declared: 2,
            bytes: 14
        }
    );

    let cases: [(&[u8], RecordError); 18] = [
        (&[0x80; 7], BadVarint { index: 0 }),
        (
            &[11, 0, 0, 0, 1, 1, 0],
            BadLength {
                index: 0,
                field: "record",
            },
        ),
        (
            &[14, 0, 0, 0, 1, 1, 0],
            BadLength {
                index: 0,
                field: "record",
            },
        ),
        (
            &[0, 0, 0, 0, 1, 1, 0],
            BadLength {
                index: 0,
                field: "record",
            },
        ),
        (
            &[14, 0, 0, 0, 1, 1, 0, 0],
            BadLength {
                index: 0,
                field: "record",
            },
        ),
        (&[2, 0, 0, 0, 1, 1, 0], BadVarint { index: 0 }),
        (&[4, 0, 0, 0, 1, 1, 0], BadVarint { index: 0 }),
        (
            &[12, 0, 0, 1, 1, 1, 0],
            BadOffsetDelta {
                index: 0,
                delta: -1,
                last: 9,
            },
        ),
        (
            &[12, 0, 0, 20, 1, 1, 0],
            BadOffsetDelta {
                index: 0,
                delta: 10,
                last: 9,
            },
        ),
        (
            &[12, 0, 0, 0, 3, 1, 0],
            BadLength {
                index: 0,
                field: "key",
            },
        ),
        (
            &[12, 0, 0, 0, 8, 1, 0],
            BadLength {
                index: 0,
                field: "key",
            },
        ),
        (
            &[12, 0, 0, 0, 1, 3, 0],
            BadLength {
                index: 0,
                field: "value",
            },
        ),
        (
            &[12, 0, 0, 0, 1, 4, 0],
            BadLength {
                index: 0,
                field: "value",
            },
        ),
        (
            &[12, 0, 0, 0, 1, 1, 1],
            BadLength {
                index: 0,
                field: "headers",
            },
        ),
        (
            &[14, 0, 0, 0, 1, 1, 2, 0],
            BadLength {
                index: 0,
                field: "headers",
            },
        ),
        (
            &[16, 0, 0, 0, 1, 1, 2, 1, 0],
            BadLength {
                index: 0,
                field: "header key",
            },
        ),
        (
            &[16, 0, 0, 0, 1, 1, 2, 0, 2],
            BadLength {
                index: 0,
                field: "header value",
            },
        ),
        (
            &[18, 0, 0, 0, 1, 1, 2, 0, 0, 0],
            BadLength {
                index: 0,
                field: "headers",
            },
        ),
    ];
    for (payload, expected) in cases {
        assert_eq!(error(1, payload), expected, "{payload:?}");
        // The same as the second record, which is number 1.
        let second = [good, payload].concat();
        let text = error(2, &second).to_string();
        assert_eq!(
            text,
            expected.to_string().replace("record 0", "record 1"),
            "{payload:?}"
        );
    }
    let not_utf8: &[u8] = &[18, 0, 0, 0, 1, 1, 2, 2, 0xff, 1];
    assert_eq!(error(1, not_utf8), HeaderKeyNotUtf8 { index: 0 });
}

#[test]
fn an_error_ends_the_reading() {
    let batch = batch(2, &[12, 0, 0, 20, 1, 1, 0, 12, 0, 0, 0, 1, 1, 0]);
    let mut cursor = batch.records(CAP).unwrap();
    assert!(cursor.next_record().unwrap().is_err());
    assert!(cursor.next_record().is_none());
    assert_eq!(cursor.remaining(), 0);
    // Skipping leaves the report to the next read.
    let mut cursor = batch.records(CAP).unwrap();
    cursor.skip_to(5);
    assert_eq!(cursor.remaining(), 2);
    assert!(cursor.next_record().unwrap().is_err());
}

#[test]
fn a_count_cannot_make_a_reader_allocate() {
    let batch = batch(i32::MAX, &[0; 1000]);
    let error = batch
        .records(CAP)
        .map(|cursor| cursor.remaining())
        .unwrap_err();
    assert_eq!(
        error,
        RecordError::CountMismatch {
            declared: i32::MAX,
            bytes: 1000
        }
    );
    // Two bytes per header at least.
    let payload = [&[0x7e, 0, 0, 0, 1, 1][..], &[0x3c], &[0; 57]].concat();
    let batch = self::batch(1, &payload);
    let cursor = batch.records(CAP).unwrap();
    let error = cursor.iter().next().unwrap().unwrap_err();
    assert_eq!(
        error,
        RecordError::BadLength {
            index: 0,
            field: "headers"
        }
    );
}

#[test]
fn impossible_headers_are_refused() {
    let good = sample(Compression::None);
    let parse = |change: fn(&mut BatchHeader)| {
        let mut header = BatchHeader::parse(&good).unwrap();
        change(&mut header);
        let mut bytes = good.clone();
        header.write(&mut bytes).unwrap();
        exhaust(Bytes::from(bytes))
    };
    assert_eq!(parse(|_| ()), Ok(5));
    assert_eq!(
        parse(|header| header.magic = 3).unwrap_err(),
        RecordError::BadMagic { magic: 3 }
    );
    for batch_length in [i32::MIN, -1, 0, 48] {
        let mut bytes = good.clone();
        bytes[8..12].copy_from_slice(&batch_length.to_be_bytes());
        assert_eq!(
            exhaust(Bytes::from(bytes)).unwrap_err(),
            RecordError::BadBatchLength { batch_length }
        );
    }
    assert_eq!(
        parse(|header| header.record_count = -1).unwrap_err(),
        RecordError::BadHeaderField {
            field: "record count",
            value: -1
        }
    );
    assert_eq!(
        parse(|header| header.last_offset_delta = -1).unwrap_err(),
        RecordError::BadHeaderField {
            field: "last offset delta",
            value: -1
        }
    );
    assert_eq!(
        parse(|header| header.base_offset = -1).unwrap_err(),
        RecordError::BadHeaderField {
            field: "base offset",
            value: -1
        }
    );
    assert_eq!(
        parse(|header| header.base_offset = i64::MAX - 3).unwrap_err(),
        RecordError::BadHeaderField {
            field: "base offset",
            value: i64::MAX - 3
        }
    );
    // The last offset would be the last there is, and no reader could go on after it.
    assert_eq!(
        parse(|header| header.base_offset = i64::MAX - 4).unwrap_err(),
        RecordError::BadHeaderField {
            field: "base offset",
            value: i64::MAX - 4
        }
    );
    assert_eq!(parse(|header| header.base_offset = i64::MAX - 5), Ok(5));
    assert_eq!(
        parse(|header| header.attributes = Attributes(5)).unwrap_err(),
        RecordError::UnknownCodec { id: 5 }
    );
}

#[test]
fn an_old_message_is_named_where_a_batch_must_be() {
    // Offset, size 14, CRC, magic 0, attributes, null key and value: the smallest message of v0.
    let mut message = [0; 26];
    message[11] = 14;
    let error = Batch::new(Bytes::copy_from_slice(&message)).unwrap_err();
    assert_eq!(error, RecordError::UnsupportedMagic { magic: 0 });
    assert!(error.to_string().contains("message format v0"));
}

#[test]
fn an_error_ends_the_batches() {
    let mut bytes = [sample(Compression::None), sample(Compression::None)].concat();
    bytes[16] = 9;
    let mut batches = Batches::new(Bytes::from(bytes));
    assert!(batches.next().unwrap().is_err());
    assert!(batches.next().is_none());
    assert!(!batches.truncated_tail());
}

#[test]
fn compaction_may_leave_a_batch_without_records() {
    for codec in Compression::ALL {
        let header = BatchHeader {
            batch_length: 49,
            attributes: Attributes::default().with_compression(codec),
            base_offset: 100,
            last_offset_delta: 9,
            record_count: 0,
            ..*Batch::new(Bytes::from(sample(Compression::None)))
                .unwrap()
                .header()
        };
        let batch = Batch::new(Bytes::copy_from_slice(&header.encode())).unwrap();
        assert_eq!(read(&batch), Ok(vec![]));
        assert_eq!(batch.header().next_offset(), 110);
    }
}

#[test]
fn the_cap_counts_decompressed_bytes() {
    for codec in &Compression::ALL[1..] {
        let batch = Batch::new(Bytes::from(sample(*codec))).unwrap();
        let len = sample(Compression::None).len() - BatchHeader::LEN;
        assert!(batch.records(len).is_ok(), "{codec}");
        let error = batch.records(len - 1).map(|_| ()).unwrap_err();
        assert_eq!(
            error,
            RecordError::OutputCapExceeded {
                codec: *codec,
                cap: len - 1
            }
        );
    }
}
