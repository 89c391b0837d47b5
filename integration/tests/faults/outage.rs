//! A broker that is away, for a moment or for good: dials that are refused, silent, slow, or cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use integration::network::Network;
use integration::numbered::{self, enqueue};
use kafka_broker::Broker;
use kafka_client::producer::{Acks, Producer};
use kafka_client::record::Record;
use kafka_client::{Connector, Dialing, Kafka, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);
const ADDRESS: &str = "broker:9092";

/// A broker behind a network that a test controls, and a producer with every default.
struct Scene {
    broker: Broker,
    network: Network,
    producer: Producer,
}

impl Scene {
    async fn new(partitions: i32) -> Self {
        let broker = Broker::builder().memory().no_listener().seed(1);
        let broker = broker.advertise("broker", 9092).start().await.unwrap();
        broker.create_topic("orders", partitions).unwrap();
        let network = Network::new();
        network.route(ADDRESS, broker.connector());
        let kafka = Kafka::builder(ADDRESS).connector(network.clone()).seed(1);
        let producer = kafka.connect().await.unwrap().producer();
        Self {
            producer: producer.build().await.unwrap(),
            broker,
            network,
        }
    }

    /// The broker is away for so long.
    async fn outage(&self, how: fn(&Network, &str), length: Duration) {
        how(&self.network, ADDRESS);
        self.network.cut(ADDRESS);
        tokio::time::sleep(length).await;
        self.network.restore(ADDRESS);
    }
}

/// Issue 0 of the producer: after three refused dials nothing was ever sent again.
#[tokio::test(start_paused = true)]
async fn a_broker_that_was_away_for_a_moment_is_used_again_at_once() {
    for away in [100, 200, 300, 500, 2_000, 20_000] {
        let scene = Scene::new(3).await;
        numbered::send(&scene.producer, "orders", 3, 0..10).await;
        // Some are sent while it is away, and must not wait for those after.
        let deliveries = {
            let during = async {
                tokio::time::sleep(10 * MS).await;
                enqueue(&scene.producer, "orders", 3, 10..20).await
            };
            tokio::join!(scene.outage(Network::refuse, away * MS), during).1
        };
        let start = Instant::now();
        for (_, _, delivery) in deliveries {
            delivery.await.unwrap();
        }
        numbered::send(&scene.producer, "orders", 3, 20..30).await;
        let took = start.elapsed();
        assert!(took < 2 * SECOND, "{took:?} after {away} ms");
        for partition in 0..3 {
            assert_eq!(scene.broker.end_offset("orders", partition), Some(30));
        }
    }
}

/// The same without anything under way: the next send finds the connection gone.
#[tokio::test(start_paused = true)]
async fn a_send_after_an_outage_ends_within_two_seconds() {
    for how in [Network::refuse, Network::silence, Network::unresolvable] {
        let scene = Scene::new(1).await;
        let record = Record::to("orders").partition(0).value("v");
        scene.producer.send(record).await.unwrap();
        scene.outage(how, 500 * MS).await;
        let start = Instant::now();
        scene.producer.send(record).await.unwrap();
        assert!(start.elapsed() < 2 * SECOND, "{:?}", start.elapsed());
    }
}

/// Flush and close end with the outage, too.
#[tokio::test(start_paused = true)]
async fn flush_goes_on_after_an_outage() {
    let scene = Scene::new(2).await;
    numbered::send(&scene.producer, "orders", 2, 0..5).await;
    let deliveries = {
        let during = async {
            tokio::time::sleep(10 * MS).await;
            let deliveries = enqueue(&scene.producer, "orders", 2, 5..50).await;
            scene.producer.flush().await.unwrap();
            deliveries
        };
        tokio::join!(scene.outage(Network::refuse, 700 * MS), during).1
    };
    for (_, _, delivery) in deliveries {
        let verdict = futures::FutureExt::now_or_never(delivery);
        verdict.expect("it was flushed").unwrap();
    }
    scene.producer.close().await.unwrap();
}

