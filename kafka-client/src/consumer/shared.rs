//! What the user, the sources and the group of a consumer share: positions, and the buffer of
//! fetched data.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use kafka_client_protocol::records::Batches;
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::TopicPartition;
use super::config::{ConsumerConfig, OffsetReset, RecreatedTopic};
use super::group::{Commits, Told};
use super::offsets::offsets_loop;
use super::position::{Assigned, Positions, Stage};
use super::queues::Queues;
use super::resets::{PositionReset, ResetReason};
use super::source::{Agenda, source_loop};
use super::work::{Tracking, Work};
use crate::cluster::metadata::PartitionMetadata;
use crate::cluster::{Cluster, ClusterUser, Metadata};
use crate::env::{Env, lock};
use crate::error::{Error, ErrorKind};
use crate::health::{Subject, Trouble};

/// Data of one partition from one answer, not decoded yet.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) assigned: Arc<Assigned>,
    pub(crate) version: u64,
    pub(crate) batches: Batches,
    /// All of it, to give its memory back in the end.
    pub(crate) data: Bytes,
    /// Little else is in the same memory.
    pub(crate) is_alone: bool,
    /// What it counts for in the buffer.
    pub(crate) bytes: Weight,
    /// Where the next fetch begins.
    pub(crate) next: i64,
}

/// Bytes of the buffer, and the broker they came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight {
    pub(crate) source: i32,
    pub(crate) bytes: usize,
}

/// The state of a consumer.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) weak: Weak<Self>,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) config: ConsumerConfig,
    /// No group's leader assigns its partitions.
    pub(crate) assigned_by_hand: bool,
    /// With manual acknowledgement.
    pub(crate) tracking: Option<Arc<Tracking>>,
    state: Mutex<State>,
    /// Wakes the source of each broker.
    sources: Mutex<BTreeMap<i32, Arc<Notify>>>,
    /// Wakes the task that asks a leader for offsets.
    seekers: Mutex<BTreeMap<i32, Arc<Notify>>>,
    /// Wakes the group's task: there are offsets to be stored.
    pub(crate) commits_wanted: Notify,
    /// The user is to come to a point between two records.
    pub(crate) pause_asked: AtomicBool,
    pub(crate) paused: Notify,
    /// Grows with each poll of the user.
    pub(crate) polls: AtomicU64,
    /// Partitions that are read apart are so no longer: their streams end.
    pub(super) streams_ended: AtomicBool,
    tasks: Mutex<Vec<AbortHandle>>,
    /// To the user's function that is told of resets.
    pub(super) resets: OnceLock<mpsc::UnboundedSender<PositionReset>>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) positions: Positions,
    /// Offsets for the group to store.
    pub(crate) commits: Commits,
    queue: VecDeque<Fetched>,
    /// Instead of the queue, if partitions are read apart.
    pub(super) queues: Option<Queues>,
    /// By broker.
    agendas: BTreeMap<i32, Agenda>,
    /// The partitions that each leader is to be asked for an offset of.
    pub(crate) lookups: BTreeMap<i32, BTreeSet<TopicPartition>>,
    /// Of the partitions of which something fails, and is tried again.
    troubles: BTreeMap<TopicPartition, Trouble>,
    errors: VecDeque<Error>,
    failed: Option<Error>,
    /// A partition that was lost with offsets the user may still want to commit, and has not heard
    /// that it is too late.
    lost: Option<TopicPartition>,
    waker: Option<Waker>,
    /// To be woken when the state is let go.
    woken: Vec<Waker>,
}

/// The state, locked. Whoever is to hear of a change does when it is let go: a waker may be code of the
/// user's, which may use the consumer.
#[derive(Debug)]
pub(crate) struct Locked<'a> {
    // In this order: fields are dropped from the first to the last.
    state: MutexGuard<'a, State>,
    news: News,
}

/// Who is to hear of a change.
#[derive(Debug, Default)]
struct News {
    woken: Vec<Waker>,
    told: Vec<Told>,
}

impl Drop for News {
    fn drop(&mut self) {
        self.woken.drain(..).for_each(Waker::wake);
        self.told.drain(..).for_each(Told::tell);
    }
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.news.woken = std::mem::take(&mut self.state.woken);
        self.news.told = self.state.commits.take_told();
    }
}

