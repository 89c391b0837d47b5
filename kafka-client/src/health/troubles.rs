//! The troubles there are, and what is to be told of them when. Pure: the clock is an argument.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::{Stuck, Subject, remedy};
use crate::error::Error;

/// What is over sooner is not told.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What lasts is told again.
const REPEAT: Duration = Duration::from_secs(60);

/// Troubles by what they are about: that several have the same is one trouble.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    cases: BTreeMap<Subject, Case>,
    /// Ends that are still to be told.
    over: Vec<Told>,
}

#[derive(Debug)]
struct Case {
    /// When the first attempt that failed began.
    since: Instant,
    /// When the latest failure was noted.
    last: Instant,
    error: Error,
    /// Who fails, and after how long without a failure that is over by itself.
    holders: BTreeMap<u64, Option<Duration>>,
    told: Option<Instant>,
}

/// How a trouble ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Over,
    GivenUp,
}

/// A line for the log.
#[derive(Debug)]
pub(super) enum Told {
    Stuck(Stuck),
    /// An attempt has succeeded.
    Over {
        subject: Subject,
        lasted: Duration,
    },
    /// Nobody tries any more: whether it would succeed is not known.
    GivenUp {
        subject: Subject,
        lasted: Duration,
    },
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stuck(stuck) => stuck.fmt(f),
            Self::Over { subject, lasted } => {
                write!(
                    f,
                    "over after {} s: {}",
                    lasted.as_secs(),
                    subject.now_well()
                )
            }
            Self::GivenUp { subject, lasted } => write!(
                f,
                "given up after {} s, nothing waits for it any more: {}",
                lasted.as_secs(),
                subject.until_now()
            ),
        }
    }
}

impl Case {
    /// It is over when no failure has come for so long; `None` if somebody goes on until it succeeds.
    fn lapse(&self) -> Option<Duration> {
        let lapses: Option<Vec<_>> = self.holders.values().copied().collect();
        lapses?.into_iter().max()
    }

    /// Whether it counts. Attempts that nobody may repeat must be known to fail for so long: one
    /// that failed once, long ago, is no trouble.
    fn is_stuck(&self, now: Instant) -> bool {
        let until = self.lapse().map_or(now, |_| self.last);
        until.saturating_duration_since(self.since) >= PATIENCE
    }

    fn has_lapsed(&self, now: Instant) -> bool {
        self.lapse().is_some_and(|lapse| now >= self.last + lapse)
    }

    /// When it is to be looked at again.
    fn next(&self, now: Instant) -> Instant {
        let lapse = self.lapse().map(|lapse| self.last + lapse);
        let tell = match (self.told, lapse) {
            (Some(told), _) => told + REPEAT,
            (None, _) if self.is_stuck(now) => now,
            (None, None) => self.since + PATIENCE,
            (None, Some(lapse)) => lapse,
        };
        lapse.map_or(tell, |lapse| lapse.min(tell))
    }

    fn stuck(&self, subject: &Subject, now: Instant) -> Stuck {
        Stuck {
            subject: subject.clone(),
            lasting: now.saturating_duration_since(self.since),
            error: self.error.clone(),
            remedy: remedy(subject, &self.error),
        }
    }

    /// The line that ends it, if a line began it.
    fn end(&self, subject: Subject, now: Instant, end: End) -> Option<Told> {
        let lasted = now.saturating_duration_since(self.since);
        self.told.map(|_| match end {
            End::Over => Told::Over { subject, lasted },
            End::GivenUp => Told::GivenUp { subject, lasted },
        })
    }
}

impl Troubles {
    /// An attempt that began at `since` failed, or has not succeeded yet; `true` if [`Troubles::next`]
    /// is another time now.
    pub(super) fn failed(
        &mut self,
        subject: &Subject,
        (holder, lapse): (u64, Option<Duration>),
        error: &Error,
        since: Instant,
        now: Instant,
    ) -> bool {
        if let Some(case) = self.cases.get_mut(subject) {
            case.holders.insert(holder, lapse);
            case.since = case.since.min(since);
            case.last = now;
            case.error = error.clone();
            return case.told.is_none() && case.is_stuck(now);
        }
        let case = Case {
            since,
            last: now,
            error: error.clone(),
            holders: BTreeMap::from([(holder, lapse)]),
            told: None,
        };
        self.cases.insert(subject.clone(), case);
        true
    }

