//! Gzip (RFC 1952). Java's reader accepts several members in a row and ignores what follows the last
//! one, so this one does too.

use std::cell::Cell;

use bytes::BytesMut;
use flate2::{Compress, Crc, Decompress, FlushCompress, FlushDecompress, Status};

use super::{Failure, Output, lengthen, with_context};

const WINDOW_BITS: u8 = 15;
const HEADER_LEN: usize = 10;
const TRAILER_LEN: usize = 8;

const FLAG_HEADER_CRC: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;

thread_local! {
    static ENCODER: Cell<Option<Encoder>> = const { Cell::new(None) };
    static DECODER: Cell<Option<Decompress>> = const { Cell::new(None) };
}

struct Encoder {
    level: i32,
    deflate: Compress,
}

impl Encoder {
    fn new(level: i32) -> Self {
        let setting = match u32::try_from(level) {
            Ok(level) => flate2::Compression::new(level),
            Err(_) => flate2::Compression::default(),
        };
        Self {
            level,
            deflate: Compress::new_gzip(setting, WINDOW_BITS),
        }
    }
}

pub(super) fn compress(src: &[u8], level: i32, out: &mut BytesMut) -> Result<usize, String> {
    with_context(
        &ENCODER,
        || Ok(Encoder::new(level)),
        |encoder| {
            if encoder.level != level {
                *encoder = Encoder::new(level);
            }
            encoder.deflate.reset();
            deflate(&mut encoder.deflate, src, out)
        },
    )
}

fn deflate(deflate: &mut Compress, src: &[u8], out: &mut BytesMut) -> Result<usize, String> {
    let (mut read, mut written) = (0, 0);
    loop {
        lengthen(out, written + src.len() / 2 + 64);
        let (read_before, written_before) = (deflate.total_in(), deflate.total_out());
        let status = deflate
            .compress(&src[read..], &mut out[written..], FlushCompress::Finish)
            .map_err(|error| error.to_string())?;
        let consumed = (deflate.total_in() - read_before) as usize;
        let produced = (deflate.total_out() - written_before) as usize;
        read += consumed;
        written += produced;
        match status {
            Status::StreamEnd => return Ok(written),
            Status::Ok | Status::BufError if consumed == 0 && produced == 0 => {
                return Err("the encoder makes no progress".to_owned());
            }
            Status::Ok | Status::BufError => {}
        }
    }
}

pub(super) fn decompress(src: &[u8], out: &mut Output<'_>) -> Result<(), Failure> {
    with_context(
        &DECODER,
        || Ok(Decompress::new(false)),
        |inflate| {
            let mut rest = header(src).ok_or_else(|| Failure::data("no gzip header"))?;
            loop {
                rest = member(inflate, rest, out)?;
                match header(rest) {
                    Some(next) => rest = next,
                    None => return Ok(()),
                }
            }
        },
    )
}

/// Decodes one member after its header and gives what follows it.
fn member<'a>(
    inflate: &mut Decompress,
    src: &'a [u8],
    out: &mut Output<'_>,
) -> Result<&'a [u8], Failure> {
    inflate.reset(false);
    let start = out.len;
    let mut read = 0;
    loop {
        // One byte more than the rest of the cap tells "exactly full" from "too much".
        let full = out.len == out.cap;
        let mut probe = [0];
        let guess = ((src.len() - read) * 4).max(4096);
        let room = if full {
            &mut probe[..]
        } else {
            out.room_within_cap(guess)
        };
        let (read_before, written_before) = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress(&src[read..], room, FlushDecompress::None)
            .map_err(|error| Failure::data(error.message().unwrap_or("invalid deflate stream")))?;
        let consumed = (inflate.total_in() - read_before) as usize;
        let produced = (inflate.total_out() - written_before) as usize;
        read += consumed;
        if full && produced > 0 {
            return Err(Failure::Cap);
        }
        out.advance(produced);
        match status {
            Status::StreamEnd => break,
            Status::Ok | Status::BufError if consumed == 0 && produced == 0 => {
                return Err(Failure::data("deflate stream is cut short"));
            }
            Status::Ok | Status::BufError => {}
        }
    }
    let Some((trailer, rest)) = src[read..].split_first_chunk::<TRAILER_LEN>() else {
        return Err(Failure::data("gzip trailer is cut short"));
    };
    let mut crc = Crc::new();
    let decoded = &out.buf[start..out.len];
    crc.update(decoded);
    let expected = [
        crc.sum().to_le_bytes(),
        (decoded.len() as u32).to_le_bytes(),
    ];
    if trailer[..] != expected.concat() {
        return Err(Failure::data("gzip checksum or length does not match"));
    }
    Ok(rest)
}

/// Skips a member's header; `None` when there is none.
fn header(src: &[u8]) -> Option<&[u8]> {
    let (fixed, mut rest) = src.split_first_chunk::<HEADER_LEN>()?;
    let [0x1f, 0x8b, 8, flags, ..] = *fixed else {
        return None;
    };
    if flags & FLAG_EXTRA != 0 {
        let (len, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*len))..)?;
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        if flags & flag != 0 {
            let end = rest.iter().position(|&byte| byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & FLAG_HEADER_CRC != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}
