//! Members of a group that come, go, die, stand still and work slowly, while their coordinator and their
//! broker fail: every record is handled, in the order of its partition, and what is committed is true.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration::network::Network;
use kafka_broker::{Broker, Connector, FaultHandle, Step, when, when_any};
use kafka_client::consumer::{
    Concurrency, Consumer, ConsumerBuilder, ConsumerHandle, ForEachError, OffsetReset,
    RebalanceEvent, TopicPartition,
};
use kafka_client::record::{ConsumerRecord, Record};
use kafka_client::{ErrorCode, ErrorKind, Kafka, NewTopic};
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::fetch::FetchResponse;
use kafka_client_protocol::api::offset_for_leader_epoch::OffsetForLeaderEpochResponse;
use tokio::time::{Instant, sleep, timeout};

use crate::{length, resident_mib};

const ADDRESS: &str = "broker:9092";
const TOPIC: &str = "work";
const PARTITIONS: i32 = 60;
/// Is deleted and made anew now and then, and its log is cut off, as far as leaders are asked.
const REBORN: &str = "reborn";
const REBORN_PARTITIONS: i32 = 3;
const MEMBERS: usize = 20;
const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// What became of the records of a partition.
#[derive(Debug, Default)]
struct Partition {
    /// How often each was handled, by offset, and by which life last.
    handled: Vec<u32>,
    last: Vec<u64>,
    /// Who owns it, as far as the members were told.
    owner: Option<u64>,
}

/// The topic that is made anew.
#[derive(Debug, Default)]
struct Reborn {
    lives: u32,
    /// What was written to it in this life.
    written: BTreeSet<String>,
    handled: BTreeSet<String>,
}

/// What all members have done.
struct World {
    broker: Broker,
    partitions: Vec<Mutex<Partition>>,
    reborn: Mutex<Reborn>,
    /// Owners are told in time: no member is dead or out of touch.
    orderly: bool,
    lives: AtomicU64,
    failures: Mutex<Vec<String>>,
}

impl World {
    fn fail(&self, what: String) {
        self.failures.lock().unwrap().push(what);
    }

    fn at(&self, partition: i32) -> std::sync::MutexGuard<'_, Partition> {
        self.partitions[partition as usize].lock().unwrap()
    }

    fn handle(&self, life: u64, record: &ConsumerRecord) {
        if record.topic() == REBORN {
            let value = String::from_utf8_lossy(record.value().unwrap_or_default());
            self.reborn.lock().unwrap().handled.insert(value.into());
            return;
        }
        let mut partition = self.at(record.partition());
        let offset = record.offset() as usize;
        if partition.handled.len() <= offset {
            partition.handled.resize(offset + 1, 0);
            partition.last.resize(offset + 1, 0);
        }
        let before = std::mem::replace(&mut partition.last[offset], life);
        partition.handled[offset] += 1;
        if self.orderly && partition.handled[offset] > 1 {
            let (number, owner) = (record.partition(), partition.owner);
            drop(partition);
            self.fail(format!(
                "{life} handles {number} at {offset} again after {before}, owned by {owner:?}"
            ));
        }
    }

    fn told(&self, life: u64, event: &RebalanceEvent) {
        match event {
            RebalanceEvent::Assigned(partitions) => {
                for at in partitions.iter().filter(|at| &*at.topic == TOPIC) {
                    let before = self.at(at.partition).owner.replace(life);
                    if let Some(before) = before.filter(|_| self.orderly) {
                        self.fail(format!("{at} of member {before} is {life}'s as well"));
                    }
                }
            }
            RebalanceEvent::Revoked(partitions) | RebalanceEvent::Lost(partitions) => {
                for at in partitions.iter().filter(|at| &*at.topic == TOPIC) {
                    let owner = &mut self.at(at.partition).owner;
                    if *owner == Some(life) {
                        *owner = None;
                    }
                }
            }
            _ => {}
        }
    }
}

/// What is subscribed to.
fn topics(world: &World) -> &'static [&'static str] {
    match world.orderly {
        true => &[TOPIC],
        false => &[TOPIC, REBORN],
    }
}

