//! How often and when a record is handled again.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::policy::Policy;

/// A way to have records handled again, for [`Listener::retry`](super::Listener::retry): [`Blocking`] or
/// [`Topics`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no way to have records handled again",
    label = "not a retry",
    note = "write `Blocking::times(3)` for attempts in place, or `Topics::after([wait, ..])` for attempts from \
            topics of their own"
)]
pub trait Retry: private::Sealed {
    #[doc(hidden)]
    fn set(self, policy: &mut Policy);
}

pub(super) mod private {
    pub trait Sealed {}
}

/// Has a record handled again in its place: those of its lane (the key or the partition, see
/// [`Concurrency`](crate::consumer::Concurrency)) wait for it, so their order is kept. The member stays in its
/// group meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocking {
    times: u32,
    first: Duration,
    max: Duration,
}

impl Blocking {
    /// So many times more, after the first.
    #[must_use]
    pub const fn times(times: u32) -> Self {
        Self {
            times,
            first: Duration::from_millis(100),
            max: Duration::from_secs(10),
        }
    }

    /// Until it succeeds, however often. What is behind the record waits.
    #[must_use]
    pub const fn forever() -> Self {
        Self::times(u32::MAX)
    }

    /// The wait before the first time, and the most that it doubles to. Defaults to 100 ms up to 10 seconds.
    #[must_use]
    pub fn backoff(mut self, waits: RangeInclusive<Duration>) -> Self {
        (self.first, self.max) = waits.into_inner();
        self
    }

    /// The wait after a record has failed so many times, from 1; `None` after the last.
    pub(super) fn wait(&self, failed: u32) -> Option<Duration> {
        if failed > self.times && self.times < u32::MAX {
            return None;
        }
        let doubled = 2_u32.saturating_pow(failed.saturating_sub(1));
        let wait = self.first.checked_mul(doubled).unwrap_or(self.max);
        Some(wait.min(self.max.max(self.first)))
    }
}

impl private::Sealed for Blocking {}

impl Retry for Blocking {
    fn set(self, policy: &mut Policy) {
        policy.blocking = Some(self);
    }
}

/// Has a record handled again later, from topics of its own, while what is behind it goes on: its order is given
/// up. For each wait there is a topic `<topic>.<group>.retry-<ms>`, whose records are handled once when their
/// wait is over; one that fails again goes to the next, and after the last to the dead letters. Each topic takes
/// another member of the group in this program.
///
/// How often a record was handled and where it was are in its headers (`__retry.*`), which handlers and dead letters
/// do not see. Settings of the consumer are those of these members too, but for where they begin, which is at the
/// beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    waits: Vec<Duration>,
}

impl Topics {
    /// After each of these waits, in turn. They are whole milliseconds, and none comes twice.
    #[must_use]
    pub fn after(waits: impl IntoIterator<Item = Duration>) -> Self {
        let waits = waits.into_iter().collect();
        Self { waits }
    }
}

impl private::Sealed for Topics {}

impl Retry for Topics {
    fn set(self, policy: &mut Policy) {
        policy.topics = self.waits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most() {
        let ms = Duration::from_millis;
        let retry = Blocking::times(4).backoff(ms(100)..=ms(300));
        let waits: Vec<_> = (1..=5).map(|failed| retry.wait(failed)).collect();
        assert_eq!(
            waits,
            [
                Some(ms(100)),
                Some(ms(200)),
                Some(ms(300)),
                Some(ms(300)),
                None
            ]
        );
        assert_eq!(Blocking::times(0).wait(1), None);
        assert_eq!(Blocking::forever().wait(u32::MAX), Some(ms(10_000)));
    }
}
