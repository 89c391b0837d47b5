//! Sessions that end, and clients that authenticate again on the same connection (KIP-368).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use integration::security::{PASSWORD, SecureKafka, USER, token};
use kafka_client::consumer::{OffsetReset, TopicPartition};
use kafka_client::record::Record;
use kafka_client::security::{Sasl, Token};
use kafka_client::{Error, ErrorCode, ErrorKind, Kafka, NewTopic, SendError};

use crate::log::Log;
use crate::site::{Embedded, Site, mechanisms};

/// The life of a session on the brokers of these tests.
const SESSION: (&str, &str) = ("connections.max.reauth.ms", "2000");

/// How long the load lasts; `SOAK_SECONDS` sets it.
pub(crate) fn load_time() -> Duration {
    let seconds = std::env::var("SOAK_SECONDS").ok();
    let seconds = seconds.map(|text| text.parse().unwrap());
    Duration::from_secs(seconds.unwrap_or(10))
}

/// Sends numbered records one behind the other and many at a time, and reads them back, for a while: none
/// is refused, lost, doubled or out of order. How many they were.
pub(crate) async fn load(kafka: &Kafka, topic: &str) -> u64 {
    const AT_A_TIME: usize = 200;
    const END: &str = "end";
    let until = tokio::time::Instant::now() + load_time();
    let producer = kafka.producer().build().await.unwrap();
    let consumer = kafka.consumer(topic).offset_reset(OffsetReset::Earliest);
    let mut consumer = consumer.subscribe([topic]).await.unwrap();
    let writing = async {
        let mut number = 0u64;
        while tokio::time::Instant::now() < until {
            let mut deliveries = Vec::new();
            for _ in 0..AT_A_TIME {
                let value = number.to_string();
                let record = Record::to(topic).partition(0).value(&value);
                deliveries.push(producer.enqueue(record).await.unwrap());
                number += 1;
            }
            for delivery in deliveries {
                delivery.await.unwrap();
            }
        }
        // Else a reader that has caught up would wait for a record that never comes.
        let last = Record::to(topic).partition(0).value(END);
        producer.send(last).await.unwrap();
        number
    };
    let reading = async {
        let mut next = 0u64;
        loop {
            let received = consumer.recv().await.unwrap();
            let value = std::str::from_utf8(received.value().unwrap()).unwrap();
            if value == END {
                break next;
            }
            assert_eq!(value, next.to_string());
            next += 1;
            if next.is_multiple_of(1000) {
                consumer.commit().await.unwrap();
            }
        }
    };
    let (written, read) = tokio::join!(writing, reading);
    assert_eq!(read, written);
    println!("{written} records");
    consumer.close().await.unwrap();
    producer.close().await.unwrap();
    written
}

/// All mechanisms at once, each with a client of its own.
async fn under_load(site: &impl Site) {
    let log = Log::begin();
    let mut clients = Vec::new();
    for (number, sasl) in mechanisms().into_iter().enumerate() {
        let kafka = site.client("SASL_SSL", Some(sasl)).connect().await.unwrap();
        clients.push((kafka, format!("load-{number}")));
    }
    let loads = clients.iter().map(|(kafka, topic)| load(kafka, topic));
    futures::future::join_all(loads).await;
    let address = site.bootstrap("SASL_SSL");
    let again = log.count("authenticated again", &address);
    let lost = log.count("the broker closed the connection", &address);
    println!("authenticated again {again} times, {lost} connections lost");
    // Each client has some connections, and each of them does so at least every two seconds.
    let expected = load_time().as_secs() as usize / 2 * clients.len();
    assert!(again >= expected, "{again}");
    assert_eq!(lost, 0);
    assert_eq!(log.count("not authenticated again", &address), 0);
    log.has_none_of(&[PASSWORD]);
}

