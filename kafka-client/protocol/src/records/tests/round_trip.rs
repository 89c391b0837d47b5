//! What is written is what is read, whatever the records and the codec.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn records_survive(records in any_records(), compression in any_compression()) {
        let open = open(&records);
        let len = open.len();
        let sealed = open.seal(&Seal { compression, ..Seal::default() }).unwrap();

        prop_assert_eq!(sealed.uncompressed_len, len);
        prop_assert_eq!(sealed.record_count as usize, records.len());
        prop_assert_eq!(sealed.spare.is_some(), compression.codec() != Compression::None);
        let batch = Batch::new(sealed.bytes).unwrap();
        prop_assert_eq!(batch.header(), &sealed.header);
        batch.verify_crc().unwrap();
        prop_assert_eq!(batch.header().base_timestamp, records[0].timestamp);
        let max = records.iter().map(|record| record.timestamp).max().unwrap();
        prop_assert_eq!(batch.header().max_timestamp, max);
        prop_assert_eq!(read(&batch).unwrap(), records);
    }

    #[test]
    fn sizes_are_exact(records in any_records()) {
        let mut batch = BatchBuilder::new(BytesMut::new());
        for (index, record) in records.iter().enumerate() {
            let headers = record.headers();
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            let before = batch.len();
            let size = batch.record_size(record.timestamp, key, value, &headers);
            prop_assert!(size <= record_size_upper_bound(key, value, &headers));
            prop_assert_eq!(record.append_to(&mut batch) as usize, index);
            prop_assert_eq!(batch.len() - before, size);
        }
        let len = batch.len();
        prop_assert_eq!(batch.seal(&Seal::default()).unwrap().bytes.len(), len);
    }

    #[test]
    fn parts_hold_the_same_records_in_order(
        records in any_records(),
        compression in any_compression(),
        max_bytes in 0..30_000_usize,
    ) {
        let whole = seal(&records, &Seal { compression, ..Seal::default() });
        let parts = split(&Bytes::from(whole), max_bytes, CAP).unwrap();
        let mut found = Vec::new();
        for part in parts {
            prop_assert!(part.len() <= max_bytes || part.record_count() == 1);
            let sealed = part.seal(&Seal { compression, ..Seal::default() }).unwrap();
            found.extend(read(&Batch::new(sealed.bytes).unwrap()).unwrap());
        }
        prop_assert_eq!(found, records);
    }

    #[test]
    fn parts_keep_what_the_batch_says(
        records in any_records(),
        compression in any_compression(),
        max_bytes in 0..2_000_usize,
        base_sequence in prop_oneof![0..100_i32, i32::MAX - 20..=i32::MAX],
        transactional: bool,
        delete_horizon in prop::option::of(0..2_000_000_000_000_i64),
        append_time in prop::option::of(0..2_000_000_000_000_i64),
    ) {
        let buf = BytesMut::new();
        let mut open = match delete_horizon {
            Some(timestamp) => BatchBuilder::with_delete_horizon(buf, timestamp),
            None => BatchBuilder::new(buf),
        };
        for record in &records {
            let len = open.len();
            let size = open.record_size(
                record.timestamp,
                record.key.as_deref(),
                record.value.as_deref(),
                &record.headers(),
            );
            record.append_to(&mut open);
            prop_assert_eq!(open.len(), len + size);
        }
        let mut seal = Seal {
            base_offset: 1000,
            partition_leader_epoch: 4,
            producer_id: 9,
            producer_epoch: 1,
            base_sequence,
            compression,
            transactional,
            ..Seal::default()
        };
        let mut whole = open.seal(&seal).unwrap().bytes.to_vec();
        if let Some(timestamp) = append_time {
            patch_log_append_time(&mut whole, timestamp).unwrap();
            seal.timestamp_type = TimestampType::LogAppendTime;
        }
        let whole = Batch::new(Bytes::from(whole)).unwrap();
        prop_assert_eq!(whole.header().delete_horizon(), delete_horizon);

        let mut found = Vec::new();
        let mut last_sequence = -1;
        for part in split(whole.bytes(), max_bytes, CAP).unwrap() {
            let count = part.record_count() as i32;
            let batch = Batch::new(part.seal(&seal).unwrap().bytes).unwrap();
            batch.verify_crc().unwrap();
            let header = batch.header();
            let records = read(&batch).unwrap();
            prop_assert_eq!(
                header,
                &BatchHeader {
                    base_offset: seal.base_offset,
                    batch_length: batch.bytes().len() as i32 - 12,
                    crc: header.crc,
                    last_offset_delta: count - 1,
                    base_timestamp: delete_horizon.unwrap_or(records[0].timestamp),
                    max_timestamp: records.iter().map(|record| record.timestamp).max().unwrap(),
                    base_sequence: seal.base_sequence,
                    record_count: count,
                    ..*whole.header()
                }
            );
            last_sequence = header.last_sequence();
            seal.base_sequence = advance_sequence(last_sequence, 1);
            seal.base_offset = header.next_offset();
            found.extend(records);
        }
        prop_assert_eq!(found, read(&whole).unwrap());
        prop_assert_eq!(last_sequence, whole.header().last_sequence());
        prop_assert_eq!(seal.base_offset, whole.header().next_offset());
    }

    #[test]
    fn compaction_keeps_records_where_they_are(
        records in any_records(),
        compression in any_compression(),
        base_offset in 0..1_000_000_i64,
        mask: u64,
    ) {
        let how = Seal {
            base_offset,
            compression,
            producer_id: 9,
            producer_epoch: 1,
            base_sequence: 5,
            ..Seal::default()
        };
        let whole = Batch::new(Bytes::from(seal(&records, &how))).unwrap();
        let stays = |offset: i64| mask >> ((offset - base_offset) % 64) & 1 == 1;
        let rest = retain(&whole, CAP, |record| stays(record.offset)).unwrap();

        let rest = Batch::new(rest).unwrap();
        rest.verify_crc().unwrap();
        let expected: Vec<(i64, TestRecord)> =
            (base_offset..).zip(records).filter(|(offset, _)| stays(*offset)).collect();
        let cursor = rest.records(CAP).unwrap();
        let found: Vec<(i64, TestRecord)> = cursor
            .iter()
            .map(|record| record.unwrap())
            .map(|record| (record.offset, record.into()))
            .collect();
        prop_assert_eq!(&found, &expected);
        let codec = if expected.is_empty() { Compression::None } else { compression.codec() };
        let header = whole.header();
        prop_assert_eq!(
            rest.header(),
            &BatchHeader {
                batch_length: rest.bytes().len() as i32 - 12,
                crc: rest.header().crc,
                attributes: header.attributes.with_compression(codec),
                max_timestamp: expected.iter().map(|(_, r)| r.timestamp).max().unwrap_or(-1),
                record_count: expected.len() as i32,
                ..*header
            }
        );
    }

    #[test]
    fn skipping_is_reading_without_looking(
        records in any_records(),
        base_offset in 0..1_000_000_i64,
        skip in 0..50_i64,
    ) {
        let bytes = seal(&records, &Seal { base_offset, ..Seal::default() });
        let batch = Batch::new(Bytes::from(bytes)).unwrap();
        let mut cursor = batch.records(CAP).unwrap();
        cursor.skip_to(base_offset + skip);
        let expected: Vec<i64> =
            (base_offset + skip..base_offset + records.len() as i64).collect();
        prop_assert_eq!(cursor.remaining(), expected.len());
        let offsets: Vec<i64> =
            cursor.iter().map(|record| record.map(|record| record.offset).unwrap()).collect();
        prop_assert_eq!(offsets, expected);
        // The iterator has not moved the cursor.
        prop_assert_eq!(cursor.iter().count(), cursor.remaining());
    }
}

