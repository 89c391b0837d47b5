//! PushTelemetry (key 72), version 0: metrics of a client (KIP-714). Served only where somebody reads
//! them, [`Builder::telemetry`](crate::Builder::telemetry).

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::push_telemetry::{PushTelemetryRequest, PushTelemetryResponse};

use super::{Api, Call};
use crate::telemetry::Push;

impl Api for PushTelemetryRequest {
    async fn answer(self, call: &Call<'_>) -> PushTelemetryResponse {
        let Some(mut telemetry) = call.node.telemetry() else {
            return self.refuse(ErrorCode::UNSUPPORTED_VERSION);
        };
        let env = &call.node.env;
        let push = Push {
            subscription_id: self.subscription_id,
            terminating: self.terminating,
            compression_type: self.compression_type,
            metrics: self.metrics.clone(),
        };
        let taken = telemetry.push(
            self.client_instance_id,
            &call.asker(),
            &push,
            &call.node.settings.get(),
            i64::try_from(env.now_ms()).unwrap_or(i64::MAX),
            env.wall_ms(),
        );
        self.refuse(taken.err().unwrap_or(ErrorCode::NONE))
    }

    fn refuse(&self, error: ErrorCode) -> PushTelemetryResponse {
        PushTelemetryResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}
