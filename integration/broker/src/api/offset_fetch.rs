//! OffsetFetch (key 9), versions 1 to 10: committed offsets of one group or, from version 8, of
//! several (KIP-709).
//!
//! Null for the topics (from version 2) means all that the group has. What was never committed is
//! offset -1 without an error. Without transactions every offset is stable, so `require_stable`
//! (version 7) changes nothing. Version 10 names topics by id; an unknown id gets error 100, and an
//! offset of another topic that had the name is none.

use kafka_client_protocol::api::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponse,
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_client_protocol::{ErrorCode, StrBytes, Uuid};

use super::{Api, Call, GroupPart, Named, NamedGroups, Part, Target, TopicRef, parts};
use crate::group::{self, OffsetCommitValue, Offsets};
use crate::security::acl::AclOperation;

const GROUPS_SINCE: i16 = 8;
const TOPIC_IDS_SINCE: i16 = 10;

impl Api for OffsetFetchRequest {
    const NAMES: Named = Named::Partitions;

    const NAMES_GROUPS: NamedGroups = NamedGroups::Members;

    fn groups(&self) -> Vec<GroupPart<'_>> {
        if self.groups.is_empty() {
            return vec![GroupPart::group(&self.group_id)];
        }
        let groups = self.groups.iter().map(|one| GroupPart {
            member_id: one.member_id.as_deref().unwrap_or_default(),
            ..GroupPart::group(&one.group_id)
        });
        groups.collect()
    }

    async fn answer(self, call: &Call<'_>) -> OffsetFetchResponse {
        if call.version >= GROUPS_SINCE {
            let mut groups = Vec::with_capacity(self.groups.len());
            for group in &self.groups {
                groups.push(fetch(call, group).await);
            }
            return OffsetFetchResponse {
                groups,
                ..Default::default()
            };
        }
        one_group(fetch(call, &as_group(&self)).await)
    }

    fn refuse(&self, error: ErrorCode) -> OffsetFetchResponse {
        if self.groups.is_empty() {
            return one_group(refused(&as_group(self), error));
        }
        let groups = self
            .groups
            .iter()
            .map(|group| refused(group, error))
            .collect();
        OffsetFetchResponse {
            groups,
            ..Default::default()
        }
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let old = self.topics.iter().flatten();
        let old = old.flat_map(|topic| {
            let named = TopicRef::Name(&topic.name);
            Part::partitions(named, topic.partition_indexes.iter().copied())
        });
        let groups = self.groups.iter();
        let grouped = groups.flat_map(|group| group.topics.iter().flatten());
        let grouped = grouped.flat_map(|topic| {
            let named = TopicRef::new(&topic.name, topic.topic_id);
            Part::partitions(named, topic.partition_indexes.iter().copied())
        });
        old.chain(grouped).collect()
    }

    fn take(&mut self, target: &Target<'_>) -> Option<Self> {
        let topics = self.topics.as_mut().map(|topics| {
            parts::take(
                topics,
                |topic| &mut topic.partition_indexes,
                |topic, index| target.is(TopicRef::Name(&topic.name), *index),
            )
        });
        let mut groups = Vec::new();
        for group in &mut self.groups {
            let topics = parts::take(
                group.topics.as_deref_mut().unwrap_or_default(),
                |topic| &mut topic.partition_indexes,
                |topic, index| target.is(TopicRef::new(&topic.name, topic.topic_id), *index),
            );
            if !topics.is_empty() {
                groups.push(OffsetFetchRequestGroup {
                    topics: Some(topics),
                    ..group.clone()
                });
            }
        }
        let nothing = topics.as_ref().is_none_or(Vec::is_empty) && groups.is_empty();
        (!nothing).then(|| Self {
            topics,
            groups,
            ..self.clone()
        })
    }

    fn refuse_taken(&self, _: &Target<'_>, error: ErrorCode) -> OffsetFetchResponse {
        // An error of its own for each, where `refuse` has one for the group.
        if self.groups.is_empty() {
            return one_group(refused_parts(&as_group(self), error));
        }
        let groups = self.groups.iter();
        OffsetFetchResponse {
            groups: groups.map(|group| refused_parts(group, error)).collect(),
            ..Default::default()
        }
    }

    fn put(answer: &mut OffsetFetchResponse, refused: OffsetFetchResponse) {
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
        parts::put_by(
            &mut answer.groups,
            refused.groups,
            |one| one.group_id.clone(),
            put_group,
        );
    }
}

fn put_group(known: &mut OffsetFetchResponseGroup, refused: OffsetFetchResponseGroup) {
    parts::put_by(
        &mut known.topics,
        refused.topics,
        |topic| (topic.name.clone(), topic.topic_id),
        |known, topic| {
            parts::put_partitions(&mut known.partitions, topic.partitions, |one| {
                one.partition_index
            });
        },
    );
}

/// The one group of an older request, in the form of version 8.
fn as_group(request: &OffsetFetchRequest) -> OffsetFetchRequestGroup {
    let topics = request.topics.as_ref().map(|topics| {
        let topic = topics.iter().map(|topic| OffsetFetchRequestTopics {
            name: topic.name.clone(),
            partition_indexes: topic.partition_indexes.clone(),
            ..Default::default()
        });
        topic.collect()
    });
    OffsetFetchRequestGroup {
        group_id: request.group_id.clone(),
        topics,
        ..Default::default()
    }
}

