//! A partition on its way out: the batches that are open and the window of those that were sent.
//!
//! Callers append to the open batch under the partition's lock; the sink of the leader takes what
//! is due. A batch that is due but cannot be sent yet keeps growing, up to `max.request.size`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use kafka_client_protocol::records::{
    self, BatchBuilder, BatchHeader, Header, record_size_upper_bound,
};
use kafka_client_protocol::{ApiKey, ErrorCode, StrBytes, Uuid};
use tokio::time::Instant;

use super::budget::Taken;
use super::config::Acks;
use super::delivery::{Completion, Delivery, Outcome};
use super::shared::Shared;
use super::window::{Entry, Ticket, Window};
use crate::env::lock;
use crate::error::{Error, ErrorKind};
use crate::net::Lane;

/// Most a batch may decompress to when it is split: what was compressed had at most this size.
const SPLIT_CAP: usize = 1 << 30;

/// A topic's name as callers, the wire and errors use it, with its present id.
#[derive(Debug)]
pub(crate) struct TopicName {
    pub(crate) name: Arc<str>,
    pub(crate) wire: StrBytes,
    id: Mutex<Uuid>,
}

impl TopicName {
    pub(crate) fn new(name: Arc<str>, id: Uuid) -> Self {
        Self {
            wire: StrBytes::from(&*name),
            name,
            id: Mutex::new(id),
        }
    }

    pub(crate) fn id(&self) -> Uuid {
        *lock(&self.id)
    }

    pub(crate) fn set_id(&self, id: Uuid) {
        *lock(&self.id) = id;
    }
}

/// A partition that records are produced to.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) topic: Arc<TopicName>,
    pub(crate) index: i32,
    leader: AtomicI32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Batches that were never sent, oldest first. The last one grows; those before it are full.
    open: VecDeque<OpenBatch>,
    window: Window<Batch>,
    /// Open batches up to this number are to be sent as soon as that is possible.
    due: Option<u64>,
    /// The sink in whose queue the partition stands.
    queued_at: Option<i32>,
    /// Listed among the partitions that have batches.
    active: bool,
    /// Nothing is sent again before this instant.
    not_before: Option<Instant>,
    next_batch: u64,
    /// Why the last attempt failed, for batches that run out of time.
    last_error: Option<Error>,
}

/// A batch that records are appended to.
#[derive(Debug)]
struct OpenBatch {
    number: u64,
    builder: BatchBuilder,
    completion: Arc<Completion>,
    created: Instant,
    /// Bytes taken from the budget.
    reserved: usize,
}

/// A batch that was sent.
#[derive(Debug)]
struct Batch {
    bytes: Bytes,
    completion: Arc<Completion>,
    created: Instant,
    reserved: usize,
    failures: u32,
}

impl Batch {
    /// Tells the deliveries, gives the bytes back and the buffer to the pool, if nothing else
    /// holds it: a connection does while it writes.
    fn finish(self, shared: &Shared, outcome: Outcome) {
        // First the memory: whoever is told finds it free.
        shared.budget.give_back(self.reserved);
        self.completion.complete(outcome);
        shared.recycle(self.bytes);
    }
}

/// What a caller must tell the sink after an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Nothing: the batch was open and is not full.
    None,
    /// A batch was opened; it may linger. `behind` another, which is full and to be sent now.
    Opened { number: u64, behind: bool },
    /// A batch is full.
    Full,
}

/// Why a record was not appended.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The budget lacks this many bytes.
    Memory(usize),
    /// The record can never be appended.
    Error(Error),
}

/// What the sink is to do with a partition.
#[derive(Debug)]
pub(crate) enum Next {
    /// Send this batch. `more` if another could follow at once.
    Send {
        ticket: Ticket,
        bytes: Bytes,
        more: bool,
    },
    /// Nothing before this instant.
    At(Instant),
    /// Another broker leads the partition now, or none does.
    Elsewhere,
    /// Nothing now; an answer, a signal or a new leader brings it back.
    Nothing,
}

/// What came back for a batch.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is in the log. -1 where the broker does not say.
    Appended {
        base_offset: i64,
        log_append_time: i64,
    },
    /// An error code, with the broker's words.
    Refused {
        code: ErrorCode,
        message: Option<StrBytes>,
    },
    /// The connection failed before the answer.
    Lost(Error),
}

