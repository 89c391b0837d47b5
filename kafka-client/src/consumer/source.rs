//! The inbox from a broker: fetches what it leads, ahead of the user, within the buffer's bytes.
//!
//! Each broker has a source of its own, so that a slow or idle one delays no other.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use kafka_client_protocol::api::fetch::{
    FetchPartition, FetchRequest, FetchResponseView, FetchTopic, PartitionDataView,
};
use kafka_client_protocol::records::Batches;
use kafka_client_protocol::{ApiKey, ErrorCode, StrBytes, Uuid};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::TopicPartition;
use super::shared::{Fetched, Shared, State, no_offset};
use crate::cluster::metadata::PartitionMetadata;
use crate::config::millis;
use crate::env::{Env, Random};
use crate::error::{Error, ErrorKind};
use crate::net::{Connection, LAST_BY_NAME, Lane};

/// A partition in a request.
struct Asked {
    partition: TopicPartition,
    version: u64,
    offset: i64,
    leader_epoch: i32,
}

/// What a source does next.
enum Plan {
    Fetch {
        asked: Vec<Asked>,
        max_bytes: usize,
    },
    /// Nothing before this instant, or until something changes.
    Wait(Option<Instant>),
}

/// Fetches from one broker until the consumer ends.
pub(crate) async fn source_loop(shared: Weak<Shared>, node: i32, wake: Arc<Notify>) {
    let Some((env, mut backoff, mut order)) = shared.upgrade().map(|shared| {
        let backoff = shared.cluster.retry_backoff(&format!("source-{node}"));
        let order = shared.env().random(&format!("order-{node}"));
        (shared.env().clone(), backoff, order)
    }) else {
        return;
    };
    loop {
        let Some(this) = shared.upgrade() else { return };
        let (asked, max_bytes) = match plan(&this, node, &mut order) {
            Plan::Fetch { asked, max_bytes } => (asked, max_bytes),
            Plan::Wait(until) => {
                drop(this);
                wait(&env, &wake, until).await;
                continue;
            }
        };
        let result = match this.cluster.connect(node, Lane::Data).await {
            Ok(connection) => fetch(&this, &connection, &asked, max_bytes).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => backoff.reset(),
            Err(error) => {
                tracing::debug!(node, %error, "fetch failed");
                give_up(&this, &asked);
                this.cluster.request_refresh();
                let pause = backoff.next();
                drop(this);
                env.sleep(pause).await;
            }
        }
    }
}

async fn wait(env: &Env, wake: &Notify, until: Option<Instant>) {
    // Time over or woken: both mean another look.
    tokio::select! {
        biased;
        () = wake.notified() => {}
        () = env.until(until) => {}
    }
}

/// What to ask the broker for. Partitions that are asked for are marked, so that data is never
/// fetched twice.
fn plan(shared: &Shared, node: i32, order: &mut Random) -> Plan {
    let metadata = shared.cluster.metadata();
    let now = shared.env().now();
    let mut state = shared.state();
    let room = shared.config.buffer_bytes.saturating_sub(state.buffered());
    if room == 0 {
        return Plan::Wait(None);
    }
    let mut asked = Vec::new();
    let mut next: Option<Instant> = None;
    for (partition, slot) in state.positions.iter_mut() {
        let Some(known) = metadata.leader(&partition.topic, partition.partition) else {
            continue;
        };
        if known.leader != node {
            continue;
        }
        if let Some(offset) = slot.is_fetchable(now) {
            let version = slot.version();
            slot.asked = Some(version);
            asked.push(Asked {
                partition: partition.clone(),
                version,
                offset,
                leader_epoch: known.leader_epoch,
            });
        } else if let Some(instant) = slot.not_before.filter(|instant| *instant > now) {
            next = Some(next.map_or(instant, |next| next.min(instant)));
        }
    }
    if asked.is_empty() {
        return Plan::Wait(next);
    }
    // A broker fills an answer in the order of the request; the order changes from request to
    // request, so that no partition starves behind large ones.
    let first = order.below(asked.len());
    asked.rotate_left(first);
    asked.sort_by(|a, b| a.partition.topic.cmp(&b.partition.topic));
    Plan::Fetch {
        asked,
        max_bytes: room,
    }
}

/// The request failed: its partitions may be asked for again.
fn give_up(shared: &Shared, asked: &[Asked]) {
    let mut state = shared.state();
    for asked in asked {
        free(&mut state, asked);
    }
}

