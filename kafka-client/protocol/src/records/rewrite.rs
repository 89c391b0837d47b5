//! Changes to a batch that is already sealed: by the broker at its append or in compaction, and by a
//! producer whose batch was too large or whose identity has changed.

use bytes::{Bytes, BytesMut};

use super::batch::whole;
use super::builder::batch_length;
use super::header::{NO_TIMESTAMP, at, check_magic};
use super::{
    Batch, BatchBuilder, BatchHeader, Compression, CompressionConfig, Header, RecordError,
    RecordView, TimestampType, compression, varint,
};

/// Sets the offset of the first record and the leader epoch, both of which the checksum leaves out.
///
/// # Errors
///
/// Those of [`BatchHeader::parse`].
pub fn patch_base_offset(
    batch: &mut [u8],
    base_offset: i64,
    leader_epoch: i32,
) -> Result<(), RecordError> {
    let header = BatchHeader::parse(batch)?;
    BatchHeader {
        base_offset,
        partition_leader_epoch: leader_epoch,
        ..header
    }
    .write(batch)
}

/// Gives all records the time of the append, `timestamp` in milliseconds since the epoch, and computes
/// the checksum anew.
///
/// # Errors
///
/// Those of [`BatchHeader::parse`]; [`RecordError::Truncated`] and [`RecordError::NotOneBatch`] when
/// `batch` is not exactly one batch.
pub fn patch_log_append_time(batch: &mut [u8], timestamp: i64) -> Result<(), RecordError> {
    patch_timestamps(batch, TimestampType::LogAppendTime, timestamp)
}

/// Says who set the timestamps and which one is the largest, in milliseconds since the epoch, and
/// computes the checksum anew. The timestamps of the records stay what they are.
///
/// # Errors
///
/// Those of [`BatchHeader::parse`]; [`RecordError::Truncated`] and [`RecordError::NotOneBatch`] when
/// `batch` is not exactly one batch.
pub fn patch_timestamps(
    batch: &mut [u8],
    timestamp_type: TimestampType,
    max_timestamp: i64,
) -> Result<(), RecordError> {
    let header = whole(batch)?;
    let attributes = header.attributes.with_timestamp_type(timestamp_type);
    rewrite(
        batch,
        BatchHeader {
            attributes,
            max_timestamp,
            ..header
        },
    )
}

/// The batch with its records compressed otherwise; all else stays what it is. `cap` is the most that
/// it may decompress to, in bytes.
///
/// # Errors
///
/// [`RecordError::UnsupportedMagic`] for a message of format v0 or v1; those of [`Batch::records`] and
/// of [`BatchBuilder::seal`].
pub fn recompress(
    batch: &Batch,
    compression: CompressionConfig,
    cap: usize,
) -> Result<Bytes, RecordError> {
    check_magic(batch.header().magic)?;
    let cursor = batch.records(cap)?;
    pack(*batch.header(), cursor.data(), compression)
}

/// A copy of the batch under another producer id, epoch and first sequence.
///
/// # Errors
///
/// Those of [`BatchHeader::parse`]; [`RecordError::Truncated`] and [`RecordError::NotOneBatch`] when
/// `batch` is not exactly one batch.
pub fn reidentify(
    batch: &[u8],
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
) -> Result<Bytes, RecordError> {
    let header = whole(batch)?;
    let mut copy = BytesMut::from(batch);
    rewrite(
        &mut copy,
        BatchHeader {
            producer_id,
            producer_epoch,
            base_sequence,
            ..header
        },
    )?;
    Ok(copy.freeze())
}

/// The records of a batch in smaller batches, in order, to be sealed like the first.
///
/// Each has `max_bytes` at most before compression, unless a single record is larger than that, which
/// then is alone. `cap` is the most that the batch may decompress to, in bytes. The sequences go on
/// from one part to the next: see [`advance_sequence`](super::advance_sequence).
///
/// # Errors
///
/// Those of [`Batch::new`], [`Batch::records`] and of the records themselves, see
/// [`RecordCursor::next_record`](super::RecordCursor::next_record).
pub fn split(
    batch: &Bytes,
    max_bytes: usize,
    cap: usize,
) -> Result<Vec<BatchBuilder>, RecordError> {
    let batch = Batch::new(batch.clone())?;
    let records = batch.records(cap)?;
    let mut parts: Vec<BatchBuilder> = Vec::new();
    let mut headers: Vec<Header<'_>> = Vec::new();
    for record in &records {
        let record = record?;
        headers.clear();
        for header in record.headers {
            headers.push(header?);
        }
        let fits = |open: &BatchBuilder| {
            let size = open.record_size(record.timestamp, record.key, record.value, &headers);
            open.len() + size <= max_bytes
        };
        if !parts.last().is_some_and(fits) {
            let buf = BytesMut::with_capacity(max_bytes.min(batch.bytes().len()));
            parts.push(match batch.header().delete_horizon() {
                Some(timestamp) => BatchBuilder::with_delete_horizon(buf, timestamp),
                None => BatchBuilder::new(buf),
            });
        }
        if let Some(open) = parts.last_mut() {
            open.append(record.timestamp, record.key, record.value, &headers)?;
        }
    }
    Ok(parts)
}

