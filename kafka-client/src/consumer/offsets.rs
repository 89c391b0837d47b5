//! Finds the offsets that partitions begin at: the first, the last, or that of a timestamp.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::time::Duration;

use kafka_client_protocol::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafka_client_protocol::{ApiKey, ErrorCode, StrBytes};

use super::TopicPartition;
use super::position::Stage;
use super::shared::Shared;
use crate::cluster::Cluster;
use crate::config::millis;
use crate::error::{Error, ErrorKind};
use crate::net::Lane;

/// Answers resets until the consumer ends.
pub(crate) async fn offsets_loop(shared: Weak<Shared>) {
    let Some((env, mut backoff)) = shared.upgrade().map(|shared| {
        let backoff = shared.cluster.retry_backoff("offsets");
        (shared.env().clone(), backoff)
    }) else {
        return;
    };
    loop {
        let pause = {
            let Some(this) = shared.upgrade() else { return };
            let wanted = wanted(&this);
            if wanted.is_empty() {
                backoff.reset();
                this.offsets_wanted.notified().await;
                continue;
            }
            match resolve(&this, wanted).await {
                true => {
                    backoff.reset();
                    Duration::ZERO
                }
                false => {
                    this.cluster.request_refresh();
                    backoff.next()
                }
            }
        };
        env.sleep(pause).await;
    }
}

/// A partition that waits for an offset, with the version of its position.
type Wanted = (TopicPartition, u64, i64);

fn wanted(shared: &Shared) -> Vec<Wanted> {
    let state = shared.state();
    let waiting = state
        .positions
        .iter()
        .filter_map(|(partition, slot)| match slot.stage {
            Stage::Reset { timestamp } => Some((partition.clone(), slot.version(), timestamp)),
            _ => None,
        });
    waiting.collect()
}

/// `true` if every partition has its offset now.
async fn resolve(shared: &Shared, wanted: Vec<Wanted>) -> bool {
    let query = wanted
        .iter()
        .map(|(partition, _, timestamp)| (partition.clone(), *timestamp));
    let found = list_offsets(&shared.cluster, query, shared.config.read_committed).await;
    let mut all = true;
    {
        let mut state = shared.state();
        for (partition, version, _) in &wanted {
            match found.get(partition) {
                Some(Ok(offset)) => {
                    let current = state.positions.get(partition);
                    if current.is_some_and(|slot| slot.version() == *version) {
                        tracing::debug!(%partition, offset, "begins");
                        let stage = Stage::Fetching { offset: *offset };
                        state.positions.set_stage(partition, stage);
                    }
                }
                Some(Err(error)) if !error.is_retriable() => {
                    let error = error
                        .clone()
                        .at_partition(&partition.topic, partition.partition);
                    state.stick(partition, error);
                }
                _ => all = false,
            }
        }
    }
    shared.positions_changed();
    all
}

/// Asks the leaders for the offsets of timestamps: -1 the end, -2 the beginning. A timestamp that
/// no record has reached is answered with the end.
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
    let mut by_leader: BTreeMap<i32, Vec<(TopicPartition, i64, i32)>> = BTreeMap::new();
    for (partition, timestamp) in wanted {
        match metadata.leader(&partition.topic, partition.partition) {
            Some(known) if known.leader >= 0 => {
                let asked = (partition, timestamp, known.leader_epoch);
                by_leader.entry(known.leader).or_default().push(asked);
            }
            _ => {
                let error = Error::broker(ErrorCode::LEADER_NOT_AVAILABLE, ApiKey::LIST_OFFSETS);
                found.insert(partition, Err(error));
            }
        }
    }
    for (leader, asked) in by_leader {
        match ask(cluster, leader, &asked, read_committed).await {
            Ok(answers) => found.extend(answers),
            Err(error) => {
                found.extend(
                    asked
                        .into_iter()
                        .map(|(partition, ..)| (partition, Err(error.clone()))),
                );
            }
        }
    }
    found
}

async fn ask(
    cluster: &Cluster,
    leader: i32,
    asked: &[(TopicPartition, i64, i32)],
    read_committed: bool,
) -> Result<Vec<(TopicPartition, Result<i64, Error>)>, Error> {
    let connection = cluster.connect(leader, Lane::Control).await?;
    let topics = asked
        .chunk_by(|a, b| a.0.topic == b.0.topic)
        .map(|group| ListOffsetsTopic {
            name: StrBytes::from(&*group[0].0.topic),
            partitions: group
                .iter()
                .map(
                    |(partition, timestamp, leader_epoch)| ListOffsetsPartition {
                        partition_index: partition.partition,
                        current_leader_epoch: *leader_epoch,
                        timestamp: *timestamp,
                        ..Default::default()
                    },
                )
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
    let mut answers = Vec::with_capacity(asked.len());
    let mut ends = Vec::new();
    for topic in &response.topics {
        for partition in &topic.partitions {
            let Some((key, timestamp, epoch)) = asked.iter().find(|(key, ..)| {
                key.partition == partition.partition_index && *key.topic == *topic.name
            }) else {
                continue;
            };
            match ErrorCode::new(partition.error_code) {
                // No record is that late.
                ErrorCode::NONE if partition.offset < 0 && *timestamp >= 0 => {
                    ends.push((key.clone(), -1, *epoch));
                }
                ErrorCode::NONE if partition.offset < 0 => {
                    let text = format!("the answer has offset {}", partition.offset);
                    let error = Error::new(ErrorKind::Protocol, text).at_api(ApiKey::LIST_OFFSETS);
                    answers.push((key.clone(), Err(error)));
                }
                ErrorCode::NONE => answers.push((key.clone(), Ok(partition.offset))),
                code => {
                    let error = Error::broker(code, ApiKey::LIST_OFFSETS);
                    answers.push((key.clone(), Err(error.at_broker(connection.broker()))));
                }
            }
        }
    }
    if !ends.is_empty() {
        answers.extend(Box::pin(ask(cluster, leader, &ends, read_committed)).await?);
    }
    Ok(answers)
}
