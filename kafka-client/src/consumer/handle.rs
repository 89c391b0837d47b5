//! What may be asked of a consumer that is in use elsewhere: commits, positions, seeks, pauses.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use kafka_client_protocol::ApiKey;
use tokio::sync::oneshot;

#[cfg(doc)]
use super::Consumer;
use super::TopicPartition;
use super::builder::checked;
use super::group::{self, Command, Commit, Predicate, Subscription, WeakCommands};
use super::offsets;

use super::position::Stage;
use super::shared::{Locked, Shared};
use crate::cluster::metadata::TopicMetadata;
use crate::cluster::{Cluster, Limit};
use crate::error::{Error, ErrorKind};

/// Commits, seeks and pauses for a consumer that is in use elsewhere. Clones are for the same
/// consumer; they do not keep it alive.
#[derive(Clone)]
pub struct ConsumerHandle {
    shared: Arc<Shared>,
    commands: Option<WeakCommands>,
}

/// What is in work of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InWork {
    /// Records that were handed out and are not acknowledged.
    pub records: usize,
    /// The offset of the first of them: all before is done.
    pub oldest_offset: Option<i64>,
    /// For how long that one has been the first, within a second.
    pub oldest_age: Option<Duration>,
    /// Acknowledgements that did not count: after a seek back, or a second time.
    pub late_acks: u64,
}

/// A commit on its way. Dropping it does not take the commit back.
///
/// It ends within `default.api.timeout.ms`. If a later commit comes before this one is sent, the later
/// offsets are stored, and both are told.
#[derive(Debug)]
#[must_use = "a pending commit tells whether the commit succeeded"]
pub struct PendingCommit(Result<oneshot::Receiver<Result<(), Error>>, Option<Error>>);

impl Future for PendingCommit {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(answer) => Pin::new(answer)
                .poll(cx)
                .map(|answer| answer.unwrap_or_else(|_| Err(Error::closed("consumer")))),
            Err(error) => Poll::Ready(error.take().map_or(Ok(()), Err)),
        }
    }
}

