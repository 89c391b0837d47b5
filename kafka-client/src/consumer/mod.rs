//! Consuming records.
//!
//! ```text
//! source of each broker -> buffer (undecoded, bounded) -> poll: CRC, decompress, decode -> user
//!        ^                                                            |
//!   fetch position, ahead                              consumed position -> commits
//! ```
//!
//! Records are fetched ahead of the user and decoded on the user's task, one at a time. The
//! consumed position moves when a record is handed out. What is *processed*, and so committed by
//! auto-commit, is what was handed out before the latest call for a record: asking for the next one
//! says that the last one is done with.

mod batch;
mod config;
mod group;
mod offsets;
mod position;
mod shared;
mod source;
mod topic_partition;
mod typed;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::records::RecordCursor;
use tokio::sync::oneshot;

pub use batch::RecordBatch;
pub use config::OffsetReset;
pub use group::{Assignor, RebalanceEvent};
pub use topic_partition::TopicPartition;
pub use typed::{Received, TypedConsumer, TypedConsumerBuilder};

use crate::client::NewCluster;
use crate::cluster::{Cluster, Limit, topic_name};
use crate::error::{Error, ErrorKind};
use crate::record::{ConsumerRecord, HasTopic, KafkaRecord, TimestampType};
use config::ConsumerConfig;
use group::{Command, Commands, Commit, Group, Listener, WeakCommands};
use position::Stage;
use shared::{Arrival, Fetched, Shared};

/// Reads records. It is made by [`Kafka::consumer`](crate::Kafka::consumer).
///
/// [`recv`](Consumer::recv), [`recv_batch`](Consumer::recv_batch) and the [`Stream`] give records;
/// they may be mixed. Calls from elsewhere (commit, seek, pause) go through a
/// [`handle`](Consumer::handle).
///
/// Dropping it leaves the group in the background, after a last automatic commit of what was
/// processed, which leaves out the record at hand: [`Consumer::close`] includes that, and tells how
/// it ended.
pub struct Consumer {
    handle: ConsumerHandle,
    /// Keeps the group's task; `None` without a group.
    commands: Option<Commands>,
    /// Data that is being handed out.
    current: Option<Current>,
    polls: u64,
    /// The end of the runtime that brings the data.
    ended: Ended,
}

/// Gives the error of what waits for a runtime that has ended.
type Ended = Pin<Box<dyn Future<Output = Error> + Send + Sync>>;

/// Commits, seeks and pauses for a consumer that is in use elsewhere. Clones are for the same
/// consumer; they do not keep it alive.
#[derive(Clone)]
pub struct ConsumerHandle {
    shared: Arc<Shared>,
    commands: Option<WeakCommands>,
}

/// The data of a partition that is being handed out.
struct Current {
    fetched: Fetched,
    batch: Option<OpenBatch>,
}

/// A batch that is being handed out.
struct OpenBatch {
    cursor: RecordCursor,
    next: i64,
    leader_epoch: i32,
    timestamp_type: TimestampType,
}

/// A call for a record. When it ends, or is dropped while it waits, the user no longer waits: time
/// counts against `max.poll.interval.ms` again.
struct Receiving<'a>(&'a mut Consumer);

impl Drop for Receiving<'_> {
    fn drop(&mut self) {
        self.0.handle.shared.waiting.store(false, Ordering::Release);
    }
}

impl Consumer {
    fn start(shared: Arc<Shared>, topics: Vec<Arc<str>>, listener: Option<Listener>) -> Self {
        shared.spawn(offsets::offsets_loop(shared.weak.clone()));
        shared.spawn(follow_loop(shared.weak.clone(), shared.cluster.changes()));
        shared.cluster.keep(&topics);
        let commands = shared
            .config
            .group
            .clone()
            .map(|group| Group::start(&shared, &group, topics, listener));
        let weak = commands.as_ref().map(Commands::downgrade);
        let ended = Box::pin(shared.cluster.ended());
        let handle = ConsumerHandle {
            shared,
            commands: weak,
        };
        Self {
            handle,
            commands,
            current: None,
            polls: 0,
            ended,
        }
    }