/// One member after the other, until all is over.
struct Slot {
    world: Arc<World>,
    random: fastrand::Rng,
    over: Arc<AtomicBool>,
}

impl Slot {
    async fn run(mut self) {
        while !self.over.load(Ordering::Relaxed) {
            let life = self.world.lives.fetch_add(1, Ordering::Relaxed);
            let network = Network::new();
            network.route(ADDRESS, self.connector());
            let kafka = Kafka::builder(ADDRESS)
                .connector(network.clone())
                .seed(life);
            let Ok(kafka) = kafka.connect().await else {
                continue;
            };
            let member = kafka
                .consumer("workers")
                .offset_reset(OffsetReset::Earliest);
            let member = member
                .heartbeat_interval(SECOND)
                .session_timeout(10 * SECOND);
            let member = member.max_poll_interval(30 * SECOND);
            let world = self.world.clone();
            let member = member.on_rebalance_with(move |handle, event| {
                let world = world.clone();
                async move {
                    world.told(life, &event);
                    if matches!(event, RebalanceEvent::Revoking(_)) {
                        // The last chance of those who commit by hand.
                        drop(handle.commit().await);
                    }
                }
            });
            let until = Instant::now() + self.random.u32(5_000..60_000) * MS;
            match self.random.u32(..3) {
                0 => self.by_commits(life, member, until).await,
                1 => self.by_itself(life, member, until).await,
                _ => self.by_acks(life, member, until).await,
            }
            // What is left of it reaches nobody: it may be one that died.
            network.refuse(ADDRESS);
            network.cut(ADDRESS);
            sleep(self.random.u32(..5_000) * MS).await;
        }
    }

    fn connector(&self) -> Connector {
        self.world.broker.connector()
    }

    /// Commits by hand, now and then, and remembers what it has seen: offsets only go on.
    async fn by_commits(&mut self, life: u64, member: ConsumerBuilder, until: Instant) {
        let mut member = member
            .manual_commit()
            .subscribe(topics(&self.world))
            .await
            .unwrap();
        let mut next = BTreeMap::new();
        while Instant::now() < until {
            match timeout(SECOND, member.recv()).await {
                Ok(Ok(record)) => {
                    self.in_order(&member, &record, &mut next);
                    self.world.handle(life, &record);
                    if self.random.u32(..50) == 0 {
                        // Refused, if a partition has gone meanwhile.
                        drop(member.commit().await);
                    }
                    self.work().await;
                }
                Ok(Err(error)) => self.survive(&error, &member.handle()),
                Err(_) => {}
            }
        }
        self.end(member).await;
    }

    async fn by_itself(&mut self, life: u64, member: ConsumerBuilder, until: Instant) {
        let mut member = member
            .auto_commit(SECOND)
            .subscribe(topics(&self.world))
            .await
            .unwrap();
        let mut next = BTreeMap::new();
        while Instant::now() < until {
            match member.poll(20, SECOND).await {
                Ok(records) => {
                    for record in records {
                        self.in_order(&member, &record, &mut next);
                        self.world.handle(life, &record);
                    }
                    self.work().await;
                }
                Err(error) => self.survive(&error, &member.handle()),
            }
        }
        self.end(member).await;
    }

    async fn by_acks(&mut self, life: u64, member: ConsumerBuilder, until: Instant) {
        let member = member.auto_commit(SECOND).manual_ack().max_unacked(200);
        let mut member = member.subscribe(topics(&self.world)).await.unwrap();
        while Instant::now() < until {
            let world = self.world.clone();
            let handler = move |record: ConsumerRecord| {
                let world = world.clone();
                async move {
                    sleep((record.offset() * 7919 % 20) as u32 * MS).await;
                    world.handle(life, &record);
                    Ok::<_, std::io::Error>(())
                }
            };
            // With keys, what was handled behind a record that waits at the end comes again.
            let order = match self.world.orderly {
                true => Concurrency::PerPartition,
                false => Concurrency::PerKey(16),
            };
            let shutdown = tokio::time::sleep_until(until);
            match member.for_each_concurrent(order, shutdown, handler).await {
                Ok(()) => {}
                Err(ForEachError::Consumer(error)) => self.survive(&error, &member.handle()),
                Err(error) => self.world.fail(error.to_string()),
            }
        }
        if self.world.orderly || self.random.bool() {
            drop(member.close().await);
        }
    }

