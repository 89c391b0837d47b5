//! What a batch must be before a partition takes it. Pure: bytes and the time in, a verdict out.

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::records::{
    Batch, BatchHeader, Compression, RecordError, patch_log_append_time,
};

use crate::config::TopicConfig;

/// A refused request or part of one: the code, and a sentence for the client's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// A batch that may be appended.
#[derive(Debug)]
pub(crate) struct ValidBatch {
    pub(crate) bytes: Bytes,
    pub(crate) head: BatchHeader,
}

/// Where a batch comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A Produce request of this version.
    Client { version: i16 },
    /// The group coordinator, whose batches may hold anything.
    Coordinator,
}

/// The first Produce version whose answers and requests know zstd (KIP-110).
const ZSTD_SINCE: i16 = 7;
/// The most that a batch may decompress to where its records must be looked at.
const DECOMPRESSED_MAX: usize = 256 << 20;

/// Checks what a client gave for one partition; stamps it with `now_ms` if the topic wants that.
///
/// Records are not decompressed, except for the keys of a compacted topic. Timestamps are judged
/// by the header of the batch.
pub(crate) fn validate(
    records: Option<&Bytes>,
    config: &TopicConfig,
    origin: Origin,
    now_ms: i64,
) -> Result<ValidBatch, Refusal> {
    let records = records
        .filter(|records| !records.is_empty())
        .ok_or_else(|| {
            invalid("no record batch: every partition of a Produce request must have exactly one")
        })?;
    let batch = Batch::new(records.clone()).map_err(|error| match error {
        RecordError::UnsupportedMagic { .. } | RecordError::NotOneBatch { .. } => {
            invalid(error.to_string())
        }
        error => Refusal::new(ErrorCode::CORRUPT_MESSAGE, error.to_string()),
    })?;
    let size = records.len();
    if size > config.batch_bytes_max {
        let limit = config.batch_bytes_max;
        return Err(Refusal::new(
            ErrorCode::MESSAGE_TOO_LARGE,
            format!("the batch has {size} bytes, the topic's max.message.bytes is {limit}"),
        ));
    }
    if size as u64 > config.segment_bytes {
        let limit = config.segment_bytes;
        return Err(Refusal::new(
            ErrorCode::RECORD_LIST_TOO_LARGE,
            format!("the batch has {size} bytes, the topic's segment.bytes is {limit}"),
        ));
    }
    batch
        .verify_crc()
        .map_err(|error| Refusal::new(ErrorCode::CORRUPT_MESSAGE, error.to_string()))?;
    let head = *batch.header();
    check_header(&head, origin)?;
    check_timestamps(&head, config, now_ms)?;
    if config.compacted && origin != Origin::Coordinator {
        check_keys(&batch)?;
    }
    if !config.append_time {
        return Ok(ValidBatch {
            bytes: batch.into_bytes(),
            head,
        });
    }
    let mut stamped = BytesMut::from(&records[..]);
    patch_log_append_time(&mut stamped, now_ms)
        .and_then(|()| Batch::new(stamped.freeze()))
        .map(|batch| ValidBatch {
            head: *batch.header(),
            bytes: batch.into_bytes(),
        })
        .map_err(|error| Refusal::new(ErrorCode::CORRUPT_MESSAGE, error.to_string()))
}

fn check_header(head: &BatchHeader, origin: Origin) -> Result<(), Refusal> {
    let codec = head
        .attributes
        .compression()
        .map_err(|error| invalid(error.to_string()))?;
    if let Origin::Client { version } = origin {
        if codec == Compression::Zstd && version < ZSTD_SINCE {
            return Err(Refusal::new(
                ErrorCode::UNSUPPORTED_COMPRESSION_TYPE,
                format!("zstd needs Produce version {ZSTD_SINCE}, the request has {version}"),
            ));
        }
        if head.attributes.is_control() {
            return Err(invalid("clients may not write control records"));
        }
        if head.attributes.is_transactional() {
            return Err(Refusal::new(
                ErrorCode::INVALID_TXN_STATE,
                "this broker has no transactions yet: remove transactional.id",
            ));
        }
    }
    if head.base_offset != 0 {
        return Err(invalid(format!(
            "base offset {} where 0 must be",
            head.base_offset
        )));
    }
    let spanned = i64::from(head.last_offset_delta) + 1;
    if head.record_count <= 0 || i64::from(head.record_count) != spanned {
        let count = head.record_count;
        return Err(invalid(format!("{count} records over {spanned} offsets")));
    }
    if head.producer_id >= 0 && (head.base_sequence < 0 || head.producer_epoch < 0) {
        return Err(invalid(format!(
            "producer id {} with sequence {} and epoch {}",
            head.producer_id, head.base_sequence, head.producer_epoch
        )));
    }
    Ok(())
}