/// What there is for the user.
pub(crate) enum Arrival {
    Data(Fetched),
    Error(Error),
}

impl Shared {
    pub(crate) fn new(
        cluster: Arc<Cluster>,
        config: ConsumerConfig,
        assigned_by_hand: bool,
    ) -> Arc<Self> {
        let tracking = config.max_unacked.map(Tracking::new);
        let state = State {
            positions: Positions::tracked(tracking.clone()),
            queues: config.reads_apart.then(Queues::default),
            ..State::default()
        };
        Arc::new_cyclic(|weak| Self {
            weak: weak.clone(),
            cluster,
            config,
            assigned_by_hand,
            tracking,
            state: Mutex::new(state),
            sources: Mutex::default(),
            seekers: Mutex::default(),
            commits_wanted: Notify::new(),
            pause_asked: AtomicBool::new(false),
            paused: Notify::new(),
            polls: AtomicU64::new(0),
            streams_ended: AtomicBool::new(false),
            tasks: Mutex::default(),
            resets: OnceLock::new(),
        })
    }

    pub(crate) fn env(&self) -> &Env {
        &self.cluster.env
    }

    pub(crate) fn state(&self) -> Locked<'_> {
        Locked {
            state: lock(&self.state),
            news: News::default(),
        }
    }

    /// A task that ends with the consumer.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = self.env().spawn(task).abort_handle();
        lock(&self.tasks).push(task);
    }

    /// Ends all tasks.
    pub(crate) fn abort(&self) {
        for task in lock(&self.tasks).drain(..) {
            task.abort();
        }
    }

    /// The next of what has arrived; registers the user's waker if there is nothing.
    pub(crate) fn poll_arrival(&self, cx: &mut Context<'_>) -> Poll<Arrival> {
        let mut state = self.state();
        if let Some(error) = state.errors.pop_front() {
            return Poll::Ready(Arrival::Error(error));
        }
        if let Some(error) = &state.failed {
            return Poll::Ready(Arrival::Error(error.clone()));
        }
        while let Some(fetched) = state.queue.pop_front() {
            if fetched.assigned.is_current(fetched.version) {
                return Poll::Ready(Arrival::Data(fetched));
            }
            // Stale: a seek or a revocation came in between.
            self.give_back(&mut state, fetched.bytes);
        }
        match &state.waker {
            Some(waker) if waker.will_wake(cx.waker()) => {}
            _ => state.waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// As [`Shared::poll_arrival`], of a partition that is read apart.
    pub(super) fn poll_arrival_of(
        &self,
        assigned: &Arc<Assigned>,
        cx: &mut Context<'_>,
    ) -> Poll<Arrival> {
        let mut guard = self.state();
        let state = &mut *guard;
        if let Some(error) = &state.failed {
            return Poll::Ready(Arrival::Error(error.clone()));
        }
        let Some(queues) = &mut state.queues else {
            return Poll::Pending;
        };
        let mut stale = Vec::new();
        let data = loop {
            match queues.take(assigned) {
                Some(fetched) if assigned.is_current(fetched.version) => break Some(fetched),
                Some(fetched) => stale.push(fetched.bytes),
                None => break None,
            }
        };
        if data.is_none() {
            queues.wait(assigned, cx.waker());
        }
        let left = queues.bytes(assigned);
        for weight in stale {
            self.give_back(state, weight);
        }
        self.note_waiting(state, assigned, left);
        data.map_or(Poll::Pending, |fetched| Poll::Ready(Arrival::Data(fetched)))
    }

    /// What one partition may take of a broker's part of the buffer, at once. Where partitions are read apart,
    /// it may take that twice, in hand and waiting: so half is free even if no stream goes on.
    pub(super) fn part_of_partition(&self, state: &State) -> usize {
        let streams = state.queues.as_ref().map_or(1, Queues::len).max(1);
        (self.share(state) / streams / 4).max(1)
    }

    /// So many bytes wait for the stream of a partition: with its part of the buffer, nothing more of it is
    /// fetched, or a slow stream would take the room of all others.
    fn note_waiting(&self, state: &mut State, assigned: &Arc<Assigned>, bytes: usize) {
        let part = self.part_of_partition(state);
        let Some(slot) = state.positions.get_mut(&assigned.partition) else {
            return;
        };
        let had_enough = slot.has_enough;
        slot.has_enough = bytes >= if had_enough { part.div_ceil(2) } else { part };
        if slot.has_enough != had_enough {
            state.positions.touch(&assigned.partition);
            self.settle(state);
        }
    }

    /// Data arrived. Those who wait for it are woken.
    pub(crate) fn arrived(&self, state: &mut State, data: Vec<Fetched>) {
        if !data.is_empty() && state.queues.is_none() {
            state.woken.extend(state.waker.take());
        }
        for fetched in data {
            if state.queues.is_some() {
                let waker = self.arrived_apart(state, fetched);
                state.woken.extend(waker);
                continue;
            }
            let Weight { source, bytes } = fetched.bytes;
            state.agendas.entry(source).or_default().take(bytes);
            state.queue.push_back(fetched);
        }
    }

    /// Data arrived of a partition that is read apart.
    fn arrived_apart(&self, state: &mut State, mut fetched: Fetched) -> Option<Waker> {
        let assigned = fetched.assigned.clone();
        let part = self.part_of_partition(state);
        let queues = state.queues.as_mut()?;
        let former = queues.add(&assigned);
        // What comes beyond its part, by batches that are larger, is not counted: it keeps no other
        // partition from being asked for.
        let left = part.saturating_sub(queues.bytes(&assigned));
        fetched.bytes.bytes = fetched.bytes.bytes.min(left);
        let Weight { source, bytes } = fetched.bytes;
        let waker = queues.put(fetched);
        let waiting = queues.bytes(&assigned);
        state.agendas.entry(source).or_default().take(bytes);
        for fetched in former {
            self.give_back(state, fetched.bytes);
        }
        self.note_waiting(state, &assigned, waiting);
        waker
    }

    /// Wakes the user.
    pub(crate) fn wake_user(&self) {
        let mut state = self.state();
        let wakers = state
            .queues
            .as_mut()
            .map(Queues::wakers)
            .unwrap_or_default();
        let user = state.waker.take();
        state.woken.extend(wakers.into_iter().chain(user));
    }

    /// The user is through with buffered data.
    pub(crate) fn release(&self, weight: Weight) {
        self.give_back(&mut self.state(), weight);
    }

    pub(super) fn give_back(&self, state: &mut State, weight: Weight) {
        let share = self.share(state);
        let agenda = state.agendas.entry(weight.source).or_default();
        if agenda.give_back(weight.bytes, share) {
            self.wake_source(weight.source);
        }
    }

    /// The part of the buffer that each broker may fill, so that none takes it from the others.
    pub(crate) fn share(&self, state: &State) -> usize {
        let active = state.agendas.values().filter(|agenda| agenda.is_active());
        self.config.buffer_bytes / active.count().max(1)
    }

    /// Tells the user of an error that the consumer survives.
    pub(crate) fn report(&self, error: Error) {
        tracing::debug!(%error, "reported to the user");
        self.state().errors.push_back(error);
        self.wake_user();
    }

    /// A broker does not let the client in. It is tried again, and the user is told as often as it asks.
    pub(crate) fn refused(&self, error: &Error) {
        {
            let mut state = self.state();
            let mut untold = state.errors.iter();
            if untold.any(|untold| untold.kind() == ErrorKind::Authentication) {
                return;
            }
            state.errors.push_back(error.clone());
        }
        self.wake_user();
    }

    /// The consumer cannot go on.
    pub(crate) fn fail(&self, error: Error) {
        tracing::warn!(%error, "the consumer cannot go on");
        self.state().failed.get_or_insert(error);
        self.wake_user();
    }

    pub(crate) fn failure(&self) -> Option<Error> {
        self.state().failed.clone()
    }

    /// Goes on from where `auto.offset.reset` says; `cause` is reported if it says nowhere.
    pub(crate) fn reset(
        &self,
        state: &mut State,
        partition: &TopicPartition,
        cause: impl FnOnce() -> Error,
    ) {
        self.reset_to(self.config.reset, state, partition, cause);
    }

    /// As [`Shared::reset`], by another setting.
    pub(crate) fn reset_to(
        &self,
        reset: OffsetReset,
        state: &mut State,
        partition: &TopicPartition,
        cause: impl FnOnce() -> Error,
    ) {
        self.reset_because(ResetReason::NoOffset, reset, state, partition, cause);
    }

    /// As [`Shared::reset_to`], for this reason.
    pub(crate) fn reset_because(
        &self,
        reason: ResetReason,
        reset: OffsetReset,
        state: &mut State,
        partition: &TopicPartition,
        cause: impl FnOnce() -> Error,
    ) {
        let timestamp = match reset {
            OffsetReset::Earliest => -2,
            OffsetReset::Latest => -1,
            OffsetReset::ByDuration(age) => {
                let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
                self.env().wall_ms().saturating_sub(age).max(0)
            }
            OffsetReset::Nearest => {
                let slot = state.positions.get(partition);
                match slot.map_or(-1, |slot| slot.assigned.timestamp()) {
                    ..0 => -2,
                    timestamp => timestamp,
                }
            }
            OffsetReset::None => {
                state.stick(
                    partition,
                    cause().at_partition(&partition.topic, partition.partition),
                );
                return;
            }
        };
        state.positions.reset(partition, timestamp, reason);
    }

    /// Something about a partition has failed, and will be tried again.
    pub(crate) fn failed(&self, state: &mut State, partition: &TopicPartition, error: &Error) {
        let (topic, number) = (&partition.topic, partition.partition);
        let error = error.clone().at_partition(topic, number);
        let trouble = state.troubles.entry(partition.clone()).or_insert_with(|| {
            let (topic, partition) = (topic.clone(), number);
            let subject = Subject::Reading { topic, partition };
            self.cluster.health.watch(subject)
        });
        trouble.failed(&error);
    }

    /// The log is another from `offset` on. Goes on from there if handed out records are concerned, and
    /// `auto.offset.reset` allows it; what there is to tell then.
    #[must_use = "it is to be told when no lock is held"]
    pub(crate) fn truncated(
        &self,
        state: &mut State,
        partition: &TopicPartition,
        offset: i64,
    ) -> Option<PositionReset> {
        let position = state.positions.truncated(partition, offset)?;
        if state
            .commits
            .pending(partition)
            .is_some_and(|pending| pending > offset)
        {
            // It is not in this log.
            let text = format!("the log was truncated: it is another from offset {offset} on");
            let error = Error::new(ErrorKind::LogTruncated, text);
            let error = error.at_partition(&partition.topic, partition.partition);
            state.commits.give_up(partition, &error.resume_at(offset));
        }
        if self.config.reset == OffsetReset::None {
            let error = Error::new(
                ErrorKind::LogTruncated,
                format!(
                    "the log was truncated: it is another from offset {offset} on, and records up to \
                     {position} were handed out. auto.offset.reset is none; to go on, seek to {offset}"
                ),
            );
            let error = error.at_partition(&partition.topic, partition.partition);
            state.stick(partition, error.resume_at(offset));
            return None;
        }
        let stage = Stage::Fetching { offset };
        state.positions.set_stage(partition, stage);
        Some(PositionReset {
            partition: partition.clone(),
            from: Some(position),
            to: offset,
            reason: ResetReason::Truncated { offset },
        })
    }

    /// After a change of positions: the sources of those concerned look at them.
    pub(crate) fn positions_changed(&self) {
        self.settle(&mut self.state());
        self.wake_user();
    }

    /// After a change of leaders.
    pub(crate) fn leaders_changed(&self) {
        let metadata = self.cluster.metadata();
        let mut guard = self.state();
        let state = &mut *guard;
        let id = |topic: &str| {
            metadata
                .topic(topic)
                .map(|topic| topic.id)
                .unwrap_or_default()
        };
        for (partition, position) in state.positions.note_topics(id) {
            self.made_anew(state, &partition, position);
        }
        state.positions.touch_all();
        self.settle(state);
    }

    /// The partition's topic was deleted and made anew: offsets of the old one mean nothing in it.
    fn made_anew(&self, state: &mut State, partition: &TopicPartition, position: i64) {
        let TopicPartition {
            topic,
            partition: number,
        } = partition;
        let error = Error::new(
            ErrorKind::UnknownTopic,
            format!(
                "the topic was deleted and made anew; in the old one the consumer was at {position}, \
                 which means nothing in the new one"
            ),
        )
        .at_partition(topic, *number);
        state.commits.give_up(partition, &error);
        match self.config.recreated {
            RecreatedTopic::ReadFromBeginning => {
                let reason = ResetReason::TopicRecreated { position };
                state.positions.reset(partition, -2, reason);
            }
            RecreatedTopic::Fail => {
                let error = error.with_hint("seek, to begin in the new one");
                state.stick(partition, error);
            }
        }
    }

    /// Finds where the partitions that have changed are read from, and has their sources look at them:
    /// the one that each had, and the one that it has now. Those that lack an offset are asked for.
    pub(crate) fn settle(&self, state: &mut State) {
        let touched = state.positions.take_touched();
        if touched.is_empty() {
            return;
        }
        let metadata = self.cluster.metadata();
        let now = self.env().now();
        let mut is_behind = false;
        let mut nodes = BTreeSet::new();
        let mut leaders = BTreeSet::new();
        for (partition, former) in touched {
            let source = match state.positions.get_mut(&partition) {
                Some(slot) => {
                    let topic = metadata.topic(&partition.topic);
                    slot.learn_topic(topic.map(|topic| topic.id).unwrap_or_default());
                    let leader = metadata.leader(&partition.topic, partition.partition);
                    is_behind |= leader.is_none() && lacks_partition(&metadata, &partition);
                    let leader = leader.unwrap_or(PartitionMetadata::UNKNOWN);
                    slot.source = slot.choose_source(leader, now);
                    if slot.assigned.is_halted() {
                        // Nothing is tried any more, for now.
                        state.troubles.remove(&partition);
                    }
                    if slot.question().is_some() && leader.leader >= 0 {
                        leaders.insert(leader.leader);
                        let lookups = state.lookups.entry(leader.leader).or_default();
                        lookups.insert(partition.clone());
                    }
                    slot.source
                }
                None => {
                    state.troubles.remove(&partition);
                    -1
                }
            };
            for node in [former, source] {
                if node >= 0 {
                    nodes.insert(node);
                    state.agenda(node).look_at(partition.clone());
                }
            }
        }
        for node in nodes {
            self.wake_source(node);
        }
        for leader in leaders {
            self.wake_seeker(leader);
        }
        if is_behind {
            self.cluster.request_refresh();
        }
    }

    /// Wakes a broker's source, or starts it.
    fn wake_source(&self, node: i32) {
        let mut sources = lock(&self.sources);
        if let Some(wake) = sources.get(&node) {
            wake.notify_one();
            return;
        }
        let wake = Arc::new(Notify::new());
        sources.insert(node, wake.clone());
        drop(sources);
        self.spawn(source_loop(self.weak.clone(), node, wake));
    }

    /// Wakes the task that asks a leader for offsets, or starts it.
    fn wake_seeker(&self, leader: i32) {
        let mut seekers = lock(&self.seekers);
        if let Some(wake) = seekers.get(&leader) {
            wake.notify_one();
            return;
        }
        let wake = Arc::new(Notify::new());
        seekers.insert(leader, wake.clone());
        drop(seekers);
        self.spawn(offsets_loop(self.weak.clone(), leader, wake));
    }

    /// Waits until the user is between two records, and so done with all that was handed out; or
    /// until `limit` is over. `true` if the user came.
    ///
    /// # Cancel safety
    /// Cancel safe; the user may come to a point nobody waits for, which does no harm.
    pub(crate) async fn pause_user(&self, limit: Duration) -> bool {
        let paused = self.paused.notified();
        tokio::pin!(paused);
        // Registered before it is asked for.
        paused.as_mut().enable();
        let _asked = PauseAsked::of(&self.pause_asked);
        self.wake_user();
        self.env().timeout(limit, paused).await.is_ok()
    }

    /// With manual acknowledgement, waits until nobody has a record of these partitions, or of any, in
    /// hand.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn until_idle(&self, of: Option<&[TopicPartition]>) {
        let Some(tracking) = &self.tracking else {
            return;
        };
        loop {
            let idle = tracking.idle.notified();
            tokio::pin!(idle);
            // Registered before it is looked at.
            idle.as_mut().enable();
            let is_idle = {
                let state = self.state();
                let concerned = state
                    .positions
                    .iter()
                    .filter(|(partition, _)| of.is_none_or(|of| of.contains(partition)));
                // The first that is not tells when it is, and then the others are looked at.
                concerned
                    .filter_map(|(_, slot)| slot.assigned.work())
                    .all(Work::await_idle)
            };
            if is_idle {
                return;
            }
            idle.await;
        }
    }

    pub(crate) fn not_before(&self, failures: u32) -> Instant {
        let config = &self.cluster.config;
        let wait = config.retry_backoff.saturating_mul(1 << failures.min(10));
        self.env().now() + self.env().jitter(wait.min(config.retry_backoff_max))
    }
}

