//! What is stuck and why, for the log and for the program.
//!
//! Whatever retries holds a [`Trouble`] for its [`Subject`], and says when an attempt failed and
//! when one succeeded. An attempt that fails counts from when it began, and one that has not ended
//! for [`PATIENCE`] is told of before it ends. What has lasted for that long is told in the log, again
//! each minute, and once more when it is over, or given up;
//! [`Kafka::health`](crate::Kafka::health) lists it.
//!
//! - `troubles`: which troubles there are, and what is to be told when (pure)
//! - `remedy`: what a person may do about an error (pure)

mod remedy;
mod troubles;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::troubles::{Told, Troubles};
use crate::env::{Env, lock};
use crate::error::Error;

pub(crate) use self::remedy::{remedy, with_advice};
pub(crate) use self::troubles::PATIENCE;

/// Most lines that are logged at a time: behind a lost broker, thousands of partitions are stuck.
const LINES_MAX: usize = 10;

/// A point in time further away cannot be computed for every setting of a user's.
const LAPSE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What is stuck: nothing, when all is well. A failure that is over within 10 seconds is part of a
/// cluster's life, and does not count.
///
/// Its `Display` has a line for each thing that is stuck.
#[derive(Debug, Clone, Default)]
pub struct Health {
    stuck: Vec<Stuck>,
}

impl Health {
    /// Whether nothing is stuck.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.stuck.is_empty()
    }

    /// What is stuck, each thing once.
    #[must_use]
    pub fn stuck(&self) -> &[Stuck] {
        &self.stuck
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_well() {
            return f.write_str("nothing is stuck");
        }
        for (index, stuck) in self.stuck.iter().enumerate() {
            let line_break = if index > 0 { "\n" } else { "" };
            write!(f, "{line_break}{stuck}")?;
        }
        Ok(())
    }
}

/// One thing that does not go on, however often it is tried.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Stuck {
    /// What does not go on.
    pub subject: Subject,
    /// For how long: since the first attempt that failed began.
    pub lasting: Duration,
    /// The latest failure.
    pub error: Error,
    /// What a person may do about it, in words.
    pub remedy: String,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            lasting,
            error,
            remedy,
        } = self;
        let seconds = lasting.as_secs();
        write!(f, "{subject} for {seconds} s now: {error}; {remedy}")
    }
}

/// What can be stuck.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// A broker is not reached.
    Broker {
        /// `host:port`
        address: Arc<str>,
    },
    /// No broker tells what the cluster looks like.
    Metadata,
    /// A topic is not there, or may not be looked at.
    Topic {
        /// The topic's name.
        topic: Arc<str>,
    },
    /// A partition has no leader.
    Leader {
        /// The topic's name.
        topic: Arc<str>,
        /// The partition's number.
        partition: i32,
    },
    /// The batches of a partition are refused, or not answered.
    Partition {
        /// The topic's name.
        topic: Arc<str>,
        /// The partition's number.
        partition: i32,
    },
    /// An idempotent producer gets no producer id.
    ProducerId,
    /// The coordinator of a group is not found, or does not answer.
    Coordinator {
        /// The group's id (`group.id`).
        group: Arc<str>,
    },
    /// The offsets of a group are refused, or not told.
    Offsets {
        /// The group's id (`group.id`).
        group: Arc<str>,
    },
    /// A record of a partition was handed out long ago, and is not acknowledged.
    InWork {
        /// The topic's name.
        topic: Arc<str>,
        /// The partition's number.
        partition: i32,
    },
    /// Nothing is read from a broker.
    Fetch {
        /// `host:port`
        address: Arc<str>,
    },
    /// Nothing is read of a partition.
    Reading {
        /// The topic's name.
        topic: Arc<str>,
        /// The partition's number.
        partition: i32,
    },
    /// The records that a listener's handlers could not handle are not written to a topic: of dead letters, or
    /// of records that are handled again later.
    Forwarding {
        /// The listener's group (`group.id`).
        group: Arc<str>,
        /// The topic that they go to.
        topic: Arc<str>,
    },
    /// All handlers of a listener fail, and its circuit breaker holds them.
    Handlers {
        /// The listener's group (`group.id`).
        group: Arc<str>,
    },
    /// A broker has this client wait, for a quota.
    Throttled {
        /// `host:port`
        address: Arc<str>,
    },
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words()[0])
    }
}

impl Subject {
    /// That it was in trouble when it was given up.
    fn until_now(&self) -> String {
        let [_, until_now, _] = self.words();
        until_now
    }

    /// That it is in trouble no more.
    fn now_well(&self) -> String {
        let [.., now_well] = self.words();
        now_well
    }

