//! What a client is told instead of what it asked for.

use kafka_client_protocol::ErrorCode;

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
