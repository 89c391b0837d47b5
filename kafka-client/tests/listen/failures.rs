//! Records that could not be handled.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kafka_broker::{Step, when};
use kafka_client::listen::{Attempt, Blocking, ListenError, State, Value, Verdict};
use kafka_client::record::{Header, Record};
use kafka_client::{ApiKey, ErrorCode, Subject};

use tokio::time::{Instant, sleep, timeout};

use super::scene::{MS, Order, SECOND, Scene, Seen, shutdown};

#[derive(Debug)]
struct BillError {
    is_transient: bool,
}

impl fmt::Display for BillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no money")
    }
}

impl std::error::Error for BillError {}

fn classify(error: &BillError) -> Verdict {
    match error.is_transient {
        true => Verdict::Retry,
        false => Verdict::DeadLetter,
    }
}

/// Fails the first order until its third attempt.
async fn third_time(
    Value(order): Value<Order>,
    Attempt(attempt): Attempt,
    State(seen): State<Seen>,
) -> Result<(), BillError> {
    seen.note(format!("{} {attempt}", order.number));
    match order.number == 0 && attempt < 3 {
        true => Err(BillError { is_transient: true }),
        false => Ok(()),
    }
}

#[tokio::test(start_paused = true)]
async fn retries_in_place_keep_the_order_and_wait_longer_each_time() {
    let scene = Scene::new().await;
    scene.order("a", 0..2).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state(seen.clone()).on(third_time);
    let listener = listener.retry(Blocking::times(3).backoff(4 * SECOND..=10 * SECOND));
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(1).await;
    let begin = Instant::now();
    seen.wait_for(4).await;
    let took = begin.elapsed();
    assert!((12 * SECOND..13 * SECOND).contains(&took), "{took:?}");
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert_eq!(seen.all(), ["0 1", "0 2", "0 3", "1 1"]);
    assert_eq!((report.handled, report.retried), (2, 2));
    assert_eq!(scene.stored(0).await, Some(2));
}

