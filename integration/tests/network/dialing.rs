//! The first connection (part B, 1 to 3; lessons 76, 79, 83).

use std::time::Duration;

use kafka_broker::{Step, when};
use kafka_client::{ErrorKind, Kafka};
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::metadata::MetadataRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::edited::{Act, edit, edited};
use super::{SECOND, World, member, timed};

const STAGGER: Duration = Duration::from_millis(250);

/// A silent address of two took the whole limit in twelve of twenty seeds.
#[tokio::test(start_paused = true)]
async fn a_silent_address_delays_a_live_one_by_a_quarter_of_a_second_at_most() {
    for seed in 0..20 {
        let world = World::new(&["live:9092"]).await;
        world.network.silence("silent:9092");
        let client = world.client("silent:9092,live:9092").seed(seed);
        let (took, kafka) = timed(client.connect()).await;
        kafka.unwrap();
        assert!(took <= STAGGER, "seed {seed}: {took:?}");
    }
}

/// A host that takes connections and answers nothing is as bad as one that takes none.
#[tokio::test(start_paused = true)]
async fn a_mute_address_delays_a_live_one_by_a_quarter_of_a_second_at_most() {
    for seed in 0..20 {
        let world = World::new(&["live:9092"]).await;
        world.network.route("mute:9092", world.broker.connector());
        world.network.mute("mute:9092");
        let client = world.client("mute:9092,live:9092").seed(seed);
        let (took, kafka) = timed(client.connect()).await;
        let kafka = kafka.unwrap();
        assert!(took <= STAGGER, "seed {seed}: {took:?}");
        assert_eq!(world.network.open("mute:9092"), 0, "the loser is let go");
        drop(kafka);
    }
}

/// Scenario 1.
#[tokio::test(start_paused = true)]
async fn refused_and_unknown_hosts_cost_no_time_beside_a_live_one() {
    for seed in 0..10 {
        let world = World::new(&["live:9092"]).await;
        world.network.refuse("refused:9092");
        world.network.unresolvable("unknown:9092");
        let client = world
            .client("unknown:9092,refused:9092,live:9092")
            .seed(seed);
        let (took, kafka) = timed(client.connect()).await;
        kafka.unwrap();
        assert!(took < Duration::from_millis(1), "seed {seed}: {took:?}");
    }
}

/// Scenario 2: dead for a while, then back.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_comes_up_within_the_limit_is_connected_to() {
    let world = World::new(&["one:9092", "two:9092"]).await;
    world.network.refuse("one:9092");
    world.network.silence("two:9092");
    let client = world.client("one:9092,two:9092");
    let connecting = tokio::spawn(timed(client.connect()));
    tokio::time::sleep(5 * SECOND).await;
    world.network.restore("one:9092");
    let (took, kafka) = connecting.await.unwrap();
    kafka.unwrap();
    assert!(took < 7 * SECOND, "{took:?}");
}

/// Each dial of an address has its own limit, and the call has one, too.
#[tokio::test(start_paused = true)]
async fn silence_alone_ends_at_the_limit_and_every_address_is_named() {
    let world = World::new(&[]).await;
    for address in ["one:9092", "two:9092"] {
        world.network.silence(address);
    }
    let client = world.client("one:9092,two:9092");
    let client = client.connection_setup_timeout(2 * SECOND);
    let (took, error) = timed(client.connect()).await;
    let error = error.unwrap_err();
    assert_eq!(took, 10 * SECOND);
    assert!(error.is_timeout(), "{error:?}");
    let text = format!("{error:?}");
    assert!(
        text.contains("one:9092") && text.contains("two:9092"),
        "{text}"
    );
    assert!(
        text.contains("socket.connection.setup.timeout.ms"),
        "{text}"
    );
    for address in ["one:9092", "two:9092"] {
        assert!(world.network.dials(address) >= 2, "{address}");
    }
}

/// Nothing heals a misspelt name by itself: no ten seconds of waiting, and every name is told.
#[tokio::test(start_paused = true)]
async fn names_that_do_not_exist_are_told_at_once_and_all_of_them() {
    let world = World::new(&[]).await;
    world.network.unresolvable("kafak-1:9092");
    world.network.unresolvable("kafak-2:9092");
    let client = world.client("kafak-1:9092,kafak-2:9092");
    let (took, error) = timed(client.connect()).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(took, Duration::ZERO);
    let text = error.to_string();
    assert!(
        text.contains("kafak-1") && text.contains("kafak-2"),
        "{text}"
    );
    assert!(
        text.contains("resolve") && text.contains("bootstrap.servers"),
        "{text}"
    );
}

