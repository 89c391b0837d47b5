//! Whether handlers are to be called while all of them fail. Pure.
//!
//! ```text
//! closed --so many in a row fail finally--> open --the wait is over--> probing
//!   ^                                        ^                            |
//!   |                                        +---fails, a longer wait-----+
//!   +-------------------succeeds------------------------------------------+
//! ```

use std::ops::RangeInclusive;
use std::time::Duration;

use tokio::time::Instant;

/// Stops writing dead letters when nothing is handled any more: what fails then is not the records, but something
/// that all handlers need. See [`Listener::circuit_breaker`](super::Listener::circuit_breaker).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitBreaker {
    failures: u32,
    first: Duration,
    max: Duration,
}

impl CircuitBreaker {
    /// Opens when so many records in a row are about to be dead letters, with none handled in between. At
    /// least 1.
    #[must_use]
    pub const fn after(failures: u32) -> Self {
        Self {
            failures,
            first: Duration::from_secs(1),
            max: Duration::from_secs(60),
        }
    }

    /// The wait before a record is tried again, and the most that it doubles to. Defaults to 1 second up to 1
    /// minute.
    #[must_use]
    pub fn backoff(mut self, waits: RangeInclusive<Duration>) -> Self {
        (self.first, self.max) = waits.into_inner();
        self
    }
}

impl Default for CircuitBreaker {
    /// After 20 records.
    fn default() -> Self {
        Self::after(20)
    }
}

/// What a record may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Be handled.
    Go,
    /// Be handled, to see whether that succeeds.
    Probe,
    /// Wait until then.
    Until(Instant),
    /// Wait for the end of the probe.
    Later,
}

#[derive(Debug)]
pub(super) struct Breaker {
    settings: CircuitBreaker,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many in a row have failed.
    Closed {
        failed: u32,
    },
    Open {
        until: Instant,
        wait: Duration,
    },
    Probing {
        wait: Duration,
    },
}

impl Breaker {
    pub(super) fn new(settings: CircuitBreaker) -> Self {
        let state = State::Closed { failed: 0 };
        Self { settings, state }
    }

    /// Nothing has failed since something was handled.
    pub(super) fn is_clean(&self) -> bool {
        self.state == State::Closed { failed: 0 }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// A record is about to be handled.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Closed { .. } => Admission::Go,
            State::Open { until, .. } if now < until => Admission::Until(until),
            State::Open { wait, .. } => {
                self.state = State::Probing { wait };
                Admission::Probe
            }
            State::Probing { .. } => Admission::Later,
        }
    }

    /// A record was handled.
    pub(super) fn succeeded(&mut self) {
        self.state = State::Closed { failed: 0 };
    }

    /// The record that was to show whether handlers succeed again does not show it: another one is to.
    pub(super) fn undecided(&mut self, now: Instant) {
        if let State::Probing { wait } = self.state {
            self.state = State::Open { until: now, wait };
        }
    }

    /// The probe failed.
    pub(super) fn probe_failed(&mut self, now: Instant) {
        if let State::Probing { wait } = self.state {
            let wait = (2 * wait).min(self.settings.max.max(self.settings.first));
            let until = now + wait;
            self.state = State::Open { until, wait };
        }
    }

    /// A record is about to be a dead letter: whether it may.
    pub(super) fn may_give_up(&mut self, now: Instant) -> bool {
        let State::Closed { failed } = &mut self.state else {
            return false;
        };
        *failed += 1;
        if *failed < self.settings.failures.max(1) {
            return true;
        }
        let wait = self.settings.first;
        let until = now + wait;
        self.state = State::Open { until, wait };
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_opens_when_all_fail_and_closes_with_the_first_that_does_not() {
        let start = Instant::now();
        let mut breaker = Breaker::new(CircuitBreaker::after(2).backoff(SECOND..=3 * SECOND));
        assert!(breaker.is_clean());
        assert!(breaker.may_give_up(start));
        assert!(!breaker.is_clean() && breaker.is_closed());
        assert!(!breaker.may_give_up(start), "the second in a row");
        assert!(!breaker.may_give_up(start), "one that was under way");
        assert_eq!(breaker.admit(start), Admission::Until(start + SECOND));
        let mut now = start + SECOND;
        assert_eq!(breaker.admit(now), Admission::Probe);
        assert_eq!(breaker.admit(now), Admission::Later, "one at a time");
        for wait in [2 * SECOND, 3 * SECOND, 3 * SECOND] {
            breaker.probe_failed(now);
            assert_eq!(breaker.admit(now), Admission::Until(now + wait));
            now += wait;
            assert_eq!(breaker.admit(now), Admission::Probe);
        }
        breaker.undecided(now);
        assert_eq!(breaker.admit(now), Admission::Probe);
        breaker.succeeded();
        assert!(breaker.is_clean());
        assert_eq!(breaker.admit(now), Admission::Go);
        assert!(breaker.may_give_up(now), "it counts anew");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_succeeds_in_between_keeps_it_closed() {
        let now = Instant::now();
        let mut breaker = Breaker::new(CircuitBreaker::after(2));
        for _ in 0..10 {
            assert!(breaker.may_give_up(now));
            breaker.succeeded();
        }
    }
}
