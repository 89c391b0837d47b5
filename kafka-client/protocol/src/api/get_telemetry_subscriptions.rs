//! GetTelemetrySubscriptions (71): which metrics the cluster wants from this client.
//!
//! Sent by the telemetry of every client (`enable.metrics.push`), before the first PushTelemetry
//! and whenever the subscription has changed. It goes to any broker; only those with a plugin that
//! takes metrics list this API. Since KIP-714 (Kafka 3.7). There is one version.

use kafka_client_derive::Message;

use crate::types::{StrBytes, TaggedFields, Uuid};

/// Asks for an id, and for the metrics wanted.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 71, versions = 0..=0, flexible = 0, response = GetTelemetrySubscriptionsResponse)]
pub struct GetTelemetrySubscriptionsRequest {
    /// Id of this client, zero in the first request.
    pub client_instance_id: Uuid,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}

/// What to push, how often and how.
///
/// THROTTLING_QUOTA_EXCEEDED: asked too early, wait an interval; INVALID_REQUEST and
/// UNSUPPORTED_VERSION: stop.
#[derive(Debug, Clone, PartialEq, Message)]
#[message(api_key = 71, versions = 0..=0, flexible = 0)]
pub struct GetTelemetrySubscriptionsResponse {
    /// Milliseconds that the client is to pause because of a quota, 0 for none.
    pub throttle_time_ms: i32,
    /// An error code, 0 for none.
    pub error_code: i16,
    /// Id that the broker gives the client, if the request had none; otherwise zero.
    pub client_instance_id: Uuid,
    /// Number of the present set of metrics, to be sent with them.
    pub subscription_id: i32,
    /// Codecs that the broker takes, preferred first: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub accepted_compression_types: Vec<i8>,
    /// Milliseconds between two pushes.
    pub push_interval_ms: i32,
    /// Most bytes of metrics in a push.
    pub telemetry_max_bytes: i32,
    /// Whether counters are sent as differences from the push before; otherwise as totals.
    pub delta_temporality: bool,
    /// Prefixes of the names of the metrics wanted; no entry for none, a single `*` for all.
    pub requested_metrics: Vec<StrBytes>,
    /// Tagged fields of later versions.
    pub unknown_tagged_fields: TaggedFields,
}
