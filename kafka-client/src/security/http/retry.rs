//! What is tried again, and when.

use std::time::Duration;

use hyper::StatusCode;

use super::Then;

/// Waits that double (`sasl.login.retry.backoff.ms`), until the next one would go beyond a limit
/// (`sasl.login.retry.backoff.max.ms`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::security) struct Retries {
    wait: Duration,
    max: Duration,
}

impl Retries {
    pub(in crate::security) fn new(first: Duration, max: Duration) -> Self {
        // No clock holds a wait of that many ages, jittered.
        const FAR: Duration = Duration::from_secs(86_400 * 365);
        Self {
            wait: first.min(FAR),
            max,
        }
    }

    /// The next wait, if there is one so long after the beginning. `chance` is from 0 to 1: the wait is
    /// between 80 % and 120 % of its base, so that not all clients come back at once.
    pub(super) fn next(&mut self, elapsed: Duration, chance: f64) -> Option<Duration> {
        let wait = self.wait.mul_f64(0.8 + 0.4 * chance);
        self.wait = self.wait.saturating_mul(2);
        (elapsed.saturating_add(wait) <= self.max).then_some(wait)
    }
}

/// Whether this status passes. The list is that of Kafka's client, and 408, 425 and 429 say themselves that
/// they do.
pub(super) fn after(status: StatusCode) -> Then {
    match status.as_u16() {
        408 | 425 | 429 => Then::Retry,
        501 | 505 => Then::Stop,
        500.. => Then::Retry,
        _ => Then::Stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_until_the_next_would_be_too_late() {
        let ms = Duration::from_millis;
        let mut retries = Retries::new(ms(100), ms(1000));
        assert_eq!(retries.next(ms(0), 0.5), Some(ms(100)));
        assert_eq!(retries.next(ms(150), 0.0), Some(ms(160)));
        assert_eq!(retries.next(ms(320), 1.0), Some(ms(480)));
        assert_eq!(retries.next(ms(810), 0.5), None);
        let mut none = Retries::new(ms(100), ms(0));
        assert_eq!(none.next(ms(0), 0.0), None);
        let mut far = Retries::new(Duration::MAX, Duration::MAX);
        assert!(far.next(ms(0), 1.0).is_some());
    }

    #[test]
    fn servers_that_are_busy_are_asked_again_and_refusals_are_final() {
        for (status, then) in [
            (200, Then::Stop),
            (302, Then::Stop),
            (400, Then::Stop),
            (401, Then::Stop),
            (403, Then::Stop),
            (408, Then::Retry),
            (429, Then::Retry),
            (500, Then::Retry),
            (501, Then::Stop),
            (503, Then::Retry),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(after(status), then, "{status}");
        }
    }
}
