//! The offsets of a group: where partitions begin, and what is stored of them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use kafka_client_protocol::{ApiKey, ErrorCode};
use tokio::time::Instant;

use super::commits::Commit;
use super::membership::{Remedy, remedy};
use super::stored::Stored;
use super::{Group, Stop, not_owned, stored};
use crate::consumer::TopicPartition;
use crate::consumer::position::Stage;
use crate::consumer::shared::no_offset;
use crate::error::{Error, ErrorKind};
use crate::health::with_advice;

/// While others wait for a partition to be given up, its offset is sent so often: what is refused so
/// often concerns the partition itself, as when its topic was deleted.
pub(super) const REFUSALS_MAX: u32 = 5;

/// The offsets of partitions that a consumer was assigned by hand are stored again after so long,
/// though they are the same: without members a group's offsets expire.
const STORE_AGAIN: Duration = Duration::from_secs(60);

impl Group {
    // ---- where to begin ----

    /// Asks where to begin in partitions that are new.
    pub(super) async fn begin(&mut self) -> Result<(), Stop> {
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
        let within = self.shared.cluster.config.request_timeout;
        let call = stored::load(&mut self.coordinator, &wanted, within);
        let found = match self.inbox.during(call).await? {
            Ok(found) => found,
            Err(error) => return self.no_stored_offsets(error),
        };
        let mut passing = None;
        self.note_topics(&self.shared.cluster.metadata());
        {
            let mut state = self.shared.state();
            for (partition, stored) in found {
                // The user may have sought meanwhile.
                let Some(slot) = state.positions.get_mut(&partition) else {
                    continue;
                };
                if slot.stage != Stage::Unknown {
                    continue;
                }
                match stored {
                    Ok(Stored {
                        offset,
                        leader_epoch,
                    }) if offset >= 0 => {
                        slot.committed = offset;
                        let stage = Stage::Fetching { offset };
                        state.positions.set_stage(&partition, stage);
                        state.positions.follows_epoch(&partition, leader_epoch);
                    }
                    Ok(_) => {
                        let reset = match self.known.get(&partition.topic) {
                            Some(count) if partition.partition >= *count => {
                                self.shared.config.reset_of_new
                            }
                            _ => self.shared.config.reset,
                        };
                        let cause = || no_offset("the group has no offset stored");
                        self.shared.reset_to(reset, &mut state, &partition, cause);
                    }
                    Err(error) if may_pass(&error) => passing = Some(error),
                    Err(error) => state.stick(&partition, with_advice(error)),
                }
            }
        }
        self.shared.positions_changed();
        match passing {
            None => {
                self.untold = 0;
                self.coordinator.settled();
                self.trouble.over();
                Ok(())
            }
            Some(error) => self.no_stored_offsets(error),
        }
    }

    /// There is no answer, or not for all partitions: it is asked for again, a little later.
    fn no_stored_offsets(&mut self, error: Error) -> Result<(), Stop> {
        if error.kind() == ErrorKind::Authentication {
            self.kept_out(&error);
        } else if !may_pass(&error) {
            return Err(Stop::Fatal(with_advice(error)));
        }
        tracing::debug!(%error, "no stored offsets yet");
        self.trouble.failed(&error);
        if matches!(
            error.code().map(remedy),
            None | Some(Remedy::FindCoordinator)
        ) {
            self.coordinator.forget();
        }
        self.next_offsets = Some(self.shared.not_before(self.untold));
        self.untold += 1;
        Ok(())
    }

    /// Asks once for what a user wants to know of stored offsets.
    pub(super) async fn answer_query(&mut self) -> Result<(), Stop> {
        let Some(mut query) = self.inbox.queries.pop_front() else {
            return Ok(());
        };
        if query.reply.is_closed() {
            return Ok(());
        }
        let within = self.shared.cluster.config.request_timeout;
        let call = stored::load(&mut self.coordinator, &query.partitions, within);
        let found = self.inbox.during(call).await?.and_then(|found| {
            let found = found.into_iter();
            found
                .map(|(partition, stored)| stored.map(|stored| (partition, stored.offset)))
                .filter(|found| !matches!(found, Ok((_, offset)) if *offset < 0))
                .collect()
        });
        match found {
            Err(error) if may_pass(&error) => {
                tracing::debug!(%error, "stored offsets will be asked for again");
                query.cause = Some(error.clone());
                self.inbox.queries.push_front(query);
                self.coordinator.forget();
                self.pause(&error).await
            }
            found => {
                match &found {
                    Err(error) if error.kind() == ErrorKind::Authentication => {
                        self.coordinator.forget();
                        self.kept_out(error);
                    }
                    _ => self.coordinator.settled(),
                }
                // Fails only if nobody waits any more.
                let _ = query.reply.send(found.map_err(with_advice));
                Ok(())
            }
        }
    }

