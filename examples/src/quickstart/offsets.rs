//! What the cluster says about the topic and the group, once all is over.

use kafka_client::consumer::TopicPartition;
use kafka_client::{Error, Kafka};

/// The offsets of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offsets {
    /// The partition.
    pub partition: i32,
    /// The first record's.
    pub first: i64,
    /// The next record's that will be written.
    pub next: i64,
    /// What the group has stored: the next record's that it will read. `None` if it has nothing.
    pub committed: Option<i64>,
}

/// Asks for the offsets of a topic, and for those that a group has committed for it.
///
/// # Errors
/// When the cluster does not answer.
pub async fn of_group(
    kafka: &Kafka,
    group: &str,
    topic: &str,
    partitions: i32,
) -> Result<Vec<Offsets>, Error> {
    let partitions: Vec<_> = (0..partitions)
        .map(|partition| TopicPartition::new(topic, partition))
        .collect();
    // Not a member of the group, since it subscribes to nothing.
    let observer = kafka.consumer(group).manual_commit().assign([]).await?;
    let handle = observer.handle();
    let written = handle.offsets(&partitions).await?;
    let committed = handle.committed(&partitions).await?;
    observer.close().await?;
    let offsets = written
        .into_iter()
        .map(|(partition, (first, next))| Offsets {
            partition: partition.partition,
            first,
            next,
            committed: committed.get(&partition).copied(),
        });
    Ok(offsets.collect())
}
