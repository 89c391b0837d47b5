//! A consumer's membership in its group (classic protocol), and its offsets.
//!
//! One task speaks with the coordinator: it joins, sends heartbeats, commits and leaves, one thing
//! after the other, so that no commit falls between JoinGroup and SyncGroup and none overtakes
//! another. Records keep flowing meanwhile: the sources do not know of the group.
//!
//! - `classic`: the classic protocol; another one would replace this file
//! - `ownership`: taking partitions over and giving them up
//! - `offsets`: where partitions begin, and storing what is to be stored; `stored` the requests
//! - `commits`: which offsets are to be stored, and who waits for that (pure)
//! - `membership`: the member's place, and what an answer means for it (pure)
//! - `assignor`: who gets what (pure)
//! - `matching`: which topics match, for a member that wants all that do (pure)
//! - `inbox`: what the user asks, looked at whenever the task waits
//! - `listener`: the user's code that is told of changes, on a task of its own
//!
//! ```text
//!            join                    assignment, nothing revoked
//! unjoined ---------> JoinGroup, SyncGroup -----------------------> stable
//!     ^                     ^                                         |
//!     | lost                | something revoked: given up, then again |
//!     +---------------------+---- rebalance, more partitions ---------+
//! ```
//!
//! A partition is given up only between two records: the task asks for a pause and the user's next
//! poll grants it. So the user is done with all that was handed out, and what is committed for the
//! next owner is exact.

mod assignor;
mod classic;
mod commits;
mod inbox;
mod listener;
mod matching;
mod membership;
mod offsets;
mod ownership;
mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::sync_group::SyncGroupRequest;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

pub use assignor::{AssignPartitions, Assignor, GroupMember, GroupTopics, RebalanceProtocol};
pub(crate) use commits::{Commit, Commits, Told};
pub(crate) use inbox::{Command, Commands, WeakCommands};
pub(crate) use listener::Listener;
pub use listener::RebalanceEvent;
pub(crate) use matching::{Predicate, Subscription};

use super::shared::Shared;
use super::{ConsumerHandle, TopicPartition};
use crate::cluster::{Coordinator, CoordinatorKey, Metadata};
use crate::env::{Elapsed, Env};
use crate::error::{Error, ErrorKind};
use crate::health::{Subject, Trouble, with_advice};
use inbox::{Closing, Inbox};
use listener::Telling;
use matching::Matching;
use membership::{Membership, Remedy};
use offsets::REFUSALS_MAX;

/// The longest that closing takes by default, as in Java's client.
pub(crate) const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// How often it is looked whether the user asks for records, in the time that it may take for one.
const LOOKS: u32 = 10;

/// A commit comes too late.
pub(crate) fn not_owned(partition: &TopicPartition) -> Error {
    let error = Error::new(
        ErrorKind::GroupLost,
        "the partition is not this member's any more: its offset is the new owner's to commit",
    );
    let TopicPartition { topic, partition } = partition;
    error
        .at_api(ApiKey::OFFSET_COMMIT)
        .at_partition(topic, *partition)
}

/// Why the task stops doing what it did.
enum Stop {
    /// The user closed the consumer, or dropped it.
    Close,
    /// No way on.
    Fatal(Error),
    /// Code of the user's has panicked, or done what it must not.
    UserCode(Error),
}

