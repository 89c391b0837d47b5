//! Quotas: who is over one is told to pause, and is not read meanwhile.

use std::time::Duration;

use kafka_broker::Broker;
use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::alter_client_quotas::{
    AlterClientQuotasRequest, EntityData, EntryData, OpData,
};
use kafka_client_protocol::api::api_versions::ApiVersionsRequest;
use kafka_client_protocol::api::describe_client_quotas::{
    ComponentData, DescribeClientQuotasRequest,
};
use kafka_client_protocol::api::fetch::FetchRequest;
use kafka_client_protocol::api::produce::ProduceRequest;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::security::plain;
use crate::support::{Client, batch, fetch_request, produce_request, records, start};

fn entity(parts: &[(&str, Option<&str>)]) -> Vec<EntityData> {
    let parts = parts.iter().map(|(kind, name)| EntityData {
        entity_type: (*kind).into(),
        entity_name: name.map(Into::into),
        ..Default::default()
    });
    parts.collect()
}

/// Sets a quota, or removes it.
async fn alter(
    client: &mut Client,
    parts: &[(&str, Option<&str>)],
    key: &str,
    value: Option<f64>,
) -> ErrorCode {
    let request = AlterClientQuotasRequest {
        entries: vec![EntryData {
            entity: entity(parts),
            ops: vec![OpData {
                key: key.into(),
                value: value.unwrap_or_default(),
                remove: value.is_none(),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let answer = client.call(&request, 1).await;
    ErrorCode::from(answer.entries[0].error_code)
}

/// The entities that a filter takes, and their quotas, in words.
async fn describe(
    client: &mut Client,
    filter: &[(&str, i8, Option<&str>)],
    strict: bool,
) -> Vec<String> {
    let request = DescribeClientQuotasRequest {
        components: filter
            .iter()
            .map(|(kind, match_type, name)| ComponentData {
                entity_type: (*kind).into(),
                match_type: *match_type,
                r#match: name.map(Into::into),
                ..Default::default()
            })
            .collect(),
        strict,
        ..Default::default()
    };
    let answer = client.call(&request, 1).await;
    let entries = answer.entries.unwrap_or_default().into_iter();
    entries
        .map(|entry| {
            let entity = entry.entity.iter().map(|part| {
                let name = part.entity_name.as_deref().unwrap_or("<default>");
                format!("{}={name}", part.entity_type)
            });
            let values = entry
                .values
                .iter()
                .map(|value| format!("{}={}", value.key, value.value));
            entity.chain(values).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_producer_over_its_quota_is_told_and_not_read_meanwhile() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut admin = Client::named(&broker, "admin");
    let slow = [("client-id", Some("slow"))];
    assert_eq!(
        alter(&mut admin, &slow, "producer_byte_rate", Some(1000.0)).await,
        ErrorCode::NONE
    );
    let mut client = Client::named(&broker, "slow");
    let request = produce_request("t", 0, batch(&[&"x".repeat(20_000)]));
    let began = Instant::now();
    let answer = client.call(&request, 9).await;
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    assert_eq!(began.elapsed(), Duration::ZERO, "the answer comes at once");
    let told = Duration::from_millis(answer.throttle_time_ms as u64);
    // 20,000 bytes in 10 s are twice the quota.
    assert!((10..=11).contains(&told.as_secs()), "{told:?}");
    client.call(&ApiVersionsRequest::default(), 0).await;
    let waited = began.elapsed();
    assert!(
        waited >= told && waited < told + Duration::from_millis(10),
        "{waited:?}"
    );

    let mut other = Client::named(&broker, "other");
    assert_eq!(other.call(&request, 9).await.throttle_time_ms, 0);
    assert_eq!(
        alter(&mut admin, &slow, "producer_byte_rate", None).await,
        ErrorCode::NONE
    );
    assert_eq!(client.call(&request, 9).await.throttle_time_ms, 0);
}

#[tokio::test(start_paused = true)]
async fn without_acks_only_the_pause_is_left() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    alter(
        &mut client,
        &[("user", Some("ANONYMOUS"))],
        "producer_byte_rate",
        Some(1000.0),
    )
    .await;
    let request = ProduceRequest {
        acks: 0,
        ..produce_request("t", 0, batch(&[&"x".repeat(20_000)]))
    };
    let began = Instant::now();
    client.send(&request, 9).await;
    let versions = ApiVersionsRequest::default();
    let id = client.send(&versions, 0).await;
    client.receive::<ApiVersionsRequest>(0, id).await.unwrap();
    assert!(
        began.elapsed() > Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(broker.end_offset("t", 0), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_consumer_over_its_quota_gets_nothing_now_and_all_later() {
    let broker = start(Broker::builder()).await;
    // The records are old.
    broker
        .create_topic_with("t", 1, [("retention.ms", "-1")])
        .unwrap();
    let mut client = Client::new(&broker);
    for _ in 0..3 {
        client.produce("t", 0, batch(&[&"x".repeat(6_000)])).await;
    }
    alter(
        &mut client,
        &[("user", None)],
        "consumer_byte_rate",
        Some(1000.0),
    )
    .await;
    let mut offset = 0;
    let mut held_back = 0;
    let began = Instant::now();
    while offset < 3 {
        let answer = client.call(&fetch_request("t", 0, offset), 12).await;
        match answer.responses.first() {
            Some(topic) => {
                let (last, _) = records(&topic.partitions[0]).pop().unwrap();
                offset = last + 1;
                assert_eq!(answer.throttle_time_ms, 0);
            }
            None => {
                held_back += 1;
                assert!(answer.throttle_time_ms > 0);
            }
        }
    }
    assert!(held_back > 0);
    assert!(
        began.elapsed() > Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn requests_have_a_quota_of_their_time() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    let mut client = Client::new(&broker);
    alter(
        &mut client,
        &[("user", None)],
        "request_percentage",
        Some(0.000_001),
    )
    .await;
    let began = Instant::now();
    let told = client.topic("t");
    told.await;
    client.call(&ApiVersionsRequest::default(), 0).await;
    // For a sample's time at most, however small the quota is.
    let waited = began.elapsed();
    assert!(
        waited > Duration::from_millis(500) && waited < Duration::from_secs(3),
        "{waited:?}"
    );
}

#[tokio::test]
async fn quotas_are_checked_shown_and_stored() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(Broker::builder().data_dir(dir.path())).await;
    let mut client = Client::new(&broker);
    let invalid = ErrorCode::INVALID_REQUEST;
    for (parts, key, value) in [
        (&[][..], "producer_byte_rate", 1.0),
        (&[("group", Some("x"))], "producer_byte_rate", 1.0),
        (
            &[("user", Some("x")), ("user", Some("y"))],
            "producer_byte_rate",
            1.0,
        ),
        (
            &[("user", Some("x")), ("ip", Some("y"))],
            "producer_byte_rate",
            1.0,
        ),
        (&[("user", Some("x"))], "no_such_rate", 1.0),
        (&[("user", Some("x"))], "producer_byte_rate", 0.0),
        (&[("user", Some("x"))], "producer_byte_rate", 1.5),
        (&[("user", Some("x"))], "producer_byte_rate", f64::NAN),
    ] {
        assert_eq!(
            alter(&mut client, parts, key, Some(value)).await,
            invalid,
            "{parts:?} {key}"
        );
    }
    for (parts, value) in [
        (&[("user", Some("alice"))][..], 1.0),
        (&[("user", Some("alice")), ("client-id", None)], 2.0),
        (&[("client-id", Some("c"))], 3.0),
    ] {
        let result = alter(&mut client, parts, "consumer_byte_rate", Some(value)).await;
        assert_eq!(result, ErrorCode::NONE);
    }
    broker.crash().await;
    let broker = start(Broker::builder().data_dir(dir.path())).await;
    let mut client = Client::new(&broker);
    let alice = "user=alice consumer_byte_rate=1";
    let both = "user=alice client-id=<default> consumer_byte_rate=2";
    let other = "client-id=c consumer_byte_rate=3";
    for (filter, strict, expected) in [
        (&[][..], false, &[other, alice, both][..]),
        (&[], true, &[]),
        (&[("user", 0, Some("alice"))], false, &[alice, both]),
        (&[("user", 0, Some("alice"))], true, &[alice]),
        (&[("user", 0, Some("bob"))], false, &[]),
        (&[("client-id", 1, None)], false, &[both]),
        (&[("client-id", 2, None)], false, &[other, both]),
        (&[("user", 2, None), ("client-id", 2, None)], true, &[both]),
        // No filters at all: answered with an error, and so without entities.
        (&[("user", 0, None)], false, &[]),
        (&[("topic", 0, Some("x"))], false, &[]),
    ] {
        let found = describe(&mut client, filter, strict).await;
        assert_eq!(found, expected, "{filter:?} {strict}");
    }
}

#[tokio::test]
async fn authentication_is_outside_the_quotas() {
    let builder = Broker::builder()
        .listener("SASL_PLAINTEXT", "127.0.0.1:0")
        .user("alice", "secret");
    let broker = start(builder).await;
    let mut admin = Client::named(&broker, "admin");
    let everybody = [("user", None)];
    alter(
        &mut admin,
        &everybody,
        "request_percentage",
        Some(0.000_001),
    )
    .await;
    let connector = broker.connector_of("SASL_PLAINTEXT").unwrap();
    let mut client = Client::over(connector.connect(), "test");
    let began = Instant::now();
    let versions = client.call(&ApiVersionsRequest::default(), 2).await;
    assert_eq!(versions.throttle_time_ms, 0);
    assert_eq!(plain(&mut client, "alice", "secret").await.error_code, 0);
    let waited = began.elapsed();
    assert!(waited < Duration::from_millis(900), "{waited:?}");
    let versions = client.call(&ApiVersionsRequest::default(), 2).await;
    assert!(versions.throttle_time_ms > 0);
}

#[tokio::test(start_paused = true)]
async fn a_pause_outlives_neither_the_client_nor_the_idle_limit() {
    let builder = Broker::builder().property("connections.max.idle.ms", "30000");
    let broker = start(builder).await;
    broker.create_topic("t", 1).unwrap();
    let mut admin = Client::named(&broker, "admin");
    let slow = [("client-id", Some("slow"))];
    alter(&mut admin, &slow, "producer_byte_rate", Some(1.0)).await;
    drop(admin);
    let request = produce_request("t", 0, batch(&[&"x".repeat(20_000)]));
    let mut client = Client::named(&broker, "slow");
    let told = client.call(&request, 9).await.throttle_time_ms;
    assert!(told > 1_000_000, "{told}");
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert_eq!(broker.connections(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(broker.connections(), 0, "idle");

    let mut client = Client::named(&broker, "slow");
    client.call(&request, 9).await;
    drop(client);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(broker.connections(), 0, "gone");
}

#[tokio::test]
async fn connections_of_an_address_have_a_quota() {
    let broker = Broker::builder().start().await.unwrap();
    let mut admin = Client::new(&broker);
    let address = [("ip", Some("127.0.0.1"))];
    let set = alter(&mut admin, &address, "connection_creation_rate", Some(1.0)).await;
    assert_eq!(set, ErrorCode::NONE);
    let mut served = 0;
    for _ in 0..30 {
        let stream = TcpStream::connect(broker.bootstrap()).await.unwrap();
        let mut client = Client::over(stream, "test");
        served += usize::from(client.try_send(&ApiVersionsRequest::default(), 0).await);
    }
    // One a second over the ten seconds of the window, in which there were none before.
    assert!((5..=15).contains(&served), "{served}");
}

#[tokio::test(start_paused = true)]
async fn a_session_tells_later_what_was_held_back() {
    let broker = start(Broker::builder()).await;
    broker.create_topic("t", 1).unwrap();
    broker.create_topic("empty", 1).unwrap();
    let mut admin = Client::named(&broker, "admin");
    let slow = [("client-id", Some("slow"))];
    let value = "x".repeat(8_000);
    admin.produce("t", 0, batch(&[&value])).await;
    let mut client = Client::named(&broker, "slow");
    let mut request = fetch_request("t", 0, 0);
    request.topics.extend(fetch_request("empty", 0, 0).topics);
    request.session_epoch = 0;
    alter(&mut admin, &slow, "consumer_byte_rate", Some(1000.0)).await;
    let first = client.call(&request, 12).await;
    assert_eq!((first.throttle_time_ms, first.responses.len()), (0, 2));
    let mut next = FetchRequest {
        session_id: first.session_id,
        session_epoch: 1,
        topics: Vec::new(),
        ..request.clone()
    };
    // Both have news, and the records are too many for the quota.
    admin.produce("empty", 0, batch(&["a"])).await;
    let held_back = client.call(&next, 12).await;
    assert!(held_back.throttle_time_ms > 0 && held_back.responses.is_empty());
    assert_eq!(held_back.session_id, first.session_id);
    next.session_epoch = 2;
    // Once the quota allows it, with nothing new since: the same news.
    alter(&mut admin, &slow, "consumer_byte_rate", None).await;
    next.topics = fetch_request("empty", 0, 1).topics;
    next.topics.extend(fetch_request("t", 0, 1).topics);
    let told = client.call(&next, 12).await;
    let names: Vec<_> = told.responses.iter().map(|topic| &*topic.topic).collect();
    assert_eq!(names, ["empty"], "its new end");
    assert_eq!(told.responses[0].partitions[0].high_watermark, 1);

    // A full request that is held back opens no session.
    alter(&mut admin, &slow, "consumer_byte_rate", Some(1000.0)).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(client.call(&request, 12).await);
    }
    let held_back = answers.iter().find(|answer| answer.responses.is_empty());
    assert_eq!(held_back.unwrap().session_id, 0);
}

#[tokio::test(start_paused = true)]
async fn many_pauses_hold_a_connection_without_its_client_no_longer_than_one() {
    let builder = Broker::builder().property("connections.max.idle.ms", "30000");
    let broker = start(builder).await;
    broker.create_topic("t", 1).unwrap();
    let mut admin = Client::named(&broker, "admin");
    let slow = [("client-id", Some("slow"))];
    alter(&mut admin, &slow, "producer_byte_rate", Some(10.0)).await;
    drop(admin);
    let request = ProduceRequest {
        acks: 0,
        ..produce_request("t", 0, batch(&["x"]))
    };
    let mut client = Client::named(&broker, "slow");
    for _ in 0..10 {
        client.send(&request, 9).await;
    }
    drop(client);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let done = broker.end_offset("t", 0);
    assert!(done > Some(1), "{done:?}");
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(broker.connections(), 0);
}
