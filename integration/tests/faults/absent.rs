//! Topics that are not there, or not any more: what sending to them costs, and what is told of them.

use std::time::Duration;

use kafka_broker::{Step, when};
use kafka_client::producer::TryEnqueueError;
use kafka_client::record::Record;
use kafka_client::{ErrorCode, ErrorKind, SendError, Subject};
use kafka_client_protocol::ApiKey;
use tokio::time::Instant;

use super::scene::{ADDRESS, Scene};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// A broker that makes no topics by itself, and has "orders".
async fn scene() -> Scene {
    Scene::with(
        |broker| broker.journal(true).auto_create_topics(false),
        |kafka| kafka.metadata_max_age(30 * SECOND),
    )
    .await
}

impl Scene {
    async fn send_to(&self, topic: &str) -> Result<(), SendError> {
        self.producer.send(Record::to(topic).value("v")).await?;
        Ok(())
    }

    /// Tries, without ever waiting for it, until a record is taken or refused; how long that took.
    async fn try_until_told(&self, topic: &str) -> (Duration, Result<(), kafka_client::Error>) {
        let start = Instant::now();
        let told = loop {
            let tried = self.producer.try_enqueue(Record::to(topic).value("v"));
            match tried.map(drop) {
                Ok(()) => break Ok(()),
                Err(TryEnqueueError::Error(error, _)) => break Err(error),
                Err(_) => tokio::time::sleep(10 * MS).await,
            }
            assert!(start.elapsed() < 60 * SECOND, "for ever");
        };
        (start.elapsed(), told)
    }

    fn asked_for(&self, topic: &str) -> usize {
        let journal = self.broker.faults().journal().into_iter();
        let asked = journal.filter(|entry| entry.api_key == ApiKey::METADATA);
        asked
            .filter(|entry| entry.topics.iter().any(|asked| asked == topic))
            .count()
    }
}

/// Nobody ever had the topic looked up: it would block for ever.
#[tokio::test(start_paused = true)]
async fn who_only_tries_has_its_topic_looked_for() {
    let scene = scene().await;
    let (took, told) = scene.try_until_told("orders").await;
    told.unwrap();
    assert!(took < SECOND, "{took:?}");
    // Also when it was forgotten, for not being used.
    tokio::time::sleep(400 * SECOND).await;
    let (took, told) = scene.try_until_told("orders").await;
    told.unwrap();
    assert!(took < SECOND, "{took:?}");
    scene.producer.flush().await.unwrap();
    assert_eq!(scene.broker.end_offset("orders", 0), Some(2));
}

#[tokio::test(start_paused = true)]
async fn who_only_tries_is_told_what_no_waiting_heals() {
    let scene = scene().await;
    let (took, told) = scene.try_until_told("a b").await;
    assert_eq!(took, Duration::ZERO);
    assert_eq!(told.unwrap_err().kind(), ErrorKind::Config);

    let (took, told) = scene.try_until_told("missing").await;
    assert!((5 * SECOND..8 * SECOND).contains(&took), "{took:?}");
    let error = told.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopic);
    assert_eq!(error.topic(), Some("missing"));
    // Seldom, too.
    tokio::time::sleep(20 * SECOND).await;
    let (took, told) = scene.try_until_told("missing").await;
    assert_eq!(took, Duration::ZERO);
    told.unwrap_err();
    // Made, it is found.
    scene.broker.create_topic("missing", 1).unwrap();
    tokio::time::sleep(2 * SECOND).await;
    scene.try_until_told("missing").await.1.unwrap();

    let denied = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    scene.broker.create_topic("secret", 1).unwrap();
    let fault = when(ApiKey::METADATA).always();
    let fault = fault.then([Step::error_for("secret", None, denied)]);
    scene.broker.faults().inject(fault);
    let (took, told) = scene.try_until_told("secret").await;
    assert!(took < SECOND, "{took:?}");
    assert_eq!(told.unwrap_err().code(), Some(denied));
}

/// Each send to the missing topic waited for 5.5 seconds, and no line was ever logged.
#[tokio::test(start_paused = true)]
async fn a_missing_topic_under_load_fails_at_once_and_is_told() {
    let scene = scene().await;
    scene.send_to("orders").await.unwrap();
    let start = Instant::now();
    let mut good = 0;
    while start.elapsed() < 30 * SECOND {
        scene.send_to("orders").await.unwrap();
        let error = scene.send_to("oders").await.unwrap_err();
        assert_eq!(error.error().kind(), ErrorKind::UnknownTopic);
        assert!(
            error.to_string().contains("did you mean orders?"),
            "{error}"
        );
        good += 1;
        tokio::time::sleep(10 * MS).await;
    }
    assert!(good > 2_000, "{good} in 30 s");
    let lines = scene.log.take();
    let told = lines.iter().filter(|line| line.contains("oders"));
    assert_eq!(told.count(), 1, "{lines:#?}");
    let health = scene.kafka.health();
    let topic = "oders".into();
    assert_eq!(health.stuck()[0].subject, Subject::Topic { topic });
    assert!(health.stuck()[0].lasting >= 29 * SECOND, "{health}");
    // It is asked for about once in a second, however many are sent.
    let asked = scene.asked_for("oders");
    assert!((20..60).contains(&asked), "{asked}");

    // Made, it is found within a second or so.
    scene.broker.create_topic("oders", 1).unwrap();
    let start = Instant::now();
    while scene.send_to("oders").await.is_err() {
        tokio::time::sleep(10 * MS).await;
    }
    assert!(start.elapsed() < 1500 * MS, "{:?}", start.elapsed());
    tokio::time::sleep(SECOND).await;
    assert!(scene.kafka.health().is_well());
    let lines = scene.log.take();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("over after 3"), "{lines:#?}");
}

