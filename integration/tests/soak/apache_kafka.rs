//! On Apache Kafka itself: killed and started again while it is written to.

use std::time::Duration;

use integration::connector::CutProduceAnswers;
use integration::history::Loss;
use integration::kafka::NativeKafka;
use integration::soak::{self, Load};
use kafka_client::{Kafka, NewTopic, TcpConnector};
use tokio::time::Instant;

use crate::{length, resident_mib, turn};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn outcomes_are_true_over_kills_of_the_broker() {
    let _turn = turn().await;
    let mut broker = NativeKafka::start().await.unwrap();
    // Every 200th answer never arrives, and a second address is dead.
    let (connector, cuts) = CutProduceAnswers::every(200, TcpConnector);
    let bootstrap = format!("127.0.0.1:1,{}", broker.bootstrap());
    let kafka = Kafka::builder(bootstrap).connector(connector);
    let kafka = kafka.request_timeout(Duration::from_secs(5));
    let kafka = kafka.connect().await.unwrap();
    let new = NewTopic::new("steady").partitions(6);
    kafka.create_topic(&new).await.unwrap();
    let producer = kafka.producer().batch_size(1024).max_request_size(8 * 1024);
    let producer = producer.build().await.unwrap();
    let load = Load::start(&producer, "steady", 6, 8);

    let end = Instant::now() + length();
    let (mut kills, begin) = (0, resident_mib());
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_secs(4)).await;
        broker.kill().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100 * (kills % 20))).await;
        broker.restart().await.unwrap();
        kills += 1;
    }
    soak::assert_recovered(&producer, "steady", 6).await;
    soak::assert_well(&kafka, "127.0.0.1:1").await;
    let history = load.stop().await;
    let summary = soak::check(&kafka, "steady", 6, &history, Loss::Never).await;
    assert_eq!(producer.buffered_bytes(), 0);
    println!(
        "{kills} kills, {} cuts, {begin} to {} MiB: {summary:?}",
        cuts.count(),
        resident_mib()
    );
    assert!(kills > 0 && cuts.count() > 0 && summary.delivered > 1_000);
}
