//! What a batch must be before a partition takes it. Pure: bytes and the time in, a verdict out.

use bytes::{Bytes, BytesMut};
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::records::{
    Batch, BatchHeader, Compression, RecordError, TimestampType, patch_timestamps, recompress,
};

use crate::config::TopicConfig;
use crate::refusal::Refusal;

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

/// The length that the oldest and shortest message tells.
const BATCH_LENGTH_MIN: i32 = 14;

/// Checks what a client gave for one partition; stamps it with `now_ms` if the topic wants that.
///
/// `version` is that of the Produce request. As in Kafka every record is looked at, also in a
/// compressed batch: what nobody could read is not taken, and the header says the truth about the
/// largest timestamp.
pub(crate) fn validate(
    batch: Batch,
    config: &TopicConfig,
    version: i16,
    now_ms: i64,
) -> Result<ValidBatch, Refusal> {
    let size = batch.bytes().len();
    check_size(size, config)?;
    if size as u64 > config.log.segment_bytes {
        let limit = config.log.segment_bytes;
        return Err(Refusal::new(
            ErrorCode::RECORD_LIST_TOO_LARGE,
            format!("the batch has {size} bytes, the topic's segment.bytes is {limit}"),
        ));
    }
    batch.verify_crc().map_err(corrupt)?;
    let codec = check_header(batch.header(), version)?;
    let max_timestamp = check_records(&batch, config, now_ms)?;
    let batch = match config.compression() {
        Some(compression) if compression.codec() != codec => {
            let packed = recompress(&batch, compression, DECOMPRESSED_MAX).map_err(corrupt)?;
            check_size(packed.len(), config)?;
            Batch::new(packed).map_err(corrupt)?
        }
        _ => batch,
    };
    let (timestamp_type, max_timestamp) = if config.append_time {
        (TimestampType::LogAppendTime, now_ms)
    } else {
        (TimestampType::CreateTime, max_timestamp)
    };
    let head = batch.header();
    let is_true =
        head.attributes.timestamp_type() == timestamp_type && head.max_timestamp == max_timestamp;
    let batch = if is_true {
        batch
    } else {
        let mut stamped = BytesMut::from(&batch.bytes()[..]);
        patch_timestamps(&mut stamped, timestamp_type, max_timestamp).map_err(corrupt)?;
        Batch::new(stamped.freeze()).map_err(corrupt)?
    };
    Ok(ValidBatch {
        head: *batch.header(),
        bytes: batch.into_bytes(),
    })
}

fn check_size(size: usize, config: &TopicConfig) -> Result<(), Refusal> {
    let limit = config.batch_bytes_max;
    if size <= limit {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorCode::MESSAGE_TOO_LARGE,
        format!("the batch has {size} bytes, the topic's max.message.bytes is {limit}"),
    ))
}

