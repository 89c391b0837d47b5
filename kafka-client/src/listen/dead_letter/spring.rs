//! The headers of Spring's `DeadLetterPublishingRecoverer`: text, but for the numbers, which are as Java's
//! `ByteBuffer` writes them.

use super::{Added, Dead};
use crate::record::TimestampType;

pub(super) fn headers(dead: &Dead<'_>) -> Vec<Added> {
    let (record, failure) = (dead.record, dead.failure);
    let text = |text: String| text.into_bytes();
    let partition = record.partition().to_be_bytes().to_vec();
    let offset = record.offset().to_be_bytes().to_vec();
    let timestamp = record.timestamp_ms().unwrap_or(-1).to_be_bytes().to_vec();
    let by = match (record.timestamp_ms(), record.timestamp_type()) {
        (None, _) => "NoTimestampType",
        (Some(_), TimestampType::LogAppendTime) => "LogAppendTime",
        (Some(_), _) => "CreateTime",
    };
    vec![
        ("kafka_dlt-original-topic", record.topic().into()),
        ("kafka_dlt-original-partition", partition),
        ("kafka_dlt-original-offset", offset),
        ("kafka_dlt-original-timestamp", timestamp),
        ("kafka_dlt-original-timestamp-type", by.into()),
        ("kafka_dlt-original-consumer-group", dead.group.into()),
        ("kafka_dlt-exception-fqcn", failure.kind().into()),
        ("kafka_dlt-exception-message", text(failure.to_string())),
        ("kafka_dlt-exception-stacktrace", text(failure.trace())),
    ]
}