/// Connections that are cut again and again, with dials that fail in between.
#[tokio::test(start_paused = true)]
async fn many_short_outages_lose_and_double_nothing() {
    let scene = Scene::new(3).await;
    let sending = numbered::send(&scene.producer, "orders", 3, 0..300);
    let failing = async {
        for n in 0..60 {
            let how = [Network::refuse, Network::unresolvable][n % 2];
            scene.outage(how, n as u32 * 5 * MS).await;
            tokio::time::sleep(20 * MS).await;
        }
    };
    tokio::join!(sending, failing);
    for partition in 0..3 {
        assert_eq!(scene.broker.end_offset("orders", partition), Some(300));
    }
}

/// Nothing is reached: a limit of the caller's own ends the wait, and tells what is left.
#[tokio::test(start_paused = true)]
async fn flush_and_close_end_at_the_limit_that_they_are_given() {
    let scene = Scene::new(1).await;
    numbered::send(&scene.producer, "orders", 1, 0..1).await;
    scene.network.refuse(ADDRESS);
    scene.network.cut(ADDRESS);
    let deliveries = enqueue(&scene.producer, "orders", 1, 1..8).await;
    let start = Instant::now();
    let left = scene.producer.flush_within(3 * SECOND).await.unwrap_err();
    assert_eq!((start.elapsed(), left.pending), (3 * SECOND, 7), "{left}");

    let left = scene.producer.clone().close_within(2 * SECOND).await;
    let left = left.unwrap_err();
    assert_eq!(start.elapsed(), 5 * SECOND);
    assert_eq!(
        (left.not_delivered + left.unknown, left.pending),
        (7, 0),
        "{left}"
    );
    assert!(left.first.is_some());
    for (_, _, delivery) in deliveries {
        let verdict = futures::FutureExt::now_or_never(delivery);
        verdict.expect("a verdict").unwrap_err();
    }
}

/// Leads to a broker that stops reading when it is told to.
struct Stalling {
    broker: kafka_broker::Connector,
    stalled: Arc<AtomicBool>,
}

impl Connector for Stalling {
    fn connect<'a>(&'a self, _: &'a str, _: u16) -> Dialing<'a> {
        let (near, far) = tokio::io::duplex(16 * 1024);
        let (mut from_client, mut to_client) = tokio::io::split(far);
        let (mut from_broker, mut to_broker) = tokio::io::split(self.broker.connect());
        let stalled = self.stalled.clone();
        tokio::spawn(async move { tokio::io::copy(&mut from_broker, &mut to_client).await });
        tokio::spawn(async move {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
                if stalled.load(Ordering::Relaxed) {
                    std::future::pending::<()>().await;
                }
                to_broker.write_all(&buffer[..count]).await.unwrap();
            }
        });
        Box::pin(async move { Ok(Box::new(near) as Box<dyn Stream>) })
    }
}

/// A peer that does not read any more, without acknowledgements: what is being written is given up with
/// its request, and the partition goes on.
#[tokio::test(start_paused = true)]
async fn a_write_that_never_ends_ends_with_its_request() {
    let broker = Broker::builder().memory().no_listener().seed(1);
    let broker = broker.start().await.unwrap();
    broker.create_topic("orders", 1).unwrap();
    let stalled = Arc::new(AtomicBool::new(false));
    let kafka = Kafka::builder(ADDRESS).connector(Stalling {
        broker: broker.connector(),
        stalled: stalled.clone(),
    });
    let kafka = kafka.request_timeout(3 * SECOND).connect().await.unwrap();
    let producer = kafka.producer().acks(Acks::None).build().await.unwrap();
    let record = Record::to("orders").partition(0);
    producer.send(record.value("v")).await.unwrap();
    stalled.store(true, Ordering::Relaxed);
    let large = vec![b'x'; 100_000];
    drop(producer.enqueue(record.value(&large)).await.unwrap());
    producer.flush_within(SECOND).await.unwrap_err();
    stalled.store(false, Ordering::Relaxed);
    let start = Instant::now();
    producer.send(record.value("after")).await.unwrap();
    assert!(start.elapsed() < 10 * SECOND, "{:?}", start.elapsed());
}