    /// What is said of it while it is in trouble, when it was until it was given up, and when it is well.
    fn words(&self) -> [String; 3] {
        let (name, ends) = match self {
            Self::Broker { address } => (
                format!("broker {address}"),
                ["is not reached", "was not reached", "is reached again"],
            ),
            Self::Metadata => (
                "the cluster's metadata".to_owned(),
                [
                    "is not refreshed",
                    "was not refreshed",
                    "is refreshed again",
                ],
            ),
            Self::Topic { topic } => (
                format!("topic {topic}"),
                [
                    "is not available",
                    "was not available",
                    "is available again",
                ],
            ),
            Self::Leader { topic, partition } => (
                format!("topic {topic} partition {partition}"),
                ["has no leader", "had no leader", "has a leader again"],
            ),
            Self::Partition { topic, partition } => (
                format!("topic {topic} partition {partition}"),
                ["takes no batches", "took no batches", "takes batches again"],
            ),
            Self::ProducerId => {
                let words = [
                    "no producer id is given",
                    "no producer id was given",
                    "a producer id is given",
                ];
                return words.map(str::to_owned);
            }
            Self::Coordinator { group } => (
                format!("group {group}"),
                [
                    "has no coordinator",
                    "had no coordinator",
                    "has a coordinator again",
                ],
            ),
            Self::Offsets { group } => (
                format!("offsets of group {group}"),
                [
                    "are not stored, or not told",
                    "were not stored, or not told",
                    "are stored and told again",
                ],
            ),
            Self::InWork { topic, partition } => (
                format!("topic {topic} partition {partition}"),
                [
                    "has a record in work for long",
                    "had a record in work for long",
                    "has no record in work for long any more",
                ],
            ),
            Self::Fetch { address } => (
                format!("broker {address}"),
                [
                    "is not read from",
                    "was not read from",
                    "is read from again",
                ],
            ),
            Self::Reading { topic, partition } => (
                format!("topic {topic} partition {partition}"),
                ["is not read", "was not read", "is read again"],
            ),
            Self::Forwarding { group, topic } => (
                format!("what listener {group} writes to topic {topic}"),
                ["is not taken", "was not taken", "is taken again"],
            ),
            Self::Handlers { group } => (
                format!("the handlers of listener {group}"),
                ["fail", "failed", "succeed again"],
            ),
            Self::Throttled { address } => (
                format!("broker {address}"),
                [
                    "throttles this client",
                    "throttled this client",
                    "does not throttle this client any more",
                ],
            ),
        };
        ends.map(|end| format!("{name} {end}"))
    }
}

/// The troubles of a [`Kafka`](crate::Kafka), its producers and its consumers. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Monitor(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    env: Env,
    state: Mutex<State>,
    next_holder: AtomicU64,
    /// Wakes the watcher: there is something that it does not know of.
    wake: Arc<Notify>,
    /// Something got stuck, or is over.
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    troubles: Troubles,
    /// Lives only while there is trouble.
    watcher: Option<JoinHandle<()>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(watcher) = lock(&self.state).watcher.take() {
            watcher.abort();
        }
    }
}

impl Monitor {
    pub(crate) fn new(env: Env) -> Self {
        Self(Arc::new(Shared {
            env,
            state: Mutex::default(),
            next_holder: AtomicU64::new(0),
            wake: Arc::default(),
            changes: watch::Sender::new(()),
        }))
    }

    /// For a loop that retries until it succeeds: trouble lasts until it says otherwise, or ends.
    pub(crate) fn watch(&self, subject: Subject) -> Trouble {
        self.holder(subject, None)
    }

    /// For attempts that nobody may repeat: trouble also ends when none has failed for `lapse`,
    /// which is longer than the time between two of a loop.
    pub(crate) fn watch_attempts(&self, subject: Subject, lapse: Duration) -> Trouble {
        self.holder(subject, Some(lapse.min(LAPSE_MAX)))
    }

    fn holder(&self, subject: Subject, lapse: Option<Duration>) -> Trouble {
        Trouble {
            monitor: self.clone(),
            holder: self.0.next_holder.fetch_add(1, Ordering::Relaxed),
            subject,
            lapse,
            failing: false,
            since: None,
        }
    }

    /// What is stuck now.
    pub(crate) fn health(&self) -> Health {
        let now = self.0.env.now();
        Health {
            stuck: lock(&self.0.state).troubles.stuck(now),
        }
    }

    /// Waits until the health is as wanted.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn wait_for(&self, mut wanted: impl FnMut(&Health) -> bool) -> Health {
        let mut changes = self.0.changes.subscribe();
        loop {
            let health = self.health();
            if wanted(&health) {
                return health;
            }
            // The sender lives in `self`.
            let _ = changes.changed().await;
        }
    }

    fn failed(&self, trouble: &Trouble, since: Option<Instant>, error: &Error) {
        let shared = &self.0;
        let now = shared.env.now();
        let mut state = lock(&shared.state);
        let holder = (trouble.holder, trouble.lapse);
        let since = since.unwrap_or(now).min(now);
        let is_due = state
            .troubles
            .failed(&trouble.subject, holder, error, since, now);
        // A watcher also ends with the runtime that it was started on.
        if state.watcher.as_ref().is_none_or(JoinHandle::is_finished) {
            let task = watch_loop(Arc::downgrade(shared));
            state.watcher = Some(shared.env.spawn(task));
        } else if is_due {
            shared.wake.notify_one();
        }
    }

    fn over(&self, over: impl FnOnce(&mut Troubles, Instant) -> bool) {
        let now = self.0.env.now();
        // The watcher tells: whoever calls this may hold locks, and what listens to the log is not
        // ours.
        if over(&mut lock(&self.0.state).troubles, now) {
            self.0.wake.notify_one();
            self.0.changes.send_replace(());
        }
    }
}

