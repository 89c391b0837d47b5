//! Handlers of several records at once.

use kafka_client::listen::{Attempt, Batch, Blocking, ListenError, State, Value};
use kafka_client::record::{ConsumerRecord, Record};
use tokio::time::{Instant, sleep};

use super::scene::{MS, Order, SECOND, Scene, Seen, shutdown};

async fn together(
    orders: Batch<Order>,
    Attempt(attempt): Attempt,
    State((seen, bad)): State<(Seen, u32)>,
) -> Result<(), String> {
    let numbers: Vec<_> = orders.iter().map(|order| order.number).collect();
    seen.note(format!("{numbers:?} {attempt}"));
    match numbers.contains(&bad) {
        true => Err("no money".to_owned()),
        false => Ok(()),
    }
}

const NONE: u32 = u32::MAX;

#[tokio::test(start_paused = true)]
async fn a_batch_is_handled_when_it_is_full_or_has_waited() {
    let scene = Scene::new().await;
    scene.order("a", 0..5).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state((seen.clone(), NONE));
    let listener = listener.on_batch(together, 3, 10 * SECOND);
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(1).await;
    let begin = Instant::now();
    seen.wait_for(2).await;
    let took = begin.elapsed();
    assert!((9 * SECOND..12 * SECOND).contains(&took), "{took:?}");
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().handled, 5);
    assert_eq!(seen.all(), ["[0, 1, 2] 1", "[3, 4] 1"]);
    assert_eq!(scene.stored(0).await, Some(5));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_is_handled_again_as_a_whole_and_dies_one_by_one() {
    let scene = Scene::new().await;
    scene.broker.create_topic("dead", 1).unwrap();
    scene.order("a", 0..4).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state((seen.clone(), 1));
    let listener = listener.on_batch(together, 2, SECOND).dead_letter("dead");
    let listener = listener.retry(Blocking::times(1).backoff(MS..=MS));
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(3).await;
    let dead = scene.read("dead", 2).await;
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert_eq!((report.handled, report.dead_lettered), (2, 2));
    assert_eq!(seen.all(), ["[0, 1] 1", "[0, 1] 2", "[2, 3] 1"]);
    let count = dead[0].headers().get("__dlq.errors.delivery.count");
    assert_eq!(count, Some(Some(&b"2"[..])));
    assert_eq!(scene.stored(0).await, Some(4));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_does_not_decode_takes_no_other_with_it() {
    let scene = Scene::new().await;
    scene.broker.create_topic("dead", 1).unwrap();
    scene.order("a", 0..1).await;
    scene
        .send(Record::to("orders").value("{").partition(0))
        .await;
    scene.order("a", 2..3).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state((seen.clone(), NONE));
    let listener = listener.on_batch(together, 3, SECOND).dead_letter("dead");
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(2).await;
    assert_eq!(scene.read("dead", 1).await[0].value(), Some(&b"{"[..]));
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert_eq!((report.handled, report.dead_lettered), (2, 1));
    assert_eq!(seen.all(), ["[0] 1", "[2] 1"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_begun_at_the_end_and_what_failed_comes_again() {
    let scene = Scene::new().await;
    scene.order("a", 0..2).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state((seen.clone(), NONE));
    let listener = listener.on_batch(together, 3, 3_600 * SECOND);
    let listener = tokio::spawn(listener.run_until(stopped));
    sleep(10 * SECOND).await;
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().handled, 0);
    assert_ne!(scene.stored(0).await, Some(2));
    let listener = scene.listen().state((seen.clone(), 1));
    let listener = listener.on_batch(together, 2, SECOND);
    let ended = listener
        .run_until(std::future::pending())
        .await
        .unwrap_err();
    assert!(matches!(ended, ListenError::Handler { .. }), "{ended}");
    assert_eq!(seen.all(), ["[0, 1] 1"]);
    assert_ne!(scene.stored(0).await, Some(2));
}

/// Longer than max.poll.interval.ms.
#[tokio::test(start_paused = true)]
async fn a_slow_batch_loses_no_member_and_single_records_go_on() {
    let scene = Scene::new().await;
    scene.broker.create_topic("payments", 1).unwrap();
    scene.order("a", 0..2).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let slow = async |_: Batch<Order>, State(seen): State<Seen>| {
        sleep(600 * SECOND).await;
        seen.note("batch");
    };
    let single = async |Value(order): Value<Order>, State(seen): State<Seen>| seen.note(order.id);
    let listener = scene.listen().state(seen.clone());
    let listener = listener.on_batch(slow, 2, SECOND);
    let listener = listener.on_topic("payments", single);
    let listener = tokio::spawn(listener.run_until(stopped));
    sleep(100 * SECOND).await;
    let payment = Record::to("payments").value(r#"{"id":"p","number":1}"#);
    scene.send(payment.key("p")).await;
    seen.wait_for(1).await;
    seen.wait_for_within(2, 1_000 * SECOND).await;
    sleep(10 * SECOND).await;
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().handled, 3);
    assert_eq!(seen.all(), ["p", "batch"]);
    assert_eq!(scene.stored(0).await, Some(2));
}

/// As the handler is a plain function.
#[tokio::test]
async fn handlers_of_batches_are_called_by_tests() {
    let record = ConsumerRecord::new("orders", 0, 1).with_value(r#"{"id":"a","number":7}"#);
    let batch = Batch::decode([record.with_key("a")]).unwrap();
    let seen = Seen::default();
    let handled = together(batch, Attempt(1), State((seen.clone(), 7))).await;
    assert!(handled.is_err());
    assert_eq!(seen.all(), ["[7] 1"]);
}
