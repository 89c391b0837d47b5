//! What only leaders know: the offsets that partitions begin at (the first, the last, or that of a
//! timestamp), and whether the log still is the one that was read (KIP-320).
//!
//! Each leader is asked by a task of its own, so that a silent one delays no partition of another.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use kafka_client_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_client_protocol::{ApiKey, ErrorCode, StrBytes};
use tokio::sync::Notify;

use super::TopicPartition;
use super::epochs::{self, EndOfEpoch};
use super::position::Question;
use super::shared::Shared;
use crate::cluster::Cluster;
use crate::config::millis;
use crate::env;
use crate::error::{Error, ErrorKind};
use crate::net::Lane;

/// What has no record at or after a timestamp.
const NO_OFFSET: i64 = -1;

/// Asks one leader where to begin, until the consumer ends.
pub(crate) async fn offsets_loop(shared: Weak<Shared>, node: i32, wake: Arc<Notify>) {
    let Some((env, mut backoff)) = shared.upgrade().map(|shared| {
        let backoff = shared.cluster.retry_backoff(&format!("offsets-{node}"));
        (shared.env().clone(), backoff)
    }) else {
        return;
    };
    loop {
        let failed = {
            let Some(this) = shared.upgrade() else { return };
            let wanted = wanted(&this, node);
            if wanted.is_empty() {
                drop(this);
                wake.notified().await;
                continue;
            }
            let failed = resolve(&this, node, wanted).await;
            if !failed.is_empty() {
                this.cluster.request_refresh();
            }
            failed
        };
        if failed.is_empty() {
            backoff.reset();
            continue;
        }
        env.sleep(backoff.next()).await;
        let Some(this) = shared.upgrade() else { return };
        // By the leader that they have now.
        let mut state = this.state();
        for partition in &failed {
            state.positions.touch(partition);
        }
        this.settle(&mut state);
    }
}

/// A partition that waits for an answer.
struct Wanted {
    partition: TopicPartition,
    /// The version of its position.
    version: u64,
    question: Question,
    leader_epoch: i32,
}

/// What this leader is to be asked for, each once.
fn wanted(shared: &Shared, node: i32) -> Vec<Wanted> {
    let mut guard = shared.state();
    let state = &mut *guard;
    let lookups = std::mem::take(state.lookups.entry(node).or_default());
    let wanted = lookups.into_iter().filter_map(|partition| {
        let slot = state.positions.get(&partition)?;
        let leader = slot.leader();
        let question = slot.question().filter(|_| leader.leader == node)?;
        Some(Wanted {
            version: slot.version(),
            partition,
            question,
            leader_epoch: leader.leader_epoch,
        })
    });
    wanted.collect()
}

/// What a leader has said.
enum Said {
    Offset(i64),
    End(EndOfEpoch),
}

/// Asks, and takes the answers; the partitions that have none yet.
async fn resolve(shared: &Shared, node: i32, wanted: Vec<Wanted>) -> Vec<TopicPartition> {
    let (mut offsets, mut ends) = (BTreeMap::new(), BTreeMap::new());
    for wanted in &wanted {
        let partition = wanted.partition.clone();
        let leader_epoch = wanted.leader_epoch;
        match wanted.question {
            Question::Offset { timestamp } => {
                let asked = Asked {
                    timestamp,
                    leader_epoch,
                };
                offsets.insert(partition, asked);
            }
            Question::EndOfEpoch { epoch, .. } => {
                ends.insert(partition, (epoch, leader_epoch));
            }
        }
    }
    let (cluster, committed) = (&shared.cluster, shared.config.read_committed);
    let mut answers: BTreeMap<TopicPartition, Result<Said, Error>> = BTreeMap::new();
    let mut failure = None;
    if !offsets.is_empty() {
        match ask(cluster, node, offsets, committed).await {
            Ok(found) => answers.extend(
                found
                    .into_iter()
                    .map(|(partition, offset)| (partition, offset.map(Said::Offset))),
            ),
            Err(error) => failure = Some(error),
        }
    }
    if !ends.is_empty() {
        match epochs::ask(cluster, node, &ends).await {
            Ok(found) => answers.extend(
                found
                    .into_iter()
                    .map(|(partition, end)| (partition, end.map(Said::End))),
            ),
            Err(error) => failure = Some(error),
        }
    }
    if let Some(error) = &failure {
        tracing::debug!(node, %error, "a leader was asked in vain");
        if error.kind() == ErrorKind::Authentication {
            shared.refused(error);
        }
    }
    let mut failed = Vec::new();
    let mut resets = Vec::new();
    {
        let mut state = shared.state();
        for wanted in wanted {
            let Wanted {
                partition,
                version,
                question,
                leader_epoch,
            } = wanted;
            let Some(slot) = state.positions.get_mut(&partition) else {
                continue;
            };
            if slot.version() != version {
                continue;
            }
            match (answers.remove(&partition), question) {
                (Some(Ok(Said::Offset(offset))), _) => {
                    state.is_well(&partition);
                    let reset = state.positions.begin_at(&partition, offset);
                    resets.extend(reset);
                }
                // What a former leader has said is nothing to go by: the next one is asked as well.
                (Some(Ok(Said::End(_))), _) if slot.leader().leader_epoch != leader_epoch => {}
                (Some(Ok(Said::End(end))), Question::EndOfEpoch { offset, .. }) => {
                    slot.trust();
                    if let Some(end) = end.before(offset) {
                        resets.extend(shared.truncated(&mut state, &partition, end));
                    }
                    state.positions.touch(&partition);
                }
                (Some(Err(error)), Question::EndOfEpoch { .. }) if !error.is_retriable() => {
                    // A broker that is too old, or a right that lacks: fetching will tell.
                    slot.trust();
                    state.positions.touch(&partition);
                }
                (Some(Err(error)), _) if !error.is_retriable() => {
                    let error = error.at_partition(&partition.topic, partition.partition);
                    state.stick(&partition, error);
                }
                (answer, _) => {
                    let refused = answer.and_then(Result::err).or_else(|| failure.clone());
                    let error = refused.unwrap_or_else(|| {
                        Error::new(ErrorKind::Protocol, "the answer leaves the partition out")
                    });
                    // That the broker is not reached is told elsewhere.
                    if !matches!(error.kind(), ErrorKind::Connect | ErrorKind::Authentication) {
                        shared.failed(&mut state, &partition, &error);
                    }
                    failed.push(partition);
                }
            }
        }
    }
    // Who is told may use the consumer.
    for reset in resets {
        shared.tell_reset(reset);
    }
    shared.positions_changed();
    failed
}

