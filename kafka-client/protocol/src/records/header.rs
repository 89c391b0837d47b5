use super::{Compression, RecordError};

/// Position of the fields in a batch.
pub(super) mod at {
    pub(in crate::records) const BATCH_LENGTH: usize = 8;
    pub(in crate::records) const LEADER_EPOCH: usize = 12;
    pub(in crate::records) const MAGIC: usize = 16;
    pub(in crate::records) const CRC: usize = 17;
    pub(in crate::records) const ATTRIBUTES: usize = 21;
    pub(in crate::records) const MAX_TIMESTAMP: usize = 35;
    pub(in crate::records) const PRODUCER_ID: usize = 43;
}

/// Magic byte of the format.
pub(super) const MAGIC_V2: i8 = 2;
/// Timestamp of a record that has none.
pub(super) const NO_TIMESTAMP: i64 = -1;
/// Bytes that the length field does not count: base offset and the length itself.
pub(super) const LOG_OVERHEAD: usize = 12;

/// The fixed part of a record batch, in wire order.
///
/// For a message of format v0 or v1, the header is what a batch in its place would say: the offset is
/// the message's own, which is that of the last record when the message is compressed (but for some
/// old writers of v1, which left it at 0); codec, kind of
/// timestamp, timestamp and checksum are the message's; `record_count` is -1 when the message is
/// compressed, since it does not say; producer, sequence and leader epoch are -1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record. Producers write 0, the broker patches it.
    pub base_offset: i64,
    /// Bytes of the batch after this field, so the whole batch less 12.
    pub batch_length: i32,
    /// Leader epoch of the partition at the append, -1 when unknown. Not covered by the CRC.
    pub partition_leader_epoch: i32,
    /// Format version: 2, or 0 or 1 for a message of an old format.
    pub magic: i8,
    /// CRC-32C of everything from the attributes to the end of the batch; in the old formats, CRC-32
    /// of everything from the magic byte.
    pub crc: u32,
    /// Codec, kind of timestamps and kind of records.
    pub attributes: Attributes,
    /// Offset of the last record relative to `base_offset`. Compaction keeps it, so a batch may end
    /// before it.
    pub last_offset_delta: i32,
    /// Timestamp that the records' own are relative to, in milliseconds since the epoch.
    pub base_timestamp: i64,
    /// Largest timestamp of the records, or the time of the append when the attributes say so.
    pub max_timestamp: i64,
    /// Id of an idempotent producer, else -1.
    pub producer_id: i64,
    /// Epoch of an idempotent producer, else -1.
    pub producer_epoch: i16,
    /// Sequence of the first record of an idempotent producer, else -1.
    pub base_sequence: i32,
    /// Number of records.
    pub record_count: i32,
}

impl BatchHeader {
    /// Size of the header, in bytes.
    pub const LEN: usize = 61;

