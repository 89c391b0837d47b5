//! Each protocol with each mechanism carries records.

use integration::security::SecureKafka;
use kafka_client::Kafka;
use kafka_client::consumer::OffsetReset;
use kafka_client::record::Record;

use crate::site::{Embedded, Site, mechanisms};

/// Sends a record and reads it back as a member of a group.
pub(crate) async fn there_and_back(kafka: &Kafka, topic: &str) {
    let producer = kafka.producer().build().await.unwrap();
    let value = format!("value of {topic}");
    let record = Record::to(topic).value(&value);
    producer.send(record).await.unwrap();
    let consumer = kafka.consumer(topic).offset_reset(OffsetReset::Earliest);
    let mut consumer = consumer.subscribe([topic]).await.unwrap();
    let received = consumer.recv().await.unwrap();
    assert_eq!(received.value(), Some(value.as_bytes()));
    consumer.close().await.unwrap();
    producer.close().await.unwrap();
}

async fn matrix(site: &impl Site) {
    let mut cells = Vec::new();
    for listener in ["PLAINTEXT", "SSL", "MTLS"] {
        cells.push((listener, None));
    }
    for listener in ["SASL_PLAINTEXT", "SASL_SSL"] {
        for sasl in mechanisms() {
            cells.push((listener, Some(sasl)));
        }
    }
    for (number, (listener, sasl)) in cells.into_iter().enumerate() {
        println!("{listener} {sasl:?}");
        let kafka = site.client(listener, sasl).connect().await.unwrap();
        there_and_back(&kafka, &format!("cell-{number}")).await;
    }
}

#[tokio::test]
async fn every_protocol_carries_records() {
    matrix(&Embedded::start_with(&[]).await).await;
}

#[tokio::test]
#[ignore = "needs a container engine and KAFKA_JARS; .ci/run provides both"]
async fn every_protocol_carries_records_on_apache_kafka() {
    matrix(&SecureKafka::start_in_container().await.unwrap()).await;
}