/// What is refused for good costs an answer the first time, and is told when it goes on.
#[tokio::test(start_paused = true)]
async fn a_forbidden_topic_under_load_is_asked_for_once_in_a_while_and_is_told() {
    let scene = scene().await;
    scene.broker.create_topic("secret", 1).unwrap();
    let denied = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    let fault = when(ApiKey::METADATA).always();
    let fault = fault.then([Step::error_for("secret", None, denied)]);
    let fault = scene.broker.faults().inject(fault);
    for _ in 0..2_000 {
        let error = scene.send_to("secret").await.unwrap_err();
        assert_eq!(error.error().code(), Some(denied));
        tokio::time::sleep(10 * MS).await;
    }
    let asked = scene.asked_for("secret");
    assert!(asked < 40, "{asked} in 20 s");
    let lines = scene.log.take();
    let told = lines.iter().filter(|line| line.contains("secret"));
    assert_eq!(told.count(), 1, "{lines:#?}");
    fault.remove();
    tokio::time::sleep(2 * SECOND).await;
    let _ = scene.send_to("secret").await;
    tokio::time::sleep(2 * SECOND).await;
    scene.send_to("secret").await.unwrap();
}

/// Nobody goes on: the one error was told to who sent, and there is nothing to be logged.
#[tokio::test(start_paused = true)]
async fn one_send_to_a_missing_topic_is_no_trouble() {
    let scene = scene().await;
    scene.send_to("missing").await.unwrap_err();
    for _ in 0..120 {
        scene.send_to("orders").await.unwrap();
        tokio::time::sleep(SECOND).await;
        assert!(scene.kafka.health().is_well());
    }
    assert_eq!(scene.log.take(), [""; 0]);
}

