//! Leaders that move, are missing, or are told wrongly. One broker plays all of a cluster: what its
//! metadata says is changed on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use integration::numbered::{self, enqueue};
use kafka_broker::{FaultHandle, Step, when};
use kafka_client::producer::Partitioner;
use kafka_client::record::Record;
use kafka_client::{ErrorCode, ErrorKind, SendError};
use kafka_client_protocol::api::metadata::{
    MetadataResponse, MetadataResponseBroker, MetadataResponseTopic,
};
use kafka_client_protocol::{ApiKey, Uuid};
use tokio::time::Instant;

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// Changes all that the metadata says of topics, from now on.
fn edit_topics(
    setting: &Setting,
    change: impl Fn(&mut MetadataResponseTopic) + Send + Sync + 'static,
) -> FaultHandle {
    let change = move |answer: &mut MetadataResponse| answer.topics.iter_mut().for_each(&change);
    setting.inject(when(ApiKey::METADATA).always().then([Step::edit(change)]))
}

/// Who leads partition 0.
#[derive(Clone)]
struct Leader {
    epoch: Arc<AtomicI32>,
    setting: Arc<Setting>,
}

impl Leader {
    /// Brokers 1 and 2, of which the first leads.
    fn new(setting: &Arc<Setting>) -> Self {
        let epoch = Arc::new(AtomicI32::new(0));
        let this = Self {
            epoch: epoch.clone(),
            setting: setting.clone(),
        };
        let edit = move |answer: &mut MetadataResponse| {
            let epoch = epoch.load(Ordering::Relaxed);
            let second = MetadataResponseBroker {
                node_id: 2,
                host: "second".into(),
                port: 9092,
                ..Default::default()
            };
            answer.brokers.push(second);
            let partitions = answer
                .topics
                .iter_mut()
                .flat_map(|topic| &mut topic.partitions);
            for partition in partitions.filter(|partition| partition.partition_index == 0) {
                partition.leader_id = 1 + epoch % 2;
                partition.leader_epoch = epoch;
            }
        };
        setting.inject(when(ApiKey::METADATA).always().then([Step::edit(edit)]));
        this
    }

    /// It moves to the other broker. The former one says so at the next request, before or after it
    /// has appended.
    fn moves(&self, appended: bool) -> FaultHandle {
        self.epoch.fetch_add(1, Ordering::Relaxed);
        let moved = Step::error_for("led", 0, ErrorCode::NOT_LEADER_OR_FOLLOWER);
        let steps = match appended {
            false => vec![moved],
            true => vec![Step::Apply, moved],
        };
        self.setting.inject(when(ApiKey::PRODUCE).then(steps))
    }
}

/// Part A 5, 6 and 11, part B 13 and 22.
#[tokio::test(start_paused = true)]
async fn a_leader_that_moves_under_load_stops_doubles_and_reorders_nothing() {
    for in_flight in [1, 5] {
        let setting = Arc::new(Setting::new().await);
        let topic = setting.topic("led", 2);
        let leader = Leader::new(&setting);
        let producer = setting.kafka().await.producer().max_in_flight(in_flight);
        let producer = producer.batch_size(512).max_request_size(1024);
        let producer = producer.build().await.unwrap();
        numbered::send(&producer, topic, 2, 0..1).await;
        let start = Instant::now();
        let moving = async {
            for number in 0..20 {
                leader.moves(number % 3 == 0).wait_for_hits(1).await;
                tokio::time::sleep(number * 10 * MS).await;
            }
        };
        let sending = async {
            for first in (1..).step_by(10) {
                numbered::send(&producer, topic, 2, first..first + 10).await;
                tokio::time::sleep(3 * MS).await;
            }
        };
        tokio::select! {
            () = moving => {}
            () = sending => unreachable!("it goes on for ever"),
        }
        assert!(start.elapsed() < 20 * SECOND, "{:?}", start.elapsed());
        producer.flush().await.unwrap();
        let written = setting.broker.end_offset(topic, 1).unwrap();
        assert!(written > 200, "{written}");
        numbered::send(&producer, topic, 2, written as u64..written as u64 + 10).await;
        // The broker knows of no such epoch.
        setting.broker.faults().clear();
        setting
            .log(topic, 2)
            .await
            .assert_is(2, 0..written as u64 + 10);
    }
}

/// What lingers when its leader moves is sent to the new one, and not later than it would have been.
#[tokio::test(start_paused = true)]
async fn a_batch_that_lingers_goes_with_its_leader() {
    let setting = Arc::new(Setting::new().await);
    let topic = setting.topic("led", 1);
    let leader = Leader::new(&setting);
    let kafka = setting.client().metadata_max_age(300 * MS);
    let producer = kafka.connect().await.unwrap().producer();
    let producer = producer.linger(2 * SECOND).build().await.unwrap();
    numbered::send(&producer, topic, 1, 0..1).await;
    let delivery = enqueue(&producer, topic, 1, 1..2).await.remove(0).2;
    let start = Instant::now();
    leader.epoch.fetch_add(1, Ordering::Relaxed);
    assert_eq!(delivery.await.unwrap().offset, Some(1));
    assert!(
        start.elapsed() <= 2 * SECOND + 2 * MS,
        "{:?}",
        start.elapsed()
    );
}

