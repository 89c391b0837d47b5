//! Part B, producer: refused, lost, late and held answers.

use std::time::Duration;

use integration::numbered::{self, enqueue};
use kafka_broker::{Step, when};
use kafka_client::producer::Acks;
use kafka_client::record::Record;
use kafka_client::{ErrorCode, ErrorKind, SendError};
use kafka_client_protocol::ApiKey;
use tokio::time::Instant;

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);

/// 13, 16, 27, 34: what the broker refuses for now is sent again, in order.
#[tokio::test(start_paused = true)]
async fn refusals_that_pass_are_retried_in_order() {
    for code in [
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::LEADER_NOT_AVAILABLE,
        ErrorCode::REQUEST_TIMED_OUT,
        ErrorCode::NOT_ENOUGH_REPLICAS,
        ErrorCode::KAFKA_STORAGE_ERROR,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode::CORRUPT_MESSAGE,
    ] {
        for skip in [0, 3] {
            let setting = Setting::new().await;
            let topic = setting.topic("refused", 3);
            let producer = setting.kafka().await.producer().batch_size(512);
            let producer = producer.max_request_size(1024).build().await.unwrap();
            let refusal = when(ApiKey::PRODUCE)
                .skip(skip)
                .times(4)
                .then([Step::Error(code)]);
            let refusal = setting.inject(refusal);
            numbered::send(&producer, topic, 3, 0..200).await;
            assert_eq!(refusal.hits(), 4, "{code}");
            setting.log(topic, 3).await.assert_is(3, 0..200);
        }
    }
}

/// 21, 22: connections that end before or after the broker has applied a request, with batches
/// behind it.
#[tokio::test(start_paused = true)]
async fn connections_that_end_double_nothing() {
    for times in [1, 5, 20] {
        let setting = Setting::new().await;
        let topic = setting.topic("ended", 3);
        let producer = setting.kafka().await.producer().batch_size(512);
        let producer = producer.max_request_size(1024).build().await.unwrap();
        let before = when(ApiKey::PRODUCE)
            .skip(2)
            .times(times)
            .then([Step::Close]);
        let after = when(ApiKey::PRODUCE)
            .skip(1)
            .times(times)
            .then([Step::Apply, Step::Close]);
        let (before, after) = (setting.inject(before), setting.inject(after));
        numbered::send(&producer, topic, 3, 0..300).await;
        assert_eq!((before.hits(), after.hits()), (times, times));
        setting.log(topic, 3).await.assert_is(3, 0..300);
    }
}

/// 23 (librdkafka 4953): one partition's sequences start over under a new epoch while the answer
/// for another partition's batch is lost. That batch is sent again as it was.
#[tokio::test(start_paused = true)]
async fn a_sequence_that_does_not_follow_doubles_nothing_elsewhere() {
    let setting = Setting::new().await;
    let topic = setting.topic("epochs", 2);
    let kafka = setting.client().retry_backoff(5 * SECOND, 5 * SECOND);
    let producer = kafka
        .connect()
        .await
        .unwrap()
        .producer()
        .build()
        .await
        .unwrap();
    numbered::send(&producer, topic, 2, 0..10).await;

    // Partition 1: written, not known to be, and not sent again for a while.
    let lost = setting.inject(
        when(ApiKey::PRODUCE)
            .partition(1)
            .then([Step::Apply, Step::Close]),
    );
    let record = Record::to(topic).partition(1).value(b"10 of one");
    let in_doubt = producer.enqueue(record).await.unwrap();
    let waits = tokio::spawn(in_doubt);
    lost.wait_for_hits(1).await;
    assert_eq!(setting.broker.end_offset(topic, 1), Some(11));

    // Partition 0 meanwhile: its sequences start over.
    let gap = when(ApiKey::PRODUCE)
        .partition(0)
        .then([Step::Error(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER)]);
    let gap = setting.inject(gap);
    let record = Record::to(topic).partition(0).value(b"10 of the other");
    assert_eq!(producer.send(record).await.unwrap().offset, Some(10));
    assert_eq!(gap.hits(), 1);
    assert!(!waits.is_finished());

    assert_eq!(waits.await.unwrap().unwrap().offset, Some(10));
    for partition in 0..2 {
        assert_eq!(setting.broker.end_offset(topic, partition), Some(11));
        // And both go on.
        let record = Record::to(topic).partition(partition).value("more");
        assert_eq!(producer.send(record).await.unwrap().offset, Some(11));
    }
}