/// Each record waited for itself, one after the other.
#[tokio::test(start_paused = true)]
async fn many_records_share_one_limit() {
    let scene = scene().await;
    scene.send_to("orders").await.unwrap();
    let topics = ["missing", "orders", "missing", "missing", "missing"];
    let start = Instant::now();
    let records = topics.map(|topic| Record::to(topic).value("v"));
    let outcomes = scene.producer.send_all(records).await;
    assert!(start.elapsed() < 8 * SECOND, "{:?}", start.elapsed());
    for (topic, outcome) in topics.iter().zip(outcomes) {
        match outcome {
            Ok(_) => assert_eq!(*topic, "orders"),
            Err(error) => {
                assert!(matches!(&error, SendError::NotDelivered(_)), "{error}");
                assert_eq!(error.error().topic(), Some(*topic));
            }
        }
    }

    // No broker tells of any topic.
    let producer = scene.kafka.producer().max_block(2 * SECOND);
    let producer = producer.build().await.unwrap();
    scene.network.refuse(ADDRESS);
    scene.network.cut(ADDRESS);
    let start = Instant::now();
    let names: Vec<_> = (0..50)
        .map(|number| format!("topic-{}", number % 5))
        .collect();
    let outcomes = producer
        .send_all(names.iter().map(|name| Record::to(name).value("v")))
        .await;
    assert_eq!(start.elapsed(), 2 * SECOND);
    for (name, outcome) in names.iter().zip(outcomes) {
        let error = outcome.unwrap_err();
        assert_eq!(error.error().topic(), Some(&**name));
        assert!(error.to_string().contains("max.block.ms"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn many_records_wait_for_memory_as_long_as_one() {
    let scene = scene().await;
    let producer = scene.kafka.producer().max_block(2 * SECOND);
    let producer = producer.buffer_memory(2048).max_request_size(1024);
    let producer = producer.build().await.unwrap();
    let record = Record::to("orders").value(&[b'x'; 600]);
    producer.send(record).await.unwrap();
    // As long as memory comes back there is no limit to all.
    let delay = [Step::Delay(SECOND)];
    let slow = when(ApiKey::PRODUCE).always().then(delay);
    let slow = scene.broker.faults().inject(slow);
    let outcomes = producer.send_all([record; 10]).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    slow.remove();

    let held = when(ApiKey::PRODUCE).always().then([Step::Hold]);
    let held = scene.broker.faults().inject(held);
    let sending = tokio::spawn(async move {
        let start = Instant::now();
        let outcomes = producer.send_all([record; 10]).await;
        (start.elapsed(), outcomes)
    });
    tokio::time::sleep(2 * SECOND + 100 * MS).await;
    held.release();
    held.remove();
    let (took, outcomes) = sending.await.unwrap();
    assert!(took < 3 * SECOND, "{took:?}");
    let full = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    let full: Vec<_> = full.collect();
    assert!((7..10).contains(&full.len()), "{full:?}");
    for error in full {
        assert_eq!(error.error().kind(), ErrorKind::BufferFull, "{error}");
    }
}

/// "Send again if the error is retriable" is not to make a loop that never ends.
#[tokio::test(start_paused = true)]
async fn what_no_sending_again_heals_is_not_retriable() {
    let scene = scene().await;
    for (record, kind) in [
        (Record::to("orders").partition(-1), ErrorKind::Config),
        (Record::to("orders").partition(7), ErrorKind::UnknownTopic),
        (Record::to("missing"), ErrorKind::UnknownTopic),
        (Record::to("missing"), ErrorKind::UnknownTopic),
        (Record::to("a b"), ErrorKind::Config),
    ] {
        let error = scene.producer.send(record).await.unwrap_err();
        assert_eq!(error.error().kind(), kind, "{error}");
        assert!(!error.error().is_retriable(), "{error}");
        assert!(!error.possibly_written());
    }
}

/// Deleted for good under records that wait: one warning for all partitions, and errors that say it.
#[tokio::test(start_paused = true)]
async fn a_topic_that_was_deleted_is_told_as_gone_and_once() {
    let scene = scene().await;
    scene.broker.create_topic("doomed", 8).unwrap();
    let producer = scene.kafka.producer().delivery_timeout(40 * SECOND);
    let producer = producer.build().await.unwrap();
    let record = |partition| Record::to("doomed").partition(partition).value("v");
    for partition in 0..8 {
        producer.send(record(partition)).await.unwrap();
    }
    // The answer to one is lost: it may have been written before.
    let lost = when(ApiKey::PRODUCE).then([Step::Apply, Step::Close]);
    let lost = scene.broker.faults().inject(lost);
    let doubtful = producer.enqueue(record(0)).await.unwrap();
    let doubtful = tokio::spawn(doubtful);
    lost.wait_for_hits(1).await;
    scene.kafka.delete_topic("doomed").await.unwrap();
    let waiting: Vec<_> = (1..8)
        .map(|partition| producer.try_enqueue(record(partition)).unwrap())
        .collect();
    tokio::time::sleep(20 * SECOND).await;
    let health = scene.kafka.health();
    assert_eq!(health.stuck().len(), 1, "{health}");
    let topic = "doomed".into();
    assert_eq!(health.stuck()[0].subject, Subject::Topic { topic });
    let lines = scene.log.take();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(
        lines[0].contains("doomed") && lines[0].contains("deleted"),
        "{lines:#?}"
    );

    let outcomes = futures::future::join_all(waiting).await.into_iter();
    let doubtful = doubtful.await.unwrap();
    for (outcome, in_doubt) in outcomes
        .map(|outcome| (outcome, false))
        .chain([(doubtful, true)])
    {
        let error = outcome.unwrap_err();
        assert_eq!(error.possibly_written(), in_doubt, "{error}");
        assert_eq!(error.error().kind(), ErrorKind::UnknownTopic, "{error}");
        assert!(error.to_string().contains("it was deleted"), "{error}");
        assert!(error.to_string().contains("delivery.timeout.ms"), "{error}");
    }
    // Who goes on sending is told the same, at once.
    let error = producer.send(record(0)).await.unwrap_err();
    assert!(error.to_string().contains("was it deleted?"), "{error}");
}

/// Without patience there was no waiting: the text is not to name any.
#[tokio::test(start_paused = true)]
async fn without_patience_the_error_does_not_speak_of_waiting() {
    let scene = scene().await;
    let producer = scene.kafka.producer().max_block(Duration::ZERO);
    let producer = producer.buffer_memory(2048).max_request_size(1024);
    let producer = producer.build().await.unwrap();
    let record = Record::to("orders").value(&[b'x'; 600]);
    let start = Instant::now();
    let error = producer.send(record).await.unwrap_err().to_string();
    assert!(error.contains("not known yet"), "{error}");
    assert!(error.contains("max.block.ms is 0"), "{error}");
    tokio::time::sleep(SECOND).await;
    producer.send(record).await.unwrap();
    let held = when(ApiKey::PRODUCE).always().then([Step::Hold]);
    scene.broker.faults().inject(held);
    let text = loop {
        match producer.enqueue(record).await.map(drop) {
            Ok(()) => {}
            Err(error) => break error.to_string(),
        }
    };
    assert_eq!(start.elapsed(), SECOND);
    assert!(text.contains("buffer is full"), "{text}");
    assert!(text.contains("max.block.ms is 0"), "{text}");
}
