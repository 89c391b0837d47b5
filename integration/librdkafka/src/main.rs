//! librdkafka as members of a group, told what to do on standard input. Arguments, commands and events
//! are those of `integration/src/member.rs`, which is not used here: neither is our client. All commit by
//! hand.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, Write};
use std::process::exit;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaResult;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// How often offsets are committed.
const COMMIT_INTERVAL: Duration = Duration::from_millis(300);

/// How many records are handled before that is told.
const BATCH: usize = 50;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Arc<[String]> = std::env::args().skip(1).collect();
    let mut members: HashMap<String, Sender<Command>> = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["join", name, _, ref instance @ ..] => {
                let (sender, commands) = channel();
                members.insert(name.to_owned(), sender);
                let member = Member {
                    name: name.to_owned(),
                    topic: arguments[1].clone(),
                    done: Mutex::default(),
                    committing: Mutex::default(),
                };
                let config = config(&arguments, name, instance.first().copied());
                thread::spawn(move || {
                    let name = member.name.clone();
                    if let Err(error) = run(member, &config, &commands) {
                        tell(&name, "failed", json!({ "error": error.to_string() }));
                    }
                    tell(&name, "left", json!({}));
                });
            }
            // Fails only if the member has ended.
            ["busy", name, ms] => {
                let time = Duration::from_millis(ms.parse()?);
                let _ = members[name].send(Command::Busy(time));
            }
            ["leave", name] => {
                let _ = members[name].send(Command::Leave);
            }
            _ => return Err(format!("no command: {line}").into()),
        }
    }
    // Who started it has ended: it dies without leaving.
    exit(0)
}

enum Command {
    Busy(Duration),
    Leave,
}

fn config(arguments: &[String], name: &str, instance: Option<&str>) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &arguments[0])
        .set("group.id", &arguments[2])
        .set("session.timeout.ms", &arguments[3])
        .set("heartbeat.interval.ms", &arguments[4])
        .set("max.poll.interval.ms", &arguments[5])
        .set("client.id", name)
        // By default it waits ten seconds for a broker that was away: longer than the session.
        .set("reconnect.backoff.max.ms", "1000")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("partition.assignment.strategy", "cooperative-sticky");
    if let Some(instance) = instance {
        config.set("group.instance.id", instance);
    }
    config
}

/// What was handled.
#[derive(Default)]
struct Done {
    /// When the first of the records was handed out that are not told of yet.
    from: u64,
    /// Those records: partition, first and last offset.
    ranges: Vec<(i32, i64, i64)>,
    /// Behind what was handled, of the partitions that it owns.
    positions: BTreeMap<i32, i64>,
}

struct Member {
    name: String,
    topic: String,
    done: Mutex<Done>,
    /// Held by whoever commits.
    committing: Mutex<()>,
}

impl ClientContext for Member {}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => self.changed("assigned", partitions),
            Rebalance::Revoke(partitions) if consumer.assignment_lost() => {
                self.tell_handled();
                self.changed("lost", partitions);
            }
            Rebalance::Revoke(partitions) => {
                let revoked = numbers(partitions);
                let is_revoked = |partition: i32| revoked.contains(&partition);
                self.commit(consumer, is_revoked);
                self.changed("revoked", partitions);
            }
            Rebalance::Error(error) => {
                tell(&self.name, "failed", json!({ "error": error.to_string() }));
            }
        }
    }
}

