//! The headers of Kafka Connect (KIP-298): all text.

use super::{Added, Dead};
use crate::listen::failure::Failure;

pub(super) fn headers(dead: &Dead<'_>) -> Vec<Added> {
    let (record, failure) = (dead.record, dead.failure);
    let text = |text: String| text.into_bytes();
    // Connect's names of the steps that these are.
    let stage = match failure {
        Failure::Decode(_) => "VALUE_CONVERTER",
        Failure::Handler(_) | Failure::Panic(_) => "TASK_PUT",
    };
    vec![
        ("__connect.errors.topic", record.topic().into()),
        (
            "__connect.errors.partition",
            text(record.partition().to_string()),
        ),
        ("__connect.errors.offset", text(record.offset().to_string())),
        ("__connect.errors.connector.name", dead.group.into()),
        ("__connect.errors.task.id", "0".into()),
        ("__connect.errors.stage", stage.into()),
        (
            "__connect.errors.class.name",
            "kafka_client::listen::Listener".into(),
        ),
        (
            "__connect.errors.exception.class.name",
            failure.kind().into(),
        ),
        (
            "__connect.errors.exception.message",
            text(failure.to_string()),
        ),
        (
            "__connect.errors.exception.stacktrace",
            text(failure.trace()),
        ),
    ]
}
