//! The classic group protocol as a state machine: requests and the time in, answers out.
//!
//! ```text
//!            join                     all joined, or time is up
//!   Empty ─────────▶ PreparingRebalance ─────────▶ CompletingRebalance
//!     ▲                │      ▲    ▲                    │        │
//!     │ nobody is left │      │    └────────────────────┘        │ the leader's sync
//!     └────────────────┘      │      a join, leave or expiry     ▼
//!                             └───────────────────────────────Stable
//! ```
//!
//! Pure: no clock, no randomness, no I/O. Times are milliseconds on a clock that never jumps. A
//! request that cannot be answered yet is known by its ticket; its answer comes out as an
//! [`Action`] of a later call. After each call the caller carries out all actions in order and
//! waits no longer than until [`ClassicGroup::next_deadline`] before it calls
//! [`ClassicGroup::tick`].

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kafka_client_protocol::ErrorCode;

/// How long a member that is new waits for its first rebalance to end: it knows no id yet, so it
/// cannot send heartbeats.
const NEW_MEMBER_TIMEOUT_MS: u64 = 300_000;

/// Names a request whose answer is owed.
pub(crate) type Ticket = u64;

/// Where a group stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Empty,
    PreparingRebalance,
    CompletingRebalance,
    Stable,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// One group.
#[derive(Debug)]
pub(crate) struct ClassicGroup {
    settings: Settings,
    state: State,
    generation: i32,
    protocol_type: Option<String>,
    protocol: Option<String>,
    leader: Option<String>,
    members: BTreeMap<String, Member>,
    /// `group.instance.id` to member id.
    static_members: BTreeMap<String, String>,
    /// Member ids that were given out and not used yet, with when they lapse.
    pending_members: BTreeMap<String, u64>,
    /// Members that have not synced in this generation.
    pending_sync: BTreeSet<String>,
    join_phase: Option<JoinPhase>,
    sync_deadline_ms: Option<u64>,
}

/// What the broker's settings say about groups.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) initial_rebalance_delay_ms: u64,
    pub(crate) members_max: usize,
}

/// The wait for members to join.
#[derive(Debug, Clone, Copy)]
struct JoinPhase {
    deadline_ms: u64,
    /// In the first rebalance: how much longer it may still be drawn out, and whether somebody
    /// joined since the last look.
    initial: Option<Initial>,
}

#[derive(Debug, Clone, Copy)]
struct Initial {
    remaining_ms: u64,
    joined: bool,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout_ms: i32,
    pub(crate) rebalance_timeout_ms: i32,
    /// Protocols with the member's metadata for each, best first.
    pub(crate) protocols: Vec<(String, Bytes)>,
    pub(crate) assignment: Bytes,
    is_new: bool,
    awaits_join: Option<Ticket>,
    awaits_sync: Option<Ticket>,
    heartbeat_deadline_ms: Option<u64>,
}

/// A JoinGroup request.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub(crate) ticket: Ticket,
    /// Empty for a member without an id.
    pub(crate) member_id: String,
    /// The id that a member without one gets.
    pub(crate) new_member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout_ms: i32,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) protocol_type: String,
    pub(crate) protocols: Vec<(String, Bytes)>,
    /// Whether the client joins twice, to learn its id first (KIP-394, version 4).
    pub(crate) joins_with_id: bool,
    /// Whether the client understands `skip_assignment` (KIP-814, version 9).
    pub(crate) may_skip_assignment: bool,
}

/// The answer to a join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) error: ErrorCode,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) leader: String,
    pub(crate) skip_assignment: bool,
    pub(crate) member_id: String,
    /// Id, instance id and metadata of all members, for the leader.
    pub(crate) members: Vec<(String, Option<String>, Bytes)>,
}

impl Joined {
    pub(crate) fn refused(error: ErrorCode, member_id: impl Into<String>) -> Self {
        Self {
            error,
            generation: -1,
            protocol_type: None,
            protocol: None,
            leader: String::new(),
            skip_assignment: false,
            member_id: member_id.into(),
            members: Vec::new(),
        }
    }
}