fn check_timestamps(head: &BatchHeader, config: &TopicConfig, now_ms: i64) -> Result<(), Refusal> {
    if config.append_time {
        return Ok(());
    }
    let early = now_ms.saturating_sub(config.timestamp_before_max_ms);
    let late = now_ms.saturating_add(config.timestamp_after_max_ms);
    // -1 means that the producer gave none.
    let judged = [head.base_timestamp, head.max_timestamp];
    match judged
        .into_iter()
        .find(|time| *time >= 0 && !(early..=late).contains(time))
    {
        None => Ok(()),
        Some(time) => Err(Refusal::new(
            ErrorCode::INVALID_TIMESTAMP,
            format!(
                "timestamp {time} is not between {early} and {late}, set by the topic's \
                 message.timestamp.before.max.ms and message.timestamp.after.max.ms"
            ),
        )),
    }
}

fn check_keys(batch: &Batch) -> Result<(), Refusal> {
    let mut records = batch
        .records(DECOMPRESSED_MAX)
        .map_err(|error| invalid(error.to_string()))?;
    let mut index = 0;
    while let Some(record) = records.next_record() {
        let record = record.map_err(|error| invalid(error.to_string()))?;
        if record.key.is_none() {
            return Err(invalid(format!(
                "record {index} has no key, which a compacted topic needs"
            )));
        }
        index += 1;
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::INVALID_RECORD, message)
}

#[cfg(test)]
mod tests {
    use kafka_client_protocol::records::{BatchBuilder, CompressionConfig, Seal, TimestampType};

    use super::*;

    const NOW: i64 = 1_700_000_000_000;
    const CLIENT: Origin = Origin::Client { version: 13 };

    fn batch(seal: &Seal) -> Bytes {
        let mut open = BatchBuilder::new(BytesMut::new());
        open.append(NOW, Some(b"k"), Some(b"v"), &[]).unwrap();
        open.append(NOW + 1, None, Some(b"w"), &[]).unwrap();
        open.seal(seal).unwrap().bytes
    }

    fn verdict(records: &Bytes, config: &TopicConfig, origin: Origin) -> ErrorCode {
        match validate(Some(records), config, origin, NOW) {
            Ok(_) => ErrorCode::NONE,
            Err(refusal) => refusal.code,
        }
    }

    #[test]
    fn a_good_batch_passes_untouched() {
        let records = batch(&Seal::default());
        let valid = validate(Some(&records), &TopicConfig::default(), CLIENT, NOW).unwrap();
        assert_eq!(valid.bytes, records);
        assert_eq!(valid.head.record_count, 2);
    }

    #[test]
    fn none_and_two_batches_are_refused() {
        let config = TopicConfig::default();
        let one = batch(&Seal::default());
        assert_eq!(
            validate(None, &config, CLIENT, NOW)
                .unwrap_err()
                .code
                .code(),
            87
        );
        assert_eq!(
            verdict(&Bytes::new(), &config, CLIENT),
            ErrorCode::INVALID_RECORD
        );
        let two = [one.clone(), one].concat().into();
        assert_eq!(verdict(&two, &config, CLIENT), ErrorCode::INVALID_RECORD);
    }

    #[test]
    fn every_cut_and_every_flipped_bit_under_the_checksum_is_refused() {
        let config = TopicConfig::default();
        let good = batch(&Seal::default());
        for cut in 1..good.len() {
            assert_ne!(
                verdict(&good.slice(..cut), &config, CLIENT),
                ErrorCode::NONE,
                "{cut}"
            );
        }
        for at in 16..good.len() {
            let mut bad = good.to_vec();
            bad[at] ^= 4;
            assert_ne!(
                verdict(&bad.into(), &config, CLIENT),
                ErrorCode::NONE,
                "byte {at}"
            );
        }
    }

    #[test]
    fn old_formats_are_refused_as_kafka_does() {
        let mut old = batch(&Seal::default()).to_vec();
        old[16] = 1;
        let code = verdict(&old.into(), &TopicConfig::default(), CLIENT);
        assert_eq!(code, ErrorCode::INVALID_RECORD);
    }

