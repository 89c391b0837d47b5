//! The outbox of a broker: takes what is due of the partitions it leads, at most one batch of each
//! in a request, and keeps a few requests under way.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::produce::ProduceRequest;
use kafka_client_protocol::records::{RecordError, Sealed};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::config::Acks;
use super::pace::{Backlog, Crowd, Pace, Step};
use super::partition::{Answer, Came, Finished, Next, Partition, Unsealed};
use super::request::{Batches, Item};
use super::shared::Shared;
use super::window::Ticket;
use crate::config::millis;
use crate::env::lock;
use crate::error::{Error, ErrorKind};
use crate::health::PATIENCE;
use crate::net::{Connection, LAST_BY_NAME, Lane, PendingResponse};

/// Compressing less than this is not worth a task of its own.
const SEAL_APART: usize = 32 * 1024;

/// What callers leave for the sink of a broker.
#[derive(Debug)]
pub(crate) struct Sink {
    node: i32,
    queue: Mutex<Queue>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    /// Partitions to look at, each once.
    ready: VecDeque<Arc<Partition>>,
    /// How often `batch.size` is in what is ready, about.
    full: usize,
    /// Something in `ready` is not to wait for the answer of what is under way.
    urgent: bool,
    /// Batches that linger, all for the same time: those that were opened first are over first.
    lingering: VecDeque<Lingering>,
    /// Partitions to look at after a back-off. The number keeps instants apart.
    delayed: BTreeMap<(Instant, u64), Arc<Partition>>,
    next_delayed: u64,
}

#[derive(Debug)]
struct Lingering {
    until: Instant,
    partition: Arc<Partition>,
    batch: u64,
}

impl Queue {
    /// When something is to be looked at that is not ready.
    fn next_timer(&self) -> Option<Instant> {
        let lingers = self.lingering.front().map(|lingering| lingering.until);
        let delayed = self.delayed.first_key_value().map(|((until, _), _)| *until);
        lingers.into_iter().chain(delayed).min()
    }
}

/// Why a partition is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Somebody waits, or an answer has made room.
    Ready,
    /// A batch has reached `batch.size`, or grown by that much again.
    Full,
    /// It is not to wait for an answer: a batch is sent again, or all is flushed.
    Urgent,
}