    /// The records of a partition come in order while the member keeps it.
    fn in_order(&self, member: &Consumer, record: &ConsumerRecord, next: &mut BTreeMap<i32, i64>) {
        if record.topic() == REBORN {
            return;
        }
        let owned: Vec<_> = member.handle().assignment();
        next.retain(|partition, _| owned.iter().any(|at| at.partition == *partition));
        let expected = next.insert(record.partition(), record.offset() + 1);
        if expected.is_some_and(|expected| record.offset() < expected) && self.world.orderly {
            self.world
                .fail(format!("{expected:?} expected, not {record:?}"));
        }
    }

    /// Some work is slow, and some far too slow.
    async fn work(&mut self) {
        match self.random.u32(..2_000) {
            0 if !self.world.orderly => sleep(40 * SECOND).await,
            1..10 => sleep(self.random.u32(..3_000) * MS).await,
            _ => {}
        }
    }

    fn survive(&self, error: &kafka_client::Error, handle: &ConsumerHandle) {
        if error.is_fatal() {
            self.world.fail(format!("a member has ended: {error}"));
        }
        if error.kind() == ErrorKind::CorruptRecords
            && let (Some(topic), Some(partition)) = (error.topic(), error.partition())
        {
            // It was damaged on the way, and the next one is not.
            let at = TopicPartition::new(topic, partition);
            if let Some(position) = handle.position(&at) {
                // Fails if the partition has gone meanwhile.
                drop(handle.seek(&at, position));
            }
        }
    }

    /// It leaves, is forgotten, or dies.
    async fn end(&mut self, member: Consumer) {
        match self.random.u32(..3) {
            0 if !self.world.orderly => {}
            1 if !self.world.orderly => drop(member),
            _ => {
                drop(member.commit().await);
                drop(member.close().await);
            }
        }
    }
}

/// What goes wrong.
struct Chaos {
    world: Arc<World>,
    random: fastrand::Rng,
    open: Vec<FaultHandle>,
}

impl Chaos {
    fn one_more(&mut self) {
        let times = self.random.u64(1..8);
        let pause = self.random.u32(1..3_000) * MS;
        let coordinator = [
            ErrorCode::NOT_COORDINATOR,
            ErrorCode::COORDINATOR_NOT_AVAILABLE,
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
        ];
        let refusal = coordinator[self.random.usize(..3)];
        let lost = [
            ErrorCode::UNKNOWN_MEMBER_ID,
            ErrorCode::ILLEGAL_GENERATION,
            ErrorCode::REBALANCE_IN_PROGRESS,
        ];
        let lost = lost[self.random.usize(..3)];
        let fetch = || when(ApiKey::FETCH).times(times);
        let commit = || when(ApiKey::OFFSET_COMMIT).times(times);
        let byte = self.random.usize(..5_000);
        let fault = match self.random.u32(..20) {
            18 => fetch().then([Step::edit(move |answer: &mut FetchResponse| {
                let partitions = answer.responses.iter_mut();
                let mut partitions = partitions.flat_map(|topic| &mut topic.partitions);
                if let Some(records) = partitions.find_map(|at| at.records.as_mut())
                    && records.len() > 100
                {
                    let mut bytes = records.to_vec();
                    // Not the length of the batch, which would cut the answer off.
                    let at = 21 + byte % (bytes.len() - 21);
                    bytes[at] ^= 1;
                    *records = bytes.into();
                }
            })]),
            19 => {
                let partition = self.random.i32(..REBORN_PARTITIONS);
                // Not there while the topic is being made anew.
                self.world.broker.elect(REBORN, partition);
                let cut = Step::edit(|answer: &mut OffsetForLeaderEpochResponse| {
                    let topics = answer.topics.iter_mut();
                    for topic in topics.filter(|topic| &*topic.topic == REBORN) {
                        for partition in &mut topic.partitions {
                            partition.end_offset = (partition.end_offset - 5).max(0);
                        }
                    }
                });
                when(ApiKey::OFFSET_FOR_LEADER_EPOCH).times(1).then([cut])
            }
            0 => fetch().then([Step::Close]),
            1 => fetch().then([Step::Apply, Step::Close]),
            2 => fetch().then([Step::Truncate(self.random.usize(..2_000))]),
            3 => fetch().then([Step::Error(ErrorCode::NOT_LEADER_OR_FOLLOWER)]),
            4 => fetch().then([Step::Error(ErrorCode::FENCED_LEADER_EPOCH)]),
            5 => fetch().then([Step::Error(ErrorCode::FETCH_SESSION_ID_NOT_FOUND)]),
            6 => fetch().then([Step::Delay(pause)]),
            7 => commit().then([Step::Apply, Step::Close]),
            8 => commit().then([Step::Error(refusal)]),
            9 => commit().then([Step::Error(lost)]),
            10 => when(ApiKey::HEARTBEAT)
                .times(times)
                .then([Step::Error(refusal)]),
            11 => when(ApiKey::HEARTBEAT).times(1).then([Step::Error(lost)]),
            12 => when(ApiKey::JOIN_GROUP)
                .times(times)
                .then([Step::Error(refusal)]),
            13 => when(ApiKey::SYNC_GROUP)
                .times(times)
                .then([Step::Apply, Step::Close]),
            14 => when(ApiKey::OFFSET_FETCH)
                .times(times)
                .then([Step::Error(ErrorCode::UNSTABLE_OFFSET_COMMIT)]),
            15 => when(ApiKey::FIND_COORDINATOR)
                .times(times)
                .then([Step::Error(refusal)]),
            16 => when_any().times(times).then([Step::Reset]),
            _ => when_any().times(1).then([Step::Silence]),
        };
        let fault = self.world.broker.faults().inject(fault);
        self.open.push(fault);
        if self.open.len() > 6 {
            self.open.remove(0).release();
        }
    }
}

