//! How much a fetch gives, and when.

use std::time::Duration;

use kafka_broker::Broker;
use kafka_client_protocol::api::fetch::FetchRequest;
use kafka_client_protocol::records::Batches;
use tokio::time::Instant;

use crate::support::{Client, batch, fetch_request, one, records, start};

/// A topic `t` with ten batches of one record, three to a segment.
async fn with_segments() -> (Broker, Client, usize) {
    let broker = start(Broker::builder()).await;
    let size = batch(&["v0"]).len();
    let segment = (3 * size).to_string();
    let configs = [("internal.segment.bytes", segment.as_str())];
    broker.create_topic_with("t", 1, configs).unwrap();
    let mut client = Client::new(&broker);
    for n in 0..10 {
        client.produce("t", 0, batch(&[&format!("v{n}")])).await;
    }
    (broker, client, size)
}

fn patient(offset: i64, min_bytes: usize) -> FetchRequest {
    FetchRequest {
        min_bytes: min_bytes as i32,
        max_wait_ms: 30_000,
        ..fetch_request("t", 0, offset)
    }
}

#[tokio::test(start_paused = true)]
async fn a_backlog_in_an_older_segment_is_given_at_once_whatever_min_bytes() {
    let (_broker, mut client, size) = with_segments().await;
    for offset in 0..9 {
        let asked = Instant::now();
        let mut answer = client.call(&patient(offset, 50 * size), 12).await;
        assert_eq!(asked.elapsed(), Duration::ZERO, "offset {offset}");
        assert!(!records(&one(&mut answer)).is_empty());
    }
    let asked = Instant::now();
    client.call(&patient(9, 50 * size), 12).await;
    let waited = asked.elapsed();
    assert_eq!(waited, Duration::from_secs(30), "in the active segment");
}

#[tokio::test(start_paused = true)]
async fn a_roll_ends_the_wait_of_a_fetch_that_has_too_little_before_it() {
    let (broker, mut client, size) = with_segments().await;
    let request = patient(9, 50 * size);
    let asked = Instant::now();
    let correlation_id = client.send(&request, 12).await;
    let mut writer = Client::new(&broker);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        writer.produce("t", 0, batch(&["v0"])).await;
    }
    let answer = client.receive::<FetchRequest>(12, correlation_id).await;
    assert_eq!(asked.elapsed(), Duration::from_secs(3));
    assert_eq!(records(&one(&mut answer.unwrap())).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn min_bytes_counts_a_piece_of_a_batch_at_the_limit() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    let size = batch(&["v"]).len();
    client.produce("t", 0, batch(&["v"])).await;
    client.produce("t", 0, batch(&["v"])).await;
    let mut request = patient(0, size + 10);
    request.topics[0].partitions[0].partition_max_bytes = size as i32 + 20;
    let asked = Instant::now();
    let mut answer = client.call(&request, 12).await;
    assert_eq!(asked.elapsed(), Duration::ZERO);
    let data = one(&mut answer);
    assert_eq!(data.records.as_ref().unwrap().len(), size + 20);
    assert_eq!(records(&data).len(), 1);

    // What one partition may give at most is less than what is waited for.
    request.topics[0].partitions[0].partition_max_bytes = size as i32 + 5;
    let asked = Instant::now();
    client.call(&request, 12).await;
    assert_eq!(asked.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn min_bytes_over_the_limit_of_the_answer_count_as_that_limit() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    client.produce("t", 0, batch(&["v"])).await;
    client.produce("t", 0, batch(&["v"])).await;
    let mut request = patient(0, 1 << 20);
    request.max_bytes = 100;
    let asked = Instant::now();
    client.call(&request, 12).await;
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn only_the_first_batch_of_an_answer_is_whole_for_sure() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 2).unwrap();
    let mut client = Client::new(&broker);
    let size = batch(&["v"]).len();
    for partition in 0..2 {
        for _ in 0..3 {
            client.produce("t", partition, batch(&["v"])).await;
        }
    }
    let mut request = fetch_request("t", 0, 0);
    let mut second = request.topics[0].partitions[0].clone();
    second.partition = 1;
    request.topics[0].partitions.push(second);
    let mut sizes = Vec::new();
    for max_bytes in [
        0,
        1,
        size,
        size + 1,
        2 * size - 1,
        4 * size - 1,
        4 * size + 7,
    ] {
        request.max_bytes = max_bytes as i32;
        let answer = client.call(&request, 12).await;
        let given = answer.responses[0].partitions.iter();
        let given: Vec<usize> = given
            .map(|data| {
                let bytes = data.records.clone().unwrap();
                let whole = Batches::new(bytes.clone()).filter(Result::is_ok).count();
                assert_eq!(whole, bytes.len() / size, "{max_bytes}");
                bytes.len()
            })
            .collect();
        sizes.push(given);
    }
    let expected = [
        [size, 0],
        [size, 0],
        [size, 0],
        [size + 1, 0],
        [2 * size - 1, 0],
        // What is left is less than a batch, and this one is not the first.
        [3 * size, 0],
        [3 * size, size + 7],
    ];
    assert_eq!(sizes, expected);
}
