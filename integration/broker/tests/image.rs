//! The container image takes the place of `apache/kafka`: started as that is, used through the mapped port.
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a failed unwrap is the message"
)]

use integration::kafka::KafkaContainer;
use integration::partitions;
use kafka_client::Kafka;
use kafka_client::consumer::OffsetReset;
use kafka_client::record::Record;

#[tokio::test]
#[ignore = "needs a container engine and KAFKA_TEST_BROKER_IMAGE, which .ci/broker-image prints"]
async fn records_go_through_the_broker_in_a_container() {
    let image = std::env::var("KAFKA_TEST_BROKER_IMAGE").expect("see .ci/broker-image");
    let (name, tag) = image.rsplit_once(':').unwrap();
    // Also what a variable sets holds.
    let settings = [("num.partitions", "2")];
    let container = KafkaContainer::start_image(name, tag, &settings)
        .await
        .unwrap();
    let kafka = Kafka::connect(container.bootstrap()).await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    for partition in 0..2 {
        let record = Record::to("t").partition(partition).value("through a port");
        let delivered = producer.send(record).await.unwrap();
        assert_eq!(delivered.offset, Some(0));
    }
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign(partitions("t", 2)).await.unwrap();
    for _ in 0..2 {
        let record = reader.recv().await.unwrap();
        assert_eq!(record.value(), Some(&b"through a port"[..]));
    }
    producer.close().await.unwrap();
}
