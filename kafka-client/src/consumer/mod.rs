//! Consuming records.

mod group;
mod topic_partition;

pub use group::Assignor;
pub use topic_partition::TopicPartition;
