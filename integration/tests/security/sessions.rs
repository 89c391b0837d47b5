//! Sessions that end in the middle of other things. In memory, so that time is paused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use integration::network::Network;
use integration::security::{PASSWORD, USER, token};
use kafka_broker::{Broker, Step, when};
use kafka_client::record::Record;
use kafka_client::security::{Sasl, Token};
use kafka_client::{Kafka, KafkaBuilder};
use kafka_client_protocol::ApiKey;

const SECOND: Duration = Duration::from_secs(1);
const ADDRESS: &str = "broker:9092";

/// A broker whose sessions last for two seconds, and a client of it.
async fn scene() -> (Broker, KafkaBuilder) {
    let broker = Broker::builder()
        .memory()
        .no_listener()
        .listener("SASL_PLAINTEXT", "broker:9092")
        .property(
            "advertised.listeners",
            "PLAINTEXT://plain:9092,SASL_PLAINTEXT://broker:9092",
        )
        .user(USER, PASSWORD)
        .property("sasl.enabled.mechanisms", "PLAIN,OAUTHBEARER")
        .property("connections.max.reauth.ms", "2000")
        .start()
        .await
        .unwrap();
    broker.create_topic("orders", 1).unwrap();
    let network = Network::new();
    network.route(ADDRESS, broker.connector_of("SASL_PLAINTEXT").unwrap());
    let kafka = Kafka::builder(ADDRESS)
        .connector(network)
        .sasl(Sasl::plain(USER, PASSWORD))
        .seed(1);
    (broker, kafka)
}

/// To authenticate again is no use of a connection.
#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_although_its_session_is_renewed() {
    let (broker, kafka) = scene().await;
    let renewals = when(ApiKey::SASL_AUTHENTICATE).always().then([]);
    let renewals = broker.faults().inject(renewals);
    let kafka = kafka
        .connections_max_idle(20 * SECOND)
        .metadata_max_age(3600 * SECOND);
    let kafka = kafka.connect().await.unwrap();
    assert_eq!(broker.connections(), 1);
    tokio::time::sleep(15 * SECOND).await;
    assert_eq!(broker.connections(), 1);
    assert!(renewals.hits() >= 7, "{}", renewals.hits());
    tokio::time::sleep(15 * SECOND).await;
    assert_eq!(broker.connections(), 0);
    // The next use dials again.
    kafka.partitions("orders").await.unwrap();
}

/// A quota holds the connection back beyond the end of its session, and for longer than an answer may take: what is kept back is sent after the client
/// has authenticated, and nothing else.
#[tokio::test(start_paused = true)]
async fn a_quota_that_outlasts_the_session_costs_no_request() {
    let (broker, kafka) = scene().await;
    let kafka = kafka.connect().await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    let send = async || {
        let record = Record::to("orders").value("v");
        producer.send(record).await.unwrap().offset
    };
    assert_eq!(send().await, Some(0));
    let dials = when(ApiKey::API_VERSIONS).always().then([]);
    let dials = broker.faults().inject(dials);
    let held = when(ApiKey::PRODUCE).always();
    let held = held.then([Step::Throttle(40 * SECOND)]);
    let held = broker.faults().inject(held);
    for expected in 1..=5 {
        assert_eq!(send().await, Some(expected));
    }
    assert_eq!(held.hits(), 5, "none was sent twice");
    assert_eq!(dials.hits(), 0, "the connection is the same");
    assert_eq!(broker.end_offset("orders", 0), Some(6));
}

/// The broker goes in the middle of the renewal, and comes back: what was sent is told or found again.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_cut_off_costs_the_connection_and_nothing_else() {
    let (broker, kafka) = scene().await;
    let kafka = kafka.connect().await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    for step in [Step::Close, Step::Reset, Step::Delay(SECOND)] {
        let fault = when(ApiKey::SASL_AUTHENTICATE).times(2).then([step]);
        let fault = broker.faults().inject(fault);
        let before = broker.end_offset("orders", 0).unwrap();
        for _ in 0..60 {
            let record = Record::to("orders").value("v");
            producer.send(record).await.unwrap();
            tokio::time::sleep(SECOND / 10).await;
        }
        assert!(fault.hits() > 0);
        assert_eq!(broker.end_offset("orders", 0), Some(before + 60));
        fault.remove();
    }
}

/// Tokens as a function says.
fn tokens<F>(token: impl Fn() -> F + Send + Sync + 'static) -> Sasl
where
    F: Future<Output = Token> + Send + 'static,
{
    Sasl::oauthbearer(move || {
        let token = token();
        async move { Ok(token.await) }
    })
}

/// It comes to the provider of tokens while sessions are renewed and connections are made, and passes.
#[tokio::test(start_paused = true)]
async fn a_provider_that_panics_costs_no_record() {
    let (broker, kafka) = scene().await;
    let panics = Arc::new(AtomicBool::new(false));
    let asked = panics.clone();
    let kafka = kafka.sasl(tokens(move || {
        let panics = asked.load(Ordering::Relaxed);
        async move {
            assert!(!panics, "the vault is sealed");
            let text = token(USER, 3600 * SECOND);
            Token::new(text).expires_at(SystemTime::now())
        }
    }));
    let kafka = kafka.connect().await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    for number in 0..100 {
        panics.store((20..60).contains(&number), Ordering::Relaxed);
        drop(
            producer
                .enqueue(Record::to("orders").value("v"))
                .await
                .unwrap(),
        );
        tokio::time::sleep(SECOND / 4).await;
    }
    producer.flush().await.unwrap();
    assert_eq!(broker.end_offset("orders", 0), Some(100));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_does_not_come_is_told_of() {
    let (_broker, kafka) = scene().await;
    let kafka = kafka
        .sasl(tokens(std::future::pending))
        .connect_timeout(15 * SECOND);
    let error = kafka.connect().await.unwrap_err().to_string();
    assert!(error.contains("the wait for a token"), "{error}");
    assert!(!error.contains("bootstrap.servers"), "{error}");
}
