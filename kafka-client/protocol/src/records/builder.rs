use bytes::{Bytes, BytesMut};

use super::header::{LOG_OVERHEAD, MAGIC_V2, NO_TIMESTAMP, at};
use super::{
    Attributes, BatchHeader, Compression, CompressionConfig, Header, RecordError, TimestampType,
    compression, varint,
};

/// An open batch: records are encoded one after the other into one buffer, the header is filled in
/// when the batch is sealed.
///
/// ```
/// use bytes::BytesMut;
/// use kafka_client_protocol::records::{BatchBuilder, Batches, Seal};
///
/// let mut open = BatchBuilder::new(BytesMut::with_capacity(16 * 1024));
/// open.append(1_700_000_000_000, Some(b"key"), Some(b"value"), &[])?;
/// let sealed = open.seal(&Seal::default())?;
///
/// let batch = Batches::new(sealed.bytes).next().expect("one batch")?;
/// let mut records = batch.records(1 << 20)?;
/// let record = records.next_record().expect("one record")?;
/// assert_eq!(record.value, Some(&b"value"[..]));
/// # Ok::<(), kafka_client_protocol::records::RecordError>(())
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    /// Room for the header, then the records up to `end`, then bytes that are writable but mean
    /// nothing: writing into a slice is faster than extending a buffer bit by bit.
    buf: BytesMut,
    end: usize,
    record_count: u32,
    base_timestamp: i64,
    max_timestamp: i64,
    /// The base timestamp is the delete horizon, and not the first record's.
    delete_horizon: bool,
}

/// What the header of a batch says beyond its records. The default is a plain batch of a producer
/// without idempotence, uncompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Offset of the first record. Producers leave the default, 0.
    pub base_offset: i64,
    /// Leader epoch of the partition. Producers leave the default, -1.
    pub partition_leader_epoch: i32,
    /// Id of an idempotent producer. Defaults to -1, none.
    pub producer_id: i64,
    /// Epoch of an idempotent producer. Defaults to -1, none.
    pub producer_epoch: i16,
    /// Sequence of the first record. Defaults to -1, none.
    pub base_sequence: i32,
    /// Codec and level. Defaults to none.
    pub compression: CompressionConfig,
    /// Whether the batch belongs to a transaction. Defaults to no.
    pub transactional: bool,
    /// Whether the records are transaction markers. Defaults to no.
    pub control: bool,
    /// Who set the timestamps. Defaults to the producer.
    pub timestamp_type: TimestampType,
}

impl Default for Seal {
    fn default() -> Self {
        Self {
            base_offset: 0,
            partition_leader_epoch: -1,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            compression: CompressionConfig::default(),
            transactional: false,
            control: false,
            timestamp_type: TimestampType::CreateTime,
        }
    }
}

/// A finished batch, ready for the wire.
#[derive(Debug)]
pub struct Sealed {
    /// The whole batch. Uncompressed, this is the builder's own buffer; compressed, it is a buffer of
    /// exactly the size of the batch.
    pub bytes: Bytes,
    /// The header that `bytes` starts with.
    pub header: BatchHeader,
    /// Number of records.
    pub record_count: u32,
    /// Size of the batch before compression, header included, in bytes.
    pub uncompressed_len: usize,
    /// The builder's buffer, for a batch to come, when `bytes` is another one.
    pub spare: Option<BytesMut>,
}

impl BatchBuilder {
    /// A batch that is built in `buf`, whose content is dropped. The header takes its first 61 bytes;
    /// the buffer grows when the records need more than its capacity.
    ///
    /// A buffer that still has the content of an earlier batch is used quicker than an empty one: its
    /// bytes need not be made writable again.
    #[must_use]
    pub fn new(mut buf: BytesMut) -> Self {
        if buf.len() < BatchHeader::LEN {
            buf.resize(BatchHeader::LEN, 0);
        }
        Self {
            buf,
            end: BatchHeader::LEN,
            record_count: 0,
            base_timestamp: NO_TIMESTAMP,
            max_timestamp: NO_TIMESTAMP,
            delete_horizon: false,
        }
    }

    /// As [`new`](Self::new), for compaction: a batch whose tombstones and markers may be dropped after
    /// `timestamp`, in milliseconds since the epoch (KIP-534).
    #[must_use]
    pub fn with_delete_horizon(buf: BytesMut, timestamp: i64) -> Self {
        Self {
            base_timestamp: timestamp,
            delete_horizon: true,
            ..Self::new(buf)
        }
    }

