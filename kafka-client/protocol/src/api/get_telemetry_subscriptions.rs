//! GetTelemetrySubscriptions (71): TODO

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 71, versions = 0..=0, flexible = 0, response = GetTelemetrySubscriptionsResponse)]
pub struct GetTelemetrySubscriptionsRequest {
    // ABOUT Unique id for this client instance, must be set to 0 on the first request.
    /// TODO
    pub client_instance_id: Uuid,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// TODO message
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 71, versions = 0..=0, flexible = 0)]
pub struct GetTelemetrySubscriptionsResponse {
    // ABOUT The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request did not violate any quota.
    /// TODO
    pub throttle_time_ms: i32,
    // ABOUT The error code, or 0 if there was no error.
    /// TODO
    pub error_code: i16,
    // ABOUT Assigned client instance id if ClientInstanceId was 0 in the request, else 0.
    /// TODO
    pub client_instance_id: Uuid,
    // ABOUT Unique identifier for the current subscription set for this client instance.
    /// TODO
    pub subscription_id: i32,
    // ABOUT Compression types that broker accepts for the PushTelemetryRequest.
    /// TODO
    pub accepted_compression_types: Vec<i8>,
    // ABOUT Configured push interval, which is the lowest configured interval in the current subscription set.
    /// TODO
    pub push_interval_ms: i32,
    // ABOUT The maximum bytes of binary data the broker accepts in PushTelemetryRequest.
    /// TODO
    pub telemetry_max_bytes: i32,
    // ABOUT Flag to indicate monotonic/counter metrics are to be emitted as deltas or cumulative values.
    /// TODO
    pub delta_temporality: bool,
    // ABOUT Requested metrics prefix string match. Empty array: No metrics subscribed, Array[0] empty string: All metrics subscribed.
    /// TODO
    pub requested_metrics: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
