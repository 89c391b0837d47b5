//! Apache Kafka's own tools over every way to speak with the broker: they decide whether it is right.
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a failed unwrap is the message"
)]

use integration::kafka::{JavaTools, class};
use kafka_broker::{Broker, Builder, Tls};
use tempfile::TempDir;

const RECORDS: usize = 20;

fn builder() -> Builder {
    builder_without_users().user("alice", "secret")
}

fn builder_without_users() -> Builder {
    Broker::builder()
        .listener("SSL", "127.0.0.1:0")
        .listener("SASL_PLAINTEXT", "127.0.0.1:0")
        .listener("SASL_SSL", "127.0.0.1:0")
        .tls(Tls::generated())
}

/// A client's properties in a file.
struct Client {
    dir: TempDir,
    bootstrap: String,
    text: String,
}

impl Client {
    fn new(broker: &Broker, protocol: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut text = format!("security.protocol={protocol}\n");
        if protocol.ends_with("SSL") {
            let path = dir.path().join("ca.pem");
            std::fs::write(&path, broker.certificate().unwrap()).unwrap();
            let path = path.display();
            text += &format!("ssl.truststore.type=PEM\nssl.truststore.location={path}\n");
        }
        Self {
            dir,
            bootstrap: broker.bootstrap_of(protocol).unwrap(),
            text,
        }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.text += &format!("{name}={value}\n");
        self
    }

    fn certificate(self, broker: &Broker, name: &str) -> Self {
        let own = broker.client_certificate(name).unwrap();
        let path = self.dir.path().join("own.pem");
        std::fs::write(&path, own.key + &own.chain).unwrap();
        let path = path.display().to_string();
        self.with("ssl.keystore.type", "PEM")
            .with("ssl.keystore.location", &path)
    }

    fn plain(self, password: &str) -> Self {
        self.with("sasl.mechanism", "PLAIN")
            .login("plain.PlainLoginModule", password)
    }

    fn scram(self, mechanism: &str, password: &str) -> Self {
        self.with("sasl.mechanism", mechanism)
            .login("scram.ScramLoginModule", password)
    }

    fn login(self, module: &str, password: &str) -> Self {
        let line = format!(
            "org.apache.kafka.common.security.{module} required username=\"alice\" \
             password=\"{password}\";"
        );
        self.with("sasl.jaas.config", &line)
    }

    fn config(&self) -> String {
        let path = self.dir.path().join("client.properties");
        std::fs::write(&path, &self.text).unwrap();
        path.display().to_string()
    }

    /// What a tool wrote; an error if it did not end well.
    async fn run(&self, class: &str, args: &[&str], stdin: &[u8]) -> Result<String, String> {
        let config = self.config();
        let common = [
            "--bootstrap-server",
            &self.bootstrap,
            "--command-config",
            &config,
        ];
        let args = [&common, args].concat();
        let tools = JavaTools::from_env().unwrap();
        let output = tools.run(class, &args, stdin).await;
        let output = output.and_then(|output| output.success());
        output
            .map(|output| output.stdout)
            .map_err(|error| error.to_string())
    }

    /// Makes a topic, writes to it and reads it as a member of a group.
    async fn exchange(&self) {
        let args = ["--create", "--topic", "t", "--partitions", "2"];
        self.run(class::TOPICS, &args, b"").await.unwrap();
        let mut lines: Vec<String> = (0..RECORDS).map(|n| format!("value {n}")).collect();
        let input = lines.join("\n") + "\n";
        let args = ["--topic", "t"];
        let produced = self.run(class::CONSOLE_PRODUCER, &args, input.as_bytes());
        produced.await.unwrap();
        let count = RECORDS.to_string();
        let args = [
            "--topic",
            "t",
            "--group",
            "g",
            "--from-beginning",
            "--max-messages",
            &count,
            "--timeout-ms",
            "30000",
        ];
        let read = self.run(class::CONSOLE_CONSUMER, &args, b"").await.unwrap();
        let mut read: Vec<&str> = read.lines().collect();
        read.sort_unstable();
        lines.sort_unstable();
        assert_eq!(read, lines);
    }
}