impl ConsumerHandle {
    pub(super) fn new(shared: Arc<Shared>, commands: Option<WeakCommands>) -> Self {
        Self { shared, commands }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// As [`Consumer::commit`].
    ///
    /// # Errors
    /// As [`Consumer::commit`].
    ///
    /// # Cancel safety
    /// Dropping the future does not take the commit back.
    pub async fn commit(&self) -> Result<(), Error> {
        self.commit_async().await
    }

    /// As [`Consumer::commit_async`].
    pub fn commit_async(&self) -> PendingCommit {
        let mut state = self.shared.state();
        let lost = state.take_lost().map(|lost| group::not_owned(&lost));
        // Without members a group's offsets expire: those are stored again though they are the same.
        let assigned_by_hand = self.shared.assigned_by_hand;
        let commits = &state.commits;
        let handed_out = state.positions.iter().filter_map(|(partition, slot)| {
            // Who commits is done with it: auto-commit must not go back behind this.
            let offset = slot.assigned.committable();
            slot.assigned.claim(offset);
            // What is on its way is waited for, or is another offset than this after a seek back.
            let is_news = offset != slot.committed
                || assigned_by_hand
                || commits.pending(partition).is_some();
            (offset >= 0 && is_news).then(|| Commit {
                partition: partition.clone(),
                offset,
                leader_epoch: slot.assigned.committable_epoch(),
                assignment: slot.assignment,
            })
        });
        let commits = handed_out.collect();
        self.store(state, commits, lost)
    }

    /// Stores these offsets: of the next record to be read, in each partition.
    ///
    /// # Errors
    /// As [`Consumer::commit`].
    ///
    /// # Cancel safety
    /// Dropping the future does not take the commit back.
    pub async fn commit_offsets(
        &self,
        offsets: impl IntoIterator<Item = (TopicPartition, i64)>,
    ) -> Result<(), Error> {
        let offsets: Vec<_> = offsets.into_iter().collect();
        if let Some((partition, offset)) = offsets.iter().find(|(_, offset)| *offset < 0) {
            let error = Error::config(format!("offset {offset} cannot be committed"));
            let TopicPartition { topic, partition } = partition;
            return Err(error.at_partition(topic, *partition));
        }
        let pending = {
            let state = self.shared.state();
            let commits = offsets.into_iter().map(|(partition, offset)| Commit {
                assignment: state.positions.assignment(&partition),
                partition,
                offset,
                leader_epoch: -1,
            });
            let commits = commits.collect();
            self.store(state, commits, None)
        };
        pending.await
    }

    /// Has the group's task store offsets. `lost` is a loss that the user is to hear of, when the rest
    /// is done.
    fn store(
        &self,
        mut state: Locked<'_>,
        commits: Vec<Commit>,
        lost: Option<Error>,
    ) -> PendingCommit {
        let Some(commands) = &self.commands else {
            let error = Error::config("offsets are committed for a group: set group.id");
            return PendingCommit(Err(Some(error)));
        };
        if commands.upgrade().is_none() {
            return PendingCommit(Err(Some(Error::closed("consumer"))));
        }
        let (reply, answer) = oneshot::channel();
        let limit = self.shared.cluster.config.default_api_timeout;
        let end = self.shared.env().after(limit);
        state.commits.add(commits, Some(reply), lost, end);
        drop(state);
        self.shared.commits_wanted.notify_one();
        PendingCommit(Ok(answer))
    }

    /// The offsets that the group has stored for these partitions, asked of its coordinator now:
    /// each of the next record to be read. A partition without one is left out.
    ///
    /// # Errors
    /// When the coordinator cannot be asked within `default.api.timeout.ms`. When it is used
    /// without a group.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn committed(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        let Some(commands) = &self.commands else {
            return Err(Error::config(
                "offsets are stored for a group: set group.id",
            ));
        };
        if let Some(error) = self.shared.failure() {
            return Err(error);
        }
        let (reply, answer) = oneshot::channel();
        let partitions = partitions.to_vec();
        let command = Command::Committed { partitions, reply };
        let closed = || Error::closed("consumer");
        match commands.upgrade().map(|commands| commands.send(command)) {
            Some(Ok(())) => answer.await.unwrap_or_else(|_| Err(closed())),
            Some(Err(_)) | None => Err(closed()),
        }
    }

    /// Shares these topics from now on, in place of those before, whether these were named or matched.
    /// Partitions of topics that are no more among them are given up as in a rebalance, and the member joins
    /// again; the others flow on, with the default assignor.
    ///
    /// # Errors
    /// When there is no topic, or no topic can have such a name; when the consumer is no member of a group,
    /// or has ended.
    pub fn subscribe<I, S>(&self, topics: I) -> Result<(), Error>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        self.subscribe_to(Subscription::Topics(checked(topics)?))
    }

    /// As [`subscribe`](Self::subscribe), to all topics whose names match, of which
    /// [`ConsumerBuilder::subscribe_matching`](super::ConsumerBuilder::subscribe_matching) tells. Until the
    /// names of all topics have come, the member goes on with what it has.
    ///
    /// # Errors
    /// When the consumer is no member of a group, or has ended.
    pub fn subscribe_matching(
        &self,
        matches: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<(), Error> {
        self.subscribe_to(Subscription::Matching(Predicate::new(matches)))
    }

    fn subscribe_to(&self, to: Subscription) -> Result<(), Error> {
        if self.shared.assigned_by_hand {
            let text =
                "partitions were assigned by hand: what is subscribed to is shared in a group";
            return Err(Error::config(text));
        }
        if let Some(error) = self.shared.failure() {
            return Err(error);
        }
        let commands = self.commands.as_ref().and_then(WeakCommands::upgrade);
        let sent = commands.map(|commands| commands.send(Command::Subscribe { to }));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(Error::closed("consumer")),
        }
    }

    /// The partitions that are read at the moment, in order.
    #[must_use]
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.shared.state().positions.partitions()
    }

    /// The offset of the next record that is handed out; `None` while it is not known, or if the
    /// partition is not assigned.
    #[must_use]
    pub fn position(&self, partition: &TopicPartition) -> Option<i64> {
        let state = self.shared.state();
        state.positions.get(partition)?.position()
    }

    /// Records between the position and the end of the partition, as of the last fetch; `None`
    /// while that is not known.
    #[must_use]
    pub fn lag(&self, partition: &TopicPartition) -> Option<i64> {
        let state = self.shared.state();
        let slot = state.positions.get(partition)?;
        let position = slot.assigned.position();
        (position >= 0 && slot.high_watermark >= 0).then(|| (slot.high_watermark - position).max(0))
    }

    /// With manual acknowledgement: what is in work of a partition; `None` if it is not assigned.
    #[must_use]
    pub fn in_work(&self, partition: &TopicPartition) -> Option<InWork> {
        let state = self.shared.state();
        let work = state.positions.get(partition)?.assigned.work()?;
        let mut ledger = work.ledger();
        Some(InWork {
            oldest_age: ledger.age(self.shared.env().now()),
            records: ledger.in_work(),
            oldest_offset: ledger.oldest(),
            late_acks: ledger.late(),
        })
    }

    /// With manual acknowledgement: how many acknowledgements came when their partition had gone to
    /// another member, which hands these records out again.
    #[must_use]
    pub fn late_acks(&self) -> u64 {
        let tracking = self.shared.tracking.as_ref();
        tracking.map_or(0, |tracking| tracking.late.load(Ordering::Relaxed))
    }

    /// Goes on from this offset of an assigned partition. What was fetched ahead is dropped.
    ///
    /// With manual acknowledgement, what is in work stays so after a seek forward, and nothing is committed
    /// before it is acknowledged. After a seek back it is handed out again, and acknowledgements of what was
    /// handed out before do not count.
    ///
    /// # Errors
    /// When the partition is not assigned, or the offset is negative.
    pub fn seek(&self, partition: &TopicPartition, offset: i64) -> Result<(), Error> {
        if offset < 0 {
            return Err(Error::config(format!("offset {offset} is negative"))
                .at_partition(&partition.topic, partition.partition));
        }
        self.set_stage(partition, Stage::Fetching { offset })
    }

    /// Goes on from the first record there is.
    ///
    /// # Errors
    /// When the partition is not assigned.
    pub fn seek_to_beginning(&self, partition: &TopicPartition) -> Result<(), Error> {
        self.set_stage(partition, Stage::Reset { timestamp: -2 })
    }

    /// Goes on from the end: with records that come from now on.
    ///
    /// # Errors
    /// When the partition is not assigned.
    pub fn seek_to_end(&self, partition: &TopicPartition) -> Result<(), Error> {
        self.set_stage(partition, Stage::Reset { timestamp: -1 })
    }

    /// Goes on from the first record with this timestamp or a later one, in milliseconds since
    /// the Unix epoch; from the end if there is none.
    ///
    /// # Errors
    /// When the partition is not assigned, or the timestamp is negative.
    pub fn seek_to_timestamp(&self, partition: &TopicPartition, ms: i64) -> Result<(), Error> {
        if ms < 0 {
            return Err(Error::config(format!("timestamp {ms} is negative"))
                .at_partition(&partition.topic, partition.partition));
        }
        self.set_stage(partition, Stage::Reset { timestamp: ms })
    }

    /// Hands out no more records of these partitions until [`ConsumerHandle::resume`]. What is buffered
    /// of them is kept, up to a quarter of a broker's part of the buffer; the rest is fetched again. A partition
    /// that is revoked and comes back is not paused.
    pub fn pause<'a>(&self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        self.set_paused(partitions, true);
    }

    /// Ends a pause.
    pub fn resume<'a>(&self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        self.set_paused(partitions, false);
    }

    /// The first and the next offset of partitions, asked of their leaders now. A topic that is not there is
    /// never made by that, whatever `allow.auto.create.topics` says.
    ///
    /// # Errors
    /// When a topic or a partition of it is not there, or a leader cannot be asked within
    /// `default.api.timeout.ms`.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn offsets(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, (i64, i64)>, Error> {
        let first = self.ask_offsets(partitions.iter().map(|at| (at.clone(), -2)));
        let first = first.await?;
        let next = self.ask_offsets(partitions.iter().map(|at| (at.clone(), -1)));
        let next = next.await?.into_values();
        let both = first.into_iter().zip(next);
        Ok(both
            .map(|((at, first), next)| (at, (first, next)))
            .collect())
    }

    /// The offset of the first record with a timestamp or a later one, in milliseconds since the Unix
    /// epoch, of each partition; its end if there is none. Asked of their leaders now.
    ///
    /// # Errors
    /// When a timestamp is negative, else as [`offsets`](Self::offsets).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn offsets_for_times(
        &self,
        times: impl IntoIterator<Item = (TopicPartition, i64)>,
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        let times: Vec<_> = times.into_iter().collect();
        if let Some((at, ms)) = times.iter().find(|(_, ms)| *ms < 0) {
            let error = Error::config(format!("timestamp {ms} is negative"));
            return Err(error.at_partition(&at.topic, at.partition));
        }
        self.ask_offsets(times).await
    }

    /// Asks the leaders for offsets of timestamps, -1 the end, -2 the beginning.
    async fn ask_offsets(
        &self,
        wanted: impl IntoIterator<Item = (TopicPartition, i64)>,
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        let cluster = &self.shared.cluster;
        let wanted: BTreeMap<_, _> = wanted.into_iter().collect();
        for partition in wanted.keys() {
            let known = cluster.look_up(&partition.topic, limit(cluster)).await?;
            has(&known, partition)?;
        }
        let read_committed = self.shared.config.read_committed;
        let ask = || async {
            let asked = wanted
                .iter()
                .map(|(at, timestamp)| (at.clone(), *timestamp));
            let mut found = offsets::list_offsets(cluster, asked, read_committed).await;
            let missing = || Err(Error::new(ErrorKind::Protocol, "the answer leaves it out"));
            let offsets = wanted.keys().map(|at| {
                let offset = found.remove(at).unwrap_or_else(missing)?;
                Ok((at.clone(), offset))
            });
            offsets.collect()
        };
        // A leader may be on the move.
        cluster
            .retry(ApiKey::LIST_OFFSETS, Error::is_retriable, ask)
            .await
    }

    fn set_stage(&self, partition: &TopicPartition, stage: Stage) -> Result<(), Error> {
        if !self.shared.state().positions.set_stage(partition, stage) {
            return Err(
                Error::config("the partition is not assigned to this consumer")
                    .at_partition(&partition.topic, partition.partition),
            );
        }
        self.shared.positions_changed();
        Ok(())
    }

    fn set_paused<'a>(
        &self,
        partitions: impl IntoIterator<Item = &'a TopicPartition>,
        paused: bool,
    ) {
        let mut state = self.shared.state();
        for partition in partitions {
            state.positions.set_paused(partition, paused);
        }
        drop(state);
        self.shared.positions_changed();
    }
}

impl fmt::Debug for ConsumerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerHandle")
            .field("assignment", &self.assignment())
            .finish()
    }
}

/// Waits until the cluster is known to have a partition that is to be read, `default.api.timeout.ms` at most.
/// That may make its topic.
pub(super) async fn find(cluster: &Cluster, partition: &TopicPartition) -> Result<(), Error> {
    let known = cluster.topic(&partition.topic, limit(cluster)).await?;
    has(&known, partition)
}

fn limit(cluster: &Cluster) -> Limit {
    let limit = cluster.config.default_api_timeout;
    Limit::begin(&cluster.env, limit, "default.api.timeout.ms")
}

/// A topic does not get partitions by itself, so it is no use to ask again.
fn has(known: &TopicMetadata, partition: &TopicPartition) -> Result<(), Error> {
    let TopicPartition { topic, partition } = partition;
    let count = known.partitions.len();
    if usize::try_from(*partition).is_ok_and(|number| number < count) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::UnknownTopic,
        format!("the topic has {count} partitions"),
    )
    .lasting()
    .at_partition(topic, *partition))
}