#[test]
fn bytes_share_the_frame() {
    let record = TestRecord {
        timestamp: 1,
        key: Some(b"key".to_vec()),
        value: Some(vec![7; 1000]),
        headers: vec![("h".to_owned(), Some(b"header value".to_vec()))],
    };
    for codec in Compression::ALL {
        let how = Seal {
            compression: codec.into(),
            ..Seal::default()
        };
        let batch = Batch::new(Bytes::from(seal(std::slice::from_ref(&record), &how))).unwrap();
        let mut cursor = batch.records(CAP).unwrap();
        let data = cursor.data().clone();
        let view = cursor.next_record().unwrap().unwrap();
        let value = view.value_bytes().unwrap();
        assert!(
            data.as_ptr_range().contains(&value.as_ptr()),
            "{codec}: the value was copied"
        );
        let header = view.headers.last("h").unwrap().unwrap();
        let header = view.share(header.value.unwrap());
        assert_eq!(view.key_bytes().unwrap(), "key");
        assert!(view.headers.last("other").unwrap().is_none());
        drop((cursor, data, batch));
        // Other batches are read in between: the buffer must not have gone back to the pool.
        let other = Batch::new(Bytes::from(seal(
            &[TestRecord {
                value: Some(vec![9; 1000]),
                ..record.clone()
            }],
            &how,
        )))
        .unwrap();
        read(&other).unwrap();
        assert_eq!(value, vec![7; 1000]);
        assert_eq!(header, "header value");
    }
}