    /// Appends a record and gives its offset relative to the batch. `timestamp` is in milliseconds
    /// since the epoch, -1 for none.
    ///
    /// # Errors
    ///
    /// [`RecordError::BadTimestamp`] for a negative timestamp other than -1,
    /// [`RecordError::RecordTooLarge`] when the batch would exceed 2 GiB. The batch is unchanged then.
    /// Lower limits, such as `batch.size`, are the caller's: see [`record_size`](Self::record_size).
    #[inline]
    pub fn append(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Result<u32, RecordError> {
        self.append_if(timestamp, key, value, headers, |_| Ok(()))
    }

    /// As [`append`](Self::append), if `admit` agrees to the bytes that the record adds.
    ///
    /// # Errors
    ///
    /// Those of [`append`](Self::append), and of `admit`. The batch is unchanged then.
    #[inline]
    pub fn append_if<E: From<RecordError>>(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
        admit: impl FnOnce(usize) -> Result<(), E>,
    ) -> Result<u32, E> {
        let offset = self.record_count;
        let base_timestamp = if offset == 0 && !self.delete_horizon {
            timestamp
        } else {
            self.base_timestamp
        };
        let timestamp_delta = timestamp.wrapping_sub(base_timestamp);
        let body = body_size(timestamp_delta, i64::from(offset), key, value, headers);
        let size = varint::len(body as i64) + body;
        if timestamp < NO_TIMESTAMP {
            return Err(RecordError::BadTimestamp { timestamp }.into());
        }
        if size > BATCH_LEN_MAX - self.end {
            let batch_len = self.end;
            return Err(RecordError::RecordTooLarge { size, batch_len }.into());
        }
        admit(size)?;

        let start = self.end;
        if self.buf.len() - start < size {
            self.initialise(size);
        }
        let mut out = Pen {
            out: &mut self.buf[start..start + size],
            at: 0,
        };
        out.varint(body as i64);
        out.byte(0);
        out.varint(timestamp_delta);
        out.varint(i64::from(offset));
        out.field(key);
        out.field(value);
        out.varint(headers.len() as i64);
        for header in headers {
            out.field(Some(header.key.as_bytes()));
            out.field(header.value);
        }
        debug_assert_eq!(out.at, size);

        self.end = start + size;
        self.base_timestamp = base_timestamp;
        self.max_timestamp = self.max_timestamp.max(timestamp);
        self.record_count += 1;
        Ok(offset)
    }

    /// Bytes that [`append`](Self::append) would add for this record now.
    #[must_use]
    #[inline]
    pub fn record_size(
        &self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> usize {
        let base_timestamp = if self.is_empty() && !self.delete_horizon {
            timestamp
        } else {
            self.base_timestamp
        };
        let timestamp_delta = timestamp.wrapping_sub(base_timestamp);
        let body = body_size(
            timestamp_delta,
            i64::from(self.record_count),
            key,
            value,
            headers,
        );
        varint::len(body as i64) + body
    }

    /// Size of the batch so far, header included, in bytes before compression.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end
    }

    /// Whether there is no record yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    /// Bytes that the buffer can hold without growing.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buf.capacity()
    }

    /// Number of records so far.
    #[must_use]
    pub fn record_count(&self) -> u32 {
        self.record_count
    }

    /// Timestamp of the first record, -1 before there is one; the delete horizon if there is that.
    #[must_use]
    pub fn base_timestamp(&self) -> i64 {
        self.base_timestamp
    }

    /// Largest timestamp so far, -1 before there is one.
    #[must_use]
    pub fn max_timestamp(&self) -> i64 {
        self.max_timestamp
    }

    /// Gives the buffer back, for a batch to come, and drops the records.
    #[must_use]
    pub fn into_buffer(self) -> BytesMut {
        self.buf
    }

    /// Compresses the records if asked to, fills the header in and computes the checksum. The codec
    /// stays the one asked for even where it does not shrink the records, as in Kafka.
    ///
    /// # Errors
    ///
    /// [`RecordError::EmptyBatch`] without records; [`RecordError::CompressionFailed`] and
    /// [`RecordError::RecordTooLarge`] when the encoder fails or its output exceeds 2 GiB.
    pub fn seal(mut self, seal: &Seal) -> Result<Sealed, RecordError> {
        if self.is_empty() {
            return Err(RecordError::EmptyBatch);
        }
        let uncompressed_len = self.end;
        self.buf.truncate(self.end);
        let (mut buf, spare) = if seal.compression.codec() == Compression::None {
            (self.buf, None)
        } else {
            let compressed = compressed(&self.buf, seal.compression)?;
            (compressed, Some(self.buf))
        };
        if buf.len() > BATCH_LEN_MAX {
            let size = buf.len() - BatchHeader::LEN;
            return Err(RecordError::RecordTooLarge {
                size,
                batch_len: BatchHeader::LEN,
            });
        }
        let mut header = BatchHeader {
            base_offset: seal.base_offset,
            batch_length: batch_length(buf.len())?,
            partition_leader_epoch: seal.partition_leader_epoch,
            magic: MAGIC_V2,
            crc: 0,
            attributes: Attributes::default()
                .with_compression(seal.compression.codec())
                .with_timestamp_type(seal.timestamp_type)
                .with_transactional(seal.transactional)
                .with_control(seal.control)
                .with_delete_horizon(self.delete_horizon),
            last_offset_delta: (self.record_count - 1) as i32,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: seal.producer_id,
            producer_epoch: seal.producer_epoch,
            base_sequence: seal.base_sequence,
            record_count: self.record_count as i32,
        };
        header.write(&mut buf)?;
        header.crc = crc32c::crc32c(&buf[at::ATTRIBUTES..]);
        buf[at::CRC..at::ATTRIBUTES].copy_from_slice(&header.crc.to_be_bytes());
        Ok(Sealed {
            bytes: buf.freeze(),
            header,
            record_count: self.record_count,
            uncompressed_len,
            spare,
        })
    }

