//! Commits: what is stored, when, and where the next one begins.

use std::time::Duration;

use integration::numbered;
use integration::{TestCluster, eventually, partitions};
use kafka_client::consumer::{
    Consumer, ConsumerBuilder, OffsetReset, RebalanceEvent, TopicPartition,
};
use kafka_client::{ErrorKind, Kafka};

behaviours![
    a_commit_is_where_the_next_one_begins,
    what_is_not_committed_comes_again,
    closing_commits_what_was_handed_out,
    auto_commit_leaves_out_the_record_at_hand,
    commits_take_effect_in_order,
    any_offset_of_an_owned_partition_may_be_committed,
    offsets_of_partitions_assigned_by_hand_are_kept,
    without_a_stored_offset_and_a_reset_there_is_an_error,
    without_a_group_there_is_nothing_to_commit_to,
    a_commit_in_the_middle_of_a_rebalance_holds,
    auto_commit_does_not_go_back_behind_a_commit,
    what_is_stored_can_be_asked_for_by_anybody,
    a_commit_of_what_was_lost_meanwhile_is_refused,
];

struct Setting {
    kafka: Kafka,
    topic: String,
    group: String,
    at: TopicPartition,
}

impl Setting {
    /// A topic of one partition with a hundred records, and a group that has not begun.
    async fn new(cluster: &TestCluster) -> Self {
        let kafka = cluster.kafka().await;
        let topic = cluster.topic("committed", 1).await;
        let producer = kafka.producer().build().await.unwrap();
        numbered::send(&producer, &topic, 1, 0..100).await;
        let group = cluster.name("commits");
        let at = TopicPartition::new(&*topic, 0);
        Self {
            kafka,
            topic,
            group,
            at,
        }
    }

    fn builder(&self) -> ConsumerBuilder {
        let builder = self.kafka.consumer(&self.group);
        let builder = builder.heartbeat_interval(Duration::from_millis(50));
        builder.offset_reset(OffsetReset::Earliest)
    }

    async fn manual(&self) -> Consumer {
        self.builder()
            .manual_commit()
            .subscribe([&self.topic])
            .await
            .unwrap()
    }

    /// Where the next member of the group begins.
    async fn next(&self) -> i64 {
        let mut next = self.manual().await;
        let offset = next.recv().await.unwrap().offset();
        next.close().await.unwrap();
        offset
    }
}

async fn a_commit_is_where_the_next_one_begins(cluster: &TestCluster) {
    let setting = Setting::new(cluster).await;
    let mut consumer = setting.manual().await;
    numbered::receive(&mut consumer, 42).await;
    consumer.commit().await.unwrap();
    numbered::receive(&mut consumer, 8).await;
    consumer.close().await.unwrap();

    let mut resumed = setting.manual().await;
    numbered::receive(&mut resumed, 58)
        .await
        .assert_is(1, 42..100);
    resumed.close().await.unwrap();
    assert_eq!(setting.next().await, 42, "nothing was committed since");
}

async fn what_is_not_committed_comes_again(cluster: &TestCluster) {
    let setting = Setting::new(cluster).await;
    for _ in 0..2 {
        let mut consumer = setting.manual().await;
        numbered::receive(&mut consumer, 100)
            .await
            .assert_is(1, 0..100);
        consumer.close().await.unwrap();
    }
}

async fn closing_commits_what_was_handed_out(cluster: &TestCluster) {
    let setting = Setting::new(cluster).await;
    let consumer = setting.builder().auto_commit(Duration::from_secs(3600));
    let mut consumer = consumer.subscribe([&setting.topic]).await.unwrap();
    numbered::receive(&mut consumer, 17).await;
    consumer.close().await.unwrap();
    assert_eq!(setting.next().await, 17);
}

