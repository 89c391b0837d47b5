//! The memory of large answers that are done with, for the next ones.
//!
//! Fresh memory costs more than reading into it: the kernel hands it out, cleared, page by page.

use std::sync::Mutex;

use bytes::{Bytes, BytesMut};

use crate::env::lock;

/// Smaller answers have fresh memory; allocators keep theirs at hand.
pub(crate) const LARGE: usize = 256 * 1024;

/// Larger buffers are not kept.
const MAX: usize = 16 * 1024 * 1024;

/// Most buffers that are kept: one is read into while another is done with.
const KEPT: usize = 2;

/// Buffers without content.
#[derive(Debug, Default)]
pub(crate) struct SpareFrames(Mutex<Vec<BytesMut>>);

impl SpareFrames {
    /// Keeps the memory of the answer that this is a part of, if this is all that is left of it.
    pub(crate) fn give(&self, part: Bytes) {
        let Ok(mut buffer) = part.try_into_mut() else {
            return;
        };
        buffer.clear();
        if !buffer.try_reclaim(LARGE) || buffer.try_reclaim(MAX + 1) {
            return;
        }
        let mut buffers = lock(&self.0);
        if buffers.len() == KEPT {
            // What was kept longest was too small, or is not needed.
            buffers.remove(0);
        }
        buffers.push(buffer);
    }

    /// An empty buffer with room for this many bytes and not many more: what is read is counted by
    /// its bytes, not by the memory that it is in.
    pub(crate) fn take(&self, bytes: usize) -> Option<BytesMut> {
        let mut buffers = lock(&self.0);
        let fitting = buffers.iter_mut().position(|buffer| {
            buffer.try_reclaim(bytes) && !buffer.try_reclaim(bytes + bytes / 4 + 1)
        })?;
        Some(buffers.remove(fitting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(len: usize) -> (Bytes, Bytes) {
        let mut frame = BytesMut::zeroed(len);
        let first = frame.split_to(len / 2).freeze();
        (first, frame.freeze())
    }

    #[test]
    fn the_last_part_gives_the_memory_of_the_whole() {
        let spares = SpareFrames::default();
        let (first, second) = parts(2 * LARGE);
        let address = first.as_ptr();
        spares.give(second.clone());
        drop(second);
        assert!(spares.take(LARGE).is_none(), "parts are held elsewhere");
        spares.give(first);
        assert!(spares.take(4 * LARGE).is_none(), "it is not so large");
        assert!(
            spares.take(LARGE).is_none(),
            "half of it would be for nothing"
        );
        let buffer = spares.take(2 * LARGE).unwrap();
        assert_eq!((buffer.len(), buffer.as_ptr()), (0, address));
    }

    #[test]
    fn little_is_kept() {
        let spares = SpareFrames::default();
        for size in [1000, MAX + 1] {
            spares.give(BytesMut::zeroed(size).freeze());
            assert!(spares.take(size).is_none(), "{size}");
        }
        for _ in 0..KEPT + 3 {
            spares.give(BytesMut::zeroed(LARGE).freeze());
        }
        for _ in 0..KEPT {
            assert!(spares.take(LARGE).is_some());
        }
        assert!(spares.take(LARGE).is_none());
    }
}
