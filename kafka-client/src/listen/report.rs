//! What a listener has done.

use std::sync::atomic::{AtomicU64, Ordering};

/// What became of the records of a listener, from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Records whose handler succeeded.
    pub handled: u64,
    /// Attempts that failed and were followed by another in the record's place.
    pub retried: u64,
    /// Records that were written to a retry topic.
    pub forwarded: u64,
    /// Records that were written to a topic of dead letters.
    pub dead_lettered: u64,
    /// Records that could not be handled and were passed over, as a [`Verdict`](super::Verdict) said.
    pub skipped: u64,
    /// Records in work that were given up at the end: they waited for another attempt, or ran longer than
    /// [`shutdown_timeout`](super::Listener::shutdown_timeout). They are not committed, and come again.
    pub abandoned: u64,
}

/// The counters behind it.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) handled: Count,
    pub(super) retried: Count,
    pub(super) forwarded: Count,
    pub(super) dead_lettered: Count,
    pub(super) skipped: Count,
    pub(super) abandoned: Count,
    pub(super) running: Count,
}

#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn subtract(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One that runs, until it is dropped.
pub(super) struct Running<'a>(&'a Count);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.subtract();
    }
}

impl Counts {
    pub(super) fn run(&self) -> Running<'_> {
        self.running.add();
        Running(&self.running)
    }

    /// Those that still run count as abandoned.
    pub(super) fn report(&self) -> ShutdownReport {
        ShutdownReport {
            handled: self.handled.get(),
            retried: self.retried.get(),
            forwarded: self.forwarded.get(),
            dead_lettered: self.dead_lettered.get(),
            skipped: self.skipped.get(),
            abandoned: self.abandoned.get() + self.running.get(),
        }
    }
}
