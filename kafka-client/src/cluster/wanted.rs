//! Which topics the client wants to know, and which of them are to be asked for now. Pure: the clock
//! is an argument.
//!
//! A topic that is not known yet, or not well, is *pending*: it is asked for alone, at once at first,
//! then with growing waits. All others are asked for together when the metadata is refreshed.
//!
//! What the cluster was found not to have, or refuses for good, is *refused*: remembered for a while, so
//! that a program that goes on using it is told at once, and asked for only as long as it is used.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kafka_client_protocol::{ApiKey, ErrorCode};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::metadata::is_final;
use super::{Backoff, TopicMetadata, topic_name};
use crate::env::Random;
use crate::error::{Error, ErrorKind};
use crate::health::{Subject, remedy};

/// A topic that was just made may be unknown to a broker that lags behind: only so many answers over
/// so long are believed.
const ABSENT_ANSWERS: u32 = 5;
const ABSENT_FOR: Duration = Duration::from_secs(5);

/// Who tries to use a topic without waiting for it comes again within this time, or is gone.
const TRIED_FOR: Duration = Duration::from_secs(10);

/// How long a refusal is remembered when nobody uses the topic.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// What somebody who waits for a topic is told.
pub(crate) type Found = Result<Arc<TopicMetadata>, Error>;

/// The topics that somebody wants.
#[derive(Debug)]
pub(crate) struct Wanted {
    topics: BTreeMap<Arc<str>, Want>,
    /// Those with an instant to be asked for at.
    pending: BTreeSet<Arc<str>>,
    /// The wait before a topic is asked for again, after the first failure and at most.
    retry: (Duration, Duration),
    random: Random,
}

#[derive(Debug)]
struct Want {
    /// Wanted until it is told otherwise, used or not.
    kept: bool,
    used: Instant,
    /// Used for the first time: asking may make it.
    first: bool,
    waiters: Vec<oneshot::Sender<Found>>,
    /// Since it was answered for last, somebody has tried to use it without waiting: at this instant.
    tried: Option<Instant>,
    /// The answers that are in were enough for those who waited.
    refused: Option<Refused>,
    /// Pending: to be asked for at this instant.
    next: Option<Instant>,
    backoff: Backoff,
    /// Since when, and in how many answers in a row, the cluster has not had it.
    absent: Option<(Instant, u32)>,
    /// What the cluster says against it.
    refusal: Option<Error>,
    /// Nobody has been told of the refusal by [`Wanted::refusals`].
    refused_anew: bool,
    /// The cluster has had it.
    seen: bool,
    /// Why the last attempt brought nothing.
    last_error: Option<Error>,
}

/// What the cluster was found to say against a topic.
#[derive(Debug)]
struct Refused {
    error: Error,
    /// When it was said last.
    at: Instant,
    /// When it is to be asked for again, if somebody uses it.
    again: Instant,
    /// It was asked for so that asking could make it.
    sought: bool,
}

/// Topics to be asked for now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// Asking may make these.
    pub(crate) first: Vec<Arc<str>>,
    pub(crate) again: Vec<Arc<str>>,
}

/// What a refresh is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Refresh {
    pub(crate) ask: Vec<Arc<str>>,
    /// Nobody has used these for long.
    pub(crate) forget: Vec<Arc<str>>,
}

/// What the cluster says against a topic.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) topic: Arc<str>,
    /// `None` if it is but some partition that lacks a leader.
    pub(crate) error: Option<Error>,
    /// It was said since the refusals were looked at last.
    pub(crate) is_new: bool,
    /// The topic is looked for until it is there, whoever uses it.
    pub(crate) lasts: bool,
}

/// What an answer means for what is known of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It stays as the answer and earlier ones have it.
    Keep,
    /// The cluster does not have it any more.
    Gone,
    /// Nobody wants it any more.
    Forget,
}

impl Wanted {
    pub(crate) fn new(retry: (Duration, Duration), random: Random) -> Self {
        Self {
            topics: BTreeMap::new(),
            pending: BTreeSet::new(),
            retry,
            random,
        }
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.topics.contains_key(name)
    }

