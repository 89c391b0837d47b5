//! The view of the cluster: what is asked for and when, and what becomes of topics that are unknown,
//! forbidden, deleted, or made anew. Part B, 13 to 20.

use std::time::Duration;

use futures::future::join_all;
use integration::network::Network;
use kafka_broker::{Broker, Builder, Step, when};
use kafka_client::consumer::{OffsetReset, TopicPartition};
use kafka_client::producer::Producer;
use kafka_client::record::Record;
use kafka_client::{ErrorCode, ErrorKind, Kafka, KafkaBuilder, SendError};
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::metadata::MetadataResponse;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);
const ADDRESS: &str = "broker:9092";

/// A round trip of the network between client and broker.
const ROUND_TRIP: Duration = Duration::from_millis(10);

struct Scene {
    broker: Broker,
    kafka: Kafka,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|broker| broker, |client| client).await
    }

    async fn with(
        broker: impl FnOnce(Builder) -> Builder,
        client: impl FnOnce(KafkaBuilder) -> KafkaBuilder,
    ) -> Self {
        let memory = Broker::builder().memory().no_listener().seed(1);
        let broker = broker(memory.advertise("broker", 9092).journal(true));
        let broker = broker.start().await.unwrap();
        let network = Network::new();
        network.route(ADDRESS, broker.connector());
        network.delay(ADDRESS, ROUND_TRIP / 2);
        let kafka = Kafka::builder(ADDRESS).connector(network).seed(1);
        let kafka = client(kafka).connect().await.unwrap();
        Self { broker, kafka }
    }

    async fn producer(&self) -> Producer {
        self.kafka.producer().build().await.unwrap()
    }

    /// A producer whose connections are open.
    async fn warm_producer(&self) -> Producer {
        let producer = self.producer().await;
        for name in ["first", "second"] {
            self.broker.create_topic(name, 1).unwrap();
            send(&producer, name).await.unwrap();
        }
        self.broker.faults().clear_journal();
        producer
    }

    /// The topics of each Metadata request so far.
    fn asked(&self) -> Vec<Vec<String>> {
        let journal = self.broker.faults().journal().into_iter();
        journal
            .filter(|entry| entry.api_key == ApiKey::METADATA)
            .map(|entry| entry.topics)
            .collect()
    }
}

async fn send(producer: &Producer, topic: &str) -> Result<i64, SendError> {
    let delivered = producer.send(Record::to(topic).value("v")).await?;
    Ok(delivered.offset.unwrap())
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n}")).collect()
}

