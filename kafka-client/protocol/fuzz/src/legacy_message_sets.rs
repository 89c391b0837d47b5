//! Messages of the formats v0 and v1. The input is a byte of options and the messages.

use std::io::Write as _;

use bytes::{Bytes, BytesMut};
use flate2::Crc;
use flate2::write::GzEncoder;
use kafka_client_protocol::records::{
    Batch, Batches, Compression, RecordError, patch_base_offset, patch_log_append_time, reidentify,
    retain, split,
};

use crate::memory::CAP;
use crate::record_batches;

/// Gives every message the right checksum: damage then is inside.
const REPAIR: u8 = 1;
/// Compresses the messages into one around them.
const WRAP: u8 = 1 << 1;
/// Of that one: its format, v0 or v1, and whether its offset is 0 or the highest there is.
const WRAP_V1: u8 = 1 << 2;
const WRAP_AT_0: u8 = 1 << 3;
/// The other bits choose what to compare.
const CHOICE: u32 = 4;
/// Messages of one input that are looked at; more of them say nothing new.
const MESSAGES_MAX: usize = 8;

/// Messages as inputs of [`run`], in each way to take them.
#[must_use]
pub fn inputs(messages: &[u8], plain: bool) -> Vec<Vec<u8>> {
    let mut options = vec![0, REPAIR];
    if plain {
        let v1 = messages.get(at::MAGIC).map_or(0, |magic| magic * WRAP_V1);
        options.extend([REPAIR | WRAP | v1, REPAIR | WRAP | v1 | WRAP_AT_0]);
    }
    let input = |options| [&[options], messages].concat();
    options.into_iter().map(input).collect()
}

/// Positions in a message.
mod at {
    pub(super) const SIZE: usize = 8;
    pub(super) const CRC: usize = 12;
    pub(super) const MAGIC: usize = 16;
}

pub fn run(input: &[u8]) {
    let Some((&options, bytes)) = input.split_first() else {
        return;
    };
    let mut bytes = BytesMut::from(bytes);
    if options & REPAIR != 0 {
        repair(&mut bytes);
    }
    if options & WRAP != 0 {
        bytes = wrap(options, &bytes);
        repair(&mut bytes);
    }
    let bytes: Bytes = bytes.freeze();
    let mut batches = Batches::new(bytes.clone());
    for batch in batches.by_ref().take(MESSAGES_MAX) {
        match batch {
            Ok(batch) if is_legacy(&batch) => {
                if options & (REPAIR | WRAP) != 0 {
                    assert_eq!(batch.verify_crc(), Ok(()));
                }
                check(&batch, options >> CHOICE);
            }
            // The other target's.
            Ok(_) => {}
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    assert!(bytes.ends_with(batches.rest()));
}

/// Whether it is a message, and not a batch.
pub(crate) fn is_legacy(batch: &Batch) -> bool {
    batch.header().magic < 2
}

/// Reads a message in all ways, and sees that no rewrite takes it for a batch.
pub(crate) fn check(message: &Batch, choice: u8) {
    let bytes = message.bytes();
    assert_refused(Batch::new(bytes.clone()));
    assert_refused(retain(message, CAP, |_| true));
    assert_refused(split(bytes, CAP, CAP));
    assert_refused(reidentify(bytes, 3, 2, 1));
    assert!(patch_base_offset(&mut bytes.to_vec(), 42, 7).is_err());
    assert!(patch_log_append_time(&mut bytes.to_vec(), 99).is_err());

    match record_batches::read_all(message) {
        Ok(records) => {
            let plain = message.header().attributes.compression() == Ok(Compression::None);
            assert!(if plain {
                records.len() == 1
            } else {
                !records.is_empty()
            });
            assert!(records.iter().all(|record| record.headers.is_empty()));
            record_batches::skipping_finds_the_same(message, &records, choice);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn assert_refused<T>(result: Result<T, RecordError>) {
    assert!(matches!(
        result,
        Err(RecordError::UnsupportedMagic { magic: 0 | 1 })
    ));
}

/// Writes the checksum of each complete message.
fn repair(mut messages: &mut [u8]) {
    while let Some(size) = messages.get(at::SIZE..at::CRC) {
        let size = <[u8; 4]>::try_from(size).map_or(0, u32::from_be_bytes) as usize;
        let Some((message, rest)) = messages.split_at_mut_checked(at::CRC + size) else {
            return;
        };
        if let Some((head, covered)) = message.split_at_mut_checked(at::MAGIC) {
            let mut crc = Crc::new();
            crc.update(covered);
            head[at::CRC..].copy_from_slice(&crc.sum().to_be_bytes());
        }
        messages = rest;
    }
}

/// A message with these messages in its value.
fn wrap(options: u8, messages: &[u8]) -> BytesMut {
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(messages).expect("a vector takes all");
    let packed = packed.finish().expect("a vector takes all");

    let offset: i64 = if options & WRAP_AT_0 == 0 {
        i64::MAX - 1
    } else {
        0
    };
    let magic = u8::from(options & WRAP_V1 != 0);
    let timestamp: i64 = 1_700_000_000_000;
    let mut body = vec![magic, Compression::Gzip.id()];
    if magic == 1 {
        body.extend(timestamp.to_be_bytes());
    }
    body.extend((-1_i32).to_be_bytes());
    body.extend((packed.len() as u32).to_be_bytes());
    body.extend(packed);

    let size = 4 + body.len() as u32;
    let head = [&offset.to_be_bytes()[..], &size.to_be_bytes(), &[0; 4]].concat();
    [head, body].concat().as_slice().into()
}