    // ---- storing ----

    /// What the user is done with and the group has not stored, of some partitions or all, is to be
    /// stored.
    pub(super) fn commit_processed(&self, of: Option<&[TopicPartition]>) {
        // As with Java's client, a place is not the user's before it asks for a record.
        if self.shared.polls.load(Ordering::Acquire) == 0 {
            return;
        }
        let now = self.now();
        let assigned_by_hand = self.shared.assigned_by_hand;
        let mut state = self.shared.state();
        let done = state.positions.iter().filter_map(|(partition, slot)| {
            if of.is_some_and(|of| !of.contains(partition)) {
                return None;
            }
            let offset = slot.assigned.processed();
            let is_old = || {
                let stored = slot.committed_at;
                assigned_by_hand && stored.is_some_and(|stored| now >= stored + STORE_AGAIN)
            };
            let last = state.commits.pending(partition).unwrap_or(slot.committed);
            let is_news = offset >= 0 && (offset != last || is_old());
            is_news.then(|| Commit {
                partition: partition.clone(),
                offset,
                leader_epoch: slot.assigned.committable_epoch(),
                assignment: slot.assignment,
            })
        });
        let done: Vec<_> = done.collect();
        let end = now + self.shared.cluster.config.default_api_timeout;
        state.commits.add(done, None, None, end);
    }

    pub(super) fn auto_commit(&mut self) {
        let interval = self.shared.config.auto_commit;
        self.next_commit = interval.map(|interval| self.now() + interval);
        if self.shared.assigned_by_hand || self.is_member() {
            self.commit_processed(None);
        }
    }

    /// When to send offsets next.
    pub(super) fn next_store(&self, now: Instant) -> Option<Instant> {
        self.shared.state().commits.next_attempt(now)
    }

    /// Sends what is to be stored now, once.
    pub(super) async fn store(&mut self) -> Result<(), Stop> {
        self.refuse_foreign();
        let commits = self.shared.state().commits.take(self.now());
        if commits.is_empty() {
            return Ok(());
        }
        let within = self.shared.cluster.config.request_timeout;
        let instance = self.shared.config.instance.clone();
        let call = stored::store(
            &mut self.coordinator,
            &self.membership,
            instance.as_deref(),
            &commits,
            within,
        );
        let answers = match self.inbox.during(call).await? {
            Ok(answers) => answers,
            Err(error) if may_pass(&error) => {
                self.unanswered(&commits, &error);
                return self.pause(&error).await;
            }
            Err(error) => {
                {
                    let mut state = self.shared.state();
                    for commit in &commits {
                        state.commits.refused(&commit.partition, &error);
                    }
                }
                tracing::warn!(%error, offsets = commits.len(), "offsets are not stored");
                self.trouble.failed(&error);
                return Ok(());
            }
        };
        let mut worst: Option<(Remedy, Error)> = None;
        for commit in &commits {
            let code = answers.get(&commit.partition).copied();
            let outcome = self.outcome(commit, code);
            let is_worse = |(remedy, _): &(Remedy, Error)| {
                worst.as_ref().is_none_or(|(worst, _)| worst < remedy)
            };
            if outcome.as_ref().is_some_and(is_worse) {
                worst = outcome;
            }
        }
        self.follow(worst).await
    }

    fn unanswered(&self, commits: &[Commit], error: &Error) {
        let mut state = self.shared.state();
        for commit in commits {
            state.commits.unanswered(&commit.partition, error);
        }
    }

    /// Those of partitions that are not owned are the new owners' to store.
    fn refuse_foreign(&self) {
        if self.shared.assigned_by_hand {
            return;
        }
        let mut state = self.shared.state();
        let state = &mut *state;
        let positions = &state.positions;
        let foreign = state
            .commits
            .foreign(|commit| self.is_foreign(commit, positions.assignment(&commit.partition)));
        for partition in &foreign {
            state.commits.give_up(partition, &not_owned(partition));
        }
    }