    /// An attempt succeeded, whoever's it was; `true` if that is to be told, or seen.
    pub(super) fn over(&mut self, subject: &Subject, now: Instant) -> bool {
        self.end(subject, now, End::Over)
    }

    fn end(&mut self, subject: &Subject, now: Instant, end: End) -> bool {
        let Some((subject, case)) = self.cases.remove_entry(subject) else {
            return false;
        };
        // Who asked for what is stuck may have seen it before the watcher told of it.
        let was_stuck = case.is_stuck(now);
        self.over.extend(case.end(subject, now, end));
        was_stuck
    }

    /// A holder ends; `true` if [`Troubles::next`] is another time now.
    pub(super) fn leave(&mut self, subject: &Subject, holder: u64, now: Instant) -> bool {
        let Some(case) = self.cases.get_mut(subject) else {
            return false;
        };
        case.holders.remove(&holder);
        case.holders.is_empty() && self.end(subject, now, End::GivenUp)
    }

    /// What is to be told now. It counts as told.
    pub(super) fn tell(&mut self, now: Instant) -> Vec<Told> {
        let mut told = std::mem::take(&mut self.over);
        self.cases.retain(|subject, case| {
            let has_lapsed = case.has_lapsed(now);
            if has_lapsed {
                told.extend(case.end(subject.clone(), now, End::GivenUp));
            }
            !has_lapsed
        });
        for (subject, case) in &mut self.cases {
            let is_due = case.told.is_none_or(|told| now >= told + REPEAT);
            if is_due && case.is_stuck(now) {
                case.told = Some(now);
                told.push(Told::Stuck(case.stuck(subject, now)));
            }
        }
        told
    }

