//! Whose runtime a client lives on: it can be used from any thread while that one runs, and what is
//! pending when it ends is an error. Real runtimes, real time.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use integration::network::Network;
use kafka_broker::Broker;
use kafka_client::consumer::{OffsetReset, TopicPartition};
use kafka_client::record::Record;
use kafka_client::{Error, ErrorKind, Kafka, NewTopic};
use tokio::runtime::{Builder, Runtime};

/// More than anything here takes.
const LONG: Duration = Duration::from_secs(20);

/// A runtime with a broker that listens on TCP.
fn server() -> (Runtime, Broker) {
    let runtime = multi_thread();
    let broker = Broker::builder().memory().listen("127.0.0.1:0").start();
    let broker = runtime.block_on(broker).unwrap();
    broker.create_topic("orders", 1).unwrap();
    (runtime, broker)
}

fn multi_thread() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

fn partition() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

/// What a program does with a client.
async fn use_it(kafka: &Kafka, topic: &str) -> Result<(), Error> {
    kafka.create_topic(&NewTopic::new(topic)).await?;
    let producer = kafka.producer().build().await?;
    for _ in 0..3 {
        producer.send(Record::to("orders").value("one")).await?;
    }
    producer.close().await?;
    let reader = kafka.reader().offset_reset(OffsetReset::Earliest);
    let mut reader = reader.assign([partition()]).await?;
    for _ in 0..3 {
        reader.recv().await?;
    }
    reader.handle().offsets(&[partition()]).await?;
    reader.close().await?;
    let group = kafka.consumer("group").offset_reset(OffsetReset::Earliest);
    let mut member = group.subscribe(["orders"]).await?;
    member.recv().await?;
    member.commit().await?;
    member.close().await
}

#[test]
fn connecting_without_a_runtime_is_an_error_that_says_what_to_do() {
    let error = block_on(Kafka::connect("localhost:9092")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("runtime"), "{error}");
}

#[test]
fn a_client_works_from_a_plain_thread() {
    let (_server, broker) = server();
    let runtime = multi_thread();
    let kafka = runtime
        .block_on(Kafka::connect(broker.bootstrap()))
        .unwrap();
    thread::spawn(move || block_on(use_it(&kafka, "plain")).unwrap())
        .join()
        .unwrap();
}

/// What the calls make, sockets above all, must not belong to the runtime that they come from.
#[test]
fn a_client_works_from_other_runtimes_and_outlives_them() {
    let (_server, broker) = server();
    let runtime = multi_thread();
    let kafka = runtime
        .block_on(Kafka::connect(broker.bootstrap()))
        .unwrap();
    for topic in ["first", "second"] {
        let other = Builder::new_current_thread().build().unwrap();
        other.block_on(use_it(&kafka, topic)).unwrap();
    }
    runtime.block_on(use_it(&kafka, "third")).unwrap();
}

/// Ends a client's runtime half a second after `pending` was begun elsewhere, on a broker that does
/// not answer any more; what came of it.
fn when_the_runtime_ends<T, F>(pending: impl FnOnce(Kafka, Network) -> F + Send + 'static) -> T
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let runtime = multi_thread();
    let network = Network::new();
    let server = multi_thread();
    let broker = Broker::builder()
        .memory()
        .no_listener()
        .advertise("one", 9092);
    let broker = server.block_on(broker.start()).unwrap();
    broker.create_topic("orders", 1).unwrap();
    network.route("one:9092", broker.connector());
    let connector = network.clone();
    let kafka = Kafka::builder("one:9092").connector(connector).connect();
    let kafka = runtime.block_on(kafka).unwrap();
    let (sender, result) = mpsc::channel();
    thread::spawn(move || sender.send(block_on(pending(kafka, network))));
    thread::sleep(Duration::from_millis(500));
    assert!(result.try_recv().is_err(), "it pends");
    let begin = Instant::now();
    drop(runtime);
    let result = result.recv_timeout(LONG).unwrap();
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
    result
}

#[test]
fn administration_ends_with_its_runtime() {
    let result = when_the_runtime_ends(async |kafka, network| {
        network.mute("one:9092");
        kafka.create_topic(&NewTopic::new("new")).await
    });
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
    assert!(error.to_string().contains("runtime"), "{error}");
}

#[test]
fn a_dial_and_the_wait_for_the_next_one_end_with_their_runtime() {
    for silent in [false, true] {
        let result = when_the_runtime_ends(async move |kafka, network| {
            match silent {
                true => network.silence("one:9092"),
                false => network.refuse("one:9092"),
            }
            network.cut("one:9092");
            kafka.create_topic(&NewTopic::new("new")).await
        });
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
    }
}

#[test]
fn the_wait_for_metadata_ends_with_its_runtime() {
    let result = when_the_runtime_ends(async |kafka, network| {
        network.silence("one:9092");
        kafka.reader().assign([partition()]).await.map(drop)
    });
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
}

#[test]
fn a_receive_ends_with_its_runtime() {
    let (first, second) = when_the_runtime_ends(async |kafka, _| {
        let mut reader = kafka.reader().assign([partition()]).await.unwrap();
        (reader.recv().await, reader.recv().await)
    });
    for result in [first, second] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
        assert!(error.to_string().contains("runtime"), "{error}");
    }
}

