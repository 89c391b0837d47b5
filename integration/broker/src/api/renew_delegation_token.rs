//! RenewDelegationToken (key 39), versions 1 and 2: a token lasts longer, as long as its owner or a renewer asks for and the broker allows.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::renew_delegation_token::{
    RenewDelegationTokenRequest, RenewDelegationTokenResponse,
};

use super::{Api, Call};

impl Api for RenewDelegationTokenRequest {
    async fn answer(self, call: &Call<'_>) -> RenewDelegationTokenResponse {
        if let Err(error) = call.may_ask_for_tokens() {
            return self.refuse(error);
        }
        let user = call.connection.gate().principal().name.clone();
        let now_ms = call.node.env.wall_ms();
        let (hmac, period_ms) = (self.hmac.clone(), self.renew_period_ms);
        let changed = call
            .node
            .change_tokens_apart(move |tokens| tokens.renew(&hmac, &user, period_ms, now_ms))
            .await;
        match changed {
            Ok(expiry_timestamp_ms) => RenewDelegationTokenResponse {
                expiry_timestamp_ms,
                ..Default::default()
            },
            Err(error) => self.refuse(error),
        }
    }

    fn refuse(&self, error: ErrorCode) -> RenewDelegationTokenResponse {
        RenewDelegationTokenResponse {
            error_code: error.code(),
            expiry_timestamp_ms: -1,
            ..Default::default()
        }
    }
}
