//! GetTelemetrySubscriptions (key 71), version 0: which metrics a client is to push (KIP-714). Served
//! only where somebody reads them, [`Builder::telemetry`](crate::Builder::telemetry).

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::get_telemetry_subscriptions::{
    GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse,
};
use kafka_client_protocol::records::Compression;

use super::{Api, Call};

/// In Kafka's order: clients take the first that they know.
const ACCEPTED: [Compression; 4] = [
    Compression::Zstd,
    Compression::Lz4,
    Compression::Gzip,
    Compression::Snappy,
];

impl Api for GetTelemetrySubscriptionsRequest {
    async fn answer(self, call: &Call<'_>) -> GetTelemetrySubscriptionsResponse {
        let Some(mut telemetry) = call.node.telemetry() else {
            return self.refuse(ErrorCode::UNSUPPORTED_VERSION);
        };
        let id = match self.client_instance_id {
            id if id.is_zero() => call.node.env.uuid(),
            id => id,
        };
        let settings = call.node.settings.get();
        let now_ms = i64::try_from(call.node.env.now_ms()).unwrap_or(i64::MAX);
        let asker = call.asker();
        let subscription = match telemetry.subscription(id, &asker, &settings, now_ms) {
            Ok(subscription) => subscription,
            Err(error) => return self.refuse(error),
        };
        let bytes_max = settings.config().telemetry_bytes_max;
        GetTelemetrySubscriptionsResponse {
            client_instance_id: id,
            subscription_id: subscription.id,
            accepted_compression_types: ACCEPTED.map(|codec| codec.id().cast_signed()).to_vec(),
            push_interval_ms: subscription.interval_ms,
            telemetry_max_bytes: i32::try_from(bytes_max).unwrap_or(i32::MAX),
            delta_temporality: true,
            requested_metrics: subscription.metrics.into_iter().map(Into::into).collect(),
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> GetTelemetrySubscriptionsResponse {
        GetTelemetrySubscriptionsResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}
