//! Members: what is known of each, who one is, and how one goes.

use bytes::Bytes;
use kafka_client_protocol::ErrorCode;

use super::join::Joined;
use super::sync::Synced;
use super::{Action, Actions, ClassicGroup, Ticket, millis};

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
    pub(super) is_new: bool,
    pub(super) awaits_join: Option<Ticket>,
    pub(super) awaits_sync: Option<Ticket>,
    pub(super) heartbeat_deadline_ms: Option<u64>,
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

impl ClassicGroup {
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
    pub(super) fn remove_member(&mut self, id: &str, error: ErrorCode, actions: &mut Actions) {
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

    /// Kafka's order: an instance id that somebody else has taken over is fenced, whatever the
    /// member id.
    pub(super) fn check_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ErrorCode> {
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

    pub(super) fn check_generation(
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

    pub(super) fn heard_of(&mut self, member_id: &str, now_ms: u64) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.heartbeat_deadline_ms = Some(now_ms + millis(member.session_timeout_ms));
        }
    }
}

impl Member {
    /// Whether a request of it waits for the group.
    pub(crate) fn is_waiting(&self) -> bool {
        self.awaits_join.is_some() || self.awaits_sync.is_some()
    }

    /// Its metadata for a protocol, empty if it does not know it.
    pub(crate) fn metadata(&self, protocol: &str) -> Bytes {
        self.metadata_of(protocol).cloned().unwrap_or_default()
    }

    pub(super) fn metadata_of(&self, protocol: &str) -> Option<&Bytes> {
        self.protocols
            .iter()
            .find(|(name, _)| name == protocol)
            .map(|(_, metadata)| metadata)
    }
}
