//! Our client as members of a group that is told what to do and tells what it has done, line by line:
//! the same words that `integration/java/Member.java` and `integration/librdkafka` speak.
//!
//! A program hosts several members. Its arguments are bootstrap address, topic and group, then
//! `session.timeout.ms`, `heartbeat.interval.ms` and `max.poll.interval.ms`. It reads commands:
//!
//! | command | what it does |
//! |---|---|
//! | `join NAME auto\|manual [INSTANCE]` | a member subscribes; what commits it; its `group.instance.id` |
//! | `leave NAME` | it is closed |
//! | `busy NAME MS` | the next records that it gets take it that long |
//!
//! and the end of its input ends it at once. Each event is a line of JSON with `member` and `at`, in
//! microseconds of the machine's monotonic clock, which all programs share:
//!
//! | event | with | when |
//! |---|---|---|
//! | `assigned` | `partitions` | before a record of them is handed out |
//! | `revoked` | `partitions` | nothing of them is handled or committed any more, and nobody else has them yet |
//! | `lost` | `partitions` | the member was told that it is out of its group |
//! | `busy` | `ms` | before it takes so long |
//! | `handled` | `from`, `ranges` of partition, first and last offset | after it; handed out at `from` |
//! | `committed` | `from`, `offsets` by partition, `error` or null | after the answer to what was sent at `from` |
//! | `leaving` | | before it is closed |
//! | `failed` | `error` | something else went wrong; the member goes on |
//! | `left` | | it is closed |
//!
//! What was handled is written before it is committed: of one who is killed, nothing is committed that it
//! has not told of.
#![expect(clippy::unwrap_used, reason = "a member for tests")]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_client::consumer::{
    Consumer, ConsumerHandle, OffsetReset, RebalanceEvent, TopicPartition,
};
use kafka_client::record::ConsumerRecord;
use kafka_client::{Error, Kafka};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// How often offsets are committed.
const COMMIT_INTERVAL: Duration = Duration::from_millis(300);

/// Most records that are taken at once.
const BATCH: usize = 50;

/// Where a line of JSON goes. It is written when this returns.
pub type Tell = Arc<dyn Fn(String) + Send + Sync>;

/// Microseconds of the machine's monotonic clock.
#[must_use]
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1_000
}

/// What the members of a program have in common.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `bootstrap.servers`.
    pub bootstrap: String,
    /// What they share.
    pub topic: String,
    /// `group.id`.
    pub group: String,
    /// `session.timeout.ms`.
    pub session_timeout: Duration,
    /// `heartbeat.interval.ms`.
    pub heartbeat_interval: Duration,
    /// `max.poll.interval.ms`.
    pub max_poll_interval: Duration,
}

impl Settings {
    /// As the arguments of a program.
    #[must_use]
    pub fn arguments(&self) -> [String; 6] {
        let ms = |time: Duration| time.as_millis().to_string();
        [
            self.bootstrap.clone(),
            self.topic.clone(),
            self.group.clone(),
            ms(self.session_timeout),
            ms(self.heartbeat_interval),
            ms(self.max_poll_interval),
        ]
    }

    /// From the arguments of a program.
    ///
    /// # Panics
    /// When one is missing.
    pub fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut next = || arguments.next().unwrap();
        let (bootstrap, topic, group) = (next(), next(), next());
        let mut ms = || Duration::from_millis(next().parse().unwrap());
        Self {
            bootstrap,
            topic,
            group,
            session_timeout: ms(),
            heartbeat_interval: ms(),
            max_poll_interval: ms(),
        }
    }
}

/// What a member is told to do.
enum Command {
    Busy(Duration),
    Leave,
}

/// Hosts members, until there are no more commands.
///
/// # Panics
/// When a command is none.
///
/// # Cancel safety
/// Dropped, its members live on.
pub async fn host(settings: Settings, mut commands: mpsc::UnboundedReceiver<String>, tell: Tell) {
    let mut members: HashMap<String, mpsc::UnboundedSender<Command>> = HashMap::new();
    while let Some(line) = commands.recv().await {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["join", name, mode, ref instance @ ..] => {
                let (sender, received) = mpsc::unbounded_channel();
                members.insert(name.to_owned(), sender);
                let member = Member {
                    name: name.to_owned(),
                    settings: settings.clone(),
                    auto_commit: mode == "auto",
                    instance: instance.first().map(|instance| (*instance).to_owned()),
                    tell: tell.clone(),
                    owned: Mutex::default(),
                };
                tokio::spawn(Arc::new(member).run(received));
            }
            // Fails only if the member has ended.
            ["busy", name, ms] => {
                let time = Duration::from_millis(ms.parse().unwrap());
                let _ = members[name].send(Command::Busy(time));
            }
            ["leave", name] => {
                let _ = members[name].send(Command::Leave);
            }
            _ => panic!("no command: {line}"),
        }
    }
}

/// A partition that it owns.
#[derive(Debug, Clone, Copy)]
struct Owned {
    since: u64,
    /// Behind what was handled.
    position: Option<i64>,
}

struct Member {
    name: String,
    settings: Settings,
    auto_commit: bool,
    instance: Option<String>,
    tell: Tell,
    owned: Mutex<BTreeMap<i32, Owned>>,
}

impl Member {
    fn tell(&self, event: &str, mut more: Value) {
        more["member"] = json!(self.name);
        more["at"] = json!(now());
        more["event"] = json!(event);
        (self.tell)(more.to_string());
    }