impl Partition {
    pub(crate) fn new(topic: Arc<TopicName>, index: i32, leader: i32, shared: &Shared) -> Self {
        let config = &shared.config;
        Self {
            topic,
            index,
            leader: AtomicI32::new(leader),
            state: Mutex::new(State {
                open: VecDeque::new(),
                window: Window::new(config.max_in_flight, config.idempotent()),
                due: None,
                queued_at: None,
                active: false,
                not_before: None,
                next_batch: 0,
                last_error: None,
            }),
        }
    }

    /// The node id of the leader, -1 if there is none.
    pub(crate) fn leader(&self) -> i32 {
        self.leader.load(Ordering::Acquire)
    }

    /// Takes a leader from the metadata; `true` if it is another than before.
    pub(crate) fn set_leader(&self, leader: i32) -> bool {
        let before = self.leader.swap(leader, Ordering::AcqRel);
        if before == leader {
            return false;
        }
        let mut state = lock(&self.state);
        // The back-off was for the old leader (KIP-951).
        state.not_before = None;
        // What lingers does so at the old leader's sink, which may be stuck.
        state.due = state.open.back().map(|last| last.number).or(state.due);
        true
    }

    /// Encodes a record into the open batch. `taken` are bytes the caller has waited for.
    pub(crate) fn append(
        self: &Arc<Self>,
        shared: &Shared,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
        mut taken: Option<&mut Taken<'_>>,
    ) -> Result<(Delivery, Signal), Refusal> {
        let limit = shared.config.max_request_size;
        let mut state = lock(&self.state);
        let state = &mut *state;
        if let Some(open) = state.open.back_mut() {
            let size = open.builder.record_size(timestamp, key, value, headers);
            let before = open.builder.len();
            if before + size <= limit {
                shared.reserve(&mut open.reserved, before + size, taken.as_deref_mut())?;
                let index = open
                    .builder
                    .append(timestamp, key, value, headers)
                    .map_err(|error| self.refused(error))?;
                let delivery = open.completion.delivery(index, timestamp);
                let batch_size = shared.config.batch_size;
                // Told once: when the batch crosses the size.
                let crossed = before < batch_size && before + size >= batch_size;
                return Ok((delivery, if crossed { Signal::Full } else { Signal::None }));
            }
        }
        self.open(shared, state, timestamp, key, value, headers, taken)
    }

    /// Opens a batch with a record.
    #[cold]
    #[expect(clippy::too_many_arguments, reason = "the tail of `append`")]
    fn open(
        self: &Arc<Self>,
        shared: &Shared,
        state: &mut State,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
        taken: Option<&mut Taken<'_>>,
    ) -> Result<(Delivery, Signal), Refusal> {
        let limit = shared.config.max_request_size;
        let size = BatchHeader::LEN + record_size_upper_bound(key, value, headers);
        if size > limit {
            return Err(Refusal::Error(
                Error::new(
                    ErrorKind::RecordTooLarge,
                    format!(
                        "the record takes up to {size} bytes in a batch, over max.request.size of \
                         {limit} bytes"
                    ),
                )
                .at_partition(&self.topic.name, self.index),
            ));
        }
        let mut reserved = 0;
        shared.reserve(&mut reserved, size, taken)?;
        let mut builder = BatchBuilder::new(shared.buffer());
        let index = builder
            .append(timestamp, key, value, headers)
            .map_err(|error| {
                shared.budget.give_back(reserved);
                self.refused(error)
            })?;
        let completion = Completion::new(self.clone(), shared.weak.clone());
        let delivery = completion.delivery(index, timestamp);
        let number = state.next_batch;
        state.next_batch += 1;
        let full = builder.len() >= shared.config.batch_size;
        let behind = !state.open.is_empty();
        let created = shared.env().now();
        state.open.push_back(OpenBatch {
            number,
            builder,
            completion,
            created,
            reserved,
        });
        if !state.active {
            state.active = true;
            shared.activate(self.clone());
        }
        Ok((
            delivery,
            if full {
                Signal::Full
            } else {
                Signal::Opened { number, behind }
            },
        ))
    }

