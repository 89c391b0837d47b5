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
    /// The records at fault, by their index in the batch (KIP-467).
    pub(crate) records: Vec<(i32, String)>,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            records: Vec::new(),
        }
    }
}

impl From<ErrorCode> for Refusal {
    /// With the code's own text.
    fn from(code: ErrorCode) -> Self {
        Self::new(code, code.text())
    }
}

/// A batch that may be appended.
#[derive(Debug)]
pub(crate) struct ValidBatch {
    pub(crate) bytes: Bytes,
    pub(crate) head: BatchHeader,
}

/// The first Produce version whose answers and requests know zstd (KIP-110).
const ZSTD_SINCE: i16 = 7;
/// The most that a batch may decompress to where its records must be looked at.
const DECOMPRESSED_MAX: usize = 256 << 20;

/// Checks what a client gave for one partition; stamps it with `now_ms` if the topic wants that.
///
/// `version` is that of the Produce request. The records of a compressed batch are not looked at,
/// except for the keys of a compacted topic: decompressing every batch is what Kafka does, and
/// most of its cost. Their timestamps are judged by the header.
pub(crate) fn validate(
    records: Option<&Bytes>,
    config: &TopicConfig,
    version: i16,
    now_ms: i64,
) -> Result<ValidBatch, Refusal> {
    let batch = one_batch(records)?;
    let size = batch.bytes().len();
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
    batch.verify_crc().map_err(corrupt)?;
    check_header(batch.header(), version)?;
    check_records(&batch, config, now_ms)?;
    let batch = if config.append_time {
        let mut stamped = BytesMut::from(&batch.bytes()[..]);
        patch_log_append_time(&mut stamped, now_ms).map_err(corrupt)?;
        Batch::new(stamped.freeze()).map_err(corrupt)?
    } else {
        batch
    };
    Ok(ValidBatch {
        head: *batch.header(),
        bytes: batch.into_bytes(),
    })
}

/// The one batch there must be. Like Kafka, an incomplete one counts as none, also after a whole
/// one.
fn one_batch(records: Option<&Bytes>) -> Result<Batch, Refusal> {
    let none =
        || invalid("no record batch: each partition of a Produce request must have exactly one");
    let records = records.ok_or_else(none)?;
    match Batch::new(records.clone()) {
        Ok(batch) => Ok(batch),
        Err(RecordError::Truncated { .. }) => Err(none()),
        Err(RecordError::NotOneBatch { extra }) => {
            let (first, rest) = records.split_at(records.len() - extra);
            match BatchHeader::parse(rest) {
                Err(RecordError::Truncated { .. }) => {
                    Batch::new(records.slice(..first.len())).map_err(corrupt)
                }
                Ok(second) if second.total_len() > rest.len() => {
                    Batch::new(records.slice(..first.len())).map_err(corrupt)
                }
                _ => Err(invalid("more than one record batch for a partition")),
            }
        }
        Err(error @ RecordError::UnsupportedMagic { .. }) => Err(invalid(error.to_string())),
        Err(error) => Err(corrupt(error)),
    }
}

fn check_header(head: &BatchHeader, version: i16) -> Result<(), Refusal> {
    let codec = head
        .attributes
        .compression()
        .map_err(|error| invalid(error.to_string()))?;
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
    if head.producer_id >= 0 && head.base_sequence < 0 {
        return Err(invalid(format!(
            "producer id {} with sequence {}",
            head.producer_id, head.base_sequence
        )));
    }
    Ok(())
}

/// Judges the records one by one where that is needed, and names those at fault.
fn check_records(batch: &Batch, config: &TopicConfig, now_ms: i64) -> Result<(), Refusal> {
    let head = batch.header();
    let early = now_ms.saturating_sub(config.timestamp_before_max_ms);
    let late = now_ms.saturating_add(config.timestamp_after_max_ms);
    // -1 means that the producer gave none; the broker's own time is never out of range.
    let in_time = |time: i64| config.append_time || time == -1 || (early..=late).contains(&time);
    let plain = matches!(head.attributes.compression(), Ok(Compression::None));
    if !plain && !config.compacted && in_time(head.base_timestamp) && in_time(head.max_timestamp) {
        return Ok(());
    }
    let unreadable = |error: RecordError| invalid(error.to_string());
    let mut records = batch.records(DECOMPRESSED_MAX).map_err(unreadable)?;
    let mut faults = Vec::new();
    let mut code = ErrorCode::INVALID_RECORD;
    let mut index = 0;
    while let Some(record) = records.next_record() {
        let record = record.map_err(unreadable)?;
        if config.compacted && record.key.is_none() {
            faults.push((
                index,
                "a record of a compacted topic needs a key".to_owned(),
            ));
        } else if !in_time(record.timestamp) {
            code = ErrorCode::INVALID_TIMESTAMP;
            let time = record.timestamp;
            faults.push((
                index,
                format!(
                    "timestamp {time} is not between {early} and {late}, set by the topic's \
                 message.timestamp.before.max.ms and message.timestamp.after.max.ms"
                ),
            ));
        }
        index += 1;
    }
    let Some((first, why)) = faults.first() else {
        return Ok(());
    };
    let message = format!(
        "{} of {index} records are refused; record {first}: {why}",
        faults.len()
    );
    Err(Refusal {
        code,
        message,
        records: faults,
    })
}

#[allow(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn corrupt(error: RecordError) -> Refusal {
    Refusal::new(ErrorCode::CORRUPT_MESSAGE, error.to_string())
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::INVALID_RECORD, message)
}

#[cfg(test)]
mod tests {
    use kafka_client_protocol::records::{BatchBuilder, CompressionConfig, Seal, TimestampType};

    use super::*;

    const NOW: i64 = 1_700_000_000_000;
    const CLIENT: i16 = 13;

    fn batch(seal: &Seal) -> Bytes {
        let mut open = BatchBuilder::new(BytesMut::new());
        open.append(NOW, Some(b"k"), Some(b"v"), &[]).unwrap();
        open.append(NOW + 1, None, Some(b"w"), &[]).unwrap();
        open.seal(seal).unwrap().bytes
    }

    fn verdict(records: &Bytes, config: &TopicConfig, version: i16) -> ErrorCode {
        match validate(Some(records), config, version, NOW) {
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
        assert_eq!(verdict(&records, &config, 7), ErrorCode::NONE);
        let code = verdict(&records, &config, 6);
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
                refusal
                    .message
                    .contains("record 1: a record of a compacted topic needs a key"),
                "{}",
                refusal.message
            );
        }
    }
}
