//! The bytes that batches may take together (`buffer.memory`).

use tokio::sync::{Semaphore, TryAcquireError};

/// Counts bytes; who finds too few waits in line.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: Semaphore,
    total: usize,
}

impl Budget {
    pub(crate) fn new(total: usize) -> Self {
        let total = total.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Self {
            bytes: Semaphore::new(total),
            total,
        }
    }

    /// Takes bytes if they are there and nobody waits for them.
    pub(crate) fn try_take(&self, bytes: usize) -> bool {
        match self.bytes.try_acquire_many(bytes as u32) {
            Ok(permit) => {
                permit.forget();
                true
            }
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => false,
        }
    }

    /// Waits for bytes. Those who wait are served in order.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is taken, the place in line is given up.
    pub(crate) async fn take(&self, bytes: usize) -> Taken<'_> {
        let bytes = bytes.min(self.total);
        if let Ok(permit) = self.bytes.acquire_many(bytes as u32).await {
            permit.forget();
        }
        Taken {
            budget: self,
            bytes,
        }
    }

    /// Gives bytes back.
    pub(crate) fn give_back(&self, bytes: usize) {
        self.bytes.add_permits(bytes);
    }

    /// Bytes that are free.
    pub(crate) fn available(&self) -> usize {
        self.bytes.available_permits()
    }

    /// All bytes, free or not.
    pub(crate) fn total(&self) -> usize {
        self.total
    }
}

/// Bytes that were taken and not used yet; what is left goes back when dropped.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl Taken<'_> {
    /// Uses some of the bytes; `false` if there are too few.
    pub(crate) fn use_up(&mut self, bytes: usize) -> bool {
        if bytes > self.bytes {
            return false;
        }
        self.bytes -= bytes;
        true
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_is_served_before_who_comes_later() {
        let budget = Budget::new(100);
        assert!(budget.try_take(80));
        let waiting = budget.take(50);
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        // 20 are free, but somebody waits in line.
        assert!(!budget.try_take(10));
        budget.give_back(80);
        let mut taken = waiting.await;
        assert!(taken.use_up(50) && !taken.use_up(1));
    }

    #[tokio::test]
    async fn what_was_taken_and_not_used_goes_back() {
        let budget = Budget::new(100);
        drop(budget.take(60).await);
        assert_eq!(budget.available(), 100);
    }
}
