//! Listeners, TLS and SASL, as a client meets them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use kafka_broker::{Authority, Broker, Builder, Certificate, Tls};
use kafka_client_protocol::api::alter_user_scram_credentials::{
    AlterUserScramCredentialsRequest, ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_client_protocol::api::api_versions::ApiVersionsRequest;
use kafka_client_protocol::api::describe_cluster::DescribeClusterRequest;
use kafka_client_protocol::api::describe_user_scram_credentials::{
    DescribeUserScramCredentialsRequest, UserName,
};
use kafka_client_protocol::api::fetch::FetchRequest;
use kafka_client_protocol::api::find_coordinator::FindCoordinatorRequest;
use kafka_client_protocol::api::heartbeat::HeartbeatRequest;
use kafka_client_protocol::api::metadata::MetadataRequest;
use kafka_client_protocol::api::sasl_authenticate::{
    SaslAuthenticateRequest, SaslAuthenticateResponse,
};
use kafka_client_protocol::api::sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};
use kafka_client_protocol::{ApiKey, ErrorCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::support::{Client, Stream, batch, fetch_request, start};

/// Has a user, and lets a refusal come at once.
fn builder() -> Builder {
    Broker::builder()
        .user("alice", "secret")
        .property("connection.failed.authentication.delay.ms", "0")
}

/// In memory, with SASL.
async fn with_sasl(properties: &[(&str, &str)]) -> Broker {
    let mut builder = builder().listener("SASL_PLAINTEXT", "127.0.0.1:0");
    for (name, value) in properties {
        builder = builder.property(*name, *value);
    }
    start(builder).await
}

fn sasl_client(broker: &Broker) -> Client {
    let connector = broker.connector_of("SASL_PLAINTEXT").unwrap();
    Client::over(connector.connect(), "test")
}

fn handshake(mechanism: &str) -> SaslHandshakeRequest {
    SaslHandshakeRequest {
        mechanism: mechanism.into(),
    }
}

fn token(bytes: &[u8]) -> SaslAuthenticateRequest {
    SaslAuthenticateRequest {
        auth_bytes: Bytes::copy_from_slice(bytes),
        ..Default::default()
    }
}

fn code(error_code: i16) -> ErrorCode {
    ErrorCode::from(error_code)
}

async fn shake(client: &mut Client, mechanism: &str) -> SaslHandshakeResponse {
    client.call(&handshake(mechanism), 1).await
}

/// Handshake and one token by PLAIN.
pub(crate) async fn plain(
    client: &mut Client,
    name: &str,
    password: &str,
) -> SaslAuthenticateResponse {
    assert_eq!(shake(client, "PLAIN").await.error_code, 0);
    let message = format!("\0{name}\0{password}");
    client.call(&token(message.as_bytes()), 2).await
}

/// Whether the broker ends the connection soon, sooner than who does not authenticate in time.
async fn is_closed(client: &mut Client) -> bool {
    is_closed_within(client, Duration::from_secs(10)).await
}

async fn is_closed_within(client: &mut Client, limit: Duration) -> bool {
    let mut rest = Vec::new();
    let end = client.stream().read_to_end(&mut rest);
    let ended = tokio::time::timeout(limit, end).await;
    ended.is_ok() && rest.is_empty()
}

async fn metadata(client: &mut Client) -> (String, i32) {
    let answer = client.call(&MetadataRequest::default(), 12).await;
    (answer.brokers[0].host.to_string(), answer.brokers[0].port)
}

fn last_principal(broker: &Broker) -> String {
    broker
        .faults()
        .journal()
        .last()
        .unwrap()
        .principal
        .to_string()
}

// ---- listeners ----

#[tokio::test]
async fn each_listener_tells_its_own_address() {
    let broker = Broker::builder()
        .property(
            "listeners",
            "INSIDE://127.0.0.1:0,OUTSIDE://127.0.0.1:0,CONTROLLER://127.0.0.1:0",
        )
        .property("advertised.listeners", "OUTSIDE://example.test:1234")
        .property("controller.listener.names", "CONTROLLER")
        .property(
            "listener.security.protocol.map",
            "INSIDE:PLAINTEXT,OUTSIDE:SASL_PLAINTEXT",
        )
        .user("alice", "secret")
        .start()
        .await
        .unwrap();
    let inside = broker.bootstrap_of("inside").unwrap();
    assert_eq!(broker.bootstrap(), inside);
    assert_eq!(broker.bootstrap_of("OUTSIDE").unwrap(), "example.test:1234");
    assert_eq!(broker.bootstrap_of("CONTROLLER"), None);

    let stream = TcpStream::connect(&inside).await.unwrap();
    let mut client = Client::over(stream, "test");
    let port = broker.local_addr().unwrap().port();
    assert_eq!(
        metadata(&mut client).await,
        ("127.0.0.1".to_owned(), i32::from(port))
    );

    let connector = broker.connector_of("OUTSIDE").unwrap();
    let mut client = Client::over(connector.connect(), "test");
    plain(&mut client, "alice", "secret").await;
    let told = ("example.test".to_owned(), 1234);
    assert_eq!(metadata(&mut client).await, told);
    let find = FindCoordinatorRequest {
        coordinator_keys: vec!["group".into()],
        ..Default::default()
    };
    let found = client.call(&find, 4).await.coordinators.swap_remove(0);
    assert_eq!((found.host.to_string(), found.port), told);
    let described = client.call(&DescribeClusterRequest::default(), 0).await;
    let described = &described.brokers[0];
    assert_eq!((described.host.to_string(), described.port), told);
}

#[tokio::test]
async fn listeners_that_cannot_be_are_refused() {
    for (properties, expected) in [
        (&[("listeners", "OUTSIDE://127.0.0.1:0")][..], "OUTSIDE"),
        (&[("listeners", "SSL://127.0.0.1:0")], "needs a certificate"),
        (
            &[("advertised.listeners", "SSL://example.test:1")],
            "is not among the listeners",
        ),
        (
            &[
                ("listeners", "CONTROLLER://127.0.0.1:0"),
                ("controller.listener.names", "CONTROLLER"),
            ],
            "no listener for clients",
        ),
        (
            &[
                ("listeners", "SASL_PLAINTEXT://127.0.0.1:0"),
                ("sasl.enabled.mechanisms", "GSSAPI"),
            ],
            "PLAIN, SCRAM-SHA-256",
        ),
        (
            &[
                ("listeners", "SASL_PLAINTEXT://127.0.0.1:0"),
                ("sasl.server.callback.handler.class", "org.example.Mine"),
            ],
            "no Java",
        ),
    ] {
        let mut builder = Broker::builder();
        for (name, value) in properties {
            builder = builder.property(*name, *value);
        }
        let error = builder.start().await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn secrets_are_not_in_what_is_shown() {
    let builder = Broker::builder().user("alice", "hush").property(
        "listener.name.x.plain.sasl.jaas.config",
        "PlainLoginModule required user_bob=\"hush\";",
    );
    assert!(!format!("{builder:?}").contains("hush"));
    let certificate = Authority::new("test").client("alice");
    assert!(!format!("{certificate:?}").contains("PRIVATE KEY"));
}

#[tokio::test]
async fn a_file_of_kafka_with_security_is_understood() {
    let authority = Authority::new("test");
    let Certificate { chain, key } = authority.server(&["localhost"]);
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store.pem");
    std::fs::write(&store, key + &chain).unwrap();
    let file = dir.path().join("server.properties");
    let text = format!(
        "process.roles=broker,controller\n\
         listeners=BROKER://127.0.0.1:0,CLIENTS://127.0.0.1:0,CONTROLLER://127.0.0.1:0\n\
         listener.security.protocol.map=BROKER:PLAINTEXT,CLIENTS:SASL_SSL,CONTROLLER:PLAINTEXT\n\
         controller.listener.names=CONTROLLER\n\
         inter.broker.listener.name=BROKER\n\
         ssl.keystore.type=PEM\n\
         ssl.keystore.location={}\n\
         ssl.cipher.suites=NONE\n\
         listener.name.clients.sasl.enabled.mechanisms=PLAIN\n\
         listener.name.clients.plain.sasl.jaas.config=org.apache.kafka.common.security.plain\
         .PlainLoginModule required user_bob=\"his\" ;\n\
         log.dirs={}\n",
        store.display(),
        dir.path().join("logs").display()
    );
    std::fs::write(&file, text).unwrap();
    let (builder, notes) = Broker::builder().server_properties(file).unwrap();
    let expected = [
        "property inter.broker.listener.name has no effect in this broker",
        "property process.roles has no effect in this broker",
        "property ssl.cipher.suites has no effect in this broker",
        "listener CONTROLLER is not opened",
    ];
    assert_eq!(notes, expected);
    let broker = builder.start().await.unwrap();
    let trusted = authority.certificate();
    let stream = tls(&broker, "CLIENTS", &trusted, None).await.unwrap();
    let mut client = Client::over(stream, "test");
    assert_eq!(plain(&mut client, "bob", "his").await.error_code, 0);
    metadata(&mut client).await;
}

// ---- SASL ----

#[tokio::test]
async fn plain_lets_a_user_in_and_says_who_it_is() {
    let broker = with_sasl(&[]).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = sasl_client(&broker);
    let versions = client
        .call(
            &ApiVersionsRequest {
                client_software_name: "test".into(),
                client_software_version: "1".into(),
                ..Default::default()
            },
            4,
        )
        .await;
    assert_eq!(versions.error_code, 0);
    for api in [ApiKey::SASL_HANDSHAKE, ApiKey::SASL_AUTHENTICATE] {
        let mut offered = versions.api_keys.iter();
        assert!(offered.any(|one| one.api_key == api.value()), "{api:?}");
    }
    let answer = plain(&mut client, "alice", "secret").await;
    assert_eq!((answer.error_code, answer.session_lifetime_ms), (0, 0));
    assert_eq!(last_principal(&broker), "User:ANONYMOUS");
    assert_eq!(client.produce("t", 0, batch(&["a"])).await.error_code, 0);
    assert_eq!(last_principal(&broker), "User:alice");
}

#[tokio::test]
async fn an_unknown_mechanism_is_told_those_that_are_offered() {
    let broker = with_sasl(&[("sasl.enabled.mechanisms", "SCRAM-SHA-512,PLAIN")]).await;
    let mut client = sasl_client(&broker);
    let answer = shake(&mut client, "SCRAM-SHA-256").await;
    assert_eq!(
        code(answer.error_code),
        ErrorCode::UNSUPPORTED_SASL_MECHANISM
    );
    assert_eq!(answer.mechanisms, ["SCRAM-SHA-512", "PLAIN"]);
    assert!(is_closed(&mut client).await);
}

#[tokio::test]
async fn a_wrong_password_is_refused_with_kafkas_words() {
    let broker = with_sasl(&[]).await;
    for (name, password) in [("alice", "wrong"), ("bob", "secret")] {
        let mut client = sasl_client(&broker);
        let answer = plain(&mut client, name, password).await;
        assert_eq!(
            code(answer.error_code),
            ErrorCode::SASL_AUTHENTICATION_FAILED
        );
        assert_eq!(
            answer.error_message.as_deref(),
            Some("Authentication failed: Invalid username or password")
        );
        assert!(is_closed(&mut client).await);
    }
}

#[tokio::test]
async fn a_refusal_takes_its_time() {
    let broker = with_sasl(&[("connection.failed.authentication.delay.ms", "100")]).await;
    let mut client = sasl_client(&broker);
    shake(&mut client, "PLAIN").await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let answer = client.call(&token(b"\0alice\0wrong"), 1).await;
    assert_ne!(answer.error_code, 0);
    assert!(began.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn users_change_while_the_broker_runs() {
    let broker = with_sasl(&[]).await;
    broker.set_password("alice", "new");
    broker.set_password("bob", "his");
    for (name, password, expected) in [
        ("alice", "secret", ErrorCode::SASL_AUTHENTICATION_FAILED),
        ("alice", "new", ErrorCode::NONE),
        ("bob", "his", ErrorCode::NONE),
    ] {
        let answer = plain(&mut sasl_client(&broker), name, password).await;
        assert_eq!(code(answer.error_code), expected, "{name} {password}");
    }
    assert!(broker.remove_user("bob"));
    assert!(!broker.remove_user("bob"));
    let answer = plain(&mut sasl_client(&broker), "bob", "his").await;
    assert_ne!(answer.error_code, 0);
}

#[tokio::test]
async fn users_of_a_listeners_jaas_configuration_are_its_own() {
    let broker = start(
        builder()
            .listener("A", "127.0.0.1:0")
            .listener("B", "127.0.0.1:0")
            .property("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,A:SASL_PLAINTEXT,B:SASL_PLAINTEXT")
            .property(
                "listener.name.a.plain.sasl.jaas.config",
                "org.apache.kafka.common.security.plain.PlainLoginModule required user_bob=\"his\";",
            )
            .property("listener.name.b.sasl.enabled.mechanisms", "PLAIN"),
    )
    .await;
    let client = |name| Client::over(broker.connector_of(name).unwrap().connect(), "test");
    assert_eq!(plain(&mut client("A"), "bob", "his").await.error_code, 0);
    assert_ne!(plain(&mut client("B"), "bob", "his").await.error_code, 0);
    assert_eq!(
        plain(&mut client("B"), "alice", "secret").await.error_code,
        0
    );
    let answer = shake(&mut client("B"), "SCRAM-SHA-256").await;
    assert_eq!(answer.mechanisms, ["PLAIN"]);
}

#[tokio::test]
async fn bare_tokens_follow_the_old_handshake() {
    let broker = with_sasl(&[]).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = sasl_client(&broker);
    let answer = client.call(&handshake("PLAIN"), 0).await;
    assert_eq!(answer.error_code, 0);
    client
        .stream()
        .write_all(b"\0\0\0\x0d\0alice\0secret")
        .await
        .unwrap();
    assert_eq!(
        client.stream().read_i32().await.unwrap(),
        0,
        "an empty answer"
    );
    assert_eq!(client.topic("t").await.error_code, 0);
    assert_eq!(last_principal(&broker), "User:alice");

    let mut client = sasl_client(&broker);
    client.call(&handshake("PLAIN"), 0).await;
    client
        .stream()
        .write_all(b"\0\0\0\x0c\0alice\0wrong")
        .await
        .unwrap();
    assert!(is_closed(&mut client).await);
}

#[tokio::test]
async fn other_requests_before_the_handshake_end_the_connection() {
    let broker = with_sasl(&[]).await;
    let mut client = sasl_client(&broker);
    assert!(
        client
            .try_call(&MetadataRequest::default(), 12)
            .await
            .is_none()
    );

    let mut client = sasl_client(&broker);
    assert!(
        client
            .try_call(&token(b"\0alice\0secret"), 2)
            .await
            .is_none()
    );

    // ApiVersions once, and again only if the first one was refused.
    let mut client = sasl_client(&broker);
    let versions = ApiVersionsRequest::default();
    assert_eq!(
        code(client.call(&versions, 3).await.error_code),
        ErrorCode::INVALID_REQUEST
    );
    assert_eq!(client.call(&versions, 0).await.error_code, 0);
    assert!(client.try_call(&versions, 0).await.is_none());
}

#[tokio::test]
async fn another_request_instead_of_a_token_is_illegal() {
    let broker = with_sasl(&[]).await;
    let mut client = sasl_client(&broker);
    shake(&mut client, "PLAIN").await;
    let answer = client.call(&HeartbeatRequest::default(), 4).await;
    assert_eq!(code(answer.error_code), ErrorCode::ILLEGAL_SASL_STATE);
    assert!(is_closed(&mut client).await);
}

#[tokio::test]
async fn sasl_without_need_is_illegal_and_harmless() {
    let broker = with_sasl(&[]).await;
    let mut plaintext = Client::new(&broker);
    let mut authenticated = sasl_client(&broker);
    plain(&mut authenticated, "alice", "secret").await;
    for client in [&mut plaintext, &mut authenticated] {
        let answer = shake(client, "PLAIN").await;
        assert_eq!(code(answer.error_code), ErrorCode::ILLEGAL_SASL_STATE);
        let answer = client.call(&token(b"\0alice\0secret"), 2).await;
        assert_eq!(code(answer.error_code), ErrorCode::ILLEGAL_SASL_STATE);
        metadata(client).await;
    }
}

#[tokio::test]
async fn a_scram_message_that_is_none_fails_without_a_reason() {
    let broker = with_sasl(&[]).await;
    for message in ["n,,n=nobody,r=x", "what?"] {
        let mut client = sasl_client(&broker);
        shake(&mut client, "SCRAM-SHA-256").await;
        let answer = client.call(&token(message.as_bytes()), 2).await;
        assert_eq!(
            code(answer.error_code),
            ErrorCode::SASL_AUTHENTICATION_FAILED
        );
        assert_eq!(
            answer.error_message.as_deref(),
            Some(
                "Authentication failed during authentication due to invalid credentials with \
                 SASL mechanism SCRAM-SHA-256"
            )
        );
        assert!(is_closed(&mut client).await);
    }
}

#[tokio::test]
async fn what_is_large_before_authentication_ends_the_connection() {
    let broker = with_sasl(&[]).await;
    let mut client = sasl_client(&broker);
    shake(&mut client, "PLAIN").await;
    let answer = client.call(&token(&vec![b'x'; 500 << 10]), 2).await;
    assert_eq!(
        code(answer.error_code),
        ErrorCode::SASL_AUTHENTICATION_FAILED
    );

    let mut client = sasl_client(&broker);
    shake(&mut client, "PLAIN").await;
    client.stream().write_i32((512 << 10) + 1).await.unwrap();
    assert!(is_closed(&mut client).await);

    let mut client = sasl_client(&broker);
    plain(&mut client, "alice", "secret").await;
    let large = client.call(&token(&vec![b'x'; 600 << 10]), 2).await;
    assert_eq!(
        code(large.error_code),
        ErrorCode::ILLEGAL_SASL_STATE,
        "afterwards it is read"
    );
}

#[tokio::test(start_paused = true)]
async fn who_does_not_authenticate_in_time_is_let_go() {
    let broker = with_sasl(&[]).await;
    let mut client = sasl_client(&broker);
    shake(&mut client, "PLAIN").await;
    let began = tokio::time::Instant::now();
    let mut byte = [0];
    assert_eq!(client.stream().read(&mut byte).await.unwrap(), 0);
    assert!(
        began.elapsed() <= Duration::from_secs(31),
        "{:?}",
        began.elapsed()
    );
}

// ---- sessions that end ----

const REAUTH: (&str, &str) = ("connections.max.reauth.ms", "3000");

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_in_band() {
    let broker = with_sasl(&[REAUTH]).await;
    let mut client = sasl_client(&broker);
    for _ in 0..5 {
        let answer = plain(&mut client, "alice", "secret").await;
        assert_eq!((answer.error_code, answer.session_lifetime_ms), (0, 3000));
        metadata(&mut client).await;
        tokio::time::sleep(Duration::from_millis(2900)).await;
    }
    // Also when it is over already: the renewal is what comes first.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(plain(&mut client, "alice", "secret").await.error_code, 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_after_the_end_of_the_session_ends_the_connection() {
    let broker = with_sasl(&[REAUTH]).await;
    let mut client = sasl_client(&broker);
    plain(&mut client, "alice", "secret").await;
    tokio::time::sleep(Duration::from_millis(2999)).await;
    metadata(&mut client).await;
    tokio::time::sleep(Duration::from_millis(2)).await;
    let request = MetadataRequest::default();
    assert!(client.try_call(&request, 12).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_once_a_second_at_most() {
    let broker = with_sasl(&[REAUTH]).await;
    let mut client = sasl_client(&broker);
    plain(&mut client, "alice", "secret").await;
    assert_eq!(
        plain(&mut client, "alice", "secret").await.error_code,
        0,
        "the first at once"
    );
    tokio::time::sleep(Duration::from_millis(900)).await;
    let answer = shake(&mut client, "PLAIN").await;
    assert_eq!(code(answer.error_code), ErrorCode::ILLEGAL_SASL_STATE);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(plain(&mut client, "alice", "secret").await.error_code, 0);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_changes_neither_principal_nor_mechanism() {
    let broker = with_sasl(&[REAUTH, ("connection.failed.authentication.delay.ms", "0")]).await;
    broker.set_password("bob", "his");
    let mut client = sasl_client(&broker);
    plain(&mut client, "alice", "secret").await;
    let answer = plain(&mut client, "bob", "his").await;
    assert_eq!(
        code(answer.error_code),
        ErrorCode::SASL_AUTHENTICATION_FAILED
    );
    assert_eq!(
        answer.error_message.as_deref(),
        Some("Cannot change principals during re-authentication from User.alice: User.bob")
    );
    assert!(is_closed(&mut client).await);

    let mut client = sasl_client(&broker);
    plain(&mut client, "alice", "secret").await;
    assert_eq!(shake(&mut client, "SCRAM-SHA-256").await.error_code, 0);
    assert!(
        client
            .try_call(&token(b"n,,n=alice,r=x"), 2)
            .await
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn a_renewal_fails_once_the_user_is_gone() {
    let broker = with_sasl(&[REAUTH]).await;
    let mut client = sasl_client(&broker);
    plain(&mut client, "alice", "secret").await;
    broker.remove_user("alice");
    metadata(&mut client).await;
    let answer = plain(&mut client, "alice", "secret").await;
    assert_eq!(
        code(answer.error_code),
        ErrorCode::SASL_AUTHENTICATION_FAILED
    );
    assert!(is_closed(&mut client).await);
}

// ---- TLS ----

async fn with_tls(tls: Tls, properties: &[(&str, &str)]) -> Broker {
    let mut builder = builder()
        .listener("SSL", "127.0.0.1:0")
        .listener("SASL_SSL", "127.0.0.1:0")
        .tls(tls);
    for (name, value) in properties {
        builder = builder.property(*name, *value);
    }
    builder.start().await.unwrap()
}

async fn tls(
    broker: &Broker,
    listener: &str,
    trusted: &str,
    own: Option<Certificate>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let address = broker.bootstrap_of(listener).unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    tls_over(stream, trusted, own).await
}

async fn tls_over<S: Stream>(
    stream: S,
    trusted: &str,
    own: Option<Certificate>,
) -> std::io::Result<TlsStream<S>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap())
        .unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match own {
        None => config.with_no_client_auth(),
        Some(own) => config
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(own.chain.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap(),
            )
            .unwrap(),
    };
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

#[tokio::test(start_paused = true)]
async fn tls_and_sasl_have_one_time_together() {
    let builder = builder()
        .listener("SASL_SSL", "127.0.0.1:0")
        .tls(Tls::generated());
    let broker = start(builder).await;
    let stream = broker.connector_of("SASL_SSL").unwrap().connect();
    let began = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let trusted = broker.certificate().unwrap();
    let stream = tls_over(stream, &trusted, None).await.unwrap();
    let mut client = Client::over(stream, "test");
    shake(&mut client, "PLAIN").await;
    let mut rest = Vec::new();
    let _ = client.stream().read_to_end(&mut rest).await;
    let waited = began.elapsed();
    assert!(waited <= Duration::from_secs(31), "{waited:?}");
}

#[tokio::test]
async fn all_four_protocols_are_offered_at_once() {
    let broker = with_tls(Tls::generated(), &[]).await;
    let trusted = broker.certificate().unwrap();
    let mut client = Client::over(tls(&broker, "SSL", &trusted, None).await.unwrap(), "test");
    let (_, port) = metadata(&mut client).await;
    assert!(
        broker
            .bootstrap_of("SSL")
            .unwrap()
            .ends_with(&format!(":{port}"))
    );
    assert_eq!(last_principal(&broker), "User:ANONYMOUS");
    let mut client = Client::over(
        tls(&broker, "SASL_SSL", &trusted, None).await.unwrap(),
        "test",
    );
    assert_eq!(plain(&mut client, "alice", "secret").await.error_code, 0);
    metadata(&mut client).await;
    assert_eq!(last_principal(&broker), "User:alice");
}

#[tokio::test]
async fn a_clients_certificate_names_its_principal() {
    let broker = with_tls(Tls::generated(), &[("ssl.client.auth", "required")]).await;
    let trusted = broker.certificate().unwrap();
    let own = broker.client_certificate("alice");
    let mut client = Client::over(tls(&broker, "SSL", &trusted, own).await.unwrap(), "test");
    metadata(&mut client).await;
    assert_eq!(last_principal(&broker), "User:CN=alice");

    // With TLS 1.3 the client learns of the refusal when it reads.
    let stranger = Authority::new("other").client("alice");
    for own in [None, Some(stranger)] {
        let stream = tls(&broker, "SSL", &trusted, own).await.unwrap();
        let mut client = Client::over(stream, "test");
        let request = MetadataRequest::default();
        assert!(client.try_call(&request, 12).await.is_none());
    }

    // Where SASL tells who it is, the setting of all listeners asks for no certificate (KIP-684).
    let stream = tls(&broker, "SASL_SSL", &trusted, None).await.unwrap();
    assert_eq!(
        plain(&mut Client::over(stream, "test"), "alice", "secret")
            .await
            .error_code,
        0
    );
}

#[tokio::test]
async fn a_certificate_may_be_asked_for_without_need() {
    let broker = with_tls(Tls::generated(), &[("ssl.client.auth", "requested")]).await;
    let trusted = broker.certificate().unwrap();
    for (own, expected) in [
        (None, "User:ANONYMOUS"),
        (broker.client_certificate("bob"), "User:CN=bob"),
    ] {
        let stream = tls(&broker, "SSL", &trusted, own).await.unwrap();
        metadata(&mut Client::over(stream, "test")).await;
        assert_eq!(last_principal(&broker), expected);
    }
}

#[tokio::test]
async fn certificates_that_no_client_should_take_can_be_handed_in() {
    let authority = Authority::new("test");
    let day = Duration::from_secs(86_400);
    let now = SystemTime::now();
    for (certificate, expected) in [
        (
            authority.server(&["elsewhere.example"]),
            "not valid for name",
        ),
        (
            authority.server_between(&["localhost"], now - 2 * day, now - day),
            "expired",
        ),
        (
            authority.server_between(&["localhost"], now + day, now + 2 * day),
            "not valid yet",
        ),
        (
            Authority::new("test").server(&["localhost"]),
            "BadSignature",
        ),
        (
            Authority::new("unknown").server(&["localhost"]),
            "UnknownIssuer",
        ),
    ] {
        let broker = with_tls(Tls::new(certificate), &[]).await;
        assert_eq!(broker.certificate(), None);
        let result = tls(&broker, "SSL", &authority.certificate(), None).await;
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn plain_bytes_on_a_tls_listener_end_the_connection() {
    let broker = with_tls(Tls::generated(), &[]).await;
    let stream = TcpStream::connect(broker.bootstrap_of("SSL").unwrap())
        .await
        .unwrap();
    let mut client = Client::over(stream, "test");
    client.send(&MetadataRequest::default(), 12).await;
    let mut answer = Vec::new();
    // An alert of TLS may come first.
    let _ = client.stream().read_to_end(&mut answer).await;
    assert!(answer.len() < 16, "{answer:?}");
    let trusted = broker.certificate().unwrap();
    let mut client = Client::over(tls(&broker, "SSL", &trusted, None).await.unwrap(), "test");
    metadata(&mut client).await;
}

// ---- OAUTHBEARER ----

/// An unsecured token that ends at a time of day.
fn bearer(name: &str, end: SystemTime) -> Vec<u8> {
    let end = end.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let header = part(r#"{"alg":"none"}"#);
    let claims = part(&format!(
        r#"{{"sub":"{name}","exp":{}}}"#,
        end.as_secs_f64()
    ));
    format!("n,,\x01auth=Bearer {header}.{claims}.\x01\x01").into_bytes()
}

#[tokio::test(start_paused = true)]
async fn a_session_by_token_ends_with_the_token() {
    let broker = with_sasl(&[
        ("sasl.enabled.mechanisms", "OAUTHBEARER"),
        ("connections.max.reauth.ms", "3600000"),
    ])
    .await;
    let mut client = sasl_client(&broker);
    shake(&mut client, "OAUTHBEARER").await;
    let end = SystemTime::now() + Duration::from_secs(60);
    let answer = client.call(&token(&bearer("carol", end)), 2).await;
    assert_eq!((answer.error_code, answer.auth_bytes.len()), (0, 0));
    let lifetime_ms = answer.session_lifetime_ms;
    assert!((50_000..=60_000).contains(&lifetime_ms), "{lifetime_ms}");
    metadata(&mut client).await;
    assert_eq!(last_principal(&broker), "User:carol");
    tokio::time::sleep(Duration::from_secs(61)).await;
    let request = MetadataRequest::default();
    assert!(client.try_call(&request, 12).await.is_none());

    let mut client = sasl_client(&broker);
    shake(&mut client, "OAUTHBEARER").await;
    let end = SystemTime::now() + Duration::from_secs(86_400);
    let answer = client.call(&token(&bearer("carol", end)), 2).await;
    assert_eq!(answer.session_lifetime_ms, 3_600_000);
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_refused_in_two_steps() {
    let broker = with_sasl(&[("sasl.enabled.mechanisms", "OAUTHBEARER")]).await;
    let mut client = sasl_client(&broker);
    shake(&mut client, "OAUTHBEARER").await;
    let answer = client
        .call(&token(&bearer("carol", SystemTime::UNIX_EPOCH)), 2)
        .await;
    let status = r#"{"status":"invalid_token"}"#;
    assert_eq!(
        (answer.error_code, &*answer.auth_bytes),
        (0, status.as_bytes())
    );
    let answer = client.call(&token(b"\x01"), 2).await;
    assert_eq!(
        code(answer.error_code),
        ErrorCode::SASL_AUTHENTICATION_FAILED
    );
    assert_eq!(answer.error_message.as_deref(), Some(status));
    assert!(is_closed(&mut client).await);
}

// ---- users of SCRAM ----

fn setting(name: &str, mechanism: i8, iterations: i32) -> ScramCredentialUpsertion {
    // The salted password may be anything: the broker cannot know the password.
    ScramCredentialUpsertion {
        name: name.into(),
        mechanism,
        iterations,
        salt: Bytes::from_static(b"salt"),
        salted_password: Bytes::from_static(&[7; 32]),
        ..Default::default()
    }
}

fn removal(name: &str, mechanism: i8) -> ScramCredentialDeletion {
    ScramCredentialDeletion {
        name: name.into(),
        mechanism,
        ..Default::default()
    }
}

async fn alter(
    client: &mut Client,
    deletions: Vec<ScramCredentialDeletion>,
    upsertions: Vec<ScramCredentialUpsertion>,
) -> Vec<(String, ErrorCode)> {
    let request = AlterUserScramCredentialsRequest {
        deletions,
        upsertions,
        ..Default::default()
    };
    let results = client.call(&request, 0).await.results.into_iter();
    results
        .map(|result| (result.user.to_string(), code(result.error_code)))
        .collect()
}

async fn credentials(client: &mut Client, names: &[&str]) -> Vec<(String, ErrorCode, Vec<i8>)> {
    let request = DescribeUserScramCredentialsRequest {
        users: Some(
            names
                .iter()
                .map(|name| UserName {
                    name: (*name).into(),
                    ..Default::default()
                })
                .collect(),
        ),
        ..Default::default()
    };
    let results = client.call(&request, 0).await.results.into_iter();
    results
        .map(|result| {
            let infos = result.credential_infos.iter().map(|info| info.mechanism);
            (
                result.user.to_string(),
                code(result.error_code),
                infos.collect(),
            )
        })
        .collect()
}

#[tokio::test]
async fn credentials_are_checked_as_kafka_does() {
    let broker = with_sasl(&[]).await;
    let mut client = Client::new(&broker);
    let results = alter(
        &mut client,
        vec![
            removal("nobody", 1),
            removal("twice", 1),
            removal("alice", 3),
        ],
        vec![
            setting("few", 1, 4095),
            setting("many", 1, 16385),
            setting("", 1, 4096),
            setting("none", 0, 4096),
            setting("twice", 2, 4096),
            setting("bob", 2, 16384),
        ],
    )
    .await;
    let expected = [
        ("nobody", ErrorCode::RESOURCE_NOT_FOUND),
        ("twice", ErrorCode::DUPLICATE_RESOURCE),
        ("alice", ErrorCode::UNSUPPORTED_SASL_MECHANISM),
        ("few", ErrorCode::UNACCEPTABLE_CREDENTIAL),
        ("many", ErrorCode::UNACCEPTABLE_CREDENTIAL),
        ("", ErrorCode::UNACCEPTABLE_CREDENTIAL),
        ("none", ErrorCode::UNSUPPORTED_SASL_MECHANISM),
        ("bob", ErrorCode::NONE),
    ];
    let expected = expected.map(|(name, error)| (name.to_owned(), error));
    assert_eq!(results, expected);

    let of =
        |name: &str, mechanisms: &[i8]| (name.to_owned(), ErrorCode::NONE, mechanisms.to_vec());
    let all = credentials(&mut client, &[]).await;
    assert_eq!(all, [of("alice", &[1, 2]), of("bob", &[2])]);
    let some = credentials(&mut client, &["bob", "nobody", "alice", "alice"]).await;
    let failed = |name: &str, error| (name.to_owned(), error, vec![]);
    assert_eq!(
        some,
        [
            of("bob", &[2]),
            failed("nobody", ErrorCode::RESOURCE_NOT_FOUND),
            failed("alice", ErrorCode::DUPLICATE_RESOURCE),
        ]
    );
    assert_eq!(
        alter(&mut client, vec![removal("alice", 1)], vec![]).await[0].1,
        ErrorCode::NONE
    );
    assert_eq!(
        credentials(&mut client, &["alice"]).await,
        [of("alice", &[2])]
    );
}

#[tokio::test]
async fn credentials_outlive_the_broker() {
    let dir = tempfile::tempdir().unwrap();
    let on_disk = || Broker::builder().data_dir(dir.path());
    let broker = start(on_disk()).await;
    let mut client = Client::new(&broker);
    alter(
        &mut client,
        vec![],
        vec![setting("bob", 1, 5000), setting("carol", 1, 5000)],
    )
    .await;
    alter(&mut client, vec![removal("carol", 1)], vec![]).await;
    broker.crash().await;
    let broker = start(on_disk()).await;
    let mut client = Client::new(&broker);
    let all = credentials(&mut client, &[]).await;
    assert_eq!(all, [("bob".to_owned(), ErrorCode::NONE, vec![1])]);
    assert!(broker.remove_user("bob"));
    broker.crash().await;
    let broker = start(on_disk()).await;
    assert_eq!(credentials(&mut Client::new(&broker), &[]).await, []);
}

// ---- limits ----

/// Whether a broker takes a connection.
async fn takes(address: &str) -> Option<Client> {
    let mut client = Client::over(TcpStream::connect(address).await.unwrap(), "test");
    let answer = client.try_send(&ApiVersionsRequest::default(), 0).await;
    answer.then_some(client)
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_no_more() {
    let broker = Broker::builder()
        .property("max.connections.per.ip", "2")
        .start()
        .await
        .unwrap();
    let address = broker.bootstrap();
    let first = takes(&address).await;
    let second = takes(&address).await;
    assert!(first.is_some() && second.is_some());
    assert!(takes(&address).await.is_none());
    drop(first);
    while broker.connections() > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(takes(&address).await.is_some());
}

#[tokio::test]
async fn an_address_may_have_a_limit_of_its_own() {
    let broker = Broker::builder()
        .property("max.connections.per.ip", "1")
        .property("max.connections.per.ip.overrides", "::1:0, 127.0.0.1:3")
        .start()
        .await
        .unwrap();
    let address = broker.bootstrap();
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(takes(&address).await.unwrap());
    }
    assert!(takes(&address).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_finish_the_handshake_of_tls_is_let_go() {
    let broker = start(
        builder()
            .listener("SSL", "127.0.0.1:0")
            .tls(Tls::generated()),
    )
    .await;
    let connector = broker.connector_of("SSL").unwrap();
    let mut silent = Client::over(connector.connect(), "test");
    let mut slow = Client::over(connector.connect(), "test");
    let began = tokio::time::Instant::now();
    // The beginning of a ClientHello, a byte a second.
    for byte in [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3] {
        slow.stream().write_u8(byte).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(broker.connections(), 2);
    for client in [&mut silent, &mut slow] {
        assert!(is_closed_within(client, Duration::from_secs(60)).await);
    }
    assert!(
        began.elapsed() < Duration::from_secs(31),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(broker.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_its_answers_is_let_go() {
    let broker = start(Broker::builder().property("connections.max.idle.ms", "5000")).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    let large = batch(&[&"x".repeat(900 << 10)]);
    assert_eq!(client.produce("t", 0, large).await.error_code, 0);
    client
        .send(&crate::support::fetch_request("t", 0, 0), 12)
        .await;
    assert_eq!(broker.connections(), 1);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(broker.connections(), 0);
}

#[tokio::test]
async fn rules_make_principals_of_certificates() {
    let properties = [
        ("ssl.client.auth", "required"),
        ("ssl.principal.mapping.rules", "RULE:^CN=(a.*)$/$1/U"),
    ];
    let broker = with_tls(Tls::generated(), &properties).await;
    let trusted = broker.certificate().unwrap();
    let own = broker.client_certificate("alice");
    let stream = tls(&broker, "SSL", &trusted, own).await.unwrap();
    metadata(&mut Client::over(stream, "test")).await;
    assert_eq!(last_principal(&broker), "User:ALICE");
    // No rule takes this one.
    let own = broker.client_certificate("bob");
    let stream = tls(&broker, "SSL", &trusted, own).await.unwrap();
    let mut client = Client::over(stream, "test");
    assert!(!client.try_send(&MetadataRequest::default(), 12).await);
}

#[tokio::test]
async fn many_half_open_connections_hold_up_nobody() {
    let broker = with_tls(Tls::generated(), &[]).await;
    let address = broker.bootstrap_of("SSL").unwrap();
    let mut open = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(&[0x16, 3, 1]).await.unwrap();
        open.push(stream);
    }
    let trusted = broker.certificate().unwrap();
    let began = std::time::Instant::now();
    let stream = tls(&broker, "SSL", &trusted, None).await.unwrap();
    metadata(&mut Client::over(stream, "test")).await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    drop(open);
    while broker.connections() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn unsigned_tokens_are_believed_only_where_that_is_asked_for() {
    let broker = start(builder().listener("SASL_PLAINTEXT", "127.0.0.1:0")).await;
    let mut client = sasl_client(&broker);
    let answer = shake(&mut client, "OAUTHBEARER").await;
    assert_eq!(
        code(answer.error_code),
        ErrorCode::UNSUPPORTED_SASL_MECHANISM
    );
    assert_eq!(
        answer.mechanisms,
        ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
    );
}

#[tokio::test]
async fn who_has_not_authenticated_reaches_no_session_and_names_no_topics() {
    let broker = with_sasl(&[]).await;
    broker.create_topic("t", 1).unwrap();
    // Somebody's session.
    let mut owner = Client::new(&broker);
    let mut request = fetch_request("t", 0, 0);
    request.session_epoch = 0;
    let session_id = owner.call(&request, 12).await.session_id;
    assert_ne!(session_id, 0);
    let mut client = sasl_client(&broker);
    shake(&mut client, "PLAIN").await;
    let stolen = FetchRequest {
        session_id,
        session_epoch: 1,
        ..Default::default()
    };
    let answer = client.call(&stolen, 12).await;
    assert!(answer.responses.is_empty(), "{answer:?}");
    let mut client = sasl_client(&broker);
    shake(&mut client, "PLAIN").await;
    client.try_call(&request, 12).await;
    let journal = broker.faults().journal();
    assert_eq!(journal.last().unwrap().api_key, ApiKey::FETCH);
    assert_eq!(journal.last().unwrap().topics, [""; 0]);
}

#[tokio::test]
async fn where_sasl_tells_who_it_is_no_certificate_needs_a_rule() {
    let broker = with_tls(
        Tls::generated(),
        &[
            ("listener.name.sasl_ssl.ssl.client.auth", "required"),
            ("ssl.principal.mapping.rules", "RULE:^CN=nobody$/x/"),
        ],
    )
    .await;
    let trusted = broker.certificate().unwrap();
    let own = broker.client_certificate("alice");
    let stream = tls(&broker, "SASL_SSL", &trusted, own).await.unwrap();
    let mut client = Client::over(stream, "test");
    assert_eq!(plain(&mut client, "alice", "secret").await.error_code, 0);
}
