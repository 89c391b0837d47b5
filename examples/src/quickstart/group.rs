//! The group that reads the earthquakes: members, and what they tell.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use kafka_client::consumer::{
    OffsetReset, RebalanceEvent, Received, TopicPartition, TypedConsumer,
};
use kafka_client::{Error, ErrorKind, Kafka};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::progress::Progress;
use crate::quake::Earthquake;

/// So long without a sign of life of any member, and the wait is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Members of a group in this program. Elsewhere each would be a process of its own.
pub struct Group<'a> {
    kafka: Kafka,
    name: String,
    topic: String,
    progress: &'a Progress,
    members: Vec<Member>,
    events: mpsc::UnboundedReceiver<Event>,
    sender: mpsc::UnboundedSender<Event>,
    arrivals: Vec<Arrival>,
    /// The partitions that each member owns.
    owned: BTreeMap<&'static str, BTreeSet<i32>>,
}

/// An earthquake as it came out of Kafka.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// The member that read it.
    pub member: &'static str,
    /// The partition it was in.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: i64,
    /// The record's timestamp in milliseconds since the Unix epoch.
    pub timestamp_ms: Option<i64>,
    /// Bytes of its key and value.
    pub bytes: usize,
    /// The earthquake.
    pub quake: Earthquake,
}

struct Member {
    name: &'static str,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), Error>>,
}

/// What the members tell. One channel for all of it keeps it in order: a member sends what it has
/// read before it gives a partition up, and the next owner reads on only after that.
#[expect(clippy::large_enum_variant, reason = "nearly all are arrivals")]
enum Event {
    Arrived(Arrival),
    Rebalanced(&'static str, RebalanceEvent),
    Failed(&'static str, Error),
}

impl<'a> Group<'a> {
    /// A group without members yet.
    pub fn new(
        kafka: &Kafka,
        name: impl Into<String>,
        topic: impl Into<String>,
        progress: &'a Progress,
    ) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        Self {
            kafka: kafka.clone(),
            name: name.into(),
            topic: topic.into(),
            progress,
            members: Vec::new(),
            events,
            sender,
            arrivals: Vec::new(),
            owned: BTreeMap::new(),
        }
    }

    /// Starts one more member. It gets its partitions in the background.
    ///
    /// # Errors
    /// None that this program could provoke: the settings are right.
    pub async fn join(&mut self, name: &'static str) -> Result<(), Error> {
        let rebalances = self.sender.clone();
        let consumer = self
            .kafka
            .consumer(&self.name)
            // A new group has no offsets stored: without this it would begin at the end.
            .offset_reset(OffsetReset::Earliest)
            // A member hears of a rebalance with its next heartbeat. Few members can afford to
            // hear of it soon.
            .heartbeat_interval(Duration::from_millis(250))
            .on_rebalance(move |event| {
                // Fails only when nobody listens any more.
                let _ = rebalances.send(Event::Rebalanced(name, event.clone()));
            })
            .subscribe_as::<Earthquake, _, _>([&self.topic])
            .await?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(read(name, consumer, self.sender.clone(), stopped));
        self.members.push(Member { name, stop, task });
        Ok(())
    }

    /// Waits until so many earthquakes were read, or until nothing happens any more.
    ///
    /// # Errors
    /// When a member fails.
    pub async fn until_read(&mut self, count: usize) -> Result<(), GroupError> {
        while self.arrivals.len() < count {
            let Ok(event) = tokio::time::timeout(PATIENCE, self.events.recv()).await else {
                self.progress.say(format_args!(
                    "nothing more arrives: {} of {count} were read",
                    self.arrivals.len()
                ));
                break;
            };
            self.take(event)?;
        }
        Ok(())
    }

    /// Waits until each member owns partitions.
    ///
    /// # Errors
    /// When a member fails, or remains without.
    pub async fn until_shared(&mut self) -> Result<(), GroupError> {
        while let Some(idle) = self.members.iter().map(|member| member.name).find(|name| {
            let owned = self.owned.get(name);
            owned.is_none_or(BTreeSet::is_empty)
        }) {
            let event = tokio::time::timeout(PATIENCE, self.events.recv())
                .await
                .map_err(|_| GroupError::Idle(idle))?;
            self.take(event)?;
        }
        Ok(())
    }

    /// Has the members leave, one after the other, each with its offsets committed. Gives all that
    /// was read, in order for each partition.
    ///
    /// # Errors
    /// When a member failed; the others have left all the same.
    pub async fn leave(mut self) -> Result<Vec<Arrival>, GroupError> {
        let mut result = Ok(());
        for member in std::mem::take(&mut self.members) {
            // Fails if its task has ended, as does not matter: it is awaited next.
            let _ = member.stop.send(());
            let left = match member.task.await {
                Ok(left) => left.map_err(|error| GroupError::Member(member.name, error)),
                Err(_) => Err(GroupError::Panicked(member.name)),
            };
            result = result.and(left);
        }
        while let Ok(event) = self.events.try_recv() {
            // What they give up by leaving is no news.
            if let Event::Arrived(_) = event {
                result = result.and(self.take(Some(event)));
            }
        }
        result.map(|()| self.arrivals)
    }

    fn take(&mut self, event: Option<Event>) -> Result<(), GroupError> {
        match event {
            Some(Event::Arrived(arrival)) => {
                self.progress.read();
                self.arrivals.push(arrival);
            }
            Some(Event::Rebalanced(member, event)) => self.rebalanced(member, &event),
            Some(Event::Failed(member, error)) => return Err(GroupError::Member(member, error)),
            None => unreachable!("the group holds a sender itself"),
        }
        Ok(())
    }

    fn rebalanced(&mut self, member: &'static str, event: &RebalanceEvent) {
        let owned = self.owned.entry(member).or_default();
        let (verb, partitions) = match event {
            RebalanceEvent::Assigned(partitions) => {
                owned.extend(numbers(partitions));
                ("gets", partitions)
            }
            RebalanceEvent::Revoked(partitions) => {
                owned.retain(|number| !numbers(partitions).any(|gone| gone == *number));
                ("gives up", partitions)
            }
            RebalanceEvent::Lost(partitions) => {
                owned.retain(|number| !numbers(partitions).any(|gone| gone == *number));
                ("loses", partitions)
            }
            _ => return,
        };
        let list: Vec<_> = numbers(partitions)
            .map(|number| number.to_string())
            .collect();
        self.progress.say(format_args!(
            "rebalance: the {member} member {verb} partitions {}",
            list.join(", ")
        ));
    }
}

impl fmt::Debug for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("name", &self.name)
            .field("owned", &self.owned)
            .finish_non_exhaustive()
    }
}

