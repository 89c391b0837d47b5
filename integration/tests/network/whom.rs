//! Whom a client asks, over which connections, and what it does when all it knows are gone (KIP-19,
//! KIP-899, KIP-1102).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kafka_client::consumer::{OffsetReset, TopicPartition};
use kafka_client::record::Record;
use kafka_client::{ErrorCode, Kafka, MetadataRecoveryStrategy, NewTopic};
use kafka_client_protocol::api::metadata::MetadataRequest;

use super::edited::{edit, edited};
use super::{SECOND, World, member, timed};

const THREE: [&str; 3] = ["one:9092", "two:9092", "three:9092"];

/// Three brokers, one silent: ten of thirty first sends to a new topic took ten seconds.
#[tokio::test(start_paused = true)]
async fn a_silent_broker_delays_nothing_that_another_can_answer() {
    for seed in 0..30 {
        let world = World::new(&THREE).await;
        let topic = world.topic("orders", 1);
        world.network.silence("two:9092");
        let kafka = world.client("one:9092,two:9092,three:9092").seed(seed);
        let kafka = kafka.connect().await.unwrap();
        let sending = async {
            let producer = kafka.producer().build().await.unwrap();
            producer.send(Record::to(topic).value("one")).await
        };
        let (took, sent) = timed(sending).await;
        sent.unwrap();
        assert!(took < SECOND, "seed {seed}: {took:?}");
    }
}

/// The open connection dies and two of three brokers are silent.
#[tokio::test(start_paused = true)]
async fn dead_brokers_are_passed_by_in_half_a_second() {
    for seed in 0..20 {
        let world = World::new(&THREE).await;
        let kafka = world.client("one:9092").seed(seed).connect().await.unwrap();
        world.network.silence("one:9092");
        world.network.cut("one:9092");
        world.network.silence("two:9092");
        let topic = NewTopic::new("orders");
        let (took, created) = timed(kafka.create_topic(&topic)).await;
        created.unwrap();
        assert!(took < 2 * SECOND, "seed {seed}: {took:?}");
    }
}

/// Today every broker got a control connection over time.
#[tokio::test(start_paused = true)]
async fn no_more_connections_are_made_than_the_work_needs() {
    let world = World::new(&THREE).await;
    let topic = world.topic("orders", 1);
    let kafka = world.client("one:9092,two:9092,three:9092");
    let kafka = kafka.metadata_max_age(SECOND).connect().await.unwrap();
    assert_eq!(world.open(&THREE), 1);
    let producer = kafka.producer().build().await.unwrap();
    for _ in 0..60 {
        producer.send(Record::to(topic).value("one")).await.unwrap();
        tokio::time::sleep(SECOND).await;
    }
    // The producer's own: one for metadata, one to the leader.
    assert_eq!(world.open(&THREE), 3);
    for number in 0..10 {
        let topic = NewTopic::new(format!("topic-{number}"));
        kafka.create_topic(&topic).await.unwrap();
    }
    assert!(
        world.open(&THREE) <= 4,
        "one more to the controller at most"
    );
    producer.close().await.unwrap();
}

/// KIP-19: nine minutes by default, before the broker's ten.
#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed_and_made_again_when_they_are_needed() {
    let world = World::new(&["one:9092"]).await;
    let topic = world.topic("orders", 1);
    let kafka = world.client("one:9092").metadata_max_age(3600 * SECOND);
    let kafka = kafka.connect().await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    producer.send(Record::to(topic).value("one")).await.unwrap();
    assert_eq!(world.network.open("one:9092"), 3);
    tokio::time::sleep(Duration::from_millis(539_900)).await;
    assert_eq!(world.network.open("one:9092"), 3);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(world.network.open("one:9092"), 0);
    let (took, sent) = timed(producer.send(Record::to(topic).value("two"))).await;
    sent.unwrap();
    assert_eq!(
        took,
        Duration::ZERO,
        "closing is no failure that is backed off from"
    );
}

