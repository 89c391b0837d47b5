//! Members of groups whose calls bring nothing good, and those who are told too late or too often:
//! lessons 70 to 74.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use integration::numbered;
use kafka_broker::{Step, when};
use kafka_client::consumer::{
    AssignPartitions, Assignor, Consumer, ConsumerBuilder, ConsumerHandle, GroupMember,
    GroupTopics, OffsetReset, RebalanceEvent, RecreatedTopic, ResetReason, TopicPartition,
};
use kafka_client::{ErrorCode, ErrorKind, Kafka};
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::metadata::{MetadataResponse, MetadataResponseBroker};
use tokio::time::{Instant, timeout};

use super::Setting;
use super::log::Log;

const SECOND: Duration = Duration::from_secs(1);

/// 71: who asks for records and gets errors is there, and keeps its place.
#[tokio::test(start_paused = true)]
async fn polls_that_bring_errors_keep_a_member_in_its_group() {
    const PARTITIONS: i32 = 10;
    let setting = Setting::new().await;
    let topic = setting.topic("denied", PARTITIONS);
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, topic, PARTITIONS, 0..1).await;
    let denied = Step::Error(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    setting.inject(when(ApiKey::FETCH).always().then([denied]));
    let joins = setting.inject(when(ApiKey::JOIN_GROUP).always().then([]));
    let group = setting.kafka().await.consumer("group");
    let group = group.offset_reset(OffsetReset::Earliest);
    let group = group.max_poll_interval(15 * SECOND);
    let mut member = group.subscribe([topic]).await.unwrap();
    let mut joined = None;
    for _ in 0..PARTITIONS {
        let error = member.recv().await.unwrap_err();
        let code = Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        assert_eq!(error.code(), code, "{error}");
        // Together more than the interval, each less.
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(*joined.get_or_insert(joins.hits()), joins.hits());
        assert_eq!(member.handle().assignment().len(), PARTITIONS as usize);
    }
    member.close().await.unwrap();
}

/// 72: the interval is not stretched to the next heartbeat, whenever in it the last poll was.
#[tokio::test(start_paused = true)]
async fn a_short_poll_interval_ends_when_it_says() {
    const INTERVAL: Duration = Duration::from_secs(2);
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 1);
    send(&setting, topic, 1, 100).await;
    for polls in [1, 7, 20] {
        let group = setting.kafka().await.consumer(format!("group-{polls}"));
        let group = group.offset_reset(OffsetReset::Earliest);
        let group = group.heartbeat_interval(3 * SECOND);
        let mut member = group
            .max_poll_interval(INTERVAL)
            .subscribe([topic])
            .await
            .unwrap();
        for _ in 0..polls {
            member.recv().await.unwrap();
            tokio::time::sleep(SECOND / 3).await;
        }
        let last = Instant::now();
        member.recv().await.unwrap();
        while !member.handle().assignment().is_empty() {
            tokio::time::sleep(SECOND / 100).await;
        }
        let after = last.elapsed();
        assert!(
            after >= INTERVAL && after <= INTERVAL / 10 * 11 + SECOND / 100,
            "{after:?}"
        );
        let error = member.recv().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::GroupLost, "{error}");
    }
}

fn joining(kafka: &Kafka) -> ConsumerBuilder {
    let member = kafka.consumer("group").offset_reset(OffsetReset::Earliest);
    member
        .heartbeat_interval(SECOND)
        .session_timeout(10 * SECOND)
}

async fn send(setting: &Setting, topic: &str, count: i32, numbers: u64) {
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, topic, count, 0..numbers).await;
    producer.close().await.unwrap();
}