/// The group's task.
pub(crate) struct Group {
    shared: Arc<Shared>,
    inbox: Inbox,
    coordinator: Coordinator,
    membership: Membership,
    /// Offsets are not read or stored.
    trouble: Trouble,
    /// What it subscribes to; empty if the user assigns partitions by hand.
    topics: Vec<Arc<str>>,
    /// Says what that is, if the user wants all topics whose names match.
    matching: Option<Matching>,
    /// Topics that it may not read, of which the user has been told.
    denied: BTreeSet<Arc<str>>,
    telling: Option<Telling>,
    /// The listener is being told of new partitions, which begin when it is through, or at an instant.
    not_through: Option<(oneshot::Receiver<()>, Instant)>,
    metadata: watch::Receiver<Arc<Metadata>>,
    must_join: bool,
    /// How often in a row it was told to join again, before an assignment came of it.
    rejoins: u32,
    /// It has left because the user did not ask for records, and comes back when it does.
    absent: bool,
    /// JoinGroup or SyncGroup is with the coordinator, which may hold it.
    parked: bool,
    /// Partitions are being given up, or all is: an offset that the coordinator does not take now is
    /// never stored, as nobody waits for the next generation.
    last_chance: bool,
    /// It closes: nobody waits for this member to join again.
    is_leaving: bool,
    /// It leads, and the group waits for its assignment.
    owes_assignment: bool,
    /// What this leader has told the coordinator and has no answer to.
    unsynced: Option<SyncGroupRequest>,
    /// The topics of all members, and what there was to assign of them when that was done: the leader
    /// watches them.
    watched: BTreeSet<Arc<str>>,
    assigned_from: GroupTopics,
    /// The partitions of each subscribed topic when this member first heard of it: those that come
    /// later begin where new ones do.
    known: BTreeMap<Arc<str>, i32>,
    next_heartbeat: Instant,
    /// When to look whether the user still asks for records.
    next_look: Instant,
    next_commit: Option<Instant>,
    /// When to ask for stored offsets again.
    next_offsets: Option<Instant>,
    /// How often in a row they were asked for in vain.
    untold: u32,
    /// The last thing it did was to store offsets.
    has_stored: bool,
    seen_polls: u64,
    last_poll: Instant,
    /// The user was warned that it asks too rarely for records, since it last did.
    warned: bool,
}

