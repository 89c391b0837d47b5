//! Tokens of an identity provider, which the client asks for itself.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use integration::security::SecureKafka;
use kafka_client::record::Record;
use kafka_client::security::{Algorithm, Assertion, Oidc, Sasl, Tls};
use kafka_client::{ErrorKind, Kafka};

use crate::issuer::{AUDIENCE, CLIENT, ISSUER, Issuer, KEY, SECRET};
use crate::log::Log;
use crate::matrix::there_and_back;
use crate::site::{Embedded, Site};

/// The settings of a broker that believes this issuer.
fn believing(issuer: &Issuer) -> Vec<(&'static str, String)> {
    vec![
        ("sasl.oauthbearer.jwks.endpoint.url", issuer.jwks()),
        ("sasl.oauthbearer.expected.issuer", ISSUER.to_owned()),
        ("sasl.oauthbearer.expected.audience", AUDIENCE.to_owned()),
    ]
}

async fn embedded(issuer: &Issuer) -> Embedded {
    let settings = believing(issuer);
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Embedded::start_with(&settings).await
}

fn client(issuer: &Issuer) -> Oidc {
    Oidc::client_credentials(issuer.endpoint(), CLIENT, SECRET)
        .tls(Tls::new().ca_pem(issuer.certificate()))
}

async fn connect(site: &impl Site, oidc: Oidc) -> Result<Kafka, kafka_client::Error> {
    site.client("SASL_SSL", Some(Sasl::oidc(oidc)))
        .connect()
        .await
}

fn assertion() -> Assertion {
    Assertion::signed_with_pem(Algorithm::Rs256, KEY)
        .issuer(CLIENT)
        .subject("alice")
        .audience(ISSUER)
}

/// Each grant brings tokens that this broker believes.
async fn every_grant(site: &impl Site, issuer: &Issuer) {
    let kafka = connect(site, client(issuer).scope("kafka")).await.unwrap();
    there_and_back(&kafka, "client-credentials").await;
    // However many connections there are.
    assert_eq!(issuer.issued(), 1);
    let requests = issuer.requests();
    assert_eq!(requests, ["grant_type=client_credentials&scope=kafka"]);
    let oidc = Oidc::jwt_bearer(issuer.endpoint(), assertion());
    let oidc = oidc.tls(Tls::new().ca_pem(issuer.certificate()));
    let kafka = connect(site, oidc).await.unwrap();
    there_and_back(&kafka, "jwt-bearer").await;
    assert_eq!(issuer.issued(), 2);
}

/// The usual properties of Java's clients.
async fn by_names(site: &impl Site, issuer: &Issuer) {
    let endpoint = issuer.endpoint();
    let of_brokers = site.authority().certificate();
    let of_issuer = issuer.certificate();
    let secret = format!(
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"{CLIENT}\" \
         clientSecret=\"{SECRET}\" scope=\"kafka\";"
    );
    let kafka = Kafka::builder(site.bootstrap("SASL_SSL")).security_properties([
        ("security.protocol", "SASL_SSL"),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.certificates", &of_brokers),
        ("sasl.mechanism", "OAUTHBEARER"),
        ("sasl.oauthbearer.token.endpoint.url", &endpoint),
        ("sasl.jaas.config", &secret),
        ("https.ca.pem", &of_issuer),
        (
            "sasl.login.callback.handler.class",
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
        ),
    ]);
    there_and_back(&kafka.connect().await.unwrap(), "by-names").await;
}

#[tokio::test]
async fn tokens_of_an_issuer_are_taken() {
    let issuer = Issuer::start().await;
    let site = embedded(&issuer).await;
    every_grant(&site, &issuer).await;
    by_names(&site, &issuer).await;
}

