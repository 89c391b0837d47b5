//! Delegation tokens over the wire.

use kafka_broker::{Acl, AclOperation, AclResource, Broker, Builder};
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::alter_client_quotas::{
    AlterClientQuotasRequest, EntityData, EntryData, OpData,
};
use kafka_client_protocol::api::alter_user_scram_credentials::{
    AlterUserScramCredentialsRequest, ScramCredentialUpsertion,
};
use kafka_client_protocol::api::create_acls::{AclCreation, CreateAclsRequest};
use kafka_client_protocol::api::create_delegation_token::{
    CreatableRenewers, CreateDelegationTokenRequest, CreateDelegationTokenResponse,
};
use kafka_client_protocol::api::describe_delegation_token::{
    DescribeDelegationTokenOwner, DescribeDelegationTokenRequest,
};
use kafka_client_protocol::api::expire_delegation_token::ExpireDelegationTokenRequest;
use kafka_client_protocol::api::renew_delegation_token::RenewDelegationTokenRequest;
use kafka_client_protocol::api::sasl_authenticate::SaslAuthenticateRequest;
use kafka_client_protocol::api::sasl_handshake::SaslHandshakeRequest;

use crate::security::plain;
use crate::support::{Client, start};

fn builder() -> Builder {
    Broker::builder()
        .listener("SASL_PLAINTEXT", "127.0.0.1:0")
        .user("alice", "secret")
        .user("bob", "secret")
        .user("carol", "secret")
        .property("delegation.token.secret.key", "key")
}

async fn client(broker: &Broker, user: &str) -> Client {
    let connector = broker.connector_of("SASL_PLAINTEXT").unwrap();
    let mut client = Client::over(connector.connect(), "test");
    assert_eq!(plain(&mut client, user, "secret").await.error_code, 0);
    client
}

fn request(renewer: &str) -> CreateDelegationTokenRequest {
    CreateDelegationTokenRequest {
        owner_principal_type: None,
        owner_principal_name: None,
        renewers: vec![CreatableRenewers {
            principal_type: "User".into(),
            principal_name: renewer.into(),
            ..Default::default()
        }],
        max_lifetime_ms: -1,
        ..Default::default()
    }
}

async fn create(client: &mut Client) -> CreateDelegationTokenResponse {
    let token = client.call(&request("bob"), 3).await;
    assert_eq!(token.error_code, 0);
    token
}

async fn described(client: &mut Client, owners: Option<&[&str]>) -> Vec<String> {
    let owners = owners.map(|owners| {
        let owners = owners.iter().map(|owner| DescribeDelegationTokenOwner {
            principal_type: "User".into(),
            principal_name: (*owner).into(),
            ..Default::default()
        });
        owners.collect()
    });
    let request = DescribeDelegationTokenRequest {
        owners,
        ..Default::default()
    };
    let tokens = client.call(&request, 3).await.tokens.into_iter();
    tokens
        .map(|token| token.principal_name.to_string())
        .collect()
}

fn code(error_code: i16) -> ErrorCode {
    ErrorCode::from(error_code)
}

#[tokio::test]
async fn tokens_are_made_renewed_and_ended() {
    let broker = start(builder()).await;
    let mut alice = client(&broker, "alice").await;
    let token = create(&mut alice).await;
    assert_eq!(&*token.principal_name, "alice");
    assert_eq!(token.hmac.len(), 64);
    assert_eq!(
        token.expiry_timestamp_ms - token.issue_timestamp_ms,
        86_400_000
    );
    assert_eq!(
        token.max_timestamp_ms - token.issue_timestamp_ms,
        604_800_000
    );
    let renew = RenewDelegationTokenRequest {
        hmac: token.hmac.clone(),
        renew_period_ms: 1000,
        ..Default::default()
    };
    let expire = ExpireDelegationTokenRequest {
        hmac: token.hmac.clone(),
        expiry_time_period_ms: -1,
        ..Default::default()
    };
    let mismatch = ErrorCode::DELEGATION_TOKEN_OWNER_MISMATCH;
    let mut carol = client(&broker, "carol").await;
    assert_eq!(code(carol.call(&renew, 2).await.error_code), mismatch);
    assert_eq!(code(carol.call(&expire, 2).await.error_code), mismatch);
    let mut bob = client(&broker, "bob").await;
    let renewed = bob.call(&renew, 2).await;
    assert_eq!(renewed.error_code, 0);
    assert!(renewed.expiry_timestamp_ms < token.expiry_timestamp_ms);
    assert_eq!(bob.call(&expire, 2).await.error_code, 0);
    let answer = alice.call(&renew, 2).await;
    assert_eq!(
        code(answer.error_code),
        ErrorCode::DELEGATION_TOKEN_NOT_FOUND
    );
}