    /// The next record. Waits until there is one.
    ///
    /// # Errors
    /// [`ErrorKind::NoOffset`] and [`ErrorKind::CorruptRecords`] concern one partition, which the
    /// error names, and the others go on; so does this one after a seek. [`ErrorKind::GroupLost`]
    /// tells that partitions were lost; the member joins again by itself. An error for which
    /// [`Error::is_fatal`] holds, or that comes again and again, ends the consumer.
    ///
    /// # Cancel safety
    /// Cancel safe: no record is lost.
    pub async fn recv(&mut self) -> Result<ConsumerRecord, Error> {
        let receiving = Receiving(self);
        std::future::poll_fn(|cx| receiving.0.poll_record(cx)).await
    }

    /// The next batch of records of one partition, in the size it was produced in. Cheaper for
    /// each record than [`Consumer::recv`]: nothing is made for a record that is merely looked at.
    ///
    /// # Errors
    /// As [`Consumer::recv`].
    ///
    /// # Cancel safety
    /// Cancel safe: no record is lost.
    pub async fn recv_batch(&mut self) -> Result<RecordBatch, Error> {
        let receiving = Receiving(self);
        std::future::poll_fn(|cx| receiving.0.poll_batch(cx)).await
    }

    /// A handle for calls from elsewhere.
    #[must_use]
    pub fn handle(&self) -> ConsumerHandle {
        self.handle.clone()
    }

    /// Stores the offsets of everything handed out so far, and waits until that is done.
    ///
    /// # Errors
    /// [`ErrorKind::GroupLost`] when a partition is not this member's any more. When it is used
    /// without a group.
    ///
    /// # Cancel safety
    /// Dropping the future does not take the commit back.
    pub async fn commit(&self) -> Result<(), Error> {
        self.handle.commit().await
    }

    /// As [`Consumer::commit`], without waiting: the commit is on its way when this returns, in
    /// order with others; the [`PendingCommit`] tells how it ends, and may be dropped.
    pub fn commit_async(&self) -> PendingCommit {
        self.handle.commit_async()
    }

    /// Commits what was processed if that is automatic, leaves the group, and ends the consumer.
    /// The records handed out so far count as processed.
    ///
    /// The last commit and the leave together take 30 seconds at most. A rebalance that is under
    /// way, or a commit that is being retried, is waited for before.
    ///
    /// # Errors
    /// When the last commit or leaving fails; the consumer has ended all the same.
    ///
    /// # Cancel safety
    /// When dropped, the commit and the leave go on by themselves.
    pub async fn close(mut self) -> Result<(), Error> {
        self.current = None;
        let result = match self.commands.take() {
            Some(commands) => {
                let (reply, answer) = oneshot::channel();
                match commands.send(Command::Close { reply }) {
                    Ok(()) => answer.await.unwrap_or(Ok(())),
                    Err(_) => Ok(()),
                }
            }
            None => Ok(()),
        };
        self.handle.shared.abort();
        self.handle.shared.cluster.close();
        result
    }