    fn refused(&self, error: records::RecordError) -> Refusal {
        Refusal::Error(
            Error::new(
                ErrorKind::Serialization,
                format!("the record cannot be encoded: {error}"),
            )
            .with_source(error)
            .at_partition(&self.topic.name, self.index),
        )
    }

    /// Whether the partition was not in this sink's queue yet; it counts as queued from now on.
    pub(crate) fn enter_queue(&self, node: i32) -> bool {
        let mut state = lock(&self.state);
        state.queued_at.replace(node) != Some(node)
    }

    /// The partition does not stand in this sink's queue any more.
    pub(crate) fn leave_queue(&self, node: i32) {
        let mut state = lock(&self.state);
        if state.queued_at == Some(node) {
            state.queued_at = None;
        }
    }

    /// The batch has lingered for its time; `false` if it was sent meanwhile.
    pub(crate) fn linger_over(&self, number: u64) -> bool {
        let mut state = lock(&self.state);
        let over = state.open.front().is_some_and(|open| open.number <= number);
        if over {
            state.due = state.due.max(Some(number));
        }
        over
    }

    /// Everything open is to be sent now (flush, or somebody waits).
    pub(crate) fn hurry(&self) {
        let mut state = lock(&self.state);
        if let Some(last) = state.open.back() {
            state.due = Some(last.number);
        }
    }

    /// What the sink of broker `node` is to send.
    pub(crate) fn next(self: &Arc<Self>, shared: &Shared, node: i32, now: Instant) -> Next {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        if state.queued_at == Some(node) {
            state.queued_at = None;
        }
        if self.leader() != node {
            return Next::Elsewhere;
        }
        if let Some(not_before) = state.not_before {
            if not_before > now {
                return Next::At(not_before);
            }
            state.not_before = None;
        }
        if shared.config.idempotent() {
            let Some(identity) = shared.identities.current() else {
                return Next::Nothing;
            };
            state.window.follow(identity);
            if state.window.must_renumber() && !self.renumber(shared, state) {
                return Next::Nothing;
            }
        }
        if state.window.has_waiting() {
            return match state.window.resend(node) {
                Some(entry) => {
                    let bytes = entry.batch.bytes.clone();
                    Next::Send {
                        ticket: entry.ticket,
                        bytes,
                        more: false,
                    }
                }
                None => Next::Nothing,
            };
        }
        while state.is_ready(shared) && state.window.may_send_new(node) {
            let Some(open) = state.open.pop_front() else {
                break;
            };
            if let Some((ticket, bytes)) = self.seal(shared, state, open, node) {
                let more = state.is_ready(shared) && state.window.may_send_new(node);
                return Next::Send {
                    ticket,
                    bytes,
                    more,
                };
            }
        }
        Next::Nothing
    }

    /// Numbers everything in the window anew under the next epoch (KIP-360); `false` if that is
    /// not known yet.
    fn renumber(&self, shared: &Shared, state: &mut State) -> bool {
        let before = state.window.identity();
        let Some(identity) = shared.identities.after(before) else {
            return false;
        };
        tracing::debug!(
            topic = %self.topic.name, partition = self.index, epoch = identity.epoch,
            "sequences start over under a new producer epoch"
        );
        state.window.renumber(identity, |batch, sequence| {
            match records::reidentify(&batch.bytes, identity.id, identity.epoch, sequence) {
                Ok(bytes) => batch.bytes = bytes,
                // The bytes are our own, made by the sealing below.
                Err(error) => unreachable!("a sealed batch is whole: {error}"),
            }
        });
        true
    }

    /// Finishes a batch and takes it into the window.
    fn seal(
        &self,
        shared: &Shared,
        state: &mut State,
        open: OpenBatch,
        node: i32,
    ) -> Option<(Ticket, Bytes)> {
        let OpenBatch {
            builder,
            completion,
            created,
            reserved,
            ..
        } = open;
        let seal = shared.seal(state.window.identity(), state.window.next_sequence());
        completion.sealed();
        match builder.seal(&seal) {
            Ok(sealed) => {
                if let Some(spare) = sealed.spare {
                    shared.recycle_buffer(spare);
                }
                let bytes = sealed.bytes.clone();
                let batch = Batch {
                    bytes: sealed.bytes,
                    completion,
                    created,
                    reserved,
                    failures: 0,
                };
                let ticket = state
                    .window
                    .send_new(node, sealed.record_count as i32, batch);
                Some((ticket, bytes))
            }
            Err(error) => {
                let error = Error::new(
                    ErrorKind::Serialization,
                    format!("the batch failed: {error}"),
                )
                .with_source(error)
                .at_partition(&self.topic.name, self.index);
                completion.complete(Outcome::NotDelivered(error));
                shared.budget.give_back(reserved);
                None
            }
        }
    }

