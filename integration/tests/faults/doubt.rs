//! Batches that may be in the log: nothing that is told of them is wrong, and none is written twice.

use std::collections::BTreeSet;
use std::time::Duration;

use integration::numbered::{self, enqueue};
use kafka_broker::{Step, when};
use kafka_client::producer::{Delivery, Producer};
use kafka_client::record::Record;
use kafka_client::{ErrorCode, ErrorKind, NewTopic, SendError};
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::produce::{
    BatchIndexAndErrorMessage, ProduceRequest, ProduceResponse,
};

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);

/// A producer whose batches have one record each, of those that [`send`] sends; up to five are under
/// way.
async fn one_by_one(setting: &Setting) -> Producer {
    let producer = setting.kafka().await.producer().batch_size(1);
    let producer = producer.linger(Duration::ZERO).max_request_size(1024);
    producer.build().await.unwrap()
}

/// Buffers a record that fills a batch.
async fn send(producer: &Producer, topic: &str, text: &str) -> Delivery {
    let value = format!("{text:700}");
    let record = Record::to(topic).partition(0).value(&value);
    producer.enqueue(record).await.unwrap()
}

/// What is in the log, as text.
async fn texts(setting: &Setting, topic: &'static str) -> Vec<String> {
    let reader = setting.kafka().await.reader();
    let reader = reader.offset_reset(kafka_client::consumer::OffsetReset::Earliest);
    let partition = integration::partitions(topic, 1);
    let mut reader = reader.assign(partition).await.unwrap();
    let mut texts = Vec::new();
    for _ in 0..setting.broker.end_offset(topic, 0).unwrap() {
        let record = reader.recv().await.unwrap();
        let text = std::str::from_utf8(record.value().unwrap()).unwrap();
        texts.push(text.trim_end().to_owned());
    }
    texts
}

