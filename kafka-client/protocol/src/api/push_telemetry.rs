//! PushTelemetry (72): TODO

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{TaggedFields, Uuid};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 72, versions = 0..=0, flexible = 0, response = PushTelemetryResponse)]
pub struct PushTelemetryRequest {
    // ABOUT Unique id for this client instance.
    /// TODO
    pub client_instance_id: Uuid,
    // ABOUT Unique identifier for the current subscription.
    /// TODO
    pub subscription_id: i32,
    // ABOUT Client is terminating the connection.
    /// TODO
    pub terminating: bool,
    // ABOUT Compression codec used to compress the metrics.
    /// TODO
    pub compression_type: i8,
    // ABOUT Metrics encoded in OpenTelemetry MetricsData v1 protobuf format.
    /// TODO
    pub metrics: Bytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 72, versions = 0..=0, flexible = 0)]
pub struct PushTelemetryResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