#[tokio::test]
async fn tokens_are_for_connections_that_say_who_they_are() {
    let broker = start(builder()).await;
    let mut anonymous = Client::new(&broker);
    let not_allowed = ErrorCode::DELEGATION_TOKEN_REQUEST_NOT_ALLOWED;
    let answer = anonymous.call(&request("bob"), 3).await;
    assert_eq!(code(answer.error_code), not_allowed);
    let answer = anonymous
        .call(&DescribeDelegationTokenRequest::default(), 3)
        .await;
    assert_eq!(code(answer.error_code), not_allowed);

    let broker = start(builder().property("delegation.token.secret.key", "")).await;
    let mut alice = client(&broker, "alice").await;
    let answer = alice.call(&request("bob"), 3).await;
    assert_eq!(
        code(answer.error_code),
        ErrorCode::DELEGATION_TOKEN_AUTH_DISABLED
    );

    let broker = start(builder()).await;
    let mut wrong = request("bob");
    wrong.renewers[0].principal_type = "Group".into();
    let answer = client(&broker, "alice").await.call(&wrong, 3).await;
    assert_eq!(code(answer.error_code), ErrorCode::INVALID_PRINCIPAL_TYPE);
}

#[tokio::test]
async fn who_may_not_see_a_token_does_not() {
    let rule = Acl::allow("User:dave", AclOperation::Read, AclResource::topic("t"));
    let broker = start(builder().acl(rule)).await;
    for user in ["alice", "bob"] {
        create(&mut client(&broker, user).await).await;
    }
    let mut alice = client(&broker, "alice").await;
    assert_eq!(described(&mut alice, None).await, ["alice"]);
    // He may renew hers.
    let mut bob = client(&broker, "bob").await;
    let mut all = described(&mut bob, None).await;
    all.sort_unstable();
    assert_eq!(all, ["alice", "bob"]);
    assert_eq!(described(&mut bob, Some(&["alice"])).await, ["alice"]);
    assert_eq!(described(&mut bob, Some(&[])).await, [""; 0]);
    let mut carol = client(&broker, "carol").await;
    assert_eq!(described(&mut carol, None).await, [""; 0]);
    // Nor may one have a token for somebody else.
    let mut other = request("bob");
    other.owner_principal_type = Some("User".into());
    other.owner_principal_name = Some("alice".into());
    let answer = carol.call(&other, 3).await;
    let denied = ErrorCode::DELEGATION_TOKEN_AUTHORIZATION_FAILED;
    assert_eq!(code(answer.error_code), denied);
}

#[tokio::test]
async fn tokens_outlive_the_broker_and_their_secrets_are_not_stored() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(builder().data_dir(dir.path())).await;
    let token = create(&mut client(&broker, "alice").await).await;
    broker.crash().await;
    let stored = std::fs::read_to_string(dir.path().join("delegation-tokens.json")).unwrap();
    assert!(
        stored.contains(&*token.token_id) && !stored.contains("hmac"),
        "{stored}"
    );
    let broker = start(builder().data_dir(dir.path())).await;
    let renew = RenewDelegationTokenRequest {
        hmac: token.hmac,
        ..Default::default()
    };
    let answer = client(&broker, "alice").await.call(&renew, 2).await;
    assert_eq!(answer.error_code, 0);
}

/// The salt that the broker names for a token's id.
async fn salt(broker: &Broker, token_id: &str) -> String {
    let connector = broker.connector_of("SASL_PLAINTEXT").unwrap();
    let mut client = Client::over(connector.connect(), "test");
    let mechanism = SaslHandshakeRequest {
        mechanism: "SCRAM-SHA-256".into(),
    };
    assert_eq!(client.call(&mechanism, 1).await.error_code, 0);
    let first = SaslAuthenticateRequest {
        auth_bytes: format!("n,,n={token_id},r=nonce,tokenauth=true")
            .into_bytes()
            .into(),
        ..Default::default()
    };
    let answer = client.call(&first, 2).await;
    assert_eq!(answer.error_code, 0);
    let text = String::from_utf8(answer.auth_bytes.to_vec()).unwrap();
    let mut attributes = text.split(',');
    attributes
        .find_map(|one| one.strip_prefix("s="))
        .unwrap()
        .to_owned()
}

/// Thousands of rounds of hashing are for the making of a token, not for whoever knocks.
#[tokio::test]
async fn the_credential_of_a_token_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(builder().data_dir(dir.path())).await;
    let mut alice = client(&broker, "alice").await;
    let id = create(&mut alice).await.token_id;
    assert_eq!(salt(&broker, &id).await, salt(&broker, &id).await);
    broker.crash().await;
    let broker = start(builder().data_dir(dir.path())).await;
    assert_eq!(salt(&broker, &id).await, salt(&broker, &id).await);
}

