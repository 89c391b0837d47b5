//! Outcomes that are being told: their batches have left their partitions, and their deliveries have not
//! heard yet. Whoever flushes at that moment would find nothing to wait for, and say that all is well of a
//! record that failed.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// How many take batches out of partitions, or tell what became of them.
#[derive(Debug, Default)]
pub(crate) struct Telling {
    count: AtomicUsize,
    /// It was none, for a moment at least.
    none: Notify,
}

impl Telling {
    /// To be called before batches are taken out of partitions, under their locks; what is returned is to
    /// be dropped when all are told.
    pub(crate) fn begin(&self) -> Told<'_> {
        self.count.fetch_add(1, Ordering::AcqRel);
        Told(self)
    }

    /// Waits until all that has begun by now is told.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn ended(&self) {
        let none = self.none.notified();
        tokio::pin!(none);
        // From here on, so that an end is either seen now or wakes it.
        none.as_mut().enable();
        if self.count.load(Ordering::Acquire) > 0 {
            // What begins later is not waited for: once there was none, all of before has ended.
            none.await;
        }
    }
}

/// Somebody tells, until this is dropped.
#[derive(Debug)]
pub(crate) struct Told<'a>(&'a Telling);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn what_has_begun_is_waited_for_and_nothing_after_it() {
        let telling = Telling::default();
        assert!(telling.ended().now_or_never().is_some());
        let (first, second) = (telling.begin(), telling.begin());
        let mut ended = Box::pin(telling.ended());
        assert!(futures::poll!(&mut ended).is_pending());
        drop(first);
        assert!(futures::poll!(&mut ended).is_pending());
        drop(second);
        let _later = telling.begin();
        assert!(ended.now_or_never().is_some());
    }
}
