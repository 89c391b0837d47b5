//! The way to the broker that coordinates a group, and the requests that are sent to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_client_protocol::api::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_client_protocol::api::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_client_protocol::{ApiKey, ErrorCode, Request, StrBytes};

use super::membership::Membership;
use crate::cluster::{Backoff, Cluster};
use crate::consumer::TopicPartition;
use crate::error::{Error, ErrorKind};
use crate::health::{Subject, Trouble};
use crate::net::Connection;

/// The last version of OffsetCommit and OffsetFetch that names topics instead of giving their ids.
const OFFSETS_BY_NAME: i16 = 9;

/// An offset to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) partition: TopicPartition,
    pub(crate) offset: i64,
    /// -1 if unknown.
    pub(crate) leader_epoch: i32,
    /// The assignment of the partition that it was made under, 0 for none.
    pub(crate) assignment: u64,
}

/// A group's coordinator, found when needed.
#[derive(Debug)]
pub(crate) struct Coordinator {
    cluster: Arc<Cluster>,
    group: StrBytes,
    connection: Option<Connection>,
    backoff: Backoff,
    trouble: Trouble,
}

impl Coordinator {
    pub(crate) fn new(cluster: Arc<Cluster>, group: &str) -> Self {
        let backoff = cluster.retry_backoff("coordinator");
        let subject = Subject::Coordinator {
            group: Arc::from(group),
        };
        Self {
            trouble: cluster.health.watch(subject),
            cluster,
            group: StrBytes::from(group),
            connection: None,
            backoff,
        }
    }

    pub(crate) fn group(&self) -> &StrBytes {
        &self.group
    }

    /// The broker, if it is known.
    pub(crate) fn broker(&self) -> Option<&Arc<str>> {
        self.connection.as_ref().map(Connection::broker)
    }

    /// The coordinator is another broker now.
    pub(crate) fn forget(&mut self) {
        self.connection = None;
    }

