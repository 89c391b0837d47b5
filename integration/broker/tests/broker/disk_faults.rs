//! A disk in memory: what outlives a broker, and how it fails.

use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::join_all;
use kafka_broker::{Broker, DiskFault, MemoryDisk, StartError};
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::fetch::FetchRequest;

use crate::groups::commit;
use crate::support::{Client, batch, fetch_request, one, produce_request, records, start};

const OFFLINE: i16 = ErrorCode::KAFKA_STORAGE_ERROR.code();

async fn on(disk: &MemoryDisk) -> Broker {
    start(Broker::builder().disk(disk)).await
}

/// The topic forces each record to the disk, or leaves that to the system.
async fn with_topic(disk: &MemoryDisk, forces: bool) -> Broker {
    let broker = on(disk).await;
    let messages = if forces { "1" } else { "1000" };
    let configs = [("flush.messages", messages)];
    broker.create_topic_with("t", 1, configs).unwrap();
    broker
}

async fn produce(broker: &Broker, values: &[&str]) -> i16 {
    let mut client = Client::new(broker);
    client.produce("t", 0, batch(values)).await.error_code
}

async fn values(broker: &Broker) -> Vec<String> {
    Client::new(broker).values("t", 0, 0).await
}

#[tokio::test]
async fn a_broker_in_memory_starts_again() {
    let disk = MemoryDisk::new();
    let broker = with_topic(&disk, false).await;
    produce(&broker, &["a"]).await;
    let second = Broker::builder().disk(&disk).no_listener().start().await;
    assert!(matches!(second, Err(StartError::Storage { .. })));
    let id = broker.cluster_id();
    broker.shutdown().await.unwrap();
    let broker = on(&disk).await;
    assert_eq!(
        (broker.cluster_id(), values(&broker).await),
        (id, vec!["a".to_owned()])
    );
    // The process dies, the machine does not.
    produce(&broker, &["b"]).await;
    broker.crash().await;
    let broker = on(&disk).await;
    assert_eq!(values(&broker).await, ["a", "b"]);
}