impl Group {
    /// Starts the task. With a subscription it becomes a member; with one to nothing, it only keeps
    /// offsets.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        group: &str,
        subscription: Subscription,
        listener: Option<Listener>,
    ) -> Commands {
        let (sender, commands) = mpsc::unbounded_channel();
        let (panics, panicked) = mpsc::unbounded_channel();
        let telling = listener.map(|listener| {
            let handle = ConsumerHandle::new(shared.clone(), Some(sender.downgrade()));
            Telling::start(shared.env(), listener, handle, panics)
        });
        let now = shared.env().now();
        let (topics, matching) = match subscription {
            Subscription::Topics(topics) => (topics, None),
            Subscription::Matching(predicate) => (Vec::new(), Some(Matching::new(predicate))),
        };
        let (cluster, name) = (&shared.cluster, Arc::<str>::from(group));
        let subject = Subject::Coordinator {
            group: name.clone(),
        };
        let task = Self {
            inbox: Inbox::new(shared.clone(), commands, panicked),
            coordinator: Coordinator::new(cluster.clone(), CoordinatorKey::group(group), subject),
            membership: Membership::new(),
            trouble: cluster.health.watch(Subject::Offsets { group: name }),
            // Who wants all topics that match joins when their names are known.
            must_join: !topics.is_empty(),
            rejoins: 0,
            absent: false,
            parked: false,
            last_chance: false,
            is_leaving: false,
            owes_assignment: false,
            unsynced: None,
            topics,
            matching,
            denied: BTreeSet::new(),
            telling,
            metadata: cluster.changes(),
            watched: BTreeSet::new(),
            assigned_from: GroupTopics::new(),
            known: BTreeMap::new(),
            next_heartbeat: now,
            next_look: now,
            next_commit: shared.config.auto_commit.map(|interval| now + interval),
            // Partitions that were assigned by hand are there already.
            next_offsets: Some(now),
            untold: 0,
            has_stored: false,
            not_through: None,
            seen_polls: 0,
            last_poll: now,
            warned: false,
            shared: shared.clone(),
        };
        if task.matching.is_some() {
            cluster.list_topics();
        }
        // Not one of the tasks that end with the consumer: it leaves the group first.
        shared.env().spawn(task.run());
        sender
    }

    async fn run(mut self) {
        let stop = self.serve().await;
        let closing = self.inbox.begin_to_close();
        match stop {
            Stop::Close => {
                if let Some(closing) = closing {
                    Box::pin(self.close(closing)).await;
                }
            }
            Stop::Fatal(error) => {
                let error = error.fatal();
                let lost = self.membership.lose(Remedy::Fatal);
                if !lost.is_empty() {
                    self.give_up(&lost);
                    drop(self.told(RebalanceEvent::Lost(lost)));
                }
                self.end(&error, closing, Ok(())).await;
            }
            Stop::UserCode(error) => {
                // The group has nothing against the member: it leaves in order. A listener that has
                // panicked hears of nothing any more.
                let error = error.fatal();
                self.shared.fail(error.clone());
                let until = self.shared.env().after(CLOSE_LIMIT);
                let left = Box::pin(self.leave_within(false, until)).await;
                self.end(&error, closing, left).await;
            }
        }
        // A handle may live on, and has nothing to ask for any more.
        self.shared.cluster.close();
    }

    /// Whoever still asks is told why there is no group.
    async fn end(&mut self, error: &Error, closing: Option<Closing>, left: Result<(), Error>) {
        self.shared.state().commits.end(error);
        self.shared.fail(error.clone());
        self.inbox.refuse_all(error, closing, left).await;
    }

    async fn serve(&mut self) -> Stop {
        loop {
            if self.inbox.closing.is_some() {
                return Stop::Close;
            }
            if let Some(subscription) = self.inbox.subscription.take()
                && let Err(stop) = Box::pin(self.subscribe(subscription)).await
            {
                return stop;
            }
            let step = match self.must_join {
                true if self.absent => self.stay_away().await,
                true => self.join().await,
                false => self.attend().await,
            };
            if let Err(stop) = step {
                return stop;
            }
        }
    }

    /// Attends to whatever comes next. The user's calls come last: they may come in faster than they
    /// are done.
    async fn attend(&mut self) -> Result<(), Stop> {
        if self.is_beat_due() {
            return self.beat().await;
        }
        let now = self.now();
        let next_offsets = self.next_offsets.filter(|_| self.not_through.is_none());
        if next_offsets.is_some_and(|at| at <= now) {
            return self.begin().await;
        }
        if self.next_commit.is_some_and(|at| at <= now) {
            self.auto_commit();
        }
        // In turn with all else, as commits may come faster than they are stored.
        let next_store = self.next_store(now);
        let has_stored = std::mem::take(&mut self.has_stored);
        if !has_stored && next_store.is_some_and(|at| at <= now) {
            self.has_stored = true;
            return self.store().await;
        }
        if !self.inbox.queries.is_empty() {
            return self.answer_query().await;
        }
        let due = [self.next_beat(), next_offsets, self.next_commit, next_store];
        let env = self.shared.env().clone();
        // What comes seldom comes first: of commits there may be more at every look.
        tokio::select! {
            biased;
            changed = self.metadata.changed() => {
                if changed.is_err() {
                    return Err(Stop::Close);
                }
                self.look_at_metadata();
                self.look_for_refusals();
                Box::pin(self.look_for_topics()).await
            }
            () = listener_is_through(&env, &mut self.not_through) => {
                self.not_through = None;
                Ok(())
            }
            more = self.inbox.more() => more,
            () = env.until(due.into_iter().flatten().min()) => Ok(()),
        }
    }

    /// Waits for something of the user's while the membership lives on and commits are stored. `None`
    /// if all partitions were lost meanwhile, or the member has to join again and no partition is being
    /// given up.
    ///
    /// # Cancel safety
    /// That of the call.
    async fn attend_during<T>(&mut self, call: impl Future<Output = T>) -> Result<Option<T>, Stop> {
        let is_worth_it = |this: &Self| {
            !this.membership.owned.is_empty() && (this.last_chance || !this.must_join)
        };
        self.attend_while(is_worth_it, call).await
    }

    /// As [`attend_during`](Self::attend_during), as long as something else holds.
    async fn attend_while<T>(
        &mut self,
        is_worth_it: impl Fn(&Self) -> bool,
        call: impl Future<Output = T>,
    ) -> Result<Option<T>, Stop> {
        tokio::pin!(call);
        let env = self.shared.env().clone();
        while is_worth_it(self) {
            // Looked at first: commits may come faster than they are stored.
            if let Poll::Ready(answer) = std::future::poll_fn(|cx| {
                // Whether it is ready or not is the answer.
                Poll::Ready(call.as_mut().poll(cx))
            })
            .await
            {
                return Ok(Some(answer));
            }
            if self.is_beat_due() {
                self.beat().await?;
                continue;
            }
            let now = self.now();
            let next_store = self.next_store(now);
            if next_store.is_some_and(|at| at <= now) {
                self.store().await?;
                // What is waited for may wait for this.
                self.answer_query().await?;
                continue;
            }
            if !self.inbox.queries.is_empty() {
                self.answer_query().await?;
                continue;
            }
            let due = next_store.into_iter().chain(self.next_beat()).min();
            tokio::select! {
                biased;
                answer = &mut call => return Ok(Some(answer)),
                more = self.inbox.more() => more?,
                () = env.until(due) => {}
            }
            if self.inbox.closing.is_some() {
                return Err(Stop::Close);
            }
        }
        Ok(None)
    }

    fn now(&self) -> Instant {
        self.shared.env().now()
    }

    fn is_member(&self) -> bool {
        self.membership.generation >= 0
    }

    /// A broker does not let the client in. It may do so later, and is asked again; but whether that is
    /// worth waiting for is the user's to say, so all that is pending is told.
    fn kept_out(&mut self, error: &Error) {
        self.shared.refused(error);
        self.shared.state().commits.tell(error);
        for query in self.inbox.queries.drain(..) {
            // Fails only if nobody waits any more.
            let _ = query.reply.send(Err(error.clone()));
        }
    }

    /// Waits before something is tried again, longer after each failure.
    async fn pause(&mut self, error: &Error) -> Result<(), Stop> {
        self.inbox.during(self.coordinator.pause(error)).await
    }

    /// Has the metadata keep all topics that this member has to do with.
    fn keep_topics(&self) {
        let owned = self.membership.owned.iter();
        let owned = owned.map(|partition| &partition.topic);
        // Topics that were found are not made again, if they are deleted in this moment.
        let creates = self.matching.is_none();
        self.shared.cluster.keep(
            self.topics.iter().chain(&self.watched).chain(owned),
            creates,
        );
    }

    /// Notes topics that are heard of for the first time. A topic counts as missing only when that is
    /// believed: a broker that lags behind may not know it yet.
    fn note_topics(&mut self, metadata: &Metadata) {
        for topic in &self.topics {
            if self.known.contains_key(topic) {
                continue;
            }
            let partitions = metadata
                .topic(topic)
                .map_or(0, |topic| topic.partitions.len());
            if partitions > 0 || self.shared.cluster.is_absent(topic) {
                self.known.insert(topic.clone(), partitions as i32);
            }
        }
    }

    /// The leader begins a rebalance when a topic of the group has got partitions, and when one with a
    /// rack sees replicas move to other racks (KIP-881).
    fn look_at_metadata(&mut self) {
        let metadata = self.metadata.borrow_and_update().clone();
        self.note_topics(&metadata);
        let leads = self.membership.leader && self.is_member();
        if leads && self.to_watch(&metadata) != self.assigned_from {
            tracing::debug!(group = %self.coordinator.key(), "partitions or their racks have changed");
            self.must_join = true;
        }
        self.shared.positions_changed();
    }

    /// What a new assignment would be made from, as far as it is worth one. As with Java's leader, racks
    /// count if it has one itself.
    fn to_watch(&self, metadata: &Metadata) -> GroupTopics {
        let has_rack = self.shared.config.rack.is_some();
        group_topics(metadata, &self.watched, has_rack)
    }

    /// Tells the user of subscribed topics that it may not read, each once: no retry heals that. They
    /// are read when the right is given. Of topics that match, those are simply not there.
    fn look_for_refusals(&mut self) {
        if self.matching.is_some() {
            return;
        }
        for topic in &self.topics {
            match self.shared.cluster.refusal(topic) {
                Some(error) if self.denied.insert(topic.clone()) => {
                    self.shared.report(with_advice(error.at_topic(topic)));
                }
                Some(_) => {}
                None => {
                    self.denied.remove(topic);
                }
            }
        }
    }

    /// Whether the user has not asked for a record for too long. It is warned before.
    ///
    /// No clock is read for a poll: the last one was at some time between two looks, of which there are ten
    /// in the interval at least.
    fn is_overdue(&mut self) -> bool {
        let polls = self.shared.polls.load(Ordering::Acquire);
        let now = self.now();
        if polls != self.seen_polls || self.shared.state().has_user_waiting() {
            self.seen_polls = polls;
            self.last_poll = now;
            self.warned = false;
        }
        let (silent, limit) = (now - self.last_poll, self.shared.config.max_poll_interval);
        let left = limit.saturating_sub(silent);
        // A member that is leaving stays past its time.
        let left = Some(left).filter(|left| !left.is_zero());
        self.next_look = now + left.into_iter().fold(limit / LOOKS, Duration::min);
        if !self.warned && silent > limit / 5 * 4 && silent < limit {
            self.warned = true;
            tracing::warn!(
                group = %self.coordinator.key(), ?silent, ?limit,
                "no record was asked for: when max.poll.interval.ms is over, the member leaves its \
                 group and its partitions go to others; do less between two calls, or raise it"
            );
        }
        silent >= limit && !self.is_leaving
    }

    // ---- the end ----

    async fn close(&mut self, closing: Closing) {
        let Closing { reply, until, .. } = closing;
        let result = self.leave_within(reply.is_some(), until).await;
        if let Some(reply) = reply {
            // Fails only if nobody waits any more.
            let _ = reply.send(result);
        }
    }

    async fn leave_within(&mut self, orderly: bool, until: Instant) -> Result<(), Error> {
        let env = self.shared.env().clone();
        let limit = until - env.now();
        let leaving = Box::pin(self.leave(orderly, until));
        env.timeout_at(until, leaving).await.unwrap_or_else(|_| {
            let text = format!(
                "the last commit and leaving took longer than {limit:?}: the coordinator does not \
                 answer"
            );
            Err(Error::new(ErrorKind::Timeout, text))
        })
    }

    /// Commits and leaves. `orderly` if the user closed the consumer, and so is done with all that
    /// was handed out.
    async fn leave(&mut self, orderly: bool, until: Instant) -> Result<(), Error> {
        // What was on its way when the user closed may never be answered, nor what follows it.
        let has_unanswered = self.shared.state().commits.send_again();
        if self.parked || has_unanswered {
            self.coordinator.abandon();
        }
        (self.last_chance, self.is_leaving) = (true, true);
        // A third of the time for what is in work, one for what is to be stored, and one for leaving.
        let now = self.now();
        let (idle_until, stored_until) = (now + (until - now) / 3, now + (until - now) / 3 * 2);
        let owned = self.membership.owned.clone();
        {
            let mut state = self.shared.state();
            owned.iter().for_each(|at| state.positions.hold(at));
            if orderly {
                for (_, slot) in state.positions.iter() {
                    slot.assigned.finish();
                }
            }
        }
        let (env, shared) = (self.shared.env().clone(), self.shared.clone());
        if let Some(request) = self.unsynced.take() {
            // The group waits for it, and until then no offsets are taken. It may have arrived, and not
            // the answer: then nothing changes.
            let synced = env.timeout_at(idle_until, self.send_sync(request));
            match synced.await {
                Ok(Ok(())) => self.owes_assignment = false,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "the leader leaves, and its group assigns anew");
                }
                Err(_) => {}
            }
        }
        // Some records may be in work yet.
        let idle = env.timeout_at(idle_until, shared.until_idle(None));
        if self.shared.assigned_by_hand {
            drop(idle.await);
        } else {
            // An error that ends the member is found again by what follows.
            drop(self.attend_during(idle).await);
        }
        if !owned.is_empty()
            && let Some(through) = self.told(RebalanceEvent::Revoking(owned))
        {
            drop(
                self.attend_during(env.timeout_at(idle_until, through))
                    .await,
            );
        }
        if self.shared.config.auto_commit.is_some()
            && (self.shared.assigned_by_hand || self.is_member())
        {
            self.commit_processed(None);
        }
        let stored = self.store_the_last(stored_until).await;
        // Before others can get them.
        let owned = std::mem::take(&mut self.membership.owned);
        if !owned.is_empty() {
            self.give_up(&owned);
            if let Some(through) = self.told(RebalanceEvent::Revoked(owned)) {
                let most = self.now() + (until - self.now()) / 2;
                drop(env.timeout_at(most, through).await);
            }
        }
        // A little earlier than all is over, so that what was not stored is told.
        let now = self.now();
        let last = now + (until - now) / 10 * 9;
        let left = match env.timeout_at(last, self.send_leave()).await {
            Ok(Ok(left)) => left,
            Ok(Err(stop)) => Err(stop.error()),
            Err(Elapsed) => {
                let text = "leaving took too long: the coordinator does not answer";
                Err(Error::new(ErrorKind::Timeout, text))
            }
        };
        stored.and(left)
    }

    /// Sends what is to be stored until it is, or until an instant. In the middle of a rebalance the
    /// coordinator takes nothing: the member stays until it does.
    async fn store_the_last(&mut self, until: Instant) -> Result<(), Error> {
        let (reply, mut outcome) = oneshot::channel();
        {
            let mut state = self.shared.state();
            let commits: Vec<_> = state.commits.unstored().cloned().collect();
            // What is not stored by then is told below, with its offsets.
            let end = until + Duration::from_secs(1);
            state.commits.add(commits, Some(reply), None, end);
        }
        let env = self.shared.env().clone();
        // What is refused again and again concerns the partition itself.
        while self.shared.state().commits.has_hope(None, REFUSALS_MAX) {
            let now = self.now();
            let next = self.next_store(now).unwrap_or(now);
            if now >= until {
                break;
            }
            // Who has lost all has nothing to stay for.
            let beats = !self.membership.owned.is_empty();
            let beat = self.next_beat().filter(|_| beats);
            let step = if beat.is_some_and(|at| at <= now) {
                env.timeout_at(until, self.beat()).await
            } else {
                let next = beat.into_iter().fold(next, Instant::min);
                env.sleep_until(next.min(until)).await;
                env.timeout_at(until, self.store()).await
            };
            if let Ok(Err(stop)) = step {
                return Err(stop.error());
            }
        }
        match outcome.try_recv() {
            Ok(outcome) => outcome,
            Err(_) => {
                let state = self.shared.state();
                let unstored: Vec<_> = state.commits.unstored().collect();
                Err(not_stored(&unstored, state.commits.cause()))
            }
        }
    }
}