    /// Reads the header at the start of `bytes`, which may hold more than the header.
    ///
    /// # Errors
    ///
    /// [`RecordError::Truncated`] when fewer than 61 bytes are there,
    /// [`RecordError::UnsupportedMagic`] and [`RecordError::BadMagic`] for another format than v2,
    /// [`RecordError::BadBatchLength`] for a length that does not cover the header itself.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let Some(raw) = bytes.first_chunk::<{ Self::LEN }>() else {
            return Err(RecordError::Truncated {
                needed: Self::LEN,
                available: bytes.len(),
            });
        };
        let header = Self {
            base_offset: i64::from_be_bytes(field(raw, 0)),
            batch_length: i32::from_be_bytes(field(raw, at::BATCH_LENGTH)),
            partition_leader_epoch: i32::from_be_bytes(field(raw, at::LEADER_EPOCH)),
            magic: i8::from_be_bytes(field(raw, at::MAGIC)),
            crc: u32::from_be_bytes(field(raw, at::CRC)),
            attributes: Attributes(i16::from_be_bytes(field(raw, at::ATTRIBUTES))),
            last_offset_delta: i32::from_be_bytes(field(raw, 23)),
            base_timestamp: i64::from_be_bytes(field(raw, 27)),
            max_timestamp: i64::from_be_bytes(field(raw, at::MAX_TIMESTAMP)),
            producer_id: i64::from_be_bytes(field(raw, at::PRODUCER_ID)),
            producer_epoch: i16::from_be_bytes(field(raw, 51)),
            base_sequence: i32::from_be_bytes(field(raw, 53)),
            record_count: i32::from_be_bytes(field(raw, 57)),
        };
        check_magic(header.magic)?;
        if header.batch_length < (Self::LEN - LOG_OVERHEAD) as i32 {
            return Err(RecordError::BadBatchLength {
                batch_length: header.batch_length,
            });
        }
        Ok(header)
    }

    /// The header's bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        put(&mut out, 0, self.base_offset.to_be_bytes());
        put(&mut out, at::BATCH_LENGTH, self.batch_length.to_be_bytes());
        put(
            &mut out,
            at::LEADER_EPOCH,
            self.partition_leader_epoch.to_be_bytes(),
        );
        put(&mut out, at::MAGIC, self.magic.to_be_bytes());
        put(&mut out, at::CRC, self.crc.to_be_bytes());
        put(&mut out, at::ATTRIBUTES, self.attributes.0.to_be_bytes());
        put(&mut out, 23, self.last_offset_delta.to_be_bytes());
        put(&mut out, 27, self.base_timestamp.to_be_bytes());
        put(
            &mut out,
            at::MAX_TIMESTAMP,
            self.max_timestamp.to_be_bytes(),
        );
        put(&mut out, at::PRODUCER_ID, self.producer_id.to_be_bytes());
        put(&mut out, 51, self.producer_epoch.to_be_bytes());
        put(&mut out, 53, self.base_sequence.to_be_bytes());
        put(&mut out, 57, self.record_count.to_be_bytes());
        out
    }

    /// Writes the header over the first 61 bytes of `out`.
    ///
    /// # Errors
    ///
    /// [`RecordError::Truncated`] when `out` is shorter than that.
    pub fn write(&self, out: &mut [u8]) -> Result<(), RecordError> {
        let available = out.len();
        match out.first_chunk_mut::<{ Self::LEN }>() {
            Some(head) => {
                *head = self.encode();
                Ok(())
            }
            None => Err(RecordError::Truncated {
                needed: Self::LEN,
                available,
            }),
        }
    }

    /// Offset of the last record the batch was written with; no overflow, whatever the fields say.
    #[must_use]
    pub fn last_offset(&self) -> i64 {
        self.base_offset
            .saturating_add(i64::from(self.last_offset_delta))
    }

    /// Offset after the batch: where a reader goes on.
    #[must_use]
    pub fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// Time after which compaction may drop the batch's tombstones and markers (KIP-534), in
    /// milliseconds since the epoch, if compaction has set one. It is the base timestamp then, and the
    /// records' own are relative to it like to any other.
    #[must_use]
    pub fn delete_horizon(&self) -> Option<i64> {
        self.attributes
            .has_delete_horizon()
            .then_some(self.base_timestamp)
    }

    /// Size of the whole batch, in bytes.
    #[must_use]
    pub fn total_len(&self) -> usize {
        LOG_OVERHEAD + usize::try_from(self.batch_length).unwrap_or(0)
    }

    /// Sequence of the last record the batch was written with, -1 when the batch has none.
    #[must_use]
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        advance_sequence(self.base_sequence, self.last_offset_delta)
    }
}

/// `sequence` moved on by `records`; after 2^31 - 1 comes 0.
///
/// ```
/// use kafka_client_protocol::records::advance_sequence;
///
/// assert_eq!(advance_sequence(7, 3), 10);
/// assert_eq!(advance_sequence(i32::MAX, 1), 0);
/// ```
#[must_use]
pub fn advance_sequence(sequence: i32, records: i32) -> i32 {
    sequence.wrapping_add(records) & i32::MAX
}

