//! Faults, state and journal over HTTP, for tests in other languages.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::JournalEntry;
use super::form::FaultForm;
use crate::net::http::{Method, Request, Response};
use crate::node::Node;
use crate::refusal::Refusal;

/// Answers a request.
pub(crate) fn answer(node: &Node, request: &Request) -> Response {
    let path: Vec<&str> = request.path.split('/').skip(1).collect();
    let result = match (request.method, &path[..]) {
        (Method::Get, ["faults"]) => Ok(list(node)),
        (Method::Post, ["faults"]) => inject(node, &request.body),
        (Method::Delete, ["faults"]) => {
            node.faults.clear();
            Ok(json!({}))
        }
        (Method::Delete, ["faults", id]) => with_fault(id, |id| node.faults.remove(id)),
        (Method::Post, ["faults", id, "release"]) => with_fault(id, |id| node.faults.release(id)),
        (Method::Post, ["state", operation]) => change(node, operation, &request.body),
        (Method::Get, ["journal"]) => Ok(journal(node)),
        (Method::Delete, ["journal"]) => {
            node.faults.clear_journal();
            Ok(json!({}))
        }
        _ => Err(Failure::NoSuchThing),
    };
    let (status, body) = match result {
        Ok(body) => (200, body),
        Err(Failure::NoSuchThing) => (404, json!({"error": "there is no such thing"})),
        Err(Failure::Wrong(text)) => (400, json!({"error": text})),
        Err(Failure::Refused(refusal)) => {
            let code = refusal.code.name().unwrap_or("UNKNOWN");
            (409, json!({"error": refusal.message, "code": code}))
        }
    };
    Response::new(status, "application/json", format!("{body}\n"))
}

enum Failure {
    NoSuchThing,
    /// The request makes no sense.
    Wrong(String),
    Refused(Refusal),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::Wrong(error.to_string()))
}

fn list(node: &Node) -> Value {
    let all = node.faults.list().into_iter().map(|fault| {
        json!({
            "id": fault.id,
            "fault": fault.text,
            "hits": fault.hits,
            "released": fault.is_released,
        })
    });
    all.collect()
}

fn inject(node: &Node, body: &[u8]) -> Result<Value, Failure> {
    let form: FaultForm = read(body)?;
    let fault = form.into_fault().map_err(Failure::Wrong)?;
    Ok(json!({"id": node.faults.inject(fault).id()}))
}

fn with_fault(id: &str, work: impl FnOnce(u64) -> bool) -> Result<Value, Failure> {
    match id.parse().is_ok_and(work) {
        true => Ok(json!({})),
        false => Err(Failure::NoSuchThing),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfGroup {
    group: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPartition {
    topic: String,
    partition: i32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfOffset {
    topic: String,
    partition: i32,
    offset: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfHighWatermark {
    topic: String,
    partition: i32,
    hold: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfProducer {
    topic: String,
    partition: i32,
    producer_id: i64,
}

fn change(node: &Node, operation: &str, body: &[u8]) -> Result<Value, Failure> {
    Ok(match operation {
        "move_coordinator" => {
            let of: OfGroup = read(body)?;
            node.groups.move_coordinator(&of.group)?;
            json!({})
        }
        "elect" => {
            let of: OfPartition = read(body)?;
            json!({"leader_epoch": node.elect(&of.topic, of.partition)?})
        }
        "truncate" => {
            let of: OfOffset = read(body)?;
            let end = node.truncate(&of.topic, of.partition, of.offset)?;
            json!({"end_offset": end})
        }
        "hold_high_watermark" => {
            let of: OfHighWatermark = read(body)?;
            let at = node.hold_high_watermark(&of.topic, of.partition, of.hold)?;
            json!({"high_watermark": at})
        }
        "evict_fetch_sessions" => json!({"evicted": node.fetch_sessions().clear()}),
        "forget_producer" => {
            let of: OfProducer = read(body)?;
            let known = node.forget_producer(&of.topic, of.partition, of.producer_id)?;
            json!({"known": known})
        }
        _ => return Err(Failure::NoSuchThing),
    })
}

fn journal(node: &Node) -> Value {
    let all = node.faults.journal().into_iter();
    all.map(|entry| entry_form(&entry)).collect()
}

fn entry_form(entry: &JournalEntry) -> Value {
    let since = entry.received.duration_since(UNIX_EPOCH);
    let ms = since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    });
    json!({
        "received_ms": ms,
        "connection": entry.connection,
        "listener": *entry.listener,
        "peer": *entry.peer,
        "principal": *entry.principal,
        "client_id": entry.client_id,
        "api": entry.api_key.to_string(),
        "version": entry.api_version,
        "correlation_id": entry.correlation_id,
        "topics": entry.topics,
        "outcome": entry.outcome.name(),
        "request": STANDARD.encode(&entry.request),
        "answer": STANDARD.encode(&entry.answer),
    })
}

/// Serves it until the broker stops.
pub(crate) async fn serve(node: Arc<Node>, socket: tokio::net::TcpListener) {
    let of_requests = Arc::clone(&node);
    crate::net::http::serve(socket, node.stopped(), move |request| {
        let node = Arc::clone(&of_requests);
        async move { answer(&node, &request) }
    })
    .await;
}