    fn want(&mut self, name: &Arc<str>, now: Instant) -> &mut Want {
        let ((first, max), random) = (self.retry, &mut self.random);
        self.topics.entry(name.clone()).or_insert_with(|| {
            self.pending.insert(name.clone());
            Want {
                kept: false,
                used: now,
                first: false,
                waiters: Vec::new(),
                tried: None,
                refused: None,
                next: Some(now),
                backoff: Backoff::new(first, max, random.fork()),
                absent: None,
                refusal: None,
                refused_anew: false,
                seen: false,
                last_error: None,
            }
        })
    }

    /// Keeps these topics, and no others, until it is told otherwise. Asking may make those that are
    /// new, if it `creates`. Those that were kept, and are not there, are forgotten: they are given.
    pub(crate) fn keep<'a>(
        &mut self,
        names: impl IntoIterator<Item = &'a Arc<str>>,
        creates: bool,
        now: Instant,
    ) -> Vec<Arc<str>> {
        let mut before = BTreeSet::new();
        for (name, want) in &mut self.topics {
            if std::mem::take(&mut want.kept) {
                before.insert(name.clone());
            }
        }
        for name in names {
            before.remove(name);
            // One that was only looked at is new as well.
            let is_new = self.topics.get(name).is_none_or(|want| {
                !want.seen && want.refused.as_ref().is_some_and(|refused| !refused.sought)
            });
            let want = self.want(name, now);
            want.kept = true;
            want.first = creates && (want.first || is_new);
            if want.refused.take().is_some() {
                want.look_anew(now);
            }
        }
        before.retain(|name| {
            let want = self.topics.get(name);
            want.is_some_and(|want| want.refusal.is_some() && !want.is_awaited(now))
        });
        before.iter().for_each(|name| self.remove(name));
        before.into_iter().collect()
    }

    /// Somebody waits for a topic that is not known. Asking for it may make it, if it `creates`.
    ///
    /// # Errors
    /// When the cluster has refused it a moment ago. It is asked for again soon.
    pub(crate) fn seek(
        &mut self,
        name: &Arc<str>,
        creates: bool,
        now: Instant,
    ) -> Result<oneshot::Receiver<Found>, Error> {
        let want = self.use_now(name, creates, now);
        want.waiters.retain(|waiter| !waiter.is_closed());
        if let Some(error) = want.refusal_until(now, |refused| refused.again) {
            want.try_again(now);
            return Err(error);
        }
        // The answers to those who wait, or try, count for who comes later.
        let goes_on = !want.waiters.is_empty() || want.is_tried(now);
        // Soon after a refusal one more answer is enough. Later the topic may have been made, and be
        // unknown to a broker that lags behind.
        let is_fresh = want.refusal_until(now, |refused| refused.at + ABSENT_FOR);
        if !goes_on && is_fresh.is_none() {
            want.look_anew(now);
        }
        if want.refused.is_some() {
            want.next = Some(now);
        }
        want.next.get_or_insert(now);
        let (waiter, found) = oneshot::channel();
        want.waiters.push(waiter);
        Ok(found)
    }

    /// Somebody has tried to use a topic that is not known, and does not wait: it is looked for, and may be
    /// made by that, if it `creates`.
    ///
    /// # Errors
    /// What the cluster has said against it, as long as that is remembered. It is asked for again.
    pub(crate) fn attempt(
        &mut self,
        name: &Arc<str>,
        creates: bool,
        now: Instant,
    ) -> Result<(), Error> {
        let want = self.use_now(name, creates, now);
        if let Some(refused) = &want.refused {
            let error = refused.error.clone();
            want.try_again(now);
            return Err(error);
        }
        if want.waiters.is_empty() && !want.is_tried(now) {
            want.look_anew(now);
        }
        want.tried = Some(now);
        want.next.get_or_insert(now);
        Ok(())
    }

    /// There are signs that a topic is there, whatever was said against it.
    pub(crate) fn is_there(&mut self, name: &str, now: Instant) {
        let want = self.topics.get_mut(name);
        if let Some(want) = want.filter(|want| want.refused.is_some()) {
            want.refused = None;
            want.tried = Some(now);
            want.look_anew(now);
        }
    }

    fn use_now(&mut self, name: &Arc<str>, creates: bool, now: Instant) -> &mut Want {
        self.pending.insert(name.clone());
        let want = self.want(name, now);
        want.used = now;
        want.first |= creates;
        // A topic that was found to be gone while it was only looked at may be made by a use.
        let is_unsought = |refused: &mut Refused| creates && !refused.sought;
        if want.refused.take_if(is_unsought).is_some() {
            want.look_anew(now);
        }
        want
    }

    /// Notes that topics are in use.
    pub(crate) fn used(&mut self, names: &[Arc<str>], now: Instant) {
        for name in names {
            let want = self.want(name, now);
            want.used = now;
            // What has vanished under a producer's records may come back.
            want.try_again(now);
        }
    }

    /// Pending topics that are to be asked for now.
    pub(crate) fn due(&mut self, now: Instant) -> Due {
        let mut due = Due::default();
        let mut given_up = Vec::new();
        for name in &self.pending {
            let Some(want) = self.topics.get_mut(name) else {
                continue;
            };
            if want.next.is_none_or(|next| next > now) {
                continue;
            }
            want.waiters.retain(|waiter| !waiter.is_closed());
            let is_used = want.kept || !want.waiters.is_empty() || want.is_tried(now);
            if !want.first && (is_used || want.refused.is_none()) {
                due.again.push(name.clone());
            } else if is_used {
                due.first.push(name.clone());
            } else {
                given_up.push(name.clone());
            }
        }
        for name in given_up {
            self.remove(&name);
        }
        due
    }

    /// When the next pending topic is to be asked for.
    pub(crate) fn next(&self) -> Option<Instant> {
        let wants = self.pending.iter().filter_map(|name| self.topics.get(name));
        wants.filter_map(|want| want.next).min()
    }

    /// All that a refresh asks for: what was found once and has been used within `max_idle`.
    pub(crate) fn refresh(&mut self, now: Instant, max_idle: Duration) -> Refresh {
        let mut refresh = Refresh::default();
        for (name, want) in &self.topics {
            if want.first || want.refused.is_some() {
                continue;
            }
            let idle = now.saturating_duration_since(want.used);
            match want.kept || !want.waiters.is_empty() || idle < max_idle {
                true => refresh.ask.push(name.clone()),
                false => refresh.forget.push(name.clone()),
            }
        }
        for name in &refresh.forget {
            self.remove(name);
        }
        refresh
    }

    /// The cluster has answered for a topic; `found` is what is known of it now.
    pub(crate) fn answered(
        &mut self,
        name: &Arc<str>,
        found: Option<&Arc<TopicMetadata>>,
        now: Instant,
    ) -> Verdict {
        let Some(want) = self.topics.get_mut(name) else {
            return Verdict::Forget;
        };
        let refusal = match found {
            None => Error::new(ErrorKind::Protocol, "the answer leaves the topic out"),
            Some(topic) if topic.error.is_error() => Error::broker(topic.error, ApiKey::METADATA),
            Some(topic) if topic.partitions.is_empty() => Error::new(
                ErrorKind::Protocol,
                "the answer gives the topic no partitions",
            ),
            Some(topic) => {
                want.found(topic, now);
                if want.next.is_none() {
                    self.pending.remove(name);
                }
                return Verdict::Keep;
            }
        };
        let mut refusal = refusal.at_api(ApiKey::METADATA);
        if want.seen && refusal.code().is_some_and(is_absent) {
            refusal = refusal.with_hint("it was there before: was it deleted?");
        }
        want.refused_anew = true;
        want.refusal = Some(refusal.clone());
        want.last_error = Some(refusal.clone());
        if found.is_some_and(|topic| is_absent(topic.error)) {
            want.miss(now);
            if want.is_gone(now) {
                let error = self.no_such_topic(refusal.at_topic(name), name);
                return self.end(name, error, now);
            }
        } else if found.is_some_and(|topic| is_final(topic.error)) {
            let subject = Subject::Topic {
                topic: name.clone(),
            };
            let refusal = refusal.at_topic(name);
            let hint = remedy(&subject, &refusal);
            return self.end(name, refusal.with_source(hint), now);
        } else {
            (want.absent, want.refused) = (None, None);
        }
        self.ask_again(name, now);
        Verdict::Keep
    }

    /// The cluster has answered for all topics, and has not named this one: it is asked for by name, which
    /// tells why.
    pub(crate) fn left_out(&mut self, name: &Arc<str>, now: Instant) {
        if let Some(want) = self.topics.get_mut(name) {
            want.next.get_or_insert(now);
            self.pending.insert(name.clone());
        }
    }

    /// These topics were asked for in vain.
    pub(crate) fn failed(&mut self, names: &[Arc<str>], error: &Error, now: Instant) {
        for name in names {
            if let Some(want) = self.topics.get_mut(name) {
                want.last_error = Some(error.clone());
                // No retry helps those who wait.
                let ended = match error.kind() {
                    ErrorKind::Authentication => std::mem::take(&mut want.waiters),
                    _ => Vec::new(),
                };
                for waiter in ended {
                    // Fails only if nobody waits any more.
                    let _ = waiter.send(Err(error.clone().at_topic(name)));
                }
            }
            self.ask_again(name, now);
        }
    }

    /// Why a topic is not known yet.
    pub(crate) fn last_error(&self, name: &str) -> Option<Error> {
        self.topics.get(name)?.last_error.clone()
    }

    /// What the cluster says against topics that are wanted.
    pub(crate) fn refusals(&mut self) -> impl Iterator<Item = Refusal> {
        let (pending, topics) = (&self.pending, &mut self.topics);
        pending.iter().filter_map(|name| {
            let want = topics.get_mut(name)?;
            Some(Refusal {
                topic: name.clone(),
                error: want.refusal.clone(),
                is_new: std::mem::take(&mut want.refused_anew),
                lasts: want.kept,
            })
        })
    }

    /// Whether the cluster was found not to have a topic, and has not got it since.
    pub(crate) fn is_absent(&self, name: &str, now: Instant) -> bool {
        let want = self.topics.get(name);
        want.is_some_and(|want| want.is_gone(now))
    }

    /// What the cluster says against a topic, if no retry heals that.
    pub(crate) fn refusal(&self, name: &str) -> Option<&Error> {
        let refusal = self.topics.get(name)?.refusal.as_ref()?;
        refusal.code().is_some_and(is_final).then_some(refusal)
    }

    /// No retry helps those who wait. What is kept is looked for all the same: it may be made, or
    /// allowed.
    fn end(&mut self, name: &Arc<str>, error: Error, now: Instant) -> Verdict {
        let Some(want) = self.topics.get_mut(name) else {
            return Verdict::Forget;
        };
        let sought = std::mem::take(&mut want.first);
        want.tried = None;
        for waiter in want.waiters.drain(..) {
            // Fails only if nobody waits any more.
            let _ = waiter.send(Err(error.clone()));
        }
        if want.kept {
            self.ask_again(name, now);
            return Verdict::Gone;
        }
        want.refused = Some(Refused {
            error,
            at: now,
            again: now + want.backoff.next(),
            sought,
        });
        // Then it is forgotten, unless it is used.
        want.next = Some(now + REFUSED_FOR);
        self.pending.insert(name.clone());
        Verdict::Forget
    }

    fn ask_again(&mut self, name: &Arc<str>, now: Instant) {
        if let Some(want) = self.topics.get_mut(name) {
            want.next = Some(now + want.backoff.next());
            self.pending.insert(name.clone());
        }
    }

    fn remove(&mut self, name: &Arc<str>) {
        self.topics.remove(name);
        self.pending.remove(name);
    }

    fn no_such_topic(&self, refusal: Error, name: &str) -> Error {
        let subject = Subject::Topic {
            topic: Arc::from(name),
        };
        let hint = remedy(&subject, &refusal);
        let known = self.topics.iter().filter(|(_, want)| !want.first);
        let names = known.map(|(name, _)| &**name);
        let hint = match topic_name::nearest(name, names) {
            Some(nearest) => format!("did you mean {nearest}? Otherwise {hint}"),
            None => hint,
        };
        refusal.lasting().with_source(hint)
    }
}