    /// Takes what came back for a batch. `true` if metadata is to be refreshed.
    pub(crate) fn settle(
        self: &Arc<Self>,
        shared: &Shared,
        ticket: Ticket,
        answer: Answer,
        broker: &str,
    ) -> bool {
        let mut state = lock(&self.state);
        let state = &mut *state;
        let mut refresh = false;
        match answer {
            Answer::Appended {
                base_offset,
                log_append_time,
            } => {
                state.last_error = None;
                if let Some(entry) = state.window.acked(ticket) {
                    let outcome = Outcome::Delivered {
                        base_offset,
                        log_append_time,
                    };
                    entry.batch.finish(shared, outcome);
                }
            }
            Answer::Lost(error) => {
                state.window.lost(ticket);
                self.again_later(shared, state, error);
                refresh = true;
            }
            Answer::Refused { code, message } => {
                refresh = self.refuse(shared, state, ticket, code, message, broker);
            }
        }
        // A batch whose time ran out while its request was under way has told its deliveries; now
        // that the answer is here nothing keeps it.
        self.expire_window(shared, state, shared.env().now());
        refresh
    }

    fn refuse(
        self: &Arc<Self>,
        shared: &Shared,
        state: &mut State,
        ticket: Ticket,
        code: ErrorCode,
        message: Option<StrBytes>,
        broker: &str,
    ) -> bool {
        let Some(entry) = state.window.get(ticket) else {
            return false;
        };
        let mut error = Error::broker(code, ApiKey::PRODUCE);
        if let Some(message) = message {
            error = error.with_source(message.to_string());
        }
        let error = error
            .at_partition(&self.topic.name, self.index)
            .at_broker(broker);
        let idempotent = shared.config.idempotent();
        match code {
            // The batch was written before, too long ago for the broker to know its offset.
            ErrorCode::DUPLICATE_SEQUENCE_NUMBER => {
                if let Some(entry) = state.window.acked(ticket) {
                    let outcome = Outcome::Delivered {
                        base_offset: -1,
                        log_append_time: -1,
                    };
                    entry.batch.finish(shared, outcome);
                }
                false
            }
            // Too large now is too large before: whatever became of an earlier attempt, it was not
            // written (unless the topic's limit was lowered in between).
            ErrorCode::MESSAGE_TOO_LARGE if entry.records > 1 => {
                self.split(shared, state, ticket, error);
                false
            }
            ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER
            | ErrorCode::UNKNOWN_PRODUCER_ID
            | ErrorCode::INVALID_PRODUCER_EPOCH
                if idempotent && (proves_absence(code) || !entry.has_doubt()) =>
            {
                tracing::debug!(%error, "a sequence does not follow");
                state.window.out_of_order(ticket);
                state.last_error = Some(error);
                false
            }
            code if code.is_retriable() => {
                let in_doubt = may_be_written(code, shared.config.acks);
                state.window.refused(ticket, in_doubt);
                self.again_later(shared, state, error);
                true
            }
            _ => {
                let error = match code {
                    ErrorCode::MESSAGE_TOO_LARGE => {
                        let size = entry.batch.bytes.len();
                        let hint = format!("its batch has {size} bytes; raise max.message.bytes");
                        error.with_source(hint)
                    }
                    _ => error,
                };
                state
                    .window
                    .refused(ticket, may_be_written(code, shared.config.acks));
                self.fail(shared, state, ticket, error);
                false
            }
        }
    }

    /// Gives up a batch that was refused for good. An earlier attempt of it may have been written:
    /// a later refusal does not undo that.
    fn fail(&self, shared: &Shared, state: &mut State, ticket: Ticket, error: Error) {
        let in_doubt = state.window.get(ticket).is_some_and(Entry::is_in_doubt);
        let outcome = match in_doubt {
            true => Outcome::Unknown(error),
            false => Outcome::NotDelivered(error),
        };
        if let Some(entry) = state.window.given_up(ticket) {
            entry.batch.finish(shared, outcome);
        }
    }

