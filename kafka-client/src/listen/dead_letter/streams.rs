//! The headers of Kafka Streams (KIP-1034): all text.

use super::{Added, Dead};

pub(super) fn headers(dead: &Dead<'_>) -> Vec<Added> {
    let (record, failure) = (dead.record, dead.failure);
    let text = |text: String| text.into_bytes();
    vec![
        ("__streams.errors.exception", failure.kind().into()),
        ("__streams.errors.message", text(failure.to_string())),
        ("__streams.errors.stacktrace", text(failure.trace())),
        ("__streams.errors.topic", record.topic().into()),
        (
            "__streams.errors.partition",
            text(record.partition().to_string()),
        ),
        ("__streams.errors.offset", text(record.offset().to_string())),
    ]
}
