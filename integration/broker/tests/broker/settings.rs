//! What the settings of security may say together, and what must not pass without a word.

use kafka_broker::{Acl, AclOperation, AclResource, Authority, Broker, Builder, Certificate, Tls};
use kafka_client_protocol::api::alter_client_quotas::{
    AlterClientQuotasRequest, EntityData, EntryData, OpData,
};
use kafka_client_protocol::api::alter_user_scram_credentials::{
    AlterUserScramCredentialsRequest, ScramCredentialUpsertion,
};
use kafka_client_protocol::api::create_delegation_token::CreateDelegationTokenRequest;

use crate::security::plain;
use crate::support::{Client, Log, start};

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

#[tokio::test]
async fn what_has_another_effect_than_it_may_seem_is_said() {
    let authorizer = (
        "authorizer.class.name",
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    );
    let dir = tempfile::tempdir().unwrap();
    let on_disk = || Broker::builder().data_dir(dir.path());
    let broker = start(on_disk().property(authorizer.0, authorizer.1)).await;
    let rule = Acl::allow("User:alice", AclOperation::Read, AclResource::topic("t"));
    let log = Log::new();
    broker.add_acl(rule).unwrap();
    broker.crash().await;
    assert_eq!(log.warnings(), "");
    // Rules that nobody looks at any more.
    let broker = start(on_disk()).await;
    assert!(log.warnings().contains("acls.json"), "{}", log.warnings());
    // A quota that this broker does not act on.
    let log = Log::new();
    let mut client = Client::new(&broker);
    let request = AlterClientQuotasRequest {
        entries: vec![EntryData {
            entity: vec![EntityData {
                entity_type: "user".into(),
                entity_name: Some("alice".into()),
                ..Default::default()
            }],
            ops: vec![OpData {
                key: "controller_mutation_rate".into(),
                value: 1.0,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    assert_eq!(client.call(&request, 1).await.entries[0].error_code, 0);
    assert!(
        log.warnings().contains("controller_mutation_rate"),
        "{}",
        log.warnings()
    );
    // Certificates that only some of the listeners ask for.
    let log = Log::new();
    let builder = Broker::builder()
        .listener("SASL_SSL", "127.0.0.1:0")
        .tls(Tls::generated());
    start(builder.clone().property("ssl.client.auth", "none")).await;
    assert_eq!(log.warnings(), "");
    start(builder.property("ssl.client.auth", "required")).await;
    assert!(
        log.warnings().contains("ssl.client.auth"),
        "{}",
        log.warnings()
    );
    // Tokens that everybody can make.
    let log = Log::new();
    start(with_tokens(&[])).await;
    assert!(log.warnings().contains("OAUTHBEARER"), "{}", log.warnings());
}

#[tokio::test]
async fn a_prefix_that_is_no_listeners_is_refused() {
    for (prefix, expected) in [
        ("SASL_PLAINTEXT", "listener.name.sasl_plaintext."),
        ("sasl_plantext", "listener.name.sasl_plaintext."),
        ("outside", "listener.name.plaintext."),
    ] {
        let name = format!("listener.name.{prefix}.connections.max.reauth.ms");
        let error = refusal(with_tokens(&[(&name, "1000")])).await;
        assert!(error.contains(&name) && error.contains(expected), "{error}");
    }
    start(with_tokens(&[
        (
            "listener.name.sasl_plaintext.connections.max.reauth.ms",
            "1",
        ),
        ("controller.listener.names", "CONTROLLER"),
        ("listener.name.controller.ssl.client.auth", "required"),
    ]))
    .await;
}

#[tokio::test]
async fn stores_in_pem_have_no_password() {
    let authority = Authority::new("test");
    let Certificate { chain, key } = authority.server(&["localhost"]);
    let trusted = authority.certificate();
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store.pem");
    std::fs::write(&store, format!("{key}{chain}")).unwrap();
    let store = store.to_str().unwrap();
    let file = [
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.location", store),
    ];
    let own = [
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.key", &key),
        ("ssl.keystore.certificate.chain", &chain),
    ];
    let trust = [
        ("ssl.client.auth", "required"),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.certificates", &trusted),
    ];
    let key_password = ("ssl.keystore.password", "hush");
    let trust_password = ("ssl.truststore.password", "hush");
    for (properties, expected) in [
        (
            [&file[..], &[key_password]].concat(),
            "ssl.keystore.password",
        ),
        (
            [&own[..], &[key_password]].concat(),
            "ssl.keystore.password",
        ),
        (
            [&file[..], &trust, &[trust_password]].concat(),
            "ssl.truststore.password",
        ),
        (
            [&own[..], &[("ssl.keystore.location", store)]].concat(),
            "ssl.keystore.location",
        ),
        (
            [&file[..], &trust, &[("ssl.truststore.location", store)]].concat(),
            "ssl.truststore.location",
        ),
    ] {
        let builder = Broker::builder().listener("SSL", "127.0.0.1:0");
        let builder = properties.iter().fold(builder, |builder, (name, value)| {
            builder.property(*name, *value)
        });
        let error = refusal(builder).await;
        assert!(
            error.contains(expected) && !error.contains("hush"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_cluster_has_the_id_that_was_asked_for_and_its_directory_serves_no_other() {
    const ID: &str = "5L6g3nShT-eMCtK--X86sw";
    let dir = tempfile::tempdir().unwrap();
    let builder = || Broker::builder().no_listener().data_dir(dir.path());
    let broker = builder().cluster_id(ID).start().await.unwrap();
    assert_eq!(broker.cluster_id(), ID);
    broker.shutdown().await.unwrap();
    let other = builder().cluster_id("abcdefghijklmnopqrstuA").start().await;
    let error = other.unwrap_err().to_string();
    assert!(error.contains(ID), "{error}");
    let broker = builder().start().await.unwrap();
    assert_eq!(broker.cluster_id(), ID);
    broker.shutdown().await.unwrap();
}