/// Part B 19: every replica of a partition is offline, as the metadata has it.
#[tokio::test(start_paused = true)]
async fn a_partition_without_a_leader_stops_no_other() {
    let setting = Setting::new().await;
    let topic = setting.topic("offline", 2);
    let producer = setting.kafka().await.producer();
    let producer = producer
        .delivery_timeout(20 * SECOND)
        .build()
        .await
        .unwrap();
    let offline = Step::error_for(topic, 0, ErrorCode::LEADER_NOT_AVAILABLE);
    let offline = setting.inject(when(ApiKey::METADATA).always().then([offline]));
    let record = |partition| Record::to(topic).partition(partition).value("v");
    let start = Instant::now();
    let waits = tokio::spawn(producer.enqueue(record(0)).await.unwrap());
    for offset in 0..100 {
        let begin = Instant::now();
        assert_eq!(producer.send(record(1)).await.unwrap().offset, Some(offset));
        assert!(begin.elapsed() < 10 * MS, "{:?}", begin.elapsed());
        tokio::time::sleep(100 * MS).await;
    }
    let error = waits.await.unwrap().unwrap_err();
    assert!(!error.possibly_written(), "{error}");
    assert!(start.elapsed() < 23 * SECOND);
    assert_eq!(error.error().kind(), ErrorKind::Timeout);
    assert_eq!(
        (error.error().topic(), error.error().partition()),
        (Some(topic), Some(0))
    );
    // In the text of the error itself, as every other cause.
    assert!(
        error
            .to_string()
            .contains("; the last attempt: the partition has no leader"),
        "{error}"
    );

    // It comes back within the time of the next one.
    let waits = tokio::spawn(producer.enqueue(record(0)).await.unwrap());
    tokio::time::sleep(5 * SECOND).await;
    offline.remove();
    assert_eq!(waits.await.unwrap().unwrap().offset, Some(0));
}

/// Part B 30, with records that were never sent and one that may be written.
#[tokio::test(start_paused = true)]
async fn flush_and_close_without_a_leader_end_in_time_and_every_record_has_a_verdict() {
    let setting = Setting::new().await;
    let topic = setting.topic("offline", 1);
    let kafka = setting.client().metadata_max_age(SECOND);
    let producer = kafka.connect().await.unwrap().producer();
    let producer = producer
        .delivery_timeout(20 * SECOND)
        .build()
        .await
        .unwrap();
    numbered::send(&producer, topic, 1, 0..1).await;
    let offline = Step::error_for(topic, 0, ErrorCode::LEADER_NOT_AVAILABLE);
    setting.inject(when(ApiKey::METADATA).always().then([offline]));
    let moved = Step::Error(ErrorCode::NOT_LEADER_OR_FOLLOWER);
    setting.inject(when(ApiKey::PRODUCE).always().then([Step::Apply, moved]));
    let doubtful = enqueue(&producer, topic, 1, 1..2).await.remove(0).2;
    tokio::time::sleep(3 * SECOND).await;
    let waiting = enqueue(&producer, topic, 1, 2..10).await;

    let start = Instant::now();
    let left = producer.flush_within(2 * SECOND).await.unwrap_err();
    assert_eq!((left.pending, start.elapsed()), (9, 2 * SECOND), "{left}");
    let left = producer.close().await.unwrap_err();
    assert!(start.elapsed() < 23 * SECOND, "{:?}", start.elapsed());
    assert_eq!(
        (left.unknown, left.not_delivered, left.pending),
        (1, 8, 0),
        "{left}"
    );
    let verdict = |delivery| futures::FutureExt::now_or_never(delivery).expect("a verdict");
    assert!(matches!(verdict(doubtful), Err(SendError::Unknown(_))));
    for (_, _, delivery) in waiting {
        assert!(matches!(verdict(delivery), Err(SendError::NotDelivered(_))));
    }
}

/// Part A 14: metadata that has a topic that records were sent to, without an error and without
/// partitions; under a new id, as if it was being made anew.
#[tokio::test(start_paused = true)]
async fn a_known_topic_without_partitions_is_waited_for() {
    let setting = Setting::new().await;
    let topic = setting.topic("emptied", 2);
    let kafka = setting.client().metadata_max_age(SECOND);
    let producer = kafka.connect().await.unwrap().producer();
    let producer = producer.build().await.unwrap();
    let record = Record::to(topic).key("k").value("v");
    producer.send(record).await.unwrap();
    let empty = edit_topics(&setting, |topic| {
        topic.partitions.clear();
        topic.topic_id = Uuid([7; 16]);
    });
    tokio::time::sleep(5 * SECOND).await;
    let sent = tokio::spawn(async move { producer.send(record).await });
    tokio::time::sleep(SECOND).await;
    assert!(!sent.is_finished());
    empty.remove();
    assert_eq!(sent.await.unwrap().unwrap().offset, Some(1));
}