#[test]
fn the_last_of_equal_headers_counts() {
    let record = TestRecord {
        timestamp: 1,
        key: None,
        value: None,
        headers: vec![
            ("a".to_owned(), Some(b"1".to_vec())),
            ("b".to_owned(), None),
            ("a".to_owned(), Some(b"2".to_vec())),
        ],
    };
    let batch = Batch::new(Bytes::from(seal(&[record], &Seal::default()))).unwrap();
    let cursor = batch.records(CAP).unwrap();
    let view = cursor.iter().next().unwrap().unwrap();
    assert_eq!(view.headers.len(), 3);
    let last = view.headers.last("a").unwrap();
    assert_eq!(
        last,
        Some(Header {
            key: "a",
            value: Some(b"2")
        })
    );
}

#[test]
fn a_pooled_buffer_is_used_in_place_and_comes_back() {
    let mut buffer = BytesMut::with_capacity(4096);
    buffer.extend_from_slice(b"left over from before");
    let place = buffer.as_ptr();
    let mut batch = BatchBuilder::new(buffer);
    assert!(batch.is_empty());
    assert_eq!(batch.len(), BatchHeader::LEN);
    batch.append(5, None, Some(b"value"), &[]).unwrap();
    assert_eq!((batch.base_timestamp(), batch.max_timestamp()), (5, 5));
    let capacity = batch.capacity();
    assert_eq!(capacity, 4096);
    let sealed = batch.seal(&Seal::default()).unwrap();
    assert_eq!(sealed.bytes.as_ptr(), place);
    assert!(sealed.spare.is_none());

    let mut batch = BatchBuilder::new(sealed.bytes.try_into_mut().unwrap());
    assert_eq!(batch.capacity(), 4096);
    batch.append(6, None, Some(b"value"), &[]).unwrap();
    let compression = Compression::Lz4.into();
    let sealed = batch
        .seal(&Seal {
            compression,
            ..Seal::default()
        })
        .unwrap();
    let spare = sealed.spare.unwrap();
    assert_eq!((spare.as_ptr(), spare.capacity()), (place, 4096));
    // What it still holds is not seen in the batch to come.
    let mut batch = BatchBuilder::new(spare);
    assert_eq!((batch.len(), batch.is_empty()), (BatchHeader::LEN, true));
    batch.append(7, None, Some(b"v"), &[]).unwrap();
    let mut alone = BatchBuilder::new(BytesMut::new());
    alone.append(7, None, Some(b"v"), &[]).unwrap();
    let seal = Seal::default();
    assert_eq!(
        batch.seal(&seal).unwrap().bytes,
        alone.seal(&seal).unwrap().bytes
    );
}

