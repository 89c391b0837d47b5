//! UnregisterController (94): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 94, versions = 0..=0, flexible = 0, response = UnregisterControllerResponse)]
pub struct UnregisterControllerRequest {
    // ABOUT controller id
    /// TODO
    pub controller_id: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 94, versions = 0..=0, flexible = 0)]
pub struct UnregisterControllerResponse {
    // ABOUT
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT
    /// TODO
    pub error_code: i16,
    // ABOUT
    /// TODO
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