impl Want {
    /// Those who waited before had their time: answers are counted from now on.
    fn look_anew(&mut self, now: Instant) {
        self.absent = None;
        self.backoff.reset();
        self.next = Some(now);
    }

    /// The refusal, before an instant that it gives.
    fn refusal_until(&self, now: Instant, end: impl Fn(&Refused) -> Instant) -> Option<Error> {
        let refused = self.refused.as_ref().filter(|refused| now < end(refused));
        refused.map(|refused| refused.error.clone())
    }

    /// Somebody uses what was refused: it is asked for again, when its wait is over.
    fn try_again(&mut self, now: Instant) {
        if let Some(refused) = &self.refused {
            self.next = Some(
                self.next
                    .map_or(now, |next| next.min(refused.again.max(now))),
            );
            self.tried = Some(now);
        }
    }

    fn is_awaited(&self, now: Instant) -> bool {
        let is_waiting = |waiter: &oneshot::Sender<Found>| !waiter.is_closed();
        self.waiters.iter().any(is_waiting) || self.is_tried(now)
    }

    fn is_tried(&self, now: Instant) -> bool {
        self.tried.is_some_and(|at| now < at + TRIED_FOR)
    }

    fn found(&mut self, topic: &Arc<TopicMetadata>, now: Instant) {
        (self.first, self.absent, self.seen) = (false, None, true);
        (self.refusal, self.last_error) = (None, None);
        (self.tried, self.refused, self.refused_anew) = (None, None, false);
        for waiter in self.waiters.drain(..) {
            // Fails only if nobody waits any more.
            let _ = waiter.send(Ok(topic.clone()));
        }
        self.next = if topic.has_leaders() {
            self.backoff.reset();
            None
        } else {
            Some(now + self.backoff.next())
        };
    }

