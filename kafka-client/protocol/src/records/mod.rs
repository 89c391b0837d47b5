//! Record batches, format v2: what a Produce request carries, what a log segment stores and what a
//! Fetch response returns, byte for byte the same. A Fetch response may also have messages of the
//! formats v0 and v1 from old segments; they are read like batches.
//!
//! ```text
//!   0         8      12      16  17    21    23       27         35        43      51    53     57    61
//!   +---------+------+-------+---+-----+-----+--------+----------+---------+-------+-----+------+-----+---------
//!   | base    |length|leader |mag|CRC- |attri|last    |base      |max      |produ- |epoch|base  |count| records
//!   | offset  |      |epoch  |ic2| 32C |butes|offset  |timestamp |timestamp|cer id |     |seq.  |     |
//!   |         |      |       |   |     |     |delta   |          |         |       |     |      |     |
//!   +---------+------+-------+---+-----+-----+--------+----------+---------+-------+-----+------+-----+---------
//!                    |<------- counted by the length ---------------------------------------------------------->|
//!                                      |<------- covered by the checksum -------------------------------------->|
//!
//!   a record; all its integers are zigzag varints, lengths are in bytes, -1 means null:
//!
//!   | length | attributes 0x00 | timestamp - base | offset - base | key length, key | value length, value |
//!   | header count | key length, key, value length, value | ... |
//! ```
//!
//! With a codec in the attributes, the records (and not the header) are compressed as one block.
//!
//! Writing: a [`BatchBuilder`] encodes each record once, in place; [`BatchBuilder::seal`] compresses and
//! fills the header in. Reading: [`Batches`] cuts a frame into [`Batch`]es; [`Batch::verify_crc`] checks one, which nothing
//! else does, and its [`RecordCursor`] decodes
//! one record at a time and borrows from the frame. [`patch_base_offset`], [`patch_log_append_time`],
//! [`reidentify`], [`split`] and [`retain`] change batches that are already sealed. [`ControlRecord`] is
//! what stands in a control batch.
//!
//! Nothing here panics on bytes from the network or gives them memory they only claim to need.

mod batch;
mod builder;
mod compression;
mod control;
mod cursor;
mod error;
mod header;
mod legacy;
mod rewrite;
#[cfg(test)]
mod tests;
mod varint;

pub use batch::{Batch, Batches};
pub use builder::{BatchBuilder, Seal, Sealed, record_size_upper_bound};
pub use compression::{Compression, CompressionConfig};
pub use control::{
    ControlRecord, ControlRecordType, EndTransactionMarker, LeaderChangeMessage, Voter,
};
pub use cursor::{Header, Headers, HeadersView, RecordCursor, RecordView, Records};
pub use error::RecordError;
pub use header::{Attributes, BatchHeader, TimestampType, advance_sequence};
pub use rewrite::{
    patch_base_offset, patch_log_append_time, patch_timestamps, recompress, reidentify, retain,
    retain_until, split,
};