    fn poll_record(&mut self, cx: &mut Context<'_>) -> Poll<Result<ConsumerRecord, Error>> {
        self.enter();
        loop {
            let current = match self.poll_current(cx) {
                Poll::Ready(Ok(current)) => current,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            let Some(batch) = &mut current.batch else {
                continue;
            };
            let (assigned, version) = (&current.fetched.assigned, current.fetched.version);
            let position = assigned.position();
            let (epoch, kind) = (batch.leader_epoch, batch.timestamp_type);
            match batch.cursor.next_record() {
                // In front of where the user is: a batch is fetched whole.
                Some(Ok(view)) if view.offset < position => {}
                Some(Ok(view)) => {
                    let TopicPartition { topic, partition } = &assigned.partition;
                    let offset = view.offset;
                    let epoch = (epoch >= 0).then_some(epoch);
                    let record =
                        ConsumerRecord::from_view(topic.clone(), *partition, epoch, kind, &view);
                    match record {
                        Ok(record) => {
                            if assigned.hand_out(version, position, offset) {
                                return Poll::Ready(Ok(record));
                            }
                        }
                        Err(error) => return Poll::Ready(Err(self.corrupt(&error))),
                    }
                }
                Some(Err(error)) => return Poll::Ready(Err(self.corrupt(&error))),
                None => {
                    assigned.skip_to(version, batch.next, batch.leader_epoch);
                    current.batch = None;
                }
            }
        }
    }

    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Result<RecordBatch, Error>> {
        self.enter();
        loop {
            let current = match self.poll_current(cx) {
                Poll::Ready(Ok(current)) => current,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            let Some(mut batch) = current.batch.take() else {
                continue;
            };
            let (assigned, version) = (&current.fetched.assigned, current.fetched.version);
            let position = assigned.position();
            batch.cursor.skip_to(position);
            let next = batch.next.max(position);
            if !assigned.hand_out_batch(version, position, next, batch.leader_epoch) {
                continue;
            }
            if batch.cursor.remaining() > 0 {
                let partition = assigned.partition.clone();
                return Poll::Ready(Ok(RecordBatch::new(partition, batch.cursor)));
            }
        }
    }

    /// A batch with records that may be handed out, of the data at hand or that arrives.
    fn poll_current(&mut self, cx: &mut Context<'_>) -> Poll<Result<&mut Current, Error>> {
        loop {
            if let Some(current) = &self.current
                && !current.fetched.assigned.is_current(current.fetched.version)
            {
                // Seek, pause or revocation came in between.
                self.drop_current();
            }
            if self.current.is_none() {
                match self.handle.shared.poll_arrival(cx) {
                    Poll::Ready(Arrival::Data(fetched)) => {
                        self.current = Some(Current {
                            fetched,
                            batch: None,
                        });
                    }
                    Poll::Ready(Arrival::Error(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {
                        self.handle.shared.waiting.store(true, Ordering::Release);
                        // If it was asked for after this poll began, and the waker was not there
                        // yet to be woken for it, nothing else would bring the user here.
                        self.grant_pause();
                        let ended = self.ended.as_mut().poll(cx);
                        if ended.is_ready() {
                            // For the next call, should there be one.
                            self.ended = Box::pin(self.handle.shared.cluster.ended());
                        }
                        return ended.map(Err);
                    }
                }
            }
            let config = &self.handle.shared.config;
            let Some(current) = &mut self.current else {
                continue;
            };
            if current.batch.is_some() {
                // Looked up again, for the borrow checker.
                return Poll::Ready(
                    self.current
                        .as_mut()
                        .ok_or_else(|| Error::closed("consumer")),
                );
            }
            match next_batch(&mut current.fetched, config) {
                Some(Ok(batch)) => current.batch = Some(batch),
                Some(Err(error)) => return Poll::Ready(Err(self.corrupt(&error))),
                None => {
                    let fetched = &current.fetched;
                    fetched.assigned.skip_to(fetched.version, fetched.next, -1);
                    self.drop_current();
                }
            }
        }
    }

    /// The user asks for a record, and so is done with those before.
    fn enter(&mut self) {
        self.polls += 1;
        let shared = &self.handle.shared;
        shared.waiting.store(false, Ordering::Release);
        shared.polls.store(self.polls, Ordering::Release);
        if let Some(current) = &self.current {
            current.fetched.assigned.finish();
        }
        self.grant_pause();
    }

    /// The user is between two records: tells the group's task, if that waits for it.
    fn grant_pause(&self) {
        let shared = &self.handle.shared;
        if shared.pause_asked.load(Ordering::Acquire) {
            // What was handed out in batches of other partitions is done with as well.
            for (_, slot) in shared.state().positions.iter() {
                slot.assigned.finish();
            }
            shared.paused.notify_waiters();
        }
    }

    fn drop_current(&mut self) {
        if let Some(Current { fetched, batch }) = self.current.take() {
            fetched.assigned.finish();
            let shared = &self.handle.shared;
            shared.release(fetched.bytes);
            // Its views are gone first.
            drop((batch, fetched.batches));
            shared.cluster.recycle(fetched.data);
        }
    }

    /// The data at hand is corrupt: the partition stops there, so that no record is skipped
    /// silently.
    fn corrupt(&mut self, error: &kafka_client_protocol::records::RecordError) -> Error {
        let Some(current) = self.current.take() else {
            return Error::closed("consumer");
        };
        let shared = &self.handle.shared;
        shared.release(current.fetched.bytes);
        let assigned = current.fetched.assigned;
        let TopicPartition { topic, partition } = &assigned.partition;
        let offset = assigned.position();
        shared
            .state()
            .positions
            .set_stage(&assigned.partition, Stage::Stuck);
        Error::new(
            ErrorKind::CorruptRecords,
            format!(
                "the batch at offset {offset} cannot be read: {error}; seek beyond it to go on"
            ),
        )
        .at_partition(topic, *partition)
    }
}

/// The next batch of fetched data that holds records for users.
fn next_batch(
    fetched: &mut Fetched,
    config: &ConsumerConfig,
) -> Option<Result<OpenBatch, kafka_client_protocol::records::RecordError>> {
    loop {
        let batch = match fetched.batches.next()? {
            Ok(batch) => batch,
            Err(error) => return Some(Err(error)),
        };
        let header = *batch.header();
        if header.next_offset() <= fetched.assigned.position() {
            continue;
        }
        if header.attributes.is_control() {
            // Markers of transactions: they take offsets, and are nobody's records.
            let (next, epoch) = (header.next_offset(), header.partition_leader_epoch);
            fetched.assigned.skip_to(fetched.version, next, epoch);
            continue;
        }
        if config.check_crcs
            && let Err(error) = batch.verify_crc()
        {
            return Some(Err(error));
        }
        return Some(
            batch
                .records(config.max_batch_bytes)
                .map(|cursor| OpenBatch {
                    cursor,
                    next: header.next_offset(),
                    leader_epoch: header.partition_leader_epoch,
                    timestamp_type: header.attributes.timestamp_type(),
                }),
        );
    }
}

impl Stream for Consumer {
    type Item = Result<ConsumerRecord, Error>;

    /// As [`Consumer::recv`]. The stream does not end.
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_record(cx).map(Some)
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // The group's task leaves by itself when its commands end.
        self.handle.shared.abort();
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("assignment", &self.handle.assignment())
            .finish()
    }
}

/// A commit on its way. Dropping it does not take the commit back.
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
        let commits = {
            let mut state = self.shared.state();
            if let Some(lost) = state.take_lost() {
                return PendingCommit(Err(Some(group::not_owned(&lost))));
            }
            let handed_out = state.positions.iter().filter_map(|(partition, slot)| {
                // Who commits is done with it: auto-commit must not go back behind this.
                slot.assigned.finish();
                let offset = slot.assigned.position();
                (offset >= 0 && offset != slot.committed).then(|| Commit {
                    partition: partition.clone(),
                    offset,
                    leader_epoch: slot.assigned.epoch(),
                    assignment: slot.assignment,
                })
            });
            handed_out.collect()
        };
        self.send(commits)
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
        let commits: Vec<_> = {
            let state = self.shared.state();
            let commits = offsets.into_iter().map(|(partition, offset)| Commit {
                assignment: state.positions.assignment(&partition),
                partition,
                offset,
                leader_epoch: -1,
            });
            commits.collect()
        };
        if let Some(negative) = commits.iter().find(|commit| commit.offset < 0) {
            let error = Error::config(format!("offset {} cannot be committed", negative.offset));
            let TopicPartition { topic, partition } = &negative.partition;
            return Err(error.at_partition(topic, *partition));
        }
        self.send(commits).await
    }

    fn send(&self, commits: Vec<Commit>) -> PendingCommit {
        let Some(commands) = &self.commands else {
            let error = Error::config("offsets are committed for a group: set group.id");
            return PendingCommit(Err(Some(error)));
        };
        if let Some(error) = self.shared.failure() {
            return PendingCommit(Err(Some(error)));
        }
        let (reply, answer) = oneshot::channel();
        let command = Command::Commit { commits, reply };
        match commands.upgrade().map(|commands| commands.send(command)) {
            Some(Ok(())) => PendingCommit(Ok(answer)),
            Some(Err(_)) | None => PendingCommit(Err(Some(Error::closed("consumer")))),
        }
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

    /// The partitions that are read at the moment, in order.
    #[must_use]
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.shared.state().positions.partitions()
    }

    /// The offset of the next record that is handed out; `None` while it is not known, or if the
    /// partition is not assigned.
    #[must_use]
    pub fn position(&self, partition: &TopicPartition) -> Option<i64> {
        let position = self
            .shared
            .state()
            .positions
            .get(partition)?
            .assigned
            .position();
        (position >= 0).then_some(position)
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

    /// Goes on from this offset of an assigned partition. What was fetched ahead is dropped.
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

    /// Hands out no more records of these partitions until [`ConsumerHandle::resume`]. A
    /// partition that is revoked and comes back is not paused.
    pub fn pause<'a>(&self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        self.set_paused(partitions, true);
    }

    /// Ends a pause.
    pub fn resume<'a>(&self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        self.set_paused(partitions, false);
    }