    /// One more answer without the topic.
    fn miss(&mut self, now: Instant) {
        let (_, answers) = self.absent.get_or_insert((now, 0));
        *answers += 1;
    }

    /// Whether there were enough answers without the topic to believe it.
    fn is_gone(&self, now: Instant) -> bool {
        self.absent.is_some_and(|(since, answers)| {
            answers >= ABSENT_ANSWERS && now.saturating_duration_since(since) >= ABSENT_FOR
        })
    }
}

/// Whether a broker says with this that it does not have a topic.
pub(crate) fn is_absent(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::UNKNOWN_TOPIC_ID
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::metadata::PartitionMetadata;

    const MS: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);
    const IDLE: Duration = Duration::from_secs(300);

    struct Scene {
        wanted: Wanted,
        now: Instant,
    }

    impl Scene {
        fn new() -> Self {
            Self {
                wanted: Wanted::new((100 * MS, SECOND), Random::of(1, "test")),
                now: Instant::now(),
            }
        }

        fn seek(&mut self, name: &str) -> oneshot::Receiver<Found> {
            self.wanted.seek(&Arc::from(name), true, self.now).unwrap()
        }

        fn keep(&mut self, names: &[&str]) {
            let names: Vec<Arc<str>> = names.iter().map(|name| Arc::from(*name)).collect();
            self.wanted.keep(&names, true, self.now);
        }

        /// The names of topics that are due: those that asking may make, and the others.
        fn due(&mut self) -> (Vec<String>, Vec<String>) {
            let due = self.wanted.due(self.now);
            (texts(&due.first), texts(&due.again))
        }

        /// The names of topics that a refresh asks for and forgets.
        fn refresh(&mut self) -> (Vec<String>, Vec<String>) {
            let refresh = self.wanted.refresh(self.now, IDLE);
            (texts(&refresh.ask), texts(&refresh.forget))
        }

        fn answer(&mut self, name: &str, code: ErrorCode, leaders: &[i32]) -> Verdict {
            let name: Arc<str> = Arc::from(name);
            let partitions = leaders.iter().map(|leader| PartitionMetadata {
                leader: *leader,
                leader_epoch: 0,
            });
            let found = TopicMetadata::new(name.clone(), code, partitions.collect());
            let found = Arc::new(found);
            self.wanted.answered(&name, Some(&found), self.now)
        }

        /// To the next instant at which something is due.
        fn pass(&mut self) -> Duration {
            let next = self.wanted.next().unwrap();
            let wait = next - self.now;
            self.now = next;
            wait
        }
    }

    fn texts(names: &[Arc<str>]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn none() -> Vec<String> {
        Vec::new()
    }

    const ABSENT: ErrorCode = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    const DENIED: ErrorCode = ErrorCode::TOPIC_AUTHORIZATION_FAILED;

    /// A look-up changes nothing; whoever uses the topic afterwards, or before, may make it.
    #[test]
    fn looking_a_topic_up_does_not_make_it_and_using_it_may() {
        let mut scene = Scene::new();
        let (name, absent) = (Arc::from("absent"), vec!["absent".to_owned()]);
        let _looks = scene.wanted.seek(&name, false, scene.now).unwrap();
        assert_eq!(scene.due(), (vec![], absent.clone()));
        let _uses = scene.seek("absent");
        let _looks = scene.wanted.seek(&name, false, scene.now).unwrap();
        assert_eq!(scene.due(), (absent, vec![]));
    }

    #[test]
    fn a_new_topic_is_asked_for_at_once_and_alone_however_many_are_known() {
        let mut scene = Scene::new();
        let mut known = scene.seek("known");
        assert_eq!(scene.due(), (vec!["known".to_owned()], none()));
        assert_eq!(scene.answer("known", ErrorCode::NONE, &[1]), Verdict::Keep);
        assert!(known.try_recv().unwrap().is_ok());
        assert_eq!(scene.wanted.next(), None, "a success does not pause");
        let _new = scene.seek("new");
        assert_eq!(scene.due(), (vec!["new".to_owned()], none()));
        assert_eq!(scene.refresh(), (vec!["known".to_owned()], none()));
    }

    #[test]
    fn a_topic_that_brings_nothing_waits_longer_each_time_and_delays_no_other() {
        let mut scene = Scene::new();
        let _waiter = scene.seek("slow");
        for expected in [100, 200, 400, 800, 1000, 1000] {
            assert_eq!(scene.due().0, ["slow"]);
            scene.answer("slow", ErrorCode::LEADER_NOT_AVAILABLE, &[]);
            let other = scene.seek("other");
            assert_eq!(scene.due().0, ["other"]);
            scene.answer("other", ErrorCode::NONE, &[1]);
            drop(other);
            let wait = scene.pass();
            assert!(wait >= expected * MS * 8 / 10 && wait <= expected * MS * 12 / 10);
        }
        assert!(scene.wanted.last_error("slow").is_some());
    }

    #[test]
    fn a_topic_is_believed_absent_after_five_answers_over_five_seconds() {
        let mut scene = Scene::new();
        let begin = scene.now;
        let mut waiter = scene.seek("absent");
        let mut answers = 0;
        loop {
            assert_eq!(scene.due().0, ["absent"], "asking may make it");
            answers += 1;
            if scene.answer("absent", ABSENT, &[]) == Verdict::Forget {
                break;
            }
            assert!(waiter.try_recv().is_err(), "not told yet");
            scene.pass();
        }
        assert!(answers >= 5 && scene.now - begin >= 5 * SECOND);
        let error = waiter.try_recv().unwrap().unwrap_err();
        assert_eq!(error.code(), Some(ABSENT));
        assert!(!error.is_retriable(), "it has to be made");
        assert_eq!(scene.pass(), REFUSED_FOR, "and not asked for any more");
        assert_eq!(scene.due(), (none(), none()));
        assert!(!scene.wanted.contains("absent"), "nor remembered");
    }

    #[test]
    fn what_a_right_lacks_for_is_told_at_once() {
        let mut scene = Scene::new();
        let mut waiter = scene.seek("secret");
        scene.due();
        assert_eq!(scene.answer("secret", DENIED, &[]), Verdict::Forget);
        let error = waiter.try_recv().unwrap().unwrap_err();
        assert_eq!(
            (error.code(), error.topic()),
            (Some(DENIED), Some("secret"))
        );
        assert_eq!(scene.due(), (none(), none()), "nobody uses it any more");
    }

    #[test]
    fn what_was_refused_is_told_at_once_and_asked_for_as_long_as_it_is_used() {
        let mut scene = Scene::new();
        let _waiter = scene.seek("absent");
        while scene.answer("absent", ABSENT, &[]) == Verdict::Keep {
            scene.now += SECOND;
            scene.due();
        }
        // Used again and again: the refusal is told, and the topic asked for once in a second or so.
        let (mut asked, begin) = (0, scene.now);
        while scene.now < begin + 10 * SECOND {
            let used = scene.wanted.seek(&Arc::from("absent"), true, scene.now);
            match used {
                Err(error) => assert_eq!(error.code(), Some(ABSENT)),
                Ok(_) => panic!("it would be waited for"),
            }
            scene.now += 10 * MS;
            if !scene.due().0.is_empty() {
                asked += 1;
                assert_eq!(scene.answer("absent", ABSENT, &[]), Verdict::Forget);
            }
        }
        assert!((8..=14).contains(&asked), "{asked}");
        // A little later one more answer is enough; much later it is waited for as at first.
        for (wait, enough) in [(3, true), (30, false)] {
            scene.now += wait * SECOND;
            let mut waiter = scene.seek("absent");
            assert_eq!(scene.due().0, ["absent"]);
            let verdict = scene.answer("absent", ABSENT, &[]);
            assert_eq!(verdict == Verdict::Forget, enough);
            assert_eq!(waiter.try_recv().is_ok(), enough);
        }
        // Made meanwhile, nothing of the refusal is left.
        scene.answer("absent", ErrorCode::NONE, &[1]);
        assert_eq!(scene.wanted.next(), None);
        assert!(scene.wanted.refusals().next().is_none());
    }

    #[test]
    fn a_topic_that_went_while_it_was_looked_after_is_sought_anew_when_it_is_used() {
        let mut scene = Scene::new();
        let _waiter = scene.seek("orders");
        scene.due();
        scene.answer("orders", ErrorCode::NONE, &[1]);
        while scene.answer("orders", ABSENT, &[]) == Verdict::Keep {
            scene.now += SECOND;
            scene.due();
        }
        assert!(scene.wanted.is_absent("orders", scene.now));
        let mut waiter = scene.seek("orders");
        assert_eq!(scene.due().0, ["orders"], "asking may make it");
        scene.answer("orders", ABSENT, &[]);
        assert!(waiter.try_recv().is_err(), "it is waited for as at first");
        scene.answer("orders", ErrorCode::NONE, &[1]);
        assert!(waiter.try_recv().unwrap().is_ok());
    }

    #[test]
    fn who_does_not_wait_is_told_what_was_answered() {
        let mut scene = Scene::new();
        let name: Arc<str> = Arc::from("tried");
        let mut told = Ok(());
        for _ in 0..7 {
            told = scene.wanted.attempt(&name, true, scene.now);
            if told.is_err() {
                break;
            }
            if scene.due().0 == ["tried"] {
                scene.answer("tried", ABSENT, &[]);
            }
            scene.now += SECOND;
        }
        assert_eq!(told.unwrap_err().code(), Some(ABSENT));
        // Who tried once and never again has nothing asked for.
        let mut scene = Scene::new();
        scene.wanted.attempt(&name, true, scene.now).unwrap();
        while scene.due().0 == ["tried"] {
            scene
                .wanted
                .failed(std::slice::from_ref(&name), &Error::closed("x"), scene.now);
            scene.pass();
        }
        assert_eq!(scene.wanted.next(), None);
    }

    #[test]
    fn nobody_waits_any_more_and_nothing_is_asked() {
        let mut scene = Scene::new();
        drop(scene.seek("abandoned"));
        assert_eq!(scene.due(), (none(), none()));
        assert_eq!(scene.wanted.next(), None);
    }

    #[test]
    fn what_is_kept_is_looked_for_when_it_is_gone_but_never_made_again() {
        let mut scene = Scene::new();
        scene.keep(&["kept"]);
        assert_eq!(scene.due().0, ["kept"], "its first use may make it");
        scene.answer("kept", ErrorCode::NONE, &[1]);
        loop {
            let verdict = scene.answer("kept", ABSENT, &[]);
            scene.pass();
            assert_eq!(scene.due(), (none(), vec!["kept".to_owned()]));
            if verdict == Verdict::Gone {
                break;
            }
        }
        for _ in 0..10 {
            assert_eq!(scene.answer("kept", ABSENT, &[]), Verdict::Gone);
            assert!(scene.pass() <= 1200 * MS);
        }
        scene.answer("kept", ErrorCode::NONE, &[1]);
        assert_eq!(scene.wanted.next(), None);
        // Kept no more, it is forgotten when nobody uses it.
        scene.keep(&[]);
        scene.now += IDLE;
        assert_eq!(scene.refresh(), (none(), vec!["kept".to_owned()]));
    }

    #[test]
    fn what_was_found_otherwise_is_kept_and_never_made() {
        let mut scene = Scene::new();
        scene.keep(&["named", "deleted"]);
        let found = ["named", "found"].map(Arc::from);
        let forgotten = scene.wanted.keep(&found, false, scene.now);
        assert_eq!(texts(&forgotten), none(), "it may be there");
        let again = ["found", "named"].map(str::to_owned).to_vec();
        assert_eq!(scene.due(), (none(), again));
        for name in ["named", "found"] {
            scene.answer(name, ErrorCode::NONE, &[1]);
        }
        assert_eq!(scene.wanted.next(), None);
        // An answer about all topics has left it out, and so it is asked for by name.
        scene.wanted.left_out(&found[1], scene.now);
        assert_eq!(scene.due(), (none(), vec!["found".to_owned()]));
        scene.answer("found", ABSENT, &[]);
        let wait = scene.wanted.next();
        scene.wanted.left_out(&found[1], scene.now);
        assert_eq!(scene.wanted.next(), wait, "not sooner");
    }

    #[test]
    fn what_is_not_there_is_forgotten_when_it_is_kept_no_more() {
        let mut scene = Scene::new();
        scene.keep(&["there", "absent", "awaited"]);
        let _waiter = scene.seek("awaited");
        scene.answer("there", ErrorCode::NONE, &[1]);
        scene.answer("absent", ABSENT, &[]);
        scene.answer("awaited", ABSENT, &[]);
        let forgotten = scene.wanted.keep([], true, scene.now);
        assert_eq!(texts(&forgotten), ["absent"]);
        assert!(!scene.wanted.contains("absent"));
        assert!(scene.wanted.contains("there") && scene.wanted.contains("awaited"));
    }

    #[test]
    fn what_is_not_used_is_forgotten() {
        let mut scene = Scene::new();
        let waiters: Vec<_> = ["idle", "used"].map(|name| scene.seek(name)).into();
        scene.due();
        for name in ["idle", "used"] {
            scene.answer(name, ErrorCode::NONE, &[1]);
        }
        drop(waiters);
        scene.now += IDLE / 2;
        scene.wanted.used(&[Arc::from("used")], scene.now);
        assert_eq!(scene.refresh().1, none());
        scene.now += IDLE / 2;
        assert_eq!(
            scene.refresh(),
            (vec!["used".to_owned()], vec!["idle".to_owned()])
        );
        assert!(!scene.wanted.contains("idle"));
    }

    #[test]
    fn a_partition_without_a_leader_has_its_topic_asked_for_again() {
        let mut scene = Scene::new();
        let mut waiter = scene.seek("orders");
        scene.due();
        scene.answer("orders", ErrorCode::NONE, &[1, -1]);
        assert!(waiter.try_recv().unwrap().is_ok(), "others flow");
        assert_eq!(scene.wanted.refusals().count(), 1);
        scene.pass();
        assert_eq!(scene.due(), (none(), vec!["orders".to_owned()]));
        scene.answer("orders", ErrorCode::NONE, &[1, 2]);
        assert_eq!(scene.wanted.next(), None);
    }

    #[test]
    fn a_name_like_a_known_one_is_suggested() {
        let mut scene = Scene::new();
        let _known = scene.seek("orders");
        scene.answer("orders", ErrorCode::NONE, &[1]);
        let mut waiter = scene.seek("oders");
        while scene.answer("oders", ABSENT, &[]) == Verdict::Keep {
            scene.now += SECOND;
        }
        let error = waiter.try_recv().unwrap().unwrap_err().to_string();
        assert!(error.contains("did you mean orders?"), "{error}");
    }
}
