//! An answer taken apart: data to the buffer, errors where they belong.

use bytes::Bytes;
use kafka_client_protocol::api::fetch::{FetchRequest, FetchResponseView, PartitionDataView};
use kafka_client_protocol::records::Batches;
use kafka_client_protocol::{ApiKey, ErrorCode, Uuid};
use tokio::time::Instant;

use super::session::{Asked, Session, ends_session};
use crate::cluster::metadata::PartitionMetadata;
use crate::consumer::TopicPartition;
use crate::consumer::resets::{PositionReset, ResetReason};
use crate::consumer::shared::{Fetched, Shared, State, Weight, no_offset};
use crate::error::{Error, ErrorKind};
use crate::net::Connection;

/// Data of a partition is as good as alone in an answer whose rest is no more than this part of it.
const REST_MOST: usize = 8;

/// What an answer is taken apart with.
struct Taking<'a> {
    shared: &'a Shared,
    /// The broker that it came from.
    node: i32,
    connection: &'a Connection,
    body: &'a Bytes,
    now: Instant,
    /// The cluster is not what it was thought to be.
    refresh: bool,
    /// To be told when no lock is held: who listens may use the consumer.
    resets: Vec<PositionReset>,
    refused: Vec<Error>,
}

/// Takes an answer; whether there was anything in it.
pub(super) fn take(
    shared: &Shared,
    node: i32,
    connection: &Connection,
    session: &mut Session,
    version: i16,
    body: &Bytes,
) -> Result<bool, Error> {
    let response = connection.view::<FetchRequest>(body, version)?;
    let code = ErrorCode::new(response.error_code);
    if code.is_error() {
        session.refused(code);
        if ends_session(code) {
            tracing::debug!(node, %code, "the fetch session is gone");
            return Ok(false);
        }
        return Err(Error::broker(code, ApiKey::FETCH).at_broker(connection.broker()));
    }
    let mut taking = Taking {
        shared,
        node,
        connection,
        body,
        now: shared.env().now(),
        refresh: false,
        resets: Vec::new(),
        refused: Vec::new(),
    };
    let mut data = Vec::new();
    let mut brought = false;
    let mut guard = shared.state();
    let state = &mut *guard;
    for topic in &response.responses {
        for partition in &topic.partitions {
            let number = partition.partition_index;
            let Some((named, asked)) = session.answer(topic.topic, topic.topic_id, number) else {
                continue;
            };
            brought = true;
            // Its offset, or whatever else is asked for, is another one now.
            state.agenda(node).look_at(named.clone());
            if !is_current(state, node, &named, &asked) {
                continue;
            }
            match ErrorCode::new(partition.error_code) {
                ErrorCode::NONE => {
                    state.is_well(&named);
                    let fetched = taking.accept(state, &named, &asked, &partition);
                    if fetched.is_some() {
                        session.served(&named);
                    }
                    data.extend(fetched);
                }
                code => {
                    taking.refuse(state, &named, &asked, &partition, code);
                    hint(shared, &named, topic.topic_id, &partition, &response);
                }
            }
        }
    }
    // A quota may have it answer with nothing at all.
    if brought || response.throttle_time_ms == 0 {
        for (named, asked) in session.left_out() {
            if is_current(state, node, &named, &asked) {
                taking.back_off(state, &named);
                let error = Error::new(ErrorKind::Protocol, "the answer leaves the partition out");
                let error = error.at_api(ApiKey::FETCH).at_broker(connection.broker());
                shared.failed(state, &named, &error);
            }
        }
    }
    session.answered(response.session_id);
    let Taking {
        refresh,
        resets,
        refused,
        ..
    } = taking;
    shared.settle(state);
    // Under the same lock as the fetch position was moved: what another broker sends from there on comes
    // behind it.
    shared.arrived(state, data);
    drop(guard);
    for error in refused {
        tracing::debug!(%error, "fetch refused");
    }
    for reset in resets {
        shared.tell_reset(reset);
    }
    if refresh {
        shared.cluster.request_refresh();
        shared.wake_user();
    }
    Ok(brought)
}

