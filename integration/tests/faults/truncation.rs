//! Leaders that change, and logs that are truncated by that (KIP-320). The broker elects itself anew; what
//! it says of its log is changed on the way.

use std::time::Duration;

use integration::numbered;
use integration::partitions;
use kafka_broker::{FaultHandle, Step, when};
use kafka_client::consumer::{
    Consumer, ConsumerBuilder, OffsetReset, PositionReset, ResetReason, TopicPartition,
};
use kafka_client::{ErrorCode, ErrorKind};
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::fetch::{FetchRequest, FetchResponse};
use kafka_client_protocol::api::offset_for_leader_epoch::OffsetForLeaderEpochResponse;
use tokio::sync::mpsc;

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);

/// A topic "read" with 50 records.
struct Scene {
    setting: Setting,
    resets: mpsc::UnboundedReceiver<PositionReset>,
    builder: Option<ConsumerBuilder>,
}

impl Scene {
    async fn new() -> Self {
        let setting = Setting::new().await;
        setting.topic("read", 1);
        let (sender, resets) = mpsc::unbounded_channel();
        let reader = setting.kafka().await.reader();
        let reader = reader.offset_reset(OffsetReset::Earliest);
        let reader = reader.on_reset(move |reset| {
            if reset.reason != ResetReason::NoOffset {
                let _ = sender.send(reset.clone());
            }
        });
        let scene = Self {
            setting,
            resets,
            builder: Some(reader),
        };
        scene.write(0..50).await;
        scene
    }

    async fn write(&self, numbers: std::ops::Range<u64>) {
        let producer = self.setting.kafka().await.producer().batch_size(512);
        let producer = producer.max_request_size(1024).build().await.unwrap();
        numbered::send(&producer, "read", 1, numbers).await;
    }

    /// A reader that has been handed out so many of the records.
    async fn reader(&mut self, records: usize) -> Consumer {
        let reader = self.builder.take().unwrap();
        let mut reader = reader.assign(partitions("read", 1)).await.unwrap();
        let read = numbered::receive(&mut reader, records).await;
        read.assert_is(1, 0..records as u64);
        // So that what is fetched ahead is there.
        tokio::time::sleep(SECOND).await;
        reader
    }

    /// The log ends there, as far as leaders are asked.
    fn ends_at(&self, end: i64) -> FaultHandle {
        let edit = move |answer: &mut OffsetForLeaderEpochResponse| {
            answer.topics[0].partitions[0].end_offset = end;
        };
        let asked = when(ApiKey::OFFSET_FOR_LEADER_EPOCH).always();
        self.setting.inject(asked.then([Step::edit(edit)]))
    }

    fn elect(&self) {
        self.setting.broker.elect("read", 0).unwrap();
    }
}

fn at() -> TopicPartition {
    TopicPartition::new("read", 0)
}

#[tokio::test(start_paused = true)]
async fn a_new_leader_with_the_same_log_changes_nothing() {
    let mut scene = Scene::new().await;
    let asked = when(ApiKey::OFFSET_FOR_LEADER_EPOCH).always();
    let asked = scene.setting.inject(asked.then([]));
    let mut reader = scene.reader(50).await;
    assert_eq!(asked.hits(), 0);
    for begin in [50, 100, 150] {
        scene.elect();
        scene.write(begin..begin + 50).await;
        let read = numbered::receive(&mut reader, 50).await;
        read.assert_is(1, begin..begin + 50);
    }
    assert_eq!(asked.hits(), 3, "once for each");
    assert!(scene.resets.try_recv().is_err());
}

