//! What a test may do to the state of a broker.

use std::time::Duration;

use kafka_broker::{Broker, Builder, MemoryDisk};
use kafka_client_protocol::api::fetch::FetchRequest;
use kafka_client_protocol::api::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_client_protocol::{ErrorCode, Uuid};

use crate::groups::{GROUP, commit_request, committed, heartbeat, join, join_request, sync};
use crate::support::{Client, batch, batch_of, fetch_request, start};

/// Its log has three batches of two records, each in a segment of its own.
async fn with_records(builder: Builder) -> Broker {
    let broker = start(builder).await;
    let configs = [("segment.bytes", "1048576")];
    broker.create_topic_with("t", 1, configs).unwrap();
    let mut client = Client::new(&broker);
    let large = "x".repeat(600_000);
    for sequence in [0, 2, 4] {
        let records = batch_of(&[&large, "b"], (9, 0, sequence));
        assert_eq!(client.produce("t", 0, records).await.error_code, 0);
    }
    broker
}

async fn epoch_end(client: &mut Client, epoch: i32) -> (i32, i64) {
    let request = OffsetForLeaderEpochRequest {
        replica_id: -1,
        topics: vec![OffsetForLeaderTopic {
            topic: "t".into(),
            partitions: vec![OffsetForLeaderPartition {
                partition: 0,
                current_leader_epoch: -1,
                leader_epoch: epoch,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = client.call(&request, 4).await;
    let told = &answer.topics[0].partitions[0];
    assert_eq!(told.error_code, 0);
    (told.leader_epoch, told.end_offset)
}

#[tokio::test]
async fn a_truncated_log_ends_at_a_batch_and_goes_on_in_the_next_epoch() {
    let dir = tempfile::tempdir().unwrap();
    for builder in [Broker::builder(), Broker::builder().data_dir(dir.path())] {
        let broker = with_records(builder).await;
        let mut client = Client::new(&broker);
        assert_eq!(broker.truncate("t", 0, 6).unwrap(), 6, "nothing is there");
        // Within the second batch, which goes as a whole.
        assert_eq!(broker.truncate("t", 0, 3).unwrap(), 2);
        assert_eq!(broker.end_offset("t", 0), Some(2));
        let told = client.topic("t").await;
        assert_eq!(told.partitions[0].leader_epoch, 2);
        assert_eq!(client.values("t", 0, 0).await[1], "b");
        let beyond = client.fetch("t", 0, 4).await;
        assert_eq!(beyond.error_code, ErrorCode::OFFSET_OUT_OF_RANGE.code());
        assert_eq!(epoch_end(&mut client, 0).await, (0, 2));
        // What the producer wrote before is known, what it wrote behind is not.
        let again = client
            .produce("t", 0, batch_of(&["c", "d"], (9, 0, 2)))
            .await;
        assert_eq!((again.error_code, again.base_offset), (0, 2));
        assert_eq!(client.values("t", 0, 2).await, ["c", "d"]);
        let code = broker.truncate("t", 0, 5).unwrap_err().code;
        assert_eq!(code, ErrorCode::OFFSET_OUT_OF_RANGE);
        let code = broker.truncate("t", 1, 0).unwrap_err().code;
        assert_eq!(code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        broker.crash().await;
    }
    let broker = start(Broker::builder().data_dir(dir.path())).await;
    let mut client = Client::new(&broker);
    assert_eq!(client.values("t", 0, 2).await, ["c", "d"]);
    assert_eq!(epoch_end(&mut client, 0).await, (0, 2));
    assert_eq!(broker.truncate("t", 0, 0).unwrap(), 0);
    assert_eq!(client.produce("t", 0, batch(&["e"])).await.base_offset, 0);
}

#[tokio::test]
async fn what_was_cut_does_not_come_back_with_the_power() {
    for seed in 0..20 {
        let disk = MemoryDisk::with_seed(seed);
        let broker = start(Broker::builder().disk(&disk)).await;
        let configs = [("flush.messages", "1")];
        broker.create_topic_with("t", 1, configs).unwrap();
        let mut client = Client::new(&broker);
        for value in ["a", "b", "c"] {
            client.produce("t", 0, batch(&[value])).await;
        }
        let cut_to = i64::try_from(seed % 3).unwrap();
        assert_eq!(broker.truncate("t", 0, cut_to).unwrap(), cut_to);
        disk.crash();
        drop(broker);
        let broker = start(Broker::builder().disk(&disk)).await;
        assert_eq!(broker.end_offset("t", 0), Some(cut_to), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_at_the_end_learns_that_it_was_cut() {
    let broker = with_records(Broker::builder()).await;
    let mut client = Client::new(&broker);
    let mut request = fetch_request("t", 0, 6);
    request.max_wait_ms = 60_000;
    let sent = client.send(&request, 12).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    broker.truncate("t", 0, 2).unwrap();
    let answer = client.receive::<FetchRequest>(12, sent).await.unwrap();
    let told = &answer.responses[0].partitions[0];
    assert_eq!(told.error_code, ErrorCode::OFFSET_OUT_OF_RANGE.code());
}

#[tokio::test]
async fn a_forgotten_producer_may_start_anywhere() {
    let broker = with_records(Broker::builder()).await;
    let mut client = Client::new(&broker);
    let gap = || batch_of(&["z"], (9, 0, 40));
    let refused = client.produce("t", 0, gap()).await.error_code;
    assert_eq!(refused, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER.code());
    assert!(broker.forget_producer("t", 0, 9).unwrap());
    assert!(!broker.forget_producer("t", 0, 9).unwrap());
    assert!(broker.forget_producer("t", 7, 9).is_err());
    assert_eq!(client.produce("t", 0, gap()).await.error_code, 0);
}

#[tokio::test]
async fn evicted_fetch_sessions_are_not_found() {
    let broker = with_records(Broker::builder()).await;
    let mut client = Client::new(&broker);
    let request = FetchRequest {
        session_epoch: 0,
        ..fetch_request("t", 0, 0)
    };
    let session_id = client.call(&request, 12).await.session_id;
    assert_ne!(session_id, 0);
    assert_eq!(broker.evict_fetch_sessions(), 1);
    let next = FetchRequest {
        session_id,
        session_epoch: 1,
        ..request
    };
    let code = client.call(&next, 12).await.error_code;
    assert_eq!(code, ErrorCode::FETCH_SESSION_ID_NOT_FOUND.code());
}

#[tokio::test(start_paused = true)]
async fn a_moved_coordinator_sends_each_member_away_once_and_knows_the_group() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let code = broker.move_coordinator(GROUP).unwrap_err().code;
    assert_eq!(code, ErrorCode::GROUP_ID_NOT_FOUND);
    let mut client = Client::new(&broker);
    let joined = join(&mut client).await;
    sync(&mut client, &joined).await;
    let mut commit = commit_request("t", Uuid::ZERO, &[(0, 5)]);
    commit.generation_id_or_member_epoch = joined.generation_id;
    commit.member_id = joined.member_id.clone();
    client.call(&commit, 9).await;

    broker.move_coordinator(GROUP).unwrap();
    let moved = ErrorCode::NOT_COORDINATOR;
    assert_eq!(heartbeat(&mut client, &joined).await, moved);
    assert_eq!(heartbeat(&mut client, &joined).await, ErrorCode::NONE);
    broker.move_coordinator(GROUP).unwrap();
    let answer = client.call(&commit, 9).await;
    assert_eq!(answer.topics[0].partitions[0].error_code, moved.code());
    let answer = client.call(&commit, 9).await;
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
    assert_eq!(committed(&mut client).await[0].1, 5);

    // The session runs from the load on.
    tokio::time::sleep(Duration::from_secs(9)).await;
    broker.move_coordinator(GROUP).unwrap();
    assert_eq!(heartbeat(&mut client, &joined).await, moved);
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(heartbeat(&mut client, &joined).await, ErrorCode::NONE);
    tokio::time::sleep(Duration::from_secs(11)).await;
    let gone = heartbeat(&mut client, &joined).await;
    assert_eq!(gone, ErrorCode::UNKNOWN_MEMBER_ID);
}

#[tokio::test(start_paused = true)]
async fn a_move_ends_a_rebalance_under_way() {
    let broker = start(Broker::builder()).await;
    let mut first = Client::new(&broker);
    let joined = join(&mut first).await;
    sync(&mut first, &joined).await;
    let mut second = Client::new(&broker);
    let answer = second.call(&join_request(""), 9).await;
    let request = join_request(&answer.member_id);
    let sent = second.send(&request, 9).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let now = heartbeat(&mut first, &joined).await;
    assert_eq!(now, ErrorCode::REBALANCE_IN_PROGRESS);

    broker.move_coordinator(GROUP).unwrap();
    let moved = ErrorCode::NOT_COORDINATOR;
    let answer = second
        .receive::<kafka_client_protocol::api::join_group::JoinGroupRequest>(9, sent)
        .await;
    assert_eq!(answer.unwrap().error_code, moved.code());
    assert_eq!(heartbeat(&mut first, &joined).await, moved);
    assert_eq!(heartbeat(&mut first, &joined).await, ErrorCode::NONE);
    // It was not stored: it is told at once, and begins anew.
    let answer = second.call(&request, 9).await;
    assert_eq!(answer.error_code, ErrorCode::UNKNOWN_MEMBER_ID.code());
}
