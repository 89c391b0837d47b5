//! What a listener adds to `for_each_concurrent`, whose handler it is.
//!
//! The time is only told: `cargo test --release -p integration --test testing listen_cost -- --nocapture`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use allocation_counter::AllocationInfo;
use kafka_client::consumer::{Concurrency, OffsetReset};
use kafka_client::listen::Raw;
use kafka_client::record::{ConsumerRecord, Record};
use kafka_client::testing::{Setup, TestKafka};
use tokio::sync::Notify;

const RECORDS: u64 = 50_000;
const ROUNDS: usize = 5;

/// Counts records, and tells when all have come.
#[derive(Clone, Default)]
struct Seen(Arc<(AtomicU64, Notify)>);

impl Seen {
    fn add(&self) {
        if self.0.0.fetch_add(1, Ordering::Relaxed) + 1 == RECORDS {
            self.0.1.notify_one();
        }
    }

    async fn all(self) {
        self.0.1.notified().await;
    }
}

/// A layer that only passes on.
#[derive(Clone)]
struct Through;

#[derive(Clone)]
struct Passing<V>(V);

impl<V> tower_layer::Layer<V> for Through {
    type Service = Passing<V>;

    fn layer(&self, inner: V) -> Passing<V> {
        Passing(inner)
    }
}

impl<Q, V: tower_service::Service<Q>> tower_service::Service<Q> for Passing<V> {
    type Response = V::Response;
    type Error = V::Error;
    type Future = V::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), V::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Q) -> V::Future {
        self.0.call(request)
    }
}

async fn by_hand(kafka: &TestKafka, group: &str) {
    let seen = Seen::default();
    let consumer = kafka.consumer(group).offset_reset(OffsetReset::Earliest);
    let mut consumer = consumer.manual_ack().subscribe(["t"]).await.unwrap();
    let handler = |record: ConsumerRecord| {
        let seen = seen.clone();
        async move {
            drop(record);
            seen.add();
            Ok::<(), std::io::Error>(())
        }
    };
    let done = seen.clone().all();
    let order = Concurrency::PerPartition;
    consumer
        .for_each_concurrent(order, done, handler)
        .await
        .unwrap();
    consumer.close().await.unwrap();
}

async fn by_listener(kafka: &TestKafka, group: &str) {
    let seen = Seen::default();
    let done = seen.clone().all();
    let handler = move |Raw(record): Raw| {
        let seen = seen.clone();
        async move {
            drop(record);
            seen.add();
        }
    };
    let listener = kafka
        .listen(group)
        .consumer(|consumer| consumer.offset_reset(OffsetReset::Earliest))
        .on_topic("t", handler)
        .layer(Through)
        .concurrency(Concurrency::PerPartition);
    listener.run_until(done).await.unwrap();
}

/// Allocations and nanoseconds for each record.
fn measured(run: impl FnOnce()) -> (f64, f64) {
    let began = Instant::now();
    let AllocationInfo { count_total, .. } = allocation_counter::measure(run);
    let each = |all: f64| all / RECORDS as f64;
    (
        each(count_total as f64),
        each(began.elapsed().as_nanos() as f64),
    )
}

#[test]
fn a_listener_with_a_layer_allocates_nothing_for_a_record() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
    let kafka = runtime.block_on(async {
        let kafka = TestKafka::start(Setup::new().topic("t", 4)).await;
        let producer = kafka.producer().build().await.unwrap();
        for _ in 0..RECORDS {
            // Closing the producer tells whether all are written.
            drop(producer.enqueue(Record::to("t").value("v")).await.unwrap());
        }
        producer.close().await.unwrap();
        kafka
    });
    let mut all = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        let group = format!("hand-{round}");
        all[0].push(measured(|| runtime.block_on(by_hand(&kafka, &group))));
        let group = format!("listener-{round}");
        all[1].push(measured(|| {
            runtime.block_on(Box::pin(by_listener(&kafka, &group)))
        }));
    }
    let median = |of: &[(f64, f64)], part: fn(&(f64, f64)) -> f64| {
        let mut parts: Vec<f64> = of.iter().map(part).collect();
        parts.sort_by(f64::total_cmp);
        parts[parts.len() / 2]
    };
    let [hand, listener] = &all;
    let (count_by_hand, count) = (median(hand, |one| one.0), median(listener, |one| one.0));
    let (ns_by_hand, ns) = (median(hand, |one| one.1), median(listener, |one| one.1));
    println!("allocations {count_by_hand:.2} and {count:.2}, ns {ns_by_hand:.0} and {ns:.0}");
    // Between them lie those that a group takes, which are some thousand.
    assert!(count < count_by_hand + 0.1, "{count} and {count_by_hand}");
}
