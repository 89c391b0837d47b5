//! Fetch (key 1), versions 4 to 18: batches from the logs, waiting for them if need be.
//!
//! Answered at once when there are `min_bytes`, when a partition has an error, or when `max_wait`
//! is 0; otherwise at the next append that makes enough, or after `max_wait`. Whole batches only;
//! the first batch found is given even when it is over the limits (KIP-74).
//!
//! Sessions (version 7, KIP-227) are kept by `fetch_sessions.rs`. A request of one counts as naming all
//! of its partitions, for faults and the journal too.
//! Versions 9 and 12 check leader epochs and the last fetched epoch (KIP-320, KIP-595), 13 names
//! topics by id. With one replica and no transactions, both isolation levels end at the log's end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::fetch::{
    EpochEndOffset, FetchPartition, FetchRequest, FetchResponse, FetchTopic,
    FetchableTopicResponse, PartitionData,
};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Api, Call, Named, Part, Target, TopicRef, parts};
use crate::env;
use crate::partition::Partition;
use crate::quota;
use crate::security::acl::AclOperation;
use crate::topics::Topic;
use crate::validate::Refusal;

const TOPIC_IDS_SINCE: i16 = 13;
const REPLICA_STATE_SINCE: i16 = 15;
const READ_COMMITTED: i8 = 1;

impl Api for FetchRequest {
    const NAMES: Named = Named::Partitions;
    const QUOTA: Option<quota::Kind> = Some(quota::Kind::Fetch);

    fn hold_back(call: &Call<'_>, answer: &mut FetchResponse) {
        call.node.fetch_sessions().hold_back(answer);
    }

    async fn answer(self, call: &Call<'_>) -> FetchResponse {
        let node = call.node;
        let by_id = call.version >= TOPIC_IDS_SINCE;
        let context = node.fetch_sessions().begin(&self, by_id, node.env.now_ms());
        let context = match context {
            Ok(context) => context,
            Err(error) => {
                return FetchResponse {
                    error_code: error.code(),
                    ..Default::default()
                };
            }
        };
        let mut answer = read_or_wait(&self, call).await;
        node.fetch_sessions()
            .finish(context, &self, &mut answer, node.env.now_ms(), || {
                node.env.number()
            });
        answer
    }

    fn complete(&mut self, call: &Call<'_>) {
        let by_id = call.version >= TOPIC_IDS_SINCE;
        call.node.fetch_sessions().complete(self, by_id);
    }

    fn refuse(&self, error: ErrorCode) -> FetchResponse {
        let partition = |asked: &FetchPartition| failed(asked.partition, error);
        let topic = |asked: &FetchTopic| FetchableTopicResponse {
            topic: asked.topic.clone(),
            topic_id: asked.topic_id,
            partitions: asked.partitions.iter().map(partition).collect(),
            ..Default::default()
        };
        FetchResponse {
            responses: self.topics.iter().map(topic).collect(),
            ..Default::default()
        }
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let topics = self.topics.iter();
        topics
            .flat_map(|topic| {
                let named = TopicRef::new(&topic.topic, topic.topic_id);
                Part::partitions(named, topic.partitions.iter().map(|one| one.partition))
            })
            .collect()
    }

    fn take(&mut self, target: &Target<'_>) -> Option<Self> {
        let taken = parts::take(
            &mut self.topics,
            |topic| &mut topic.partitions,
            |topic, one| target.is(TopicRef::new(&topic.topic, topic.topic_id), one.partition),
        );
        if taken.is_empty() {
            return None;
        }
        // An error is answered at once, whatever the others have.
        self.max_wait_ms = 0;
        Some(Self {
            topics: taken,
            ..self.clone()
        })
    }

    fn put(answer: &mut FetchResponse, refused: FetchResponse) {
        parts::put_by(
            &mut answer.responses,
            refused.responses,
            |topic| (topic.topic.clone(), topic.topic_id),
            |known, topic| {
                parts::put_partitions(&mut known.partitions, topic.partitions, |one| {
                    one.partition_index
                });
            },
        );
    }
}

