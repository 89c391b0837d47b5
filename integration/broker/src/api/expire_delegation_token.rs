//! ExpireDelegationToken (key 40), versions 1 and 2: a token ends sooner, or at once if the time is negative.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::expire_delegation_token::{
    ExpireDelegationTokenRequest, ExpireDelegationTokenResponse,
};

use super::{Api, Call};

impl Api for ExpireDelegationTokenRequest {
    async fn answer(self, call: &Call<'_>) -> ExpireDelegationTokenResponse {
        if let Err(error) = call.may_ask_for_tokens() {
            return self.refuse(error);
        }
        let user = call.connection.gate().principal().name.clone();
        let now_ms = call.node.env.wall_ms();
        let (hmac, period_ms) = (self.hmac.clone(), self.expiry_time_period_ms);
        let changed = call
            .node
            .change_tokens_apart(move |tokens| tokens.expire(&hmac, &user, period_ms, now_ms))
            .await;
        match changed {
            Ok(expiry_timestamp_ms) => ExpireDelegationTokenResponse {
                expiry_timestamp_ms,
                ..Default::default()
            },
            Err(error) => self.refuse(error),
        }
    }

    fn refuse(&self, error: ErrorCode) -> ExpireDelegationTokenResponse {
        ExpireDelegationTokenResponse {
            error_code: error.code(),
            expiry_timestamp_ms: -1,
            ..Default::default()
        }
    }
}