/// Part A 15: a broker that has not heard of a new partition yet leaves it out.
#[tokio::test(start_paused = true)]
async fn a_partition_that_a_stale_broker_leaves_out_is_kept() {
    let setting = Setting::new().await;
    let topic = setting.topic("stale", 2);
    let kafka = setting.client().metadata_max_age(SECOND);
    let producer = kafka.connect().await.unwrap().producer();
    let producer = producer.linger(5 * SECOND).build().await.unwrap();
    let deliveries = enqueue(&producer, topic, 2, 0..10).await;
    let _stale = edit_topics(&setting, |topic| topic.partitions.truncate(1));
    tokio::time::sleep(3 * SECOND).await;
    for (_, number, delivery) in deliveries {
        assert_eq!(delivery.await.unwrap().offset, Some(number as i64));
    }
    numbered::send(&producer, topic, 2, 10..20).await;
}

/// Part B 17: what is sent goes to new partitions too, and keys may move; what is in a partition
/// keeps its order.
#[tokio::test(start_paused = true)]
async fn partitions_that_are_added_are_used_and_keys_move() {
    let setting = Setting::new().await;
    let topic = setting.topic("grows", 3);
    let before = edit_topics(&setting, |topic| topic.partitions.truncate(1));
    let kafka = setting.client().metadata_max_age(5 * SECOND);
    let kafka = kafka.connect().await.unwrap();
    let in_turn = kafka.producer().partitioner(Partitioner::RoundRobin);
    let in_turn = in_turn.build().await.unwrap();
    let keyed = kafka.producer().build().await.unwrap();
    let by_key = |key| Record::to(topic).key(key).value("v");
    let place = async |key| keyed.send(by_key(key)).await.unwrap().partition;
    for _ in 0..3 {
        let record = Record::to(topic).value("v");
        assert_eq!(in_turn.send(record).await.unwrap().partition, 0);
        assert_eq!(
            (place("abc").await, place("a-little-bit-long-string").await),
            (0, 0)
        );
    }
    // A partition that is not known yet is not waited for.
    let error = keyed.send(by_key("abc").partition(2)).await.unwrap_err();
    assert!(error.to_string().contains("1 partitions"), "{error}");

    before.remove();
    tokio::time::sleep(20 * SECOND).await;
    let mut went = Vec::new();
    for _ in 0..3 {
        let record = Record::to(topic).value("v");
        went.push(in_turn.send(record).await.unwrap().partition);
    }
    went.sort_unstable();
    assert_eq!(went, [0, 1, 2]);
    let moved = (-985_981_536 & i32::MAX) % 3;
    assert_eq!(
        (place("abc").await, place("a-little-bit-long-string").await),
        (0, moved)
    );
    assert_ne!(moved, 0);
    assert_eq!(
        keyed
            .send(by_key("abc").partition(2))
            .await
            .unwrap()
            .partition,
        2
    );
}

/// Part A 17, part B 16: a topic whose id no broker knows for a while is waited for, as long as a
/// delivery may take.
#[tokio::test(start_paused = true)]
async fn an_unknown_topic_id_is_retried_until_the_time_is_over() {
    let setting = Setting::new().await;
    let topic = setting.topic("vanished", 1);
    let producer = setting.kafka().await.producer();
    let producer = producer
        .delivery_timeout(20 * SECOND)
        .build()
        .await
        .unwrap();
    numbered::send(&producer, topic, 1, 0..1).await;
    let unknown = || {
        let unknown = Step::Error(ErrorCode::UNKNOWN_TOPIC_ID);
        setting.inject(when(ApiKey::PRODUCE).always().then([unknown]))
    };
    let fault = unknown();
    let waits = enqueue(&producer, topic, 1, 1..2).await.remove(0).2;
    let waits = tokio::spawn(waits);
    tokio::time::sleep(15 * SECOND).await;
    fault.remove();
    assert_eq!(waits.await.unwrap().unwrap().offset, Some(1));

    let fault = unknown();
    let start = Instant::now();
    let error = producer
        .send(Record::to(topic).value("v"))
        .await
        .unwrap_err();
    let took = start.elapsed();
    assert!(took >= 20 * SECOND && took < 23 * SECOND, "{took:?}");
    assert!(!error.possibly_written(), "{error}");
    assert!(
        format!("{:?}", error.error()).contains("UNKNOWN_TOPIC_ID"),
        "{error:?}"
    );
    assert!(fault.hits() > 3);
    fault.remove();
    numbered::send(&producer, topic, 1, 2..5).await;
}