/// Bits of a batch that say how to read it.
///
/// | bits | meaning |
/// |---|---|
/// | 0-2 | compression codec |
/// | 3 | timestamps: 0 create time, 1 log append time |
/// | 4 | part of a transaction |
/// | 5 | control batch: transaction markers, not data |
/// | 6 | the base timestamp is the delete horizon of compaction (KIP-534) |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(pub i16);

impl Attributes {
    const CODEC: i16 = 0b111;
    const LOG_APPEND_TIME: i16 = 1 << 3;
    const TRANSACTIONAL: i16 = 1 << 4;
    const CONTROL: i16 = 1 << 5;
    const DELETE_HORIZON: i16 = 1 << 6;

    /// Codec of the records section.
    ///
    /// # Errors
    ///
    /// [`RecordError::UnknownCodec`] for the ids 5 to 7.
    pub fn compression(self) -> Result<Compression, RecordError> {
        let id = (self.0 & Self::CODEC) as u8;
        Compression::from_id(id).ok_or(RecordError::UnknownCodec { id })
    }

    /// Who set the records' timestamps.
    #[must_use]
    pub fn timestamp_type(self) -> TimestampType {
        if self.has(Self::LOG_APPEND_TIME) {
            TimestampType::LogAppendTime
        } else {
            TimestampType::CreateTime
        }
    }

    /// Whether the batch belongs to a transaction.
    #[must_use]
    pub fn is_transactional(self) -> bool {
        self.has(Self::TRANSACTIONAL)
    }

    /// Whether the records are transaction markers, which no application sees.
    #[must_use]
    pub fn is_control(self) -> bool {
        self.has(Self::CONTROL)
    }

    /// Whether the base timestamp is the time after which compaction may drop tombstones.
    #[must_use]
    pub fn has_delete_horizon(self) -> bool {
        self.has(Self::DELETE_HORIZON)
    }

    /// With this codec.
    #[must_use]
    pub fn with_compression(self, codec: Compression) -> Self {
        Self(self.0 & !Self::CODEC | i16::from(codec.id()))
    }

    /// With this kind of timestamps.
    #[must_use]
    pub fn with_timestamp_type(self, timestamp_type: TimestampType) -> Self {
        self.with(
            Self::LOG_APPEND_TIME,
            timestamp_type == TimestampType::LogAppendTime,
        )
    }

    /// With the transactional bit on or off.
    #[must_use]
    pub fn with_transactional(self, on: bool) -> Self {
        self.with(Self::TRANSACTIONAL, on)
    }

    /// With the control bit on or off.
    #[must_use]
    pub fn with_control(self, on: bool) -> Self {
        self.with(Self::CONTROL, on)
    }

    /// With the delete horizon bit on or off.
    #[must_use]
    pub fn with_delete_horizon(self, on: bool) -> Self {
        self.with(Self::DELETE_HORIZON, on)
    }

    fn has(self, bit: i16) -> bool {
        self.0 & bit != 0
    }

    fn with(self, bit: i16, on: bool) -> Self {
        Self(if on { self.0 | bit } else { self.0 & !bit })
    }
}

/// Who set the timestamps of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The producer; each record has its own.
    #[default]
    CreateTime,
    /// The broker at the append; all records of the batch have the same.
    LogAppendTime,
}

/// Refuses every magic byte but 2.
pub(super) fn check_magic(magic: i8) -> Result<(), RecordError> {
    match magic {
        MAGIC_V2 => Ok(()),
        0 | 1 => Err(RecordError::UnsupportedMagic { magic }),
        _ => Err(RecordError::BadMagic { magic }),
    }
}

fn field<const N: usize>(raw: &[u8; BatchHeader::LEN], start: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&raw[start..start + N]);
    out
}