/// The cluster does not let the client in any more, and later again: all that waits is told, with why.
async fn shut_out(
    site: &impl Site,
    listener: &str,
    sasl: Sasl,
    mechanism: &str,
    let_in: impl AsyncFn(bool),
) {
    const TOPIC: &str = "refused";
    let kafka = site.client(listener, Some(sasl)).connect().await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    producer
        .send(Record::to(TOPIC).value("first"))
        .await
        .unwrap();
    let consumer = kafka.consumer(TOPIC).offset_reset(OffsetReset::Earliest);
    let mut consumer = consumer.subscribe([TOPIC]).await.unwrap();
    consumer.recv().await.unwrap();
    let is_told = |error: &Error| {
        assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
        assert!(error.to_string().contains(mechanism), "{error}");
    };
    let_in(false).await;
    let error = loop {
        if let Err(error) = producer.send(Record::to(TOPIC).value("more")).await {
            break error;
        }
    };
    let (SendError::NotDelivered(error) | SendError::Unknown(error)) = &error;
    is_told(error);
    let error = loop {
        if let Err(error) = consumer.recv().await {
            break error;
        }
    };
    is_told(&error);
    is_told(&consumer.commit().await.unwrap_err());
    is_told(&kafka.partitions("another").await.unwrap_err());

    let_in(true).await;
    while let Err(error) = producer.send(Record::to(TOPIC).value("again")).await {
        let (SendError::NotDelivered(error) | SendError::Unknown(error)) = &error;
        is_told(error);
    }
    loop {
        match consumer.recv().await {
            Ok(received) if received.value() == Some(b"again") => break,
            Ok(_) => {}
            Err(error) => is_told(&error),
        }
    }
    consumer.close().await.unwrap();
    producer.close().await.unwrap();
}

/// The cluster does not let the client in any more while calls of all kinds wait for it: each ends, with why.
/// Their own limits are an hour.
async fn pending(site: &impl Site, sasl: Sasl, mechanism: &str, let_in: impl AsyncFn(bool)) {
    const TOPIC: &str = "pending";
    const HOUR: Duration = Duration::from_secs(3600);
    let kafka = site.client("SASL_SSL", Some(sasl)).api_timeout(HOUR);
    let kafka = kafka.connect().await.unwrap();
    let producer = kafka.producer().delivery_timeout(HOUR).build();
    let producer = producer.await.unwrap();
    let first = producer.send(Record::to(TOPIC).value("first")).await;
    first.unwrap();
    let consumer = kafka.consumer(TOPIC).offset_reset(OffsetReset::Earliest);
    let mut consumer = consumer.subscribe([TOPIC]).await.unwrap();
    consumer.recv().await.unwrap();
    let at = TopicPartition::new(TOPIC, 0);
    // It has nothing more to read, and waits.
    let other = kafka.consumer("others").offset_reset(OffsetReset::Latest);
    let mut other = other.subscribe([TOPIC]).await.unwrap();
    let handle = consumer.handle();
    let told = |what: &str, error: &Error| {
        println!("{what}: {error}");
        assert_eq!(error.kind(), ErrorKind::Authentication, "{what}: {error}");
        assert!(error.to_string().contains(mechanism), "{what}: {error}");
    };
    let reads = async {
        loop {
            // Whatever else is sent is read.
            if let Err(error) = other.recv().await {
                break told("recv", &error);
            }
        }
    };
    let sends = async {
        loop {
            if let Err(error) = producer.send(Record::to(TOPIC).value("more")).await {
                let (SendError::NotDelivered(error) | SendError::Unknown(error)) = error;
                break told("send", &error);
            }
        }
    };
    let flushes = async {
        loop {
            // A record that nobody waits for is told of by the next flush.
            let record = Record::to(TOPIC).value("more");
            drop(producer.enqueue(record).await);
            if let Err(undelivered) = producer.flush().await {
                break told("flush", undelivered.first.as_ref().unwrap());
            }
        }
    };
    let commits = async {
        for offset in 0.. {
            if let Err(error) = handle.commit_offsets([(at.clone(), offset % 2)]).await {
                told("commit_offsets", &error);
                break;
            }
        }
    };
    let looks = async {
        loop {
            if let Err(error) = handle.committed(std::slice::from_ref(&at)).await {
                break told("committed", &error);
            }
        }
    };
    let offsets = async {
        loop {
            if let Err(error) = handle.offsets(std::slice::from_ref(&at)).await {
                break told("offsets", &error);
            }
        }
    };
    let names = async {
        loop {
            if let Err(error) = kafka.partitions(TOPIC).await {
                break told("partitions", &error);
            }
            if let Err(error) = kafka.create_topic(&NewTopic::new("pending-too")).await {
                match error.code() {
                    Some(ErrorCode::TOPIC_ALREADY_EXISTS) => {}
                    _ => break told("create_topic", &error),
                }
            }
        }
    };
    let all = async { tokio::join!(reads, sends, flushes, commits, looks, offsets, names) };
    let shut_out = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let_in(false).await;
    };
    let ended = tokio::time::timeout(Duration::from_secs(60), async {
        tokio::join!(all, shut_out)
    });
    ended.await.expect("all calls end");
    let_in(true).await;
}

