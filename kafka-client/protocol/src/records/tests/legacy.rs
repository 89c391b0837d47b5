//! Messages of the formats v0 and v1, made by hand: damaged, cut off or made to hurt. Good ones, as
//! Kafka writes them, stand in the golden file.

use super::*;

/// A message with its checksum.
pub(super) fn message(
    magic: u8,
    offset: i64,
    attributes: u8,
    timestamp: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
) -> Vec<u8> {
    let mut covered = vec![magic, attributes];
    if magic == 1 {
        covered.extend(timestamp.to_be_bytes());
    }
    for field in [key, value] {
        let len = field.map_or(-1, |field| field.len() as i32);
        covered.extend(len.to_be_bytes());
        covered.extend(field.unwrap_or_default());
    }
    with_checksum(offset, &covered)
}

fn with_checksum(offset: i64, covered: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(covered);
    [
        &offset.to_be_bytes()[..],
        &(4 + covered.len() as i32).to_be_bytes(),
        &crc.sum().to_be_bytes(),
        covered,
    ]
    .concat()
}

/// A message around `inner`, compressed.
fn wrapper(magic: u8, offset: i64, codec: Compression, timestamp: i64, inner: &[u8]) -> Vec<u8> {
    let mut packed = BytesMut::new();
    compression::compress(codec.into(), inner, &mut packed).unwrap();
    message(magic, offset, codec.id(), timestamp, None, Some(&packed))
}

/// Codecs of the old formats.
const CODECS: [Compression; 3] = [Compression::Gzip, Compression::Snappy, Compression::Lz4];
const LOG_APPEND_TIME: u8 = 8;

/// Three messages from offset `start` on.
fn three(magic: u8, start: i64) -> Vec<u8> {
    (0..3_u8)
        .flat_map(|i| {
            let bytes = [i; 3];
            let key = (i != 1).then_some(&bytes[..]);
            let value = (i != 2).then_some(&b"some value, some value"[..]);
            message(
                magic,
                start + i64::from(i),
                0,
                50 - i64::from(i),
                key,
                value,
            )
        })
        .collect()
}

/// Offset and timestamp of all records.
fn read(bytes: &[u8]) -> Result<Vec<(i64, i64)>, RecordError> {
    let mut all = Vec::new();
    for batch in Batches::new(Bytes::copy_from_slice(bytes)) {
        let cursor = batch?.records(CAP)?;
        for record in &cursor {
            let record = record?;
            all.push((record.offset, record.timestamp));
        }
    }
    Ok(all)
}

#[test]
fn messages_have_the_bytes_of_the_format() {
    // Worked out by hand from the picture in the module's description, but for the checksums, which
    // Python's zlib.crc32 gave.
    let v0: &[u8] = &[
        0, 0, 0, 0, 0, 0, 0, 7, // offset
        0, 0, 0, 17, // size
        0x89, 0xe8, 0x80, 0x14, // checksum
        0, 0, // magic, attributes
        0, 0, 0, 1, b'k', 0, 0, 0, 2, b'v', b'v',
    ];
    let v1: &[u8] = &[
        0, 0, 0, 0, 0, 0, 0, 8, // offset
        0, 0, 0, 22, // size
        0xa6, 0xf6, 0xe1, 0x29, // checksum
        1, 0, // magic, attributes
        0, 0, 0, 0, 0, 0, 3, 0xe8, // timestamp
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // null key, null value
    ];
    let mut batches = Batches::new(Bytes::from([v0, v1].concat()));
    let first = batches.next().unwrap().unwrap();
    first.verify_crc().unwrap();
    let cursor = first.records(CAP).unwrap();
    let record = cursor.iter().next().unwrap().unwrap();
    assert_eq!((record.offset, record.timestamp), (7, -1));
    assert_eq!(
        (record.key, record.value),
        (Some(&b"k"[..]), Some(&b"vv"[..]))
    );
    assert!(record.headers.is_empty());

    let second = batches.next().unwrap().unwrap();
    second.verify_crc().unwrap();
    let cursor = second.records(CAP).unwrap();
    let record = cursor.iter().next().unwrap().unwrap();
    assert_eq!((record.offset, record.timestamp), (8, 1000));
    assert_eq!((record.key, record.value), (None, None));
    assert!(batches.next().is_none());
    assert!(!batches.truncated_tail());
}

