//! On the reference broker in memory, behind a network that a test controls, in paused time.

use std::time::Duration;

use integration::history::{Loss, Summary};
use integration::network::Network;
use integration::soak::{self, Load};
use kafka_broker::{Broker, FaultHandle, Step, when, when_any};
use kafka_client::producer::Producer;
use kafka_client::{ErrorCode, Kafka, NewTopic};
use kafka_client_protocol::ApiKey;
use tokio::time::Instant;

use crate::{length, resident_mib};

const ADDRESS: &str = "broker:9092";
const MS: Duration = Duration::from_millis(1);

/// Refusals that a broker gives without having appended anything.
const BEFORE: [ErrorCode; 9] = [
    ErrorCode::NOT_LEADER_OR_FOLLOWER,
    ErrorCode::LEADER_NOT_AVAILABLE,
    ErrorCode::REQUEST_TIMED_OUT,
    ErrorCode::NOT_ENOUGH_REPLICAS,
    ErrorCode::KAFKA_STORAGE_ERROR,
    ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode::NETWORK_EXCEPTION,
    ErrorCode::CORRUPT_MESSAGE,
    ErrorCode::UNKNOWN_SERVER_ERROR,
];

/// Refusals that it may also give when it has.
const AFTER: [ErrorCode; 6] = [
    ErrorCode::REQUEST_TIMED_OUT,
    ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    ErrorCode::NOT_LEADER_OR_FOLLOWER,
    ErrorCode::KAFKA_STORAGE_ERROR,
    ErrorCode::NETWORK_EXCEPTION,
    ErrorCode::UNKNOWN_SERVER_ERROR,
];

/// What goes wrong, and the chance that decides.
struct Chaos {
    broker: Broker,
    network: Network,
    kafka: Kafka,
    random: fastrand::Rng,
    open: Vec<FaultHandle>,
}

impl Chaos {
    async fn one_more(&mut self) {
        let times = self.random.u64(1..6);
        let pause = self.random.u32(1..3_000) * MS;
        let before = BEFORE[self.random.usize(..BEFORE.len())];
        let after = AFTER[self.random.usize(..AFTER.len())];
        let partition = self.random.i32(0..3);
        let produce = when(ApiKey::PRODUCE).times(times);
        let faults = self.broker.faults();
        match self.random.u32(0..20) {
            0 => self.outage(Network::refuse, pause).await,
            1 => self.outage(Network::silence, pause).await,
            2 => self.outage(Network::unresolvable, pause).await,
            3 => {
                self.network.mute(ADDRESS);
                tokio::time::sleep(pause * 3).await;
                self.network.restore(ADDRESS);
            }
            4 => drop(self.network.cut(ADDRESS)),
            5 => self.network.delay(ADDRESS, self.random.u32(0..5) * MS),
            6 => self
                .open
                .push(faults.inject(produce.then([Step::Error(before)]))),
            7 => {
                let steps = [Step::Apply, Step::Error(after)];
                self.open.push(faults.inject(produce.then(steps)));
            }
            8 => {
                let steps = [Step::error_for("steady", partition, before)];
                self.open.push(faults.inject(produce.then(steps)));
            }
            9 => {
                let steps = [Step::Apply, Step::error_for("steady", partition, after)];
                self.open.push(faults.inject(produce.then(steps)));
            }
            10 => self.open.push(faults.inject(produce.then([Step::Close]))),
            11 => self
                .open
                .push(faults.inject(produce.then([Step::Apply, Step::Close]))),
            12 => self
                .open
                .push(faults.inject(produce.then([Step::Apply, Step::Reset]))),
            13 => self
                .open
                .push(faults.inject(produce.then([Step::Truncate(20)]))),
            14 => self
                .open
                .push(faults.inject(produce.then([Step::Corrupt(6)]))),
            15 => {
                let quota = [Step::Apply, Step::Throttle(pause)];
                self.open.push(faults.inject(produce.then(quota)));
            }
            16 => self
                .open
                .push(faults.inject(produce.then([Step::Delay(pause)]))),
            17 => {
                // The whole broker falls silent.
                let silent = faults.inject(when_any().always().then([Step::Silence]));
                tokio::time::sleep(pause * 3).await;
                silent.remove();
            }
            18 => {
                let odd = when(ApiKey::METADATA).times(times);
                let code = [
                    ErrorCode::LEADER_NOT_AVAILABLE,
                    ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                ];
                let code = code[self.random.usize(0..2)];
                let steps = [Step::error_for("steady", None, code)];
                self.open.push(faults.inject(odd.then(steps)));
            }
            _ => {
                let _ = self.kafka.delete_topic("reborn").await;
                tokio::time::sleep(pause / 10).await;
                let count = self.random.i32(2..5);
                let _ = self
                    .kafka
                    .create_topic(&NewTopic::new("reborn").partitions(count))
                    .await;
            }
        }
    }

