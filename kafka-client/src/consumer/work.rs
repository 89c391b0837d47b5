//! What a consumer with manual acknowledgement keeps of each partition: its ledger, and who is to
//! hear of acknowledgements.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

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
    signals: Arc<Signals>,
    ledger: Mutex<Ledger<Owner>>,
}

/// What an acknowledgement has to look at, without a lock.
#[derive(Debug)]
struct Signals {
    tracking: Arc<Tracking>,
    /// As the ledger has it: who acknowledges looks whether there is room.
    is_full: AtomicBool,
    /// Somebody waits until nothing is in work: who acknowledges looks whether that is so.
    is_awaited: AtomicBool,
    /// The partition is about to be given up.
    is_held: AtomicBool,
    /// It was given up.
    is_gone: AtomicBool,
}

/// Whom a record's ticket leads to.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    /// Beside the work, whose count of references all who acknowledge would change.
    signals: Arc<Signals>,
    work: Weak<Work>,
}

/// Acknowledges a record.
pub(crate) type Ticket = super::ledger::Ticket<Owner>;

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
    pub(crate) fn new(tracking: Arc<Tracking>) -> Arc<Self> {
        let capacity = tracking.capacity;
        let signals = Arc::new(Signals {
            tracking,
            is_full: AtomicBool::new(false),
            is_awaited: AtomicBool::new(false),
            is_held: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
        });
        Arc::new_cyclic(|work| {
            let owner = Owner {
                signals: signals.clone(),
                work: work.clone(),
            };
            Self {
                ledger: Mutex::new(Ledger::new(capacity, owner)),
                signals,
            }
        })
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger<Owner>> {
        lock(&self.ledger)
    }

    /// Everything below is acknowledged; -1 while there is no position.
    pub(crate) fn processed(&self) -> i64 {
        self.ledger().done()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.signals.is_full.load(Ordering::Acquire)
    }

    /// The record at `offset` is handed out.
    pub(crate) fn hand_out(&self, ledger: &mut Ledger<Owner>, offset: i64) -> Ticket {
        let ticket = ledger.hand_out(offset);
        if ledger.is_at_capacity() {
            let is_full = &self.signals.is_full;
            let stays = ledger.fill(|| is_full.store(true, Ordering::SeqCst));
            is_full.store(stays, Ordering::SeqCst);
        }
        ticket
    }

    /// Goes on elsewhere, with what is in work or without.
    pub(crate) fn move_to(&self, ledger: &mut Ledger<Owner>, offset: i64, keeps_work: bool) {
        if keeps_work {
            ledger.skip_to(offset);
        } else {
            ledger.restart(offset);
            self.signals.is_full.store(false, Ordering::SeqCst);
        }
        self.signals.tracking.idle.notify_waiters();
    }

    /// Whether nobody has a record in hand. Whoever waits for that is told of it from now on.
    pub(crate) fn await_idle(&self) -> bool {
        self.signals.is_awaited.store(true, Ordering::SeqCst);
        self.ledger().is_idle()
    }

    /// The partition is about to be given up.
    pub(crate) fn hold(&self) {
        self.signals.is_held.store(true, Ordering::Release);
    }

    /// The partition was given up.
    pub(crate) fn end(&self) {
        self.signals.is_gone.store(true, Ordering::Release);
    }

    /// A record was acknowledged of which somebody wants to hear; whether that `counts`.
    fn acked(&self, counts: bool) {
        let mut ledger = self.ledger();
        if !counts {
            ledger.note_late();
        }
        let has_room = ledger.has_room();
        if has_room {
            self.signals.is_full.store(false, Ordering::SeqCst);
        }
        let is_idle = self.signals.is_awaited.load(Ordering::Acquire) && ledger.is_idle();
        drop(ledger);
        let tracking = &self.signals.tracking;
        if has_room {
            tracking.make_room();
        }
        if is_idle {
            tracking.idle.notify_waiters();
        }
    }

    /// Nobody works on a record any more.
    fn put_down(&self, note: impl FnOnce(&mut Ledger<Owner>)) {
        let mut ledger = self.ledger();
        note(&mut ledger);
        let is_idle = ledger.is_idle();
        drop(ledger);
        if is_idle {
            self.signals.tracking.idle.notify_waiters();
        }
    }
}

impl Ticket {
    /// Who hears of records that are handed back.
    pub(crate) fn tracking(&self) -> &Arc<Tracking> {
        &self.owner().signals.tracking
    }

    /// The record is done.
    pub(crate) fn ack(&self) {
        let Owner { signals, work } = self.owner();
        if signals.is_gone.load(Ordering::Acquire) {
            signals.tracking.late.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let counts = self.done();
        let is_awaited =
            || signals.is_full.load(Ordering::SeqCst) || signals.is_awaited.load(Ordering::SeqCst);
        if (!counts || is_awaited())
            && let Some(work) = work.upgrade()
        {
            work.acked(counts);
        }
    }

    /// Whether an acknowledgement would still count.
    pub(crate) fn would_count(&self) -> bool {
        !self.owner().signals.is_gone.load(Ordering::Acquire) && self.is_in_work()
    }

    /// The record was handed back: nobody works on it.
    pub(crate) fn hand_back(&self) {
        if let Some(work) = self.owner().work.upgrade() {
            work.put_down(|ledger| ledger.hand_back(self));
        }
    }

    /// The record was dropped by whoever had it.
    pub(crate) fn drop_record(&self) {
        if let Some(work) = self.owner().work.upgrade() {
            work.put_down(|ledger| ledger.drop_record(self));
        }
    }

    /// Whether a record that was handed back may be handed out again: not of a partition that has gone,
    /// or is about to.
    pub(crate) fn hand_out_again(&self) -> bool {
        let Owner { signals, work } = self.owner();
        let Some(work) = work.upgrade() else {
            return false;
        };
        // The ledger first: who gives the partition up says so, and then looks whether it is idle.
        let mut ledger = work.ledger();
        let is_given_up =
            signals.is_held.load(Ordering::Acquire) || signals.is_gone.load(Ordering::Acquire);
        !is_given_up && ledger.hand_out_again(self)
    }
}
