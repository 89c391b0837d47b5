//! A topic on its way out: its partitions, and where records without a key go.

use std::sync::Arc;

use super::partition::{Partition, TopicName};
use super::partitioner::{self, Sticky};
use super::shared::Shared;
use crate::cluster::TopicMetadata;
use crate::error::{Error, ErrorKind};

/// A topic that records are produced to.
#[derive(Debug)]
pub(crate) struct Topic {
    name: Arc<TopicName>,
    /// By number.
    partitions: Vec<Arc<Partition>>,
    sticky: Sticky,
}

impl Topic {
    pub(crate) fn new(metadata: &TopicMetadata, shared: &Shared) -> Self {
        let mut this = Self {
            name: Arc::new(TopicName::new(metadata.name.clone(), metadata.id)),
            partitions: Vec::new(),
            sticky: Sticky::default(),
        };
        this.resize(metadata, shared);
        this
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name.name
    }

    /// Whether the metadata has other partitions, or another topic of the same name.
    pub(crate) fn is_changed_by(&self, metadata: &TopicMetadata) -> bool {
        metadata.partitions.len() > self.partitions.len() || self.is_made_anew(metadata)
    }

    /// Whether the topic was deleted and another one made under its name.
    fn is_made_anew(&self, metadata: &TopicMetadata) -> bool {
        let id = self.name.id();
        !metadata.error.is_error() && !id.is_zero() && id != metadata.id && !metadata.id.is_zero()
    }

    /// Takes new partitions. Of a topic that was made anew nothing is left but what was never sent:
    /// that is for the new one.
    pub(crate) fn change(&mut self, metadata: &TopicMetadata, shared: &Shared) {
        if self.is_made_anew(metadata) {
            tracing::warn!(
                topic = %self.name(), from = %self.name.id(), to = %metadata.id,
                "the topic was deleted and made anew; what was sent to the former one and not \
                 acknowledged may be lost with it"
            );
            self.name.set_id(metadata.id);
            for (index, partition) in self.partitions.iter().enumerate() {
                partition.begin_anew(shared, index >= metadata.partitions.len());
            }
            self.partitions.truncate(metadata.partitions.len());
        }
        self.resize(metadata, shared);
    }

    fn resize(&mut self, metadata: &TopicMetadata, shared: &Shared) {
        let known = self.partitions.len();
        for (index, partition) in metadata.partitions.iter().enumerate().skip(known) {
            let name = self.name.clone();
            let partition = Partition::new(name, index as i32, partition.leader, shared);
            self.partitions.push(Arc::new(partition));
        }
    }

    /// Takes leaders; partitions with another one than before are added to `moved`.
    pub(crate) fn follow(&self, metadata: &TopicMetadata, moved: &mut Vec<Arc<Partition>>) {
        if self.name.id().is_zero() {
            self.name.set_id(metadata.id);
        }
        for (partition, known) in self.partitions.iter().zip(&metadata.partitions) {
            if partition.set_leader(known.leader) && known.leader >= 0 {
                moved.push(partition.clone());
            }
        }
    }

    /// Calls `with` with the partition for a record: its own choice, else by key, else sticky.
    pub(crate) fn with_partition<T>(
        &self,
        shared: &Shared,
        chosen: Option<i32>,
        key: Option<&[u8]>,
        size: usize,
        with: impl FnOnce(&Arc<Partition>) -> T,
    ) -> Result<T, Error> {
        let partitions = &self.partitions;
        let count = partitions.len();
        let index = match (chosen, key) {
            (Some(chosen), _) => usize::try_from(chosen).unwrap_or(usize::MAX),
            (None, Some(key)) => partitioner::by_key(key, count),
            (None, None) => self.sticky.next(
                size,
                shared.config.batch_size,
                count,
                |index| partitions[index].leader() >= 0,
                shared.env(),
            ),
        };
        match partitions.get(index) {
            Some(partition) => Ok(with(partition)),
            None => Err(Error::new(
                ErrorKind::UnknownTopic,
                format!(
                    "the topic has {count} partitions, 0 to {}",
                    count as i64 - 1
                ),
            )
            .at_partition(self.name(), chosen.unwrap_or(-1))),
        }
    }
}
