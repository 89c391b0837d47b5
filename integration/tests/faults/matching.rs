//! Members that share all topics whose names match, and what comes in between: no topic that matches,
//! brokers that leave topics out, topics that go, and predicates that panic.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration::numbered;
use kafka_broker::{FaultHandle, Step, when};
use kafka_client::consumer::{Consumer, ConsumerBuilder, ConsumerHandle, OffsetReset};
use kafka_client::{ErrorCode, ErrorKind, Kafka};
use kafka_client_protocol::ApiKey;
use kafka_client_protocol::api::metadata::{
    MetadataRequest, MetadataResponse, MetadataResponseTopic,
};
use tokio::time::timeout;

use super::Setting;
use super::log::Log;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The default of `metadata.max.age.ms`.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

fn joining(kafka: &Kafka) -> ConsumerBuilder {
    let member = kafka.consumer("group").offset_reset(OffsetReset::Earliest);
    member.heartbeat_interval(SECOND)
}

fn is_order(topic: &str) -> bool {
    topic.starts_with("orders.")
}

async fn send(setting: &Setting, topic: &str, numbers: std::ops::Range<u64>) {
    let producer = setting.kafka().await.producer().build().await.unwrap();
    numbered::send(&producer, topic, 1, numbers).await;
    producer.close().await.unwrap();
}

fn topics(member: &ConsumerHandle) -> Vec<String> {
    let owned = member.assignment().into_iter();
    let topics: BTreeSet<_> = owned.map(|owned| owned.topic.to_string()).collect();
    topics.into_iter().collect()
}

/// Waits for records for so long; none comes.
async fn wait(member: &mut Consumer, time: Duration) {
    let record = timeout(time, member.recv()).await;
    assert!(record.is_err(), "{record:?}");
}

/// Edits every answer about all topics.
fn edit_listings(
    setting: &Setting,
    edit: impl Fn(&mut Vec<MetadataResponseTopic>) + Send + Sync + 'static,
) -> FaultHandle {
    let listing = |request: &MetadataRequest| request.topics.is_none();
    let edit = Step::edit(move |answer: &mut MetadataResponse| edit(&mut answer.topics));
    setting.inject(
        when(ApiKey::METADATA)
            .matching(listing)
            .always()
            .then([edit]),
    )
}

#[tokio::test(start_paused = true)]
async fn while_no_topic_matches_a_member_waits_in_its_group() {
    let log = Log::capture_at("kafka_client=info");
    let setting = Setting::new().await;
    setting.topic("bills", 1);
    let kafka = setting.kafka().await;
    let listings = edit_listings(&setting, |_| {});
    let joins = setting.inject(when(ApiKey::JOIN_GROUP).always().then([]));
    let syncs = setting.inject(when(ApiKey::SYNC_GROUP).always().then([]));
    let mut member = joining(&kafka).subscribe_matching(is_order).await.unwrap();
    wait(&mut member, 4 * MAX_AGE).await;
    // Before the coordinator has read its log, for its id, and once with it.
    assert_eq!((joins.hits(), syncs.hits()), (3, 1));
    assert!((4..=5).contains(&listings.hits()), "{}", listings.hits());
    let lines = log.take();
    let told = lines
        .iter()
        .filter(|line| line.contains("no topic matches"));
    assert_eq!(told.count(), 1, "{lines:#?}");

    let orders = setting.topic("orders.eu", 1);
    send(&setting, orders, 0..5).await;
    let read = timeout(MAX_AGE + SECOND, numbered::receive(&mut member, 5)).await;
    read.expect("it is found").assert_is(1, 0..5);
    assert_eq!(topics(&member.handle()), [orders]);
    member.close().await.unwrap();
}

/// The cluster's own topics, and those that the user may not see.
#[tokio::test(start_paused = true)]
async fn internal_and_refused_topics_do_not_match() {
    let setting = Setting::new().await;
    for name in ["orders.eu", "orders.own", "orders.secret"] {
        setting.topic(name, 1);
    }
    edit_listings(&setting, |topics| {
        for topic in topics {
            topic.is_internal = topic.name.as_deref() == Some("orders.own");
            if topic.name.as_deref() == Some("orders.secret") {
                topic.error_code = ErrorCode::TOPIC_AUTHORIZATION_FAILED.code();
            }
        }
    });
    let asked = Arc::<Mutex<BTreeSet<String>>>::default();
    let seen = asked.clone();
    let matches = move |topic: &str| {
        seen.lock().unwrap().insert(topic.to_owned());
        is_order(topic)
    };
    let kafka = setting.kafka().await;
    let mut member = joining(&kafka).subscribe_matching(matches).await.unwrap();
    wait(&mut member, MINUTE).await;
    assert_eq!(topics(&member.handle()), ["orders.eu"]);
    assert_eq!(
        *asked.lock().unwrap(),
        BTreeSet::from(["orders.eu".to_owned()])
    );
}