#[test]
fn a_commit_ends_with_its_runtime() {
    let result = when_the_runtime_ends(async |kafka, network| {
        let member = kafka.consumer("group").manual_commit();
        let member = member.subscribe(["orders"]).await.unwrap();
        let handle = member.handle();
        while handle.assignment().is_empty() {
            thread::sleep(Duration::from_millis(10));
        }
        network.mute("one:9092");
        handle.committed(&[partition()]).await
    });
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
}

/// Nothing panics, and nothing is left pending, on a client whose runtime is gone already.
#[test]
fn calls_after_the_end_of_the_runtime_are_errors() {
    let (_server, broker) = server();
    let runtime = multi_thread();
    let kafka = runtime
        .block_on(Kafka::connect(broker.bootstrap()))
        .unwrap();
    drop(runtime);
    let (sender, result) = mpsc::channel();
    thread::spawn(move || {
        block_on(async {
            let created = kafka.create_topic(&NewTopic::new("late")).await;
            let assigned = kafka.reader().assign([partition()]).await.map(drop);
            let _ = sender.send((created, assigned));
        });
    });
    let (created, assigned) = result.recv_timeout(LONG).unwrap();
    for result in [created, assigned] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
    }
}

/// Every record that is buffered gets its verdict, whoever waits and however.
#[test]
fn deliveries_flushes_and_closes_end_with_their_runtime() {
    let (delivery, flushed, blocked, closed) = when_the_runtime_ends(async |kafka, network| {
        let producer = kafka.producer().buffer_memory(1 << 20);
        let producer = producer.max_request_size(1 << 20).build().await.unwrap();
        producer
            .send(Record::to("orders").value("known"))
            .await
            .unwrap();
        network.mute("one:9092");
        let waits = producer.enqueue(Record::to("orders").value("waits"));
        let delivery = waits.await.unwrap().await;
        let dropped = producer.try_enqueue(Record::to("orders").value("late"));
        let flushed = producer.flush().await;
        (
            delivery,
            flushed,
            dropped.map(drop).map_err(|error| error.to_string()),
            producer.close().await,
        )
    });
    let error = delivery.unwrap_err();
    assert!(error.possibly_written(), "{error}");
    assert_eq!(error.error().kind(), ErrorKind::Closed, "{error:?}");
    assert!(error.to_string().contains("runtime"), "{error}");
    assert!(blocked.unwrap_err().contains("runtime"));
    // The one that failed was looked at, and no other was taken.
    flushed.unwrap();
    closed.unwrap();
}

#[test]
fn a_send_that_waits_for_memory_ends_with_its_runtime() {
    let error = when_the_runtime_ends(async |kafka, network| {
        let producer = kafka.producer().buffer_memory(2048).max_request_size(1024);
        let producer = producer.build().await.unwrap();
        let value = [b'x'; 600];
        let record = Record::to("orders").partition(0).value(&value);
        producer.send(record).await.unwrap();
        network.mute("one:9092");
        loop {
            if let Err(error) = producer.enqueue(record).await {
                return error;
            }
        }
    });
    assert!(!error.possibly_written(), "{error}");
    assert_eq!(error.error().kind(), ErrorKind::Closed, "{error:?}");
}

#[test]
fn a_thread_may_send_and_wait() {
    let (_server, broker) = server();
    let runtime = multi_thread();
    let kafka = runtime
        .block_on(Kafka::connect(broker.bootstrap()))
        .unwrap();
    let producer = runtime.block_on(kafka.producer().build()).unwrap();
    for offset in 0..3 {
        let record = Record::to("orders").value("from a thread");
        let delivered = producer.blocking_send(record).unwrap();
        assert_eq!(delivered.offset, Some(offset));
    }
    runtime.block_on(producer.close()).unwrap();
}

/// A current_thread runtime works only inside of its `block_on`: nothing drives it meanwhile.
#[test]
fn a_thread_that_waits_for_a_runtime_that_nobody_drives_is_told_in_time() {
    let (_server, broker) = server();
    broker.create_topic("known", 1).unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let producer = runtime.block_on(async {
        let kafka = Kafka::connect(broker.bootstrap()).await.unwrap();
        let producer = kafka.producer().max_block(Duration::from_millis(300));
        let producer = producer.delivery_timeout(Duration::from_millis(300));
        let producer = producer.build().await.unwrap();
        producer.send(Record::to("known").value("v")).await.unwrap();
        producer
    });
    let (sender, result) = mpsc::channel();
    thread::spawn(move || {
        for topic in ["unknown", "known"] {
            let result = producer.blocking_send(Record::to(topic).value("v"));
            sender.send(result.unwrap_err()).unwrap();
        }
    });
    for buffered in [false, true] {
        let error = result.recv_timeout(LONG).expect("it ends");
        assert_eq!(error.error().kind(), ErrorKind::Timeout);
        assert_eq!(error.possibly_written(), buffered, "{error}");
        assert!(error.to_string().contains("current_thread"), "{error}");
    }
    drop(runtime);
}

#[test]
fn a_producer_is_not_built_on_a_runtime_that_has_ended() {
    let (_server, broker) = server();
    let runtime = multi_thread();
    let kafka = runtime
        .block_on(Kafka::connect(broker.bootstrap()))
        .unwrap();
    drop(runtime);
    let error = block_on(kafka.producer().build()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(error.to_string().contains("runtime"), "{error}");
}
