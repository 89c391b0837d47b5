//! Rebalances: from the first reason to rejoin to the next generation.

use bytes::Bytes;
use kafka_client_protocol::ErrorCode;

use super::sync::Synced;
use super::{Action, Actions, ClassicGroup, State, millis};

/// The wait for members to join.
#[derive(Debug, Clone, Copy)]
pub(super) struct JoinPhase {
    pub(super) deadline_ms: u64,
    /// In the first rebalance: how much longer it may still be drawn out, and whether somebody
    /// joined since the last look.
    pub(super) initial: Option<Initial>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Initial {
    pub(super) remaining_ms: u64,
    pub(super) joined: bool,
}

impl ClassicGroup {
    /// What a group does that has lost members.
    pub(super) fn after_removal(&mut self, now_ms: u64, actions: &mut Actions) {
        match self.state {
            State::Empty => {}
            State::PreparingRebalance => self.maybe_complete_join(now_ms, actions),
            State::CompletingRebalance | State::Stable => self.prepare(now_ms, actions),
        }
    }

    pub(super) fn prepare_or_complete(&mut self, now_ms: u64, actions: &mut Actions) {
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
    pub(super) fn maybe_complete_join(&mut self, now_ms: u64, actions: &mut Actions) {
        let first = self.join_phase.is_some_and(|phase| {
            phase.initial.is_some() && self.settings.initial_rebalance_delay_ms > 0
        });
        if self.state == State::PreparingRebalance && !first && self.all_joined() {
            self.complete_join(now_ms, actions);
        }
    }

    pub(super) fn join_time_is_up(&mut self, now_ms: u64, actions: &mut Actions) {
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
            self.note_subscriptions();
            actions.push(Action::Persist);
            return;
        }
        self.protocol = self.select_protocol();
        self.note_subscriptions();
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
    pub(super) fn select_protocol(&self) -> Option<String> {
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

    pub(super) fn awaiting(&self) -> usize {
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
}
