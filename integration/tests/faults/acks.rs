//! Records that are acknowledged one by one, in any order, while partitions come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration::network::Network;
use integration::numbered;
use kafka_broker::{Broker, when};
use kafka_client::Kafka;
use kafka_client::consumer::{
    AckConsumerBuilder, Concurrency, Delivery, ForEachError, OffsetReset, TopicPartition,
};
use kafka_client::record::{ConsumerRecord, Header, Record};
use kafka_client_protocol::ApiKey;
use tokio::time::{Instant, sleep, timeout};

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);

fn member(kafka: &Kafka) -> AckConsumerBuilder<ConsumerRecord> {
    let member = kafka
        .consumer("workers")
        .offset_reset(OffsetReset::Earliest);
    let member = member.heartbeat_interval(SECOND).auto_commit(SECOND);
    member.manual_ack()
}

async fn written(setting: &Setting, topic: &'static str, count: i32, numbers: u64) -> &'static str {
    let topic = setting.topic(topic, count);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, topic, count, 0..numbers).await;
    topic
}

async fn stored(kafka: &Kafka, topic: &str, partition: i32) -> Option<i64> {
    let partition = TopicPartition::new(topic, partition);
    let reader = kafka
        .consumer("workers")
        .assign([partition.clone()])
        .await
        .unwrap();
    let stored = reader
        .handle()
        .committed(std::slice::from_ref(&partition))
        .await;
    stored.unwrap().get(&partition).copied()
}

/// A hundred records were handled, each once.
fn assert_each_once(done: &Mutex<Vec<i64>>) {
    let mut done = done.lock().unwrap().clone();
    done.sort_unstable();
    assert_eq!(done, (0..100).collect::<Vec<_>>());
}

/// Who seeks behind a batch that cannot be read is not done with what came before it.
#[tokio::test(start_paused = true)]
async fn what_is_in_work_stays_so_when_the_user_seeks_forward() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 1, 100).await;
    let kafka = setting.kafka().await;
    let mut member = member(&kafka).subscribe([topic]).await.unwrap();
    let first = member.recv().await.unwrap();
    let second = member.recv().await.unwrap();
    let place = TopicPartition::new(topic, 0);
    member.handle().seek(&place, 50).unwrap();
    let beyond = member.recv().await.unwrap();
    assert_eq!(beyond.offset(), 50);
    beyond.ack();
    second.ack();
    sleep(5 * SECOND).await;
    assert_eq!(
        stored(&kafka, topic, 0).await,
        Some(0),
        "the first is in work"
    );
    first.ack();
    sleep(5 * SECOND).await;
    assert_eq!(stored(&kafka, topic, 0).await, Some(51));
    let in_work = member.handle().in_work(&place).unwrap();
    assert_eq!((in_work.records, in_work.late_acks), (0, 0));
    member.close().await.unwrap();
}

/// Acknowledged in any order, what is stored is what is done without a gap.
#[tokio::test(start_paused = true)]
async fn what_is_stored_is_what_is_done_without_a_gap() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 1, 10).await;
    let kafka = setting.kafka().await;
    let mut member = member(&kafka).subscribe([topic]).await.unwrap();
    let mut deliveries = BTreeMap::new();
    for _ in 0..10 {
        let delivery = member.recv().await.unwrap();
        deliveries.insert(delivery.offset(), delivery);
    }
    for offset in [1, 2, 5, 9] {
        deliveries.remove(&offset).unwrap().ack();
    }
    sleep(5 * SECOND).await;
    assert_eq!(
        stored(&kafka, topic, 0).await,
        Some(0),
        "the first is in work"
    );
    deliveries.remove(&0).unwrap().ack();
    sleep(5 * SECOND).await;
    assert_eq!(stored(&kafka, topic, 0).await, Some(3));
    let place = TopicPartition::new(topic, 0);
    let in_work = member.handle().in_work(&place).unwrap();
    assert_eq!((in_work.records, in_work.oldest_offset), (5, Some(3)));
    deliveries.into_values().for_each(|delivery| delivery.ack());
    member.close().await.unwrap();
    assert_eq!(stored(&kafka, topic, 0).await, Some(10));
}