/// What compaction leaves of a batch: the records for which `keep` is true, at their offsets.
///
/// Offsets, base timestamp, producer, sequences and codec (at its default level) stay what they are, and
/// so does the largest timestamp when the broker set it; else it becomes that of the records left. When
/// none is left the result is a header without records, which keeps the producer's last sequence known;
/// whether to store it is the caller's decision. `cap` is the most that the batch may decompress to, in
/// bytes.
///
/// # Errors
///
/// [`RecordError::UnsupportedMagic`] for a message of format v0 or v1; those of [`Batch::records`], of
/// [`RecordCursor::next_record`](super::RecordCursor::next_record) and of [`BatchBuilder::seal`].
pub fn retain(
    batch: &Batch,
    cap: usize,
    keep: impl FnMut(&RecordView<'_>) -> bool,
) -> Result<Bytes, RecordError> {
    retain_until(batch, cap, None, keep)
}

/// The same, and sets the batch's delete horizon (see [`BatchHeader::delete_horizon`]), in milliseconds since the
/// epoch. `None` leaves it as it is, and so does a batch of which nothing is left.
///
/// # Errors
///
/// Those of [`retain`].
pub fn retain_until(
    batch: &Batch,
    cap: usize,
    delete_horizon: Option<i64>,
    mut keep: impl FnMut(&RecordView<'_>) -> bool,
) -> Result<Bytes, RecordError> {
    check_magic(batch.header().magic)?;
    let cursor = batch.records(cap)?;
    let mut header = *batch.header();
    let mut kept = BytesMut::new();
    let mut max_timestamp = NO_TIMESTAMP;
    header.record_count = 0;
    let shift = delete_horizon.map_or(0, |horizon| header.base_timestamp.wrapping_sub(horizon));
    let mut records = cursor.iter();
    let mut start = 0;
    while let Some(record) = records.next() {
        let record = record?;
        let end = records.position();
        if keep(&record) {
            // All that a record holds is relative to the header: its bytes stay as long as that does.
            let bytes = &cursor.data()[start..end];
            match shift {
                0 => kept.extend_from_slice(bytes),
                shift => write_shifted(bytes, shift, &mut kept)?,
            }
            header.record_count += 1;
            max_timestamp = max_timestamp.max(record.timestamp);
        }
        start = end;
    }
    if header.attributes.timestamp_type() == TimestampType::CreateTime {
        header.max_timestamp = max_timestamp;
    }
    let mut codec = header.attributes.compression()?;
    if kept.is_empty() {
        codec = Compression::None;
    } else if let Some(horizon) = delete_horizon {
        header.base_timestamp = horizon;
        header.attributes = header.attributes.with_delete_horizon(true);
    }
    pack(header, &kept, codec.into())
}

/// A batch of a header and its records, which are compressed here.
fn pack(
    mut header: BatchHeader,
    records: &[u8],
    compression: CompressionConfig,
) -> Result<Bytes, RecordError> {
    let codec = compression.codec();
    header.attributes = header.attributes.with_compression(codec);
    let mut out = BytesMut::zeroed(BatchHeader::LEN);
    if codec == Compression::None {
        out.extend_from_slice(records);
    } else {
        let mut packed = compression::take_buffer();
        let result = compression::compress(compression, records, &mut packed);
        out.extend_from_slice(&packed);
        compression::give_buffer(packed);
        result?;
    }
    header.batch_length = batch_length(out.len())?;
    rewrite(&mut out, header)?;
    Ok(out.freeze())
}

/// Writes a record whose batch has another base timestamp now: `shift` is the old one less the new one.
fn write_shifted(record: &[u8], shift: i64, out: &mut BytesMut) -> Result<(), RecordError> {
    let cut_short = || RecordError::Truncated {
        needed: record.len() + 1,
        available: record.len(),
    };
    let mut rest = record;
    varint::take_i32(&mut rest).ok_or_else(cut_short)?;
    let (attributes, mut rest) = rest.split_first().ok_or_else(cut_short)?;
    let delta = varint::take_i64(&mut rest).ok_or_else(cut_short)?;
    let delta = delta.wrapping_add(shift);
    let body = 1 + varint::len(delta) + rest.len();
    let mut head = [0; 2 * varint::MAX_LEN_64 + 1];
    let mut at = varint::write(&mut head, body as i64);
    head[at] = *attributes;
    at += 1;
    at += varint::write(&mut head[at..], delta);
    out.extend_from_slice(&head[..at]);
    out.extend_from_slice(rest);
    Ok(())
}

fn rewrite(batch: &mut [u8], mut header: BatchHeader) -> Result<(), RecordError> {
    header.write(batch)?;
    header.crc = crc32c::crc32c(&batch[at::ATTRIBUTES..]);
    header.write(batch)
}