/// Asking for a record says that those before are done with; the last one may be in work.
async fn auto_commit_leaves_out_the_record_at_hand(cluster: &TestCluster) {
    let setting = Setting::new(cluster).await;
    let consumer = setting.builder().auto_commit(Duration::from_millis(50));
    let mut consumer = consumer.subscribe([&setting.topic]).await.unwrap();
    numbered::receive(&mut consumer, 30).await;
    // What the group has stored, as a consumer outside of it sees it.
    let stored = async || {
        let look = setting
            .builder()
            .manual_commit()
            .offset_reset(OffsetReset::Earliest);
        let mut look = look.assign([setting.at.clone()]).await.unwrap();
        look.recv().await.unwrap().offset()
    };
    eventually("an automatic commit", async || stored().await > 0).await;
    // Twenty intervals later it is still being worked on.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stored().await, 29);
    let _ = consumer.recv().await.unwrap();
    eventually("the next commit", async || stored().await == 30).await;
    consumer.close().await.unwrap();
}

async fn commits_take_effect_in_order(cluster: &TestCluster) {
    let setting = Setting::new(cluster).await;
    let mut consumer = setting.manual().await;
    let mut pending = Vec::new();
    for _ in 0..60 {
        consumer.recv().await.unwrap();
        pending.push(consumer.commit_async());
    }
    for commit in pending {
        commit.await.unwrap();
    }
    consumer.close().await.unwrap();
    assert_eq!(setting.next().await, 60);
}

async fn any_offset_of_an_owned_partition_may_be_committed(cluster: &TestCluster) {
    let setting = Setting::new(cluster).await;
    let mut consumer = setting.manual().await;
    let handle = consumer.handle();
    consumer.recv().await.unwrap();
    handle
        .commit_offsets([(setting.at.clone(), 64)])
        .await
        .unwrap();
    let negative = handle
        .commit_offsets([(setting.at.clone(), -1)])
        .await
        .unwrap_err();
    assert_eq!(negative.kind(), ErrorKind::Config);
    let foreign = TopicPartition::new(&*setting.topic, 7);
    let error = handle.commit_offsets([(foreign, 1)]).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.partition()),
        (ErrorKind::GroupLost, Some(7))
    );
    consumer.close().await.unwrap();
    assert_eq!(setting.next().await, 64);
    let mut back = setting.manual().await;
    back.recv().await.unwrap();
    back.handle()
        .commit_offsets([(setting.at.clone(), 3)])
        .await
        .unwrap();
    back.close().await.unwrap();
    assert_eq!(setting.next().await, 3);
}

async fn offsets_of_partitions_assigned_by_hand_are_kept(cluster: &TestCluster) {
    let setting = Setting::new(cluster).await;
    let at = [setting.at.clone()];
    let mut consumer = setting
        .builder()
        .manual_commit()
        .assign(at.clone())
        .await
        .unwrap();
    numbered::receive(&mut consumer, 25).await;
    consumer.commit().await.unwrap();
    consumer.close().await.unwrap();
    let mut consumer = setting.builder().assign(at).await.unwrap();
    numbered::receive(&mut consumer, 10)
        .await
        .assert_is(1, 25..35);
    consumer.close().await.unwrap();
    assert_eq!(setting.next().await, 35);
}

async fn without_a_stored_offset_and_a_reset_there_is_an_error(cluster: &TestCluster) {
    let setting = Setting::new(cluster).await;
    let none = setting.builder().offset_reset(OffsetReset::None);
    let mut none = none.subscribe([&setting.topic]).await.unwrap();
    let error = none.recv().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.partition()),
        (ErrorKind::NoOffset, Some(0))
    );
    assert!(error.to_string().contains("auto.offset.reset"), "{error}");
    none.handle().seek(&setting.at, 90).unwrap();
    numbered::receive(&mut none, 10).await.assert_is(1, 90..100);
    none.close().await.unwrap();
    // Now there is a stored offset.
    let member = setting.builder().offset_reset(OffsetReset::None);
    let member = member.subscribe([&setting.topic]).await.unwrap();
    let handle = member.handle();
    eventually("a position", async || {
        handle.position(&setting.at) == Some(100)
    })
    .await;
    member.close().await.unwrap();
}

