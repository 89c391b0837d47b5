//! Every loop of the client that dials, through every kind of outage: refused, silent, slow, cut in
//! the middle, gone for a moment.

use std::time::Duration;

use integration::connector::InMemory;
use integration::network::Network;
use integration::numbered;
use kafka_client::consumer::{Consumer, OffsetReset, TopicPartition};
use kafka_client::{Kafka, KafkaBuilder, NewTopic};

use super::{SECOND, World, timed};

const ADDRESS: &str = "one:9092";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outage {
    /// The broker is down: connections end, dials are refused.
    Refused,
    /// A partition of the network: nothing arrives, and nobody says so.
    Silent,
    /// Everything takes 0.7 seconds each way.
    Slow,
    /// Connections end again and again while they are used.
    Cut,
    /// As refused, for 300 ms.
    Moment,
}

impl Outage {
    const ALL: [Self; 5] = [
        Self::Refused,
        Self::Silent,
        Self::Slow,
        Self::Cut,
        Self::Moment,
    ];

    async fn happens(self, network: &Network) {
        let network = network.clone();
        match self {
            Self::Refused => gone(&network, 3 * SECOND).await,
            Self::Moment => gone(&network, Duration::from_millis(300)).await,
            Self::Silent => {
                network.mute(ADDRESS);
                network.silence(ADDRESS);
                tokio::time::sleep(3 * SECOND).await;
                network.restore(ADDRESS);
            }
            Self::Slow => {
                network.delay(ADDRESS, Duration::from_millis(700));
                tokio::time::sleep(3 * SECOND).await;
                network.delay(ADDRESS, Duration::ZERO);
            }
            Self::Cut => {
                network.delay(ADDRESS, Duration::from_millis(30));
                for _ in 0..30 {
                    network.cut(ADDRESS);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                network.delay(ADDRESS, Duration::ZERO);
            }
        }
    }

    /// How long after its end everything is as before at the latest.
    fn recovery(self) -> Duration {
        match self {
            // What waits in vain is noticed at its limits.
            Self::Silent => 5 * SECOND,
            // The longest wait between two attempts is a second, and a fifth more.
            _ => 2 * SECOND,
        }
    }
}

async fn gone(network: &Network, time: Duration) {
    network.refuse(ADDRESS);
    network.cut(ADDRESS);
    tokio::time::sleep(time).await;
    network.restore(ADDRESS);
}

/// Runs `work` from the beginning of the outage on, and measures how long after it the work is
/// done.
async fn through<T>(outage: Outage, network: &Network, work: impl Future<Output = T>) -> T {
    let work = tokio::time::timeout(120 * SECOND, work);
    let (ended, (took, done)) = tokio::join!(timed(outage.happens(network)), timed(work));
    let done = done.unwrap_or_else(|_| panic!("{outage:?}: never done"));
    let late = took.saturating_sub(ended.0);
    assert!(late <= outage.recovery(), "{outage:?}: {late:?} too late");
    done
}

fn client(world: &World) -> KafkaBuilder {
    world
        .client(ADDRESS)
        .connection_setup_timeout(2 * SECOND)
        .connection_setup_timeout_max(2 * SECOND)
        .request_timeout(2 * SECOND)
        .connect_timeout(60 * SECOND)
}

async fn world() -> (World, Kafka) {
    let world = World::new(&[ADDRESS]).await;
    let kafka = client(&world).connect().await.unwrap();
    world.topic("numbers", 1);
    produce(&kafka, 0..10).await;
    (world, kafka)
}

async fn produce(kafka: &Kafka, numbers: std::ops::Range<u64>) {
    let producer = kafka.producer().build().await.unwrap();
    numbered::send(&producer, "numbers", 1, numbers).await;
    producer.close().await.unwrap();
}

fn partition() -> TopicPartition {
    TopicPartition::new("numbers", 0)
}

async fn receive(consumer: &mut Consumer, from: i64, to: i64) {
    for offset in from..to {
        assert_eq!(consumer.recv().await.unwrap().offset(), offset);
    }
}

#[tokio::test(start_paused = true)]
async fn connecting_survives_every_outage() {
    for outage in Outage::ALL {
        let world = World::new(&[ADDRESS]).await;
        let connecting = client(&world).connect();
        through(outage, &world.network, connecting).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn administration_survives_every_outage() {
    for outage in Outage::ALL {
        let (world, kafka) = world().await;
        let topic = NewTopic::new("new").partitions(1);
        let created = through(outage, &world.network, kafka.create_topic(&topic)).await;
        // The answer to an attempt that was applied may have been lost.
        if let Err(error) = created {
            let code = Some(kafka_client::ErrorCode::TOPIC_ALREADY_EXISTS);
            assert_eq!(error.code(), code, "{outage:?}: {error:?}");
        }
    }
}

/// InitProducerId, the first metadata of a topic, and the sink.
#[tokio::test(start_paused = true)]
async fn a_producer_that_starts_survives_every_outage() {
    for outage in Outage::ALL {
        let (world, kafka) = world().await;
        through(outage, &world.network, produce(&kafka, 10..20)).await;
        let end = world.broker.end_offset("numbers", 0);
        assert_eq!(end, Some(20), "{outage:?}: each once");
    }
}

/// Metadata, ListOffsets and the first fetch.
#[tokio::test(start_paused = true)]
async fn a_reader_that_starts_survives_every_outage() {
    for outage in Outage::ALL {
        let (world, kafka) = world().await;
        let reading = async {
            let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
            let mut reader = reader.assign([partition()]).await.unwrap();
            receive(&mut reader, 0, 10).await;
        };
        through(outage, &world.network, reading).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_survives_every_outage() {
    for outage in Outage::ALL {
        let (world, kafka) = world().await;
        let untouched = Kafka::builder("any:9092").connector(InMemory(world.broker.connector()));
        let untouched = untouched.connect().await.unwrap();
        let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
        let mut reader = reader.assign([partition()]).await.unwrap();
        receive(&mut reader, 0, 10).await;
        let reading = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            produce(&untouched, 10..11).await;
            receive(&mut reader, 10, 11).await;
        };
        through(outage, &world.network, reading).await;
    }
}

#[tokio::test(start_paused = true)]
async fn list_offsets_survives_every_outage() {
    for outage in Outage::ALL {
        let (world, kafka) = world().await;
        let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
        let reader = reader.assign([partition()]).await.unwrap();
        let handle = reader.handle();
        let partitions = [partition()];
        let offsets = through(outage, &world.network, handle.offsets(&partitions)).await;
        assert_eq!(offsets.unwrap()[&partition()], (0, 10), "{outage:?}");
    }
}

/// FindCoordinator and the coordinator's connection, from joining to a commit.
#[tokio::test(start_paused = true)]
async fn a_member_that_joins_survives_every_outage() {
    for outage in Outage::ALL {
        let (world, kafka) = world().await;
        let reading = async {
            let consumer = kafka.consumer("group").offset_reset(OffsetReset::Earliest);
            let mut consumer = consumer.subscribe(["numbers"]).await.unwrap();
            receive(&mut consumer, 0, 10).await;
            consumer.commit().await.unwrap();
            consumer
        };
        let consumer = through(outage, &world.network, reading).await;
        consumer.close().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_survives_every_outage() {
    for outage in Outage::ALL {
        let (world, kafka) = world().await;
        let consumer = kafka.consumer("group").offset_reset(OffsetReset::Earliest);
        let mut consumer = consumer.subscribe(["numbers"]).await.unwrap();
        receive(&mut consumer, 0, 10).await;
        through(outage, &world.network, consumer.commit())
            .await
            .unwrap();
        consumer.close().await.unwrap();
    }
}
