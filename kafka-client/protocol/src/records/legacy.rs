//! Messages of the formats v0 and v1, which brokers before Kafka 0.11 stored and old segments still
//! hold. They are read and never written.
//!
//! ```text
//!   0       8     12      16  17    18         18 or 26
//!   +-------+-----+-------+---+-----+----------+-----------------+---------------------+
//!   | off-  |size |CRC-32 |mag|attri|timestamp,| key length, key | value length, value |
//!   | set   |     |       |ic |butes|v1 only   |                 |                     |
//!   +-------+-----+-------+---+-----+----------+-----------------+---------------------+
//!                 |<------- counted by the size -------------------------------------->|
//!                         |<------- covered by the checksum -------------------------->|
//! ```
//!
//! All integers are big-endian, a length of -1 means null. With a codec in its attributes a message is a
//! wrapper: its value is a set of messages, compressed as one block, and its offset that of the last
//! of them. Inside, v0 has the offsets themselves; v1 has them relative to an offset that follows from
//! those of the wrapper and the last message, so that a broker need not compress anew.

use bytes::{Bytes, BytesMut};
use flate2::Crc;

use super::header::{LOG_OVERHEAD, NO_TIMESTAMP, TimestampType, at};
use super::{Attributes, BatchHeader, Compression, RecordCursor, RecordError, compression};

/// Bits of the attributes: the codec, and in v1 the kind of timestamp.
const CODEC: u8 = 0b111;
const LOG_APPEND_TIME: u8 = 1 << 3;

/// The smallest size field: checksum, magic, attributes, two lengths, and in v1 the timestamp.
const SIZE_MIN_V0: usize = 14;
const SIZE_MIN_V1: usize = SIZE_MIN_V0 + 8;

/// Whether a magic byte is that of one of these formats.
pub(super) fn is_legacy(magic: i8) -> bool {
    matches!(magic, 0 | 1)
}

/// The header that a record batch would have in place of the message at the start of `bytes`; `None`
/// when the message is not complete.
pub(super) fn header(bytes: &[u8]) -> Result<Option<BatchHeader>, RecordError> {
    let mut rest = bytes;
    let message = Message::take(&mut rest)?;
    Ok(message.map(|message| {
        let compressed = message.attributes & CODEC != 0;
        BatchHeader {
            base_offset: message.offset,
            batch_length: (bytes.len() - rest.len() - LOG_OVERHEAD) as i32,
            partition_leader_epoch: -1,
            magic: message.magic,
            crc: message.crc,
            attributes: Attributes(i16::from(message.attributes)),
            last_offset_delta: 0,
            base_timestamp: message.timestamp,
            max_timestamp: message.timestamp,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            record_count: if compressed { -1 } else { 1 },
        }
    }))
}

/// Checksum of the complete message `bytes`.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    crc32(&bytes[at::MAGIC..])
}

/// A cursor over the one record of the message `bytes`, or over those in it when it is a wrapper.
pub(super) fn records(
    header: &BatchHeader,
    bytes: &Bytes,
    cap: usize,
) -> Result<RecordCursor, RecordError> {
    let codec = header.attributes.compression()?;
    if codec == Compression::None {
        let one = Set {
            count: 1,
            base_offset: 0,
            append_timestamp: None,
        };
        return Ok(RecordCursor::legacy(bytes.clone(), &one, false));
    }
    // The formats are older than the codec.
    if codec == Compression::Zstd {
        return Err(RecordError::UnknownCodec { id: codec.id() });
    }
    let mut data = compression::take_buffer();
    match unpack(header, codec, bytes, cap, &mut data) {
        Ok(set) => Ok(RecordCursor::legacy(data.freeze(), &set, true)),
        Err(error) => {
            compression::give_buffer(data);
            Err(error)
        }
    }
}