/// A fetch that the broker holds is in flight, however long.
#[tokio::test(start_paused = true)]
async fn connections_with_requests_in_flight_are_not_idle() {
    let world = World::new(&["one:9092"]).await;
    let topic = world.topic("orders", 1);
    let kafka = world.client("one:9092").connections_max_idle(SECOND);
    let kafka = kafka.connect().await.unwrap();
    let reader = kafka.reader().fetch_max_wait(20 * SECOND);
    let reader = reader.offset_reset(OffsetReset::Earliest);
    let mut reader = reader
        .assign([TopicPartition::new(topic, 0)])
        .await
        .unwrap();
    let nothing = tokio::time::timeout(18 * SECOND, reader.recv()).await;
    assert!(nothing.is_err());
    assert_eq!(world.network.open("one:9092"), 1, "the fetch's");
    // A commit or a produce finds its way back, too; the reader's dials were two: its metadata and
    // its fetches.
    assert_eq!(world.network.dials("one:9092"), 3);
}

/// KIP-899: the cluster moved to other hosts, which only the bootstrap addresses know.
#[tokio::test(start_paused = true)]
async fn a_client_whose_brokers_are_all_gone_bootstraps_again() {
    let world = World::new(&["one:9092"]).await;
    let network = &world.network;
    network.route_to(
        "seed:9092",
        edited(world.broker.connector(), |header| {
            edit::<MetadataRequest>(header, |metadata| {
                metadata.brokers = vec![member(1, "one:9092")]
            })
        }),
    );
    let kafka = world.client("seed:9092").connect().await.unwrap();
    let partitions = [TopicPartition::new(world.topic("orders", 1), 0)];
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    let reader = reader.assign(partitions.clone()).await.unwrap();
    let reader = reader.handle();
    reader.offsets(&partitions).await.unwrap();
    network.silence("one:9092");
    network.cut("one:9092");
    network.cut("seed:9092");
    for address in ["new:9092", "seed:9092"] {
        network.route_to(
            address,
            edited(world.broker.connector(), |header| {
                edit::<MetadataRequest>(header, |metadata| {
                    metadata.brokers = vec![member(1, "new:9092")];
                })
            }),
        );
    }
    let (took, offsets) = timed(reader.offsets(&partitions)).await;
    offsets.unwrap();
    // One limit of a dial to the leader of before.
    assert!(took < 12 * SECOND, "{took:?}");
    assert!(network.open("new:9092") > 0);
}

