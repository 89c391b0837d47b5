//! SaslAuthenticate (36): TODO

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 36, versions = 0..=2, flexible = 2, response = SaslAuthenticateResponse)]
pub struct SaslAuthenticateRequest {
    // ABOUT The SASL authentication bytes from the client, as defined by the SASL mechanism.
    /// TODO
    pub auth_bytes: Bytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 36, versions = 0..=2, flexible = 2)]
pub struct SaslAuthenticateResponse {
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The error message, or null if there was no error.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    // ABOUT The SASL authentication bytes from the server, as defined by the SASL mechanism.
    /// TODO
    pub auth_bytes: Bytes,
    // ABOUT Number of milliseconds after which only re-authentication over the existing connection to create a new session can occur.
    /// TODO
    #[field(versions = 1.., ignorable)]
    pub session_lifetime_ms: i64,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
