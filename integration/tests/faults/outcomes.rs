//! What the three outcomes of a send mean, code by code and setting by setting: lessons 9, 10, 12, 13,
//! 25, 73, and part B 24, 25 and 29.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use integration::numbered::{self, enqueue};
use kafka_broker::{Step, when};
use kafka_client::producer::Acks;
use kafka_client::record::Record;
use kafka_client::{ErrorCode, ErrorKind, SendError};
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::init_producer_id::InitProducerIdResponse;
use kafka_client_protocol::api::produce::ProduceResponse;
use tokio::time::Instant;

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

fn record(topic: &str) -> Record<'_> {
    Record::to(topic).partition(0).value("v")
}

/// 9: a broker that has forgotten the producer, because all that it wrote is gone by retention, has
/// lost nothing. It is told as such by nobody, and the producer goes on.
#[tokio::test(start_paused = true)]
async fn a_broker_that_forgot_the_producer_has_lost_nothing() {
    let days = Arc::new(AtomicU64::new(0));
    let start = SystemTime::now();
    let setting = Setting::with(|broker| {
        let days = days.clone();
        broker.wall_clock(Arc::new(move || {
            start + days.load(Ordering::Relaxed) as u32 * DAY
        }))
    })
    .await;
    let topic = setting.topic("forgotten", 2);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, topic, 2, 0..10).await;
    for number in 1..4 {
        days.fetch_add(2, Ordering::Relaxed);
        numbered::send(&producer, topic, 2, number * 10..number * 10 + 10).await;
    }
    // Older brokers say so.
    let forgotten = Step::Error(ErrorCode::UNKNOWN_PRODUCER_ID);
    let forgotten = setting.inject(when(ApiKey::PRODUCE).times(2).then([forgotten]));
    numbered::send(&producer, topic, 2, 40..50).await;
    assert_eq!(forgotten.hits(), 2);
    setting.log(topic, 2).await.assert_is(2, 0..50);
}

