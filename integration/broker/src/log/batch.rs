//! The few bytes of a batch that the broker changes without touching the rest.

use kafka_client_protocol::records::{BatchHeader, TimestampType};

/// The part at the front of a batch that holds base offset, length and leader epoch. The checksum
/// covers none of it.
pub(crate) const PATCH_BYTES: usize = 16;

/// That part with the broker's offset and epoch in it; `batch` must hold at least a header.
///
/// The frame that a batch came in is shared and immutable, so the log writes this and then the
/// batch's own bytes from [`PATCH_BYTES`] on.
pub(crate) fn patched_start(
    batch: &[u8],
    base_offset: i64,
    leader_epoch: i32,
) -> [u8; PATCH_BYTES] {
    let mut start = [0; PATCH_BYTES];
    start[..8].copy_from_slice(&base_offset.to_be_bytes());
    start[8..12].copy_from_slice(&batch[8..12]);
    start[12..].copy_from_slice(&leader_epoch.to_be_bytes());
    start
}

/// Whether the broker's clock gave the batch its timestamp.
pub(crate) fn is_append_time(head: &BatchHeader) -> bool {
    head.attributes.timestamp_type() == TimestampType::LogAppendTime
}

#[cfg(test)]
pub(crate) mod testing {
    use bytes::{Bytes, BytesMut};
    use kafka_client_protocol::records::{Attributes, BatchHeader};

    /// A batch whose records are opaque filler: the log never looks inside.
    #[derive(Clone, Copy)]
    pub(crate) struct RawBatch {
        pub(crate) base_offset: i64,
        pub(crate) records: i32,
        pub(crate) filler_bytes: usize,
        pub(crate) max_timestamp: i64,
        pub(crate) producer: (i64, i16, i32),
    }

    impl Default for RawBatch {
        fn default() -> Self {
            Self {
                base_offset: 0,
                records: 1,
                filler_bytes: 20,
                max_timestamp: 1_000,
                producer: (-1, -1, -1),
            }
        }
    }

    impl RawBatch {
        pub(crate) fn build(self) -> Bytes {
            let mut header = BatchHeader {
                base_offset: self.base_offset,
                batch_length: (BatchHeader::LEN - 12 + self.filler_bytes) as i32,
                partition_leader_epoch: -1,
                magic: 2,
                crc: 0,
                attributes: Attributes(0),
                last_offset_delta: self.records - 1,
                base_timestamp: self.max_timestamp,
                max_timestamp: self.max_timestamp,
                producer_id: self.producer.0,
                producer_epoch: self.producer.1,
                base_sequence: self.producer.2,
                record_count: self.records,
            };
            let mut out = BytesMut::from(&header.encode()[..]);
            out.extend((0..self.filler_bytes).map(|at| at as u8));
            header.crc = crc32c::crc32c(&out[21..]);
            out[..BatchHeader::LEN].copy_from_slice(&header.encode());
            out.freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use kafka_client_protocol::records::Batch;

    use super::testing::RawBatch;
    use super::*;

    #[test]
    fn patching_offset_and_epoch_keeps_the_checksum() {
        let good = RawBatch::default().build();
        let mut stored = patched_start(&good, 77, 5).to_vec();
        stored.extend_from_slice(&good[PATCH_BYTES..]);
        let batch = Batch::new(stored.into()).unwrap();
        let head = batch.header();
        assert_eq!((head.base_offset, head.partition_leader_epoch), (77, 5));
        batch.verify_crc().unwrap();
    }
}