/// A record that is handed back comes again, before others, and counts how often.
#[tokio::test(start_paused = true)]
async fn a_record_that_is_handed_back_comes_again() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 1, 3).await;
    let kafka = setting.kafka().await;
    let mut member = member(&kafka).subscribe([topic]).await.unwrap();
    let first = member.recv().await.unwrap();
    assert_eq!((first.offset(), first.attempt()), (0, 1));
    first.nack();
    let again = member.recv().await.unwrap();
    assert_eq!((again.offset(), again.attempt()), (0, 2));
    let second = member.recv().await.unwrap();
    assert_eq!((second.offset(), second.attempt()), (1, 1));
    // Handed back while the consumer waits for records.
    let third = member.recv().await.unwrap();
    let waiting = tokio::spawn(async move {
        let delivery = member.recv().await.unwrap();
        (member, delivery)
    });
    sleep(SECOND).await;
    third.nack();
    let (mut member, third) = timeout(SECOND, waiting).await.unwrap().unwrap();
    assert_eq!((third.offset(), third.attempt()), (2, 2));
    // One of before a seek does not.
    let place = TopicPartition::new(topic, 0);
    member.handle().seek(&place, 1).unwrap();
    third.nack();
    again.ack();
    let delivery = member.recv().await.unwrap();
    assert_eq!((delivery.offset(), delivery.attempt()), (1, 1));
    assert_eq!(member.handle().in_work(&place).unwrap().late_acks, 1);
    drop((second, delivery));
}

/// A record that takes long holds up its partition at the bound, and no other partition.
#[tokio::test(start_paused = true)]
async fn a_record_that_takes_long_holds_up_its_partition_only() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 2, 1_000).await;
    let kafka = setting.kafka().await;
    let member = member(&kafka).max_unacked(100);
    let mut member = member.subscribe([topic]).await.unwrap();
    let mut slow = None;
    let mut counts = [0, 0];
    while let Ok(delivery) = timeout(10 * SECOND, member.recv()).await {
        let delivery = delivery.unwrap();
        counts[delivery.partition() as usize] += 1;
        match slow {
            None if delivery.partition() == 0 => slow = Some(delivery),
            _ => delivery.ack(),
        }
    }
    assert_eq!(counts, [100, 1_000]);
    // It is told, with its offset and what helps.
    sleep(80 * SECOND).await;
    let health = kafka.health().to_string();
    for words in ["topic orders partition 0", "offset 0", "handed back"] {
        assert!(health.contains(words), "{words}: {health}");
    }
    let place = TopicPartition::new(topic, 0);
    let in_work = member.handle().in_work(&place).unwrap();
    assert!(in_work.oldest_age.unwrap() > 80 * SECOND, "{in_work:?}");
    slow.unwrap().ack();
    while counts[0] < 1_000 {
        let delivery = timeout(10 * SECOND, member.recv()).await.unwrap().unwrap();
        counts[delivery.partition() as usize] += 1;
        delivery.ack();
    }
    assert_eq!(counts, [1_000, 1_000]);
    sleep(2 * SECOND).await;
    assert!(kafka.health().is_well());
    member.close().await.unwrap();
    for partition in 0..2 {
        assert_eq!(stored(&kafka, topic, partition).await, Some(1_000));
    }
}

/// What is in work when a partition goes to another member is waited for, and is not handled twice; an
/// acknowledgement that comes too late does not count, and the record is handled there.
#[tokio::test(start_paused = true)]
async fn a_partition_goes_when_what_is_in_work_is_done_or_after_the_limit() {
    for (work, twice) in [(10 * SECOND, false), (100 * SECOND, true)] {
        let setting = Setting::new().await;
        let topic = written(&setting, "orders", 2, 20).await;
        let kafka = setting.kafka().await;
        let mut first = member(&kafka).subscribe([topic]).await.unwrap();
        let handled = Arc::new(Mutex::new(BTreeMap::<(i32, i64), u32>::new()));
        let handle = |delivery: Delivery<ConsumerRecord>, work| {
            let handled = handled.clone();
            tokio::spawn(async move {
                sleep(work).await;
                let place = (delivery.partition(), delivery.offset());
                *handled.lock().unwrap().entry(place).or_default() += 1;
                delivery.ack();
            })
        };
        for _ in 0..40 {
            drop(handle(first.recv().await.unwrap(), work));
        }
        let mut second = member(&kafka).subscribe([topic]).await.unwrap();
        let begun = Instant::now();
        while begun.elapsed() < 200 * SECOND {
            tokio::select! {
                delivery = first.recv() => drop(handle(delivery.unwrap(), SECOND)),
                delivery = second.recv() => drop(handle(delivery.unwrap(), SECOND)),
                () = sleep(SECOND) => {}
            }
        }
        assert_eq!(first.handle().assignment().len(), 1);
        assert_eq!(second.handle().assignment().len(), 1);
        let handled = handled.lock().unwrap();
        assert_eq!(handled.len(), 40, "nothing is lost");
        let doubled = handled.values().filter(|times| **times > 1).count();
        assert_eq!(doubled, if twice { 20 } else { 0 }, "{work:?}");
        assert_eq!(first.handle().late_acks(), if twice { 20 } else { 0 });
    }
}