impl Shared {
    fn tell(&self, told: Vec<Told>) {
        if told.is_empty() {
            return;
        }
        let more = told.len().saturating_sub(LINES_MAX);
        for told in told.into_iter().take(LINES_MAX) {
            // Whoever saw the beginning is to see the end.
            tracing::warn!("{told}");
        }
        if more > 0 {
            tracing::warn!("and {more} more of the kind: Kafka::health lists what is stuck");
        }
        self.changes.send_replace(());
    }
}

/// Tells what is due, as long as there is trouble.
async fn watch_loop(shared: Weak<Shared>) {
    loop {
        let (env, wake, next) = {
            let Some(this) = shared.upgrade() else { return };
            let now = this.env.now();
            let (told, next) = {
                let mut state = lock(&this.state);
                let told = state.troubles.tell(now);
                let next = state.troubles.next(now);
                if next.is_none() {
                    // Under the lock, so that the next trouble starts another.
                    state.watcher = None;
                }
                (told, next)
            };
            this.tell(told);
            let Some(next) = next else { return };
            (this.env.clone(), this.wake.clone(), next)
        };
        // Due or woken: both mean another look.
        let _ = env.timeout_at(next, wake.notified()).await;
    }
}

/// Held by whatever retries. Dropping it gives up: the trouble that it has told of is nobody's then.
#[derive(Debug)]
pub(crate) struct Trouble {
    monitor: Monitor,
    holder: u64,
    subject: Subject,
    lapse: Option<Duration>,
    /// So that a success after a success costs nothing.
    failing: bool,
    /// When the first attempt that failed began, if that was said.
    since: Option<Instant>,
}

impl Trouble {
    /// An attempt failed.
    pub(crate) fn failed(&mut self, error: &Error) {
        self.failing = true;
        self.monitor.failed(self, None, error);
    }

    /// An attempt that began at an instant failed, or has not succeeded yet.
    pub(crate) fn failed_since(&mut self, since: Instant, error: &Error) {
        self.failing = true;
        self.since.get_or_insert(since);
        self.monitor.failed(self, Some(since), error);
    }

    /// When the first attempt that failed began.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.since
    }

    /// What it is about.
    pub(crate) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// An attempt succeeded: what was stuck is so for nobody any more.
    pub(crate) fn over(&mut self) {
        if std::mem::take(&mut self.failing) {
            self.since = None;
            let (monitor, subject) = (&self.monitor, &self.subject);
            monitor.over(|troubles, now| troubles.over(subject, now));
        }
    }
}

impl Drop for Trouble {
    fn drop(&mut self) {
        if self.failing {
            let (monitor, subject, holder) = (&self.monitor, &self.subject, self.holder);
            monitor.over(|troubles, now| troubles.leave(subject, holder, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::TcpConnector;
    use crate::error::ErrorKind;

    fn monitor() -> Monitor {
        Monitor::new(Env::new(Arc::new(TcpConnector), Some(1)).unwrap())
    }

    fn fail(trouble: &mut Trouble) {
        trouble.failed(&Error::new(ErrorKind::Timeout, "no answer"));
    }

    fn is_watched(monitor: &Monitor) -> bool {
        let state = lock(&monitor.0.state);
        let watcher = state.watcher.as_ref();
        watcher.is_some_and(|watcher| !watcher.is_finished())
    }

    #[tokio::test(start_paused = true)]
    async fn the_watcher_lives_only_while_there_is_trouble() {
        let monitor = monitor();
        let mut trouble = monitor.watch(Subject::ProducerId);
        assert!(!is_watched(&monitor));
        for _ in 0..2 {
            fail(&mut trouble);
            assert!(is_watched(&monitor));
            let stuck = monitor.wait_for(|health| !health.is_well()).await;
            assert_eq!(stuck.stuck()[0].lasting, Duration::from_secs(10));
            trouble.over();
            assert!(monitor.health().is_well());
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(!is_watched(&monitor));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_told_when_the_last_holder_ends() {
        let monitor = monitor();
        let mut troubles = [(); 2].map(|()| monitor.watch(Subject::Metadata));
        troubles.iter_mut().for_each(fail);
        monitor.wait_for(|health| !health.is_well()).await;
        let well = monitor.wait_for(Health::is_well);
        tokio::pin!(well);
        for trouble in troubles {
            let early = tokio::time::timeout(Duration::from_secs(1), &mut well).await;
            assert!(early.is_err());
            drop(trouble);
        }
        well.await;
    }
}
