//! OffsetForLeaderEpoch (key 23), versions 2 to 4: where a leader epoch ends in a log.
//!
//! The answer is the largest epoch that is not above the one asked for, and the offset behind its last
//! record; -1 and -1 for an epoch above all.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition, OffsetForLeaderTopic, OffsetForLeaderTopicResult,
};

use super::{Api, Call, Named, Part, Target, TopicRef, parts};
use crate::security::acl::AclOperation;

impl Api for OffsetForLeaderEpochRequest {
    const NAMES: Named = Named::Partitions;

    fn needs_on_topics(&self, call: &Call<'_>) -> Option<AclOperation> {
        // Brokers may ask about every topic.
        let is_broker = call.may_on_cluster(AclOperation::ClusterAction);
        (!is_broker).then_some(AclOperation::Describe)
    }

    async fn answer(self, call: &Call<'_>) -> OffsetForLeaderEpochResponse {
        each(&self, |topic, asked| {
            let known = call.node.topics.named(&topic.topic);
            let partition = known
                .as_ref()
                .and_then(|topic| topic.partition(asked.partition))
                .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
            partition.check_epoch(asked.current_leader_epoch)?;
            if asked.leader_epoch < 0 {
                return Ok((-1, -1));
            }
            let end = partition.log().end_of_epoch(asked.leader_epoch);
            Ok(end.unwrap_or((-1, -1)))
        })
    }

    fn refuse(&self, error: ErrorCode) -> OffsetForLeaderEpochResponse {
        each(self, |_, _| Err(error))
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let topics = self.topics.iter();
        topics
            .flat_map(|topic| {
                let named = TopicRef::Name(&topic.topic);
                Part::partitions(named, topic.partitions.iter().map(|one| one.partition))
            })
            .collect()
    }

    fn take(&mut self, target: &Target<'_>) -> Option<Self> {
        let taken = parts::take(
            &mut self.topics,
            |topic| &mut topic.partitions,
            |topic, one| target.is(TopicRef::Name(&topic.topic), one.partition),
        );
        (!taken.is_empty()).then(|| Self {
            topics: taken,
            ..self.clone()
        })
    }

    fn put(answer: &mut OffsetForLeaderEpochResponse, refused: OffsetForLeaderEpochResponse) {
        parts::put_by(
            &mut answer.topics,
            refused.topics,
            |one| one.topic.clone(),
            |known, topic| {
                parts::put_partitions(&mut known.partitions, topic.partitions, |one| one.partition);
            },
        );
    }
}

fn each(
    request: &OffsetForLeaderEpochRequest,
    find: impl Fn(&OffsetForLeaderTopic, &OffsetForLeaderPartition) -> Result<(i32, i64), ErrorCode>,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let (error, (leader_epoch, end_offset)) = match find(topic, asked) {
                Ok(end) => (ErrorCode::NONE, end),
                Err(error) => (error, (-1, -1)),
            };
            EpochEndOffset {
                error_code: error.code(),
                partition: asked.partition,
                leader_epoch,
                end_offset,
                ..Default::default()
            }
        });
        OffsetForLeaderTopicResult {
            topic: topic.topic.clone(),
            partitions: partitions.collect(),
            ..Default::default()
        }
    });
    OffsetForLeaderEpochResponse {
        topics: topics.collect(),
        ..Default::default()
    }
}
