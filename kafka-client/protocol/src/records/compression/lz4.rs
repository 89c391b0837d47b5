//! The LZ4 frame format, as much of it as Java's reader knows: one frame of independent blocks; what
//! follows the frame is ignored. Blocks are decoded straight into the output, which the library's own
//! frame reader would copy twice.

use std::cell::Cell;

use bytes::BytesMut;
use lz4_flex::block::{
    CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size,
};
use twox_hash::XxHash32;

use super::{Failure, Output, lengthen, with_context};

const MAGIC: [u8; 4] = 0x184D_2204_u32.to_le_bytes();
const BLOCK_LEN: usize = 64 * 1024;
/// What Java writes: version 1, independent blocks, no checksums but the header's, blocks of 64 KiB.
const HEADER: [u8; 7] = [MAGIC[0], MAGIC[1], MAGIC[2], MAGIC[3], 0x60, 0x40, 0x82];
const END_MARK: [u8; 4] = [0; 4];
/// Top bit of a block's length: the block is stored as it is.
const STORED: u32 = 1 << 31;

const FLAG_VERSION: u8 = 0b1100_0000;
const FLAG_VERSION_1: u8 = 0b0100_0000;
const FLAG_INDEPENDENT: u8 = 1 << 5;
const FLAG_BLOCK_CHECKSUM: u8 = 1 << 4;
const FLAG_CONTENT_SIZE: u8 = 1 << 3;
const FLAG_RESERVED: u8 = 1 << 1;
const FLAG_DICTIONARY: u8 = 1;

thread_local! {
    static TABLES: Cell<Option<Tables>> = const { Cell::new(None) };
}

/// The smaller table is faster to clear, and serves all inputs below 64 KiB.
struct Tables {
    small: CompressTable,
    large: CompressTable,
}

pub(super) fn compress(src: &[u8], out: &mut BytesMut) -> Result<usize, String> {
    with_context(
        &TABLES,
        || {
            Ok(Tables {
                small: CompressTable::small(),
                large: CompressTable::large(),
            })
        },
        |tables| {
            lengthen(out, HEADER.len());
            out[..HEADER.len()].copy_from_slice(&HEADER);
            let mut end = HEADER.len();
            for block in src.chunks(BLOCK_LEN) {
                let start = end + 4;
                lengthen(out, start + get_maximum_output_size(block.len()));
                let table = if block.len() < usize::from(u16::MAX) {
                    &mut tables.small
                } else {
                    &mut tables.large
                };
                let mut len = compress_into_with_table(block, &mut out[start..], table)
                    .map_err(|error| error.to_string())?;
                let mut mark = len as u32;
                if len >= block.len() {
                    len = block.len();
                    mark = len as u32 | STORED;
                    out[start..start + len].copy_from_slice(block);
                }
                out[end..start].copy_from_slice(&mark.to_le_bytes());
                end = start + len;
            }
            lengthen(out, end + END_MARK.len());
            out[end..end + END_MARK.len()].copy_from_slice(&END_MARK);
            Ok(end + END_MARK.len())
        },
    )
}

/// What to do with the checksum of a frame's header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderChecksum {
    Verified,
    Ignored,
}

pub(super) fn decompress(
    src: &[u8],
    checksum: HeaderChecksum,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let (frame, mut rest) = Frame::parse(src, checksum)?;
    loop {
        let mark = u32::from_le_bytes(*take(&mut rest)?);
        if mark == 0 {
            return Ok(());
        }
        let len = (mark & !STORED) as usize;
        if len > frame.block_len {
            return Err(Failure::data("block is larger than the frame allows"));
        }
        let (block, after) = rest
            .split_at_checked(len)
            .ok_or_else(|| Failure::data("block is cut short"))?;
        rest = after;
        if frame.block_checksums {
            let checksum = u32::from_le_bytes(*take(&mut rest)?);
            if XxHash32::oneshot(0, block) != checksum {
                return Err(Failure::data("block checksum does not match"));
            }
        }
        if mark & STORED != 0 {
            out.push(block)?;
        } else {
            decode_block(block, frame.block_len, out)?;
        }
    }
}

fn decode_block(block: &[u8], block_len: usize, out: &mut Output<'_>) -> Result<(), Failure> {
    // A match byte stands for 255 bytes at most, so this is all the block can hold.
    let most = block_len.min(block.len().saturating_mul(255));
    let at_cap = out.cap - out.len < most;
    let room = out.room_within_cap(most);
    match decompress_into(block, room) {
        Ok(len) => {
            out.advance(len);
            Ok(())
        }
        Err(lz4_flex::block::DecompressError::OutputTooSmall { .. }) if at_cap => Err(Failure::Cap),
        Err(error) => Err(Failure::data(error)),
    }
}

struct Frame {
    block_len: usize,
    block_checksums: bool,
}

impl Frame {
    fn parse(src: &[u8], verify: HeaderChecksum) -> Result<(Self, &[u8]), Failure> {
        let mut rest = src;
        if take::<4>(&mut rest)? != &MAGIC {
            return Err(Failure::data("no LZ4 frame"));
        }
        let descriptor = rest;
        let [flags, block] = *take::<2>(&mut rest)?;
        if flags & FLAG_VERSION != FLAG_VERSION_1 {
            return Err(Failure::data("frame version is not supported"));
        }
        if flags & FLAG_RESERVED != 0 || block & 0b1000_1111 != 0 {
            return Err(Failure::data("reserved bits of the frame header are set"));
        }
        if flags & FLAG_INDEPENDENT == 0 {
            return Err(Failure::data(
                "frames of dependent blocks are not supported",
            ));
        }
        if flags & FLAG_DICTIONARY != 0 {
            return Err(Failure::data("frames with a dictionary are not supported"));
        }
        let block_len = match block >> 4 {
            size @ 4..=7 => 1 << (2 * size + 8),
            _ => return Err(Failure::data("block size of the frame is not valid")),
        };
        if flags & FLAG_CONTENT_SIZE != 0 {
            take::<8>(&mut rest)?;
        }
        let descriptor = &descriptor[..descriptor.len() - rest.len()];
        let [checksum] = *take::<1>(&mut rest)?;
        if verify == HeaderChecksum::Verified
            && (XxHash32::oneshot(0, descriptor) >> 8) as u8 != checksum
        {
            return Err(Failure::data("frame header checksum does not match"));
        }
        Ok((
            Self {
                block_len,
                block_checksums: flags & FLAG_BLOCK_CHECKSUM != 0,
            },
            rest,
        ))
    }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], Failure> {
    let (head, tail) = rest
        .split_first_chunk()
        .ok_or_else(|| Failure::data("frame is cut short"))?;
    *rest = tail;
    Ok(head)
}