    /// The first and the next offset of partitions, asked of their leaders now.
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
        let cluster = &self.shared.cluster;
        for partition in partitions {
            look_up(cluster, partition).await?;
        }
        // A leader may be on the move.
        let ask = async || self.ask_offsets(partitions).await;
        cluster
            .retry(ApiKey::LIST_OFFSETS, Error::is_retriable, ask)
            .await
    }

    async fn ask_offsets(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, (i64, i64)>, Error> {
        let cluster = &self.shared.cluster;
        let read_committed = self.shared.config.read_committed;
        let ask = |timestamp| {
            let wanted = partitions
                .iter()
                .map(move |partition| (partition.clone(), timestamp));
            offsets::list_offsets(cluster, wanted, read_committed)
        };
        let (mut first, mut next) = (ask(-2).await, ask(-1).await);
        let mut found = BTreeMap::new();
        for partition in partitions {
            let missing = || Err(Error::new(ErrorKind::Protocol, "the answer leaves it out"));
            let first = first.remove(partition).unwrap_or_else(missing)?;
            let next = next.remove(partition).unwrap_or_else(missing)?;
            found.insert(partition.clone(), (first, next));
        }
        Ok(found)
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

/// Waits until the cluster is known to have a partition, `default.api.timeout.ms` at most.
async fn look_up(cluster: &Cluster, partition: &TopicPartition) -> Result<(), Error> {
    let TopicPartition { topic, partition } = partition;
    let limit = cluster.config.default_api_timeout;
    let limit = Limit::begin(&cluster.env, limit, "default.api.timeout.ms");
    let known = cluster.topic(topic, limit).await?;
    let count = known.partitions.len();
    if usize::try_from(*partition).is_ok_and(|number| number < count) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::UnknownTopic,
        format!("the topic has {count} partitions"),
    )
    .at_partition(topic, *partition))
}

