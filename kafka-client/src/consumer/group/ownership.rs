//! What a member owns: taking partitions over, and giving them up between two records.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::commits::Commit;
use super::listener::RebalanceEvent;
use super::matching::{Matching, Subscription};
use super::membership::Remedy;
use super::{Group, Stop, not_owned};
use crate::consumer::TopicPartition;
use crate::consumer::position::Stage;
use crate::env::Elapsed;
use crate::error::{Error, ErrorKind};

impl Group {
    /// Takes partitions over. They are read once their stored offsets are known and the listener has
    /// been told.
    pub(super) fn own(&mut self, added: Vec<TopicPartition>) {
        if added.is_empty() {
            return;
        }
        self.membership.owned.extend(added.iter().cloned());
        self.membership.owned.sort();
        {
            let mut state = self.shared.state();
            for partition in &added {
                state.positions.assign(partition, Stage::Unknown);
            }
        }
        self.keep_topics();
        self.next_offsets = Some(self.now());
        // They begin when the listener is through; the member lives on meanwhile, and may have to join
        // again before.
        let until = self.now() + self.shared.config.max_poll_interval;
        let told = self.told(RebalanceEvent::Assigned(added));
        self.not_through = told
            .map(|through| (through, until))
            .or(self.not_through.take());
    }

    /// Subscribes to something else from now on. What matches is known a little later; until then the
    /// member goes on with what it has.
    pub(super) async fn subscribe(&mut self, subscription: Subscription) -> Result<(), Stop> {
        match subscription {
            Subscription::Topics(topics) => {
                self.matching = None;
                self.shared.cluster.stop_listing();
                self.share(topics).await
            }
            Subscription::Matching(predicate) => {
                self.matching = Some(Matching::new(predicate));
                self.keep_topics();
                self.shared.cluster.list_topics();
                Ok(())
            }
        }
    }

    /// Looks which topics match, if the names of all have come, or one that did is gone.
    pub(super) async fn look_for_topics(&mut self) -> Result<(), Stop> {
        let Some(matching) = &mut self.matching else {
            return Ok(());
        };
        let cluster = &self.shared.cluster;
        let is_gone = |topic: &str| cluster.is_absent(topic) || cluster.refusal(topic).is_some();
        let topics = match cluster.listed_topics() {
            Some(names) => matching
                .choose(&names, &self.topics, is_gone)
                .map_err(|words| {
                    let text =
                        format!("the predicate of the topics to subscribe to panicked: {words}");
                    Stop::UserCode(Error::new(ErrorKind::Closed, text))
                })?,
            None if !matching.has_looked => return Ok(()),
            None => {
                let there = self.topics.iter().filter(|topic| !is_gone(topic));
                there.cloned().collect()
            }
        };
        if matching.has_looked && topics != self.topics {
            // What comes now is new, also under a name that a topic had before.
            let come = topics.iter();
            for topic in come.filter(|topic| self.topics.binary_search(topic).is_err()) {
                self.known.insert(topic.clone(), 0);
            }
        }
        matching.has_looked = true;
        if topics.is_empty() && !matching.told_of_none {
            tracing::info!(
                group = %self.coordinator.key(),
                "no topic matches what the member subscribes to: it waits until one does"
            );
        }
        matching.told_of_none = topics.is_empty();
        self.share(topics).await
    }

    /// Shares these topics from now on: partitions of those that are no more among them are given up, and
    /// the member joins again.
    async fn share(&mut self, topics: Vec<Arc<str>>) -> Result<(), Stop> {
        // One that has not joined yet does so now, also with nothing to share.
        let takes_part = self.must_join || self.is_member();
        if topics == self.topics && takes_part {
            return Ok(());
        }
        self.topics = topics;
        let owned = self.membership.owned.iter();
        let unwanted = owned.filter(|owned| !self.topics.contains(&owned.topic));
        let unwanted: Vec<_> = unwanted.cloned().collect();
        if !unwanted.is_empty() {
            self.revoke(&unwanted).await?;
        }
        self.keep_topics();
        self.must_join = true;
        Ok(())
    }

    /// Gives partitions up between two records, with what was processed of them committed.
    pub(super) async fn revoke(&mut self, partitions: &[TopicPartition]) -> Result<(), Stop> {
        // Once the user comes, it goes on at once, with other partitions: what is committed below
        // must stay true.
        {
            let mut state = self.shared.state();
            for partition in partitions {
                state.positions.hold(partition);
            }
        }
        self.last_chance = true;
        let revoked = self.revoke_held(partitions).await;
        self.last_chance = false;
        revoked
    }