/// A group's answer in the form of the versions before 8.
fn one_group(group: OffsetFetchResponseGroup) -> OffsetFetchResponse {
    let partition = |one: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: one.partition_index,
        committed_offset: one.committed_offset,
        committed_leader_epoch: one.committed_leader_epoch,
        metadata: one.metadata,
        error_code: one.error_code,
        ..Default::default()
    };
    let topic = |topic: OffsetFetchResponseTopics| OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic.partitions.into_iter().map(partition).collect(),
        ..Default::default()
    };
    OffsetFetchResponse {
        topics: group.topics.into_iter().map(topic).collect(),
        error_code: group.error_code,
        ..Default::default()
    }
}

async fn fetch(call: &Call<'_>, asked: &OffsetFetchRequestGroup) -> OffsetFetchResponseGroup {
    if !call.may_on_group(AclOperation::Describe, &asked.group_id) {
        return refused(asked, ErrorCode::GROUP_AUTHORIZATION_FAILED);
    }
    let topics = call
        .node
        .groups
        .with_offsets(&asked.group_id, |offsets| match &asked.topics {
            Some(topics) => topics
                .iter()
                .map(|topic| of_topic(call, offsets, topic))
                .collect(),
            None => all(call, offsets),
        })
        .await;
    let topics = match topics {
        Ok(topics) => topics,
        Err(error) => return refused(asked, error),
    };
    OffsetFetchResponseGroup {
        group_id: asked.group_id.clone(),
        topics,
        error_code: 0,
        ..Default::default()
    }
}

fn of_topic(
    call: &Call<'_>,
    offsets: &Offsets,
    asked: &OffsetFetchRequestTopics,
) -> OffsetFetchResponseTopics {
    let by_id = call.version >= TOPIC_IDS_SINCE;
    let known = if by_id {
        call.node.topics.with_id(asked.topic_id)
    } else {
        None
    };
    let name = match (&known, by_id) {
        (Some(topic), _) => Some(topic.name.to_string()),
        (None, true) => None,
        (None, false) => Some(asked.name.to_string()),
    };
    let may_see = |name: &str| call.may_on_topic(AclOperation::Describe, name);
    let partition = |index: &i32| match &name {
        Some(name) if !may_see(name) => missing(*index, ErrorCode::TOPIC_AUTHORIZATION_FAILED),
        Some(name) => {
            let id = known.as_ref().map(|topic| topic.id);
            found(*index, group::find(offsets, name, id, *index))
        }
        None => missing(*index, ErrorCode::UNKNOWN_TOPIC_ID),
    };
    OffsetFetchResponseTopics {
        name: asked.name.clone(),
        topic_id: asked.topic_id,
        partitions: asked.partition_indexes.iter().map(partition).collect(),
        ..Default::default()
    }
}

fn all(call: &Call<'_>, offsets: &Offsets) -> Vec<OffsetFetchResponseTopics> {
    let mut topics: Vec<OffsetFetchResponseTopics> = Vec::new();
    for ((name, index), value) in offsets {
        if !call.may_on_topic(AclOperation::Describe, name) {
            continue;
        }
        let partition = found(*index, Some(value));
        match topics.last_mut() {
            Some(topic) if topic.name == name.as_str() => topic.partitions.push(partition),
            _ => {
                let known = call.node.topics.named(name);
                let topic_id = known.map_or(Uuid::ZERO, |topic| topic.id);
                if topic_id.is_zero() && call.version >= TOPIC_IDS_SINCE {
                    // Gone, and so is its name in this version.
                    continue;
                }
                topics.push(OffsetFetchResponseTopics {
                    name: StrBytes::from(name.as_str()),
                    topic_id,
                    partitions: vec![partition],
                    ..Default::default()
                });
            }
        }
    }
    topics
}

fn found(index: i32, value: Option<&OffsetCommitValue>) -> OffsetFetchResponsePartitions {
    let Some(value) = value else {
        return missing(index, ErrorCode::NONE);
    };
    OffsetFetchResponsePartitions {
        partition_index: index,
        committed_offset: value.offset,
        committed_leader_epoch: value.leader_epoch,
        metadata: Some(value.metadata.clone()),
        error_code: 0,
        ..Default::default()
    }
}

fn missing(index: i32, error: ErrorCode) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index: index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(StrBytes::EMPTY),
        error_code: error.code(),
        ..Default::default()
    }
}

fn refused(asked: &OffsetFetchRequestGroup, error: ErrorCode) -> OffsetFetchResponseGroup {
    OffsetFetchResponseGroup {
        group_id: asked.group_id.clone(),
        topics: Vec::new(),
        error_code: error.code(),
        ..Default::default()
    }
}

fn refused_parts(asked: &OffsetFetchRequestGroup, error: ErrorCode) -> OffsetFetchResponseGroup {
    let topic = |topic: &OffsetFetchRequestTopics| {
        let indexes = topic.partition_indexes.iter();
        OffsetFetchResponseTopics {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions: indexes.map(|index| missing(*index, error)).collect(),
            ..Default::default()
        }
    };
    OffsetFetchResponseGroup {
        group_id: asked.group_id.clone(),
        topics: asked.topics.iter().flatten().map(topic).collect(),
        ..Default::default()
    }
}
