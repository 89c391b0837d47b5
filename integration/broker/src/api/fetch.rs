//! Fetch (key 1), versions 4 to 18: batches from the logs, waiting for them if need be.
//!
//! Answered at once when there are `min_bytes`, when an offset lies in an older segment, when a partition has an
//! error, or when `max_wait` is 0; otherwise at the next append that makes enough, or after `max_wait`. The first
//! batch found is given whole even when it is over the limits (KIP-74); behind it the bytes end where the limit
//! falls, often within a batch. What is there is told by positions; bytes are read once, for the answer.
//!
//! Sessions (version 7, KIP-227) are kept by `fetch_sessions.rs`. A request of one counts as naming all
//! of its partitions, for faults and the journal too.
//! Versions 9 and 12 check leader epochs and the last fetched epoch (KIP-320, KIP-595), 13 names
//! topics by id. Without transactions, both isolation levels end at the high watermark.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::fetch::{
    EpochEndOffset, FetchPartition, FetchRequest, FetchResponse, FetchTopic,
    FetchableTopicResponse, PartitionData,
};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Api, Call, Named, Part, Target, TopicRef, parts};
use crate::env;
use crate::log::{DataSlice, Reads, Spot};
use crate::partition::{Ends, Partition, Records, UpTo, Wanted};
use crate::quota;
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;
use crate::topics::Topic;

const TOPIC_IDS_SINCE: i16 = 13;
const REPLICA_STATE_SINCE: i16 = 15;
const READ_COMMITTED: i8 = 1;
const ISOLATION_LEVELS: RangeInclusive<i8> = 0..=READ_COMMITTED;

impl Api for FetchRequest {
    const NAMES: Named = Named::Partitions;
    const QUOTA: Option<quota::Kind> = Some(quota::Kind::Fetch);

    fn hold_back(call: &Call<'_>, answer: &mut FetchResponse) {
        call.node.fetch_sessions().hold_back(answer);
    }

