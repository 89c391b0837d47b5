//! What a consumer with manual acknowledgement keeps of each partition: its ledger, and who is to
//! hear of acknowledgements.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use super::delivery::{Receipt, Returned, Returns};
use super::ledger::Ledger;
use crate::env::lock;
use crate::record::ConsumerRecord;

/// Of all partitions of a consumer.
pub(crate) struct Tracking {
    /// As many records of a partition are the most, from the first in work to the last handed out.
    pub(crate) capacity: usize,
    /// A partition that was full may be read again, or a record was handed back.
    pub(crate) news: Notify,
    made_room: AtomicBool,
    /// Nothing of a partition is in work any more.
    pub(crate) idle: Notify,
    /// Acknowledgements of partitions that had gone.
    pub(crate) late: AtomicU64,
    /// Records to be handed out again.
    returns: Mutex<Returns>,
    /// Whether there are any, to be looked at without a lock.
    has_returns: AtomicBool,
}

impl fmt::Debug for Tracking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracking")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// Of one partition.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) tracking: Arc<Tracking>,
    ledger: Mutex<Ledger>,
    /// Everything below is acknowledged; -1 while there is no position.
    processed: AtomicI64,
    /// As the ledger has it, to be looked at without a lock.
    is_full: AtomicBool,
}

impl Tracking {
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            news: Notify::new(),
            made_room: AtomicBool::new(false),
            idle: Notify::new(),
            late: AtomicU64::new(0),
            returns: Mutex::default(),
            has_returns: AtomicBool::new(false),
        })
    }

    /// A record is to be handed out again.
    pub(crate) fn hand_back(&self, returned: Returned) {
        let mut returns = lock(&self.returns);
        returns.push_back(returned);
        self.has_returns.store(true, Ordering::Release);
        drop(returns);
        self.news.notify_one();
    }

    /// A partition that was full may be read again.
    pub(crate) fn make_room(&self) {
        self.made_room.store(true, Ordering::Release);
        self.news.notify_one();
    }

    /// Whether one may, since the last call.
    pub(crate) fn has_made_room(&self) -> bool {
        self.made_room.swap(false, Ordering::AcqRel)
    }

    /// The next record that was handed back and may still be acknowledged, with how often it will
    /// have been handed out.
    pub(crate) fn take_back(&self) -> Option<(ConsumerRecord, Receipt, u32)> {
        if !self.has_returns.load(Ordering::Acquire) {
            return None;
        }
        let mut returns = lock(&self.returns);
        let again = std::iter::from_fn(|| returns.pop_front()).find_map(Returned::again);
        self.has_returns
            .store(!returns.is_empty(), Ordering::Release);
        again
    }
}

impl Work {
    pub(crate) fn new(tracking: Arc<Tracking>) -> Self {
        Self {
            ledger: Mutex::new(Ledger::new(tracking.capacity)),
            processed: AtomicI64::new(-1),
            is_full: AtomicBool::new(false),
            tracking,
        }
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    pub(crate) fn processed(&self) -> i64 {
        self.processed.load(Ordering::Acquire)
    }

    /// After a change of the ledger, which is still locked.
    pub(crate) fn set_processed(&self, processed: i64) {
        self.processed.store(processed, Ordering::Release);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Acquire)
    }

    /// After a change of the ledger, which is still locked.
    pub(crate) fn note_full(&self, ledger: &Ledger) {
        self.is_full.store(ledger.is_full(), Ordering::Release);
    }
}