#[test]
fn a_header_says_what_a_batch_would() {
    let wrapped = wrapper(1, 40, Compression::Gzip, 50, &three(1, 0));
    let bytes = Bytes::from([three(0, 7), wrapped].concat());
    let headers: Vec<BatchHeader> = Batches::new(bytes)
        .map(|batch| *batch.unwrap().header())
        .collect();
    let expected = BatchHeader {
        base_offset: 7,
        batch_length: 14 + 3 + 22,
        partition_leader_epoch: -1,
        magic: 0,
        crc: headers[0].crc,
        attributes: Attributes::default(),
        last_offset_delta: 0,
        base_timestamp: -1,
        max_timestamp: -1,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        record_count: 1,
    };
    assert_eq!(headers[0], expected);
    assert_eq!(headers[0].next_offset(), 8);
    assert_eq!(
        headers[3],
        BatchHeader {
            base_offset: 40,
            batch_length: headers[3].batch_length,
            magic: 1,
            crc: headers[3].crc,
            attributes: Attributes::default().with_compression(Compression::Gzip),
            base_timestamp: 50,
            max_timestamp: 50,
            record_count: -1,
            ..expected
        }
    );
    assert_eq!(headers[3].last_sequence(), -1);
    assert_eq!(headers[3].delete_horizon(), None);
}

