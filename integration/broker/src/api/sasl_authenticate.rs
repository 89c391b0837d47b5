//! SaslAuthenticate (key 36), versions 0 to 2: a message of the mechanism.
//!
//! From version 1 the last answer says how long the session lasts (KIP-368). What the client is told
//! of a failure is what Kafka tells; the connection ends after it. Where nobody waits for a token,
//! the answer is error 34.

use bytes::Bytes;
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::sasl_authenticate::{
    SaslAuthenticateRequest, SaslAuthenticateResponse,
};

use super::{Api, Call, text};
use crate::security::gate::Token;
use crate::security::sasl::Context;

impl Api for SaslAuthenticateRequest {
    async fn answer(self, call: &Call<'_>) -> SaslAuthenticateResponse {
        match token(call, &self.auth_bytes) {
            Token::Taken {
                answer,
                lifetime_ms,
            } => SaslAuthenticateResponse {
                error_message: None,
                auth_bytes: answer.into(),
                session_lifetime_ms: i64::try_from(lifetime_ms).unwrap_or(i64::MAX),
                ..Default::default()
            },
            Token::Failed(message) => {
                call.delay_refusal().await;
                refused(ErrorCode::SASL_AUTHENTICATION_FAILED, message)
            }
            Token::Illegal => refused(
                ErrorCode::ILLEGAL_SASL_STATE,
                "SaslAuthenticate request received after successful authentication",
            ),
        }
    }

    fn refuse(&self, error: ErrorCode) -> SaslAuthenticateResponse {
        refused(error, error.text())
    }
}

fn refused(error: ErrorCode, message: impl Into<String>) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse {
        error_code: error.code(),
        error_message: text(message),
        ..Default::default()
    }
}

/// Applies a token that came without Kafka's frames; the bytes of the answer, if it has one.
pub(super) async fn raw(call: &Call<'_>, message: &[u8]) -> Option<Bytes> {
    match token(call, message) {
        Token::Taken { answer, .. } => Some(answer.into()),
        Token::Failed(_) | Token::Illegal => {
            call.delay_refusal().await;
            None
        }
    }
}

fn token(call: &Call<'_>, message: &[u8]) -> Token {
    let connection = call.connection;
    let Some(sasl) = &connection.listener.sasl else {
        return Token::Illegal;
    };
    let node = call.node;
    let context = Context {
        sasl,
        users: &node.users(),
        tokens: &node.tokens(),
        nonce: &|| node.env.nonce(),
        wall_ms: node.env.wall_ms(),
    };
    let now_ms = node.env.now_ms();
    let result = connection.gate().token(message, &context, now_ms);
    if let Token::Failed(message) = &result {
        tracing::info!(
            peer = %connection.peer, listener = %connection.listener.name, %message,
            "an authentication failed"
        );
    }
    result
}