#[tokio::test]
#[ignore = "needs KAFKA_JARS; .ci/run provides it"]
async fn tokens_of_an_issuer_are_taken_by_apache_kafka() {
    let issuer = Issuer::start().await;
    let mut settings = believing(&issuer);
    let handler =
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler";
    let jaas = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;";
    for (name, value) in [
        (
            "listener.name.sasl_tls.oauthbearer.sasl.server.callback.handler.class",
            handler,
        ),
        ("listener.name.sasl_tls.oauthbearer.sasl.jaas.config", jaas),
    ] {
        settings.push((name, value.to_owned()));
    }
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let site = SecureKafka::start_with(&settings).await.unwrap();
    every_grant(&site, &issuer).await;
    by_names(&site, &issuer).await;
}

#[tokio::test]
async fn what_the_issuer_refuses_is_told_at_once() {
    let log = Log::begin();
    let issuer = Issuer::start().await;
    let site = embedded(&issuer).await;
    let wrong = "wr0ng-s3cr3t-0f-cl1ent";
    let other = Oidc::client_credentials(issuer.endpoint(), CLIENT, wrong);
    let forged = assertion().audience("https://elsewhere.example");
    let forged = Oidc::jwt_bearer(issuer.endpoint(), forged);
    let believing = |oidc: Oidc| oidc.tls(Tls::new().ca_pem(issuer.certificate()));
    for (oidc, words) in [
        (
            believing(other),
            "answers 401: invalid_client: no such client",
        ),
        (believing(forged), "answers 401: invalid_client"),
        (
            client(&issuer).tls(Tls::new().ca_pem(site.authority().certificate())),
            "certificate of another authority",
        ),
        (
            Oidc::client_credentials(
                issuer.endpoint().replace("localhost", "[::1]"),
                CLIENT,
                SECRET,
            )
            .tls(Tls::new().ca_pem(issuer.certificate())),
            "cannot connect to https://[::1]",
        ),
    ] {
        let is_final = !words.contains("connect");
        let builder = site.client("SASL_SSL", Some(Sasl::oidc(oidc)));
        let builder = match is_final {
            true => builder,
            false => builder.connect_timeout(Duration::from_secs(8)),
        };
        let begin = tokio::time::Instant::now();
        let error = builder.connect().await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(words), "{text}");
        assert!(text.contains(":") && !text.contains(wrong), "{text}");
        assert_eq!(
            error.kind() == ErrorKind::Authentication,
            is_final,
            "{text}"
        );
        assert!(
            !is_final || begin.elapsed() < Duration::from_secs(5),
            "{text}"
        );
    }
    log.has_none_of(&[SECRET, wrong, "eyJ"]);
}

#[tokio::test]
async fn a_cut_answer_is_asked_for_again() {
    let issuer = Issuer::start().await;
    let site = embedded(&issuer).await;
    issuer.cut(2);
    connect(&site, client(&issuer)).await.unwrap();
    assert_eq!(issuer.issued(), 3);
}

#[tokio::test]
async fn what_an_issuer_repeats_of_a_request_is_not_logged() {
    let log = Log::begin();
    let issuer = Issuer::start().await;
    let site = embedded(&issuer).await;
    issuer.repeat(2);
    connect(&site, client(&issuer)).await.unwrap();
    issuer.repeat(2);
    // It wants them in the header.
    let error = connect(&site, client(&issuer).secret_in_body()).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("invalid_client"), "{error}");
    assert!(log.count("answers 503: busy", "[hidden]") >= 4);
    let basic = STANDARD.encode(format!("{CLIENT}:{SECRET}"));
    log.has_none_of(&[SECRET, &basic]);
}

#[tokio::test]
async fn tokens_that_end_are_replaced_while_records_flow() {
    let issuer = Issuer::start().await;
    issuer.set_life_s(3);
    let settings = believing(&issuer);
    let mut settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    // Else a session would be let live for half a minute more.
    settings.push(("sasl.oauthbearer.clock.skew.seconds", "0"));
    let site = Embedded::start_with(&settings).await;
    let kafka = connect(&site, client(&issuer)).await.unwrap();
    let producer = kafka.producer().build().await.unwrap();
    let until = tokio::time::Instant::now() + Duration::from_secs(8);
    while tokio::time::Instant::now() < until {
        producer.send(Record::to("flow").value("x")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(issuer.issued() >= 3, "{}", issuer.issued());
    producer.close().await.unwrap();
}