#[test]
fn a_batch_fills_its_buffer_to_the_last_byte() {
    // Neither of the sizes involved is a multiple of the step in which memory is initialised.
    let value = [0; 64];
    let probe = |capacity: usize| {
        let mut batch = BatchBuilder::new(BytesMut::with_capacity(capacity));
        for _ in 0..100 {
            batch.append(0, None, Some(&value), &[]).unwrap();
        }
        (batch.len(), batch.capacity())
    };
    let (len, _) = probe(0);
    assert_eq!(
        probe(len),
        (len, len),
        "the buffer grew although the records fit"
    );
}

#[test]
fn refuses_records_that_cannot_be() {
    let mut batch = BatchBuilder::new(BytesMut::new());
    batch.append(-1, None, None, &[]).unwrap();
    let error = batch.append(-2, None, None, &[]).unwrap_err();
    assert_eq!(error, RecordError::BadTimestamp { timestamp: -2 });
    // Many headers share one value, so that the record exceeds 2 GiB without the memory for it.
    let value = vec![0; 1 << 20];
    let headers = vec![
        Header {
            key: "h",
            value: Some(&value)
        };
        2048
    ];
    let error = batch.append(1, None, None, &headers).unwrap_err();
    assert!(
        matches!(error, RecordError::RecordTooLarge { batch_len: 68, .. }),
        "{error:?}"
    );
    assert_eq!((batch.record_count(), batch.len()), (1, 68));

    let empty = BatchBuilder::new(BytesMut::new()).seal(&Seal::default());
    assert_eq!(empty.unwrap_err(), RecordError::EmptyBatch);
}

/// Worked out by hand from the description of the format in the module's documentation; the checksum
/// alone is computed, by this crate's CRC-32C.
#[test]
fn writes_the_bytes_of_the_format() {
    let mut batch = BatchBuilder::new(BytesMut::new());
    batch.append(1000, None, Some(b"ab"), &[]).unwrap();
    batch
        .append(
            999,
            Some(b"k"),
            None,
            &[Header {
                key: "h",
                value: Some(b"v"),
            }],
        )
        .unwrap();
    let bytes = batch
        .seal(&Seal {
            producer_id: 1,
            producer_epoch: 2,
            base_sequence: 3,
            ..Seal::default()
        })
        .unwrap()
        .bytes;
    let mut expected = Vec::new();
    expected.extend([0; 8]); // base offset
    expected.extend([0, 0, 0, 70]); // length: 49 of header, 9 and 12 of records
    expected.extend([0xff; 4]); // leader epoch
    expected.push(2); // magic
    expected.extend(&bytes[17..21]); // checksum
    expected.extend([0, 0]); // attributes
    expected.extend([0, 0, 0, 1]); // last offset delta
    expected.extend([0, 0, 0, 0, 0, 0, 0x03, 0xe8]); // base timestamp
    expected.extend([0, 0, 0, 0, 0, 0, 0x03, 0xe8]); // max timestamp
    expected.extend([0, 0, 0, 0, 0, 0, 0, 1]); // producer id
    expected.extend([0, 2]); // producer epoch
    expected.extend([0, 0, 0, 3]); // base sequence
    expected.extend([0, 0, 0, 2]); // record count
    expected.extend([16, 0, 0, 0, 1, 4, b'a', b'b', 0]); // 8 bytes, null key, value of 2
    // 11 bytes, timestamp - 1, offset + 1, key of 1, null value, one header
    expected.extend([22, 0, 1, 2, 2, b'k', 1, 2, 2, b'h', 2, b'v']);
    assert_eq!(bytes, expected);
}

#[test]
fn the_broker_patches_offset_and_epoch_outside_the_checksum() {
    let mut bytes = open(&[TestRecord {
        timestamp: 5,
        key: None,
        value: Some(b"v".to_vec()),
        headers: Vec::new(),
    }])
    .seal(&Seal::default())
    .unwrap()
    .bytes
    .to_vec();
    patch_base_offset(&mut bytes, 1_000_000_000_000, 12).unwrap();
    let batch = Batch::new(Bytes::from(bytes)).unwrap();
    batch.verify_crc().unwrap();
    assert_eq!(batch.header().partition_leader_epoch, 12);
    assert_eq!(batch.header().next_offset(), 1_000_000_000_001);
    let cursor = batch.records(CAP).unwrap();
    assert_eq!(
        cursor.iter().next().unwrap().unwrap().offset,
        1_000_000_000_000
    );
}