/// New leaders: their sources are started and woken.
async fn follow_loop(
    shared: std::sync::Weak<Shared>,
    mut changes: tokio::sync::watch::Receiver<Arc<crate::cluster::Metadata>>,
) {
    while changes.changed().await.is_ok() {
        changes.borrow_and_update();
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.positions_changed();
    }
}

/// Settings of a consumer, and its start. Made by [`Kafka::consumer`](crate::Kafka::consumer).
#[derive(Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct ConsumerBuilder {
    cluster: NewCluster,
    config: ConsumerConfig,
    listener: Option<Listener>,
}

impl ConsumerBuilder {
    pub(crate) fn new(cluster: NewCluster, group: Option<String>) -> Self {
        let config = ConsumerConfig {
            group,
            ..ConsumerConfig::default()
        };
        Self {
            cluster,
            config,
            listener: None,
        }
    }

    /// `auto.offset.reset`: where to begin without a stored offset. Defaults to
    /// [`OffsetReset::Latest`].
    pub fn offset_reset(mut self, reset: OffsetReset) -> Self {
        self.config.reset = reset;
        self
    }

    /// `enable.auto.commit` and `auto.commit.interval.ms`: commits what was processed at this
    /// interval, before a rebalance and when closed. Defaults to every 5 seconds.
    pub fn auto_commit(mut self, interval: Duration) -> Self {
        self.config.auto_commit = Some(interval);
        self
    }

    /// `enable.auto.commit=false`: only what the user commits is committed.
    pub fn manual_commit(mut self) -> Self {
        self.config.auto_commit = None;
        self
    }

    /// `partition.assignment.strategy`: assignors in order of preference; the group runs the one
    /// that most members prefer among those that all have. With any that is not cooperative, all
    /// partitions are given up in each rebalance. Defaults to [`Assignor::CooperativeSticky`].
    pub fn assignors(mut self, assignors: impl IntoIterator<Item = Assignor>) -> Self {
        self.config.assignors = assignors.into_iter().collect();
        self
    }

