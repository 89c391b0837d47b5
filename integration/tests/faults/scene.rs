//! A broker behind a network that a test controls, with a producer, and the client's log.

use integration::network::Network;
use kafka_broker::{Broker, Builder};
use kafka_client::producer::Producer;
use kafka_client::{Kafka, KafkaBuilder};

use super::log::Log;

pub(super) const ADDRESS: &str = "broker:9092";

/// The broker has the topic "orders", of one partition.
pub(super) struct Scene {
    pub(super) broker: Broker,
    pub(super) network: Network,
    pub(super) kafka: Kafka,
    pub(super) producer: Producer,
    pub(super) log: Log,
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::with(|broker| broker, |kafka| kafka).await
    }

    pub(super) async fn with(
        broker: impl FnOnce(Builder) -> Builder,
        client: impl FnOnce(KafkaBuilder) -> KafkaBuilder,
    ) -> Self {
        let log = Log::capture();
        let builder = Broker::builder().memory().no_listener().seed(1);
        let builder = broker(builder.advertise("broker", 9092));
        let broker = builder.start().await.unwrap();
        broker.create_topic("orders", 1).unwrap();
        let network = Network::new();
        network.route(ADDRESS, broker.connector());
        let kafka = Kafka::builder(ADDRESS).connector(network.clone()).seed(1);
        let kafka = client(kafka).connect().await.unwrap();
        let producer = kafka.producer().build().await.unwrap();
        Self {
            broker,
            network,
            kafka,
            producer,
            log,
        }
    }
}
