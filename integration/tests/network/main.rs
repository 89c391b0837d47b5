//! Networks that fail, in memory and with paused time: whom a client dials, how long it waits, and
//! what it says.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod acks;
mod coordinators;
mod dialing;
mod edited;
mod fetching;
mod outages;
mod runtimes;
mod throttle;
mod whom;

use std::time::Duration;

use integration::network::Network;
use kafka_broker::Broker;
use kafka_client::{Kafka, KafkaBuilder};
use kafka_client_protocol::api::metadata::{MetadataRequest, MetadataResponseBroker};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// One broker that plays a cluster: it is reached at several addresses, and its metadata names a
/// broker at each, from number 1 on, which is the broker itself. It leads every partition.
struct World {
    broker: Broker,
    network: Network,
}

impl World {
    async fn new(addresses: &[&'static str]) -> Self {
        let mut broker = Broker::builder().memory().no_listener().seed(1);
        if let Some((host, port)) = addresses.first().and_then(|at| at.rsplit_once(':')) {
            // What FindCoordinator answers.
            broker = broker.advertise(host, port.parse().unwrap());
        }
        let broker = broker.property("node.id", "1").start().await.unwrap();
        let network = Network::new();
        let brokers: Vec<_> = (1..)
            .zip(addresses)
            .map(|(id, at)| member(id, at))
            .collect();
        for address in addresses {
            let brokers = brokers.clone();
            let peer = edited::edited(broker.connector(), move |header| {
                let brokers = brokers.clone();
                edited::edit::<MetadataRequest>(header, |metadata| metadata.brokers = brokers)
            });
            network.route_to(address, peer);
        }
        Self { broker, network }
    }

    /// A client that knows these addresses.
    fn client(&self, bootstrap: &str) -> KafkaBuilder {
        let connector = self.network.clone();
        Kafka::builder(bootstrap).connector(connector).seed(1)
    }

    fn topic(&self, name: &'static str, partitions: i32) -> &'static str {
        self.broker.create_topic(name, partitions).unwrap();
        name
    }

    /// The connections to all addresses.
    fn open(&self, addresses: &[&str]) -> usize {
        addresses
            .iter()
            .map(|address| self.network.open(address))
            .sum()
    }
}

/// A broker of the metadata.
fn member(node_id: i32, address: &str) -> MetadataResponseBroker {
    let (host, port) = address.rsplit_once(':').unwrap();
    MetadataResponseBroker {
        node_id,
        host: host.into(),
        port: port.parse().unwrap(),
        ..Default::default()
    }
}

/// How long it took, and what came of it.
async fn timed<T>(future: impl Future<Output = T>) -> (Duration, T) {
    let begin = Instant::now();
    let result = future.await;
    (begin.elapsed(), result)
}
