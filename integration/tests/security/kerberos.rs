//! GSSAPI on Apache Kafka, with a KDC of MIT's.
//!
//! The Kerberos library has its settings from the environment of the process, so each client is a process of its
//! own: this program again, with the one test [`client`] and what that is to do.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use integration::security::{KerberosKafka, REALM, Realm, Ticket};
use kafka_client::Kafka;
use tokio::process::Command;

use crate::log::Log;
use crate::renewal::{load, load_time};

/// What [`client`] is told: properties, and the topic that it loads.
const PROPERTIES: &str = "KERBEROS_PROPERTIES";
const TOPIC: &str = "KERBEROS_TOPIC";

const HOUR: Duration = Duration::from_secs(3600);

/// A realm with a principal `alice`, and a broker in it.
struct Site {
    realm: Realm,
    kafka: KerberosKafka,
    keytab: PathBuf,
    /// With a ticket of hers.
    cache: PathBuf,
}

/// The environment and the properties of a client.
struct Client {
    configuration: PathBuf,
    cache: PathBuf,
    properties: Vec<(&'static str, String)>,
}

impl Site {
    async fn start(ticket_life: Duration, settings: &[(&str, &str)]) -> Self {
        let realm = Realm::start(ticket_life).await.unwrap();
        let kafka = KerberosKafka::start_with(&realm, settings).await.unwrap();
        let keytab = realm.keytab("alice", "alice.keytab").await.unwrap();
        let site = Self {
            cache: realm.file("alice.cache"),
            realm,
            kafka,
            keytab,
        };
        site.ticket(&site.cache, HOUR).await;
        site
    }

    async fn ticket(&self, cache: &Path, life: Duration) {
        let ticket = Ticket {
            principal: "alice",
            keytab: &self.keytab,
            life,
            cache,
        };
        self.realm.kinit(ticket).await.unwrap();
    }

    /// A client with the ticket of the cache.
    fn client(&self) -> Client {
        Client {
            configuration: self.realm.configuration(),
            cache: self.cache.clone(),
            properties: vec![
                ("bootstrap.servers", self.kafka.bootstrap()),
                ("security.protocol", "SASL_PLAINTEXT".to_owned()),
                ("sasl.mechanism", "GSSAPI".to_owned()),
                ("sasl.kerberos.service.name", "kafka".to_owned()),
            ],
        }
    }

    /// A client without a cache, with a keytab by the names of Java.
    fn with_keytab(&self, keytab: &Path, principal: &str) -> Client {
        self.client().without_cache().with(
            "sasl.jaas.config",
            format!(
                "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true \
                 keyTab=\"{}\" principal=\"{principal}\";",
                keytab.display()
            ),
        )
    }
}

impl Client {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.properties.retain(|(other, _)| *other != name);
        self.properties.push((name, value.into()));
        self
    }

