//! What the settings of security may say together, and what must not pass without a word.

use kafka_broker::{Broker, Builder};
use kafka_client_protocol::api::alter_user_scram_credentials::{
    AlterUserScramCredentialsRequest, ScramCredentialUpsertion,
};
use kafka_client_protocol::api::create_delegation_token::CreateDelegationTokenRequest;

use crate::security::plain;
use crate::support::{Client, start};

/// A listener with SASL that offers OAUTHBEARER.
fn with_tokens(properties: &[(&str, &str)]) -> Builder {
    let builder = Broker::builder()
        .listener("SASL_PLAINTEXT", "127.0.0.1:0")
        .property("sasl.enabled.mechanisms", "PLAIN,OAUTHBEARER");
    properties.iter().fold(builder, |builder, (name, value)| {
        builder.property(*name, *value)
    })
}

/// Why a broker does not start.
async fn refusal(builder: Builder) -> String {
    match builder.no_listener().start().await {
        Ok(_) => panic!("the broker has started"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn tokens_that_are_to_be_checked_need_keys() {
    let handler =
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler";
    for (name, value) in [
        (
            "listener.name.sasl_plaintext.oauthbearer.sasl.server.callback.handler.class",
            handler,
        ),
        ("sasl.oauthbearer.expected.issuer", "https://issuer"),
        ("sasl.oauthbearer.expected.audience", "kafka"),
        ("sasl.oauthbearer.clock.skew.seconds", "5"),
        ("sasl.oauthbearer.sub.claim.name", "name"),
        (
            "listener.name.sasl_plaintext.sasl.oauthbearer.scope.claim.name",
            "scp",
        ),
        (
            "listener.name.sasl_plaintext.oauthbearer.sasl.oauthbearer.expected.issuer",
            "x",
        ),
    ] {
        let error = refusal(with_tokens(&[(name, value)])).await;
        assert!(
            error.contains("sasl.oauthbearer.jwks.endpoint.url"),
            "{name}: {error}"
        );
    }
}

#[tokio::test]
async fn keys_beside_the_handler_that_asks_for_none_are_refused() {
    let error = refusal(with_tokens(&[
        (
            "listener.name.sasl_plaintext.oauthbearer.sasl.server.callback.handler.class",
            "x.OAuthBearerUnsecuredValidatorCallbackHandler",
        ),
        ("sasl.oauthbearer.jwks.endpoint.url", "file:///nowhere"),
    ]))
    .await;
    assert!(
        error.contains("sasl.server.callback.handler.class"),
        "{error}"
    );
}

#[tokio::test]
async fn a_handler_is_for_its_own_mechanism() {
    for (mechanism, class) in [
        ("plain", "x.ScramServerCallbackHandler"),
        ("plain", "x.OAuthBearerValidatorCallbackHandler"),
        ("oauthbearer", "x.PlainServerCallbackHandler"),
    ] {
        let name =
            format!("listener.name.sasl_plaintext.{mechanism}.sasl.server.callback.handler.class");
        let error = refusal(with_tokens(&[(&name, class)])).await;
        assert!(error.contains(class), "{error}");
    }
}

#[tokio::test]
async fn what_is_set_for_tokens_does_not_concern_a_listener_without_them() {
    let builder = Broker::builder()
        .listener("SASL_PLAINTEXT", "127.0.0.1:0")
        .property("sasl.enabled.mechanisms", "PLAIN")
        .property("sasl.oauthbearer.expected.issuer", "https://issuer");
    start(builder).await;
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_secret_on_the_disk_is_for_the_broker_alone() {
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("made");
    let builder = Broker::builder()
        .listener("SASL_PLAINTEXT", "127.0.0.1:0")
        .user("alice", "secret")
        .property("delegation.token.secret.key", "key")
        .data_dir(&dir);
    let broker = start(builder).await;
    let connector = broker.connector_of("SASL_PLAINTEXT").unwrap();
    let mut client = Client::over(connector.connect(), "test");
    assert_eq!(plain(&mut client, "alice", "secret").await.error_code, 0);
    // What an earlier broker may have left behind is no excuse.
    let left = dir.join("scram-credentials.json.tmp");
    std::fs::write(&left, "").unwrap();
    std::fs::set_permissions(&left, PermissionsExt::from_mode(0o644)).unwrap();
    let upsertion = ScramCredentialUpsertion {
        name: "bob".into(),
        mechanism: 1,
        iterations: 4096,
        salt: b"salt".to_vec().into(),
        salted_password: vec![7; 32].into(),
        ..Default::default()
    };
    let set = AlterUserScramCredentialsRequest {
        upsertions: vec![upsertion],
        ..Default::default()
    };
    assert_eq!(client.call(&set, 0).await.results[0].error_code, 0);
    let token = CreateDelegationTokenRequest {
        max_lifetime_ms: -1,
        ..Default::default()
    };
    assert_eq!(client.call(&token, 3).await.error_code, 0);
    for file in ["scram-credentials.json", "delegation-tokens.json"] {
        assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&dir), 0o700);
}