async fn without_a_group_there_is_nothing_to_commit_to(cluster: &TestCluster) {
    let setting = Setting::new(cluster).await;
    let reader = setting.kafka.reader().offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign(partitions(&setting.topic, 1)).await.unwrap();
    reader.recv().await.unwrap();
    let error = reader.commit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("group.id"), "{error}");
    let subscribed = setting.kafka.reader().subscribe([&setting.topic]).await;
    assert!(subscribed.unwrap_err().to_string().contains("group.id"));
}

/// A commit that meets a rebalance is made in the next generation, for what is still owned.
async fn a_commit_in_the_middle_of_a_rebalance_holds(cluster: &TestCluster) {
    let setting = Setting::new(cluster).await;
    let mut first = setting.manual().await;
    let mut others = Vec::new();
    for offset in 1..=50 {
        let record = first.recv().await.unwrap();
        assert_eq!(record.offset(), offset - 1);
        if offset % 5 == 0 {
            // One more member: there is nothing for it, but a rebalance for all.
            others.push(setting.manual().await);
        }
        first.commit().await.unwrap();
    }
    first.close().await.unwrap();
    for other in others {
        other.close().await.unwrap();
    }
    assert_eq!(setting.next().await, 50);
}

/// The record at hand counts as processed once the user has committed it.
async fn auto_commit_does_not_go_back_behind_a_commit(cluster: &TestCluster) {
    let setting = Setting::new(cluster).await;
    let builder = setting.builder().auto_commit(Duration::from_millis(10));
    let mut consumer = builder.subscribe([&setting.topic]).await.unwrap();
    numbered::receive(&mut consumer, 100).await;
    consumer.commit().await.unwrap();
    // Several auto-commits, none of which may find something to do.
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let stored = consumer
            .handle()
            .committed(std::slice::from_ref(&setting.at))
            .await
            .unwrap();
        assert_eq!(stored.get(&setting.at), Some(&100));
    }
    consumer.close().await.unwrap();
}

async fn what_is_stored_can_be_asked_for_by_anybody(cluster: &TestCluster) {
    let setting = Setting::new(cluster).await;
    let mut consumer = setting.manual().await;
    numbered::receive(&mut consumer, 42).await;

    // It is no member and has seen nothing of the topic yet.
    let observer = setting.builder().manual_commit().assign([]).await.unwrap();
    let handle = observer.handle();
    let at = [setting.at.clone()];
    let stored = async || handle.committed(&at).await.unwrap().get(&at[0]).copied();
    assert_eq!(stored().await, None);
    consumer.commit().await.unwrap();
    assert_eq!(stored().await, Some(42));
    assert_eq!(consumer.handle().committed(&at).await.unwrap()[&at[0]], 42);
    assert_eq!(handle.offsets(&at).await.unwrap()[&at[0]], (0, 100));
    consumer.close().await.unwrap();

    let beyond = [TopicPartition::new(&*setting.topic, 1)];
    let error = handle.offsets(&beyond).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopic, "{error}");
    observer.close().await.unwrap();
    let closed = handle.committed(&at).await.unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::Closed);

    let reader = setting.kafka.reader().assign([]).await.unwrap();
    let error = reader.handle().committed(&at).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    reader.close().await.unwrap();
}

/// Who is too slow loses the partition, and must not take the commit for done.
async fn a_commit_of_what_was_lost_meanwhile_is_refused(cluster: &TestCluster) {
    let setting = Setting::new(cluster).await;
    let (told, mut lost) = tokio::sync::mpsc::unbounded_channel();
    let builder = setting.builder().manual_commit();
    let builder = builder.max_poll_interval(Duration::from_millis(200));
    let builder = builder.on_rebalance(move |event| {
        if matches!(event, RebalanceEvent::Lost(_)) {
            told.send(()).unwrap();
        }
    });
    let mut consumer = builder.subscribe([&setting.topic]).await.unwrap();
    numbered::receive(&mut consumer, 10).await;
    lost.recv().await.unwrap();
    let error = consumer.commit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GroupLost, "{error}");
    assert_eq!(error.partition(), Some(0));
    // It has been told.
    consumer.commit().await.unwrap();
    consumer.close().await.unwrap();
    assert_eq!(setting.next().await, 0, "nothing was stored");
}