    fn without_cache(mut self) -> Self {
        self.cache = PathBuf::from("/nonexistent/cache");
        self
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("KRB5_CONFIG", &self.configuration)
            .env("KRB5CCNAME", format!("FILE:{}", self.cache.display()))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// What becomes of a client with these settings: the line that it ends with.
    async fn outcome(&self, topic: &str) -> String {
        let lines = self.properties.iter();
        let lines: Vec<String> = lines
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut command = self.command(std::env::current_exe().unwrap());
        command
            .args(["kerberos::client", "--exact", "--ignored", "--nocapture"])
            .env(PROPERTIES, lines.join("\n"))
            .env(TOPIC, topic);
        let output = command.output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let outcome = text.lines().find_map(|line| line.strip_prefix("outcome: "));
        let outcome = outcome.unwrap_or_else(|| {
            let errors = String::from_utf8_lossy(&output.stderr);
            panic!("{topic}: no outcome: {text}{errors}");
        });
        println!("{topic}: {outcome}");
        outcome.to_owned()
    }
}

/// The client that the tests start. It does nothing when somebody else starts it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the others: .ci/run has a stage kerberos"]
async fn client() {
    let (Ok(properties), Ok(topic)) = (std::env::var(PROPERTIES), std::env::var(TOPIC)) else {
        return;
    };
    let log = Log::begin();
    let mut properties: Vec<(&str, &str)> = properties
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let (_, bootstrap) = properties.remove(
        properties
            .iter()
            .position(|(name, _)| *name == "bootstrap.servers")
            .unwrap(),
    );
    let kafka = Kafka::builder(bootstrap)
        .security_properties(properties)
        .connect_timeout(Duration::from_secs(15));
    let began = std::time::Instant::now();
    let outcome = match kafka.connect().await {
        Ok(kafka) => {
            let records = load(&kafka, &topic).await;
            let again = log.count("authenticated again", bootstrap);
            let failed = log.lines("not authenticated again", bootstrap);
            let lost = log.count("the broker closed the connection", bootstrap);
            format!(
                "{records} records, {again} times again, {} failed, {lost} lost; {failed:?}",
                failed.len()
            )
        }
        Err(error) => format!(
            "{:?}, retriable {}, after {} s: {error}",
            error.kind(),
            error.is_retriable(),
            began.elapsed().as_secs()
        ),
    };
    println!("\noutcome: {outcome}");
}

/// The numbers of an outcome that is good.
fn numbers(outcome: &str) -> [usize; 4] {
    let (outcome, _) = outcome.split_once(';').unwrap_or((outcome, ""));
    let numbers: Vec<usize> = outcome
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    assert!(outcome.ends_with("lost"), "{outcome}");
    numbers.try_into().unwrap()
}

#[tokio::test]
#[ignore = "needs Apache Kafka and a Kerberos KDC: .ci/run has a stage kerberos"]
async fn tickets_of_a_cache_and_of_a_keytab_carry_records() {
    let site = Site::start(HOUR, &[]).await;
    let keytab = site.keytab.display().to_string();
    let cache = site.cache.display();
    for (topic, client) in [
        ("cache", site.client()),
        (
            "named-cache",
            site.client().without_cache().with(
                "sasl.jaas.config",
                format!(
                    "com.sun.security.auth.module.Krb5LoginModule required useTicketCache=true \
                     ticketCache=\"{cache}\" serviceName=\"kafka\";"
                ),
            ),
        ),
        (
            "keytab-by-java",
            site.with_keytab(&site.keytab, &format!("alice@{REALM}")),
        ),
        (
            "keytab-by-librdkafka",
            site.client()
                .without_cache()
                .with("sasl.kerberos.keytab", &keytab)
                .with("sasl.kerberos.principal", "alice"),
        ),
        (
            "keytab-without-principal",
            site.client()
                .without_cache()
                .with("sasl.kerberos.keytab", &keytab),
        ),
    ] {
        let [records, ..] = numbers(&client.outcome(topic).await);
        assert!(records > 0);
    }
    // librdkafka, on the same broker and with the same keytab, reads what this client has written.
    let client = site
        .client()
        .with("sasl.kerberos.keytab", &keytab)
        .with("sasl.kerberos.principal", "alice");
    let mut kcat = client.command("kcat");
    kcat.args(["-C", "-t", "cache", "-o", "beginning", "-c", "3"]);
    for (name, value) in &client.properties {
        kcat.arg("-X").arg(format!("{name}={value}"));
    }
    let output = kcat.output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.stdout, b"0\n1\n2\n", "{errors}");
}

#[tokio::test]
#[ignore = "needs Apache Kafka and a Kerberos KDC: .ci/run has a stage kerberos"]
async fn sessions_and_tickets_end_and_no_request_is_lost() {
    // The tickets of the keytab live for four seconds, sessions for five: a quarter of a second is left at least for
    // the library to read its files and ask the KDC.
    let session = ("connections.max.reauth.ms", "5000");
    let site = Site::start(Duration::from_secs(4), &[session]).await;
    let with_keytab = site.with_keytab(&site.keytab, "alice");
    for (topic, client) in [("cache", site.client()), ("keytab", with_keytab)] {
        let [records, again, failed, lost] = numbers(&client.outcome(topic).await);
        assert!(records > 0);
        assert!(again >= load_time().as_secs() as usize / 5, "{again}");
        assert_eq!((failed, lost), (0, 0));
    }
}