/// The broker does not answer: what the leader has referred to it is asked of the leader again.
pub(super) fn leave_replica(shared: &Shared, node: i32, session: &Session) {
    let now = shared.env().now();
    let mut guard = shared.state();
    let state = &mut *guard;
    for partition in session.partitions() {
        leave(shared, state, partition, node, now);
    }
    shared.settle(state);
}

/// The batch that is asked for is larger than may be received.
pub(super) fn stop_at_oversized(
    shared: &Shared,
    node: i32,
    partition: &TopicPartition,
    asked: &Asked,
    error: &Error,
) {
    let mut guard = shared.state();
    let state = &mut *guard;
    if is_current(state, node, partition, asked) {
        let beyond = asked.offset + 1;
        let error = Error::new(
            ErrorKind::Protocol,
            format!(
                "the batch at offset {} cannot be received: {error}; raise that, or to go on without \
                 it, seek to {beyond}",
                asked.offset
            ),
        );
        stick(state, partition, error.resume_at(beyond));
    }
    shared.settle(state);
}

/// Goes back to the leader, if this is not it; whether that was so.
fn leave(
    shared: &Shared,
    state: &mut State,
    partition: &TopicPartition,
    node: i32,
    now: Instant,
) -> bool {
    let Some(slot) = state.positions.get_mut(partition) else {
        return false;
    };
    if slot.source != node || !slot.replica.is_near(node) {
        return false;
    }
    slot.replica
        .failed(now, shared.cluster.config.metadata_max_age);
    state.positions.touch(partition);
    true
}

/// Whether what was asked for is still wanted, and of this broker and under this leader: of a former one,
/// it may be what is not in the log any more.
fn is_current(state: &State, node: i32, partition: &TopicPartition, asked: &Asked) -> bool {
    let slot = state.positions.get(partition);
    slot.is_some_and(|slot| {
        slot.source == node && slot.version() == asked.version && !slot.is_in_doubt()
    })
}

