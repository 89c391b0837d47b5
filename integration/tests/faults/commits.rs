//! Commits whose coordinator is slow, silent, away or particular: lessons 59, 60, 63, 67, scenarios 48
//! and 53.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use integration::numbered::{self, receive};
use integration::partitions;
use kafka_broker::{Fault, Step, when, when_any};
use kafka_client::consumer::{
    Consumer, ConsumerBuilder, OffsetReset, RebalanceEvent, TopicPartition,
};
use kafka_client::{Error, ErrorCode, ErrorKind, Kafka};
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::offset_commit::OffsetCommitRequest;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);

async fn written(setting: &Setting, topic: &'static str, count: i32, numbers: u64) -> &'static str {
    let topic = setting.topic(topic, count);
    more(setting, topic, count, numbers).await;
    topic
}

async fn more(setting: &Setting, topic: &str, count: i32, numbers: u64) {
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, topic, count, 0..numbers).await;
    producer.close().await.unwrap();
}

fn member(kafka: &Kafka) -> ConsumerBuilder {
    let member = kafka.consumer("group").manual_commit();
    let member = member.offset_reset(OffsetReset::Earliest);
    member.heartbeat_interval(SECOND)
}

fn at(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

async fn stored(consumer: &Consumer, partition: &TopicPartition) -> Option<i64> {
    let stored = consumer
        .handle()
        .committed(std::slice::from_ref(partition))
        .await;
    stored.unwrap().get(partition).copied()
}

/// A tool that looks at a group's offsets stores none: as with Java's client, which has no position before the
/// first poll, nothing is committed by itself for a consumer that asks for no record.
#[tokio::test(start_paused = true)]
async fn who_asks_for_no_record_commits_nothing_by_itself() {
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, topic, 1, 0..10).await;
    let at = [TopicPartition::new(topic, 0)];
    let kafka = setting.kafka().await;
    let stored = async || {
        let looks = kafka.consumer("group").offset_reset(OffsetReset::Latest);
        let looks = looks.assign(at.clone()).await.unwrap();
        let stored = looks.handle().committed(&at).await.unwrap();
        tokio::time::sleep(30 * SECOND).await;
        assert_eq!(looks.handle().position(&at[0]), Some(10));
        looks.close().await.unwrap();
        stored
    };
    assert_eq!(stored().await, [].into());
    assert_eq!(stored().await, [].into());
    // Who asks for one is at a place of its own, whether one comes or not.
    let reads = kafka.consumer("group").offset_reset(OffsetReset::Latest);
    let mut reads = reads.assign(at.clone()).await.unwrap();
    let nothing = tokio::time::timeout(SECOND, reads.recv()).await;
    assert!(nothing.is_err());
    reads.close().await.unwrap();
    assert_eq!(stored().await, [(at[0].clone(), 10)].into());
}

/// 59, 60: a commit that waits while the member is in JoinGroup is not stored over one that was made
/// after it, while partitions were given up.
#[tokio::test(start_paused = true)]
async fn a_commit_held_up_by_a_rebalance_does_not_go_back_behind_a_later_one() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 2, 200).await;
    let first = setting.client().client_id("first").connect().await.unwrap();
    let mut first = member(&first).subscribe([topic]).await.unwrap();
    let handle = first.handle();
    receive(&mut first, 400).await;

    let join = when(ApiKey::JOIN_GROUP).client_id("first");
    let join = setting.inject(join.then([Step::Hold]));
    let second = member(&setting.kafka().await)
        .subscribe([topic])
        .await
        .unwrap();
    while join.hits() == 0 {
        tokio::time::sleep(SECOND / 10).await;
    }
    let commit = |partition, offset| {
        let handle = handle.clone();
        let offsets = [(at(topic, partition), offset)];
        async move { handle.commit_offsets(offsets).await }
    };
    let early = [0, 1].map(|partition| tokio::spawn(commit(partition, 50)));
    tokio::time::sleep(SECOND).await;
    join.release();
    // The user is waited for: it has not asked for a record since.
    tokio::time::sleep(SECOND).await;
    for partition in 0..2 {
        let late = timeout(10 * SECOND, commit(partition, 110)).await;
        late.expect("it ends").unwrap();
    }
    assert!(timeout(20 * SECOND, first.recv()).await.is_err());
    for early in early {
        let early = timeout(10 * SECOND, early).await.expect("it ends").unwrap();
        // Of the partition that has gone, it may be told that it came too late.
        assert!(early.is_ok() || early.is_err_and(|error| error.kind() == ErrorKind::GroupLost));
    }
    for partition in 0..2 {
        assert_eq!(stored(&second, &at(topic, partition)).await, Some(110));
    }
}