#[tokio::test]
#[ignore = "needs Apache Kafka and a Kerberos KDC: .ci/run has a stage kerberos"]
async fn each_mistake_is_told_with_what_to_change() {
    let site = Site::start(HOUR, &[]).await;
    let stranger = site.realm.keytab("stranger", "stranger.keytab").await;
    let stranger = stranger.unwrap();
    // The key of before: a keytab that was not made anew.
    let old = site.realm.file("old.keytab");
    std::fs::copy(&stranger, &old).unwrap();
    site.realm
        .keytab("stranger", "stranger.keytab")
        .await
        .unwrap();
    let expired = site.realm.file("expired.cache");
    site.ticket(&expired, Duration::from_secs(1)).await;
    // A KDC that takes connections and says nothing, and one that is not there.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody_port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let with_kdc = |port: u16| {
        let mut client = site.client();
        client.configuration = site.realm.configuration_with_kdc(port).unwrap();
        client
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    let by_address = site.kafka.bootstrap().replace("localhost", "127.0.0.1");
    let final_ones = [
        (
            "no-ticket",
            site.client().without_cache(),
            &["there is no ticket", "kinit", "keyTab"][..],
        ),
        (
            "expired",
            Client {
                cache: expired,
                ..site.client()
            },
            &["the ticket has expired", "run kinit again"],
        ),
        (
            "wrong-service",
            site.client().with("sasl.kerberos.service.name", "nobody"),
            &["no service nobody/localhost", "sasl.kerberos.service.name"],
        ),
        (
            "by-address",
            site.client().with("bootstrap.servers", by_address),
            &["no service kafka/127.0.0.1", "bootstrap.servers"],
        ),
        (
            "no-keytab",
            site.with_keytab(Path::new("/nonexistent/keytab"), "alice"),
            &["/nonexistent/keytab does not give a key of alice", "klist"],
        ),
        (
            "not-in-the-keytab",
            site.with_keytab(&site.keytab, "bob"),
            &["does not give a key of bob", "klist"],
        ),
        (
            "old-keytab",
            site.with_keytab(&old, "stranger"),
            &["make the keytab anew"],
        ),
    ];
    for (what, client, words) in final_ones {
        let outcome = client.outcome(what).await;
        assert!(
            outcome.starts_with("Authentication, retriable false"),
            "{outcome}"
        );
        holds(&outcome, words);
    }
    for (what, client, words) in [
        (
            "kdc-away",
            with_kdc(nobody_port),
            &["no KDC of the realm can be reached", "krb5.conf"][..],
        ),
        (
            "kdc-silent",
            with_kdc(silent_port),
            &["has not answered for 8 s", "KDC", "firewall"],
        ),
    ] {
        let outcome = client.outcome(what).await;
        assert!(!outcome.starts_with("Authentication"), "{outcome}");
        holds(&outcome, words);
    }
    // The broker's key is another one now, and its keytab the one of before.
    site.realm
        .keytab(KerberosKafka::PRINCIPAL, "new.keytab")
        .await
        .unwrap();
    let cache = site.realm.file("later.cache");
    site.ticket(&cache, HOUR).await;
    let client = Client {
        cache,
        ..site.client()
    };
    let outcome = client.outcome("other-key").await;
    assert!(
        outcome.starts_with("Authentication, retriable false"),
        "{outcome}"
    );
    holds(
        &outcome,
        &["the broker refuses GSSAPI", "the broker's keytab"],
    );
}

fn holds(outcome: &str, words: &[&str]) {
    for words in words {
        assert!(outcome.contains(words), "{words:?} in {outcome}");
    }
}