#[tokio::test]
async fn a_token_has_a_limit_of_renewers() {
    let broker = start(builder()).await;
    let mut alice = client(&broker, "alice").await;
    let renewer = request("bob").renewers;
    for renewers in [
        std::iter::repeat_n(renewer[0].clone(), 101).collect(),
        vec![CreatableRenewers {
            principal_name: "x".repeat(1025).into(),
            ..renewer[0].clone()
        }],
    ] {
        let large = CreateDelegationTokenRequest {
            renewers,
            ..request("bob")
        };
        let answer = alice.call(&large, 3).await;
        assert_eq!(code(answer.error_code), ErrorCode::POLICY_VIOLATION);
    }
}

/// Makes a pipe where a file is to be written: the writer waits until somebody reads.
#[cfg(unix)]
fn block(dir: &std::path::Path, file: &str) -> std::path::PathBuf {
    let path = dir.join(format!("{file}.tmp"));
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_disk_keeps_nobody_from_logging_in() {
    use std::time::Duration;

    let files = [
        "delegation-tokens.json",
        "acls.json",
        "scram-credentials.json",
        "client-quotas.json",
    ];
    for file in files {
        // A broker for each: one whose disk has failed keeps nothing any more.
        let dir = tempfile::tempdir().unwrap();
        let builder = builder()
            .acl(Acl::allow(
                "User:*",
                AclOperation::All,
                AclResource::topic("*"),
            ))
            .acl(Acl::allow(
                "User:*",
                AclOperation::All,
                AclResource::cluster(),
            ));
        let broker = start(builder.data_dir(dir.path())).await;
        let pipe = block(dir.path(), file);
        let mut alice = client(&broker, "alice").await;
        match file {
            "delegation-tokens.json" => alice.send(&request("bob"), 3).await,
            "acls.json" => alice.send(&creation(), 3).await,
            "scram-credentials.json" => alice.send(&credential(), 0).await,
            _ => alice.send(&quota(), 1).await,
        };
        tokio::time::sleep(Duration::from_millis(50)).await;
        let others = async {
            for user in ["bob", "carol", "alice"] {
                let mut other = client(&broker, user).await;
                other.topic("t").await;
            }
        };
        let done = tokio::time::timeout(Duration::from_secs(20), others).await;
        // Lets the writer go on, and fail: a pipe cannot be forced to a disk.
        std::fs::read(&pipe).unwrap();
        std::fs::remove_file(&pipe).unwrap();
        assert!(done.is_ok(), "{file}");
    }
}

#[cfg(unix)]
fn creation() -> CreateAclsRequest {
    CreateAclsRequest {
        creations: vec![AclCreation {
            resource_type: 2,
            resource_name: "t".into(),
            resource_pattern_type: 3,
            principal: "User:bob".into(),
            host: "*".into(),
            operation: 3,
            permission_type: 3,
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[cfg(unix)]
fn credential() -> AlterUserScramCredentialsRequest {
    AlterUserScramCredentialsRequest {
        upsertions: vec![ScramCredentialUpsertion {
            name: "dave".into(),
            mechanism: 1,
            iterations: 4096,
            salt: b"salt".to_vec().into(),
            salted_password: vec![7; 32].into(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[cfg(unix)]
fn quota() -> AlterClientQuotasRequest {
    AlterClientQuotasRequest {
        entries: vec![EntryData {
            entity: vec![EntityData {
                entity_type: "user".into(),
                entity_name: Some("dave".into()),
                ..Default::default()
            }],
            ops: vec![OpData {
                key: "producer_byte_rate".into(),
                value: 1e9,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// Whoever starts a broker on the directory next must not meet the writes of the one before.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_what_is_being_written() {
    use std::time::Duration;

    let dir = tempfile::tempdir().unwrap();
    let broker = start(builder().data_dir(dir.path())).await;
    let mut alice = client(&broker, "alice").await;
    let pipe = block(dir.path(), "delegation-tokens.json");
    alice.send(&request("bob"), 3).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stop = broker.shutdown();
    tokio::pin!(stop);
    let early = tokio::time::timeout(Duration::from_millis(100), &mut stop).await;
    std::fs::read(&pipe).unwrap();
    assert!(early.is_err(), "the stop did not wait");
    // A pipe cannot be forced to a disk, and a disk that fails is given up.
    let error = stop.await.unwrap_err().to_string();
    assert!(error.contains("offline"), "{error}");
    std::fs::remove_file(&pipe).unwrap();
    start(builder().data_dir(dir.path())).await;
}
