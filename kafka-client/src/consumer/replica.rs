//! Which replica a partition is read from: the leader, or one nearby that it has named (KIP-392).
//! Pure.

use std::time::Duration;

use tokio::time::Instant;

/// For how long the leader alone is asked after another replica has failed; doubles with each
/// failure in a row, up to `metadata.max.age.ms`.
const MISTRUST: Duration = Duration::from_secs(10);

/// The choice for one partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Replica {
    choice: Choice,
    /// Replicas that failed, in a row.
    failures: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Choice {
    #[default]
    Leader,
    /// The leader has named this one.
    Near { node: i32, until: Instant },
    /// One has failed: the leader is asked without the rack, so that it does not name it again.
    LeaderOnly { until: Instant },
}

impl Replica {
    /// The broker to ask now.
    pub(crate) fn node(&self, leader: i32, now: Instant) -> i32 {
        match self.choice {
            Choice::Near { node, until } if now < until => node,
            _ => leader,
        }
    }

    /// Whether the leader may name another one now.
    pub(crate) fn may_refer(&self, now: Instant) -> bool {
        !matches!(self.choice, Choice::LeaderOnly { until } if now < until)
    }

    /// When the choice is over.
    pub(crate) fn until(&self, now: Instant) -> Option<Instant> {
        match self.choice {
            Choice::Leader => None,
            Choice::Near { until, .. } | Choice::LeaderOnly { until } => {
                Some(until).filter(|until| *until > now)
            }
        }
    }

    /// The leader has named a replica, which is good for `max_age`.
    pub(crate) fn prefer(&mut self, node: i32, now: Instant, max_age: Duration) {
        self.choice = Choice::Near {
            node,
            until: now + max_age,
        };
    }

    /// The replica that the leader has named is of no use: back to the leader.
    pub(crate) fn failed(&mut self, now: Instant, max_age: Duration) {
        let pause = MISTRUST.saturating_mul(1 << self.failures.min(10));
        self.failures = (self.failures + 1).min(20);
        self.choice = Choice::LeaderOnly {
            until: now + pause.min(max_age),
        };
    }

    /// Data came from this broker; `true` if it is the one that the leader has named.
    pub(crate) fn succeeded(&mut self, node: i32) {
        if self.is_near(node) {
            self.failures = 0;
        }
    }

    /// Whether this broker was named by the leader.
    pub(crate) fn is_near(&self, node: i32) -> bool {
        matches!(self.choice, Choice::Near { node: near, .. } if near == node)
    }

    /// There is another leader, which chooses anew.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: Duration = Duration::from_secs(300);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_the_leader_names_is_asked_until_it_is_old() {
        let now = Instant::now();
        let mut replica = Replica::default();
        assert_eq!((replica.node(1, now), replica.until(now)), (1, None));
        replica.prefer(7, now, AGE);
        let late = now + AGE - SECOND;
        assert_eq!(replica.node(1, late), 7);
        assert_eq!(replica.until(late), Some(now + AGE));
        // The leader is asked before another request goes to the replica, and may name it again.
        let over = now + AGE;
        assert_eq!((replica.node(1, over), replica.until(over)), (1, None));
        assert!(replica.may_refer(over));
    }

    #[test]
    fn after_a_failure_the_leader_is_asked_and_not_referred_back_at_once() {
        let now = Instant::now();
        let mut replica = Replica::default();
        replica.prefer(7, now, AGE);
        replica.failed(now, AGE);
        assert_eq!(replica.node(1, now), 1);
        assert!(!replica.may_refer(now));
        assert!(!replica.may_refer(now + 9 * SECOND));
        assert!(replica.may_refer(now + 10 * SECOND));
    }

    #[test]
    fn failures_in_a_row_make_the_leader_last_longer_and_a_success_ends_the_row() {
        let now = Instant::now();
        let mut replica = Replica::default();
        for expected in [10, 20, 40, 80, 160, 300, 300] {
            replica.prefer(7, now, AGE);
            replica.failed(now, AGE);
            assert_eq!(replica.until(now), Some(now + expected * SECOND));
        }
        replica.prefer(7, now, AGE);
        replica.succeeded(1);
        replica.failed(now, AGE);
        assert_eq!(replica.until(now), Some(now + AGE), "the leader's success");
        replica.prefer(7, now, AGE);
        replica.succeeded(7);
        replica.failed(now, AGE);
        assert_eq!(replica.until(now), Some(now + 10 * SECOND));
    }

    #[test]
    fn another_leader_chooses_anew() {
        let now = Instant::now();
        let mut replica = Replica::default();
        replica.prefer(7, now, AGE);
        replica.forget();
        assert_eq!(replica, Replica::default());
    }
}