fn put<const N: usize>(out: &mut [u8; BatchHeader::LEN], start: usize, bytes: [u8; N]) {
    out[start..start + N].copy_from_slice(&bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> BatchHeader {
        BatchHeader {
            base_offset: 0x0102_0304_0506_0708,
            batch_length: 0x090a_0b0c,
            partition_leader_epoch: 0x0d0e_0f10,
            magic: 2,
            crc: 0x1112_1314,
            attributes: Attributes(0x1516),
            last_offset_delta: 0x1718_191a,
            base_timestamp: 0x1b1c_1d1e_1f20_2122,
            max_timestamp: 0x2324_2526_2728_292a,
            producer_id: 0x2b2c_2d2e_2f30_3132,
            producer_epoch: 0x3334,
            base_sequence: 0x3536_3738,
            record_count: 0x393a_3b3c,
        }
    }

    #[test]
    fn fields_stand_in_wire_order() {
        // Numbered bytes, but for the magic at position 16.
        let mut expected: Vec<u8> = (1..=16).collect();
        expected.push(2);
        expected.extend(0x11..=0x3c);
        assert_eq!(header().encode()[..], expected);
        assert_eq!(BatchHeader::parse(&expected), Ok(header()));
    }

    #[test]
    fn a_short_buffer_is_an_error() {
        let bytes = header().encode();
        for len in 0..BatchHeader::LEN {
            let error = RecordError::Truncated {
                needed: 61,
                available: len,
            };
            assert_eq!(BatchHeader::parse(&bytes[..len]), Err(error.clone()));
            assert_eq!(header().write(&mut vec![0; len]), Err(error));
        }
    }

    #[test]
    fn offsets_and_sequences_follow_from_the_fields() {
        let header = BatchHeader {
            base_offset: 100,
            last_offset_delta: 4,
            base_sequence: i32::MAX - 2,
            batch_length: 49,
            ..header()
        };
        assert_eq!((header.last_offset(), header.next_offset()), (104, 105));
        assert_eq!(header.total_len(), 61);
        // 2^31 - 3, 2^31 - 2, 2^31 - 1, 0, 1
        assert_eq!(header.last_sequence(), 1);
        assert_eq!(
            BatchHeader {
                last_offset_delta: 2,
                ..header
            }
            .last_sequence(),
            i32::MAX
        );
        assert_eq!(
            BatchHeader {
                base_sequence: -1,
                ..header
            }
            .last_sequence(),
            -1
        );
        assert_eq!(
            BatchHeader {
                base_offset: i64::MAX,
                ..header
            }
            .next_offset(),
            i64::MAX
        );
    }

    #[test]
    fn each_attribute_is_its_bit() {
        let none = Attributes::default();
        assert_eq!(none.with_compression(Compression::Zstd).0, 4);
        assert_eq!(none.with_timestamp_type(TimestampType::LogAppendTime).0, 8);
        assert_eq!(none.with_transactional(true).0, 16);
        assert_eq!(none.with_control(true).0, 32);
        assert_eq!(none.with_delete_horizon(true).0, 64);

        let all = Attributes(0b111_1100);
        assert_eq!(all.compression(), Ok(Compression::Zstd));
        assert_eq!(all.timestamp_type(), TimestampType::LogAppendTime);
        assert!(all.is_transactional() && all.is_control() && all.has_delete_horizon());
        let cleared = all
            .with_compression(Compression::None)
            .with_timestamp_type(TimestampType::CreateTime)
            .with_transactional(false)
            .with_control(false)
            .with_delete_horizon(false);
        assert_eq!(cleared, none);
        for id in 5..8 {
            assert_eq!(
                Attributes(id.into()).compression(),
                Err(RecordError::UnknownCodec { id })
            );
        }
    }

    proptest! {
        #[test]
        fn any_header_survives(bytes: [u8; 32], more: [u8; 29]) {
            let mut bytes = [&bytes[..], &more].concat();
            bytes[at::MAGIC] = 2;
            // A length that is neither negative nor too small.
            bytes[at::BATCH_LENGTH] = bytes[at::BATCH_LENGTH] & 0x7f | 1;
            let header = BatchHeader::parse(&bytes).unwrap();
            prop_assert_eq!(&header.encode()[..], &bytes);
            let _ = (header.next_offset(), header.last_sequence(), header.total_len());
        }
    }
}
