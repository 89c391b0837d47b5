//! SaslHandshake (17): TODO

use kafka_client_derive::Message;

use crate::types::StrBytes;

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 17, versions = 0..=1, response = SaslHandshakeResponse)]
pub struct SaslHandshakeRequest {
    // ABOUT The SASL mechanism chosen by the client.
    /// TODO
    pub mechanism: StrBytes,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 17, versions = 0..=1)]
pub struct SaslHandshakeResponse {
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The mechanisms enabled in the server.
    /// TODO
    pub mechanisms: Vec<StrBytes>,
}