/// Reads, and waits for more if there is too little.
async fn read_or_wait(request: &FetchRequest, call: &Call<'_>) -> FetchResponse {
    let deadline =
        env::now() + Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let wanted = u64::try_from(request.min_bytes).unwrap_or(0);
    let first = read_all(request, call);
    if first.failed || first.bytes >= wanted || request.max_wait_ms <= 0 || first.seen.is_empty() {
        return first.response;
    }
    let waited = wait_for_bytes(request, first.seen, wanted, deadline);
    tokio::select! {
        biased;
        () = call.node.stopped() => {}
        () = waited => {}
        () = call.connection.is_left() => {}
    }
    read_all(request, call).response
}

/// What one pass over the partitions gave.
struct Pass {
    response: FetchResponse,
    bytes: u64,
    failed: bool,
    seen: Vec<Seen>,
}

/// A partition as the pass saw it: what is there to read grows with its appended bytes.
struct Seen {
    partition: Arc<Partition>,
    leader_epoch: i32,
    bytes: u64,
    bytes_max: u64,
    appended_bytes: u64,
}

impl Seen {
    /// The bytes that a pass would give now.
    fn bytes_now(&self) -> u64 {
        let appended = self
            .partition
            .ends()
            .appended_bytes
            .saturating_sub(self.appended_bytes);
        // A first batch over the limit is given whole, so what was there counts in full.
        (self.bytes + appended).min(self.bytes_max.max(self.bytes))
    }
}

fn read_all(request: &FetchRequest, call: &Call<'_>) -> Pass {
    let limit = call
        .node
        .config()
        .fetch_bytes_max
        .min(quota_bytes_max(call));
    let replica_id = match call.version {
        ..REPLICA_STATE_SINCE => request.replica_id,
        _ => request.replica_state.replica_id,
    };
    let is_follower = replica_id >= 0;
    let mut left = usize::try_from(request.max_bytes).unwrap_or(0).min(limit);
    let mut pass = Pass {
        response: FetchResponse::default(),
        bytes: 0,
        failed: false,
        seen: vec![],
    };
    // A follower needs no right on the topics.
    let may_read = |name: &str| match is_follower {
        true => call.may_on_cluster(AclOperation::ClusterAction),
        false => call.may_on_topic(AclOperation::Read, name),
    };
    for asked_topic in &request.topics {
        let by_id = call.version >= TOPIC_IDS_SINCE;
        let topic = call
            .node
            .find_topic(by_id, asked_topic.topic_id, &asked_topic.topic);
        // Who may not read it is not told that there is no such topic; an id that no topic has is
        // no secret.
        let name = match &topic {
            Ok(topic) => Some(&*topic.name),
            Err(_) => (!by_id).then_some(&*asked_topic.topic),
        };
        let topic = match name {
            Some(name) if !may_read(name) => Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED.into()),
            _ => topic,
        };
        let mut partitions = Vec::with_capacity(asked_topic.partitions.len());
        for asked in &asked_topic.partitions {
            let at_least_one = pass.bytes == 0;
            let result = topic
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|topic| read_one(request, topic, asked, left, at_least_one));
            partitions.push(match result {
                Ok((data, seen)) => {
                    let bytes = data.records.as_ref().map_or(0, bytes::Bytes::len);
                    left = left.saturating_sub(bytes);
                    pass.bytes += bytes as u64;
                    pass.failed |= data.diverging_epoch != EpochEndOffset::default();
                    pass.seen.push(seen);
                    data
                }
                Err(refusal) => {
                    pass.failed = true;
                    failed(asked.partition, refusal.code)
                }
            });
        }
        pass.response.responses.push(FetchableTopicResponse {
            topic: asked_topic.topic.clone(),
            topic_id: asked_topic.topic_id,
            partitions,
            ..Default::default()
        });
    }
    pass
}

/// What one answer may have without being over the client's quota for good.
fn quota_bytes_max(call: &Call<'_>) -> usize {
    let quotas = call.node.quotas();
    if quotas.is_empty() {
        return usize::MAX;
    }
    let principal = Arc::clone(call.connection.gate().principal());
    let max = quotas.fetch_bytes_max(&principal.name, call.client_id);
    max.map_or(usize::MAX, |bytes| bytes as usize)
}

