//! OffsetCommit (key 8), versions 2 to 10: offsets into `__consumer_offsets`.
//!
//! The committer is judged once for all: member, generation and the group's state. Topics
//! and partitions are judged one by one: unknown ones get error 3, or 100 by id in version 10, text
//! over `offset.metadata.max.bytes` gets 12; the rest is stored in one batch. A member of a group
//! that does not exist gets error 22, from version 9 on 69. With the retention time of versions up to
//! 4 offsets expire that long after the commit, whatever becomes of the group.

use std::sync::Arc;

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitResponse,
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

use super::{Api, Call, GroupPart, Named, NamedGroups, Part, Target, TopicRef, parts};
use crate::group::{Commit, Committer, OffsetCommitValue};
use crate::security::acl::AclOperation;
use crate::topics::Topic;

const NOT_FOUND_SINCE: i16 = 9;
const TOPIC_IDS_SINCE: i16 = 10;

impl Api for OffsetCommitRequest {
    const NAMES: Named = Named::Partitions;

    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_group(AclOperation::Read, &self.group_id)
    }

    fn needs_on_topics(&self, _: &Call<'_>) -> Option<AclOperation> {
        Some(AclOperation::Read)
    }

    const NAMES_GROUPS: NamedGroups = NamedGroups::Members;

    fn groups(&self) -> Vec<GroupPart<'_>> {
        vec![GroupPart {
            group: &self.group_id,
            member_id: &self.member_id,
            instance_id: self.group_instance_id.as_deref(),
        }]
    }

    async fn answer(self, call: &Call<'_>) -> OffsetCommitResponse {
        let node = call.node;
        let now_ms = node.env.wall_ms();
        let times = Times {
            commit_ms: now_ms,
            expire_ms: match self.retention_time_ms {
                -1 => -1,
                retention_ms => now_ms.saturating_add(retention_ms),
            },
        };
        let mut commits = Vec::new();
        let mut errors = Vec::new();
        for asked in &self.topics {
            let by_id = call.version >= TOPIC_IDS_SINCE;
            let topic = node.find_topic(by_id, asked.topic_id, &asked.name);
            for partition in &asked.partitions {
                let result = topic.as_ref().map_err(|refusal| refusal.code);
                let result = result.and_then(|topic| to_commit(call, topic, partition, times));
                errors.push(result.map(|commit| commits.push(commit)).err());
            }
        }
        let committer = Committer {
            member_id: &self.member_id,
            instance_id: self.group_instance_id.as_deref(),
            generation: self.generation_id_or_member_epoch,
        };
        let unknown = if call.version >= NOT_FOUND_SINCE {
            ErrorCode::GROUP_ID_NOT_FOUND
        } else {
            ErrorCode::ILLEGAL_GENERATION
        };
        let outcome = node
            .groups
            .commit(&self.group_id, committer, unknown, commits)
            .await;
        let outcome = outcome.err().unwrap_or(ErrorCode::NONE);
        let mut errors = errors.into_iter();
        each(&self, || errors.next().flatten().unwrap_or(outcome))
    }

    fn refuse(&self, error: ErrorCode) -> OffsetCommitResponse {
        each(self, || error)
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let topics = self.topics.iter();
        topics
            .flat_map(|topic| {
                let named = TopicRef::new(&topic.name, topic.topic_id);
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
            |topic, one| {
                target.is(
                    TopicRef::new(&topic.name, topic.topic_id),
                    one.partition_index,
                )
            },
        );
        (!taken.is_empty()).then(|| Self {
            topics: taken,
            ..self.clone()
        })
    }

    fn put(answer: &mut OffsetCommitResponse, refused: OffsetCommitResponse) {
        parts::put_by(
            &mut answer.topics,
            refused.topics,
            |topic| (topic.name.clone(), topic.topic_id),
            |known, topic| {
                parts::put_partitions(&mut known.partitions, topic.partitions, |one| {
                    one.partition_index
                });
            },
        );
    }
}

/// When offsets were committed, and when they expire; -1 leaves that to the broker.
#[derive(Debug, Clone, Copy)]
struct Times {
    commit_ms: i64,
    expire_ms: i64,
}

fn to_commit(
    call: &Call<'_>,
    topic: &Arc<Topic>,
    asked: &OffsetCommitRequestPartition,
    times: Times,
) -> Result<Commit, ErrorCode> {
    if topic.partition(asked.partition_index).is_none() {
        return Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    }
    let metadata = asked.committed_metadata.clone().unwrap_or_default();
    if metadata.len() > call.node.config().offset_metadata_bytes_max {
        return Err(ErrorCode::OFFSET_METADATA_TOO_LARGE);
    }
    Ok(Commit {
        topic: Arc::clone(topic),
        partition: asked.partition_index,
        value: OffsetCommitValue {
            offset: asked.committed_offset,
            leader_epoch: asked.committed_leader_epoch,
            // A copy: the frame it came in may be large.
            metadata: metadata.as_str().into(),
            commit_timestamp: times.commit_ms,
            expire_timestamp: times.expire_ms,
            topic_id: topic.id,
            ..Default::default()
        },
    })
}

fn each(
    request: &OffsetCommitRequest,
    mut error: impl FnMut() -> ErrorCode,
) -> OffsetCommitResponse {
    let mut topics = Vec::new();
    // Kafka leaves out a topic of which nothing was asked.
    for topic in request
        .topics
        .iter()
        .filter(|one| !one.partitions.is_empty())
    {
        let mut partitions = Vec::new();
        for partition in &topic.partitions {
            partitions.push(OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: error().code(),
                ..Default::default()
            });
        }
        topics.push(OffsetCommitResponseTopic {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions,
            ..Default::default()
        });
    }
    OffsetCommitResponse {
        topics,
        ..Default::default()
    }
}
