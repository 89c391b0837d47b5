//! A partition on its way out: the batches that are open and the window of those that were sent.
//!
//! Callers append to the open batch under the partition's lock (this file); the sink of the leader
//! takes what is due (`outgoing`) and brings back what became of it (`answers`). A batch that is due
//! but cannot be sent yet keeps growing, up to `max.request.size`.

mod answers;
mod outgoing;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use kafka_client_protocol::records::{
    BatchBuilder, BatchHeader, RecordError, record_size_upper_bound,
};
use kafka_client_protocol::{StrBytes, Uuid};
use tokio::time::Instant;

pub(crate) use self::answers::{Answer, Came, Finished};
pub(crate) use self::outgoing::{Next, Unsealed};
use super::budget::Taken;
use super::delivery::{Completion, Delivery};
use super::shared::Shared;
use super::window::Window;
use crate::env::lock;
use crate::error::{Error, ErrorKind};
use crate::health::Trouble;
use crate::record::Record;

/// A topic's name as callers, the wire and errors use it, with its present id.
#[derive(Debug)]
pub(crate) struct TopicName {
    pub(crate) name: Arc<str>,
    pub(crate) wire: StrBytes,
    id: Mutex<Uuid>,
    /// Batches were opened since somebody last looked.
    used: AtomicBool,
}

impl TopicName {
    pub(crate) fn new(name: Arc<str>, id: Uuid) -> Self {
        Self {
            wire: StrBytes::from(&*name),
            name,
            id: Mutex::new(id),
            used: AtomicBool::new(true),
        }
    }

    pub(crate) fn id(&self) -> Uuid {
        *lock(&self.id)
    }

    /// Whether batches were opened since the last call.
    pub(crate) fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
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
    /// The leader is in the client's rack.
    near: AtomicBool,
    /// Batches that are not settled.
    backlog: AtomicU32,
    /// Records in the batch that was appended to last.
    growing: AtomicU32,
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
    /// The sink and its request that the last batch was taken for.
    taken_for: Option<(i32, u64)>,
    /// A batch grows to this size: `max.request.size`, or less where the topic takes less.
    batch_max: usize,
    /// Listed among the partitions that have batches.
    active: bool,
    /// Nothing is sent again before this instant.
    not_before: Option<Instant>,
    next_batch: u64,
    /// Why the last attempt failed, for batches that run out of time.
    last_error: Option<Error>,
    /// While attempts fail.
    trouble: Option<Trouble>,
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
    /// The size at which the sink is told next.
    told_at: usize,
}

/// A batch that was sent.
#[derive(Debug)]
struct Batch {
    /// Empty while the sink seals it.
    bytes: Bytes,
    completion: Arc<Completion>,
    created: Instant,
    reserved: usize,
    failures: u32,
    /// Its time ran out while its request was under way: its deliveries know.
    told: bool,
}

/// What a caller must tell the sink after an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Nothing: the batch was open and is not full.
    None,
    /// A batch was opened; it may linger. `behind` another, which is full and to be sent now.
    Opened { number: u64, behind: bool },
    /// A batch has reached `batch.size`, or grown by that much again.
    Full,
}

/// Why a record does not go into the batch that is open.
enum NotAppended {
    /// The batch would be too large.
    Full,
    Refused(Refusal),
    Bad(RecordError),
}

impl From<RecordError> for NotAppended {
    fn from(error: RecordError) -> Self {
        Self::Bad(error)
    }
}

/// Why a record was not appended.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The budget lacks this many bytes.
    Memory(usize),
    /// The record can never be appended.
    Error(Error),
}

impl Partition {
    pub(crate) fn new(topic: Arc<TopicName>, index: i32, leader: i32, shared: &Shared) -> Self {
        let config = &shared.config;
        Self {
            topic,
            index,
            leader: AtomicI32::new(leader),
            near: AtomicBool::new(false),
            backlog: AtomicU32::new(0),
            growing: AtomicU32::new(0),
            state: Mutex::new(State {
                open: VecDeque::new(),
                window: Window::new(config.max_in_flight, config.idempotent()),
                due: None,
                queued_at: None,
                taken_for: None,
                batch_max: config.max_request_size,
                active: false,
                not_before: None,
                next_batch: 0,
                last_error: None,
                trouble: None,
            }),
        }
    }

    /// The node id of the leader, -1 if there is none.
    pub(crate) fn leader(&self) -> i32 {
        self.leader.load(Ordering::Acquire)
    }

    /// Whether the leader is in the client's rack.
    pub(crate) fn is_near(&self) -> bool {
        self.near.load(Ordering::Relaxed)
    }

    pub(crate) fn set_near(&self, near: bool) {
        self.near.store(near, Ordering::Relaxed);
    }

    /// Batches that are not settled, as far as others may know without the lock.
    pub(crate) fn backlog(&self) -> u32 {
        self.backlog.load(Ordering::Relaxed)
    }