/// Of several wrong addresses all are named, each with its own reason.
#[tokio::test(start_paused = true)]
async fn of_several_wrong_hosts_all_are_named() {
    let world = World::new(&[]).await;
    world.network.unresolvable("unknown:9092");
    world.network.refuse("refused:9092");
    world.network.silence("silent:9092");
    let client = world.client("unknown:9092,refused:9092,silent:9092");
    let (took, error) = timed(client.connect()).await;
    let text = error.unwrap_err().to_string();
    assert_eq!(took, 10 * SECOND);
    for part in ["unknown:9092", "refused:9092", "silent:9092", "refused"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// A name leads to several addresses (KIP-602), of which some are dead; and to others later
/// (scenario 3).
#[tokio::test(start_paused = true)]
async fn the_addresses_of_a_name_are_tried_staggered_and_resolved_anew() {
    let world = World::new(&["brokers:9092"]).await;
    let network = &world.network;
    network.name("brokers", &["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    network.silence("10.0.0.1:9092");
    network.refuse("10.0.0.2:9092");
    network.alias("10.0.0.3:9092", "brokers:9092");
    let (took, kafka) = timed(world.client("brokers:9092").connect()).await;
    let kafka = kafka.unwrap();
    assert_eq!(took, STAGGER);
    assert_eq!(network.open("10.0.0.3:9092"), 1);

    // The cluster moves, and its name with it.
    network.name("brokers", &["10.0.0.4"]);
    network.refuse("10.0.0.3:9092");
    network.alias("10.0.0.4:9092", "brokers:9092");
    network.cut("10.0.0.3:9092");
    let topic = kafka_client::NewTopic::new("moved");
    let (took, created) = timed(kafka.create_topic(&topic)).await;
    created.unwrap();
    assert!(took < SECOND, "{took:?}");
    assert!(network.open("10.0.0.4:9092") > 0);
}

/// The limit for a connection grows while none is made, up to `.max.ms` (KIP-601).
#[tokio::test(start_paused = true)]
async fn the_limit_of_a_dial_grows_from_failure_to_failure() {
    let world = World::new(&[]).await;
    world.network.silence("one:9092");
    let client = world.client("one:9092").connect_timeout(60 * SECOND);
    let client = client.connection_setup_timeout(SECOND);
    let client = client.connection_setup_timeout_max(4 * SECOND);
    client.connect().await.unwrap_err();
    // 1 + 2 + 4 + 4 + .. with back-offs between; at one second each it would be near sixty.
    let dials = world.network.dials("one:9092");
    assert!((12..=18).contains(&dials), "{dials}");
}

/// Event Hubs resets the connection when it is asked in a version that it does not know (lesson
/// 77).
#[tokio::test(start_paused = true)]
async fn a_broker_that_resets_on_a_newer_api_versions_is_asked_in_a_lower_one() {
    for highest in [3, 0] {
        let world = World::new(&["old:9092"]).await;
        let network = &world.network;
        let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let peer = edited(world.broker.connector(), {
            let asked = asked.clone();
            move |header| {
                if header.api_key != ApiKey::API_VERSIONS {
                    return edit::<MetadataRequest>(header, |metadata| {
                        metadata.brokers = vec![member(1, "old:9092")];
                    });
                }
                asked.lock().unwrap().push(header.api_version);
                match header.api_version <= highest {
                    true => Act::Pass,
                    false => Act::Close,
                }
            }
        });
        network.route_to("old:9092", peer);
        let (took, kafka) = timed(world.client("old:9092").connect()).await;
        let kafka = kafka.unwrap();
        assert_eq!(took, Duration::ZERO);
        let first = std::mem::take(&mut *asked.lock().unwrap());
        assert_eq!(first.last(), Some(&highest), "{first:?}");

        // After a reconnect everything is agreed upon anew, from the newest on.
        network.cut("old:9092");
        kafka
            .create_topic(&kafka_client::NewTopic::new("t"))
            .await
            .unwrap();
        assert_eq!(*asked.lock().unwrap(), first);
    }
}

/// A peer that resets whatever it is asked is asked three times, not for ever.
#[tokio::test(start_paused = true)]
async fn a_peer_that_resets_every_version_is_an_error_soon() {
    let world = World::new(&["reset:9092"]).await;
    let peer = edited(world.broker.connector(), |_| Act::Close);
    world.network.route_to("reset:9092", peer);
    let client = world.client("reset:9092").connect_timeout(SECOND);
    let client = client.reconnect_backoff(10 * SECOND, 10 * SECOND);
    let error = client.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error:?}");
    assert_eq!(world.network.dials("reset:9092"), 3);
}

/// `Duration::MAX` is no limit that a timer holds or that fits on the wire.
#[tokio::test(start_paused = true)]
async fn durations_that_no_timer_holds_are_refused_by_name() {
    type Set = fn(kafka_client::KafkaBuilder) -> kafka_client::KafkaBuilder;
    let settings: [(&str, Set); 9] = [
        ("request.timeout.ms", |b| b.request_timeout(Duration::MAX)),
        ("default.api.timeout.ms", |b| b.api_timeout(Duration::MAX)),
        ("socket.connection.setup.timeout.ms", |b| {
            b.connection_setup_timeout(Duration::MAX)
        }),
        ("socket.connection.setup.timeout.max.ms", |b| {
            b.connection_setup_timeout_max(Duration::MAX)
        }),
        ("connect_timeout", |b| b.connect_timeout(Duration::MAX)),
        ("reconnect.backoff.max.ms", |b| {
            b.reconnect_backoff(SECOND, Duration::MAX)
        }),
        ("retry.backoff.max.ms", |b| {
            b.retry_backoff(SECOND, Duration::MAX)
        }),
        ("metadata.max.age.ms", |b| b.metadata_max_age(Duration::MAX)),
        ("connections.max.idle.ms", |b| {
            b.connections_max_idle(Duration::MAX)
        }),
    ];
    let world = World::new(&["one:9092"]).await;
    for (name, set) in settings {
        let error = set(world.client("one:9092")).connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{name}: {error:?}");
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
    // Nothing can be done in no time.
    let none = world.client("one:9092").request_timeout(Duration::ZERO);
    let error = none.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
}

/// The most common mistake with several addresses.
#[tokio::test]
async fn addresses_separated_by_semicolons_are_told_to_take_commas() {
    let error = Kafka::connect("a:1;b:2").await.unwrap_err();
    assert!(error.to_string().contains("comma"), "{error}");
    assert!(!error.to_string().contains("IPv6"), "{error}");
}

/// A peer that answers the first bytes with these.
fn answering(world: &World, address: &str, answer: &'static [u8]) {
    world.network.route_to(address, move || {
        let (near, mut far) = tokio::io::duplex(1024);
        tokio::spawn(async move {
            let mut hello = [0; 4];
            let _ = far.read_exact(&mut hello).await;
            let _ = far.write_all(answer).await;
            std::future::pending::<()>().await;
        });
        near
    });
}

/// Trying again does not make a broker of a web server.
#[tokio::test(start_paused = true)]
async fn peers_that_speak_another_protocol_are_told_at_once() {
    let world = World::new(&["three:9092"]).await;
    answering(&world, "one:9092", b"HTTP/1.1 400 Bad Request\r\n\r\n");
    answering(&world, "two:9092", &[0x15, 3, 3, 0, 2, 2, 0x16]);
    let client = world.client("one:9092,two:9092");
    let (took, error) = timed(client.connect()).await;
    let error = error.unwrap_err();
    assert!(took < SECOND, "{took:?}");
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(!error.is_retriable());
    for words in ["one:9092", "two:9092", "HTTP", "TLS"] {
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
    // One that may come up is waited for.
    world.network.refuse("three:9092");
    let client = world.client("one:9092,three:9092");
    let connecting = tokio::spawn(client.connect());
    tokio::time::sleep(3 * SECOND).await;
    world.network.restore("three:9092");
    connecting.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_single_address_that_refuses_says_for_how_long_it_was_tried() {
    let world = World::new(&[]).await;
    world.network.refuse("::1:9092");
    let client = world.client("[::1]:9092").connect_timeout(5 * SECOND);
    let (took, error) = timed(client.connect()).await;
    let text = error.unwrap_err().to_string();
    assert!(took > 3 * SECOND && took <= 5 * SECOND, "{took:?}");
    for words in [
        "[::1]:9092",
        "refused",
        "bootstrap.servers",
        "5s (connect_timeout)",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(
        !text.contains("advertised.listeners"),
        "no broker was met: {text}"
    );
}

#[tokio::test(start_paused = true)]
async fn limits_that_contradict_each_other_are_refused_by_name() {
    let client = || Kafka::builder("one:9092");
    let ms = Duration::from_millis;
    for (client, names) in [
        (
            client().reconnect_backoff(ms(20), ms(10)),
            "reconnect.backoff.max.ms",
        ),
        (
            client().retry_backoff(ms(20), ms(10)),
            "retry.backoff.max.ms",
        ),
        (
            client().connection_setup_timeout(60 * SECOND),
            "socket.connection.setup.timeout.max.ms",
        ),
    ] {
        let error = client.connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(names), "{names}: {error}");
    }
}

/// The first attempt tells more than the last, which has no time left.
#[tokio::test(start_paused = true)]
async fn the_end_of_the_time_is_told_with_what_failed_before() {
    let world = World::new(&["one:9092"]).await;
    let faults = world.broker.faults();
    faults.inject(when(ApiKey::METADATA).times(1).then([Step::Close]));
    faults.inject(when(ApiKey::METADATA).always().then([Step::Hold]));
    let connecting = world.client("one:9092").connect_timeout(2 * SECOND);
    let error = connecting.connect().await.unwrap_err().to_string();
    assert!(error.contains("longer than 2s"), "{error}");
    assert!(
        error.contains("the broker closed the connection"),
        "{error}"
    );
}