fn principals(broker: &Broker) -> Vec<String> {
    let entries = broker.faults().journal();
    let mut all: Vec<_> = entries
        .iter()
        .map(|entry| entry.principal.to_string())
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn java_reads_what_compaction_has_left() {
    let dir = tempfile::tempdir().unwrap();
    let builder = Broker::builder().data_dir(dir.path());
    let builder = builder.property("log.cleaner.backoff.ms", "50");
    let broker = builder.start().await.unwrap();
    let tools = JavaTools::from_env().unwrap();
    let bootstrap = broker.bootstrap();
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    for codec in codecs {
        let configs = [
            ("cleanup.policy", "compact"),
            ("internal.segment.bytes", "4000"),
            ("min.cleanable.dirty.ratio", "0.01"),
        ];
        broker.create_topic_with(codec, 1, configs).unwrap();
        // Two producers: of the first one the last batch must stay known.
        for of in ["first", "second"] {
            let line = |n: usize| match n % 11 {
                0 => format!("k{}:NULL", n % 50),
                _ => format!("k{}:{of} {n} {}", n % 50, "x".repeat(n % 90)),
            };
            let lines: Vec<String> = (0..500).map(line).collect();
            let input = lines.join("\n") + "\n";
            let args = [
                "--bootstrap-server",
                &bootstrap,
                "--topic",
                codec,
                "--batch-size",
                "500",
                "--compression-codec",
                codec,
                "--reader-property",
                "parse.key=true",
                "--reader-property",
                "key.separator=:",
                "--reader-property",
                "null.marker=NULL",
            ];
            let output = tools.run(class::CONSOLE_PRODUCER, &args, input.as_bytes());
            output.await.unwrap().success().unwrap();
        }
        assert_eq!(broker.end_offset(codec, 0), Some(1000));
    }
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    broker.shutdown().await.unwrap();

    for codec in codecs {
        let directory = dir.path().join(format!("{codec}-0"));
        let files = |ending: &str| {
            let files = directory.read_dir().unwrap();
            let mut files: Vec<String> = files
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension() == Some(ending.as_ref()))
                .map(|path| path.display().to_string())
                .collect();
            files.sort();
            files
        };
        let logs = files("log");
        let all = [logs.clone(), files("index"), files("timeindex")].concat();
        let args = [
            "--deep-iteration",
            "--print-data-log",
            "--files",
            &all.join(","),
        ];
        let dumped = tools.run(class::DUMP_LOG, &args, b"").await.unwrap();
        let dumped = dumped.success().unwrap().stdout;
        for wrong in [
            "isvalid: false",
            "ismatch",
            "not found",
            "corrupt",
            "out of order",
        ] {
            assert!(!dumped.contains(wrong), "{codec}: {wrong} in {dumped}");
        }
        let batches = dumped
            .lines()
            .filter(|line| line.starts_with("baseOffset:"));
        let of_codec = format!("compresscodec: {codec}");
        assert!(
            batches.clone().any(|line| line.contains(&of_codec)),
            "{dumped}"
        );
        assert!(
            batches
                .clone()
                .any(|line| line.contains("deleteHorizonMs: OptionalLong[")),
            "{dumped}"
        );
        let records = dumped.lines().filter(|line| line.starts_with("| offset:"));
        let count = records.count();
        assert!((50..500).contains(&count), "{codec}: {count} in {dumped}");
    }
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn java_deletes_records() {
    let broker = builder().start().await.unwrap();
    let client = Client::new(&broker, "SSL");
    broker.create_topic("t", 1).unwrap();
    let input = "v\n".repeat(RECORDS);
    let produced = client.run(class::CONSOLE_PRODUCER, &["--topic", "t"], input.as_bytes());
    produced.await.unwrap();
    let file = client.dir.path().join("offsets.json");
    let text = r#"{"partitions": [{"topic": "t", "partition": 0, "offset": 7}], "version": 1}"#;
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let args = ["--offset-json-file", &file];
    let deleted = client.run(class::DELETE_RECORDS, &args, b"").await.unwrap();
    assert!(deleted.contains("low_watermark: 7"), "{deleted}");
    let args = ["--topic", "t", "--time", "earliest"];
    let offsets = client.run(class::GET_OFFSETS, &args, b"").await.unwrap();
    assert_eq!(offsets.trim(), "t:0:7");
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn java_exchanges_records_over_tls() {
    let broker = builder().start().await.unwrap();
    Client::new(&broker, "SSL").exchange().await;
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn java_exchanges_records_over_tls_with_a_certificate() {
    let broker = builder().property("ssl.client.auth", "required");
    let broker = broker.start().await.unwrap();
    let client = Client::new(&broker, "SSL").certificate(&broker, "alice");
    client.exchange().await;
    assert_eq!(principals(&broker), ["User:CN=alice"]);
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn java_exchanges_records_with_plain() {
    for protocol in ["SASL_PLAINTEXT", "SASL_SSL"] {
        let broker = builder().start().await.unwrap();
        Client::new(&broker, protocol)
            .plain("secret")
            .exchange()
            .await;
        assert_eq!(principals(&broker), ["User:ANONYMOUS", "User:alice"]);
    }
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn java_exchanges_records_with_scram() {
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let broker = builder().start().await.unwrap();
        let client = Client::new(&broker, "SASL_SSL").scram(mechanism, "secret");
        client.exchange().await;
    }
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn java_exchanges_records_with_a_token() {
    let builder = builder().property("sasl.enabled.mechanisms", "OAUTHBEARER");
    let broker = builder.start().await.unwrap();
    let line = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
                unsecuredLoginStringClaim_sub=\"alice\";";
    let client = Client::new(&broker, "SASL_SSL")
        .with("sasl.mechanism", "OAUTHBEARER")
        .with("sasl.jaas.config", line);
    client.exchange().await;
    assert_eq!(principals(&broker), ["User:ANONYMOUS", "User:alice"]);
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn java_renews_its_session() {
    let broker = builder().property("connections.max.reauth.ms", "1500");
    let broker = broker.start().await.unwrap();
    let client = Client::new(&broker, "SASL_SSL").scram("SCRAM-SHA-512", "secret");
    broker.create_topic("t", 1).unwrap();
    let args = ["--topic", "t", "--from-beginning", "--timeout-ms", "8000"];
    // It ends because nothing comes, not because of a connection.
    let output = client.run(class::CONSOLE_CONSUMER, &args, b"").await;
    println!("{output:?}");
    let journal = broker.faults().journal();
    let renewals = journal
        .iter()
        .filter(|entry| entry.api_key == kafka_client_protocol::ApiKey::SASL_HANDSHAKE)
        .filter(|entry| &*entry.principal == "User:alice");
    assert!(renewals.count() >= 4);
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn java_manages_the_rules_of_the_authorizer() {
    let builder = builder()
        .user("admin", "secret")
        .property("super.users", "User:admin")
        .property(
            "authorizer.class.name",
            "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        );
    let broker = builder.start().await.unwrap();
    let admin = Client::new(&broker, "SASL_SSL").with("sasl.mechanism", "PLAIN");
    let line = "org.apache.kafka.common.security.plain.PlainLoginModule required \
                username=\"admin\" password=\"secret\";";
    let admin = admin.with("sasl.jaas.config", line);
    let alice = Client::new(&broker, "SASL_SSL").plain("secret");
    broker.create_topic("orders", 1).unwrap();

    let args = ["--topic", "orders"];
    let error = alice.run(class::CONSOLE_PRODUCER, &args, b"x\n").await;
    let error = error.unwrap_or_else(|error| error);
    let end = broker.end_offset("orders", 0);
    assert_eq!(end, Some(0), "{error}");

    let args = [
        "--add",
        "--allow-principal",
        "User:alice",
        "--producer",
        "--topic",
        "orders",
    ];
    admin.run(class::ACLS, &args, b"").await.unwrap();
    let args = [
        "--add",
        "--allow-principal",
        "User:alice",
        "--consumer",
        "--topic",
        "ord",
        "--group",
        "g",
        "--resource-pattern-type",
        "prefixed",
    ];
    admin.run(class::ACLS, &args, b"").await.unwrap();
    let args = ["--topic", "orders"];
    alice
        .run(class::CONSOLE_PRODUCER, &args, b"x\n")
        .await
        .unwrap();
    let args = [
        "--topic",
        "orders",
        "--group",
        "g1",
        "--from-beginning",
        "--max-messages",
        "1",
        "--timeout-ms",
        "30000",
    ];
    let read = alice
        .run(class::CONSOLE_CONSUMER, &args, b"")
        .await
        .unwrap();
    assert_eq!(read, "x\n");

    let listed = admin.run(class::ACLS, &["--list"], b"").await.unwrap();
    for part in [
        "(principal=User:alice, host=*, operation=WRITE, permissionType=ALLOW)",
        "resourceType=GROUP, name=g, patternType=PREFIXED",
    ] {
        assert!(listed.contains(part), "{listed}");
    }
    let args = ["--remove", "--force", "--topic", "orders"];
    admin.run(class::ACLS, &args, b"").await.unwrap();
    let listed = admin.run(class::ACLS, &["--list"], b"").await.unwrap();
    assert!(!listed.contains("operation=WRITE"), "{listed}");
    let error = alice.run(class::ACLS, &["--list"], b"").await.unwrap_err();
    assert!(error.contains("ClusterAuthorizationException"), "{error}");
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn java_manages_the_users_of_scram() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::builder()
        .data_dir(dir.path())
        .start()
        .await
        .unwrap();
    let plaintext = Client::new(&broker, "PLAINTEXT");
    let args = [
        "--alter",
        "--entity-type",
        "users",
        "--entity-name",
        "alice",
        "--add-config",
        "SCRAM-SHA-512=[iterations=8192,password=secret]",
    ];
    plaintext.run(class::CONFIGS, &args, b"").await.unwrap();
    broker.shutdown().await.unwrap();

    // The certificate is another one after a restart, the users are not.
    let builder = builder_without_users().data_dir(dir.path());
    let broker = builder.start().await.unwrap();
    let client = Client::new(&broker, "SASL_SSL").scram("SCRAM-SHA-512", "secret");
    client.exchange().await;
    let plaintext = Client::new(&broker, "PLAINTEXT");
    let args = [
        "--alter",
        "--entity-type",
        "users",
        "--entity-name",
        "alice",
        "--delete-config",
        "SCRAM-SHA-512",
    ];
    plaintext.run(class::CONFIGS, &args, b"").await.unwrap();
    let error = client
        .run(class::TOPICS, &["--list"], b"")
        .await
        .unwrap_err();
    assert!(error.contains("invalid credentials"), "{error}");
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn java_manages_quotas_and_is_slowed_by_them() {
    let broker = Broker::builder().start().await.unwrap();
    broker.create_topic("t", 1).unwrap();
    let client = Client::new(&broker, "PLAINTEXT");
    let entity = ["--entity-type", "clients", "--entity-name", "slow"];
    let alter = ["--alter", "--add-config", "producer_byte_rate=20000"];
    let args = [&alter[..], &entity[..]].concat();
    client.run(class::CONFIGS, &args, b"").await.unwrap();
    let args = [&["--describe"][..], &entity[..]].concat();
    let described = client.run(class::CONFIGS, &args, b"").await.unwrap();
    assert!(
        described.contains("producer_byte_rate=20000.0"),
        "{described}"
    );

    // 400 kB at 20 kB a second, of which 200 kB are free at the start.
    let began = std::time::Instant::now();
    let slow = Client::new(&broker, "PLAINTEXT").with("client.id", "slow");
    let line = "x".repeat(1000) + "\n";
    let args = ["--topic", "t", "--compression-codec", "none"];
    let input = line.repeat(400);
    slow.run(class::CONSOLE_PRODUCER, &args, input.as_bytes())
        .await
        .unwrap();
    assert_eq!(broker.end_offset("t", 0), Some(400));
    assert!(began.elapsed().as_secs() >= 5, "{:?}", began.elapsed());
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn java_lends_its_rights_by_a_token() {
    let builder = builder().property("delegation.token.secret.key", "key");
    let broker = builder.start().await.unwrap();
    let alice = Client::new(&broker, "SASL_SSL").scram("SCRAM-SHA-256", "secret");
    let args = ["--create", "--max-life-time-period", "-1"];
    let made = alice
        .run(class::DELEGATION_TOKENS, &args, b"")
        .await
        .unwrap();
    // The last line is a table: id, secret, owner and so on.
    let line = made
        .lines()
        .rfind(|line| line.contains("User:alice"))
        .unwrap();
    let mut words = line.split_whitespace();
    let (id, secret) = (words.next().unwrap(), words.next().unwrap());
    let line = format!(
        "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"{id}\" \
         password=\"{secret}\" tokenauth=\"true\";"
    );
    let by_token = Client::new(&broker, "SASL_SSL")
        .with("sasl.mechanism", "SCRAM-SHA-256")
        .with("sasl.jaas.config", &line);
    by_token.exchange().await;
    assert_eq!(principals(&broker), ["User:ANONYMOUS", "User:alice"]);
    // With a token there are no further ones.
    let refused = by_token.run(class::DELEGATION_TOKENS, &args, b"").await;
    let error = refused.unwrap_err();
    assert!(
        error.contains("Delegation Token requests are not allowed"),
        "{error}"
    );

    let args = ["--expire", "--expiry-time-period", "-1", "--hmac", secret];
    alice
        .run(class::DELEGATION_TOKENS, &args, b"")
        .await
        .unwrap();
    let error = by_token
        .run(class::TOPICS, &["--list"], b"")
        .await
        .unwrap_err();
    assert!(error.contains("invalid credentials"), "{error}");
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn java_understands_each_refusal() {
    let broker = builder().start().await.unwrap();
    let sasl = || Client::new(&broker, "SASL_SSL");
    for (client, expected) in [
        (
            sasl().plain("wrong"),
            "SaslAuthenticationException: Authentication failed: Invalid username or password",
        ),
        (
            sasl().scram("SCRAM-SHA-256", "wrong"),
            "Authentication failed during authentication due to invalid credentials with SASL \
             mechanism SCRAM-SHA-256",
        ),
    ] {
        let error = client
            .run(class::TOPICS, &["--list"], b"")
            .await
            .unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let broker = builder().property("sasl.enabled.mechanisms", "PLAIN");
    let broker = broker.start().await.unwrap();
    let client = Client::new(&broker, "SASL_SSL").scram("SCRAM-SHA-256", "secret");
    let error = client
        .run(class::TOPICS, &["--list"], b"")
        .await
        .unwrap_err();
    let expected = "Client SASL mechanism 'SCRAM-SHA-256' not enabled in the server, enabled \
                    mechanisms are [PLAIN]";
    assert!(error.contains(expected), "{error}");
}