/// 43: the answer of the first one comes when there is a second.
#[tokio::test(start_paused = true)]
async fn two_leader_changes_during_validation_deliver_nothing_twice() {
    for end in [None, Some(20)] {
        let mut scene = Scene::new().await;
        let mut reader = scene.reader(50).await;
        // What the first says of its log is wrong by the time that it arrives.
        let asked = when(ApiKey::OFFSET_FOR_LEADER_EPOCH);
        let mut steps = vec![Step::Apply, Step::Hold];
        if let Some(end) = end {
            steps.push(Step::edit(
                move |answer: &mut OffsetForLeaderEpochResponse| {
                    answer.topics[0].partitions[0].end_offset = end;
                },
            ));
        }
        let held = scene.setting.inject(asked.then(steps));
        scene.elect();
        held.wait_for_hits(1).await;
        scene.elect();
        tokio::time::sleep(SECOND).await;
        // The user seeks in the meantime, and so hears of the next leader by a fetch.
        reader.handle().seek(&at(), 50).unwrap();
        held.release();
        scene.write(50..100).await;
        let read = numbered::receive(&mut reader, 50).await;
        read.assert_is(1, 50..100);
        assert!(scene.resets.try_recv().is_err());
    }
}

/// 36: with a reset policy it goes on where the logs part, and that is told.
#[tokio::test(start_paused = true)]
async fn a_truncated_log_is_told_and_read_on_from_where_the_logs_part() {
    let mut scene = Scene::new().await;
    let mut reader = scene.reader(50).await;
    let ends = scene.ends_at(30);
    scene.elect();
    ends.wait_for_hits(1).await;
    ends.remove();
    let read = numbered::receive(&mut reader, 20).await;
    read.assert_is(1, 30..50);
    let reset = scene.resets.try_recv().unwrap();
    assert_eq!((reset.from, reset.to), (Some(50), 30));
    assert_eq!(reset.reason, ResetReason::Truncated { offset: 30 });
    assert_eq!(reset.partition, at());
}

/// 36: without one it is an error with both offsets, and nothing moves before the user says so.
#[tokio::test(start_paused = true)]
async fn a_truncated_log_is_an_error_without_a_reset_policy() {
    let mut scene = Scene::new().await;
    let reader = scene.builder.take().unwrap();
    let reader = reader.offset_reset(OffsetReset::None);
    let mut reader = reader.assign(partitions("read", 1)).await.unwrap();
    let no_offset = reader.recv().await.unwrap_err();
    assert_eq!(no_offset.kind(), ErrorKind::NoOffset);
    reader.handle().seek(&at(), 0).unwrap();
    numbered::receive(&mut reader, 50).await;
    let ends = scene.ends_at(30);
    scene.elect();
    let error = reader.recv().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LogTruncated);
    assert_eq!((error.topic(), error.partition()), (Some("read"), Some(0)));
    assert_eq!(error.resume_offset(), Some(30));
    for words in ["offset 30", "up to 50"] {
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(reader.handle().position(&at()), Some(50));
    let nothing = tokio::time::timeout(60 * SECOND, reader.recv()).await;
    assert!(nothing.is_err());
    ends.remove();
    reader.handle().seek(&at(), 30).unwrap();
    let read = numbered::receive(&mut reader, 20).await;
    read.assert_is(1, 30..50);
}

/// What was only fetched ahead is fetched again, and nobody needs to know.
#[tokio::test(start_paused = true)]
async fn truncation_of_what_was_fetched_ahead_is_nothing_to_tell() {
    let mut scene = Scene::new().await;
    let mut reader = scene.reader(10).await;
    let ends = scene.ends_at(30);
    scene.elect();
    ends.wait_for_hits(1).await;
    tokio::time::sleep(SECOND).await;
    let read = numbered::receive(&mut reader, 40).await;
    read.assert_is(1, 10..50);
    assert!(scene.resets.try_recv().is_err());
}

