//! UnregisterBroker (64): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 64, versions = 0..=0, flexible = 0, response = UnregisterBrokerResponse)]
pub struct UnregisterBrokerRequest {
    // ABOUT The broker ID to unregister.
    /// TODO
    pub broker_id: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 64, versions = 0..=0, flexible = 0)]
pub struct UnregisterBrokerResponse {
    // ABOUT Duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT The top-level error message, or `null` if there was no top-level error.
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
