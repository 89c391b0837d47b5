//! Quotas (KIP-219; part B, 12): the client sends nothing for the time that an answer gives, and
//! counts none of it as failure.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_client::consumer::{OffsetReset, TopicPartition};
use kafka_client::record::Record;
use kafka_client::{KafkaBuilder, NewTopic};
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::create_topics::CreateTopicsRequest;
use kafka_client_protocol::api::fetch::FetchRequest;
use kafka_client_protocol::api::metadata::MetadataRequest;
use kafka_client_protocol::api::produce::ProduceRequest;
use tokio::time::Instant;

use super::edited::{edit, edited};
use super::{SECOND, World, member, timed};

/// When requests of an API came.
type Times = Arc<Mutex<Vec<Instant>>>;

/// A cluster that gives this time to pause with the answers of one API.
async fn throttling(api: ApiKey, ms: i32) -> (World, Times) {
    let world = World::new(&["one:9092"]).await;
    let times = Times::default();
    let peer = edited(world.broker.connector(), {
        let times = times.clone();
        move |header| {
            if header.api_key == api {
                times.lock().unwrap().push(Instant::now());
            }
            let ms = if header.api_key == api { ms } else { 0 };
            match header.api_key {
                ApiKey::PRODUCE => {
                    edit::<ProduceRequest>(header, move |answer| answer.throttle_time_ms = ms)
                }
                ApiKey::FETCH => {
                    edit::<FetchRequest>(header, move |answer| answer.throttle_time_ms = ms)
                }
                ApiKey::CREATE_TOPICS => {
                    edit::<CreateTopicsRequest>(header, move |answer| answer.throttle_time_ms = ms)
                }
                _ => edit::<MetadataRequest>(header, |metadata| {
                    metadata.brokers = vec![member(1, "one:9092")];
                }),
            }
        }
    });
    world.network.route_to("one:9092", peer);
    (world, times)
}

/// With an answer due in a tenth of the pause.
fn client(world: &World) -> KafkaBuilder {
    world.client("one:9092").request_timeout(SECOND)
}

#[tokio::test(start_paused = true)]
async fn a_producer_pauses_as_it_is_told_and_nothing_fails() {
    let (world, times) = throttling(ApiKey::PRODUCE, 10_000).await;
    let topic = world.topic("orders", 1);
    let kafka = client(&world).connect().await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    for _ in 0..3 {
        producer.send(Record::to(topic).value("one")).await.unwrap();
    }
    let times = times.lock().unwrap().clone();
    assert_eq!(times.len(), 3, "none was sent twice");
    assert_eq!(times[1] - times[0], 10 * SECOND);
    assert_eq!(times[2] - times[1], 10 * SECOND);
    // For the client's metadata, the producer's, and its records: no connection was lost.
    assert_eq!(world.network.dials("one:9092"), 3);
    producer.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_consumer_pauses_as_it_is_told_and_nothing_fails() {
    let (world, times) = throttling(ApiKey::FETCH, 10_000).await;
    let topic = world.topic("orders", 1);
    let kafka = client(&world).connect().await.unwrap();
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    let mut reader = reader
        .assign([TopicPartition::new(topic, 0)])
        .await
        .unwrap();
    let nothing = tokio::time::timeout(35 * SECOND, reader.recv()).await;
    assert!(nothing.is_err());
    let times = times.lock().unwrap().clone();
    // At 0, 10.5, 21 and 31.5 seconds: the broker holds an empty fetch for half a second.
    assert_eq!(times.len(), 4);
    for pair in times.windows(2) {
        assert_eq!(pair[1] - pair[0], Duration::from_millis(10_500));
    }
    let dials = world.network.dials("one:9092");
    assert_eq!(dials, 3, "no connection was lost");
}

#[tokio::test(start_paused = true)]
async fn administration_pauses_as_it_is_told_and_nothing_fails() {
    let (world, times) = throttling(ApiKey::CREATE_TOPICS, 10_000).await;
    let kafka = client(&world).connect().await.unwrap();
    for (number, expected) in [(0, 0), (1, 10)] {
        let topic = NewTopic::new(format!("topic-{number}"));
        let (took, created) = timed(kafka.create_topic(&topic)).await;
        created.unwrap();
        assert_eq!(took, expected * SECOND);
    }
    assert_eq!(times.lock().unwrap().len(), 2);
}

/// A pause of weeks is not taken at its word.
#[tokio::test(start_paused = true)]
async fn no_pause_is_longer_than_a_minute() {
    let (world, times) = throttling(ApiKey::PRODUCE, i32::MAX).await;
    let topic = world.topic("orders", 1);
    let kafka = client(&world).connect().await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    for _ in 0..2 {
        producer.send(Record::to(topic).value("one")).await.unwrap();
    }
    let times = times.lock().unwrap().clone();
    assert_eq!(times[1] - times[0], 60 * SECOND);
    producer.close().await.unwrap();
}