/// 74: what ends a member reaches the user once in a stream, which ends, and says what helps.
#[tokio::test(start_paused = true)]
async fn what_ends_a_member_ends_its_stream_and_says_what_helps() {
    for (code, words) in [
        (
            ErrorCode::GROUP_AUTHORIZATION_FAILED,
            "--operation Read --group",
        ),
        (
            ErrorCode::INCONSISTENT_GROUP_PROTOCOL,
            "partition.assignment.strategy",
        ),
        (
            ErrorCode::INVALID_SESSION_TIMEOUT,
            "group.max.session.timeout.ms",
        ),
        (ErrorCode::GROUP_MAX_SIZE_REACHED, "group.max.size"),
        (ErrorCode::FENCED_INSTANCE_ID, "group.instance.id"),
    ] {
        let setting = Setting::new().await;
        let topic = setting.topic("orders", 1);
        let joins = when(ApiKey::JOIN_GROUP).always();
        setting.inject(joins.then([Step::Error(code)]));
        let mut member = joining(&setting.kafka().await)
            .subscribe([topic])
            .await
            .unwrap();
        let error = member.next().await.unwrap().unwrap_err();
        assert!(error.is_fatal(), "{error}");
        assert_eq!(error.code(), Some(code));
        let text = error.to_string();
        assert!(text.contains(words), "{text}");
        assert!(member.next().await.is_none(), "{code}");
        // Who does not look at the stream is told as well.
        assert!(member.recv().await.unwrap_err().is_fatal());
        assert!(member.commit().await.unwrap_err().is_fatal());
    }
}

/// 70: a listener that panics ends its consumer, which says so; the group's task is not hurt.
#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_ends_the_consumer_with_its_words() {
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 1);
    let member = joining(&setting.kafka().await);
    let member = member.on_rebalance(|event| panic!("no {event:?} today"));
    let leaves = setting.inject(when(ApiKey::LEAVE_GROUP).always().then([]));
    let mut member = member.subscribe([topic]).await.unwrap();
    let error = timeout(10 * SECOND, member.recv())
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        error.is_fatal() && error.to_string().contains("no Assigned"),
        "{error}"
    );
    assert!(member.commit().await.unwrap_err().is_fatal());
    member.close().await.unwrap();
    assert_eq!(leaves.hits(), 1, "in order");
}

/// What an assignor of the user's gives to whom.
type Assigned = BTreeMap<String, Vec<TopicPartition>>;