#[test]
fn a_new_identity_keeps_everything_else() {
    let records = [TestRecord {
        timestamp: 5,
        key: None,
        value: Some(b"v".to_vec()),
        headers: Vec::new(),
    }];
    let how = Seal {
        producer_id: 1,
        producer_epoch: 2,
        base_sequence: 3,
        ..Seal::default()
    };
    for codec in Compression::ALL {
        let how = Seal {
            compression: codec.into(),
            ..how
        };
        let renewed = reidentify(&seal(&records, &how), 10, 0, 7).unwrap();
        let expected = Seal {
            producer_id: 10,
            producer_epoch: 0,
            base_sequence: 7,
            ..how
        };
        assert_eq!(renewed, seal(&records, &expected));
    }
    let one = seal(&records, &how);
    let two = Bytes::from([&one[..], &one[..]].concat());
    let extra = one.len();
    assert_eq!(
        Batch::new(two).unwrap_err(),
        RecordError::NotOneBatch { extra }
    );
    assert_eq!(
        reidentify(&[&one[..], &one[..]].concat(), 1, 1, 1).unwrap_err(),
        RecordError::NotOneBatch { extra: one.len() }
    );
    assert_eq!(
        reidentify(&one[..one.len() - 1], 1, 1, 1).unwrap_err(),
        RecordError::Truncated {
            needed: one.len(),
            available: one.len() - 1
        }
    );
}

#[test]
fn compaction_keeps_the_append_time() {
    let records = [5, 6].map(|timestamp| TestRecord {
        timestamp,
        key: Some(vec![timestamp as u8]),
        value: None,
        headers: Vec::new(),
    });
    let mut bytes = seal(&records, &Seal::default());
    patch_log_append_time(&mut bytes, 100).unwrap();
    let batch = Batch::new(Bytes::from(bytes)).unwrap();
    let rest = Batch::new(retain(&batch, CAP, |record| record.offset == 0).unwrap()).unwrap();
    assert_eq!(rest.header().max_timestamp, 100);
    assert_eq!(read(&rest).unwrap()[0].timestamp, 100);
    let none = Batch::new(retain(&batch, CAP, |_| false).unwrap()).unwrap();
    assert_eq!(
        (none.header().max_timestamp, none.header().record_count),
        (100, 0)
    );
}

#[test]
fn compaction_sets_a_delete_horizon_and_keeps_the_times_of_records() {
    let records = [5, 600, 70_000].map(|timestamp| TestRecord {
        timestamp,
        key: Some(timestamp.to_string().into_bytes()),
        value: None,
        headers: Vec::new(),
    });
    for codec in [Compression::None, Compression::Lz4] {
        let compression = CompressionConfig::new(codec);
        let seal_of = Seal {
            compression,
            ..Seal::default()
        };
        let batch = Batch::new(Bytes::from(seal(&records, &seal_of))).unwrap();
        for horizon in [0, 5, 1 << 41] {
            let rest = retain_until(&batch, CAP, Some(horizon), |record| record.offset > 0);
            let rest = Batch::new(rest.unwrap()).unwrap();
            rest.verify_crc().unwrap();
            assert_eq!(rest.header().delete_horizon(), Some(horizon));
            let read = read(&rest).unwrap();
            let times: Vec<_> = read.iter().map(|record| record.timestamp).collect();
            assert_eq!(times, [600, 70_000]);
            assert_eq!(rest.header().max_timestamp, 70_000);
            // It stays through a later compaction.
            let last = retain(&rest, CAP, |record| record.offset == 2).unwrap();
            let last = Batch::new(last).unwrap();
            assert_eq!(last.header().delete_horizon(), Some(horizon));
        }
        let none = retain_until(&batch, CAP, Some(7), |_| false).unwrap();
        assert_eq!(Batch::new(none).unwrap().header().delete_horizon(), None);
    }
}
