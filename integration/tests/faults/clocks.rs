//! Part B 32 and 33: a process that stands still, and clocks that jump.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use integration::history::{History, Id, Loss, Told};
use integration::partitions;
use kafka_broker::{Step, when};
use kafka_client::consumer::OffsetReset;
use kafka_client::producer::{Delivery, Producer};
use kafka_client::record::Record;
use kafka_client_protocol::ApiKey;
use tokio::time::Instant;

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: i64 = 3600;

/// 32: the program stands still for a minute, then for longer than a delivery may take, with requests
/// under way whose answers arrive meanwhile. All timers are late at once.
#[tokio::test(start_paused = true)]
async fn a_process_that_stands_still_loses_and_doubles_nothing() {
    for pause in [60, 125, 86_400] {
        let setting = Setting::new().await;
        let topic = setting.topic("paused", 2);
        let producer = setting.kafka().await.producer().batch_size(512);
        let producer = producer.max_request_size(1024).build().await.unwrap();
        let mut history = History::default();
        settled(&mut history, enqueue(&producer, topic, 0..10).await).await;
        let held = setting.inject(when(ApiKey::PRODUCE).then([Step::Apply, Step::Hold]));
        let deliveries = enqueue(&producer, topic, 10..60).await;
        held.wait_for_hits(1).await;
        held.release();
        // Nothing runs until it is over.
        tokio::time::advance(pause * SECOND).await;
        let lost = settled(&mut history, deliveries).await;
        assert_eq!(lost > 0, pause > 120, "{lost} after {pause} s");
        // What comes now is written once, after what was.
        let lost = settled(&mut history, enqueue(&producer, topic, 60..70).await).await;
        assert_eq!(lost, 0);
        history
            .check(&log(&setting, topic).await, Loss::Never)
            .unwrap();
    }
}

/// Buffers records with these numbers for two partitions.
async fn enqueue(producer: &Producer, topic: &str, numbers: Range<u32>) -> Vec<(Id, Delivery)> {
    let mut deliveries = Vec::new();
    for number in numbers {
        for partition in 0..2 {
            let id = Id {
                sender: partition,
                number,
            };
            // The key is there to fill batches.
            let value = id.to_string();
            let record = Record::to(topic).key(&[0; 100]).value(&value);
            let record = record.partition(partition as i32);
            deliveries.push((id, producer.enqueue(record).await.unwrap()));
        }
    }
    deliveries
}

/// Notes what is told of each record; how many are not delivered, or not known to be.
async fn settled(history: &mut History, deliveries: Vec<(Id, Delivery)>) -> usize {
    let mut lost = 0;
    for (id, delivery) in deliveries {
        let outcome = delivery.await;
        lost += usize::from(outcome.is_err());
        history.told(id, Told::of(&outcome));
    }
    lost
}

/// What is in the log of two partitions.
async fn log(setting: &Setting, topic: &str) -> BTreeMap<i32, Vec<(i64, Option<Id>)>> {
    let ends = [0, 1].map(|partition| setting.broker.end_offset(topic, partition).unwrap());
    let reader = setting.kafka().await.reader();
    let reader = reader.offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign(partitions(topic, 2)).await.unwrap();
    let mut log: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for _ in 0..ends[0] + ends[1] {
        let record = reader.recv().await.unwrap();
        let id = Id::parse(record.value().unwrap());
        let partition = log.entry(record.partition()).or_default();
        partition.push((record.offset(), id));
    }
    log
}

/// 33: timers go by a clock that does not jump. The broker's wall clock jumps by an hour, to and fro,
/// and the client's stands still while its timers run, as paused time has it.
#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_changes_timestamps_and_no_timer() {
    const START: i64 = 1_700_000_000;
    let wall = Arc::new(AtomicI64::new(START));
    let setting = Setting::with(|broker| {
        let wall = wall.clone();
        broker.wall_clock(Arc::new(move || {
            let seconds = wall.load(Ordering::Relaxed) as u64;
            SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
        }))
    })
    .await;
    let settings = [("message.timestamp.type", "LogAppendTime")];
    setting
        .broker
        .create_topic_with("stamped", 1, settings)
        .unwrap();
    let own = setting.topic("own", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    for (offset, jump) in (0..).zip([0, HOUR, -HOUR, -HOUR, HOUR]) {
        let now = wall.fetch_add(jump, Ordering::Relaxed) + jump;
        let start = Instant::now();
        let delivered = producer
            .send(Record::to("stamped").value("v"))
            .await
            .unwrap();
        assert_eq!(
            (delivered.offset, delivered.timestamp),
            (Some(offset), now * 1000)
        );
        // Later records may be older ones, within a batch too.
        let times = [now, now - HOUR, now + HOUR].map(|seconds| seconds * 1000);
        let records = times.map(|time| Record::to(own).value("v").timestamp_ms(time));
        for (outcome, time) in producer.send_all(records).await.into_iter().zip(times) {
            assert_eq!(outcome.unwrap().timestamp, time);
        }
        assert!(start.elapsed() < SECOND, "{:?}", start.elapsed());
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(setting.broker.end_offset(own, 0), Some(15));
}
