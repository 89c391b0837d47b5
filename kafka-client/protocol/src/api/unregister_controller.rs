//! UnregisterController (94): takes the registration of a controller away that will not come back.
//!
//! Admin method `unregisterController`; any broker takes it and forwards it to the active
//! controller. Since Kafka 4.4 (KIP-1312), and only with a `metadata.version` of 4.4. A
//! registration that stays can stop an upgrade of features. A voter is taken out of the quorum
//! first, with [`remove_raft_voter`](crate::api::remove_raft_voter); a controller that still runs
//! registers again. There is one version.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// The controller to take away, once it is stopped and no longer a voter.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 94, versions = 0..=0, flexible = 0, response = UnregisterControllerResponse)]
pub struct UnregisterControllerRequest {
    /// Node id of the controller.
    pub controller_id: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Whether the registration is gone. CONTROLLER_ID_NOT_REGISTERED (136) says that there was none,
/// INVALID_REQUEST that it is the active controller, UNSUPPORTED_VERSION that the
/// `metadata.version` is too low.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 94, versions = 0..=0, flexible = 0)]
pub struct UnregisterControllerResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = .., default = Some(Default::default()))]
    pub error_message: Option<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
