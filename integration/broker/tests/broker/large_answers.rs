//! Answers that are read from files while they are sent: they have what those have that are read before.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use kafka_broker::{Broker, DiskFault, MemoryDisk, Step, when};
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::fetch::{FetchPartition, FetchRequest};
use kafka_client_protocol::records::Batches;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Client, batch, fetch_request, produce_request, records, start};

const PARTITIONS: i32 = 5;

/// The n-th record's value: of another length for each.
fn value(n: usize) -> String {
    format!("{n}-{}", "x".repeat(n % 7 * 9_000))
}

/// Partitions 0 and 3 have more than an answer gives of one, 1 has little, 2 nothing, 4 one large batch.
async fn filled(broker: &Broker) -> Vec<Vec<String>> {
    broker.create_topic("t", PARTITIONS).unwrap();
    let mut client = Client::new(broker);
    let mut all = vec![Vec::new(); PARTITIONS as usize];
    for (partition, count) in [(0, 60), (1, 2), (3, 45)] {
        for n in 0..count {
            let value = value(n);
            let answer = client.produce("t", partition, batch(&[&value])).await;
            assert_eq!(answer.error_code, 0);
            all[partition as usize].push(value);
        }
    }
    let large = "y".repeat(900_000);
    let request = produce_request("t", 4, batch(&[&large]));
    assert_eq!(
        client.call(&request, 12).await.responses[0].partition_responses[0].error_code,
        0
    );
    all[4].push(large);
    all
}

fn request(offsets: &[i64], partition_max_bytes: i32) -> FetchRequest {
    let mut request = fetch_request("t", 0, 0);
    request.topics[0].partitions = (0..)
        .zip(offsets)
        .map(|(partition, offset)| FetchPartition {
            partition,
            fetch_offset: *offset,
            partition_max_bytes,
            ..Default::default()
        })
        .collect();
    request
}

/// Reads all partitions to their ends, many bytes at a time; the largest answer of one partition.
async fn read_all(client: &mut Client, partition_max_bytes: i32) -> (Vec<Vec<String>>, usize) {
    let mut all = vec![Vec::new(); PARTITIONS as usize];
    let mut largest = 0;
    loop {
        let offsets: Vec<i64> = all.iter().map(|values| values.len() as i64).collect();
        let answer = client
            .call(&request(&offsets, partition_max_bytes), 12)
            .await;
        let before = offsets.iter().sum::<i64>();
        for data in &answer.responses[0].partitions {
            let values: &mut Vec<String> = &mut all[data.partition_index as usize];
            assert_eq!(data.error_code, 0);
            let records = data.records.clone().unwrap_or_default();
            largest = largest.max(records.len());
            for batch in Batches::new(records) {
                // The last one may be cut.
                let Ok(batch) = batch else { break };
                batch.verify_crc().unwrap();
                let mut records = batch.records(1 << 30).unwrap();
                while let Some(record) = records.next_record() {
                    let record = record.unwrap();
                    assert_eq!(record.offset, values.len() as i64);
                    let value = record.value.unwrap().to_vec();
                    values.push(String::from_utf8(value).unwrap());
                }
            }
        }
        if all.iter().map(|values| values.len() as i64).sum::<i64>() == before {
            return (all, largest);
        }
    }
}

/// One that listens, with its files in a directory.
async fn listening(dir: &Path) -> Broker {
    let builder = Broker::builder().data_dir(dir);
    let builder = builder.write_timeout(Duration::from_millis(300));
    builder.start().await.unwrap()
}

async fn tcp(broker: &Broker) -> Client {
    let stream = TcpStream::connect(broker.bootstrap()).await.unwrap();
    Client::over(stream, "test")
}

/// One batch for each of so many megabytes, in the first partition.
async fn megabytes(broker: &Broker, count: usize) -> Vec<String> {
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(broker);
    let mut all = Vec::new();
    for n in 0..count {
        let value = format!("{n}-{}", "x".repeat(1_000_000));
        let sent = client.produce("t", 0, batch(&[&value])).await;
        assert_eq!(sent.error_code, 0);
        all.push(value);
    }
    all
}

fn all_of_it() -> FetchRequest {
    FetchRequest {
        max_bytes: 50 << 20,
        ..request(&[0], 50 << 20)
    }
}

#[tokio::test]
async fn they_have_what_is_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let broker = listening(dir.path()).await;
    let expected = filled(&broker).await;
    // As copies, and from the file to the socket.
    for mut client in [Client::new(&broker), tcp(&broker).await] {
        // Chunks end in all places; the last does not stay in its file.
        for (max_bytes, largest_min) in [(4 << 20, 1_500_000), (300_001, 300_000), (70_000, 60_000)]
        {
            let (all, largest) = read_all(&mut client, max_bytes).await;
            assert!(all == expected, "{max_bytes}");
            assert!(largest >= largest_min, "{largest} of {max_bytes}");
        }
    }
}

#[tokio::test]
async fn a_socket_that_is_full_gets_the_rest_when_it_has_room() {
    let dir = tempfile::tempdir().unwrap();
    let broker = listening(dir.path()).await;
    let expected = megabytes(&broker, 24).await;
    let mut client = tcp(&broker).await;
    // More than the system holds for a connection, and it has to be fetched again all the same.
    for _ in 0..3 {
        let number = client.send(&all_of_it(), 12).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let answer = client.receive::<FetchRequest>(12, number).await.unwrap();
        let read = records(&answer.responses[0].partitions[0]);
        assert!(read.iter().map(|(_, value)| value).eq(&expected));
    }
}

