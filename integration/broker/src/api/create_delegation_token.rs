//! CreateDelegationToken (key 38), versions 1 to 3: a secret that stands for a user for a while.
//!
//! From version 3 the token may be for somebody else, which needs CreateTokens on that user
//! (KIP-373). Who is not authenticated, or by a token itself, gets none.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::create_delegation_token::{
    CreateDelegationTokenRequest, CreateDelegationTokenResponse,
};

use super::{Api, Call};
use crate::security::acl::{AclOperation, ResourceKind};

/// The only kind of principal.
pub(super) const USER: &str = "User";

impl Api for CreateDelegationTokenRequest {
    async fn answer(self, call: &Call<'_>) -> CreateDelegationTokenResponse {
        if let Err(error) = call.may_ask_for_tokens() {
            return self.refuse(error);
        }
        let requester = call.connection.gate().principal().name.clone();
        let owner = match &self.owner_principal_name {
            Some(name) if !name.is_empty() => name.to_string(),
            _ => requester.clone(),
        };
        let resource = format!("{USER}:{owner}");
        if owner != requester
            && !call.may(AclOperation::CreateTokens, ResourceKind::User, &resource)
        {
            return self.refuse(ErrorCode::DELEGATION_TOKEN_AUTHORIZATION_FAILED);
        }
        let is_user = |kind: &str| kind == USER;
        let owner_kind = self.owner_principal_type.as_deref().unwrap_or_default();
        let mut kinds = self.renewers.iter().map(|renewer| &*renewer.principal_type);
        if !kinds.all(is_user) || !(owner_kind.is_empty() || is_user(owner_kind)) {
            return self.refuse(ErrorCode::INVALID_PRINCIPAL_TYPE);
        }
        let renewers = self.renewers.iter();
        let renewers = renewers.map(|renewer| renewer.principal_name.to_string());
        let renewers: Vec<String> = renewers.collect();
        let lifetime_ms = self.max_lifetime_ms;
        let node = call.node;
        let made = node.apart(move |node| {
            let now_ms = node.env.wall_ms();
            // Before the work is done for nothing.
            node.tokens().check_new(&owner, &renewers, now_ms)?;
            let id = node.env.uuid().to_string();
            let credentials = node.credentials_of(&node.tokens().password(&id));
            let who = (&*owner, &*requester);
            node.change_tokens(|tokens| {
                tokens.create(id, who, renewers, lifetime_ms, credentials, now_ms)
            })
        });
        let made = made.await.unwrap_or(Err(ErrorCode::UNKNOWN_SERVER_ERROR));
        match made {
            Ok(token) => CreateDelegationTokenResponse {
                principal_type: USER.into(),
                principal_name: token.owner.into(),
                token_requester_principal_type: USER.into(),
                token_requester_principal_name: token.requester.into(),
                issue_timestamp_ms: token.issued_ms,
                expiry_timestamp_ms: token.expiry_ms,
                max_timestamp_ms: token.end_ms,
                hmac: node.tokens().hmac(&token.id).into(),
                token_id: token.id.into(),
                ..Default::default()
            },
            Err(error) => self.refuse(error),
        }
    }

    fn refuse(&self, error: ErrorCode) -> CreateDelegationTokenResponse {
        CreateDelegationTokenResponse {
            error_code: error.code(),
            issue_timestamp_ms: -1,
            expiry_timestamp_ms: -1,
            max_timestamp_ms: -1,
            ..Default::default()
        }
    }
}