    #[test]
    fn sizes_over_the_limits_are_refused() {
        let records = batch(&Seal::default());
        let small = TopicConfig {
            batch_bytes_max: records.len() - 1,
            ..TopicConfig::default()
        };
        assert_eq!(
            verdict(&records, &small, CLIENT),
            ErrorCode::MESSAGE_TOO_LARGE
        );
        let segment = TopicConfig {
            segment_bytes: records.len() as u64 - 1,
            ..TopicConfig::default()
        };
        assert_eq!(
            verdict(&records, &segment, CLIENT),
            ErrorCode::RECORD_LIST_TOO_LARGE
        );
    }

    #[test]
    fn zstd_needs_produce_7() {
        let compression = CompressionConfig::new(Compression::Zstd);
        let records = batch(&Seal {
            compression,
            ..Seal::default()
        });
        let config = TopicConfig::default();
        let origin = |version| Origin::Client { version };
        assert_eq!(verdict(&records, &config, origin(7)), ErrorCode::NONE);
        let code = verdict(&records, &config, origin(6));
        assert_eq!(code, ErrorCode::UNSUPPORTED_COMPRESSION_TYPE);
    }

    #[test]
    fn control_and_transactional_batches_are_not_for_clients() {
        let config = TopicConfig::default();
        let control = batch(&Seal {
            control: true,
            ..Seal::default()
        });
        assert_eq!(
            verdict(&control, &config, CLIENT),
            ErrorCode::INVALID_RECORD
        );
        let transactional = batch(&Seal {
            transactional: true,
            ..Seal::default()
        });
        assert_eq!(
            verdict(&transactional, &config, CLIENT),
            ErrorCode::INVALID_TXN_STATE
        );
    }

    #[test]
    fn a_base_offset_and_a_producer_without_sequence_are_refused() {
        let config = TopicConfig::default();
        let shifted = batch(&Seal {
            base_offset: 5,
            ..Seal::default()
        });
        assert_eq!(
            verdict(&shifted, &config, CLIENT),
            ErrorCode::INVALID_RECORD
        );
        let odd = batch(&Seal {
            producer_id: 5,
            producer_epoch: 0,
            ..Seal::default()
        });
        assert_eq!(verdict(&odd, &config, CLIENT), ErrorCode::INVALID_RECORD);
    }

    #[test]
    fn timestamps_out_of_the_topics_range_are_refused() {
        let records = batch(&Seal::default());
        let config = TopicConfig {
            timestamp_after_max_ms: 0,
            ..TopicConfig::default()
        };
        assert_eq!(
            verdict(&records, &config, CLIENT),
            ErrorCode::INVALID_TIMESTAMP
        );
        let late = validate(
            Some(&records),
            &TopicConfig {
                timestamp_before_max_ms: 10,
                ..TopicConfig::default()
            },
            CLIENT,
            NOW + 12,
        );
        assert_eq!(late.unwrap_err().code, ErrorCode::INVALID_TIMESTAMP);
    }

    #[test]
    fn a_topic_with_append_time_stamps_the_batch() {
        let config = TopicConfig {
            append_time: true,
            ..TopicConfig::default()
        };
        let valid = validate(Some(&batch(&Seal::default())), &config, CLIENT, NOW + 99).unwrap();
        assert_eq!(
            valid.head.attributes.timestamp_type(),
            TimestampType::LogAppendTime
        );
        let stored = Batch::new(valid.bytes).unwrap();
        stored.verify_crc().unwrap();
        let mut records = stored.records(1 << 20).unwrap();
        assert_eq!(records.next_record().unwrap().unwrap().timestamp, NOW + 99);
    }

    #[test]
    fn a_compacted_topic_needs_keys_whatever_the_codec() {
        let config = TopicConfig {
            compacted: true,
            ..TopicConfig::default()
        };
        for codec in [Compression::None, Compression::Lz4] {
            let compression = CompressionConfig::new(codec);
            let records = batch(&Seal {
                compression,
                ..Seal::default()
            });
            let refusal = validate(Some(&records), &config, CLIENT, NOW).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::INVALID_RECORD);
            assert!(
                refusal.message.contains("record 1 has no key"),
                "{}",
                refusal.message
            );
        }
    }
}
