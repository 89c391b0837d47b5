//! How much per second: Kafka's `Rate`, over the samples of some seconds.

use std::collections::VecDeque;

/// `quota.window.num` and `quota.window.size.seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) samples: u32,
    pub(crate) sample_ms: u64,
}

/// A rate in the making.
#[derive(Debug, Default)]
pub(super) struct Rate {
    samples: VecDeque<Sample>,
}

#[derive(Debug)]
struct Sample {
    began_ms: u64,
    value: f64,
}

impl Rate {
    pub(super) fn record(&mut self, value: f64, window: Window, now_ms: u64) {
        match self.samples.back_mut() {
            Some(last) if now_ms.saturating_sub(last.began_ms) < window.sample_ms => {
                last.value += value;
            }
            _ => self.samples.push_back(Sample {
                began_ms: now_ms,
                value,
            }),
        }
        self.forget(window, now_ms);
    }

    /// Takes back what was recorded last.
    pub(super) fn unrecord(&mut self, value: f64) {
        if let Some(last) = self.samples.back_mut() {
            last.value -= value;
        }
    }

    /// How long to pause until the rate is down to a limit, 0 if it is.
    pub(super) fn pause_ms(&mut self, limit: f64, window: Window, now_ms: u64) -> u64 {
        self.forget(window, now_ms);
        let total: f64 = self.samples.iter().map(|sample| sample.value).sum();
        let elapsed_ms = self.elapsed_ms(window, now_ms) as f64;
        let rate = total / (elapsed_ms / 1000.0);
        if rate <= limit {
            return 0;
        }
        // Without any allowance, the rate is never down to it.
        let pause_ms = (rate - limit) / limit.max(f64::MIN_POSITIVE) * elapsed_ms;
        pause_ms.round() as u64
    }

    /// The time that the samples are taken for: nearly the whole window from the start on, so that
    /// the first bytes do not look like a flood.
    fn elapsed_ms(&self, window: Window, now_ms: u64) -> u64 {
        let oldest_ms = self.samples.front().map_or(now_ms, |first| first.began_ms);
        let elapsed_ms = now_ms.saturating_sub(oldest_ms);
        let full = elapsed_ms / window.sample_ms;
        let missing = u64::from(window.samples.saturating_sub(1)).saturating_sub(full);
        (elapsed_ms + missing * window.sample_ms).max(1)
    }

    /// Whether nothing is left that counts.
    pub(super) fn is_over(&mut self, window: Window, now_ms: u64) -> bool {
        self.forget(window, now_ms);
        self.samples.is_empty()
    }

    fn forget(&mut self, window: Window, now_ms: u64) {
        let all_ms = u64::from(window.samples) * window.sample_ms;
        let is_old = |sample: &Sample| now_ms.saturating_sub(sample.began_ms) >= all_ms;
        while self.samples.front().is_some_and(is_old) {
            self.samples.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window {
        samples: 11,
        sample_ms: 1000,
    };

    #[test]
    fn a_rate_over_its_limit_pauses_until_it_is_not() {
        let mut rate = Rate::default();
        rate.record(10_000.0, WINDOW, 0);
        // Over ten seconds, as nothing is known of the time before.
        assert_eq!(rate.pause_ms(1000.0, WINDOW, 0), 0);
        rate.record(5_000.0, WINDOW, 100);
        // 15,000 over 10.1 s is 1485 a second: 48.5 % too much of 10.1 s.
        assert_eq!(rate.pause_ms(1000.0, WINDOW, 100), 4_900);
        // A sample counts in full until it is older than the window.
        assert_eq!(rate.pause_ms(1000.0, WINDOW, 5_000), 5_000);
        assert_eq!(rate.pause_ms(1000.0, WINDOW, 11_000), 0);
    }

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let mut rate = Rate::default();
        rate.record(1e9, WINDOW, 0);
        assert!(rate.pause_ms(1.0, WINDOW, 10_999) > 0);
        assert_eq!(rate.pause_ms(1.0, WINDOW, 11_000), 0);
    }

    #[test]
    fn nothing_allowed_pauses_for_very_long() {
        let mut rate = Rate::default();
        rate.record(1.0, WINDOW, 0);
        assert!(rate.pause_ms(0.0, WINDOW, 0) > 1 << 40);
    }
}
