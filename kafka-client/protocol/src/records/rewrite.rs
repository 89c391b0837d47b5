//! Changes to a batch that is already sealed: by the broker at its append, and by a producer whose
//! batch was too large or whose identity has changed.

use bytes::{Bytes, BytesMut};

use super::header::at;
use super::{Batch, BatchBuilder, BatchHeader, Header, RecordError, TimestampType};

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
    let header = whole(batch)?;
    let attributes = header
        .attributes
        .with_timestamp_type(TimestampType::LogAppendTime);
    rewrite(
        batch,
        BatchHeader {
            attributes,
            max_timestamp: timestamp,
            ..header
        },
    )
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
            parts.push(BatchBuilder::new(BytesMut::with_capacity(
                max_bytes.min(batch.bytes().len()),
            )));
        }
        if let Some(open) = parts.last_mut() {
            open.append(record.timestamp, record.key, record.value, &headers)?;
        }
    }
    Ok(parts)
}

/// The header of the one batch that `batch` must be.
fn whole(batch: &[u8]) -> Result<BatchHeader, RecordError> {
    let header = BatchHeader::parse(batch)?;
    let (needed, available) = (header.total_len(), batch.len());
    if needed > available {
        return Err(RecordError::Truncated { needed, available });
    }
    if needed < available {
        return Err(RecordError::NotOneBatch {
            extra: available - needed,
        });
    }
    Ok(header)
}

fn rewrite(batch: &mut [u8], mut header: BatchHeader) -> Result<(), RecordError> {
    header.write(batch)?;
    header.crc = crc32c::crc32c(&batch[at::ATTRIBUTES..]);
    header.write(batch)
}
