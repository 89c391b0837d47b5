//! A kilobyte that stands for far more, in each codec as dense as its format allows.

use super::legacy::message;
use super::*;

struct Bomb {
    name: &'static str,
    codec: Compression,
    payload: Vec<u8>,
    /// What it decompresses to, in bytes.
    whole: usize,
}

fn bombs() -> Vec<Bomb> {
    let pack = |codec: Compression, zeros: usize| {
        let mut out = BytesMut::new();
        compression::compress(codec.into(), &vec![0; zeros], &mut out).unwrap();
        out.to_vec()
    };
    let bomb = |name, codec, payload: Vec<u8>, whole| {
        assert!(payload.len() <= 1024, "{name} has {} bytes", payload.len());
        Bomb {
            name,
            codec,
            payload,
            whole,
        }
    };
    // 258 bytes for two bits, in one member and in many.
    let gzip = pack(Compression::Gzip, 1_000_000);
    let members = pack(Compression::Gzip, 20_000).repeat(16);
    // 64 bytes for three.
    let framed = pack(Compression::Snappy, 20_000);
    let raw = framed[20..].to_vec();
    // Blocks of 4 MiB, and in it one match: 255 bytes for one.
    let mut lz4 = vec![0x04, 0x22, 0x4d, 0x18, 0x60, 0x70];
    lz4.push((twox_hash::XxHash32::oneshot(0, &[0x60, 0x70]) >> 8) as u8);
    let mut block = vec![0x1f, 0, 1, 0];
    block.extend([0xff; 995]);
    block.extend([0, 0x50, 0, 0, 0, 0, 0]);
    lz4.extend((block.len() as u32).to_le_bytes());
    lz4.extend(block);
    lz4.extend([0; 4]);
    // A frame of RLE blocks: three bytes of header and one byte for 128 KiB each.
    let mut zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x70];
    for block in (0..250_u32).rev() {
        let rle_block = (1 << 17) << 3 | 1 << 1 | u32::from(block == 0);
        zstd.extend_from_slice(&u32::to_le_bytes(rle_block)[..3]);
        zstd.push(0);
    }
    // A frame that says its size, and is true.
    let claimed = pack(Compression::Zstd, 16 << 20);
    vec![
        bomb("gzip", Compression::Gzip, gzip, 1_000_000),
        bomb("gzip members", Compression::Gzip, members, 16 * 20_000),
        bomb("snappy framed", Compression::Snappy, framed, 20_000),
        bomb("snappy raw", Compression::Snappy, raw, 20_000),
        bomb("lz4", Compression::Lz4, lz4, 1 + 19 + 995 * 255 + 5),
        bomb("zstd", Compression::Zstd, zstd, 250 << 17),
        bomb("zstd claimed", Compression::Zstd, claimed, 16 << 20),
    ]
}

/// The bomb as the records of a batch, and as the value of a message of the old formats.
fn carriers(bomb: &Bomb) -> Vec<(&'static str, Bytes)> {
    let header = BatchHeader {
        base_offset: 0,
        batch_length: (BatchHeader::LEN - 12 + bomb.payload.len()) as i32,
        partition_leader_epoch: -1,
        magic: 2,
        crc: 0,
        attributes: Attributes::default().with_compression(bomb.codec),
        last_offset_delta: 0,
        base_timestamp: 0,
        max_timestamp: 0,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        record_count: 1,
    };
    let mut batch = [&header.encode()[..], &bomb.payload].concat();
    fix_crc(&mut batch);
    let mut all = vec![("batch", batch)];
    if bomb.codec != Compression::Zstd {
        let attributes = bomb.codec.id();
        let value = Some(&bomb.payload[..]);
        all.push(("v0", message(0, 5, attributes, -1, None, value)));
        all.push(("v1", message(1, 5, attributes, 9, None, value)));
    }
    all.into_iter()
        .map(|(name, bytes)| (name, bytes.into()))
        .collect()
}

/// Bytes beside the output: the error, and what it took to hand it on.
const OVERHEAD: usize = 1024;

#[test]
fn decompression_bombs_are_refused_at_the_cap() {
    for bomb in bombs() {
        for (carrier, bytes) in carriers(&bomb) {
            let label = format!("{} in {carrier}", bomb.name);
            let batch = Batches::new(bytes).next().unwrap().unwrap();
            batch.verify_crc().unwrap();
            let refused = |cap: usize| {
                // So that contexts are there and no buffer is: neither is to be measured.
                let _ = batch.records(1);
                while compression::take_buffer().capacity() > 0 {}
                let mut error = None;
                let taken = allocation_counter::measure(|| error = batch.records(cap).err());
                let codec = bomb.codec;
                assert_eq!(
                    error,
                    Some(RecordError::OutputCapExceeded { codec, cap }),
                    "{label}"
                );
                taken.bytes_max as usize
            };
            for cap in [1, 100, 4_000, 10_000, bomb.whole / 2, bomb.whole - 1] {
                // Gzip's output alone grows with what is in it: while it is copied for the last time, it
                // is there twice, half of the cap (or all of a small one) and the cap.
                let copied = match bomb.codec {
                    Compression::Gzip => (cap / 2).max(4096),
                    _ => 0,
                };
                let taken = refused(cap);
                assert!(
                    taken <= cap + copied + OVERHEAD,
                    "{label} takes {taken} bytes with a cap of {cap}"
                );
            }
            // It is the cap that refuses it.
            let allowed = batch.records(bomb.whole).map(|_| ());
            assert!(
                !matches!(allowed, Err(RecordError::OutputCapExceeded { .. })),
                "{label}: {allowed:?}"
            );
        }
    }
}
