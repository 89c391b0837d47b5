//! The codecs. The input is a byte that chooses the codec and what to do with the rest: read it as
//! the compressed records of a batch, or compress and decompress it.

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::records::{
    Attributes, Batch, BatchBuilder, BatchHeader, Compression, CompressionConfig, RecordError, Seal,
};

use crate::legacy_message_sets::is_legacy;
use crate::memory::{self, CAP};
use crate::record_batches::forget_spares;

/// All but "none".
const CODECS: [Compression; 4] = [
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];
const ROUND_TRIP: u8 = 1 << 2;

/// The payload of a compressed batch as input of [`run`], if the batch is compressed.
#[must_use]
pub fn input(batch: &Batch) -> Option<Vec<u8>> {
    let codec = batch.header().attributes.compression().ok()?;
    if is_legacy(batch) {
        return None;
    }
    let choice = CODECS.iter().position(|&known| known == codec)? as u8;
    Some([&[choice], &batch.bytes()[BatchHeader::LEN..]].concat())
}

pub fn run(input: &[u8]) {
    let Some((&options, payload)) = input.split_first() else {
        return;
    };
    let codec = CODECS[usize::from(options & 3)];
    if options & ROUND_TRIP == 0 {
        decompress(codec, payload);
    } else {
        round_trip(codec, i32::from(options >> 3), payload);
    }
}

fn decompress(codec: Compression, payload: &[u8]) {
    let batch = batch(codec, payload);
    // Tight and loose: the first cap stops most payloads, the second few.
    for cap in [64, CAP] {
        forget_spares();
        let read = memory::bounded(memory::of_decompression(codec, payload.len(), cap), || {
            batch.records(cap)
        });
        match read {
            Ok(cursor) => assert!(cursor.data().len() <= cap),
            Err(RecordError::OutputCapExceeded { cap: limit, .. }) => assert_eq!(limit, cap),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// A batch of one record with this payload, which may be anything.
fn batch(codec: Compression, payload: &[u8]) -> Batch {
    let mut builder = BatchBuilder::new(BytesMut::new());
    builder.append(0, None, None, &[]).expect("a valid record");
    let sealed = builder.seal(&Seal::default()).expect("one record");
    let header = BatchHeader {
        batch_length: (BatchHeader::LEN + payload.len()) as i32 - 12,
        attributes: Attributes::default().with_compression(codec),
        ..sealed.header
    };
    let bytes = [&header.encode(), payload].concat();
    Batch::new(bytes.into()).expect("one batch")
}

fn round_trip(codec: Compression, level: i32, value: &[u8]) {
    let config = CompressionConfig::new(codec);
    // The highest levels of zstd take memory and time, and decode no differently.
    let config = config.with_level(level % 10).unwrap_or(config);
    let mut builder = BatchBuilder::new(BytesMut::new());
    builder
        .append(7, None, Some(value), &[])
        .expect("a valid record");
    let seal = Seal {
        compression: config,
        ..Seal::default()
    };
    let sealed = builder.seal(&seal).expect("one record");
    let batch = Batch::new(sealed.bytes).expect("one batch");
    assert_eq!(batch.verify_crc(), Ok(()));
    let mut cursor = batch
        .records(sealed.uncompressed_len)
        .expect("what was just compressed");
    let record = cursor
        .next_record()
        .expect("one record")
        .expect("a good one");
    assert_eq!(record.value_bytes(), Some(Bytes::copy_from_slice(value)));
    assert!(cursor.next_record().is_none());
}