/// Handlers that run at the same time, with the order of each key, and a clean end.
#[tokio::test(start_paused = true)]
async fn handlers_keep_the_order_of_each_key_and_drain_at_shutdown() {
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 3);
    let kafka = setting.kafka().await;
    let producer = kafka.producer().build().await.unwrap();
    for number in 0..600_u32 {
        let (key, value) = (format!("key {}", number % 40), number.to_string());
        let record = Record::to(topic).key(&key).value(&value);
        drop(producer.enqueue(record).await.unwrap());
    }
    producer.flush().await.unwrap();
    for order in [
        Concurrency::PerKey(16),
        Concurrency::PerPartition,
        Concurrency::Unordered(16),
    ] {
        let group = format!("{order:?}").replace(['(', ')'], ".");
        let seen = Arc::new(Mutex::new(BTreeMap::<Vec<u8>, Vec<u32>>::new()));
        let most = Arc::new(Mutex::new((0_u32, 0_u32)));
        let consumer = kafka.consumer(&group).offset_reset(OffsetReset::Earliest);
        let mut consumer = consumer.manual_ack().subscribe([topic]).await.unwrap();
        let handler = |record: ConsumerRecord| {
            let (seen, most) = (seen.clone(), most.clone());
            async move {
                let number: u32 = String::from_utf8_lossy(record.value().unwrap())
                    .parse()
                    .unwrap();
                {
                    let mut most = most.lock().unwrap();
                    most.0 += 1;
                    most.1 = most.1.max(most.0);
                }
                sleep(Duration::from_millis(u64::from(number * 7919 % 50))).await;
                most.lock().unwrap().0 -= 1;
                let key = record.key().unwrap().to_vec();
                seen.lock().unwrap().entry(key).or_default().push(number);
                Ok::<_, std::io::Error>(())
            }
        };
        let shutdown = async {
            while seen.lock().unwrap().values().map(Vec::len).sum::<usize>() < 600 {
                sleep(SECOND / 10).await;
            }
        };
        consumer
            .for_each_concurrent(order, shutdown, handler)
            .await
            .unwrap();
        consumer.close().await.unwrap();
        let seen = seen.lock().unwrap();
        assert_eq!(seen.values().map(Vec::len).sum::<usize>(), 600, "each once");
        let in_order = seen.values().all(|numbers| numbers.is_sorted());
        assert_eq!(
            in_order,
            !matches!(order, Concurrency::Unordered(_)),
            "{order:?}"
        );
        let expected = if order == Concurrency::PerPartition {
            3
        } else {
            16
        };
        assert_eq!(most.lock().unwrap().1, expected, "{order:?}");
    }
}

/// A handler that fails or panics ends the call with its record, which the next call hands out again.
#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_or_panics_gets_its_record_again() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 1, 100).await;
    let kafka = setting.kafka().await;
    let mut consumer = member(&kafka).subscribe([topic]).await.unwrap();
    let done = Arc::new(Mutex::new(Vec::new()));
    let failed = Arc::new(Mutex::new(BTreeSet::new()));
    let handler = |record: ConsumerRecord| {
        let (done, failed) = (done.clone(), failed.clone());
        async move {
            sleep(SECOND / 100).await;
            let offset = record.offset();
            let is_first = failed.lock().unwrap().insert(offset);
            match offset {
                30 if is_first => return Err(std::io::Error::other("not today")),
                60 => assert!(!is_first, "never at once"),
                _ => {}
            }
            done.lock().unwrap().push(offset);
            Ok(())
        }
    };
    let mut errors = Vec::new();
    while done.lock().unwrap().len() < 100 {
        let shutdown = async {
            while done.lock().unwrap().len() < 100 {
                sleep(SECOND).await;
            }
        };
        let order = Concurrency::PerKey(8);
        if let Err(error) = consumer.for_each_concurrent(order, shutdown, handler).await {
            errors.push(error);
        }
    }
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(matches!(&errors[0], ForEachError::Handler { record, .. } if record.offset() == 30));
    assert!(
        matches!(&errors[1], ForEachError::Panicked { words, record }
            if words.contains("never at once") && record.offset() == 60)
    );
    assert!(
        errors[0]
            .to_string()
            .contains("offset 30: the handler failed: not today")
    );
    assert_each_once(&done);
    consumer.close().await.unwrap();
    assert_eq!(stored(&kafka, topic, 0).await, Some(100));
}