#[tokio::test]
async fn who_does_not_read_what_comes_from_a_file_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let broker = listening(dir.path()).await;
    megabytes(&broker, 24).await;
    let mut client = tcp(&broker).await;
    client.send(&all_of_it(), 12).await;
    // Nobody reads: the connection ends by itself, or this does not.
    while broker.connections() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // One that goes in the middle is no matter for others.
    let mut gone = tcp(&broker).await;
    gone.send(&all_of_it(), 12).await;
    gone.stream().read_exact(&mut [0; 100_000]).await.unwrap();
    drop(gone);
    let mut other = tcp(&broker).await;
    let answer = other.call(&all_of_it(), 12).await;
    assert_eq!(records(&answer.responses[0].partitions[0]).len(), 24);
}

#[tokio::test]
async fn a_log_that_is_cut_while_it_goes_from_file_to_socket_ends_the_connection() {
    let dir = tempfile::tempdir().unwrap();
    let broker = listening(dir.path()).await;
    megabytes(&broker, 40).await;
    let mut client = tcp(&broker).await;
    client.send(&all_of_it(), 12).await;
    let length = client.stream().read_i32().await.unwrap();
    // What is under way is some megabytes at most.
    assert_eq!(broker.truncate("t", 0, 39).unwrap(), 39);
    // As long as before, and not the same.
    let other = format!("39-{}", "y".repeat(1_000_000));
    let sent = Client::new(&broker).produce("t", 0, batch(&[&other])).await;
    assert_eq!(sent.error_code, 0);
    let mut rest = Vec::new();
    let end = client.stream().read_to_end(&mut rest);
    // It may be reset.
    let _ = timeout(Duration::from_secs(60), end).await.expect("an end");
    assert!(rest.len() < length as usize, "of {length}");
    assert!(broker.storage_failure().is_none());
}

#[tokio::test]
async fn they_have_it_with_a_limit_and_with_a_journal_of_bodies_too() {
    let dir = tempfile::tempdir().unwrap();
    let builder = Broker::builder().data_dir(dir.path());
    let broker = start(builder.journal_bodies(1000)).await;
    let expected = filled(&broker).await;
    let mut client = Client::new(&broker);
    broker.faults().clear_journal();
    assert!(read_all(&mut client, 4 << 20).await.0 == expected);
    let journal = broker.faults().journal();
    let entry = journal.iter().find(|entry| entry.api_key == ApiKey::FETCH);
    let kept = entry.unwrap().answer.clone();
    assert_eq!(kept.len(), 1000);
    assert!(kept.windows(9).any(|window| window == b"xxxxxxxxx"));
    drop(broker);

    let broker = start(Broker::builder().data_dir(dir.path())).await;
    let slow = Step::Bandwidth(NonZeroU32::new(100_000_000).unwrap());
    broker.faults().inject(when(ApiKey::METADATA).then([slow]));
    let mut client = Client::new(&broker);
    client.topic("t").await;
    assert!(read_all(&mut client, 4 << 20).await.0 == expected);
}

#[tokio::test]
async fn what_is_not_in_memory_is_waited_for_while_it_is_sent() {
    let disk = MemoryDisk::new();
    let broker = start(Broker::builder().disk(&disk)).await;
    let expected = filled(&broker).await;
    disk.slow_reads(Duration::from_millis(1));
    let mut client = Client::new(&broker);
    assert!(read_all(&mut client, 4 << 20).await.0 == expected);
}

#[tokio::test]
async fn a_disk_that_fails_in_the_middle_ends_the_connection() {
    let disk = MemoryDisk::new();
    let broker = start(Broker::builder().disk(&disk)).await;
    filled(&broker).await;
    // The search and the head of the first batch are read; what is sent is not.
    disk.fail_after(2, DiskFault::Unreadable);
    let mut client = Client::new(&broker);
    let answer = client.try_call(&fetch_request("t", 0, 0), 12).await;
    assert!(answer.is_none());
    assert!(broker.storage_failure().unwrap().contains("cannot read"));
}

#[tokio::test]
async fn more_parts_than_files_may_be_open_for_them_are_read_before() {
    const MANY: i32 = 90;
    let dir = tempfile::tempdir().unwrap();
    let broker = start(Broker::builder().data_dir(dir.path())).await;
    broker.create_topic("t", MANY).unwrap();
    let mut client = Client::new(&broker);
    let of = |partition: i32| format!("{partition}-{}", "z".repeat(70_000));
    for partition in 0..MANY {
        let sent = client.produce("t", partition, batch(&[&of(partition)]));
        assert_eq!(sent.await.error_code, 0);
    }
    // One after the other, so that the places are given back.
    for _ in 0..3 {
        let answer = client
            .call(&request(&[0; MANY as usize], 1 << 20), 12)
            .await;
        for data in &answer.responses[0].partitions {
            assert_eq!(records(data), [(0, of(data.partition_index))]);
        }
    }
}