impl Member {
    fn done(&self) -> std::sync::MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self, event: &str, partitions: &TopicPartitionList) {
        let numbers = numbers(partitions);
        if numbers.is_empty() {
            return;
        }
        if event != "assigned" {
            let positions = &mut self.done().positions;
            positions.retain(|partition, _| !numbers.contains(partition));
        }
        tell(&self.name, event, json!({ "partitions": numbers }));
    }

    fn handled(&self, from: u64, partition: i32, offset: i64) -> usize {
        let mut done = self.done();
        done.positions.insert(partition, offset + 1);
        if done.ranges.is_empty() {
            done.from = from;
        }
        match done.ranges.last_mut() {
            Some((same, _, last)) if *same == partition && *last + 1 == offset => *last = offset,
            _ => done.ranges.push((partition, offset, offset)),
        }
        done.ranges.len()
    }

    /// What was handled is told, so it may be committed.
    fn tell_handled(&self) -> BTreeMap<i32, i64> {
        let mut done = self.done();
        let ranges = std::mem::take(&mut done.ranges);
        if !ranges.is_empty() {
            let more = json!({ "from": done.from, "ranges": ranges });
            tell(&self.name, "handled", more);
        }
        done.positions.clone()
    }

    /// Commits what was handled, one commit after the other: what librdkafka sends again, when a coordinator
    /// has gone, would overtake a later one.
    fn commit(&self, consumer: &BaseConsumer<Self>, wanted: impl Fn(i32) -> bool) {
        let _one = self.committing.lock();
        let positions = self.tell_handled().into_iter();
        let offsets: Vec<_> = positions
            .filter(|(partition, _)| wanted(*partition))
            .collect();
        if offsets.is_empty() {
            return;
        }
        let from = now();
        let committed = self.commit_offsets(consumer, &offsets);
        let error = committed.err().map(|error| error.to_string());
        let more = json!({ "from": from, "offsets": offsets, "error": error });
        tell(&self.name, "committed", more);
    }

    fn commit_offsets(
        &self,
        consumer: &BaseConsumer<Self>,
        offsets: &[(i32, i64)],
    ) -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            list.add_partition_offset(&self.topic, *partition, Offset::Offset(*offset))?;
        }
        consumer.commit(&list, CommitMode::Sync)
    }
}

fn run(member: Member, config: &ClientConfig, commands: &Receiver<Command>) -> Result<(), Failure> {
    let consumer: BaseConsumer<Member> = config.create_with_context(member)?;
    consumer.subscribe(&[&consumer.context().topic])?;
    thread::scope(|scope| {
        let (over, is_over) = channel();
        // On a thread of its own: a commit waits as long as a rebalance does, and records go on meanwhile.
        scope.spawn(|| {
            let is_over: Receiver<()> = is_over;
            while is_over.recv_timeout(COMMIT_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                consumer.context().commit(&consumer, |_| true);
            }
        });
        let ended = handle(&consumer, commands);
        drop(over);
        ended
    })
}

/// Handles records until it is told to leave.
fn handle(consumer: &BaseConsumer<Member>, commands: &Receiver<Command>) -> Result<(), Failure> {
    let member = consumer.context();
    let mut busy = None;
    loop {
        match commands.try_recv() {
            Ok(Command::Busy(time)) => busy = Some(time),
            Ok(Command::Leave) | Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {}
        }
        match consumer.poll(Duration::from_millis(20)) {
            Some(Ok(record)) => {
                let from = now();
                if let Some(time) = busy.take() {
                    member.tell_handled();
                    let more = json!({ "ms": time.as_millis() as u64 });
                    tell(&member.name, "busy", more);
                    thread::sleep(time);
                }
                if member.handled(from, record.partition(), record.offset()) >= BATCH {
                    member.tell_handled();
                }
            }
            Some(Err(error)) => {
                tell(
                    &member.name,
                    "failed",
                    json!({ "error": error.to_string() }),
                );
            }
            None => drop(member.tell_handled()),
        }
    }
    tell(&member.name, "leaving", json!({}));
    // Its last rebalance commits. Dropped, it leaves the group.
    consumer.unsubscribe();
    while !consumer.assignment()?.elements().is_empty() {
        if let Some(Ok(record)) = consumer.poll(Duration::from_millis(20)) {
            member.handled(now(), record.partition(), record.offset());
        }
    }
    Ok(())
}

fn numbers(partitions: &TopicPartitionList) -> Vec<i32> {
    let elements = partitions.elements();
    elements.iter().map(|element| element.partition()).collect()
}

/// Microseconds of the machine's monotonic clock.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1_000
}

fn tell(member: &str, event: &str, mut more: Value) {
    more["member"] = json!(member);
    more["at"] = json!(now());
    more["event"] = json!(event);
    let mut out = std::io::stdout().lock();
    // Nobody to tell is the same end.
    if writeln!(out, "{more}").and_then(|()| out.flush()).is_err() {
        exit(0);
    }
}
