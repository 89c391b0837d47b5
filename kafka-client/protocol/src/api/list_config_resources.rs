//! ListConfigResources (74): the resources that can have settings.
//!
//! Admin method `listConfigResources`; any broker answers it. It began as
//! ListClientMetricsResources in Kafka 3.7 (KIP-1000), and got its name and the other types with
//! Kafka 4.1 (KIP-1142). [`describe_configs`](crate::api::describe_configs) then tells their
//! settings.
//!
//! Versions: 0 lists client metrics only; 1 lists by type (KIP-1142).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Which resources to list.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 74, versions = 0..=1, flexible = 0, response = ListConfigResourcesResponse)]
pub struct ListConfigResourcesRequest {
    /// Types to list, all if empty (KIP-1142): 2 topic, 4 broker, 8 loggers of a broker, 16 client
    /// metrics, 32 group.
    #[field(versions = 1..)]
    pub resource_types: Vec<i8>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The resources. UNSUPPORTED_VERSION says that the broker cannot list one of the types.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 74, versions = 0..=1, flexible = 0)]
pub struct ListConfigResourcesResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// The resources.
    pub config_resources: Vec<ConfigResource>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ConfigResource {
    /// Name of the resource.
    pub resource_name: StrBytes,
    /// Type of the resource, a code as in the request (KIP-1142).
    #[field(versions = 1.., default = 16, ignorable)]
    pub resource_type: i8,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
