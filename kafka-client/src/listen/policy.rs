//! What follows when a record could not be handled. Pure.

use std::time::Duration;

use super::retry::Blocking;

/// What is to be done with a record that could not be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// Handle it again, as [`Listener::retry`](super::Listener::retry) says; then as `DeadLetter`.
    Retry,
    /// Put it into the topic of dead letters at once. Without one, as `Fail`.
    DeadLetter,
    /// Go on as if it were handled.
    Skip,
    /// End the listener with the error. The record stays, and is handled again by the next start.
    Fail,
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The handler, or a layer around it, returned an error; with what the user said of it.
    Handler(Option<Verdict>),
    /// An argument of the handler could not be read.
    Decode,
    /// The handler panicked.
    Panic,
}

/// The next step of a record that could not be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Handle it again, in its place, after so much time.
    Wait(Duration),
    /// Write it to the retry topic of this number.
    Forward(usize),
    DeadLetter,
    Skip,
    Fail,
}

/// How a listener treats failures.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    pub(super) blocking: Option<Blocking>,
    /// The waits of the retry topics.
    pub(super) topics: Vec<Duration>,
    pub(super) has_dead_letters: bool,
    pub(super) on_decode_error: Option<Verdict>,
    pub(super) on_panic: Option<Verdict>,
}

impl Policy {
    /// The step after a record has failed so many times in its place, from 1. `stage` is the number of the
    /// retry topic that it was read from, `None` for its own topic.
    pub(super) fn step(&self, class: Class, failed: u32, stage: Option<usize>) -> Step {
        let verdict = match class {
            Class::Handler(verdict) => verdict.unwrap_or(Verdict::Retry),
            Class::Decode => self.on_decode_error.unwrap_or(Verdict::DeadLetter),
            Class::Panic => self.on_panic.unwrap_or(Verdict::DeadLetter),
        };
        match verdict {
            Verdict::Retry => self.again(failed, stage),
            Verdict::DeadLetter => self.give_up(),
            Verdict::Skip => Step::Skip,
            Verdict::Fail => Step::Fail,
        }
    }

    fn again(&self, failed: u32, stage: Option<usize>) -> Step {
        // In a retry topic it has one attempt: the topics are its waits.
        let blocking = self.blocking.as_ref().filter(|_| stage.is_none());
        if let Some(wait) = blocking.and_then(|blocking| blocking.wait(failed)) {
            return Step::Wait(wait);
        }
        let next = stage.map_or(0, |stage| stage + 1);
        match next < self.topics.len() {
            true => Step::Forward(next),
            false => self.give_up(),
        }
    }

    /// Without another attempt.
    pub(super) fn give_up(&self) -> Step {
        match self.has_dead_letters {
            true => Step::DeadLetter,
            false => Step::Fail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn policy() -> Policy {
        Policy {
            blocking: Some(Blocking::times(2).backoff(MS..=4 * MS)),
            topics: vec![10 * MS, 20 * MS],
            has_dead_letters: true,
            ..Policy::default()
        }
    }

    #[test]
    fn a_record_goes_through_its_place_then_the_topics_then_to_the_dead_letters() {
        let policy = policy();
        let failed = Class::Handler(None);
        assert_eq!(policy.step(failed, 1, None), Step::Wait(MS));
        assert_eq!(policy.step(failed, 2, None), Step::Wait(2 * MS));
        assert_eq!(policy.step(failed, 3, None), Step::Forward(0));
        assert_eq!(policy.step(failed, 1, Some(0)), Step::Forward(1));
        assert_eq!(policy.step(failed, 1, Some(1)), Step::DeadLetter);
    }

    #[test]
    fn nothing_is_skipped_unless_somebody_says_so() {
        let none = Policy::default();
        for class in [Class::Handler(None), Class::Decode, Class::Panic] {
            assert_eq!(none.step(class, 1, None), Step::Fail, "{class:?}");
        }
        let dead = Class::Handler(Some(Verdict::DeadLetter));
        assert_eq!(none.step(dead, 1, None), Step::Fail);
        let skip = Class::Handler(Some(Verdict::Skip));
        assert_eq!(policy().step(skip, 1, None), Step::Skip);
        let fail = Class::Handler(Some(Verdict::Fail));
        assert_eq!(policy().step(fail, 1, None), Step::Fail);
    }

    #[test]
    fn what_cannot_be_decoded_and_panics_are_dead_letters_at_once_unless_said_otherwise() {
        let mut policy = policy();
        assert_eq!(policy.step(Class::Decode, 1, None), Step::DeadLetter);
        assert_eq!(policy.step(Class::Panic, 1, None), Step::DeadLetter);
        policy.on_decode_error = Some(Verdict::Skip);
        policy.on_panic = Some(Verdict::Retry);
        assert_eq!(policy.step(Class::Decode, 1, None), Step::Skip);
        assert_eq!(policy.step(Class::Panic, 1, None), Step::Wait(MS));
    }
}
