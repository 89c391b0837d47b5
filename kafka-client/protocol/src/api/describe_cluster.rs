//! DescribeCluster (60): the cluster's id and its nodes, for administration.
//!
//! Admin method `describeCluster`; any broker answers it. With `bootstrap.controllers` a controller
//! does, and the client learns from it which one is active (KIP-919). Since Kafka 2.8 (KIP-700);
//! older brokers are asked for their [`metadata`](crate::api::metadata) instead.
//!
//! Versions: 1 tells of controllers as well (KIP-919, Kafka 3.7); 2 of fenced brokers (KIP-1073,
//! Kafka 4.0).

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields};

/// Asks for the cluster's nodes.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 60, versions = 0..=2, flexible = 0, response = DescribeClusterResponse)]
pub struct DescribeClusterRequest {
    /// Whether to tell what the caller may do with the cluster.
    pub include_cluster_authorized_operations: bool,
    /// What is asked for: 1 brokers, 2 controllers (KIP-919).
    #[field(versions = 1.., default = 1)]
    pub endpoint_type: i8,
    /// Whether to list fenced brokers too (KIP-1073).
    #[field(versions = 2..)]
    pub include_fenced_brokers: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// The cluster's nodes. MISMATCHED_ENDPOINT_TYPE says that a broker was asked for controllers or a
/// controller for brokers, UNSUPPORTED_ENDPOINT_TYPE that there is no such type (KIP-919).
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 60, versions = 0..=2, flexible = 0)]
pub struct DescribeClusterResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// What is wrong in words, null for no error.
    #[field(nullable = ..)]
    pub error_message: Option<StrBytes>,
    /// What is asked for: 1 brokers, 2 controllers (KIP-919).
    #[field(versions = 1.., default = 1)]
    pub endpoint_type: i8,
    /// Id of the cluster.
    pub cluster_id: StrBytes,
    /// Id of the active controller, or of any broker to send its requests to; -1 if unknown.
    #[field(default = -1)]
    pub controller_id: i32,
    /// The brokers.
    pub brokers: Vec<DescribeClusterBroker>,
    /// Bits of the operations that the caller may do with the cluster, `i32::MIN` if not asked
    /// for.
    #[field(default = i32::MIN)]
    pub cluster_authorized_operations: i32,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// A broker or controller of the cluster.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeClusterBroker {
    /// Id of the node.
    #[field(key)]
    pub broker_id: i32,
    /// Host name to connect to.
    pub host: StrBytes,
    /// Port to connect to.
    pub port: i32,
    /// Rack of the broker, null if it has none.
    #[field(nullable = ..)]
    pub rack: Option<StrBytes>,
    /// Whether the broker is fenced off from the cluster (KIP-1073).
    #[field(versions = 2..)]
    pub is_fenced: bool,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