fn read_one(
    request: &FetchRequest,
    topic: &Topic,
    asked: &FetchPartition,
    left: usize,
    at_least_one: bool,
) -> Result<(PartitionData, Seen), Refusal> {
    let partition = topic.partition(asked.partition).ok_or_else(|| {
        Refusal::new(
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            format!("topic {} has no partition {}", topic.name, asked.partition),
        )
    })?;
    partition
        .check_epoch(asked.current_leader_epoch)
        .map_err(|code| Refusal::new(code, "another leader epoch"))?;
    let own_max = usize::try_from(asked.partition_max_bytes).unwrap_or(0);
    let diverging = diverging_epoch(partition, asked)?;
    let mut ends = partition.ends();
    let mut records = bytes::Bytes::new();
    if diverging.is_none() {
        let fetched = partition.read(asked.fetch_offset, own_max.min(left), at_least_one)?;
        (records, ends) = (fetched.records, fetched.ends);
    }
    let seen = Seen {
        partition: Arc::clone(partition),
        leader_epoch: partition.leader_epoch(),
        bytes: records.len() as u64,
        bytes_max: own_max as u64,
        appended_bytes: ends.appended_bytes,
    };
    let committed = request.isolation_level == READ_COMMITTED;
    let data = PartitionData {
        partition_index: asked.partition,
        error_code: 0,
        high_watermark: ends.end_offset,
        last_stable_offset: ends.end_offset,
        log_start_offset: ends.start_offset,
        diverging_epoch: diverging.unwrap_or_default(),
        // Null for those who did not ask for the list, as in Kafka.
        aborted_transactions: committed.then(Vec::new),
        records: Some(records),
        ..Default::default()
    };
    Ok((data, seen))
}

/// Where the reader's log and this one part, if the epoch it read last does not reach so far here.
fn diverging_epoch(
    partition: &Partition,
    asked: &FetchPartition,
) -> Result<Option<EpochEndOffset>, Refusal> {
    let last = asked.last_fetched_epoch;
    if last < 0 {
        return Ok(None);
    }
    match partition.log().end_of_epoch(last) {
        None => Err(Refusal::new(
            ErrorCode::OFFSET_OUT_OF_RANGE,
            format!("nothing is known about leader epoch {last}"),
        )),
        Some((epoch, end_offset)) if epoch < last || end_offset < asked.fetch_offset => {
            Ok(Some(EpochEndOffset {
                epoch,
                end_offset,
                ..Default::default()
            }))
        }
        Some(_) => Ok(None),
    }
}

async fn wait_for_bytes(request: &FetchRequest, seen: Vec<Seen>, wanted: u64, deadline: Instant) {
    let waiter = Arc::new(Notify::new());
    let watch = Watch {
        waiter: &waiter,
        seen: &seen,
    };
    let limit = u64::try_from(request.max_bytes).unwrap_or(0);
    let mut watched: HashMap<usize, u64> = HashMap::new();
    loop {
        // Watch first, then look: an append in between leaves a notification behind. A partition
        // that woke somebody has forgotten its waiters, so those that grew are watched again.
        let mut bytes = 0;
        let mut changed = false;
        for (index, seen) in seen.iter().enumerate() {
            let appended = seen.partition.ends().appended_bytes;
            if watched.insert(index, appended) != Some(appended) {
                seen.partition.watch(&waiter);
            }
            bytes += seen.bytes_now();
            changed |= seen.partition.is_deleted();
            changed |= seen.partition.leader_epoch() != seen.leader_epoch;
        }
        if changed || bytes >= wanted.min(limit) {
            break;
        }
        tokio::select! {
            biased;
            () = waiter.notified() => {}
            () = env::sleep_until(deadline) => break,
        }
    }
    drop(watch);
}

/// Takes the waiter back from all partitions, however the wait ends.
struct Watch<'a> {
    waiter: &'a Arc<Notify>,
    seen: &'a [Seen],
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        for seen in self.seen {
            seen.partition.unwatch(self.waiter);
        }
    }
}

fn failed(partition_index: i32, error: ErrorCode) -> PartitionData {
    PartitionData {
        partition_index,
        error_code: error.code(),
        high_watermark: -1,
        aborted_transactions: None,
        records: Some(bytes::Bytes::new()),
        ..Default::default()
    }
}
