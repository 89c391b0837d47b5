//! Snappy as Java's `SnappyOutputStream` writes it: a 16-byte header, then blocks of 32 KiB, each with
//! its compressed length in front. Some clients write one bare snappy block instead; Java reads that
//! too.

use std::cell::Cell;

use bytes::BytesMut;
use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

use super::{Failure, Output, lengthen, with_context};

const BLOCK_LEN: usize = 32 * 1024;
const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const HEADER_LEN: usize = 16;
/// Magic, then version 1 and lowest compatible version 1, big-endian.
const HEADER: [u8; HEADER_LEN] = [
    0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1,
];
/// The densest element of the format is three bytes that stand for 64, so no block holds more than
/// this many times its size.
const RATIO_MAX: usize = 22;

thread_local! {
    static ENCODER: Cell<Option<Encoder>> = const { Cell::new(None) };
}

pub(super) fn compress(src: &[u8], out: &mut BytesMut) -> Result<usize, String> {
    with_context(
        &ENCODER,
        || Ok(Encoder::new()),
        |encoder| {
            lengthen(out, HEADER_LEN);
            out[..HEADER_LEN].copy_from_slice(&HEADER);
            let mut end = HEADER_LEN;
            for block in src.chunks(BLOCK_LEN) {
                let start = end + 4;
                lengthen(out, start + max_compress_len(block.len()));
                let len = encoder
                    .compress(block, &mut out[start..])
                    .map_err(|error| error.to_string())?;
                out[end..start].copy_from_slice(&(len as u32).to_be_bytes());
                end = start + len;
            }
            Ok(end)
        },
    )
}

pub(super) fn decompress(src: &[u8], out: &mut Output<'_>) -> Result<(), Failure> {
    if !src.starts_with(&MAGIC) {
        return block(src, out);
    }
    let mut rest = header(src)?;
    while !rest.is_empty() {
        // Streams may follow one another: a block length is never as large as the magic.
        if rest.starts_with(&MAGIC) {
            rest = header(rest)?;
            continue;
        }
        let (len, after) = rest
            .split_first_chunk::<4>()
            .ok_or_else(|| Failure::data("block length is cut short"))?;
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
        let (data, after) = after
            .split_at_checked(len)
            .ok_or_else(|| Failure::data("block is cut short"))?;
        block(data, out)?;
        rest = after;
    }
    Ok(())
}

/// Skips the header of a stream and checks that version 1 can read it.
fn header(src: &[u8]) -> Result<&[u8], Failure> {
    let (fixed, rest) = src
        .split_first_chunk::<HEADER_LEN>()
        .ok_or_else(|| Failure::data("stream header is cut short"))?;
    let [.., v0, v1, v2, v3, _, _, _, _] = *fixed;
    let version = i32::from_be_bytes([v0, v1, v2, v3]);
    if version < 1 {
        return Err(Failure::Data(format!(
            "stream version {version} is not supported"
        )));
    }
    Ok(rest)
}

fn block(src: &[u8], out: &mut Output<'_>) -> Result<(), Failure> {
    let len = decompress_len(src).map_err(Failure::data)?;
    if len > src.len().saturating_mul(RATIO_MAX) {
        return Err(Failure::data("block claims more data than it can hold"));
    }
    let room = out.room(len)?;
    let len = Decoder::new()
        .decompress(src, room)
        .map_err(Failure::data)?;
    out.advance(len);
    Ok(())
}