#[test]
fn a_cut_anywhere_ends_quietly_and_shows() {
    for (magic, codec) in [0, 1].into_iter().flat_map(|magic| {
        Compression::ALL[..4]
            .iter()
            .map(move |codec| (magic, *codec))
    }) {
        let one = match codec {
            Compression::None => message(magic, 9, 0, 5, Some(b"key"), Some(b"value")),
            codec => wrapper(magic, 9, codec, 5, &three(magic, 0)),
        };
        let each = if codec == Compression::None { 1 } else { 3 };
        let two = Bytes::from([&one[..], &one[..]].concat());
        for end in 0..=two.len() {
            let mut batches = Batches::new(two.slice(..end));
            let mut count = 0;
            for batch in batches.by_ref() {
                let batch = batch.unwrap();
                batch.verify_crc().unwrap();
                assert_eq!(batch.records(CAP).unwrap().iter().count(), each);
                count += 1;
            }
            assert_eq!(count, end / one.len(), "{magic} {codec} cut at {end}");
            assert_eq!(batches.truncated_tail(), end % one.len() != 0);
            assert_eq!(batches.rest().len(), end % one.len());
            assert!(batches.next().is_none());
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_content_fails_the_checksum() {
    for magic in [0, 1] {
        let good = wrapper(magic, 9, Compression::Snappy, 5, &three(magic, 0));
        for position in 12..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[position] ^= 1 << bit;
                // Another magic is another format.
                let Some(Ok(batch)) = Batches::new(Bytes::from(bad)).next() else {
                    assert_eq!(position, 16);
                    continue;
                };
                let error = batch.verify_crc().unwrap_err();
                assert!(matches!(error, RecordError::CrcMismatch { .. }));
            }
        }
    }
}

/// Reads all there is, and checks how much memory that took.
fn exhaust_within(limit: usize, bytes: Vec<u8>) {
    let bytes = Bytes::from(bytes);
    let taken = allocation_counter::measure(|| {
        let _ = exhaust(bytes);
    });
    assert!(
        taken.bytes_max <= limit as u64,
        "{} bytes of memory",
        taken.bytes_max
    );
}

/// What a byte is replaced with: each of its bits flipped, and the bounds of lengths.
fn damage(byte: u8) -> impl Iterator<Item = u8> {
    let flipped = (0..8).map(move |bit| byte ^ 1 << bit);
    flipped.chain([0, 1, 0x7f, 0x80, 0xff])
}

#[test]
fn damage_behind_a_matching_checksum_neither_panics_nor_takes_memory() {
    for magic in [0, 1] {
        let plain = three(magic, 0);
        let mut sets = vec![plain.clone()];
        for codec in CODECS {
            sets.push(wrapper(magic, 9, codec, 5, &plain));
        }
        for set in sets {
            // The first time, contexts are made.
            let _ = exhaust(Bytes::from(set.clone()));
            let size = i32::from_be_bytes(set[8..12].try_into().unwrap()) as usize;
            for position in 0..set.len() {
                for byte in damage(set[position]) {
                    let mut bad = set.clone();
                    bad[position] = byte;
                    let fixed = with_checksum(0, &bad[16..12 + size]);
                    bad[12..16].copy_from_slice(&fixed[12..16]);
                    exhaust_within(64 << 10, bad);
                }
            }
        }
        // Damage inside a wrapper, where nothing but the reader stands in its way.
        for position in 0..plain.len() {
            for byte in damage(plain[position]) {
                let mut bad = plain.clone();
                bad[position] = byte;
                exhaust_within(64 << 10, wrapper(magic, 9, Compression::Lz4, 5, &bad));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn random_content_never_panics(
        magic in 0..2_u8,
        attributes: u8,
        offset: i64,
        timestamp: i64,
        value: Vec<u8>,
        tail: Vec<u8>,
    ) {
        let mut bytes = message(magic, offset, attributes, timestamp, None, Some(&value));
        bytes.extend(&tail);
        let _ = exhaust(Bytes::from(bytes));
        for codec in CODECS {
            let _ = exhaust(Bytes::from(wrapper(magic, offset, codec, timestamp, &value)));
        }
        let covered = [&[magic, attributes & 7], &value[..]].concat();
        let _ = exhaust(Bytes::from(with_checksum(offset, &covered)));
    }

    #[test]
    fn random_messages_in_a_wrapper_never_panic(
        magic in 0..2_u8,
        offset in prop_oneof![Just(0_i64), Just(i64::MAX), any::<i64>(), 0..100_i64],
        inner in prop::collection::vec(
            (0..2_u8, any::<i64>(), prop_oneof![Just(0_u8), any::<u8>()], any::<i64>()),
            0..5,
        ),
    ) {
        let set: Vec<u8> = inner
            .into_iter()
            .flat_map(|(magic, offset, attributes, timestamp)| {
                message(magic, offset, attributes, timestamp, None, None)
            })
            .collect();
        let _ = exhaust(Bytes::from(wrapper(magic, offset, Compression::Lz4, 1, &set)));
    }
}

#[test]
fn every_fault_of_a_message_has_its_error() {
    let bad = |field| Err(RecordError::BadLength { index: 0, field });
    for magic in [0, 1] {
        let fixed: Vec<u8> = match magic {
            0 => vec![0, 0],
            _ => [&[1, 0][..], &[0; 8]].concat(),
        };
        let fields = |fields: &[u8]| read(&with_checksum(3, &[&fixed[..], fields].concat()));
        let null = [0xff; 4];
        let timestamp = if magic == 0 { -1 } else { 0 };
        assert_eq!(fields(&[null, null].concat()), Ok(vec![(3, timestamp)]));
        assert_eq!(
            fields(&[[0xff, 0xff, 0xff, 0xfe], null].concat()),
            bad("key")
        );
        assert_eq!(fields(&[[0, 0, 0, 5], null].concat()), bad("key"));
        assert_eq!(fields(&[[0, 0, 0, 4], null].concat()), bad("value"));
        assert_eq!(fields(&[null, [0, 0, 0, 1]].concat()), bad("value"));
        assert_eq!(fields(&[null, [0x80, 0, 0, 0]].concat()), bad("value"));
        assert_eq!(fields(&[&null[..], &null, &[0]].concat()), bad("record"));

        // Sizes below what the fixed fields take.
        let least = if magic == 0 { 14 } else { 22 };
        for batch_length in [i32::MIN, -1, 0, 13, least - 1] {
            let mut message = message(magic, 3, 0, 0, None, None);
            message[8..12].copy_from_slice(&batch_length.to_be_bytes());
            let error = RecordError::BadBatchLength { batch_length };
            assert_eq!(read(&message), Err(error));
        }
        let field = "base offset";
        for value in [-1, i64::MIN, i64::MAX] {
            let error = RecordError::BadHeaderField { field, value };
            assert_eq!(read(&message(magic, value, 0, 0, None, None)), Err(error));
        }
        // Zstd is younger, the others are no codecs at all.
        for id in 4..8 {
            let message = message(magic, 3, id, 0, None, Some(b"x"));
            assert_eq!(read(&message), Err(RecordError::UnknownCodec { id }));
        }
    }
    // An error ends the batches.
    let mut bytes = [three(0, 0), three(1, 0)].concat();
    bytes[16] = 3;
    let mut batches = Batches::new(Bytes::from(bytes));
    let error = batches.next().unwrap().unwrap_err();
    assert_eq!(error, RecordError::BadMagic { magic: 3 });
    assert!(batches.next().is_none());
}

#[test]
fn every_fault_inside_a_wrapper_has_its_error() {
    for (magic, codec) in [0, 1]
        .into_iter()
        .flat_map(|magic| CODECS.map(|codec| (magic, codec)))
    {
        let inside = |offset, set: &[u8]| read(&wrapper(magic, offset, codec, 1, set));
        let inner = |index, problem| Err(RecordError::BadInnerMessage { index, problem });
        let good = three(magic, 0);
        assert_eq!(inside(9, &good).unwrap().len(), 3);

        let nested = wrapper(magic, 3, codec, 1, &good);
        let set = [&good[..], &nested].concat();
        assert_eq!(inside(9, &set), inner(3, "is compressed itself"));
        let negative = [&good[..], &message(magic, -1, 0, 0, None, None)].concat();
        assert_eq!(inside(9, &negative), inner(3, "has a negative offset"));
        let beyond = "has an offset beyond that of the message around it";
        if magic == 1 {
            assert_eq!(inside(1, &good), inner(2, beyond));
        }
        // The highest is not the last one: it would end beyond all offsets.
        let first = message(magic, i64::MAX, 0, 0, None, None);
        let unordered = [&first[..], &good].concat();
        assert_eq!(inside(9, &unordered), inner(3, beyond));

        let mut batch = good.clone();
        batch[16] = 2;
        assert_eq!(inside(9, &batch), Err(RecordError::BadMagic { magic: 2 }));
        let mut short = good.clone();
        short[11] = 13;
        let batch_length = 13;
        assert_eq!(
            inside(9, &short),
            Err(RecordError::BadBatchLength { batch_length })
        );
        let mut damaged = good.clone();
        *damaged.last_mut().unwrap() ^= 1;
        let error = inside(9, &damaged).unwrap_err();
        assert!(
            matches!(error, RecordError::CrcMismatch { .. }),
            "{error:?}"
        );

        let reason = |bytes: &[u8]| match read(bytes).unwrap_err() {
            RecordError::BadCompressedData { reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        let empty = wrapper(magic, 9, codec, 1, &[]);
        assert_eq!(reason(&empty), "there is no message in it");
        let null = message(magic, 9, codec.id(), 1, None, None);
        assert_eq!(reason(&null), "the message has no value");
    }
}

#[test]
fn an_incomplete_message_at_the_end_of_a_wrapper_is_none_as_in_kafka() {
    for codec in CODECS {
        let good = three(1, 0);
        let more = message(1, 3, 0, 1, None, Some(b"value"));
        for end in 0..more.len() {
            let set = [&good[..], &more[..end]].concat();
            let wrapped = Bytes::from(wrapper(1, 9, codec, 1, &set));
            let batch = Batches::new(wrapped).next().unwrap().unwrap();
            let cursor = batch.records(CAP).unwrap();
            assert_eq!(cursor.remaining(), 3);
            let offsets: Vec<i64> = cursor.iter().map(|record| record.unwrap().offset).collect();
            assert_eq!(offsets, [7, 8, 9], "cut at {end}");
        }
    }
}

#[test]
fn offsets_and_timestamps_follow_from_the_wrapper() {
    let inner = [three(1, 0), message(1, 10, 0, 7, None, None)].concat();
    let codec = Compression::Gzip;
    // In v1 the last one has the wrapper's offset, the others keep their distance.
    assert_eq!(
        read(&wrapper(1, 110, codec, 5, &inner)),
        Ok(vec![(100, 50), (101, 49), (102, 48), (110, 7)])
    );
    // In v0 they are what they are.
    let old = [three(0, 20), three(0, 30)].concat();
    assert_eq!(
        read(&wrapper(0, 32, codec, 5, &old)),
        Ok([20, 21, 22, 30, 31, 32].map(|offset| (offset, -1)).into())
    );
    // The append time is the wrapper's, for all messages that have a timestamp.
    let mixed = [three(1, 0), message(0, 3, 0, 0, None, None)].concat();
    let mut packed = BytesMut::new();
    compression::compress(codec.into(), &mixed, &mut packed).unwrap();
    let attributes = codec.id() | LOG_APPEND_TIME;
    let appended = message(1, 3, attributes, 77, None, Some(&packed));
    assert_eq!(
        read(&appended),
        Ok(vec![(0, 77), (1, 77), (2, 77), (3, -1)])
    );
    // The bit has no meaning in v0.
    let message = message(0, 3, LOG_APPEND_TIME, 0, None, None);
    let batch = Batches::new(Bytes::from(message)).next().unwrap().unwrap();
    let attributes = batch.header().attributes;
    assert_eq!(attributes.timestamp_type(), TimestampType::CreateTime);
}

#[test]
fn the_wrong_checksum_of_lz4_is_good_in_v0_only() {
    let mut packed = BytesMut::new();
    for magic in [0, 1] {
        compression::compress(Compression::Lz4.into(), &three(magic, 0), &mut packed).unwrap();
        // As Kafka wrote it: over the frame's magic number too.
        let wrong = (twox_hash::XxHash32::oneshot(0, &packed[..6]) >> 8) as u8;
        assert_ne!(packed[6], wrong);
        packed[6] = wrong;
        let found = read(&message(magic, 2, 3, 1, None, Some(&packed)));
        match magic {
            0 => assert_eq!(found.unwrap().len(), 3),
            _ => assert_eq!(
                found,
                Err(RecordError::BadCompressedData {
                    codec: Compression::Lz4,
                    reason: "frame header checksum does not match".to_owned(),
                })
            ),
        }
    }
}

#[test]
fn skipping_is_reading_without_looking() {
    let wrapped = wrapper(1, 110, Compression::Lz4, 5, &three(1, 0));
    let batch = Batches::new(Bytes::from(wrapped)).next().unwrap().unwrap();
    for (offset, expected) in [
        (0, &[108, 109, 110][..]),
        (108, &[108, 109, 110]),
        (110, &[110]),
        (111, &[]),
    ] {
        let mut cursor = batch.records(CAP).unwrap();
        cursor.skip_to(offset);
        assert_eq!(cursor.remaining(), expected.len());
        let offsets: Vec<i64> = cursor.iter().map(|record| record.unwrap().offset).collect();
        assert_eq!(offsets, expected, "from {offset}");
        assert_eq!(cursor.remaining(), expected.len());
        while cursor.next_record().is_some() {}
        assert_eq!(cursor.remaining(), 0);
    }
}

#[test]
fn an_error_inside_ends_the_reading() {
    let bad = with_checksum(1, &[0, 0, 0, 0, 0, 9, 0, 0, 0, 0]);
    let set = [three(0, 0), bad, three(0, 5)].concat();
    let wrapped = wrapper(0, 9, Compression::Lz4, 5, &set);
    let batch = Batches::new(Bytes::from(wrapped)).next().unwrap().unwrap();
    let mut cursor = batch.records(CAP).unwrap();
    cursor.skip_to(2);
    assert_eq!(cursor.remaining(), 5);
    assert_eq!(cursor.next_record().unwrap().unwrap().offset, 2);
    let error = cursor.next_record().unwrap().unwrap_err();
    let field = "key";
    assert_eq!(error, RecordError::BadLength { index: 3, field });
    assert!(cursor.next_record().is_none());
    assert_eq!(cursor.remaining(), 0);
}

#[test]
fn records_share_the_frame_and_take_no_memory_each() {
    let frame: Vec<u8> = (0..1000)
        .flat_map(|offset| message(1, offset, 0, 5, Some(b"key"), Some(&[7; 100])))
        .collect();
    let wrapped = wrapper(1, 999, Compression::Lz4, 5, &frame);
    for bytes in [frame, wrapped].map(Bytes::from) {
        let kept = bytes.clone();
        let _ = exhaust(bytes.clone());
        let mut sum = 0;
        let taken = allocation_counter::measure(|| {
            for batch in Batches::new(bytes) {
                let mut cursor = batch.unwrap().records(CAP).unwrap();
                while let Some(record) = cursor.next_record() {
                    sum += record.unwrap().offset;
                }
            }
        });
        assert_eq!(sum, 499_500);
        assert!(taken.count_total < 5, "{taken:?}");
        drop(kept);
    }
    let bytes = Bytes::from(message(0, 1, 0, 5, None, Some(b"value")));
    let batch = Batches::new(bytes.clone()).next().unwrap().unwrap();
    let cursor = batch.records(CAP).unwrap();
    let value = cursor
        .iter()
        .next()
        .unwrap()
        .unwrap()
        .value_bytes()
        .unwrap();
    assert!(bytes.as_ptr_range().contains(&value.as_ptr()));
}
