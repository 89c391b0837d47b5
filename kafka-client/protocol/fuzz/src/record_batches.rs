//! Record batches as a Fetch response holds them. The input is a byte of options and the batches.
//!
//! What a batch says is compared over all ways that lead to it: records read one by one, skipped to,
//! split, filtered and under another producer are the same records. Messages of the formats before
//! record batches may stand among them.

use std::sync::OnceLock;

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::records::{
    Batch, BatchBuilder, BatchHeader, Batches, Compression, ControlRecord, RecordError, RecordView,
    Seal, TimestampType, patch_base_offset, patch_log_append_time, reidentify, retain, split,
};

use crate::legacy_message_sets::{self, is_legacy};
use crate::memory::{self, CAP};

/// Makes one batch of the input, with a length and a checksum that are right: damage then is inside.
const REPAIR: u8 = 1;
/// Batches of one input that are looked at; more of them say nothing new.
const BATCHES_MAX: usize = 8;

/// Batches as input of [`run`], as they are and repaired.
#[must_use]
pub fn inputs(batches: &[u8]) -> [Vec<u8>; 2] {
    [0, REPAIR].map(|options| [&[options], batches].concat())
}

pub fn run(input: &[u8]) {
    let Some((&options, bytes)) = input.split_first() else {
        return;
    };
    let repair = options & REPAIR != 0;
    let choice = options >> 1;
    let bytes = if repair {
        repaired(bytes)
    } else {
        Bytes::copy_from_slice(bytes)
    };
    let mut batches = Batches::new(bytes.clone());
    for batch in batches.by_ref().take(BATCHES_MAX) {
        match batch {
            Ok(batch) if is_legacy(&batch) => legacy_message_sets::check(&batch, choice),
            Ok(batch) => check(&batch, choice),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    assert!(bytes.ends_with(batches.rest()));
}

/// The bytes as one batch with the right length and checksum, if they suffice for a header.
fn repaired(bytes: &[u8]) -> Bytes {
    const BATCH_LENGTH: std::ops::Range<usize> = 8..12;
    let mut bytes = BytesMut::from(bytes);
    if bytes.len() < BatchHeader::LEN {
        return bytes.freeze();
    }
    let length = bytes.len() as i32 - BATCH_LENGTH.end as i32;
    bytes[BATCH_LENGTH].copy_from_slice(&length.to_be_bytes());
    let Ok(header) = BatchHeader::parse(&bytes) else {
        return bytes.freeze();
    };
    // Writing the producer that is there already computes the checksum anew.
    let (id, epoch) = (header.producer_id, header.producer_epoch);
    let bytes = reidentify(&bytes, id, epoch, header.base_sequence).expect("one whole batch");
    let batch = Batch::new(bytes).expect("one whole batch");
    assert_eq!(batch.verify_crc(), Ok(()));
    batch.into_bytes()
}

fn check(batch: &Batch, choice: u8) {
    let bytes = batch.bytes();
    assert_eq!(batch.header().encode()[..], bytes[..BatchHeader::LEN]);
    assert_eq!(
        Batch::new(bytes.clone()).map(Batch::into_bytes).as_ref(),
        Ok(bytes)
    );
    headers_survive(batch);

    let records = match read_all(batch) {
        Ok(records) => records,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            // Bad records must not get through a rewrite either; headers may, they are not decoded.
            let _ = split(bytes, max_bytes(choice), CAP);
            let _ = retain(batch, CAP, |_| true);
            return;
        }
    };
    control_records_come_back(batch);
    skipping_finds_the_same(batch, &records, choice);
    retaining_keeps_the_same(batch, &records, choice);
    splitting_keeps_the_same(batch, &records, choice);
}

/// A record with nothing borrowed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) offset: i64,
    timestamp: i64,
    key: Option<Bytes>,
    value: Option<Bytes>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Record {
    fn of(view: &RecordView<'_>) -> Result<Self, RecordError> {
        let mut headers = Vec::new();
        for header in view.headers {
            let header = header?;
            headers.push((header.key.to_owned(), header.value.map(<[u8]>::to_vec)));
        }
        assert_eq!(headers.len(), view.headers.len());
        if let Some((key, value)) = headers.last() {
            let last = view.headers.last(key)?.expect("it was just read");
            assert_eq!(last.value, value.as_deref());
        }
        Ok(Self {
            offset: view.offset,
            timestamp: view.timestamp,
            key: view.key_bytes(),
            value: view.value_bytes(),
            headers,
        })
    }
}

/// All records of a batch, read within the bounds of memory.
pub(crate) fn read_all(batch: &Batch) -> Result<Vec<Record>, RecordError> {
    forget_spares();
    let limit = match batch.header().attributes.compression() {
        Ok(Compression::None) | Err(_) => memory::OVERHEAD,
        Ok(codec) => memory::of_decompression(codec, batch.bytes().len(), CAP),
    };
    let mut cursor = memory::bounded(limit, || {
        let cursor = batch.records(CAP)?;
        for record in &cursor {
            for header in record?.headers {
                header?;
            }
        }
        Ok(cursor)
    })?;

    let announced = cursor.remaining();
    let header = *batch.header();
    let mut records = Vec::new();
    while let Some(record) = cursor.next_record() {
        let record = Record::of(&record?)?;
        if is_legacy(batch) {
            assert!(record.offset >= 0);
        } else {
            assert!((header.base_offset..=header.last_offset()).contains(&record.offset));
        }
        records.push(record);
    }
    assert_eq!((records.len(), cursor.remaining()), (announced, 0));
    assert!(cursor.next_record().is_none());
    Ok(records)
}

/// Takes the buffers that decompression keeps for the thread: what an input takes is then the same
/// whatever came before it.
pub(crate) fn forget_spares() {
    static SMALL: OnceLock<Batch> = OnceLock::new();
    let small = SMALL.get_or_init(|| {
        let mut builder = BatchBuilder::new(BytesMut::new());
        builder.append(0, None, None, &[]).expect("a valid record");
        let seal = Seal {
            compression: Compression::Snappy.into(),
            ..Seal::default()
        };
        Batch::new(builder.seal(&seal).expect("a record").bytes).expect("one batch")
    });
    // A buffer that is in use elsewhere when its cursor ends does not go back.
    for _ in 0..2 {
        let cursor = small.records(CAP).expect("a valid batch");
        let data = cursor.data().clone();
        drop(cursor);
        drop(data);
    }
}

/// Changes of the header change what they say they do and leave the records alone.
fn headers_survive(batch: &Batch) {
    let (bytes, header) = (batch.bytes(), *batch.header());

    let mut patched = bytes.to_vec();
    patch_base_offset(&mut patched, 42, 7).expect("a parsed batch");
    let moved = BatchHeader {
        base_offset: 42,
        partition_leader_epoch: 7,
        ..header
    };
    assert_eq!(BatchHeader::parse(&patched), Ok(moved));
    assert_eq!(patched[BatchHeader::LEN..], bytes[BatchHeader::LEN..]);

    let mut patched = bytes.to_vec();
    patch_log_append_time(&mut patched, 99).expect("a whole batch");
    let stamped = Batch::new(patched.into()).expect("a whole batch");
    let timestamp_type = stamped.header().attributes.timestamp_type();
    assert_eq!(timestamp_type, TimestampType::LogAppendTime);
    assert_eq!(stamped.header().max_timestamp, 99);
    assert_eq!(stamped.verify_crc(), Ok(()));
    assert_eq!(
        stamped.bytes()[BatchHeader::LEN..],
        bytes[BatchHeader::LEN..]
    );

    let renamed = reidentify(bytes, 3, 2, 1).expect("a whole batch");
    let renamed = Batch::new(renamed).expect("a whole batch");
    let expected = BatchHeader {
        producer_id: 3,
        producer_epoch: 2,
        base_sequence: 1,
        crc: renamed.header().crc,
        ..header
    };
    assert_eq!(*renamed.header(), expected);
    assert_eq!(renamed.verify_crc(), Ok(()));
    assert_eq!(
        renamed.bytes()[BatchHeader::LEN..],
        bytes[BatchHeader::LEN..]
    );
}

/// What a control batch holds can be read or is refused, and reads back the same.
fn control_records_come_back(batch: &Batch) {
    if !batch.header().attributes.is_control() {
        return;
    }
    let cursor = batch.records(CAP).expect("it was read before");
    for record in &cursor {
        let record = record.expect("it was read before");
        let limit = memory::of_message(record.value.map_or(0, <[u8]>::len));
        let control = match memory::bounded(limit, || ControlRecord::decode(&record)) {
            Ok(control) => control,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        // A version that is not known is read, and not written.
        let Ok(sealed) = control.seal(record.timestamp, &Seal::default()) else {
            continue;
        };
        let batch = Batch::new(sealed.bytes).expect("one batch");
        let cursor = batch.records(CAP).expect("good records");
        let again = cursor
            .iter()
            .next()
            .expect("one record")
            .expect("a good one");
        assert_eq!(ControlRecord::decode(&again), Ok(control));
    }
}

pub(crate) fn skipping_finds_the_same(batch: &Batch, records: &[Record], choice: u8) {
    let Some(middle) = records.get(usize::from(choice) % records.len().max(1)) else {
        return;
    };
    let mut cursor = batch.records(CAP).expect("it was read before");
    cursor.skip_to(middle.offset);
    let first = records
        .iter()
        .position(|record| record.offset >= middle.offset);
    let rest = &records[first.expect("the middle itself")..];
    assert_eq!(cursor.remaining(), rest.len());
    let read: Result<Vec<Record>, _> = cursor.iter().map(|record| Record::of(&record?)).collect();
    assert_eq!(read.as_deref(), Ok(rest));
}

fn retaining_keeps_the_same(batch: &Batch, records: &[Record], choice: u8) {
    let keep = |offset: i64| choice >> (offset & 7) & 1 == 0;
    let left = retain(batch, CAP, |record| keep(record.offset)).expect("good records");
    let left = Batch::new(left).expect("one batch");
    assert_eq!(left.verify_crc(), Ok(()));
    let (before, after) = (batch.header(), left.header());
    assert_eq!(after.base_offset, before.base_offset);
    assert_eq!(after.last_offset(), before.last_offset());
    assert_eq!(after.last_sequence(), before.last_sequence());
    let expected: Vec<&Record> = records
        .iter()
        .filter(|record| keep(record.offset))
        .collect();
    let read = read_all(&left).expect("good records");
    assert!(
        read.iter().eq(expected.iter().copied()),
        "{read:?} is not {expected:?}"
    );
}

fn splitting_keeps_the_same(batch: &Batch, records: &[Record], choice: u8) {
    let max_bytes = max_bytes(choice);
    let parts = match split(batch.bytes(), max_bytes, CAP) {
        Ok(parts) => parts,
        Err(RecordError::BadTimestamp { timestamp }) => {
            return assert!(records.iter().any(|record| record.timestamp == timestamp));
        }
        Err(error) => panic!("good records do not split: {error}"),
    };
    let compression = batch
        .header()
        .attributes
        .compression()
        .expect("it was read before")
        .into();
    let seal = Seal {
        compression,
        ..Seal::default()
    };
    let mut together = Vec::new();
    for part in parts {
        assert!(part.len() <= max_bytes || part.record_count() == 1);
        let sealed = part.seal(&seal).expect("no part is empty");
        let part = Batch::new(sealed.bytes).expect("one batch");
        assert_eq!(part.verify_crc(), Ok(()));
        assert_eq!(*part.header(), sealed.header);
        together.extend(read_all(&part).expect("good records"));
    }
    assert_eq!(together.len(), records.len());
    for (part, whole) in together.iter_mut().zip(records) {
        part.offset = whole.offset;
    }
    assert_eq!(together, records);
}

/// The size of parts: from less than a header to more than most inputs.
fn max_bytes(choice: u8) -> usize {
    1 << (choice % 20)
}
