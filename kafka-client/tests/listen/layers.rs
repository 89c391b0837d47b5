//! Layers of tower's around handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use kafka_client::consumer::Concurrency;
use kafka_client::listen::{Attempt, Blocking, ListenError, Message, State, Value};
use tokio::time::{Instant, sleep};
use tower::limit::{ConcurrencyLimitLayer, RateLimitLayer};
use tower::load_shed::LoadShedLayer;
use tower::load_shed::error::Overloaded;
use tower::timeout::TimeoutLayer;
use tower::timeout::error::Elapsed;
use tower::{Layer, Service};

use super::scene::{MS, Order, SECOND, Scene, Seen, shutdown};

async fn slow(Value(order): Value<Order>, Attempt(attempt): Attempt, State(seen): State<Seen>) {
    seen.note(format!("begin {}", order.number));
    let seconds = if attempt == 1 { 10 } else { 1 };
    sleep(seconds * SECOND).await;
    seen.note(format!("end {}", order.number));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_an_error_of_the_attempt_and_each_attempt_has_its_own() {
    let scene = Scene::new().await;
    scene.order("a", 0..1).await;
    let seen = Seen::default();
    let listener = scene.listen().state(seen.clone()).on(slow);
    let listener = listener.layer(TimeoutLayer::new(5 * SECOND));
    let error = listener.run_until(std::future::pending()).await;
    let Err(ListenError::Handler { error, .. }) = error else {
        panic!("{error:?}");
    };
    assert!(error.is::<Elapsed>());

    let (stop, stopped) = shutdown();
    let listener = scene.listen().state(seen.clone()).on(slow);
    let listener = listener.layer(TimeoutLayer::new(5 * SECOND));
    let listener = listener.retry(Blocking::times(1).backoff(MS..=MS));
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(4).await;
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert_eq!((report.handled, report.retried), (1, 1));
    assert_eq!(seen.all(), ["begin 0", "begin 0", "begin 0", "end 0"]);
}

async fn for_a_second(Value(order): Value<Order>, State(seen): State<Seen>) {
    seen.note(format!("begin {}", order.number));
    sleep(SECOND).await;
    seen.note(format!("end {}", order.number));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_handed_to_a_service_that_is_not_ready() {
    let scene = Scene::new().await;
    scene.order("a", 0..3).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state(seen.clone()).on(for_a_second);
    let listener = listener.layer(ConcurrencyLimitLayer::new(1));
    let listener = listener.concurrency(Concurrency::Unordered(8));
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(6).await;
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().handled, 3);
    let wanted = ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"];
    assert_eq!(seen.all(), wanted);
}

/// A service that cannot be cloned, and of which one instance has to count all records.
#[tokio::test(start_paused = true)]
async fn a_rate_limit_counts_the_records_of_all_lanes() {
    let scene = Scene::new().await;
    scene.order("a", 0..5).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let note = async |Value(order): Value<Order>, State(seen): State<Seen>| seen.note(order.id);
    let listener = scene.listen().state(seen.clone()).on(note);
    let listener = listener.layer(RateLimitLayer::new(1, 10 * SECOND));
    let listener = listener.concurrency(Concurrency::Unordered(8));
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(1).await;
    let begin = Instant::now();
    seen.wait_for(5).await;
    assert!(begin.elapsed() >= 39 * SECOND, "{:?}", begin.elapsed());
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().handled, 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_shed_is_an_error_of_the_attempt() {
    let scene = Scene::new().await;
    scene.order("a", 0..2).await;
    let seen = Seen::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state(seen.clone()).on(for_a_second);
    let listener = listener.layer(ConcurrencyLimitLayer::new(1));
    let listener = listener.layer(LoadShedLayer::new());
    let shed = Arc::new(AtomicU32::new(0));
    let counted = shed.clone();
    let listener = listener.classify(move |_: &Overloaded| {
        counted.fetch_add(1, Ordering::Relaxed);
        kafka_client::listen::Verdict::Retry
    });
    let listener = listener.retry(Blocking::forever().backoff(300 * MS..=300 * MS));
    let listener = listener.concurrency(Concurrency::Unordered(8));
    let listener = tokio::spawn(listener.run_until(stopped));
    seen.wait_for(4).await;
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().handled, 2);
    assert!(shed.load(Ordering::Relaxed) > 0);
}

/// A layer of the user's.
#[derive(Clone)]
struct Count(Arc<AtomicU32>);

#[derive(Clone)]
struct Counting<V>(V, Arc<AtomicU32>);

impl<V> Layer<V> for Count {
    type Service = Counting<V>;

    fn layer(&self, inner: V) -> Counting<V> {
        Counting(inner, self.0.clone())
    }
}

impl<S, V: Service<Message<S>>> Service<Message<S>> for Counting<V> {
    type Response = V::Response;
    type Error = V::Error;
    type Future = V::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), V::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, message: Message<S>) -> V::Future {
        self.1.fetch_add(message.attempt(), Ordering::Relaxed);
        self.0.call(message)
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_is_around_the_handlers_before_it() {
    let scene = Scene::new().await;
    scene.broker.create_topic("payments", 1).unwrap();
    scene.order("a", 0..2).await;
    let payment = kafka_client::record::Record::to("payments").value("paid");
    scene.send(payment).await;
    let (seen, count) = (Seen::default(), Arc::new(AtomicU32::new(0)));
    let (stop, stopped) = shutdown();
    let note = async |State(seen): State<Seen>| seen.note("one");
    let listener = scene.listen().state(seen.clone());
    let listener = listener.on_topic("orders", note);
    let listener = listener.layer(Count(count.clone()));
    let listener = listener.layer(TimeoutLayer::new(Duration::from_secs(5)));
    let listener = tokio::spawn(listener.on_topic("payments", note).run_until(stopped));
    seen.wait_for(3).await;
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().handled, 3);
    assert_eq!(count.load(Ordering::Relaxed), 2);
}
