//! What is wrong on purpose, and what the user is told. Whatever it is, no secret is told with it.

use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use integration::security::{Authority, PASSWORD, SecureKafka, USER, Validity, token};
use kafka_client::record::Record;
use kafka_client::security::{
    Beginning, Responding, Sasl, SaslExchange, SaslMechanism, SaslStart, Tls, Token,
};
use kafka_client::{Connector, Dialing, ErrorKind, Kafka, KafkaBuilder, Resolving, TcpConnector};
use tokio::net::TcpListener;

use crate::log::Log;
use crate::site::{Embedded, Site};

/// A password that no broker knows, and that is to be found nowhere.
const WRONG: &str = "wr0ng-p4ss-w0rd";

/// Leads every name to this machine.
struct Here;

impl Connector for Here {
    fn connect<'a>(&'a self, _host: &'a str, port: u16) -> Dialing<'a> {
        TcpConnector.connect("127.0.0.1", port)
    }
}

/// Every name has two addresses, and nobody listens at the first.
struct HalfThere;

impl Connector for HalfThere {
    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> Resolving<'a> {
        Box::pin(async { Ok(vec!["nobody".to_owned(), "127.0.0.1".to_owned()]) })
    }

    fn connect<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        match host {
            "nobody" => Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) }),
            host => TcpConnector.connect(host, port),
        }
    }
}

/// The first connection is made, and no later one: nothing answers.
#[derive(Default)]
struct OnceThere(AtomicBool);

impl Connector for OnceThere {
    fn connect<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a> {
        match self.0.swap(true, Ordering::Relaxed) {
            false => TcpConnector.connect(host, port),
            true => Box::pin(pending()),
        }
    }
}

/// A mechanism that no broker has.
struct Unheard;

impl SaslMechanism for Unheard {
    fn name(&self) -> &str {
        "UNHEARD-OF"
    }

    fn begin<'a>(&'a self, _host: &'a str) -> Beginning<'a> {
        Box::pin(async {
            Ok(SaslStart {
                message: Vec::new(),
                exchange: Box::new(Self),
            })
        })
    }
}

impl SaslExchange for Unheard {
    fn respond<'a>(&'a mut self, _challenge: &'a [u8]) -> Responding<'a> {
        Box::pin(async { Ok(None) })
    }
}