    async fn revoke_held(&mut self, partitions: &[TopicPartition]) -> Result<(), Stop> {
        // The user may be busy with a record; the membership lives on meanwhile, and a user that
        // commits is still busy with what was handed out.
        let limit = self.shared.config.max_poll_interval;
        let shared = self.shared.clone();
        let came = match shared.tracking {
            // What is in work says by itself when it is done, and nobody need come for it.
            Some(_) => {
                let limit = self.shared.config.revoke_timeout.min(limit);
                let idle = shared
                    .env()
                    .timeout(limit, shared.until_idle(Some(partitions)));
                let waited = self.attend_during(idle).await?;
                if matches!(waited, Some(Err(Elapsed))) {
                    tracing::warn!(
                        group = %self.coordinator.key(), ?limit,
                        "records are still in work when their partition goes to another member, \
                         which hands them out again"
                    );
                }
                waited.map(|_| true)
            }
            None => self.attend_during(shared.pause_user(limit)).await?,
        };
        match came {
            Some(true) => {}
            Some(false) => {
                self.go_away().await?;
                return Ok(());
            }
            None => return Ok(()),
        }
        self.tell(RebalanceEvent::Revoking(partitions.to_vec()))
            .await?;
        if self.shared.config.auto_commit.is_some() {
            self.commit_processed(Some(partitions));
        }
        self.flush(partitions).await?;
        if self.membership.owned.is_empty() {
            // Lost meanwhile, and so was the user told; there is nothing left to give up.
            return Ok(());
        }
        self.membership
            .owned
            .retain(|owned| !partitions.contains(owned));
        self.give_up(partitions);
        self.tell(RebalanceEvent::Revoked(partitions.to_vec()))
            .await
    }

    /// The place in the group is gone, and the partitions with it.
    pub(super) fn lose(&mut self, remedy: Remedy) {
        if remedy == Remedy::RejoinLost && self.membership.fall_back() {
            self.must_join = true;
            tracing::debug!(
                group = %self.coordinator.key(), generation = self.membership.generation,
                "back to the generation before"
            );
            return;
        }
        let lost = self.membership.lose(remedy);
        self.must_join = true;
        if lost.is_empty() {
            return;
        }
        tracing::warn!(
            group = %self.coordinator.key(), partitions = lost.len(),
            "the member has lost its place in the group, and its partitions with it: records that were \
             handed out and not committed come again; it joins again"
        );
        self.give_up(&lost);
        // Nothing waits for it: the partitions are gone already.
        drop(self.told(RebalanceEvent::Lost(lost)));
    }

    /// Stops reading partitions.
    pub(super) fn give_up(&mut self, partitions: &[TopicPartition]) {
        let mut state = self.shared.state();
        for partition in partitions {
            let removed = state.positions.remove(partition);
            let is_told = state.commits.give_up(partition, &not_owned(partition));
            // Who commits what it was handed out of this must hear that it is too late, once.
            if !is_told && removed.is_some_and(|slot| slot.has_uncommitted()) {
                state.lose(partition);
            }
        }
        let has_unstored = state.commits.unstored().next().is_some();
        self.shared.forget_queues(&mut state);
        drop(state);
        if !has_unstored && self.next_offsets.is_none() {
            // Nothing is left that failed, and so nothing whose success would end the trouble.
            let health = &self.shared.cluster.health;
            self.trouble = health.watch(self.trouble.subject().clone());
        }
        self.shared.positions_changed();
    }

    /// Whether an offset is somebody else's to store: the partition is not owned, or was not all the
    /// time since the commit was made. A commit that waited while the partition was lost and came back
    /// would set back what another member has stored in between.
    pub(super) fn is_foreign(&self, commit: &Commit, assignment: u64) -> bool {
        let owned = &self.membership.owned;
        owned.binary_search(&commit.partition).is_err() || assignment != commit.assignment
    }

    /// Tells the listener, and waits until it is through, for as long as a rebalance waits for this
    /// member. The membership lives on meanwhile.
    async fn tell(&mut self, event: RebalanceEvent) -> Result<(), Stop> {
        let Some(through) = self.told(event) else {
            return Ok(());
        };
        let limit = self.shared.config.max_poll_interval;
        let env = self.shared.env().clone();
        if let Some(Err(Elapsed)) = self.attend_during(env.timeout(limit, through)).await? {
            tracing::warn!(
                group = %self.coordinator.key(), ?limit,
                "the rebalance listener takes longer than max.poll.interval.ms: going on without it"
            );
        }
        Ok(())
    }

    pub(super) fn told(&self, event: RebalanceEvent) -> Option<oneshot::Receiver<()>> {
        tracing::debug!(group = %self.coordinator.key(), ?event);
        Some(self.telling.as_ref()?.tell(event))
    }

    /// Leaves because the user has not asked for a record within `max.poll.interval.ms`.
    pub(super) async fn go_away(&mut self) -> Result<(), Stop> {
        let limit = self.shared.config.max_poll_interval;
        tracing::warn!(
            group = %self.coordinator.key(), ?limit,
            "no record was asked for within max.poll.interval.ms: leaving the group"
        );
        self.shared.report(overdue(limit));
        // Leaving is a courtesy: the coordinator notices by itself.
        if let Err(error) = self.send_leave().await? {
            tracing::debug!(%error, "leaving failed");
        }
        self.lose(Remedy::RejoinAsNew);
        self.absent = true;
        Ok(())
    }

    /// Waits until the user asks for a record: a member that joined before would only hold the
    /// group up, and leave again.
    pub(super) async fn stay_away(&mut self) -> Result<(), Stop> {
        let shared = self.shared.clone();
        let user = shared.pause_user(Duration::MAX);
        if self.attend_while(|this| this.absent, user).await?.is_some() {
            self.absent = false;
        }
        Ok(())
    }
}

fn overdue(limit: Duration) -> Error {
    Error::new(
        ErrorKind::GroupLost,
        format!(
            "no record was asked for within {limit:?} (max.poll.interval.ms): the member has left \
             its group and joins again"
        ),
    )
}
