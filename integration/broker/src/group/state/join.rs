//! How members come in: the judging of a join, static members that come back, and the answers.

use bytes::Bytes;
use kafka_client_protocol::ErrorCode;

use super::member::Member;
use super::rebalance::JoinPhase;
use super::sync::Synced;
use super::{Action, Actions, ClassicGroup, State, Ticket, millis};

/// How long a member that is new waits for its first rebalance to end: it knows no id yet, so it
/// cannot send heartbeats.
const NEW_MEMBER_TIMEOUT_MS: u64 = 300_000;

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

impl ClassicGroup {
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

    pub(super) fn joined(&self, id: &str) -> Joined {
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
}
