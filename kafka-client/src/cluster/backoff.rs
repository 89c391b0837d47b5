//! How long to wait before trying again (KIP-144, KIP-580).

use std::time::Duration;

use crate::env::Env;

/// Doubles from `base` to `max`, each wait jittered by 20 %.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    base: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(base: Duration, max: Duration) -> Self {
        Self {
            base,
            max: max.max(base),
            failures: 0,
        }
    }

    /// The wait after one more failure.
    pub(crate) fn next(&mut self, env: &Env) -> Duration {
        let wait = self
            .base
            .saturating_mul(1 << self.failures.min(20))
            .min(self.max);
        self.failures += 1;
        env.jitter(wait)
    }

    /// The longest wait, but for the jitter.
    pub(crate) fn max(&self) -> Duration {
        self.max
    }

    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::TcpConnector;
    use std::sync::Arc;

    #[test]
    fn waits_double_to_the_limit_and_start_over_after_a_success() {
        let env = Env::new(Arc::new(TcpConnector), Some(1));
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(100), ms(1000));
        for expected in [100, 200, 400, 800, 1000, 1000] {
            let wait = backoff.next(&env);
            assert!(
                wait >= ms(expected * 8 / 10) && wait <= ms(expected * 12 / 10),
                "{wait:?}"
            );
        }
        backoff.reset();
        assert!(backoff.next(&env) <= ms(120));
    }
}
