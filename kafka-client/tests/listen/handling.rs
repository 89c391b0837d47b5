//! Records that are handled.

use std::collections::BTreeMap;

use kafka_client::consumer::Concurrency;
use kafka_client::listen::{
    Attempt, FromState, Header, HeaderSet, Key, NamedHeader, Offset, Partition, Raw, State,
    Timestamp, Topic, Value,
};
use kafka_client::record::{Header as RecordHeader, Record};
use tokio::time::sleep;

use super::scene::{MS, Order, SECOND, Scene, Seen, shutdown};

struct Tenant;

impl NamedHeader for Tenant {
    const NAME: &'static str = "tenant";
    type Value = String;
}

#[derive(Clone)]
struct App {
    seen: Seen,
}

impl FromState<App> for Seen {
    fn from_state(app: &App) -> Self {
        app.seen.clone()
    }
}

#[expect(clippy::too_many_arguments, reason = "as many as there may be")]
async fn everything(
    Value(order): Value<Order>,
    Key(key): Key<String>,
    Header(tenant): Header<Tenant>,
    HeaderSet(all): HeaderSet<BTreeMap<String, String>>,
    (Partition(partition), Offset(offset)): (Partition, Offset),
    (topic, Timestamp(ms), Attempt(attempt)): (Topic, Timestamp<i64>, Attempt),
    Raw(record): Raw,
    State(seen): State<Seen>,
) {
    assert_eq!(record.offset(), offset);
    assert_eq!(all["tenant"], tenant);
    let number = order.number;
    seen.note(format!(
        "{topic}-{partition}@{offset} {key} {tenant} {number} {ms} {attempt}"
    ));
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_given_what_its_arguments_say() {
    let scene = Scene::new().await;
    let headers = [RecordHeader::new("tenant", "acme")];
    let record = Record::to("orders").key("o-1");
    let record = record.value(r#"{"id":"o-1","number":7}"#).headers(&headers);
    scene.send(record.partition(1).timestamp_ms(1_500)).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state(App { seen: seen.clone() });
    let listener = listener.on(everything).run_until(stopped);
    let listener = tokio::spawn(listener);
    seen.wait_for(1).await;
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert_eq!(seen.all(), ["orders-1@0 o-1 acme 7 1500 1"]);
    assert_eq!((report.handled, report.abandoned), (1, 0));
    assert_eq!(scene.stored(1).await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn handlers_are_found_by_topic_and_by_type() {
    let scene = Scene::new().await;
    scene.broker.create_topic("payments", 1).unwrap();
    scene.order("a", 0..1).await;
    scene.send(Record::to("payments").value("paid")).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let order = async |Value(order): Value<Order>, State(seen): State<Seen>| seen.note(order.id);
    let payment = async |Raw(record): Raw, State(seen): State<Seen>| -> Result<(), String> {
        seen.note(String::from_utf8_lossy(record.value().unwrap()));
        Ok(())
    };
    let listener = scene.listen().state(seen.clone());
    let listener = listener.on(order).on_topic("payments", payment);
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(2).await;
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().handled, 2);
    let mut all = seen.all();
    all.sort();
    assert_eq!(all, ["a", "paid"]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_handlers_that_run_and_commits_them() {
    let scene = Scene::new().await;
    scene.order("a", 0..2).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let slow = async |Value(order): Value<Order>, State(seen): State<Seen>| {
        seen.note(format!("begin {}", order.number));
        sleep(5 * SECOND).await;
        seen.note(format!("end {}", order.number));
    };
    let listener = scene.listen().state(seen.clone()).on(slow);
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(1).await;
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert_eq!(seen.all(), ["begin 0", "end 0"]);
    assert_eq!((report.handled, report.abandoned), (1, 0));
    assert_eq!(scene.stored(0).await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_no_longer_than_its_limit() {
    let scene = Scene::new().await;
    scene.order("a", 0..1).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let stuck = async |State(seen): State<Seen>| {
        seen.note("begin");
        std::future::pending::<()>().await;
    };
    let listener = scene.listen().state(seen.clone());
    let listener = listener.on_topic("orders", stuck).shutdown_timeout(SECOND);
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(1).await;
    stop.send(()).unwrap();
    let report = tokio::time::timeout(60 * SECOND, listener).await.unwrap();
    assert_eq!(report.unwrap().unwrap().abandoned, 1);
    assert_ne!(scene.stored(0).await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn keys_are_handled_at_the_same_time_and_each_in_its_order() {
    let scene = Scene::new().await;
    scene.order("slow", 0..2).await;
    scene.order("fast", 2..4).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let handler = async |Value(order): Value<Order>, State(seen): State<Seen>| {
        if order.id == "slow" {
            sleep(500 * MS).await;
        }
        seen.note(order.number.to_string());
    };
    let listener = scene.listen().state(seen.clone()).on(handler);
    let listener = listener.concurrency(Concurrency::PerKey(8));
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(4).await;
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().handled, 4);
    assert_eq!(seen.all(), ["2", "3", "0", "1"]);
}

#[tokio::test]
async fn a_listener_without_handlers_or_with_two_for_a_topic_is_refused() {
    let scene = Scene::new().await;
    let none = scene.listen().run_until(std::future::pending()).await;
    assert!(none.unwrap_err().to_string().contains("needs a handler"));
    let nothing = async || ();
    let twice = scene.listen().on_topic("orders", nothing);
    let twice = twice.on_topic("orders", nothing);
    let twice = twice.run_until(std::future::pending()).await;
    assert!(twice.unwrap_err().to_string().contains("two handlers"));
}

/// Or it is said once more.
#[tokio::test(start_paused = true)]
async fn the_type_of_a_handler_may_be_written() {
    let scene = Scene::new().await;
    scene.order("a", 0..1).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let note = async |(Value(order), State(seen)): (Value<Order>, State<Seen>)| seen.note(order.id);
    let listener = scene.listen().state(seen.clone()).on::<Order, _>(note);
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(1).await;
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().handled, 1);
}
