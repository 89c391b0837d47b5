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

mod join;
mod member;
mod rebalance;
mod subscription;
mod sync;

use std::collections::{BTreeMap, BTreeSet};

use kafka_client_protocol::ErrorCode;

pub(crate) use self::join::{Join, Joined};
pub(crate) use self::member::{Member, StoredMember};
use self::rebalance::JoinPhase;
pub(crate) use self::sync::{Sync, Synced};

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
    pub(crate) const ALL: [Self; 4] = [
        Self::Empty,
        Self::PreparingRebalance,
        Self::CompletingRebalance,
        Self::Stable,
    ];

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
    /// The topics that consumers of this generation read, if that is known.
    subscribed: Option<BTreeSet<String>>,
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
            subscribed: None,
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
        group.note_subscriptions();
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
}

fn millis(ms: i32) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}

#[cfg(test)]
mod tests;
