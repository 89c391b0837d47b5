//! What a test does to the state of a broker.

use std::sync::Arc;

use kafka_client_protocol::ErrorCode;

use crate::node::Node;
use crate::partition::Partition;
use crate::refusal::Refusal;

impl Node {
    fn partition(&self, topic: &str, index: i32) -> Result<Arc<Partition>, Refusal> {
        let known = self.topics.named(topic);
        let partition = known.and_then(|known| known.partition(index).cloned());
        partition.ok_or_else(|| {
            let text = format!("there is no partition {topic}-{index}");
            Refusal::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, text)
        })
    }

    /// Begins the next leader epoch.
    pub(crate) fn elect(&self, topic: &str, index: i32) -> Result<i32, Refusal> {
        Ok(self.partition(topic, index)?.elect())
    }

    /// Takes the end of a log away, as an unclean election does; where it ends then.
    pub(crate) fn truncate(&self, topic: &str, index: i32, offset: i64) -> Result<i64, Refusal> {
        let end = self
            .partition(topic, index)?
            .truncate(offset, self.env.wall_ms())?;
        // Else the next start believes what comes now to be on the disk already.
        let written = self.topics.checkpoint();
        written.map_err(|error| Refusal::new(ErrorCode::KAFKA_STORAGE_ERROR, error.to_string()))?;
        Ok(end)
    }

    /// Holds the high watermark, or lets it go; where it is then.
    pub(crate) fn hold_high_watermark(
        &self,
        topic: &str,
        index: i32,
        hold: bool,
    ) -> Result<i64, Refusal> {
        Ok(self.partition(topic, index)?.hold_high_watermark(hold))
    }

    /// Forgets a producer; whether it was known.
    pub(crate) fn forget_producer(
        &self,
        topic: &str,
        index: i32,
        producer_id: i64,
    ) -> Result<bool, Refusal> {
        let partition = self.partition(topic, index)?;
        let is_known = partition.log().forget_producer(producer_id);
        Ok(is_known)
    }
}