/// 45: workers that are killed at any point lose nothing; what comes again is within the gap.
#[tokio::test(start_paused = true)]
async fn workers_that_are_killed_lose_nothing() {
    const GAP: usize = 50;
    for seed in 0..5 {
        let broker = Broker::builder().memory().no_listener().seed(seed);
        let broker = broker.advertise("broker", 9092).start().await.unwrap();
        let setting = Setting { broker };
        let topic = written(&setting, "orders", 2, 1_000).await;
        let mut random = fastrand::Rng::with_seed(seed);
        let handled = Arc::new(Mutex::new(BTreeMap::<(i32, i64), u32>::new()));
        let mut kills = 0;
        while handled.lock().unwrap().len() < 2_000 {
            // A process of its own, as far as the broker can see.
            let network = Network::new();
            network.route("broker:9092", setting.broker.connector());
            let kafka = Kafka::builder("broker:9092").connector(network.clone());
            let kafka = kafka.connect().await.unwrap();
            let member = member(&kafka).max_unacked(GAP);
            let mut member = member.subscribe([topic]).await.unwrap();
            let is_alive = Arc::new(AtomicBool::new(true));
            let handler = |record: ConsumerRecord| {
                let (handled, is_alive) = (handled.clone(), is_alive.clone());
                async move {
                    let place = (record.partition(), record.offset());
                    let number = place.1 as u64 * 31 + place.0 as u64;
                    sleep(Duration::from_millis(number * 7919 % 1_000)).await;
                    if is_alive.load(Ordering::Relaxed) {
                        *handled.lock().unwrap().entry(place).or_default() += 1;
                    }
                    Ok::<_, std::io::Error>(())
                }
            };
            let until = Duration::from_millis(random.u64(500..6_000));
            let order = Concurrency::Unordered(64);
            let killed = member.for_each_concurrent(order, std::future::pending(), handler);
            if timeout(until, killed).await.is_ok() {
                panic!("only a kill ends it");
            }
            // Neither a commit nor a farewell gets through any more.
            is_alive.store(false, Ordering::Relaxed);
            network.refuse("broker:9092");
            network.cut("broker:9092");
            kills += 1;
            drop(member);
            sleep(60 * SECOND).await;
        }
        let handled = handled.lock().unwrap();
        assert_eq!(handled.len(), 2_000, "nothing is lost");
        let again: u32 = handled.values().map(|times| times - 1).sum();
        assert!(
            kills > 1 && again as usize <= kills * 2 * GAP,
            "{again} of {kills} kills"
        );
    }
}

#[derive(Debug, PartialEq, kafka_client::KafkaRecord)]
#[kafka(topic = "typed", format = json)]
struct Typed {
    number: u32,
}

