//! SaslHandshake (17): the client names its SASL mechanism.
//!
//! First step of authentication on every connection with SASL, right after
//! [`api_versions`](crate::api::api_versions), and again to authenticate anew on an old one
//! (KIP-368). Goes to the broker or controller at the other end. Since Kafka 0.10 (KIP-43). It is
//! never flexible: old clients choose its version wrongly, so it cannot grow (KAFKA-9577).
//!
//! Versions: after 0, the mechanism's bytes follow bare on the connection; after 1, in
//! [`sasl_authenticate`](crate::api::sasl_authenticate) (KIP-152, Kafka 1.0), which every client
//! should use.

use kafka_client_derive::Message;

use crate::types::StrBytes;

/// The mechanism to authenticate with.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 17, versions = 0..=1, response = SaslHandshakeResponse)]
pub struct SaslHandshakeRequest {
    /// Name of the mechanism, such as `PLAIN`, `SCRAM-SHA-512`, `OAUTHBEARER` or `GSSAPI`.
    pub mechanism: StrBytes,
}

/// Whether the broker takes the mechanism. UNSUPPORTED_SASL_MECHANISM says that it does not,
/// ILLEGAL_SASL_STATE that this is not the time to ask.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 17, versions = 0..=1)]
pub struct SaslHandshakeResponse {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Mechanisms that the broker takes.
    pub mechanisms: Vec<StrBytes>,
}