/// A call ends at its limit and says why, and so does closing, whatever the coordinator does.
#[tokio::test(start_paused = true)]
async fn commits_and_close_end_at_their_limits_although_the_coordinator_is_silent() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 1, 20).await;
    let kafka = setting.client().api_timeout(20 * SECOND);
    let kafka = kafka.connect().await.unwrap();
    let mut consumer = member(&kafka).subscribe([topic]).await.unwrap();
    receive(&mut consumer, 20).await;
    for api in [
        ApiKey::OFFSET_COMMIT,
        ApiKey::HEARTBEAT,
        ApiKey::LEAVE_GROUP,
    ] {
        setting.inject(when(api).always().then([Step::Silence]));
    }
    let begun = Instant::now();
    let error = consumer.commit().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(
        error.to_string().contains("default.api.timeout.ms"),
        "{error}"
    );
    let took = begun.elapsed();
    assert!((20 * SECOND..21 * SECOND).contains(&took), "{took:?}");
    let begun = Instant::now();
    let handle = consumer.handle();
    let committed = handle.commit_offsets([(at(topic, 0), 7)]);
    assert!(timeout(SECOND, committed).await.is_err());
    let closed = timeout(31 * SECOND, consumer.close()).await;
    let error = closed.expect("close ends").unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(begun.elapsed() < 32 * SECOND, "{:?}", begun.elapsed());
}

/// 67: an offset of a topic that is gone is nobody else's trouble.
#[tokio::test(start_paused = true)]
async fn a_partition_whose_topic_is_gone_holds_no_commit_and_no_close() {
    let setting = Setting::new().await;
    let kept = written(&setting, "kept", 1, 10).await;
    let gone = written(&setting, "gone", 1, 10).await;
    let kafka = setting.kafka().await;
    let mut consumer = member(&kafka).subscribe([kept, gone]).await.unwrap();
    receive(&mut consumer, 20).await;
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    let on = when(ApiKey::OFFSET_COMMIT).always();
    setting.inject(on.then([Step::error_for(gone, None, unknown)]));
    let leaves = setting.inject(when(ApiKey::LEAVE_GROUP).always().then([]));
    let both = consumer.commit_async();
    let one = consumer.handle();
    let one = one.commit_offsets([(at(kept, 0), 7)]);
    timeout(2 * SECOND, one)
        .await
        .expect("it waits for no other")
        .unwrap();
    let error = both.await.unwrap_err();
    assert_eq!(error.topic(), Some(gone), "{error}");
    let pending = consumer.commit_async();
    let begun = Instant::now();
    consumer.close().await.unwrap_err();
    assert!(begun.elapsed() < 20 * SECOND, "{:?}", begun.elapsed());
    assert_eq!(leaves.hits(), 1, "the group is left all the same");
    pending.await.unwrap_err();
}

/// A consumer that commits faster than its coordinator answers delays nothing else, and sends no
/// request for each commit.
#[tokio::test(start_paused = true)]
async fn commits_faster_than_the_coordinator_starve_nothing() {
    let setting = Setting::new().await;
    let topic = written(&setting, "many", 1, 2_000).await;
    let kafka = setting.kafka().await;
    let consumer = member(&kafka).allow_auto_create_topics(false);
    let mut consumer = consumer.subscribe([topic, "later"]).await.unwrap();
    let slow = when(ApiKey::OFFSET_COMMIT).always();
    let slow = setting.inject(slow.then([Step::Delay(SECOND / 10)]));
    let mut last = None;
    for _ in 0..2_000 {
        consumer.recv().await.unwrap();
        last = Some(consumer.commit_async());
    }
    let later = written(&setting, "later", 1, 1).await;
    let record = timeout(20 * SECOND, consumer.recv()).await;
    let record = record.expect("the new partition begins").unwrap();
    assert_eq!(record.topic(), later);
    last.unwrap().await.unwrap();
    assert_eq!(stored(&consumer, &at(topic, 0)).await, Some(2_000));
    assert!(slow.hits() < 50, "{} requests", slow.hits());
}