    /// When there is something to tell, or to forget; `None` if there is no trouble.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        match self.over.is_empty() {
            true => self.cases.values().map(|case| case.next(now)).min(),
            false => Some(now),
        }
    }

    /// What is stuck now.
    pub(super) fn stuck(&self, now: Instant) -> Vec<Stuck> {
        self.cases
            .iter()
            .filter(|(_, case)| case.is_stuck(now) && !case.has_lapsed(now))
            .map(|(subject, case)| case.stuck(subject, now))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const SECOND: Duration = Duration::from_secs(1);

    struct Scene {
        troubles: Troubles,
        begin: Instant,
    }

    impl Scene {
        fn new() -> Self {
            Self {
                troubles: Troubles::default(),
                begin: Instant::now(),
            }
        }

        fn at(&self, second: u32) -> Instant {
            self.begin + second * SECOND
        }

        fn fails(&mut self, holder: u64, lapse: Option<u32>, second: u32) -> bool {
            self.fails_since(holder, lapse, second, second)
        }

        /// An attempt fails that began before.
        fn fails_since(
            &mut self,
            holder: u64,
            lapse: Option<u32>,
            since: u32,
            second: u32,
        ) -> bool {
            let since = self.at(since);
            let error = Error::new(ErrorKind::Connect, format!("failure {second}"));
            let (now, lapse) = (self.at(second), lapse.map(|lapse| lapse * SECOND));
            let troubles = &mut self.troubles;
            let holder = (holder, lapse);
            troubles.failed(&Subject::ProducerId, holder, &error, since, now)
        }

        fn is_over(&mut self, second: u32) -> bool {
            self.troubles.over(&Subject::ProducerId, self.at(second))
        }

        fn told(&mut self, second: u32) -> Vec<String> {
            let told = self.troubles.tell(self.at(second));
            told.iter().map(ToString::to_string).collect()
        }

        fn next(&self, second: u32) -> Option<u64> {
            let next = self.troubles.next(self.at(second))?;
            Some((next - self.begin).as_secs())
        }

        fn stuck(&self, second: u32) -> usize {
            self.troubles.stuck(self.at(second)).len()
        }
    }

    #[test]
    fn what_lasts_is_told_after_ten_seconds_each_minute_and_when_it_is_over() {
        let mut scene = Scene::new();
        assert_eq!(scene.next(0), None, "nothing to look at while all is well");
        assert!(scene.fails(1, None, 0));
        assert!(!scene.fails(1, None, 8), "known already");
        assert_eq!((scene.next(8), scene.stuck(9)), (Some(10), 0));
        assert_eq!(scene.told(9), [""; 0]);
        let told = scene.told(10);
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("no producer id is given for 10 s now: failure 8; "),
            "the last error counts: {told:?}"
        );
        assert_eq!((scene.stuck(10), scene.next(10)), (1, Some(70)));
        scene.fails(1, None, 60);
        assert_eq!(scene.told(69), [""; 0]);
        assert_eq!(scene.told(70).len(), 1);
        assert!(scene.is_over(75));
        assert_eq!((scene.stuck(75), scene.next(75)), (0, Some(75)));
        assert_eq!(scene.told(75), ["over after 75 s: a producer id is given"]);
        assert_eq!(scene.next(75), None);
    }

    #[test]
    fn what_is_over_soon_is_never_told() {
        let mut scene = Scene::new();
        scene.fails(1, None, 0);
        assert!(!scene.is_over(9));
        scene.fails(1, None, 9);
        assert_eq!(scene.told(18), [""; 0], "it began anew");
        assert_eq!(scene.told(19).len(), 1);
    }

    #[test]
    fn the_trouble_of_several_ends_with_the_last_who_leaves_or_the_first_who_succeeds() {
        let mut scene = Scene::new();
        scene.fails(1, None, 0);
        scene.fails(2, None, 5);
        scene.told(10);
        let now = scene.at(11);
        let leave = |scene: &mut Scene, holder| {
            let troubles = &mut scene.troubles;
            troubles.leave(&Subject::ProducerId, holder, now)
        };
        assert!(!leave(&mut scene, 1));
        assert_eq!(scene.stuck(11), 1);
        assert!(leave(&mut scene, 2));
        assert_eq!(scene.stuck(11), 0);
        let end = "given up after 11 s, nothing waits for it any more: no producer id was given";
        assert_eq!(scene.told(11), [end], "not known to be over");

        scene.fails(1, None, 12);
        scene.fails(2, None, 12);
        scene.told(22);
        assert!(scene.is_over(23));
        assert_eq!(scene.stuck(23), 0);
    }

    #[test]
    fn an_attempt_counts_from_when_it_began() {
        for lapse in [None, Some(34)] {
            let mut scene = Scene::new();
            assert!(scene.fails_since(1, lapse, 0, 10), "to be told now");
            assert_eq!(scene.next(10), Some(10));
            let told = scene.told(10);
            assert!(told[0].contains(" for 10 s now: "), "{told:?}");
            // Another that began earlier: the trouble is as old as that.
            scene.fails_since(2, lapse, 5, 40);
            let troubles = scene.troubles.stuck(scene.at(40));
            assert_eq!(troubles[0].lasting, 40 * SECOND);
        }
    }

    #[test]
    fn an_attempt_that_nobody_repeats_is_no_trouble() {
        let mut scene = Scene::new();
        assert!(scene.fails(1, Some(15), 0));
        assert_eq!(scene.next(0), Some(15));
        assert_eq!(scene.told(15), [""; 0]);
        assert_eq!(scene.next(15), None, "forgotten");
    }

    #[test]
    fn attempts_that_fail_again_and_again_are_told_and_lapse_when_they_stop() {
        let mut scene = Scene::new();
        scene.fails(1, Some(15), 0);
        assert!(!scene.fails(1, Some(15), 9));
        assert_eq!((scene.stuck(9), scene.stuck(12)), (0, 0));
        assert!(scene.fails(1, Some(15), 12), "to be told now");
        assert_eq!(scene.next(12), Some(12));
        assert_eq!(scene.told(12).len(), 1);
        assert_eq!((scene.stuck(12), scene.next(12)), (1, Some(27)));
        assert_eq!(scene.stuck(27), 0);
        let end = "given up after 27 s, nothing waits for it any more: no producer id was given";
        assert_eq!(scene.told(27), [end]);
        assert_eq!(scene.next(27), None);
    }
}
