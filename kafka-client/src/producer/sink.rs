//! The outbox of a broker: takes what is due of the partitions it leads, at most one batch of each
//! in a request, and keeps a few requests under way.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use kafka_client_protocol::api::produce::{
    NodeEndpoint, PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceData,
};
use kafka_client_protocol::{ApiKey, ErrorCode};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::config::Acks;
use super::partition::{Answer, Next, Partition};
use super::shared::Shared;
use super::window::Ticket;
use crate::cluster::Backoff;
use crate::cluster::metadata::PartitionMetadata;
use crate::config::millis;
use crate::env::lock;
use crate::error::{Error, ErrorKind};
use crate::net::{Connection, LAST_BY_NAME, Lane, PendingResponse};

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
    /// Partitions to look at later. The number keeps instants apart.
    timers: BTreeMap<(Instant, u64), Timer>,
    next_timer: u64,
}

#[derive(Debug)]
struct Timer {
    partition: Arc<Partition>,
    /// The batch that lingers; `None` after a back-off.
    lingering: Option<u64>,
}

impl Sink {
    pub(crate) fn new(node: i32) -> Self {
        Self {
            node,
            queue: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Has a partition looked at now.
    pub(crate) fn push(&self, partition: Arc<Partition>) {
        if partition.enter_queue(self.node) {
            lock(&self.queue).ready.push_back(partition);
            self.wake.notify_one();
        }
    }

    /// Has a batch sent at an instant, if it is not sent before.
    pub(crate) fn linger(&self, partition: Arc<Partition>, number: u64, until: Instant) {
        self.at(
            until,
            Timer {
                partition,
                lingering: Some(number),
            },
        );
    }

    fn at(&self, instant: Instant, timer: Timer) {
        let mut queue = lock(&self.queue);
        let number = queue.next_timer;
        queue.next_timer += 1;
        let is_first = queue
            .timers
            .first_key_value()
            .is_none_or(|((first, _), _)| instant < *first);
        queue.timers.insert((instant, number), timer);
        drop(queue);
        if is_first {
            // The sink sleeps to a later instant.
            self.wake.notify_one();
        }
    }

    /// Moves what the timers have released to the queue; the instant of the next timer.
    fn fire(&self, now: Instant, starving: bool) -> Option<Instant> {
        loop {
            let timer = {
                let mut queue = lock(&self.queue);
                let ((instant, _), timer) = queue.timers.first_key_value()?;
                let instant = *instant;
                if instant > now && !(starving && timer.lingering.is_some()) {
                    return Some(instant);
                }
                queue.timers.pop_first()?.1
            };
            let partition = timer.partition;
            let due = timer
                .lingering
                .is_none_or(|number| partition.linger_over(number));
            if due && partition.enter_queue(self.node) {
                lock(&self.queue).ready.push_back(partition);
            }
        }
    }

    fn pop(&self) -> Option<Arc<Partition>> {
        lock(&self.queue).ready.pop_front()
    }

    /// The broker cannot be reached: hands partitions that it does not lead any more on. Were they
    /// kept, a broker that is gone for good would be dialed for ever.
    fn send_on(&self, shared: &Shared) {
        let queued = std::mem::take(&mut lock(&self.queue).ready);
        for partition in queued {
            if partition.leader() == self.node {
                lock(&self.queue).ready.push_back(partition);
            } else {
                partition.leave_queue(self.node);
                shared.enqueue(&partition);
            }
        }
    }

    fn is_idle(&self) -> bool {
        lock(&self.queue).ready.is_empty()
    }
}

/// A batch in a request.
struct Item {
    partition: Arc<Partition>,
    ticket: Ticket,
    bytes: Bytes,
}

/// A request under way.
struct InFlight {
    connection: Connection,
    version: i16,
    items: Vec<Item>,
    pending: PendingResponse,
    sent: Instant,
}

impl InFlight {
    fn deadline(&self, limit: Duration) -> Instant {
        self.connection.deadline(self.sent, limit)
    }
}

/// Sends for one broker until the producer ends.
pub(crate) async fn sink_loop(shared: Weak<Shared>, sink: Arc<Sink>) {
    let Some((env, request_timeout, mut backoff)) = shared.upgrade().map(|shared| {
        let config = &shared.cluster.config;
        let random = shared.env().random(&format!("sink-{}", sink.node));
        let backoff = Backoff::new(config.retry_backoff, config.retry_backoff_max, random);
        (shared.env().clone(), config.request_timeout, backoff)
    }) else {
        return;
    };
    let mut in_flight: VecDeque<InFlight> = VecDeque::new();
    loop {
        let next_timer = {
            let Some(this) = shared.upgrade() else { return };
            let limit = this.config.max_in_flight;
            // What was on a connection that is gone comes back first: nothing new overtakes it.
            while in_flight
                .front()
                .is_some_and(|request| request.connection.is_closed())
            {
                if let Some(mut request) = in_flight.pop_front() {
                    let answer = Pin::new(&mut request.pending).await;
                    settle(&this, request, answer);
                }
            }
            let next_timer = sink.fire(this.env().now(), this.is_starving());
            while in_flight.len() < limit && !sink.is_idle() {
                match this.cluster.connect(sink.node, Lane::Data).await {
                    Ok(connection) => {
                        backoff.reset();
                        in_flight.extend(send(&this, &sink, connection));
                    }
                    Err(error) => {
                        tracing::debug!(node = sink.node, %error, "cannot send");
                        sink.send_on(&this);
                        this.cluster.request_refresh();
                        let pause = backoff.next();
                        drop(this);
                        env.sleep(pause).await;
                        break;
                    }
                }
            }
            next_timer
        };
        let deadline = in_flight
            .front()
            .map(|request| request.deadline(request_timeout));
        let room = has_room(&shared, in_flight.len());
        let pending = in_flight.front_mut().map(|request| &mut request.pending);
        tokio::select! {
            biased;
            answer = answered(pending) => {
                let Some(this) = shared.upgrade() else { return };
                if let Some(request) = in_flight.pop_front() {
                    settle(&this, request, answer);
                }
            }
            () = env.until(deadline) => {
                // A quota may have held the connection back meanwhile: then it is looked at again.
                if let Some(request) = in_flight.front()
                    && request.deadline(request_timeout) <= env.now()
                {
                    let error = Error::timeout("the answer", request_timeout, "request.timeout.ms");
                    // Every request of the connection ends with this, in order.
                    request.connection.fail(&error.at_api(ApiKey::PRODUCE));
                }
            }
            () = sink.wake.notified() => {}
            () = env.until(next_timer), if room => {}
        }
    }
}

/// While no request can be sent, timers need not fire: what they release would only wait, and
/// grows while it lingers.
fn has_room(shared: &Weak<Shared>, in_flight: usize) -> bool {
    shared
        .upgrade()
        .is_some_and(|shared| in_flight < shared.config.max_in_flight)
}

async fn answered(pending: Option<&mut PendingResponse>) -> Result<Bytes, Error> {
    match pending {
        Some(pending) => Pin::new(pending).await,
        None => std::future::pending().await,
    }
}

/// Takes at most one batch of each queued partition, up to `max.request.size`, and sends them.
fn send(shared: &Arc<Shared>, sink: &Sink, connection: Connection) -> Option<InFlight> {
    let now = shared.env().now();
    let limit = shared.config.max_request_size;
    let mut items: Vec<Item> = Vec::new();
    let mut size = 0;
    // Those that have more go to the end of the queue, behind who has waited longer.
    let mut again = Vec::new();
    while let Some(partition) = sink.pop() {
        match partition.next(shared, sink.node, now) {
            Next::Send {
                ticket,
                bytes,
                more,
            } => {
                size += bytes.len();
                if more {
                    again.push(partition.clone());
                }
                items.push(Item {
                    partition,
                    ticket,
                    bytes,
                });
                if size >= limit {
                    break;
                }
            }
            Next::At(instant) => sink.at(
                instant,
                Timer {
                    partition,
                    lingering: None,
                },
            ),
            Next::Elsewhere => shared.enqueue(&partition),
            Next::Nothing => {}
        }
    }
    for partition in again {
        sink.push(partition);
    }
    if items.is_empty() {
        return None;
    }
    // Partitions of a topic stand together, in order: their answers are found by search.
    items.sort_by(|a, b| {
        let (a, b) = (&a.partition, &b.partition);
        let topics = match Arc::ptr_eq(&a.topic, &b.topic) {
            true => Ordering::Equal,
            false => a.topic.name.cmp(&b.topic.name),
        };
        topics.then(a.index.cmp(&b.index))
    });
    let by_name = items.iter().any(|item| item.partition.topic.id().is_zero());
    let cap = if by_name { LAST_BY_NAME } else { i16::MAX };
    let sent = connection
        .version::<ProduceRequest>(cap)
        .and_then(|version| {
            let request = request(shared, &items);
            let pending = match shared.config.acks {
                Acks::None => connection.send_without_answer(&request, version),
                _ => connection.send(&request, version),
            };
            pending.map(|pending| (version, pending))
        });
    match sent {
        Ok((version, pending)) => Some(InFlight {
            connection,
            version,
            items,
            pending,
            sent: now,
        }),
        Err(error) => {
            // Not sent, but counted as sent; "may be in the log" is safe, only less precise.
            for item in items {
                give_back(
                    shared,
                    item,
                    Answer::Lost(error.clone()),
                    connection.broker(),
                );
            }
            None
        }
    }
}

fn request(shared: &Shared, items: &[Item]) -> ProduceRequest {
    let mut topics: Vec<TopicProduceData> = Vec::new();
    for group in items.chunk_by(|a, b| Arc::ptr_eq(&a.partition.topic, &b.partition.topic)) {
        let topic = &group[0].partition.topic;
        let partitions = group.iter().map(|item| PartitionProduceData {
            index: item.partition.index,
            records: Some(item.bytes.clone()),
            ..Default::default()
        });
        topics.push(TopicProduceData {
            name: topic.wire.clone(),
            topic_id: topic.id(),
            partition_data: partitions.collect(),
            ..Default::default()
        });
    }
    ProduceRequest {
        transactional_id: None,
        acks: shared.config.acks.wire(),
        timeout_ms: millis(shared.cluster.config.request_timeout),
        topic_data: topics,
        ..Default::default()
    }
}

/// Gives each batch of a request what came back for it.
fn settle(shared: &Arc<Shared>, request: InFlight, answer: Result<Bytes, Error>) {
    let InFlight {
        connection,
        version,
        items,
        ..
    } = request;
    let broker = connection.broker().clone();
    let response = match answer {
        // Written, and that is all there is to know.
        Ok(_) if shared.config.acks == Acks::None => {
            for item in items {
                let answer = Answer::Appended {
                    base_offset: -1,
                    log_append_time: -1,
                };
                give_back(shared, item, answer, &broker);
            }
            return;
        }
        Ok(bytes) => connection.decode::<ProduceRequest>(&bytes, version),
        Err(error) => Err(error),
    };
    let response = match response {
        Ok(response) => response,
        Err(error) => {
            let error = error.at_api(ApiKey::PRODUCE);
            for item in items {
                give_back(shared, item, Answer::Lost(error.clone()), &broker);
            }
            return;
        }
    };
    let by_id = version > LAST_BY_NAME;
    let mut answers = index(response, by_id, &items, shared);
    for (position, item) in items.into_iter().enumerate() {
        let answer = match answers.remove(&position) {
            Some(answered) => to_answer(answered),
            None => Answer::Lost(
                Error::new(ErrorKind::Protocol, "the answer leaves the partition out")
                    .at_api(ApiKey::PRODUCE),
            ),
        };
        give_back(shared, item, answer, &broker);
    }
}

/// The answers by position of the batch in the request. Answers to batches that were not sent are
/// dropped.
fn index(
    response: ProduceResponse,
    by_id: bool,
    items: &[Item],
    shared: &Shared,
) -> HashMap<usize, PartitionProduceResponse> {
    let mut answers = HashMap::with_capacity(items.len());
    let ProduceResponse {
        responses,
        node_endpoints,
        ..
    } = response;
    // Where each topic's batches begin; a topic id is that of the request, whatever it is now.
    let mut groups = Vec::new();
    let mut start = 0;
    for group in items.chunk_by(|a, b| Arc::ptr_eq(&a.partition.topic, &b.partition.topic)) {
        groups.push((&group[0].partition.topic, start, group));
        start += group.len();
    }
    for (position, topic) in responses.into_iter().enumerate() {
        let is = |group: &&(&Arc<super::partition::TopicName>, usize, &[Item])| match by_id {
            true => group.0.id() == topic.topic_id,
            false => group.0.wire == topic.name,
        };
        // Brokers answer in the order of the request.
        let group = groups
            .get(position)
            .filter(is)
            .or_else(|| groups.iter().find(is));
        let Some((name, start, group)) = group else {
            continue;
        };
        for partition in topic.partition_responses {
            hint(shared, &name.name, &partition, &node_endpoints);
            let found = group.binary_search_by_key(&partition.index, |item| item.partition.index);
            if let Ok(found) = found {
                answers.insert(start + found, partition);
            }
        }
    }
    answers
}

/// A broker that is no longer the leader names the one that is.
fn hint(
    shared: &Shared,
    topic: &Arc<str>,
    partition: &PartitionProduceResponse,
    endpoints: &[NodeEndpoint],
) {
    let leader = PartitionMetadata {
        leader: partition.current_leader.leader_id,
        leader_epoch: partition.current_leader.leader_epoch,
    };
    let addresses = endpoints.iter().map(|at| (at.node_id, &*at.host, at.port));
    shared
        .cluster
        .leader_hint(topic, partition.index, leader, addresses);
}

fn to_answer(partition: PartitionProduceResponse) -> Answer {
    match ErrorCode::new(partition.error_code) {
        ErrorCode::NONE => Answer::Appended {
            base_offset: partition.base_offset,
            log_append_time: partition.log_append_time_ms,
        },
        code => Answer::Refused {
            code,
            message: partition.error_message,
        },
    }
}

fn give_back(shared: &Arc<Shared>, item: Item, answer: Answer, broker: &str) {
    let Item {
        partition,
        ticket,
        bytes,
    } = item;
    // Before the batch is settled, so that its buffer is free for the pool.
    drop(bytes);
    if partition.settle(shared, ticket, answer, broker) {
        shared.cluster.request_refresh();
    }
    if partition.has_work(shared) {
        shared.enqueue(&partition);
    }
}
