//! How members get their assignment: the leader brings it, the others wait for it.

use bytes::Bytes;
use kafka_client_protocol::ErrorCode;

use super::{Action, Actions, ClassicGroup, State, Ticket};

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

impl ClassicGroup {
    /// Handles a sync.
    pub(crate) fn sync(&mut self, sync: Sync, now_ms: u64) -> Actions {
        let mut actions = Actions::new();
        let ticket = sync.ticket;
        if let Err(error) = self.try_sync(sync, now_ms, &mut actions) {
            actions.push(Action::Sync(ticket, Synced::refused(error)));
        }
        actions
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

    pub(super) fn synced(&mut self, member_id: &str) {
        self.pending_sync.remove(member_id);
        if self.pending_sync.is_empty() {
            self.sync_deadline_ms = None;
        }
    }
}
