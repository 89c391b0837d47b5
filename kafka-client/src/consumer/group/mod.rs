//! A consumer's membership in its group (classic protocol), and its offsets.
//!
//! One task speaks with the coordinator: it joins, sends heartbeats, commits and leaves, one thing
//! after the other, so that no commit falls between JoinGroup and SyncGroup and none overtakes
//! another. Records keep flowing meanwhile: the sources do not know of the group.
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
mod coordinator;
mod membership;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use kafka_client_protocol::api::heartbeat::HeartbeatRequest;
use kafka_client_protocol::api::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse,
};
use kafka_client_protocol::api::leave_group::{LeaveGroupRequest, MemberIdentity};
use kafka_client_protocol::api::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use kafka_client_protocol::consumer_protocol::PROTOCOL_TYPE;
use kafka_client_protocol::{ApiKey, ErrorCode, StrBytes};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

pub use assignor::Assignor;
pub(crate) use coordinator::Commit;

use super::TopicPartition;
use super::position::Stage;
use super::shared::{Shared, no_offset};
use crate::cluster::Metadata;
use crate::config::millis;
use crate::env::Env;
use crate::error::{Error, ErrorKind};
use crate::health::with_advice;
use coordinator::Coordinator;
use membership::{Membership, Remedy, remedy};

/// The longest that closing takes, as in Java's client.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);

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

/// A change of what a consumer owns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RebalanceEvent {
    /// These partitions are the member's from now on.
    Assigned(Vec<TopicPartition>),
    /// These partitions go to another member. All that was handed out of them has been processed,
    /// and with auto-commit committed.
    Revoked(Vec<TopicPartition>),
    /// These partitions were taken away: the member was out of touch for too long, another may
    /// own them already. Commits for them are refused.
    Lost(Vec<TopicPartition>),
}

/// Told of changes of what a consumer owns.
pub(crate) type Listener = Arc<dyn Fn(&RebalanceEvent) + Send + Sync>;

/// What the user asks of the group's task.
pub(crate) enum Command {
    /// Store offsets.
    Commit {
        commits: Vec<Commit>,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    /// Tell which offsets are stored.
    Committed {
        partitions: Vec<TopicPartition>,
        reply: oneshot::Sender<Result<BTreeMap<TopicPartition, i64>, Error>>,
    },
    /// Commit if that is automatic, leave, end.
    Close {
        reply: oneshot::Sender<Result<(), Error>>,
    },
}

/// Sends commands to the group's task, which ends when the last of these is dropped.
pub(crate) type Commands = mpsc::UnboundedSender<Command>;

/// Sends commands as long as the consumer lives.
pub(crate) type WeakCommands = mpsc::WeakUnboundedSender<Command>;

/// Why the task stops doing what it did.
enum Stop {
    /// The user closed the consumer, or dropped it.
    Close(Option<oneshot::Sender<Result<(), Error>>>),
    /// No way on.
    Fatal(Error),
}

/// The longest that closing waits for the end of a rebalance. After it the group still waits for
/// others, and takes commits of the generation before.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// The user closed the consumer, or dropped it.
struct Closing {
    reply: Option<oneshot::Sender<Result<(), Error>>>,
    until: Instant,
}

/// The group's task.
pub(crate) struct Group {
    shared: Arc<Shared>,
    coordinator: Coordinator,
    membership: Membership,
    commands: mpsc::UnboundedReceiver<Command>,
    /// Commits that came while the group was rebalancing.
    deferred: VecDeque<Command>,
    /// What it subscribes to; empty if the user assigns partitions by hand.
    topics: Vec<Arc<str>>,
    listener: Option<Listener>,
    metadata: watch::Receiver<Arc<Metadata>>,
    must_join: bool,
    /// It has left because the user did not ask for records, and comes back when it does.
    absent: bool,
    /// JoinGroup or SyncGroup is with the coordinator, which may hold it.
    parked: bool,
    /// The user closed or dropped the consumer during a rebalance, which comes to its end first.
    closing: Option<Closing>,
    /// The topics of all members, and the partitions of each when the assignment was computed:
    /// the leader watches them.
    watched: BTreeSet<Arc<str>>,
    counted: BTreeMap<Arc<str>, i32>,
    next_heartbeat: Instant,
    next_commit: Option<Instant>,
    /// When to ask for stored offsets again.
    next_offsets: Option<Instant>,
    seen_polls: u64,
    last_poll: Instant,
}

impl Group {
    /// Starts the task. With `topics` it becomes a member; without, it only keeps offsets.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        group: &str,
        topics: Vec<Arc<str>>,
        listener: Option<Listener>,
    ) -> Commands {
        let (sender, commands) = mpsc::unbounded_channel();
        let now = shared.env().now();
        let task = Self {
            coordinator: Coordinator::new(shared.cluster.clone(), group),
            membership: Membership::new(),
            commands,
            deferred: VecDeque::new(),
            must_join: !topics.is_empty(),
            absent: false,
            parked: false,
            closing: None,
            topics,
            listener,
            metadata: shared.cluster.changes(),
            watched: BTreeSet::new(),
            counted: BTreeMap::new(),
            next_heartbeat: now,
            next_commit: shared.config.auto_commit.map(|interval| now + interval),
            next_offsets: None,
            seen_polls: 0,
            last_poll: now,
            shared: shared.clone(),
        };
        // Not one of the tasks that end with the consumer: it leaves the group first.
        shared.env().spawn(task.run());
        sender
    }