/// 26: its request is under way when the time is over, so nobody can tell.
#[tokio::test(start_paused = true)]
async fn out_of_time_in_flight_is_unknown_and_never_sent_is_not_delivered() {
    let setting = Setting::new().await;
    let topic = setting.topic("late", 1);
    let producer = setting
        .kafka()
        .await
        .producer()
        .delivery_timeout(20 * SECOND);
    let producer = producer
        .max_in_flight(1)
        .max_request_size(1024)
        .build()
        .await
        .unwrap();
    let held = setting.inject(when(ApiKey::PRODUCE).then([Step::Hold]));
    let start = Instant::now();
    let sent = enqueue(&producer, topic, 1, 0..1).await.remove(0).2;
    // Buffered at once; its delivery is not looked at.
    drop(producer.try_enqueue(Record::to(topic)).unwrap());
    held.wait_for_hits(1).await;
    let waits = enqueue(&producer, topic, 1, 1..3).await;

    let unknown = sent.await.unwrap_err();
    assert!(unknown.possibly_written(), "{unknown}");
    for (_, _, delivery) in waits {
        let error = delivery.await.unwrap_err();
        assert!(!error.possibly_written(), "{error}");
        for error in [&unknown, &error] {
            assert_eq!(error.error().kind(), ErrorKind::Timeout);
            assert_eq!(error.error().topic(), Some(topic));
            assert!(error.to_string().contains("delivery.timeout.ms"), "{error}");
        }
    }
    let took = start.elapsed();
    assert!(took >= 20 * SECOND && took < 23 * SECOND, "{took:?}");

    // The broker takes the held batch after all; what comes later follows on it.
    held.release();
    let delivered = producer
        .send(Record::to(topic).partition(0).value("later"))
        .await
        .unwrap();
    assert_eq!(
        setting.broker.end_offset(topic, 0),
        delivered.offset.map(|offset| offset + 1)
    );
    assert_eq!(producer.buffered_bytes(), 0);
}

/// Refused is known not to be written; "timed out" says that it may be.
#[tokio::test(start_paused = true)]
async fn out_of_time_after_refusals_tells_what_is_known() {
    for (acks, code, possibly_written) in [
        // With acks=all also said by a leader that was deposed after it had appended.
        (Acks::All, ErrorCode::NOT_LEADER_OR_FOLLOWER, true),
        (Acks::Leader, ErrorCode::NOT_LEADER_OR_FOLLOWER, false),
        (Acks::All, ErrorCode::NOT_ENOUGH_REPLICAS, false),
        (Acks::All, ErrorCode::LEADER_NOT_AVAILABLE, false),
        (Acks::All, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, false),
        (Acks::All, ErrorCode::INVALID_RECORD, false),
        (Acks::All, ErrorCode::REQUEST_TIMED_OUT, true),
        (Acks::All, ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND, true),
        // The broker failed, before or after it appended.
        (Acks::All, ErrorCode::KAFKA_STORAGE_ERROR, true),
        (Acks::Leader, ErrorCode::KAFKA_STORAGE_ERROR, true),
        (Acks::All, ErrorCode::UNKNOWN_SERVER_ERROR, true),
        (Acks::All, ErrorCode::NETWORK_EXCEPTION, true),
    ] {
        let setting = Setting::new().await;
        let topic = setting.topic("told", 1);
        let producer = setting
            .kafka()
            .await
            .producer()
            .delivery_timeout(10 * SECOND);
        let producer = producer.acks(acks).build().await.unwrap();
        let refusal = setting.inject(when(ApiKey::PRODUCE).always().then([Step::Error(code)]));
        let error = producer
            .send(Record::to(topic).value("v"))
            .await
            .unwrap_err();
        assert_eq!(
            error.possibly_written(),
            possibly_written,
            "{code}: {error}"
        );
        assert!(
            format!("{:?}", error.error()).contains(&code.to_string()),
            "{error:?}"
        );
        refusal.remove();
        // It goes on, with no gap in the sequences.
        for offset in 0..3 {
            let record = Record::to(topic).value("v");
            assert_eq!(
                producer.send(record).await.unwrap().offset,
                Some(offset),
                "{code}"
            );
        }
    }
}