/// Asks the leaders for the offsets of timestamps, all at the same time: -1 the end, -2 the beginning.
/// A timestamp that no record has reached is answered with the end.
///
/// # Cancel safety
/// Cancel safe.
pub(crate) async fn list_offsets(
    cluster: &Cluster,
    wanted: impl IntoIterator<Item = (TopicPartition, i64)>,
    read_committed: bool,
) -> BTreeMap<TopicPartition, Result<i64, Error>> {
    let metadata = cluster.metadata();
    let mut found = BTreeMap::new();
    let mut by_leader: BTreeMap<i32, BTreeMap<TopicPartition, Asked>> = BTreeMap::new();
    for (partition, timestamp) in wanted {
        match metadata.leader(&partition.topic, partition.partition) {
            Some(known) if known.leader >= 0 => {
                let asked = Asked {
                    timestamp,
                    leader_epoch: known.leader_epoch,
                };
                let leader = by_leader.entry(known.leader).or_default();
                leader.insert(partition, asked);
            }
            _ => {
                let error = Error::broker(ErrorCode::LEADER_NOT_AVAILABLE, ApiKey::LIST_OFFSETS);
                found.insert(partition, Err(error));
            }
        }
    }
    let asking = by_leader.into_iter().map(|(leader, asked)| async move {
        let partitions: Vec<_> = asked.keys().cloned().collect();
        match ask(cluster, leader, asked, read_committed).await {
            Ok(answers) => answers,
            Err(error) => {
                let failed = partitions.into_iter();
                failed
                    .map(|partition| (partition, Err(error.clone())))
                    .collect()
            }
        }
    });
    for answers in env::all(asking).await {
        found.extend(answers);
    }
    found
}

/// What is asked of a partition.
#[derive(Debug, Clone, Copy)]
struct Asked {
    timestamp: i64,
    leader_epoch: i32,
}

type Answers = BTreeMap<TopicPartition, Result<i64, Error>>;

async fn ask(
    cluster: &Cluster,
    leader: i32,
    asked: BTreeMap<TopicPartition, Asked>,
    read_committed: bool,
) -> Result<Answers, Error> {
    let connection = cluster.connect(leader, Lane::Control).await?;
    let asked: Vec<_> = asked.into_iter().collect();
    let topics = asked
        .chunk_by(|(a, _), (b, _)| a.topic == b.topic)
        .map(|group| ListOffsetsTopic {
            name: StrBytes::from(&*group[0].0.topic),
            partitions: group
                .iter()
                .map(|(partition, asked)| ListOffsetsPartition {
                    partition_index: partition.partition,
                    current_leader_epoch: asked.leader_epoch,
                    timestamp: asked.timestamp,
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        });
    let request = ListOffsetsRequest {
        replica_id: -1,
        isolation_level: i8::from(read_committed),
        topics: topics.collect(),
        timeout_ms: millis(cluster.config.request_timeout),
        ..Default::default()
    };
    let response = connection.call(&request).await?;
    let mut answers = Answers::new();
    let mut ends = BTreeMap::new();
    let asked: BTreeMap<(&str, i32), (&TopicPartition, Asked)> = asked
        .iter()
        .map(|(partition, asked)| {
            let key = (&*partition.topic, partition.partition);
            (key, (partition, *asked))
        })
        .collect();
    for topic in &response.topics {
        for partition in &topic.partitions {
            let Some((key, asked)) = asked.get(&(&*topic.name, partition.partition_index)) else {
                continue;
            };
            let key = (*key).clone();
            match ErrorCode::new(partition.error_code) {
                // No record is that late.
                ErrorCode::NONE if partition.offset == NO_OFFSET && asked.timestamp >= 0 => {
                    let end = Asked {
                        timestamp: -1,
                        ..*asked
                    };
                    ends.insert(key, end);
                }
                ErrorCode::NONE if partition.offset < 0 => {
                    let text = format!("the answer has offset {}", partition.offset);
                    let error = Error::new(ErrorKind::Protocol, text).at_api(ApiKey::LIST_OFFSETS);
                    answers.insert(key, Err(error.at_broker(connection.broker())));
                }
                ErrorCode::NONE => {
                    answers.insert(key, Ok(partition.offset));
                }
                code => {
                    let error = Error::broker(code, ApiKey::LIST_OFFSETS);
                    answers.insert(key, Err(error.at_broker(connection.broker())));
                }
            }
        }
    }
    if !ends.is_empty() {
        answers.extend(Box::pin(ask(cluster, leader, ends, read_committed)).await?);
    }
    Ok(answers)
}
