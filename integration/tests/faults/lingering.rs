//! Lessons 21 and 22: a batch lingers exactly as long as it is told, and no longer than there is a
//! reason to. In paused time, so that a timer that fires a millisecond early shows.

use std::time::Duration;

use kafka_client::producer::{Delivery, Producer};
use kafka_client::record::Record;
use tokio::time::Instant;

use super::Setting;

const MS: Duration = Duration::from_millis(1);

/// A timer of tokio's fires at the next whole millisecond.
const TICK: Duration = Duration::from_millis(2);

async fn enqueue(producer: &Producer, topic: &str, bytes: usize) -> Delivery {
    let value = vec![b'x'; bytes];
    let record = Record::to(topic).partition(0).value(&value);
    producer.enqueue(record).await.unwrap()
}

/// When a record is delivered, counted from `start` on. Nobody awaits it before.
async fn delivered(delivery: Delivery, start: Instant) -> Duration {
    let (tell, told) = tokio::sync::oneshot::channel();
    delivery.on_settled(move |result| tell.send(result.map(|_| start.elapsed())).unwrap());
    told.await.unwrap().unwrap()
}

#[track_caller]
fn assert_at(came: Duration, due: Duration) {
    assert!(came >= due && came <= due + TICK, "{came:?}, not {due:?}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_lingers_exactly_as_long_as_it_is_told() {
    let setting = Setting::new().await;
    let topic = setting.topic("lingers", 1);
    let producer = setting.kafka().await.producer().linger(50 * MS);
    let producer = producer.build().await.unwrap();
    // The first one waits for the topic.
    enqueue(&producer, topic, 1).await.await.unwrap();
    for _ in 0..20 {
        let start = Instant::now();
        let first = enqueue(&producer, topic, 1).await;
        tokio::time::sleep(30 * MS).await;
        // A later record changes nothing, and neither does somebody who waits: `linger.ms` was set.
        let second = enqueue(&producer, topic, 1).await;
        let first = tokio::spawn(async move { (first.await.unwrap(), Instant::now()) });
        assert_at(delivered(second, start).await, 50 * MS);
        assert_at(first.await.unwrap().1 - start, 50 * MS);
        // The next one lingers from its own beginning on.
        tokio::time::sleep(7 * MS).await;
    }
}

#[tokio::test(start_paused = true)]
async fn by_default_a_batch_lingers_5_ms_at_most_or_until_somebody_waits() {
    let setting = Setting::new().await;
    let topic = setting.topic("lingers", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    enqueue(&producer, topic, 1).await.await.unwrap();
    for _ in 0..20 {
        let start = Instant::now();
        let delivery = enqueue(&producer, topic, 1).await;
        // A timer may be late by a tick.
        assert_at(delivered(delivery, start).await, 5 * MS - TICK);
        let start = Instant::now();
        enqueue(&producer, topic, 1).await.await.unwrap();
        assert_at(start.elapsed(), Duration::ZERO);
    }
}

/// A full batch goes at once; its timer does not cut the next one short.
#[tokio::test(start_paused = true)]
async fn a_full_batch_does_not_linger_and_the_next_one_lingers_its_own_time() {
    let setting = Setting::new().await;
    let topic = setting.topic("lingers", 1);
    let producer = setting.kafka().await.producer().linger(50 * MS);
    let producer = producer.batch_size(1000).build().await.unwrap();
    enqueue(&producer, topic, 1).await.await.unwrap();
    for _ in 0..20 {
        let start = Instant::now();
        let first = enqueue(&producer, topic, 500).await;
        tokio::time::sleep(30 * MS).await;
        let fills = enqueue(&producer, topic, 500).await;
        assert_at(delivered(first, start).await, 30 * MS);
        assert_at(delivered(fills, start).await, 30 * MS);
        tokio::time::sleep(10 * MS).await;
        let next = enqueue(&producer, topic, 1).await;
        assert_at(delivered(next, start).await, 90 * MS);
    }
}

/// 21: nothing lingers while somebody waits for memory.
#[tokio::test(start_paused = true)]
async fn nothing_lingers_while_memory_is_short() {
    let setting = Setting::new().await;
    let topic = setting.topic("short", 1);
    let hour = Duration::from_secs(3600);
    let producer = setting.kafka().await.producer().linger(hour);
    let producer = producer.delivery_timeout(2 * hour).max_request_size(4096);
    let producer = producer.batch_size(4096).buffer_memory(4096);
    let producer = producer.build().await.unwrap();
    let start = Instant::now();
    // Who is let in opens a batch while others still wait.
    let senders = (0..10).map(async |_| {
        for _ in 0..10 {
            drop(enqueue(&producer, topic, 1000).await);
        }
    });
    futures::future::join_all(senders).await;
    assert!(start.elapsed() < 1000 * MS, "{:?}", start.elapsed());
    producer.flush().await.unwrap();
    assert_eq!(setting.broker.end_offset(topic, 0), Some(100));
}
