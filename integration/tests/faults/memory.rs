//! Lessons 18, 19 and 29: those who wait for `buffer.memory`, and those who flush meanwhile.

use std::time::Duration;

use futures::FutureExt;
use integration::network::Network;
use kafka_broker::{Broker, Step, when};
use kafka_client::Kafka;
use kafka_client::producer::{Acks, Producer};
use kafka_client::record::Record;
use kafka_client_protocol::ApiKey;
use tokio::time::Instant;

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn record<'a>(topic: &'a str, value: &'a [u8]) -> Record<'a> {
    Record::to(topic).partition(0).value(value)
}

/// A producer with room for eight batches of 1 KiB.
async fn small(setting: &Setting) -> Producer {
    let producer = setting.kafka().await.producer().buffer_memory(8 * 1024);
    let producer = producer.max_request_size(1024).batch_size(1024);
    producer.build().await.unwrap()
}

/// Buffers until nothing more is taken; how many it were.
fn fill(producer: &Producer, topic: &str) -> usize {
    let mut count = 0;
    while let Ok(delivery) = producer.try_enqueue(record(topic, &[b'x'; 300])) {
        drop(delivery);
        count += 1;
    }
    count
}

/// 18: each batch that is done lets in as many as have room, not when all is done.
#[tokio::test(start_paused = true)]
async fn those_who_wait_for_memory_are_let_in_with_every_batch() {
    let setting = Setting::new().await;
    let topic = setting.topic("full", 1);
    let producer = small(&setting).await;
    producer.send(record(topic, b"first")).await.unwrap();
    // One batch a second.
    let slow = when(ApiKey::PRODUCE).always();
    let slow = setting.inject(slow.then([Step::Apply, Step::Delay(SECOND)]));
    let filled = fill(&producer, topic);
    assert!(filled >= 16, "{filled}");
    let start = Instant::now();
    let waiting: Vec<_> = (0..12)
        .map(|_| {
            let producer = producer.clone();
            tokio::spawn(async move {
                drop(producer.enqueue(record(topic, &[b'x'; 300])).await.unwrap());
                start.elapsed()
            })
        })
        .collect();
    let mut came = Vec::new();
    for waits in waiting {
        came.push(waits.await.unwrap());
    }
    // Served in their order, the first with the first answer, some with each.
    assert!(came.is_sorted(), "{came:?}");
    assert!(came[0] <= SECOND + 10 * MS, "{came:?}");
    assert!(came[11] <= 6 * SECOND, "{came:?}");
    assert!(came.windows(5).all(|five| five[4] > five[0]), "{came:?}");
    drop(slow);
}

/// 18, 19: flush waits for what was buffered before it, not for those who go on sending, nor for one
/// who has given up.
#[tokio::test(start_paused = true)]
async fn a_flush_ends_although_others_wait_go_on_and_give_up() {
    let setting = Setting::new().await;
    let topic = setting.topic("flushed", 1);
    let producer = small(&setting).await;
    producer.send(record(topic, b"first")).await.unwrap();
    let slow = when(ApiKey::PRODUCE).always();
    setting.inject(slow.then([Step::Delay(100 * MS)]));
    let filled = fill(&producer, topic);
    let goes_on = tokio::spawn({
        let producer = producer.clone();
        async move {
            loop {
                drop(producer.enqueue(record(topic, &[b'y'; 300])).await.unwrap());
            }
        }
    });
    let gives_up = tokio::time::timeout(50 * MS, producer.enqueue(record(topic, &[b'z'; 900])));
    let (given_up, flushed) =
        tokio::join!(gives_up, tokio::time::timeout(5 * SECOND, producer.flush()));
    assert!(given_up.is_err());
    flushed.expect("flush ends").unwrap();
    let written = setting.broker.end_offset(topic, 0).unwrap();
    assert!(written > filled as i64, "{written} of {filled}");
    goes_on.abort();
}

/// 19: the place in line of one that gives up goes to the next, without waiting for more memory.
#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_for_memory_lets_the_next_one_in() {
    let setting = Setting::new().await;
    let topic = setting.topic("line", 2);
    // Room for eight large records, and half of one.
    let producer = setting.kafka().await.producer();
    let producer = producer.buffer_memory(8 * 1024 + 512);
    let producer = producer.max_request_size(1024).batch_size(1024);
    let producer = producer.build().await.unwrap();
    producer.send(record(topic, b"first")).await.unwrap();
    setting.inject(when(ApiKey::PRODUCE).always().then([Step::Hold]));
    let value = [b'x'; 900];
    let large = record(topic, &value);
    for _ in 0..8 {
        drop(producer.try_enqueue(large).unwrap());
    }
    let mut first = Box::pin(producer.enqueue(large));
    assert!(first.as_mut().now_or_never().is_none());
    let small = Record::to(topic).partition(1).value("small");
    let mut second = Box::pin(producer.enqueue(small));
    assert!(second.as_mut().now_or_never().is_none());
    tokio::time::sleep(SECOND).await;
    let waits = second.as_mut().now_or_never().is_none();
    assert!(waits, "first come, first served");
    drop(first);
    drop(second.now_or_never().expect("it is let in").unwrap());
}

/// 29: as many requests under way as the user sets, over what fits into a byte.
#[tokio::test(start_paused = true)]
async fn hundreds_of_requests_may_be_under_way() {
    const LIMIT: u64 = 300;
    let broker = Broker::builder().memory().no_listener().seed(1);
    let broker = broker.advertise("far", 9092).start().await.unwrap();
    broker.create_topic("deep", 1).unwrap();
    let network = Network::new();
    network.route("far:9092", broker.connector());
    let kafka = Kafka::builder("far:9092").connector(network.clone());
    let kafka = kafka.seed(1).connect().await.unwrap();
    let producer = kafka.producer().acks(Acks::Leader);
    let producer = producer.max_in_flight(LIMIT as usize).batch_size(1);
    let producer = producer.linger(Duration::ZERO).max_request_size(1024);
    let producer = producer.build().await.unwrap();
    producer.send(record("deep", b"first")).await.unwrap();
    network.delay("far:9092", 100 * MS);
    let requests = broker
        .faults()
        .inject(when(ApiKey::PRODUCE).always().then([]));
    // One fills a request.
    let value = [b'x'; 700];
    let mut deliveries = Vec::new();
    for _ in 0..2 * LIMIT {
        deliveries.push(producer.enqueue(record("deep", &value)).await.unwrap());
    }
    // The first are there, and the first answer is not here yet.
    tokio::time::sleep(150 * MS).await;
    assert_eq!(requests.hits(), LIMIT);
    for (number, delivery) in deliveries.into_iter().enumerate() {
        assert_eq!(delivery.await.unwrap().offset, Some(1 + number as i64));
    }
}