    /// Records in the batch that was appended to last, as far as others may know without the lock.
    pub(crate) fn growing(&self) -> usize {
        self.growing.load(Ordering::Relaxed) as usize
    }

    /// Tells others how many batches there are. Called under the lock.
    fn note_backlog(&self, state: &State) {
        let batches = state.open.len() + state.window.len();
        self.backlog.store(batches as u32, Ordering::Relaxed);
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
    #[inline]
    pub(crate) fn append(
        self: &Arc<Self>,
        shared: &Shared,
        timestamp: i64,
        record: &Record<'_>,
        mut taken: Option<&mut Taken<'_>>,
    ) -> Result<(Delivery, Signal), Refusal> {
        let config = &shared.config;
        let mut state = lock(&self.state);
        let batch_max = state.batch_max;
        if let Some(open) = state.open.back_mut() {
            let reserved = &mut open.reserved;
            let mut after = open.builder.len();
            let appended = open.builder.append_if(
                timestamp,
                record.key,
                record.value,
                record.headers,
                |size| {
                    after += size;
                    match after > batch_max {
                        true => Err(NotAppended::Full),
                        false => shared
                            .reserve(reserved, after, taken.as_deref_mut())
                            .map_err(NotAppended::Refused),
                    }
                },
            );
            match appended {
                Ok(index) => {
                    self.growing.store(index + 1, Ordering::Relaxed);
                    let delivery = open.completion.delivery(index, timestamp);
                    let mut signal = Signal::None;
                    if after >= open.told_at {
                        open.told_at = after + config.batch_size;
                        signal = Signal::Full;
                    }
                    return Ok((delivery, signal));
                }
                Err(NotAppended::Full) => {}
                Err(NotAppended::Refused(refusal)) => return Err(refusal),
                Err(NotAppended::Bad(error)) => return Err(self.refused(error)),
            }
        }
        self.open(shared, &mut state, timestamp, record, taken)
    }

    /// Opens a batch with a record.
    #[cold]
    fn open(
        self: &Arc<Self>,
        shared: &Shared,
        state: &mut State,
        timestamp: i64,
        record: &Record<'_>,
        taken: Option<&mut Taken<'_>>,
    ) -> Result<(Delivery, Signal), Refusal> {
        let limit = shared.config.max_request_size;
        let Record {
            key,
            value,
            headers,
            ..
        } = *record;
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
        self.growing.store(1, Ordering::Relaxed);
        let completion = Completion::new(self.clone(), shared.weak.clone());
        let delivery = completion.delivery(index, timestamp);
        let number = state.next_batch;
        state.next_batch += 1;
        let batch_size = shared.config.batch_size;
        let full = builder.len() >= batch_size;
        let told_at = match full {
            true => builder.len() + batch_size,
            false => batch_size,
        };
        let behind = !state.open.is_empty();
        let created = shared.env().now();
        state.open.push_back(OpenBatch {
            number,
            builder,
            completion,
            created,
            reserved,
            told_at,
        });
        self.topic.used.store(true, Ordering::Relaxed);
        if !state.active {
            state.active = true;
            shared.activate(self.clone());
        }
        if let Some(error) = shared.closed() {
            // Whoever closed the producer has collected the batches, perhaps before this one came.
            if let Some(open) = state.open.pop_back() {
                shared.budget.give_back(open.reserved);
            }
            return Err(Refusal::Error(error.clone()));
        }
        self.note_backlog(state);
        Ok((
            delivery,
            if full {
                Signal::Full
            } else {
                Signal::Opened { number, behind }
            },
        ))
    }

    fn refused(&self, error: RecordError) -> Refusal {
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

    /// The batch has lingered for its time. Whether the partition enters this sink's queue for it: not
    /// if the batch was sent meanwhile.
    pub(crate) fn linger_over(&self, number: u64, node: i32) -> bool {
        let mut state = lock(&self.state);
        let over = state.open.front().is_some_and(|open| open.number <= number);
        if over {
            state.due = state.due.max(Some(number));
        }
        over && state.queued_at.replace(node) != Some(node)
    }

    /// Everything open is to be sent without lingering (flush, or somebody waits).
    pub(crate) fn make_due(&self) {
        let mut state = lock(&self.state);
        if let Some(last) = state.open.back() {
            state.due = Some(last.number);
        }
    }

    /// The completions of everything that is not settled, with the number of records of each.
    pub(crate) fn pending(&self) -> Vec<(Arc<Completion>, u32)> {
        let state = lock(&self.state);
        let sent = state
            .window
            .entries()
            .map(|entry| (entry.batch.completion.clone(), entry.records as u32));
        let open = state.open.iter();
        let open = open.map(|open| (open.completion.clone(), open.builder.record_count()));
        sent.chain(open).collect()
    }

    /// Whether there is something that the leader's sink could send, now or after a back-off.
    pub(crate) fn has_work(&self, shared: &Shared) -> bool {
        lock(&self.state).has_work(shared)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}