    /// The next attempt waits, longer after each failure (KIP-580).
    fn again_later(&self, shared: &Shared, state: &mut State, error: Error) {
        tracing::debug!(%error, topic = %self.topic.name, partition = self.index, "will retry");
        state.last_error = Some(error);
        let failures = state
            .window
            .entries()
            .map(|entry| entry.batch.failures)
            .max()
            .unwrap_or(0);
        let client = &shared.cluster.config;
        let wait = client
            .retry_backoff
            .saturating_mul(1 << failures.min(10))
            .min(client.retry_backoff_max);
        state.window.entries_mut().for_each(|entry| {
            entry.batch.failures = (failures + 1).min(20);
        });
        state.not_before = Some(shared.env().now() + shared.env().jitter(wait));
    }

    /// Sends a batch that was too large as several smaller ones.
    fn split(self: &Arc<Self>, shared: &Shared, state: &mut State, ticket: Ticket, error: Error) {
        let Some(entry) = state.window.get(ticket) else {
            return;
        };
        let length = entry.batch.bytes.len();
        // First to the size that batches were meant to have, then halves.
        let target = match length > shared.config.batch_size {
            true => shared.config.batch_size,
            false => (length / 2).max(1),
        };
        let identity = state.window.identity();
        let builders = match records::split(&entry.batch.bytes, target, SPLIT_CAP) {
            Ok(builders) if builders.len() > 1 => builders,
            _ => {
                state.window.refused(ticket, false);
                self.fail(shared, state, ticket, error);
                return;
            }
        };
        let (created, failures) = (entry.batch.created, entry.batch.failures);
        // The first part carries the budget of all.
        let mut reserved = entry.batch.reserved;
        let counts: Vec<i32> = builders
            .iter()
            .map(|part| part.record_count() as i32)
            .collect();
        let mut completions = Vec::with_capacity(counts.len());
        let mut first = 0;
        for count in &counts {
            completions.push((first, Completion::new(self.clone(), shared.weak.clone())));
            first += *count as u32;
        }
        let mut builders = builders.into_iter();
        let whole = state.window.split(ticket, counts, |part, sequence| {
            let seal = shared.seal(identity, sequence);
            let bytes = match builders.next().map(|builder| builder.seal(&seal)) {
                Some(Ok(sealed)) => sealed.bytes,
                // Sealing the same records in one batch has worked before.
                _ => unreachable!("records of a sealed batch can be sealed"),
            };
            Batch {
                bytes,
                completion: completions[part].1.clone(),
                created,
                reserved: std::mem::take(&mut reserved),
                failures,
            }
        });
        if let Some(Entry { batch, .. }) = whole {
            batch.completion.complete(Outcome::Split(completions));
        }
    }

    /// Gives up what is older than `delivery.timeout.ms`.
    pub(crate) fn expire(&self, shared: &Shared, now: Instant) {
        let mut state = lock(&self.state);
        let state = &mut *state;
        self.expire_window(shared, state, now);
        let limit = shared.config.delivery_timeout;
        while state
            .open
            .front()
            .is_some_and(|open| open.created + limit <= now)
        {
            let Some(open) = state.open.pop_front() else {
                break;
            };
            let error = self.out_of_time(shared, state);
            shared.budget.give_back(open.reserved);
            open.completion.complete(Outcome::NotDelivered(error));
            shared.recycle_buffer(open.builder.into_buffer());
        }
        if state.open.is_empty() && state.window.is_empty() {
            state.active = false;
            shared.deactivate(self);
        }
    }

    fn expire_window(&self, shared: &Shared, state: &mut State, now: Instant) {
        let limit = shared.config.delivery_timeout;
        loop {
            let over = state.window.entries().find(|entry| {
                // One whose request is under way has been told once and stays until the answer.
                entry.batch.created + limit <= now
                    && !(entry.is_in_flight() && entry.batch.completion.is_complete())
            });
            let Some(entry) = over else { return };
            let (ticket, in_doubt) = (entry.ticket, entry.is_in_doubt());
            let completion = entry.batch.completion.clone();
            let error = self.out_of_time(shared, state);
            let outcome = match in_doubt {
                true => Outcome::Unknown(error),
                false => Outcome::NotDelivered(error),
            };
            match state.window.given_up(ticket) {
                Some(entry) => entry.batch.finish(shared, outcome),
                None => drop(completion.complete(outcome)),
            }
        }
    }