    /// `group.instance.id`: makes it a static member (KIP-345), which may be away for
    /// `session.timeout.ms` without a rebalance. Defaults to none.
    pub fn instance_id(mut self, instance: impl Into<String>) -> Self {
        self.config.instance = Some(instance.into());
        self
    }

    /// `client.rack`. Defaults to none.
    pub fn rack(mut self, rack: impl Into<String>) -> Self {
        self.config.rack = Some(rack.into());
        self
    }

    /// `session.timeout.ms`: a member not heard of for this long is removed. Defaults to 45 seconds.
    pub fn session_timeout(mut self, timeout: Duration) -> Self {
        self.config.session_timeout = timeout;
        self
    }

    /// `heartbeat.interval.ms`: at most a third of the session timeout. Defaults to 3 seconds.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.config.heartbeat_interval = interval;
        self
    }

    /// `max.poll.interval.ms`: a member that does not ask for a record for this long leaves its
    /// group. It is also the longest that a rebalance waits for it. Defaults to 5 minutes.
    pub fn max_poll_interval(mut self, interval: Duration) -> Self {
        self.config.max_poll_interval = interval;
        self
    }

    /// `fetch.min.bytes`: a broker waits until there are so many, `fetch.max.wait.ms` at most.
    /// Defaults to 1.
    pub fn fetch_min_bytes(mut self, bytes: i32) -> Self {
        self.config.fetch_min_bytes = bytes;
        self
    }

    /// `fetch.max.bytes`: most bytes of an answer; a batch that is larger comes alone. Defaults to
    /// 50 MiB.
    pub fn fetch_max_bytes(mut self, bytes: i32) -> Self {
        self.config.fetch_max_bytes = bytes;
        self
    }

    /// `max.partition.fetch.bytes`: most bytes of a partition in an answer; a batch that is larger
    /// comes alone. Defaults to 1 MiB.
    pub fn max_partition_fetch_bytes(mut self, bytes: i32) -> Self {
        self.config.max_partition_fetch_bytes = bytes;
        self
    }

    /// `fetch.max.wait.ms`. Defaults to 500 ms.
    pub fn fetch_max_wait(mut self, wait: Duration) -> Self {
        self.config.fetch_max_wait = wait;
        self
    }

    /// Bytes that are fetched ahead of the user; while they are full, nothing is fetched. Defaults
    /// to 64 MiB.
    pub fn buffer_bytes(mut self, bytes: usize) -> Self {
        self.config.buffer_bytes = bytes;
        self
    }

    /// Most bytes that a compressed batch may have when decompressed; one that has more is
    /// reported as corrupt. Defaults to 256 MiB.
    pub fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.config.max_batch_bytes = bytes;
        self
    }

    /// `check.crcs`: whether damage on the way or on the broker's disk is found. Defaults to yes.
    pub fn check_crcs(mut self, check: bool) -> Self {
        self.config.check_crcs = check;
        self
    }

    /// `allow.auto.create.topics`: whether subscribing may create a topic, if the brokers do that.
    /// Defaults to yes.
    pub fn allow_auto_create_topics(mut self, allow: bool) -> Self {
        self.config.allow_auto_create_topics = allow;
        self
    }

    /// Has a function called for each change of what the consumer owns. It runs on the group's
    /// task: it must not block.
    pub fn on_rebalance(
        mut self,
        listener: impl Fn(&RebalanceEvent) + Send + Sync + 'static,
    ) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// A consumer of one type of records: those of the type's topic, decoded.
    pub fn topic<T: HasTopic>(self) -> TypedConsumerBuilder<T> {
        TypedConsumerBuilder::new(self)
    }

    /// Starts a member of the group that shares these topics with the others.
    ///
    /// # Errors
    /// When settings contradict each other, there is no group or topic, or no topic can have such a
    /// name. Everything else is reported by [`Consumer::recv`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn subscribe<I, S>(self, topics: I) -> Result<Consumer, Error>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let mut topics: Vec<Arc<str>> = topics
            .into_iter()
            .map(|topic| Arc::from(topic.as_ref()))
            .collect();
        for topic in &topics {
            topic_name::check(topic)?;
        }
        topics.sort();
        topics.dedup();
        if topics.is_empty() {
            return Err(Error::config("no topic to subscribe to"));
        }
        if self.config.group.is_none() {
            return Err(Error::config(
                "subscribing needs a group.id; assign partitions without",
            ));
        }
        let (shared, listener) = self.shared()?;
        Ok(Consumer::start(shared, topics, listener))
    }

    /// As [`ConsumerBuilder::subscribe`], with the records decoded: for types that name no topic, and
    /// for other topics than theirs.
    ///
    /// # Errors
    /// As [`ConsumerBuilder::subscribe`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn subscribe_as<T, I, S>(self, topics: I) -> Result<TypedConsumer<T>, Error>
    where
        T: KafkaRecord,
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        self.subscribe(topics).await.map(TypedConsumer::new)
    }

    /// Starts a consumer of these partitions, which it does not share. It begins where its group,
    /// if it has one, has stored an offset, else where `auto.offset.reset` says.
    ///
    /// # Errors
    /// When settings contradict each other, or the cluster refuses a topic or does not have it; that
    /// takes some seconds to be believed, and `default.api.timeout.ms` at most.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is started.
    pub async fn assign(
        self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<Consumer, Error> {
        let (shared, _) = self.shared()?;
        let mut assigned = Vec::new();
        for partition in partitions {
            look_up(&shared.cluster, &partition).await?;
            assigned.push(partition);
        }
        let has_group = shared.config.group.is_some();
        let topics = assigned.iter().map(|partition| partition.topic.clone());
        let topics: BTreeSet<_> = topics.collect();
        {
            let mut state = shared.state();
            for partition in assigned {
                state.positions.assign(&partition, Stage::Unknown);
                if !has_group {
                    shared.reset(&mut state, &partition, || {
                        shared::no_offset("there is no group with a stored offset")
                    });
                }
            }
        }
        let consumer = Consumer::start(shared, Vec::new(), None);
        consumer.handle.shared.cluster.keep(&topics);
        consumer.handle.shared.positions_changed();
        Ok(consumer)
    }

    fn shared(self) -> Result<(Arc<Shared>, Option<Listener>), Error> {
        self.config.validate()?;
        let allow = self.config.allow_auto_create_topics;
        let cluster = self
            .cluster
            .make_with(|config| config.allow_auto_create_topics = allow);
        Ok((Shared::new(cluster, self.config), self.listener))
    }
}

