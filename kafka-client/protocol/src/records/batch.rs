use bytes::{Buf, Bytes};

use super::header::{at, check_magic};
use super::{BatchHeader, Compression, RecordCursor, RecordError, compression, legacy};

/// The batches in a run of bytes, as a Fetch response or a log segment holds them.
///
/// Messages of the formats v0 and v1 may come before the batches, when a segment is older than Kafka
/// 0.11: each counts as a batch, of one record or, when it is compressed, of those in it.
///
/// A broker cuts its answer at a byte limit, so the last batch may be incomplete: that ends the
/// iteration without an error, and [`truncated_tail`](Self::truncated_tail) tells. An error ends it as
/// well, since where the next batch would start is then unknown.
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
    truncated: bool,
}

impl Batches {
    /// The batches in `bytes`, none of which is copied.
    #[must_use]
    pub fn new(bytes: Bytes) -> Self {
        Self {
            rest: bytes,
            truncated: false,
        }
    }

    /// Whether the iteration has met a batch that the bytes do not hold completely. When it was the
    /// first one, the batch is larger than the limit the bytes were fetched with.
    #[must_use]
    pub fn truncated_tail(&self) -> bool {
        self.truncated
    }

    /// The bytes not yet read. After a truncated tail they are its beginning.
    #[must_use]
    pub fn rest(&self) -> &Bytes {
        &self.rest
    }

    fn fail(&mut self, error: RecordError) -> Option<Result<Batch, RecordError>> {
        self.rest.clear();
        Some(Err(error))
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.truncated || self.rest.is_empty() {
            return None;
        }
        // The magic byte stands at the same place in all formats; what follows differs.
        let Some(&magic) = self.rest.get(at::MAGIC) else {
            self.truncated = true;
            return None;
        };
        let header = if legacy::is_legacy(magic as i8) {
            legacy::header(&self.rest)
        } else {
            check_magic(magic as i8).and_then(|()| complete(&self.rest))
        };
        let header = match header {
            Ok(Some(header)) => header,
            Ok(None) => {
                self.truncated = true;
                return None;
            }
            Err(error) => return self.fail(error),
        };
        Some(Ok(Batch {
            header,
            bytes: self.rest.split_to(header.total_len()),
        }))
    }
}

impl std::iter::FusedIterator for Batches {}

/// One complete record batch, or one message of format v0 or v1: its header, decoded, and its bytes,
/// untouched.
#[derive(Clone, Debug)]
pub struct Batch {
    header: BatchHeader,
    bytes: Bytes,
}

impl Batch {
    /// The one batch that `bytes` must be, as in a Produce request.
    ///
    /// # Errors
    ///
    /// Those of [`BatchHeader::parse`]; [`RecordError::Truncated`] and [`RecordError::NotOneBatch`]
    /// when the length in the header is not that of `bytes`.
    pub fn new(bytes: Bytes) -> Result<Self, RecordError> {
        let header = whole(&bytes)?;
        Ok(Self { header, bytes })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The whole batch, header included.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The whole batch, header included.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Compares the checksum in the header with the content. Reading the records does not do this.
    ///
    /// # Errors
    ///
    /// [`RecordError::CrcMismatch`].
    pub fn verify_crc(&self) -> Result<(), RecordError> {
        let actual = if legacy::is_legacy(self.header.magic) {
            legacy::checksum(&self.bytes)
        } else {
            crc32c::crc32c(&self.bytes[at::ATTRIBUTES..])
        };
        let expected = self.header.crc;
        if actual == expected {
            Ok(())
        } else {
            Err(RecordError::CrcMismatch { expected, actual })
        }
    }

    /// A cursor over the records, decompressed when they are compressed. `cap` is the most that they
    /// may decompress to, in bytes; it does not limit records that are not compressed.
    ///
    /// # Errors
    ///
    /// [`RecordError::BadHeaderField`], [`RecordError::CountMismatch`] and
    /// [`RecordError::UnknownCodec`] for a header that cannot be true,
    /// [`RecordError::BadCompressedData`] and [`RecordError::OutputCapExceeded`] from decompression. For
    /// a compressed message of format v0 or v1 also [`RecordError::BadLength`],
    /// [`RecordError::BadInnerMessage`], and [`RecordError::CrcMismatch`], [`RecordError::BadMagic`] or
    /// [`RecordError::BadBatchLength`] for a message in it.
    pub fn records(&self, cap: usize) -> Result<RecordCursor, RecordError> {
        let header = &self.header;
        let codec = header.attributes.compression()?;
        let bad = |field, value| Err(RecordError::BadHeaderField { field, value });
        if header.last_offset_delta < 0 {
            return bad("last offset delta", header.last_offset_delta.into());
        }
        // There must be an offset after the last one, for readers to go on at.
        if header.base_offset < 0 || header.last_offset() == i64::MAX {
            return bad("base offset", header.base_offset);
        }
        if legacy::is_legacy(header.magic) {
            return legacy::records(header, &self.bytes, cap);
        }
        if header.record_count < 0 {
            return bad("record count", header.record_count.into());
        }
        let mut payload = self.bytes.clone();
        payload.advance(BatchHeader::LEN);
        // Compaction leaves batches without records and, whatever the attributes say, without data.
        if codec == Compression::None || (header.record_count == 0 && payload.is_empty()) {
            return RecordCursor::new(header, payload, false);
        }
        let mut data = compression::take_buffer();
        match compression::decompress(codec, &payload, cap, &mut data) {
            Ok(()) => RecordCursor::new(header, data.freeze(), true),
            Err(error) => {
                compression::give_buffer(data);
                Err(error)
            }
        }
    }
}

/// The header at the start of `bytes`, or `None` when they do not hold the whole batch.
fn complete(bytes: &[u8]) -> Result<Option<BatchHeader>, RecordError> {
    match BatchHeader::parse(bytes) {
        Ok(header) if header.total_len() <= bytes.len() => Ok(Some(header)),
        Ok(_) | Err(RecordError::Truncated { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The header of the one batch that `bytes` must be.
pub(super) fn whole(bytes: &[u8]) -> Result<BatchHeader, RecordError> {
    // A message of an old format may be shorter than the header of a batch.
    if let Some(&magic) = bytes.get(at::MAGIC) {
        check_magic(magic as i8)?;
    }
    let header = BatchHeader::parse(bytes)?;
    let (needed, available) = (header.total_len(), bytes.len());
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