/// 48: who was handed out records of a partition that went to another member before they were
/// committed is told so, once, and the rest is committed.
#[tokio::test(start_paused = true)]
async fn a_commit_after_a_partition_went_says_so() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 2, 10).await;
    let kafka = setting.kafka().await;
    let mut first = member(&kafka).subscribe([topic]).await.unwrap();
    receive(&mut first, 20).await;
    let mut second = member(&kafka).subscribe([topic]).await.unwrap();
    // The first one polls, and so lets a partition go.
    while first.handle().assignment().len() == 2 {
        drop(timeout(SECOND, first.recv()).await);
    }
    let kept = first.handle().assignment()[0].clone();
    let went = at(topic, 1 - kept.partition);
    let error = first.commit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GroupLost, "{error}");
    assert_eq!(error.partition(), Some(went.partition), "{error}");
    assert_eq!(stored(&first, &kept).await, Some(10), "the rest is stored");
    first.commit().await.unwrap();
    receive(&mut second, 10).await;
}

/// Without members the offsets of a group expire: those of partitions assigned by hand are stored
/// again, though they are the same.
#[tokio::test(start_paused = true)]
async fn offsets_of_partitions_assigned_by_hand_are_stored_again() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 1, 10).await;
    let kafka = setting.kafka().await;
    let consumer = kafka.consumer("group").offset_reset(OffsetReset::Earliest);
    let mut consumer = consumer.assign(partitions(topic, 1)).await.unwrap();
    receive(&mut consumer, 10).await;
    let commits = setting.inject(when(ApiKey::OFFSET_COMMIT).always().then([]));
    drop(timeout(20 * SECOND, consumer.recv()).await);
    let before = commits.hits();
    assert!(before >= 1);
    drop(timeout(600 * SECOND, consumer.recv()).await);
    let again = commits.hits() - before;
    assert!((5..=20).contains(&again), "{again} in ten minutes");
    // Who asks for it by a call is never refused for it.
    let before = commits.hits();
    consumer.commit().await.unwrap();
    assert_eq!(commits.hits() - before, 1);
}

/// 53: a partition whose stored offset is not told yet holds no other, and begins when it is.
#[tokio::test(start_paused = true)]
async fn a_partition_whose_offset_is_not_told_holds_no_other() {
    let setting = Setting::new().await;
    let good = written(&setting, "good", 1, 10).await;
    let open = written(&setting, "open", 1, 10).await;
    let unstable = ErrorCode::UNSTABLE_OFFSET_COMMIT;
    let on = when(ApiKey::OFFSET_FETCH).always();
    let fault = setting.inject(on.then([Step::error_for(open, None, unstable)]));
    let kafka = setting.kafka().await;
    let mut consumer = member(&kafka).subscribe([good, open]).await.unwrap();
    let begun = Instant::now();
    for _ in 0..10 {
        let record = consumer.recv().await.unwrap();
        assert_eq!(record.topic(), good);
    }
    assert!(begun.elapsed() < 10 * SECOND, "{:?}", begun.elapsed());
    drop(timeout(20 * SECOND, consumer.recv()).await);
    let health = kafka.health();
    assert!(
        health.to_string().contains("offsets of group group"),
        "{health}"
    );
    assert!(
        health.to_string().contains("kafka-transactions"),
        "{health}"
    );
    fault.remove();
    receive(&mut consumer, 10).await;
    assert!(kafka.health().is_well());
}

/// A partition whose offset may not be read is an error of its own.
#[tokio::test(start_paused = true)]
async fn a_partition_whose_offset_may_not_be_read_is_an_error_of_its_own() {
    let setting = Setting::new().await;
    let good = written(&setting, "good", 1, 10).await;
    let denied = written(&setting, "denied", 1, 10).await;
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    let on = when(ApiKey::OFFSET_FETCH).always();
    setting.inject(on.then([Step::error_for(denied, None, code)]));
    let kafka = setting.kafka().await;
    let mut consumer = member(&kafka).subscribe([good, denied]).await.unwrap();
    let mut records = 0;
    let mut errors = Vec::new();
    while records < 10 || errors.is_empty() {
        match consumer.recv().await {
            Ok(record) => {
                assert_eq!(record.topic(), good);
                records += 1;
            }
            Err(error) => errors.push(error),
        }
    }
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(
        (errors[0].code(), errors[0].topic()),
        (Some(code), Some(denied))
    );
    assert!(!errors[0].is_fatal());
}

