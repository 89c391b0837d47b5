//! A load that runs while everything goes wrong, and the check of what was told of it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_client::consumer::OffsetReset;
use kafka_client::producer::Producer;
use kafka_client::record::Record;
use kafka_client::{Kafka, Subject};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::history::{History, Id, Loss, Summary, Told};
use crate::partitions;

/// The longest that anything may stand still after the last fault is over.
const RECOVERY: Duration = Duration::from_secs(2);

/// Senders on one topic, each with records of its own.
#[derive(Debug)]
pub struct Load {
    topic: String,
    partitions: i32,
    senders: JoinSet<History>,
    stop: watch::Sender<bool>,
}

impl Load {
    /// Starts this many senders, which share a producer. Each sends a few records to a partition, looks
    /// at their outcomes, and goes on, until [`stop`](Self::stop).
    #[must_use]
    pub fn start(producer: &Producer, topic: &str, partitions: i32, senders: u32) -> Self {
        let (stop, _) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for sender in 0..senders {
            let (producer, topic, stop) = (producer.clone(), topic.to_owned(), stop.subscribe());
            tasks.spawn(send(producer, topic, partitions, sender, stop));
        }
        Self {
            topic: topic.to_owned(),
            partitions,
            senders: tasks,
            stop,
        }
    }

    /// Ends the senders: all that was told of their records.
    ///
    /// # Panics
    /// When a sender did.
    ///
    /// # Cancel safety
    /// Dropped, the senders end without a history.
    pub async fn stop(mut self) -> History {
        self.stop.send_replace(true);
        let mut history = History::default();
        while let Some(sender) = self.senders.join_next().await {
            history.extend(sender.unwrap());
        }
        history
    }

    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Its partitions.
    #[must_use]
    pub fn partitions(&self) -> i32 {
        self.partitions
    }
}

async fn send(
    producer: Producer,
    topic: String,
    partitions: i32,
    sender: u32,
    stop: watch::Receiver<bool>,
) -> History {
    let mut history = History::default();
    let mut number = 0;
    let mut round = sender;
    while !*stop.borrow() {
        round = round.wrapping_add(1);
        let partition = (round % partitions as u32) as i32;
        let mut under_way = Vec::new();
        for _ in 0..=round % 20 {
            let id = Id { sender, number };
            number += 1;
            let value = id.to_string();
            let record = Record::to(&topic).partition(partition).value(&value);
            match producer.enqueue(record).await {
                Ok(delivery) => under_way.push((id, delivery)),
                Err(error) => history.told(id, Told::of(&Err(error))),
            }
        }
        for (id, delivery) in under_way {
            history.told(id, Told::of(&delivery.await));
        }
        tokio::time::sleep(Duration::from_millis(u64::from(round % 7))).await;
    }
    history
}

/// All that is over: each partition takes a record within two seconds, and nothing is buffered then.
///
/// # Panics
/// When something still stands still.
///
/// # Cancel safety
/// May be dropped at any time.
pub async fn assert_recovered(producer: &Producer, topic: &str, partitions: i32) {
    let start = Instant::now();
    for partition in 0..partitions {
        let record = Record::to(topic).partition(partition).value("recovered");
        producer.send(record).await.unwrap();
    }
    let took = start.elapsed();
    assert!(took < RECOVERY, "{topic} took {took:?} to recover");
}

/// All that is over: within two seconds the client says that it is well, but for an address that is
/// dead for good.
///
/// # Panics
/// When it still tells of something else.
///
/// # Cancel safety
/// May be dropped at any time.
pub async fn assert_well(kafka: &Kafka, dead: &str) {
    let dead = Subject::Broker {
        address: dead.into(),
    };
    let well = kafka.wait_for_health(|health| {
        let mut stuck = health.stuck().iter();
        stuck.all(|stuck| stuck.subject == dead)
    });
    let well = tokio::time::timeout(RECOVERY, well).await;
    assert!(well.is_ok(), "{}", kafka.health());
}

/// Reads the topic whole and compares it with what was told.
///
/// # Panics
/// When a promise was broken.
///
/// # Cancel safety
/// May be dropped at any time.
pub async fn check(
    kafka: &Kafka,
    topic: &str,
    count: i32,
    history: &History,
    loss: Loss,
) -> Summary {
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign(partitions(topic, count)).await.unwrap();
    let ends = reader.handle().offsets(&partitions(topic, count)).await;
    let mut left: i64 = ends.unwrap().values().map(|(_, next)| next).sum();
    let mut log: BTreeMap<i32, Vec<(i64, Option<Id>)>> = BTreeMap::new();
    while left > 0 {
        let record = reader.recv().await.unwrap();
        left -= 1;
        let value = record.value().unwrap();
        if value != b"recovered" {
            let records = log.entry(record.partition()).or_default();
            records.push((record.offset(), Id::parse(value)));
        }
    }
    history.check(&log, loss).unwrap_or_else(|violations| {
        let some = &violations[..violations.len().min(10)];
        panic!("{} broken promises in {topic}: {some:?}", violations.len());
    })
}