/// A cluster whose metadata answers REBOOTSTRAP_REQUIRED while `moved` is set.
async fn moving(
    strategy: MetadataRecoveryStrategy,
) -> (World, Kafka, Arc<AtomicBool>, Arc<AtomicUsize>) {
    let world = World::new(&["one:9092", "two:9092"]).await;
    let moved = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicUsize::new(0));
    let peer = edited(world.broker.connector(), {
        let (moved, asked) = (moved.clone(), asked.clone());
        move |header| {
            let (moved, asked) = (moved.clone(), asked.clone());
            edit::<MetadataRequest>(header, move |metadata| {
                asked.fetch_add(1, Ordering::Relaxed);
                metadata.brokers = vec![member(1, "one:9092")];
                if moved.load(Ordering::Relaxed) {
                    metadata.error_code = ErrorCode::REBOOTSTRAP_REQUIRED.code();
                }
            })
        }
    });
    world.network.route_to("one:9092", peer);
    let kafka = world
        .client("two:9092,one:9092")
        .metadata_recovery(strategy);
    world.network.refuse("two:9092");
    let kafka = kafka.connect().await.unwrap();
    world.network.restore("two:9092");
    (world, kafka, moved, asked)
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_asks_for_it_is_bootstrapped_again() {
    let (world, kafka, moved, _) = moving(MetadataRecoveryStrategy::Rebootstrap).await;
    let producer = kafka.producer().build().await.unwrap();
    let topic = world.topic("orders", 1);
    producer.send(Record::to(topic).value("one")).await.unwrap();
    moved.store(true, Ordering::Relaxed);
    // Asked for a new topic, the old cluster says to go away; `two` is the way to the new one.
    let other = world.topic("others", 1);
    let (took, sent) = timed(producer.send(Record::to(other).value("two"))).await;
    sent.unwrap();
    assert!(took < 2 * SECOND, "{took:?}");
    assert!(world.network.open("two:9092") > 0);
    producer.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_may_not_bootstrap_again_stays_with_the_brokers_it_knows() {
    let (world, kafka, ..) = moving(MetadataRecoveryStrategy::None).await;
    world.network.refuse("one:9092");
    world.network.cut("one:9092");
    let before = world.network.dials("two:9092");
    let error = kafka
        .create_topic(&NewTopic::new("orders"))
        .await
        .unwrap_err();
    assert!(error.is_retriable(), "{error:?}");
    assert!(error.to_string().contains("connection refused"), "{error}");
    assert_eq!(world.network.dials("two:9092"), before);
}

/// Brokers that answer, but not to Metadata: after `metadata.recovery.rebootstrap.trigger.ms` they
/// are given up.
#[tokio::test(start_paused = true)]
async fn without_metadata_for_long_the_bootstrap_addresses_are_asked() {
    let world = World::new(&["one:9092"]).await;
    let network = &world.network;
    let peer = |fails: Arc<AtomicBool>| {
        edited(world.broker.connector(), move |header| {
            let fails = fails.clone();
            edit::<MetadataRequest>(header, move |metadata| {
                metadata.brokers = vec![member(1, "one:9092")];
                if fails.load(Ordering::Relaxed) {
                    metadata.error_code = ErrorCode::UNKNOWN_SERVER_ERROR.code();
                }
            })
        })
    };
    let fails = Arc::new(AtomicBool::new(false));
    network.route_to("one:9092", peer(fails.clone()));
    network.route_to("seed:9092", peer(Arc::default()));
    let kafka = world
        .client("seed:9092")
        .metadata_recovery_trigger(20 * SECOND);
    let kafka = kafka.connect().await.unwrap();
    let producer = kafka
        .producer()
        .max_block(60 * SECOND)
        .build()
        .await
        .unwrap();
    let first = world.topic("first", 1);
    producer.send(Record::to(first).value("one")).await.unwrap();
    network.cut("seed:9092");
    network.refuse("seed:9092");
    fails.store(true, Ordering::Relaxed);
    let topic = world.topic("orders", 1);
    let healing = async {
        tokio::time::sleep(5 * SECOND).await;
        network.restore("seed:9092");
    };
    let (_, (took, sent)) = tokio::join!(
        healing,
        timed(producer.send(Record::to(topic).value("two")))
    );
    sent.unwrap();
    assert!(took > 15 * SECOND && took < 25 * SECOND, "{took:?}");
    producer.close().await.unwrap();
}

/// A cluster that answers is never given up, however long the client lives.
#[tokio::test(start_paused = true)]
async fn a_client_that_is_well_keeps_its_brokers_and_connections() {
    let world = World::new(&["one:9092"]).await;
    let topic = world.topic("orders", 1);
    let kafka = world.client("one:9092").metadata_max_age(20 * SECOND);
    let kafka = kafka.metadata_recovery_trigger(60 * SECOND);
    let kafka = kafka.connect().await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    producer.send(Record::to(topic).value("v")).await.unwrap();
    let before = world.network.dials("one:9092");
    for _ in 0..30 {
        tokio::time::sleep(10 * SECOND).await;
        producer.send(Record::to(topic).value("v")).await.unwrap();
    }
    assert_eq!(world.network.dials("one:9092"), before);
}

/// A host in `advertised.listeners` that clients cannot resolve: the error says so.
#[tokio::test(start_paused = true)]
async fn an_advertised_host_that_does_not_resolve_is_named() {
    let world = World::new(&["internal:9092"]).await;
    let network = &world.network;
    network.unresolvable("internal:9092");
    network.route_to(
        "seed:9092",
        edited(world.broker.connector(), |header| {
            edit::<MetadataRequest>(header, |metadata| {
                metadata.brokers = vec![member(1, "internal:9092")];
            })
        }),
    );
    world.topic("orders", 1);
    let kafka = world.client("seed:9092").api_timeout(5 * SECOND);
    let kafka = kafka.connect().await.unwrap();
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    let partition = TopicPartition::new("orders", 0);
    let reader = reader.assign([partition.clone()]).await.unwrap();
    let error = reader.handle().offsets(&[partition]).await.unwrap_err();
    let producer = kafka.producer().delivery_timeout(5 * SECOND);
    let producer = producer.build().await.unwrap();
    let sent = producer.send(Record::to("orders").value("one")).await;
    let sent = sent.unwrap_err().to_string();
    assert!(
        sent.contains("internal") && sent.contains("advertised.listeners"),
        "{sent}"
    );
    let text = error.to_string();
    assert!(
        text.contains("internal") && text.contains("advertised.listeners"),
        "{text}"
    );
}