impl Sink {
    pub(crate) fn new(node: i32) -> Self {
        Self {
            node,
            queue: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Has a partition looked at. `large` full batches are enough for a request.
    pub(crate) fn push(&self, partition: &Arc<Partition>, due: Due, large: usize) {
        let enters = partition.enter_queue(self.node);
        let mut queue = lock(&self.queue);
        let before = (queue.ready.is_empty(), queue.urgent);
        if enters {
            queue.ready.push_back(partition.clone());
        }
        queue.full += usize::from(due == Due::Full);
        queue.urgent |= due == Due::Urgent || queue.full >= large;
        // Told once: the sink takes all that is ready when it looks.
        let wakes = before != (queue.ready.is_empty(), queue.urgent);
        drop(queue);
        if wakes {
            self.wake.notify_one();
        }
    }

    /// Has a batch sent at an instant, if it is not sent before.
    pub(crate) fn linger(&self, partition: Arc<Partition>, batch: u64, until: Instant) {
        let mut queue = lock(&self.queue);
        let is_first = queue.next_timer().is_none_or(|first| until < first);
        queue.lingering.push_back(Lingering {
            until,
            partition,
            batch,
        });
        drop(queue);
        if is_first {
            // The sink sleeps to a later instant.
            self.wake.notify_one();
        }
    }

    /// Has a partition looked at again at an instant. Called by the sink itself, which then looks when
    /// that is.
    fn delay(&self, partition: Arc<Partition>, until: Instant) {
        let mut queue = lock(&self.queue);
        let number = queue.next_delayed;
        queue.next_delayed += 1;
        queue.delayed.insert((until, number), partition);
    }

    /// Moves what the timers have released to the queue; the instant of the next timer.
    fn fire(&self, now: Instant, starving: bool) -> Option<Instant> {
        let mut released = Vec::new();
        let mut delayed = Vec::new();
        let next = {
            let mut queue = lock(&self.queue);
            while let Some(first) = queue.lingering.front()
                && (first.until <= now || starving)
            {
                released.extend(queue.lingering.pop_front());
            }
            while let Some(first) = queue.delayed.first_entry()
                && first.key().0 <= now
            {
                delayed.push(first.remove());
            }
            queue.next_timer()
        };
        // Without the queue's lock: partitions are locked before queues.
        released.retain(|lingering| lingering.partition.linger_over(lingering.batch, self.node));
        let urgent = !delayed.is_empty();
        delayed.retain(|partition| partition.enter_queue(self.node));
        if urgent || !released.is_empty() {
            let mut queue = lock(&self.queue);
            queue.urgent |= urgent;
            let released = released.into_iter().map(|lingering| lingering.partition);
            queue.ready.extend(delayed.into_iter().chain(released));
        }
        next
    }

    fn backlog(&self, starving: bool) -> Backlog {
        let queue = lock(&self.queue);
        Backlog {
            ready: !queue.ready.is_empty(),
            // Memory is short: there is no more to wait for.
            urgent: queue.urgent || starving,
        }
    }

    /// How many records are ready, about.
    fn ready_records(&self) -> usize {
        let queue = lock(&self.queue);
        queue
            .ready
            .iter()
            .map(|partition| partition.growing())
            .sum()
    }

    fn pop(&self) -> Option<Arc<Partition>> {
        let mut queue = lock(&self.queue);
        let partition = queue.ready.pop_front();
        if queue.ready.is_empty() {
            (queue.full, queue.urgent) = (0, false);
        }
        partition
    }

    /// The broker does not let the client in, and no waiting changes that: gives up what is ready.
    fn refuse(&self, shared: &Shared, error: &Error) {
        let queued = {
            let mut queue = lock(&self.queue);
            let delayed = std::mem::take(&mut queue.delayed).into_values();
            let delayed: Vec<_> = delayed.collect();
            std::mem::take(&mut queue.ready).into_iter().chain(delayed)
        };
        for partition in queued {
            partition.leave_queue(self.node);
            partition.keep_out(shared, error);
        }
    }

    /// The broker cannot be reached: hands partitions that it does not lead any more on. Were they
    /// kept, a broker that is gone for good would be dialed for ever.
    fn hand_on_what_moved(&self, shared: &Shared) {
        let queued = {
            let mut queue = lock(&self.queue);
            (queue.full, queue.urgent) = (0, false);
            std::mem::take(&mut queue.ready)
        };
        for partition in queued {
            if partition.leader() == self.node {
                lock(&self.queue).ready.push_back(partition);
            } else {
                partition.leave_queue(self.node);
                shared.enqueue(&partition, Due::Ready);
            }
        }
    }
}

/// A request under way.
struct InFlight {
    connection: Connection,
    version: i16,
    batches: Batches,
    pending: PendingResponse,
    sent: Instant,
    /// After so long without an answer it is told of, again.
    patience: Duration,
}

impl InFlight {
    /// When it is to be told of, or overdue.
    fn look_at(&self, limit: Duration) -> Instant {
        self.connection
            .deadline(self.sent, limit.min(self.patience))
    }

    /// There is no answer yet. A quota may have held the connection back: that does not count.
    fn look(&mut self, limit: Duration, now: Instant) {
        let begin = self.connection.deadline(self.sent, Duration::ZERO);
        let is_overdue = begin + limit <= now;
        if begin + self.patience <= now || is_overdue {
            self.connection.unanswered(ApiKey::PRODUCE, begin);
            self.patience = now - begin + PATIENCE;
        }
        if is_overdue {
            let error = Error::timeout("the answer", limit, "request.timeout.ms");
            let error = error.at_api(ApiKey::PRODUCE);
            // Every request of the connection ends with this, in order.
            let broker = self.connection.broker();
            self.connection.fail(&error.at_broker(broker));
        }
    }
}

/// Sends for one broker until the producer ends.
pub(crate) async fn sink_loop(shared: Weak<Shared>, sink: Arc<Sink>) {
    let Some((env, request_timeout, mut backoff, mut pace)) = shared.upgrade().map(|shared| {
        let config = &shared.cluster.config;
        let backoff = shared.cluster.retry_backoff(&format!("sink-{}", sink.node));
        let pace = Pace::new(shared.config.max_in_flight, shared.config.linger());
        (shared.env().clone(), config.request_timeout, backoff, pace)
    }) else {
        return;
    };
    let mut in_flight: VecDeque<InFlight> = VecDeque::new();
    let mut requests: u64 = 0;
    let mut crowd = Crowd::default();
    loop {
        let wait_until = {
            let Some(this) = shared.upgrade() else { return };
            // What was on a connection that is gone comes back first: nothing new overtakes it.
            while is_closed(in_flight.front()) {
                if let Some(mut request) = in_flight.pop_front() {
                    let answer = Pin::new(&mut request.pending).await;
                    settle(&this, request, answer);
                }
            }
            let now = this.env().now();
            let starving = this.is_starving();
            let timer = sink.fire(now, starving);
            let backlog = sink.backlog(starving);
            match pace.step(now, in_flight.len(), backlog) {
                Step::Send => {
                    if !backlog.urgent && crowd.gathers(sink.ready_records()) {
                        drop(this);
                        tokio::task::yield_now().await;
                        continue;
                    }
                    match this.cluster.connect(sink.node, Lane::Data).await {
                        // What is lost comes back before anything new is sent.
                        Ok(_) if is_closed(in_flight.front()) => {}
                        Ok(connection) => {
                            backoff.reset();
                            requests += 1;
                            let (request, records) = send(&this, &sink, requests, connection).await;
                            pace.sent();
                            crowd = Crowd::after(records);
                            in_flight.extend(request);
                        }
                        Err(error) => {
                            tracing::debug!(node = sink.node, %error, "cannot send");
                            sink.hand_on_what_moved(&this);
                            if error.kind() == ErrorKind::Authentication {
                                sink.refuse(&this, &error);
                            }
                            this.cluster.request_refresh();
                            pace.unreachable(this.env().now() + backoff.next());
                        }
                    }
                    continue;
                }
                Step::Wait(instant) if pace.has_room(in_flight.len()) => {
                    timer.into_iter().chain(instant).min()
                }
                Step::Wait(instant) => instant,
            }
        };
        let look_at = in_flight
            .front()
            .map(|request| request.look_at(request_timeout));
        let pending = in_flight.front_mut().map(|request| &mut request.pending);
        tokio::select! {
            biased;
            answer = answered(pending) => {
                let Some(this) = shared.upgrade() else { return };
                if let Some(request) = in_flight.pop_front() {
                    settle(&this, request, answer);
                    pace.answered(this.env().now());
                }
            }
            () = env.until(look_at) => {
                if let Some(request) = in_flight.front_mut() {
                    request.look(request_timeout, env.now());
                }
            }
            () = sink.wake.notified() => {}
            () = env.until(wait_until) => {}
        }
    }
}

fn is_closed(request: Option<&InFlight>) -> bool {
    request.is_some_and(|request| request.connection.is_closed())
}

async fn answered(pending: Option<&mut PendingResponse>) -> Result<Bytes, Error> {
    match pending {
        Some(pending) => Pin::new(pending).await,
        None => std::future::pending().await,
    }
}

/// Takes at most one batch of each queued partition, up to `max.request.size`, and sends them. The
/// request, if there was anything to send, and the number of its new records.
async fn send(
    shared: &Arc<Shared>,
    sink: &Sink,
    number: u64,
    connection: Connection,
) -> (Option<InFlight>, usize) {
    let now = shared.env().now();
    let taken = take(shared, sink, number, now);
    let records = taken
        .unsealed
        .iter()
        .map(|(_, _, batch)| batch.records() as usize)
        .sum();
    let mut items = taken.items;
    for (partition, ticket, sealed) in seal(shared, taken.unsealed).await {
        if let Some(bytes) = partition.sealed(shared, ticket, sealed) {
            items.push(Item {
                partition,
                ticket,
                bytes,
            });
        }
    }
    if items.is_empty() {
        return (None, 0);
    }
    let batches = Batches::new(items);
    let cap = match batches.needs_names() {
        true => LAST_BY_NAME,
        false => i16::MAX,
    };
    let timeout = shared.cluster.config.request_timeout;
    let sent = connection
        .version::<ProduceRequest>(cap)
        .and_then(|version| {
            let request = batches.request(shared.config.acks.wire(), millis(timeout));
            let pending = match shared.config.acks {
                Acks::None => connection.send_without_answer(&request, version),
                _ => connection.send(&request, version),
            };
            pending.map(|pending| (version, pending))
        });
    match sent {
        Ok((version, pending)) => {
            let request = InFlight {
                connection,
                version,
                batches,
                pending,
                sent: shared.env().now(),
                patience: PATIENCE,
            };
            (Some(request), records)
        }
        Err(error) => {
            let error = error.at_api(ApiKey::PRODUCE);
            let answers = batches.each(|| Answer::NotSent(error.clone()));
            let came = Came {
                broker: connection.broker(),
                sent: now,
                now,
            };
            give_back(shared, answers, &came);
            (None, 0)
        }
    }
}

/// What goes into a request.
#[derive(Default)]
struct Request {
    /// Batches that are sent again.
    items: Vec<Item>,
    unsealed: Vec<(Arc<Partition>, Ticket, Unsealed)>,
}

/// Takes at most one batch of each queued partition, up to `max.request.size`.
fn take(shared: &Arc<Shared>, sink: &Sink, number: u64, now: Instant) -> Request {
    let mut taken = Request::default();
    let mut size = 0;
    // Those that have more go to the end of the queue, behind who has waited longer.
    let mut again = Vec::new();
    while let Some(partition) = sink.pop() {
        // Whatever its size, one batch makes a request.
        let room = match size {
            0 => usize::MAX,
            size => shared.config.max_request_size.saturating_sub(size),
        };
        match partition.next(shared, sink.node, now, (number, room)) {
            Next::New {
                ticket,
                batch,
                more,
            } => {
                size += batch.len();
                if more {
                    again.push(partition.clone());
                }
                taken.unsealed.push((partition, ticket, batch));
            }
            Next::Again { ticket, bytes } => {
                size += bytes.len();
                taken.items.push(Item {
                    partition,
                    ticket,
                    bytes,
                });
            }
            Next::NoRoom => {
                sink.push(&partition, Due::Urgent, shared.config.large_backlog());
                break;
            }
            Next::Taken => again.push(partition),
            Next::At(instant) => sink.delay(partition, instant),
            Next::Elsewhere => shared.enqueue(&partition, Due::Ready),
            Next::Nothing => {}
        }
    }
    for partition in again {
        sink.push(&partition, Due::Ready, shared.config.large_backlog());
    }
    taken
}

/// A batch that was sealed, or that cannot be.
type SealedBatch = (Arc<Partition>, Ticket, Result<Sealed, RecordError>);

/// Seals batches. Compressing is spread over tasks: it takes longer than all else.
async fn seal(
    shared: &Shared,
    unsealed: Vec<(Arc<Partition>, Ticket, Unsealed)>,
) -> Vec<SealedBatch> {
    let mut sealed = Vec::with_capacity(unsealed.len());
    let mut apart = Vec::new();
    let compresses = shared.config.compresses();
    let several = unsealed.len() > 1;
    for (partition, ticket, batch) in unsealed {
        if compresses && several && batch.len() >= SEAL_APART {
            let task = shared.env().spawn(async move { batch.seal() });
            apart.push((partition, ticket, task));
        } else {
            sealed.push((partition, ticket, batch.seal()));
        }
    }
    for (partition, ticket, task) in apart {
        match task.await {
            Ok(result) => sealed.push((partition, ticket, result)),
            // As it would be without a task of its own.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime ends, and everything with it.
            Err(_) => {}
        }
    }
    sealed
}

/// Gives each batch of a request what came back for it.
fn settle(shared: &Arc<Shared>, request: InFlight, answer: Result<Bytes, Error>) {
    let InFlight {
        connection,
        version,
        batches,
        sent,
        ..
    } = request;
    let came = Came {
        broker: connection.broker(),
        sent,
        now: shared.env().now(),
    };
    let error = match answer {
        // Written, and that is all there is to know.
        Ok(_) if shared.config.acks == Acks::None => {
            connection.answered();
            let written = || Answer::Appended {
                base_offset: -1,
                log_append_time: -1,
            };
            return give_back(shared, batches.each(written), &came);
        }
        Ok(frame) => match connection.decode::<ProduceRequest>(&frame, version) {
            Ok(response) => {
                let by_id = version > LAST_BY_NAME;
                let answers = batches.answered(response, by_id, &shared.cluster);
                return give_back(shared, answers, &came);
            }
            Err(error) => error,
        },
        Err(error) => error,
    };
    let error = error.at_api(ApiKey::PRODUCE);
    let answer = || match error.is_unsent() {
        true => Answer::NotSent(error.clone()),
        false => Answer::Lost(error.clone()),
    };
    give_back(shared, batches.each(answer), &came);
}

/// Settles batches, and tells of those that are over.
fn give_back(shared: &Arc<Shared>, answers: impl Iterator<Item = (Item, Answer)>, came: &Came<'_>) {
    let _telling = shared.telling.begin();
    let mut finished: Vec<Finished> = Vec::new();
    let mut refresh = false;
    for (item, answer) in answers {
        let Item {
            partition,
            ticket,
            bytes,
        } = item;
        // Before the batch is settled, so that its buffer is free for the pool.
        drop(bytes);
        let settled = partition.settle(shared, ticket, answer, came, &mut finished);
        refresh |= settled.refresh;
        if settled.recovered {
            shared.cluster.topic_is_there(&partition.topic.name);
        }
        if settled.has_work {
            shared.enqueue(&partition, Due::Ready);
        }
    }
    if refresh {
        shared.cluster.request_refresh();
    }
    Finished::tell_all(finished, shared);
}
