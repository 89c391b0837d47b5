//! What was answered and not taken yet, over all connections: it is memory in the hands of clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// With so much of it, answers become small.
const MUCH_BYTES: usize = 256 << 20;
/// How small: as many partitions' share as a consumer asks for by default, and each answer still has a batch.
const SMALL_BYTES: usize = 1 << 20;

/// The bytes of answers that are being written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unsent(Arc<AtomicUsize>);

/// Counts until it is dropped.
#[derive(Debug)]
pub(crate) struct UnsentAnswer {
    all: Unsent,
    bytes: usize,
}

impl Unsent {
    pub(crate) fn add(&self, bytes: usize) -> UnsentAnswer {
        self.0.fetch_add(bytes, Ordering::Relaxed);
        UnsentAnswer {
            all: self.clone(),
            bytes,
        }
    }

    /// What a further answer may have of records.
    pub(crate) fn answer_bytes_max(&self) -> usize {
        match self.0.load(Ordering::Relaxed) {
            ..MUCH_BYTES => usize::MAX,
            _ => SMALL_BYTES,
        }
    }
}

impl Drop for UnsentAnswer {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_small_as_long_as_much_is_unsent() {
        let unsent = Unsent::default();
        let one = unsent.add(MUCH_BYTES - 1);
        assert_eq!(unsent.answer_bytes_max(), usize::MAX);
        let other = unsent.add(1);
        assert_eq!(unsent.answer_bytes_max(), SMALL_BYTES);
        drop(one);
        assert_eq!(unsent.answer_bytes_max(), usize::MAX);
        drop(other);
        assert_eq!(unsent.0.load(Ordering::Relaxed), 0);
    }
}