    async fn run(mut self) {
        let stop = self.serve().await;
        match stop {
            Stop::Close(reply) => {
                let env = self.shared.env().clone();
                let leaving = env.timeout(CLOSE_LIMIT, self.leave(reply.is_some()));
                let result = leaving.await.unwrap_or_else(|_| {
                    let text = format!(
                        "the last commit and leaving took longer than {CLOSE_LIMIT:?}: the \
                         coordinator does not answer"
                    );
                    Err(Error::new(ErrorKind::Timeout, text))
                });
                if let Some(reply) = reply {
                    let _ = reply.send(result);
                }
            }
            Stop::Fatal(error) => {
                let lost = self.membership.lose(Remedy::Fatal);
                self.give_up(&lost, RebalanceEvent::Lost);
                self.shared.fail(error.clone());
                for command in self.deferred.drain(..) {
                    answer(command, Err(error.clone()));
                }
                // Whoever still asks is told why there is no group.
                while let Some(command) = self.commands.recv().await {
                    let is_close = matches!(command, Command::Close { .. });
                    answer(command, if is_close { Ok(()) } else { Err(error.clone()) });
                    if is_close {
                        break;
                    }
                }
            }
        }
    }

    async fn serve(&mut self) -> Stop {
        loop {
            if let Some(Closing { reply, .. }) = self.closing.take() {
                return Stop::Close(reply);
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

    /// Attends to whatever comes next.
    async fn attend(&mut self) -> Result<(), Stop> {
        // Before the user's commands, which may come in faster than they are done.
        if self.is_heartbeat_due() {
            return self.heartbeat().await;
        }
        if let Some(command) = self.deferred.pop_front() {
            return self.command(Some(command)).await;
        }
        if self.next_offsets.is_none() && self.lacks_offsets() {
            self.next_offsets = Some(self.now());
        }
        let is_member = self.is_member();
        tokio::select! {
            biased;
            command = self.commands.recv() => self.command(command).await,
            () = self.shared.env().sleep_until(self.next_heartbeat), if is_member => {
                self.heartbeat().await
            }
            () = self.shared.env().until(self.next_offsets) => self.begin().await,
            () = self.shared.env().until(self.next_commit) => self.auto_commit().await,
            changed = self.metadata.changed() => {
                if changed.is_err() {
                    return Err(Stop::Close(None));
                }
                self.look_for_partitions();
                Ok(())
            }
        }
    }

    fn now(&self) -> Instant {
        self.shared.env().now()
    }

    fn is_member(&self) -> bool {
        self.membership.generation >= 0
    }

    // ---- joining ----

    /// One rebalance: JoinGroup, SyncGroup, and what the assignment changes.
    async fn join(&mut self) -> Result<(), Stop> {
        if !self.cooperative() && !self.membership.owned.is_empty() {
            // The eager protocol: everything is given up before.
            let owned = self.membership.owned.clone();
            self.revoke(&owned).await?;
            if self.absent {
                // It would only hold the group up, and leave again.
                return Ok(());
            }
        }
        self.parked = true;
        let assignment = match self.join_group().await? {
            Some(joined) => self.sync_group(&joined).await?,
            None => None,
        };
        self.parked = false;
        let Some(assignment) = assignment else {
            return Ok(());
        };
        let assigned = match assignor::decode_assignment(&assignment) {
            Ok(assigned) => assigned,
            Err(error) => {
                let error = Error::new(
                    ErrorKind::Protocol,
                    format!("the group's leader sent an assignment that cannot be read: {error}"),
                );
                return Err(Stop::Fatal(error));
            }
        };
        self.must_join = false;
        self.next_heartbeat = self.now() + self.shared.config.heartbeat_interval;
        self.coordinator.settled();
        let changes = self.membership.changes(&assigned);
        tracing::debug!(
            group = %self.coordinator.group(), generation = self.membership.generation,
            assigned = assigned.len(), revoked = changes.revoked.len(), "rebalanced"
        );
        if self.closing.is_some() {
            // Nothing more changes hands: what was processed is committed in this generation.
            return Ok(());
        }
        if !changes.revoked.is_empty() {
            self.revoke(&changes.revoked).await?;
            // The next owner gets them in the rebalance that this begins (KIP-429).
            self.must_join = true;
        }
        // The membership may have been lost while the user was waited for.
        if self.is_member() {
            self.own(changes.added);
        }
        Ok(())
    }

    /// Whether what is owned stays so while the group rebalances: every assignor must allow it.
    fn cooperative(&self) -> bool {
        self.shared
            .config
            .assignors
            .iter()
            .all(|assignor| assignor.is_cooperative())
    }

    async fn join_group(&mut self) -> Result<Option<JoinGroupResponse>, Stop> {
        let config = &self.shared.config;
        let mut protocols = Vec::with_capacity(config.assignors.len());
        for assignor in &config.assignors {
            let metadata = assignor
                .subscription(
                    &self.topics,
                    &self.membership.owned,
                    self.membership.generation,
                    config.rack.as_deref(),
                )
                .map_err(|error| {
                    let text = format!("the subscription cannot be encoded: {error}");
                    Stop::Fatal(Error::config(text))
                })?;
            let name = StrBytes::from_static(assignor.name());
            protocols.push(JoinGroupRequestProtocol {
                name,
                metadata,
                ..Default::default()
            });
        }
        let instance = config.instance.clone();
        let request = JoinGroupRequest {
            group_id: self.coordinator.group().clone(),
            session_timeout_ms: millis(config.session_timeout),
            rebalance_timeout_ms: millis(config.max_poll_interval),
            member_id: StrBytes::from(self.membership.member_id.as_str()),
            protocol_type: StrBytes::from_static(PROTOCOL_TYPE),
            protocols,
            ..Default::default()
        };
        // The coordinator answers when all members have joined.
        let within = config.max_poll_interval + self.shared.cluster.config.request_timeout;
        let call = self.coordinator.call(
            |version| JoinGroupRequest {
                group_instance_id: instance
                    .as_deref()
                    .filter(|_| version >= 5)
                    .map(StrBytes::from),
                ..request
            },
            i16::MAX,
            within,
        );
        let response = match deferring(
            self.shared.env(),
            call,
            &mut self.commands,
            &mut self.deferred,
            &mut self.closing,
        )
        .await?
        {
            Ok(response) => response,
            Err(error) => return self.recover(error).await.map(|()| None),
        };
        let code = ErrorCode::new(response.error_code);
        if code == ErrorCode::MEMBER_ID_REQUIRED {
            self.membership.member_id = response.member_id.to_string();
            return Ok(None);
        }
        if code.is_error() {
            return self.refused(code, ApiKey::JOIN_GROUP).await.map(|()| None);
        }
        let name = response.protocol_name.as_deref().unwrap_or_default();
        let Some(assignor) = self
            .shared
            .config
            .assignors
            .iter()
            .copied()
            .find(|known| known.name() == name)
        else {
            let error = Error::new(
                ErrorKind::Protocol,
                format!("the coordinator chose the assignor {name:?}, which was not offered"),
            );
            return Err(Stop::Fatal(error.at_api(ApiKey::JOIN_GROUP)));
        };
        self.membership.member_id = response.member_id.to_string();
        self.membership.generation = response.generation_id;
        self.membership.assignor = Some(assignor);
        self.membership.leader = response.leader == response.member_id;
        if !self.membership.leader {
            self.watched.clear();
        }
        Ok(Some(response))
    }

    async fn sync_group(&mut self, joined: &JoinGroupResponse) -> Result<Option<Bytes>, Stop> {
        let assignments = match self.membership.leader && !joined.skip_assignment {
            true => match self.assign(joined).await {
                Ok(assignments) => assignments,
                Err(error) => return self.recover(error).await.map(|()| None),
            },
            false => Vec::new(),
        };
        let config = &self.shared.config;
        let instance = config.instance.clone();
        let request = SyncGroupRequest {
            group_id: self.coordinator.group().clone(),
            generation_id: self.membership.generation,
            member_id: StrBytes::from(self.membership.member_id.as_str()),
            protocol_type: Some(StrBytes::from_static(PROTOCOL_TYPE)),
            protocol_name: joined.protocol_name.clone(),
            assignments,
            ..Default::default()
        };
        // The leader may take its time.
        let within = config.max_poll_interval + self.shared.cluster.config.request_timeout;
        let call = self.coordinator.call(
            |version| SyncGroupRequest {
                group_instance_id: instance
                    .as_deref()
                    .filter(|_| version >= 3)
                    .map(StrBytes::from),
                ..request
            },
            i16::MAX,
            within,
        );
        let response = match deferring(
            self.shared.env(),
            call,
            &mut self.commands,
            &mut self.deferred,
            &mut self.closing,
        )
        .await?
        {
            Ok(response) => response,
            Err(error) => return self.recover(error).await.map(|()| None),
        };
        match ErrorCode::new(response.error_code) {
            ErrorCode::NONE => Ok(Some(response.assignment)),
            code => self.refused(code, ApiKey::SYNC_GROUP).await.map(|()| None),
        }
    }

    /// The leader's work: who gets what.
    async fn assign(
        &mut self,
        joined: &JoinGroupResponse,
    ) -> Result<Vec<SyncGroupRequestAssignment>, Error> {
        let Some(assignor) = self.membership.assignor else {
            return Ok(Vec::new());
        };
        let mut members = Vec::with_capacity(joined.members.len());
        for member in &joined.members {
            let instance = member.group_instance_id.as_deref();
            let metadata = member.metadata.clone();
            // What a member owns that cannot be read must not go to others while it works on it:
            // the round fails, and is tried again.
            let member = assignor::decode_member(&member.member_id, instance, &metadata).map_err(
                |error| {
                    let text = format!(
                        "member {} subscribes in a way that cannot be read: {error}",
                        member.member_id
                    );
                    Error::new(ErrorKind::Protocol, text).at_api(ApiKey::JOIN_GROUP)
                },
            )?;
            members.push(member);
        }
        let topics: BTreeSet<Arc<str>> = members
            .iter()
            .flat_map(|member| member.topics.iter().cloned())
            .collect();
        self.watched = topics;
        self.keep_topics();
        let metadata = self.wait_for_watched().await;
        self.counted = counts(&metadata, &self.watched);
        let assignments = assignor.assign(&members, &self.counted);
        assignments
            .into_iter()
            .map(|(member_id, partitions)| {
                let assignment = assignor::encode_assignment(&partitions).map_err(|error| {
                    let text = format!("an assignment cannot be encoded: {error}");
                    Error::new(ErrorKind::Protocol, text)
                })?;
                Ok(SyncGroupRequestAssignment {
                    member_id: member_id.into(),
                    assignment,
                    ..Default::default()
                })
            })
            .collect()
    }

    /// Waits until the metadata knows of each topic whether it exists, but not for long: a topic
    /// that comes later brings a rebalance of its own.
    async fn wait_for_watched(&mut self) -> Arc<Metadata> {
        let topics = &self.watched;
        let limit = self.shared.config.session_timeout / 3;
        let mut changes = self.shared.cluster.changes();
        let known = self
            .shared
            .env()
            .timeout(
                limit,
                changes.wait_for(|metadata| {
                    topics.iter().all(|topic| metadata.topic(topic).is_some())
                }),
            )
            .await;
        drop(known);
        self.shared.cluster.metadata()
    }

    /// Has the metadata keep all topics that this member has to do with.
    fn keep_topics(&self) {
        let owned = self.membership.owned.iter();
        let owned = owned.map(|partition| &partition.topic);
        self.shared
            .cluster
            .keep(self.topics.iter().chain(&self.watched).chain(owned));
    }

    /// The leader begins a rebalance when a topic of the group has got partitions.
    fn look_for_partitions(&mut self) {
        let metadata = self.metadata.borrow_and_update().clone();
        let leads = self.membership.leader && self.is_member();
        if leads && counts(&metadata, &self.watched) != self.counted {
            tracing::debug!(group = %self.coordinator.group(), "partitions have changed");
            self.must_join = true;
        }
        self.shared.positions_changed();
    }

    /// An error code in the answer to a group request.
    async fn refused(&mut self, code: ErrorCode, api: ApiKey) -> Result<(), Stop> {
        let remedy = remedy(code);
        tracing::debug!(group = %self.coordinator.group(), %code, %api, ?remedy, "refused");
        let mut error = Error::broker(code, api);
        if let Some(broker) = self.coordinator.broker() {
            error = error.at_broker(broker);
        }
        match remedy {
            Remedy::Retry => self.coordinator.pause(&error).await,
            Remedy::FindCoordinator => {
                self.coordinator.forget();
                self.coordinator.pause(&error).await;
            }
            Remedy::Rejoin | Remedy::UseMemberId => self.must_join = true,
            Remedy::RejoinLost | Remedy::RejoinAsNew => self.lose(remedy),
            Remedy::Fatal => {
                let group = format!("group {}", self.coordinator.group());
                return Err(Stop::Fatal(with_advice(error.with_source(group))));
            }
        }
        Ok(())
    }

    /// A request that failed without an answer.
    async fn recover(&mut self, error: Error) -> Result<(), Stop> {
        tracing::debug!(group = %self.coordinator.group(), %error, "group request failed");
        if !error.is_retriable() && error.kind() != ErrorKind::Protocol {
            return Err(Stop::Fatal(error));
        }
        self.coordinator.forget();
        self.coordinator.pause(&error).await;
        Ok(())
    }

    // ---- owning ----

    fn own(&mut self, added: Vec<TopicPartition>) {
        {
            let mut state = self.shared.state();
            for partition in &added {
                state.positions.assign(partition, Stage::Unknown);
            }
        }
        self.membership.owned.extend(added.iter().cloned());
        self.membership.owned.sort();
        if !added.is_empty() {
            self.keep_topics();
            self.next_offsets = Some(self.now());
            self.tell(&RebalanceEvent::Assigned(added));
        }
    }

    /// Gives partitions up between two records, with what was processed of them committed.
    async fn revoke(&mut self, partitions: &[TopicPartition]) -> Result<(), Stop> {
        // Once the user comes, it goes on at once, with other partitions: what is committed below
        // must stay true.
        {
            let mut state = self.shared.state();
            for partition in partitions {
                state.positions.hold(partition);
            }
        }
        // The user may be busy with a record; the membership lives on meanwhile.
        let limit = self.shared.config.max_poll_interval;
        let shared = self.shared.clone();
        let pause = shared.pause_user(limit);
        tokio::pin!(pause);
        let came = loop {
            tokio::select! {
                biased;
                came = &mut pause => break came,
                () = shared.env().sleep_until(self.next_heartbeat), if self.is_member() => {
                    self.heartbeat().await?;
                }
                command = self.commands.recv() => match command {
                    // A user that commits is still busy with what was handed out.
                    Some(Command::Commit { commits, reply }) => {
                        self.commit_and_answer(commits, reply).await?;
                    }
                    Some(Command::Committed { partitions, reply }) => {
                        let _ = reply.send(self.committed(&partitions).await?);
                    }
                    Some(Command::Close { reply }) => return Err(Stop::Close(Some(reply))),
                    None => return Err(Stop::Close(None)),
                },
            }
            if self.membership.owned.is_empty() {
                // Lost meanwhile; there is nothing left to give up.
                return Ok(());
            }
        };
        if !came {
            self.go_away().await;
            return Ok(());
        }
        if self.shared.config.auto_commit.is_some() {
            let commits = self.processed(Some(partitions));
            if let Err(error) = self.commit(&commits).await? {
                tracing::warn!(%error, "the commit before a rebalance failed");
            }
            if self.membership.owned.is_empty() {
                // The commit has told that they are lost, and so was the user.
                return Ok(());
            }
        }
        self.membership
            .owned
            .retain(|owned| !partitions.contains(owned));
        self.give_up(partitions, RebalanceEvent::Revoked);
        Ok(())
    }

    /// The place in the group is gone.
    fn lose(&mut self, remedy: Remedy) {
        let lost = self.membership.lose(remedy);
        self.must_join = true;
        self.give_up(&lost, RebalanceEvent::Lost);
    }

    fn give_up(
        &self,
        partitions: &[TopicPartition],
        event: impl FnOnce(Vec<TopicPartition>) -> RebalanceEvent,
    ) {
        if partitions.is_empty() {
            return;
        }
        let event = event(partitions.to_vec());
        let is_loss = matches!(event, RebalanceEvent::Lost(_));
        {
            let mut state = self.shared.state();
            for partition in partitions {
                let removed = state.positions.remove(partition);
                // Who commits what it was handed out of this must hear that it is too late.
                if is_loss && removed.is_some_and(|slot| slot.has_uncommitted()) {
                    state.lose(partition);
                }
            }
        }
        self.shared.positions_changed();
        self.tell(&event);
    }

    fn tell(&self, event: &RebalanceEvent) {
        tracing::debug!(group = %self.coordinator.group(), ?event);
        if let Some(listener) = &self.listener {
            listener(event);
        }
    }

    // ---- offsets ----

    fn lacks_offsets(&self) -> bool {
        self.shared
            .state()
            .positions
            .iter()
            .any(|(_, slot)| slot.stage == Stage::Unknown)
    }

    /// Asks where to begin in partitions that are new.
    async fn begin(&mut self) -> Result<(), Stop> {
        self.next_offsets = None;
        let wanted: Vec<TopicPartition> = {
            let state = self.shared.state();
            let unknown = state
                .positions
                .iter()
                .filter(|(_, slot)| slot.stage == Stage::Unknown);
            unknown.map(|(partition, _)| partition.clone()).collect()
        };
        if wanted.is_empty() {
            return Ok(());
        }
        match self.coordinator.committed(&wanted).await {
            Ok(found) => {
                let mut state = self.shared.state();
                for (partition, offset) in found {
                    // The user may have sought meanwhile.
                    let Some(slot) = state.positions.get_mut(&partition) else {
                        continue;
                    };
                    if slot.stage != Stage::Unknown {
                        continue;
                    }
                    slot.committed = offset;
                    if offset >= 0 {
                        state
                            .positions
                            .set_stage(&partition, Stage::Fetching { offset });
                    } else {
                        self.shared.reset(&mut state, &partition, || {
                            no_offset("the group has no offset stored")
                        });
                    }
                }
                drop(state);
                self.coordinator.settled();
                self.shared.positions_changed();
                Ok(())
            }
            Err(error) if error.is_retriable() || error.kind() == ErrorKind::Protocol => {
                tracing::debug!(%error, "no stored offsets yet");
                if matches!(
                    error.code().map(remedy),
                    None | Some(Remedy::FindCoordinator)
                ) {
                    self.coordinator.forget();
                }
                let wait = self.shared.cluster.config.retry_backoff;
                self.next_offsets = Some(self.now() + self.shared.env().jitter(wait));
                Ok(())
            }
            Err(error) => Err(Stop::Fatal(error)),
        }
    }

    /// What the user is done with and the group has not stored, of some partitions or all.
    fn processed(&self, of: Option<&[TopicPartition]>) -> Vec<Commit> {
        let state = self.shared.state();
        let done = state.positions.iter().filter_map(|(partition, slot)| {
            if of.is_some_and(|of| !of.contains(partition)) {
                return None;
            }
            let offset = slot.assigned.processed();
            let is_news = offset >= 0 && offset != slot.committed;
            (is_news && matches!(slot.stage, Stage::Fetching { .. })).then(|| Commit {
                partition: partition.clone(),
                offset,
                leader_epoch: slot.assigned.epoch(),
                assignment: slot.assignment,
            })
        });
        done.collect()
    }

    async fn auto_commit(&mut self) -> Result<(), Stop> {
        let interval = self.shared.config.auto_commit;
        self.next_commit = interval.map(|interval| self.now() + interval);
        if !self.topics.is_empty() && !self.is_member() {
            return Ok(());
        }
        let commits = self.processed(None);
        if let Err(error) = self.commit(&commits).await? {
            tracing::warn!(%error, "auto-commit failed; the next one covers it");
        }
        Ok(())
    }

    async fn command(&mut self, command: Option<Command>) -> Result<(), Stop> {
        match command {
            Some(Command::Commit { commits, reply }) => {
                let result = self.commit(&commits).await?;
                if self.must_join && is_rebalancing(&result) {
                    // Made again in the next generation, for what is still owned then.
                    self.deferred.push_back(Command::Commit { commits, reply });
                } else {
                    self.told(&result);
                    // Fails only if nobody waits any more.
                    let _ = reply.send(result);
                }
                Ok(())
            }
            Some(Command::Committed { partitions, reply }) => {
                let _ = reply.send(self.committed(&partitions).await?);
                Ok(())
            }
            Some(Command::Close { reply }) => Err(Stop::Close(Some(reply))),
            None => Err(Stop::Close(None)),
        }
    }

    /// What the group has stored, asked again and again while that can help.
    async fn committed(
        &mut self,
        partitions: &[TopicPartition],
    ) -> Result<Result<BTreeMap<TopicPartition, i64>, Error>, Stop> {
        let deadline = self.now() + self.shared.cluster.config.default_api_timeout;
        loop {
            match self.coordinator.committed(partitions).await {
                Ok(mut found) => {
                    self.coordinator.settled();
                    found.retain(|_, offset| *offset >= 0);
                    return Ok(Ok(found));
                }
                Err(error) if error.is_retriable() && self.now() < deadline => {
                    tracing::debug!(%error, "stored offsets will be asked for again");
                    self.coordinator.forget();
                    self.coordinator.pause(&error).await;
                    if self.is_heartbeat_due() {
                        self.heartbeat().await?;
                    }
                }
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// As the user waits for a commit while partitions are to be given up, it is told at once what
    /// became of it.
    async fn commit_and_answer(
        &mut self,
        commits: Vec<Commit>,
        reply: oneshot::Sender<Result<(), Error>>,
    ) -> Result<(), Stop> {
        let result = self.commit(&commits).await?;
        self.told(&result);
        // Fails only if nobody waits any more.
        let _ = reply.send(result);
        Ok(())
    }

    /// The user hears of a loss by this result, and need not hear of it again.
    fn told(&self, result: &Result<(), Error>) {
        if matches!(result, Err(error) if error.kind() == ErrorKind::GroupLost) {
            drop(self.shared.state().take_lost());
        }
    }

    /// Stores offsets, again and again while that can help. Only for partitions that are owned:
    /// those of others are theirs to commit.
    async fn commit(&mut self, commits: &[Commit]) -> Result<Result<(), Error>, Stop> {
        if commits.is_empty() {
            return Ok(Ok(()));
        }
        let limit = self.shared.cluster.config.default_api_timeout;
        let deadline = self.now() + limit;
        loop {
            if let Some(foreign) = self.foreign(commits) {
                return Ok(Err(not_owned(foreign)));
            }
            let instance = self.shared.config.instance.clone();
            let result = self
                .coordinator
                .commit(&self.membership, instance.as_deref(), commits)
                .await;
            let error = match result {
                Ok(refused) => match refused.first() {
                    None => {
                        self.coordinator.settled();
                        let mut state = self.shared.state();
                        for commit in commits {
                            if let Some(slot) = state.positions.get_mut(&commit.partition) {
                                slot.committed = commit.offset;
                            }
                        }
                        return Ok(Ok(()));
                    }
                    Some((partition, code)) => {
                        let error = Error::broker(*code, ApiKey::OFFSET_COMMIT)
                            .at_partition(&partition.topic, partition.partition);
                        match remedy(*code) {
                            Remedy::FindCoordinator => self.coordinator.forget(),
                            Remedy::Retry => {}
                            Remedy::RejoinLost | Remedy::RejoinAsNew if !self.topics.is_empty() => {
                                self.lose(remedy(*code));
                                continue;
                            }
                            Remedy::Rejoin if !self.topics.is_empty() => {
                                // Between two generations no commit is taken.
                                self.must_join = true;
                                return Ok(Err(error));
                            }
                            _ => return Ok(Err(error)),
                        }
                        error
                    }
                },
                Err(error) if error.is_retriable() => error,
                Err(error) => return Ok(Err(error)),
            };
            if self.now() >= deadline {
                return Ok(Err(error));
            }
            tracing::debug!(%error, "commit will be retried");
            self.coordinator.pause(&error).await;
            // It may be retried for longer than the session lasts.
            if self.is_heartbeat_due() {
                self.heartbeat().await?;
            }
        }
    }

    /// The first partition that is not owned, or was not all the time since the commit was made:
    /// a commit that waited while the partition was lost and came back would set back what another
    /// member has stored in between.
    fn foreign<'a>(&self, commits: &'a [Commit]) -> Option<&'a TopicPartition> {
        if self.topics.is_empty() {
            return None;
        }
        let state = self.shared.state();
        let foreign = commits.iter().find(|commit| {
            let Commit { partition, .. } = commit;
            !self.membership.owned.contains(partition)
                || state.positions.assignment(partition) != commit.assignment
        });
        foreign.map(|commit| &commit.partition)
    }

    // ---- staying and leaving ----

    fn is_heartbeat_due(&self) -> bool {
        self.is_member() && self.next_heartbeat <= self.now()
    }

    async fn heartbeat(&mut self) -> Result<(), Stop> {
        self.next_heartbeat = self.now() + self.shared.config.heartbeat_interval;
        if self.is_overdue() {
            self.go_away().await;
            return Ok(());
        }
        let config = &self.shared.config;
        let within = config
            .session_timeout
            .min(self.shared.cluster.config.request_timeout);
        let instance = config.instance.clone();
        let request = HeartbeatRequest {
            group_id: self.coordinator.group().clone(),
            generation_id: self.membership.generation,
            member_id: StrBytes::from(self.membership.member_id.as_str()),
            ..Default::default()
        };
        let call = self.coordinator.call(
            |version| HeartbeatRequest {
                group_instance_id: instance
                    .as_deref()
                    .filter(|_| version >= 3)
                    .map(StrBytes::from),
                ..request
            },
            i16::MAX,
            within,
        );
        match call.await {
            Ok(response) => match ErrorCode::new(response.error_code) {
                ErrorCode::NONE => {
                    self.coordinator.settled();
                    Ok(())
                }
                code => self.refused(code, ApiKey::HEARTBEAT).await,
            },
            Err(error) => {
                // At once again, at the coordinator that is found then.
                self.next_heartbeat = self.now();
                self.recover(error).await
            }
        }
    }

    /// Leaves because the user has not asked for a record within `max.poll.interval.ms`.
    async fn go_away(&mut self) {
        let limit = self.shared.config.max_poll_interval;
        tracing::warn!(
            group = %self.coordinator.group(), ?limit,
            "no record was asked for within max.poll.interval.ms: leaving the group"
        );
        let error = Error::new(
            ErrorKind::GroupLost,
            format!(
                "no record was asked for within {limit:?} (max.poll.interval.ms): the member \
                 has left its group and joins again"
            ),
        );
        self.shared.report(error);
        // Leaving is a courtesy: the coordinator notices by itself.
        drop(self.send_leave().await);
        self.lose(Remedy::RejoinAsNew);
        self.absent = true;
    }

    /// Waits until the user asks for a record: a member that joined before would only hold the
    /// group up, and leave again.
    async fn stay_away(&mut self) -> Result<(), Stop> {
        let shared = self.shared.clone();
        let user = shared.pause_user(Duration::MAX);
        tokio::pin!(user);
        loop {
            tokio::select! {
                biased;
                _ = &mut user => break,
                command = self.commands.recv() => self.command(command).await?,
            }
        }
        self.absent = false;
        Ok(())
    }

    /// Whether the user has not asked for a record for too long.
    fn is_overdue(&mut self) -> bool {
        let polls = self.shared.polls.load(Ordering::Acquire);
        if polls != self.seen_polls || self.shared.waiting.load(Ordering::Acquire) {
            self.seen_polls = polls;
            self.last_poll = self.now();
        }
        self.now() - self.last_poll > self.shared.config.max_poll_interval
    }

    /// Commits and leaves. `orderly` if the user closed the consumer, and so is done with all that
    /// was handed out.
    async fn leave(&mut self, orderly: bool) -> Result<(), Error> {
        if self.parked {
            self.coordinator.abandon();
        }
        while let Some(command) = self.deferred.pop_front() {
            if let Command::Commit { commits, reply } = command {
                let result = self
                    .commit(&commits)
                    .await
                    .unwrap_or_else(|stop| Err(stop.error()));
                let _ = reply.send(result);
            }
        }
        if orderly {
            for (_, slot) in self.shared.state().positions.iter() {
                slot.assigned.finish();
            }
        }
        let mut result = Ok(());
        let may_commit = self.topics.is_empty() || self.is_member();
        if self.shared.config.auto_commit.is_some() && may_commit {
            let commits = self.processed(None);
            result = self
                .commit(&commits)
                .await
                .unwrap_or_else(|stop| Err(stop.error()));
        }
        let left = self.send_leave().await;
        let owned = std::mem::take(&mut self.membership.owned);
        self.give_up(&owned, RebalanceEvent::Revoked);
        result.and(left)
    }

    /// Tells the coordinator; a static member keeps its place (KIP-345).
    async fn send_leave(&mut self) -> Result<(), Error> {
        let config = &self.shared.config;
        if self.membership.member_id.is_empty() || config.instance.is_some() {
            return Ok(());
        }
        let member_id = StrBytes::from(self.membership.member_id.as_str());
        let group_id = self.coordinator.group().clone();
        let within = self
            .shared
            .cluster
            .config
            .request_timeout
            .min(Duration::from_secs(5));
        let request = |version| match version {
            ..=2 => LeaveGroupRequest {
                group_id,
                member_id,
                ..Default::default()
            },
            3.. => LeaveGroupRequest {
                group_id,
                members: vec![MemberIdentity {
                    member_id,
                    ..Default::default()
                }],
                ..Default::default()
            },
        };
        let response = self.coordinator.call(request, i16::MAX, within).await?;
        match ErrorCode::new(response.error_code) {
            // It is not a member, which is what it wants.
            ErrorCode::NONE | ErrorCode::UNKNOWN_MEMBER_ID => Ok(()),
            code => Err(Error::broker(code, ApiKey::LEAVE_GROUP)),
        }
    }
}

impl Stop {
    fn error(self) -> Error {
        match self {
            Self::Fatal(error) => error,
            Self::Close(_) => Error::closed("consumer"),
        }
    }
}

fn is_rebalancing(result: &Result<(), Error>) -> bool {
    let code = result.as_ref().err().and_then(Error::code);
    code == Some(ErrorCode::REBALANCE_IN_PROGRESS)
}

fn answer(command: Command, result: Result<(), Error>) {
    // Each fails only if nobody waits any more.
    match command {
        Command::Commit { reply, .. } | Command::Close { reply } => {
            let _ = reply.send(result);
        }
        Command::Committed { reply, .. } => {
            let _ = reply.send(result.map(|()| BTreeMap::new()));
        }
    }
}

/// Waits for an answer of the coordinator that may take long. Commits are kept for later. Closing
/// ends the wait, but not at once: if the rebalance ends soon, the last commit is made in the
/// generation that it brings, as the one before it is then refused; and a member whose id is still
/// on its way could not leave.
async fn deferring<T>(
    env: &Env,
    call: impl Future<Output = T>,
    commands: &mut mpsc::UnboundedReceiver<Command>,
    deferred: &mut VecDeque<Command>,
    closing: &mut Option<Closing>,
) -> Result<T, Stop> {
    tokio::pin!(call);
    loop {
        let until_closed = closing.as_ref().map(|closing| closing.until);
        tokio::select! {
            biased;
            answer = &mut call => return Ok(answer),
            () = env.until(until_closed) => {
                let reply = closing.take().and_then(|closing| closing.reply);
                return Err(Stop::Close(reply));
            }
            command = commands.recv(), if until_closed.is_none() => {
                let reply = match command {
                    Some(Command::Close { reply }) => Some(reply),
                    Some(commit) => {
                        deferred.push_back(commit);
                        continue;
                    }
                    None => None,
                };
                let until = env.now() + CLOSE_PATIENCE;
                *closing = Some(Closing { reply, until });
            }
        }
    }
}

fn counts(metadata: &Metadata, topics: &BTreeSet<Arc<str>>) -> BTreeMap<Arc<str>, i32> {
    let existing = topics.iter().filter_map(|topic| {
        let known = metadata.topic(topic)?;
        (!known.partitions.is_empty()).then(|| (topic.clone(), known.partitions.len() as i32))
    });
    existing.collect()
}