/// The answer to a Fetch may tell it too (version 12).
#[tokio::test(start_paused = true)]
async fn a_diverging_epoch_in_an_answer_is_truncation() {
    let mut scene = Scene::new().await;
    let mut reader = scene.reader(50).await;
    let diverging = when(ApiKey::FETCH)
        .matching(|request: &FetchRequest| request.topics[0].partitions[0].last_fetched_epoch >= 0)
        .then([Step::edit(|answer: &mut FetchResponse| {
            let partition = &mut answer.responses[0].partitions[0];
            partition.records = Some(bytes::Bytes::new());
            partition.diverging_epoch.epoch = 0;
            partition.diverging_epoch.end_offset = 30;
        })]);
    let diverging = scene.setting.inject(diverging);
    // So that there is an answer to change.
    scene.write(50..60).await;
    diverging.wait_for_hits(1).await;
    let read = numbered::receive(&mut reader, 30).await;
    read.assert_is(1, 30..60);
    let reset = scene.resets.try_recv().unwrap();
    assert_eq!((reset.from, reset.to), (Some(50), 30));
}

/// What a leader cannot say is no loss.
#[tokio::test(start_paused = true)]
async fn a_leader_that_does_not_know_loses_nothing() {
    let unknown = Step::edit(|answer: &mut OffsetForLeaderEpochResponse| {
        let partition = &mut answer.topics[0].partitions[0];
        (partition.leader_epoch, partition.end_offset) = (-1, -1);
    });
    for step in [
        unknown,
        Step::Error(ErrorCode::UNSUPPORTED_VERSION),
        Step::Error(ErrorCode::TOPIC_AUTHORIZATION_FAILED),
        Step::Error(ErrorCode::UNKNOWN_LEADER_EPOCH),
        Step::Close,
    ] {
        let mut scene = Scene::new().await;
        let mut reader = scene.reader(50).await;
        let what = format!("{step:?}");
        let asked = when(ApiKey::OFFSET_FOR_LEADER_EPOCH).then([step]);
        let asked = scene.setting.inject(asked);
        scene.elect();
        scene.write(50..100).await;
        let within = tokio::time::timeout(60 * SECOND, numbered::receive(&mut reader, 50));
        let read = within.await.unwrap_or_else(|_| panic!("{what}"));
        read.assert_is(1, 50..100);
        assert_eq!(asked.hits(), 1);
        assert!(scene.resets.try_recv().is_err(), "{what}");
    }
}

/// A broker that knows nothing of the epoch any more says that the offset is out of range.
#[tokio::test(start_paused = true)]
async fn out_of_range_by_the_epoch_alone_resets_nothing() {
    let mut scene = Scene::new().await;
    let mut reader = scene.reader(50).await;
    let by_epoch = when(ApiKey::FETCH)
        .always()
        .matching(|request: &FetchRequest| request.topics[0].partitions[0].last_fetched_epoch >= 0)
        .then([Step::Error(ErrorCode::OFFSET_OUT_OF_RANGE)]);
    let by_epoch = scene.setting.inject(by_epoch);
    by_epoch.wait_for_hits(1).await;
    scene.write(50..60).await;
    let read = numbered::receive(&mut reader, 10).await;
    read.assert_is(1, 50..60);
    assert!(scene.resets.try_recv().is_err());
}

/// 36: a log that was truncated while nobody read it is found by the epoch that was committed.
#[tokio::test(start_paused = true)]
async fn a_log_that_was_truncated_between_two_members_is_told() {
    let mut scene = Scene::new().await;
    let kafka = scene.setting.kafka().await;
    let group = || kafka.consumer("group").offset_reset(OffsetReset::Earliest);
    let mut first = group().subscribe(["read"]).await.unwrap();
    numbered::receive(&mut first, 50).await;
    first.close().await.unwrap();
    scene.elect();
    let ends = scene.ends_at(30);
    let (sender, mut resets) = mpsc::unbounded_channel();
    let second = group().on_reset(move |reset| drop(sender.send(reset.clone())));
    let mut second = second.subscribe(["read"]).await.unwrap();
    let read = numbered::receive(&mut second, 20).await;
    read.assert_is(1, 30..50);
    assert_eq!(ends.hits(), 1, "once");
    let reset = resets.try_recv().unwrap();
    assert_eq!((reset.from, reset.to), (Some(50), 30));
    assert_eq!(reset.reason, ResetReason::Truncated { offset: 30 });
    assert!(scene.resets.try_recv().is_err());
}