/// An answer that says "for good" fails the batch at once, and the rest is delivered.
#[tokio::test(start_paused = true)]
async fn a_refusal_for_good_fails_its_batch_alone() {
    let setting = Setting::new().await;
    let topic = setting.topic("denied", 2);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, topic, 2, 0..5).await;
    let denied = when(ApiKey::PRODUCE)
        .partition(1)
        .then([Step::Error(ErrorCode::TOPIC_AUTHORIZATION_FAILED)]);
    let denied = setting.inject(denied);
    let error = producer
        .send(Record::to(topic).partition(1).value("v"))
        .await
        .unwrap_err();
    assert!(matches!(&error, SendError::NotDelivered(error)
        if error.code() == Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED)));
    assert_eq!(denied.hits(), 1);
    numbered::send(&producer, topic, 2, 5..10).await;
    setting.log(topic, 2).await.assert_is(2, 0..10);
}

/// 12: slow is not failed.
#[tokio::test(start_paused = true)]
async fn slow_answers_are_waited_for() {
    let setting = Setting::new().await;
    let topic = setting.topic("slow", 2);
    let producer = setting.kafka().await.producer().batch_size(512);
    let producer = producer.max_request_size(1024).build().await.unwrap();
    let slow = setting.inject(
        when(ApiKey::PRODUCE)
            .always()
            .then([Step::Apply, Step::Delay(10 * SECOND)]),
    );
    setting.broker.faults().clear_journal();
    numbered::send(&producer, topic, 2, 0..50).await;
    let journal = setting.broker.faults().journal();
    let sent = journal
        .iter()
        .filter(|entry| entry.api_key == ApiKey::PRODUCE)
        .count();
    assert_eq!(sent as u64, slow.hits(), "no request was sent twice");
    slow.remove();
    setting.log(topic, 2).await.assert_is(2, 0..50);
}

/// 6, 21: no answer at all until `request.timeout.ms`, though the request was applied.
#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_given_up_and_doubles_nothing() {
    let setting = Setting::new().await;
    let topic = setting.topic("silent", 2);
    let kafka = setting
        .client()
        .request_timeout(5 * SECOND)
        .connect()
        .await
        .unwrap();
    let producer = kafka
        .producer()
        .batch_size(512)
        .max_request_size(1024)
        .build()
        .await
        .unwrap();
    let held = setting.inject(
        when(ApiKey::PRODUCE)
            .skip(1)
            .times(2)
            .then([Step::Apply, Step::Hold]),
    );
    let start = Instant::now();
    numbered::send(&producer, topic, 2, 0..50).await;
    assert_eq!(held.hits(), 2);
    assert!(start.elapsed() >= 5 * SECOND);
    setting.log(topic, 2).await.assert_is(2, 0..50);
}