/// A thousand topics that do not match are not asked for by name, nor remembered.
#[tokio::test(start_paused = true)]
async fn topics_that_do_not_match_are_not_remembered() {
    let setting = Setting::with(|broker| broker.journal(true)).await;
    let orders = setting.topic("orders.eu", 1);
    edit_listings(&setting, |topics| {
        let bills = |number| MetadataResponseTopic {
            name: Some(format!("bills.{number}").into()),
            ..topics[0].clone()
        };
        let bills: Vec<_> = (0..1_000).map(bills).collect();
        topics.extend(bills);
    });
    let kafka = setting.kafka().await;
    setting.broker.faults().clear_journal();
    let mut member = joining(&kafka).subscribe_matching(is_order).await.unwrap();
    wait(&mut member, MINUTE).await;
    member.handle().subscribe([orders]).unwrap();
    wait(&mut member, 2 * MAX_AGE).await;
    let journal = setting.broker.faults().journal().into_iter();
    let asked = journal.filter(|entry| entry.api_key == ApiKey::METADATA);
    let named: Vec<_> = asked.flat_map(|entry| entry.topics).collect();
    assert!(named.len() >= 3, "also with each refresh: {named:?}");
    assert!(named.iter().all(|name| name == orders), "{named:?}");
}

/// A topic that was there when the names were told, and is not any more.
#[tokio::test(start_paused = true)]
async fn nothing_that_matches_is_made_by_asking_for_it() {
    let setting = Setting::new().await;
    let orders = setting.topic("orders.eu", 1);
    edit_listings(&setting, |topics| {
        let ghost = MetadataResponseTopic {
            name: Some("orders.gone".into()),
            ..topics[0].clone()
        };
        topics.push(ghost);
    });
    let makes = |request: &MetadataRequest| request.allow_auto_topic_creation;
    let makes = when(ApiKey::METADATA).matching(makes).always();
    let makes = setting.inject(makes.then([]));
    let kafka = setting.kafka().await;
    let mut member = joining(&kafka).subscribe_matching(is_order).await.unwrap();
    wait(&mut member, MINUTE).await;
    member.handle().subscribe_matching(is_order).unwrap();
    wait(&mut member, MINUTE).await;
    assert_eq!(makes.hits(), 0);
    assert_eq!(setting.broker.end_offset("orders.gone", 0), None);
    assert_eq!(topics(&member.handle()), [orders]);
}