    /// Makes at least `size` bytes after the records writable.
    #[cold]
    fn initialise(&mut self, size: usize) {
        let len = self.end + size.max(INITIALISE_STEP);
        // The buffer's capacity is the owner's choice: only the record itself may exceed it.
        let len = len.min(self.buf.capacity()).max(self.end + size);
        self.buf.resize(len, 0);
    }
}

/// Bytes that a record takes at most, in whatever batch and at whatever place.
///
/// ```
/// use kafka_client_protocol::records::record_size_upper_bound;
///
/// assert!(record_size_upper_bound(None, Some(&[0; 100]), &[]) <= 100 + 26);
/// ```
#[must_use]
pub fn record_size_upper_bound(
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[Header<'_>],
) -> usize {
    let body = body_size(i64::MIN, i64::from(i32::MAX), key, value, headers);
    varint::len(body as i64) + body
}

/// The length field of a batch is an `i32` that does not count its first 12 bytes; keeping the whole
/// within an `i32` too lets every reader use one.
const BATCH_LEN_MAX: usize = i32::MAX as usize;

/// The length field of a batch of `len` bytes.
pub(super) fn batch_length(len: usize) -> Result<i32, RecordError> {
    if len > BATCH_LEN_MAX {
        let size = len - BatchHeader::LEN;
        return Err(RecordError::RecordTooLarge {
            size,
            batch_len: BatchHeader::LEN,
        });
    }
    Ok((len - LOG_OVERHEAD) as i32)
}

#[inline]
fn body_size(
    timestamp_delta: i64,
    offset_delta: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[Header<'_>],
) -> usize {
    // Attributes, which are unused, take one byte.
    let fixed = 1 + varint::len(timestamp_delta) + varint::len(offset_delta);
    let mut size = fixed + field_size(key) + field_size(value) + varint::len(headers.len() as i64);
    for header in headers {
        // Many headers may share one large slice; only their sum can overflow.
        size = size
            .saturating_add(field_size(Some(header.key.as_bytes())))
            .saturating_add(field_size(header.value));
    }
    size.min(BODY_SIZE_MAX)
}

/// The buffer is made writable in steps of this many bytes, so that little of it is for nothing.
const INITIALISE_STEP: usize = 4096;

/// Keeps the arithmetic on sizes from overflowing; far above what a batch can hold.
const BODY_SIZE_MAX: usize = isize::MAX as usize / 2;

#[inline]
fn field_size(field: Option<&[u8]>) -> usize {
    match field {
        Some(bytes) => varint::len(bytes.len() as i64) + bytes.len(),
        None => 1,
    }
}

fn compressed(batch: &[u8], config: CompressionConfig) -> Result<BytesMut, RecordError> {
    let mut packed = compression::take_buffer();
    let result = compression::compress(config, &batch[BatchHeader::LEN..], &mut packed);
    let out = result.map(|()| {
        let mut out = BytesMut::with_capacity(BatchHeader::LEN + packed.len());
        out.extend_from_slice(&[0; BatchHeader::LEN]);
        out.extend_from_slice(&packed);
        out
    });
    compression::give_buffer(packed);
    out
}

/// Writes the fields of a record one after the other.
struct Pen<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Pen<'_> {
    #[inline]
    fn byte(&mut self, byte: u8) {
        self.out[self.at] = byte;
        self.at += 1;
    }

    // Inlined by force: the position has to stay in a register. Calls make an append half as slow again.
    #[inline(always)]
    fn varint(&mut self, value: i64) {
        self.at += varint::write(&mut self.out[self.at..], value);
    }

    #[inline(always)]
    fn field(&mut self, field: Option<&[u8]>) {
        match field {
            Some(bytes) => {
                self.varint(bytes.len() as i64);
                self.out[self.at..][..bytes.len()].copy_from_slice(bytes);
                self.at += bytes.len();
            }
            None => self.varint(-1),
        }
    }
}