/// 50 took 5.15 s, a pause of 103 ms each.
#[tokio::test(start_paused = true)]
async fn the_first_send_to_a_topic_takes_a_round_trip_more_however_many_are_known() {
    let scene = Scene::new().await;
    let (known, there) = (names("known", 5_000), names("there", 50));
    for name in known.iter().chain(&there) {
        scene.broker.create_topic(name, 1).unwrap();
    }
    let producer = scene.warm_producer().await;
    for (round, topics) in [("few", &there[..25]), ("many", &there[25..])] {
        if round == "many" {
            let sent = join_all(known.iter().map(|name| send(&producer, name))).await;
            assert!(sent.iter().all(Result::is_ok));
        }
        for name in topics.iter().chain(&names(round, 25)) {
            scene.broker.faults().clear_journal();
            let start = Instant::now();
            send(&producer, name).await.unwrap();
            assert!(
                start.elapsed() <= 2 * ROUND_TRIP + MS,
                "{:?}",
                start.elapsed()
            );
            assert_eq!(scene.asked(), [[name.clone()]], "alone");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn first_sends_to_many_topics_at_a_time_share_requests() {
    let scene = Scene::new().await;
    let producer = scene.warm_producer().await;
    let topics = names("new", 40);
    let start = Instant::now();
    join_all(topics.iter().map(|name| send(&producer, name))).await;
    assert!(
        start.elapsed() <= 3 * ROUND_TRIP + MS,
        "{:?}",
        start.elapsed()
    );
    assert!(scene.asked().len() <= 2, "{:?}", scene.asked());
}

/// It asked 604 times in 600 s, and first uses of other topics took ten times as long meanwhile.
#[tokio::test(start_paused = true)]
async fn a_topic_that_is_not_there_is_not_asked_for_when_nobody_waits() {
    let scene = Scene::with(|broker| broker.auto_create_topics(false), |kafka| kafka).await;
    let producer = scene.producer().await;
    send(&producer, "absent").await.unwrap_err();
    scene.broker.faults().clear_journal();
    tokio::time::sleep(600 * SECOND).await;
    let asked = scene.asked();
    // Every five minutes, by the client and by the producer.
    assert!(asked.len() <= 4, "{} times", asked.len());
    assert!(asked.iter().all(Vec::is_empty), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_not_there_slows_no_other() {
    let scene = Scene::with(|broker| broker.auto_create_topics(false), |kafka| kafka).await;
    let topics = names("there", 20);
    for name in &topics {
        scene.broker.create_topic(name, 1).unwrap();
    }
    let producer = scene.warm_producer().await;
    let (absent, ()) = tokio::join!(send(&producer, "absent"), async {
        tokio::time::sleep(3 * SECOND).await;
        for name in &topics {
            let start = Instant::now();
            send(&producer, name).await.unwrap();
            assert!(
                start.elapsed() <= 3 * ROUND_TRIP + MS,
                "{:?}",
                start.elapsed()
            );
        }
    });
    absent.unwrap_err();
}

/// A topic that was just made may be unknown to a broker that lags, so once is not enough.
#[tokio::test(start_paused = true)]
async fn a_misspelt_topic_is_an_error_after_a_short_grace() {
    let scene = Scene::with(|broker| broker.auto_create_topics(false), |kafka| kafka).await;
    scene.broker.create_topic("orders", 1).unwrap();
    let producer = scene.producer().await;
    send(&producer, "orders").await.unwrap();
    let start = Instant::now();
    let error = send(&producer, "oders").await.unwrap_err();
    let took = start.elapsed();
    assert!((5 * SECOND..7 * SECOND).contains(&took), "{took:?}");
    assert!(!error.possibly_written());
    assert_eq!(error.error().kind(), ErrorKind::UnknownTopic);
    let text = error.to_string();
    for words in [
        "oders",
        "orders",
        "kafka-topics --create",
        "auto.create.topics.enable",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // Made meanwhile, it is used within the grace.
    let (sent, ()) = tokio::join!(send(&producer, "late"), async {
        tokio::time::sleep(3 * SECOND).await;
        scene.broker.create_topic("late", 1).unwrap();
    });
    sent.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_name_that_kafka_never_allows_is_an_error_before_anything_is_sent() {
    let scene = Scene::new().await;
    let producer = scene.warm_producer().await;
    let long = "x".repeat(250);
    for name in ["", ".", "..", "a b", "käse", "a/b", &long] {
        let start = Instant::now();
        let error = send(&producer, name).await.unwrap_err();
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(error.error().kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains("249"), "{error}");
    }
    assert_eq!(scene.asked(), [[""; 0]; 0]);
    send(&producer, &long[1..]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_may_not_be_used_is_an_error_at_once_that_names_the_command() {
    let scene = Scene::new().await;
    scene.broker.create_topic("secret", 1).unwrap();
    let producer = scene.warm_producer().await;
    let denied = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    let denied = Step::error_for("secret", None, denied);
    let denied = scene
        .broker
        .faults()
        .inject(when(ApiKey::METADATA).always().then([denied]));
    let start = Instant::now();
    let (error, other) = tokio::join!(send(&producer, "secret"), send(&producer, "other"));
    let error = error.unwrap_err();
    assert!(
        start.elapsed() <= 3 * ROUND_TRIP + MS,
        "{:?}",
        start.elapsed()
    );
    assert_eq!(
        error.error().code(),
        Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED)
    );
    assert_eq!(error.error().topic(), Some("secret"));
    let text = error.to_string();
    let helps =
        "kafka-acls --add --allow-principal User:<name> --operation Describe --topic secret";
    assert!(text.contains(helps), "{text}");
    other.unwrap();
    // Nothing of the refusal is remembered for longer than a moment.
    denied.remove();
    tokio::time::sleep(200 * MS).await;
    send(&producer, "secret").await.unwrap();
}

/// Part B, 18.
#[tokio::test(start_paused = true)]
async fn a_topic_without_partitions_is_no_success() {
    let scene = Scene::new().await;
    scene.broker.create_topic("orders", 1).unwrap();
    let producer = scene.producer().await;
    let empty = when(ApiKey::METADATA).topic("orders").times(3);
    let empty = empty.then([Step::edit(|answer: &mut MetadataResponse| {
        answer
            .topics
            .iter_mut()
            .for_each(|topic| topic.partitions.clear());
    })]);
    let empty = scene.broker.faults().inject(empty);
    assert_eq!(send(&producer, "orders").await.unwrap(), 0);
    assert_eq!(empty.hits(), 3);
}

#[tokio::test(start_paused = true)]
async fn waiting_in_vain_names_the_limit_as_it_was_set_and_the_last_cause() {
    let scene = Scene::new().await;
    let producer = scene
        .kafka
        .producer()
        .max_block(700 * MS)
        .build()
        .await
        .unwrap();
    let silent = scene.broker.faults().inject(
        when(ApiKey::METADATA)
            .topic("orders")
            .always()
            .then([Step::Close]),
    );
    let error = send(&producer, "orders").await.unwrap_err();
    let text = error.to_string();
    for words in ["700ms", "max.block.ms", "closed"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    silent.remove();
    let leaderless = ErrorCode::LEADER_NOT_AVAILABLE;
    let leaderless = when(ApiKey::METADATA)
        .always()
        .then([Step::error_for("orders", None, leaderless)]);
    scene.broker.faults().inject(leaderless);
    let text = send(&producer, "orders").await.unwrap_err().to_string();
    for words in ["700ms", "max.block.ms", "LEADER_NOT_AVAILABLE"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

/// Every background refresh used to create it again.
#[tokio::test(start_paused = true)]
async fn a_deleted_topic_stays_deleted_until_it_is_used_again() {
    let age = 5 * SECOND;
    let scene = Scene::with(|broker| broker, |kafka| kafka.metadata_max_age(age)).await;
    let producer = scene.producer().await;
    let reader = scene
        .kafka
        .consumer("workers")
        .subscribe(["orders"])
        .await
        .unwrap();
    assert_eq!(send(&producer, "orders").await.unwrap(), 0);
    assert_eq!(send(&producer, "orders").await.unwrap(), 1);
    scene.kafka.delete_topic("orders").await.unwrap();
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(
        scene.broker.end_offset("orders", 0),
        None,
        "it is not made by looking"
    );
    assert_eq!(
        send(&producer, "orders").await.unwrap(),
        0,
        "but by using it"
    );
    assert_eq!(send(&producer, "orders").await.unwrap(), 1);
    drop(reader);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_not_used_is_forgotten_until_its_next_use() {
    let (age, idle) = (30 * SECOND, 300 * SECOND);
    let client = |kafka: KafkaBuilder| kafka.metadata_max_age(age).metadata_max_idle(idle);
    let scene = Scene::with(|broker| broker, client).await;
    let producer = scene.warm_producer().await;
    for n in 0..20 {
        assert_eq!(send(&producer, "often").await.unwrap(), n);
        if n == 0 {
            send(&producer, "once").await.unwrap();
        }
        tokio::time::sleep(60 * SECOND).await;
    }
    scene.broker.faults().clear_journal();
    tokio::time::sleep(2 * age).await;
    let asked = scene.asked();
    let refreshed = asked.iter().filter(|topics| !topics.is_empty());
    assert!(refreshed.clone().count() >= 1, "{asked:?}");
    for topics in refreshed {
        assert_eq!(topics, &["often"], "{asked:?}");
    }
    // The producer's sequences go on: the broker would refuse others.
    scene.broker.faults().clear_journal();
    assert_eq!(send(&producer, "once").await.unwrap(), 1);
    assert_eq!(scene.asked(), [["once"]]);
    assert_eq!(send(&producer, "once").await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_producer_makes_no_topic_if_it_is_told_not_to() {
    let scene = Scene::new().await;
    let producer = scene.kafka.producer().allow_auto_create_topics(false);
    let producer = producer.build().await.unwrap();
    let error = send(&producer, "orders").await.unwrap_err();
    assert_eq!(error.error().kind(), ErrorKind::UnknownTopic);
    assert_eq!(scene.broker.end_offset("orders", 0), None);
}

/// A topic deleted and made anew while records are buffered for it, and one is in doubt: the policy
/// of the `Producer`'s documentation.
async fn made_anew(former: i32, anew: i32) {
    let scene = Scene::new().await;
    scene.broker.create_topic("orders", former).unwrap();
    let producer = scene.producer().await;
    let to = |partition: i32, value: &'static str| {
        let record = Record::to("orders").partition(partition).value(value);
        producer.enqueue(record)
    };
    let last = former - 1;
    for partition in 0..former {
        to(partition, "before").await.unwrap().await.unwrap();
    }
    // The first request is written and its answer lost; what comes after is refused.
    let lost = when(ApiKey::PRODUCE).then([Step::Apply, Step::Close]);
    let lost = scene.broker.faults().inject(lost);
    let refused = Step::Error(ErrorCode::NOT_ENOUGH_REPLICAS);
    let refused = when(ApiKey::PRODUCE).always().then([refused]);
    let refused = scene.broker.faults().inject(refused);
    let doubtful = to(0, "doubtful").await.unwrap();
    lost.wait_for_hits(1).await;
    tokio::time::sleep(ROUND_TRIP).await;
    let waiting = [
        (0, to(0, "waiting").await.unwrap()),
        (last, to(last, "last").await.unwrap()),
    ];
    refused.wait_for_hits(3).await;
    scene.kafka.delete_topic("orders").await.unwrap();
    scene.broker.create_topic("orders", anew).unwrap();
    refused.remove();

    let error = doubtful.await.unwrap_err();
    assert!(error.possibly_written(), "{former} to {anew}: {error}");
    for (partition, delivery) in waiting {
        match delivery.await {
            Ok(delivered) => assert!(partition < anew && delivered.offset.is_some()),
            Err(error) => {
                assert!(partition >= anew, "{former} to {anew}: {error}");
                assert!(!error.possibly_written());
                assert_eq!(error.error().kind(), ErrorKind::UnknownTopic);
            }
        }
    }
    // Sequences and leader epochs of the former topic do not hinder the new one.
    for partition in 0..anew {
        let before = scene.broker.end_offset("orders", partition).unwrap();
        let delivered = to(partition, "after").await.unwrap().await.unwrap();
        assert_eq!(delivered.offset, Some(before));
    }
    let written: i64 = (0..anew)
        .map(|partition| scene.broker.end_offset("orders", partition).unwrap())
        .sum();
    let moved = i64::from(last < anew) + 1;
    assert_eq!(
        written,
        i64::from(anew) + moved,
        "nothing of the former one"
    );
}

/// Part B, 15.
#[tokio::test(start_paused = true)]
async fn a_topic_made_anew_gets_what_was_not_sent_and_nothing_of_the_former() {
    for (former, anew) in [(2, 2), (2, 5), (3, 1), (1, 1)] {
        made_anew(former, anew).await;
    }
}

/// Part B, 16.
#[tokio::test(start_paused = true)]
async fn a_topic_that_vanishes_for_a_while_delays_its_records_and_no_more() {
    let scene = Scene::new().await;
    let producer = scene.warm_producer().await;
    send(&producer, "orders").await.unwrap();
    let vanished = || Step::error_for("orders", None, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let faults = [ApiKey::METADATA, ApiKey::PRODUCE].map(|api| {
        let fault = when(api).always().then([vanished()]);
        scene.broker.faults().inject(fault)
    });
    let returning = async {
        tokio::time::sleep(20 * SECOND).await;
        faults.into_iter().for_each(|fault| fault.remove());
    };
    let start = Instant::now();
    let (sent, other, ()) = tokio::join!(
        send(&producer, "orders"),
        send(&producer, "first"),
        returning
    );
    assert_eq!(sent.unwrap(), 1);
    assert_eq!(other.unwrap(), 1);
    assert!(start.elapsed() < 23 * SECOND, "{:?}", start.elapsed());
    assert_eq!(send(&producer, "orders").await.unwrap(), 2);
}

/// Each refusal asks for a refresh; refreshes that bring nothing new wait longer each time.
#[tokio::test(start_paused = true)]
async fn a_storm_of_refusals_is_no_storm_of_refreshes() {
    let scene = Scene::new().await;
    scene.broker.create_topic("orders", 100).unwrap();
    let producer = scene.warm_producer().await;
    let refused = Step::Error(ErrorCode::NOT_ENOUGH_REPLICAS);
    let refused = when(ApiKey::PRODUCE).always().then([refused]);
    let refused = scene.broker.faults().inject(refused);
    let mut deliveries = Vec::new();
    for partition in 0..100 {
        let record = Record::to("orders").partition(partition).value("v");
        deliveries.push(producer.enqueue(record).await.unwrap());
        tokio::time::sleep(7 * MS).await;
    }
    scene.broker.faults().clear_journal();
    tokio::time::sleep(60 * SECOND).await;
    assert!(refused.hits() > 100);
    let asked = scene.asked().len();
    assert!((30..=90).contains(&asked), "{asked} in a minute");
    refused.remove();
    for delivery in join_all(deliveries).await {
        delivery.unwrap();
    }
}

/// A reader of a topic that is gone looks for it, and for nothing else.
#[tokio::test(start_paused = true)]
async fn a_deleted_topic_has_no_others_asked_for() {
    let scene = Scene::new().await;
    for name in ["gone", "there"] {
        scene.broker.create_topic(name, 1).unwrap();
    }
    let partitions = ["gone", "there"].map(|name| TopicPartition::new(name, 0));
    let reader = scene.kafka.reader().offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign(partitions).await.unwrap();
    let receiving = tokio::time::timeout(10 * SECOND, reader.recv());
    receiving.await.unwrap_err();
    scene.kafka.delete_topic("gone").await.unwrap();
    let receiving = tokio::time::timeout(30 * SECOND, reader.recv());
    receiving.await.unwrap_err();
    scene.broker.faults().clear_journal();
    let receiving = tokio::time::timeout(60 * SECOND, reader.recv());
    receiving.await.unwrap_err();
    let asked = scene.asked();
    assert!(asked.iter().all(|topics| topics == &["gone"]), "{asked:?}");
    assert!((40..=90).contains(&asked.len()), "{}", asked.len());
    scene.broker.create_topic("gone", 1).unwrap();
    let producer = scene.producer().await;
    let receiving = async { reader.recv().await.unwrap() };
    let sending = async {
        tokio::time::sleep(30 * SECOND).await;
        send(&producer, "gone").await.unwrap();
    };
    let (received, ()) = tokio::join!(receiving, sending);
    assert_eq!(received.topic(), "gone");
}
