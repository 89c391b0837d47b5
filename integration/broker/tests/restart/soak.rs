//! A load while the program is killed, stopped and continued, and connections are cut: every outcome
//! that was told is true against the log.
//!
//! Twenty seconds in CI; `SOAK_SECONDS=900 cargo test -p kafka-broker --test restart soak -- --nocapture` is the
//! long run.
use std::time::Duration;

use integration::connector::CutProduceAnswers;
use integration::history::Loss;
use integration::soak::{self, Load};
use kafka_client::{Kafka, NewTopic, TcpConnector};
use tokio::time::Instant;

use crate::program::Program;

const PARTITIONS: i32 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outcomes_are_true_over_kills_and_pauses_of_the_program() {
    let seconds = std::env::var("SOAK_SECONDS").ok();
    let length = seconds.map_or(20, |seconds| seconds.parse().unwrap());
    let data = tempfile::tempdir().unwrap();
    let (program, address) = Program::start("127.0.0.1:0", data.path());
    let mut program = Some(program);
    // Every 500th answer never arrives, and a second address is dead.
    let (connector, cuts) = CutProduceAnswers::every(500, TcpConnector);
    let kafka = Kafka::builder(format!("127.0.0.1:1,{address}")).connector(connector);
    let kafka = kafka.request_timeout(Duration::from_secs(3));
    let kafka = kafka.connect().await.unwrap();
    let new = NewTopic::new("steady").partitions(PARTITIONS);
    kafka.create_topic(&new).await.unwrap();
    let producer = kafka.producer().batch_size(1024).max_request_size(8 * 1024);
    let producer = producer.build().await.unwrap();
    let load = Load::start(&producer, "steady", PARTITIONS, 8);

    let mut random = fastrand::Rng::with_seed(1);
    let end = Instant::now() + Duration::from_secs(length);
    let (mut kills, mut pauses) = (0, 0);
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(random.u64(200..3_000))).await;
        let away = Duration::from_millis(random.u64(0..2_000));
        if random.bool() {
            kills += 1;
            program.take().unwrap().kill();
            tokio::time::sleep(away).await;
            program = Some(Program::start(&address, data.path()).0);
        } else {
            // Longer than a request may take, now and then.
            pauses += 1;
            let program = program.as_ref().unwrap();
            program.pause();
            tokio::time::sleep(away * 2).await;
            program.go_on();
        }
    }
    soak::assert_recovered(&producer, "steady", PARTITIONS).await;
    soak::assert_well(&kafka, "127.0.0.1:1").await;
    let history = load.stop().await;
    let summary = soak::check(&kafka, "steady", PARTITIONS, &history, Loss::Never).await;
    assert_eq!(producer.buffered_bytes(), 0);
    println!(
        "{kills} kills, {pauses} pauses, {} cuts: {summary:?}",
        cuts.count()
    );
    assert!(kills + pauses > 2 && summary.delivered > 1_000);
}
