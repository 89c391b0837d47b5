use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::*;
use crate::error::ErrorKind;
use crate::security::crypto::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use crate::security::http::testing::{Reaction, Server, answer};
use crate::security::sasl::{Sasl, SaslError, SaslMechanism};

const ENDPOINT: &str = "http://idp.example/token";
const SECRET: &str = "hunter2/+ü";

fn client() -> Oidc {
    Oidc::client_credentials(ENDPOINT, "client:1", SECRET)
}

fn good(token: &str, life: u64) -> Reaction {
    let body = format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{life}}}"#);
    answer(200, &body)
}

async fn mechanism(server: &Server, oidc: Oidc) -> Arc<dyn SaslMechanism> {
    Sasl::oidc(oidc).mechanism(&server.env()).await.unwrap()
}

/// The first message to a broker.
async fn message(mechanism: &Arc<dyn SaslMechanism>) -> Result<String, SaslError> {
    let start = mechanism.begin("broker").await?;
    Ok(String::from_utf8(start.message)
        .unwrap()
        .replace('\u{1}', "|"))
}

/// The only request: its head in lower case, and its body.
async fn asked(oidc: Oidc) -> (String, String) {
    let server = Server::new([good("abc", 60)]);
    message(&mechanism(&server, oidc).await).await.unwrap();
    let request = server.requests().pop().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[tokio::test(start_paused = true)]
async fn id_and_secret_are_shown_as_the_endpoint_wants_them() {
    let (head, body) = asked(client()).await;
    let basic = STANDARD.encode(format!("client:1:{SECRET}"));
    assert!(
        head.contains(&format!("authorization: Basic {basic}")),
        "{head}"
    );
    assert_eq!(body, "grant_type=client_credentials");
    let (head, _) = asked(client().urlencode_header(true)).await;
    let basic = STANDARD.encode("client%3A1:hunter2%2F%2B%C3%BC");
    assert!(
        head.contains(&format!("authorization: Basic {basic}")),
        "{head}"
    );
    let oidc = client()
        .secret_in_body()
        .scope("a b")
        .parameter("audience", "kafka");
    let (head, body) = asked(oidc).await;
    assert!(!head.contains("authorization"), "{head}");
    assert_eq!(
        body,
        "grant_type=client_credentials&client_id=client%3A1&client_secret=hunter2%2F%2B%C3%BC&scope=a%20b\
         &audience=kafka"
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_has_the_extensions_and_is_used_until_it_is_old() {
    let server = Server::new([good("abc", 3600)]);
    let mechanism = mechanism(&server, client().extension("logicalCluster", "lkc-1")).await;
    for _ in 0..3 {
        let message = message(&mechanism).await.unwrap();
        assert_eq!(message, "n,,|auth=Bearer abc|logicalCluster=lkc-1||");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_has_expired_is_replaced() {
    let server = Server::new([good("first", 0), good("second", 3600)]);
    let mechanism = mechanism(&server, client()).await;
    for expected in ["first", "second", "second"] {
        let message = message(&mechanism).await.unwrap();
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_busy_is_asked_again() {
    let server = Server::new([answer(500, ""), Reaction::Refusal, good("abc", 60)]);
    let message = message(&mechanism(&server, client()).await).await.unwrap();
    assert!(message.contains("abc"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn why_there_is_no_token_is_told_without_the_secret() {
    let refusal =
        format!(r#"{{"error":"invalid_client","error_description":"{SECRET} is wrong"}}"#);
    for (reaction, words, is_final) in [
        (
            answer(401, &refusal),
            "invalid_client: [hidden] is wrong",
            true,
        ),
        (answer(200, "<html>"), "no JSON", true),
        (
            answer(200, r#"{"token":"hunter2/+ü"}"#),
            "without an access_token",
            true,
        ),
        (answer(302, ""), "not followed", true),
        (answer(503, ""), "answers 503", false),
        (Reaction::Silence, "does not answer within", false),
        (Reaction::Refusal, "cannot connect", false),
    ] {
        let server = Server::new([reaction]);
        let error = message(&mechanism(&server, client()).await)
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(words) && text.contains("http://idp.example/token"),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(matches!(error, SaslError::Refused(_)), is_final, "{text}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_settings_is_told_at_once() {
    let missing = Assertion::signed_with_file(Algorithm::Rs256, "/no/such.key");
    for (oidc, words) in [
        (
            Oidc::client_credentials("idp.example", "id", SECRET),
            "token.endpoint.url has no http://",
        ),
        (
            client().parameter("grant_type", "password"),
            "parameter grant_type",
        ),
        (
            Oidc::jwt_bearer(ENDPOINT, Assertion::file("/no/such.jwt")),
            "/no/such.jwt",
        ),
        (
            Oidc::jwt_bearer(ENDPOINT, missing),
            "assertion.private.key.file: cannot read /no/such.key",
        ),
        (
            Oidc::client_credentials("https://idp.example", "id", SECRET)
                .tls(Tls::new().ca_file("/no/such.pem")),
            "https://idp.example/: ssl.truststore: cannot read /no/such.pem",
        ),
    ] {
        let server = Server::new([Reaction::Refusal]);
        let error = Sasl::oidc(oidc)
            .mechanism(&server.env())
            .await
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(server.dialed().is_empty());
    }
}

#[test]
fn settings_show_no_secret() {
    let oidc = client().parameter("password", "swordfish");
    let shown = format!("{:?}", Sasl::oidc(oidc));
    assert!(
        shown.contains("client:1") && shown.contains("password"),
        "{shown}"
    );
    assert!(
        !shown.contains("hunter2") && !shown.contains("swordfish"),
        "{shown}"
    );
}

/// A key of P-256 in PEM, and what checks its signatures.
fn key() -> (String, UnparsedPublicKey<Vec<u8>>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let public = key.public_key_raw().to_vec();
    let check = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public);
    (key.serialize_pem(), check)
}

/// Header and payload, if the signature is good.
fn verified(jwt: &str, key: &UnparsedPublicKey<Vec<u8>>) -> (Value, Value) {
    let (text, signature) = jwt.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    key.verify(text.as_bytes(), &signature).unwrap();
    let (header, payload) = text.split_once('.').unwrap();
    let read = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (read(header), read(payload))
}

#[test]
fn an_assertion_says_what_it_is_told_and_is_signed() {
    let (pem, public) = key();
    let assertion = Assertion::signed_with_pem(Algorithm::Es256, pem)
        .issuer("client-1")
        .subject("alice")
        .audience("https://idp.example")
        .claim("roles", vec!["a", "b"])
        .key_id("2026");
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    // Signatures of ECDSA are of chance: some begin with zeros.
    for _ in 0..300 {
        let made = assertion.make(now).unwrap();
        let (header, payload) = verified(made.expose(), &public);
        assert_eq!(
            header,
            serde_json::json!({"alg":"ES256","typ":"JWT","kid":"2026"})
        );
        assert_eq!(
            payload,
            serde_json::json!({
                "iss": "client-1", "sub": "alice", "aud": "https://idp.example", "roles": ["a", "b"],
                "iat": 1_000_000, "exp": 1_000_300, "nbf": 999_940,
            })
        );
    }
    let assertion = assertion
        .jwt_id(true)
        .lifetime(Duration::from_secs(9))
        .not_before(Duration::ZERO);
    let ids = [(); 2].map(|()| {
        let (_, payload) = verified(assertion.make(now).unwrap().expose(), &public);
        assert_eq!(
            (&payload["exp"], &payload["nbf"]),
            (&1_000_009.into(), &1_000_000.into())
        );
        let id = payload["jti"].as_str().unwrap().to_owned();
        assert_eq!((id.len(), &id[14..15]), (36, "4"), "{id}");
        id
    });
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_template_says_the_rest() {
    let (pem, public) = key();
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("template.json");
    let assertion = Assertion::signed_with_pem(Algorithm::Es256, pem)
        .issuer("of the setting")
        .subject("of the setting")
        .template_file(&path);
    let now = SystemTime::UNIX_EPOCH;
    assert!(assertion.make(now).unwrap_err().contains("template.json"));
    let template = r#"{"header":{"kid":"7","alg":"none"},"payload":{"sub":"alice","exp":1}}"#;
    std::fs::write(&path, template).unwrap();
    let (header, payload) = verified(assertion.make(now).unwrap().expose(), &public);
    assert_eq!(
        (&header["kid"], &header["alg"]),
        (&"7".into(), &"ES256".into())
    );
    assert_eq!(
        (&payload["iss"], &payload["sub"]),
        (&"of the setting".into(), &"alice".into())
    );
    assert_eq!(payload["exp"], 300);
    for wrong in ["", "[]", r#"{"payload":"x"}"#, r#"{"claims":{}}"#] {
        std::fs::write(&path, wrong).unwrap();
        assert!(
            assertion
                .make(now)
                .unwrap_err()
                .contains("header and payload"),
            "{wrong}"
        );
    }
}

#[test]
fn a_key_for_another_algorithm_is_refused() {
    let (pem, _) = key();
    let error = Assertion::signed_with_pem(Algorithm::Rs256, pem).make(SystemTime::UNIX_EPOCH);
    let error = error.unwrap_err();
    assert!(error.contains("RS256, which takes an RSA key"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn assertions_are_sent_as_the_grant_or_for_the_secret() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "a.b.c\n").unwrap();
    let assertion = Assertion::file(file.path());
    let (head, body) = asked(Oidc::jwt_bearer(ENDPOINT, assertion.clone()).scope("kafka")).await;
    assert!(!head.contains("authorization"), "{head}");
    assert_eq!(
        body,
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c&scope=kafka"
    );
    let (_, body) = asked(Oidc::client_assertion(ENDPOINT, "client-1", assertion)).await;
    assert_eq!(
        body,
        "grant_type=client_credentials&client_id=client-1&client_assertion_type=\
         urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=a.b.c"
    );
}