/// `a` is written and timed out, `b` is refused for good, `c` does not follow on what is there: the
/// sequences start over, and `a` keeps its own.
#[tokio::test(start_paused = true)]
async fn a_refusal_behind_a_batch_in_doubt_does_not_double_it() {
    let setting = Setting::new().await;
    let topic = setting.topic("doubt", 1);
    let producer = one_by_one(&setting).await;
    let send = async |text| send(&producer, topic, text).await;
    send("first").await.await.unwrap();
    let timed_out = [Step::Apply, Step::Error(ErrorCode::REQUEST_TIMED_OUT)];
    let timed_out = setting.inject(when(ApiKey::PRODUCE).then(timed_out));
    let denied = Step::Error(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    let denied = setting.inject(when(ApiKey::PRODUCE).then([denied]));
    let (a, b, c) = (send("a").await, send("b").await, send("c").await);
    a.await.unwrap();
    assert!(matches!(b.await, Err(SendError::NotDelivered(_))));
    c.await.unwrap();
    send("d").await.await.unwrap();
    assert_eq!((timed_out.hits(), denied.hits()), (1, 1));
    assert_eq!(texts(&setting, topic).await, ["first", "a", "c", "d"]);
}

/// A leader that has read its producers from a snapshot knows the last batch of each only: those
/// before it are out of order although they are there.
#[tokio::test(start_paused = true)]
async fn out_of_order_is_no_proof_while_a_later_batch_may_be_written() {
    let setting = Setting::new().await;
    let topic = setting.topic("snapshot", 1);
    let producer = one_by_one(&setting).await;
    let send = async |text| send(&producer, topic, text).await;
    send("first").await.await.unwrap();
    // All three are written, and nobody is told.
    let lost = [Step::Apply, Step::Error(ErrorCode::REQUEST_TIMED_OUT)];
    let lost = setting.inject(when(ApiKey::PRODUCE).times(3).then(lost));
    let amnesia = Step::Error(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    let amnesia = setting.inject(when(ApiKey::PRODUCE).then([amnesia]));
    let deliveries = [send("a").await, send("b").await, send("c").await];
    let mut offsets = Vec::new();
    for delivery in deliveries {
        offsets.push(delivery.await.unwrap().offset);
    }
    assert_eq!((lost.hits(), amnesia.hits()), (3, 1));
    // The last is recognised, and proves the others, whose offsets nobody tells.
    assert_eq!(offsets, [None, None, Some(3)]);
    send("d").await.await.unwrap();
    assert_eq!(texts(&setting, topic).await, ["first", "a", "b", "c", "d"]);
}

/// The answer to a request is for the topic that the request names, whatever it is by then.
#[tokio::test(start_paused = true)]
async fn an_answer_is_for_the_topic_that_was_asked() {
    let setting = Setting::new().await;
    let topic = setting.topic("reborn", 1);
    let kafka = setting.client().metadata_max_age(5 * SECOND);
    let kafka = kafka.connect().await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    let record = Record::to(topic).partition(0).value("v");
    producer.send(record).await.unwrap();

    let held = setting.inject(when(ApiKey::PRODUCE).then([Step::Apply, Step::Hold]));
    let delivery = tokio::spawn(producer.enqueue(record).await.unwrap());
    held.wait_for_hits(1).await;
    kafka.delete_topic(topic).await.unwrap();
    kafka.create_topic(&NewTopic::new(topic)).await.unwrap();
    // The producer hears of the new topic before it has the answer of the former one.
    tokio::time::sleep(20 * SECOND).await;
    held.release();
    assert_eq!(delivery.await.unwrap().unwrap().offset, Some(1));
    assert_eq!(setting.broker.end_offset(topic, 0), Some(0));
    // The new topic takes what is for it.
    assert_eq!(producer.send(record).await.unwrap().offset, Some(0));
}

/// KIP-467: one record of a batch is bad. It is told so, and the others that they are not.
#[tokio::test(start_paused = true)]
async fn the_record_to_blame_is_told_apart_from_the_others() {
    let setting = Setting::new().await;
    let topic = setting.topic("blame", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    let blame = |answer: &mut ProduceResponse| {
        for topic in &mut answer.responses {
            for partition in &mut topic.partition_responses {
                partition.error_message = Some("one of them is bad".into());
                partition.record_errors = vec![BatchIndexAndErrorMessage {
                    batch_index: 1,
                    batch_index_error_message: Some("it has no key".into()),
                    ..Default::default()
                }];
            }
        }
    };
    let refused = [Step::Error(ErrorCode::INVALID_RECORD), Step::edit(blame)];
    setting.inject(when(ApiKey::PRODUCE).then(refused));
    let mut errors = Vec::new();
    for outcome in producer
        .send_all(["a", "b", "c"].map(|value| Record::to(topic).partition(0).value(value)))
        .await
    {
        let error = outcome.unwrap_err();
        assert!(!error.possibly_written(), "{error}");
        errors.push(error);
    }
    let kinds: Vec<_> = errors.iter().map(|error| error.error().kind()).collect();
    let beside = ErrorKind::BatchRejected;
    assert_eq!(kinds, [beside, ErrorKind::Broker, beside]);
    let bad = errors[1].to_string();
    assert!(
        bad.contains("it has no key") && bad.contains("INVALID_RECORD"),
        "{bad}"
    );
    let good = errors[0].error();
    assert!(good.is_retriable() && good.topic() == Some(topic), "{good}");
    assert!(good.to_string().contains("may be sent again"), "{good}");
    // They may.
    let again = Record::to(topic).partition(0).value("a");
    assert_eq!(producer.send(again).await.unwrap().offset, Some(0));
}

/// Requests of several batches stay within `max.request.size`.
#[tokio::test(start_paused = true)]
async fn no_request_is_larger_than_it_may_be() {
    const LIMIT: usize = 4096;
    let setting = Setting::new().await;
    let topic = setting.topic("wide", 20);
    let producer = setting.kafka().await.producer().batch_size(1500);
    let producer = producer.max_request_size(LIMIT).build().await.unwrap();
    let bytes = |request: &ProduceRequest| -> usize {
        let partitions = request
            .topic_data
            .iter()
            .flat_map(|topic| &topic.partition_data);
        partitions
            .map(|data| data.records.as_ref().map_or(0, |records| records.len()))
            .sum()
    };
    let too_large = when(ApiKey::PRODUCE).always();
    let too_large = too_large.matching(move |request: &ProduceRequest| bytes(request) > LIMIT);
    let too_large = setting.inject(too_large.then([]));
    let several = when(ApiKey::PRODUCE).always();
    let several = several.matching(|request: &ProduceRequest| {
        request
            .topic_data
            .iter()
            .any(|topic| topic.partition_data.len() > 1)
    });
    let several = setting.inject(several.then([]));
    // The first request is held, so that much is ready when the next is made.
    let held = setting.inject(when(ApiKey::PRODUCE).then([Step::Hold]));
    let deliveries = enqueue(&producer, topic, 20, 0..10).await;
    held.release();
    producer.flush().await.unwrap();
    drop(deliveries);
    assert!(several.hits() > 0, "requests had several batches");
    assert_eq!(too_large.hits(), 0);
    setting.log(topic, 20).await.assert_is(20, 0..10);
}

/// A producer id that is given oddly, or not at all for a while, is asked for again.
#[tokio::test(start_paused = true)]
async fn an_odd_answer_does_not_end_the_producer() {
    let setting = Setting::new().await;
    let topic = setting.topic("odd", 1);
    for steps in [
        vec![Step::Error(ErrorCode::UNKNOWN_SERVER_ERROR)],
        vec![Step::Truncate(11)],
        // The length of the frame stays, its content is not.
        vec![Step::Corrupt(5)],
        vec![Step::Apply, Step::Reset],
    ] {
        setting.inject(when(ApiKey::INIT_PRODUCER_ID).times(2).then(steps));
        let producer = setting.kafka().await.producer().build().await.unwrap();
        let record = Record::to(topic).partition(0).value("v");
        producer.send(record).await.unwrap();
    }
    // Refused for good is refused for good, at once.
    let denied = Step::Error(ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
    setting.inject(when(ApiKey::INIT_PRODUCER_ID).then([denied]));
    let producer = setting.kafka().await.producer().build().await.unwrap();
    let start = tokio::time::Instant::now();
    let error = producer
        .send(Record::to(topic).value("v"))
        .await
        .unwrap_err();
    assert!(start.elapsed() < SECOND);
    let code = error.error().code();
    assert_eq!(
        code,
        Some(ErrorCode::CLUSTER_AUTHORIZATION_FAILED),
        "{error}"
    );
}

/// A request that waits behind a quota when its connection ends was never written: nobody is told
/// that it may be.
#[tokio::test(start_paused = true)]
async fn what_was_never_written_is_not_in_doubt() {
    let setting = Setting::new().await;
    let topic = setting.topic("unsent", 1);
    let producer = setting.kafka().await.producer();
    let producer = producer.delivery_timeout(20 * SECOND);
    let producer = producer.build().await.unwrap();
    let record = Record::to(topic).partition(0).value("v");
    let quota = [Step::Apply, Step::Throttle(5 * SECOND)];
    setting.inject(when(ApiKey::PRODUCE).then(quota));
    producer.send(record).await.unwrap();
    // Queued while the connection is held back, which then ends.
    let delivery = producer.enqueue(record).await.unwrap();
    let waits = tokio::spawn(delivery);
    tokio::time::sleep(SECOND).await;
    setting.broker.shutdown().await.unwrap();
    let error = waits.await.unwrap().unwrap_err();
    assert!(!error.possibly_written(), "{error}");
}

/// Records whose deliveries were dropped are not lost in silence.
#[tokio::test(start_paused = true)]
async fn flush_and_close_tell_of_records_that_nobody_looked_at() {
    let setting = Setting::new().await;
    let topic = setting.topic("dropped", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    let denied = Step::Error(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    let denied = setting.inject(when(ApiKey::PRODUCE).always().then([denied]));
    let drop_three = async || {
        for value in ["a", "b", "c"] {
            let record = Record::to(topic).partition(0).value(value);
            drop(producer.enqueue(record).await.unwrap());
        }
    };
    drop_three().await;
    let left = producer.flush().await.unwrap_err();
    assert_eq!((left.not_delivered, left.unknown, left.pending), (3, 0, 0));
    assert!(
        left.first
            .as_ref()
            .unwrap()
            .to_string()
            .contains("TOPIC_AUTHORIZATION")
    );
    // Told once.
    producer.flush().await.unwrap();

    // What somebody looked at needs no report.
    let record = Record::to(topic).partition(0).value("d");
    producer.send(record).await.unwrap_err();
    producer.flush().await.unwrap();

    drop_three().await;
    let left = producer.clone().close().await.unwrap_err();
    assert_eq!(left.not_delivered, 3, "{left}");
    denied.remove();
}

/// A function is given each outcome, whatever it does with it.
#[tokio::test(start_paused = true)]
async fn functions_are_called_with_outcomes_and_may_panic() {
    let setting = Setting::new().await;
    let topic = setting.topic("called", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..10 {
        let record = Record::to(topic).partition(0).value("v");
        let delivery = producer.enqueue(record).await.unwrap();
        let tell = tell.clone();
        delivery.on_settled(move |result| {
            assert_ne!(number, 3, "a panic of the user's");
            tell.send(result.unwrap().offset).unwrap();
        });
    }
    producer.flush().await.unwrap();
    drop(tell);
    let mut offsets = BTreeSet::new();
    while let Some(offset) = told.recv().await {
        offsets.insert(offset.unwrap());
    }
    assert_eq!(offsets, BTreeSet::from([0, 1, 2, 4, 5, 6, 7, 8, 9]));
    numbered_go_on(&producer, topic).await;
}

async fn numbered_go_on(producer: &Producer, topic: &str) {
    let record = Record::to(topic).partition(0).value("after");
    assert_eq!(producer.send(record).await.unwrap().offset, Some(10));
}

/// A batch that was split: its functions are told by the part that has the record.
#[tokio::test(start_paused = true)]
async fn functions_of_a_split_batch_are_called() {
    let setting = Setting::new().await;
    let limit = [("max.message.bytes", "600")];
    setting.broker.create_topic_with("split", 1, limit).unwrap();
    let producer = setting.kafka().await.producer().build().await.unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    for (_, number, delivery) in enqueue(&producer, "split", 1, 0..40).await {
        let tell = tell.clone();
        delivery.on_settled(move |result| tell.send((number, result.unwrap().offset)).unwrap());
    }
    producer.flush().await.unwrap();
    drop(tell);
    let mut count = 0;
    while let Some((number, offset)) = told.recv().await {
        assert_eq!(offset, Some(number as i64));
        count += 1;
    }
    assert_eq!(count, 40);
}

/// What cannot be taken comes back.
#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_taken_comes_back() {
    let setting = Setting::new().await;
    let producer = setting.kafka().await.producer().build().await.unwrap();
    let record = Record::to("new").value("v");
    let error = producer.try_enqueue(record).unwrap_err();
    assert_eq!(error.into_record(), record);
    numbered::send(&producer, setting.topic("new", 1), 1, 0..1).await;
    producer.try_enqueue(record).unwrap().await.unwrap();
}

/// Many who each wait for their record share few requests, and one alone is not held up.
#[tokio::test(start_paused = true)]
async fn requests_clock_themselves() {
    for (tasks, partitions) in [(1, 8), (8, 8), (40, 8), (40, 1), (1000, 1), (1000, 8)] {
        const SENDS: usize = 20;
        let setting = Setting::new().await;
        let topic = setting.topic("clocked", partitions);
        let producer = setting.kafka().await.producer().build().await.unwrap();
        numbered::send(&producer, topic, partitions, 0..1).await;
        // A broker that takes 2 ms for each request, one after the other.
        let slow = when(ApiKey::PRODUCE).always();
        let slow = setting.inject(slow.then([Step::Delay(Duration::from_millis(2))]));
        let start = tokio::time::Instant::now();
        let senders = (0..tasks).map(async |number| {
            // Not all at once: what comes while a request is under way is what matters.
            tokio::time::sleep(Duration::from_millis(number % 10)).await;
            for _ in 0..SENDS {
                producer.send(Record::to(topic).value("v")).await.unwrap();
            }
        });
        futures::future::join_all(senders).await;
        let (requests, took) = (slow.hits() as usize, start.elapsed());
        assert!(requests >= SENDS, "{requests}");
        assert!(requests <= SENDS + 10, "{requests} for {tasks} tasks");
        assert!(
            took <= requests as u32 * Duration::from_millis(3),
            "{took:?} for {requests} requests of {tasks} tasks"
        );
    }
}