/// An assignor of the user's: by a function, with user data.
struct Own<F>(&'static [u8], F);

impl<F> AssignPartitions for Own<F>
where
    F: Fn(&[GroupMember], &GroupTopics) -> Assigned + Send + Sync,
{
    fn name(&self) -> &str {
        "own"
    }

    fn user_data(&self, _: &[TopicPartition], _: i32) -> Option<Bytes> {
        Some(Bytes::from_static(self.0))
    }

    fn assign(&self, members: &[GroupMember], topics: &GroupTopics) -> Assigned {
        (self.1)(members, topics)
    }
}

fn own<F>(data: &'static [u8], assign: F) -> [Assignor; 1]
where
    F: Fn(&[GroupMember], &GroupTopics) -> Assigned + Send + Sync + 'static,
{
    [Assignor::Custom(Arc::new(Own(data, assign)))]
}

/// Has a member ask for records until it is aborted.
fn keep_asking(mut member: Consumer) -> (ConsumerHandle, tokio::task::JoinHandle<()>) {
    let handle = member.handle();
    let asking = tokio::spawn(async move {
        loop {
            member.recv().await.unwrap();
        }
    });
    (handle, asking)
}

/// Waits until members own just these partitions of a topic.
async fn until_owned(owned: &[(&ConsumerHandle, &[i32])]) {
    let begun = Instant::now();
    let is_so = || {
        owned.iter().all(|(member, wanted)| {
            let has = member.assignment();
            has.iter()
                .map(|has| has.partition)
                .eq(wanted.iter().copied())
        })
    };
    while !is_so() {
        assert!(begun.elapsed() < 900 * SECOND, "{owned:?}");
        tokio::time::sleep(SECOND).await;
    }
}

/// An assignor of the user's decides, by what its members have it know.
#[tokio::test(start_paused = true)]
async fn an_assignor_of_the_user_s_divides_the_group() {
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 3);
    let kafka = setting.kafka().await;
    // The strong one gets all but the first partition.
    let assign = |members: &[GroupMember], topics: &GroupTopics| -> Assigned {
        let part = |member: &GroupMember| {
            let is_strong = member.user_data.as_deref() == Some(b"strong");
            let all = topics.partitions(&member.topics[0]);
            let part = all.filter(|at| (at.partition > 0) == is_strong);
            (member.id.clone(), part.collect())
        };
        members.iter().map(part).collect()
    };
    let weak = joining(&kafka).assignors(own(b"weak", assign));
    let (weak, _) = keep_asking(weak.subscribe([topic]).await.unwrap());
    let strong = joining(&kafka).assignors(own(b"strong", assign));
    let (strong, _) = keep_asking(strong.subscribe([topic]).await.unwrap());
    until_owned(&[(&weak, &[0]), (&strong, &[1, 2])]).await;
}

/// An assignor of the user's that fails ends its consumer with an error that names it; nobody gets what
/// is given twice, and the group goes on without that member.
#[tokio::test(start_paused = true)]
async fn an_assignor_that_panics_or_errs_ends_the_consumer_with_its_words() {
    type Assign = fn(&[GroupMember], &GroupTopics) -> Assigned;
    let panics: Assign = |members, _| panic!("{} is odd", members.len());
    let twice: Assign = |members, topics| {
        let all: Vec<_> = topics.partitions("orders").collect();
        let all = [all.clone(), all].concat();
        members
            .iter()
            .map(|member| (member.id.clone(), all.clone()))
            .collect()
    };
    let stranger: Assign = |_, _| BTreeMap::from([("nobody".to_owned(), Vec::new())]);
    for (assign, words) in [
        (panics, r#"the assignor "own" panicked: 1 is odd"#),
        (twice, r#"the assignor "own" gave orders-0 twice"#),
        (
            stranger,
            r#"the assignor "own" gave partitions to "nobody""#,
        ),
    ] {
        let setting = Setting::new().await;
        let topic = setting.topic("orders", 1);
        let leaves = setting.inject(when(ApiKey::LEAVE_GROUP).always().then([]));
        let syncs = setting.inject(when(ApiKey::SYNC_GROUP).always().then([]));
        let member = joining(&setting.kafka().await).assignors(own(b"", assign));
        let mut member = member.subscribe([topic]).await.unwrap();
        let error = timeout(10 * SECOND, member.recv())
            .await
            .unwrap()
            .unwrap_err();
        assert!(
            error.is_fatal() && error.to_string().contains(words),
            "{error}"
        );
        assert!(member.handle().assignment().is_empty());
        member.close().await.unwrap();
        assert_eq!((syncs.hits(), leaves.hits()), (0, 1), "it leaves in order");
    }
}

/// 64: who gives all up before it joins says what it had, and gets that again as far as it goes.
#[tokio::test(start_paused = true)]
async fn members_of_the_sticky_assignor_get_again_what_they_had() {
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 4);
    let kafka = setting.kafka().await;
    let start = async || {
        let member = joining(&kafka).assignors([Assignor::Sticky]);
        keep_asking(member.subscribe([topic]).await.unwrap())
    };
    let (first, asking) = start().await;
    until_owned(&[(&first, &[0, 1, 2, 3])]).await;
    let (second, _) = start().await;
    // Divided anew, they would have every other one.
    until_owned(&[(&first, &[0, 1]), (&second, &[2, 3])]).await;
    asking.abort();
    until_owned(&[(&second, &[0, 1, 2, 3])]).await;
    let (third, _) = start().await;
    until_owned(&[(&second, &[0, 1]), (&third, &[2, 3])]).await;
}

/// KIP-881: members get partitions with a replica in their rack, and others when the replicas move.
#[tokio::test(start_paused = true)]
async fn members_follow_the_replicas_into_their_racks() {
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 2);
    let has_moved = Arc::new(AtomicBool::new(false));
    let moved = has_moved.clone();
    // The first partition is in the west, the second in the east, and later the other way round.
    let racks = Step::edit(move |answer: &mut MetadataResponse| {
        let west = MetadataResponseBroker {
            node_id: answer.brokers[0].node_id + 1,
            rack: Some("west".into()),
            ..answer.brokers[0].clone()
        };
        let nodes = [west.node_id, answer.brokers[0].node_id];
        answer.brokers[0].rack = Some("east".into());
        answer.brokers.push(west);
        for partition in answer
            .topics
            .iter_mut()
            .flat_map(|topic| &mut topic.partitions)
        {
            let is_first = partition.partition_index == 0;
            let place = usize::from(is_first == moved.load(Ordering::Relaxed));
            partition.replica_nodes = vec![nodes[place]];
        }
    });
    setting.inject(when(ApiKey::METADATA).always().then([racks]));
    let kafka = setting.kafka().await;
    for assignor in [
        Assignor::Range,
        Assignor::Sticky,
        Assignor::CooperativeSticky,
    ] {
        has_moved.store(false, Ordering::Relaxed);
        let start = async |rack: &str| {
            let member = joining(&kafka).assignors([assignor.clone()]).rack(rack);
            keep_asking(member.subscribe([topic]).await.unwrap())
        };
        let (east, asking_east) = start("east").await;
        let (west, asking_west) = start("west").await;
        until_owned(&[(&west, &[0]), (&east, &[1])]).await;
        // Found with the next metadata, after five minutes.
        has_moved.store(true, Ordering::Relaxed);
        until_owned(&[(&west, &[1]), (&east, &[0])]).await;
        for asking in [asking_east, asking_west] {
            asking.abort();
        }
        // The next ones are a group of their own when these have left.
        tokio::time::sleep(60 * SECOND).await;
    }
}

/// 70: a listener that takes its time holds up neither heartbeats nor commits.
#[tokio::test(start_paused = true)]
async fn a_listener_that_waits_keeps_its_member_in_the_group() {
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 2);
    send(&setting, topic, 2, 10).await;
    let kafka = setting.kafka().await;
    let first = joining(&kafka).manual_commit();
    let first = first.on_rebalance_with(|handle, event| async move {
        if matches!(event, RebalanceEvent::Revoking(_)) {
            // Longer than the session may be silent.
            tokio::time::sleep(30 * SECOND).await;
            handle.commit().await.unwrap();
        }
    });
    let mut first = first.subscribe([topic]).await.unwrap();
    numbered::receive(&mut first, 20).await;
    let mut second = joining(&kafka).subscribe([topic]).await.unwrap();
    let begun = Instant::now();
    while first.handle().assignment().len() == 2 {
        drop(timeout(SECOND, first.recv()).await);
        assert!(begun.elapsed() < 120 * SECOND, "it gives one up");
    }
    // All was committed before it went: nothing comes twice, and nothing was lost.
    first.commit().await.unwrap();
    assert!(timeout(60 * SECOND, second.recv()).await.is_err());
    assert_eq!(second.handle().assignment().len(), 1);
}

