//! Never silent: what is retried for long is told in the log and by `Kafka::health`, with what helps;
//! what passes soon is not.

use std::sync::Arc;
use std::time::Duration;

use kafka_broker::{Fault, Step, when};
use kafka_client::record::Record;
use kafka_client::{ErrorCode, Kafka, Subject};
use kafka_client_protocol::ApiKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::scene::{ADDRESS, Scene};

const SECOND: Duration = Duration::from_secs(1);

impl Scene {
    async fn send(&self) {
        let record = Record::to("orders").value("v");
        self.producer.send(record).await.unwrap();
    }
}

/// What every trouble is told by: the line of a subject, with the words that help.
fn assert_told(lines: &[String], subject: &str, words: &[&str]) {
    let told = lines.iter().filter(|line| line.contains(subject));
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 1, "once: {lines:#?}");
    for word in words {
        assert!(told[0].contains(word), "{word}: {told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_not_reached_is_told_each_minute_and_when_it_is_back() {
    let scene = Scene::new().await;
    scene.send().await;
    assert!(scene.kafka.health().is_well());

    scene.network.refuse(ADDRESS);
    scene.network.cut(ADDRESS);
    let sending = scene.send();
    tokio::pin!(sending);
    assert!(
        tokio::time::timeout(9 * SECOND, &mut sending)
            .await
            .is_err()
    );
    assert!(scene.kafka.health().is_well(), "too early to tell");
    assert_eq!(scene.log.take(), [""; 0]);

    assert!(
        tokio::time::timeout(6 * SECOND, &mut sending)
            .await
            .is_err()
    );
    let subject = "broker broker:9092 is not reached";
    let helps = ["refused", "bootstrap.servers", "advertised.listeners"];
    assert_told(&scene.log.take(), subject, &helps);
    let health = scene.kafka.health();
    let address = Arc::from(ADDRESS);
    let broker = Subject::Broker { address };
    let stuck = health.stuck().iter().find(|one| one.subject == broker);
    let stuck = stuck.unwrap();
    assert!((10..16).contains(&stuck.lasting.as_secs()), "{stuck}");
    assert!(health.to_string().contains(subject), "{health}");

    assert!(
        tokio::time::timeout(50 * SECOND, &mut sending)
            .await
            .is_err()
    );
    assert_eq!(
        scene.log.take(),
        [""; 0],
        "not again before a minute is over"
    );
    assert!(
        tokio::time::timeout(10 * SECOND, &mut sending)
            .await
            .is_err()
    );
    assert_told(&scene.log.take(), subject, &helps);

    scene.network.restore(ADDRESS);
    sending.await;
    let health = scene.kafka.wait_for_health(|health| health.is_well());
    tokio::time::timeout(2 * SECOND, health).await.unwrap();
    let lines = scene.log.take();
    assert_told(
        &lines,
        "broker broker:9092 is reached again",
        &["over after 7"],
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_a_moment_is_not_told() {
    let scene = Scene::new().await;
    scene.send().await;
    for _ in 0..30 {
        scene.network.refuse(ADDRESS);
        scene.network.cut(ADDRESS);
        let sending = scene.send();
        let mending = async {
            tokio::time::sleep(2 * SECOND).await;
            scene.network.restore(ADDRESS);
        };
        tokio::join!(sending, mending);
        assert!(scene.kafka.health().is_well());
    }
    assert_eq!(scene.log.take(), [""; 0]);
}

/// The peer of a port that wants TLS: it answers the first bytes with an alert.
#[tokio::test(start_paused = true)]
async fn plain_words_to_a_tls_port_are_told_with_the_setting() {
    let scene = Scene::new().await;
    scene.send().await;
    scene.network.route_to(ADDRESS, || {
        let (near, mut far) = tokio::io::duplex(1024);
        tokio::spawn(async move {
            let mut hello = [0; 4];
            let _ = far.read_exact(&mut hello).await;
            let _ = far.write_all(&[0x15, 0x03, 0x03, 0, 2, 2, 0x16]).await;
        });
        near
    });
    scene.network.cut(ADDRESS);
    let sending = tokio::time::timeout(15 * SECOND, scene.send());
    assert!(sending.await.is_err());
    let subject = "broker broker:9092 is not reached";
    let helps = ["TLS", "security.protocol"];
    assert_told(&scene.log.take(), subject, &helps);
}

/// Nobody asks a broker again once another has answered: that is no trouble, for nothing waits.
#[tokio::test(start_paused = true)]
async fn an_address_that_nobody_needs_is_not_told() {
    let scene = Scene::new().await;
    scene.network.refuse("dead:9092");
    let kafka = Kafka::builder(format!("dead:9092,{ADDRESS}"));
    let kafka = kafka.connector(scene.network.clone()).seed(1);
    let kafka = kafka.connect().await.unwrap();
    tokio::time::sleep(120 * SECOND).await;
    assert!(kafka.health().is_well());
    assert_eq!(scene.log.take(), [""; 0]);
    drop(scene.broker);
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_is_not_found_is_told_until_it_is() {
    let scene = Scene::new().await;
    let missing = when(ApiKey::FIND_COORDINATOR).always();
    let missing = missing.then([Step::Error(ErrorCode::COORDINATOR_NOT_AVAILABLE)]);
    let missing = scene.broker.faults().inject(missing);
    let member = scene.kafka.consumer("workers").subscribe(["orders"]);
    let _member = member.await.unwrap();
    tokio::time::sleep(12 * SECOND).await;
    let subject = "group workers has no coordinator";
    let well = "group workers has a coordinator again";
    let helps = ["COORDINATOR_NOT_AVAILABLE", "__consumer_offsets"];
    assert_told(&scene.log.take(), subject, &helps);
    assert_eq!(scene.kafka.health().stuck().len(), 1);
    missing.remove();
    let health = scene.kafka.wait_for_health(|health| health.is_well());
    tokio::time::timeout(5 * SECOND, health).await.unwrap();
    assert_told(&scene.log.take(), well, &["over after"]);
}

/// It was away for a while, and holds who joins since then, for as long as it waits for other members.
#[tokio::test(start_paused = true)]
async fn a_coordinator_that_holds_a_member_is_there() {
    let scene = Scene::new().await;
    let missing = when(ApiKey::FIND_COORDINATOR).always();
    let missing = missing.then([Step::Error(ErrorCode::COORDINATOR_NOT_AVAILABLE)]);
    let missing = scene.broker.faults().inject(missing);
    let held = when(ApiKey::JOIN_GROUP)
        .always()
        .then([Step::Delay(20 * SECOND)]);
    let held = scene.broker.faults().inject(held);
    let member = scene.kafka.consumer("workers").subscribe(["orders"]);
    let _member = member.await.unwrap();
    tokio::time::sleep(5 * SECOND).await;
    missing.remove();
    tokio::time::sleep(12 * SECOND).await;
    assert!(scene.kafka.health().is_well(), "{}", scene.kafka.health());
    assert_eq!(scene.log.take(), [""; 0]);
    held.remove();
}

/// Only who joins may be held: a heartbeat that gets no answer brings no good news.
#[tokio::test(start_paused = true)]
async fn a_coordinator_that_is_silent_is_not_there_again() {
    let scene = Scene::new().await;
    let member = scene.kafka.consumer("workers").subscribe(["orders"]);
    let member = member.await.unwrap();
    while member.handle().assignment().is_empty() {
        tokio::time::sleep(SECOND / 10).await;
    }
    let faults = scene.broker.faults();
    let moved = when(ApiKey::HEARTBEAT).always();
    let moved = faults.inject(moved.then([Step::Error(ErrorCode::NOT_COORDINATOR)]));
    tokio::time::sleep(15 * SECOND).await;
    let subject = "group workers has no coordinator";
    assert_told(&scene.log.take(), subject, &["NOT_COORDINATOR"]);
    moved.remove();
    let silent = faults.inject(when(ApiKey::HEARTBEAT).always().then([Step::Silence]));
    tokio::time::sleep(9 * SECOND).await;
    assert!(silent.hits() > 0);
    let lines = scene.log.take();
    let is_over = |line: &String| line.contains("has a coordinator again");
    assert!(!lines.iter().any(is_over), "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_producer_id_that_is_not_given_is_told_until_it_is() {
    let scene = Scene::new().await;
    let refused = when(ApiKey::INIT_PRODUCER_ID).always();
    let refused = refused.then([Step::Error(ErrorCode::COORDINATOR_NOT_AVAILABLE)]);
    let refused = scene.broker.faults().inject(refused);
    let producer = scene.kafka.producer().build().await.unwrap();
    let sending = producer.send(Record::to("orders").value("v"));
    let mending = async {
        tokio::time::sleep(12 * SECOND).await;
        let subject = "no producer id is given";
        assert_told(&scene.log.take(), subject, &["COORDINATOR_NOT_AVAILABLE"]);
        refused.remove();
    };
    tokio::join!(sending, mending).0.unwrap();
    assert!(scene.kafka.health().is_well());
}

/// What is told of sends that a fault of the broker keeps from ending, until they do.
async fn sending_under(fault: Fault, (subject, well): (&str, &str), words: &[&str]) {
    let scene = Scene::new().await;
    let fault = scene.broker.faults().inject(fault);
    let sending = scene.send();
    tokio::pin!(sending);
    let within = tokio::time::timeout(9 * SECOND, &mut sending);
    assert!(within.await.is_err());
    assert!(scene.kafka.health().is_well());
    let within = tokio::time::timeout(4 * SECOND, &mut sending);
    assert!(within.await.is_err());
    assert_told(&scene.log.take(), subject, words);
    let health = scene.kafka.health();
    assert_eq!(health.stuck().len(), 1, "{health}");
    fault.remove();
    sending.await;
    let health = scene.kafka.wait_for_health(|health| health.is_well());
    tokio::time::timeout(2 * SECOND, health).await.unwrap();
    assert_told(&scene.log.take(), well, &["over after"]);
}

#[tokio::test(start_paused = true)]
async fn a_partition_without_a_leader_is_told_until_it_has_one() {
    let missing = Step::error_for("orders", 0, ErrorCode::LEADER_NOT_AVAILABLE);
    let missing = when(ApiKey::METADATA).always().then([missing]);
    let subject = "topic orders partition 0 has no leader";
    let well = "topic orders partition 0 has a leader again";
    sending_under(missing, (subject, well), &["--unavailable-partitions"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_of_the_broker_is_told_until_it_writes_again() {
    let full = Step::Error(ErrorCode::KAFKA_STORAGE_ERROR);
    let full = when(ApiKey::PRODUCE).always().then([full]);
    let subject = "topic orders partition 0 takes no batches";
    let well = "topic orders partition 0 takes batches again";
    sending_under(
        full,
        (subject, well),
        &["KAFKA_STORAGE_ERROR", "log.dirs", "disk"],
    )
    .await;
}

/// Sends that were given up are no trouble any more.
#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_not_stuck() {
    let scene = Scene::new().await;
    let full = Step::Error(ErrorCode::KAFKA_STORAGE_ERROR);
    let full = when(ApiKey::PRODUCE).always().then([full]);
    scene.broker.faults().inject(full);
    let producer = scene.kafka.producer().delivery_timeout(20 * SECOND);
    let producer = producer.build().await.unwrap();
    let record = Record::to("orders").value("v");
    producer.send(record).await.unwrap_err();
    tokio::time::sleep(2 * SECOND).await;
    assert!(scene.kafka.health().is_well());
    let lines = scene.log.take();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("topic orders partition 0 takes no batches"));
    assert!(
        lines[1].contains("given up after 2")
            && lines[1].contains("topic orders partition 0 took no batches"),
        "not known to be over: {lines:#?}"
    );

    drop(producer.enqueue(record).await.unwrap());
    tokio::time::sleep(15 * SECOND).await;
    assert!(!scene.kafka.health().is_well());
    drop(producer);
    assert!(scene.kafka.health().is_well());
}

/// A subscription lasts, so what is wrong with its topics is no error of a call.
async fn subscribing_to(topic: &str, setup: impl FnOnce(&Scene), words: &[&str]) {
    let scene = Scene::new().await;
    setup(&scene);
    let member = scene.kafka.consumer("workers");
    let member = member.allow_auto_create_topics(false).subscribe([topic]);
    let member = member.await.unwrap();
    tokio::time::sleep(15 * SECOND).await;
    let subject = format!("topic {topic} is not available");
    assert_told(&scene.log.take(), &subject, words);
    assert_eq!(scene.kafka.health().stuck().len(), 1);
    scene.broker.faults().clear();
    // Unless it is there.
    let _ = scene.broker.create_topic(topic, 1);
    let health = scene.kafka.wait_for_health(|health| health.is_well());
    tokio::time::timeout(2 * SECOND, health).await.unwrap();
    let well = format!("topic {topic} is available again");
    assert_told(&scene.log.take(), &well, &["over after"]);
    drop(member);
}

#[tokio::test(start_paused = true)]
async fn a_misspelt_topic_of_a_subscription_is_told() {
    let words = [
        "UNKNOWN_TOPIC_OR_PARTITION",
        "kafka-topics --create --topic oders",
    ];
    subscribing_to("oders", |_| (), &words).await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_of_a_subscription_that_may_not_be_seen_is_told() {
    let deny = |scene: &Scene| {
        let denied = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
        let denied = Step::error_for("orders", None, denied);
        let denied = when(ApiKey::METADATA).always().then([denied]);
        scene.broker.faults().inject(denied);
    };
    let words = ["kafka-acls --add", "--operation Describe --topic orders"];
    subscribing_to("orders", deny, &words).await;
}

/// What no retry heals is an error that says what helps, and stuck is nothing.
#[tokio::test(start_paused = true)]
async fn a_right_that_lacks_is_an_error_that_names_the_command() {
    for (api, code, command) in [
        (
            ApiKey::PRODUCE,
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            "kafka-acls --add --allow-principal User:<name> --operation Write --topic orders",
        ),
        (
            ApiKey::INIT_PRODUCER_ID,
            ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
            "kafka-acls --add --allow-principal User:<name> --operation IdempotentWrite --cluster",
        ),
    ] {
        let scene = Scene::new().await;
        let denied = when(api).always().then([Step::Error(code)]);
        scene.broker.faults().inject(denied);
        let producer = scene.kafka.producer().build().await.unwrap();
        let record = Record::to("orders").value("v");
        let error = producer.send(record).await.unwrap_err();
        assert_eq!(error.error().code(), Some(code));
        assert!(error.to_string().contains(command), "{error}");
        assert!(scene.kafka.health().is_well());
    }
    let scene = Scene::new().await;
    let code = ErrorCode::GROUP_AUTHORIZATION_FAILED;
    let denied = when(ApiKey::JOIN_GROUP).always().then([Step::Error(code)]);
    scene.broker.faults().inject(denied);
    let member = scene.kafka.consumer("workers").subscribe(["orders"]);
    let error = member.await.unwrap().recv().await.unwrap_err();
    let command = "kafka-acls --add --allow-principal User:<name> --operation Read --group";
    assert!(error.to_string().contains(command), "{error}");
}

/// A quota holds the client back again and again: that is told, and is no failure.
#[tokio::test(start_paused = true)]
async fn a_quota_that_lasts_is_told_and_fails_nothing() {
    let scene = Scene::new().await;
    scene.send().await;
    let quota = [Step::Apply, Step::Throttle(2 * SECOND)];
    let quota = when(ApiKey::PRODUCE).times(8).then(quota);
    scene.broker.faults().inject(quota);
    for _ in 0..4 {
        scene.send().await;
    }
    assert!(scene.kafka.health().is_well(), "too early to tell");
    assert_eq!(scene.log.take(), [""; 0]);
    for _ in 0..4 {
        scene.send().await;
    }
    let subject = "broker broker:9092 throttles this client";
    assert_told(&scene.log.take(), subject, &["2s", "quota"]);
    assert_eq!(scene.kafka.health().stuck().len(), 1);
    scene.send().await;
    assert!(scene.kafka.health().is_well(), "an answer came without");
}

/// Waits for a time with a future that is not to end in it.
async fn goes_on<T>(time: Duration, future: &mut std::pin::Pin<&mut impl Future<Output = T>>) {
    assert!(tokio::time::timeout(time, future).await.is_err());
}

/// A request counts from when it was written, not from when it is given up after 30 seconds.
#[tokio::test(start_paused = true)]
async fn a_silent_broker_is_told_while_its_answer_is_waited_for() {
    let scene = Scene::new().await;
    scene.send().await;
    scene.network.mute(ADDRESS);
    scene.network.silence(ADDRESS);
    let start = tokio::time::Instant::now();
    let sending = scene.send();
    tokio::pin!(sending);
    goes_on(9 * SECOND, &mut sending).await;
    assert!(scene.kafka.health().is_well());
    goes_on(2 * SECOND, &mut sending).await;
    let subject = "broker broker:9092 is not reached for 10 s now";
    assert_told(
        &scene.log.take(),
        subject,
        &["Produce", "no answer for 10 s"],
    );
    // Given up after 30 s, then dialed in vain: it is the same trouble, and as old as it is.
    for _ in 0..5 {
        goes_on(10 * SECOND, &mut sending).await;
        let health = scene.kafka.health();
        let broker = health.stuck().iter().find(|stuck| {
            let address = Arc::from(ADDRESS);
            stuck.subject == Subject::Broker { address }
        });
        let lasting = broker.expect("still stuck").lasting;
        assert!(start.elapsed() - lasting < SECOND, "{health}");
    }
    let lines = scene.log.take();
    let again = lines.iter().filter(|line| line.contains("broker:9092 is"));
    assert_eq!(again.count(), 0, "once a minute: {lines:#?}");
    goes_on(12 * SECOND, &mut sending).await;
    let subject = "broker broker:9092 is not reached for 70 s now";
    assert_told(&scene.log.take(), subject, &[]);
    scene.network.restore(ADDRESS);
    sending.await;
    let subject = "broker broker:9092 is reached again";
    assert_told(&scene.log.take(), subject, &["over after"]);
}

/// Metadata, the producer id, and dials that have not ended.
#[tokio::test(start_paused = true)]
async fn silence_towards_a_producer_that_starts_is_told_after_ten_seconds() {
    for dials in [true, false] {
        let scene = Scene::new().await;
        scene.send().await;
        scene.network.silence(ADDRESS);
        if dials {
            // Nobody gives up before.
            let kafka = Kafka::builder(ADDRESS)
                .connector(scene.network.clone())
                .seed(1);
            let kafka = kafka.connection_setup_timeout(60 * SECOND);
            let kafka = kafka.connection_setup_timeout_max(60 * SECOND);
            let kafka = kafka.connect_timeout(40 * SECOND).connect();
            tokio::pin!(kafka);
            goes_on(9 * SECOND, &mut kafka).await;
            assert_eq!(scene.log.take(), [""; 0]);
            goes_on(2 * SECOND, &mut kafka).await;
        } else {
            scene.network.mute(ADDRESS);
            let producer = scene.kafka.producer().build().await.unwrap();
            let sending = producer.send(Record::to("orders").value("v"));
            tokio::pin!(sending);
            goes_on(9 * SECOND, &mut sending).await;
            assert_eq!(scene.log.take(), [""; 0]);
            goes_on(2 * SECOND, &mut sending).await;
        }
        let subject = "broker broker:9092 is not reached for 10 s now";
        assert_told(&scene.log.take(), subject, &[]);
    }
}

/// What the broker is meant to hold is no silence.
#[tokio::test(start_paused = true)]
async fn a_fetch_and_a_join_that_are_held_are_not_told() {
    let scene = Scene::new().await;
    let reader = scene.kafka.reader().fetch_max_wait(25 * SECOND);
    let partition = kafka_client::consumer::TopicPartition::new("orders", 0);
    let mut reader = reader.assign([partition]).await.unwrap();
    let receiving = reader.recv();
    tokio::pin!(receiving);
    let held = when(ApiKey::JOIN_GROUP).then([Step::Delay(40 * SECOND)]);
    scene.broker.faults().inject(held);
    let member = scene.kafka.consumer("workers").subscribe(["orders"]);
    let mut member = member.await.unwrap();
    let joining = member.recv();
    tokio::pin!(joining);
    for _ in 0..60 {
        goes_on(SECOND / 2, &mut receiving).await;
        goes_on(SECOND / 2, &mut joining).await;
        assert!(scene.kafka.health().is_well(), "{}", scene.kafka.health());
    }
    assert_eq!(scene.log.take(), [""; 0]);
}

/// A broker that answers what it is asked on a new connection, and nothing else.
#[tokio::test(start_paused = true)]
async fn a_broker_that_lets_itself_be_dialed_and_answers_no_request_is_one_trouble() {
    let scene = Scene::new().await;
    scene.send().await;
    let silent = when(ApiKey::PRODUCE).always().then([Step::Hold]);
    let silent = scene.broker.faults().inject(silent);
    let sending = scene.send();
    tokio::pin!(sending);
    goes_on(65 * SECOND, &mut sending).await;
    let lines = scene.log.take();
    let told = lines.iter().filter(|line| line.contains("broker:9092 is"));
    assert_eq!(told.count(), 1, "{lines:#?}");
    silent.remove();
    sending.await;
    let subject = "broker broker:9092 is reached again";
    assert_told(&scene.log.take(), subject, &["over after"]);
}

/// The last record is given up, or the producer is, while the broker is still away.
#[tokio::test(start_paused = true)]
async fn what_nobody_wants_any_more_is_given_up_and_not_over() {
    for closes in [false, true] {
        let scene = Scene::new().await;
        let producer = scene.kafka.producer().delivery_timeout(15 * SECOND);
        let producer = producer.build().await.unwrap();
        let record = Record::to("orders").value("v");
        producer.send(record).await.unwrap();
        scene.network.refuse(ADDRESS);
        scene.network.cut(ADDRESS);
        let delivery = producer.enqueue(record).await.unwrap();
        tokio::time::sleep(13 * SECOND).await;
        assert!(!scene.kafka.health().is_well());
        match closes {
            true => drop(producer.close_within(SECOND).await),
            false => {
                delivery.await.unwrap_err();
                tokio::time::sleep(120 * SECOND).await;
            }
        }
        tokio::time::sleep(SECOND / 10).await;
        let lines = scene.log.take();
        let about: Vec<_> = lines
            .iter()
            .filter(|line| line.contains("broker:9092 "))
            .collect();
        let begin = "broker broker:9092 is not reached for 1";
        assert!(about[0].contains(begin), "{lines:#?}");
        let last = about.last().unwrap();
        if closes {
            let end = "nothing waits for it any more: broker broker:9092 was not reached";
            assert!(
                last.contains("given up after 1") && last.contains(end),
                "{last}"
            );
        }
        assert!(
            !lines.iter().any(|line| line.contains("over after")),
            "{lines:#?}"
        );
        drop(scene);
        tokio::time::sleep(SECOND).await;
    }
}

/// Fire and forget: deliveries were dropped, all was refused, and nobody flushes.
#[tokio::test(start_paused = true)]
async fn a_producer_that_is_dropped_warns_of_failures_that_nobody_was_told_of() {
    let scene = Scene::new().await;
    scene.send().await;
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    let denied = when(ApiKey::PRODUCE).always().then([Step::Error(code)]);
    let denied = scene.broker.faults().inject(denied);
    let record = Record::to("orders").value("v");
    for _ in 0..3 {
        drop(scene.producer.enqueue(record).await.unwrap());
    }
    // One that was told of, and one that is still buffered at the end.
    scene.producer.send(record).await.unwrap_err();
    tokio::time::sleep(SECOND).await;
    denied.remove();
    let held = when(ApiKey::PRODUCE).always().then([Step::Hold]);
    scene.broker.faults().inject(held);
    drop(scene.producer.enqueue(record).await.unwrap());
    assert_eq!(scene.log.take(), [""; 0]);
    let Scene {
        producer,
        kafka,
        log,
        ..
    } = scene;
    drop(producer.clone());
    assert_eq!(log.take(), [""; 0]);
    drop(producer);
    let lines = log.take();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for words in ["4 not delivered", "TOPIC_AUTHORIZATION_FAILED"] {
        assert!(lines[0].contains(words), "{words}: {lines:#?}");
    }

    // What a close or a flush has told of is not told again.
    let producer = kafka.producer().delivery_timeout(5 * SECOND);
    let producer = producer.build().await.unwrap();
    drop(producer.enqueue(record).await.unwrap());
    producer.close_within(SECOND).await.unwrap_err();
    let producer = kafka.producer().delivery_timeout(5 * SECOND);
    let producer = producer.build().await.unwrap();
    drop(producer.enqueue(record).await.unwrap());
    // Its time is over, its request still under way.
    producer.flush().await.unwrap_err();
    drop(producer);
    let lines = log.take();
    let dropped = lines.iter().filter(|line| line.contains("dropped"));
    assert_eq!(dropped.count(), 0, "{lines:#?}");
}

/// What fails in turns for one reason and another is one trouble all the same.
#[tokio::test(start_paused = true)]
async fn a_partition_that_fails_for_changing_reasons_is_told_once() {
    let scene = Scene::new().await;
    scene.send().await;
    for _ in 0..40 {
        for code in [
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ] {
            let refused = when(ApiKey::PRODUCE).times(1).then([Step::Error(code)]);
            scene.broker.faults().inject(refused);
        }
    }
    let sending = scene.send();
    tokio::pin!(sending);
    goes_on(13 * SECOND, &mut sending).await;
    let lines = scene.log.take();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    goes_on(40 * SECOND, &mut sending).await;
    assert_eq!(scene.log.take(), [""; 0], "once a minute");
    scene.broker.faults().clear();
    sending.await;
    tokio::time::sleep(SECOND).await;
    let lines = scene.log.take();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("over after"), "{lines:#?}");
}

/// Each request is given up before ten seconds, and the next one is not answered either.
#[tokio::test(start_paused = true)]
async fn silence_is_told_however_short_the_limit_of_a_request_is() {
    let scene = Scene::new().await;
    let kafka = Kafka::builder(ADDRESS).connector(scene.network.clone());
    let kafka = kafka.seed(2).request_timeout(3 * SECOND);
    let kafka = kafka.connect().await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    let record = Record::to("orders").value("v");
    producer.send(record).await.unwrap();
    let silent = when(ApiKey::PRODUCE).always().then([Step::Hold]);
    let silent = scene.broker.faults().inject(silent);
    let sending = producer.send(record);
    tokio::pin!(sending);
    goes_on(16 * SECOND, &mut sending).await;
    let lines = scene.log.take();
    let subject = "broker broker:9092 is not reached for 1";
    assert_told(&lines, subject, &["Produce", "no answer"]);
    silent.remove();
    sending.await.unwrap();
}