/// 47: commits carry the leader epoch of the last record, by which the next member finds truncation.
#[tokio::test(start_paused = true)]
async fn commits_carry_the_leader_epoch_of_the_last_record() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 1, 10).await;
    let kafka = setting.kafka().await;
    let epochs_known = Arc::new(AtomicBool::new(false));
    let seen = epochs_known.clone();
    let on = when(ApiKey::OFFSET_COMMIT).always();
    let on = on.matching(move |request: &OffsetCommitRequest| {
        let mut partitions = request.topics.iter().flat_map(|topic| &topic.partitions);
        let known = partitions.all(|partition| partition.committed_leader_epoch >= 0);
        seen.store(known, Ordering::Relaxed);
        true
    });
    setting.inject(on.then([]));
    let mut consumer = member(&kafka).subscribe([topic]).await.unwrap();
    consumer.recv().await.unwrap();
    consumer.commit().await.unwrap();
    assert!(epochs_known.load(Ordering::Relaxed));
}

/// 61, 62: a caller that gives up ends its own wait, and not the search for the coordinator that others
/// need; one that is not found is looked for again.
#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_ends_no_search_for_the_coordinator() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 1, 10).await;
    let kafka = setting.kafka().await;
    let searches = when(ApiKey::FIND_COORDINATOR).times(2);
    let searches = setting.inject(searches.then([
        Step::Delay(5 * SECOND),
        Step::Error(ErrorCode::COORDINATOR_NOT_AVAILABLE),
    ]));
    let mut consumer = member(&kafka).subscribe([topic]).await.unwrap();
    for _ in 0..5 {
        let handle = consumer.handle();
        let place = [at(topic, 0)];
        assert!(timeout(SECOND, handle.committed(&place)).await.is_err());
    }
    receive(&mut consumer, 10).await;
    consumer.commit().await.unwrap();
    assert_eq!(stored(&consumer, &at(topic, 0)).await, Some(10));
    assert_eq!(searches.hits(), 2);
}

/// 48: a commit that is refused because the group rebalances waits for the next generation, and is not
/// sent again and again meanwhile.
#[tokio::test(start_paused = true)]
async fn a_commit_between_two_generations_is_not_sent_again_and_again() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 1, 10).await;
    let kafka = setting.kafka().await;
    let refused = Step::Error(ErrorCode::REBALANCE_IN_PROGRESS);
    let refusals = when(ApiKey::OFFSET_COMMIT).times(1_000);
    let refusals = setting.inject(refusals.then([refused]));
    let consumer = member(&kafka).on_rebalance_with(|_, event| async move {
        if matches!(event, RebalanceEvent::Assigned(_)) {
            // The group's task waits for the listener meanwhile.
            tokio::time::sleep(20 * SECOND).await;
        }
    });
    let mut consumer = consumer.subscribe([topic]).await.unwrap();
    let commit = consumer.handle();
    while commit.assignment().is_empty() {
        tokio::time::sleep(SECOND / 10).await;
    }
    let place = [(at(topic, 0), 5)];
    let commit = tokio::spawn(async move { commit.commit_offsets(place).await });
    tokio::time::sleep(30 * SECOND).await;
    assert!(refusals.hits() < 100, "{} times", refusals.hits());
    refusals.remove();
    commit.await.unwrap().unwrap();
    receive(&mut consumer, 10).await;
    consumer.close().await.unwrap();
}

/// 47: a member that commits with every record gives partitions up all the same.
#[tokio::test(start_paused = true)]
async fn commits_with_every_record_hold_up_no_revocation() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 2, 20_000).await;
    let kafka = setting.kafka().await;
    let mut first = member(&kafka).subscribe([topic]).await.unwrap();
    first.recv().await.unwrap();
    let slow = when(ApiKey::OFFSET_COMMIT).always();
    setting.inject(slow.then([Step::Delay(SECOND / 20)]));
    let handle = first.handle();
    let busy = tokio::spawn(async move {
        loop {
            first.recv().await.unwrap();
            drop(first.commit_async());
            tokio::time::sleep(SECOND / 200).await;
        }
    });
    let mut second = member(&kafka).subscribe([topic]).await.unwrap();
    let record = timeout(30 * SECOND, second.recv()).await;
    record.expect("it gets a partition").unwrap();
    assert_eq!(handle.assignment().len(), 1);
    // Nor does it hold up who asks for what is stored.
    let place = [handle.assignment()[0].clone()];
    let stored = timeout(5 * SECOND, handle.committed(&place)).await;
    stored.expect("it is answered").unwrap();
    busy.abort();
}