    async fn answer(self, call: &Call<'_>) -> FetchResponse {
        let node = call.node;
        if !ISOLATION_LEVELS.contains(&self.isolation_level) {
            let mut answer = self.refuse(ErrorCode::UNKNOWN_SERVER_ERROR);
            answer.error_code = ErrorCode::UNKNOWN_SERVER_ERROR.code();
            let topics = answer.responses.iter_mut();
            for partition in topics.flat_map(|topic| &mut topic.partitions) {
                partition.aborted_transactions = Some(Vec::new());
            }
            return answer;
        }
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

/// Reads, and waits for more if there is too little: by positions, so that bytes are read once, at the end.
async fn read_or_wait(request: &FetchRequest, call: &Call<'_>) -> FetchResponse {
    let limit = call
        .node
        .config()
        .fetch_bytes_max
        .min(quota_bytes_max(call))
        .min(call.node.unsent.answer_bytes_max());
    let limit = i64::from(request.max_bytes).min(limit as i64);
    let wanted = u64::try_from(request.min_bytes).unwrap_or(0);
    let wanted = wanted.min(u64::try_from(limit).unwrap_or(0));
    let may_stay = call.connection.deferred().is_allowed;
    let plan = without_waiting(call, |reads| Plan::new(request, call, reads)).await;
    let may_answer = request.max_wait_ms <= 0 || plan.is_ready(wanted);
    if may_answer || plan.has_first_over_its_limit() {
        let read = |reads: &Reads| plan.read(request, limit, reads, may_stay);
        let read = without_waiting(call, read).await;
        if may_answer || read.bytes >= wanted {
            return plan.answer(read, call).await;
        }
    }
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    tokio::select! {
        biased;
        () = call.node.stopped() => {}
        () = wait_for_bytes(&plan, wanted, env::now() + wait) => {}
        () = call.connection.is_left() => {}
    }
    let again = |reads: &Reads| {
        let plan = Plan::new(request, call, reads);
        let read = plan.read(request, limit, reads, may_stay);
        (plan, read)
    };
    let (plan, read) = without_waiting(call, again).await;
    plan.answer(read, call).await
}

/// Does a part of the work that reads files. If it meets what is not in memory, that is read by threads that may wait
/// for the disk, and the part is done once more: meanwhile this thread serves others.
async fn without_waiting<T>(call: &Call<'_>, work: impl Fn(&Reads) -> T) -> T {
    // The system may drop again what was read.
    const ATTEMPTS: usize = 3;
    for _ in 0..ATTEMPTS {
        let reads = Reads::Cached(RefCell::default());
        let done = work(&reads);
        let cold = reads.cold();
        if cold.is_empty() {
            return done;
        }
        drop(done);
        call.node.warm(cold).await;
    }
    work(&Reads::Waiting)
}

/// Where each partition of a request is to be read.
struct Plan(Vec<Vec<Result<Planned, Refusal>>>);

/// A partition that can be read.
struct Planned {
    partition: Arc<Partition>,
    leader_epoch: i32,
    offset: i64,
    up_to: UpTo,
    bytes_max: usize,
    /// Where to read, or where the reader's log and this one part.
    spot: Result<Spot, EpochEndOffset>,
    ends: Ends,
}

/// What one pass over the partitions gave.
struct Read {
    response: FetchResponse,
    bytes: u64,
    /// What stays in its files, by topic and partition of the response.
    in_files: Vec<(usize, usize, DataSlice)>,
}

impl Plan {
    fn new(request: &FetchRequest, call: &Call<'_>, reads: &Reads) -> Self {
        let replica_id = match call.version {
            ..REPLICA_STATE_SINCE => request.replica_id,
            _ => request.replica_state.replica_id,
        };
        let is_follower = replica_id >= 0;
        let up_to = match request.isolation_level {
            _ if is_follower => UpTo::End,
            READ_COMMITTED => UpTo::LastStableOffset,
            _ => UpTo::HighWatermark,
        };
        // A follower needs no right on the topics.
        let may_read = |name: &str| match is_follower {
            true => call.may_on_cluster(AclOperation::ClusterAction),
            false => call.may_on_topic(AclOperation::Read, name),
        };
        let by_id = call.version >= TOPIC_IDS_SINCE;
        let of_topic = |asked_topic: &FetchTopic| {
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
            let planned = |asked| {
                let topic = topic.as_ref().map_err(Clone::clone);
                topic.and_then(|topic| Planned::new(topic, asked, up_to, reads))
            };
            asked_topic.partitions.iter().map(planned).collect()
        };
        Self(request.topics.iter().map(of_topic).collect())
    }

    fn all(&self) -> impl Iterator<Item = &Result<Planned, Refusal>> {
        self.0.iter().flatten()
    }

    /// Whether there is nothing to wait for.
    fn is_ready(&self, wanted: u64) -> bool {
        let mut bytes = 0;
        let mut is_empty = true;
        for planned in self.all() {
            is_empty = false;
            match planned.as_ref().ok().and_then(Planned::bytes) {
                Some(more) => bytes += more,
                None => return true,
            }
        }
        is_empty || bytes >= wanted
    }

    /// Whether a partition has more than it may give: its first batch is given whole all the same.
    fn has_first_over_its_limit(&self) -> bool {
        let mut all = self.all().flatten();
        all.any(|planned| {
            let available = planned.available();
            available.is_some_and(|bytes| bytes > planned.bytes_max as u64)
        })
    }

    fn read(&self, request: &FetchRequest, limit: i64, reads: &Reads, may_stay: bool) -> Read {
        let is_committed = request.isolation_level == READ_COMMITTED;
        let mut left = limit;
        let mut read = Read {
            response: FetchResponse::default(),
            bytes: 0,
            in_files: Vec::new(),
        };
        for (asked_topic, planned) in request.topics.iter().zip(&self.0) {
            let mut partitions = Vec::with_capacity(planned.len());
            for (asked, planned) in asked_topic.partitions.iter().zip(planned) {
                let at_least_one = read.bytes == 0;
                let planned = planned.as_ref().map_err(Clone::clone);
                let data = planned.and_then(|planned| {
                    let bytes_max = left.min(asked.partition_max_bytes.into());
                    // After the first partition, a limit of the whole request is 0 at the least.
                    left = left.max(0);
                    let bytes_max = usize::try_from(bytes_max).map_err(|_| {
                        // Kafka has no better code for it.
                        let message = format!("a limit of {bytes_max} bytes is no limit");
                        Refusal::new(ErrorCode::UNKNOWN_SERVER_ERROR, message)
                    })?;
                    planned.read(bytes_max, at_least_one, may_stay, reads)
                });
                partitions.push(match data {
                    Ok((data, in_file)) => {
                        let bytes = data.records.as_ref().map_or(0, Bytes::len);
                        let bytes = in_file.as_ref().map_or(bytes, DataSlice::length);
                        if let Some(slice) = in_file {
                            let place = (read.response.responses.len(), partitions.len());
                            read.in_files.push((place.0, place.1, slice));
                        }
                        left = left.saturating_sub(bytes as i64).max(0);
                        read.bytes += bytes as u64;
                        PartitionData {
                            partition_index: asked.partition,
                            // Null for those who did not ask for the list, as in Kafka.
                            aborted_transactions: is_committed.then(Vec::new),
                            ..data
                        }
                    }
                    Err(refusal) => failed(asked.partition, refusal.code),
                });
            }
            read.response.responses.push(FetchableTopicResponse {
                topic: asked_topic.topic.clone(),
                topic_id: asked_topic.topic_id,
                partitions,
                ..Default::default()
            });
        }
        read
    }

    /// What is answered, which the topics count.
    async fn answer(&self, mut read: Read, call: &Call<'_>) -> FetchResponse {
        for (topic, partition, slice) in read.in_files {
            let stand_in = call.connection.deferred().defer(&slice, call.node);
            let records = match stand_in {
                Some(stand_in) => Ok(stand_in),
                // With very many on their way it is read after all.
                None => without_waiting(call, |reads| reads.read(slice.clone())).await,
            };
            let data = &mut read.response.responses[topic].partitions[partition];
            match records {
                Ok(records) => data.records = Some(records),
                // The disk has told why.
                Err(_) => *data = failed(data.partition_index, ErrorCode::KAFKA_STORAGE_ERROR),
            }
        }
        let topics = read.response.responses.iter().zip(&self.0);
        for (data, planned) in topics.flat_map(|(topic, all)| topic.partitions.iter().zip(all)) {
            let bytes = data.records.as_ref().map_or(0, Bytes::len);
            if let Ok(planned) = planned {
                let bytes = (data.error_code == 0).then_some(bytes);
                planned.partition.traffic().fetched(bytes);
            }
        }
        read.response
    }
}

impl Planned {
    fn new(
        topic: &Topic,
        asked: &FetchPartition,
        up_to: UpTo,
        reads: &Reads,
    ) -> Result<Self, Refusal> {
        let partition = topic.partition(asked.partition).ok_or_else(|| {
            Refusal::new(
                ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                format!("topic {} has no partition {}", topic.name, asked.partition),
            )
        })?;
        let leader_epoch = partition.leader_epoch();
        partition
            .check_epoch(asked.current_leader_epoch)
            .map_err(|code| Refusal::new(code, "another leader epoch"))?;
        let (spot, ends) = match diverging_epoch(partition, asked)? {
            Some(diverging) => (Err(diverging), partition.ends()),
            None => {
                let (spot, ends) = partition.locate(asked.fetch_offset, reads)?;
                (Ok(spot), ends)
            }
        };
        Ok(Self {
            partition: Arc::clone(partition),
            leader_epoch,
            offset: asked.fetch_offset,
            up_to,
            bytes_max: usize::try_from(asked.partition_max_bytes).unwrap_or(0),
            spot,
            ends,
        })
    }

    /// The bytes that count for `min_bytes`; `None` if the fetch is answered at once.
    fn bytes(&self) -> Option<u64> {
        let is_other =
            self.partition.is_deleted() || self.partition.leader_epoch() != self.leader_epoch;
        let available = self.available().filter(|_| !is_other);
        available.map(|bytes| bytes.min(self.bytes_max as u64))
    }

    fn available(&self) -> Option<u64> {
        let spot = *self.spot.as_ref().ok()?;
        self.partition.available(self.offset, spot, self.up_to)
    }

    fn read(
        &self,
        max_bytes: usize,
        at_least_one: bool,
        may_stay: bool,
        reads: &Reads,
    ) -> Result<(PartitionData, Option<DataSlice>), Refusal> {
        let (records, ends, diverging_epoch) = match &self.spot {
            Ok(spot) => {
                let wanted = Wanted {
                    offset: self.offset,
                    up_to: self.up_to,
                    max_bytes,
                    at_least_one,
                    may_stay,
                };
                let fetched = self.partition.read_at(*spot, wanted, reads)?;
                (fetched.records, fetched.ends, EpochEndOffset::default())
            }
            Err(diverging) => (Records::Read(Bytes::new()), self.ends, diverging.clone()),
        };
        let (records, in_file) = match records {
            Records::Read(bytes) => (bytes, None),
            Records::InFile(slice) => (Bytes::new(), Some(slice)),
        };
        let data = PartitionData {
            high_watermark: ends.high_watermark,
            last_stable_offset: ends.last_stable_offset,
            log_start_offset: ends.start_offset,
            diverging_epoch,
            aborted_transactions: None,
            records: Some(records),
            ..Default::default()
        };
        Ok((data, in_file))
    }
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

async fn wait_for_bytes(plan: &Plan, wanted: u64, deadline: Instant) {
    let waiter = Arc::new(Notify::new());
    let watch = Watch {
        waiter: &waiter,
        plan,
    };
    let mut watched: Vec<Option<u64>> = vec![None; plan.all().flatten().count()];
    loop {
        // Watch first, then look: an append in between leaves a notification behind. A partition
        // that woke somebody has forgotten its waiters, so it is watched again.
        for (planned, since) in plan.all().flatten().zip(&mut watched) {
            *since = Some(planned.partition.watch(&waiter, *since));
        }
        if plan.is_ready(wanted) {
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
    plan: &'a Plan,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        for planned in self.plan.all().flatten() {
            planned.partition.unwatch(self.waiter);
        }
    }
}

fn has_no_log(error: ErrorCode) -> bool {
    matches!(
        error,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            | ErrorCode::UNKNOWN_TOPIC_ID
            | ErrorCode::TOPIC_AUTHORIZATION_FAILED
    )
}

fn failed(partition_index: i32, error: ErrorCode) -> PartitionData {
    PartitionData {
        partition_index,
        error_code: error.code(),
        high_watermark: -1,
        // As in Kafka, an empty list where the log was not looked at.
        aborted_transactions: has_no_log(error).then(Vec::new),
        records: Some(Bytes::new()),
        ..Default::default()
    }
}