/// Why a group cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// A member failed.
    #[error("the {0} member failed")]
    Member(&'static str, #[source] Error),
    /// A member ended by a defect of this program.
    #[error("the {0} member panicked")]
    Panicked(&'static str),
    /// A member got no partitions.
    #[error("the {0} member got no partitions within {PATIENCE:?}")]
    Idle(&'static str),
}

/// A member at work: reads until it is told to stop, then commits and leaves.
///
/// While it reads, what it has read is committed by itself: every 5 seconds, and before a
/// partition goes to another member. Asking for the next record says that the last one is done
/// with.
async fn read(
    name: &'static str,
    mut consumer: TypedConsumer<Earthquake>,
    events: mpsc::UnboundedSender<Event>,
    mut stopped: oneshot::Receiver<()>,
) -> Result<(), Error> {
    loop {
        tokio::select! {
            received = consumer.recv() => {
                let received = match received {
                    // It joins again by itself, and goes on where the group's offsets are.
                    Err(error) if error.kind() == ErrorKind::GroupLost => continue,
                    received => received,
                };
                // Sending fails only when nobody listens any more.
                match received {
                    Ok(received) => _ = events.send(Event::Arrived(arrival(name, received))),
                    Err(error) => {
                        let _ = events.send(Event::Failed(name, error.clone()));
                        return Err(error);
                    }
                }
            }
            _ = &mut stopped => break,
        }
    }
    consumer.commit().await?;
    consumer.close().await
}

fn arrival(member: &'static str, received: Received<Earthquake>) -> Arrival {
    let record = received.record();
    let bytes = [record.key(), record.value()];
    Arrival {
        member,
        partition: record.partition(),
        offset: record.offset(),
        timestamp_ms: record.timestamp_ms(),
        bytes: bytes.into_iter().flatten().map(|part| part.len()).sum(),
        quake: received.into_value(),
    }
}

fn numbers(partitions: &[TopicPartition]) -> impl Iterator<Item = i32> {
    partitions.iter().map(|partition| partition.partition)
}
