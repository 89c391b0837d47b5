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

mod acknowledging;
mod batch;
mod builder;
mod concurrent;
mod config;
mod delivery;
mod epochs;
mod group;
mod handle;
mod ledger;
mod marks;
mod offsets;
mod partition_streams;
mod position;
mod queues;
mod reader;
mod replica;
mod resets;
mod shared;
mod source;
mod topic_partition;
mod typed;
mod work;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tokio::sync::{oneshot, watch};

pub use acknowledging::{AckConsumer, AckConsumerBuilder};
pub use batch::RecordBatch;
pub use builder::ConsumerBuilder;
pub use concurrent::{Concurrency, ForEachError};
pub use config::{OffsetReset, RecreatedTopic};
pub use delivery::{Delivery, Payload, Receipt};
pub use group::{
    AssignPartitions, Assignor, GroupMember, GroupTopics, RebalanceEvent, RebalanceProtocol,
};
pub use handle::{ConsumerHandle, InWork, PendingCommit};
pub use partition_streams::{PartitionStream, PartitionStreams, PartitionStreamsBuilder};
pub use resets::{PositionReset, ResetReason};
pub use topic_partition::TopicPartition;
pub use typed::{Received, TypedConsumer, TypedConsumerBuilder};

use crate::cluster::Metadata;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::record::ConsumerRecord;
use group::{Command, Commands, Group, Listener, Subscription};
use reader::Reader;
use shared::Shared;

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
    reader: Reader,
    /// The stream has given the error that ends it.
    ended: bool,
}

impl Consumer {
    fn start(shared: Arc<Shared>, subscription: Subscription, listener: Option<Listener>) -> Self {
        shared.cluster.used_by(shared.weak.clone());
        shared.spawn(follow_loop(shared.weak.clone(), shared.cluster.changes()));
        if let Subscription::Topics(topics) = &subscription {
            shared.cluster.keep(topics, true);
        }
        let commands = shared
            .config
            .group
            .clone()
            .map(|group| Group::start(&shared, &group, subscription, listener));
        let weak = commands.as_ref().map(Commands::downgrade);
        Self {
            reader: Reader::new(shared.clone(), None),
            ended: false,
            handle: ConsumerHandle::new(shared, weak),
            commands,
        }
    }

    /// The next record. Waits until there is one.
    ///
    /// # Errors
    /// [`ErrorKind::NoOffset`] and [`ErrorKind::CorruptRecords`] concern one partition, which the
    /// error names, and the others go on; so does this one after a seek. [`ErrorKind::GroupLost`]
    /// tells that no record was asked for within `max.poll.interval.ms`, and so the partitions were lost; the
    /// member joins again by itself. An error of the kind
    /// [`ErrorKind::Broker`] tells of a topic that may not be read, and [`ErrorKind::Authentication`] that a
    /// broker does not let the client in, which is tried again about once in a second. After all of these
    /// the next call goes on.
    ///
    /// An error for which [`Error::is_fatal`] holds ends the consumer, and comes again with each call:
    /// the group refuses the member, or the client or its runtime has ended.
    ///
    /// # Cancel safety
    /// Cancel safe: no record is lost.
    // Not an `async fn`, whose state would take a record in and move it out again.
    pub fn recv(
        &mut self,
    ) -> impl Future<Output = Result<ConsumerRecord, Error>> + Send + Unpin + '_ {
        self.reader.receiving()
    }

    /// The next records, as many as are there without waiting, `max` at most; waits up to `wait` for the
    /// first of them. Empty if none came.
    ///
    /// # Errors
    /// As [`Consumer::recv`], if there is no record before the error; else the next call has it.
    ///
    /// # Cancel safety
    /// Cancel safe: no record is lost.
    pub async fn poll(&mut self, max: usize, wait: Duration) -> Result<Vec<ConsumerRecord>, Error> {
        let env = self.handle.shared().env().clone();
        match env.timeout(wait, self.reader.records(max)).await {
            Ok(records) => records,
            Err(_) => Ok(Vec::new()),
        }
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
        self.reader.batch().await
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
    /// It takes 30 seconds at most.
    ///
    /// # Errors
    /// As [`Consumer::close_within`].
    ///
    /// # Cancel safety
    /// When dropped, the commit and the leave go on by themselves.
    pub async fn close(self) -> Result<(), Error> {
        self.close_within(group::CLOSE_LIMIT).await
    }

    /// As [`Consumer::close`], but takes no longer than `limit`: a third of that for what is still in work,
    /// with manual acknowledgement, another for offsets to be stored, the rest for leaving.
    ///
    /// # Errors
    /// When offsets were not stored, which the error names, or leaving fails. The consumer has ended
    /// all the same.
    ///
    /// # Cancel safety
    /// When dropped, the commit and the leave go on by themselves.
    pub async fn close_within(mut self, limit: Duration) -> Result<(), Error> {
        self.reader.finish();
        let until = self.handle.shared().env().after(limit);
        let result = match self.commands.take() {
            Some(commands) => {
                let (reply, answer) = oneshot::channel();
                match commands.send(Command::Close { until, reply }) {
                    Ok(()) => answer.await.unwrap_or(Ok(())),
                    Err(_) => Ok(()),
                }
            }
            None => Ok(()),
        };
        let shared = self.handle.shared();
        shared.abort();
        source::end_sessions(shared, until).await;
        shared.cluster.close();
        result
    }
}

impl Stream for Consumer {
    type Item = Result<ConsumerRecord, Error>;

    /// As [`Consumer::recv`]. The stream ends after an error for which [`Error::is_fatal`] holds.
    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { reader, ended, .. } = &mut *self;
        if *ended {
            return Poll::Ready(None);
        }
        reader.poll_record_as(cx, |record, _| {
            if let Err(error) = &record {
                *ended = error.is_fatal();
            }
            Some(record)
        })
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // The group's task leaves by itself when its commands end.
        self.handle.shared().abort();
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("assignment", &self.handle.assignment())
            .finish()
    }
}

/// New leaders: their sources are started and woken.
async fn follow_loop(shared: Weak<Shared>, mut changes: watch::Receiver<Arc<Metadata>>) {
    while changes.changed().await.is_ok() {
        changes.borrow_and_update();
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.leaders_changed();
    }
}
