//! Offsets that expire, and groups that go with them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use kafka_broker::{Broker, Builder, WallClock};
use kafka_client_protocol::api::offset_commit::OffsetCommitRequest;
use kafka_client_protocol::{ErrorCode, Uuid};
use tokio::time::Instant;

use crate::group_deletion::{is_known, join_as, leave, reads};
use crate::groups::{commit, commit_request, committed, with_topic};
use crate::support::{Client, NOW};

/// A wall clock that goes with the paused one.
fn clock() -> WallClock {
    let started = Instant::now();
    Arc::new(move || UNIX_EPOCH + Duration::from_millis(NOW as u64) + started.elapsed())
}

/// Offsets are kept for a minute, and looked at each second.
fn builder() -> Builder {
    Broker::builder()
        .property("offsets.retention.minutes", "1")
        .property("offsets.retention.check.interval.ms", "1000")
        .wall_clock(clock())
}

/// The same over and over in one directory, with one clock.
fn kept(dir: &Path, clock: &WallClock) -> Builder {
    let builder = builder().no_listener().data_dir(dir);
    builder.wall_clock(Arc::clone(clock))
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// On a new connection, for those that are silent for long are closed.
async fn offsets(broker: &Broker) -> Vec<(i32, i64)> {
    let all = committed(&mut Client::new(broker)).await;
    all.into_iter().map(|one| (one.0, one.1)).collect()
}

async fn is_there(broker: &Broker) -> bool {
    is_known(&mut Client::new(broker)).await
}

#[tokio::test(start_paused = true)]
async fn without_members_an_offset_expires_after_its_commit_and_the_last_takes_the_group_along() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let start = || kept(dir.path(), &clock).start();
    let broker = start().await.unwrap();
    broker.create_topic("t", 2).unwrap();
    commit(&mut Client::new(&broker), &[(0, 5)]).await;
    seconds(30).await;
    commit(&mut Client::new(&broker), &[(1, 6)]).await;
    seconds(29).await;
    assert_eq!(offsets(&broker).await, [(0, 5), (1, 6)]);
    seconds(2).await;
    assert_eq!(offsets(&broker).await, [(1, 6)]);
    // It stays expired, and the rest goes on to.
    broker.crash().await;
    let broker = start().await.unwrap();
    assert_eq!(offsets(&broker).await, [(1, 6)]);
    seconds(27).await;
    assert!(is_there(&broker).await);
    seconds(3).await;
    assert!(!is_there(&broker).await);
    broker.crash().await;
    let broker = start().await.unwrap();
    assert!(!is_there(&broker).await);
    assert!(offsets(&broker).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn with_members_offsets_expire_after_the_last_has_left() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let start = || kept(dir.path(), &clock).start();
    let broker = start().await.unwrap();
    broker.create_topic("t", 2).unwrap();
    let mut client = Client::new(&broker);
    commit(&mut client, &[(0, 5)]).await;
    let id = join_as(&mut client, "consumer", reads(&["t"])).await;
    seconds(300).await;
    assert_eq!(offsets(&broker).await, [(0, 5)]);
    leave(&mut client, &id).await;
    seconds(40).await;
    assert_eq!(offsets(&broker).await, [(0, 5)]);
    // A stop does not start the time anew.
    broker.shutdown().await.unwrap();
    let broker = start().await.unwrap();
    seconds(19).await;
    assert_eq!(offsets(&broker).await, [(0, 5)]);
    seconds(3).await;
    assert!(!is_there(&broker).await);
}

#[tokio::test(start_paused = true)]
async fn offsets_of_topics_that_no_member_reads_expire() {
    let broker = with_topic(builder()).await;
    broker.create_topic("u", 1).unwrap();
    let mut client = Client::new(&broker);
    commit(&mut client, &[(0, 5)]).await;
    let other = commit_request("u", Uuid::ZERO, &[(0, 8)]);
    client.call(&other, 9).await;
    join_as(&mut client, "consumer", reads(&["t"])).await;
    seconds(59).await;
    assert_eq!(offsets(&broker).await.len(), 2);
    seconds(2).await;
    assert_eq!(offsets(&broker).await, [(0, 5)]);
}

#[tokio::test(start_paused = true)]
async fn offsets_of_members_that_are_no_consumers_stay() {
    let broker = with_topic(builder()).await;
    let mut client = Client::new(&broker);
    commit(&mut client, &[(0, 5)]).await;
    join_as(&mut client, "connect", reads(&[])).await;
    seconds(300).await;
    assert_eq!(offsets(&broker).await, [(0, 5)]);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_an_old_client_sets_holds() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let start = || kept(dir.path(), &clock).start();
    let broker = start().await.unwrap();
    broker.create_topic("t", 2).unwrap();
    let mut client = Client::new(&broker);
    for (index, version, retention_time_ms) in [(0, 2, 5_000), (1, 4, 90_000)] {
        let request = OffsetCommitRequest {
            retention_time_ms,
            ..commit_request("t", Uuid::ZERO, &[(index, 5)])
        };
        let answer = client.call(&request, version).await;
        let code = answer.topics[0].partitions[0].error_code;
        assert_eq!(ErrorCode::new(code), ErrorCode::NONE);
    }
    seconds(4).await;
    assert_eq!(offsets(&broker).await, [(0, 5), (1, 5)]);
    seconds(2).await;
    assert_eq!(offsets(&broker).await, [(1, 5)]);
    broker.crash().await;
    let broker = start().await.unwrap();
    seconds(82).await;
    assert_eq!(offsets(&broker).await, [(1, 5)]);
    seconds(4).await;
    assert!(!is_there(&broker).await);
}

#[tokio::test(start_paused = true)]
async fn by_default_offsets_are_kept_for_seven_days() {
    let broker = with_topic(Broker::builder().wall_clock(clock())).await;
    commit(&mut Client::new(&broker), &[(0, 5)]).await;
    seconds(7 * 86_400 - 1).await;
    assert_eq!(offsets(&broker).await, [(0, 5)]);
    seconds(601).await;
    assert!(!is_there(&broker).await);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_left_nothing_is_removed_at_the_next_look() {
    let broker = with_topic(builder()).await;
    let mut client = Client::new(&broker);
    let id = join_as(&mut client, "consumer", reads(&["t"])).await;
    seconds(5).await;
    assert!(is_there(&broker).await);
    leave(&mut client, &id).await;
    assert!(is_there(&broker).await);
    seconds(2).await;
    assert!(!is_there(&broker).await);
}