/// The one batch there must be. Like Kafka, an incomplete one counts as none, also after a whole
/// one.
pub(crate) fn one_batch(records: Option<&Bytes>) -> Result<Batch, Refusal> {
    let none =
        || invalid("no record batch: each partition of a Produce request must have exactly one");
    let records = records.ok_or_else(none)?;
    if let Some(length) = records.get(8..12)
        && i32::from_be_bytes(length.try_into().unwrap_or_default()) < BATCH_LENGTH_MIN
    {
        let message = "the batch says that it is shorter than any can be";
        return Err(Refusal::new(ErrorCode::CORRUPT_MESSAGE, message));
    }
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

/// Judges the header, and gives the codec.
fn check_header(head: &BatchHeader, version: i16) -> Result<Compression, Refusal> {
    let codec = head.attributes.compression().map_err(unreadable)?;
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
    Ok(codec)
}

/// Judges the records one by one, and names those at fault; the largest timestamp.
fn check_records(batch: &Batch, config: &TopicConfig, now_ms: i64) -> Result<i64, Refusal> {
    let early = now_ms.saturating_sub(config.timestamp_before_max_ms);
    let late = now_ms.saturating_add(config.timestamp_after_max_ms);
    // -1 means that the producer gave none; the broker's own time is never out of range.
    let in_time = |time: i64| config.append_time || time == -1 || (early..=late).contains(&time);
    if batch.header().attributes.timestamp_type() == TimestampType::LogAppendTime
        && config.append_time
    {
        return Err(not_its_own_time(batch.header().record_count));
    }
    let is_empty = batch.bytes().len() == BatchHeader::LEN;
    let mut records = batch.records(DECOMPRESSED_MAX).map_err(|error| {
        let refusal = unreadable(error);
        match batch.header().attributes.compression() {
            // For Java's decoder nothing at all is a stream that has ended.
            Ok(Compression::Zstd) if is_empty => invalid(refusal.message),
            _ => refusal,
        }
    })?;
    let mut faults = Vec::new();
    let mut code = ErrorCode::INVALID_RECORD;
    let mut index = 0;
    let mut max_timestamp = -1;
    while let Some(record) = records.next_record() {
        let record = record.map_err(unreadable)?;
        if config.log.compacts && record.key.is_none() {
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
        max_timestamp = max_timestamp.max(record.timestamp);
        index += 1;
    }
    let Some((first, why)) = faults.first() else {
        return Ok(max_timestamp);
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

/// Apache Kafka lets a producer claim the broker's time for its own where the topic has the
/// producers' times, and takes the claim back, but not where the topic has the broker's.
fn not_its_own_time(records: i32) -> Refusal {
    let why = "producers may not set the timestamp type LogAppendTime";
    Refusal {
        records: (0..records).map(|index| (index, why.to_owned())).collect(),
        ..Refusal::new(ErrorCode::INVALID_TIMESTAMP, why)
    }
}

/// Kafka has no better code for what cannot be decompressed.
#[allow(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn unreadable(error: RecordError) -> Refusal {
    let code = match error {
        RecordError::BadCompressedData { .. }
        | RecordError::OutputCapExceeded { .. }
        | RecordError::UnknownCodec { .. } => ErrorCode::UNKNOWN_SERVER_ERROR,
        _ => ErrorCode::INVALID_RECORD,
    };
    Refusal::new(code, error.to_string())
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
    use kafka_client_protocol::records::{BatchBuilder, CompressionConfig, Seal};

    use super::*;

    const NOW: i64 = 1_700_000_000_000;
    const CLIENT: i16 = 13;

    fn batch(seal: &Seal) -> Bytes {
        let mut open = BatchBuilder::new(BytesMut::new());
        open.append(NOW, Some(b"k"), Some(b"v"), &[]).unwrap();
        open.append(NOW + 1, None, Some(b"w"), &[]).unwrap();
        open.seal(seal).unwrap().bytes
    }

    fn judged(
        records: Option<&Bytes>,
        config: &TopicConfig,
        version: i16,
        now_ms: i64,
    ) -> Result<ValidBatch, Refusal> {
        validate(one_batch(records)?, config, version, now_ms)
    }

    fn verdict(records: &Bytes, config: &TopicConfig, version: i16) -> ErrorCode {
        match judged(Some(records), config, version, NOW) {
            Ok(_) => ErrorCode::NONE,
            Err(refusal) => refusal.code,
        }
    }

    #[test]
    fn a_good_batch_passes_untouched() {
        let records = batch(&Seal::default());
        let valid = judged(Some(&records), &TopicConfig::default(), CLIENT, NOW).unwrap();
        assert_eq!(valid.bytes, records);
        assert_eq!(valid.head.record_count, 2);
    }

    #[test]
    fn none_and_two_batches_are_refused() {
        let config = TopicConfig::default();
        let one = batch(&Seal::default());
        assert_eq!(
            judged(None, &config, CLIENT, NOW).unwrap_err().code.code(),
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
        let mut segment = TopicConfig::default();
        segment.log.segment_bytes = records.len() as u64 - 1;
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
        let late = judged(
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
        let valid = judged(Some(&batch(&Seal::default())), &config, CLIENT, NOW + 99).unwrap();
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
        let mut config = TopicConfig::default();
        config.log.compacts = true;
        for codec in [Compression::None, Compression::Lz4] {
            let compression = CompressionConfig::new(codec);
            let records = batch(&Seal {
                compression,
                ..Seal::default()
            });
            let refusal = judged(Some(&records), &config, CLIENT, NOW).unwrap_err();
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

    #[test]
    fn a_payload_that_nobody_can_read_is_refused() {
        let config = TopicConfig::default();
        for codec in &Compression::ALL[1..] {
            let compression = CompressionConfig::new(*codec);
            let good = batch(&Seal {
                compression,
                ..Seal::default()
            });
            let mut bad = good.to_vec();
            let mut head = BatchHeader::parse(&bad).unwrap();
            bad[BatchHeader::LEN..].fill(0x55);
            head.crc = crc32c::crc32c(&bad[21..]);
            head.write(&mut bad).unwrap();
            let code = verdict(&bad.into(), &config, CLIENT);
            assert_eq!(code, ErrorCode::UNKNOWN_SERVER_ERROR, "{codec}");
        }
    }

    #[test]
    fn the_header_says_the_truth_about_the_largest_time() {
        for codec in [Compression::None, Compression::Lz4] {
            let seal = Seal {
                compression: CompressionConfig::new(codec),
                timestamp_type: TimestampType::LogAppendTime,
                ..Seal::default()
            };
            let mut lie = batch(&seal).to_vec();
            patch_timestamps(&mut lie, TimestampType::CreateTime, NOW + 70).unwrap();
            let valid = judged(Some(&lie.into()), &TopicConfig::default(), CLIENT, NOW).unwrap();
            assert_eq!(valid.head.max_timestamp, NOW + 1);
            Batch::new(valid.bytes).unwrap().verify_crc().unwrap();
        }
    }

    #[test]
    fn a_topic_with_a_codec_has_every_batch_in_it() {
        for codec in Compression::ALL {
            let config = TopicConfig {
                codec: Some(codec),
                ..TopicConfig::default()
            };
            for compression in Compression::ALL.map(CompressionConfig::new) {
                let seal = Seal {
                    compression,
                    producer_id: 7,
                    producer_epoch: 1,
                    base_sequence: 4,
                    ..Seal::default()
                };
                let valid = judged(Some(&batch(&seal)), &config, CLIENT, NOW).unwrap();
                let stored = Batch::new(valid.bytes).unwrap();
                stored.verify_crc().unwrap();
                assert_eq!(stored.header().attributes.compression().unwrap(), codec);
                assert_eq!(stored.header().base_sequence, 4);
                assert_eq!(stored.records(1 << 20).unwrap().iter().count(), 2);
            }
        }
    }
}
