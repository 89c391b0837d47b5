//! A coordinator that restarts in the middle of a rebalance.

use std::sync::{Arc, Mutex};

use integration::network::Network;
use kafka_broker::{Broker, Step, when};
use kafka_client::consumer::{ConsumerBuilder, OffsetReset, RebalanceEvent, TopicPartition};
use kafka_client::record::Record;
use kafka_client::{ErrorCode, Kafka};
use kafka_client_protocol::ApiKey;
use tempfile::TempDir;

use super::SECOND;

const ADDRESS: &str = "one:9092";

async fn broker(directory: &TempDir, network: &Network) -> Broker {
    let builder = Broker::builder().no_listener().advertise("one", 9092);
    let broker = builder.data_dir(directory.path()).start().await.unwrap();
    network.route(ADDRESS, broker.connector());
    broker
}

/// The group had moved to a generation that brought no assignment yet, so that the coordinator has not stored it:
/// it restarts in the one before, and refuses the later one. What the member owns in the one before is its own
/// still, and what was processed is stored.
#[tokio::test]
async fn a_member_falls_back_with_its_coordinator() {
    let directory = TempDir::new().unwrap();
    let network = Network::new();
    let first = broker(&directory, &network).await;
    first.create_topic("work", 1).unwrap();
    let kafka = Kafka::builder(ADDRESS).connector(network.clone());
    let kafka = kafka.connect().await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    producer.send(Record::to("work").value("v")).await.unwrap();

    let events: Arc<Mutex<Vec<RebalanceEvent>>> = Arc::default();
    let told = events.clone();
    let member = |group: ConsumerBuilder| {
        let group = group.offset_reset(OffsetReset::Earliest);
        group.auto_commit(3600 * SECOND)
    };
    let one = member(kafka.consumer("workers"))
        .heartbeat_interval(SECOND / 10)
        .on_rebalance(move |event| told.lock().unwrap().push(event.clone()));
    let mut one = one.subscribe(["work"]).await.unwrap();
    one.recv().await.unwrap();
    one.commit().await.unwrap();
    producer.send(Record::to("work").value("w")).await.unwrap();
    one.recv().await.unwrap();

    // The leader's assignment does not arrive, and its next join is held.
    let faults = first.faults();
    let busy = Step::Error(ErrorCode::REBALANCE_IN_PROGRESS);
    let busy = faults.inject(when(ApiKey::SYNC_GROUP).always().then([busy]));
    let other = member(kafka.consumer("workers"));
    let other = other.subscribe(["work"]).await.unwrap();
    integration::eventually("the new generation is refused", async || busy.hits() > 0).await;
    network.refuse(ADDRESS);
    network.cut(ADDRESS);
    first.crash().await;

    let second = broker(&directory, &network).await;
    let held = when(ApiKey::JOIN_GROUP).always().then([Step::Hold]);
    let held = second.faults().inject(held);
    network.restore(ADDRESS);
    integration::eventually("it joins again", async || held.hits() > 0).await;
    one.close_within(4 * SECOND).await.unwrap();
    drop(other);

    let events = std::mem::take(&mut *events.lock().unwrap());
    let lost = events
        .iter()
        .any(|event| matches!(event, RebalanceEvent::Lost(_)));
    assert!(!lost, "{events:?}");
    held.remove();
    let asking = member(kafka.consumer("workers")).subscribe(["work"]);
    let asking = asking.await.unwrap();
    let at = TopicPartition::new("work", 0);
    let committed = asking.handle().committed(std::slice::from_ref(&at)).await;
    assert_eq!(committed.unwrap().get(&at), Some(&2));
}