/// A record that is not of the type is an error that has the record, so that it can be kept elsewhere; it
/// holds up nothing.
#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_decoded_is_in_its_error() {
    let setting = Setting::new().await;
    setting.topic("typed", 1);
    let kafka = setting.kafka().await;
    let producer = kafka.producer().build().await.unwrap();
    setting.topic("dead", 1);
    let headers = [Header::new("trace", "7"), Header::new("trace", "")];
    for value in ["{\"number\":1}", "{poison", "{\"number\":2}"] {
        let record = Record::to("typed").key("k").value(value);
        producer.send(record.headers(&headers)).await.unwrap();
    }
    let builder = || {
        let consumer = kafka.consumer("workers").auto_commit(SECOND);
        consumer
            .offset_reset(OffsetReset::Earliest)
            .topic::<Typed>()
    };
    let mut acked = builder().manual_ack().start().await.unwrap();
    let first = acked.recv().await.unwrap();
    assert_eq!((first.number, first.record().offset()), (1, 0));
    first.ack();
    let error = acked.recv().await.unwrap_err();
    // What is not JSON at all has no field at fault.
    assert!(!error.to_string().contains('?'), "{error}");
    let poison = error.record().unwrap();
    assert_eq!(poison.value(), Some(&b"{poison"[..]));
    assert_eq!((poison.offset(), error.is_fatal()), (1, false));
    // As a dead letter it is the same, byte for byte.
    producer.send(poison.forward_to("dead")).await.unwrap();
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    let mut reader = reader
        .assign([TopicPartition::new("dead", 0)])
        .await
        .unwrap();
    let dead = reader.recv().await.unwrap();
    let (key, stamp) = (poison.key(), poison.timestamp_ms());
    assert_eq!((dead.key(), dead.timestamp_ms()), (key, stamp));
    assert_eq!((dead.value(), key), (poison.value(), Some(&b"k"[..])));
    assert!(
        dead.headers()
            .iter()
            .eq(headers.iter().map(|it| (it.key, it.value)))
    );
    acked.recv().await.unwrap().ack();
    acked.close().await.unwrap();
    assert_eq!(stored(&kafka, "typed", 0).await, Some(3));

    let mut plain = builder().start().await.unwrap();
    plain
        .handle()
        .seek(&TopicPartition::new("typed", 0), 1)
        .unwrap_err();
    assert!(timeout(5 * SECOND, plain.recv()).await.is_err());
    plain
        .handle()
        .seek(&TopicPartition::new("typed", 0), 1)
        .unwrap();
    let error = plain.recv().await.unwrap_err();
    assert_eq!(error.record().map(|record| record.offset()), Some(1));
    assert_eq!(plain.recv().await.unwrap().number, 2);
}

/// Records that other threads acknowledge while their partition is full, again and again: what was laid
/// aside is neither overtaken nor forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acks_from_other_threads_skip_nothing_and_wake_the_reader() {
    const RECORDS: u64 = 20_000;
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 1);
    let producer = setting.kafka().await.producer().batch_size(512);
    let producer = producer.max_request_size(1024).build().await.unwrap();
    numbered::send(&producer, topic, 1, 0..RECORDS).await;
    let kafka = setting.kafka().await;
    let member = kafka
        .consumer("workers")
        .offset_reset(OffsetReset::Earliest);
    let member = member
        .max_partition_fetch_bytes(4096)
        .manual_ack()
        .max_unacked(20);
    let mut member = member.subscribe([topic]).await.unwrap();
    let (work, worker) = std::sync::mpsc::channel::<Delivery<ConsumerRecord>>();
    let worker = std::thread::spawn(move || {
        for (number, delivery) in worker.into_iter().enumerate() {
            match number % 7 {
                0 if delivery.attempt() == 1 => delivery.nack(),
                _ => delivery.ack(),
            }
        }
    });
    let mut seen = vec![0_u32; RECORDS as usize];
    let mut done = 0;
    while done < RECORDS {
        let delivery = timeout(20 * SECOND, member.recv())
            .await
            .expect("it is woken")
            .unwrap();
        let times = &mut seen[delivery.offset() as usize];
        done += u64::from(*times == 0);
        *times += 1;
        work.send(delivery).unwrap();
    }
    drop(work);
    worker.join().unwrap();
    member.close().await.unwrap();
}

/// Closing does not wait so long for a record in hand that what is done is not stored; one that is dropped
/// commits and leaves all the same.
#[tokio::test(start_paused = true)]
async fn the_end_stores_what_is_done_although_a_record_is_in_hand() {
    for dropped in [false, true] {
        let setting = Setting::new().await;
        let topic = written(&setting, "orders", 1, 10).await;
        let kafka = setting.kafka().await;
        let member = kafka
            .consumer("workers")
            .offset_reset(OffsetReset::Earliest);
        // Nothing is stored before the end.
        let member = member.auto_commit(1_000 * SECOND).manual_ack();
        let mut member = member.subscribe([topic]).await.unwrap();
        let leaves = setting.inject(when(ApiKey::LEAVE_GROUP).always().then([]));
        let mut kept = Vec::new();
        for _ in 0..10 {
            let delivery = member.recv().await.unwrap();
            match delivery.offset() {
                7 => kept.push(delivery),
                _ => delivery.ack(),
            }
        }
        if dropped {
            drop(member);
            sleep(60 * SECOND).await;
        } else {
            timeout(31 * SECOND, member.close()).await.unwrap().unwrap();
        }
        assert_eq!(leaves.hits(), 1, "dropped: {dropped}");
        assert_eq!(
            stored(&kafka, topic, 0).await,
            Some(7),
            "dropped: {dropped}"
        );
    }
}