    async fn outage(&self, how: fn(&Network, &str), length: Duration) {
        how(&self.network, ADDRESS);
        self.network.cut(ADDRESS);
        tokio::time::sleep(length).await;
        self.network.restore(ADDRESS);
    }

    fn heal(&mut self) {
        self.open.clear();
        self.broker.faults().clear();
        self.network.restore(ADDRESS);
        self.network.delay(ADDRESS, Duration::ZERO);
    }
}

async fn producer(kafka: &Kafka, small: bool) -> Producer {
    let producer = kafka.producer();
    let producer = match small {
        // Many batches under way, and some that run out of time.
        true => producer
            .batch_size(128)
            .max_request_size(1024)
            .delivery_timeout(4_000 * MS)
            .max_block(4_000 * MS),
        false => producer.delivery_timeout(20_000 * MS),
    };
    producer.build().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn outcomes_are_true_whatever_goes_wrong() {
    for seed in [1, 2] {
        let broker = Broker::builder().memory().no_listener().seed(seed);
        let broker = broker.advertise("broker", 9092).journal(false);
        let broker = broker.auto_create_topics(false).start().await.unwrap();
        let network = Network::new();
        network.route(ADDRESS, broker.connector());
        // A second address that is dead.
        network.silence("dead:9092");
        let client = Kafka::builder("dead:9092,broker:9092").connector(network.clone());
        let client = client.request_timeout(3_000 * MS).seed(seed);
        let kafka = client.connect().await.unwrap();
        for (topic, partitions) in [("steady", 3), ("small", 3), ("reborn", 3)] {
            broker.create_topic(topic, partitions).unwrap();
        }
        let (large, small) = (producer(&kafka, false).await, producer(&kafka, true).await);
        let loads = [
            Load::start(&large, "steady", 3, 4),
            Load::start(&small, "small", 3, 4),
            Load::start(&large, "reborn", 2, 2),
        ];
        let mut chaos = Chaos {
            broker,
            network,
            kafka: kafka.clone(),
            random: fastrand::Rng::with_seed(seed),
            open: Vec::new(),
        };
        let end = Instant::now() + length();
        let mut faults = 0;
        let begin = resident_mib();
        while Instant::now() < end {
            chaos.one_more().await;
            faults += 1;
            let pause = chaos.random.u32(100..4_000) * MS;
            tokio::time::sleep(pause).await;
        }
        chaos.heal();
        // The topic is there at the end.
        let _ = kafka
            .create_topic(&NewTopic::new("reborn").partitions(3))
            .await;
        soak::assert_recovered(&large, "steady", 3).await;
        soak::assert_recovered(&small, "small", 3).await;
        soak::assert_recovered(&large, "reborn", 2).await;
        soak::assert_well(&kafka, "dead:9092").await;

        let mut told = Vec::new();
        for load in loads {
            let (topic, count) = (load.topic().to_owned(), load.partitions());
            let loss = match topic.as_str() {
                "reborn" => Loss::WithTheTopic,
                _ => Loss::Never,
            };
            let history = load.stop().await;
            let summary = soak::check(&kafka, &topic, count, &history, loss).await;
            told.push((topic, summary));
        }
        assert_eq!(large.buffered_bytes() + small.buffered_bytes(), 0);
        println!(
            "seed {seed}, {faults} faults, {begin} to {} MiB: {told:?}",
            resident_mib()
        );
        let all = told.iter().map(|(_, summary)| *summary);
        assert!(
            all.clone().all(|Summary { delivered, .. }| delivered > 100),
            "{told:?}"
        );
    }
}
