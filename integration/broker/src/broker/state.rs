//! Changes of the broker's state that a test asks for.

use super::{Broker, BrokerError};
use crate::refusal::Refusal;

impl Broker {
    /// Begins the next leader epoch of a partition, as when its leader is elected anew; the epoch, or
    /// `None` if there is no such partition.
    pub fn elect(&self, topic: &str, partition: i32) -> Option<i32> {
        self.node.elect(topic, partition).ok()
    }

    /// Takes the records from an offset on out of a partition and begins the next leader epoch, as an
    /// unclean election does. A batch goes as a whole, so the log may end before the offset; the new
    /// end is returned.
    ///
    /// What the partition knew of producers from those records is forgotten. Groups keep their
    /// offsets, also those that are beyond the end then. An answer with these records that is on its way ends with
    /// its connection.
    ///
    /// # Errors
    /// When there is no such partition, the offset is outside of its log, or the disk fails.
    pub fn truncate(&self, topic: &str, partition: i32, offset: i64) -> Result<i64, BrokerError> {
        Ok(self.node.truncate(topic, partition, offset)?)
    }

    /// Holds the high watermark of a partition where it is, as when the other replicas fall behind, or
    /// lets it go again; where it is then, or `None` if there is no such partition.
    ///
    /// While it is held, records are appended, but consumers do not see them, a producer with
    /// `acks=all` waits and is told REQUEST_TIMED_OUT at the end of its time, and commits of offsets to
    /// a partition of `__consumer_offsets` that is held wait as well.
    pub fn hold_high_watermark(&self, topic: &str, partition: i32, hold: bool) -> Option<i64> {
        self.node.hold_high_watermark(topic, partition, hold).ok()
    }

    /// Moves the coordinator of a group away and back. Who waits for the group to gather is answered
    /// with `NOT_COORDINATOR`, and so is the next request of each other member. The group is then what
    /// `__consumer_offsets` says of it: a rebalance under way is forgotten, members that had yet to be
    /// stored are unknown, and all others have a whole session time-out.
    ///
    /// # Errors
    /// When there is no such group, or its records cannot be read.
    pub fn move_coordinator(&self, group: &str) -> Result<(), BrokerError> {
        Ok(self.node.groups.move_coordinator(group)?)
    }

    /// Drops all fetch sessions (KIP-227), as a broker does that starts anew: the next request of each
    /// is answered with `FETCH_SESSION_ID_NOT_FOUND`. Returns how many there were.
    pub fn evict_fetch_sessions(&self) -> usize {
        self.node.fetch_sessions().clear()
    }

    /// Lets a partition forget what it knows of an idempotent producer, as Kafka does after
    /// `producer.id.expiration.ms`; whether it knew of it.
    ///
    /// # Errors
    /// When there is no such partition.
    pub fn forget_producer(
        &self,
        topic: &str,
        partition: i32,
        producer_id: i64,
    ) -> Result<bool, BrokerError> {
        Ok(self.node.forget_producer(topic, partition, producer_id)?)
    }
}

impl From<Refusal> for BrokerError {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code,
            message: refusal.message,
        }
    }
}