/// A commit after a seek back is stored, although another is on its way.
#[tokio::test(start_paused = true)]
async fn a_commit_after_a_seek_back_is_the_last_word() {
    let setting = Setting::new().await;
    let topic = written(&setting, "orders", 1, 100).await;
    let kafka = setting.kafka().await;
    let mut consumer = member(&kafka).subscribe([topic]).await.unwrap();
    receive(&mut consumer, 50).await;
    consumer.commit().await.unwrap();
    let slow = when(ApiKey::OFFSET_COMMIT).then([Step::Delay(SECOND)]);
    setting.inject(slow);
    receive(&mut consumer, 50).await;
    let later = consumer.commit_async();
    tokio::time::sleep(SECOND / 10).await;
    consumer.handle().seek(&at(topic, 0), 50).unwrap();
    consumer.commit().await.unwrap();
    later.await.unwrap();
    assert_eq!(stored(&consumer, &at(topic, 0)).await, Some(50));
}

/// A member that commits with every record, for ever, hears of new topics all the same; and one that has
/// lost its place and asks for nothing else is told what is stored.
#[tokio::test(start_paused = true)]
async fn commits_with_every_record_hide_no_news() {
    let setting = Setting::new().await;
    let topic = written(&setting, "many", 1, 20_000).await;
    let kafka = setting.kafka().await;
    let consumer = member(&kafka).allow_auto_create_topics(false);
    let consumer = consumer.max_poll_interval(60 * SECOND);
    let mut consumer = consumer.subscribe([topic, "later"]).await.unwrap();
    consumer.recv().await.unwrap();
    let slow = when(ApiKey::OFFSET_COMMIT).always();
    setting.inject(slow.then([Step::Delay(SECOND / 20)]));
    let handle = consumer.handle();
    let busy = tokio::spawn(async move {
        // Without end, and not one of the new topic before the old one is through.
        for _ in 0..10_000 {
            consumer.recv().await.unwrap();
            drop(consumer.commit_async());
            tokio::time::sleep(SECOND / 200).await;
        }
        consumer
    });
    tokio::time::sleep(10 * SECOND).await;
    setting.topic("later", 1);
    tokio::time::sleep(20 * SECOND).await;
    assert_eq!(handle.assignment().len(), 2);

    let consumer = busy.await.unwrap();
    tokio::time::sleep(90 * SECOND).await;
    assert_eq!(handle.assignment(), [], "it has not asked for long");
    let refused = when(ApiKey::OFFSET_FETCH).times(2);
    setting.inject(refused.then([Step::Error(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)]));
    let asked = timeout(20 * SECOND, stored(&consumer, &at(topic, 0))).await;
    assert!(asked.expect("it is told").is_some());
}

/// A group of two that have read all, in the middle of the rebalance that a third begins: the leader's
/// assignment does not get through.
struct Rebalance {
    setting: Setting,
    leader: Closable,
    other: Closable,
    third: Closable,
}

/// A member that reads, and closes when it is told to.
struct Closable {
    close: oneshot::Sender<()>,
    task: JoinHandle<(usize, Result<(), Error>)>,
}

impl Closable {
    async fn start(setting: &Setting, name: &'static str) -> Self {
        let kafka = setting.client().client_id(name).connect().await.unwrap();
        let member = kafka.consumer("group").offset_reset(OffsetReset::Earliest);
        let member = member
            .session_timeout(9 * SECOND)
            .heartbeat_interval(SECOND)
            .auto_commit(600 * SECOND);
        let mut member = member.subscribe(["read"]).await.unwrap();
        let (close, mut closed) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let mut read = 0;
            loop {
                tokio::select! {
                    biased;
                    _ = &mut closed => break,
                    record = member.recv() => read += usize::from(record.is_ok()),
                }
            }
            (read, member.close().await)
        });
        Self { close, task }
    }

    /// How many records it has read, and how closing went.
    async fn close(self) -> (usize, Result<(), Error>) {
        drop(self.close);
        self.task.await.unwrap()
    }
}