    fn out_of_time(&self, shared: &Shared, state: &State) -> Error {
        let limit = shared.config.delivery_timeout;
        let mut error = Error::timeout("delivery", limit, "delivery.timeout.ms");
        let unreachable = shared.cluster.unreachable(self.leader(), Lane::Data);
        if let Some(cause) = unreachable.as_ref().or(state.last_error.as_ref()) {
            error = error.caused_by(cause);
        } else if self.leader() < 0 {
            error = error.with_source("the partition has no leader");
        }
        error.at_partition(&self.topic.name, self.index)
    }

    /// Gives up everything (the producer closes or failed).
    pub(crate) fn abort(&self, shared: &Shared, error: &Error) -> usize {
        let mut state = lock(&self.state);
        let state = &mut *state;
        let mut records = 0;
        let error = error.clone().at_partition(&self.topic.name, self.index);
        for entry in state.window.drain() {
            let outcome = match entry.is_in_doubt() {
                true => Outcome::Unknown(error.clone()),
                false => Outcome::NotDelivered(error.clone()),
            };
            records += entry.records as usize;
            entry.batch.finish(shared, outcome);
        }
        for open in state.open.drain(..) {
            records += open.builder.record_count() as usize;
            shared.budget.give_back(open.reserved);
            open.completion
                .complete(Outcome::NotDelivered(error.clone()));
        }
        records
    }

    /// The completions of everything that is not settled.
    pub(crate) fn pending(&self) -> Vec<Arc<Completion>> {
        let state = lock(&self.state);
        let sent = state
            .window
            .entries()
            .map(|entry| entry.batch.completion.clone());
        sent.chain(state.open.iter().map(|open| open.completion.clone()))
            .collect()
    }

    /// Whether there is something to send or to wait for.
    pub(crate) fn has_work(&self, shared: &Shared) -> bool {
        let state = lock(&self.state);
        state.window.has_waiting() || state.window.must_renumber() || state.is_ready(shared)
    }
}

impl State {
    /// Whether the oldest open batch is to be sent.
    fn is_ready(&self, shared: &Shared) -> bool {
        match self.open.front() {
            Some(front) => {
                self.due.is_some_and(|due| front.number <= due)
                    || self.open.len() > 1
                    || front.builder.len() >= shared.config.batch_size
            }
            None => false,
        }
    }
}

/// Whether a batch that was refused like this may be in the log all the same.
///
/// With `acks=all` the leader appends, and answers when the replicas have followed. What happens in
/// between is told as an error of the same code as a refusal: a leader that is deposed says
/// `NOT_LEADER_OR_FOLLOWER`, and the new leader may have the batch. Were its sequence given to
/// another batch, the broker would take that for a repetition, and it would be lost.
fn may_be_written(code: ErrorCode, acks: Acks) -> bool {
    match code {
        ErrorCode::REQUEST_TIMED_OUT
        | ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND
        | ErrorCode::KAFKA_STORAGE_ERROR
        | ErrorCode::NETWORK_EXCEPTION
        | ErrorCode::UNKNOWN_SERVER_ERROR => true,
        ErrorCode::NOT_LEADER_OR_FOLLOWER => acks == Acks::All,
        _ => false,
    }
}

/// Whether the oldest batch cannot be in the log when it is refused like this. A broker that has
/// forgotten the producer, or knows a later epoch of it, says nothing about the batch.
fn proves_absence(code: ErrorCode) -> bool {
    code == ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deposed_leader_may_have_written_what_it_refuses() {
        let code = ErrorCode::NOT_LEADER_OR_FOLLOWER;
        assert!(may_be_written(code, Acks::All));
        assert!(!may_be_written(code, Acks::Leader));
        assert!(may_be_written(ErrorCode::REQUEST_TIMED_OUT, Acks::All));
        assert!(!may_be_written(ErrorCode::NOT_ENOUGH_REPLICAS, Acks::All));
        assert!(!may_be_written(ErrorCode::INVALID_RECORD, Acks::All));
    }
}
