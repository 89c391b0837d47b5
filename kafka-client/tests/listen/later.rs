//! Records that are handled again from topics of their own.

use kafka_client::listen::{
    Attempt, Blocking, HeaderStyle, Offset, Partition, Raw, State, Topic, Topics, Value,
};
use kafka_client::record::{Header, Record};
use tokio::time::{Instant, sleep};

use super::scene::{MS, Order, SECOND, Scene, Seen, shutdown};

/// Fails orders with the number 0 until their attempt of that many.
async fn until(
    (Value(order), Attempt(attempt)): (Value<Order>, Attempt),
    (topic, Partition(partition), Offset(offset)): (Topic, Partition, Offset),
    Raw(record): Raw,
    State((seen, good)): State<(Seen, u32)>,
) -> Result<(), String> {
    assert_eq!(record.headers().len(), usize::from(order.id == "tagged"));
    let number = order.number;
    seen.note(format!("{topic}-{partition}@{offset} {number} {attempt}"));
    match number == 0 && attempt < good {
        true => Err("no money".to_owned()),
        false => Ok(()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_goes_through_its_place_then_the_topics_and_what_is_behind_it_goes_on() {
    let scene = Scene::new().await;
    scene.order("a", 0..2).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state((seen.clone(), 4));
    let listener = listener.on_topic("orders", until).ensure_topics(true);
    let listener = listener.retry(Blocking::times(1).backoff(MS..=MS));
    let listener = listener.retry(Topics::after([60 * SECOND, 600 * SECOND]));
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(3).await;
    let begin = Instant::now();
    seen.wait_for_within(4, 100 * SECOND).await;
    let first = begin.elapsed();
    assert!((59 * SECOND..65 * SECOND).contains(&first), "{first:?}");
    sleep(300 * SECOND).await;
    assert!(scene.kafka.health().is_well(), "{}", scene.kafka.health());
    seen.wait_for_within(5, 1_000 * SECOND).await;
    let second = begin.elapsed();
    assert!((655 * SECOND..680 * SECOND).contains(&second), "{second:?}");
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    let wanted = [
        "orders-0@0 0 1",
        "orders-0@0 0 2",
        "orders-0@1 1 1",
        "orders-0@0 0 3",
        "orders-0@0 0 4",
    ];
    assert_eq!(seen.all(), wanted);
    assert_eq!((report.handled, report.forwarded), (2, 2));
    assert_eq!(scene.stored(0).await, Some(2));
    let made = ["retry-60000", "retry-600000"].map(|name| format!("orders.billing.{name}"));
    for topic in made {
        assert_eq!(scene.kafka.partitions(&topic).await.unwrap().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_last_topic_does_not_help_is_a_dead_letter_of_its_own_topic() {
    let scene = Scene::new().await;
    let headers = [Header::new("tag", "1")];
    let record = Record::to("orders").key("tagged").headers(&headers);
    let record = record.value(r#"{"id":"tagged","number":0}"#).partition(1);
    scene.send(record.timestamp_ms(1_500)).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state((seen.clone(), u32::MAX));
    let listener = listener.on_topic("orders", until).ensure_topics(true);
    let listener = listener.retry(Topics::after([10 * SECOND]));
    let listener = listener
        .dead_letters()
        .dead_letter_headers(HeaderStyle::Spring);
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(2).await;
    let dead = scene.read("orders.billing.dlt", 1).await.remove(0);
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert_eq!((report.forwarded, report.dead_lettered), (1, 1));
    assert_eq!(dead.partition(), 1);
    assert_eq!((dead.key(), dead.value()), (record.key, record.value));
    assert_eq!(dead.timestamp_ms(), Some(1_500));
    let names: Vec<_> = dead.headers().iter().map(|(name, _)| name).collect();
    assert_eq!(names[..2], ["tag", "kafka_dlt-original-topic"]);
    assert!(!names.iter().any(|name| name.starts_with("__retry")));
    let offset = dead.headers().get("kafka_dlt-original-offset");
    assert_eq!(offset, Some(Some(&[0; 8][..])));
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_a_topic_when_the_listener_ends_is_handled_by_the_next() {
    let scene = Scene::new().await;
    scene.order("a", 0..1).await;
    let seen = Seen::default();
    let listen = || {
        let listener = scene.listen().state((seen.clone(), 2));
        let listener = listener.on_topic("orders", until).ensure_topics(true);
        listener.retry(Topics::after([100 * SECOND]))
    };
    let (stop, stopped) = shutdown();
    let listener = tokio::spawn(listen().run_until(stopped));
    seen.wait_for(1).await;
    sleep(20 * SECOND).await;
    let begin = Instant::now();
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert!(begin.elapsed() < 10 * SECOND, "{:?}", begin.elapsed());
    assert_eq!((report.forwarded, report.handled), (1, 0));
    assert_eq!(scene.stored(0).await, Some(1));
    let (stop, stopped) = shutdown();
    let listener = tokio::spawn(listen().run_until(stopped));
    seen.wait_for_within(2, 200 * SECOND).await;
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().handled, 1);
    assert_eq!(seen.all(), ["orders-0@0 0 1", "orders-0@0 0 2"]);
}
