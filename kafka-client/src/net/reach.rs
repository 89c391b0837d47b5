//! Whether a broker is reached, as health tells it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Instant;

use crate::env::lock;
use crate::error::Error;
use crate::health::Trouble;

/// Dials that fail and requests that stay without an answer are one trouble. A broker that lets itself
/// be dialed is well after dials that failed; after requests without an answer it takes an answer.
#[derive(Debug)]
pub(crate) struct Reach {
    trouble: Mutex<Trouble>,
    /// A request has waited for an answer too long, and none has come since. So that an answer costs one
    /// look.
    is_silent: AtomicBool,
}

impl Reach {
    pub(super) fn new(trouble: Trouble) -> Self {
        Self {
            trouble: Mutex::new(trouble),
            is_silent: AtomicBool::new(false),
        }
    }

    /// A dial that began at an instant has failed, or has not ended yet.
    pub(super) fn not_dialed(&self, since: Instant, error: &Error) {
        lock(&self.trouble).failed_since(since, error);
    }

    /// A dial has succeeded.
    pub(super) fn dialed(&self) {
        if !self.is_silent.load(Ordering::Relaxed) {
            lock(&self.trouble).over();
        }
    }

    /// A request that was to be answered from an instant on is not answered yet.
    pub(super) fn unanswered(&self, since: Instant, error: &Error) {
        self.is_silent.store(true, Ordering::Relaxed);
        lock(&self.trouble).failed_since(since, error);
    }

    /// An answer has come.
    pub(super) fn answered(&self) {
        if self.is_silent.load(Ordering::Relaxed) && self.is_silent.swap(false, Ordering::Relaxed) {
            lock(&self.trouble).over();
        }
    }
}
