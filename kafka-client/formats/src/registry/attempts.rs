//! Which address is asked, and when again.

use std::time::Duration;

use super::Retry;

/// The attempts of one request: all addresses in turn, from the one that answered last; then a wait, twice as
/// long after each round.
#[derive(Debug)]
pub(super) struct Attempts {
    retry: Retry,
    addresses: usize,
    next: usize,
    /// Addresses of this round that were asked.
    asked: usize,
    wait: Duration,
}

impl Attempts {
    /// There is at least one address.
    pub(super) fn new(retry: Retry, addresses: usize, begin: usize) -> Self {
        Self {
            wait: retry.backoff,
            retry,
            addresses: addresses.max(1),
            next: begin,
            asked: 0,
        }
    }

    /// The address to ask.
    pub(super) fn address(&self) -> usize {
        self.next % self.addresses
    }

    /// After a failure that may pass: how long to wait before the next address is asked; `None` when the time
    /// would be over. `chance` is from 0 to 1: a wait is between 80 % and 120 % of its base, so that not all
    /// clients come back at once.
    pub(super) fn failed(&mut self, elapsed: Duration, chance: f64) -> Option<Duration> {
        self.next += 1;
        self.asked += 1;
        let wait = match self.asked < self.addresses {
            true => Duration::ZERO,
            false => {
                self.asked = 0;
                let wait = self.wait.mul_f64(0.8 + 0.4 * chance);
                self.wait = self.wait.saturating_mul(2).min(self.retry.backoff_max);
                wait
            }
        };
        let after = elapsed.saturating_add(wait);
        (after < self.retry.deadline).then_some(wait)
    }

    /// What is left of the time.
    pub(super) fn left(&self, elapsed: Duration) -> Duration {
        self.retry.deadline.saturating_sub(elapsed)
    }
}

/// Whether this status passes.
pub(super) fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504 | 506..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_asked_before_anybody_waits() {
        let ms = Duration::from_millis;
        let retry = Retry {
            backoff: ms(100),
            backoff_max: ms(300),
            deadline: ms(1000),
        };
        let mut attempts = Attempts::new(retry, 3, 2);
        let mut steps = Vec::new();
        let mut elapsed = ms(0);
        loop {
            let address = attempts.address();
            let Some(wait) = attempts.failed(elapsed, 0.5) else {
                break;
            };
            elapsed += wait;
            steps.push((address, wait));
        }
        let waits = [
            (2, 0),
            (0, 0),
            (1, 100),
            (2, 0),
            (0, 0),
            (1, 200),
            (2, 0),
            (0, 0),
            (1, 300),
        ];
        let more = [(2, 0), (0, 0), (1, 300), (2, 0), (0, 0)];
        let wanted = waits
            .into_iter()
            .chain(more)
            .map(|(at, wait)| (at, ms(wait)));
        assert_eq!(steps, wanted.collect::<Vec<_>>());
        assert_eq!(attempts.left(ms(900)), ms(100));
        assert_eq!(attempts.left(ms(1100)), ms(0));
    }

    #[test]
    fn jitter_is_within_a_fifth() {
        let mut attempts = Attempts::new(Retry::default(), 1, 0);
        let wait = attempts.failed(Duration::ZERO, 0.0).unwrap();
        assert_eq!(wait, Retry::default().backoff.mul_f64(0.8));
    }

    #[test]
    fn refusals_are_final() {
        for status in [200, 301, 400, 401, 403, 404, 409, 422, 501, 505] {
            assert!(!may_pass(status), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 507] {
            assert!(may_pass(status), "{status}");
        }
    }
}