/// The user is asked to come to a point between two records, until this is dropped.
struct PauseAsked<'a>(&'a AtomicBool);

impl<'a> PauseAsked<'a> {
    fn of(asked: &'a AtomicBool) -> Self {
        asked.store(true, Ordering::Release);
        Self(asked)
    }
}

impl Drop for PauseAsked<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl ClusterUser for Shared {
    /// What a consumer uses it keeps.
    fn topics_in_use(&self) -> Vec<Arc<str>> {
        Vec::new()
    }

    fn refused(&self, error: &Error) {
        Self::refused(self, error);
    }
}

impl State {
    /// Whether the user waits for what may come. Once it was woken it has to come by itself.
    pub(crate) fn has_user_waiting(&self) -> bool {
        let Some(queues) = &self.queues else {
            return self.waker.is_some();
        };
        // Who waits for streams is there all the time: that says nothing while records are in hand.
        let is_idle = || {
            let mut works = self
                .positions
                .iter()
                .filter_map(|(_, slot)| slot.assigned.work());
            works.all(|work| work.ledger().is_idle())
        };
        queues.has_waiting() || (self.waker.is_some() && is_idle())
    }

    /// The user no longer waits.
    pub(crate) fn forget_user(&mut self) {
        self.waker = None;
    }

    /// The account of a broker's source.
    pub(crate) fn agenda(&mut self, node: i32) -> &mut Agenda {
        self.agendas.entry(node).or_default()
    }