/// 28: the buffer is full, so sending waits; not for ever, and the error names what to change.
#[tokio::test(start_paused = true)]
async fn a_full_buffer_makes_send_wait_and_then_fail() {
    let setting = Setting::new().await;
    let topic = setting.topic("full", 1);
    const MEMORY: usize = 8 * 1024;
    let producer = setting.kafka().await.producer().max_block(3 * SECOND);
    let producer = producer
        .buffer_memory(MEMORY)
        .max_request_size(1024)
        .batch_size(1024);
    let producer = producer.build().await.unwrap();
    let held = setting.inject(when(ApiKey::PRODUCE).always().then([Step::Hold]));

    let mut deliveries = Vec::new();
    let value = [b'x'; 300];
    let record = Record::to(topic).value(&value);
    let error = loop {
        let start = Instant::now();
        match producer.enqueue(record).await {
            Ok(delivery) => {
                assert_eq!(start.elapsed(), Duration::ZERO, "it was taken at once");
                deliveries.push(delivery);
            }
            Err(error) => {
                assert_eq!(start.elapsed(), 3 * SECOND);
                break error;
            }
        }
        assert!(producer.buffered_bytes() <= MEMORY);
    };
    assert!(deliveries.len() >= 15, "{}", deliveries.len());
    assert!(!error.possibly_written());
    assert_eq!(error.error().kind(), ErrorKind::BufferFull);
    let text = error.to_string();
    assert!(
        text.contains("buffer.memory") && text.contains("max.block.ms"),
        "{text}"
    );
    assert!(producer.try_enqueue(record).is_err());

    // One that waits is taken as soon as there is room; one that gives up leaves nothing behind.
    let gives_up = tokio::time::timeout(SECOND, producer.enqueue(record)).await;
    assert!(gives_up.is_err());
    let waits = tokio::spawn({
        let producer = producer.clone();
        async move { producer.send(Record::to(topic).value(&[b'x'; 300])).await }
    });
    tokio::time::sleep(SECOND).await;
    assert!(!waits.is_finished());
    held.release();
    let last = waits.await.unwrap().unwrap();
    assert_eq!(last.offset, Some(deliveries.len() as i64));
    for (offset, delivery) in deliveries.into_iter().enumerate() {
        assert_eq!(delivery.await.unwrap().offset, Some(offset as i64));
    }
    assert_eq!(producer.buffered_bytes(), 0);
}

/// While the broker is slow, batches stand in line. The last one is small: it is sent when it is
/// flushed, awaited, or has lingered, like any other.
#[tokio::test(start_paused = true)]
async fn a_small_batch_behind_full_ones_is_sent_in_its_time() {
    for how in ["flush", "await", "linger"] {
        let setting = Setting::new().await;
        let topic = setting.topic("line", 1);
        let producer = setting.kafka().await.producer().max_request_size(1024);
        let producer = producer
            .batch_size(1024)
            .max_in_flight(1)
            .build()
            .await
            .unwrap();
        let held = setting.inject(when(ApiKey::PRODUCE).then([Step::Hold]));
        let mut deliveries = enqueue(&producer, topic, 1, 0..30).await;
        held.wait_for_hits(1).await;
        held.release();
        let start = Instant::now();
        match how {
            "flush" => producer.flush().await.unwrap(),
            "await" => drop(deliveries.pop().unwrap().2.await.unwrap()),
            _ => tokio::time::sleep(SECOND).await,
        }
        assert!(start.elapsed() <= SECOND, "{how}");
        assert_eq!(setting.broker.end_offset(topic, 0), Some(30), "{how}");
    }
}

/// 30: while nothing answers, flush and close take `delivery.timeout.ms` and no longer, and every
/// record has a verdict.
#[tokio::test(start_paused = true)]
async fn close_takes_no_longer_than_the_delivery_timeout() {
    let setting = Setting::new().await;
    let topic = setting.topic("closing", 2);
    let producer = setting
        .kafka()
        .await
        .producer()
        .delivery_timeout(10 * SECOND);
    let producer = producer.build().await.unwrap();
    numbered::send(&producer, topic, 2, 0..1).await;
    let _held = setting.inject(when(ApiKey::PRODUCE).always().then([Step::Hold]));
    let deliveries = enqueue(&producer, topic, 2, 1..100).await;
    let start = Instant::now();
    let left = producer.close().await.unwrap_err();
    let took = start.elapsed();
    assert_eq!(left.unknown + left.not_delivered, 198, "{left}");
    assert_eq!(left.pending, 0, "{left}");
    assert!(took >= 9 * SECOND && took < 13 * SECOND, "{took:?}");
    for (_, _, delivery) in deliveries {
        let verdict = futures::FutureExt::now_or_never(delivery).expect("a verdict");
        verdict.unwrap_err();
    }
}

/// 23 of part A: there is no answer to wait for, and a connection that ends is noticed by the next.
#[tokio::test(start_paused = true)]
async fn without_acks_a_connection_that_ends_does_not_stop_the_producer() {
    let setting = Setting::new().await;
    let topic = setting.topic("fire-and-forget", 1);
    let producer = setting
        .kafka()
        .await
        .producer()
        .acks(Acks::None)
        .build()
        .await
        .unwrap();
    for number in 0..20 {
        if number == 10 {
            setting.inject(when(ApiKey::PRODUCE).then([Step::Close]));
        }
        let record = Record::to(topic).partition(0).value("v");
        assert_eq!(producer.send(record).await.unwrap().offset, None);
        tokio::time::sleep(SECOND).await;
    }
    let written = setting.broker.end_offset(topic, 0).unwrap();
    assert!(
        (18..20).contains(&written),
        "one was lost, as acks=0 allows: {written}"
    );
}