/// 72: who does not ask for records is warned before it costs the place, in the stream form too.
#[tokio::test(start_paused = true)]
async fn a_member_that_asks_too_rarely_is_warned_before_it_loses_its_place() {
    let log = Log::capture();
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 1);
    let member = joining(&setting.kafka().await).max_poll_interval(100 * SECOND);
    let mut member = member.subscribe([topic]).await.unwrap();
    // Waits for long, which is no silence of its own.
    assert!(timeout(300 * SECOND, member.next()).await.is_err());
    // It does something else now, and records come.
    send(&setting, topic, 1, 10).await;
    tokio::time::sleep(90 * SECOND).await;
    let lines = log.take();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("max.poll.interval.ms"), "{lines:#?}");
    assert_eq!(member.handle().assignment().len(), 1);
    tokio::time::sleep(30 * SECOND).await;
    assert_eq!(member.handle().assignment().len(), 0, "it has left");
    let lost = member.next().await.unwrap().unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::GroupLost, "{lost}");
    numbered::receive(&mut member, 10).await;
}

/// 74: a topic that may not be read is an error where the user looks, once, and is read when the right
/// is given.
#[tokio::test(start_paused = true)]
async fn a_subscribed_topic_that_may_not_be_read_is_told_once() {
    let setting = Setting::new().await;
    let topic = setting.topic("secret", 1);
    send(&setting, topic, 1, 5).await;
    let denied = Step::error_for(topic, None, ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    let fault = setting.inject(when(ApiKey::METADATA).always().then([denied]));
    let mut member = joining(&setting.kafka().await)
        .subscribe([topic])
        .await
        .unwrap();
    let error = timeout(10 * SECOND, member.recv())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED));
    assert_eq!(error.topic(), Some(topic), "{error}");
    assert!(!error.is_fatal());
    assert!(timeout(60 * SECOND, member.recv()).await.is_err(), "once");
    fault.remove();
    numbered::receive(&mut member, 5).await;
}

