//! Produce with acks=0, which no answer is due to (lesson 23).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kafka_client::producer::Acks;
use kafka_client::record::Record;
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::metadata::MetadataRequest;
use kafka_client_protocol::api::produce::{ProduceRequest, ProduceResponse};
use kafka_client_protocol::frame::encode_response;

use super::edited::{Act, edit, edited};
use super::{World, member};

/// Some brokers answer all the same (Azure): the answers are dropped, and the connection lives.
#[tokio::test(start_paused = true)]
async fn answers_that_nobody_asked_for_are_dropped() {
    let world = World::new(&["one:9092"]).await;
    let answers = Arc::new(AtomicUsize::new(0));
    let peer = edited(world.broker.connector(), {
        let answers = answers.clone();
        move |header| {
            if header.api_key != ApiKey::PRODUCE {
                return edit::<MetadataRequest>(header, |metadata| {
                    metadata.brokers = vec![member(1, "one:9092")];
                });
            }
            answers.fetch_add(1, Ordering::Relaxed);
            let (version, id) = (header.api_version, header.correlation_id);
            let response = ProduceResponse::default();
            let frame = encode_response::<ProduceRequest>(&response, version, id).unwrap();
            Act::Instead(frame.to_bytes())
        }
    });
    world.network.route_to("one:9092", peer);
    let topic = world.topic("fire", 1);
    let kafka = world.client("one:9092").connect().await.unwrap();
    let producer = kafka.producer().acks(Acks::None).build().await.unwrap();
    for _ in 0..20 {
        producer.send(Record::to(topic).value("one")).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(answers.load(Ordering::Relaxed), 20);
    // For the client's metadata, the producer's, and its records.
    assert_eq!(world.network.dials("one:9092"), 3);
    producer.close().await.unwrap();
}