/// Part B 24: with a batch in doubt it is no proof of anything, and sent again it might be doubled.
#[tokio::test(start_paused = true)]
async fn a_forgotten_producer_with_a_batch_in_doubt_is_unknown() {
    let setting = Setting::new().await;
    let topic = setting.topic("doubt", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    producer.send(record(topic)).await.unwrap();
    for code in [
        ErrorCode::UNKNOWN_PRODUCER_ID,
        ErrorCode::INVALID_PRODUCER_EPOCH,
    ] {
        let before = setting.broker.end_offset(topic, 0).unwrap();
        let lost = [Step::Apply, Step::Error(ErrorCode::REQUEST_TIMED_OUT)];
        setting.inject(when(ApiKey::PRODUCE).then(lost));
        setting.inject(when(ApiKey::PRODUCE).then([Step::Error(code)]));
        let error = producer.send(record(topic)).await.unwrap_err();
        assert!(matches!(&error, SendError::Unknown(error) if error.code() == Some(code)));
        assert_eq!(
            setting.broker.end_offset(topic, 0),
            Some(before + 1),
            "{code}"
        );
        let next = producer.send(record(topic)).await.unwrap();
        assert_eq!(next.offset, Some(before + 1), "{code}");
    }
}

/// 10: an id whose epochs are used up is changed for a new one, and the records behind the gap are
/// written once.
#[tokio::test(start_paused = true)]
async fn epochs_that_are_used_up_lead_to_a_new_id() {
    let setting = Setting::new().await;
    let topic = setting.topic("epochs", 2);
    let last = |answer: &mut InitProducerIdResponse| answer.producer_epoch = i16::MAX - 1;
    let last = setting.inject(when(ApiKey::INIT_PRODUCER_ID).then([Step::edit(last)]));
    let again = setting.inject(when(ApiKey::INIT_PRODUCER_ID).always().then([]));
    let producer = setting.kafka().await.producer().batch_size(512);
    let producer = producer.max_request_size(1024).build().await.unwrap();
    numbered::send(&producer, topic, 2, 0..10).await;
    assert_eq!((last.hits(), again.hits()), (1, 0));
    let gap = Step::Error(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    setting.inject(when(ApiKey::PRODUCE).partition(0).then([gap]));
    numbered::send(&producer, topic, 2, 10..60).await;
    assert_eq!(again.hits(), 1);
    setting.log(topic, 2).await.assert_is(2, 0..60);
}

/// 25: an offset that nobody told is none, for every record of the batch.
#[tokio::test(start_paused = true)]
async fn an_offset_that_the_broker_does_not_tell_is_none_for_every_record() {
    let setting = Setting::new().await;
    let topic = setting.topic("untold", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    producer.send(record(topic)).await.unwrap();
    let untold = |answer: &mut ProduceResponse| {
        let topics = answer.responses.iter_mut();
        for partition in topics.flat_map(|topic| &mut topic.partition_responses) {
            partition.base_offset = -1;
        }
    };
    let duplicate = Step::Error(ErrorCode::DUPLICATE_SEQUENCE_NUMBER);
    for steps in [vec![Step::edit(untold)], vec![Step::Apply, duplicate]] {
        let fault = setting.inject(when(ApiKey::PRODUCE).then(steps));
        for outcome in producer.send_all([record(topic); 3]).await {
            assert_eq!(outcome.unwrap().offset, None);
        }
        assert_eq!(fault.hits(), 1);
    }
}

/// Part B 29, and lesson 3: a send that is dropped, at each place where it may wait, was buffered or
/// not. What was is written, and the sequences have no gap.
#[tokio::test(start_paused = true)]
async fn a_send_that_is_dropped_is_written_whole_or_not_at_all() {
    let setting = Setting::new().await;
    let topic = setting.topic("dropped", 1);
    let producer = setting.kafka().await.producer().batch_size(1);
    let producer = producer.max_request_size(1024).buffer_memory(4096);
    let producer = producer.linger(Duration::ZERO).build().await.unwrap();
    let slow = when(ApiKey::PRODUCE).always();
    let slow = setting.inject(slow.then([Step::Delay(Duration::from_millis(5))]));
    let mut dropped = 0;
    let mut told = Vec::new();
    for number in 0..200_u64 {
        let value = format!("{number:700}");
        let record = Record::to(topic).partition(0).value(&value);
        let send = producer.send(record);
        match tokio::time::timeout(Duration::from_millis(number % 23), send).await {
            Ok(delivered) => told.push((number, delivered.unwrap().offset.unwrap())),
            Err(_) => dropped += 1,
        }
    }
    slow.remove();
    producer.flush().await.unwrap();
    assert!(
        dropped > 20 && told.len() > 20,
        "{dropped} and {}",
        told.len()
    );
    // In the log: rising numbers, each once, and what was told is where it was told to be.
    let reader = setting.kafka().await.reader();
    let reader = reader.offset_reset(kafka_client::consumer::OffsetReset::Earliest);
    let mut reader = reader
        .assign(integration::partitions(topic, 1))
        .await
        .unwrap();
    let mut log = Vec::new();
    for _ in 0..setting.broker.end_offset(topic, 0).unwrap() {
        let record = reader.recv().await.unwrap();
        let text = std::str::from_utf8(record.value().unwrap()).unwrap();
        log.push(text.trim().parse::<u64>().unwrap());
    }
    assert!(log.is_sorted_by(|a, b| a < b), "{log:?}");
    for (number, offset) in told {
        assert_eq!(log[offset as usize], number);
    }
}

/// A record that may be in the log and is sent again is another record to the broker.
#[tokio::test(start_paused = true)]
async fn what_is_sent_again_after_an_unknown_outcome_may_be_there_twice() {
    let setting = Setting::new().await;
    let topic = setting.topic("again", 1);
    let producer = setting.kafka().await.producer();
    let producer = producer.delivery_timeout(10 * SECOND).build().await;
    let producer = producer.unwrap();
    producer.send(record(topic)).await.unwrap();
    let lost = [Step::Apply, Step::Error(ErrorCode::REQUEST_TIMED_OUT)];
    let lost = setting.inject(when(ApiKey::PRODUCE).always().then(lost));
    let error = producer.send(record(topic)).await.unwrap_err();
    assert!(matches!(error, SendError::Unknown(_)), "{error}");
    lost.remove();
    producer.send(record(topic)).await.unwrap();
    assert_eq!(setting.broker.end_offset(topic, 0), Some(3));
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_again_after_it_was_not_delivered_is_there_once() {
    let setting = Setting::new().await;
    let topic = setting.topic("again", 1);
    let producer = setting.kafka().await.producer();
    let producer = producer.delivery_timeout(10 * SECOND).build().await;
    let producer = producer.unwrap();
    producer.send(record(topic)).await.unwrap();
    let refused = Step::Error(ErrorCode::NOT_ENOUGH_REPLICAS);
    let refused = setting.inject(when(ApiKey::PRODUCE).always().then([refused]));
    let error = producer.send(record(topic)).await.unwrap_err();
    assert!(matches!(error, SendError::NotDelivered(_)), "{error}");
    refused.remove();
    producer.send(record(topic)).await.unwrap();
    assert_eq!(setting.broker.end_offset(topic, 0), Some(2));
}

/// Idempotence is of one producer: another one, which has not heard of the answer, doubles the record.
#[tokio::test(start_paused = true)]
async fn what_another_producer_sends_again_is_there_twice() {
    let setting = Setting::new().await;
    let topic = setting.topic("another", 1);
    let kafka = setting.kafka().await;
    for end in 1..3 {
        let producer = kafka.producer().build().await.unwrap();
        producer.send(record(topic)).await.unwrap();
        assert_eq!(setting.broker.end_offset(topic, 0), Some(end));
    }
}

/// Without idempotence an answer that is lost doubles the batch: that is what idempotence is for.
#[tokio::test(start_paused = true)]
async fn without_idempotence_a_lost_answer_doubles_a_record() {
    let setting = Setting::new().await;
    for (topic, acks) in [("leader", Acks::Leader), ("all", Acks::All)] {
        setting.topic(topic, 1);
        let producer = setting.kafka().await.producer().acks(acks);
        let producer = producer.idempotence(false).build().await.unwrap();
        producer.send(record(topic)).await.unwrap();
        let lost = when(ApiKey::PRODUCE).topic(topic);
        setting.inject(lost.then([Step::Apply, Step::Close]));
        assert_eq!(producer.send(record(topic)).await.unwrap().offset, Some(2));
        assert_eq!(setting.broker.end_offset(topic, 0), Some(3));
    }
}

/// Without idempotence, a batch that is refused for the moment is passed by the one behind it, unless
/// one request at a time is allowed.
#[tokio::test(start_paused = true)]
async fn without_idempotence_a_refused_batch_is_overtaken_unless_one_is_in_flight() {
    for (in_flight, order) in [(5, [1, 0]), (1, [0, 1])] {
        let setting = Setting::new().await;
        let topic = setting.topic("order", 1);
        let producer = setting.kafka().await.producer().idempotence(false);
        let producer = producer.max_in_flight(in_flight).max_request_size(1024);
        let producer = producer.batch_size(1).linger(Duration::ZERO);
        let producer = producer.build().await.unwrap();
        producer.send(record(topic)).await.unwrap();
        let refused = Step::Error(ErrorCode::NOT_ENOUGH_REPLICAS);
        setting.inject(when(ApiKey::PRODUCE).then([refused]));
        let value = [b'x'; 700];
        let large = Record::to(topic).partition(0).value(&value);
        let first = producer.enqueue(large).await.unwrap();
        let second = producer.enqueue(large).await.unwrap();
        let offsets = [first.await, second.await].map(|outcome| outcome.unwrap().offset.unwrap());
        assert_eq!(
            offsets,
            order.map(|place| 1 + place),
            "{in_flight} in flight"
        );
    }
}

/// With acks=0 a record counts as written when the network has it; whether the broker took it is told
/// to nobody.
#[tokio::test(start_paused = true)]
async fn without_acks_a_refused_record_counts_as_delivered() {
    let setting = Setting::new().await;
    let topic = setting.topic("unasked", 1);
    let producer = setting.kafka().await.producer().acks(Acks::None);
    let producer = producer.build().await.unwrap();
    producer.send(record(topic)).await.unwrap();
    tokio::time::sleep(SECOND).await;
    let refused = setting.inject(when(ApiKey::PRODUCE).then([Step::Close]));
    assert_eq!(producer.send(record(topic)).await.unwrap().offset, None);
    tokio::time::sleep(SECOND).await;
    assert_eq!(refused.hits(), 1);
    assert_eq!(setting.broker.end_offset(topic, 0), Some(1));
}

/// A batch that was split is not all or nothing: one part is written and another refused, and each
/// record is told its own outcome.
#[tokio::test(start_paused = true)]
async fn the_parts_of_a_split_batch_end_each_for_itself() {
    let setting = Setting::new().await;
    let limit = [("max.message.bytes", "1000")];
    setting.broker.create_topic_with("split", 1, limit).unwrap();
    let producer = setting.kafka().await.producer().build().await.unwrap();
    let small = Record::to("split").partition(0).value("v");
    let value = [b'x'; 2000];
    let large = Record::to("split").partition(0).value(&value);
    let outcomes = producer.send_all([small, large, small]).await;
    assert_eq!(outcomes[0].as_ref().unwrap().offset, Some(0));
    let error = outcomes[1].as_ref().unwrap_err();
    assert!(!error.possibly_written(), "{error}");
    assert_eq!(error.error().kind(), ErrorKind::RecordTooLarge);
    assert_eq!(outcomes[2].as_ref().unwrap().offset, Some(1));
}

/// 27: the largest batch that the client makes by default, before it is compressed, is one that a
/// broker takes by default; one that is too large is told with its size and the setting.
#[tokio::test(start_paused = true)]
async fn the_largest_record_by_default_is_taken_by_default() {
    let setting = Setting::new().await;
    let topic = setting.topic("large", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    let value = vec![b'x'; 1024 * 1024 - 100];
    let large = Record::to(topic).partition(0).value(&value);
    assert_eq!(producer.send(large).await.unwrap().offset, Some(0));

    let limit = [("max.message.bytes", "2000")];
    setting.broker.create_topic_with("less", 1, limit).unwrap();
    let large = Record::to("less").partition(0).value(&value[..5000]);
    let error = producer.send(large).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("its batch has 50") && text.contains("max.message.bytes"),
        "{text}"
    );
}

/// Dropping the last clone gives up what is not sent, and says what may be written.
#[tokio::test(start_paused = true)]
async fn a_producer_that_is_dropped_gives_up_what_it_has() {
    let setting = Setting::new().await;
    let topic = setting.topic("gone", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    producer.send(record(topic)).await.unwrap();
    let held = setting.inject(when(ApiKey::PRODUCE).then([Step::Hold]));
    let sent = producer.enqueue(record(topic)).await.unwrap();
    producer.flush_within(SECOND).await.unwrap_err();
    held.wait_for_hits(1).await;
    let buffered = producer.enqueue(record(topic)).await.unwrap();
    drop(producer);
    let sent = sent.await.unwrap_err();
    assert!(matches!(&sent, SendError::Unknown(_)), "{sent}");
    let buffered = buffered.await.unwrap_err();
    assert!(
        matches!(&buffered, SendError::NotDelivered(_)),
        "{buffered}"
    );
    assert_eq!(buffered.error().kind(), ErrorKind::Closed);
}

/// 12, 13: a close ends those who wait for a topic or for memory, too.
#[tokio::test(start_paused = true)]
async fn a_close_ends_those_who_wait_to_be_buffered() {
    let setting = Setting::with(|broker| broker.auto_create_topics(false)).await;
    let topic = setting.topic("full", 1);
    let producer = setting.kafka().await.producer().buffer_memory(1024);
    let producer = producer.max_request_size(1024).build().await.unwrap();
    producer.send(record(topic)).await.unwrap();
    setting.inject(when(ApiKey::PRODUCE).always().then([Step::Hold]));
    let value = [b'x'; 700];
    let large = Record::to(topic).partition(0).value(&value);
    drop(producer.enqueue(large).await.unwrap());
    let waits: Vec<_> = ["nowhere", topic]
        .map(|topic| {
            let producer = producer.clone();
            tokio::spawn(async move {
                let value = [b'x'; 700];
                let large = Record::to(topic).partition(0).value(&value);
                producer.send(large).await
            })
        })
        .into();
    tokio::time::sleep(SECOND).await;
    let start = Instant::now();
    producer.close_within(Duration::ZERO).await.unwrap_err();
    for waits in waits {
        let error = waits.await.unwrap().unwrap_err();
        assert!(!error.possibly_written(), "{error}");
        assert_eq!(error.error().kind(), ErrorKind::Closed, "{error:?}");
    }
    assert!(start.elapsed() < SECOND, "{:?}", start.elapsed());
}

/// 12: whoever sends while another closes has an outcome for each record when the close is over, and it
/// is true: what was buffered is in the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_that_races_with_close_has_an_outcome() {
    for _ in 0..100 {
        let setting = Setting::new().await;
        let topic = setting.topic("race", 1);
        let producer = setting.kafka().await.producer().build().await.unwrap();
        numbered::send(&producer, topic, 1, 0..1).await;
        let sends = tokio::spawn({
            let producer = producer.clone();
            async move {
                let mut deliveries = Vec::new();
                loop {
                    match producer.enqueue(record(topic)).await {
                        Ok(delivery) => deliveries.push(delivery),
                        Err(error) => {
                            assert_eq!(error.error().kind(), ErrorKind::Closed, "{error:?}");
                            return deliveries;
                        }
                    }
                }
            }
        });
        // In the middle of it.
        while producer.buffered_bytes() == 0 {
            tokio::task::yield_now().await;
        }
        producer.close().await.unwrap();
        let deliveries = sends.await.unwrap();
        let buffered = deliveries.len() as i64;
        for delivery in deliveries {
            let outcome = futures::FutureExt::now_or_never(delivery);
            outcome.expect("an outcome").unwrap();
        }
        assert_eq!(setting.broker.end_offset(topic, 0), Some(1 + buffered));
    }
}

/// 73: what a client has made ends with it: tasks, connections, and so the broker's side of them.
#[tokio::test(start_paused = true)]
async fn everything_ends_with_its_client() {
    let setting = Setting::new().await;
    let topic = setting.topic("ends", 2);
    let metrics = tokio::runtime::Handle::current().metrics();
    // The broker's own.
    let before = metrics.num_alive_tasks();
    let mut left = Vec::new();
    // What the broker keeps of a group is there after the first one.
    for number in 0..3 {
        let kafka = setting.kafka().await;
        let producer = kafka.producer().build().await.unwrap();
        let first = number * 20;
        numbered::send(&producer, topic, 2, first..first + 10).await;
        let earliest = kafka_client::consumer::OffsetReset::Earliest;
        let group = kafka.consumer("group").offset_reset(earliest);
        let mut member = group.subscribe([topic]).await.unwrap();
        numbered::receive(&mut member, 20).await;
        let reader = kafka.reader().offset_reset(earliest);
        let reader = reader.assign(integration::partitions(topic, 2)).await;
        let mut reader = reader.unwrap();
        numbered::receive(&mut reader, 20).await;
        // One of each is dropped, without a word.
        let dropped = kafka.producer().build().await.unwrap();
        numbered::send(&dropped, topic, 2, first + 10..first + 11).await;
        let other = kafka.reader().offset_reset(earliest);
        let other = other.assign(integration::partitions(topic, 2)).await;
        numbered::receive(&mut other.unwrap(), 20).await;
        assert!(setting.broker.connections() > 3);

        let deliveries = enqueue(&producer, topic, 2, first + 11..first + 20).await;
        producer.close().await.unwrap();
        drop((deliveries, dropped));
        member.close().await.unwrap();
        reader.close().await.unwrap();
        drop(kafka);
        tokio::time::sleep(SECOND).await;
        assert_eq!(setting.broker.connections(), 0);
        left.push(metrics.num_alive_tasks());
    }
    assert!(
        left[0] <= before + 1 && left.iter().all(|tasks| *tasks == left[0]),
        "{before}, {left:?}"
    );
}
