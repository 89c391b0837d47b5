//! Records of a partition as they were produced together.

use kafka_client_protocol::records::{RecordCursor, RecordError};

use super::TopicPartition;
use crate::error::{Error, ErrorKind};
use crate::record::RecordRef;

/// Records of one partition that were produced in one batch. Looking at them copies nothing.
#[derive(Debug)]
pub struct RecordBatch {
    partition: TopicPartition,
    cursor: RecordCursor,
}

impl RecordBatch {
    pub(crate) fn new(partition: TopicPartition, cursor: RecordCursor) -> Self {
        Self { partition, cursor }
    }

    /// Where they are from.
    #[must_use]
    pub fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// The number of records, those in front of the consumer's position left out.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cursor.remaining()
    }

    /// Whether there are none; a batch that was received has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records, in order.
    ///
    /// # Errors
    /// An item is [`ErrorKind::CorruptRecords`] where the batch cannot be read; nothing follows it.
    pub fn iter(&self) -> impl Iterator<Item = Result<RecordRef<'_>, Error>> {
        let TopicPartition { topic, partition } = &self.partition;
        self.cursor.iter().map(move |record| {
            record
                .and_then(|view| RecordRef::from_view(topic, *partition, &view))
                .map_err(|error| self.unreadable(error))
        })
    }

    #[cold]
    fn unreadable(&self, error: RecordError) -> Error {
        let TopicPartition { topic, partition } = &self.partition;
        let text = format!("unreadable record: {error}");
        Error::new(ErrorKind::CorruptRecords, text)
            .with_source(error)
            .at_partition(topic, *partition)
    }
}
