//! PushTelemetry (72): metrics from a client.
//!
//! Sent by the telemetry of every client (`enable.metrics.push`), at the interval that
//! GetTelemetrySubscriptions told, and once more on closing. It goes to any broker. Since KIP-714
//! (Kafka 3.7). There is one version.

use bytes::Bytes;
use kafka_client_derive::Message;

use crate::types::{TaggedFields, Uuid};

/// The metrics subscribed to.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 72, versions = 0..=0, flexible = 0, response = PushTelemetryResponse)]
pub struct PushTelemetryRequest {
    /// Id that the broker gave the client.
    pub client_instance_id: Uuid,
    /// Number of the set of metrics that these are.
    pub subscription_id: i32,
    /// Whether this is the last push, of a client that closes.
    pub terminating: bool,
    /// Codec of `metrics`: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub compression_type: i8,
    /// `MetricsData` of OpenTelemetry (version 1, protobuf), compressed.
    pub metrics: Bytes,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// Whether the metrics are taken.
///
/// UNKNOWN_SUBSCRIPTION_ID and UNSUPPORTED_COMPRESSION_TYPE: ask for the subscription again;
/// TELEMETRY_TOO_LARGE and THROTTLING_QUOTA_EXCEEDED: wait an interval; INVALID_REQUEST and
/// INVALID_RECORD: stop.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 72, versions = 0..=0, flexible = 0)]
pub struct PushTelemetryResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
