//! The circuit breaker of a listener, which its records wait at, and which tells of itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::breaker::{Admission, Breaker, CircuitBreaker};
use super::failure::Failure;
use super::forward::Abandoned;
use super::stop::Stop;
use crate::env::{Env, lock};
use crate::error::{Error, ErrorKind};
use crate::health::{Monitor, Subject, Trouble};

pub(super) struct Gate {
    env: Env,
    group: Arc<str>,
    /// `None` is no breaker.
    state: Option<Mutex<(Breaker, Trouble)>>,
    /// Whether nothing has failed, to be looked at without a lock.
    is_clean: AtomicBool,
    /// Those who wait are to look again.
    changes: watch::Sender<()>,
}

/// How a record got through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    Free,
    Probe,
}

impl Gate {
    pub(super) fn new(
        env: Env,
        monitor: &Monitor,
        group: Arc<str>,
        settings: Option<CircuitBreaker>,
    ) -> Self {
        let subject = Subject::Handlers {
            group: group.clone(),
        };
        let trouble = monitor.watch(subject);
        Self {
            env,
            group,
            state: settings.map(|settings| Mutex::new((Breaker::new(settings), trouble))),
            is_clean: AtomicBool::new(true),
            changes: watch::Sender::new(()),
        }
    }

    /// Waits until a record may be handled.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[inline]
    pub(super) async fn enter(&self, stop: &Stop) -> Result<Passage, Abandoned> {
        match self.is_clean.load(Ordering::Relaxed) {
            true => Ok(Passage::Free),
            // In a box, so that those who need not wait have no room for it.
            false => Box::pin(self.enter_slowly(stop)).await,
        }
    }

    async fn enter_slowly(&self, stop: &Stop) -> Result<Passage, Abandoned> {
        let Some(state) = &self.state else {
            return Ok(Passage::Free);
        };
        let mut changes = self.changes.subscribe();
        loop {
            let until = match lock(state).0.admit(self.env.now()) {
                Admission::Go => return Ok(Passage::Free),
                Admission::Probe => return Ok(Passage::Probe),
                Admission::Until(until) => Some(until),
                Admission::Later => None,
            };
            tokio::select! {
                biased;
                () = stop.wait() => return Err(Abandoned),
                // The sender lives in `self`.
                _ = changes.changed() => {}
                () = self.env.until(until) => {}
            }
        }
    }

    /// A record was handled.
    #[inline]
    pub(super) fn succeeded(&self) {
        if !self.is_clean.load(Ordering::Relaxed) {
            self.change(|breaker, trouble| {
                if !breaker.is_closed() {
                    let group = &self.group;
                    tracing::warn!("the handlers of listener {group} succeed again");
                }
                breaker.succeeded();
                trouble.over();
            });
        }
    }

    /// A probe did not show whether handlers succeed again.
    pub(super) fn undecided(&self) {
        self.change(|breaker, _| breaker.undecided(self.env.now()));
    }

    /// A probe failed.
    pub(super) fn probe_failed(&self, failure: &Failure) {
        self.change(|breaker, trouble| {
            breaker.probe_failed(self.env.now());
            trouble.failed(&self.error(failure));
        });
    }

    /// Whether a record may become a dead letter.
    pub(super) fn may_give_up(&self, failure: &Failure) -> bool {
        let mut may = true;
        self.change(|breaker, trouble| {
            let was_closed = breaker.is_closed();
            may = breaker.may_give_up(self.env.now());
            if was_closed && !may {
                let error = self.error(failure);
                tracing::warn!(
                    "the handlers of listener {} are held: {error}; no more dead letters are written \
                     until one succeeds",
                    self.group
                );
                trouble.failed(&error);
            }
        });
        may
    }

    fn error(&self, failure: &Failure) -> Error {
        let text = format!("all records fail, the latest with: {failure}");
        Error::new(ErrorKind::Handler, text)
    }

    fn change(&self, change: impl FnOnce(&mut Breaker, &mut Trouble)) {
        let Some(state) = &self.state else {
            return;
        };
        {
            let (breaker, trouble) = &mut *lock(state);
            change(breaker, trouble);
            self.is_clean.store(breaker.is_clean(), Ordering::Relaxed);
        }
        self.changes.send_replace(());
    }
}
