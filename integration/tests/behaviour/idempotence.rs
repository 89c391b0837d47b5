//! Idempotence: answers are lost, again and again, and no record is lost, doubled or out of order.

use integration::connector::CutProduceAnswers;
use integration::numbered::{self, receive};
use integration::{TestCluster, partitions};
use kafka_broker::{Broker, Step, when};
use kafka_client::consumer::OffsetReset;
use kafka_client::producer::Compression;
use kafka_client::{ErrorCode, Kafka, TcpConnector};
use kafka_client_protocol::ApiKey;

behaviours![
    lost_answers_double_nothing_and_keep_the_order,
    lost_answers_of_one_batch_at_a_time,
];

async fn cut(cluster: &TestCluster, every: u64, in_flight: usize, numbers: u64) -> u64 {
    const PARTITIONS: i32 = 3;
    let topic = cluster.topic("cut", PARTITIONS).await;
    let (connector, cuts) = CutProduceAnswers::every(every, TcpConnector);
    let kafka = cluster
        .client()
        .connector(connector)
        .connect()
        .await
        .unwrap();
    let producer = kafka
        .producer()
        // Small batches: many of them, several of each partition under way.
        .batch_size(1024)
        .max_request_size(8 * 1024)
        .max_in_flight(in_flight)
        .compression(Compression::Lz4)
        .build()
        .await
        .unwrap();
    numbered::send(&producer, &topic, PARTITIONS, 0..numbers).await;

    let reader = cluster.kafka().await.reader();
    let reader = reader.offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign(partitions(&topic, PARTITIONS)).await.unwrap();
    let received = receive(&mut reader, PARTITIONS as usize * numbers as usize).await;
    received.assert_is(PARTITIONS, 0..numbers);
    let ends = reader
        .handle()
        .offsets(&partitions(&topic, PARTITIONS))
        .await;
    for (partition, (_, next)) in ends.unwrap() {
        assert_eq!(
            next, numbers as i64,
            "{partition} has that many and no more"
        );
    }
    cuts.count()
}

async fn lost_answers_double_nothing_and_keep_the_order(cluster: &TestCluster) {
    let cuts = cut(cluster, 7, 5, 10_000).await;
    assert!(cuts >= 20, "only {cuts} cuts");
}

async fn lost_answers_of_one_batch_at_a_time(cluster: &TestCluster) {
    let cuts = cut(cluster, 2, 1, 3_000).await;
    assert!(cuts >= 10, "only {cuts} cuts");
}

/// A leader that does not know a producer takes whatever sequence comes first. So a second batch
/// must not be under way while a new leader may still refuse the first, as it does before it has
/// learnt of its partition.
#[tokio::test]
async fn a_first_batch_that_is_refused_for_the_moment_is_not_overtaken() {
    const NUMBERS: u64 = 1_000;
    let broker = Broker::builder().start().await.unwrap();
    broker.create_topic("young", 1).unwrap();
    let fault = when(ApiKey::PRODUCE).then([Step::Error(ErrorCode::NOT_LEADER_OR_FOLLOWER)]);
    let refused = broker.faults().inject(fault);
    let kafka = Kafka::connect(broker.bootstrap()).await.unwrap();
    let producer = kafka.producer().batch_size(1024).max_request_size(2 * 1024);
    let producer = producer.build().await.unwrap();
    // Checks that the offset of each is its number.
    numbered::send(&producer, "young", 1, 0..NUMBERS).await;
    assert_eq!(refused.hits(), 1);
}