    async fn run(self: Arc<Self>, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut consumer = self.start().await;
        let (mut next_commit, mut busy) = (Instant::now() + COMMIT_INTERVAL, None);
        loop {
            match commands.try_recv() {
                Ok(Command::Busy(time)) => busy = Some(time),
                Ok(Command::Leave) | Err(mpsc::error::TryRecvError::Disconnected) => break,
                Err(mpsc::error::TryRecvError::Empty) => {}
            }
            match consumer.poll(BATCH, COMMIT_INTERVAL / 3).await {
                Ok(records) if !records.is_empty() => {
                    let from = now();
                    if let Some(time) = busy.take() {
                        self.tell("busy", json!({ "ms": time.as_millis() as u64 }));
                        sleep(time).await;
                    }
                    self.handled(from, &records);
                }
                Ok(_) => {}
                Err(error) => {
                    self.tell("failed", json!({ "error": error.to_string() }));
                    if error.is_fatal() {
                        break;
                    }
                }
            }
            if !self.auto_commit && Instant::now() >= next_commit {
                self.commit_all(&consumer.handle());
                next_commit = Instant::now() + COMMIT_INTERVAL;
            }
        }
        self.tell("leaving", json!({}));
        if let Err(error) = consumer.close().await {
            self.tell("failed", json!({ "error": error.to_string() }));
        }
        self.tell("left", json!({}));
    }

    async fn start(self: &Arc<Self>) -> Consumer {
        let settings = &self.settings;
        let kafka = Kafka::builder(&settings.bootstrap).client_id(&self.name);
        let kafka = kafka.connect().await.unwrap();
        let mut member = kafka
            .consumer(&settings.group)
            .offset_reset(OffsetReset::Earliest)
            .session_timeout(settings.session_timeout)
            .heartbeat_interval(settings.heartbeat_interval)
            .max_poll_interval(settings.max_poll_interval);
        if let Some(instance) = &self.instance {
            member = member.instance_id(instance);
        }
        member = if self.auto_commit {
            member.auto_commit(COMMIT_INTERVAL)
        } else {
            member.manual_commit()
        };
        let listener = self.clone();
        let member = member.on_rebalance_with(move |handle, event| {
            let listener = listener.clone();
            async move { listener.rebalanced(&handle, &event).await }
        });
        member.subscribe([&settings.topic]).await.unwrap()
    }

    async fn rebalanced(&self, handle: &ConsumerHandle, event: &RebalanceEvent) {
        let (name, partitions) = match event {
            RebalanceEvent::Assigned(partitions) => ("assigned", partitions),
            RebalanceEvent::Revoking(partitions) => {
                if !self.auto_commit {
                    self.commit_last(handle, partitions).await;
                }
                return;
            }
            RebalanceEvent::Revoked(partitions) => ("revoked", partitions),
            RebalanceEvent::Lost(partitions) => ("lost", partitions),
            _ => return,
        };
        let numbers: Vec<_> = partitions.iter().map(|at| at.partition).collect();
        {
            let mut owned = self.owned.lock().unwrap();
            for number in &numbers {
                let new = (name == "assigned").then(|| Owned {
                    since: now(),
                    position: None,
                });
                match new {
                    Some(new) => owned.insert(*number, new),
                    None => owned.remove(number),
                };
            }
        }
        self.tell(name, json!({ "partitions": numbers }));
    }

    fn handled(&self, from: u64, records: &[ConsumerRecord]) {
        let mut ranges: Vec<(i32, i64, i64)> = Vec::new();
        {
            let mut owned = self.owned.lock().unwrap();
            for record in records {
                let (partition, offset) = (record.partition(), record.offset());
                // It may have been lost meanwhile, and come back.
                let owned = owned.get_mut(&partition);
                if let Some(owned) = owned.filter(|owned| owned.since <= from) {
                    owned.position = Some(offset + 1);
                }
                match ranges.last_mut() {
                    Some((same, _, last)) if *same == partition && *last + 1 == offset => {
                        *last = offset;
                    }
                    _ => ranges.push((partition, offset, offset)),
                }
            }
        }
        self.tell("handled", json!({ "from": from, "ranges": ranges }));
    }

    /// Commits all that was handled, which is all that was handed out. It is not waited for: a commit waits
    /// as long as a rebalance does, and records go on meanwhile.
    fn commit_all(self: &Arc<Self>, handle: &ConsumerHandle) {
        let (from, offsets) = (now(), self.handled_of(|_| true));
        let (member, pending) = (self.clone(), handle.commit_async());
        tokio::spawn(async move { member.tell_committed(from, &offsets, pending.await) });
    }

    /// Commits what was handled of partitions of which nothing more is handed out.
    async fn commit_last(&self, handle: &ConsumerHandle, of: &[TopicPartition]) {
        let is_of = |partition: i32| of.iter().any(|at| at.partition == partition);
        let (from, offsets) = (now(), self.handled_of(is_of));
        let topic = &*self.settings.topic;
        let places = offsets.iter();
        let places =
            places.map(|(partition, offset)| (TopicPartition::new(topic, *partition), *offset));
        self.tell_committed(from, &offsets, handle.commit_offsets(places).await);
    }

    fn handled_of(&self, wanted: impl Fn(i32) -> bool) -> Vec<(i32, i64)> {
        let owned = self.owned.lock().unwrap();
        let of = owned.iter().filter(|(partition, _)| wanted(**partition));
        of.filter_map(|(partition, owned)| Some((*partition, owned.position?)))
            .collect()
    }

    fn tell_committed(&self, from: u64, offsets: &[(i32, i64)], outcome: Result<(), Error>) {
        if !offsets.is_empty() {
            let error = outcome.err().map(|error| error.to_string());
            let more = json!({ "from": from, "offsets": offsets, "error": error });
            self.tell("committed", more);
        }
    }
}
