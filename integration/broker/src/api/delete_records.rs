//! DeleteRecords (key 21), versions 0 to 2: the first offset of partitions moves forward.
//!
//! What lies before it is gone for readers at once, and stays gone after a crash: the answer is given once the new
//! start is on the disk. The segments below it go with the next check of retention. Versions 1 and 2 only change the
//! form.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest,
    DeleteRecordsResponse, DeleteRecordsTopicResult,
};

use super::{Api, Call, Named, Part, Target, TopicRef, parts};
use crate::node::Node;
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;
use crate::topics::Topic;

impl Api for DeleteRecordsRequest {
    const NAMES: Named = Named::Partitions;

    fn needs_on_topics(&self, _: &Call<'_>) -> Option<AclOperation> {
        Some(AclOperation::Delete)
    }

    async fn answer(self, call: &Call<'_>) -> DeleteRecordsResponse {
        let request = self.clone();
        let answer = call.node.apart(move |node| delete(node, &request)).await;
        answer.unwrap_or_else(|_| self.refuse(ErrorCode::UNKNOWN_SERVER_ERROR))
    }

    fn refuse(&self, error: ErrorCode) -> DeleteRecordsResponse {
        each(self, |_, _| Err(error))
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let topics = self.topics.iter();
        topics
            .flat_map(|topic| {
                let named = TopicRef::Name(&topic.name);
                Part::partitions(
                    named,
                    topic.partitions.iter().map(|one| one.partition_index),
                )
            })
            .collect()
    }

    fn take(&mut self, target: &Target<'_>) -> Option<Self> {
        let taken = parts::take(
            &mut self.topics,
            |topic| &mut topic.partitions,
            |topic, one| target.is(TopicRef::Name(&topic.name), one.partition_index),
        );
        (!taken.is_empty()).then(|| Self {
            topics: taken,
            ..self.clone()
        })
    }

    fn put(answer: &mut DeleteRecordsResponse, refused: DeleteRecordsResponse) {
        parts::put_by(
            &mut answer.topics,
            refused.topics,
            |one| one.name.clone(),
            |known, topic| {
                parts::put_partitions(&mut known.partitions, topic.partitions, |one| {
                    one.partition_index
                });
            },
        );
    }
}

fn delete(node: &Node, request: &DeleteRecordsRequest) -> DeleteRecordsResponse {
    let mut has_moved = false;
    let answer = each(request, |name, asked| {
        let topic = node.topics.named(name);
        let topic = topic.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let low_watermark = delete_of(&topic, asked).map_err(|refusal| refusal.code)?;
        has_moved = true;
        Ok(low_watermark)
    });
    if has_moved && let Err(error) = node.topics.checkpoint() {
        tracing::error!(%error, "the start of logs was not stored");
        return each(request, |_, _| Err(ErrorCode::KAFKA_STORAGE_ERROR));
    }
    answer
}

fn delete_of(topic: &Topic, asked: &DeleteRecordsPartition) -> Result<i64, Refusal> {
    let partition = topic.partition(asked.partition_index);
    let partition = partition.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    if topic.is_internal() {
        return Err(ErrorCode::INVALID_TOPIC_EXCEPTION.into());
    }
    if !topic.config().log.deletes {
        return Err(Refusal::new(
            ErrorCode::POLICY_VIOLATION,
            format!("the cleanup.policy of topic {} does not delete", topic.name),
        ));
    }
    partition.delete_records(asked.offset)
}

fn each(
    request: &DeleteRecordsRequest,
    mut one: impl FnMut(&str, &DeleteRecordsPartition) -> Result<i64, ErrorCode>,
) -> DeleteRecordsResponse {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let (error, low_watermark) = match one(&topic.name, asked) {
                Ok(low_watermark) => (ErrorCode::NONE, low_watermark),
                Err(error) => (error, -1),
            };
            DeleteRecordsPartitionResult {
                partition_index: asked.partition_index,
                low_watermark,
                error_code: error.code(),
                ..Default::default()
            }
        });
        DeleteRecordsTopicResult {
            name: topic.name.clone(),
            partitions: partitions.collect(),
            ..Default::default()
        }
    });
    DeleteRecordsResponse {
        topics: topics.collect(),
        ..Default::default()
    }
}
