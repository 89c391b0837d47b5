//! Zstandard. Frames may follow one another, as Java reads them. Decoding is done in one shot into the
//! output, never through the library's streaming window, whose size is the frame's to claim.

use std::cell::Cell;

use bytes::BytesMut;
use zstd::bulk::Compressor;
use zstd::zstd_safe::{self, DCtx};

use super::{Failure, Output, lengthen, with_context};

/// `ZSTD_error_dstSize_tooSmall`, as the library returns it: its errors are negated codes.
const OUTPUT_TOO_SMALL: usize = 70_usize.wrapping_neg();
/// First guess at the output, as a multiple of the input, for a frame that says its size and for one
/// that does not.
const RATIO_CLAIMED_MAX: usize = 256;
const RATIO_GUESS: usize = 8;
/// Above this level a context takes tens of megabytes, too much to keep for each thread.
const KEPT_LEVEL_MAX: i32 = 15;

thread_local! {
    static ENCODER: Cell<Option<Encoder>> = const { Cell::new(None) };
    static DECODER: Cell<Option<DCtx<'static>>> = const { Cell::new(None) };
}

struct Encoder {
    level: i32,
    compressor: Compressor<'static>,
}

pub(super) fn compress(src: &[u8], level: i32, out: &mut BytesMut) -> Result<usize, String> {
    if level > KEPT_LEVEL_MAX {
        return encode(&mut Encoder::new(level)?, src, out);
    }
    with_context(
        &ENCODER,
        || Encoder::new(level),
        |encoder| {
            if encoder.level != level {
                encoder
                    .compressor
                    .set_compression_level(level)
                    .map_err(|e| e.to_string())?;
                encoder.level = level;
            }
            encode(encoder, src, out)
        },
    )
}

impl Encoder {
    fn new(level: i32) -> Result<Self, String> {
        let compressor = Compressor::new(level).map_err(|error| error.to_string())?;
        Ok(Self { level, compressor })
    }
}

fn encode(encoder: &mut Encoder, src: &[u8], out: &mut BytesMut) -> Result<usize, String> {
    lengthen(out, zstd_safe::compress_bound(src.len()));
    encoder
        .compressor
        .compress_to_buffer(src, &mut out[..])
        .map_err(|error| error.to_string())
}

pub(super) fn decompress(src: &[u8], out: &mut Output<'_>) -> Result<(), Failure> {
    with_context(
        &DECODER,
        || DCtx::try_create().ok_or_else(|| Failure::data("out of memory")),
        |decoder| decode(decoder, src, out),
    )
}

fn decode(decoder: &mut DCtx<'_>, src: &[u8], out: &mut Output<'_>) -> Result<(), Failure> {
    let mut room = match zstd_safe::get_frame_content_size(src) {
        Ok(Some(claimed)) if claimed > out.cap as u64 => return Err(Failure::Cap),
        Ok(Some(claimed)) => (claimed as usize).min(src.len().saturating_mul(RATIO_CLAIMED_MAX)),
        Ok(None) => src.len().saturating_mul(RATIO_GUESS),
        Err(error) => return Err(Failure::data(error)),
    };
    loop {
        let dst = out.room_within_cap(room);
        match decoder.decompress(dst, src) {
            Ok(len) => {
                out.advance(len);
                return Ok(());
            }
            Err(OUTPUT_TOO_SMALL) if room >= out.cap => return Err(Failure::Cap),
            // Starting over with four times the room costs a third of the last attempt in all.
            Err(OUTPUT_TOO_SMALL) => room = room.saturating_mul(4).max(4096),
            Err(code) => return Err(Failure::data(zstd_safe::get_error_name(code))),
        }
    }
}
