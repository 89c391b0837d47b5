//! A topic on its way out: its partitions, and where records go that name none.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kafka_client_protocol::Uuid;

use super::partition::{Finished, Partition, TopicName};
use super::partitioner::{Candidates, Memory};
use super::shared::Shared;
use crate::cluster::{Metadata, TopicMetadata};
use crate::error::{Error, ErrorKind};
use crate::record::Record;

/// A topic that records are produced to. Its partitions never change: a topic that does is replaced.
#[derive(Debug)]
pub(crate) struct Topic {
    name: Arc<TopicName>,
    /// By number.
    partitions: Vec<Arc<Partition>>,
    state: Arc<State>,
}

/// What outlives a replacement.
#[derive(Debug, Default)]
struct State {
    memory: Memory,
    /// Some partition's leader is in the client's rack.
    has_near: AtomicBool,
}

impl Topic {
    pub(crate) fn new(metadata: &TopicMetadata, shared: &Shared) -> Self {
        let mut this = Self {
            name: Arc::new(TopicName::new(metadata.name.clone(), metadata.id)),
            partitions: Vec::new(),
            state: Arc::default(),
        };
        this.resize(metadata, shared);
        this
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name.name
    }

    /// The id of the topic, by which one that is made anew is another one.
    pub(crate) fn id(&self) -> Uuid {
        self.name.id()
    }

    /// Whether records were sent to it since the last call.
    pub(crate) fn take_used(&self) -> bool {
        self.name.take_used()
    }

    /// Whether the metadata has the topic.
    pub(crate) fn is_in(&self, metadata: &Metadata) -> bool {
        let known = metadata.topic(self.name());
        known.is_some_and(|known| !known.partitions.is_empty())
    }

    /// Whether the metadata has more partitions, or another topic of the same name.
    pub(crate) fn is_changed_by(&self, metadata: &TopicMetadata) -> bool {
        metadata.partitions.len() > self.partitions.len() || self.is_made_anew(metadata)
    }

    /// Whether the topic was deleted and another one made under its name. One without partitions is
    /// not there yet, whatever its id: records go to partitions, so a topic here has some.
    pub(crate) fn is_made_anew(&self, metadata: &TopicMetadata) -> bool {
        let id = self.name.id();
        !metadata.error.is_error()
            && !metadata.partitions.is_empty()
            && !id.is_zero()
            && id != metadata.id
            && !metadata.id.is_zero()
    }

    /// The topic as the metadata has it. Of one that was made anew nothing is kept but what was never
    /// sent: that is for the new one. What is over by that is added to `finished`.
    pub(crate) fn changed(
        &self,
        metadata: &TopicMetadata,
        shared: &Shared,
        finished: &mut Vec<Finished>,
    ) -> Self {
        let mut partitions = self.partitions.clone();
        if self.is_made_anew(metadata) {
            self.name.set_id(metadata.id);
            for (index, partition) in partitions.iter().enumerate() {
                partition.begin_anew(index >= metadata.partitions.len(), finished);
            }
            partitions.truncate(metadata.partitions.len());
        }
        let mut changed = Self {
            name: self.name.clone(),
            partitions,
            state: self.state.clone(),
        };
        changed.resize(metadata, shared);
        changed
    }

    /// Takes new partitions.
    fn resize(&mut self, metadata: &TopicMetadata, shared: &Shared) {
        let known = self.partitions.len();
        for (index, partition) in metadata.partitions.iter().enumerate().skip(known) {
            let name = self.name.clone();
            let partition = Partition::new(name, index as i32, partition.leader, shared);
            self.partitions.push(Arc::new(partition));
        }
    }

    /// Takes leaders; partitions with another one than before are added to `moved`.
    pub(crate) fn follow(
        &self,
        known: &TopicMetadata,
        metadata: &Metadata,
        rack: Option<&str>,
        moved: &mut Vec<Arc<Partition>>,
    ) {
        if self.name.id().is_zero() {
            self.name.set_id(known.id);
        }
        let mut has_near = false;
        for (partition, known) in self.partitions.iter().zip(&known.partitions) {
            if partition.set_leader(known.leader) && known.leader >= 0 {
                moved.push(partition.clone());
            }
            if rack.is_some() {
                let broker = metadata.broker(known.leader);
                let near = broker.is_some_and(|broker| broker.rack.as_deref() == rack);
                partition.set_near(near);
                has_near |= near;
            }
        }
        self.state.has_near.store(has_near, Ordering::Relaxed);
    }

    /// The partition for a record: its own choice, else the partitioner's.
    #[inline]
    pub(crate) fn partition_of(
        &self,
        record: &Record<'_>,
        shared: &Shared,
    ) -> Result<&Arc<Partition>, Error> {
        let index = match record.partition {
            Some(chosen) => chosen,
            None => {
                let config = &shared.config;
                let (memory, spread) = (&self.state.memory, config.spread());
                config
                    .partitioner
                    .choose(record, self, memory, spread, shared.env())
            }
        };
        usize::try_from(index)
            .ok()
            .and_then(|index| self.partitions.get(index))
            .ok_or_else(|| self.no_such_partition(index))
    }

    #[cold]
    fn no_such_partition(&self, index: i32) -> Error {
        let count = self.partitions.len();
        let last = count as i64 - 1;
        let text = format!("the topic has {count} partitions, 0 to {last}");
        let kind = match index {
            ..0 => ErrorKind::Config,
            0.. => ErrorKind::UnknownTopic,
        };
        // Partitions that are added are heard of later (`metadata.max.age.ms`); to send again at once
        // does not help.
        Error::new(kind, text)
            .lasting()
            .at_partition(self.name(), index)
    }
}

impl Candidates for Topic {
    fn count(&self) -> usize {
        self.partitions.len()
    }

    fn is_available(&self, partition: usize) -> bool {
        self.partitions[partition].leader() >= 0
    }

    fn has_near(&self) -> bool {
        self.state.has_near.load(Ordering::Relaxed)
    }

    fn is_near(&self, partition: usize) -> bool {
        self.partitions[partition].is_near()
    }

    fn backlog(&self, partition: usize) -> u32 {
        self.partitions[partition].backlog()
    }
}

thread_local! {
    /// The topic that this thread has sent to last: most threads send to one for long.
    static LAST: Cell<Option<Last>> = const { Cell::new(None) };
}

/// A topic, as long as the topics of its producer are what they were.
struct Last {
    producer: usize,
    generation: u64,
    topic: Arc<Topic>,
}

/// Calls `with` with the topic of this name: the thread's last one, or what `find` finds.
#[inline]
pub(crate) fn with_cached<T>(
    producer: usize,
    generation: u64,
    name: &str,
    find: impl FnOnce() -> Option<Arc<Topic>>,
    with: impl FnOnce(&Topic) -> T,
) -> Option<T> {
    // Taken out, not borrowed: a partitioner of the user's may itself send a record.
    let topic = match LAST.take() {
        Some(last)
            if last.producer == producer
                && last.generation == generation
                && **last.topic.name() == *name =>
        {
            last.topic
        }
        _ => find()?,
    };
    let result = with(&topic);
    LAST.set(Some(Last {
        producer,
        generation,
        topic,
    }));
    Some(result)
}