fn free(state: &mut State, asked: &Asked) {
    if let Some(slot) = state.positions.get_mut(&asked.partition)
        && slot.asked == Some(asked.version)
    {
        slot.asked = None;
    }
}

async fn fetch(
    shared: &Shared,
    connection: &Connection,
    asked: &[Asked],
    room: usize,
) -> Result<(), Error> {
    let metadata = shared.cluster.metadata();
    // The ids of the request, to find the names of the answer by: a topic may be created anew
    // meanwhile.
    let mut ids: HashMap<Uuid, Arc<str>> = HashMap::new();
    let mut topics: Vec<FetchTopic> = Vec::new();
    for group in asked.chunk_by(|a, b| a.partition.topic == b.partition.topic) {
        let topic = &group[0].partition.topic;
        let id = metadata
            .topic(topic)
            .map(|topic| topic.id)
            .unwrap_or_default();
        ids.insert(id, topic.clone());
        let partitions = group.iter().map(|asked| FetchPartition {
            partition: asked.partition.partition,
            current_leader_epoch: asked.leader_epoch,
            fetch_offset: asked.offset,
            partition_max_bytes: shared.config.max_partition_fetch_bytes,
            ..Default::default()
        });
        topics.push(FetchTopic {
            topic: StrBytes::from(&**topic),
            topic_id: id,
            partitions: partitions.collect(),
            ..Default::default()
        });
    }
    let cap = if ids.contains_key(&Uuid::ZERO) {
        LAST_BY_NAME
    } else {
        i16::MAX
    };
    let config = &shared.config;
    let room = i32::try_from(room).unwrap_or(i32::MAX);
    let request = FetchRequest {
        max_wait_ms: millis(config.fetch_max_wait),
        min_bytes: config.fetch_min_bytes,
        max_bytes: config.fetch_max_bytes.min(room),
        isolation_level: i8::from(config.read_committed),
        topics,
        rack_id: config
            .rack
            .as_deref()
            .map(StrBytes::from)
            .unwrap_or_default(),
        ..Default::default()
    };
    let version = connection.version::<FetchRequest>(cap)?;
    let limit = shared.cluster.config.request_timeout + config.fetch_max_wait;
    let body = connection.call_for_body(&request, version, limit).await?;
    take(shared, connection, asked, &ids, version, &body)
}

/// Takes an answer apart: data to the buffer, errors where they belong.
fn take(
    shared: &Shared,
    connection: &Connection,
    asked: &[Asked],
    ids: &HashMap<Uuid, Arc<str>>,
    version: i16,
    body: &Bytes,
) -> Result<(), Error> {
    let response = connection.view::<FetchRequest>(body, version)?;
    let code = ErrorCode::new(response.error_code);
    if code.is_error() {
        return Err(Error::broker(code, ApiKey::FETCH).at_broker(connection.broker()));
    }
    let by_id = version > LAST_BY_NAME;
    // Each partition is taken once, whatever the answer says how often.
    let mut open: BTreeMap<(&str, i32), &Asked> = asked
        .iter()
        .map(|asked| ((&*asked.partition.topic, asked.partition.partition), asked))
        .collect();
    let mut data = Vec::new();
    let mut refresh = false;
    let mut state = shared.state();
    for topic in &response.responses {
        let name = match by_id {
            true => ids.get(&topic.topic_id).map(|name| &**name),
            false => Some(topic.topic),
        };
        let Some(name) = name else { continue };
        for partition in &topic.partitions {
            let Some(asked) = open.remove(&(name, partition.partition_index)) else {
                continue;
            };
            free(&mut state, asked);
            match ErrorCode::new(partition.error_code) {
                ErrorCode::NONE => {
                    data.extend(accept(shared, &mut state, asked, &partition, body));
                }
                code => {
                    refresh |= refuse(shared, &mut state, asked, &partition, code, connection);
                    hint(shared, asked, &partition, &response);
                }
            }
        }
    }
    // Left out of the answer: asked for again, but not at once.
    for asked in open.into_values() {
        free(&mut state, asked);
        back_off(shared, &mut state, asked);
    }
    drop(state);
    if !data.is_empty() {
        shared.arrived(data);
    }
    if refresh {
        shared.cluster.request_refresh();
        shared.offsets_wanted.notify_one();
        shared.wake_user();
    }
    Ok(())
}