    /// Ends the connection: a request on it is held by the broker, and what is sent behind it
    /// would wait as long.
    pub(crate) fn abandon(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.fail(&Error::closed("connection"));
        }
    }

    /// Waits before trying again after a failure, longer after each.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn pause(&mut self, error: &Error) {
        self.trouble.failed(error);
        let wait = self.backoff.next();
        self.cluster.env.sleep(wait).await;
    }

    /// Something went well: the next failure waits little again.
    pub(crate) fn settled(&mut self) {
        self.backoff.reset();
        self.trouble.over();
    }

    /// A connection to the coordinator; one attempt.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn connect(&mut self) -> Result<Connection, Error> {
        if let Some(connection) = self.connection.as_ref().filter(|open| !open.is_closed()) {
            return Ok(connection.clone());
        }
        self.connection = None;
        let broker = self.cluster.find_coordinator(&self.group).await?;
        let connection = self.cluster.connect_coordinator(&broker).await?;
        tracing::debug!(group = %self.group, broker = %connection.broker(), "coordinator");
        self.connection = Some(connection.clone());
        Ok(connection)
    }

    /// Calls the coordinator; one attempt. After a failure of the connection it is looked for
    /// again.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the answer; the request may have been sent.
    pub(crate) async fn call<R: Request>(
        &mut self,
        request: impl FnOnce(i16) -> R,
        cap: i16,
        within: Duration,
    ) -> Result<R::Response, Error> {
        let connection = self.connect().await?;
        let version = connection.version::<R>(cap)?;
        let result = connection
            .call_with(&request(version), version, within)
            .await;
        if result.is_err() {
            self.forget();
        }
        result
    }

    /// Stores offsets; one attempt. The result names each partition that was refused.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the answer; the request may have been sent.
    pub(crate) async fn commit(
        &mut self,
        membership: &Membership,
        instance: Option<&str>,
        commits: &[Commit],
    ) -> Result<Vec<(TopicPartition, ErrorCode)>, Error> {
        let mut by_topic: BTreeMap<&Arc<str>, Vec<&Commit>> = BTreeMap::new();
        for commit in commits {
            by_topic
                .entry(&commit.partition.topic)
                .or_default()
                .push(commit);
        }
        let topics = by_topic
            .iter()
            .map(|(topic, commits)| OffsetCommitRequestTopic {
                name: StrBytes::from(&***topic),
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
        let group_id = self.group.clone();
        let within = self.cluster.config.request_timeout;
        let request = |version| OffsetCommitRequest {
            group_id,
            generation_id_or_member_epoch: membership.generation,
            member_id: StrBytes::from(membership.member_id.as_str()),
            group_instance_id: instance.filter(|_| version >= 7).map(StrBytes::from),
            topics,
            ..Default::default()
        };
        let response = self.call(request, OFFSETS_BY_NAME, within).await?;
        let mut refused = Vec::new();
        let mut answered = 0;
        for topic in &response.topics {
            for partition in &topic.partitions {
                answered += 1;
                let code = ErrorCode::new(partition.error_code);
                if code.is_error() {
                    let partition =
                        TopicPartition::new(topic.name.as_str(), partition.partition_index);
                    refused.push((partition, code));
                }
            }
        }
        if answered < commits.len() {
            return Err(Error::new(
                ErrorKind::Protocol,
                format!("{} offsets were sent, {answered} answered", commits.len()),
            )
            .at_api(ApiKey::OFFSET_COMMIT));
        }
        Ok(refused)
    }

    /// The stored offsets of partitions, with -1 where none is stored; one attempt. Offsets that a
    /// transaction has not settled are an error that passes (KIP-447).
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn committed(
        &mut self,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, i64>, Error> {
        let mut by_topic: BTreeMap<&Arc<str>, Vec<i32>> = BTreeMap::new();
        for partition in partitions {
            by_topic
                .entry(&partition.topic)
                .or_default()
                .push(partition.partition);
        }
        let group_id = self.group.clone();
        let within = self.cluster.config.request_timeout;
        let request = |version| {
            let name = |topic: &Arc<str>| StrBytes::from(&**topic);
            if version <= 7 {
                let topics = by_topic
                    .iter()
                    .map(|(topic, numbers)| OffsetFetchRequestTopic {
                        name: name(topic),
                        partition_indexes: numbers.clone(),
                        ..Default::default()
                    });
                return OffsetFetchRequest {
                    group_id: group_id.clone(),
                    topics: Some(topics.collect()),
                    require_stable: version >= 7,
                    ..Default::default()
                };
            }
            let topics = by_topic
                .iter()
                .map(|(topic, numbers)| OffsetFetchRequestTopics {
                    name: name(topic),
                    partition_indexes: numbers.clone(),
                    ..Default::default()
                });
            OffsetFetchRequest {
                groups: vec![OffsetFetchRequestGroup {
                    group_id: group_id.clone(),
                    member_id: None,
                    topics: Some(topics.collect()),
                    ..Default::default()
                }],
                require_stable: true,
                ..Default::default()
            }
        };
        let response = self.call(request, OFFSETS_BY_NAME, within).await?;
        let mut answers = Vec::new();
        let mut code = ErrorCode::new(response.error_code);
        for topic in &response.topics {
            for answer in &topic.partitions {
                let offset = answer.committed_offset;
                answers.push((
                    &topic.name,
                    answer.partition_index,
                    offset,
                    answer.error_code,
                ));
            }
        }
        for group in &response.groups {
            if group.group_id != *self.group {
                continue;
            }
            if !code.is_error() {
                code = ErrorCode::new(group.error_code);
            }
            for topic in &group.topics {
                for answer in &topic.partitions {
                    let offset = answer.committed_offset;
                    answers.push((
                        &topic.name,
                        answer.partition_index,
                        offset,
                        answer.error_code,
                    ));
                }
            }
        }
        let failed = |code: ErrorCode| Error::broker(code, ApiKey::OFFSET_FETCH);
        code.ok().map_err(failed)?;
        let mut found = BTreeMap::new();
        for (topic, number, offset, code) in answers {
            let partition = TopicPartition::new(topic.as_str(), number);
            ErrorCode::new(code)
                .ok()
                .map_err(|code| failed(code).at_partition(&partition.topic, partition.partition))?;
            found.insert(partition, offset);
        }
        // Beginning elsewhere because an answer was incomplete would skip or repeat records.
        match partitions
            .iter()
            .find(|partition| !found.contains_key(partition))
        {
            None => Ok(found),
            Some(missing) => Err(Error::new(ErrorKind::Protocol, "the answer leaves it out")
                .at_api(ApiKey::OFFSET_FETCH)
                .at_partition(&missing.topic, missing.partition)),
        }
    }
}
