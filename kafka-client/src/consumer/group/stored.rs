//! OffsetCommit and OffsetFetch: the offsets that a group has stored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_client_protocol::api::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_client_protocol::api::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse,
};
use kafka_client_protocol::{ApiKey, ErrorCode, StrBytes};

use super::commits::Commit;
use super::membership::Membership;
use crate::cluster::Coordinator;
use crate::consumer::TopicPartition;
use crate::error::{Error, ErrorKind};

/// The last version of OffsetCommit and OffsetFetch that names topics instead of giving their ids.
const OFFSETS_BY_NAME: i16 = 9;

/// Stores offsets; one attempt. The result has what the coordinator says of each partition.
///
/// # Cancel safety
/// Dropping the future abandons the answer; the request may have been sent.
pub(super) async fn store(
    coordinator: &mut Coordinator,
    membership: &Membership,
    instance: Option<&str>,
    commits: &[Commit],
    within: Duration,
) -> Result<BTreeMap<TopicPartition, ErrorCode>, Error> {
    let topics = by_topic(commits.iter().map(|commit| (&commit.partition, commit)));
    let topics = topics
        .into_iter()
        .map(|(topic, commits)| OffsetCommitRequestTopic {
            name: StrBytes::from(&**topic),
            partitions: commits
                .iter()
                .map(|commit| OffsetCommitRequestPartition {
                    partition_index: commit.partition.partition,
                    committed_offset: commit.offset,
                    committed_leader_epoch: commit.leader_epoch,
                    committed_metadata: Some(StrBytes::EMPTY),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        });
    let topics: Vec<_> = topics.collect();
    let group_id = coordinator.key().clone();
    let request = |version| OffsetCommitRequest {
        group_id,
        generation_id_or_member_epoch: membership.generation,
        member_id: StrBytes::from(membership.member_id.as_str()),
        group_instance_id: instance.filter(|_| version >= 7).map(StrBytes::from),
        topics,
        ..Default::default()
    };
    let response = coordinator.call(request, OFFSETS_BY_NAME, within).await?;
    let mut answers = BTreeMap::new();
    for topic in &response.topics {
        let name: Arc<str> = Arc::from(topic.name.as_str());
        for answer in &topic.partitions {
            let partition = TopicPartition::new(name.clone(), answer.partition_index);
            answers.insert(partition, ErrorCode::new(answer.error_code));
        }
    }
    Ok(answers)
}

/// What is stored for a partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    /// -1 for nothing.
    pub(super) offset: i64,
    /// The leader epoch of the record before it, -1 if that is unknown.
    pub(super) leader_epoch: i32,
}

/// Offsets that a transaction has not settled are an error that passes (KIP-447).
pub(super) type Loaded = Result<Stored, Error>;

/// The stored offsets of partitions; one attempt. Each partition has a result: beginning elsewhere
/// because an answer was incomplete would skip or repeat records.
///
/// # Errors
/// When there is no answer, or the coordinator refuses them all.
///
/// # Cancel safety
/// Cancel safe.
pub(super) async fn load(
    coordinator: &mut Coordinator,
    partitions: &[TopicPartition],
    within: Duration,
) -> Result<BTreeMap<TopicPartition, Loaded>, Error> {
    let topics = by_topic(
        partitions
            .iter()
            .map(|partition| (partition, partition.partition)),
    );
    let group_id = coordinator.key().clone();
    let group = group_id.clone();
    let request = |version| match version {
        ..=7 => {
            let topics = topics
                .iter()
                .map(|(topic, numbers)| OffsetFetchRequestTopic {
                    name: StrBytes::from(&***topic),
                    partition_indexes: numbers.clone(),
                    ..Default::default()
                });
            OffsetFetchRequest {
                group_id,
                topics: Some(topics.collect()),
                require_stable: version >= 7,
                ..Default::default()
            }
        }
        8.. => {
            let topics = topics
                .iter()
                .map(|(topic, numbers)| OffsetFetchRequestTopics {
                    name: StrBytes::from(&***topic),
                    partition_indexes: numbers.clone(),
                    ..Default::default()
                });
            OffsetFetchRequest {
                groups: vec![OffsetFetchRequestGroup {
                    group_id,
                    member_id: None,
                    topics: Some(topics.collect()),
                    ..Default::default()
                }],
                require_stable: true,
                ..Default::default()
            }
        }
    };
    let response = coordinator.call(request, OFFSETS_BY_NAME, within).await?;
    let mut found = taken_apart(&response, &group)?;
    let results = partitions.iter().map(|partition| {
        let missing = || Err(Error::new(ErrorKind::Protocol, "the answer leaves it out"));
        let result = found.remove(partition).unwrap_or_else(missing);
        let result = result.map_err(|error| {
            error
                .at_api(ApiKey::OFFSET_FETCH)
                .at_partition(&partition.topic, partition.partition)
        });
        (partition.clone(), result)
    });
    Ok(results.collect())
}

/// The answer for one group, in either shape.
fn taken_apart(
    response: &OffsetFetchResponse,
    group: &StrBytes,
) -> Result<BTreeMap<TopicPartition, Loaded>, Error> {
    let mut code = ErrorCode::new(response.error_code);
    let mut found = BTreeMap::new();
    let mut take = |topic: &StrBytes, number, offset, leader_epoch, code| {
        let stored = Stored {
            offset,
            leader_epoch,
        };
        let loaded = ErrorCode::new(code).ok().map(|()| stored);
        found.insert(
            TopicPartition::new(topic.as_str(), number),
            loaded.map_err(|code| Error::broker(code, ApiKey::OFFSET_FETCH)),
        );
    };
    for topic in &response.topics {
        for at in &topic.partitions {
            let (offset, epoch) = (at.committed_offset, at.committed_leader_epoch);
            take(
                &topic.name,
                at.partition_index,
                offset,
                epoch,
                at.error_code,
            );
        }
    }
    for answer in response.groups.iter().filter(|at| at.group_id == *group) {
        if !code.is_error() {
            code = ErrorCode::new(answer.error_code);
        }
        for topic in &answer.topics {
            for at in &topic.partitions {
                let (offset, epoch) = (at.committed_offset, at.committed_leader_epoch);
                take(
                    &topic.name,
                    at.partition_index,
                    offset,
                    epoch,
                    at.error_code,
                );
            }
        }
    }
    match code.ok() {
        Ok(()) => Ok(found),
        Err(code) => Err(Error::broker(code, ApiKey::OFFSET_FETCH)),
    }
}

fn by_topic<'a, T>(
    items: impl Iterator<Item = (&'a TopicPartition, T)>,
) -> BTreeMap<&'a Arc<str>, Vec<T>> {
    let mut topics: BTreeMap<_, Vec<T>> = BTreeMap::new();
    for (partition, item) in items {
        topics.entry(&partition.topic).or_default().push(item);
    }
    topics
}
