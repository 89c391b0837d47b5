//! UnregisterBroker (64): takes the registration of a broker away that will not come back.
//!
//! Admin method `unregisterBroker`; any broker takes it and forwards it to the controller
//! (KIP-590), which with `bootstrap.controllers` is asked directly (KIP-919). Since Kafka 2.8, with
//! KRaft only. A registration that stays counts when features are upgraded. Partitions are not
//! moved: they go to other brokers before, with
//! [`alter_partition_reassignments`](crate::api::alter_partition_reassignments). There is one
//! version.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// The broker to take away, once it is stopped and holds no partitions.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 64, versions = 0..=0, flexible = 0, response = UnregisterBrokerResponse)]
pub struct UnregisterBrokerRequest {
    /// Id of the broker.
    pub broker_id: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Whether the registration is gone. BROKER_ID_NOT_REGISTERED says that there was none.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 64, versions = 0..=0, flexible = 0)]
pub struct UnregisterBrokerResponse {
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