    /// What the coordinator says of one offset. Returned is what goes beyond the partition, with why.
    fn outcome(&self, commit: &Commit, code: Option<ErrorCode>) -> Option<(Remedy, Error)> {
        let now = self.now();
        // What is logged is so without the lock: who listens to the log may use the consumer.
        let mut state = self.shared.state();
        let partition = &commit.partition;
        let error = match code {
            Some(ErrorCode::NONE) => {
                if let Some(slot) = state.positions.get_mut(partition)
                    && slot.assignment == commit.assignment
                {
                    slot.committed = commit.offset;
                    slot.committed_at = Some(now);
                }
                state.commits.stored(partition);
                return None;
            }
            Some(code) => Error::broker(code, ApiKey::OFFSET_COMMIT),
            None => Error::new(ErrorKind::Protocol, "the answer leaves it out")
                .at_api(ApiKey::OFFSET_COMMIT),
        };
        let error = error.at_partition(&partition.topic, partition.partition);
        let remedy = code.map_or(Remedy::Retry, remedy);
        let is_member = !self.shared.assigned_by_hand;
        match remedy {
            Remedy::FindCoordinator | Remedy::Load => {
                state.commits.unanswered(partition, &error);
            }
            Remedy::Retry => {
                let not_before = self.shared.not_before(state.commits.refusals(partition));
                state.commits.again(partition, &error, not_before);
                drop(state);
                tracing::debug!(%error, "commit will be retried");
            }
            // It leaves, and holds nobody up: the rebalance ends by itself. But for a leader that cannot
            // assign: it ends when that has left.
            Remedy::Rejoin if is_member && self.is_leaving && !self.owes_assignment => {
                let not_before = self.shared.not_before(0);
                state.commits.held_up(partition, &error, not_before);
            }
            // Made again in the next generation, for what is still owned then; but a user that waits
            // for it while partitions are to be given up would hold up the next generation.
            Remedy::Rejoin if is_member && !self.last_chance => {
                // Not at once: the coordinator may refuse it in every generation.
                let not_before = self.shared.not_before(state.commits.refusals(partition));
                state.commits.again(partition, &error, not_before);
            }
            // Given up with the partition.
            Remedy::RejoinLost | Remedy::RejoinAsNew if is_member => {
                state.commits.unanswered(partition, &error);
            }
            _ => {
                let error = with_advice(error);
                state.commits.refused(partition, &error);
                drop(state);
                tracing::warn!(%error, offset = commit.offset, "an offset is not stored");
                return (is_member && remedy == Remedy::Rejoin).then_some((remedy, error));
            }
        }
        Some((remedy, error))
    }

    /// Does what outcomes of commits ask for beyond their partitions.
    async fn follow(&mut self, worst: Option<(Remedy, Error)>) -> Result<(), Stop> {
        let Some((remedy, error)) = worst else {
            self.coordinator.settled();
            self.trouble.over();
            return Ok(());
        };
        match remedy {
            Remedy::FindCoordinator => {
                self.coordinator.forget();
                self.pause(&error).await?;
            }
            Remedy::Load => self.pause(&error).await?,
            Remedy::Retry => {
                self.coordinator.settled();
                self.trouble.failed(&error);
            }
            Remedy::Rejoin => self.must_join = true,
            Remedy::RejoinLost | Remedy::RejoinAsNew => {
                self.lose(remedy);
                self.refuse_foreign();
            }
            // Neither is of an answer to a commit, or goes beyond its partition.
            Remedy::UseMemberId | Remedy::Fatal => {}
        }
        Ok(())
    }

    /// Sends the offsets of these partitions until they are stored or will not be. Others wait for
    /// the partitions: they are given up after some seconds all the same.
    pub(super) async fn flush(&mut self, partitions: &[TopicPartition]) -> Result<(), Stop> {
        let until = self.now() + self.shared.cluster.config.default_api_timeout;
        while !self.membership.owned.is_empty() {
            let now = self.now();
            let is_waited_for = {
                let state = self.shared.state();
                state.commits.has_hope(Some(partitions), REFUSALS_MAX)
            };
            if !is_waited_for || now >= until {
                break;
            }
            if self.is_beat_due() {
                self.beat().await?;
                continue;
            }
            let next = self.next_store(now).unwrap_or(until);
            let next = self.next_beat().into_iter().fold(next, Instant::min);
            let next = next.min(until);
            let env = self.shared.env().clone();
            self.inbox.during(env.sleep_until(next)).await?;
            self.store().await?;
        }
        Ok(())
    }
}

/// Whether the same may succeed later.
fn may_pass(error: &Error) -> bool {
    error.is_retriable() || error.kind() == ErrorKind::Protocol
}