/// What is wrong, the client that has it, and words of what it is told.
type Wrong = (&'static str, KafkaBuilder, &'static [&'static str]);

/// What stays so until somebody changes something.
fn final_ones(site: &impl Site) -> Vec<Wrong> {
    let at = |listener: &str| Kafka::builder(site.bootstrap(listener));
    let stranger = Authority::new("nobody knows this one");
    let foreign = stranger.client(USER, Validity::Now);
    let expired = site.authority().client(USER, Validity::Expired);
    let port = site.bootstrap("SSL");
    let port = port.rsplit_once(':').unwrap().1.to_owned();
    let with = |sasl: Sasl| site.client("SASL_SSL", Some(sasl));
    let expired_token = || {
        let text = token(USER, Duration::from_secs(1));
        let past = SystemTime::now() + Duration::from_secs(3600);
        // The client believes that it is good.
        Ok(Token::new(replaced_expiry(&text)).expires_at(past))
    };
    vec![
        (
            "plain to a listener with TLS",
            at("SSL"),
            &["TLS", "security.protocol", "SSL or SASL_SSL"],
        ),
        (
            "an authority that is not believed",
            at("SSL").tls(Tls::new().ca_pem(stranger.certificate())),
            &[
                "the broker's certificate is refused",
                "ssl.truststore.location",
            ],
        ),
        (
            "another host name",
            Kafka::builder(format!("kafka.example:{port}"))
                .connector(Here)
                .tls(site.tls()),
            &["not for kafka.example", "127.0.0.1", "advertised.listeners"],
        ),
        (
            "no certificate where one is wanted",
            at("MTLS").tls(site.tls()),
            &["the broker refuses this client", "ssl.keystore.location"],
        ),
        (
            "a certificate of an authority that the broker does not believe",
            at("MTLS").tls(
                site.tls()
                    .client_certificate_pem(foreign.chain, foreign.key),
            ),
            &["the broker refuses this client"],
        ),
        (
            "a certificate that has expired",
            at("MTLS").tls(
                site.tls()
                    .client_certificate_pem(expired.chain, expired.key),
            ),
            &["the broker refuses this client"],
        ),
        (
            "a mechanism that the broker does not have",
            with(Sasl::custom(Unheard)),
            &[
                "does not take UNHEARD-OF",
                "sasl.mechanism",
                "SCRAM-SHA-512",
            ],
        ),
        (
            "SASL where there is none",
            at("PLAINTEXT").sasl(Sasl::plain(USER, PASSWORD)),
            &["does not authenticate clients", "security.protocol"],
        ),
        (
            "a wrong password by PLAIN",
            with(Sasl::plain(USER, WRONG)),
            &["the broker refuses PLAIN", "check user name and password"],
        ),
        (
            "a wrong password by SCRAM",
            with(Sasl::scram_sha_256(USER, WRONG)),
            &[
                "the broker refuses SCRAM-SHA-256",
                "check user name and password",
            ],
        ),
        (
            "a user that is none",
            with(Sasl::scram_sha_512("nobody", WRONG)),
            &[
                "the broker refuses SCRAM-SHA-512",
                "check user name and password",
            ],
        ),
        (
            "a token that has expired",
            with(Sasl::oauthbearer(move || async move { expired_token() })),
            &["OAUTHBEARER", "clocks"],
        ),
    ]
}

/// The token with another end: long ago.
fn replaced_expiry(text: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let mut parts: Vec<String> = text.split('.').map(str::to_owned).collect();
    let claims = format!(r#"{{"sub":"{USER}","iat":1000,"exp":2000}}"#);
    parts[1] = URL_SAFE_NO_PAD.encode(claims);
    parts.join(".")
}

/// What may pass, as far as the client can tell: it is tried until `connect_timeout`.
fn passing_ones(site: &impl Site) -> Vec<Wrong> {
    let at = |listener: &str| {
        let builder = Kafka::builder(site.bootstrap(listener));
        builder.connect_timeout(Duration::from_secs(3))
    };
    vec![
        (
            "TLS to a plain listener",
            at("PLAINTEXT").tls(site.tls()),
            &["TLS", "SASL_SSL"],
        ),
        (
            "no SASL where it is wanted",
            at("SASL_PLAINTEXT"),
            &["a listener that wants SASL", "sasl.mechanism"],
        ),
        (
            "no SASL where it is wanted, with TLS",
            at("SASL_SSL").tls(site.tls()),
            &["a listener that wants SASL", "sasl.mechanism"],
        ),
    ]
}

async fn each_is_told(site: &impl Site) {
    let log = Log::begin();
    for (what, builder, words) in final_ones(site) {
        let error = builder.connect().await.unwrap_err();
        println!("{what}: {error}");
        assert!(!error.is_retriable(), "{what}: {error}");
        // A host that speaks TLS to a plain client is no broker, as far as that can tell.
        let kinds = [ErrorKind::Authentication, ErrorKind::Protocol];
        assert!(kinds.contains(&error.kind()), "{what}: {error:?}");
        holds(what, &format!("{error} {error:?}"), words);
    }
    for (what, builder, words) in passing_ones(site) {
        let error = builder.connect().await.unwrap_err();
        println!("{what}: {error}");
        holds(what, &format!("{error} {error:?}"), words);
    }
    log.has_none_of(&[PASSWORD, WRONG, "BEGIN PRIVATE KEY", "eyJ"]);
}

fn holds(what: &str, text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "{what}: {words:?} in {text}");
    }
    for secret in [PASSWORD, WRONG, "eyJ"] {
        assert!(!text.contains(secret), "{what}: {text}");
    }
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn each_mistake_is_told_with_what_to_change_on_apache_kafka() {
    each_is_told(&SecureKafka::start_with(&[]).await.unwrap()).await;
}

#[tokio::test]
async fn each_mistake_is_told_with_what_to_change() {
    each_is_told(&Embedded::start_with(&[]).await).await;
}

/// The first connection is ended by the broker, which is the cause; the second is still being made when the time
/// is over.
#[tokio::test]
async fn the_end_of_the_time_does_not_hide_why_the_attempt_before_failed() {
    let site = Embedded::start_with(&[]).await;
    let kafka = Kafka::builder(site.bootstrap("SASL_PLAINTEXT"))
        .connector(OnceThere::default())
        .connect_timeout(Duration::from_secs(1));
    let error = kafka.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    let text = error.to_string();
    assert!(text.contains("connect_timeout"), "{text}");
    assert!(text.contains("a listener that wants SASL"), "{text}");
}

#[tokio::test]
async fn a_refusal_at_one_address_of_a_name_is_told_although_another_is_dead() {
    let site = Embedded::start_with(&[]).await;
    let address = site.bootstrap("SASL_PLAINTEXT");
    let (_, port) = address.rsplit_once(':').unwrap();
    let kafka = Kafka::builder(format!("two.example:{port}"))
        .connector(HalfThere)
        .connect_timeout(Duration::from_secs(2))
        .sasl(Sasl::plain(USER, WRONG));
    let error = kafka.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
    assert!(!error.is_retriable());
    assert!(
        error.to_string().contains("the broker refuses PLAIN"),
        "{error}"
    );
}

/// A broker that takes connections and says nothing; they are kept open.
async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.push(connection);
        }
    });
    address
}

/// Whoever waits for the silent ones waits for ever: their limits are an hour.
#[tokio::test]
async fn a_refusal_is_told_although_other_brokers_are_silent() {
    const HOUR: Duration = Duration::from_secs(3600);
    let site = Embedded::start_with(&[]).await;
    let (one, other) = (silent().await, silent().await);
    let refusing = site.bootstrap("SASL_PLAINTEXT");
    let kafka = Kafka::builder(format!("{one},{refusing},{other}"))
        .connect_timeout(HOUR)
        .connection_setup_timeout(HOUR)
        .connection_setup_timeout_max(HOUR)
        .sasl(Sasl::plain(USER, WRONG));
    let error = tokio::time::timeout(Duration::from_secs(60), kafka.connect()).await;
    let error = error.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
    assert!(
        error.to_string().contains("the broker refuses PLAIN"),
        "{error}"
    );
}

/// Such as one whose users are not up to date yet.
#[tokio::test]
async fn a_broker_that_refuses_does_not_keep_from_one_that_does_not() {
    let (refusing, good) = (
        Embedded::start_with(&[]).await,
        Embedded::start_with(&[]).await,
    );
    refusing.let_in(false).await;
    let [refusing, good] = [&refusing, &good].map(|site| site.bootstrap("SASL_PLAINTEXT"));
    for seed in 0..8 {
        let kafka = Kafka::builder(format!("{refusing},{good}"))
            .sasl(Sasl::scram_sha_256(USER, PASSWORD))
            .seed(seed);
        let kafka = kafka.connect().await.unwrap();
        let producer = kafka.producer().build().await.unwrap();
        let record = Record::to("orders").value("v");
        producer.send(record).await.unwrap();
    }
}
