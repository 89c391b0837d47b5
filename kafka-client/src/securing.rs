//! Securing: TLS, SASL, what they cost a connection, and what is told when they fail.
//!
//! Each statement names the test of this repository that shows it; a check keeps the names true. The tests
//! under `integration/tests/security` are run against Apache Kafka as well.
//!
//! # Which setting for which listener
//!
//! | `security.protocol` of the listener | what to set |
//! |---|---|
//! | `PLAINTEXT` | nothing |
//! | `SSL` | [`tls`](crate::KafkaBuilder::tls) |
//! | `SSL` that wants certificates of clients (mTLS) | [`tls`](crate::KafkaBuilder::tls) with [`client_certificate_files`](crate::security::Tls::client_certificate_files) |
//! | `SASL_PLAINTEXT` | [`sasl`](crate::KafkaBuilder::sasl) |
//! | `SASL_SSL` | both |
//!
//! - Each of them carries records, those with SASL by PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER
//!   (test: `integration/tests/security/matrix.rs`: `every_protocol_carries_records`).
//! - The same can be set by Kafka's names, or librdkafka's, with
//!   [`security_properties`](crate::KafkaBuilder::security_properties) (test:
//!   `kafka-client/src/security/properties.rs`: `properties_of_java_and_of_librdkafka_say_the_same`).
//!
//! ## TLS
//!
//! - The roots of the operating system are believed, or those that are named instead; a certificate of
//!   another authority, for another host, or out of its time is refused, with why
//!   (test: `integration/tests/security/certificates.rs`: `a_certificate_that_proves_nothing_is_refused`).
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let broker = kafka_broker::Broker::builder()
//! #     .listener("SSL", "127.0.0.1:0")
//! #     .tls(kafka_broker::Tls::generated())
//! #     .start()
//! #     .await?;
//! # let files = tempfile::tempdir()?;
//! # let ca = files.path().join("ca.pem");
//! # std::fs::write(&ca, broker.certificate().unwrap())?;
//! # let bootstrap = broker.bootstrap_of("SSL").unwrap();
//! use kafka_client::Kafka;
//! use kafka_client::security::Tls;
//!
//! let kafka = Kafka::builder(bootstrap) // such as "broker.example:9093"
//!     .tls(Tls::new().ca_file(ca)) // such as "/etc/kafka/ca.pem"
//!     .connect()
//!     .await?;
//! # drop(kafka);
//! # broker.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! ## Whose cryptography
//!
//! | feature | cryptography of TLS and SCRAM |
//! |---|---|
//! | `tls` (default) | ring |
//! | `tls-aws-lc` | aws-lc, also where another crate of the program has switched `tls` on |
//!
//! - What a program has installed for all of rustls (`CryptoProvider::install_default`) is used for TLS instead
//!   (test: `kafka-client/src/security/tls/connector.rs`: `what_a_program_has_installed_is_used`).
//! - With aws-lc the keys of TLS 1.3 are agreed upon by X25519MLKEM768, which is to hold against quantum computers,
//!   with a broker that has it (test: `kafka-client/src/security/crypto.rs`:
//!   `the_key_exchange_is_post_quantum_with_a_server_that_has_it`); with others by X25519 as before
//!   (test: `kafka-client/src/security/crypto.rs`:
//!   `the_key_exchange_is_a_usual_one_with_a_server_that_has_no_other`). The certificates that say who a broker is
//!   are not of that kind, nor is SCRAM.
//! - This is not the FIPS module of aws-lc (test: `kafka-client/src/security/crypto.rs`:
//!   `the_library_is_not_its_validated_module`).
//!
//! ```toml
//! kafka-client = { version = "0.1", default-features = false, features = ["tls-aws-lc"] }
//! ```
//!
//! ## A certificate of the client (mTLS)
//!
//! - Certificate and key are in PEM; the key is PKCS#8, PKCS#1 or SEC1, or PKCS#8 with a password if this crate
//!   is built with the feature `encrypted-keys`
//!   (test: `integration/tests/security/certificates.rs`: `keys_come_in_every_form_of_pem`).
//! - JKS and PKCS#12 stores are refused with the commands that convert them
//!   (test: `kafka-client/src/security/tls/material.rs`:
//!   `stores_of_java_are_refused_with_the_way_to_convert_them`).
//! - When a file changes, new connections use what it has now; while it cannot be used, what it had before
//!   (test: `integration/tests/security/certificates.rs`:
//!   `certificates_are_read_anew_when_their_files_change`).
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let broker = kafka_broker::Broker::builder()
//! #     .listener("SSL", "127.0.0.1:0")
//! #     .property("ssl.client.auth", "required")
//! #     .tls(kafka_broker::Tls::generated())
//! #     .start()
//! #     .await?;
//! # let ca = broker.certificate().unwrap();
//! # let certificate = broker.client_certificate("alice").unwrap();
//! # let bootstrap = broker.bootstrap_of("SSL").unwrap();
//! use kafka_client::Kafka;
//! use kafka_client::security::Tls;
//!
//! let tls = Tls::new()
//!     .ca_pem(ca)
//!     .client_certificate_pem(certificate.chain, certificate.key);
//! let kafka = Kafka::builder(bootstrap).tls(tls).connect().await?;
//! # drop(kafka);
//! # broker.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! ## SCRAM
//!
//! - The password never leaves the client, and the broker proves that it knows it too: one with a wrong
//!   signature is refused (test: `kafka-client/src/security/sasl/scram.rs`:
//!   `a_wrong_signature_ends_the_exchange`).
//! - So is one that asks for less than 4,096 iterations or more than a million, or answers another exchange
//!   (test: `kafka-client/src/security/sasl/scram.rs`: `a_broker_that_lies_is_not_believed`).
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let broker = kafka_broker::Broker::builder()
//! #     .listener("SASL_SSL", "127.0.0.1:0")
//! #     .property("sasl.enabled.mechanisms", "SCRAM-SHA-512")
//! #     .tls(kafka_broker::Tls::generated())
//! #     .user("alice", "secret")
//! #     .start()
//! #     .await?;
//! # let ca = broker.certificate().unwrap();
//! # let bootstrap = broker.bootstrap_of("SASL_SSL").unwrap();
//! use kafka_client::Kafka;
//! use kafka_client::security::{Sasl, Tls};
//!
//! let kafka = Kafka::builder(bootstrap)
//!     .tls(Tls::new().ca_pem(ca))
//!     .sasl(Sasl::scram_sha_512("alice", "secret"))
//!     .connect()
//!     .await?;
//! # drop(kafka);
//! # broker.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! ## PLAIN, and settings by name
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let broker = kafka_broker::Broker::builder()
//! #     .listener("SASL_SSL", "127.0.0.1:0")
//! #     .property("sasl.enabled.mechanisms", "PLAIN")
//! #     .tls(kafka_broker::Tls::generated())
//! #     .user("alice", "secret")
//! #     .start()
//! #     .await?;
//! # let ca = broker.certificate().unwrap();
//! # let bootstrap = broker.bootstrap_of("SASL_SSL").unwrap();
//! use kafka_client::Kafka;
//!
//! let kafka = Kafka::builder(bootstrap)
//!     .security_properties([
//!         ("security.protocol", "SASL_SSL"),
//!         ("ssl.truststore.type", "PEM"),
//!         ("ssl.truststore.certificates", ca.as_str()),
//!         ("sasl.mechanism", "PLAIN"),
//!         (
//!             "sasl.jaas.config",
//!             "org.apache.kafka.common.security.plain.PlainLoginModule required \
//!              username=\"alice\" password=\"secret\";",
//!         ),
//!     ])
//!     .connect()
//!     .await?;
//! # drop(kafka);
//! # broker.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! ## OAUTHBEARER
//!
//! Tokens come from a closure, from a [file](crate::security::FileTokens), from a
//! [provider](crate::security::TokenProvider) of your own, or from an identity provider that the client asks
//! itself.
//!
//! - One is asked for at a time, and used by all connections (test: `kafka-client/src/security/sasl/tokens.rs`:
//!   `one_is_asked_for_however_many_connections_wait`).
//! - The next one is asked for when a connection needs it and a fifth of the life is left
//!   (test: `kafka-client/src/security/sasl/tokens.rs`:
//!   `the_next_one_is_asked_for_when_a_fifth_of_the_life_is_left`).
//! - While none comes, the one before is used as long as it is valid
//!   (test: `kafka-client/src/security/sasl/tokens.rs`:
//!   `while_the_server_is_away_the_token_is_used_as_long_as_it_is_valid`).
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let broker = kafka_broker::Broker::builder()
//! #     .listener("SASL_SSL", "127.0.0.1:0")
//! #     .property("sasl.enabled.mechanisms", "OAUTHBEARER")
//! #     .tls(kafka_broker::Tls::generated())
//! #     .start()
//! #     .await?;
//! # let ca = broker.certificate().unwrap();
//! # let bootstrap = broker.bootstrap_of("SASL_SSL").unwrap();
//! # let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjo0MTAyNDQ0ODAwfQ.";
//! # let fetch = || std::future::ready(Ok::<_, std::io::Error>(token.to_owned()));
//! use kafka_client::Kafka;
//! use kafka_client::security::{Sasl, Tls, Token};
//!
//! let tokens = move || {
//!     let fetched = fetch(); // from wherever your tokens are
//!     async { Ok(Token::new(fetched.await?)) }
//! };
//! let kafka = Kafka::builder(bootstrap)
//!     .tls(Tls::new().ca_pem(ca))
//!     .sasl(Sasl::oauthbearer(tokens))
//!     .connect()
//!     .await?;
//! # drop(kafka);
//! # broker.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! ## Tokens of an identity provider
//!
//! With the feature `oidc`, `Sasl::oidc` asks a token endpoint (OAuth 2.0): by the grant `client_credentials`,
//! with a secret or with a signed assertion (`private_key_jwt`), or by the grant `jwt-bearer` (RFC 7523,
//! KIP-1139). Each has the names of Kafka and of librdkafka too.
//!
//! - Tokens that an issuer has signed are taken by the reference broker and by Apache Kafka
//!   (test: `integration/tests/security/oidc.rs`: `tokens_of_an_issuer_are_taken`).
//! - They are replaced before they end, while records flow (test: `integration/tests/security/oidc.rs`:
//!   `tokens_that_end_are_replaced_while_records_flow`).
//! - An endpoint that is not reached, cuts its answer or is busy is asked again, with growing waits
//!   (test: `kafka-client/src/security/http/tests.rs`: `what_passes_is_asked_again`).
//! - What it refuses is told at once, in its own words and without secrets
//!   (test: `integration/tests/security/oidc.rs`: `what_the_issuer_refuses_is_told_at_once`).
//! - A redirect is not followed, and an answer is not read without end
//!   (test: `kafka-client/src/security/http/tests.rs`: `what_stays_is_not_asked_again`).
//! - Properties of Java's clients and of librdkafka say the same
//!   (test: `kafka-client/src/security/oidc_properties.rs`: `the_ways_to_say_the_same_do`).
//!
#![cfg_attr(feature = "oidc", doc = "```")]
#![cfg_attr(not(feature = "oidc"), doc = "```text")]
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::io::{Read, Write};
//! # let broker = kafka_broker::Broker::builder()
//! #     .listener("SASL_SSL", "127.0.0.1:0")
//! #     .property("sasl.enabled.mechanisms", "OAUTHBEARER")
//! #     .tls(kafka_broker::Tls::generated())
//! #     .start()
//! #     .await?;
//! # let ca = broker.certificate().unwrap();
//! # let bootstrap = broker.bootstrap_of("SASL_SSL").unwrap();
//! # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let endpoint = format!("http://{}/token", listener.local_addr()?);
//! # std::thread::spawn(move || {
//! #     let (mut stream, _) = listener.accept().unwrap();
//! #     let mut request = Vec::new();
//! #     while !String::from_utf8_lossy(&request).contains("scope=kafka") {
//! #         let mut byte = [0];
//! #         stream.read_exact(&mut byte).unwrap();
//! #         request.push(byte[0]);
//! #     }
//! #     let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjo0MTAyNDQ0ODAwfQ.";
//! #     let body = format!(r#"{{"access_token":"{token}"}}"#);
//! #     write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
//! # });
//! use kafka_client::Kafka;
//! use kafka_client::security::{Oidc, Sasl, Tls};
//!
//! // The endpoint is such as "https://idp.example/oauth2/token".
//! let oidc = Oidc::client_credentials(endpoint, "client-1", "secret").scope("kafka");
//! let kafka = Kafka::builder(bootstrap)
//!     .tls(Tls::new().ca_pem(ca))
//!     .sasl(Sasl::oidc(oidc))
//!     .connect()
//!     .await?;
//! # drop(kafka);
//! # broker.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A client without a secret signs an assertion with its key:
//!
#![cfg_attr(feature = "oidc", doc = "```")]
#![cfg_attr(not(feature = "oidc"), doc = "```text")]
//! use kafka_client::security::{Algorithm, Assertion, Oidc, Sasl};
//!
//! let assertion = Assertion::signed_with_file(Algorithm::Rs256, "/etc/kafka/client.key")
//!     .issuer("client-1")
//!     .subject("client-1")
//!     .audience("https://idp.example");
//! let sasl = Sasl::oidc(Oidc::jwt_bearer("https://idp.example/oauth2/token", assertion));
//! # let _ = sasl;
//! ```
//!
//! ## Amazon MSK with IAM
//!
//! With the feature `aws-msk`, `Sasl::aws_msk_iam` signs tokens with the credentials that AWS's own programs
//! would use: those of the environment, of a role for a web identity (IRSA), of a profile, of the container,
//! or of the machine.
//!
//! - The signature is the one that AWS has published for its example
//!   (test: `kafka-client/src/security/sasl/msk/sign.rs`: `the_address_of_the_documentation`), and is found good
//!   by another implementation (test: `kafka-client/src/security/sasl/msk/tests.rs`:
//!   `what_is_signed_is_checked_by_another_implementation`). No broker of MSK has been asked by the tests.
//! - Sources are asked in order; one that is set up and fails is told and not passed over
//!   (test: `kafka-client/src/security/sasl/msk/tests.rs`: `the_sources_are_asked_in_order`,
//!   `profiles_have_keys_or_are_refused_with_their_way`).
//! - Where there is none, each is named with what it lacks (test: `kafka-client/src/security/sasl/msk/tests.rs`:
//!   `a_machine_that_does_not_answer_says_so`).
//!
#![cfg_attr(feature = "aws-msk", doc = "```no_run")]
#![cfg_attr(not(feature = "aws-msk"), doc = "```text")]
//! # async fn example() -> Result<(), kafka_client::Error> {
//! use kafka_client::Kafka;
//! use kafka_client::security::{Sasl, Tls};
//!
//! let kafka = Kafka::builder("b-1.example.kafka.eu-central-1.amazonaws.com:9098")
//!     .tls(Tls::new())
//!     .sasl(Sasl::aws_msk_iam("eu-central-1"))
//!     .connect()
//!     .await?;
//! # drop(kafka);
//! # Ok(())
//! # }
//! ```
//!
//! A role that needs more than that, such as one of SSO, takes the SDK of AWS: `MskIam::credentials` asks any
//! closure.
//!
//! ## GSSAPI (Kerberos)
//!
//! With the feature `gssapi`. The Kerberos library of the system does the work: MIT's, with its headers
//! (`libkrb5-dev`) and `libclang` to build. It is tried on Linux; there is none for Windows.
//!
//! - Tickets are those of a credentials cache, or are got with a keytab and then kept fresh
//!   (test: `integration/tests/security/kerberos.rs`: `tickets_of_a_cache_and_of_a_keytab_carry_records`).
//! - Each session begins with a ticket that is good at that time, so no request is lost when sessions and tickets end
//!   (test: `integration/tests/security/kerberos.rs`: `sessions_and_tickets_end_and_no_request_is_lost`).
//! - No ticket, an expired one, a service or a keytab that is wrong, a KDC that is away: each is told with what to try
//!   (test: `integration/tests/security/kerberos.rs`: `each_mistake_is_told_with_what_to_change`).
//! - A KDC that says nothing holds up one thread, and no task; an attempt ends after eight seconds
//!   (test: `kafka-client/src/security/sasl/gssapi/worker.rs`:
//!   `one_call_waits_for_a_silent_kdc_however_many_are_tried`).
//! - The usual options of Java's `Krb5LoginModule` are taken, and the others refused by name
//!   (test: `kafka-client/src/security/sasl/gssapi/kerberos.rs`: `what_is_not_taken_is_named`).
//! - Only the authentication is Kerberos': no layer of it protects what is sent then, as in all of Kafka, so use TLS
//!   (test: `kafka-client/src/security/sasl/gssapi/layer.rs`: `no_layer_is_chosen_where_it_is_offered`).
//!
#![cfg_attr(feature = "gssapi", doc = "```no_run")]
#![cfg_attr(not(feature = "gssapi"), doc = "```text")]
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use kafka_client::Kafka;
//! use kafka_client::security::{Kerberos, Sasl, Tls};
//!
//! let kerberos = Kerberos::new() // the tickets of kinit; or:
//!     .keytab("/etc/security/billing.keytab")
//!     .principal("billing@EXAMPLE.COM");
//! let kafka = Kafka::builder("broker.example:9093")
//!     .tls(Tls::new())
//!     .sasl(Sasl::gssapi(kerberos))
//!     .connect()
//!     .await?;
//! # drop(kafka);
//! # Ok(())
//! # }
//! ```
//!
//! # As services set it up
//!
//! | service | listener | credentials |
//! |---|---|---|
//! | Confluent Cloud | `SASL_SSL`, port 9092, a public certificate | `Sasl::plain(api_key, api_secret)` |
//! | Confluent Cloud with your identity provider | the same | `Sasl::oidc` with `Oidc::client_credentials(..)`, and the extensions `logicalCluster` (`lkc-..`) and `identityPoolId` (`pool-..`) |
//! | Amazon MSK with IAM | `SASL_SSL`, port 9098 (9198 from outside), a public certificate | `Sasl::aws_msk_iam(region)` |
//! | Amazon MSK | `SASL_SSL`, port 9096 | `Sasl::scram_sha_512(user, password)` |
//! | Amazon MSK | `SSL`, port 9094 | a client certificate |
//! | Azure Event Hubs | `SASL_SSL`, port 9093, a public certificate | `Sasl::plain("$ConnectionString", connection_string)` |
//! | Azure Event Hubs with Entra ID | the same | `Sasl::oidc` with `Oidc::client_credentials("https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token", ..)` and the scope `https://<namespace>.servicebus.windows.net/.default` |
//! | Redpanda | `SASL_SSL`, port 9092 | `Sasl::scram_sha_256(user, password)`; or `Sasl::oidc` where OIDC is set up |
//!
//! None of these services is part of the tests; the rows are what they document.
//!
//! ```no_run
//! # async fn example(api_key: &str, api_secret: &str) -> Result<(), kafka_client::Error> {
//! use kafka_client::Kafka;
//! use kafka_client::security::{Sasl, Tls};
//!
//! let kafka = Kafka::builder("pkc-00000.eu-central-1.aws.confluent.cloud:9092")
//!     .tls(Tls::new())
//!     .sasl(Sasl::plain(api_key, api_secret))
//!     .connect()
//!     .await?;
//! # drop(kafka);
//! # Ok(())
//! # }
//! ```
//!
//! # Sessions that end
//!
//! - Where the broker limits sessions (`connections.max.reauth.ms`, or the life of a token), the client
//!   authenticates again on the same connection when 85 to 95 % of the session are over (KIP-368). Requests
//!   wait meanwhile, in their order, and none is lost (test: `integration/tests/security/renewal.rs`:
//!   `no_request_is_lost_while_sessions_end`).
//!
//! # When one side refuses
//!
//! - A refusal has the kind [`Authentication`](crate::ErrorKind::Authentication), says which side refuses and
//!   what to change, and is not [retriable](crate::Error::is_retriable): each mistake that was thought of is
//!   told apart (test: `integration/tests/security/wrong.rs`: `each_mistake_is_told_with_what_to_change`).
//! - [`connect`](crate::KafkaBuilder::connect) ends at once with it, and so does each send, receive, commit and
//!   look-up that needs a broker which refuses (test: `integration/tests/security/renewal.rs`:
//!   `a_refusal_ends_all_that_waits`).
//! - Producers and consumers stay usable: when they are used again they try again, so a password that is
//!   corrected on the brokers is all that it takes (test: `integration/tests/security/renewal.rs`:
//!   `a_refusal_ends_all_that_waits`).
//!
//! # Secrets
//!
//! - Passwords, tokens and keys are never part of `Debug`, of an error or of the log, at TRACE either
//!   (test: `integration/tests/security/wrong.rs`: `each_mistake_is_told_with_what_to_change`). Nor is what
//!   a malformed key has in it (test: `kafka-client/src/security/tls/material.rs`: `nothing_of_a_key_is_told`). A
//!   [`Secret`](crate::security::Secret) is wiped from memory when it is dropped; frames that were sent, and what
//!   the TLS library holds, are not. Nothing secret is sent before TLS has shown who the broker is, if TLS is
//!   set.