/// A token that is good or not, as the switch says.
fn tokens_while(is_good: Arc<AtomicBool>) -> Sasl {
    Sasl::oauthbearer(move || {
        let is_good = is_good.load(Ordering::Relaxed);
        async move {
            let text = token(USER, Duration::from_secs(3600));
            Ok(match is_good {
                // Over at once, so that the next one is asked for each time.
                true => Token::new(text).expires_at(SystemTime::now()),
                // Said to live for an hour: what a broker has refused is not used again all the same.
                false => Token::new(format!("x{text}")),
            })
        }
    })
}

async fn with_tokens(site: &impl Site) {
    let is_good = Arc::new(AtomicBool::new(true));
    let sasl = tokens_while(is_good.clone());
    let let_in = async |good| is_good.store(good, Ordering::Relaxed);
    shut_out(site, "SASL_SSL", sasl, "OAUTHBEARER", let_in).await;
}

/// A user who is removed, and made again.
async fn with_a_password(site: &impl Site) {
    let sasl = Sasl::scram_sha_256(USER, PASSWORD);
    let let_in = async |good| site.let_in(good).await;
    shut_out(site, "SASL_PLAINTEXT", sasl, "SCRAM-SHA-256", let_in).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_while_sessions_end() {
    under_load(&Embedded::start_with(&[SESSION]).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn no_request_is_lost_while_sessions_end_on_apache_kafka() {
    under_load(&SecureKafka::start_with(&[SESSION]).await.unwrap()).await;
}

#[tokio::test]
async fn a_refusal_ends_all_that_waits() {
    let site = Embedded::start_with(&[SESSION]).await;
    with_a_password(&site).await;
    with_tokens(&site).await;
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn a_refusal_ends_all_that_waits_on_apache_kafka() {
    let kafka = SecureKafka::start_with(&[SESSION]).await.unwrap();
    with_a_password(&kafka).await;
    with_tokens(&kafka).await;
}

/// Both ways to be shut out, one after the other.
async fn pending_calls(site: &impl Site) {
    let is_good = Arc::new(AtomicBool::new(true));
    let sasl = tokens_while(is_good.clone());
    let let_in = async |good| is_good.store(good, Ordering::Relaxed);
    Box::pin(pending(site, sasl, "OAUTHBEARER", let_in)).await;
    let sasl = Sasl::scram_sha_256(USER, PASSWORD);
    let let_in = async |good| site.let_in(good).await;
    Box::pin(pending(site, sasl, "SCRAM-SHA-256", let_in)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_ends_every_pending_call() {
    pending_calls(&Embedded::start_with(&[SESSION]).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn a_refusal_ends_every_pending_call_on_apache_kafka() {
    pending_calls(&SecureKafka::start_with(&[SESSION]).await.unwrap()).await;
}
