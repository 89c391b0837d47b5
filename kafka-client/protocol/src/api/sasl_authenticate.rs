//! SaslAuthenticate (36): one step of a SASL exchange.
//!
//! Sent on every connection with SASL, after [`sasl_handshake`](crate::api::sasl_handshake) in
//! version 1, once for each message that the mechanism wants from the client, and before any other
//! request. Goes to the broker or controller at the other end, and is never forwarded. Since Kafka
//! 1.0 (KIP-152), which put the mechanism's bytes into Kafka's frames so that a failure has a code.
//!
//! Versions: 1 tells how long the session lasts (KIP-368, Kafka 2.2); 2 is flexible (KIP-482).

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// The client's next message of the exchange.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 36, versions = 0..=2, flexible = 2, response = SaslAuthenticateResponse)]
pub struct SaslAuthenticateRequest {
    /// The message, as the mechanism defines it.
    pub auth_bytes: Bytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The broker's next message, the last of which completes the exchange. SASL_AUTHENTICATION_FAILED
/// says that the credentials were refused: another try would be as well. ILLEGAL_SASL_STATE says
/// that there was no handshake.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 36, versions = 0..=2, flexible = 2)]
pub struct SaslAuthenticateResponse {
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error; may be shown to the user.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// The message, as the mechanism defines it.
    pub auth_bytes: Bytes,
    /// Milliseconds for which the connection may be used; before they are over, the client
    /// authenticates again on it, or the broker closes it (KIP-368). 0 for no limit.
    #[field(versions = 1.., ignorable)]
    pub session_lifetime_ms: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
