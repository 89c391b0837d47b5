//! The endpoint by which other programs inject faults.

use kafka_broker::Broker;
use kafka_client_protocol::ErrorCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::groups::{GROUP, heartbeat, join, sync};
use crate::support::{Client, batch, batch_of, start};

async fn with_endpoint() -> Broker {
    let broker = start(Broker::builder().faults_endpoint("127.0.0.1:0")).await;
    broker.create_topic("t", 1).unwrap();
    broker
}

async fn call(broker: &Broker, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
    let address = broker.faults_address().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = [head, body].concat();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

async fn post(broker: &Broker, path: &str, body: Value) -> (u16, Value) {
    call(broker, "POST", path, &body).await
}

#[tokio::test]
async fn there_is_no_endpoint_unless_it_is_asked_for() {
    let broker = start(Broker::builder()).await;
    assert_eq!(broker.faults_address(), None);
}

#[tokio::test]
async fn faults_are_injected_listed_released_and_removed() {
    let broker = with_endpoint().await;
    let mut client = Client::named(&broker, "me");
    let refused = json!({
        "when": {"api": "Produce", "topic": "t", "partition": 0, "client_id": "me", "times": 2},
        "then": [{"error": "NOT_ENOUGH_REPLICAS"}],
    });
    let (status, told) = post(&broker, "/faults", refused).await;
    assert_eq!((status, &told["id"]), (200, &json!(1)));
    let answer = client.produce("t", 0, batch(&["a"])).await;
    assert_eq!(answer.error_code, ErrorCode::NOT_ENOUGH_REPLICAS.code());
    let (_, all) = call(&broker, "GET", "/faults", &Value::Null).await;
    assert_eq!(
        (&all[0]["hits"], &all[0]["released"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(
        call(&broker, "DELETE", "/faults/1", &Value::Null).await.0,
        200
    );
    assert_eq!(
        call(&broker, "DELETE", "/faults/1", &Value::Null).await.0,
        404
    );
    assert_eq!(client.produce("t", 0, batch(&["a"])).await.error_code, 0);

    let held = json!({"when": {"api": "Produce"}, "then": ["apply", "hold"]});
    post(&broker, "/faults", held).await;
    let handle = async {
        while broker.end_offset("t", 0) < Some(2) {
            tokio::task::yield_now().await;
        }
        assert_eq!(post(&broker, "/faults/2/release", Value::Null).await.0, 200);
    };
    let (answer, ()) = tokio::join!(client.produce("t", 0, batch(&["b"])), handle);
    assert_eq!((answer.error_code, answer.base_offset), (0, 1));
    call(&broker, "DELETE", "/faults", &Value::Null).await;
    let (_, all) = call(&broker, "GET", "/faults", &Value::Null).await;
    assert_eq!(all, json!([]));
}

#[tokio::test]
async fn every_step_has_a_form() {
    let broker = with_endpoint().await;
    let leader = json!({"topic": "t", "partition": 0, "leader_id": 5, "leader_epoch": 9});
    for (when, then) in [
        (
            json!({"api": "Produce", "versions": [3, 9], "probability": 0.5}),
            json!([{"delay_ms": 1}]),
        ),
        (
            json!({"api": "Heartbeat", "group": "g", "member": "m"}),
            json!(["hold"]),
        ),
        (
            json!({"listener": "SSL", "connection": 4, "skip": 2}),
            json!(["apply", "close"]),
        ),
        (
            json!({"api": "Produce"}),
            json!([{"error_for": {"topic": "t", "partition": 0, "error": "NOT_LEADER_OR_FOLLOWER"}}]),
        ),
        (
            json!({"api": "Metadata", "always": true}),
            json!([{"record": "a"}]),
        ),
        (
            json!({"api": "Metadata"}),
            json!([{"replay": "a"}, {"throttle_ms": 5}]),
        ),
        (
            json!({"api": "Metadata"}),
            json!([{"leader": leader}, {"no_partitions": "t"}]),
        ),
        (
            json!({"api": "Fetch"}),
            json!([
                {"leader_hint": leader},
                {"leader_endpoint": {"leader_id": 2, "host": "h", "port": 9093}},
                "unknown_tags"
            ]),
        ),
        (
            json!({}),
            json!([{"corrupt": 8}, "duplicate", {"truncate": 7}, "reset"]),
        ),
        (json!({}), json!([{"bytes_per_second": 100}, "silence"])),
    ] {
        let (status, told) = post(&broker, "/faults", json!({"when": when, "then": then})).await;
        assert_eq!(status, 200, "{told}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_reason() {
    let broker = with_endpoint().await;
    for (fault, reason) in [
        (json!({"then": ["close"], "wen": {}}), "wen"),
        (json!({"when": {"api": "Fetsch"}, "then": []}), "Fetsch"),
        (
            json!({"when": {"probability": 2.0}, "then": []}),
            "from 0 to 1",
        ),
        (
            json!({"when": {"times": 1, "always": true}, "then": []}),
            "one of them",
        ),
        (json!({"then": [{"error": "NO_SUCH"}]}), "NO_SUCH"),
        (json!({"then": ["close", "apply"]}), "after the end"),
        (json!({"then": [{"bytes_per_second": 0}]}), "nonzero"),
        (
            json!({"when": {"api": "Produce", "group": "g"}, "then": []}),
            "no groups",
        ),
    ] {
        let (status, told) = post(&broker, "/faults", fault).await;
        let text = told["error"].as_str().unwrap();
        assert!(status == 400 && text.contains(reason), "{status} {text}");
    }
    for path in [
        "/",
        "/faults/x/release",
        "/state/explode",
        "/faults/7/release",
    ] {
        assert_eq!(post(&broker, path, json!({})).await.0, 404, "{path}");
    }
    let unknown = json!({"topic": "nope", "partition": 0});
    let (status, told) = post(&broker, "/state/elect", unknown).await;
    assert_eq!(
        (status, &told["code"]),
        (409, &json!("UNKNOWN_TOPIC_OR_PARTITION"))
    );
}

#[tokio::test]
async fn the_state_is_changed_and_the_journal_read() {
    let broker = with_endpoint().await;
    let mut client = Client::new(&broker);
    client.produce("t", 0, batch_of(&["a"], (9, 0, 0))).await;
    client.produce("t", 0, batch(&["b"])).await;
    let partition = json!({"topic": "t", "partition": 0});
    let with = |name: &str, value: i64| {
        let mut body = partition.clone();
        body[name] = json!(value);
        body
    };
    let told = post(&broker, "/state/elect", partition.clone()).await;
    assert_eq!(told, (200, json!({"leader_epoch": 1})));
    let told = post(&broker, "/state/truncate", with("offset", 1)).await;
    assert_eq!(told, (200, json!({"end_offset": 1})));
    let mut held = partition.clone();
    held["hold"] = json!(true);
    let told = post(&broker, "/state/hold_high_watermark", held).await;
    assert_eq!(told, (200, json!({"high_watermark": 1})));
    let told = post(&broker, "/state/forget_producer", with("producer_id", 9)).await;
    assert_eq!(told, (200, json!({"known": true})));
    let told = post(&broker, "/state/evict_fetch_sessions", json!({})).await;
    assert_eq!(told, (200, json!({"evicted": 0})));
    let joined = join(&mut client).await;
    sync(&mut client, &joined).await;
    let moved = post(&broker, "/state/move_coordinator", json!({"group": GROUP})).await;
    assert_eq!(moved.0, 200);
    let told = heartbeat(&mut client, &joined).await;
    assert_eq!(told, ErrorCode::NOT_COORDINATOR);

    let (_, journal) = call(&broker, "GET", "/journal", &Value::Null).await;
    let first = &journal[0];
    assert_eq!(
        (&first["api"], &first["version"]),
        (&json!("Produce"), &json!(12))
    );
    assert_eq!(
        (&first["topics"], &first["outcome"]),
        (&json!(["t"]), &json!("answered"))
    );
    assert!(first["answer"].as_str().unwrap().starts_with("AAAA"));
    call(&broker, "DELETE", "/journal", &Value::Null).await;
    let (_, journal) = call(&broker, "GET", "/journal", &Value::Null).await;
    assert_eq!(journal, json!([]));
}