#[tokio::test]
async fn a_power_failure_takes_what_was_not_forced_to_the_disk() {
    let mut kept = Vec::new();
    for seed in 0..20 {
        let disk = MemoryDisk::with_seed(seed);
        let broker = with_topic(&disk, false).await;
        for value in ["a", "b", "c"] {
            assert_eq!(produce(&broker, &[value]).await, 0);
        }
        disk.crash();
        assert_eq!(produce(&broker, &["late"]).await, OFFLINE);
        assert!(broker.storage_failure().unwrap().contains("power"));
        drop(broker);
        let left = values(&on(&disk).await).await;
        assert!(["a", "b", "c"].starts_with(&left.iter().map(|one| &**one).collect::<Vec<_>>()));
        kept.push(left.len());
    }
    assert!(kept.contains(&0) && kept.contains(&2), "{kept:?}");

    let disk = MemoryDisk::new();
    let broker = with_topic(&disk, true).await;
    for value in ["a", "b", "c"] {
        assert_eq!(produce(&broker, &[value]).await, 0);
    }
    disk.crash();
    drop(broker);
    assert_eq!(values(&on(&disk).await).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_disk_that_fails_takes_the_broker_offline_and_no_acknowledged_record_away() {
    for (fault, text) in [
        (DiskFault::Full, "no storage space"),
        (DiskFault::Broken, "input/output error"),
        (DiskFault::TornWrite, "input/output error"),
    ] {
        let disk = MemoryDisk::new();
        let broker = with_topic(&disk, false).await;
        assert_eq!(produce(&broker, &["a"]).await, 0);
        disk.fail_after(1, fault);
        assert_eq!(produce(&broker, &["b"]).await, 0);
        assert_eq!(produce(&broker, &["lost"]).await, OFFLINE);
        disk.heal();
        assert_eq!(produce(&broker, &["refused"]).await, OFFLINE, "{fault:?}");
        let failure = broker.storage_failed().await;
        assert!(failure.contains(text), "{failure}");
        broker.crash().await;
        let broker = on(&disk).await;
        assert_eq!(values(&broker).await, ["a", "b"], "{fault:?}");
        assert_eq!(produce(&broker, &["c"]).await, 0);
    }
}

#[tokio::test]
async fn on_a_full_disk_what_is_there_can_be_forced() {
    let disk = MemoryDisk::new();
    let broker = with_topic(&disk, true).await;
    produce(&broker, &["first"]).await;
    // The write; forcing it needs no room.
    disk.fail_after(1, DiskFault::Full);
    assert_eq!(produce(&broker, &["a"]).await, 0);
    assert_eq!(produce(&broker, &["b"]).await, OFFLINE);
}

#[tokio::test]
async fn a_slow_disk_holds_up_who_forces() {
    let disk = MemoryDisk::new();
    let broker = with_topic(&disk, true).await;
    disk.slow(Duration::from_millis(50));
    let began = Instant::now();
    assert_eq!(produce(&broker, &["a"]).await, 0);
    assert!(began.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn who_waits_for_the_disk_shares_one_write_and_holds_up_nobody_else() {
    const PRODUCERS: u64 = 40;
    let disk = MemoryDisk::new();
    let broker = with_topic(&disk, true).await;
    assert_eq!(produce(&broker, &["first"]).await, 0);
    disk.slow(Duration::from_millis(100));
    // Each appends; if each forced too, the disk would fail.
    disk.fail_after(PRODUCERS + PRODUCERS / 4, DiskFault::Broken);
    let producers = join_all((0..PRODUCERS).map(|_| produce(&broker, &["more"])));
    let mut producers = Box::pin(producers);
    let mut client = Client::new(&broker);
    let mut read_beside = false;
    let answers = loop {
        tokio::select! {
            biased;
            answers = &mut producers => break answers,
            // Beside the disk that is being written: what is not there yet is not seen.
            data = client.fetch("t", 0, 0) => {
                read_beside |= data.high_watermark == 1 && broker.end_offset("t", 0).unwrap() > 1;
            }
        }
    };
    assert!(answers.iter().all(|error| *error == 0), "{answers:?}");
    assert!(read_beside);
    drop(producers);
    disk.heal();
    disk.crash();
    drop(broker);
    assert_eq!(values(&on(&disk).await).await.len(), 41);
}

#[tokio::test]
async fn what_the_disk_did_not_take_is_neither_acknowledged_nor_seen() {
    for acks in [1, -1] {
        let disk = MemoryDisk::new();
        let broker = with_topic(&disk, true).await;
        assert_eq!(produce(&broker, &["a"]).await, 0);
        // The write is done, and forcing it fails.
        disk.fail_after(1, DiskFault::Broken);
        let mut client = Client::new(&broker);
        let mut request = produce_request("t", 0, batch(&["b"]));
        request.acks = acks;
        let answer = client.call(&request, 12).await;
        let told = &answer.responses[0].partition_responses[0];
        assert_eq!(told.error_code, OFFLINE, "acks {acks}");
        let told = client.fetch("t", 0, 1).await;
        assert!(told.records.unwrap_or_default().is_empty(), "acks {acks}");
    }
}

#[tokio::test]
async fn an_offset_that_the_disk_did_not_take_is_not_committed() {
    let disk = MemoryDisk::new();
    let builder = Broker::builder().disk(&disk);
    let broker = start(builder.property("log.flush.interval.messages", "1")).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    assert_eq!(commit(&mut client, &[(0, 1)]).await, ErrorCode::NONE);
    disk.fail_after(1, DiskFault::Broken);
    let error = commit(&mut client, &[(0, 2)]).await;
    assert_eq!(error, ErrorCode::NOT_COORDINATOR);
}

#[tokio::test]
async fn who_reads_what_is_not_in_memory_holds_up_nobody_else() {
    let disk = MemoryDisk::new();
    let broker = with_topic(&disk, false).await;
    let large = "x".repeat(20_000);
    assert_eq!(produce(&broker, &[&large]).await, 0);
    disk.slow_reads(Duration::from_secs(1));
    let [mut cold, mut hot] = [Client::new(&broker), Client::new(&broker)];
    let sent = cold.send(&fetch_request("t", 0, 0), 12).await;
    let mut answer = Box::pin(cold.receive::<FetchRequest>(12, sent));
    for value in ["a", "b", "c"] {
        assert_eq!(hot.produce("t", 0, batch(&[value])).await.error_code, 0);
        assert_eq!(hot.fetch("t", 0, 1).await.error_code, 0);
        assert!((&mut answer).now_or_never().is_none(), "{value}");
    }
    let told = one(&mut answer.await.unwrap());
    assert_eq!(records(&told)[0], (0, large));
}

#[tokio::test]
async fn a_disk_that_cannot_be_read_takes_the_broker_offline() {
    let disk = MemoryDisk::new();
    let broker = with_topic(&disk, false).await;
    assert_eq!(produce(&broker, &["a"]).await, 0);
    disk.fail_after(0, DiskFault::Unreadable);
    let mut client = Client::new(&broker);
    assert_eq!(client.fetch("t", 0, 0).await.error_code, OFFLINE);
    assert!(broker.storage_failure().unwrap().contains("cannot read"));
    assert_eq!(produce(&broker, &["b"]).await, OFFLINE);
    disk.heal();
    broker.crash().await;
    assert_eq!(values(&on(&disk).await).await, ["a"]);
}

#[tokio::test]
async fn the_time_of_the_disk_is_not_that_of_the_replicas() {
    let disk = MemoryDisk::new();
    let broker = with_topic(&disk, true).await;
    disk.slow(Duration::from_millis(50));
    let mut client = Client::new(&broker);
    let mut request = produce_request("t", 0, batch(&["a"]));
    request.timeout_ms = 0;
    let answer = client.call(&request, 12).await;
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
}

/// What was forced to the disk while it waits is nothing to the reader, who is to hear of the next record all the
/// same.
#[tokio::test(start_paused = true)]
async fn a_reader_hears_of_the_record_after_a_flush() {
    let disk = MemoryDisk::new();
    let builder = Broker::builder().disk(&disk);
    let broker = start(builder.property("log.flush.scheduler.interval.ms", "10")).await;
    broker
        .create_topic_with("t", 1, [("flush.ms", "1")])
        .unwrap();
    assert_eq!(produce(&broker, &["a"]).await, 0);
    let mut client = Client::new(&broker);
    let mut request = fetch_request("t", 0, 1);
    request.max_wait_ms = 60_000;
    let began = tokio::time::Instant::now();
    let sent = client.send(&request, 12).await;
    // The first record is forced meanwhile.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(produce(&broker, &["b"]).await, 0);
    let mut answer = client.receive::<FetchRequest>(12, sent).await.unwrap();
    assert_eq!(records(&one(&mut answer)), [(1, "b".to_owned())]);
    assert!(began.elapsed() < Duration::from_secs(10));
}
