//! OffsetDelete (key 47), version 0: a group forgets committed offsets.
//!
//! Offsets of topics that a consumer of the group reads stay, with error 86. A group of another kind
//! must have no members. An error of the group is that of the whole answer, without any topic.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestTopic, OffsetDeleteResponse,
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};

use super::{Api, Call, GroupPart, Named, NamedGroups, Part, Target, TopicRef, parts};
use crate::security::acl::AclOperation;

impl Api for OffsetDeleteRequest {
    const NAMES: Named = Named::Partitions;

    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_group(AclOperation::Delete, &self.group_id)
    }

    fn needs_on_topics(&self, _: &Call<'_>) -> Option<AclOperation> {
        Some(AclOperation::Read)
    }

    const NAMES_GROUPS: NamedGroups = NamedGroups::Groups;

    fn groups(&self) -> Vec<GroupPart<'_>> {
        vec![GroupPart::group(&self.group_id)]
    }

    async fn answer(self, call: &Call<'_>) -> OffsetDeleteResponse {
        if self.group_id.is_empty() {
            return self.refuse(ErrorCode::INVALID_GROUP_ID);
        }
        let mut wanted = Vec::new();
        let mut is_known = Vec::new();
        for asked in &self.topics {
            let topic = call.node.topics.named(&asked.name);
            for index in asked.partitions.iter().map(|one| one.partition_index) {
                let partition = topic.as_ref().and_then(|topic| topic.partition(index));
                is_known.push(partition.is_some());
                if partition.is_some() {
                    wanted.push((asked.name.as_str(), index));
                }
            }
        }
        let deleted = call.node.groups.delete_offsets(&self.group_id, &wanted);
        let results = match deleted.await {
            Ok(results) => results,
            Err(error) => return self.refuse(error),
        };
        let mut results = results.into_iter();
        let mut errors = is_known.into_iter().map(|is_known| {
            if !is_known {
                return ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
            }
            let result = results.next().unwrap_or(Ok(()));
            result.err().unwrap_or(ErrorCode::NONE)
        });
        each(&self.topics, || errors.next().unwrap_or(ErrorCode::NONE))
    }

    fn refuse(&self, error: ErrorCode) -> OffsetDeleteResponse {
        OffsetDeleteResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let topics = self.topics.iter();
        topics
            .flat_map(|topic| {
                let indexes = topic.partitions.iter().map(|one| one.partition_index);
                Part::partitions(TopicRef::Name(&topic.name), indexes)
            })
            .collect()
    }

    fn take(&mut self, target: &Target<'_>) -> Option<Self> {
        let topics = parts::take(
            &mut self.topics,
            |topic| &mut topic.partitions,
            |topic, one| target.is(TopicRef::Name(&topic.name), one.partition_index),
        );
        (!topics.is_empty()).then(|| Self {
            topics,
            ..self.clone()
        })
    }

    fn refuse_taken(&self, _: &Target<'_>, error: ErrorCode) -> OffsetDeleteResponse {
        each(&self.topics, || error)
    }

    fn put(answer: &mut OffsetDeleteResponse, refused: OffsetDeleteResponse) {
        if answer.error_code != 0 {
            return;
        }
        parts::put_by(
            &mut answer.topics,
            refused.topics,
            |topic| topic.name.clone(),
            |known, topic| {
                parts::put_partitions(&mut known.partitions, topic.partitions, |one| {
                    one.partition_index
                });
            },
        );
    }
}

fn each(
    topics: &[OffsetDeleteRequestTopic],
    mut error: impl FnMut() -> ErrorCode,
) -> OffsetDeleteResponse {
    let topic = |topic: &OffsetDeleteRequestTopic| {
        let partitions = topic.partitions.iter();
        let partitions = partitions.map(|one| OffsetDeleteResponsePartition {
            partition_index: one.partition_index,
            error_code: error().code(),
        });
        OffsetDeleteResponseTopic {
            name: topic.name.clone(),
            partitions: partitions.collect(),
        }
    };
    // Kafka leaves out a topic of which nothing was asked.
    let topics = topics.iter().filter(|topic| !topic.partitions.is_empty());
    OffsetDeleteResponse {
        topics: topics.map(topic).collect(),
        ..Default::default()
    }
}