/// Decompresses the wrapper `bytes` into `data`, which then is complete messages and nothing else.
fn unpack(
    header: &BatchHeader,
    codec: Compression,
    bytes: &[u8],
    cap: usize,
    data: &mut BytesMut,
) -> Result<Set, RecordError> {
    let damaged = |reason: &str| RecordError::BadCompressedData {
        codec,
        reason: reason.to_owned(),
    };
    let value = Message::take(&mut &bytes[..])?
        .ok_or_else(|| damaged("the message is cut short"))?
        .key_and_value()
        .map_err(|field| RecordError::BadLength { index: 0, field })?
        .1
        .ok_or_else(|| damaged("the message has no value"))?;
    if header.magic == 0 {
        compression::decompress_v0(codec, value, cap, data)?;
    } else {
        compression::decompress(codec, value, cap, data)?;
    }

    let mut rest = &data[..];
    let (mut count, mut last, mut highest) = (0, 0, 0);
    // Like Kafka, this takes an incomplete message at the end for none.
    while let Some(message) = Message::take(&mut rest)? {
        let bad = |problem| RecordError::BadInnerMessage {
            index: count,
            problem,
        };
        if message.attributes & CODEC != 0 {
            return Err(bad("is compressed itself"));
        }
        if message.offset < 0 {
            return Err(bad("has a negative offset"));
        }
        // The wrapper's checksum says nothing about what the producer put in.
        let actual = crc32(message.covered);
        if actual != message.crc {
            let expected = message.crc;
            return Err(RecordError::CrcMismatch { expected, actual });
        }
        last = message.offset;
        highest = message.offset.max(highest);
        count += 1;
    }
    if count == 0 {
        return Err(damaged("there is no message in it"));
    }
    // Some versions of librdkafka leave the offset of a wrapper at 0; then those inside count.
    let base_offset = if header.magic == 0 || header.base_offset == 0 {
        0
    } else {
        header.base_offset - last
    };
    if base_offset < 0
        || base_offset
            .checked_add(highest)
            .is_none_or(|o| o == i64::MAX)
    {
        return Err(RecordError::BadInnerMessage {
            index: count - 1,
            problem: "has an offset beyond that of the message around it",
        });
    }
    let len = data.len() - rest.len();
    data.truncate(len);
    let append_time = header.attributes.timestamp_type() == TimestampType::LogAppendTime;
    Ok(Set {
        count,
        base_offset,
        append_timestamp: append_time.then_some(header.max_timestamp),
    })
}

/// What the messages of a set do not say themselves.
pub(super) struct Set {
    /// How many there are.
    pub(super) count: u32,
    /// What to add to each offset.
    pub(super) base_offset: i64,
    /// What to take for each timestamp.
    pub(super) append_timestamp: Option<i64>,
}

/// A message with its fixed fields decoded.
pub(super) struct Message<'a> {
    pub(super) offset: i64,
    pub(super) magic: i8,
    /// Without the bits that mean nothing in the format.
    attributes: u8,
    /// -1 in v0, which has none.
    pub(super) timestamp: i64,
    crc: u32,
    covered: &'a [u8],
    /// Key and value, each with its length in front.
    fields: &'a [u8],
}

impl<'a> Message<'a> {
    /// Takes a message off the front of `rest`; `None` when it is not complete.
    pub(super) fn take(rest: &mut &'a [u8]) -> Result<Option<Self>, RecordError> {
        let Some((offset, after)) = rest.split_first_chunk() else {
            return Ok(None);
        };
        let Some((size, after)) = after.split_first_chunk() else {
            return Ok(None);
        };
        let batch_length = i32::from_be_bytes(*size);
        let impossible = RecordError::BadBatchLength { batch_length };
        let Some(size) = usize::try_from(batch_length)
            .ok()
            .filter(|size| *size >= SIZE_MIN_V0)
        else {
            return Err(impossible);
        };
        let Some((body, after)) = after.split_at_checked(size) else {
            return Ok(None);
        };
        let Some((crc, covered)) = body.split_first_chunk() else {
            return Err(impossible);
        };
        let &[magic, attributes, ref fields @ ..] = covered else {
            return Err(impossible);
        };
        let (timestamp, attributes, fields) = match magic {
            0 => (NO_TIMESTAMP, attributes & CODEC, fields),
            1 if size < SIZE_MIN_V1 => return Err(impossible),
            1 => match fields.split_first_chunk() {
                Some((timestamp, fields)) => (
                    i64::from_be_bytes(*timestamp),
                    attributes & (CODEC | LOG_APPEND_TIME),
                    fields,
                ),
                None => return Err(impossible),
            },
            _ => {
                let magic = magic as i8;
                return Err(RecordError::BadMagic { magic });
            }
        };
        *rest = after;
        Ok(Some(Self {
            offset: i64::from_be_bytes(*offset),
            magic: magic as i8,
            attributes,
            timestamp,
            crc: u32::from_be_bytes(*crc),
            covered,
            fields,
        }))
    }

    /// The two fields; when one does not fit, its name.
    pub(super) fn key_and_value(&self) -> Result<KeyAndValue<'a>, &'static str> {
        let mut rest = self.fields;
        let key = nullable(&mut rest).ok_or("key")?;
        let value = nullable(&mut rest).ok_or("value")?;
        if rest.is_empty() {
            Ok((key, value))
        } else {
            Err("record")
        }
    }
}

type KeyAndValue<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// Takes a field with its length in front off the front of `rest`.
fn nullable<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let (len, after) = rest.split_first_chunk()?;
    let len = i32::from_be_bytes(*len);
    if len == -1 {
        *rest = after;
        return Some(None);
    }
    let (field, after) = after.split_at_checked(usize::try_from(len).ok()?)?;
    *rest = after;
    Some(Some(field))
}

/// CRC-32 as in zip files, not the CRC-32C of record batches.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