/// As with topics that are named, a few answers without a topic are not believed.
#[tokio::test(start_paused = true)]
async fn a_broker_that_leaves_a_topic_out_costs_no_rebalance() {
    let setting = Setting::new().await;
    let [eu, us] = ["orders.eu", "orders.us"].map(|name| setting.topic(name, 1));
    let lags = Arc::new(AtomicBool::new(false));
    let lagging = lags.clone();
    edit_listings(&setting, move |topics| {
        if lagging.load(Ordering::Relaxed) {
            topics.retain(|topic| topic.name.as_deref() != Some("orders.us"));
        }
    });
    let kafka = setting.client().retry_backoff(SECOND / 10, SECOND / 10);
    let kafka = kafka.connect().await.unwrap();
    let mut member = joining(&kafka).subscribe_matching(is_order).await.unwrap();
    wait(&mut member, MINUTE).await;
    let joins = setting.inject(when(ApiKey::JOIN_GROUP).always().then([]));
    lags.store(true, Ordering::Relaxed);
    // Asked for it by name, it does not know it for two seconds.
    let absent = Step::error_for(us, None, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let absent = when(ApiKey::METADATA).times(20).then([absent]);
    let absent = setting.inject(absent);
    wait(&mut member, 3 * MAX_AGE).await;
    assert_eq!((absent.hits(), joins.hits()), (20, 0));
    assert_eq!(topics(&member.handle()), [eu, us]);
}

/// What was handed out of a topic that is deleted is no trouble; what comes under its name later is
/// another topic.
#[tokio::test(start_paused = true)]
async fn a_topic_that_goes_is_given_up_and_one_that_comes_again_is_new() {
    let log = Log::capture();
    let setting = Setting::new().await;
    let [eu, us] = ["orders.eu", "orders.us"].map(|name| setting.topic(name, 1));
    send(&setting, eu, 0..3).await;
    send(&setting, us, 0..3).await;
    let kafka = setting.kafka().await;
    let member = joining(&kafka).offset_reset(OffsetReset::Latest);
    let mut member = member.subscribe_matching(is_order).await.unwrap();
    // What was there is skipped.
    wait(&mut member, 10 * SECOND).await;
    send(&setting, eu, 3..4).await;
    send(&setting, us, 3..5).await;
    numbered::receive(&mut member, 3).await;

    kafka.delete_topic(us).await.unwrap();
    wait(&mut member, MAX_AGE + MINUTE).await;
    assert_eq!(topics(&member.handle()), [eu]);
    assert_eq!(
        setting.broker.end_offset(us, 0),
        None,
        "it is not made again"
    );
    assert!(kafka.health().is_well(), "{}", kafka.health());
    assert_eq!(log.take(), Vec::<String>::new());
    send(&setting, eu, 4..5).await;
    numbered::receive(&mut member, 1).await.assert_is(1, 4..5);

    // Found within `metadata.max.age.ms`, and read from its first record.
    setting.topic(us, 1);
    send(&setting, us, 0..3).await;
    let read = timeout(MAX_AGE + SECOND, numbered::receive(&mut member, 3)).await;
    read.expect("it is found").assert_is(1, 0..3);
}

/// A right that is taken away is as good as a topic that is deleted.
#[tokio::test(start_paused = true)]
async fn a_topic_that_may_not_be_seen_any_more_is_given_up() {
    let setting = Setting::new().await;
    let [eu, us] = ["orders.eu", "orders.us"].map(|name| setting.topic(name, 1));
    let kafka = setting.kafka().await;
    let mut member = joining(&kafka).subscribe_matching(is_order).await.unwrap();
    wait(&mut member, MINUTE).await;
    assert_eq!(topics(&member.handle()), [eu, us]);
    let hidden = edit_listings(&setting, |topics| {
        topics.retain(|topic| topic.name.as_deref() != Some("orders.us"));
    });
    let denied = Step::error_for(us, None, ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    let denied = setting.inject(when(ApiKey::METADATA).always().then([denied]));
    wait(&mut member, 2 * MAX_AGE).await;
    assert_eq!(topics(&member.handle()), [eu]);
    assert!(denied.hits() < 5, "nor is it asked for: {}", denied.hits());
    hidden.remove();
    denied.remove();
    wait(&mut member, 2 * MAX_AGE).await;
    assert_eq!(topics(&member.handle()), [eu, us]);
}

/// A predicate that panics ends its consumer, which says so and leaves in order: at the start, and when
/// it is another later.
#[tokio::test(start_paused = true)]
async fn a_predicate_that_panics_ends_the_consumer_with_its_words() {
    for later in [false, true] {
        let setting = Setting::new().await;
        let orders = setting.topic("orders.eu", 1);
        let leaves = setting.inject(when(ApiKey::LEAVE_GROUP).always().then([]));
        let kafka = setting.kafka().await;
        let odd = |topic: &str| -> bool { panic!("{topic} is odd") };
        let mut member = match later {
            false => joining(&kafka).subscribe_matching(odd).await.unwrap(),
            true => {
                let mut member = joining(&kafka).subscribe([orders]).await.unwrap();
                wait(&mut member, MINUTE).await;
                member.handle().subscribe_matching(odd).unwrap();
                member
            }
        };
        let error = timeout(10 * SECOND, member.recv()).await;
        let error = error.unwrap().unwrap_err();
        assert!(error.is_fatal(), "{error}");
        let text = error.to_string();
        assert!(text.contains("panicked: orders.eu is odd"), "{text}");
        assert!(member.commit().await.unwrap_err().is_fatal());
        member.close().await.unwrap();
        assert_eq!(leaves.hits(), u64::from(later), "as a member it leaves");
    }
}

/// The typed forms, and those that acknowledge one by one; and what there must be for it.
#[tokio::test(start_paused = true)]
async fn every_kind_of_member_may_subscribe_to_what_matches() {
    let setting = Setting::new().await;
    let orders = setting.topic("orders.eu", 1);
    send(&setting, orders, 0..1).await;
    let kafka = setting.kafka().await;
    let acked = joining(&kafka).manual_ack();
    let mut acked = acked.subscribe_matching(is_order).await.unwrap();
    let order = timeout(MINUTE, acked.recv()).await.unwrap().unwrap();
    assert_eq!(order.topic(), orders);
    order.ack();
    acked.close().await.unwrap();

    let without = kafka.reader().subscribe_matching(is_order).await;
    assert_eq!(without.unwrap_err().kind(), ErrorKind::Config);
    let assigned = kafka.reader().assign(integration::partitions(orders, 1));
    let handle = assigned.await.unwrap().handle();
    let refused = handle.subscribe_matching(is_order).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Config);
}