/// Waits until the listener has been told of new partitions, or for its time to be over; for ever if there
/// is nothing to tell.
async fn listener_is_through(
    env: &Env,
    not_through: &mut Option<(oneshot::Receiver<()>, Instant)>,
) {
    let Some((through, until)) = not_through else {
        return std::future::pending().await;
    };
    if env.timeout_at(*until, through).await.is_err() {
        tracing::warn!(
            "the rebalance listener takes longer than max.poll.interval.ms: new partitions begin without \
             it"
        );
    }
}

/// The consumer ends before these offsets are stored.
fn not_stored(unstored: &[&Commit], cause: Option<&Error>) -> Error {
    const NAMED_MAX: usize = 5;
    let names = unstored.iter().take(NAMED_MAX);
    let mut text = names
        .map(|commit| format!("{} at {}", commit.partition, commit.offset))
        .collect::<Vec<_>>()
        .join(", ");
    if unstored.len() > NAMED_MAX {
        text = format!("{text} and {} more", unstored.len() - NAMED_MAX);
    }
    let error = Error::new(
        ErrorKind::Timeout,
        format!("the consumer was closed before these offsets were stored: {text}"),
    );
    match cause {
        Some(cause) => error.caused_by(cause).at_place_of(cause),
        None => error,
    }
    .at_api(ApiKey::OFFSET_COMMIT)
}

impl Stop {
    fn error(self) -> Error {
        match self {
            Self::Fatal(error) | Self::UserCode(error) => error,
            Self::Close => Error::closed("consumer"),
        }
    }
}

/// The topics that exist, with the racks of their replicas or without.
fn group_topics(metadata: &Metadata, topics: &BTreeSet<Arc<str>>, with_racks: bool) -> GroupTopics {
    let racks = metadata.brokers.iter().filter(|_| with_racks);
    let racks: BTreeMap<i32, Arc<str>> = racks
        .filter_map(|(node, broker)| Some((*node, broker.rack.as_deref()?.into())))
        .collect();
    let mut found = GroupTopics::new();
    for topic in topics {
        let known = metadata
            .topic(topic)
            .filter(|known| !known.partitions.is_empty());
        if let Some(known) = known {
            let of_partition = |replicas: &Arc<[i32]>| -> Vec<_> {
                replicas
                    .iter()
                    .filter_map(|node| racks.get(node).cloned())
                    .collect()
            };
            found.insert(topic.clone(), known.replicas.iter().map(of_partition));
        }
    }
    found
}
