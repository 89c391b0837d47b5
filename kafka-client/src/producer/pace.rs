//! When a sink sends its next request. Pure: no clock, no socket, no lock.
//!
//! Requests clock themselves, as Nagle's rule does for TCP: with nothing under way, what is ready is
//! sent now; while an answer is awaited, what becomes ready waits for it and goes together. So a lone
//! send is not delayed, a thousand concurrent ones share few requests, and a slow broker is asked
//! seldom and for much. Waiting has bounds: the time that batches linger, and an amount of data that is
//! worth a request of its own, so that a distant broker is kept busy.

use std::time::Duration;

use tokio::time::Instant;

/// The longest that ready batches wait for an answer, however long they may linger.
const GATHER: Duration = Duration::from_millis(5);

/// What stands in a sink's queue.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Backlog {
    /// Whether anything is ready.
    pub(crate) ready: bool,
    /// Something is not to wait, or there is enough for a request.
    pub(crate) urgent: bool,
}

/// What the sink is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send what is ready.
    Send,
    /// Wait for an answer, a signal, or this instant.
    Wait(Option<Instant>),
}

/// Decides when a sink sends.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Requests under way at a time.
    limit: usize,
    gather: Duration,
    /// Until when ready batches wait for the answer of what is under way.
    gathering: Option<Instant>,
    /// No connection is tried before this instant.
    dial_after: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(limit: usize, linger: Duration) -> Self {
        Self {
            limit,
            gather: linger.min(GATHER),
            gathering: None,
            dial_after: None,
        }
    }

    /// What to do now, with so many requests under way.
    pub(crate) fn step(&mut self, now: Instant, under_way: usize, backlog: Backlog) -> Step {
        if self.dial_after.is_some_and(|instant| instant <= now) {
            self.dial_after = None;
        }
        if !backlog.ready {
            self.gathering = None;
            return Step::Wait(None);
        }
        if let Some(instant) = self.dial_after {
            return Step::Wait(Some(instant));
        }
        if under_way >= self.limit {
            return Step::Wait(None);
        }
        if under_way == 0 || backlog.urgent {
            return Step::Send;
        }
        let until = *self.gathering.get_or_insert(now + self.gather);
        match until <= now {
            true => Step::Send,
            false => Step::Wait(Some(until)),
        }
    }

    /// A request was sent.
    pub(crate) fn sent(&mut self) {
        self.gathering = None;
    }

    /// An answer came: what waited for it goes now.
    pub(crate) fn answered(&mut self, now: Instant) {
        if self.gathering.is_some() {
            self.gathering = Some(now);
        }
    }

    /// No connection could be made.
    pub(crate) fn unreachable(&mut self, until: Instant) {
        self.dial_after = Some(until);
    }

    /// Whether timers matter: while no request can be sent, what they release would only wait, and
    /// grows while it lingers.
    pub(crate) fn has_room(&self, under_way: usize) -> bool {
        under_way < self.limit
    }
}

/// Whether those who were told of the last request are given time to send again. They wait for their
/// records one by one, and each wakes the sink as soon as it has sent the next: without this, the first
/// that runs would go alone, and the others after its answer.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    expected: bool,
    yields: u32,
    /// Records that were ready at the last look.
    seen: usize,
}

impl Crowd {
    /// More looks than this are not taken, however many come.
    const YIELDS: u32 = 64;

    /// After a request with so many records.
    pub(crate) fn after(records: usize) -> Self {
        Self {
            expected: records > 1,
            ..Self::default()
        }
    }

    /// Whether to let others run once more: as long as more records come.
    pub(crate) fn gathers(&mut self, ready: usize) -> bool {
        let comes = self.yields == 0 || ready > self.seen;
        self.seen = ready;
        self.yields += 1;
        self.expected && comes && self.yields <= Self::YIELDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: Backlog = Backlog {
        ready: true,
        urgent: false,
    };
    const URGENT: Backlog = Backlog {
        ready: true,
        urgent: true,
    };

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn with_nothing_under_way_what_is_ready_is_sent_at_once() {
        let mut pace = Pace::new(5, ms(5));
        let now = Instant::now();
        assert_eq!(pace.step(now, 0, Backlog::default()), Step::Wait(None));
        assert_eq!(pace.step(now, 0, READY), Step::Send);
    }

    #[test]
    fn what_becomes_ready_waits_for_the_answer_of_what_is_under_way() {
        let mut pace = Pace::new(5, ms(100));
        let now = Instant::now();
        let until = now + GATHER;
        assert_eq!(pace.step(now, 1, READY), Step::Wait(Some(until)));
        // More of it does not move the bound.
        assert_eq!(pace.step(now + ms(2), 1, READY), Step::Wait(Some(until)));
        assert_eq!(pace.step(until, 1, READY), Step::Send);
        pace.sent();

        assert_eq!(pace.step(until, 2, READY), Step::Wait(Some(until + GATHER)));
        // One of two answers is enough.
        pace.answered(until + ms(1));
        assert_eq!(pace.step(until + ms(1), 1, READY), Step::Send);
    }

    #[test]
    fn who_wants_no_lingering_has_none() {
        let mut pace = Pace::new(5, Duration::ZERO);
        assert_eq!(pace.step(Instant::now(), 4, READY), Step::Send);
    }

    #[test]
    fn what_is_urgent_is_sent_while_there_is_room() {
        let mut pace = Pace::new(2, ms(5));
        let now = Instant::now();
        assert_eq!(pace.step(now, 1, URGENT), Step::Send);
        assert_eq!(pace.step(now, 2, URGENT), Step::Wait(None));
    }

    #[test]
    fn those_who_send_again_are_waited_for_while_they_come() {
        let mut crowd = Crowd::after(40);
        let looks = [1, 20, 40, 40].map(|ready| crowd.gathers(ready));
        assert_eq!(looks, [true, true, true, false]);
        assert!(!Crowd::after(1).gathers(1), "one alone is not held up");
        let mut endless = Crowd::after(2);
        assert!((0..1_000).any(|ready| !endless.gathers(ready)));
    }

    #[test]
    fn a_broker_that_is_not_reached_is_tried_again() {
        let mut pace = Pace::new(5, ms(5));
        let now = Instant::now();
        pace.unreachable(now + ms(50));
        assert_eq!(pace.step(now, 0, URGENT), Step::Wait(Some(now + ms(50))));
        assert_eq!(pace.step(now + ms(50), 0, READY), Step::Send);
    }
}
