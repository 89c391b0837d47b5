//! The headers that brokers give the dead letters of share groups (KIP-1191): all text.

use super::{Added, Dead};

pub(super) fn headers(dead: &Dead<'_>) -> Vec<Added> {
    let record = dead.record;
    let text = |text: String| text.into_bytes();
    vec![
        ("__dlq.errors.topic", text(record.topic().to_owned())),
        (
            "__dlq.errors.partition",
            text(record.partition().to_string()),
        ),
        ("__dlq.errors.offset", text(record.offset().to_string())),
        ("__dlq.errors.group", text(dead.group.to_owned())),
        (
            "__dlq.errors.delivery.count",
            text(dead.attempts.to_string()),
        ),
        ("__dlq.errors.message", text(dead.failure.to_string())),
    ]
}