/// A static leader that comes back finds the assignment made (KIP-814), and goes on to watch the
/// topics of the group.
#[tokio::test(start_paused = true)]
async fn a_leader_that_comes_back_by_its_static_id_watches_the_topics() {
    let setting = Setting::new().await;
    let topic = setting.topic("now", 1);
    let kafka = setting.kafka().await;
    let member = || {
        let member = joining(&kafka).instance_id("one");
        member.allow_auto_create_topics(false)
    };
    let mut first = member().subscribe([topic, "later"]).await.unwrap();
    assert!(timeout(5 * SECOND, first.recv()).await.is_err());
    assert_eq!(first.handle().assignment().len(), 1);
    first.close().await.unwrap();
    let mut second = member().subscribe([topic, "later"]).await.unwrap();
    assert!(timeout(5 * SECOND, second.recv()).await.is_err());
    let later = setting.topic("later", 1);
    send(&setting, later, 1, 5).await;
    let received = timeout(30 * SECOND, numbered::receive(&mut second, 5)).await;
    received.expect("the new topic is taken in");
}

/// Names that cannot be are refused before anything is asked.
#[tokio::test(start_paused = true)]
async fn names_that_cannot_be_are_refused_at_once() {
    let setting = Setting::new().await;
    let kafka = setting.kafka().await;
    for (member, topic, name) in [
        (joining(&kafka), "", "\"\""),
        (joining(&kafka), "a topic", "a topic"),
        (
            joining(&kafka).instance_id(""),
            "orders",
            "group.instance.id",
        ),
        (
            joining(&kafka).instance_id("a b"),
            "orders",
            "group.instance.id",
        ),
    ] {
        let error = member.subscribe([topic]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

/// What is written to a partition before the consumer finds it is not skipped, unless that is wished.
#[tokio::test(start_paused = true)]
async fn a_partition_that_comes_later_begins_at_its_first_record() {
    for (reset_of_new, expected) in [(None, 5), (Some(OffsetReset::Latest), 0)] {
        let setting = Setting::new().await;
        let topic = setting.topic("now", 1);
        send(&setting, topic, 1, 5).await;
        let mut member = joining(&setting.kafka().await).offset_reset(OffsetReset::Latest);
        if let Some(reset) = reset_of_new {
            member = member.offset_reset_of_new_partitions(reset);
        }
        let member = member.allow_auto_create_topics(false);
        let mut member = member.subscribe([topic, "later"]).await.unwrap();
        // The topic is believed to be missing, and what was there is skipped.
        assert!(timeout(20 * SECOND, member.recv()).await.is_err());
        let later = setting.topic("later", 1);
        send(&setting, later, 1, 5).await;
        let mut received = 0;
        while timeout(20 * SECOND, member.recv()).await.is_ok() {
            received += 1;
        }
        assert_eq!(received, expected);
    }
}

/// 54: a topic that is made anew is told, and nothing of the old one is applied to it or committed for
/// it.
#[tokio::test(start_paused = true)]
async fn a_topic_made_anew_under_a_consumer_is_told_and_read_by_policy() {
    for policy in [RecreatedTopic::ReadFromBeginning, RecreatedTopic::Fail] {
        let setting = Setting::new().await;
        let topic = setting.topic("orders", 1);
        send(&setting, topic, 1, 50).await;
        let kafka = setting.kafka().await;
        let (told, mut resets) = tokio::sync::mpsc::unbounded_channel();
        let member = joining(&kafka).manual_commit().recreated_topic(policy);
        let member = member.allow_auto_create_topics(false);
        let member = member.on_reset(move |reset| drop(told.send(reset.clone())));
        let mut member = member.subscribe([topic]).await.unwrap();
        numbered::receive(&mut member, 50).await;
        member.commit().await.unwrap();
        let place = TopicPartition::new(topic, 0);
        assert_eq!(resets.recv().await.unwrap().reason, ResetReason::NoOffset);
        kafka.delete_topic(topic).await.unwrap();
        setting.topic(topic, 1);
        send(&setting, topic, 1, 3).await;
        match policy {
            RecreatedTopic::Fail => {
                let error = timeout(60 * SECOND, member.recv())
                    .await
                    .unwrap()
                    .unwrap_err();
                assert!(error.to_string().contains("made anew"), "{error}");
                assert_eq!(error.partition(), Some(0));
                member.commit().await.unwrap();
                let stored = member
                    .handle()
                    .committed(std::slice::from_ref(&place))
                    .await;
                assert_ne!(stored.unwrap().get(&place), Some(&50));
                member.handle().seek(&place, 0).unwrap();
            }
            _ => {
                let reset = timeout(60 * SECOND, resets.recv()).await.unwrap().unwrap();
                let reason = ResetReason::TopicRecreated { position: 50 };
                assert_eq!((reset.reason, reset.to), (reason, 0));
            }
        }
        let read = timeout(60 * SECOND, numbered::receive(&mut member, 3)).await;
        read.unwrap().assert_is(1, 0..3);
        member.commit().await.unwrap();
        let stored = member
            .handle()
            .committed(std::slice::from_ref(&place))
            .await;
        assert_eq!(stored.unwrap().get(&place), Some(&3));
    }
}

/// A refusal that comes for ever is no hot loop, and it is told; when it ends, the member joins.
#[tokio::test(start_paused = true)]
async fn a_refusal_that_comes_for_ever_is_no_hot_loop_and_is_told() {
    for (api, code) in [
        (ApiKey::JOIN_GROUP, ErrorCode::MEMBER_ID_REQUIRED),
        (ApiKey::JOIN_GROUP, ErrorCode::UNKNOWN_MEMBER_ID),
        (ApiKey::JOIN_GROUP, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS),
        (ApiKey::SYNC_GROUP, ErrorCode::REBALANCE_IN_PROGRESS),
        (ApiKey::SYNC_GROUP, ErrorCode::ILLEGAL_GENERATION),
        (ApiKey::SYNC_GROUP, ErrorCode::NOT_COORDINATOR),
        (
            ApiKey::FIND_COORDINATOR,
            ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ),
        (ApiKey::OFFSET_FETCH, ErrorCode::NOT_COORDINATOR),
        (ApiKey::OFFSET_FETCH, ErrorCode::UNSTABLE_OFFSET_COMMIT),
    ] {
        let setting = Setting::new().await;
        let topic = setting.topic("orders", 1);
        send(&setting, topic, 1, 5).await;
        // Not for ever, so that a hot loop has an end.
        let refused = when(api).times(1_000).then([Step::Error(code)]);
        let refused = setting.inject(refused);
        let kafka = setting.kafka().await;
        let mut member = joining(&kafka).subscribe([topic]).await.unwrap();
        assert!(timeout(60 * SECOND, member.recv()).await.is_err());
        assert!(
            refused.hits() < 150,
            "{api} {code}: {} in a minute",
            refused.hits()
        );
        let health = kafka.health();
        assert!(!health.is_well(), "{api} {code}");
        assert_eq!(health.stuck()[0].error.code(), Some(code), "{health}");
        refused.remove();
        let read = timeout(30 * SECOND, numbered::receive(&mut member, 5)).await;
        read.unwrap_or_else(|_| panic!("{api} {code}"));
        assert!(kafka.health().is_well());
    }
}

/// 70: a listener may ask for stored offsets, and seek: new partitions begin when it is through, whatever
/// else happens in the group meanwhile.
#[tokio::test(start_paused = true)]
async fn new_partitions_begin_where_a_listener_has_sought() {
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 2);
    send(&setting, topic, 2, 10).await;
    let kafka = setting.kafka().await;
    let first = joining(&kafka).on_rebalance_with(|handle, event| async move {
        if let RebalanceEvent::Assigned(partitions) = event {
            let stored = handle.committed(&partitions).await.unwrap();
            assert!(stored.is_empty());
            // Another member comes in the meantime.
            tokio::time::sleep(20 * SECOND).await;
            for partition in &partitions {
                handle.seek(partition, 8).unwrap();
            }
        }
    });
    let mut first = first.subscribe([topic]).await.unwrap();
    let polling = timeout(5 * SECOND, first.recv()).await;
    assert!(polling.is_err(), "not before it is through");
    let mut second = joining(&kafka).subscribe([topic]).await.unwrap();
    let other = tokio::spawn(async move {
        let mut offsets = Vec::new();
        while let Ok(record) = timeout(60 * SECOND, second.recv()).await {
            offsets.push(record.unwrap().offset());
        }
        offsets
    });
    let mut offsets = Vec::new();
    while let Ok(record) = timeout(60 * SECOND, first.recv()).await {
        offsets.push(record.unwrap().offset());
    }
    assert_eq!(offsets, [8, 9]);
    // The other one, which was waited for as well, went where it was sought to.
    assert_eq!(other.await.unwrap(), [8, 9]);
}

/// Who commits by hand has its last chance when the consumer is closed, too; and when its listener panics
/// later, the member leaves in order.
#[tokio::test(start_paused = true)]
async fn the_last_chance_to_commit_is_told_at_the_end_too() {
    let setting = Setting::new().await;
    let topic = setting.topic("orders", 1);
    send(&setting, topic, 1, 10).await;
    let kafka = setting.kafka().await;
    let member = joining(&kafka).manual_commit();
    let member = member.on_rebalance_with(|handle, event| async move {
        if matches!(event, RebalanceEvent::Revoking(_)) {
            handle.commit().await.unwrap();
        }
    });
    let mut member = member.subscribe([topic]).await.unwrap();
    numbered::receive(&mut member, 10).await;
    member.close().await.unwrap();
    let place = TopicPartition::new(topic, 0);
    let reader = kafka
        .consumer("group")
        .assign([place.clone()])
        .await
        .unwrap();
    let stored = reader
        .handle()
        .committed(std::slice::from_ref(&place))
        .await;
    assert_eq!(stored.unwrap().get(&place), Some(&10));
}

/// What a member subscribes to may change: what is kept flows on, what is not is committed and given up.
#[tokio::test(start_paused = true)]
async fn a_subscription_may_change() {
    let setting = Setting::new().await;
    let [one, two, three] = ["one", "two", "three"].map(|name| setting.topic(name, 1));
    for topic in [one, two, three] {
        send(&setting, topic, 1, 10).await;
    }
    let kafka = setting.kafka().await;
    let mut member = joining(&kafka).subscribe([one, two]).await.unwrap();
    numbered::receive(&mut member, 20).await;
    let handle = member.handle();
    assert_eq!(
        handle.subscribe([""]).unwrap_err().kind(),
        ErrorKind::Config
    );
    handle.subscribe([three, two]).unwrap();
    for _ in 0..10 {
        let record = timeout(20 * SECOND, member.recv()).await.unwrap().unwrap();
        assert_eq!(record.topic(), three, "the others go on where they were");
    }
    let place = |topic: &str| TopicPartition::new(topic, 0);
    assert_eq!(handle.assignment(), [place(three), place(two)]);
    // What was handed out of the one that is gone was committed.
    let stored = handle.committed(&[place(one)]).await.unwrap();
    assert_eq!(stored.get(&place(one)), Some(&10));
    member.close().await.unwrap();
    assert!(handle.subscribe([one]).is_err());
}
