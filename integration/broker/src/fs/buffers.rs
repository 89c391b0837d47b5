//! Buffers that reads use again and again.
//!
//! A new one of a megabyte is 256 pages that the kernel has to find and clear; one that was used is there, and what
//! is still in it is written over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Smaller ones are not worth it.
const BYTES_MIN: usize = 16 << 10;
/// Larger ones are rare.
const BYTES_MAX: usize = 4 << 20;
/// What is kept of unused ones.
const KEPT_BYTES_MAX: usize = 16 << 20;

/// The unused ones, by size: each twice the one before.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers(Arc<Mutex<Unused>>);

#[derive(Debug, Default)]
struct Unused {
    by_size: [Vec<Vec<u8>>; SIZES],
    bytes: usize,
}

const SIZES: usize = (BYTES_MAX / BYTES_MIN).ilog2() as usize + 1;

impl Buffers {
    /// So many bytes, with whatever is in them, to be written over by `fill`.
    pub(super) fn filled<E>(
        &self,
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Bytes, E> {
        if !(BYTES_MIN..=BYTES_MAX).contains(&length) {
            let mut bytes = vec![0; length];
            fill(&mut bytes)?;
            return Ok(bytes.into());
        }
        let size = length.next_power_of_two();
        let mut buffer = Buffer {
            bytes: self.take(size).unwrap_or_else(|| vec![0; size]),
            length,
            home: self.clone(),
        };
        fill(&mut buffer.bytes[..length])?;
        Ok(Bytes::from_owner(buffer))
    }

    fn take(&self, size: usize) -> Option<Vec<u8>> {
        let mut unused = self.unused();
        let taken = unused.by_size[place(size)].pop()?;
        unused.bytes -= size;
        Some(taken)
    }

    fn give_back(&self, bytes: Vec<u8>) {
        let size = bytes.len();
        let mut unused = self.unused();
        if unused.bytes + size <= KEPT_BYTES_MAX {
            unused.bytes += size;
            unused.by_size[place(size)].push(bytes);
        }
    }

    fn unused(&self) -> MutexGuard<'_, Unused> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where buffers of a size are.
fn place(size: usize) -> usize {
    (size / BYTES_MIN).ilog2() as usize
}

/// One in use. It goes back when nobody has a part of it any more.
struct Buffer {
    bytes: Vec<u8>,
    length: usize,
    home: Buffers,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.home.give_back(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(buffers: &Buffers, length: usize, with: u8) -> Bytes {
        let fill = |bytes: &mut [u8]| {
            bytes.fill(with);
            Ok::<_, ()>(())
        };
        buffers.filled(length, fill).unwrap()
    }

    fn kept(buffers: &Buffers) -> usize {
        let unused = buffers.unused();
        let sizes = unused.by_size.iter().flatten().map(Vec::len);
        assert_eq!(sizes.sum::<usize>(), unused.bytes);
        unused.bytes
    }

    #[test]
    fn a_buffer_is_used_again_when_no_part_of_it_is_left() {
        let buffers = Buffers::default();
        let first = filled(&buffers, 100_000, 1);
        let at = first.as_ptr();
        let part = first.slice(7..9);
        drop(first);
        assert_eq!(kept(&buffers), 0);
        assert_eq!(part[..], [1, 1]);
        drop(part);
        assert_eq!(kept(&buffers), 128 << 10);
        // Of the same size class, and not longer than asked for.
        let second = filled(&buffers, 70_000, 2);
        assert_eq!((second.as_ptr(), second.len()), (at, 70_000));
        assert!(second.iter().all(|byte| *byte == 2));
        assert_eq!(kept(&buffers), 0);
    }

    #[test]
    fn what_fails_to_be_filled_goes_back() {
        let buffers = Buffers::default();
        buffers.filled(20_000, |_| Err(())).unwrap_err();
        assert_eq!(kept(&buffers), 32 << 10);
    }

    #[test]
    fn small_and_huge_ones_are_not_kept_and_of_the_others_not_many() {
        let buffers = Buffers::default();
        for length in [0, 1, BYTES_MIN - 1, BYTES_MAX + 1] {
            assert_eq!(filled(&buffers, length, 1).len(), length);
        }
        assert_eq!(kept(&buffers), 0);
        let sizes = [BYTES_MIN, BYTES_MIN + 1, BYTES_MAX - 1, BYTES_MAX];
        let all: Vec<Bytes> = (0..100)
            .map(|n| filled(&buffers, sizes[n % sizes.len()], 1))
            .collect();
        drop(all);
        let kept = kept(&buffers);
        assert!(
            (KEPT_BYTES_MAX - BYTES_MAX..=KEPT_BYTES_MAX).contains(&kept),
            "{kept}"
        );
    }
}