async fn never(Value(order): Value<Order>, State(seen): State<Seen>) -> Result<(), BillError> {
    seen.note(order.id);
    Err(BillError { is_transient: true })
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_the_record_as_it_was_with_headers_that_say_why() {
    let scene = Scene::new().await;
    scene.broker.create_topic("orders.billing.dlt", 3).unwrap();
    let headers = [
        Header::new("tenant", "acme"),
        Header {
            key: "null",
            value: None,
        },
    ];
    let record = Record::to("orders").key("a");
    let record = record.value(r#"{"id":"a","number":1}"#).headers(&headers);
    let record = record.partition(1).timestamp_ms(1_500);
    scene.send(record).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state(seen.clone()).on(never);
    let listener = listener.retry(Blocking::times(1).backoff(MS..=MS));
    let listener = tokio::spawn(listener.dead_letters().run_until(stopped));
    let dead = scene.read("orders.billing.dlt", 1).await.remove(0);
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert_eq!((report.handled, report.dead_lettered), (0, 1));
    assert_eq!(dead.partition(), 1);
    assert_eq!((dead.key(), dead.value()), (record.key, record.value));
    assert_eq!(dead.timestamp_ms(), Some(1_500));
    let headers: Vec<_> = dead.headers().iter().collect();
    let wanted: [(&str, Option<&[u8]>); 8] = [
        ("tenant", Some(b"acme")),
        ("null", None),
        ("__dlq.errors.topic", Some(b"orders")),
        ("__dlq.errors.partition", Some(b"1")),
        ("__dlq.errors.offset", Some(b"0")),
        ("__dlq.errors.group", Some(b"billing")),
        ("__dlq.errors.delivery.count", Some(b"2")),
        ("__dlq.errors.message", Some(b"no money")),
    ];
    assert_eq!(headers, wanted);
    assert_eq!(scene.stored(1).await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_committed_before_its_dead_letter_is_written_and_the_wait_is_told() {
    let scene = Scene::new().await;
    scene.broker.create_topic("dead", 1).unwrap();
    scene.order("a", 0..2).await;
    let refuse = when(ApiKey::PRODUCE).topic("dead").always();
    let refuse = refuse.then([Step::Error(ErrorCode::TOPIC_AUTHORIZATION_FAILED)]);
    let refused = scene.broker.faults().inject(refuse);
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state(seen.clone()).on(never);
    let listener = tokio::spawn(listener.dead_letter("dead").run_until(stopped));
    let health = scene.kafka.wait_for_health(|health| {
        let mut stuck = health.stuck().iter();
        stuck.any(|stuck| matches!(stuck.subject, Subject::Forwarding { .. }))
    });
    let health = timeout(60 * SECOND, health).await.unwrap().to_string();
    let wanted = "what listener billing writes to topic dead is not taken";
    assert!(health.contains(wanted), "{health}");
    sleep(60 * SECOND).await;
    assert_ne!(scene.stored(0).await, Some(1));
    assert_eq!(seen.count(), 1, "the member is in its group all the time");
    refused.remove();
    assert_eq!(scene.read("dead", 2).await.len(), 2);
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().dead_lettered, 2);
    assert_eq!(scene.stored(0).await, Some(2));
    assert!(scene.kafka.health().is_well());
}

#[tokio::test(start_paused = true)]
async fn an_error_is_what_it_is_classified_as() {
    let scene = Scene::new().await;
    scene.order("a", 0..1).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let lasting = async |Value(order): Value<Order>, State(seen): State<Seen>| {
        seen.note(order.id);
        Err::<(), _>(BillError {
            is_transient: false,
        })
    };
    let listener = scene.listen().state(seen.clone()).on(lasting);
    let listener = listener.retry(Blocking::forever()).classify(classify);
    let listener = tokio::spawn(listener.dead_letter("dead").run_until(stopped));
    // The first write makes the topic.
    while scene.broker.end_offset("dead", 0).unwrap_or_default() == 0 {
        sleep(MS).await;
    }
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().dead_lettered, 1);
    assert_eq!(seen.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_place_for_it_a_failure_ends_the_listener_and_the_record_comes_again() {
    let scene = Scene::new().await;
    scene.order("a", 0..2).await;
    let seen = Seen::default();
    let listener = scene.listen().state(seen.clone()).on(never);
    let error = listener.run_until(std::future::pending()).await;
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "topic orders partition 0 offset 0: the handler failed: no money"
    );
    let ListenError::Handler { error, record } = error else {
        panic!("{error}");
    };
    assert!(error.is::<BillError>());
    assert_eq!(record.offset(), 0);
    assert_ne!(scene.stored(0).await, Some(1));
    let listener = scene.listen().state(seen.clone()).on(never);
    let again = listener.run_until(std::future::pending()).await;
    assert!(again.is_err());
    assert_eq!(seen.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_decoded_is_never_passed_over_unless_it_is_said() {
    let scene = Scene::new().await;
    scene.broker.create_topic("dead", 1).unwrap();
    scene
        .send(Record::to("orders").value("{").partition(0))
        .await;
    let seen = Seen::default();
    let listen = || scene.listen().state(seen.clone()).on(third_time);
    let ended = listen().run_until(std::future::pending()).await;
    let ended = ended.unwrap_err();
    assert!(matches!(ended, ListenError::Decode { .. }), "{ended:?}");
    assert!(ended.to_string().contains("orders-0@0"), "{ended}");

    let (stop, stopped) = shutdown();
    let listener = listen().retry(Blocking::forever()).dead_letter("dead");
    let listener = tokio::spawn(listener.run_until(stopped));
    assert_eq!(scene.read("dead", 1).await[0].value(), Some(&b"{"[..]));
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().dead_lettered, 1);

    scene
        .send(Record::to("orders").value("{").partition(0))
        .await;
    scene.order("a", 5..6).await;
    let (stop, stopped) = shutdown();
    let listener = listen().on_decode_error(Verdict::Skip);
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(1).await;
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert_eq!((report.skipped, report.handled), (1, 1));
    assert_eq!(seen.all(), ["5 1"]);
    assert_eq!(scene.stored(0).await, Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_of_its_own() {
    let scene = Scene::new().await;
    scene.broker.create_topic("dead", 1).unwrap();
    scene.order("a", 0..1).await;
    let panics = async |Value(order): Value<Order>| {
        assert!(order.number > 0, "no such order");
    };
    let ended = scene.listen().on(panics);
    let ended = ended.run_until(std::future::pending()).await.unwrap_err();
    assert!(matches!(&ended, ListenError::Panicked { words, .. } if words == "no such order"));
    let (stop, stopped) = shutdown();
    let listener = scene.listen().on(panics).dead_letter("dead");
    let listener = tokio::spawn(listener.run_until(stopped));
    let dead = scene.read("dead", 1).await.remove(0);
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().dead_lettered, 1);
    let message = dead.headers().get("__dlq.errors.message");
    assert_eq!(message, Some(Some(&b"panicked: no such order"[..])));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_another_attempt() {
    let scene = Scene::new().await;
    scene.order("a", 0..2).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state(seen.clone()).on(never);
    let listener = listener.retry(Blocking::forever().backoff(3_600 * SECOND..=3_600 * SECOND));
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(1).await;
    sleep(SECOND).await;
    let begin = Instant::now();
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert!(begin.elapsed() < 10 * SECOND);
    assert_eq!((report.retried, report.abandoned), (1, 1));
    assert_ne!(scene.stored(0).await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_retry_loses_no_member_and_holds_no_other_partition() {
    let scene = Scene::new().await;
    scene.order("a", 0..1).await;
    let value = r#"{"id":"b","number":9}"#;
    let other = Record::to("orders").key("b").value(value).partition(1);
    scene.send(other).await;
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let handler = move |Value(order): Value<Order>| {
        let first = order.number == 0 && counted.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            match first {
                true => Err(BillError { is_transient: true }),
                false => Ok(()),
            }
        }
    };
    let (stop, stopped) = shutdown();
    let listener = scene.listen().on(handler);
    // Longer than max.poll.interval.ms.
    let listener = listener.retry(Blocking::times(1).backoff(600 * SECOND..=600 * SECOND));
    let listener = tokio::spawn(listener.run_until(stopped));
    sleep(300 * SECOND).await;
    assert_eq!(scene.stored(1).await, Some(1));
    sleep(400 * SECOND).await;
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert_eq!((report.handled, report.retried), (2, 1));
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    assert_eq!(scene.stored(0).await, Some(1));
}

/// Of two that are not done at the end, the one that failed is told, whichever comes first.
#[tokio::test(start_paused = true)]
async fn a_failure_after_the_shutdown_is_told_although_others_were_given_up() {
    let scene = Scene::new().await;
    scene.order("a", 0..1).await;
    let value = r#"{"id":"b","number":9}"#;
    let other = Record::to("orders").key("b").value(value).partition(1);
    scene.send(other).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let handler = async |Value(order): Value<Order>, State(seen): State<Seen>| {
        seen.note("begin");
        if order.number == 9 {
            sleep(5 * SECOND).await;
        }
        let is_transient = order.number == 0;
        Err::<(), _>(BillError { is_transient })
    };
    let listener = scene.listen().state(seen.clone()).on(handler);
    let listener = listener.retry(Blocking::forever().backoff(60 * SECOND..=60 * SECOND));
    let listener = tokio::spawn(listener.classify(classify).run_until(stopped));
    seen.wait_for(2).await;
    stop.send(()).unwrap();
    let ended = listener.await.unwrap().unwrap_err();
    assert!(ended.to_string().contains("partition 1"), "{ended}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_what_classifies_ends_the_listener() {
    let scene = Scene::new().await;
    scene.order("a", 0..1).await;
    let listener = scene.listen().state(Seen::default()).on(never);
    let listener = listener.classify(|_: &BillError| panic!("no such error"));
    let ended = listener
        .run_until(std::future::pending())
        .await
        .unwrap_err();
    assert!(matches!(&ended, ListenError::Panicked { words, .. } if words == "no such error"));
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_dropped_retries_nothing_more() {
    let scene = Scene::new().await;
    scene.order("a", 0..1).await;
    let seen = Seen::default();
    let listener = scene.listen().state(seen.clone()).on(never);
    let listener = listener.retry(Blocking::forever().backoff(SECOND..=SECOND));
    let listener = tokio::spawn(listener.run_until(std::future::pending()));
    seen.wait_for(3).await;
    listener.abort();
    sleep(60 * SECOND).await;
    assert!(seen.count() <= 4, "{}", seen.count());
}

#[tokio::test(start_paused = true)]
async fn a_topic_of_dead_letters_may_be_made_anew_with_fewer_partitions() {
    const DEAD: &str = "orders.billing.dlt";
    let scene = Scene::new().await;
    scene.broker.create_topic(DEAD, 2).unwrap();
    let value = r#"{"id":"a","number":0}"#;
    let order = Record::to("orders").value(value).partition(1);
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state(Seen::default()).on(never);
    let listener = tokio::spawn(listener.dead_letters().run_until(stopped));
    scene.send(order).await;
    assert_eq!(scene.read(DEAD, 1).await[0].partition(), 1);
    scene.kafka.delete_topic(DEAD).await.unwrap();
    scene.broker.create_topic(DEAD, 1).unwrap();
    scene.send(order).await;
    let written = async {
        while scene.broker.end_offset(DEAD, 0) != Some(1) {
            sleep(MS).await;
        }
    };
    timeout(600 * SECOND, written).await.expect("a dead letter");
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert_eq!(report.dead_lettered, 2);
}
