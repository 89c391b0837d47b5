//! Delegation tokens over the wire.

use kafka_broker::{Acl, AclOperation, AclResource, Broker, Builder};
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::create_delegation_token::{
    CreatableRenewers, CreateDelegationTokenRequest, CreateDelegationTokenResponse,
};
use kafka_client_protocol::api::describe_delegation_token::{
    DescribeDelegationTokenOwner, DescribeDelegationTokenRequest,
};
use kafka_client_protocol::api::expire_delegation_token::ExpireDelegationTokenRequest;
use kafka_client_protocol::api::renew_delegation_token::RenewDelegationTokenRequest;

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
