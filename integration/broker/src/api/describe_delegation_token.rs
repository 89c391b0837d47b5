//! DescribeDelegationToken (key 41), versions 1 to 3: tokens with their secrets.
//!
//! Everybody sees the tokens that it owns or may renew; others need Describe on the token or
//! DescribeTokens on its owner (KIP-373).

use std::collections::HashSet;

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::describe_delegation_token::{
    DescribeDelegationTokenRequest, DescribeDelegationTokenResponse, DescribedDelegationToken,
    DescribedDelegationTokenRenewer,
};

use super::create_delegation_token::USER;
use super::{Api, Call};
use crate::security::acl::{AclOperation, ResourceKind};
use crate::security::delegation::DelegationToken;

impl Api for DescribeDelegationTokenRequest {
    async fn answer(self, call: &Call<'_>) -> DescribeDelegationTokenResponse {
        if let Err(error) = call.may_ask_for_tokens() {
            return self.refuse(error);
        }
        let tokens = call.node.tokens();
        if !tokens.is_enabled() {
            return self.refuse(ErrorCode::DELEGATION_TOKEN_AUTH_DISABLED);
        }
        let user = call.connection.gate().principal().name.clone();
        let may_see = |token: &DelegationToken| {
            // Without an authorizer, Kafka shows everybody all of them.
            token.belongs_to(&user)
                || call.may(
                    AclOperation::Describe,
                    ResourceKind::DelegationToken,
                    &token.id,
                )
                || call.may(
                    AclOperation::DescribeTokens,
                    ResourceKind::User,
                    &format!("{USER}:{}", token.owner),
                )
        };
        let owners: Option<HashSet<&str>> = self.owners.as_ref().map(|owners| {
            let owners = owners.iter();
            owners.map(|owner| &*owner.principal_name).collect()
        });
        let is_asked = |token: &DelegationToken| {
            owners.as_ref().is_none_or(|owners| {
                let mut users = std::iter::once(&token.owner).chain(&token.renewers);
                users.any(|user| owners.contains(user.as_str()))
            })
        };
        let shown = tokens.all().values();
        let shown = shown.filter(|token| is_asked(token) && may_see(token));
        DescribeDelegationTokenResponse {
            tokens: shown
                .map(|token| described(token, tokens.hmac(&token.id)))
                .collect(),
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> DescribeDelegationTokenResponse {
        DescribeDelegationTokenResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

fn described(token: &DelegationToken, hmac: Vec<u8>) -> DescribedDelegationToken {
    let renewers = token.renewers.iter();
    DescribedDelegationToken {
        principal_type: USER.into(),
        principal_name: token.owner.as_str().into(),
        token_requester_principal_type: USER.into(),
        token_requester_principal_name: token.requester.as_str().into(),
        issue_timestamp: token.issued_ms,
        expiry_timestamp: token.expiry_ms,
        max_timestamp: token.end_ms,
        token_id: token.id.as_str().into(),
        hmac: hmac.into(),
        renewers: renewers
            .map(|renewer| DescribedDelegationTokenRenewer {
                principal_type: USER.into(),
                principal_name: renewer.as_str().into(),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}
