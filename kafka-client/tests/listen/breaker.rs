//! Handlers that all fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kafka_client::Subject;
use kafka_client::consumer::Concurrency;
use kafka_client::listen::{CircuitBreaker, State, Value};
use tokio::time::{sleep, timeout};

use super::scene::{Order, SECOND, Scene, Seen, shutdown};

#[derive(Clone, Default)]
struct Db {
    seen: Seen,
    is_up: Arc<AtomicBool>,
}

async fn charge(Value(order): Value<Order>, State(db): State<Db>) -> Result<(), String> {
    db.seen.note(order.number.to_string());
    match db.is_up.load(Ordering::Relaxed) {
        true => Ok(()),
        false => Err("no database".to_owned()),
    }
}

#[tokio::test(start_paused = true)]
async fn when_all_fail_records_wait_and_are_no_dead_letters() {
    let scene = Scene::new().await;
    scene.broker.create_topic("dead", 1).unwrap();
    scene.order("a", 0..50).await;
    let db = Db::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state(db.clone()).on(charge);
    let breaker = CircuitBreaker::after(5).backoff(4 * SECOND..=60 * SECOND);
    let listener = listener.dead_letter("dead").circuit_breaker(breaker);
    let listener = listener.concurrency(Concurrency::Unordered(4));
    let listener = tokio::spawn(listener.run_until(stopped));
    let health = scene.kafka.wait_for_health(|health| {
        let mut stuck = health.stuck().iter();
        stuck.any(|stuck| matches!(stuck.subject, Subject::Handlers { .. }))
    });
    let health = timeout(60 * SECOND, health).await.unwrap().to_string();
    let wanted = "the handlers of listener billing fail";
    assert!(health.contains(wanted), "{health}");
    assert!(health.contains("no database"), "{health}");
    sleep(100 * SECOND).await;
    let dead = scene.broker.end_offset("dead", 0).unwrap();
    assert_eq!(dead, 4, "those before it opened");
    // Some were under way when it opened; then one after 4, 12, 28, 60 and 120 seconds.
    let calls = db.seen.count();
    assert!((5..=14).contains(&calls), "{calls}");
    db.is_up.store(true, Ordering::Relaxed);
    let end = async {
        while scene.stored(0).await != Some(50) {
            sleep(SECOND).await;
        }
    };
    timeout(200 * SECOND, end).await.unwrap();
    assert!(scene.kafka.health().is_well(), "{}", scene.kafka.health());
    stop.send(()).unwrap();
    let report = listener.await.unwrap().unwrap();
    assert_eq!((report.handled, report.dead_lettered), (46, 4));
}

#[tokio::test(start_paused = true)]
async fn without_it_all_become_dead_letters() {
    let scene = Scene::new().await;
    scene.broker.create_topic("dead", 1).unwrap();
    scene.order("a", 0..30).await;
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state(Db::default()).on(charge);
    let listener = listener.dead_letter("dead").circuit_breaker(None);
    let listener = tokio::spawn(listener.run_until(stopped));
    assert_eq!(scene.read("dead", 30).await.len(), 30);
    stop.send(()).unwrap();
    assert_eq!(listener.await.unwrap().unwrap().dead_lettered, 30);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_it() {
    let scene = Scene::new().await;
    scene.broker.create_topic("dead", 1).unwrap();
    scene.order("a", 0..30).await;
    let db = Db::default();
    let (stop, stopped) = shutdown();
    let listener = scene.listen().state(db.clone()).on(charge);
    let breaker = CircuitBreaker::after(3).backoff(3_600 * SECOND..=3_600 * SECOND);
    let listener = listener.dead_letter("dead").circuit_breaker(breaker);
    let listener = tokio::spawn(listener.run_until(stopped));
    db.seen.wait_for(3).await;
    sleep(SECOND).await;
    stop.send(()).unwrap();
    let report = timeout(20 * SECOND, listener).await.unwrap();
    let report = report.unwrap().unwrap();
    assert_eq!((report.dead_lettered, report.abandoned), (2, 1));
    assert_eq!(scene.stored(0).await, Some(2));
}
