//! Metrics of clients (KIP-714): asked for, pushed, and read by a test.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use kafka_broker::{Broker, Builder};
use kafka_client_protocol::api::api_versions::ApiVersionsRequest;
use kafka_client_protocol::api::get_telemetry_subscriptions::{
    GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse,
};
use kafka_client_protocol::api::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use kafka_client_protocol::api::push_telemetry::PushTelemetryRequest;
use kafka_client_protocol::{ErrorCode, Uuid};
use tokio::time::sleep;

use crate::support::{Client, NOW, start};

const CLIENT_METRICS: i8 = 16;

fn builder() -> Builder {
    let clock = || UNIX_EPOCH + Duration::from_millis(NOW as u64);
    Broker::builder()
        .telemetry(true)
        .wall_clock(std::sync::Arc::new(clock))
}

async fn subscribe(client: &mut Client, name: &str, settings: &[(&str, &str)]) {
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: CLIENT_METRICS,
            resource_name: name.into(),
            configs: settings
                .iter()
                .map(|(name, value)| AlterableConfig {
                    name: (*name).into(),
                    value: Some((*value).into()),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = client.call(&request, 1).await;
    assert_eq!(answer.responses[0].error_code, 0);
}

async fn ask(client: &mut Client, id: Uuid) -> GetTelemetrySubscriptionsResponse {
    let request = GetTelemetrySubscriptionsRequest {
        client_instance_id: id,
        ..Default::default()
    };
    client.call(&request, 0).await
}

fn push_of(asked: &GetTelemetrySubscriptionsResponse, metrics: &[u8]) -> PushTelemetryRequest {
    PushTelemetryRequest {
        client_instance_id: asked.client_instance_id,
        subscription_id: asked.subscription_id,
        metrics: Bytes::copy_from_slice(metrics),
        ..Default::default()
    }
}

async fn push(client: &mut Client, request: &PushTelemetryRequest) -> ErrorCode {
    ErrorCode::new(client.call(request, 0).await.error_code)
}

#[tokio::test(start_paused = true)]
async fn what_clients_push_is_there_to_read() {
    let broker = start(builder()).await;
    let mut client = Client::named(&broker, "app");
    let settings = [("metrics", "org.apache,other"), ("interval.ms", "1000")];
    subscribe(&mut client, "s", &settings).await;
    subscribe(
        &mut client,
        "others",
        &[("match", "client_id=ap"), ("metrics", "*")],
    )
    .await;
    let asked = ask(&mut client, Uuid::ZERO).await;
    assert_eq!(asked.error_code, 0);
    assert!(!asked.client_instance_id.is_zero());
    assert_eq!(asked.requested_metrics, ["org.apache", "other"]);
    assert_eq!(asked.push_interval_ms, 1000);
    assert_eq!(asked.telemetry_max_bytes, 1 << 20);
    assert_eq!(asked.accepted_compression_types, [4, 3, 1, 2]);
    assert!(asked.delta_temporality);
    assert_eq!(
        push(&mut client, &push_of(&asked, b"otlp")).await,
        ErrorCode::NONE
    );
    let pushes = broker.telemetry();
    assert_eq!(pushes.len(), 1);
    assert_eq!(pushes[0].client_instance_id, asked.client_instance_id);
    assert_eq!(pushes[0].client_id, "app");
    assert_eq!(pushes[0].metrics[..], b"otlp"[..]);
    assert_eq!(
        pushes[0].received,
        UNIX_EPOCH + Duration::from_millis(NOW as u64)
    );
    assert!(!pushes[0].terminating);
}

#[tokio::test(start_paused = true)]
async fn pushes_are_checked_as_in_kafka() {
    let broker = start(builder().property("telemetry.max.bytes", "100")).await;
    let mut client = Client::new(&broker);
    subscribe(
        &mut client,
        "s",
        &[("metrics", "*"), ("interval.ms", "1000")],
    )
    .await;
    let asked = ask(&mut client, Uuid::ZERO).await;
    let id = asked.client_instance_id;
    let good = push_of(&asked, b"x");
    assert_eq!(
        ask(&mut client, id).await.error_code,
        ErrorCode::THROTTLING_QUOTA_EXCEEDED.code()
    );
    assert_eq!(push(&mut client, &good).await, ErrorCode::NONE);
    assert_eq!(
        push(&mut client, &good).await,
        ErrorCode::THROTTLING_QUOTA_EXCEEDED
    );

    let wait = || sleep(Duration::from_millis(1001));
    let none = PushTelemetryRequest {
        client_instance_id: Uuid::ZERO,
        ..good.clone()
    };
    assert_eq!(push(&mut client, &none).await, ErrorCode::INVALID_REQUEST);
    wait().await;
    let unknown = PushTelemetryRequest {
        subscription_id: good.subscription_id ^ 1,
        ..good.clone()
    };
    assert_eq!(
        push(&mut client, &unknown).await,
        ErrorCode::UNKNOWN_SUBSCRIPTION_ID
    );
    // Who was told so asks at once.
    assert_eq!(ask(&mut client, id).await.error_code, 0);
    wait().await;
    let codec = PushTelemetryRequest {
        compression_type: 5,
        ..good.clone()
    };
    assert_eq!(
        push(&mut client, &codec).await,
        ErrorCode::UNSUPPORTED_COMPRESSION_TYPE
    );
    wait().await;
    let large = push_of(&asked, &[0; 101]);
    assert_eq!(
        push(&mut client, &large).await,
        ErrorCode::TELEMETRY_TOO_LARGE
    );
    wait().await;
    let damaged = PushTelemetryRequest {
        compression_type: 4,
        ..good.clone()
    };
    assert_eq!(push(&mut client, &damaged).await, ErrorCode::INVALID_RECORD);
    wait().await;
    // 1,985 zeros in snappy: a copy of 64 bytes is three bytes.
    let copies = [0xfe, 0x01, 0x00].repeat(31);
    let bomb = [&[0xc1, 0x0f, 0x00, 0x00][..], &copies].concat();
    let bomb = PushTelemetryRequest {
        compression_type: 2,
        ..push_of(&asked, &bomb)
    };
    let refused = push(&mut client, &bomb).await;
    assert_eq!(refused, ErrorCode::TELEMETRY_TOO_LARGE);
    // The last one may come early, and nothing after it.
    let last = PushTelemetryRequest {
        terminating: true,
        ..good.clone()
    };
    assert_eq!(push(&mut client, &last).await, ErrorCode::NONE);
    wait().await;
    assert_eq!(push(&mut client, &good).await, ErrorCode::INVALID_REQUEST);
    assert_eq!(broker.telemetry().len(), 2);
    assert!(broker.telemetry()[1].terminating);
}

#[tokio::test(start_paused = true)]
async fn a_changed_subscription_holds_at_once() {
    let broker = start(builder()).await;
    let mut client = Client::named(&broker, "app");
    let asked = ask(&mut client, Uuid::ZERO).await;
    assert!(asked.requested_metrics.is_empty());
    assert_eq!(asked.push_interval_ms, 300_000);
    let by_name = [
        ("match", "client_id=a.*,client_source_address=memory.*"),
        ("metrics", "a"),
    ];
    subscribe(&mut client, "s", &by_name).await;
    let again = ask(&mut client, asked.client_instance_id).await;
    assert_eq!(again.error_code, 0);
    assert_eq!(again.requested_metrics, ["a"]);
    assert_ne!(again.subscription_id, asked.subscription_id);
    let old = push_of(&asked, b"x");
    assert_eq!(
        push(&mut client, &old).await,
        ErrorCode::UNKNOWN_SUBSCRIPTION_ID
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_is_forgotten_with_its_connection() {
    let broker = start(builder()).await;
    let mut client = Client::new(&broker);
    let id = ask(&mut client, Uuid::ZERO).await.client_instance_id;
    let mut other = Client::new(&broker);
    let too_early = ErrorCode::THROTTLING_QUOTA_EXCEEDED.code();
    assert_eq!(ask(&mut other, id).await.error_code, too_early);
    drop(client);
    while broker.connections() > 1 {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(ask(&mut other, id).await.error_code, 0);
}

#[tokio::test]
async fn a_broker_that_nobody_reads_them_from_does_not_offer_it() {
    for telemetry in [false, true] {
        let broker = start(Broker::builder().telemetry(telemetry)).await;
        let mut client = Client::new(&broker);
        let versions = client.call(&ApiVersionsRequest::default(), 0).await;
        let offered = versions
            .api_keys
            .iter()
            .filter(|api| [71, 72].contains(&api.api_key));
        assert_eq!(offered.count(), if telemetry { 2 } else { 0 });
        let asked = client
            .try_call(&GetTelemetrySubscriptionsRequest::default(), 0)
            .await;
        assert_eq!(asked.is_some(), telemetry);
    }
}