impl fmt::Debug for ConsumerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerBuilder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kafka_client_protocol::records::Batches;

    use super::position::Positions;
    use super::*;

    /// What Apache Kafka has in a segment that is older than two upgrades of the message format:
    /// three records each in the formats v0, v1 and v2.
    fn old_segment(codec: &str) -> Bytes {
        let golden = include_str!("../../protocol/tests/golden/records.txt");
        let start = format!("{codec} v0_v1_v2 ");
        let line = golden.lines().find_map(|line| line.strip_prefix(&start));
        let (hex, _) = line.unwrap().split_once(' ').unwrap();
        (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn segments_of_old_message_formats_are_read_from_any_offset() {
        let partition = TopicPartition::new("old", 0);
        for codec in ["none", "gzip", "snappy", "lz4"] {
            for from in 0..9 {
                let mut positions = Positions::default();
                positions.assign(&partition, Stage::Fetching { offset: from });
                let slot = positions.get(&partition).unwrap();
                let data = old_segment(codec);
                let mut fetched = Fetched {
                    assigned: slot.assigned.clone(),
                    version: slot.version(),
                    batches: Batches::new(data.clone()),
                    bytes: data.len(),
                    data,
                    next: 9,
                };
                let mut offsets = Vec::new();
                while let Some(batch) = next_batch(&mut fetched, &ConsumerConfig::default()) {
                    let mut batch = batch.unwrap();
                    batch.cursor.skip_to(fetched.assigned.position());
                    offsets.extend(batch.cursor.iter().map(|record| record.unwrap().offset));
                    let next = batch.next;
                    fetched
                        .assigned
                        .skip_to(fetched.version, next, batch.leader_epoch);
                }
                assert_eq!(offsets, (from..9).collect::<Vec<_>>(), "{codec}");
            }
        }
    }
}