    /// The fetch sessions that brokers may have.
    pub(crate) fn sessions(&self) -> Vec<(i32, i32)> {
        let sessions = self
            .agendas
            .iter()
            .map(|(node, agenda)| (*node, agenda.session()));
        sessions.filter(|(_, session)| *session != 0).collect()
    }

    /// What was tried again for a partition has succeeded.
    pub(crate) fn is_well(&mut self, partition: &TopicPartition) {
        if let Some(mut trouble) = self.troubles.remove(partition) {
            trouble.over();
        }
    }

    /// A partition is lost whose records the user may still want to commit.
    pub(crate) fn lose(&mut self, partition: &TopicPartition) {
        self.lost = Some(partition.clone());
    }

    /// What was lost, to be told to the user, once. A consumer that has ended tells why instead.
    pub(crate) fn take_lost(&mut self) -> Option<TopicPartition> {
        self.lost.take().filter(|_| self.failed.is_none())
    }

    /// Reports an error that ends a partition's progress, until the user seeks.
    pub(crate) fn stick(&mut self, partition: &TopicPartition, error: Error) {
        self.positions.set_stage(partition, Stage::Stuck);
        self.troubles.remove(partition);
        self.errors.push_back(error);
        self.woken.extend(self.waker.take());
    }
}

/// Whether a partition is one more than is known of its topic. The cluster looks again by itself for
/// partitions without a leader, and for topics that it does not find; not for that.
fn lacks_partition(metadata: &Metadata, partition: &TopicPartition) -> bool {
    let topic = metadata.topic(&partition.topic);
    topic.is_some_and(|topic| !topic.partitions.is_empty())
}

/// The position has no offset to go on from.
pub(crate) fn no_offset(what: &str) -> Error {
    Error::new(
        ErrorKind::NoOffset,
        format!("{what}, and auto.offset.reset is none: seek, or set it to earliest or latest"),
    )
}