impl Rebalance {
    async fn new(fault: Fault) -> Self {
        let setting = Setting::new().await;
        setting.topic("read", 2);
        let leader = Closable::start(&setting, "leader").await;
        tokio::time::sleep(5 * SECOND).await;
        let other = Closable::start(&setting, "other").await;
        tokio::time::sleep(10 * SECOND).await;
        let producer = setting.kafka().await.producer().build().await.unwrap();
        numbered::send(&producer, "read", 2, 0..10).await;
        tokio::time::sleep(SECOND).await;
        let fault = setting.inject(fault);
        let third = Closable::start(&setting, "third").await;
        fault.wait_for_hits(1).await;
        Self {
            setting,
            leader,
            other,
            third,
        }
    }
}

/// How many partitions have the offset behind their last record stored.
async fn wholly_stored(setting: &Setting) -> usize {
    let reader = setting.kafka().await.consumer("group");
    let reader = reader.assign(partitions("read", 2)).await.unwrap();
    let stored = reader.handle().committed(&partitions("read", 2)).await;
    let stored = stored.unwrap().into_values();
    stored.filter(|offset| *offset == 10).count()
}

/// The coordinator takes no offsets before the rebalance has ended, which it does by the session of a
/// leader that is gone. Who closed meanwhile gave up at the first refusal, and its records came again.
#[tokio::test(start_paused = true)]
async fn a_member_closed_in_a_rebalance_waits_until_its_offsets_are_taken() {
    let gone = when_any().client_id("leader").always();
    let scene = Rebalance::new(gone.then([Step::Silence])).await;
    let (read, closed) = scene.other.close().await;
    closed.unwrap();
    assert_eq!(read, 10, "one of two partitions");
    assert_eq!(wholly_stored(&scene.setting).await, 1);
    drop((scene.leader, scene.third));
}

/// The others wait for its assignment.
#[tokio::test(start_paused = true)]
async fn a_leader_closed_in_a_rebalance_assigns_before_it_leaves() {
    for loss in [Step::Silence, Step::Close] {
        let lost = when(ApiKey::SYNC_GROUP).client_id("leader").times(1);
        let scene = Rebalance::new(lost.then([loss])).await;
        let began = Instant::now();
        let (read, closed) = scene.leader.close().await;
        closed.unwrap();
        assert!(began.elapsed() < 6 * SECOND, "{:?}", began.elapsed());
        assert_eq!((read, wholly_stored(&scene.setting).await), (10, 1));
        drop((scene.other, scene.third));
    }
}

/// A commit that was under way when the user closed, and is never answered, is made again.
#[tokio::test(start_paused = true)]
async fn a_commit_without_an_answer_is_made_again_when_closing() {
    let setting = Setting::new().await;
    setting.topic("read", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, "read", 1, 0..10).await;
    let member = setting.kafka().await.consumer("group");
    let member = member.offset_reset(OffsetReset::Earliest).manual_commit();
    let mut member = member.subscribe(["read"]).await.unwrap();
    receive(&mut member, 10).await;
    let silent = when(ApiKey::OFFSET_COMMIT).times(1).then([Step::Silence]);
    let silent = setting.inject(silent);
    let pending = member.commit_async();
    silent.wait_for_hits(1).await;
    member.close().await.unwrap();
    pending.await.unwrap();
    let reader = setting.kafka().await.consumer("group");
    let reader = reader.assign(partitions("read", 1)).await.unwrap();
    let stored = reader.handle().committed(&partitions("read", 1)).await;
    assert!(stored.unwrap().into_values().eq([10]));
}

/// Closing says what was not stored, and not how long a commit may take at other times.
#[tokio::test(start_paused = true)]
async fn closing_without_a_coordinator_names_the_offsets() {
    let setting = Setting::new().await;
    setting.topic("read", 1);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, "read", 1, 0..10).await;
    let member = setting.kafka().await.consumer("group");
    let member = member.offset_reset(OffsetReset::Earliest);
    let mut member = member.subscribe(["read"]).await.unwrap();
    receive(&mut member, 10).await;
    for gone in [Step::Silence, Step::Close] {
        setting.inject(when(ApiKey::OFFSET_COMMIT).always().then([gone]));
    }
    let began = Instant::now();
    let error = member.close_within(3 * SECOND).await.unwrap_err();
    assert!(began.elapsed() <= 3 * SECOND, "{:?}", began.elapsed());
    let told = error.to_string();
    assert!(
        told.contains("read-0 at 10") && !told.contains("60s"),
        "{told}"
    );
}