/// Puts a partition's data into the buffer's form, and moves its fetch position.
fn accept(
    shared: &Shared,
    state: &mut State,
    asked: &Asked,
    partition: &PartitionDataView<'_>,
    body: &Bytes,
) -> Option<Fetched> {
    let slot = state.positions.get_mut(&asked.partition)?;
    if slot.version() == asked.version {
        slot.high_watermark = partition.high_watermark;
    }
    let records = partition.records.filter(|records| !records.is_empty())?;
    let records = body.slice_ref(records);
    let (next, whole) = extent(&records, asked.offset);
    if whole == 0 {
        // Not even one batch: a broker always sends the first one whole (KIP-74), unless it is
        // damaged.
        let error = Error::new(
            ErrorKind::CorruptRecords,
            format!(
                "the batch at offset {} is not readable: seek beyond it",
                asked.offset
            ),
        )
        .at_api(ApiKey::FETCH);
        stick(state, asked, error);
        return None;
    }
    if !slot.fetched(asked.version, asked.offset, next) {
        return None;
    }
    if next == asked.offset {
        // Unreadable, which is reported where its records are read, or all from before the offset:
        // the same would come again, as fast as the broker sends.
        slot.back_off(shared.not_before(slot.failures));
    }
    let bytes = records.len();
    let assigned = slot.assigned.clone();
    Some(Fetched {
        assigned,
        version: asked.version,
        batches: Batches::new(records.clone()),
        data: records,
        bytes,
        next,
    })
}

/// The offset behind the whole batches of an answer, and how many there are. Only their headers
/// are looked at.
fn extent(records: &Bytes, from: i64) -> (i64, usize) {
    let mut next = from;
    let mut whole = 0;
    for batch in Batches::new(records.clone()) {
        // An unreadable batch is found again, and reported, where its records are read.
        let Ok(batch) = batch else {
            return (next, whole + 1);
        };
        next = next.max(batch.header().next_offset());
        whole += 1;
    }
    (next, whole)
}

/// Handles a partition's error; `true` if metadata is to be refreshed.
fn refuse(
    shared: &Shared,
    state: &mut State,
    asked: &Asked,
    partition: &PartitionDataView<'_>,
    code: ErrorCode,
    connection: &Connection,
) -> bool {
    let Some(slot) = state.positions.get_mut(&asked.partition) else {
        return false;
    };
    if slot.version() != asked.version {
        return false;
    }
    slot.back_off(shared.not_before(slot.failures));
    let error = Error::broker(code, ApiKey::FETCH).at_broker(connection.broker());
    tracing::debug!(partition = %asked.partition, %error, "fetch refused");
    match code {
        ErrorCode::OFFSET_OUT_OF_RANGE => {
            let start = partition.log_start_offset;
            shared.reset(state, &asked.partition, || {
                no_offset(&format!(
                    "offset {} is not in the log, which starts at {start}",
                    asked.offset
                ))
            });
            true
        }
        code if code.is_retriable() && code != ErrorCode::CORRUPT_MESSAGE => true,
        ErrorCode::UNKNOWN_SERVER_ERROR => true,
        // Not allowed, corrupt on the broker's disk, and the like: nothing changes by itself.
        _ => {
            stick(state, asked, error);
            true
        }
    }
}

/// Asks for a partition again a little later, after an answer that brought nothing.
fn back_off(shared: &Shared, state: &mut State, asked: &Asked) {
    if let Some(slot) = state.positions.get_mut(&asked.partition)
        && slot.version() == asked.version
    {
        slot.back_off(shared.not_before(slot.failures));
    }
}

/// Reports an error that ends the fetching of this partition, until the user seeks.
fn stick(state: &mut State, asked: &Asked, error: Error) {
    let TopicPartition { topic, partition } = &asked.partition;
    state.stick(&asked.partition, error.at_partition(topic, *partition));
}

/// A broker that is no longer the leader names the one that is.
fn hint(
    shared: &Shared,
    asked: &Asked,
    partition: &PartitionDataView<'_>,
    response: &FetchResponseView<'_>,
) {
    let leader = PartitionMetadata {
        leader: partition.current_leader.leader_id,
        leader_epoch: partition.current_leader.leader_epoch,
    };
    let endpoints = response.node_endpoints.iter();
    let addresses = endpoints.map(|at| (at.node_id, at.host, at.port));
    let TopicPartition { topic, partition } = &asked.partition;
    shared
        .cluster
        .leader_hint(topic, Uuid::ZERO, *partition, leader, addresses);
}