impl Taking<'_> {
    /// Puts a partition's data into the buffer's form, and moves its fetch position.
    fn accept(
        &mut self,
        state: &mut State,
        named: &TopicPartition,
        asked: &Asked,
        partition: &PartitionDataView<'_>,
    ) -> Option<Fetched> {
        let slot = state.positions.get_mut(named)?;
        slot.high_watermark = partition.high_watermark;
        let diverging = &partition.diverging_epoch;
        if diverging.end_offset >= 0 && asked.last_epoch >= 0 {
            self.back_off(state, named);
            let reset = self.shared.truncated(state, named, diverging.end_offset);
            self.resets.extend(reset);
            return None;
        }
        let records = partition.records.filter(|records| !records.is_empty());
        let Some(records) = records else {
            self.refer(state, named, partition.preferred_read_replica);
            return None;
        };
        let records = self.body.slice_ref(records);
        let (next, whole, epoch) = extent(&records, asked.offset);
        if whole == 0 {
            // Not even one batch: a broker always sends the first one whole (KIP-74), unless it is
            // damaged.
            let error = Error::new(
                ErrorKind::CorruptRecords,
                format!(
                    "the batch at offset {} is not readable; to go on without it, seek to {}",
                    asked.offset,
                    asked.offset + 1
                ),
            )
            .resume_at(asked.offset + 1)
            .at_api(ApiKey::FETCH);
            stick(state, named, error);
            return None;
        }
        if !slot.fetched(asked.version, asked.offset, next, epoch) {
            return None;
        }
        slot.replica.succeeded(self.node);
        if next == asked.offset {
            // Unreadable, which is reported where its records are read, or all from before the
            // offset: the same would come again, as fast as the broker sends.
            slot.back_off(self.shared.not_before(slot.failures));
        }
        let bytes = Weight {
            source: self.node,
            bytes: records.len(),
        };
        Some(Fetched {
            assigned: slot.assigned.clone(),
            version: asked.version,
            batches: Batches::new(records.clone()),
            is_alone: self.body.len() - records.len() <= records.len() / REST_MOST,
            data: records,
            bytes,
            next,
        })
    }

    /// The leader may name a replica to read from instead (KIP-392).
    fn refer(&mut self, state: &mut State, named: &TopicPartition, node: i32) {
        let max_age = self.shared.cluster.config.metadata_max_age;
        let Some(slot) = state.positions.get_mut(named) else {
            return;
        };
        if node < 0 || node == self.node || slot.replica.is_near(self.node) {
            return;
        }
        if self.shared.cluster.metadata().broker(node).is_some() {
            slot.replica.prefer(node, self.now, max_age);
        } else {
            // It may be new. Until it is known, the leader gives what there is.
            slot.replica.failed(self.now, max_age);
            slot.back_off(self.shared.not_before(slot.failures));
            self.refresh = true;
        }
        state.positions.touch(named);
    }

    /// Handles a partition's error.
    fn refuse(
        &mut self,
        state: &mut State,
        named: &TopicPartition,
        asked: &Asked,
        partition: &PartitionDataView<'_>,
        code: ErrorCode,
    ) {
        let error = Error::broker(code, ApiKey::FETCH).at_broker(self.connection.broker());
        let TopicPartition {
            topic,
            partition: number,
        } = named;
        self.refused
            .push(error.clone().at_partition(topic, *number));
        if leave(self.shared, state, named, self.node, self.now) {
            // What it does not have, the leader may have.
            self.refresh |= code != ErrorCode::OFFSET_OUT_OF_RANGE;
            return;
        }
        if code == ErrorCode::OFFSET_OUT_OF_RANGE && asked.last_epoch >= 0 {
            // It may be that the broker knows nothing of the epoch any more.
            if let Some(slot) = state.positions.get_mut(named) {
                slot.forget_last_epoch();
            }
            return;
        }
        self.back_off(state, named);
        self.refresh = true;
        match code {
            ErrorCode::OFFSET_OUT_OF_RANGE => {
                let start = partition.log_start_offset;
                let reason = ResetReason::OutOfRange {
                    offset: asked.offset,
                };
                let reset = self.shared.config.reset;
                self.shared.reset_because(reason, reset, state, named, || {
                    no_offset(&format!(
                        "offset {} is not in the log, which starts at {start}",
                        asked.offset
                    ))
                });
            }
            code if (code.is_retriable() && code != ErrorCode::CORRUPT_MESSAGE)
                || code == ErrorCode::UNKNOWN_SERVER_ERROR =>
            {
                self.shared.failed(state, named, &error);
            }
            // Not allowed, corrupt on the broker's disk, and the like: nothing changes by itself.
            _ => stick(state, named, error),
        }
    }

    /// Asks for a partition again a little later.
    fn back_off(&self, state: &mut State, named: &TopicPartition) {
        if let Some(slot) = state.positions.get_mut(named) {
            slot.back_off(self.shared.not_before(slot.failures));
            state.agenda(self.node).look_at(named.clone());
        }
    }
}

/// The offset behind the whole batches of an answer, how many there are, and the leader epoch of the
/// last. Only their headers are looked at.
fn extent(records: &Bytes, from: i64) -> (i64, usize, i32) {
    let mut next = from;
    let mut whole = 0;
    let mut epoch = -1;
    for batch in Batches::new(records.clone()) {
        // An unreadable batch is found again, and reported, where its records are read.
        let Ok(batch) = batch else {
            return (next, whole + 1, epoch);
        };
        let header = batch.header();
        next = next.max(header.next_offset());
        epoch = header.partition_leader_epoch;
        whole += 1;
    }
    (next, whole, epoch)
}

/// Reports an error that ends the fetching of this partition, until the user seeks.
fn stick(state: &mut State, named: &TopicPartition, error: Error) {
    let error = error.at_partition(&named.topic, named.partition);
    state.stick(named, error);
}

/// A broker that is no longer the leader names the one that is (KIP-951).
fn hint(
    shared: &Shared,
    named: &TopicPartition,
    id: Uuid,
    partition: &PartitionDataView<'_>,
    response: &FetchResponseView<'_>,
) {
    let leader = PartitionMetadata {
        leader: partition.current_leader.leader_id,
        leader_epoch: partition.current_leader.leader_epoch,
    };
    let endpoints = response.node_endpoints.iter();
    let addresses = endpoints.map(|at| (at.node_id, at.host, at.port));
    let TopicPartition { topic, partition } = named;
    shared
        .cluster
        .leader_hint(topic, id, *partition, leader, addresses);
}