/// The id that idempotence needs is asked for until there is one.
#[tokio::test(start_paused = true)]
async fn a_producer_id_is_asked_for_again() {
    let setting = Setting::new().await;
    let topic = setting.topic("identity", 1);
    let asked = || when(ApiKey::INIT_PRODUCER_ID);
    let loading = Step::Error(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    let refusal = setting.inject(asked().times(3).then([loading]));
    let closed = setting.inject(asked().times(2).then([Step::Apply, Step::Close]));
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, topic, 1, 0..10).await;
    assert_eq!((refusal.hits(), closed.hits()), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_nobody_makes_is_an_error_that_says_so() {
    let setting = Setting::with(|broker| broker.auto_create_topics(false)).await;
    let producer = setting.kafka().await.producer().max_block(3 * SECOND);
    let producer = producer.build().await.unwrap();
    let start = Instant::now();
    let error = producer
        .send(Record::to("nowhere").value("v"))
        .await
        .unwrap_err();
    assert_eq!(start.elapsed(), 3 * SECOND);
    assert!(!error.possibly_written());
    assert_eq!(error.error().kind(), ErrorKind::UnknownTopic);
    let text = error.to_string();
    assert!(
        text.contains("nowhere") && text.contains("auto.create.topics.enable"),
        "{text}"
    );
    // 16: one that comes while it is waited for is as good.
    let waits =
        tokio::spawn(async move { producer.send(Record::to("somewhere").value("v")).await });
    tokio::time::sleep(SECOND).await;
    setting.topic("somewhere", 1);
    assert_eq!(waits.await.unwrap().unwrap().offset, Some(0));
}

/// 26: the first attempt was written and its answer lost: that the second is refused for good says
/// nothing about the first.
#[tokio::test(start_paused = true)]
async fn a_batch_refused_after_a_lost_answer_is_unknown() {
    let setting = Setting::new().await;
    let topic = setting.topic("doubt", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    let first = producer.send(Record::to(topic).value("first")).await;
    assert_eq!(first.unwrap().offset, Some(0));

    let lost = setting.inject(when(ApiKey::PRODUCE).then([Step::Apply, Step::Close]));
    let delivery = producer.enqueue(Record::to(topic).value("second"));
    let delivery = tokio::spawn(delivery.await.unwrap());
    lost.wait_for_hits(1).await;
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    let refused = setting.inject(when(ApiKey::PRODUCE).then([Step::Error(code)]));
    let error = delivery.await.unwrap().unwrap_err();
    assert_eq!(refused.hits(), 1);
    assert!(error.possibly_written(), "{error}");

    // Its sequence is not given to another record, which the broker would take for a repetition.
    let third = producer.send(Record::to(topic).value("third")).await;
    assert_eq!(third.unwrap().offset, Some(2));
}

/// A leader that does not know yet that it is one says what a deposed one says; the batch is too
/// large all the same, and split.
#[tokio::test(start_paused = true)]
async fn a_batch_that_a_late_leader_refused_is_split_when_it_is_too_large() {
    let setting = Setting::new().await;
    let limit = [("max.message.bytes", "2000")];
    let topic = "late";
    setting.broker.create_topic_with(topic, 1, limit).unwrap();
    let producer = setting.kafka().await.producer().build().await.unwrap();
    let code = ErrorCode::NOT_LEADER_OR_FOLLOWER;
    let refused = setting.inject(when(ApiKey::PRODUCE).then([Step::Error(code)]));
    for (_, value, delivery) in enqueue(&producer, topic, 1, 0..500).await {
        assert_eq!(delivery.await.unwrap().offset, Some(value as i64));
    }
    assert_eq!(refused.hits(), 1);
    setting.log(topic, 1).await.assert_is(1, 0..500);
}
