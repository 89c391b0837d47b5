//! SaslHandshake (key 17), versions 0 and 1: which mechanism the client is going to use.
//!
//! An unknown mechanism is answered with error 33 and the list of those that the listener offers,
//! then the connection ends. After version 0 the client's tokens come without Kafka's frames, after
//! version 1 in SaslAuthenticate. Where nobody waits for it, the answer is error 34: without SASL,
//! and on a connection whose session has no end or was renewed less than a second ago.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};

use super::{Api, Call};
use crate::security::gate::Handshake;

impl Api for SaslHandshakeRequest {
    async fn answer(self, call: &Call<'_>) -> SaslHandshakeResponse {
        let connection = call.connection;
        let Some(sasl) = &connection.listener.sasl else {
            return self.refuse(ErrorCode::ILLEGAL_SASL_STATE);
        };
        let result = connection
            .gate()
            .handshake(sasl, &self.mechanism, call.version);
        let error = match result {
            Handshake::Taken => ErrorCode::NONE,
            Handshake::Illegal => return self.refuse(ErrorCode::ILLEGAL_SASL_STATE),
            Handshake::UnknownMechanism => {
                call.delay_refusal().await;
                ErrorCode::UNSUPPORTED_SASL_MECHANISM
            }
        };
        SaslHandshakeResponse {
            error_code: error.code(),
            mechanisms: sasl
                .mechanisms
                .iter()
                .map(|enabled| enabled.mechanism.name().into())
                .collect(),
        }
    }

    fn refuse(&self, error: ErrorCode) -> SaslHandshakeResponse {
        SaslHandshakeResponse {
            error_code: error.code(),
            mechanisms: Vec::new(),
        }
    }
}
