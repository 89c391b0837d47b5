//! What a listener costs for each record beyond `for_each_concurrent`: no allocation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kafka_broker::Broker;
use kafka_client::consumer::{Concurrency, ForEachError, OffsetReset};
use kafka_client::listen::{Raw, State};
use kafka_client::record::{ConsumerRecord, Record};
use kafka_client::{Connector, Dialing, Kafka};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tower::limit::ConcurrencyLimitLayer;

const RECORDS: u64 = 5_000;

struct InMemory(kafka_broker::Connector);

impl Connector for InMemory {
    fn connect<'a>(&'a self, _: &'a str, _: u16) -> Dialing<'a> {
        let stream: Box<dyn kafka_client::Stream> = Box::new(self.0.connect());
        Box::pin(async { Ok(stream) })
    }
}

/// Counts records, and says when all were there.
#[derive(Clone, Default)]
struct All(Arc<(AtomicU64, Notify)>);

impl All {
    fn one(&self) {
        if self.0.0.fetch_add(1, Ordering::Relaxed) + 1 == RECORDS {
            self.0.1.notify_one();
        }
    }

    fn reached(&self) -> impl Future<Output = ()> + use<> {
        let all = self.clone();
        async move { all.0.1.notified().await }
    }
}

/// Allocations of a whole run, of the broker's too, which are the same each time.
fn measure(runtime: &Runtime, run: impl Future<Output = ()>) -> u64 {
    let mut run = std::pin::pin!(run);
    allocation_counter::measure(|| runtime.block_on(&mut run)).count_total
}

#[test]
fn a_record_costs_no_allocation_more() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let (_broker, kafka) = runtime.block_on(async {
        let broker = Broker::builder().memory().no_listener().seed(1);
        let broker = broker.start().await.unwrap();
        broker.create_topic("orders", 1).unwrap();
        let connector = InMemory(broker.connector());
        let kafka = Kafka::builder("broker:9092").connector(connector).seed(1);
        let kafka = kafka.connect().await.unwrap();
        let producer = kafka.producer().build().await.unwrap();
        let records = (0..RECORDS).map(|_| Record::to("orders").value("order"));
        for sent in producer.send_all(records).await {
            sent.unwrap();
        }
        producer.close().await.unwrap();
        (broker, kafka)
    });
    let alone = |group: &'static str| {
        let (kafka, all) = (kafka.clone(), All::default());
        async move {
            let builder = kafka.consumer(group).offset_reset(OffsetReset::Earliest);
            let builder = builder.manual_ack();
            let mut consumer = builder.subscribe(["orders"]).await.unwrap();
            let (end, order) = (all.reached(), Concurrency::PerPartition);
            let handler = |record: ConsumerRecord| {
                let all = all.clone();
                async move {
                    assert!(record.value().is_some());
                    all.one();
                    Ok::<_, std::io::Error>(())
                }
            };
            let ended = consumer.for_each_concurrent(order, end, handler).await;
            let _: Result<(), ForEachError<_>> = ended;
            consumer.close().await.unwrap();
        }
    };
    let handler = async |Raw(record): Raw, State(all): State<All>| {
        assert!(record.value().is_some());
        all.one();
    };
    let listen = |group: &'static str| {
        let all = All::default();
        let end = all.reached();
        let listener = kafka.listen(group);
        let listener = listener.consumer(|consumer| consumer.offset_reset(OffsetReset::Earliest));
        (listener.state(all).on_topic("orders", handler), end)
    };
    // What is made once is made.
    measure(&runtime, alone("warm"));
    let alone = measure(&runtime, alone("alone"));
    let (listener, end) = listen("bare");
    let bare = measure(&runtime, async {
        listener.run_until(end).await.unwrap();
    });
    let (listener, end) = listen("layered");
    let layered = measure(&runtime, async {
        let listener = listener.layer(ConcurrencyLimitLayer::new(64));
        listener.run_until(end).await.unwrap();
    });
    for (what, cost) in [("a handler", bare), ("a handler with a layer", layered)] {
        let more = cost.saturating_sub(alone);
        assert!(
            more < RECORDS / 10,
            "{what}: {more} allocations more than {alone} for {RECORDS} records"
        );
    }
    println!("alone {alone}, bare {bare}, layered {layered}");
}