/// A SyncGroup request.
#[derive(Debug, Clone)]
pub(crate) struct Sync {
    pub(crate) ticket: Ticket,
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    /// Member id and assignment, from the leader.
    pub(crate) assignments: Vec<(String, Bytes)>,
}

/// The answer to a sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synced {
    pub(crate) error: ErrorCode,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) assignment: Bytes,
}

impl Synced {
    pub(crate) fn refused(error: ErrorCode) -> Self {
        Self {
            error,
            protocol_type: None,
            protocol: None,
            assignment: Bytes::new(),
        }
    }
}

/// What the caller has to do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Store the group as it is now. Comes before the answers that rely on it.
    Persist,
    Join(Ticket, Joined),
    Sync(Ticket, Synced),
}

/// A stored group, as it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) generation: i32,
    pub(crate) protocol_type: String,
    pub(crate) protocol: Option<String>,
    pub(crate) leader: Option<String>,
    pub(crate) members: Vec<StoredMember>,
}

/// A member of a stored group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredMember {
    pub(crate) id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) session_timeout_ms: i32,
    pub(crate) subscription: Bytes,
    pub(crate) assignment: Bytes,
}

type Actions = Vec<Action>;

impl ClassicGroup {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            state: State::Empty,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending_members: BTreeMap::new(),
            pending_sync: BTreeSet::new(),
            join_phase: None,
            sync_deadline_ms: None,
        }
    }

    /// A group as it was stored: its members have one session timeout to be heard of again.
    pub(crate) fn load(settings: Settings, stored: Stored, now_ms: u64) -> Self {
        let mut group = Self::new(settings);
        group.generation = stored.generation;
        group.protocol_type = Some(stored.protocol_type).filter(|kind| !kind.is_empty());
        group.protocol = stored.protocol;
        group.leader = stored.leader;
        let protocol = group.protocol.clone().unwrap_or_default();
        for member in stored.members {
            if let Some(instance_id) = &member.instance_id {
                group
                    .static_members
                    .insert(instance_id.clone(), member.id.clone());
            }
            let loaded = Member {
                instance_id: member.instance_id,
                client_id: member.client_id,
                client_host: member.client_host,
                session_timeout_ms: member.session_timeout_ms,
                rebalance_timeout_ms: member.rebalance_timeout_ms,
                protocols: vec![(protocol.clone(), member.subscription)],
                assignment: member.assignment,
                is_new: false,
                awaits_join: None,
                awaits_sync: None,
                heartbeat_deadline_ms: Some(now_ms + millis(member.session_timeout_ms)),
            };
            group.members.insert(member.id, loaded);
        }
        if !group.members.is_empty() {
            group.state = State::Stable;
        }
        group
    }

    pub(crate) fn to_stored(&self) -> Stored {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        Stored {
            generation: self.generation,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            members: self
                .members
                .iter()
                .map(|(id, member)| StoredMember {
                    id: id.clone(),
                    instance_id: member.instance_id.clone(),
                    client_id: member.client_id.clone(),
                    client_host: member.client_host.clone(),
                    rebalance_timeout_ms: member.rebalance_timeout_ms,
                    session_timeout_ms: member.session_timeout_ms,
                    subscription: member.metadata(protocol),
                    assignment: member.assignment.clone(),
                })
                .collect(),
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn protocol_type(&self) -> Option<&str> {
        self.protocol_type.as_deref()
    }

    pub(crate) fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Member)> {
        self.members
            .iter()
            .map(|(id, member)| (id.as_str(), member))
    }

    /// Handles a join. The session timeout has been checked.
    pub(crate) fn join(&mut self, join: Join, now_ms: u64) -> Actions {
        let mut actions = Actions::new();
        let ticket = join.ticket;
        let id = join.member_id.clone();
        if let Err((error, member_id)) = self.try_join(join, now_ms, &mut actions) {
            let member_id = member_id.unwrap_or(id);
            actions.push(Action::Join(ticket, Joined::refused(error, member_id)));
        }
        actions
    }

    /// Handles a sync.
    pub(crate) fn sync(&mut self, sync: Sync, now_ms: u64) -> Actions {
        let mut actions = Actions::new();
        let ticket = sync.ticket;
        if let Err(error) = self.try_sync(sync, now_ms, &mut actions) {
            actions.push(Action::Sync(ticket, Synced::refused(error)));
        }
        actions
    }

    /// Handles a heartbeat.
    pub(crate) fn heartbeat(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
        now_ms: u64,
    ) -> ErrorCode {
        if let Err(error) = self.check_generation(member_id, instance_id, generation) {
            return error;
        }
        match self.state {
            State::Empty => ErrorCode::UNKNOWN_MEMBER_ID,
            State::PreparingRebalance => {
                self.heard_of(member_id, now_ms);
                ErrorCode::REBALANCE_IN_PROGRESS
            }
            // Kafka answers without an error while the leader's assignment is awaited.
            State::CompletingRebalance | State::Stable => {
                self.heard_of(member_id, now_ms);
                ErrorCode::NONE
            }
        }
    }

    /// Handles one member's leave; the member id may be empty if the instance id is given (an
    /// administrator removes a static member). Gives the id of the member that left.
    pub(crate) fn leave(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
        now_ms: u64,
    ) -> (Result<String, ErrorCode>, Actions) {
        let mut actions = Actions::new();
        let result = self.try_leave(member_id, instance_id, now_ms, &mut actions);
        (result, actions)
    }

    /// Judges who commits offsets, and counts it as a sign of life.
    pub(crate) fn check_commit(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
        now_ms: u64,
    ) -> Result<(), ErrorCode> {
        // An administrator, or a consumer that assigns its partitions itself.
        if generation < 0 && self.state == State::Empty {
            return Ok(());
        }
        if generation < 0 && member_id.is_empty() && instance_id.is_none() {
            // Members are there, and this is none of them.
            return Err(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        self.check_generation(member_id, instance_id, generation)?;
        match self.state {
            State::CompletingRebalance => Err(ErrorCode::REBALANCE_IN_PROGRESS),
            State::Empty | State::PreparingRebalance | State::Stable => {
                self.heard_of(member_id, now_ms);
                Ok(())
            }
        }
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let members = self
            .members
            .values()
            .filter_map(|member| member.heartbeat_deadline_ms);
        let pending = self.pending_members.values().copied();
        let join = self.join_phase.map(|phase| phase.deadline_ms);
        members
            .chain(pending)
            .chain(join)
            .chain(self.sync_deadline_ms)
            .min()
    }

    /// Handles what the time has brought.
    pub(crate) fn tick(&mut self, now_ms: u64) -> Actions {
        let mut actions = Actions::new();
        let pending = self.pending_members.len();
        self.pending_members
            .retain(|_, deadline| *deadline > now_ms);
        if self.pending_members.len() < pending {
            self.maybe_complete_join(now_ms, &mut actions);
        }
        let silent: Vec<String> = self
            .members
            .iter_mut()
            .filter(|(_, member)| member.heartbeat_deadline_ms.is_some_and(|at| at <= now_ms))
            .filter_map(|(id, member)| {
                member.heartbeat_deadline_ms = None;
                // Whoever waits for an answer is alive; the answer starts the clock again. A new
                // member is the exception: its client may be long gone.
                let waits = member.awaits_join.is_some() || member.awaits_sync.is_some();
                (member.is_new || !waits).then(|| id.clone())
            })
            .collect();
        for id in silent {
            self.remove_member(&id, ErrorCode::UNKNOWN_MEMBER_ID, &mut actions);
            self.after_removal(now_ms, &mut actions);
        }
        if self
            .join_phase
            .is_some_and(|phase| phase.deadline_ms <= now_ms)
        {
            self.join_time_is_up(now_ms, &mut actions);
        }
        if self
            .sync_deadline_ms
            .is_some_and(|deadline| deadline <= now_ms)
        {
            self.sync_deadline_ms = None;
            for id in std::mem::take(&mut self.pending_sync) {
                self.remove_member(&id, ErrorCode::UNKNOWN_MEMBER_ID, &mut actions);
            }
            self.after_removal(now_ms, &mut actions);
        }
        actions
    }

    fn try_join(
        &mut self,
        join: Join,
        now_ms: u64,
        actions: &mut Actions,
    ) -> Result<(), (ErrorCode, Option<String>)> {
        let plain = |error| (error, None);
        if !self.has_place_for(&join.member_id) {
            self.pending_members.remove(&join.member_id);
            self.remove_member(&join.member_id, ErrorCode::GROUP_MAX_SIZE_REACHED, actions);
            self.maybe_complete_join(now_ms, actions);
            return Err((ErrorCode::GROUP_MAX_SIZE_REACHED, Some(String::new())));
        }
        if !self.supports(&join) {
            return Err(plain(ErrorCode::INCONSISTENT_GROUP_PROTOCOL));
        }
        if join.member_id.is_empty() {
            return self.join_without_id(join, now_ms, actions);
        }
        if join.instance_id.is_none() && self.pending_members.contains_key(&join.member_id) {
            let id = join.member_id.clone();
            self.add_member(id, join, now_ms, actions);
            return Ok(());
        }
        self.check_member(&join.member_id, join.instance_id.as_deref())
            .map_err(plain)?;
        let id = join.member_id.clone();
        let same = self.members[&id].protocols == join.protocols;
        match self.state {
            State::Empty => return Err(plain(ErrorCode::UNKNOWN_MEMBER_ID)),
            // The answer to its last join was lost; nothing has changed since.
            State::CompletingRebalance if same => {
                actions.push(Action::Join(join.ticket, self.joined(&id)));
            }
            // A follower asks again without news. A leader that joins wants a new assignment.
            State::Stable if same && self.leader.as_ref() != Some(&id) => {
                actions.push(Action::Join(join.ticket, self.joined(&id)));
            }
            State::PreparingRebalance | State::CompletingRebalance | State::Stable => {
                self.update_member(&id, join, actions);
                self.prepare_or_complete(now_ms, actions);
            }
        }
        Ok(())
    }

    fn join_without_id(
        &mut self,
        join: Join,
        now_ms: u64,
        actions: &mut Actions,
    ) -> Result<(), (ErrorCode, Option<String>)> {
        let id = join.new_member_id.clone();
        match &join.instance_id {
            Some(instance_id) => match self.static_members.get(instance_id).cloned() {
                Some(old_id) => self.replace_static_member(&old_id, &id, join, now_ms, actions),
                None => self.add_member(id, join, now_ms, actions),
            },
            None if join.joins_with_id => {
                let deadline = now_ms + millis(join.session_timeout_ms);
                self.pending_members.insert(id.clone(), deadline);
                return Err((ErrorCode::MEMBER_ID_REQUIRED, Some(id)));
            }
            None => self.add_member(id, join, now_ms, actions),
        }
        Ok(())
    }

    /// Whether the group may take one more member (`group.max.size`), or this is one of it.
    fn has_place_for(&self, member_id: &str) -> bool {
        let max = self.settings.members_max;
        let member = self.members.get(member_id);
        match self.state {
            State::Empty => true,
            State::PreparingRebalance => {
                member.is_some_and(|member| member.awaits_join.is_some()) || self.awaiting() < max
            }
            State::CompletingRebalance | State::Stable => {
                member.is_some() || self.members.len() < max
            }
        }
    }

    /// Whether a member's protocols leave the group one that all share.
    fn supports(&self, join: &Join) -> bool {
        if join.protocol_type.is_empty() || join.protocols.is_empty() {
            return false;
        }
        if self.members.is_empty() {
            return true;
        }
        self.protocol_type.as_deref() == Some(&join.protocol_type)
            && join.protocols.iter().any(|(name, _)| {
                self.members
                    .values()
                    .all(|member| member.metadata_of(name).is_some())
            })
    }

    fn add_member(&mut self, id: String, join: Join, now_ms: u64, actions: &mut Actions) {
        self.pending_members.remove(&id);
        if self.members.is_empty() {
            self.protocol_type = Some(join.protocol_type);
        }
        if let Some(instance_id) = &join.instance_id {
            self.static_members.insert(instance_id.clone(), id.clone());
        }
        if self.leader.is_none() {
            self.leader = Some(id.clone());
        }
        self.members.insert(
            id,
            Member {
                instance_id: join.instance_id,
                client_id: join.client_id,
                client_host: join.client_host,
                session_timeout_ms: join.session_timeout_ms,
                rebalance_timeout_ms: join.rebalance_timeout_ms,
                protocols: join.protocols,
                assignment: Bytes::new(),
                is_new: true,
                awaits_join: Some(join.ticket),
                awaits_sync: None,
                heartbeat_deadline_ms: Some(now_ms + NEW_MEMBER_TIMEOUT_MS),
            },
        );
        if let Some(JoinPhase {
            initial: Some(initial),
            ..
        }) = &mut self.join_phase
        {
            initial.joined = true;
        }
        self.prepare_or_complete(now_ms, actions);
    }

    /// Takes over what a member says when it joins again.
    fn update_member(&mut self, id: &str, join: Join, actions: &mut Actions) {
        let Some(member) = self.members.get_mut(id) else {
            return;
        };
        member.session_timeout_ms = join.session_timeout_ms;
        member.rebalance_timeout_ms = join.rebalance_timeout_ms;
        member.protocols = join.protocols;
        if let Some(earlier) = member.awaits_join.replace(join.ticket) {
            // The client gave up on its earlier request, most likely with its connection.
            let answer = Joined::refused(ErrorCode::REBALANCE_IN_PROGRESS, id);
            actions.push(Action::Join(earlier, answer));
        }
    }

    /// A static member comes back under a new member id (KIP-345). Whoever still uses the old id
    /// is fenced; if nothing changes for the group, the assignment stays and no rebalance happens.
    fn replace_static_member(
        &mut self,
        old_id: &str,
        id: &str,
        join: Join,
        now_ms: u64,
        actions: &mut Actions,
    ) {
        let Some(mut member) = self.members.remove(old_id) else {
            return;
        };
        let fenced = ErrorCode::FENCED_INSTANCE_ID;
        if let Some(ticket) = member.awaits_join.take() {
            actions.push(Action::Join(ticket, Joined::refused(fenced, old_id)));
        }
        if let Some(ticket) = member.awaits_sync.take() {
            actions.push(Action::Sync(ticket, Synced::refused(fenced)));
        }
        if let Some(instance_id) = &join.instance_id {
            self.static_members
                .insert(instance_id.to_owned(), id.to_owned());
        }
        if self.pending_sync.remove(old_id) {
            self.pending_sync.insert(id.to_owned());
        }
        let old_leader = self.leader.clone();
        if self.leader.as_deref() == Some(old_id) {
            self.leader = Some(id.to_owned());
        }
        member.heartbeat_deadline_ms = Some(now_ms + millis(join.session_timeout_ms));
        member.client_id.clone_from(&join.client_id);
        member.client_host.clone_from(&join.client_host);
        self.members.insert(id.to_owned(), member);
        let may_skip_assignment = join.may_skip_assignment;
        let ticket = join.ticket;
        self.update_member(id, join, actions);
        match self.state {
            State::Stable if self.select_protocol() == self.protocol => {
                if let Some(member) = self.members.get_mut(id) {
                    member.awaits_join = None;
                }
                let is_leader = self.leader.as_deref() == Some(id);
                let mut answer = self.joined(id);
                if may_skip_assignment {
                    answer.skip_assignment = is_leader;
                } else {
                    // With the old leader's id the client does not take itself for the leader and
                    // computes no assignment.
                    answer.leader = old_leader.unwrap_or_default();
                    answer.members.clear();
                }
                actions.push(Action::Persist);
                actions.push(Action::Join(ticket, answer));
            }
            _ => self.prepare_or_complete(now_ms, actions),
        }
    }

    fn try_sync(
        &mut self,
        sync: Sync,
        now_ms: u64,
        actions: &mut Actions,
    ) -> Result<(), ErrorCode> {
        let id = sync.member_id;
        self.check_generation(&id, sync.instance_id.as_deref(), sync.generation)?;
        let differs = |said: &Option<String>, ours: &Option<String>| {
            said.as_ref()
                .is_some_and(|said| Some(said) != ours.as_ref())
        };
        if differs(&sync.protocol_type, &self.protocol_type)
            || differs(&sync.protocol, &self.protocol)
        {
            return Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
        }
        match self.state {
            State::Empty => Err(ErrorCode::UNKNOWN_MEMBER_ID),
            State::PreparingRebalance => Err(ErrorCode::REBALANCE_IN_PROGRESS),
            State::Stable => {
                self.synced(&id);
                actions.push(Action::Sync(sync.ticket, self.assignment(&id)));
                self.heard_of(&id, now_ms);
                Ok(())
            }
            State::CompletingRebalance => {
                self.synced(&id);
                let is_leader = self.leader.as_ref() == Some(&id);
                let member = self
                    .members
                    .get_mut(&id)
                    .ok_or(ErrorCode::UNKNOWN_MEMBER_ID)?;
                if let Some(earlier) = member.awaits_sync.replace(sync.ticket) {
                    let answer = Synced::refused(ErrorCode::REBALANCE_IN_PROGRESS);
                    actions.push(Action::Sync(earlier, answer));
                }
                if is_leader {
                    self.assign(sync.assignments, now_ms, actions);
                }
                Ok(())
            }
        }
    }

    /// Takes over the leader's assignment and answers all who wait for it.
    fn assign(&mut self, assignments: Vec<(String, Bytes)>, now_ms: u64, actions: &mut Actions) {
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
        }
        for (id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = assignment;
            }
        }
        self.state = State::Stable;
        actions.push(Action::Persist);
        let waiting: Vec<(String, Ticket)> = self
            .members
            .iter_mut()
            .filter_map(|(id, member)| Some((id.clone(), member.awaits_sync.take()?)))
            .collect();
        for (id, ticket) in waiting {
            actions.push(Action::Sync(ticket, self.assignment(&id)));
            self.heard_of(&id, now_ms);
        }
    }

    fn try_leave(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
        now_ms: u64,
        actions: &mut Actions,
    ) -> Result<String, ErrorCode> {
        let id = if member_id.is_empty() {
            let id = instance_id.and_then(|instance| self.static_members.get(instance));
            id.cloned().ok_or(ErrorCode::UNKNOWN_MEMBER_ID)?
        } else if self.pending_members.remove(member_id).is_some() {
            self.maybe_complete_join(now_ms, actions);
            return Ok(member_id.to_owned());
        } else {
            self.check_member(member_id, instance_id)?;
            member_id.to_owned()
        };
        self.remove_member(&id, ErrorCode::UNKNOWN_MEMBER_ID, actions);
        self.after_removal(now_ms, actions);
        Ok(id)
    }

    /// Takes a member out and refuses what it waits for.
    fn remove_member(&mut self, id: &str, error: ErrorCode, actions: &mut Actions) {
        let Some(member) = self.members.remove(id) else {
            return;
        };
        if let Some(ticket) = member.awaits_join {
            actions.push(Action::Join(ticket, Joined::refused(error, "")));
        }
        if let Some(ticket) = member.awaits_sync {
            actions.push(Action::Sync(ticket, Synced::refused(error)));
        }
        if let Some(instance_id) = &member.instance_id {
            self.static_members.remove(instance_id);
        }
        self.synced(id);
        if self.leader.as_deref() == Some(id) {
            self.leader = self.members.keys().next().cloned();
        }
    }

    /// What a group does that has lost members.
    fn after_removal(&mut self, now_ms: u64, actions: &mut Actions) {
        match self.state {
            State::Empty => {}
            State::PreparingRebalance => self.maybe_complete_join(now_ms, actions),
            State::CompletingRebalance | State::Stable => self.prepare(now_ms, actions),
        }
    }

    fn prepare_or_complete(&mut self, now_ms: u64, actions: &mut Actions) {
        match self.state {
            State::PreparingRebalance => self.maybe_complete_join(now_ms, actions),
            State::Empty | State::CompletingRebalance | State::Stable => {
                self.prepare(now_ms, actions);
            }
        }
    }

    /// Starts a rebalance.
    fn prepare(&mut self, now_ms: u64, actions: &mut Actions) {
        if self.state == State::CompletingRebalance {
            for member in self.members.values_mut() {
                member.assignment = Bytes::new();
                if let Some(ticket) = member.awaits_sync.take() {
                    member.heartbeat_deadline_ms = Some(now_ms + millis(member.session_timeout_ms));
                    let answer = Synced::refused(ErrorCode::REBALANCE_IN_PROGRESS);
                    actions.push(Action::Sync(ticket, answer));
                }
            }
        }
        self.pending_sync.clear();
        self.sync_deadline_ms = None;
        let first = self.state == State::Empty;
        self.state = State::PreparingRebalance;
        if first {
            let delay_ms = self.settings.initial_rebalance_delay_ms;
            let remaining_ms = self.rebalance_timeout_ms().saturating_sub(delay_ms);
            self.join_phase = Some(JoinPhase {
                deadline_ms: now_ms + delay_ms,
                initial: Some(Initial {
                    remaining_ms,
                    joined: false,
                }),
            });
            if delay_ms == 0 && self.all_joined() {
                self.complete_join(now_ms, actions);
            }
        } else {
            let deadline_ms = now_ms + self.rebalance_timeout_ms();
            self.join_phase = Some(JoinPhase {
                deadline_ms,
                initial: None,
            });
            self.maybe_complete_join(now_ms, actions);
        }
    }

    /// Ends the join phase if everybody is there. The first rebalance of a group always waits its
    /// time, for those who are still starting.
    fn maybe_complete_join(&mut self, now_ms: u64, actions: &mut Actions) {
        let first = self.join_phase.is_some_and(|phase| {
            phase.initial.is_some() && self.settings.initial_rebalance_delay_ms > 0
        });
        if self.state == State::PreparingRebalance && !first && self.all_joined() {
            self.complete_join(now_ms, actions);
        }
    }

    fn join_time_is_up(&mut self, now_ms: u64, actions: &mut Actions) {
        if let Some(JoinPhase {
            initial: Some(initial),
            ..
        }) = self.join_phase
            && initial.joined
            && initial.remaining_ms > 0
        {
            let more_ms = self
                .settings
                .initial_rebalance_delay_ms
                .min(initial.remaining_ms);
            let remaining_ms = initial.remaining_ms - more_ms;
            self.join_phase = Some(JoinPhase {
                deadline_ms: now_ms + more_ms,
                initial: Some(Initial {
                    remaining_ms,
                    joined: false,
                }),
            });
            return;
        }
        self.complete_join(now_ms, actions);
    }

    /// Ends the join phase: those who did not come are out (static members may come later), the
    /// others get a new generation.
    fn complete_join(&mut self, now_ms: u64, actions: &mut Actions) {
        self.join_phase = None;
        let missing: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| member.awaits_join.is_none() && member.instance_id.is_none())
            .map(|(id, _)| id.clone())
            .collect();
        for id in missing {
            self.remove_member(&id, ErrorCode::UNKNOWN_MEMBER_ID, actions);
        }
        if !self.elect_joined_leader() && !self.members.is_empty() {
            // Only static members that did not come: wait until they do or their sessions end.
            let deadline_ms = now_ms + self.rebalance_timeout_ms();
            self.join_phase = Some(JoinPhase {
                deadline_ms,
                initial: None,
            });
            return;
        }
        self.generation = self.generation.checked_add(1).unwrap_or(0);
        if self.members.is_empty() {
            self.state = State::Empty;
            self.protocol = None;
            self.leader = None;
            self.pending_sync.clear();
            actions.push(Action::Persist);
            return;
        }
        self.protocol = self.select_protocol();
        self.state = State::CompletingRebalance;
        self.sync_deadline_ms = Some(now_ms + self.rebalance_timeout_ms());
        self.pending_sync = self.members.keys().cloned().collect();
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let answer = self.joined(&id);
            if let Some(member) = self.members.get_mut(&id) {
                member.is_new = false;
                if let Some(ticket) = member.awaits_join.take() {
                    actions.push(Action::Join(ticket, answer));
                }
            }
            self.heard_of(&id, now_ms);
        }
    }

    /// Makes sure that the leader is among those who joined.
    fn elect_joined_leader(&mut self) -> bool {
        let joined = |id: &String| {
            self.members
                .get(id)
                .is_some_and(|member| member.awaits_join.is_some())
        };
        if !self.leader.as_ref().is_some_and(joined) {
            match self
                .members
                .iter()
                .find(|(_, member)| member.awaits_join.is_some())
            {
                Some((id, _)) => self.leader = Some(id.clone()),
                None => return false,
            }
        }
        true
    }

    /// The protocol that most members prefer among those that all share.
    fn select_protocol(&self) -> Option<String> {
        let shared = |name: &str| {
            self.members
                .values()
                .all(|member| member.metadata_of(name).is_some())
        };
        let mut votes: Vec<(&str, usize)> = Vec::new();
        for member in self.members.values() {
            let Some((name, _)) = member.protocols.iter().find(|(name, _)| shared(name)) else {
                continue;
            };
            match votes.iter_mut().find(|(other, _)| other == name) {
                Some((_, count)) => *count += 1,
                None => votes.push((name, 1)),
            }
        }
        // Of equals, the one that was voted for first.
        let most = votes.iter().map(|(_, count)| *count).max()?;
        votes
            .iter()
            .find(|(_, count)| *count == most)
            .map(|(name, _)| (*name).to_owned())
    }

    /// Kafka's order: an instance id that somebody else has taken over is fenced, whatever the
    /// member id.
    fn check_member(&self, member_id: &str, instance_id: Option<&str>) -> Result<(), ErrorCode> {
        if let Some(instance_id) = instance_id {
            match self.static_members.get(instance_id) {
                None => return Err(ErrorCode::UNKNOWN_MEMBER_ID),
                Some(current) if current != member_id => {
                    return Err(ErrorCode::FENCED_INSTANCE_ID);
                }
                Some(_) => {}
            }
        }
        match self.members.contains_key(member_id) {
            true => Ok(()),
            false => Err(ErrorCode::UNKNOWN_MEMBER_ID),
        }
    }

    fn check_generation(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        self.check_member(member_id, instance_id)?;
        match generation == self.generation {
            true => Ok(()),
            false => Err(ErrorCode::ILLEGAL_GENERATION),
        }
    }

    fn heard_of(&mut self, member_id: &str, now_ms: u64) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.heartbeat_deadline_ms = Some(now_ms + millis(member.session_timeout_ms));
        }
    }

    fn synced(&mut self, member_id: &str) {
        self.pending_sync.remove(member_id);
        if self.pending_sync.is_empty() {
            self.sync_deadline_ms = None;
        }
    }

    fn awaiting(&self) -> usize {
        self.members
            .values()
            .filter(|member| member.awaits_join.is_some())
            .count()
    }

    fn all_joined(&self) -> bool {
        self.awaiting() == self.members.len() && self.pending_members.is_empty()
    }

    fn rebalance_timeout_ms(&self) -> u64 {
        self.members
            .values()
            .map(|member| millis(member.rebalance_timeout_ms))
            .max()
            .unwrap_or(0)
    }

    fn joined(&self, id: &str) -> Joined {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let members = if self.leader.as_deref() == Some(id) {
            self.members
                .iter()
                .map(|(id, one)| (id.clone(), one.instance_id.clone(), one.metadata(protocol)))
                .collect()
        } else {
            Vec::new()
        };
        Joined {
            error: ErrorCode::NONE,
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            skip_assignment: false,
            member_id: id.to_owned(),
            members,
        }
    }

    fn assignment(&self, id: &str) -> Synced {
        Synced {
            error: ErrorCode::NONE,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment: self
                .members
                .get(id)
                .map(|one| one.assignment.clone())
                .unwrap_or_default(),
        }
    }
}

impl Member {
    /// Its metadata for a protocol, empty if it does not know it.
    pub(crate) fn metadata(&self, protocol: &str) -> Bytes {
        self.metadata_of(protocol).cloned().unwrap_or_default()
    }

    fn metadata_of(&self, protocol: &str) -> Option<&Bytes> {
        self.protocols
            .iter()
            .find(|(name, _)| name == protocol)
            .map(|(_, metadata)| metadata)
    }
}

fn millis(ms: i32) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}

#[cfg(test)]
mod tests;
