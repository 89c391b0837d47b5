//! Asks a leader where leader epochs end in its log: before what was read of them, if the log was
//! truncated (KIP-320).

use std::collections::BTreeMap;

use kafka_client_protocol::api::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_client_protocol::{ApiKey, ErrorCode, StrBytes};

use super::TopicPartition;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::net::Lane;

/// The first version that asks of consumers no more rights than fetching does.
const FOR_CONSUMERS_SINCE: i16 = 3;

/// The largest epoch of the log that is not above the one asked for, and where it ends; -1 if the
/// leader does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EndOfEpoch {
    pub(super) epoch: i32,
    pub(super) offset: i64,
}

impl EndOfEpoch {
    /// Where the logs part, if that is before this offset. What the leader does not know is no loss.
    pub(super) fn before(self, offset: i64) -> Option<i64> {
        let is_known = self.epoch >= 0 && self.offset >= 0;
        (is_known && self.offset < offset).then_some(self.offset)
    }
}

type Answers = BTreeMap<TopicPartition, Result<EndOfEpoch, Error>>;

/// Asks for the ends of epochs, by the epoch wanted and that of the leader.
///
/// # Cancel safety
/// Cancel safe.
pub(super) async fn ask(
    cluster: &Cluster,
    leader: i32,
    asked: &BTreeMap<TopicPartition, (i32, i32)>,
) -> Result<Answers, Error> {
    let connection = cluster.connect(leader, Lane::Control).await?;
    let version = connection.version::<OffsetForLeaderEpochRequest>(i16::MAX);
    let version = match version {
        Ok(version) if version >= FOR_CONSUMERS_SINCE => version,
        _ => {
            let unsupported = Error::broker(
                ErrorCode::UNSUPPORTED_VERSION,
                ApiKey::OFFSET_FOR_LEADER_EPOCH,
            );
            let all = asked.keys();
            return Ok(all
                .map(|partition| (partition.clone(), Err(unsupported.clone())))
                .collect());
        }
    };
    let all: Vec<_> = asked.iter().collect();
    let topics = all
        .chunk_by(|(a, _), (b, _)| a.topic == b.topic)
        .map(|group| OffsetForLeaderTopic {
            topic: StrBytes::from(&*group[0].0.topic),
            partitions: group
                .iter()
                .map(
                    |(partition, (epoch, leader_epoch))| OffsetForLeaderPartition {
                        partition: partition.partition,
                        current_leader_epoch: *leader_epoch,
                        leader_epoch: *epoch,
                        ..Default::default()
                    },
                )
                .collect(),
            ..Default::default()
        });
    let request = OffsetForLeaderEpochRequest {
        replica_id: -1,
        topics: topics.collect(),
        ..Default::default()
    };
    let within = cluster.config.request_timeout;
    let response = connection.call_with(&request, version, within).await?;
    let known: BTreeMap<(&str, i32), &TopicPartition> = asked
        .keys()
        .map(|partition| ((&*partition.topic, partition.partition), partition))
        .collect();
    let mut answers = Answers::new();
    for topic in &response.topics {
        for answered in &topic.partitions {
            let Some(partition) = known.get(&(&*topic.topic, answered.partition)) else {
                continue;
            };
            let code = ErrorCode::new(answered.error_code);
            let end = EndOfEpoch {
                epoch: answered.leader_epoch,
                offset: answered.end_offset,
            };
            let answer = code.ok().map(|()| end).map_err(|code| {
                Error::broker(code, ApiKey::OFFSET_FOR_LEADER_EPOCH).at_broker(connection.broker())
            });
            answers.insert((*partition).clone(), answer);
        }
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_before_the_position_is_truncation_and_one_that_is_unknown_is_none() {
        let before = |epoch, offset| EndOfEpoch { epoch, offset }.before(100);
        assert_eq!(before(3, 40), Some(40));
        assert_eq!(before(3, 0), Some(0));
        for (epoch, offset) in [(3, 100), (3, 500), (3, -1), (-1, -1), (-1, 40)] {
            assert_eq!(before(epoch, offset), None);
        }
    }
}