/// Deletes the topic and makes it anew, and writes to it.
async fn be_reborn(
    world: Arc<World>,
    kafka: Kafka,
    mut random: fastrand::Rng,
    over: Arc<AtomicBool>,
) {
    let producer = kafka.producer().build().await.unwrap();
    while !over.load(Ordering::Relaxed) {
        // Either may be refused, or answered too late, by what else goes wrong.
        drop(kafka.delete_topic(REBORN).await);
        let topic = NewTopic::new(REBORN).partitions(REBORN_PARTITIONS);
        if kafka.create_topic(&topic).await.is_err() {
            continue;
        }
        let life = {
            let mut reborn = world.reborn.lock().unwrap();
            reborn.lives += 1;
            reborn.written.clear();
            reborn.lives
        };
        let until = Instant::now() + random.u32(20_000..90_000) * MS;
        let mut number = 0;
        while Instant::now() < until {
            let value = format!("{life}:{number}");
            let partition = random.i32(..REBORN_PARTITIONS);
            let record = Record::to(REBORN).partition(partition).value(&value);
            if producer.send(record).await.is_ok() {
                world.reborn.lock().unwrap().written.insert(value);
            }
            number += 1;
            sleep(random.u32(..500) * MS).await;
        }
    }
}

async fn soak(seed: u64, orderly: bool) {
    let broker = Broker::builder().memory().no_listener().seed(seed);
    let broker = broker.advertise("broker", 9092).start().await.unwrap();
    broker.create_topic(TOPIC, PARTITIONS).unwrap();
    let world = Arc::new(World {
        partitions: (0..PARTITIONS).map(|_| Mutex::default()).collect(),
        reborn: Mutex::default(),
        broker,
        orderly,
        lives: AtomicU64::new(0),
        failures: Mutex::default(),
    });
    let over = Arc::new(AtomicBool::new(false));
    let mut random = fastrand::Rng::with_seed(seed);
    let network = Network::new();
    network.route(ADDRESS, world.broker.connector());
    let kafka = Kafka::builder(ADDRESS).connector(network).seed(seed);
    let kafka = kafka.connect().await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    let slots: Vec<_> = (0..MEMBERS)
        .map(|_| {
            let slot = Slot {
                world: world.clone(),
                random: random.fork(),
                over: over.clone(),
            };
            tokio::spawn(slot.run())
        })
        .collect();
    let reborn = (!orderly).then(|| {
        let (world, over) = (world.clone(), over.clone());
        tokio::spawn(be_reborn(world, kafka.clone(), random.fork(), over))
    });
    let mut chaos = Chaos {
        world: world.clone(),
        random: random.fork(),
        open: Vec::new(),
    };
    let watcher = kafka.consumer("workers");
    let all = (0..PARTITIONS).map(|partition| TopicPartition::new(TOPIC, partition));
    let all: Vec<_> = all.collect();
    let watcher = watcher.manual_commit().assign(all.clone()).await.unwrap();
    let mut stored: BTreeMap<TopicPartition, i64> = BTreeMap::new();
    let (begun, mut written) = (Instant::now(), vec![0_u64; PARTITIONS as usize]);
    let (mut faults, mut megabytes) = (0, (usize::MAX, 0));
    while begun.elapsed() < length() {
        for _ in 0..random.u32(..200) {
            let partition = random.i32(0..PARTITIONS);
            let number = written[partition as usize].to_string();
            let key = random.u32(..10).to_string();
            let record = Record::to(TOPIC)
                .partition(partition)
                .key(&key)
                .value(&number);
            drop(producer.enqueue(record).await.unwrap());
            written[partition as usize] += 1;
        }
        if !orderly && random.u32(..3) == 0 {
            chaos.one_more();
            faults += 1;
        }
        sleep(random.u32(..2_000) * MS).await;
        // What is committed only grows.
        if let Ok(Ok(now)) = timeout(SECOND, watcher.handle().committed(&all)).await {
            for (partition, offset) in now {
                let before = stored.insert(partition.clone(), offset);
                if before.is_some_and(|before| offset < before) {
                    world.fail(format!("{partition} went back from {before:?} to {offset}"));
                }
            }
        }
        let resident = resident_mib();
        megabytes = (megabytes.0.min(resident), megabytes.1.max(resident));
    }
    producer.flush().await.unwrap();
    world.broker.faults().clear();
    if let Some(reborn) = reborn {
        reborn.abort();
        drop(reborn.await);
    }
    // Everything that was written is handled, soon after the last fault.
    let healed = Instant::now();
    let lacks = || {
        let lacking = written.iter().enumerate().filter(|(partition, count)| {
            let partition = world.partitions[*partition].lock().unwrap();
            let handled = partition.handled.iter().filter(|times| **times > 0);
            (handled.count() as u64) < **count
        });
        let reborn = world.reborn.lock().unwrap();
        let of_reborn = reborn.written.difference(&reborn.handled).count();
        lacking.count() + of_reborn
    };
    while lacks() > 0 && healed.elapsed() < 180 * SECOND {
        sleep(SECOND).await;
    }
    let took = healed.elapsed();
    over.store(true, Ordering::Relaxed);
    for slot in slots {
        slot.await.unwrap();
    }
    let handled: u64 = world
        .partitions
        .iter()
        .flat_map(|partition| partition.lock().unwrap().handled.clone())
        .map(u64::from)
        .sum();
    let total: u64 = written.iter().sum();
    println!(
        "{} members, {faults} faults, a topic of {} lives, {total} records, {} handled again, all handled {took:?} after the \
         last fault, {} to {} MiB",
        world.lives.load(Ordering::Relaxed),
        world.reborn.lock().unwrap().lives,
        handled.saturating_sub(total),
        megabytes.0,
        megabytes.1,
    );
    let failures = world.failures.lock().unwrap();
    assert!(failures.is_empty(), "{failures:#?}");
    assert_eq!(lacks(), 0, "every record is handled");
    if orderly {
        assert_eq!(handled, total, "and none twice");
    }
}

/// Members that come and go in good order: no partition has two owners, no record is handled twice.
#[tokio::test(start_paused = true)]
async fn members_that_come_and_go_handle_every_record_once() {
    soak(1, true).await;
}

/// Members that die, stand still, work too slowly, and whose coordinator fails.
#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_every_record_is_handled_and_commits_only_grow() {
    for seed in 2..4 {
        soak(seed, false).await;
    }
}