/// A key whose handler is slow stops no other key of another partition.
#[tokio::test(start_paused = true)]
async fn a_busy_key_stops_no_other() {
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 2);
    let kafka = setting.kafka().await;
    let producer = kafka.producer().build().await.unwrap();
    for number in 0..1_000 {
        for (partition, key) in [(0, "busy"), (1, "other")] {
            let value = number.to_string();
            let record = Record::to(topic)
                .partition(partition)
                .key(key)
                .value(&value);
            drop(producer.enqueue(record).await.unwrap());
        }
    }
    producer.flush().await.unwrap();
    let mut consumer = member(&kafka)
        .max_unacked(500)
        .subscribe([topic])
        .await
        .unwrap();
    let done = Arc::new(Mutex::new([0, 0]));
    let handler = |record: ConsumerRecord| {
        let done = done.clone();
        // Before there is a future, as well as in it, it may fail.
        assert!(record.offset() >= 0);
        async move {
            if record.partition() == 0 {
                sleep(1_000 * SECOND).await;
            }
            done.lock().unwrap()[record.partition() as usize] += 1;
            Ok::<_, std::io::Error>(())
        }
    };
    let order = Concurrency::PerKey(8);
    let running = consumer.for_each_concurrent(order, std::future::pending(), handler);
    assert!(timeout(60 * SECOND, running).await.is_err());
    assert_eq!(*done.lock().unwrap(), [0, 1_000]);
}

/// A handler that panics before it has made a future is told as one that panics later.
#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_at_once_is_told_with_its_record() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 1, 1).await;
    let kafka = setting.kafka().await;
    let mut consumer = member(&kafka).subscribe([topic]).await.unwrap();
    let handler = |record: ConsumerRecord| {
        assert!(record.offset() > 5, "at once");
        std::future::ready(Ok::<_, std::io::Error>(()))
    };
    let order = Concurrency::Unordered(8);
    let error = consumer
        .for_each_concurrent(order, std::future::pending(), handler)
        .await;
    assert!(
        matches!(&error, Err(ForEachError::Panicked { words, record })
            if words.contains("at once") && record.offset() == 0)
    );
}

/// A call that is dropped keeps no record back: the next one goes on where it was.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_keeps_no_record() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 1, 100).await;
    let kafka = setting.kafka().await;
    let mut consumer = member(&kafka).subscribe([topic]).await.unwrap();
    let done = Arc::new(Mutex::new(Vec::new()));
    let handler = |record: ConsumerRecord| {
        let done = done.clone();
        async move {
            sleep(SECOND / 10).await;
            done.lock().unwrap().push(record.offset());
            Ok::<_, std::io::Error>(())
        }
    };
    let order = Concurrency::PerPartition;
    let dropped = consumer.for_each_concurrent(order, std::future::pending(), handler);
    assert!(timeout(5 * SECOND, dropped).await.is_err());
    let shutdown = async {
        while done.lock().unwrap().len() < 100 {
            sleep(SECOND).await;
        }
    };
    let rest = consumer.for_each_concurrent(order, shutdown, handler);
    timeout(60 * SECOND, rest)
        .await
        .expect("all are handled")
        .unwrap();
    assert_each_once(&done);
    consumer.close().await.unwrap();
    assert_eq!(stored(&kafka, topic, 0).await, Some(100));
}

/// Nobody can acknowledge a record that was dropped, so nobody waits for it; and it is told soon, as its
/// partition goes on no more.
#[tokio::test(start_paused = true)]
async fn a_record_that_was_dropped_holds_up_no_close_and_is_told() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 1, 10).await;
    let kafka = setting.kafka().await;
    let mut first = member(&kafka).subscribe([topic]).await.unwrap();
    first.recv().await.unwrap().ack();
    drop(first.recv().await.unwrap());
    first.recv().await.unwrap().ack();
    sleep(15 * SECOND).await;
    let health = kafka.health().to_string();
    assert!(health.contains("offset 1 was dropped"), "{health}");
    let begun = Instant::now();
    first.close().await.unwrap();
    assert!(begun.elapsed() < 2 * SECOND, "{:?}", begun.elapsed());
    assert_eq!(stored(&kafka, topic, 0).await, Some(1));
    // It comes again.
    let mut second = member(&kafka).subscribe([topic]).await.unwrap();
    let delivery = second.recv().await.unwrap();
    assert_eq!(delivery.offset(), 1);
    delivery.ack();
    second.close().await.unwrap();
}
